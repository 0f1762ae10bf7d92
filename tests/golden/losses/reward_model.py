"""Losses of reward models."""

import torch

from .preference import C, R
from .registry import loss, ls

ATTRIBUTES = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")

ANNOTATORS = ("rejected_much_better", "rejected_better", "tie", "chosen_better", "chosen_much_better")


def lead(b):
    return b.get("reward_model", "score", C) - b.get("reward_model", "score", R)


@loss("reward_bt", "pairs")
def reward_bt(b):
    return -ls(lead(b)).mean()


@loss("reward_margin reward_margin@nemo_aligner", "pairs")
def reward_margin(b):
    return -ls(lead(b) - b.get("pair", "margin")).mean()


@loss("reward_scaled reward_scaled@nemo_aligner", "pairs")
def reward_scaled(b):
    return (b.get("pair", "margin") * -ls(lead(b))).mean()


@loss("reward_centred", "pairs", center_rewards_coefficient=(0.01, 0.4))
def reward_centred(b, center_rewards_coefficient):
    both = b.get("reward_model", "score", C) + b.get("reward_model", "score", R)
    return (-ls(lead(b)) + center_rewards_coefficient * both**2).mean()


@loss("reward_bt@trl", "pairs", center_rewards_coefficient=(0.0, 0.4))
def reward_bt_trl(b, center_rewards_coefficient):
    both = b.get("reward_model", "score", C) + b.get("reward_model", "score", R)
    return reward_margin(b) + center_rewards_coefficient * (both**2).mean()


@loss("reward_regression", "answers")
def reward_regression(b):
    miss, present = 0.0, 0.0
    for name in ATTRIBUTES:
        there = b.get("rated", f"{name}_present", "Answer")
        miss = miss + (there * (b.get("reward_model", name, "Answer") - b.get("rated", name, "Answer")) ** 2).sum()
        present = present + there.sum()
    return miss / present


@loss("reward_meanvar", "pairs", correlation=(0.0, 0.3))
def reward_meanvar(b, correlation):
    a, c = b.get("reward_model", "spread", C), b.get("reward_model", "spread", R)
    v = torch.sqrt(a**2 + c**2 - 2 * correlation * a * c)
    phi = lambda edge: 0.5 * (1 + torch.erf((edge - lead(b)) / v / 2**0.5))
    edges = [torch.zeros_like(v)] + [phi(e) for e in (-1.5, -0.5, 0.5, 1.5)] + [torch.ones_like(v)]
    shares = [b.get("annotated", name) for name in ANNOTATORS]
    return sum(q * (q / (high - low)).log() for q, low, high in zip(shares, edges, edges[1:])).mean()
