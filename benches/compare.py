"""DPO on one case, TRL and Collimate in turn: time of a step, most memory, and the ratios.

usage: python benches/compare.py CASE BATCH [STEPS] [ROUNDS] [-- OPTIONS OF COLLIMATE]

With `-- --dtype bf16` both sides hold the weights in bf16.

CASE is a Hugging Face folder with `prefs.jsonl` (prompt, chosen, rejected). Needs torch, transformers, trl and datasets; run it in
the repository. Both sides train (in f32 unless told otherwise) on the rows in the file's order, with the same rate, and use all cores.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time


def trl_once(case, batch, steps, dtype):
    """Seconds of each step and most memory; in a process of its own."""
    import torch
    from datasets import load_dataset
    from torch.utils.data import SequentialSampler
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import DPOConfig, DPOTrainer

    seconds = []

    class Clock(TrainerCallback):
        def on_step_begin(self, *args, **rest):
            self.start = time.perf_counter()

        def on_step_end(self, *args, **rest):
            seconds.append(time.perf_counter() - self.start)

    class InOrder(DPOTrainer):
        def _get_train_sampler(self, dataset=None):
            return SequentialSampler(self.train_dataset if dataset is None else dataset)

    with tempfile.TemporaryDirectory() as out:
        config = DPOConfig(
            output_dir=out, per_device_train_batch_size=batch, max_steps=steps, learning_rate=1e-4, beta=0.1, max_length=1024,
            lr_scheduler_type="constant", weight_decay=0.0, max_grad_norm=1.0, gradient_checkpointing=False, bf16=False,
            use_cpu=True, save_strategy="no", report_to=[], disable_tqdm=True, seed=0,
        )
        InOrder(
            model=AutoModelForCausalLM.from_pretrained(case, dtype=torch.bfloat16 if dtype == "bf16" else torch.float32),
            processing_class=AutoTokenizer.from_pretrained(case),
            train_dataset=load_dataset("json", data_files=f"{case}/prefs.jsonl", split="train"),
            args=config,
            callbacks=[Clock()],
        ).train()
    return {"steps": seconds, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def collimate_once(case, batch, steps, options):
    """The same of `collimate dpo`, built before."""
    binary = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release", "collimate")
    with tempfile.TemporaryDirectory() as out:
        out = os.path.join(out, "run")
        command = [binary, "dpo", "--model", case, "--data", f"{case}/prefs.jsonl", "--no-shuffle", "--batch", str(batch)]
        command += ["--steps", str(steps), "--lr", "1e-4", "--schedule", "constant", "--out", out, *options]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        problem = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        assert status == 0, problem
        with open(os.path.join(out, "metrics.jsonl")) as lines:
            seconds = [json.loads(line)["seconds"] for line in lines]
    return {"steps": seconds, "peak_mb": usage.ru_maxrss / 1024}


def main(case, batch, steps, rounds, options):
    subprocess.run(["cargo", "build", "-q", "--release", "-p", "collimate"], check=True)
    ours, theirs = [], []
    dtype = options[options.index("--dtype") + 1] if "--dtype" in options else "f32"
    # The first step of each side is warming up.
    step = lambda one: statistics.median(one["steps"][1:])
    for _ in range(rounds):
        ours.append(collimate_once(case, batch, steps, options))
        command = [sys.executable, __file__, "--trl", case, str(batch), str(steps), dtype]
        theirs.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]))
        for name, one in [("Collimate", ours[-1]), ("TRL", theirs[-1])]:
            print(f"{name:9} {step(one):6.2f} s a step (least {min(one['steps']):.2f}), {one['peak_mb']:6.0f} MB", flush=True)
    for name, of, unit in [("a step", step, "s"), ("memory", lambda one: one["peak_mb"], "MB")]:
        a, b = (statistics.median(map(of, all)) for all in (ours, theirs))
        print(f"{name}: Collimate {a:.3g} {unit}, TRL {b:.3g} {unit}, ratio {b / a:.2f}")


if __name__ == "__main__":
    options = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
    words = sys.argv[1 : len(sys.argv) - len(options) - 1] if options else sys.argv[1:]
    if words[0] == "--trl":
        print(json.dumps(trl_once(words[1], int(words[2]), int(words[3]), words[4])))
    else:
        numbers = [int(word) for word in words[1:]]
        main(words[0], *(numbers + [6, 3][len(numbers) - 1 :]), options)
