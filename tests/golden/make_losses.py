"""Writes losses.json: value and gradient of every algorithm and preset on random numbers, in float64.

    python tests/golden/make_losses.py

needs torch, for its derivatives. The formulas in `losses/` are written from the papers and know nothing of the Rust
ones; the test (tests/tests/losses.rs) holds both to 1e-9, and what runs in training to 1e-5.
"""

import json
import pathlib

from losses import BATCHES, CASES

HERE = pathlib.Path(__file__).parent


def main():
    compact = dict(separators=(",", ":"))
    batches = {name: make() for name, make in BATCHES.items()}
    cases = []
    for name, batch, settings, formula in CASES:
        b = batches[batch].live()
        value = formula(b, **settings)
        value.backward()
        gradient = {k: leaf.grad.tolist() for k, leaf in b.leaves.items() if leaf.grad is not None}
        # `lambda` is a word of Python's.
        settings = {k.rstrip("_"): v for k, v in settings.items()}
        cases.append(json.dumps(dict(name=name, batch=batch, set=settings, loss=value.item(), gradient=gradient), **compact))
    made = ",\n".join(f'"{name}":{json.dumps(batch.document(), **compact)}' for name, batch in batches.items())
    (HERE / "losses.json").write_text('{"batches":{\n%s\n},"cases":[\n%s\n]}\n' % (made, ",\n".join(cases)))


if __name__ == "__main__":
    main()
