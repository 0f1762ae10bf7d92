"""Losses of a pair: one chosen and one rejected response."""

import torch

from .registry import loss, ls, sg, sig

C, R = "Chosen", "Rejected"
BETA = (0.1, 0.7)
EPS = (0.0, 0.2)
W = (1.0, 0.3)


def gap(b, beta, other="reference"):
    return beta * (b.ratio(C, other) - b.ratio(R, other))


def smoothed(d, e):
    return -(1 - e) * ls(d) - e * ls(-d)


def nll_tokens(b):
    """Over all chosen tokens of the batch."""
    return -b.get("actor", "logp", C).mean()


def nll_means(b):
    """The mean token of each chosen response."""
    return -b.mean("actor", C).mean()


def nll_sums(b):
    return -b.total("actor", C).mean()


def per_token(b):
    return b.ratio(C) / b.lengths(C), b.ratio(R) / b.lengths(R)


@loss("dpo online_dpo", "pairs", beta=BETA, label_smoothing=EPS)
def dpo(b, beta, label_smoothing):
    return smoothed(gap(b, beta), label_smoothing).mean()


@loss("dpo@trl", "pairs", beta=BETA)
def dpo_trl(b, beta):
    return -ls(gap(b, beta)).mean()


@loss("dpo@openrlhf", "pairs", beta=BETA, label_smoothing=EPS, nll_loss_coef=W)
def dpo_openrlhf(b, beta, label_smoothing, nll_loss_coef):
    return dpo(b, beta, label_smoothing) + nll_loss_coef * nll_means(b)


@loss("dpo@llamafactory", "pairs", beta=BETA, label_smoothing=EPS, pref_ftx=W)
def dpo_llamafactory(b, beta, label_smoothing, pref_ftx):
    return dpo(b, beta, label_smoothing) + pref_ftx * nll_means(b)


@loss("dpo@nemo_aligner", "pairs", beta=BETA, preference_loss_weight=W, sft_loss_weight=W)
def dpo_nemo(b, beta, preference_loss_weight, sft_loss_weight):
    return preference_loss_weight * dpo_trl(b, beta) + sft_loss_weight * nll_sums(b)


@loss("spin", "pairs", beta=BETA)
def spin(b, beta):
    return -ls(gap(b, beta, "previous")).mean()


@loss("ipo", "pairs", beta=BETA)
def ipo(b, beta):
    return ((b.ratio(C) - b.ratio(R) - 1 / (2 * beta)) ** 2).mean()


@loss("ipo@trl", "pairs", beta=BETA)
def ipo_trl(b, beta):
    w, l = per_token(b)
    return ((w - l - 1 / (2 * beta)) ** 2).mean()


@loss("ipo@llamafactory", "pairs", beta=BETA, pref_ftx=W)
def ipo_llamafactory(b, beta, pref_ftx):
    return ipo_trl(b, beta) + pref_ftx * nll_means(b)


@loss("ipo@openrlhf", "pairs", beta=BETA, nll_loss_coef=W)
def ipo_openrlhf(b, beta, nll_loss_coef):
    return ipo(b, beta) + nll_loss_coef * nll_means(b)


@loss("ipo@nemo_aligner", "pairs", beta=BETA, preference_loss_weight=W, sft_loss_weight=W)
def ipo_nemo(b, beta, preference_loss_weight, sft_loss_weight):
    return preference_loss_weight * ipo(b, beta) + sft_loss_weight * nll_sums(b)


@loss("ipo@pmetal", "pairs", beta=BETA)
def ipo_pmetal(b, beta):
    return ((gap(b, beta) - 1 / (2 * beta)) ** 2).mean()


@loss("hinge hinge@trl", "pairs", beta=BETA)
def hinge(b, beta):
    return torch.relu(1 - gap(b, beta)).mean()


@loss("exo exo@trl", "pairs", beta=BETA, label_smoothing=(0.001, 0.2))
def exo(b, beta, label_smoothing):
    q = sig(gap(b, beta))
    e = torch.tensor(label_smoothing, dtype=q.dtype)
    return (q * (q.log() - (1 - e).log()) + (1 - q) * ((1 - q).log() - e.log())).mean()


@loss("nca nca@trl", "pairs", beta=BETA)
def nca(b, beta):
    w, l = beta * b.ratio(C), beta * b.ratio(R)
    return (-ls(w) - 0.5 * ls(-w) - 0.5 * ls(-l)).mean()


