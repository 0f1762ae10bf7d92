"""Losses over the whole vocabulary: the model becomes like a teacher."""

import torch

from .registry import loss

A = "Answer"


def both(b):
    """The logarithms of the teacher's and of the student's probabilities."""
    return b.vocabulary("teacher", A), b.vocabulary("actor", A)


def kl(p, q):
    """From the logarithms of two distributions: one number for each token."""
    return (p.exp() * (p - q)).sum(1)


@loss("distill_fkl", "answers")
def distill_fkl(b):
    p, q = both(b)
    return kl(p, q).mean()


@loss("distill_rkl", "answers")
def distill_rkl(b):
    p, q = both(b)
    return kl(q, p).mean()


@loss("distill_jsd", "answers", beta=(0.5, 0.2))
def distill_jsd(b, beta):
    p, q = both(b)
    m = (beta * p.exp() + (1 - beta) * q.exp()).log()
    return (beta * kl(p, m) + (1 - beta) * kl(q, m)).mean()


@loss("distill_topk", "answers", top_k=(3, 2))
def distill_topk(b, top_k):
    p, q = both(b)
    kept = p.topk(top_k, dim=1).indices
    again = lambda x: torch.log_softmax(x.gather(1, kept), 1)
    return kl(again(p), again(q)).mean()
