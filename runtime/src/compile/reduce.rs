//! Sums and means along an axis, at a cost in proportion to the elements summed.

use super::run::{Many, Run};
use crate::Result;
use crate::bridge::{Traced, refused};
use collimate_dsl::eval;
use collimate_dsl::ir::{Depth, Id, Op};
use dfdx::prelude::{Axis, ChooseFrom, Device, ReshapeTo, SumTo, TryLt, TryMul};

/// Elements added up at a time. Sums of sums of so many keep f32's digits, and a response is never filled up to the
/// length of the longest.
const WIDTH: usize = 32;

impl<D: Device<f32>> Run<'_, D> {
    /// Sum or mean over the innermost axis, or over everything.
    pub(super) fn reduction(&mut self, id: Id) -> Result<Many<D>> {
        if self.is_word_by_word(self.program.node(id).args[0]) {
            return self.word_reduction(id);
        }
        let (op, to) = (self.op(id), self.program.node(id).ty);
        let from = self.program.node(self.program.node(id).args[0]).ty;
        let one_axis_less = match from.depth {
            Depth::EachWord => Some(Depth::EachToken),
            Depth::EachToken => Some(Depth::EachResponse),
            Depth::EachResponse => Some(Depth::EachPrompt),
            Depth::EachPrompt => Some(Depth::Batch),
            Depth::Constant | Depth::Batch => None,
        };
        let everything = matches!(op, Op::AverageAll);
        let fits = if everything { to.depth == Depth::Batch } else { one_axis_less == Some(to.depth) };
        let outer = eval::outward(self.layout, to, from).filter(|_| fits).ok_or_else(|| {
            self.fault(id, format!("`{}` of a {from} does not give a {to}: reduce one axis at a time", op.word()))
        })?;
        let mut lengths = vec![0; self.layout.len(to)];
        outer.iter().for_each(|i| lengths[*i] += 1);
        let x = self.argument_spelled_out(id, 0)?;
        let total = self.totals_of(x, &lengths)?;
        if matches!(op, Op::Total) {
            return Ok(total);
        }
        let counts = if to.depth == Depth::Batch { vec![self.totals.len(from)] } else { lengths };
        if let Some(empty) = counts.iter().position(|count| *count == 0) {
            let place = if to.depth == Depth::Batch { String::new() } else { format!(" at {empty}") };
            let message = format!("`{}` over nothing{place}: there is no {from} to average", op.word());
            return Err(self.fault(id, message));
        }
        self.divided(&total, &counts)
    }

    /// Each element divided by its count.
    pub(super) fn divided(&mut self, x: &Many<D>, counts: &[usize]) -> Result<Many<D>> {
        let shares: Vec<f64> = counts.iter().map(|count| 1.0 / *count as f64).collect();
        if shares.iter().all(|share| *share == shares[0]) {
            return self.track.one(x, |x| x.try_mul(shares[0] as f32));
        }
        let shares = Traced::fixed(self.upload(&shares)?);
        self.track.two(x, &shares, |x, shares| x.try_mul(shares))
    }

    /// The sums of stretches of these lengths, which lie one after another.
    pub(super) fn totals_of(&mut self, mut x: Many<D>, lengths: &[usize]) -> Result<Many<D>> {
        if lengths.iter().all(|length| *length == 0) {
            return Ok(Traced::fixed(self.upload(&vec![0.0; lengths.len()])?));
        }
        let mut lengths = lengths.to_vec();
        while lengths.iter().any(|length| *length != 1) {
            let width = WIDTH.min(lengths.iter().copied().max().unwrap_or(1)).max(1);
            let (places, filled) = rows(&lengths, width);
            lengths = lengths.iter().map(|length| length.div_ceil(width).max(1)).collect();
            x = self.row_sums(&x, &places, &filled, width)?;
        }
        Ok(x)
    }

    /// Elements taken in rows of this width; those that only fill a row up count as 0.
    fn row_sums(&mut self, x: &Many<D>, places: &[usize], filled: &[f64], width: usize) -> Result<Many<D>> {
        let shape = (places.len() / width, width);
        let mut taken = self.gathered(x, places)?;
        if filled.contains(&1.0) {
            let zero = self.filled(&taken, 0.0)?;
            let kept = self.upload(filled)?.try_lt(0.5).map_err(refused)?;
            // Not a product with 0, which an infinity would turn into NaN.
            taken = self.track.two(&taken, &zero, |taken, zero| kept.try_choose(taken, zero))?;
        }
        let table = self.track.one(&taken, |taken| taken.try_reshape_like(&shape))?;
        self.track.one(&table, |table| table.try_sum::<(usize,), Axis<1>>())
    }
}

/// Where the elements of each row stand, and 1 where one only fills its row up. An empty stretch is one such row.
fn rows(lengths: &[usize], width: usize) -> (Vec<usize>, Vec<f64>) {
    let last = lengths.iter().sum::<usize>().saturating_sub(1);
    let (mut places, mut filled) = (Vec::new(), Vec::new());
    let mut start = 0;
    for &length in lengths {
        let whole_rows = length.div_ceil(width).max(1) * width;
        for i in 0..whole_rows {
            // What fills a row up is not counted, but must be an element that exists.
            places.push(if i < length { start + i } else { start.min(last) });
            filled.push(if i < length { 0.0 } else { 1.0 });
        }
        start += length;
    }
    (places, filled)
}

#[cfg(test)]
mod tests {
    use super::rows;

    #[test]
    fn stretches_are_cut_into_rows_and_only_their_last_rows_filled_up() {
        let (places, filled) = rows(&[3, 0, 1, 2], 2);
        assert_eq!(places, [0, 1, 2, 0, 3, 3, 3, 3, 4, 5]);
        assert_eq!(filled, [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    }
}