@loss("robust robust@trl", "pairs", beta=BETA, label_smoothing=(0.1, 0.3))
def robust(b, beta, label_smoothing):
    d, e = gap(b, beta), label_smoothing
    return ((-(1 - e) * ls(d) + e * ls(-d)) / (1 - 2 * e)).mean()


@loss("bco_pair bco_pair@trl", "pairs", beta=BETA)
def bco_pair(b, beta):
    return (-ls(beta * b.ratio(C)) - ls(-beta * b.ratio(R))).mean()


@loss("sppo_hard sppo_hard@trl", "pairs", beta=BETA)
def sppo_hard(b, beta):
    return ((b.ratio(C) - 0.5 / beta) ** 2 + (b.ratio(R) + 0.5 / beta) ** 2).mean()


@loss("apo_zero apo_zero@trl", "pairs", beta=BETA)
def apo_zero(b, beta):
    return (1 - sig(beta * b.ratio(C)) + sig(beta * b.ratio(R))).mean()


@loss("apo_down apo_down@trl", "pairs", beta=BETA)
def apo_down(b, beta):
    return (sig(beta * b.ratio(C)) + 1 - sig(gap(b, beta))).mean()


@loss("discopop discopop@trl", "pairs", beta=BETA, discopop_tau=(0.05, 0.4))
def discopop(b, beta, discopop_tau):
    d = gap(b, beta)
    m = sig(d / discopop_tau)
    return ((1 - m) * -ls(d) + m * torch.exp(-d)).mean()


@loss("dpo_norm dpo_norm@trl", "pairs", beta=(2.0, 0.7))
def dpo_norm(b, beta):
    w, l = per_token(b)
    return -ls(beta * (w - l)).mean()


@loss("dpo_sft", "pairs", beta=BETA, alpha=W)
def dpo_sft(b, beta, alpha):
    return nll_means(b) + alpha * dpo_trl(b, beta)


@loss("rpo@trl", "pairs", beta=BETA, rpo_alpha=W)
def rpo_of_trl(b, beta, rpo_alpha):
    return dpo_trl(b, beta) + rpo_alpha * nll_tokens(b)


def running(b, now):
    """The mean of this step's and of those before."""
    mean, steps = b.get("state", "mean_reward"), b.get("state", "steps")
    return (steps * mean + sg(now)) / (steps + 1)


def shifted_bco(b, beta):
    w, l = beta * b.ratio(C), beta * b.ratio(R)
    d = running(b, (w.mean() + l.mean()) / 2)
    return (-ls(w - d) - ls(d - l)).mean()


@loss("mpo", "pairs", beta=BETA, preference_weight=(0.8, 0.5), quality_weight=(0.2, 0.9), generation_weight=(1.0, 0.4))
def mpo_paper(b, beta, preference_weight, quality_weight, generation_weight):
    of_quality = quality_weight * shifted_bco(b, beta)
    return preference_weight * dpo_trl(b, beta) + of_quality + generation_weight * nll_means(b)


@loss("mpo@llamafactory", "pairs", beta=BETA, pref_bco_weight=(0.25, 0.7), pref_ftx=W)
def mpo_llamafactory(b, beta, pref_bco_weight, pref_ftx):
    both = dpo_trl(b, beta) + pref_bco_weight * shifted_bco(b, beta)
    return both / (1 + pref_bco_weight) + pref_ftx * nll_means(b)


@loss("mpo@trl", "pairs", beta=BETA, preference_weight=(0.8, 0.5), quality_weight=(0.2, 0.9), generation_weight=(1.0, 0.4))
def mpo(b, beta, preference_weight, quality_weight, generation_weight):
    of_quality = quality_weight * bco_pair(b, beta)
    return preference_weight * dpo_trl(b, beta) + of_quality + generation_weight * nll_tokens(b)


@loss("sft@trl", "pairs")
def sft_trl(b):
    return nll_tokens(b)


@loss("f_dpo", "pairs", beta=BETA, alpha=(0.5, 0.8))
def f_dpo(b, beta, alpha):
    f = lambda side: (torch.exp(b.ratio(side)) ** -alpha) / -alpha
    return -ls(beta * (f(C) - f(R))).mean()


