"""Log-probability of one word a row, forward and backward, 1024 x 576 x 49152: PyTorch and Collimate in turn.

usage: python benches/head.py [ROUNDS]      (needs torch; run it in the repository)
"""

import json
import statistics
import subprocess
import sys

ROWS, WIDTH, WORDS = 1024, 576, 49152


def torch_once():
    """Seconds of the fastest of four runs, and MB beside inputs and gradients; in a process of its own.

    The most memory a process has held stays what it was while its inputs were made, until the system is told to forget it.
    """
    import time

    import torch

    torch.set_num_threads(torch.get_num_threads())
    numbers = lambda *shape: ((torch.arange(torch.Size(shape).numel()) * 7919 % 1000 - 500) * 1e-3).float().reshape(shape)
    hidden, table = numbers(ROWS, WIDTH).requires_grad_(), numbers(WORDS, WIDTH).requires_grad_()
    targets, upstream = torch.arange(ROWS) * 7919 % WORDS, numbers(ROWS)
    hidden.grad, table.grad = torch.ones_like(hidden), torch.ones_like(table)
    before, seconds = held("VmRSS"), []
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    for _ in range(4):
        start = time.perf_counter()
        logp = torch.log_softmax(hidden @ table.T, -1).gather(1, targets[:, None]).squeeze(1)
        logp.backward(upstream)
        seconds.append(time.perf_counter() - start)
    return {"seconds": min(seconds), "extra_mb": held("VmHWM") - before, "mean_logp": logp.double().mean().item()}


def held(name):
    """MB of this process, now (VmRSS) or at most (VmHWM)."""
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name)) / 1024


def run(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main(rounds):
    subprocess.run(["cargo", "bench", "-q", "--no-run", "-p", "collimate-kernels", "--bench", "head"], check=True)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(run(["cargo", "bench", "-q", "-p", "collimate-kernels", "--bench", "head"]))
        theirs.append(run([sys.executable, __file__, "--torch"]))
        print("Collimate", ours[-1], "  PyTorch", theirs[-1], flush=True)
    assert abs(ours[0]["mean_logp"] - theirs[0]["mean_logp"]) < 1e-4, "the two compute different things"
    for name, unit in [("seconds", "s"), ("extra_mb", "MB")]:
        a, b = (statistics.median(one[name] for one in all) for all in (ours, theirs))
        print(f"{name}: Collimate {a:.3g} {unit}, PyTorch {b:.3g} {unit}, ratio {b / a:.2f}")


if __name__ == "__main__":
    if "--torch" in sys.argv:
        print(json.dumps(torch_once()))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
