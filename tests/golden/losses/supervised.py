"""Losses of demonstrations and of single responses."""

import torch

from .preference import running
from .registry import loss, ls, sig, sg

A = "Answer"


@loss("sft rejection", "answers")
def sft(b):
    return -b.get("actor", "logp", A).mean()


@loss("steerlm", "answers")
def steerlm(b):
    weights = b.spread(b.get("demo", "weight", A), A)
    return -(weights * b.get("actor", "logp", A)).mean()


def of_labels(b, liked, disliked):
    return torch.where(b.get("unpaired", "label", A) > 0.5, liked, disliked).mean()


WEIGHTS = dict(desirable_weight=(1.0, 1.4), undesirable_weight=(1.0, 0.6))


@loss("kto kto@trl", "answers", beta=(0.1, 0.7), **WEIGHTS)
def kto(b, beta, desirable_weight, undesirable_weight):
    h, z = b.ratio(A), torch.clamp(sg(b.ratio("Mismatched")).mean(), min=0)
    return of_labels(b, desirable_weight * (1 - sig(beta * (h - z))), undesirable_weight * (1 - sig(beta * (z - h))))


@loss("kto@liger", "answers", beta=(0.1, 0.7), kl=(0.0, 0.5))
def kto_liger(b, beta, kl):
    h = b.ratio(A)
    return of_labels(b, 1 - sig(beta * (h - kl)), 1 - sig(beta * (kl - h)))


@loss("apo_zero_unpaired apo_zero_unpaired@trl", "answers", beta=(0.1, 0.7), **WEIGHTS)
def apo_zero_unpaired(b, beta, desirable_weight, undesirable_weight):
    r = beta * b.ratio(A)
    return of_labels(b, desirable_weight * (1 - sig(r)), undesirable_weight * sig(r))


@loss("bco bco@trl", "answers", beta=(0.1, 0.7))
def bco(b, beta):
    r = beta * b.ratio(A)
    d = running(b, r.mean())
    return of_labels(b, -ls(r - d), -ls(d - r))