@loss("f_dpo@trl", "pairs", beta=BETA, f_alpha_divergence_coef=(0.5, 0.3))
def f_dpo_trl(b, beta, f_alpha_divergence_coef):
    c = f_alpha_divergence_coef
    f = lambda side: (torch.exp((c - 1) * b.ratio(side)) - 1) / (c - 1)
    return -ls(beta * (f(C) - f(R))).mean()


@loss("f_dpo_forward_kl f_dpo_forward_kl@trl", "pairs", beta=BETA)
def f_dpo_forward_kl(b, beta):
    f = lambda side: 1 - torch.exp(-b.ratio(side))
    return -ls(beta * (f(C) - f(R))).mean()


@loss("f_dpo_js f_dpo_js@trl", "pairs", beta=BETA)
def f_dpo_js(b, beta):
    def f(side):
        u = torch.exp(b.ratio(side))
        return torch.log(2 * u / (1 + u))

    return -ls(beta * (f(C) - f(R))).mean()


@loss("scaled_dpo", "pairs", beta=BETA)
def scaled_dpo(b, beta):
    return (b.get("pair", "margin").abs() * -ls(gap(b, beta))).mean()


@loss("margin_dpo", "pairs", beta=BETA)
def margin_dpo(b, beta):
    return -ls(gap(b, beta) - b.get("pair", "margin")).mean()


@loss("cpo", "pairs", beta=BETA, cpo_alpha=W)
def cpo(b, beta, cpo_alpha):
    return -ls(beta * (b.total("actor", C) - b.total("actor", R))).mean() + cpo_alpha * nll_sums(b)


@loss("cpo@trl", "pairs", beta=BETA, label_smoothing=EPS, cpo_alpha=W)
def cpo_trl(b, beta, label_smoothing, cpo_alpha):
    d = beta * (b.total("actor", C) - b.total("actor", R))
    return smoothed(d, label_smoothing).mean() + cpo_alpha * nll_tokens(b)


@loss("slic", "pairs", delta=(1.0, 3.0), lambda_=W)
def slic(b, delta, lambda_):
    w, l = b.total("actor", C), b.total("actor", R)
    return torch.relu(delta - w + l).mean() - lambda_ * w.mean()


@loss("slic@trl", "pairs", beta=BETA, cpo_alpha=W)
def slic_trl(b, beta, cpo_alpha):
    return torch.relu(1 - beta * (b.total("actor", C) - b.total("actor", R))).mean() + cpo_alpha * nll_tokens(b)


def mean_gap(b):
    return b.mean("actor", C) - b.mean("actor", R)


@loss("simpo simpo@llamafactory", "pairs", beta=(2.0, 1.3), simpo_gamma=(0.5, 0.9))
def simpo(b, beta, simpo_gamma):
    return -ls(beta * mean_gap(b) - simpo_gamma).mean()


@loss("simpo@authors", "pairs", beta=(2.0, 1.3), gamma_beta_ratio=(0.25, 0.9))
def simpo_authors(b, beta, gamma_beta_ratio):
    return -ls(beta * (mean_gap(b) - gamma_beta_ratio)).mean()


@loss("simpo@trl", "pairs", beta=(2.0, 1.3), simpo_gamma=(0.5, 0.9), label_smoothing=EPS, cpo_alpha=W)
def simpo_trl(b, beta, simpo_gamma, label_smoothing, cpo_alpha):
    return smoothed(beta * (mean_gap(b) - simpo_gamma / beta), label_smoothing).mean() + cpo_alpha * nll_tokens(b)


def alpha_gap(b, beta, alpha, gamma):
    f = lambda side: (1 - torch.exp(torch.clamp(-alpha * b.mean("actor", side), -80, 80))) / alpha
    return beta * (f(C) - f(R)) - gamma


@loss("alphapo", "far_pairs", beta=(2.5, 1.3), alpha=(10.0, 8.2), simpo_gamma=(0.5, 0.9))
@loss("alphapo", "pairs", beta=(2.5, 1.3), alpha=(0.25, 0.6), simpo_gamma=(0.5, 0.9))
def alphapo(b, beta, alpha, simpo_gamma):
    return -ls(alpha_gap(b, beta, alpha, simpo_gamma)).mean()


