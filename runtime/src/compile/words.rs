//! Operations on all words of the vocabulary at a token.

use super::run::{Many, Quantity, Run};
use crate::Result;
use crate::bridge::{Traced, refused};
use collimate_dsl::eval;
use collimate_dsl::ir::Id;
use dfdx::prelude::{ChooseFrom, Device, Tensor, TryAdd, TryGt, TryMul, TrySub};

impl<D: Device<f32>> Run<'_, D> {
    /// `ln(c exp(a) + (1 - c) exp(b))`: the larger of the two logarithms, and what the other adds to it.
    ///
    /// Where they are equal dfdx's maximum hands on half of the gradient to each, and the size of a difference hands on
    /// none at 0: together the right share.
    pub(super) fn mixture(&mut self, id: Id) -> Result<Many<D>> {
        let share = self.share(id)?;
        let (x, y) = (self.argument_spelled_out(id, 0)?, self.argument_spelled_out(id, 1)?);
        if share == 1.0 {
            return Ok(x);
        }
        if share == 0.0 {
            return Ok(y);
        }
        let x = self.track.one(&x, |x| x.try_add(share.ln() as f32))?;
        let y = self.track.one(&y, |y| y.try_add((1.0 - share).ln() as f32))?;
        let larger = self.track.two(&x, &y, Tensor::try_maximum)?;
        let apart = self.track.two(&x, &y, |x, y| x.try_sub(y)?.try_abs())?;
        let added = self.ln_logistic(apart)?;
        self.track.two(&larger, &added, |larger, added| larger.try_sub(added))
    }

    /// 1 for the likeliest words at each token. The order is found outside dfdx, which has none.
    pub(super) fn top_words(&mut self, id: Id) -> Result<Many<D>> {
        let count = self.word_count(id)?;
        let values = self.argument_spelled_out(id, 0)?.value.as_vec();
        let marks = values.chunks(self.layout.words).flat_map(|words| eval::top(words, count));
        Ok(Traced::fixed(self.upload(&marks.collect::<Vec<f64>>())?))
    }

    /// With `d = x - the token's largest kept one`: `d - ln(sum of w exp(d))` over the kept words, 0 elsewhere. What is
    /// subtracted first cancels, so it needs no gradient.
    pub(super) fn renormalised(&mut self, id: Id) -> Result<Many<D>> {
        let (x, weight) = (self.argument_spelled_out(id, 0)?, self.argument_spelled_out(id, 1)?);
        let words = self.layout.words;
        let (values, weights) = (x.value.as_vec(), weight.value.as_vec());
        let mut largest = Vec::with_capacity(values.len());
        for (values, weights) in values.chunks(words).zip(weights.chunks(words)) {
            let kept = values.iter().zip(weights).filter(|(_, weight)| **weight != 0.0);
            let highest = kept.map(|(value, _)| f64::from(*value)).fold(f64::NEG_INFINITY, f64::max);
            if highest == f64::NEG_INFINITY {
                let message = format!("`{}` at a token where no word is kept", self.op(id).word());
                return Err(self.fault(id, message));
            }
            largest.extend(std::iter::repeat_n(highest, values.len()));
        }
        let kept = weights.iter().map(|weight| if *weight == 0.0 { 0.0 } else { 1.0 }).collect::<Vec<f64>>();
        let kept = self.upload(&kept)?.try_gt(0.5).map_err(refused)?;
        let (largest, zero) = (Traced::fixed(self.upload(&largest)?), self.filled(&x, 0.0)?);
        let below = self.track.two(&x, &largest, |x, largest| x.try_sub(largest))?;
        // Before the exponential, so that words that are left out cannot overflow.
        let below = self.track.two(&below, &zero, |below, zero| kept.clone().try_choose(below, zero))?;
        let grown = self.track.one(&below, Tensor::try_exp)?;
        let weighed = self.track.two(&grown, &weight, |grown, weight| grown.try_mul(weight))?;
        let tokens = values.len() / words;
        let sum = self.totals_of(weighed, &vec![words; tokens])?;
        let whole = self.track.one(&sum, Tensor::try_ln)?;
        let places: Vec<usize> = (0..tokens).flat_map(|token| std::iter::repeat_n(token, words)).collect();
        let whole = self.gathered(&whole, &places)?;
        let shares = self.track.two(&below, &whole, |below, whole| below.try_sub(whole))?;
        self.track.two(&shares, &zero, |shares, zero| kept.try_choose(shares, zero))
    }

    /// How much of a mixture is its first part's.
    pub(super) fn share(&self, id: Id) -> Result<f64> {
        let share = self.number(id, 2)?;
        if !(0.0..=1.0).contains(&share) {
            let message = format!("the share of a `{}` is {share}: give one from 0 to 1", self.op(id).word());
            return Err(self.fault(id, message));
        }
        Ok(share)
    }

    /// How many of the likeliest words are kept.
    pub(super) fn word_count(&self, id: Id) -> Result<usize> {
        let count = self.number(id, 1)?;
        if count < 1.0 || count.fract() != 0.0 {
            let message = format!("`{}` keeps {count} words: keep a whole number, at least 1", self.op(id).word());
            return Err(self.fault(id, message));
        }
        Ok(count as usize)
    }

    /// An argument that comes from no batch.
    fn number(&self, id: Id, position: usize) -> Result<f64> {
        match self.argument(id, position) {
            Quantity::Number(number) => Ok(number),
            Quantity::Many(_) | Quantity::Words => {
                let message = format!("`{}` needs a number or a hyper-parameter here", self.op(id).word());
                Err(self.fault(id, message))
            }
        }
    }
}
