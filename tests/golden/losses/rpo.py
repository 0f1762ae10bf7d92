"""Reward-aware preference optimization: a learned gap follows a judged gap."""

from .preference import C, R, gap
from .registry import loss, ls, sig

BETA, ETA = (0.1, 0.6), (1.0, 1.7)


def judged(b, eta):
    return eta * (b.get("scored_pair", "chosen_score", C) - b.get("scored_pair", "rejected_score", R))


def kl(p, q):
    """KL(Bernoulli(sigmoid(p)) || Bernoulli(sigmoid(q)))"""
    return sig(p) * (ls(p) - ls(q)) + sig(-p) * (ls(-p) - ls(-q))


@loss("rpo_sq", "pairs", beta=BETA, eta=ETA)
def rpo_sq(b, beta, eta):
    return ((gap(b, beta) - judged(b, eta)) ** 2).mean()


@loss("rpo_bwd", "pairs", beta=BETA, eta=ETA)
def rpo_bwd(b, beta, eta):
    return kl(judged(b, eta), gap(b, beta)).mean()


@loss("rpo_fwd", "pairs", beta=BETA, eta=ETA)
def rpo_fwd(b, beta, eta):
    return kl(gap(b, beta), judged(b, eta)).mean()
