"""Losses of groups of scored responses: the likelihood of those better than was expected."""

import torch

from .batch import tensor
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


def std(x):
    """Divided by one less than there are; nothing of a single one."""
    return x.std() if len(x) > 1 else torch.zeros(())


def standardised(b, eps):
    s = b.get("group", "score", S)
    return in_groups(b, lambda x: (x - x.mean()) / (std(x) + eps), s)


def whiten(x):
    return (x - x.mean()) / torch.sqrt(x.var() + 1e-8)


def k3(b):
    x = b.get("reference", "logp", S) - b.get("actor", "logp", S)
    return torch.exp(x) - x - 1


def k3_verl(b):
    x = torch.clamp(b.get("reference", "logp", S) - b.get("actor", "logp", S), -20, 20)
    return torch.clamp(torch.exp(x) - x - 1, -10, 10)


def ratios(b):
    return torch.exp(b.get("actor", "logp", S) - b.get("behavior", "logp", S))


def gains(b, a, low, high):
    """Of every token of the batch; the advantage is a response's."""
    return clipped(ratios(b), b.spread(a), low, high)


def dual(gain, a, cap):
    return torch.where(a < 0, torch.maximum(gain, cap * a), gain)


def token_means(b, flat):
    """For each response, the mean over its tokens."""
    return b.per_response(flat) / b.lengths(S)


BAND = dict(epsilon=(0.2, 0.4), epsilon_high=(0.2, 0.6))


@loss("dr_grpo", "samples", epsilon=(0.2, 0.5), max_completion_length=(256.0, 4.0))
def dr_grpo(b, epsilon, max_completion_length):
    return -of_responses(b, b.per_response(gains(b, centred(b), epsilon, epsilon)) / max_completion_length)


@loss("dr_grpo@trl", "samples", beta=(0.0, 0.3), max_completion_length=(256.0, 4.0), **BAND)
def dr_grpo_trl(b, beta, max_completion_length, epsilon, epsilon_high):
    terms = -gains(b, centred(b), epsilon, epsilon_high) + beta * k3(b)
    return (b.per_response(terms) / max_completion_length).mean()


@loss("dr_grpo@verl", "samples", beta=(0.001, 0.3), epsilon=(0.2, 0.4), dual_clip=(3.0, 1.3), loss_scale_factor=(256.0, 5.0))
def dr_grpo_verl(b, beta, epsilon, dual_clip, loss_scale_factor):
    a = b.spread(centred(b))
    terms = -dual(clipped(ratios(b), a, epsilon, epsilon), a, dual_clip) + beta * k3_verl(b)
    return (b.per_response(terms) / loss_scale_factor).mean()


@loss("grpo", "samples", beta=(0.04, 0.3), epsilon=(0.2, 0.4))
def grpo(b, beta, epsilon):
    return of_responses(b, token_means(b, -gains(b, standardised(b, 1e-4), epsilon, epsilon) + beta * k3(b)))


@loss("grpo_tis", "served_samples", beta=(0.04, 0.3), epsilon=(0.2, 0.4), cap=(2.0, 1.2))
def grpo_tis(b, beta, epsilon, cap):
    weight = torch.clamp(torch.exp(b.get("behavior", "logp", S) - b.get("sampler", "logp", S)), max=cap)
    return of_responses(b, token_means(b, beta * k3(b) - weight * gains(b, standardised(b, 1e-4), epsilon, epsilon)))


def trl_terms(b, beta, epsilon, epsilon_high):
    return -gains(b, standardised(b, 1e-4), epsilon, epsilon_high) + beta * k3(b)


@loss("grpo@trl", "samples", beta=(0.0, 0.3), **BAND)
def grpo_trl(b, **hyper):
    return token_means(b, trl_terms(b, **hyper)).mean()


@loss("grpo@tunix", "samples", beta=(0.04, 0.3), epsilon=(0.2, 0.4))
@loss("grpo@tunix", "far_samples", beta=(0.04, 0.3), epsilon=(0.2, 0.4))
def grpo_tunix(b, beta, epsilon):
    rho = torch.exp(torch.clamp(b.get("actor", "logp", S) - b.get("behavior", "logp", S), -20, 20))
    gain = clipped(rho, b.spread(standardised(b, 1e-6)), epsilon, epsilon)
    return token_means(b, beta * k3(b) - gain).mean()