@loss("alphapo@trl", "far_pairs", beta=(2.5, 1.3), alpha=(10.0, 8.2), simpo_gamma=(0.5, 0.9), label_smoothing=EPS, cpo_alpha=W)
@loss("alphapo@trl", "pairs", beta=(2.5, 1.3), alpha=(0.25, 0.6), simpo_gamma=(0.5, 0.9), label_smoothing=EPS, cpo_alpha=W)
def alphapo_trl(b, beta, alpha, simpo_gamma, label_smoothing, cpo_alpha):
    return smoothed(alpha_gap(b, beta, alpha, simpo_gamma), label_smoothing).mean() + cpo_alpha * nll_tokens(b)


@loss("distilled_dpo", "pairs", beta=BETA)
def distilled_dpo(b, beta):
    judged = b.get("scored_pair", "chosen_score", C) - b.get("scored_pair", "rejected_score", R)
    return ((judged - gap(b, beta)) ** 2).mean()


@loss("kto@llamafactory", "pairs", beta=BETA)
@loss("kto@llamafactory", "moved_pairs", beta=BETA)
def kto_pair(b, beta):
    w, l = b.ratio(C), b.ratio(R)
    zero = torch.zeros(())
    kl_w, kl_l = torch.maximum(w.mean(), zero), torch.maximum(l.mean(), zero)
    return torch.cat([1 - sig(beta * (w - kl_l)), 1 - sig(beta * (kl_w - l))]).mean()


@loss("aot aot@trl", "pairs", beta=BETA, label_smoothing=EPS)
def aot(b, beta, label_smoothing):
    gaps = lambda who: torch.sort(b.total(who, C) - b.total(who, R)).values
    return smoothed(beta * (gaps("actor") - gaps("reference")), label_smoothing).mean()


@loss("aot_unpaired aot_unpaired@trl", "pairs", beta=BETA, label_smoothing=EPS)
def aot_unpaired(b, beta, label_smoothing):
    return smoothed(beta * (torch.sort(b.ratio(C)).values - torch.sort(b.ratio(R)).values), label_smoothing).mean()


def desensitised(b, who, side, alpha):
    other = b.lengths(R if side == C else C)
    sums = [x[: int(n)].sum() + alpha * x[int(n) :].sum() for x, n in zip(b.tokens(who, side), other)]
    return torch.stack(sums)


@loss("ld_dpo ld_dpo@trl", "pairs", beta=BETA, ld_alpha=(0.5, 0.1))
def ld_dpo(b, beta, ld_alpha):
    h = lambda side: desensitised(b, "actor", side, ld_alpha) - desensitised(b, "reference", side, ld_alpha)
    return -ls(beta * (h(C) - h(R))).mean()


@loss("ld_dpo@llamafactory", "pairs", beta=BETA, ld_alpha=(0.5, 0.1))
def ld_dpo_llamafactory(b, beta, ld_alpha):
    h = lambda side: desensitised(b, "actor", side, ld_alpha) - b.total("reference", side)
    return -ls(beta * (h(C) - h(R))).mean()


def odds(b, beta):
    def log_odds(side):
        p = torch.exp(b.mean("actor", side))
        return (p / (1 - p)).log()

    return -beta * ls(log_odds(C) - log_odds(R)).mean()


@loss("orpo orpo@llamafactory", "pairs", beta=BETA)
def orpo(b, beta):
    return nll_means(b) + odds(b, beta)


@loss("orpo@trl", "pairs", beta=BETA)
def orpo_trl(b, beta):
    return odds(b, beta) - b.get("actor", "logp", "Document").mean()


@loss("orpo@pmetal", "pairs", beta=BETA)
def orpo_pmetal(b, beta):
    return odds(b, beta) + nll_sums(b)


@loss("robust@pmetal", "pairs", beta=BETA)
def robust_pmetal(b, beta):
    d = gap(b, beta)
    return (-ls(d) + 0.5 * torch.relu(0.5 - d)).mean()


@loss("wpo wpo@trl", "pairs", beta=BETA)
def wpo(b, beta):
    def weight(side):
        drawn = (b.vocabulary("actor", side).exp() ** 2).sum(1).log()
        each = b.split(sg(b.get("actor", "logp", side) - drawn), side)
        return torch.stack([x.mean() for x in each]).exp()

    return (weight(C) * weight(R) * -ls(gap(b, beta))).mean()
