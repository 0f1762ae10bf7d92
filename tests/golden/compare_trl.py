"""Compares a run of ours with TRL's on the same rows, step by step.

usage: compare_trl.py RUN_DIR/metrics.jsonl TRL_METRICS.jsonl

Prints one line for each step and metric that both have, and the largest relative deviation of each metric.
"""
import json, sys

ours = [json.loads(line) for line in open(sys.argv[1])]
trl = [row for row in map(json.loads, open(sys.argv[2])) if "loss" in row]
names = ["loss", "rewards/chosen", "rewards/rejected", "logps/chosen", "logps/rejected", "grad_norm"]
worst = {}
print("step  " + "  ".join(f"{n:>26}" for n in names))
for mine, theirs in zip(ours, trl):
    cells = []
    for name in names:
        a, b = mine[name], theirs[name]
        # A reward is 0 at the first step on both sides; below a thousandth it is measured absolutely.
        deviation = abs(a - b) / max(abs(b), 1e-3)
        worst[name] = max(worst.get(name, 0.0), deviation)
        cells.append(f"{a:12.5f} {b:13.5f}")
    print(f"{mine['step']:4}  " + "  ".join(cells))
print("largest relative deviation:")
for name in names:
    print(f"  {name:18} {100 * worst[name]:.4f} %")
