//! What is computed of all words of the vocabulary at a token.

use super::{EvalError, Run};
use crate::ir::Id;

/// `ln(share exp(p) + (1 - share) exp(q))`
#[must_use]
pub fn log_mixture(p: f64, q: f64, share: f64) -> f64 {
    // The logarithm of a share of 0 is minus infinity, which adds nothing.
    let (p, q) = (share.ln() + p, (1.0 - share).ln() + q);
    let (larger, smaller) = if p >= q { (p, q) } else { (q, p) };
    larger + (smaller - larger).exp().ln_1p()
}

/// 1 for the largest `count` numbers, 0 for the others; of equal ones the first.
#[must_use]
pub fn top<T: PartialOrd + Copy>(numbers: &[T], count: usize) -> Vec<f64> {
    let mut order: Vec<usize> = (0..numbers.len()).collect();
    let larger = |a: &usize, b: &usize| numbers[*b].partial_cmp(&numbers[*a]).unwrap_or(std::cmp::Ordering::Equal);
    // Stable: equal ones stay in their order.
    order.sort_by(larger);
    let mut marks = vec![0.0; numbers.len()];
    order.into_iter().take(count).for_each(|i| marks[i] = 1.0);
    marks
}

impl Run<'_> {
    pub(super) fn top_words(&self, id: Id) -> Result<Vec<f64>, EvalError> {
        let node = self.program.node(id);
        let (x, count) = (&self.values[node.args[0].index()], self.values[node.args[1].index()][0]);
        if count < 1.0 || count.fract() != 0.0 {
            let message = format!("`{}` keeps {count} words: keep a whole number, at least 1", node.op.word());
            return Err(self.fault(id, message));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let count = count as usize;
        Ok(x.chunks(self.layout.words).flat_map(|words| top(words, count)).collect())
    }

    pub(super) fn renormalised(&self, id: Id) -> Result<Vec<f64>, EvalError> {
        let args = &self.program.node(id).args;
        let (x, weight) = (&self.values[args[0].index()], &self.values[args[1].index()]);
        let mut result = Vec::with_capacity(x.len());
        for (x, weight) in x.chunks(self.layout.words).zip(weight.chunks(self.layout.words)) {
            let whole = log_sum(x, weight);
            if whole == f64::NEG_INFINITY {
                let message = format!("`{}` at a token where no word is kept", self.program.node(id).op.word());
                return Err(self.fault(id, message));
            }
            result.extend(x.iter().zip(weight).map(|(x, weight)| if *weight == 0.0 { 0.0 } else { x - whole }));
        }
        Ok(result)
    }

    /// With `y` the result and `w` the weights: `g(v) - w(v) exp(y(v)) sum_u g(u)`, sums over the kept words.
    pub(super) fn renormalised_slopes(&mut self, id: Id) -> Result<(), EvalError> {
        let args = &self.program.node(id).args;
        let (arg, words) = (args[0].index(), self.layout.words);
        for (at, weight) in self.values[args[1].index()].chunks(words).enumerate() {
            let here = at * words..(at + 1) * words;
            let kept = |i: &usize| weight[i - here.start] != 0.0;
            let given = &self.gradients[id.index()];
            let sum: f64 = here.clone().filter(kept).map(|i| given[i]).sum();
            let own = |i: usize| given[i] - weight[i - here.start] * self.values[id.index()][i].exp() * sum;
            let slopes: Vec<(usize, f64)> = here.clone().filter(kept).map(|i| (i, own(i))).collect();
            for (i, slope) in slopes {
                self.gradients[arg][i] += slope;
            }
        }
        Ok(())
    }
}

/// `ln(sum of w exp(x))` over the words with a weight.
fn log_sum(x: &[f64], weight: &[f64]) -> f64 {
    let kept = || x.iter().zip(weight).filter(|(_, weight)| **weight != 0.0);
    let largest = kept().map(|(x, _)| *x).fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest + kept().map(|(x, weight)| weight * (x - largest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests;
