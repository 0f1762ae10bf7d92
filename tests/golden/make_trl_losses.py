"""Writes trl_losses.json: what the loss of TRL's own DPOTrainer gives for random log-probabilities.

    python tests/golden/make_trl_losses.py

needs torch and trl. No model is trained or loaded: `DPOTrainer._compute_loss` is called with a model that returns the
log-probabilities as they stand, for every `loss_type` and for every option that changes the formula; `ORPOTrainer`, which
takes its own from scores of all words, gets the words' log-probabilities as scores. The test
(tests/tests/trl_losses.rs) compares with our preset of the same formula.
"""

import json
import math
import pathlib
import random
import types
import warnings

import torch
import trl
from trl import DPOTrainer
from trl.experimental.orpo import ORPOTrainer

HERE = pathlib.Path(__file__).parent
PAIRS, PROMPT, WORDS = 5, 2, 4
SIDES = ("chosen", "rejected")

# What TRL calls it, its options, what we call it. Names of hyper-parameters are the same, but for those we do not have.
CASES = [
    ("sigmoid", dict(beta=0.1), "dpo@trl"),
    ("sigmoid", dict(beta=0.1, label_smoothing=0.2), "dpo@trl"),
    ("hinge", dict(beta=0.3), "hinge@trl"),
    ("ipo", dict(beta=0.1), "ipo@trl"),
    ("exo_pair", dict(beta=0.2, label_smoothing=0.01), "exo@trl"),
    ("nca_pair", dict(beta=0.4), "nca@trl"),
    ("robust", dict(beta=0.2, label_smoothing=0.1), "robust@trl"),
    ("bco_pair", dict(beta=0.3), "bco_pair@trl"),
    ("sppo_hard", dict(beta=0.3), "sppo_hard@trl"),
    ("aot", dict(beta=0.3, label_smoothing=0.1), "aot@trl"),
    ("aot_unpaired", dict(beta=0.3, label_smoothing=0.1), "aot_unpaired@trl"),
    ("apo_zero", dict(beta=0.3), "apo_zero@trl"),
    ("apo_down", dict(beta=0.3), "apo_down@trl"),
    ("discopop", dict(beta=0.3, discopop_tau=0.05), "discopop@trl"),
    ("sft", dict(beta=0.1), "sft@trl"),
    ("sigmoid_norm", dict(beta=2.0), "dpo_norm@trl"),
    ("sigmoid", dict(beta=0.2, ld_alpha=0.4), "ld_dpo@trl"),
    ("sigmoid", dict(beta=0.2, use_weighting=True), "wpo@trl"),
    ("sigmoid", dict(beta=0.2, f_divergence_type="forward_kl"), "f_dpo_forward_kl@trl"),
    ("sigmoid", dict(beta=0.2, f_divergence_type="js_divergence"), "f_dpo_js@trl"),
    ("sigmoid", dict(beta=0.2, f_divergence_type="alpha_divergence", f_alpha_divergence_coef=0.3), "f_dpo@trl"),
]


ORPO_CASES = [dict(beta=0.1), dict(beta=0.7)]


def voice(draw):
    """The logarithms of the probabilities of a few words."""
    logits = [draw.gauss(0.0, 1.5) for _ in range(WORDS)]
    whole = math.log(sum(math.exp(x) for x in logits))
    return [round(x - whole, 6) for x in logits]


def numbers():
    """Log-probabilities of five pairs, of responses of one to five tokens."""
    draw = random.Random(20)
    lengths = {side: [1 + draw.randrange(5) for _ in range(PAIRS)] for side in SIDES}
    row = lambda n: [round(-draw.uniform(0.05, 2.5), 3) for _ in range(n)]
    words = {side: [[voice(draw) for _ in range(n)] for n in lengths[side]] for side in SIDES}
    policies = {who: {side: [row(n) for n in lengths[side]] for side in SIDES} for who in ("actor", "reference")}
    # Of a prompt's tokens all but the first have a log-probability.
    return {"words": words} | policies | {"prompts": [row(PROMPT - 1) for _ in range(PAIRS)]}


class Given(torch.nn.Module):
    """A model that returns what it was given, padded as the trainer expects: [chosen; rejected], the prompt first."""

    is_gradient_checkpointing = False

    def __init__(self, rows, words, dtype, live):
        super().__init__()
        # The logarithm of the sum of the squares of all words' probabilities at each token.
        squares = lambda token: math.log(sum(math.exp(2 * x) for x in token))
        self.squares = [torch.tensor([squares(t) for t in row], dtype=dtype) for side in SIDES for row in words[side]]
        self.leaves = [torch.tensor(row, dtype=dtype, requires_grad=live) for side in SIDES for row in rows[side]]
        self.width = PROMPT + max(len(leaf) for leaf in self.leaves)

    def forward(self, **_):
        pad = torch.nn.functional.pad
        columns = self.width - PROMPT
        first = PROMPT - 1  # the first token is predicted by nothing
        padded = lambda rows: torch.stack([pad(row, (first, columns - len(row))) for row in rows])
        log_probs = padded(self.leaves)
        nothing = torch.zeros_like(log_probs)
        return types.SimpleNamespace(
            log_probs=log_probs, entropy=nothing, mean_logits=nothing, is_top1=nothing.bool(), log_sum_sq_probs=padded(self.squares),
            aux_loss=None,
        )


