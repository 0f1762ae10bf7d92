"""What has been declared: a name, the batch it is tried on, and two values of every hyper-parameter."""

import torch
import torch.nn.functional as F

CASES = []


def loss(name, batch, **hyper):
    """Each hyper-parameter is given a pair of values: one for each of two cases."""

    def declare(formula):
        for i in range(2 if hyper else 1):
            CASES.append((name, batch, {k: v[i] for k, v in hyper.items()}, formula))
        return formula

    return declare


ls = F.logsigmoid
sig = torch.sigmoid


def sg(x):
    return x.detach()
