//! The output head, and what is computed of all words, need no more memory for more words: what they take besides their inputs
//! and results is the same.

use collimate_kernels::head::{Inputs, backward, forward, kept};
use collimate_kernels::region::{self, ByPolicy, Policy, Region, Step};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: everything is handed on to the system's allocator.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(held, Ordering::Relaxed);
        // SAFETY: the caller's own promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's own promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn numbers(length: usize) -> Vec<f32> {
    (0..length).map(|i| ((i * 7919 % 1000) as f32 - 500.0) * 1e-3).collect()
}

/// Most bytes that both passes held at once besides what goes in and comes out.
fn beside(words: usize) -> usize {
    let (rows, width) = (1100, 8);
    let (hidden, table, upstream) = (numbers(rows * width), numbers(words * width), numbers(rows));
    let targets: Vec<u32> = (0..rows).map(|i| (i * 7919 % words) as u32).collect();
    let (mut logp, mut logsumexp) = (numbers(rows), numbers(rows));
    let (mut d_hidden, mut d_table) = (numbers(hidden.len()), numbers(table.len()));
    let inputs = Inputs { hidden: &hidden, table: table[..].into(), targets: &targets, width };
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let mut kept = numbers(kept(rows, words));
    forward(&mut logp, &mut logsumexp, &mut kept, inputs);
    backward(&mut d_hidden, Some(&mut d_table), &upstream, &logsumexp, &mut kept, inputs);
    MOST.load(Ordering::Relaxed) - before
}

/// The same of a divergence of two policies.
fn beside_a_divergence(words: usize) -> usize {
    let (rows, width) = (1100, 8);
    let steps = vec![Step::Policy(0), Step::Policy(1), Step::Minus(0, 1), Step::Exponential(0), Step::Times(3, 2)];
    let region = Region::new(steps, vec![4]);
    let (hidden, table, upstream) = (numbers(rows * width), numbers(words * width), numbers(rows));
    let (mut sums, mut d_hidden, mut d_table) = (numbers(rows), numbers(hidden.len()), numbers(table.len()));
    let policy = Policy { hidden: &hidden, table: table[..].into(), width };
    let policies = [policy, policy];
    let inputs = region::Inputs { region: &region, policies: &policies, given: &[] };
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    region::forward(&mut sums, inputs).unwrap();
    let mut by = [Some(ByPolicy { d_hidden: &mut d_hidden, d_table: Some(&mut d_table), taken: None }), None];
    region::backward(&mut by, &mut [], &[], &upstream, inputs);
    MOST.load(Ordering::Relaxed) - before
}

#[test]
fn more_words_need_no_more_memory() {
    // The first call makes the tile that later ones use again.
    let first = beside(16_384);
    assert!(first > 40 << 20, "the first call takes a tile and keeps scores, or this test counts nothing");
    let (few, many) = (beside(16_384), beside(131_072));
    assert!(many <= few + few / 4 + (64 << 10), "{few} bytes for 16384 words, {many} for 131072");
    // All scores of 131072 words would be half a gigabyte.
    assert!(many < 60 << 20 && first < 70 << 20, "{many} and {first} bytes");

    // In the same test, since what it counts is counted of the whole process.
    let first = beside_a_divergence(16_384);
    assert!(first > 60 << 20, "the first call takes a room for scores, or this test counts nothing");
    let (few, many) = (beside_a_divergence(16_384), beside_a_divergence(131_072));
    assert!(many <= few + (4 << 20), "{few} bytes for 16384 words, {many} for 131072");
    // Both policies' scores of 131072 words would be more than a gigabyte.
    assert!(many + first < 90 << 20, "{many} and {first} bytes");
}