def two_sided(b, a, epsilon, epsilon_high, delta):
    rho, a = ratios(b), b.spread(a)
    return torch.minimum(torch.clamp(rho, max=delta) * a, torch.clamp(rho, 1 - epsilon, 1 + epsilon_high) * a)


@loss("two_sided_grpo", "samples", delta=(4.0, 1.1), **BAND)
def two_sided_grpo(b, **hyper):
    return -of_responses(b, token_means(b, two_sided(b, standardised(b, 1e-4), **hyper)))


@loss("two_sided_grpo@trl", "samples", beta=(0.0, 0.3), delta=(4.0, 1.1), **BAND)
def two_sided_grpo_trl(b, beta, **hyper):
    return token_means(b, beta * k3(b) - two_sided(b, standardised(b, 1e-4), **hyper)).mean()


def dppo(b, binary_kl, trained, epsilon, epsilon_high, slack=0.0):
    """Tokens that have moved far where they are pushed count nothing."""
    now, then = sg(b.get("actor", "logp", S).exp()), b.get("behavior", "logp", S).exp()
    a = b.spread(standardised(b, 1e-6))
    if binary_kl:
        others = (1 - then) * ((1 - then + slack) / (1 - now + slack)).log()
        far = then * (then / now).log() + others
    else:
        far = (now - then).abs()
    stopped = ((a > 0) & (now > then) & (far > epsilon_high)) | ((a < 0) & (now < then) & (far > epsilon))
    gain = ratios(b) * a if trained else sg(torch.clamp(ratios(b), max=20)) * a * b.get("actor", "logp", S)
    return -torch.where(stopped, torch.zeros_like(gain), gain).mean()


VARIATION = dict(epsilon=(0.2, 0.02), epsilon_high=(0.3, 0.2))


@loss("dppo_tv", "samples", **VARIATION)
def dppo_tv(b, **hyper):
    return dppo(b, False, True, **hyper)


@loss("dppo_tv@verl", "samples", **VARIATION)
def dppo_tv_verl(b, **hyper):
    return dppo(b, False, False, **hyper)


@loss("dppo_kl", "samples", **VARIATION)
def dppo_kl(b, **hyper):
    return dppo(b, True, True, **hyper)


@loss("dppo_kl@verl", "samples", **VARIATION)
def dppo_kl_verl(b, **hyper):
    return dppo(b, True, False, slack=1e-8, **hyper)


@loss("bnpo@trl dapo@trl", "samples", beta=(0.0, 0.3), **BAND)
def dapo_trl(b, **hyper):
    return trl_terms(b, **hyper).mean()


@loss("grpo@verl", "samples", beta=(0.001, 0.3), dual_clip=(3.0, 1.3), **BAND)
def grpo_verl(b, beta, dual_clip, epsilon, epsilon_high):
    a = b.spread(standardised(b, 1e-6))
    return (-dual(clipped(ratios(b), a, epsilon, epsilon_high), a, dual_clip) + beta * k3_verl(b)).mean()


@loss("dapo", "samples", epsilon=(0.2, 0.4), epsilon_high=(0.28, 0.6))
def dapo(b, epsilon, epsilon_high):
    return -gains(b, standardised(b, 1e-4), epsilon, epsilon_high).mean()


def sequence_ratio(b):
    return torch.exp(token_means(b, b.get("actor", "logp", S) - b.get("behavior", "logp", S)))


def gspo_gain(b, low, high):
    return clipped(sequence_ratio(b), standardised(b, 1e-4), low, high)


@loss("gspo", "samples", epsilon=(3e-4, 0.4), epsilon_high=(4e-4, 0.6))
def gspo(b, epsilon, epsilon_high):
    return -of_responses(b, gspo_gain(b, epsilon, epsilon_high))


@loss("gspo@trl", "samples", beta=(0.0, 0.3), **BAND)
def gspo_trl(b, beta, epsilon, epsilon_high):
    return (-gspo_gain(b, epsilon, epsilon_high) + beta * token_means(b, k3(b))).mean()


