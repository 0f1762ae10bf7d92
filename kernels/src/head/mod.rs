//! Log-probability of one word for each row: `logp = z[target] - logsumexp(z)` with `z = hidden tableᵀ`.
//!
//! The scores `z` of all words exist only for a tile of rows and words at a time, so that memory does not grow with
//! rows times words: the forward pass keeps `logsumexp`, one number a row, and the scores of as many tiles as it is given room for, and
//! the backward pass makes each of the others again. Where the gradient of some rows' log-probabilities is known before other rows are
//! looked at, both passes over few enough rows at a time never do.
//!
//! Each thread has words of its own and goes through them tile by tile, so that a part of the table, and of its gradient, is brought from
//! memory once for up to a thousand rows and no thread waits for another between products.
//! With `g` the gradient of `logp` and `p = exp(z - logsumexp)`:
//!
//! - `dz = g (onehot(target) - p)`, `d hidden = dz table`, `d table += dzᵀ hidden`.
//!
//! With a table in bf16 the three products are those of [`crate::matrix::multiply_halves`]: `hidden` and `dz` are rounded for them.

mod cpu;
mod reference;

pub use cpu::{KEPT, backward, forward, kept};
pub use reference::forward as forward_reference;

use crate::stored::Stored;

/// What the two passes read.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// One row for each target.
    pub hidden: &'a [f32],
    /// One row for each word.
    pub table: Stored<'a>,
    /// A word for each row.
    pub targets: &'a [u32],
    /// Numbers in a row.
    pub width: usize,
}

#[cfg(test)]
mod tests {
    use super::cpu::{ROWS, WORDS};
    use super::{Inputs, KEPT, Stored, backward, forward, forward_reference, kept};
    use crate::check::{assert_close, numbers, slope, wide};
    use half::bf16;

    fn targets(rows: usize, words: usize) -> Vec<u32> {
        (0..rows).map(|i| (i * 7919 % words) as u32).collect()
    }

    fn run(inputs: Inputs<'_>) -> (Vec<f32>, Vec<f32>) {
        let rows = inputs.targets.len();
        let (mut logp, mut logsumexp) = (vec![f32::NAN; rows], vec![f32::NAN; rows]);
        forward(&mut logp, &mut logsumexp, &mut [], inputs);
        (logp, logsumexp)
    }

    #[test]
    fn forward_is_the_definition() {
        // Beyond one tile in both directions, and a score large enough to overflow without care.
        for (rows, words, width, size) in [(1, 1, 1, 1.0), (5, 11, 3, 1.0), (4, 9, 2, 300.0), (1100, 5000, 8, 3.0)] {
            let hidden: Vec<f32> = numbers(rows * width, 1).into_iter().map(|x| size * x).collect();
            let (table, targets) = (numbers(words * width, 2), targets(rows, words));
            let (logp, _) = run(Inputs { hidden: &hidden, table: table[..].into(), targets: &targets, width });
            assert_close("logp", &logp, &forward_reference(&wide(&hidden), &wide(&table), &targets, width), 2e-6);
        }
    }

    #[test]
    fn backward_is_the_slope() {
        for (rows, words, width) in [(1, 2, 1), (5, 11, 3), (7, 30, 6)] {
            let (hidden, table, targets) = (numbers(rows * width, 1), numbers(words * width, 2), targets(rows, words));
            let upstream = numbers(rows, 3);
            let inputs = Inputs { hidden: &hidden, table: table[..].into(), targets: &targets, width };
            let (_, logsumexp) = run(inputs);
            let (mut d_hidden, mut d_table) = (vec![f32::NAN; hidden.len()], vec![1.0; table.len()]);
            backward(&mut d_hidden, Some(&mut d_table), &upstream, &logsumexp, &mut [], inputs);
            let by_hidden = slope(&hidden, &upstream, |x| forward_reference(x, &wide(&table), &targets, width));
            let by_table = slope(&table, &upstream, |x| forward_reference(&wide(&hidden), x, &targets, width));
            assert_close("d hidden", &d_hidden, &by_hidden, 1e-5);
            assert_close("d table", &d_table, &by_table.iter().map(|d| d + 1.0).collect::<Vec<_>>(), 1e-5);
        }
    }

    #[test]
    fn many_tiles_have_the_gradient_of_one() {
        let (rows, words, width) = (1200, 4200, 4);
        let (hidden, table, targets) = (numbers(rows * width, 1), numbers(words * width, 2), targets(rows, words));
        let (upstream, along) = (numbers(rows, 3), numbers(hidden.len() + table.len(), 4));
        let inputs = Inputs { hidden: &hidden, table: table[..].into(), targets: &targets, width };
        let (_, logsumexp) = run(inputs);
        let (mut d_hidden, mut d_table) = (vec![f32::NAN; hidden.len()], vec![0.0; table.len()]);
        backward(&mut d_hidden, Some(&mut d_table), &upstream, &logsumexp, &mut [], inputs);
        let ours: f64 = d_hidden.iter().chain(&d_table).zip(&along).map(|(&g, &d)| f64::from(g) * f64::from(d)).sum();
        let right = slope(&[0.0], &upstream, |t| {
            let move_by = |x: &[f32], d: &[f32]| -> Vec<f64> {
                x.iter().zip(d).map(|(&x, &d)| f64::from(x) + t[0] * f64::from(d)).collect()
            };
            let (d_hidden, d_table) = along.split_at(hidden.len());
            forward_reference(&move_by(&hidden, d_hidden), &move_by(&table, d_table), &targets, width)
        });
        assert!((ours - right[0]).abs() < 1e-4 * right[0].abs().max(1.0), "{ours} where {} is right", right[0]);
    }

