"""Writes trl.json: what TRL's DPOTrainer measures in ten steps on a small real model.

    python tests/golden/make_trl.py ASSETS/weights/stories260K-hf

needs torch, transformers and trl; the test only reads what it wrote. In file order, AdamW without decay, constant rate.
"""

import json
import pathlib
import random
import sys
import tempfile

import torch
from datasets import Dataset
from torch.utils.data import SequentialSampler
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import DPOConfig, DPOTrainer

FOLDER = sys.argv[1]
HERE = pathlib.Path(__file__).parent
# Two runs: one in which every row fits, one in which responses are cut and the last rows are dropped.
RUNS = {"whole": dict(max_length=512), "cut": dict(max_length=48)}
STEPS, BATCH, RATE, BETA = 10, 4, 1e-4, 0.1
KEPT = ["loss", "grad_norm", "rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies"]
KEPT += ["logps/chosen", "logps/rejected"]


def rows():
    """Thirty little stories and how they might go on."""
    draw = random.Random(1)
    who = ["the cat", "a small bear", "Tom", "Lily", "the old man", "a red bird"]
    where = ["in the park", "by the river", "under the big tree", "at home", "on the hill"]
    does = ["found a shiny stone", "saw a little dog", "wanted to play", "made a cake", "lost a blue ball"]
    ends = ["They were happy.", "It was fun.", "Then it began to rain.", "Mom said yes.", "Everyone smiled."]
    for i in range(30):
        prompt = f"One day {draw.choice(who)} was {draw.choice(where)}. " * (1 + i // 12) + draw.choice(who)
        good = f" {draw.choice(does)}. {draw.choice(ends)}"
        bad = f" {draw.choice(where)} {draw.choice(does)}" + ", and" * (i % 4) + "."
        yield dict(prompt=prompt.strip(), chosen=good * (1 + i % 2), rejected=bad)


class Keep(TrainerCallback):
    def __init__(self):
        self.lines = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            self.lines.append({name: float(logs[name]) for name in KEPT})


def train(options):
    # The trainer's own order is random.
    DPOTrainer._get_train_sampler = lambda self, dataset=None: SequentialSampler(dataset or self.train_dataset)
    keep = Keep()
    with tempfile.TemporaryDirectory() as out:
        config = DPOConfig(
            output_dir=out, per_device_train_batch_size=BATCH, max_steps=STEPS, learning_rate=RATE, beta=BETA,
            logging_steps=1, report_to=[], save_strategy="no", use_cpu=True, bf16=False, gradient_checkpointing=False,
            lr_scheduler_type="constant", warmup_steps=0, weight_decay=0.0, max_grad_norm=1.0, seed=0,
            disable_tqdm=True, **options,
        )  # fmt: skip
        model = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(FOLDER)
        data = Dataset.from_list(list(rows()))
        DPOTrainer(model=model, args=config, train_dataset=data, processing_class=tokenizer, callbacks=[keep]).train()
    return keep.lines


def main():
    runs = {name: dict(options, metrics=train(options)) for name, options in RUNS.items()}
    settings = dict(steps=STEPS, batch=BATCH, lr=RATE, beta=BETA)
    text = json.dumps(dict(settings=settings, rows=list(rows()), runs=runs), indent=1)
    (HERE / "trl.json").write_text(text + "\n")


main()