@loss("luspo", "samples", epsilon=(3e-4, 0.4), epsilon_high=(4e-4, 0.6))
def luspo(b, epsilon, epsilon_high):
    return -of_responses(b, b.lengths(S) * gspo_gain(b, epsilon, epsilon_high))


@loss("gmpo", "samples", epsilon=(0.4, 0.1))
def gmpo(b, epsilon):
    a = standardised(b, 1e-4)
    x = b.get("actor", "logp", S) - b.get("behavior", "logp", S)
    near = torch.clamp(x, -epsilon, epsilon)
    x = torch.where(b.spread(a) < 0, torch.maximum(x, near), torch.minimum(x, near))
    return -of_responses(b, a * torch.exp(token_means(b, x)))


@loss("gpg", "samples")
def gpg(b):
    s = b.get("group", "score", S)
    teach = [1.0 if (s[torch.tensor(g)] != s[g[0]]).any() else 0.0 for g in b.groups()]
    return -(b.spread(centred(b)) * b.get("actor", "logp", S)).mean() * len(teach) / sum(teach)


@loss("gpg@verl", "samples")
def gpg_verl(b):
    s = b.get("group", "score", S)
    return -(b.spread(centred(b)) * b.get("actor", "logp", S)).mean() * len(s) / (s != 0).sum()


@loss("opo", "samples")
def opo(b):
    s, n = b.get("group", "score", S), b.lengths(S)
    total = lambda x: in_groups(b, lambda y: y.sum().expand_as(y), x)
    return surrogate(b, s - total(n * s) / total(n))


@loss("cispo", "samples", epsilon_high=(0.2, 0.7))
def cispo(b, epsilon_high):
    weight = sg(torch.clamp(ratios(b), max=1 + epsilon_high))
    return -(weight * b.spread(standardised(b, 1e-4)) * b.get("actor", "logp", S)).mean()


@loss("cispo@trl", "samples", beta=(0.0, 0.3), epsilon_high=(5.0, 1.4))
def cispo_trl(b, beta, epsilon_high):
    weight = sg(torch.clamp(ratios(b), max=epsilon_high))
    return (-weight * b.spread(standardised(b, 1e-4)) * b.get("actor", "logp", S) + beta * k3(b)).mean()


@loss("cispo@verl", "samples", **BAND)
def cispo_verl(b, epsilon, epsilon_high):
    weight = sg(torch.clamp(ratios(b), 1 - epsilon, 1 + epsilon_high))
    return -(weight * b.spread(standardised(b, 1e-6)) * b.get("actor", "logp", S)).mean()


@loss("sapo", "samples", sapo_temperature_pos=(1.0, 2.5), sapo_temperature_neg=(1.05, 0.6))
def sapo(b, sapo_temperature_pos, sapo_temperature_neg):
    a = b.spread(standardised(b, 1e-4))
    tau = torch.where(a > 0, tensor(sapo_temperature_pos), tensor(sapo_temperature_neg))
    return -of_responses(b, token_means(b, a * 4 / tau * torch.sigmoid(tau * (ratios(b) - 1))))


@loss(
    "vespo",
    "far_samples",
    vespo_k_pos=(0.1, 0.05),
    vespo_lambda_pos=(1e-9, 2e-9),
    vespo_k_neg=(0.08, 0.04),
    vespo_lambda_neg=(2e-9, 1e-9),
)
@loss(
    "vespo",
    "samples",
    vespo_k_pos=(2.0, 1.1),
    vespo_lambda_pos=(3.0, 0.7),
    vespo_k_neg=(3.0, 0.4),
    vespo_lambda_neg=(2.0, 1.6),
)
def vespo(b, vespo_k_pos, vespo_lambda_pos, vespo_k_neg, vespo_lambda_neg):
    a = standardised(b, 1e-4)
    w = torch.exp(torch.clamp(sg(b.total("actor", S) - b.total("behavior", S)), -20, 20))
    phi = lambda k, l: torch.exp(tensor(l)) * w**k * torch.exp(-l * w)
    weight = torch.where(a < 0, phi(vespo_k_neg, vespo_lambda_neg), phi(vespo_k_pos, vespo_lambda_pos))
    return -(b.spread(weight * a) * b.get("actor", "logp", S)).mean()