    #[test]
    fn a_table_in_halves_is_multiplied_by_rounded_rows() {
        let (rows, words, width) = (530, 4200, 9);
        let round = |x: &[f32]| -> Vec<f32> { x.iter().map(|&x| bf16::from_f32(x).to_f32()).collect() };
        let hidden = round(&numbers(rows * width, 1));
        let (targets, upstream) = (targets(rows, words), numbers(rows, 3));
        let halves: Vec<bf16> = numbers(words * width, 2).into_iter().map(bf16::from_f32).collect();
        let whole: Vec<f32> = halves.iter().map(|w| w.to_f32()).collect();
        let all = |hidden: &[f32], table: Stored<'_>| {
            let inputs = Inputs { hidden, table, targets: &targets, width };
            let (logp, logsumexp) = run(inputs);
            let (mut d_hidden, mut d_table) = (vec![f32::NAN; hidden.len()], vec![0.0; table.len()]);
            backward(&mut d_hidden, Some(&mut d_table), &upstream, &logsumexp, &mut [], inputs);
            (logp, d_hidden, d_table)
        };
        let (logp, d_hidden, d_table) = all(&hidden, halves[..].into());
        let right = all(&hidden, whole[..].into());
        // Forward nothing is rounded that was not before; of the gradient of scores, eight bits stay.
        assert_close("logp", &logp, &wide(&right.0), 1e-5);
        for (name, ours, right) in [("d hidden", &d_hidden, &right.1), ("d table", &d_table, &right.2)] {
            let largest = right.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            let scaled = |x: &[f32]| -> Vec<f32> { x.iter().map(|x| x / largest).collect() };
            assert_close(name, &scaled(ours), &wide(&scaled(right)), 4e-3);
        }
        // And rows that are not rounded are, first.
        let nearly: Vec<f32> = hidden.iter().map(|x| x * (1.0 + 1e-3)).collect();
        assert_eq!(all(&nearly, halves[..].into()), (logp, d_hidden, d_table));
    }

    #[test]
    fn a_table_that_is_not_trained_changes_nothing_else() {
        let (rows, words, width) = (7, 30, 6);
        let (hidden, table, targets) = (numbers(rows * width, 1), numbers(words * width, 2), targets(rows, words));
        let upstream = numbers(rows, 3);
        let inputs = Inputs { hidden: &hidden, table: table[..].into(), targets: &targets, width };
        let (_, logsumexp) = run(inputs);
        let (mut with, mut without, mut d_table) = (hidden.clone(), hidden.clone(), table.clone());
        backward(&mut with, Some(&mut d_table), &upstream, &logsumexp, &mut [], inputs);
        backward(&mut without, None, &upstream, &logsumexp, &mut [], inputs);
        assert_eq!(with, without);
    }

    #[test]
    fn kept_scores_are_used_and_change_nothing() {
        // Four tiles: two of many words, two of a few words more.
        let (rows, words, width) = (ROWS + 88, WORDS + 4, 8);
        let (hidden, table, targets) = (numbers(rows * width, 1), numbers(words * width, 2), targets(rows, words));
        let upstream = numbers(rows, 3);
        let inputs = Inputs { hidden: &hidden, table: table[..].into(), targets: &targets, width };
        let all = |room: usize, spoilt: bool| {
            let (mut logp, mut logsumexp, mut kept) = (vec![0.0; rows], vec![0.0; rows], vec![f32::NAN; room]);
            forward(&mut logp, &mut logsumexp, &mut kept, inputs);
            if spoilt {
                kept.fill(f32::NEG_INFINITY);
            }
            let (mut d_hidden, mut d_table) = (vec![f32::NAN; hidden.len()], vec![0.0; table.len()]);
            backward(&mut d_hidden, Some(&mut d_table), &upstream, &logsumexp, &mut kept, inputs);
            (logp, logsumexp, d_hidden, d_table)
        };
        let none = all(0, true);
        for room in [100, ROWS * WORDS, ROWS * WORDS + 7, rows * WORDS, kept(rows, words)] {
            assert_eq!(all(room, false), none, "room for {room}");
            // And they are what is read: others give another gradient.
            assert_eq!(all(room, true).2 == none.2, room < ROWS * WORDS);
        }
        assert_eq!((kept(rows, words), kept(100_000, 100_000)), (rows * words, KEPT));
    }

    #[test]
    fn no_rows_are_no_work() {
        let inputs = Inputs { hidden: &[], table: [1.0, 2.0][..].into(), targets: &[], width: 2 };
        forward(&mut [], &mut [], &mut [], inputs);
        backward(&mut [], Some(&mut [0.0, 0.0]), &[], &[], &mut [], inputs);
    }
}
