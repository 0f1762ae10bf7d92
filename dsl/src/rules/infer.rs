//! The table, asked by the verifier.

use super::binary::{CHOICES, DIFFERENCES, INTERVALS, PRODUCTS, QUOTIENTS, SUMS};
use super::functions::*;
use super::shapes::{Asking, line_up};
use super::{Mapping, Need, Pairing, Table};
use crate::ir::{Depth, KindTag, Op, Ty};

/// The type of a step from the types of what it works on; `None` where the table has no row.
///
/// Some operations are given their type and not asked for it: an [`Op::Input`], [`Op::Length`] and [`Op::Overlap`] are
/// what the batch gives (`None` here), and an [`Op::Recast`] is of the kind its author says (its argument's type here).
/// [`fits`] knows them.
#[must_use]
pub fn infer(op: &Op, args: &[Ty]) -> Option<Ty> {
    match (op, args) {
        (Op::Input { .. } | Op::Length | Op::Overlap(_), _) => None,
        (Op::Parameter(_) | Op::Literal(_), []) => {
            Some(Ty { kind: KindTag::Number, depth: Depth::Constant, side: None, live: false })
        }
        (Op::Plus, &[l, r]) => binary(l, r, SUMS, Asking::Sum),
        (Op::Minus, &[l, r]) => binary(l, r, DIFFERENCES, Asking::Difference),
        (Op::Times, &[l, r]) => binary(l, r, PRODUCTS, Asking::Product),
        (Op::Over, &[l, r]) => binary(l, r, QUOTIENTS, Asking::Product),
        (Op::Smaller | Op::Larger, &[l, r]) => binary(l, r, CHOICES, Asking::Product),
        (Op::Clip, &[a, low, high]) => [low, high].into_iter().all(is_number).then_some(a),

        (Op::LogInterval, &[l, r]) => binary(l, r, INTERVALS, Asking::Product),
        (Op::Choose, &[condition, a, b]) => choice(condition, a, b),
        (Op::Estimate(_), &[p, q]) => estimate(p, q),

        (Op::Negative, &[a]) => unary(a, NEGATIVE),
        (Op::Exponential, &[a]) => unary(a, EXPONENTIAL),
        (Op::Logarithm, &[a]) => unary(a, LOGARITHM),
        (Op::Magnitude, &[a]) => unary(a, SIZE),
        (Op::Logistic, &[a]) => unary(a, LOGISTIC),
        (Op::LogLogistic, &[a]) => unary(a, LOG_LOGISTIC),
        (Op::Square, &[a]) => unary(a, SQUARE),
        (Op::Root, &[a]) => unary(a, ROOT),
        (Op::LogComplement, &[a]) => unary(a, COMPLEMENT),
        (Op::Positive, &[a]) => Some(Ty { kind: KindTag::Weight, live: false, ..a }),

        (Op::Total | Op::Average, &[a]) => one_level_out(a),
        (Op::AverageAll, &[a]) => BATCHED.contains(&a.depth).then_some(Ty { depth: Depth::Batch, side: None, ..a }),
        (Op::Constant, &[a]) => Some(Ty { live: false, ..a }),
        (Op::Recast(_), &[a]) => Some(a),
        (Op::EveryPrompt, &[a]) => {
            matches!(a.depth, Depth::Constant | Depth::Batch).then_some(Ty { depth: Depth::EachPrompt, ..a })
        }

        (Op::OthersMean | Op::GroupMean, &[a]) => unary(grouped(a)?, GROUP_MEAN),
        (Op::GroupLogSoftmax, &[a]) => unary(grouped(a)?, DISTRIBUTION),
        (Op::GroupSpread | Op::OthersSpread, &[a]) => unary(grouped(a)?, SPREAD),
        (Op::BatchSpread, &[a]) => {
            let spread = unary(a, SPREAD)?;
            BATCHED.contains(&a.depth).then_some(Ty { depth: Depth::Batch, side: None, ..spread })
        }
        (Op::Sorted, &[a]) => ORDERED.contains(&a.depth).then_some(a),

        (Op::Following, &[a]) => SEQUENCES.contains(&a.depth).then_some(a),
        (Op::DiscountedSum, &[a, decay]) => {
            unary(a, DISCOUNTED).filter(|_| SEQUENCES.contains(&a.depth) && is_number(decay))
        }
        (Op::AtLast, &[a]) => (a.depth == Depth::EachResponse).then_some(Ty { depth: Depth::EachToken, ..a }),

        (Op::Mixture, &[p, q, share]) => {
            let alike = (p.depth, p.side) == (q.depth, q.side) && is_words(p) && is_words(q) && is_number(share);
            alike.then_some(Ty { live: p.live || q.live, ..p })
        }
        (Op::TopWords, &[words, count]) => {
            (is_words(words) && is_number(count)).then_some(Ty { kind: KindTag::Weight, live: false, ..words })
        }
        (Op::Renormalised, &[words, kept]) => {
            let mask = Ty { kind: KindTag::Weight, live: false, ..words };
            (is_words(words) && kept == mask).then_some(words)
        }

        // The right operation with the wrong number of arguments.
        (
            Op::Parameter(_)
            | Op::Literal(_)
            | Op::Plus
            | Op::Minus
            | Op::Times
            | Op::Over
            | Op::Smaller
            | Op::Larger
            | Op::Clip
            | Op::Negative
            | Op::Exponential
            | Op::Logarithm
            | Op::Magnitude
            | Op::Logistic
            | Op::LogLogistic
            | Op::Square
            | Op::Positive
            | Op::Total
            | Op::Average
            | Op::AverageAll
            | Op::Constant
            | Op::Recast(_)
            | Op::EveryPrompt
            | Op::OthersMean
            | Op::GroupMean
            | Op::GroupLogSoftmax
            | Op::Root
            | Op::LogComplement
            | Op::LogInterval
            | Op::Choose
            | Op::Estimate(_)
            | Op::GroupSpread
            | Op::OthersSpread
            | Op::BatchSpread
            | Op::Sorted
            | Op::Following
            | Op::DiscountedSum
            | Op::AtLast
            | Op::Mixture
            | Op::TopWords
            | Op::Renormalised,
            _,
        ) => None,
    }
}

