//! Identity Preference Optimization, arXiv:2310.12036.
//!
//! With the log-ratio `h(y) = log(pi(y | x) / pi_ref(y | x))` of a whole response, the sum over its tokens
//! (equation 17; `beta` is the paper's tau):
//!
//! ```text
//! L = mean over pairs of (h(w) - h(l) - 1 / (2 beta))^2
//! ```
//!
//! Others differ: TRL and LLaMA-Factory divide each `h` by the length of its response, OpenRLHF and NeMo-Aligner sum as
//! the paper does, pmetal aims for another gap.

crate::prelude!();
use crate::dpo::{NemoAligner, margin};

/// Hyper-parameters of [`ipo`].
#[derive(Hyper)]
pub struct Ipo {
    /// How strongly the policy is held to the reference: the gap it aims for is `1 / (2 beta)`.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
}

/// How much likelier the whole response has become.
#[reward]
pub fn log_ratio<Y: Side>(actor: &Actor, reference: &Reference, y: Reply<Y>) -> PerResponse<LogRatio, Y> {
    (actor.logp(y) - reference.logp(y)).sum(Token)
}

/// Identity Preference Optimization: brings the gap between the log-ratios of a pair to a fixed size.
#[algorithm(
    paper = "arXiv:2310.12036",
    except = "monotone: the square pulls a gap back that is larger than its target"
)]
pub fn ipo(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Ipo) -> Scalar<Loss> {
    let chosen = log_ratio(actor, reference, pair.chosen);
    let rejected = log_ratio(actor, reference, pair.rejected);
    report_rewards(hp.beta * chosen, hp.beta * rejected);
    (chosen - rejected - 1.0 / (2.0 * hp.beta)).squared().mean(Prompt)
}

/// By how much the mean log-ratio of a token of the chosen response misses being `1 / (2 beta)` larger, squared.
#[reward]
pub fn mean_miss(actor: &Actor, reference: &Reference, pair: &Pair, beta: Param) -> PerPrompt<Loss> {
    let chosen = (actor.logp(pair.chosen) - reference.logp(pair.chosen)).mean(Token);
    let rejected = (actor.logp(pair.rejected) - reference.logp(pair.rejected)).mean(Token);
    report_rewards(beta * chosen, beta * rejected);
    (chosen - rejected - 1.0 / (2.0 * beta)).squared()
}

/// TRL's `loss_type="ipo"`: log-ratios are means over the tokens of a response.
#[algorithm(
    paper = "arXiv:2310.12036",
    preset = "ipo@trl",
    source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771, loss_type ipo",
    except = "monotone: the square pulls a gap back that is larger than its target"
)]
pub fn ipo_trl(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Ipo) -> Scalar<Loss> {
    mean_miss(actor, reference, pair, hp.beta).mean(Prompt)
}

/// LLaMA-Factory's `pref_loss: ipo`: log-ratios are means over the tokens of a response.
#[algorithm(
    paper = "arXiv:2310.12036",
    preset = "ipo@llamafactory",
    source = "LLaMA-Factory 0.9.5, src/llamafactory/train/dpo/trainer.py, ff6d4d12",
    except = "monotone: the square pulls a gap back that is larger than its target"
)]
pub fn ipo_llamafactory(actor: &Actor, reference: &Reference, pair: &Pair, hp: &IpoLlamafactory) -> Scalar<Loss> {
    let likelihood = -actor.logp(pair.chosen).mean(Token).batch_mean();
    mean_miss(actor, reference, pair, hp.beta).mean(Prompt) + hp.pref_ftx * likelihood
}

/// Hyper-parameters of [`ipo_llamafactory`].
#[derive(Hyper)]
pub struct IpoLlamafactory {
    /// How strongly the policy is held to the reference: the gap it aims for is `1 / (2 beta)`.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// Weight of the chosen response's mean log-probability.
    #[hyper(default = 0.0, at_least = 0.0, at_most = 100.0)]
    pub pref_ftx: Param,
}

