//! Time and memory of the output head: the log-probability of one word a row, forward and backward, at 1024 rows of 576 numbers and
//! 49152 words.
//!
//! `cargo bench -p collimate-kernels --bench head`, one line of JSON; `benches/head.py` runs PyTorch in turn with it. `-- again` keeps no
//! scores, so that all are computed again.

use collimate_kernels::head::{Inputs, backward, forward, kept};
use std::time::Instant;

const ROWS: usize = 1024;
const WIDTH: usize = 576;
const WORDS: usize = 49152;

fn main() {
    collimate_kernels::memory::give_back_large_blocks();
    let (hidden, table) = (numbers(ROWS * WIDTH), numbers(WORDS * WIDTH));
    let targets: Vec<u32> = (0..ROWS).map(|i| (i * 7919 % WORDS) as u32).collect();
    let (mut logp, mut logsumexp, upstream) = (vec![1.0; ROWS], vec![1.0; ROWS], numbers(ROWS));
    // Gradients have their places before, as a trainer's have: what is counted is what the head needs beside them.
    let (mut d_hidden, mut d_table) = (vec![1.0; hidden.len()], vec![1.0; table.len()]);
    let inputs = Inputs { hidden: &hidden, table: table[..].into(), targets: &targets, width: WIDTH };
    forget_the_most();
    let before = held("VmRSS:");
    let again = std::env::args().any(|arg| arg == "again");
    let mut kept = vec![0.0; if again { 0 } else { kept(ROWS, WORDS) }];
    let mut seconds: Vec<f64> = (0..4)
        .map(|_| {
            let start = Instant::now();
            rayon::scope(|_| {
                forward(&mut logp, &mut logsumexp, &mut kept, inputs);
                backward(&mut d_hidden, Some(&mut d_table), &upstream, &logsumexp, &mut kept, inputs);
            });
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    println!(
        "{{\"seconds\": {:.4}, \"extra_mb\": {:.1}, \"mean_logp\": {:.6}}}",
        seconds[0],
        held("VmHWM:") - before,
        mean(&logp)
    );
}

fn numbers(length: usize) -> Vec<f32> {
    (0..length).map(|i| ((i * 7919 % 1000) as f32 - 500.0) * 1e-3).collect()
}

fn mean(numbers: &[f32]) -> f64 {
    numbers.iter().map(|&x| f64::from(x)).sum::<f64>() / numbers.len() as f64
}

/// From now on, the most memory this process has held is that from now on, where the system can forget: making inputs took more.
fn forget_the_most() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// MB that this process holds (`VmRSS:`), or held at most (`VmHWM:`), where the system says.
fn held(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1024.0
}
