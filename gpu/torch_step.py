#!/usr/bin/env python3
"""The same step as gpu_step, in PyTorch: transformers' Llama in bf16 with scaled-dot-product attention, fused AdamW.

    torch_step.py DATA.json [0.1b|0.5b|1b]

DATA.json holds the tokens that `gpu_step write=DATA.json` left. The last line is a JSON object.
"""

import json
import sys
import time

try:
    import torch
    import transformers
except ImportError as missing:
    sys.exit(f"torch_step.py: {missing.name} is not installed")
if not torch.cuda.is_available():
    sys.exit("torch_step.py: this PyTorch finds no GPU")

SHAPES = {
    "0.1b": (576, 1536, 30, 9, 3, 49152),
    "0.5b": (896, 4864, 24, 14, 2, 151936),
    "1b": (2048, 8192, 16, 32, 8, 128256),
}


def model(name):
    hidden, intermediate, layers, heads, key_heads, words = SHAPES[name]
    config = transformers.LlamaConfig(
        hidden_size=hidden, intermediate_size=intermediate, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=key_heads, vocab_size=words, max_position_embeddings=2048, tie_word_embeddings=True,
        use_cache=False, attn_implementation="sdpa",
    )
    config.head_dim = 64
    with torch.device("cuda"):
        return transformers.LlamaForCausalLM(config).to(torch.bfloat16)


def padded(rows):
    longest = max(len(row["tokens"]) for row in rows)
    tokens = torch.zeros(len(rows), longest, dtype=torch.long)
    seen = torch.zeros(len(rows), longest, dtype=torch.long)
    scored = torch.zeros(len(rows), longest, dtype=torch.bool)
    for i, row in enumerate(rows):
        length = len(row["tokens"])
        tokens[i, :length] = torch.tensor(row["tokens"])
        seen[i, :length] = 1
        scored[i, row["scored"] : length] = True
    return tokens.cuda(), seen.cuda(), scored.cuda()


def logp(model, tokens, seen, scored):
    """The log-probability of each response."""
    scores = model(input_ids=tokens, attention_mask=seen).logits[:, :-1].float()
    taken = scores.gather(2, tokens[:, 1:, None]).squeeze(2) - scores.logsumexp(2)
    return (taken * scored[:, 1:]).sum(1)


def main():
    name = sys.argv[2] if len(sys.argv) > 2 else "0.5b"
    batches = json.load(open(sys.argv[1]))
    torch.manual_seed(0)
    actor, reference = model(name), model(name)
    reference.requires_grad_(False)
    optimizer = torch.optim.AdamW(actor.parameters(), lr=1e-5, weight_decay=0.0, fused=True)
    torch.cuda.reset_peak_memory_stats()
    seconds, tokens = [], []
    for step, rows in enumerate(batches):
        torch.cuda.synchronize()
        start = time.perf_counter()
        batch = padded(rows)
        with torch.no_grad():
            before = logp(reference, *batch)
        margin = (logp(actor, *batch) - before).view(-1, 2)
        loss = -torch.nn.functional.logsigmoid(0.1 * (margin[:, 0] - margin[:, 1])).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(actor.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        torch.cuda.synchronize()
        took = time.perf_counter() - start
        if step >= 2:
            seconds.append(took)
            tokens.append(sum(len(row["tokens"]) for row in rows))
    print(json.dumps({
        "model": name, "step_ms": 1e3 * sum(seconds) / len(seconds), "tokens_per_second": sum(tokens) / sum(seconds),
        "peak_gb": torch.cuda.max_memory_allocated() * 1e-9, "torch": torch.__version__,
    }))


main()