def at_last(b, per_response):
    return torch.cat([torch.cat([torch.zeros(t - 1).double(), x.view(1)]) for x, (_, t) in zip(per_response, b.sides[S])])


def discounted(b, flat, decay):
    """From the end of each response: what is here and decay times what comes."""
    out = []
    for x in b.split(flat, S):
        later, back = torch.zeros(()).double(), []
        for here in reversed(list(x)):
            later = here + decay * later
            back.append(later)
        out += list(reversed(back))
    return torch.stack(out)


def gae(b, reward, gamma, lam):
    value = b.get("group", "value", S)
    after = torch.cat([torch.cat([v[1:], torch.zeros(1).double()]) for v in b.split(value, S)])
    advantage = discounted(b, reward + gamma * after - value, gamma * lam)
    return sg(advantage), sg(advantage + value)


def paid(b, score, price):
    """The score at the last token, less the price of each token's drift."""
    drift = b.get("behavior", "logp", S) - b.get("reference", "logp", S)
    return at_last(b, score) - price * drift


@loss("reinforce_pp", "samples", beta=(0.01, 0.3), gamma=(1.0, 0.9), epsilon=(0.2, 0.5))
def reinforce_pp(b, beta, gamma, epsilon):
    a = whiten(discounted(b, paid(b, b.get("group", "score", S), beta), gamma))
    return -clipped(ratios(b), a, epsilon, epsilon).mean()


@loss("reinforce_pp_baseline", "samples", beta=(0.01, 0.3), epsilon=(0.2, 0.5))
def reinforce_pp_baseline(b, beta, epsilon):
    a = whiten(b.spread(centred(b)))
    k2 = (b.get("actor", "logp", S) - b.get("reference", "logp", S)) ** 2 / 2
    return (-clipped(ratios(b), a, epsilon, epsilon) + beta * k2).mean()


def value_loss(b, target, reach):
    v, old = b.get("critic", "value", S), b.get("group", "value", S)
    near = torch.clamp(v, old - reach, old + reach)
    return 0.5 * torch.maximum((v - target) ** 2, (near - target) ** 2).mean()


TRUST = dict(gamma=(1.0, 0.9), lam=(0.95, 0.6), cliprange=(0.2, 0.5), cliprange_value=(0.2, 0.9))


def ppo_of(b, score, kl_coef, gamma, lam, cliprange, cliprange_value, vf_coef, cap=None):
    a, target = gae(b, paid(b, score, kl_coef), gamma, lam)
    a = whiten(a)
    gain = clipped(ratios(b), a, cliprange, cliprange)
    gain = gain if cap is None else dual(gain, a, cap)
    return -gain.mean() + vf_coef * value_loss(b, target, cliprange_value)


@loss("ppo", "samples", kl_coef=(0.05, 0.4), vf_coef=(0.1, 0.8), **TRUST)
def ppo(b, **hyper):
    return ppo_of(b, b.get("group", "score", S), **hyper)


@loss("ppo@trl", "samples", kl_coef=(0.05, 0.4), vf_coef=(0.1, 0.8), missing_eos_penalty=(0.0, 1.0), **TRUST)
def ppo_trl(b, missing_eos_penalty, **hyper):
    score = b.get("group", "score", S) - missing_eos_penalty * (1 - b.get("group", "ended", S))
    return ppo_of(b, score, **hyper)


@loss("ppo@verl", "samples", kl_coef=(0.001, 0.4), dual_clip=(3.0, 1.3), **TRUST)
def ppo_verl(b, dual_clip, **hyper):
    return ppo_of(b, b.get("group", "score", S), vf_coef=1.0, cap=dual_clip, **hyper)


@loss("ppo_dual_clip", "samples", kl_coef=(0.05, 0.4), vf_coef=(0.1, 0.8), dual_clip=(3.0, 1.3), **TRUST)
def ppo_dual_clip(b, dual_clip, **hyper):
    return ppo_of(b, b.get("group", "score", S), cap=dual_clip, **hyper)


