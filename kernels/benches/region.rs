//! Time of sums over all words, forward and backward, at 1024 rows of 576 numbers and 49152 words, beside the time of
//! their products alone.
//!
//! `cargo bench -p collimate-kernels --bench region`

use collimate_kernels::matrix::{Matrix, MatrixMut, Threads, Write, multiply};
use collimate_kernels::memory::give_back_large_blocks;
use collimate_kernels::region::examples::entropy;
use collimate_kernels::region::{ByPolicy, Inputs, Policy, Region, Step, backward, forward};
use std::time::Instant;

const ROWS: usize = 1024;
const WIDTH: usize = 576;
const WORDS: usize = 49152;

/// `sum(p (ln p - ln q))`
fn divergence() -> Region {
    let steps = vec![Step::Policy(0), Step::Policy(1), Step::Minus(0, 1), Step::Exponential(0), Step::Times(3, 2)];
    Region::new(steps, vec![4])
}

/// The same over the 64 likeliest words by the second, whose shares are made to sum to one: two more numbers of a row.
fn divergence_of_likeliest() -> Region {
    let steps = vec![
        Step::Policy(0),
        Step::Policy(1),
        Step::Top(1, 64),
        Step::LogSum(0, 2),
        Step::Minus(0, 3),
        Step::LogSum(1, 2),
        Step::Minus(1, 5),
        Step::Minus(4, 6),
        Step::Exponential(4),
        Step::Times(8, 7),
        Step::Kept(2, 9),
    ];
    Region::new(steps, vec![10])
}

/// Both ways to the mixture: `sum(p (ln p - ln m) + q (ln q - ln m)) / 2`, without its last division.
fn jensen_shannon() -> Region {
    let steps = vec![
        Step::Policy(0),
        Step::Policy(1),
        Step::Mixture(0, 1, 0.5),
        Step::Minus(0, 2),
        Step::Exponential(0),
        Step::Times(4, 3),
        Step::Minus(1, 2),
        Step::Exponential(1),
        Step::Times(7, 6),
        Step::Plus(5, 8),
    ];
    Region::new(steps, vec![9])
}

fn main() {
    give_back_large_blocks();
    let (hidden, table) = ([1, 3].map(|by| numbers(ROWS * WIDTH, by)), [5, 7].map(|by| numbers(WORDS * WIDTH, by)));
    let (mut d_hidden, mut d_table) = (vec![1.0; ROWS * WIDTH], vec![1.0; WORDS * WIDTH]);
    // Within the pool, as the engine runs them.
    rayon::scope(|_| {
        // Scores of some words at a time: of all shapes, the one products like best.
        let words = 4096;
        let mut scores = vec![0.0; ROWS * words];
        let product = (WORDS / words) as f64
            * fastest(|| {
                let part = Matrix::new(&table[0][..words * WIDTH], words, WIDTH).transposed();
                let rows = Matrix::new(&hidden[0], ROWS, WIDTH);
                multiply(MatrixMut::new(&mut scores, ROWS, words), Write::Set, rows, part, Threads::All);
            });
        drop(scores);
        println!("{ROWS} rows, {WIDTH} numbers, {WORDS} words; one product {:.0} ms", 1e3 * product);
        let all = [
            ("entropy", entropy()),
            ("divergence", divergence()),
            ("divergence, 64 likeliest", divergence_of_likeliest()),
            ("Jensen-Shannon", jensen_shannon()),
        ];
        for (name, region) in &all {
            let policies: Vec<Policy<'_>> = hidden
                .iter()
                .zip(&table)
                .take(region.policies())
                .map(|(hidden, table)| Policy { hidden, table: table[..].into(), width: WIDTH })
                .collect();
            let inputs = Inputs { region, policies: &policies, given: &[] };
            let (mut sums, upstream) = (vec![0.0; ROWS], numbers(ROWS, 11));
            let there = fastest(|| forward(&mut sums, inputs).expect("every row has words"));
            // The first policy is trained, the second only read.
            let back = fastest(|| {
                let trained = ByPolicy { d_hidden: &mut d_hidden, d_table: Some(&mut d_table), taken: None };
                let mut by = [Some(trained), None];
                backward(&mut by[..policies.len()], &mut [], &[], &upstream, inputs);
            });
            let products = (2 * policies.len() + 2) as f64;
            println!(
                "  {name:26} forward {:5.0} ms, backward {:5.0} ms, {products} products are {:2.0} % of it",
                1e3 * there,
                1e3 * back,
                100.0 * products * product / (there + back)
            );
        }
    });
}

/// Seconds of the fastest of three.
fn fastest(mut run: impl FnMut()) -> f64 {
    let seconds = (0..3).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    seconds.fold(f64::INFINITY, f64::min)
}

fn numbers(length: usize, by: usize) -> Vec<f32> {
    (0..length).map(|i| ((i * 7919 * by % 1000) as f32 - 500.0) * 1e-3).collect()
}
