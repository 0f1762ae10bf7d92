//! Functions of the whole distribution over the vocabulary at each token.
//!
//! A divergence is what is to be minimised, so it is a [`Kl`] whatever its name: `kl(teacher, actor)` is the forward one
//! of distillation, `kl(actor, teacher)` the reverse one, and with `mix = mixture(a, teacher, actor)` the generalised
//! Jensen-Shannon divergence is `a * kl(teacher, mix) + (1.0 - a) * kl(actor, mix)`.

use crate::grad::{Gradient, NoGrad, Tape};
use crate::hyper::HowMany;
use crate::ir::Op;
use crate::kind::{Entropy, Kl, LogProb, Weight};
use crate::level::{PerToken, PerVocab, Quantity};
use crate::number::Limit;
use crate::side::Side;
use crate::trace::{draft, step};

/// `-sum_v p(v) ln p(v)`: how undecided a policy is at each token.
#[track_caller]
pub fn entropy<Y: Side, G: Gradient>(words: PerVocab<LogProb, Y, G>) -> PerToken<Entropy, Y, G> {
    let surprise = draft(Op::Negative, &[words.handle()]);
    let expected = draft(Op::Times, &[draft(Op::Exponential, &[words.handle()]), surprise]);
    let total = draft(Op::Total, &[expected]);
    step(Op::Recast("less the expected log-probability is the entropy".to_owned()), &[total])
}

/// `sum_v p(v) [ln p(v) - ln q(v)]`: the exact divergence of `q` from `p` at each token.
#[track_caller]
pub fn kl<Y: Side, P: Gradient, Q: Gradient>(
    p: PerVocab<LogProb, Y, P>,
    q: PerVocab<LogProb, Y, Q>,
) -> PerToken<Kl, Y, <P as Tape>::Join<Q>> {
    let ratio = draft(Op::Minus, &[p.handle(), q.handle()]);
    let expected = draft(Op::Times, &[draft(Op::Exponential, &[p.handle()]), ratio]);
    step(Op::Total, &[expected])
}

/// `ln(a p(v) + (1 - a) q(v))` of each word, by a sum of exponentials that cannot underflow: right for log-probabilities
/// of any size. The share `a` is a number from 0 to 1.
#[track_caller]
pub fn mixture<A: Limit, Y: Side, P: Gradient, Q: Gradient>(
    a: A,
    p: PerVocab<LogProb, Y, P>,
    q: PerVocab<LogProb, Y, Q>,
) -> PerVocab<LogProb, Y, <P as Tape>::Join<Q>> {
    step(Op::Mixture, &[p.handle(), q.handle(), a.handle()])
}

/// 1 for the `k` likeliest words at each token, 0 for the others; of equally likely ones those that stand first in the
/// vocabulary. A constant: which words these are is not trained. All words if the vocabulary has no more.
#[track_caller]
pub fn top_words<Y: Side, G: Gradient, K: HowMany>(
    words: PerVocab<LogProb, Y, G>,
    k: K,
) -> PerVocab<Weight, Y, NoGrad> {
    step(Op::TopWords, &[words.handle(), k.how_many()])
}

/// The same distribution over the words with a weight other than 0 alone: `x(v) - ln(sum_u w(u) exp(x(u)))`.
///
/// A word of weight 0 gets 0. Two distributions over the same words therefore do not differ there, and such words count
/// nothing in an [`entropy`], a [`kl`] or a [`mixture`] of them.
#[track_caller]
pub fn renormalised<Y: Side, G: Gradient>(
    words: PerVocab<LogProb, Y, G>,
    kept: PerVocab<Weight, Y, NoGrad>,
) -> PerVocab<LogProb, Y, G> {
    step(Op::Renormalised, &[words.handle(), kept.handle()])
}
