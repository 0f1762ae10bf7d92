"""The losses in float64, from their papers: written apart from the Rust ones, one formula each."""

from . import distillation, policy_gradient, preference, reward_model, rpo, supervised  # noqa: F401
from .batch import BATCHES  # noqa: F401
from .registry import CASES  # noqa: F401
