//! Nowhere, not only before the first step, does a step lower what is liked or raise what is not.
//!
//! Asked where the data say which response is better and not by how much: with a score, a share of annotators or a
//! whole group there is a gap that is large enough.

use super::Verdict;
use super::better::{Wanted, by_side};
use super::subject::{Subject, name};
use crate::ir::{Depth, KindTag, SideTag};

pub(super) fn try_on(subject: &Subject<'_>) -> Result<Verdict, String> {
    if !["pair", "demo", "unpaired"].contains(&subject.view) {
        return Ok(Verdict::DoesNotApply("the data say how much better a response is"));
    }
    let opinions = subject.opinions();
    if opinions.is_empty() {
        return Ok(Verdict::DoesNotApply("nothing that is trained gives a response a log-probability or a reward"));
    }
    // Near the start and far from it: a square pulls back only a gap larger than its target.
    for (seed, scale) in [(111, 1.0), (112, 1.0), (113, 12.0), (114, 12.0)] {
        let mut batch = subject.batch(seed);
        for (_, owner, field, ty) in subject.program.inputs().filter(|(.., ty)| ty.kind == KindTag::LogProb) {
            if let Some(values) = batch.inputs.get_mut(owner, field, ty.side) {
                values.iter_mut().for_each(|value| *value *= scale);
            }
        }
        let Some(wanted) = by_side(subject.view, batch.inputs.get(subject.view, "label", Some(SideTag::Answer))) else {
            return Ok(Verdict::DoesNotApply("the formula does not read which response is liked"));
        };
        let gradient = subject.evaluate(&batch, &subject.defaults)?.gradient;
        for live in &opinions {
            let (owner, field, ty) = *live;
            let reaches = ty.side.map_or(&[][..], |side| batch.layout.side(side));
            let repeated = |(i, reach): (usize, &crate::Reach)| {
                std::iter::repeat_n(i, if ty.depth == Depth::EachToken { reach.tokens } else { 1 })
            };
            let of: Vec<usize> = reaches.iter().enumerate().flat_map(repeated).collect();
            for (i, &g) in of.into_iter().zip(gradient.get(owner, field, ty.side).unwrap_or_default()) {
                let wrong = match wanted(live, i) {
                    Wanted::Up => g > 1e-12,
                    Wanted::Down => g < -1e-12,
                    Wanted::Open => false,
                };
                if wrong {
                    let does = if g > 0.0 { "lowers" } else { "raises" };
                    return Err(format!("a step {does} {} of response {i} on a batch", name(live)));
                }
            }
        }
    }
    Ok(Verdict::Holds)
}
