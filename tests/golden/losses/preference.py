"""Losses of a pair: one chosen and one rejected response."""

import torch

from .registry import loss, ls, sg, sig

C, R = "Chosen", "Rejected"
BETA = (0.1, 0.7)


def gap(b, beta):
    return beta * (b.ratio(C) - b.ratio(R))


@loss("dpo", "pairs", beta=BETA, label_smoothing=(0.0, 0.2))
def dpo(b, beta, label_smoothing):
    d = gap(b, beta)
    return (-(1 - label_smoothing) * ls(d) - label_smoothing * ls(-d)).mean()



@loss("ipo", "pairs", beta=BETA)
def ipo(b, beta):
    return ((b.ratio(C) - b.ratio(R) - 1 / (2 * beta)) ** 2).mean()



@loss("simpo", "pairs", beta=(2.0, 1.3), simpo_gamma=(0.5, 0.9))
def simpo(b, beta, simpo_gamma):
    return -ls(beta * (b.mean("actor", C) - b.mean("actor", R)) - simpo_gamma).mean()
