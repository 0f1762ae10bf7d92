"""Losses of demonstrations."""

from .registry import loss


@loss("sft", "answers")
def sft(b):
    return -b.get("actor", "logp", "Answer").mean()
