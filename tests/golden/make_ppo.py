"""Writes ppo.json: what PPO as TRL, verl and NeMo-Aligner have it measures in twelve steps on recorded rollouts.

    python tests/golden/make_ppo.py ASSETS/weights/stories260K-hf

needs torch and transformers; the test only reads what it wrote. The rollouts are those of trl_policy.json. TRL 1.16 has no
PPO any more and the other two cannot run here, so the losses are written out, in torch, from what those projects' sources
say; actor and critic are transformers' models, each with an optimizer of its own. Two steps on each rollout: in the second,
ratios and the critic's moves are limited.
"""

import copy
import json
import math
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

FOLDER = sys.argv[1]
HERE = pathlib.Path(__file__).parent
RATE, CRITIC_RATE = 5e-4, 2e-4
COMMON = dict(gamma=0.99, cliprange=0.2)
RUNS = {
    "ppo@trl": dict(COMMON, kl_coef=0.05, lam=0.95, cliprange_value=0.2, vf_coef=0.1, missing_eos_penalty=1.0),
    "ppo@verl": dict(COMMON, kl_coef=0.02, lam=0.9, cliprange_value=0.5, dual_clip=1.5),
    "ppo@nemo_aligner": dict(COMMON, kl_coef=0.03, lam=0.95, cliprange_value=0.2),
}


def hidden(model, prompt, completion):
    """What stands before each token of the completion."""
    out = model.model(torch.tensor([prompt + completion]))[0][0]
    return out[len(prompt) - 1 : -1]


def logp(model, prompt, completion):
    scores = model.lm_head(hidden(model, prompt, completion)).log_softmax(-1)
    return scores.gather(1, torch.tensor(completion)[:, None])[:, 0]


class Critic(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.trunk = copy.deepcopy(model.model)
        width = model.config.hidden_size
        self.head = torch.nn.Parameter(torch.tensor([0.2 * math.sin(0.7 * i + 0.3) for i in range(width)]))

    def forward(self, prompt, completion):
        out = self.trunk(torch.tensor([prompt + completion]))[0][0]
        return out[len(prompt) - 1 : -1] @ self.head


def estimated(reward, value, gamma, lam):
    """Generalised advantages; nothing comes after the end."""
    advantage, after = torch.zeros_like(reward), 0.0
    for t in reversed(range(len(reward))):
        coming = value[t + 1] if t + 1 < len(value) else 0.0
        after = reward[t] + gamma * coming - value[t] + gamma * lam * after
        advantage[t] = after
    return advantage, advantage + value


def rollout(name, o, actor, reference, critic, prompts, completions, scores, end):
    """All that is fixed while a rollout is trained on, response by response, as one row of tokens."""
    with torch.no_grad():
        old = [logp(actor, p, c) for p, c in zip(prompts, completions)]
        ref = [logp(reference, p, c) for p, c in zip(prompts, completions)]
        value = [critic(p, c) for p, c in zip(prompts, completions)]
    advantages, targets = [], []
    for c, score, a, r, v in zip(completions, scores, old, ref, value):
        drift = (a - r).abs() if name == "ppo@nemo_aligner" else a - r
        reward = -o["kl_coef"] * drift
        reward[-1] += score - (o.get("missing_eos_penalty", 0.0) if c[-1] != end else 0.0)
        advantage, target = estimated(reward, v, o["gamma"], o["lam"])
        advantages.append(advantage)
        targets.append(target)
    flat = torch.cat(advantages)
    # TRL and verl divide by n - 1, NeMo-Aligner by n.
    variance = flat.var(unbiased=name != "ppo@nemo_aligner")
    whitened = (flat - flat.mean()) * torch.rsqrt(variance + 1e-8)
    ended = torch.cat([torch.full((len(c),), float(c[-1] == end)) for c in completions])
    return torch.cat(old), whitened, torch.cat(value), torch.cat(targets), ended


def loss(name, o, now, value, fixed):
    old, advantage, before, target, ended = fixed
    ratio = (now - old).exp()
    band = o["cliprange"]
    each = torch.max(-advantage * ratio, -advantage * ratio.clamp(1 - band, 1 + band))
    if name == "ppo@verl":
        each = torch.where(advantage < 0, torch.min(each, -o["dual_clip"] * advantage), each)
    weight = ended if name == "ppo@nemo_aligner" else torch.ones_like(ended)
    near = before + (value - before).clamp(-o["cliprange_value"], o["cliprange_value"])
    critics = 0.5 * torch.max((value - target) ** 2, (near - target) ** 2).mean()
    return (each * weight).sum() / weight.sum() + o.get("vf_coef", 1.0) * critics


def train(name, o, recorded):
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    actor = AutoModelForCausalLM.from_pretrained(FOLDER, dtype=torch.float32)
    reference, critic = copy.deepcopy(actor), Critic(actor)
    optimizers = [
        torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
        for model, rate in ((actor, RATE), (critic, CRITIC_RATE))
    ]
    batch, generations = recorded["settings"]["batch"], recorded["settings"]["generations"]
    lines = []
    for i, (completions, scores) in enumerate(zip(recorded["drawn"], recorded["scores"])):
        asked = recorded["prompts"][i * batch : (i + 1) * batch]
        prompts = [tokenizer(p)["input_ids"] for p in asked for _ in range(generations)]
        fixed = rollout(name, o, actor, reference, critic, prompts, completions, scores, tokenizer.eos_token_id)
        for _ in range(recorded["settings"]["iterations"]):
            now = torch.cat([logp(actor, p, c) for p, c in zip(prompts, completions)])
            value = torch.cat([critic(p, c) for p, c in zip(prompts, completions)])
            total = loss(name, o, now, value, fixed)
            for optimizer in optimizers:
                optimizer.zero_grad()
            total.backward()
            norms = [torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0).item() for model in (actor, critic)]
            for optimizer in optimizers:
                optimizer.step()
            lines.append(dict(loss=total.item(), grad_norm=math.hypot(*norms)))
    return lines


def main():
    recorded = json.loads((HERE / "trl_policy.json").read_text())
    runs = [dict(ours=name, set=o, metrics=train(name, o, recorded)) for name, o in RUNS.items()]
    compact = lambda value: json.dumps(value, separators=(",", ":"))
    lines = ",\n".join(map(compact, runs))
    (HERE / "ppo.json").write_text(f'{{"lr":{RATE},"critic_lr":{CRITIC_RATE},"runs":[\n{lines}\n]}}\n')


main()
