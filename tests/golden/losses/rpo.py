"""Reward-aware preference optimization: a learned gap follows a judged gap."""

import torch

from .preference import C, R, W, gap, nll_sums
from .registry import loss, ls, sig

BETA, ETA = (0.1, 0.6), (1.0, 1.7)
S = "Sample"


def judged(b, eta):
    return eta * (b.get("scored_pair", "chosen_score", C) - b.get("scored_pair", "rejected_score", R))


def kl(p, q):
    """KL(Bernoulli(sigmoid(p)) || Bernoulli(sigmoid(q)))"""
    return sig(p) * (ls(p) - ls(q)) + sig(-p) * (ls(-p) - ls(-q))


@loss("rpo_sq", "pairs", beta=BETA, eta=ETA)
def rpo_sq(b, beta, eta):
    return ((gap(b, beta) - judged(b, eta)) ** 2).mean()


@loss("rpo_bwd online_rpo", "pairs", beta=BETA, eta=ETA)
def rpo_bwd(b, beta, eta):
    return kl(judged(b, eta), gap(b, beta)).mean()


@loss("rpo_fwd", "pairs", beta=BETA, eta=ETA)
def rpo_fwd(b, beta, eta):
    return kl(gap(b, beta), judged(b, eta)).mean()


def of_nemo_aligner(name, of):
    @loss(name, "pairs", beta=BETA, gt_reward_scale=ETA, preference_loss_weight=W, sft_loss_weight=W)
    def mixed(b, beta, gt_reward_scale, preference_loss_weight, sft_loss_weight):
        return preference_loss_weight * of(b, beta, gt_reward_scale) + sft_loss_weight * nll_sums(b)


of_nemo_aligner("rpo_sq@nemo_aligner", rpo_sq)
of_nemo_aligner("rpo_bwd@nemo_aligner", rpo_bwd)
of_nemo_aligner("rpo_fwd@nemo_aligner", rpo_fwd)


@loss("rpo_alpha", "pairs", beta=BETA, eta=ETA, alpha=(0.5, 0.2))
def rpo_alpha(b, beta, eta, alpha):
    p, q = sig(judged(b, eta)), sig(gap(b, beta))
    shared = p**alpha * q ** (1 - alpha) + (1 - p) ** alpha * (1 - q) ** (1 - alpha)
    return ((1 - shared) / (alpha * (1 - alpha))).mean()


def over_groups(b, of_group):
    """The mean over prompts of a number for each group of responses."""
    return torch.stack([of_group(torch.tensor(group)) for group in b.groups()]).mean()


def others(x):
    """For each response, the mean of the others."""
    return (x.sum() - x) / (len(x) - 1)


@loss("rpo_sqloo", "samples", beta=BETA, eta=ETA)
def rpo_sqloo(b, beta, eta):
    ours, score = beta * b.ratio(S), eta * b.get("group", "score", S)

    def of_group(g):
        lead = lambda x: x - others(x)
        return 0.5 * ((lead(ours[g]) - lead(score[g])) ** 2).sum()

    return over_groups(b, of_group)


def kl_of_groups(b, target, ours):
    def of_group(g):
        p, q = torch.log_softmax(target[g], 0), torch.log_softmax(ours[g], 0)
        return (p.exp() * (p - q)).sum()

    return over_groups(b, of_group)


@loss("rpo_bwd_k", "samples", beta=BETA, eta=ETA)
def rpo_bwd_k(b, beta, eta):
    return kl_of_groups(b, eta * b.get("group", "score", S), beta * b.ratio(S))


@loss("steerlm2", "samples")
def steerlm2(b):
    w = b.get("group", "weight", S)

    def of_group(g):
        target = w[g] / w[g].sum()
        ours = torch.softmax(b.ratio(S)[g], 0)
        return (target * (target / ours).log()).sum()

    return over_groups(b, of_group)