@loss("rloo@nemo_aligner", "samples", kl_coef=(0.01, 0.4))
def rloo_nemo(b, kl_coef):
    drift = token_means(b, sg((b.get("actor", "logp", S) - b.get("reference", "logp", S)).abs()))
    r, ended = b.get("group", "score", S) - kl_coef * drift, b.get("group", "ended", S)
    baseline = torch.zeros_like(r)
    for group in b.groups():
        for i in group:
            others_ended = [j for j in group if j != i and ended[j] > 0]
            baseline[i] = torch.stack([r[j] for j in others_ended]).mean() if others_ended else r[i]
    return -(b.spread(r - baseline) * b.get("actor", "logp", S)).mean()


@loss("rloo@verl", "samples", epsilon=(0.2, 0.5), dual_clip=(3.0, 1.3))
def rloo_verl(b, epsilon, dual_clip):
    s = b.get("group", "score", S)
    a = b.spread(s - in_groups(b, others, s))
    return -dual(clipped(ratios(b), a, epsilon, epsilon), a, dual_clip).mean()


PEERS = dict(beta=(0.01, 0.4), epsilon=(0.2, 0.4), epsilon_high=(0.2, 0.6))


@loss("grpo@openrlhf", "samples", **PEERS)
@loss("grpo@openrlhf", "moved_samples", **PEERS)
def grpo_openrlhf(b, beta, epsilon, epsilon_high):
    return (-gains(b, standardised(b, 1e-9), epsilon, epsilon_high) + beta * torch.clamp(k3(b), -10, 10)).mean()


@loss("grpo@nemo_rl", "samples", **PEERS)
def grpo_nemo_rl(b, beta, epsilon, epsilon_high):
    s = b.get("group", "score", S)
    a = torch.zeros_like(s)
    for group in b.groups():
        for i in group:
            rest = s[torch.tensor([j for j in group if j != i])]
            spread = std(rest)
            a[i] = s[i] - rest.mean()
            if spread > 0:
                a[i] = a[i] / (spread + 1e-6)
    x = torch.clamp(b.get("reference", "logp", S) - b.get("actor", "logp", S), -20, 20)
    # One, with the gradient of the log-probability.
    drawn = torch.exp(sg(x) - x)
    return (-gains(b, a, epsilon, epsilon_high) + beta * drawn * torch.clamp(torch.exp(x) - x - 1, -10, 10)).mean()


@loss("ppo_entropy", "samples", kl_coef=(0.05, 0.4), vf_coef=(0.1, 0.8), entropy_coef=(0.01, 0.3), **TRUST)
def ppo_entropy(b, entropy_coef, **hyper):
    q = b.vocabulary("actor", S)
    return ppo(b, **hyper) + entropy_coef * (q.exp() * q).sum(1).mean()


@loss(
    "ppo_adaptive", "samples", kl_coef=(0.05, 0.4), kl_target=(6.0, 1.0), kl_gain=(0.1, 0.3), vf_coef=(0.1, 0.8), **TRUST
)
def ppo_adaptive(b, kl_coef, kl_target, kl_gain, **hyper):
    # What the price is now was decided by the steps before.
    return ppo(b, kl_coef=b.get("state", "kl_coef"), **hyper)


@loss("ppo@nemo_aligner", "samples", kl_coef=(0.01, 0.4), **TRUST)
def ppo_nemo(b, kl_coef, gamma, lam, cliprange, cliprange_value):
    drift = (b.get("behavior", "logp", S) - b.get("reference", "logp", S)).abs()
    a, target = gae(b, at_last(b, b.get("group", "score", S)) - kl_coef * drift, gamma, lam)
    a = (a - a.mean()) / torch.sqrt(((a - a.mean()) ** 2).mean() + 1e-8)
    ended = b.spread(b.get("group", "ended", S))
    gain = clipped(ratios(b), a, cliprange, cliprange)
    return -(ended * gain).sum() / ended.sum() + value_loss(b, target, cliprange_value)