/// Hyper-parameters of [`ipo_openrlhf`].
#[derive(Hyper)]
pub struct IpoOpenrlhf {
    /// How strongly the policy is held to the reference: the gap it aims for is `1 / (2 beta)`.
    #[hyper(default = 0.1, above = 0.0, at_most = 10.0)]
    pub beta: Param,
    /// Weight of the chosen response's mean log-probability.
    #[hyper(default = 0.0, at_least = 0.0, at_most = 100.0)]
    pub nll_loss_coef: Param,
}

/// OpenRLHF's `ipo_enable`: sums as in the paper, and the mean log-probability of a chosen token beside it if wanted.
#[algorithm(
    paper = "arXiv:2310.12036",
    preset = "ipo@openrlhf",
    source = "OpenRLHF, openrlhf/models/loss.py and openrlhf/trainer/dpo_trainer.py, 3c3be623",
    except = "monotone: the square pulls a gap back that is larger than its target"
)]
pub fn ipo_openrlhf(actor: &Actor, reference: &Reference, pair: &Pair, hp: &IpoOpenrlhf) -> Scalar<Loss> {
    let likelihood = -actor.logp(pair.chosen).mean(Token).batch_mean();
    ipo(actor, reference, pair, &Ipo { beta: hp.beta }) + hp.nll_loss_coef * likelihood
}

/// NeMo-Aligner's `preference_loss: ipo`: sums as in the paper, and the log-probability of whole chosen responses.
#[algorithm(
    paper = "arXiv:2310.12036",
    preset = "ipo@nemo_aligner",
    source = "NeMo-Aligner, nemo_aligner/models/nlp/gpt/megatron_gpt_dpo_model.py, af2b3bd9",
    except = "monotone: the square pulls a gap back that is larger than its target"
)]
pub fn ipo_nemo_aligner(actor: &Actor, reference: &Reference, pair: &Pair, hp: &NemoAligner) -> Scalar<Loss> {
    let likelihood = -actor.logp(pair.chosen).sum(Token).batch_mean();
    hp.preference_loss_weight * ipo(actor, reference, pair, &Ipo { beta: hp.beta }) + hp.sft_loss_weight * likelihood
}

/// pmetal's: the gap is multiplied by `beta` and aims for `1 / (2 beta)` all the same, which the paper does not say.
#[algorithm(paper = "arXiv:2310.12036", preset = "ipo@pmetal", source = "pmetal, 08917163")]
pub fn ipo_pmetal(actor: &Actor, reference: &Reference, pair: &Pair, hp: &Ipo) -> Scalar<Loss> {
    let gap = margin(actor, reference, pair.chosen, pair.rejected, hp.beta);
    (gap - 1.0 / (2.0 * hp.beta)).squared().mean(Prompt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{Given, three_pairs};
    use crate::ir::SideTag;

    #[test]
    fn three_pairs_cost_what_the_paper_says() {
        three_pairs().check(&IPO, &[("beta", 0.1)], 91.666_666_667);
    }
    #[test]
    fn the_presets_average_where_the_peer_does() {
        three_pairs().check(&IPO_TRL, &[("beta", 0.1)], 15.664_268_027);
        three_pairs().check(&IPO_LLAMAFACTORY, &[("beta", 0.1)], 15.664_268_027);
        three_pairs().check(&IPO_OPENRLHF, &[("beta", 0.1)], 91.666_666_667);
        three_pairs().check(&IPO_OPENRLHF, &[("nll_loss_coef", 0.5)], 92.104_166_667);
        let settings = [("beta", 0.1), ("sft_loss_weight", 0.3)];
        three_pairs().check(&IPO_NEMO_ALIGNER, &settings, 91.666_666_667 + 0.3 * 11.5 / 3.0);
        three_pairs().check(&IPO_PMETAL, &[("beta", 0.1)], 16.666_666_667);
    }
    #[test]
    fn nothing_moves_once_the_gap_is_right() {
        let there = Given::pair(("actor", &[-1.0, -2.0]), ("actor", &[-3.0]))
            .also(("reference", &[-2.0, -2.0]), ("reference", &[-2.0]));
        there.check(&IPO, &[("beta", 0.25)], 0.0);
        there.check_gradient(&IPO, &[("beta", 0.25)], SideTag::Chosen, &[0.0, 0.0]);
        there.check_gradient(&IPO, &[("beta", 0.5)], SideTag::Rejected, &[-2.0]);
    }
}