/// Is `found` a type this step may have?
#[must_use]
pub fn fits(op: &Op, args: &[Ty], found: Ty) -> bool {
    match op {
        Op::Input { .. } => args.is_empty(),
        Op::Length | Op::Overlap(_) => {
            let depth = if matches!(op, Op::Length) { Depth::EachResponse } else { Depth::EachToken };
            let whose = if let Op::Overlap(other) = op { FACING.contains(&(found.side, Some(*other))) } else { true };
            let expected = Ty { kind: KindTag::Weight, depth, side: found.side, live: false };
            args.is_empty() && found.side.is_some() && whose && found == expected
        }
        Op::Recast(_) => infer(op, args).is_some_and(|from| Ty { kind: found.kind, ..from } == found),
        _ => infer(op, args) == Some(found),
    }
}

fn is_number(ty: Ty) -> bool {
    ty.kind == KindTag::Number && ty.depth == Depth::Constant
}

/// Log-probabilities of all words.
fn is_words(ty: Ty) -> bool {
    ty.kind == KindTag::LogProb && ty.depth == Depth::EachWord
}

fn unary(a: Ty, table: &[Mapping]) -> Option<Ty> {
    let row = table.iter().find(|row| row.from == a.kind)?;
    Some(Ty { kind: row.to, ..a })
}

/// Two of one kind, as in `min`, by the sign of a third that reaches no deeper.
fn choice(condition: Ty, a: Ty, b: Ty) -> Option<Ty> {
    let chosen = binary(a, b, CHOICES, Asking::Product)?;
    unary(condition, SIGN)?;
    let chosen_extent = (chosen.depth, chosen.side);
    let (extent, _) = line_up(chosen_extent, (condition.depth, condition.side), Asking::Product)?;
    (extent == chosen_extent).then_some(chosen)
}

/// The log-probabilities that two policies give the same tokens.
fn estimate(p: Ty, q: Ty) -> Option<Ty> {
    let tokens = |ty: Ty| ty.kind == KindTag::LogProb && ty.depth == Depth::EachToken;
    (tokens(p) && tokens(q) && p.side == q.side).then_some(Ty { kind: KindTag::Kl, live: p.live || q.live, ..p })
}

fn grouped(a: Ty) -> Option<Ty> {
    (a.depth == Depth::EachResponse && a.side.is_some_and(|side| SEVERAL.contains(&side))).then_some(a)
}

fn one_level_out(a: Ty) -> Option<Ty> {
    let row = REDUCTIONS.iter().find(|row| row.from == a.depth)?;
    Some(Ty { depth: row.to, side: a.side.filter(|_| row.keeps_side), ..a })
}

fn binary(l: Ty, r: Ty, table: Table, asking: Asking) -> Option<Ty> {
    let ((depth, side), pairing) = line_up((l.depth, l.side), (r.depth, r.side), asking)?;
    let pairing = match pairing {
        Pairing::OuterLeft if SHARED.contains(&l.kind) => Pairing::Aligned,
        Pairing::OuterRight if SHARED.contains(&r.kind) => Pairing::Aligned,
        Pairing::OuterLeft | Pairing::OuterRight => return None,
        Pairing::Aligned | Pairing::Opposed => pairing,
    };
    let row =
        table.iter().copied().flatten().find(|row| (row.left, row.right, row.pairing) == (l.kind, r.kind, pairing))?;
    let met = match row.need {
        Need::AnyGradient => true,
        Need::WeightLeft | Need::AdvantageLeft => !l.live,
        Need::WeightRight | Need::AdvantageRight => !r.live,
    };
    met.then_some(Ty { kind: row.out, depth, side, live: l.live || r.live })
}
