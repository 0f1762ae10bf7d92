//! What the head takes of the system's memory: little more than it asks for, whatever the allocator would like to keep.
//!
//! A program of its own, since the setting is one of the whole program.

use collimate_kernels::head::{Inputs, backward, forward, kept};

const ROWS: usize = 512;
const WIDTH: usize = 576;
const WORDS: usize = 12_288;
/// Passes forward and back; an allocator that keeps blocks keeps more from pass to pass.
const PASSES: usize = 4;
/// Two tiles of scores and what a product rearranges take less.
const MOST: f64 = 40.0;

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn freed_blocks_go_back() {
    collimate_kernels::memory::give_back_large_blocks();
    let numbers = |length: usize| -> Vec<f32> { (0..length).map(|i| (i * 7919 % 1000) as f32 * 1e-3 - 0.5).collect() };
    let (hidden, table, upstream) = (numbers(ROWS * WIDTH), numbers(WORDS * WIDTH), numbers(ROWS));
    let targets: Vec<u32> = (0..ROWS).map(|i| (i * 7919 % WORDS) as u32).collect();
    let (mut logp, mut logsumexp) = (vec![1.0; ROWS], vec![1.0; ROWS]);
    let (mut d_hidden, mut d_table) = (vec![1.0; hidden.len()], vec![1.0; table.len()]);
    let inputs = Inputs { hidden: &hidden, table: table[..].into(), targets: &targets, width: WIDTH };
    let mut kept = vec![1.0; kept(ROWS, WORDS)];
    let before = peak();
    for _ in 0..PASSES {
        forward(&mut logp, &mut logsumexp, &mut kept, inputs);
        backward(&mut d_hidden, Some(&mut d_table), &upstream, &logsumexp, &mut kept, inputs);
    }
    let taken = peak() - before;
    assert!(taken < MOST, "{taken} MB beside inputs, gradients and kept scores");
}

/// The most memory this process has held, in MB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says so");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says so");
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<f64>().ok()).expect("a number") / 1024.0
}
