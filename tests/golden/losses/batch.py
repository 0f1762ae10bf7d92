"""Random batches, and access to them by the names the formulas use. Float64 throughout."""

import math
import random

import torch

PROMPTS = 4
WORDS = 6


def tensor(x):
    return torch.tensor(x, dtype=torch.float64)


class Batch:
    """Responses of one or more sides and everything a view, a policy or a model gives for them."""

    def __init__(self, seed, sides):
        self.draw = random.Random(seed)
        self.sides = {side: [(p, 1 + self.draw.randrange(4)) for p in prompts] for side, prompts in sides.items()}
        self.inputs, self.leaves, self.words = {}, {}, 0

    def put(self, owner, field, side, depth, low, high):
        reaches = self.sides.get(side, [])
        n = {"prompt": PROMPTS, "response": len(reaches), "token": sum(t for _, t in reaches)}[depth]
        self.fix(owner, field, side, [round(self.draw.uniform(low, high), 3) for _ in range(n)])

    def put_words(self, owner, side):
        """What a policy gives every word of a small vocabulary at every token."""
        self.words = WORDS
        values = []
        for _ in range(sum(t for _, t in self.sides[side])):
            logits = [self.draw.gauss(0.0, 1.5) for _ in range(WORDS)]
            whole = math.log(sum(math.exp(x) for x in logits))
            values += [round(x - whole, 6) for x in logits]
        self.fix(owner, "words", side, values)

    def fix(self, owner, field, side, values):
        self.inputs[f"{owner}.{field}.{side or ''}"] = values

    def live(self):
        """Tensors anew, those of what is trained with gradients."""
        trained = ("actor.", "critic.", "reward_model.")
        self.leaves = {k: tensor(v).requires_grad_(k.startswith(trained)) for k, v in self.inputs.items()}
        return self

    def get(self, owner, field, side=None):
        return self.leaves[f"{owner}.{field}.{side or ''}"]

    def tokens(self, owner, side, field="logp"):
        """One tensor for each response."""
        return torch.split(self.get(owner, field, side), [t for _, t in self.sides[side]])

    def split(self, flat, side):
        return torch.split(flat, [t for _, t in self.sides[side]])

    def vocabulary(self, owner, side):
        """A row for each token."""
        return self.get(owner, "words", side).view(-1, WORDS)

    def lengths(self, side):
        return tensor([t for _, t in self.sides[side]])

    def total(self, owner, side):
        return torch.stack([x.sum() for x in self.tokens(owner, side)])

    def mean(self, owner, side):
        return self.total(owner, side) / self.lengths(side)

    def ratio(self, side, other="reference"):
        """log(pi / pi_ref) of each whole response."""
        return self.total("actor", side) - self.total(other, side)

    def groups(self, side="Sample"):
        """The responses to each prompt, as lists of indices."""
        of = [[i for i, (p, _) in enumerate(self.sides[side]) if p == prompt] for prompt in range(PROMPTS)]
        return of

    def spread(self, per_response, side="Sample"):
        """Repeated for every token."""
        return torch.cat([x.expand(t) for x, (_, t) in zip(per_response, self.sides[side])])

    def per_response(self, flat, side="Sample"):
        return torch.stack([x.sum() for x in self.split(flat, side)])

    def document(self):
        return dict(prompts=PROMPTS, words=self.words, sides=self.sides, inputs=self.inputs)


def pairs(seed=1):
    each = range(PROMPTS)
    b = Batch(seed, {"Chosen": each, "Rejected": each})
    for side in ("Chosen", "Rejected"):
        for who in ("actor", "reference", "behavior", "previous"):
            b.put(who, "logp", side, "token", -2.5, -0.05)
        b.put("reward_model", "score", side, "response", -1.5, 1.5)
        b.put("reward_model", "spread", side, "response", 0.4, 1.5)
    for side in ("Chosen", "Rejected"):
        b.put_words("actor", side)
    b.fix("state", "mean_reward", None, [-0.2])
    b.fix("state", "steps", None, [3.0])
    for name, share in dict(
        rejected_much_better=0.08, rejected_better=0.12, tie=0.2, chosen_better=0.25, chosen_much_better=0.35
    ).items():
        b.fix("annotated", name, None, [share] * PROMPTS)
    b.put("pair", "margin", None, "prompt", 0.2, 2.0)
    b.put("scored_pair", "chosen_score", "Chosen", "response", 0.0, 2.0)
    b.put("scored_pair", "rejected_score", "Rejected", "response", -1.0, 1.0)
    # The prompts' own tokens and the chosen ones, as one text.
    b.sides["Document"] = [(p, t + 1 + p % 3) for p, t in b.sides["Chosen"]]
    b.put("actor", "logp", "Document", "token", -2.5, -0.05)
    return b


