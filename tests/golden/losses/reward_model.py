"""Losses of reward models."""

import torch

from .preference import C, R
from .registry import loss, ls

ATTRIBUTES = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")


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
