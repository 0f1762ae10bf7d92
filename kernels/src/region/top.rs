//! The largest of many numbers, a part of them at a time.

use crate::vector::{Arithmetic, LANES, vectorized};
use std::cmp::Ordering;

/// Which words are kept: those above the value, and those equal to it up to this place.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Limit {
    pub(super) value: f32,
    pub(super) place: u32,
}

impl Limit {
    /// All of them.
    pub(super) const NONE: Limit = Limit { value: f32::NEG_INFINITY, place: u32::MAX };
}

/// The largest so far, of equal ones the first.
#[derive(Debug, Default)]
pub(super) struct Largest {
    count: usize,
    /// No number that is not above it can be one of them.
    limit: f32,
    found: Vec<(f32, u32)>,
}

impl Largest {
    /// Of how many numbers so many are kept, from the beginning.
    pub(super) fn begin(&mut self, count: usize) {
        self.count = count;
        self.limit = f32::NEG_INFINITY;
        self.found.clear();
    }

    /// Looks at numbers that stand from `first` on.
    pub(super) fn see(&mut self, numbers: &[f32], first: usize) {
        // Often enough that the limit rises, seldom enough that ordering takes little of the time.
        let most = 2 * self.count + 8 * LANES;
        for (i, part) in numbers.chunks(LANES).enumerate() {
            if self.found.len() >= self.count && !any_above(part, self.limit) {
                continue;
            }
            for (j, &number) in part.iter().enumerate() {
                let room = self.found.len() < self.count && !number.is_nan();
                if room || number > self.limit {
                    self.found.push((number, (first + i * LANES + j) as u32));
                }
            }
            if self.found.len() >= most {
                self.cut();
            }
        }
    }

    /// Where the numbers end that are kept.
    pub(super) fn end(&mut self) -> Limit {
        if self.found.len() < self.count {
            return Limit::NONE;
        }
        let (value, place) = self.cut();
        Limit { value, place }
    }

    /// Leaves the largest; gives the last of them.
    fn cut(&mut self) -> (f32, u32) {
        let (_, last, _) = self.found.select_nth_unstable_by(self.count - 1, order);
        let last = *last;
        self.found.truncate(self.count);
        self.limit = last.0;
        last
    }
}

/// The larger first, of equal ones the first. There is none among them that is no number.
fn order(a: &(f32, u32), b: &(f32, u32)) -> Ordering {
    b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal).then(a.1.cmp(&b.1))
}

vectorized! { fn any_above(numbers: &[f32], limit: f32) -> bool => any_above_body }

#[inline(always)]
fn any_above_body<A: Arithmetic>(numbers: &[f32], limit: f32) -> bool {
    numbers.iter().fold(false, |any, number| any | (*number > limit))
}

#[cfg(test)]
mod tests {
    use super::{Largest, Limit};
    use crate::check::numbers;

    /// The definition: all in order.
    fn sorted(numbers: &[f32], count: usize) -> Limit {
        let mut order: Vec<usize> = (0..numbers.len()).collect();
        order.sort_by(|a, b| numbers[*b].total_cmp(&numbers[*a]));
        let last = order[count - 1];
        Limit { value: numbers[last], place: last as u32 }
    }

    #[test]
    fn they_are_found_whatever_comes_first_and_however_many_are_equal() {
        let random = numbers(5000, 3);
        let coarse: Vec<f32> = random.iter().map(|x| (x * 8.0).round()).collect();
        let rising: Vec<f32> = (0..5000).map(|i| i as f32).collect();
        let falling: Vec<f32> = rising.iter().rev().copied().collect();
        let mut largest = Largest::default();
        for numbers in [random, coarse, rising, falling, vec![0.5; 300]] {
            for count in [1, 2, 31, 100, 299, 300] {
                for width in [7, 512, 5000] {
                    largest.begin(count);
                    for (i, part) in numbers.chunks(width).enumerate() {
                        largest.see(part, i * width);
                    }
                    // A zero may have a sign.
                    let (ours, right) = (largest.end(), sorted(&numbers, count));
                    assert_eq!(ours.value, right.value, "{count} {width}");
                    let before = |limit: Limit| {
                        let kept = |(i, x): &(usize, &f32)| **x == limit.value && *i as u32 <= limit.place;
                        numbers.iter().enumerate().filter(kept).count()
                            + numbers.iter().filter(|x| **x > limit.value).count()
                    };
                    assert_eq!(before(ours), count, "{count} {width}");
                }
            }
        }
    }

    #[test]
    fn fewer_than_asked_for_are_all_kept() {
        let mut largest = Largest::default();
        largest.begin(4);
        largest.see(&[1.0, f32::NEG_INFINITY, 2.0], 0);
        assert_eq!(largest.end(), Limit::NONE);
    }
}