def answers(seed=2):
    each = range(PROMPTS)
    b = Batch(seed, {"Answer": each, "Mismatched": each})
    for side in ("Answer", "Mismatched"):
        for who in ("actor", "reference", "previous"):
            b.put(who, "logp", side, "token", -2.5, -0.05)
    for who in ("actor", "teacher"):
        b.put_words(who, "Answer")
    b.fix("state", "mean_reward", None, [0.3])
    b.fix("state", "steps", None, [4.0])
    b.put("demo", "weight", "Answer", "response", 0.2, 1.5)
    for name in ("helpfulness", "correctness", "coherence", "complexity", "verbosity"):
        b.put("reward_model", name, "Answer", "response", -1.0, 4.0)
        b.put("rated", name, "Answer", "response", 0.0, 4.0)
        b.fix("rated", f"{name}_present", "Answer", [float((i + len(name)) % 3 > 0) for i in range(PROMPTS)])
    b.fix("unpaired", "label", "Answer", [1.0, 0.0, 0.0, 1.0])
    return b


def samples(seed=3):
    b = Batch(seed, {"Sample": [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3]})
    for who in ("actor", "reference", "behavior"):
        b.put(who, "logp", "Sample", "token", -2.5, -0.05)
    b.put_words("actor", "Sample")
    b.fix("state", "kl_coef", None, [0.3])
    b.put("critic", "value", "Sample", "token", -1.0, 1.0)
    b.put("group", "score", "Sample", "response", -1.0, 2.0)
    b.put("group", "weight", "Sample", "response", 0.1, 1.0)
    b.put("group", "baseline", "Sample", "response", -0.5, 1.0)
    b.put("group", "value", "Sample", "token", -1.0, 1.0)
    b.fix("group", "ended", "Sample", [1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    return b


def moved_pairs(seed=4):
    """Where the actor finds all responses likelier than the reference does."""
    b = pairs(seed)
    for side in ("Chosen", "Rejected"):
        b.put("actor", "logp", side, "token", -0.6, -0.05)
        b.put("reference", "logp", side, "token", -2.5, -0.9)
    return b


def moved_samples(seed=5):
    """Where the policies are so far apart that what is limited is at its limit."""
    b = samples(seed)
    for who in ("actor", "behavior"):
        b.put(who, "logp", "Sample", "token", -14.0, -0.05)
    b.put("reference", "logp", "Sample", "token", -5.0, -0.05)
    return b


def far_pairs(seed=6):
    """Where the actor finds all responses next to impossible."""
    b = pairs(seed)
    for side in ("Chosen", "Rejected"):
        b.put("actor", "logp", side, "token", -12.0, -9.0)
    return b


def far_samples(seed=7):
    """Where every token of a response has become a thousand million times likelier, or so much less."""
    b = samples(seed)
    lengths = [t for _, t in b.sides["Sample"]]
    draw = lambda low, high: round(b.draw.uniform(low, high), 3)
    near = [[draw(-1.0, -0.05) for _ in range(t)] for t in lengths]
    far = [[draw(-23.5, -22.0) for _ in range(t)] for t in lengths]
    turned = lambda odd: [x for i in range(len(lengths)) for x in (far if i % 2 == odd else near)[i]]
    b.fix("actor", "logp", "Sample", turned(0))
    b.fix("behavior", "logp", "Sample", turned(1))
    b.fix("reference", "logp", "Sample", [round(x - 0.1, 3) for x in turned(0)])
    return b


def served_samples(seed=8):
    """Where another program drew the responses, and has its own opinion of their tokens."""
    b = samples(seed)
    b.put("sampler", "logp", "Sample", "token", -2.5, -0.05)
    return b


BATCHES = {
    "pairs": pairs,
    "answers": answers,
    "samples": samples,
    "moved_pairs": moved_pairs,
    "moved_samples": moved_samples,
    "far_pairs": far_pairs,
    "far_samples": far_samples,
    "served_samples": served_samples,
}
