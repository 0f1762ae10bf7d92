//! Operations for which the place of a value counts: among all of the batch, or along a response.

use super::{EvalError, Run, as_f64};
use crate::Layout;
use crate::ir::{Id, SideTag};
use std::ops::Range;

/// Where each value of a sorted list comes from: the smallest first, equal ones in their order.
#[must_use]
pub fn sorting(values: &[f64]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    places
}

/// The standard deviation of a sample, with one less than their number below; 0 for fewer than two.
#[must_use]
pub fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / as_f64(values.len());
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    (squares / as_f64(values.len() - 1)).sqrt()
}

/// The derivative of [`deviation`] by each value: `(x - mean) / ((n - 1) deviation)`; where all are equal, 0.
#[must_use]
pub fn deviation_slopes(values: &[f64]) -> Vec<f64> {
    let spread = deviation(values);
    if spread == 0.0 {
        return vec![0.0; values.len()];
    }
    let mean = values.iter().sum::<f64>() / as_f64(values.len());
    values.iter().map(|x| (x - mean) / (as_f64(values.len() - 1) * spread)).collect()
}

/// The other responses to a prompt.
pub(super) fn besides(group: &[usize], i: usize) -> impl Iterator<Item = usize> {
    group.iter().copied().filter(move |&j| j != i)
}

/// For each token of a side, 1 as long as the response to the same prompt on the other side has such a token too.
///
/// # Errors
/// The first prompt without exactly one response on the other side, and how many it has.
pub fn overlap(layout: &Layout, own: SideTag, other: SideTag) -> Result<Vec<f64>, (usize, usize)> {
    let facing = super::only_response(layout, other)?;
    let tokens = layout.side(own).iter().flat_map(|reach| {
        let shorter = layout.side(other)[facing[reach.prompt]].tokens.min(reach.tokens);
        (0..reach.tokens).map(move |t| if t < shorter { 1.0 } else { 0.0 })
    });
    Ok(tokens.collect())
}

/// Where the tokens of each response of a side lie.
#[must_use]
pub fn stretches(layout: &Layout, side: SideTag) -> Vec<Range<usize>> {
    let mut end = 0;
    let each = layout.side(side).iter().map(|reach| {
        end += reach.tokens;
        end - reach.tokens..end
    });
    each.collect()
}

/// `y_t = x_t + decay y_{t+1}` along each stretch.
pub(super) fn discounted(x: &[f64], stretches: &[Range<usize>], decay: f64) -> Vec<f64> {
    let mut y = x.to_vec();
    for stretch in stretches {
        for t in stretch.clone().rev().skip(1) {
            y[t] += decay * y[t + 1];
        }
    }
    y
}

/// Its transpose: `y_t = x_t + decay y_{t-1}`.
pub(super) fn accumulated(x: &[f64], stretches: &[Range<usize>], decay: f64) -> Vec<f64> {
    let mut y = x.to_vec();
    for stretch in stretches {
        for t in stretch.clone().skip(1) {
            y[t] += decay * y[t - 1];
        }
    }
    y
}

impl Run<'_> {
    /// Where the tokens lie of each response that a step is about.
    pub(super) fn stretches(&self, id: Id) -> Vec<Range<usize>> {
        self.program.node(id).ty.side.map_or_else(Vec::new, |side| stretches(self.layout, side))
    }

    /// 1 for each token of the shorter of two responses.
    pub(super) fn overlap(&self, id: Id, other: SideTag) -> Result<Vec<f64>, EvalError> {
        let node = self.program.node(id);
        let Some(own) = node.ty.side else { return Ok(Vec::new()) };
        overlap(self.layout, own, other).map_err(|(prompt, found)| {
            let word = node.op.word();
            let problem = format!("prompt {prompt} has {found} responses of {other}");
            self.fault(id, format!("{problem}, `{word}` needs exactly one: use pairs"))
        })
    }
}
