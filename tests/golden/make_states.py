"""Writes states.json: losses that carry numbers from step to step, over five steps of new random numbers, in float64.

    python tests/golden/make_states.py

needs torch. What is carried is not worked out step from step, as the Rust does it, but from its definition each time: a
running mean is the mean of all steps' means, an adaptive price the product of all its changes. The test
(tests/tests/states.rs) starts from nothing and carries its own numbers.
"""

import json
import math
import pathlib

from losses import BATCHES, CASES
from losses.preference import C, R
from losses.rpo import S

HERE = pathlib.Path(__file__).parent
STEPS = 5


def running_mean(batches, beta, **_):
    """Of the implicit rewards: of the answers, or of both responses of the pairs."""
    sides = ("Answer",) if "Answer" in batches[0].sides else (C, R)
    means = [sum(beta * b.ratio(side).mean().item() for side in sides) / len(sides) for b in batches]
    return dict(mean_reward=math.fsum(means) / len(means) if means else 0.0, steps=float(len(means)))


def price(batches, kl_coef, kl_target, kl_gain, **_):
    def change(b):
        drift = (b.total("behavior", S) - b.total("reference", S)).mean().item()
        return 1 + kl_gain * min(max(drift / kl_target - 1, -0.2), 0.2)

    return dict(kl_coef=kl_coef * math.prod(change(b) for b in batches))


CARRIED = {"bco": running_mean, "bco@trl": running_mean, "mpo": running_mean, "mpo@llamafactory": running_mean, "ppo_adaptive": price}


def started(carried, settings):
    return price([], **settings) if carried is price else dict(mean_reward=0.0, steps=0.0)


def main():
    compact = dict(separators=(",", ":"))
    documents, cases = {}, []
    for name, batch, settings, formula in CASES:
        if name not in CARRIED:
            continue
        seen, state = [], started(CARRIED[name], settings)
        # A price that moves both ways within the steps.
        settings = settings | (dict(kl_target=0.3) if "kl_target" in settings else {})
        for step in range(STEPS):
            b = BATCHES[batch](seed=100 + step)
            documents.setdefault(f"{batch} {step}", json.dumps(trimmed(b), **compact))
            for key, value in state.items():
                b.fix("state", key, None, [value])
            b.live()
            loss = formula(b, **settings)
            loss.backward()
            gradient = {k: leaf.grad.tolist() for k, leaf in b.leaves.items() if leaf.grad is not None}
            seen.append(b)
            state = CARRIED[name](seen, **settings)
            case = dict(name=name, batch=f"{batch} {step}", set=settings, step=step, loss=loss.item(), gradient=gradient, next=state)
            cases.append(json.dumps(case, **compact))
    made = ",\n".join(f'"{name}":{document}' for name, document in documents.items())
    (HERE / "states.json").write_text('{"batches":{\n%s\n},"cases":[\n%s\n]}\n' % (made, ",\n".join(cases)))


def trimmed(b):
    """Only what one of these losses reads: no words of a vocabulary, no state."""
    read = ("actor.logp", "reference.logp", "behavior.logp", "critic.", "group.", "unpaired.")
    document = b.document() | dict(words=0)
    document["inputs"] = {k: v for k, v in document["inputs"].items() if k.startswith(read)}
    return document


if __name__ == "__main__":
    main()
