"""Losses of groups of scored responses: the likelihood of those better than was expected."""

import torch

from .registry import loss, sg
from .rpo import S, others, over_groups

BETA = (0.05, 0.4)


def rewards(b, beta):
    """The score less the price of having drifted, held constant."""
    return sg(b.get("group", "score", S) - beta * b.ratio(S))


def of_responses(b, values):
    """The mean over prompts of the mean over their responses."""
    return over_groups(b, lambda g: values[g].mean())


def in_groups(b, function, values):
    """A function of the responses to a prompt, for all prompts, in the order of the responses."""
    out = torch.zeros_like(values)
    for group in b.groups():
        g = torch.tensor(group)
        out[g] = function(values[g])
    return out


def surrogate(b, advantage):
    return -of_responses(b, advantage * b.total("actor", S))


@loss("reinforce", "samples", beta=BETA)
def reinforce(b, beta):
    r = rewards(b, beta)
    return surrogate(b, r - r.mean())


@loss("rloo", "samples", beta=BETA)
def rloo(b, beta):
    r = rewards(b, beta)
    return surrogate(b, r - in_groups(b, others, r))


@loss("rloo@trl", "samples", beta=BETA, epsilon=(0.2, 0.6))
def rloo_trl(b, beta, epsilon):
    drift = b.total("behavior", S) - b.total("reference", S)
    r = b.get("group", "score", S) - beta * drift
    a = r - in_groups(b, others, r)
    rho = torch.exp(b.total("actor", S) - b.total("behavior", S))
    return -torch.minimum(rho * a, torch.clamp(rho, 1 - epsilon, 1 + epsilon) * a).mean()


@loss("remax", "samples")
def remax(b):
    return surrogate(b, b.get("group", "score", S) - b.get("group", "baseline", S))


@loss("awr", "samples", beta=(1.0, 0.2), max_weight=(20.0, 3.0))
def awr(b, beta, max_weight):
    s = b.get("group", "score", S)
    a = s - in_groups(b, lambda x: x.mean().expand_as(x), s)
    return surrogate(b, torch.clamp(torch.exp(a / beta), max=max_weight))


def token_ratios(b):
    """pi / pi_old of each token, as one tensor for each response."""
    flat = torch.exp(b.get("actor", "logp", S) - b.get("behavior", "logp", S))
    return b.split(flat, S)


def clipped(rho, a, low, high):
    return torch.minimum(rho * a, torch.clamp(rho, 1 - low, 1 + high) * a)


def centred(b):
    s = b.get("group", "score", S)
    return s - in_groups(b, lambda x: x.mean().expand_as(x), s)


@loss("dr_grpo", "samples", epsilon=(0.2, 0.5), max_completion_length=(256.0, 4.0))
def dr_grpo(b, epsilon, max_completion_length):
    gains = [clipped(rho, a, epsilon, epsilon).sum() for rho, a in zip(token_ratios(b), centred(b))]
    return -of_responses(b, torch.stack(gains) / max_completion_length)
