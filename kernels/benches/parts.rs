//! Time of each kernel at the sizes of a training step, and how fast it goes.
//!
//! `cargo bench -p collimate-kernels --bench parts [-- tiny|small] [bf16]`, where `bf16` takes products in bf16.

use collimate_kernels::{
    adamw::{self, AdamW},
    attention::{self, Heads, Segment},
    embedding, head, magnitude,
    matrix::{Matrix, MatrixMut, Threads, Write, multiply, multiply_few, multiply_few_halves, multiply_halves},
    rms_norm,
    rotary::{self, Angles},
    stored::{Stored, bf16},
    swiglu,
};
use std::time::Instant;

/// A model and a batch.
struct Case {
    name: &'static str,
    hidden: usize,
    intermediate: usize,
    heads: Heads,
    words: usize,
    layers: usize,
    sequences: usize,
    length: usize,
}

const CASES: [Case; 2] = [
    Case {
        name: "tiny",
        hidden: 256,
        intermediate: 688,
        heads: Heads { query: 8, key: 4, width: 32 },
        words: 4096,
        layers: 8,
        sequences: 16,
        length: 256,
    },
    Case {
        name: "small",
        hidden: 576,
        intermediate: 1536,
        heads: Heads { query: 9, key: 3, width: 64 },
        words: 49152,
        layers: 30,
        sequences: 4,
        length: 256,
    },
];

fn main() {
    let mut wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let halves = wanted.iter().any(|arg| arg == "bf16");
    wanted.retain(|arg| arg != "bf16");
    for case in CASES.iter().filter(|case| wanted.is_empty() || wanted.iter().any(|name| name == case.name)) {
        println!(
            "{}: {} sequences of {} tokens, times are for all {} layers",
            case.name, case.sequences, case.length, case.layers
        );
        // Within the pool, as the engine runs them: work is not handed over from another thread first.
        rayon::scope(|_| {
            if halves {
                products_in_halves(case);
            } else {
                products(case);
                others(case);
            }
            ends(case, halves);
            decoding(case, halves);
        });
    }
}

/// The least of some measurements: on the clock, and by what all threads spent, which other programs on the machine disturb less
/// (run with `RAYON_NUM_THREADS=1` for that: threads that wait also spend). What a thread spent is counted in steps of some
/// milliseconds, so each measurement goes on for many of them.
fn report(name: &str, times: usize, flops: f64, bytes: f64, mut run: impl FnMut()) {
    let start = Instant::now();
    run();
    let runs = (0.15 / start.elapsed().as_secs_f64()).ceil().clamp(1.0, 1e4);
    let (mut clock, mut spent) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..5 {
        let (start, before) = (Instant::now(), cpu_seconds());
        (0..runs as usize).for_each(|_| run());
        clock = clock.min(start.elapsed().as_secs_f64() / runs);
        spent = spent.min((cpu_seconds() - before) / runs);
    }
    println!(
        "  {name:28} {:9.2} ms, spent {:9.2} ms   {:6.1} GFLOP/s   {:6.1} GB/s",
        1e3 * clock * times as f64,
        1e3 * spent * times as f64,
        flops / spent * 1e-9,
        bytes / spent * 1e-9
    );
}

/// Seconds all threads of this process have run, where the system says.
fn cpu_seconds() -> f64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return f64::NAN };
    let spent = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<f64>().ok()
    });
    1e-9 * spent.sum::<f64>()
}

fn numbers(length: usize) -> Vec<f32> {
    (0..length).map(|i| ((i * 7919 % 1000) as f32 - 500.0) * 1e-3).collect()
}

fn halves(length: usize) -> Vec<bf16> {
    numbers(length).into_iter().map(bf16::from_f32).collect()
}

