//! Weights in 32 bits, or in 16: bf16, the upper half of an f32.

mod cpu;
mod reference;

pub use cpu::{narrow, widen};
pub(crate) use cpu::{round, round_row, widen_row};
pub use half::bf16;
pub use reference::{narrow as narrow_reference, widen as widen_reference};

use std::ops::Range;

/// A vector of weights as it is stored.
#[derive(Clone, Copy, Debug)]
pub enum Stored<'a> {
    /// In f32.
    Whole(&'a [f32]),
    /// In bf16.
    Halves(&'a [bf16]),
    /// In f32, and read as the nearest bf16: as [`Stored::Halves`], without a copy.
    Rounded(&'a [f32]),
}

impl<'a> Stored<'a> {
    /// How many weights.
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Stored::Whole(weights) | Stored::Rounded(weights) => weights.len(),
            Stored::Halves(weights) => weights.len(),
        }
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Some of them.
    #[must_use]
    pub fn part(self, range: Range<usize>) -> Self {
        match self {
            Stored::Whole(weights) => Stored::Whole(&weights[range]),
            Stored::Halves(weights) => Stored::Halves(&weights[range]),
            Stored::Rounded(weights) => Stored::Rounded(&weights[range]),
        }
    }

    /// Are products with them in bf16?
    #[must_use]
    pub fn in_halves(self) -> bool {
        !matches!(self, Stored::Whole(_))
    }

    /// In f32: themselves, or widened or rounded into `room`, which is made large enough.
    #[must_use]
    pub fn wide<'b>(self, room: &'b mut Vec<f32>) -> &'b [f32]
    where
        'a: 'b,
    {
        if let Stored::Whole(weights) = self {
            return weights;
        }
        if room.len() < self.len() {
            room.resize(self.len(), 0.0);
        }
        let room = &mut room[..self.len()];
        match self {
            Stored::Whole(weights) => room.copy_from_slice(weights),
            Stored::Halves(weights) => widen(room, weights),
            Stored::Rounded(weights) => round(room, weights),
        }
        room
    }
}

impl<'a> From<&'a [f32]> for Stored<'a> {
    fn from(weights: &'a [f32]) -> Self {
        Stored::Whole(weights)
    }
}

impl<'a> From<&'a [bf16]> for Stored<'a> {
    fn from(weights: &'a [bf16]) -> Self {
        Stored::Halves(weights)
    }
}

#[cfg(test)]
mod tests {
    use super::{Stored, bf16, narrow, narrow_reference, widen, widen_reference};
    use crate::check::numbers;

    /// Numbers of every size and sign, halfway cases among them, and those that are none.
    fn all_sorts() -> Vec<f32> {
        let some = (0..=u16::MAX).flat_map(|high| {
            [0_u32, 1, 0x7fff, 0x8000, 0x8001, 0xffff].map(|low| f32::from_bits(u32::from(high) << 16 | low))
        });
        some.collect()
    }

    #[test]
    fn every_number_goes_to_the_nearest() {
        let all = all_sorts();
        let (mut ours, mut right) = (vec![bf16::ZERO; all.len()], vec![bf16::ZERO; all.len()]);
        narrow(&mut ours, &all);
        narrow_reference(&mut right, &all);
        for ((x, ours), right) in all.iter().zip(ours).zip(right) {
            // Which of the numbers that are none it becomes is of no interest, but it must be one.
            let same = ours.to_bits() == right.to_bits() || x.is_nan() && ours.is_nan();
            assert!(same, "{x:e}: {ours:e} where {right:e} is right");
        }
    }

    #[test]
    fn every_half_comes_back_as_itself() {
        let all: Vec<bf16> = (0..=u16::MAX).map(bf16::from_bits).collect();
        let (mut ours, mut right) = (vec![0.0; all.len()], vec![0.0; all.len()]);
        widen(&mut ours, &all);
        widen_reference(&mut right, &all);
        for (ours, right) in ours.iter().zip(right) {
            assert!(ours.to_bits() == right.to_bits() || ours.is_nan() && right.is_nan());
        }
    }

    #[test]
    fn a_part_is_widened_into_the_room() {
        let numbers = numbers(100, 1);
        let halves: Vec<bf16> = numbers.iter().map(|&x| bf16::from_f32(x)).collect();
        let mut room = Vec::new();
        assert_eq!(Stored::from(&numbers[..]).part(3..9).wide(&mut room), &numbers[3..9]);
        assert!(room.is_empty());
        let right: Vec<f32> = halves[3..9].iter().map(|x| x.to_f32()).collect();
        assert_eq!(Stored::from(&halves[..]).part(3..9).wide(&mut room), right);
        assert_eq!(Stored::Rounded(&numbers).part(3..9).wide(&mut room), right);
        let shorter = Stored::from(&halves[..]).part(3..5);
        assert_eq!((shorter.wide(&mut room), shorter.len()), (&right[..2], 2));
    }
}
