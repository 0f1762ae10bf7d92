//! Kernels take their buffers once: from the second call on, nothing of size is allocated. Products by the `gemm` crate are left
//! out: it takes and gives back its own.

use collimate_kernels::{
    adamw::{self, AdamW},
    attention::{self, Heads, Segment},
    magnitude, rms_norm,
    rotary::{self, Angles},
    swiglu,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that count as a buffer: lists of tasks and partial gradients of a norm are smaller.
const BUFFER: usize = 16 * 1024;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: everything is handed on to the system's allocator.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= BUFFER {
            TAKEN.fetch_add(layout.size(), Ordering::Relaxed);
        }
        // SAFETY: the caller's own promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's own promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes in buffers that the work allocates.
fn taken(work: impl FnOnce()) -> usize {
    let before = TAKEN.load(Ordering::Relaxed);
    work();
    TAKEN.load(Ordering::Relaxed) - before
}

fn numbers(length: usize) -> Vec<f32> {
    (0..length).map(|i| ((i * 7919 % 1000) as f32 - 500.0) * 1e-3).collect()
}

#[test]
fn the_second_call_takes_no_buffer() {
    let heads = Heads { query: 6, key: 2, width: 32 };
    let (tokens, hidden, wide) = (400, 192, 512);
    let segments = [Segment::alone(0..200), Segment::after(0..200, 200..300), Segment::alone(300..400)];
    let mut qkv = numbers(tokens * heads.row());
    let (mut out, mut logsumexp) = (numbers(tokens * heads.out()), numbers(tokens * heads.query));
    let (d_out, mut d_qkv) = (numbers(out.len()), numbers(qkv.len()));
    let (x, weight, d_y) = (numbers(tokens * hidden), numbers(hidden), numbers(tokens * hidden));
    let (mut y, mut inverse, mut d_weight) = (numbers(x.len()), numbers(tokens), numbers(hidden));
    let (mut gate_up, mut gated) = (numbers(tokens * 2 * wide), numbers(tokens * wide));
    let angles = Angles::new(&[1.0; 16], tokens);
    let positions: Vec<u32> = (0..tokens as u32).collect();
    let (mut w, g, mut m, mut v) = (numbers(100_000), numbers(100_000), numbers(100_000), vec![1.0; 100_000]);
    let adam = AdamW { rate: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0, step: 1, factor: 1.0 };
    // One thread: with several, one that had no task in the first call would take its buffers in a later one.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    let mut all = || {
        pool.install(|| {
            rotary::turn(&mut qkv, heads.row(), heads.query + heads.key, &angles, &positions);
            attention::forward(&mut out, &mut logsumexp, &qkv, &segments, heads);
            attention::backward(&mut d_qkv, &d_out, &out, &logsumexp, &qkv, &segments, heads);
            rms_norm::forward(&mut y, &mut inverse, &x, &weight, 1e-5);
            rms_norm::backward(&mut y, &mut d_weight, &d_y, &x, &inverse, &weight);
            swiglu::forward(&mut gated, &gate_up, wide);
            swiglu::backward(&mut gate_up, &mut gated, wide);
            adamw::update(&mut w, &g, &mut m, &mut v, adam);
            assert!(magnitude::sum_of_squares(&g) > 0.0);
        });
    };
    assert!(taken(&mut all) > 0, "the first call takes some, or this test counts nothing");
    assert_eq!(taken(&mut all), 0);
}