/// Name, outputs and inputs of the products of a layer.
fn shapes(case: &Case) -> [(&'static str, usize, usize); 4] {
    [
        ("qkv", case.heads.row(), case.hidden),
        ("o", case.hidden, case.heads.out()),
        ("gate_up", 2 * case.intermediate, case.hidden),
        ("down", case.hidden, case.intermediate),
    ]
}

fn products_in_halves(case: &Case) {
    let tokens = case.sequences * case.length;
    for (name, out, inner) in shapes(case) {
        let (x, w) = (numbers(tokens * inner), halves(out * inner));
        let (mut y, mut dw, mut dx) = (numbers(tokens * out), numbers(out * inner), numbers(tokens * inner));
        let flops = 2.0 * (tokens * out * inner) as f64;
        let (rows, weight) = (Matrix::new(&x, tokens, inner), Matrix::new(&w, out, inner));
        report(&format!("{name} forward"), case.layers, flops, 0.0, || {
            multiply_halves(MatrixMut::new(&mut y, tokens, out), Write::Set, rows, weight.transposed());
        });
        let d_y = Matrix::new(&y, tokens, out);
        report(&format!("{name} input gradient"), case.layers, flops, 0.0, || {
            multiply_halves(MatrixMut::new(&mut dx, tokens, inner), Write::Set, d_y, weight);
        });
        report(&format!("{name} weight gradient"), case.layers, flops, 0.0, || {
            multiply_halves(MatrixMut::new(&mut dw, out, inner), Write::Add, d_y.transposed(), rows);
        });
    }
}

fn products(case: &Case) {
    let tokens = case.sequences * case.length;
    for (name, out, inner) in shapes(case) {
        let (x, w) = (numbers(tokens * inner), numbers(out * inner));
        let (mut y, mut dw, mut dx) = (numbers(tokens * out), numbers(out * inner), numbers(tokens * inner));
        let flops = 2.0 * (tokens * out * inner) as f64;
        let (rows, weight) = (Matrix::new(&x, tokens, inner), Matrix::new(&w, out, inner));
        report(&format!("{name} forward"), case.layers, flops, 0.0, || {
            multiply(MatrixMut::new(&mut y, tokens, out), Write::Set, rows, weight.transposed(), Threads::All);
        });
        let d_y = Matrix::new(&y, tokens, out);
        report(&format!("{name} input gradient"), case.layers, flops, 0.0, || {
            multiply(MatrixMut::new(&mut dx, tokens, inner), Write::Set, d_y, weight, Threads::All);
        });
        report(&format!("{name} weight gradient"), case.layers, flops, 0.0, || {
            multiply(MatrixMut::new(&mut dw, out, inner), Write::Add, d_y.transposed(), rows, Threads::All);
        });
    }
}

fn others(case: &Case) {
    let (tokens, hidden, heads) = (case.sequences * case.length, case.hidden, case.heads);
    let sequences: Vec<Segment> =
        (0..case.sequences).map(|i| Segment::alone(i * case.length..(i + 1) * case.length)).collect();
    let mut qkv = numbers(tokens * heads.row());
    let (mut out, mut logsumexp) = (numbers(tokens * heads.out()), numbers(tokens * heads.query));
    // Two products of the lower triangle forward, five backward.
    let product = (tokens * case.length * heads.out()) as f64;
    report("attention forward", case.layers, 2.0 * product, 0.0, || {
        attention::forward(&mut out, &mut logsumexp, &qkv, &sequences, heads);
    });
    let d_out = numbers(out.len());
    let mut d_qkv = numbers(qkv.len());
    report("attention backward", case.layers, 5.0 * product, 0.0, || {
        attention::backward(&mut d_qkv, &d_out, &out, &logsumexp, &qkv, &sequences, heads);
    });
    let frequencies: Vec<f64> =
        (0..heads.width / 2).map(|i| 1e4_f64.powf(-2.0 * i as f64 / heads.width as f64)).collect();
    let angles = Angles::new(&frequencies, case.length);
    let positions: Vec<u32> = (0..tokens).map(|i| (i % case.length) as u32).collect();
    let turned = 8.0 * (tokens * (heads.query + heads.key) * heads.width) as f64;
    report("rotary", case.layers, 0.0, turned, || {
        rotary::turn(&mut qkv, heads.row(), heads.query + heads.key, &angles, &positions);
    });

    let (x, w) = (numbers(tokens * hidden), numbers(hidden));
    let (mut y, mut inverse, mut d_w) = (numbers(tokens * hidden), numbers(tokens), numbers(hidden));
    let matrix = 4.0 * (tokens * hidden) as f64;
    report("norms forward", 2 * case.layers, 0.0, 2.0 * matrix, || {
        rms_norm::forward(&mut y, &mut inverse, &x, &w, 1e-5);
    });
    let d_y = numbers(tokens * hidden);
    report("norms backward", 2 * case.layers, 0.0, 4.0 * matrix, || {
        rms_norm::backward(&mut y, &mut d_w, &d_y, &x, &inverse, &w);
    });
    let (kept, d_gated) = (numbers(tokens * 2 * case.intermediate), numbers(tokens * case.intermediate));
    let (mut gate_up, mut gated) = (kept.clone(), d_gated.clone());
    let matrix = 4.0 * (tokens * case.intermediate) as f64;
    report("gate forward", case.layers, 0.0, 3.0 * matrix, || swiglu::forward(&mut gated, &gate_up, case.intermediate));
    // With the time of two copies: it works in place, and on its own results numbers would become too small.
    report("gate backward, two copies", case.layers, 0.0, 12.0 * matrix, || {
        gate_up.copy_from_slice(&kept);
        gated.copy_from_slice(&d_gated);
        swiglu::backward(&mut gate_up, &mut gated, case.intermediate);
    });
}

fn ends(case: &Case, in_halves: bool) {
    let (tokens, hidden, words) = (case.sequences * case.length, case.hidden, case.words);
    let scored = tokens / 2;
    let (rows, table) = (numbers(scored * hidden), numbers(words * hidden));
    let targets: Vec<u32> = (0..scored).map(|i| (i * 7919 % words) as u32).collect();
    let (mut logp, mut logsumexp) = (numbers(scored), numbers(scored));
    let (mut d_rows, mut d_table) = (numbers(rows.len()), numbers(table.len()));
    let table_in_halves = halves(table.len());
    let stored = if in_halves { Stored::Halves(&table_in_halves) } else { Stored::Whole(&table) };
    let inputs = head::Inputs { hidden: &rows, table: stored, targets: &targets, width: hidden };
    let product = 2.0 * (scored * words * hidden) as f64;
    // Nothing kept, since a pass is run again and again: so the backward pass has three products.
    report("head forward", 1, product, 0.0, || head::forward(&mut logp, &mut logsumexp, &mut [], inputs));
    report("head backward", 1, 3.0 * product, 0.0, || {
        head::backward(&mut d_rows, Some(&mut d_table), &logp, &logsumexp, &mut [], inputs);
    });
    if in_halves {
        return;
    }
    let ids: Vec<u32> = (0..tokens).map(|i| (i * 7919 % words) as u32).collect();
    let mut x = numbers(tokens * hidden);
    let bytes = 8.0 * x.len() as f64;
    report("embedding", 1, 0.0, bytes, || embedding::gather(&mut x, &table[..], &ids, hidden));
    report("embedding backward", 1, 0.0, 1.5 * bytes, || embedding::scatter_add(&mut d_table, &x, &ids, hidden));

    let layer = hidden * (case.heads.row() + case.heads.out() + 3 * case.intermediate);
    let parameters = case.layers * layer + words * hidden;
    let (mut w, g) = (numbers(parameters), numbers(parameters));
    let (mut m, mut v) = (numbers(parameters), vec![1.0; parameters]);
    let adam = AdamW { rate: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0, step: 1, factor: 1.0 };
    let bytes = 4.0 * parameters as f64;
    report("AdamW", 1, 0.0, 7.0 * bytes, || adamw::update(&mut w, &g, &mut m, &mut v, adam));
    report("gradient's length", 1, 0.0, bytes, || assert!(magnitude::sum_of_squares(&g) > 0.0));
}

fn decoding(case: &Case, in_halves: bool) {
    let (out, inner) = (2 * case.intermediate, case.hidden);
    let w = numbers(out * inner);
    let w_in_halves = halves(out * inner);
    for rows in [1, 4, 8, 32] {
        let (x, mut y) = (numbers(rows * inner), numbers(rows * out));
        let (flops, bytes) = (2.0 * (rows * out * inner) as f64, 4.0 * w.len() as f64);
        if in_halves {
            report(&format!("gate_up of {rows} rows"), case.layers, flops, bytes / 2.0, || {
                multiply_few_halves(&mut y, Write::Set, &x, &w_in_halves, inner);
            });
            continue;
        }
        report(&format!("gate_up of {rows} rows"), case.layers, flops, bytes, || {
            multiply_few(&mut y, Write::Set, &x, &w, inner);
        });
        let (x, weight) = (Matrix::new(&x, rows, inner), Matrix::new(&w, out, inner).transposed());
        report("the same as a product", case.layers, flops, bytes, || {
            multiply(MatrixMut::new(&mut y, rows, out), Write::Set, x, weight, Threads::All);
        });
    }
}
