#!/usr/bin/env python3
"""The same DPO steps as gpu_step, in PyTorch: transformers' model with scaled-dot-product attention, fused AdamW.

    torch_step.py FOLDER [mixed|bf16|f32] [--device cuda|cpu]

FOLDER is what `gpu_step write=FOLDER` left: data.json (tokens and numbers of all steps) and model. `mixed` is what gpu_step
computes: bf16 products, f32 weights and moments (autocast, as `bf16=True` in transformers' trainers). `bf16` also keeps
weights, gradient and moments in bf16, which saves memory and loses small updates. The last line is a JSON object.
"""

import argparse
import contextlib
import json
import pathlib
import sys
import time

try:
    import torch
    import transformers
except ImportError as missing:
    sys.exit(f"torch_step.py: {missing.name} is not installed")

WARM = 2  # steps that are not timed


def padded(pairs):
    """Chosen and rejected rows of all pairs, right-padded: tokens, which are there, which are scored."""
    rows = [(pair["prompt"], pair[side]) for side in ("chosen", "rejected") for pair in pairs]
    longest = max(len(prompt) + len(answer) for prompt, answer in rows)
    tokens = torch.zeros(len(rows), longest, dtype=torch.long)
    there, scored = torch.zeros_like(tokens), torch.zeros(len(rows), longest, dtype=torch.bool)
    for i, (prompt, answer) in enumerate(rows):
        length = len(prompt) + len(answer)
        tokens[i, :length] = torch.tensor(prompt + answer)
        there[i, :length] = 1
        scored[i, len(prompt) : length] = True
    return tokens, there, scored


def logp(model, tokens, there, scored):
    """The log-probability of each answer."""
    scores = model(input_ids=tokens, attention_mask=there, use_cache=False).logits[:, :-1].float()
    taken = scores.gather(2, tokens[:, 1:, None]).squeeze(2) - scores.logsumexp(2)
    return (taken * scored[:, 1:]).sum(1)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("precision", nargs="?", default="mixed", choices=["mixed", "bf16", "f32"])
    arguments.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    given = arguments.parse_args()
    on_gpu = given.device == "cuda"
    if on_gpu and not torch.cuda.is_available():
        sys.exit("torch_step.py: this PyTorch finds no GPU")
    plan = json.loads((given.folder / "data.json").read_text())

    def model(dtype):
        load = transformers.AutoModelForCausalLM.from_pretrained
        return load(given.folder / "model", dtype=dtype, attn_implementation="sdpa").to(given.device)

    actor = model(torch.bfloat16 if given.precision == "bf16" else torch.float32)
    # In bf16 it needs least memory; rounding then sets its answers a little apart from the actor's, at the first step too.
    reference = model(torch.float32 if given.precision == "f32" else torch.bfloat16).requires_grad_(False)
    autocast = contextlib.nullcontext
    if given.precision == "mixed":
        autocast = lambda: torch.autocast(given.device, dtype=torch.bfloat16)
    optimizer = torch.optim.AdamW(actor.parameters(), lr=plan["lr"], weight_decay=0.0, fused=on_gpu)
    wait = torch.cuda.synchronize if on_gpu else lambda: None
    losses, lengths, seconds, tokens = [], [], 0.0, 0
    for step, pairs in enumerate(plan["steps"]):
        if on_gpu and step == WARM:
            torch.cuda.reset_peak_memory_stats()
        wait()
        start = time.perf_counter()
        batch = [part.to(given.device) for part in padded(pairs)]
        with torch.no_grad():
            before = logp(reference, *batch)
        with autocast():
            ratios = (logp(actor, *batch) - before).view(2, -1)
        loss = -torch.nn.functional.logsigmoid(plan["beta"] * (ratios[0] - ratios[1])).mean()
        loss.backward()
        length = torch.nn.utils.clip_grad_norm_(actor.parameters(), plan["max_grad_norm"])
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        wait()
        took = time.perf_counter() - start
        losses.append(loss.item())
        lengths.append(length.item())
        print(f"step {step}: loss {losses[-1]:.5f}, gradient {lengths[-1]:.3f}, {1e3 * took:.1f} ms")
        if step >= WARM:
            seconds += took
            tokens += sum(2 * len(p["prompt"]) + len(p["chosen"]) + len(p["rejected"]) for p in pairs)
    timed = len(plan["steps"]) - WARM
    result = {"precision": given.precision, "torch": torch.__version__, "losses": losses, "lengths": lengths}
    result |= {"first_loss": losses[0], "last_loss": losses[-1]}
    if timed > 0:
        result |= {"step_ms": 1e3 * seconds / timed, "tokens_per_second": tokens / seconds}
    if on_gpu:
        result["peak_gb"] = torch.cuda.max_memory_allocated() * 1e-9
    print(json.dumps(result))


main()
