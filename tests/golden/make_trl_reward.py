"""Writes trl_reward.json: what TRL's RewardTrainer measures in ten steps on a small real model.

    python tests/golden/make_trl_reward.py ASSETS/weights/stories260K-hf

needs torch, transformers and trl; the test only reads what it wrote. In file order, AdamW without decay, constant rate.
Padding gets a token of its own: with the end token as padding, which is TRL's choice where a tokenizer has none, transformers
reads the score at the token before the end.
"""

import json
import math
import pathlib
import random
import sys
import tempfile

import torch
from datasets import Dataset
from torch.utils.data import SequentialSampler
from transformers import AutoModelForSequenceClassification, AutoTokenizer, TrainerCallback
from trl import RewardConfig, RewardTrainer

FOLDER = sys.argv[1]
HERE = pathlib.Path(__file__).parent
STEPS, BATCH, RATE, CENTRE = 10, 4, 1e-4, 0.01
# Bradley-Terry; with margins; with a price on scores that are not around zero.
RUNS = {
    "reward_bt": dict(margin=False, centre=None),
    "reward_margin": dict(margin=True, centre=None),
    "reward_bt@trl": dict(margin=True, centre=CENTRE),
}


def rows():
    """Forty little stories, how they might go on, and by how much one way is better."""
    draw = random.Random(2)
    who = ["the cat", "a small bear", "Tom", "Lily", "the old man", "a red bird"]
    where = ["in the park", "by the river", "under the big tree", "at home", "on the hill"]
    does = ["found a shiny stone", "saw a little dog", "wanted to play", "made a cake", "lost a blue ball"]
    ends = ["They were happy.", "It was fun.", "Then it began to rain.", "Mom said yes.", "Everyone smiled."]
    for i in range(40):
        prompt = f"One day {draw.choice(who)} was {draw.choice(where)}. " * (1 + i // 14) + draw.choice(who)
        good = f" {draw.choice(does)}. {draw.choice(ends)}"
        bad = f" {draw.choice(where)} {draw.choice(does)}" + ", and" * (i % 4) + "."
        yield dict(prompt=prompt.strip(), chosen=good * (1 + i % 2), rejected=bad, margin=1 + i % 3)


def head(width):
    """The head that both begin with."""
    return [0.2 * math.sin(0.7 * i + 0.3) for i in range(width)]


class Keep(TrainerCallback):
    def __init__(self):
        self.lines = []

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            names = {"loss": "loss", "grad_norm": "grad_norm", "accuracy": "rewards/accuracies", "margin": "rewards/margins"}
            self.lines.append({ours: float(logs[theirs]) for theirs, ours in names.items()})


def train(margin, centre):
    # The trainer's own order is random.
    RewardTrainer._get_train_sampler = lambda self, dataset=None: SequentialSampler(dataset or self.train_dataset)
    keep = Keep()
    with tempfile.TemporaryDirectory() as out:
        config = RewardConfig(
            output_dir=out, per_device_train_batch_size=BATCH, max_steps=STEPS, learning_rate=RATE, max_length=512,
            logging_steps=1, report_to=[], save_strategy="no", use_cpu=True, bf16=False, gradient_checkpointing=False,
            lr_scheduler_type="constant", warmup_steps=0, weight_decay=0.0, max_grad_norm=1.0, seed=0,
            center_rewards_coefficient=centre, pad_token="<unk>", disable_tqdm=True,
        )  # fmt: skip
        model = AutoModelForSequenceClassification.from_pretrained(FOLDER, dtype=torch.float32, num_labels=1)
        with torch.no_grad():
            model.score.weight.copy_(torch.tensor([head(model.config.hidden_size)]))
        tokenizer = AutoTokenizer.from_pretrained(FOLDER)
        data = [row if margin else {k: v for k, v in row.items() if k != "margin"} for row in rows()]
        data = Dataset.from_list(data)
        RewardTrainer(model=model, args=config, train_dataset=data, processing_class=tokenizer, callbacks=[keep]).train()
    return keep.lines


def main():
    runs = {name: train(**options) for name, options in RUNS.items()}
    settings = dict(steps=STEPS, batch=BATCH, lr=RATE, center_rewards_coefficient=CENTRE)
    text = json.dumps(dict(settings=settings, rows=list(rows()), runs=runs), indent=1)
    (HERE / "trl_reward.json").write_text(text + "\n")


main()
