//! Operations on one element at a time.

use super::run::{Many, Quantity, Run};
use crate::Result;
use crate::bridge::{Traced, refused};
use collimate_dsl::eval;
use collimate_dsl::ir::Id;
use dfdx::prelude::{ChooseFrom, Device, Tensor, TryAdd, TryDiv, TryGe, TryGt, TryLe, TryMul, TrySub};

/// From here on exp overflows f32.
const LARGEST_EXPONENT: f32 = 88.5;

/// Two arguments, each a number or lined up with the result.
enum Pair<D: Device<f32>> {
    Numbers(f64, f64),
    NumberLeft(f64, Many<D>),
    NumberRight(Many<D>, f64),
    Both(Many<D>, Many<D>),
}

impl<D: Device<f32>> Run<'_, D> {
    fn pair(&mut self, id: Id) -> Result<Pair<D>> {
        Ok(match (self.argument(id, 0), self.argument(id, 1)) {
            (Quantity::Number(a), Quantity::Number(b)) => Pair::Numbers(a, b),
            (Quantity::Number(a), Quantity::Many(_)) => Pair::NumberLeft(a, self.lined_up(id, 1)?),
            (Quantity::Many(_), Quantity::Number(b)) => Pair::NumberRight(self.lined_up(id, 0)?, b),
            (Quantity::Words, _) | (_, Quantity::Words) => return Err(self.beyond_words(id)),
            (Quantity::Many(_), Quantity::Many(_)) => Pair::Both(self.lined_up(id, 0)?, self.lined_up(id, 1)?),
        })
    }

    pub(super) fn plus(&mut self, id: Id) -> Result<Quantity<D>> {
        let many = match self.pair(id)? {
            Pair::Numbers(a, b) => return Ok(Quantity::Number(a + b)),
            Pair::NumberLeft(n, x) | Pair::NumberRight(x, n) => self.track.one(&x, |x| x.try_add(n as f32))?,
            Pair::Both(x, y) => self.track.two(&x, &y, |x, y| x.try_add(y))?,
        };
        Ok(Quantity::Many(many))
    }

    pub(super) fn minus(&mut self, id: Id) -> Result<Quantity<D>> {
        let many = match self.pair(id)? {
            Pair::Numbers(a, b) => return Ok(Quantity::Number(a - b)),
            Pair::NumberLeft(n, x) => self.track.one(&x, |x| x.try_negate()?.try_add(n as f32))?,
            Pair::NumberRight(x, n) => self.track.one(&x, |x| x.try_sub(n as f32))?,
            Pair::Both(x, y) => self.track.two(&x, &y, |x, y| x.try_sub(y))?,
        };
        Ok(Quantity::Many(many))
    }

    pub(super) fn times(&mut self, id: Id) -> Result<Quantity<D>> {
        let many = match self.pair(id)? {
            Pair::Numbers(a, b) => return Ok(Quantity::Number(a * b)),
            Pair::NumberLeft(n, x) | Pair::NumberRight(x, n) => self.track.one(&x, |x| x.try_mul(n as f32))?,
            Pair::Both(x, y) => self.track.two(&x, &y, |x, y| x.try_mul(y))?,
        };
        Ok(Quantity::Many(many))
    }

    pub(super) fn over(&mut self, id: Id) -> Result<Quantity<D>> {
        let many = match self.pair(id)? {
            Pair::Numbers(a, b) => return Ok(Quantity::Number(a / b)),
            Pair::NumberLeft(n, x) => self.track.one(&x, |x| x.try_recip()?.try_mul(n as f32))?,
            Pair::NumberRight(x, n) => self.track.one(&x, |x| x.try_div(n as f32))?,
            Pair::Both(x, y) => self.track.two(&x, &y, |x, y| x.try_div(y))?,
        };
        Ok(Quantity::Many(many))
    }

    pub(super) fn negative(&mut self, id: Id) -> Result<Quantity<D>> {
        self.pointwise(id, |x| -x, |run, x| run.track.one(&x, Tensor::try_negate))
    }

    pub(super) fn smaller(&mut self, id: Id) -> Result<Quantity<D>> {
        self.choice(id, |a, b| if b < a { b } else { a }, |a, b| a.try_le(b))
    }

    pub(super) fn larger(&mut self, id: Id) -> Result<Quantity<D>> {
        self.choice(id, |a, b| if b > a { b } else { a }, |a, b| a.try_ge(b))
    }

    /// The left argument where the comparison says so, else the right one. dfdx's own minimum would share the gradient
    /// between equal arguments.
    fn choice(
        &mut self,
        id: Id,
        on_numbers: impl FnOnce(f64, f64) -> f64,
        takes_left: impl FnOnce(
            &Tensor<(usize,), f32, D>,
            &Tensor<(usize,), f32, D>,
        ) -> Result<Tensor<(usize,), bool, D>, D::Err>,
    ) -> Result<Quantity<D>> {
        if let (Quantity::Number(a), Quantity::Number(b)) = (self.argument(id, 0), self.argument(id, 1)) {
            return Ok(Quantity::Number(on_numbers(a, b)));
        }
        let (x, y) = (self.lined_up(id, 0)?, self.lined_up(id, 1)?);
        let left = takes_left(&x.value, &y.value).map_err(refused)?;
        self.track.two(&x, &y, |x, y| left.try_choose(x, y)).map(Quantity::Many)
    }

    pub(super) fn clip(&mut self, id: Id) -> Result<Quantity<D>> {
        let (low, high) = self.bounds(id)?;
        self.pointwise(id, |x| x.clamp(low, high), |run, x| run.track.one(&x, |x| x.try_clamp(low, high)))
    }

    /// Between what a value is held.
    pub(super) fn bounds(&self, id: Id) -> Result<(f64, f64)> {
        let (Quantity::Number(low), Quantity::Number(high)) = (self.argument(id, 1), self.argument(id, 2)) else {
            let message = format!("`{}` needs bounds that are numbers or hyper-parameters", self.op(id).word());
            return Err(self.fault(id, message));
        };
        if low > high {
            let message = format!("`{}` between {low} and {high} holds nothing: swap them", self.op(id).word());
            return Err(self.fault(id, message));
        }
        Ok((low, high))
    }

    pub(super) fn exponential(&mut self, id: Id) -> Result<Quantity<D>> {
        self.pointwise(id, f64::exp, Self::exp)
    }

    /// `exp(x)`; where that overflows, infinity without a gradient, so that a later `min` or clip can still take it
    /// away (no gradient times an infinite slope would be NaN).
    fn exp(&mut self, x: Many<D>) -> Result<Many<D>> {
        let beyond = x.value.try_gt(LARGEST_EXPONENT).map_err(refused)?;
        let infinity = self.filled(&x, f64::INFINITY)?;
        let y = self.track.one(&x, |x| x.try_clamp(f32::MIN, LARGEST_EXPONENT)?.try_exp())?;
        self.track.two(&infinity, &y, |infinity, y| beyond.try_choose(infinity, y))
    }

    pub(super) fn logarithm(&mut self, id: Id) -> Result<Quantity<D>> {
        self.pointwise(id, f64::ln, |run, x| run.track.one(&x, Tensor::try_ln))
    }

    pub(super) fn magnitude(&mut self, id: Id) -> Result<Quantity<D>> {
        self.pointwise(id, f64::abs, |run, x| run.track.one(&x, Tensor::try_abs))
    }

    pub(super) fn square(&mut self, id: Id) -> Result<Quantity<D>> {
        self.pointwise(id, |x| x * x, |run, x| run.track.one(&x, Tensor::try_square))
    }

    pub(super) fn positive(&mut self, id: Id) -> Result<Quantity<D>> {
        let on_number = |x| if x > 0.0 { 1.0 } else { 0.0 };
        self.pointwise(id, on_number, |run, x| {
            let above = x.value.try_gt(0.0).map_err(refused)?;
            let (one, zero) = (run.filled(&x, 1.0)?, run.filled(&x, 0.0)?);
            Ok(Traced::fixed(above.try_choose(one.value, zero.value).map_err(refused)?))
        })
    }

    /// `exp(log_logistic(x))`: dfdx's own sigmoid loses the gradient's digits where it comes close to 1.
    pub(super) fn logistic(&mut self, id: Id) -> Result<Quantity<D>> {
        self.pointwise(id, eval::logistic, |run, x| {
            let y = run.ln_logistic(x)?;
            run.track.one(&y, Tensor::try_exp)
        })
    }

    pub(super) fn log_logistic(&mut self, id: Id) -> Result<Quantity<D>> {
        self.pointwise(id, eval::log_logistic, Self::ln_logistic)
    }

    /// `min(x, 0) - ln(1 + u)` with `u = exp(-|x|)`, which cannot overflow.
    ///
    /// dfdx has no `ln(1 + u)` that keeps the digits of a small `u`, so it is summed up from its series
    /// `2 (s + s^3 / 3 + s^5 / 5 + ...)` with `s = u / (2 + u)`, at most 1/3: eight terms are exact in f32. At 0 the
    /// gradient is right because dfdx's minimum gives each of two equal arguments one half.
    pub(super) fn ln_logistic(&mut self, x: Many<D>) -> Result<Many<D>> {
        let zero = self.filled(&x, 0.0)?;
        let below = self.track.two(&x, &zero, |x, zero| x.try_minimum(zero))?;
        let u = self.track.one(&x, |x| x.try_abs()?.try_negate()?.try_exp())?;
        let bottom = self.track.one(&u, |u| u.try_add(2.0))?;
        let s = self.track.two(&u, &bottom, |u, bottom| u.try_div(bottom))?;
        let squared = self.track.one(&s, Tensor::try_square)?;
        let mut sum = self.filled(&x, 1.0 / 15.0)?;
        for odd in [13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
            sum = self.track.two(&sum, &squared, |sum, squared| sum.try_mul(squared)?.try_add(1.0 / odd))?;
        }
        let half = self.track.two(&sum, &s, |sum, s| sum.try_mul(s))?;
        let logarithm = self.track.one(&half, |half| half.try_mul(2.0))?;
        self.track.two(&below, &logarithm, |below, logarithm| below.try_sub(logarithm))
    }

    /// The same number at every element, without gradient.
    pub(super) fn filled(&self, like: &Many<D>, number: f64) -> Result<Many<D>> {
        let (length,) = *dfdx::prelude::HasShape::shape(&like.value);
        Ok(Traced::fixed(self.upload(&vec![number; length])?))
    }
}
