//! Rotary position embedding: each head of a query or key is turned by an angle that grows with its position.
//!
//! Of a head of `d` numbers, number `i` and number `i + d / 2` make a pair (the convention of Hugging Face's files), turned
//! by `angle = position * frequency[i]`:
//!
//! - `a' = a cos - b sin`,
//! - `b' = b cos + a sin`.
//!
//! The gradient is turned the other way.

mod cpu;
mod reference;

pub use cpu::{Angles, turn, turn_back};
pub use reference::turn as turn_reference;

#[cfg(test)]
mod tests {
    use super::{Angles, turn, turn_back, turn_reference};
    use crate::check::{assert_close, numbers, slope, wide};

    const HEADS: usize = 3;
    const HEAD: usize = 6;
    const WIDTH: usize = HEADS * HEAD + 4;
    const FREQUENCIES: [f64; HEAD / 2] = [1.0, 0.25, 0.015_625];

    fn positions(rows: usize) -> Vec<u32> {
        (0..rows as u32).map(|i| i % 7).collect()
    }

    #[test]
    fn the_first_heads_of_a_row_are_turned_and_the_rest_is_left() {
        for rows in [1, 5, 2000] {
            let x = numbers(rows * WIDTH, 1);
            let mut ours = x.clone();
            turn(&mut ours, WIDTH, HEADS, &Angles::new(&FREQUENCIES, 7), &positions(rows));
            let mut right = wide(&x);
            turn_reference(&mut right, WIDTH, HEADS, &FREQUENCIES, &positions(rows));
            assert_close("turned", &ours, &right, 1e-6);
        }
    }

    #[test]
    fn the_gradient_is_turned_back() {
        let rows = 4;
        let (x, upstream) = (numbers(rows * WIDTH, 1), numbers(rows * WIDTH, 2));
        let right = slope(&x, &upstream, |x| {
            let mut x = x.to_vec();
            turn_reference(&mut x, WIDTH, HEADS, &FREQUENCIES, &positions(rows));
            x
        });
        let mut ours = upstream;
        turn_back(&mut ours, WIDTH, HEADS, &Angles::new(&FREQUENCIES, 7), &positions(rows));
        assert_close("gradient", &ours, &right, 1e-5);
    }
}