def trl_loss(rows, loss_type, options):
    # TRL's limits for exponents know the formats it trains in only.
    dtype = torch.float32 if "f_alpha_divergence_coef" in options else torch.float64
    actor = Given(rows["actor"], rows["words"], dtype, True)
    reference = Given(rows["reference"], rows["words"], dtype, False)
    same = lambda x: x
    accelerator = types.SimpleNamespace(
        device=torch.device("cpu"), gather=same, gather_for_metrics=same, unwrap_model=same
    )
    trainer = types.SimpleNamespace(
        model=actor, ref_model=reference, accelerator=accelerator, aux_loss_enabled=False, precompute_ref_logps=False,
        args=types.SimpleNamespace(gradient_checkpointing_kwargs=None, discopop_tau=options.get("discopop_tau", 0.05)),
        ld_alpha=options.get("ld_alpha"), f_divergence_type=options.get("f_divergence_type", "reverse_kl"),
        f_alpha_divergence_coef=options.get("f_alpha_divergence_coef", 0.5), loss_types=[loss_type], loss_weights=[1.0],
        beta=options["beta"], label_smoothing=options.get("label_smoothing", 0.0), use_weighting=options.get("use_weighting", False),
        _metrics={"train": __import__("collections").defaultdict(list)}, _total_train_tokens=0, _tp_size=1,
    )
    mask = torch.tensor([[0] * PROMPT + [1] * len(l) + [0] * (actor.width - PROMPT - len(l)) for l in actor.leaves])
    inputs = dict(input_ids=torch.ones_like(mask), attention_mask=torch.ones_like(mask), completion_mask=mask)
    loss = DPOTrainer._compute_loss(trainer, actor, inputs, False)
    loss.backward()
    flat = [[g for leaf in side for g in (leaf.grad.tolist() if leaf.grad is not None else [0.0] * len(leaf))]
            for side in (actor.leaves[:PAIRS], actor.leaves[PAIRS:])]
    return loss.item(), dict(zip(SIDES, flat))


def orpo_loss(rows, options):
    """With scores of which each token's own, word 0, has the log-probability it should have."""
    dtype = torch.float64
    leaf = lambda row: torch.tensor(row, dtype=dtype, requires_grad=True)
    prompts, responses = [leaf(row) for row in rows["prompts"]], {s: [leaf(row) for row in rows["actor"][s]] for s in SIDES}
    width = PROMPT + max(len(l) for s in SIDES for l in responses[s])

    def scores(prompt, response):
        own = torch.cat([prompt, response])
        other = torch.log((1 - own.exp()) / (WORDS - 1))
        words = torch.stack([own] + [other] * (WORDS - 1), 1)
        return torch.nn.functional.pad(words, (0, 0, 0, width - len(words)))

    logits = torch.stack([scores(p, r) for s in SIDES for p, r in zip(prompts, responses[s])])
    batch = {}
    for side in SIDES:
        lengths = [len(r) for r in responses[side]]
        filled = lambda first, n: [first] * PROMPT + [0] * n + [-100] * (width - PROMPT - n)
        mask = [[1] * (PROMPT + n) + [0] * (width - PROMPT - n) for n in lengths]
        batch[f"{side}_input_ids"] = torch.zeros((PAIRS, width), dtype=torch.long)
        batch[f"{side}_attention_mask"] = torch.tensor(mask)
        batch[f"{side}_labels"] = torch.tensor([filled(-100, n) for n in lengths])
    trainer = object.__new__(ORPOTrainer)
    same = lambda x: x
    trainer.accelerator = types.SimpleNamespace(device=torch.device("cpu"), gather_for_metrics=same)
    trainer.is_encoder_decoder, trainer.aux_loss_enabled, trainer.padding_value = False, False, 0
    trainer.beta = options["beta"]
    loss, _ = ORPOTrainer.get_batch_loss_metrics(trainer, lambda *_, **__: types.SimpleNamespace(logits=logits), batch)
    loss.backward()
    flat = lambda leaves: [g for leaf in leaves for g in leaf.grad.tolist()]
    return loss.item(), {side: flat(responses[side]) for side in SIDES} | {"prompts": flat(prompts)}


def main():
    warnings.filterwarnings("ignore")
    rows = numbers()
    cases = []
    for loss_type, options, ours in CASES:
        loss, gradient = trl_loss(rows, loss_type, options)
        cases.append(dict(trl=dict(loss_type=loss_type, **options), ours=ours, loss=loss, gradient=gradient))
    for options in ORPO_CASES:
        loss, gradient = orpo_loss(rows, options)
        cases.append(dict(trl=dict(loss_type="orpo", **options), ours="orpo@trl", loss=loss, gradient=gradient))
    text = json.dumps(dict(trl=trl.__version__, numbers=rows), separators=(",", ":"))
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (HERE / "trl_losses.json").write_text(f'{text[:-1]},"cases":[\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
