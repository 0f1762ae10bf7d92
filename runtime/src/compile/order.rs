//! Operations for which the place of a value counts: among all of the batch, or along a response.

use super::run::{Many, Quantity, Run};
use super::special::read;
use crate::Result;
use crate::bridge::Traced;
use collimate_dsl::eval;
use collimate_dsl::ir::{Id, SideTag};
use dfdx::prelude::{Device, TryAdd, TryMul};
use std::ops::Range;

impl<D: Device<f32>> Run<'_, D> {
    /// Where the tokens lie of each response that a node is about.
    fn stretches(&self, id: Id) -> Vec<Range<usize>> {
        self.program.node(id).ty.side.map_or_else(Vec::new, |side| eval::stretches(self.layout, side))
    }

    pub(super) fn sorted(&mut self, id: Id) -> Result<Many<D>> {
        let x = self.argument_spelled_out(id, 0)?;
        let places = eval::sorting(&read(&x));
        self.gathered(&x, &places)
    }

    pub(super) fn length(&self, id: Id) -> Result<Many<D>> {
        let lengths: Vec<f64> = self.stretches(id).iter().map(|stretch| stretch.len() as f64).collect();
        Ok(Traced::fixed(self.upload(&lengths)?))
    }

    pub(super) fn overlap(&self, id: Id, other: SideTag) -> Result<Many<D>> {
        let Some(own) = self.program.node(id).ty.side else { return Ok(Traced::fixed(self.upload(&[])?)) };
        let both = eval::overlap(self.layout, own, other).map_err(|(prompt, found)| {
            let problem = format!("prompt {prompt} has {found} responses of {other}");
            self.fault(id, format!("{problem}, `{}` needs exactly one: use pairs", self.op(id).word()))
        })?;
        Ok(Traced::fixed(self.upload(&both)?))
    }

    /// At each token the value `by` tokens further on, 0 where the response has ended.
    fn shifted(&mut self, x: &Many<D>, stretches: &[Range<usize>], by: usize) -> Result<Many<D>> {
        let tokens = || stretches.iter().flat_map(|stretch| stretch.clone().map(move |t| (t, stretch.end)));
        let places: Vec<usize> = tokens().map(|(t, end)| if t + by < end { t + by } else { t }).collect();
        let inside: Vec<bool> = tokens().map(|(t, end)| t + by < end).collect();
        let moved = self.gathered(x, &places)?;
        self.kept(&moved, &inside)
    }

    pub(super) fn following(&mut self, id: Id) -> Result<Many<D>> {
        let x = self.argument_spelled_out(id, 0)?;
        self.shifted(&x, &self.stretches(id), 1)
    }

    /// With `S` the shift by one token and `d` the decay, the sum of `d^k S^k` over all `k` is the product of
    /// `1 + d^n S^n` over `n = 1, 2, 4, ...`: a response of any length takes a few steps.
    pub(super) fn discounted_sum(&mut self, id: Id) -> Result<Many<D>> {
        let Quantity::Number(decay) = self.argument(id, 1) else {
            let message = format!("`{}` needs a decay that is a number or a hyper-parameter", self.op(id).word());
            return Err(self.fault(id, message));
        };
        let stretches = self.stretches(id);
        let longest = stretches.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
        let mut sum = self.argument_spelled_out(id, 0)?;
        let (mut by, mut power) = (1, decay);
        while by < longest && power != 0.0 {
            let further = self.shifted(&sum, &stretches, by)?;
            let further = self.track.one(&further, |further| further.try_mul(power as f32))?;
            sum = self.track.two(&sum, &further, |sum, further| sum.try_add(further))?;
            (by, power) = (by * 2, power * power);
        }
        Ok(sum)
    }

    pub(super) fn at_last(&mut self, id: Id) -> Result<Many<D>> {
        let stretches = self.stretches(id);
        let response = |(response, stretch): (usize, &Range<usize>)| std::iter::repeat_n(response, stretch.len());
        let places: Vec<usize> = stretches.iter().enumerate().flat_map(response).collect();
        let last: Vec<bool> = stretches.iter().flat_map(|s| s.clone().map(|t| t + 1 == s.end)).collect();
        let x = self.argument_spelled_out(id, 0)?;
        let everywhere = self.gathered(&x, &places)?;
        self.kept(&everywhere, &last)
    }

    /// The standard deviation of all elements.
    pub(super) fn batch_spread(&mut self, id: Id) -> Result<Many<D>> {
        let x = self.argument_spelled_out(id, 0)?;
        let count = read(&x).len();
        self.deviations(&x, std::slice::from_ref(&(0..count)))
    }

    /// The standard deviation of each stretch.
    pub(super) fn deviations(&mut self, x: &Many<D>, stretches: &[Range<usize>]) -> Result<Many<D>> {
        let values = read(x);
        let own = |stretch: &Range<usize>| eval::deviation(&values[stretch.clone()]);
        let found = Traced::fixed(self.upload(&stretches.iter().map(own).collect::<Vec<_>>())?);
        if !x.live {
            return Ok(found);
        }
        let slopes = |stretch: &Range<usize>| eval::deviation_slopes(&values[stretch.clone()]);
        let slopes: Vec<f64> = stretches.iter().flat_map(slopes).collect();
        let moved = self.moved(x, &slopes)?;
        let lengths: Vec<usize> = stretches.iter().map(ExactSizeIterator::len).collect();
        let moved = self.totals_of(moved, &lengths)?;
        self.track.two(&found, &moved, |found, moved| found.try_add(moved))
    }
}
