"""Tokens a second of generation, 64 new tokens after 64: transformers and Collimate in turn.

usage: python benches/generate.py MODEL [ROUNDS] [bf16]      (needs torch and transformers; run it in the repository)

With `bf16` both sides hold the weights in bf16.
"""

import json
import statistics
import subprocess
import sys

AT_ONCE, TOKENS = [1, 8], 64


def transformers_once(model, dtype):
    """One line for each number of samples at once; in a process of its own."""
    import time

    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(model, dtype=torch.bfloat16 if dtype == "bf16" else torch.float32).eval()
    torch.manual_seed(0)
    for samples in AT_ONCE:
        prompts = torch.randint(3, min(4000, model.config.vocab_size), (samples, TOKENS))
        options = dict(attention_mask=torch.ones_like(prompts), do_sample=True, top_k=0, pad_token_id=0)
        with torch.inference_mode():
            model.generate(prompts, max_new_tokens=4, min_new_tokens=4, **options)
            start = time.perf_counter()
            model.generate(prompts, max_new_tokens=TOKENS, min_new_tokens=TOKENS, **options)
            rate = samples * TOKENS / (time.perf_counter() - start)
        print(json.dumps({"samples": samples, "tokens_per_second": round(rate, 1)}))


def run(command):
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return {one["samples"]: one["tokens_per_second"] for one in found}


def main(model, rounds, dtype):
    bench = ["cargo", "bench", "-q", "-p", "collimate-runtime", "--bench", "generate"]
    subprocess.run([*bench, "--no-run"], check=True)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(run([*bench, "--", model, *map(str, AT_ONCE), dtype]))
        theirs.append(run([sys.executable, __file__, "--transformers", model, dtype]))
        print("Collimate", ours[-1], "  transformers", theirs[-1], flush=True)
    for samples in AT_ONCE:
        a, b = (statistics.median(one[samples] for one in all) for all in (ours, theirs))
        print(f"{samples} at once: Collimate {a:.0f} tokens/s, transformers {b:.0f}, ratio {a / b:.2f}")


if __name__ == "__main__":
    dtype = "bf16" if "bf16" in sys.argv else "f32"
    words = [word for word in sys.argv[1:] if word not in ("f32", "bf16")]
    if words[0] == "--transformers":
        transformers_once(words[1], dtype)
    else:
        main(words[0], int(words[1]) if len(words) > 1 else 3, dtype)
