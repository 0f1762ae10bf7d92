//! Time and memory of the output head: the log-probability of one word a row, forward and backward, at 1024 rows of 576 numbers and
//! 49152 words.
//!
//! `cargo bench -p collimate-kernels --bench head`, one line of JSON; `benches/head.py` runs PyTorch in turn with it. Rows go through
//! both passes in groups whose scores are all kept, as a trainer's do whose loss is a sum over them; `-- whole` takes them in one go,
//! `-- again` keeps no scores then, so that all are computed again, and `-- halves` has the table in bf16.

use collimate_kernels::{
    head::{Inputs, KEPT, backward, forward, kept},
    stored::Stored,
};
use half::bf16;
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
    let asked = |name: &str| std::env::args().any(|arg| arg == name);
    let halves: Vec<bf16> =
        if asked("halves") { table.iter().map(|&x| bf16::from_f32(x)).collect() } else { Vec::new() };
    let stored: Stored<'_> = if asked("halves") { halves[..].into() } else { table[..].into() };
    forget_the_most();
    let before = held("VmRSS:");
    let group = if asked("whole") || asked("again") { ROWS } else { ROWS.div_ceil(ROWS.div_ceil(KEPT / WORDS)) };
    let mut kept = vec![0.0; if asked("again") { 0 } else { kept(group, WORDS) }];
    let groups = (0..ROWS).step_by(group).map(|first| first..(first + group).min(ROWS));
    let mut seconds: Vec<f64> = (0..4)
        .map(|_| {
            let start = Instant::now();
            rayon::scope(|_| {
                for rows in groups.clone() {
                    let numbers = rows.start * WIDTH..rows.end * WIDTH;
                    let (hidden, targets) = (&hidden[numbers.clone()], &targets[rows.clone()]);
                    let inputs = Inputs { hidden, table: stored, targets, width: WIDTH };
                    let logsumexp = &mut logsumexp[rows.clone()];
                    forward(&mut logp[rows.clone()], logsumexp, &mut kept, inputs);
                    backward(&mut d_hidden[numbers], Some(&mut d_table), &upstream[rows], logsumexp, &mut kept, inputs);
                }
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
