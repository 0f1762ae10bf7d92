//! Operations that dfdx has not: their values and slopes are computed on the host in f64, and the tape gets a value that
//! moves with its arguments as those slopes say. And the one of two values that a third one chooses.

use super::run::{Many, Quantity, Run};
use super::source::Form;
use crate::Result;
use crate::bridge::{Traced, refused};
use collimate_dsl::eval;
use collimate_dsl::ir::Id;
use dfdx::prelude::{ChooseFrom, Device, TryAdd, TryGt, TryMul, TrySub};

impl<D: Device<f32>> Run<'_, D> {
    /// A function of one or two numbers, element by element.
    pub(super) fn special(&mut self, id: Id) -> Result<Quantity<D>> {
        let op = self.op(id);
        let of = |args: &[f64]| eval::special(op, args).unwrap_or((f64::NAN, [f64::NAN; 2]));
        let count = op.arity();
        let numbers: Vec<f64> = (0..count)
            .filter_map(|position| match self.argument(id, position) {
                Quantity::Number(number) => Some(number),
                Quantity::Many(_) | Quantity::Words => None,
            })
            .collect();
        if numbers.len() == count {
            return Ok(Quantity::Number(of(&numbers).0));
        }
        let args = (0..count).map(|position| self.lined_up(id, position)).collect::<Result<Vec<_>>>()?;
        let read: Vec<Vec<f64>> = args.iter().map(read).collect();
        let here = |i: usize| of(&read.iter().map(|values| values[i]).collect::<Vec<_>>());
        let found: Vec<(f64, [f64; 2])> = (0..read[0].len()).map(here).collect();
        let values: Vec<f64> = found.iter().map(|(value, _)| *value).collect();
        let mut result = Traced::fixed(self.upload(&values)?);
        for (position, arg) in args.iter().enumerate().filter(|(_, arg)| arg.live) {
            let slopes: Vec<f64> = found.iter().map(|(_, slopes)| slopes[position]).collect();
            let moved = self.moved(arg, &slopes)?;
            result = self.track.two(&result, &moved, |result, moved| result.try_add(moved))?;
        }
        Ok(Quantity::Many(result))
    }

    /// What a program reads of numbers that a head gave.
    pub(super) fn formed(&mut self, x: &Many<D>, form: Form) -> Result<Many<D>> {
        if form == Form::Itself {
            return Ok(x.clone());
        }
        let values: Vec<f64> = read(x).into_iter().map(|x| form.of(x)).collect();
        let slopes: Vec<f64> = values.iter().map(|value| form.slope(*value)).collect();
        let (still, moved) = (Traced::fixed(self.upload(&values)?), self.moved(x, &slopes)?);
        self.track.two(&moved, &still, |moved, still| moved.try_add(still))
    }

    /// Zero at every element, with these derivatives by the elements of `x`.
    pub(super) fn moved(&mut self, x: &Many<D>, slopes: &[f64]) -> Result<Many<D>> {
        let still = x.cut()?;
        // Infinity less itself is no number, and has no slope to give.
        let finite: Vec<f64> = read(x).iter().map(|x| if x.is_finite() { 1.0 } else { 0.0 }).collect();
        let kept = self.upload(&finite)?.try_gt(0.5).map_err(refused)?;
        let zero = self.filled(x, 0.0)?;
        let none = self.track.two(x, &still, |x, still| x.try_sub(still))?;
        let none = self.track.two(&none, &zero, |none, zero| kept.try_choose(none, zero))?;
        // Zero times an infinite slope is no number either: the largest one there is says as much to the gradient.
        let largest = f64::from(f32::MAX);
        let slopes: Vec<f64> = slopes.iter().map(|slope| slope.clamp(-largest, largest)).collect();
        let slopes = Traced::fixed(self.upload(&slopes)?);
        self.track.two(&none, &slopes, |none, slopes| none.try_mul(slopes))
    }

    /// The second argument where the first is larger than 0, else the third.
    pub(super) fn choose(&mut self, id: Id) -> Result<Quantity<D>> {
        let condition = self.lined_up(id, 0)?;
        let first = condition.value.try_gt(0.0).map_err(refused)?;
        let (a, b) = (self.lined_up(id, 1)?, self.lined_up(id, 2)?);
        self.track.two(&a, &b, |a, b| first.try_choose(a, b)).map(Quantity::Many)
    }

    /// `x` where a place is kept, else 0.
    pub(super) fn kept(&mut self, x: &Many<D>, places: &[bool]) -> Result<Many<D>> {
        let places: Vec<f64> = places.iter().map(|kept| f64::from(u8::from(*kept))).collect();
        let (kept, zero) = (self.upload(&places)?.try_gt(0.5).map_err(refused)?, self.filled(x, 0.0)?);
        self.track.two(x, &zero, |x, zero| kept.try_choose(x, zero))
    }
}

/// What stands in a value.
pub(super) fn read<D: Device<f32>>(x: &Many<D>) -> Vec<f64> {
    x.value.as_vec().into_iter().map(f64::from).collect()
}
