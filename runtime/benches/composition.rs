//! The kernels against the same composed of dfdx's operations, forward and backward, at the sizes of a step of shape tiny.
//!
//! `cargo bench -p collimate-runtime --bench composition`; seconds that all threads spent, the least of five (with
//! `RAYON_NUM_THREADS=1`: threads that wait also spend). Both sides begin with the same numbers, and must agree.

mod clock;

use clock::cpu_seconds;
use collimate_kernels::{
    attention::{self, Heads, Segment},
    head, rms_norm, swiglu,
};
use dfdx::prelude::{
    Axes2, Axes3, Axis, Backward, BroadcastTo, Cpu, Gradients, HasShape, PermuteTo, ReshapeTo, SelectTo, SumTo, Tensor,
    TensorFromVec, Trace, TryAdd, TryMatMul,
};

fn main() {
    let device = Cpu::default();
    println!("{:24} {:>10} {:>10} {:>7}", "", "dfdx", "kernel", "ratio");
    norms(&device);
    gates(&device);
    heads(&device);
    attentions(&device);
}

fn numbers(length: usize, seed: usize) -> Vec<f32> {
    (0..length).map(|i| ((i * 7919 + seed * 104_729) % 1000) as f32 * 2e-3 - 1.0).collect()
}

/// The least of five, on both sides, and whether they agree.
fn compare(name: &str, mut theirs: impl FnMut() -> Vec<f32>, mut ours: impl FnMut() -> Vec<f32>) {
    let (right, found) = (theirs(), ours());
    let largest = right.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    for (ours, right) in found.iter().zip(&right) {
        assert!((ours - right).abs() <= 1e-4 * largest, "{name}: {ours} and {right}");
    }
    let seconds = |run: &mut dyn FnMut() -> Vec<f32>| {
        let mut once = || {
            let (before, mut runs) = (cpu_seconds(), 0);
            // What a thread spent is counted in steps of some milliseconds.
            while runs == 0 || cpu_seconds() - before < 0.1 {
                run();
                runs += 1;
            }
            (cpu_seconds() - before) / f64::from(runs)
        };
        (0..5).map(|_| once()).fold(f64::INFINITY, f64::min)
    };
    let (theirs, ours) = (seconds(&mut theirs), seconds(&mut ours));
    println!("{name:24} {:7.2} ms {:7.2} ms {:7.1}", 1e3 * theirs, 1e3 * ours, theirs / ours);
}

fn matrix(device: &Cpu, values: &[f32], rows: usize, columns: usize) -> Tensor<(usize, usize), f32, Cpu> {
    device.tensor_from_vec(values.to_vec(), (rows, columns))
}

fn of<S: dfdx::prelude::Shape>(gradients: &Gradients<f32, Cpu>, x: &Tensor<S, f32, Cpu>) -> Vec<f32> {
    gradients.get(x).as_vec()
}

fn norms(device: &Cpu) {
    let (rows, width) = (4096, 256);
    let (x, w, upstream) = (numbers(rows * width, 1), numbers(width, 2), numbers(rows * width, 3));
    let theirs = || {
        let x = matrix(device, &x, rows, width);
        let w: Tensor<(usize,), f32, Cpu> = device.tensor_from_vec(w.clone(), (width,));
        let shape = *x.shape();
        let mean = x.leaky_trace().square().sum::<(usize,), Axis<1>>() * (1.0 / width as f32);
        let inverse = (mean + 1e-5).sqrt().recip().broadcast_like::<_, Axis<1>>(&shape);
        let y = x.leaky_trace() * inverse * w.leaky_trace().broadcast_like::<_, Axis<0>>(&shape);
        of(&(y * matrix(device, &upstream, rows, width)).sum().backward(), &x)
    };
    let ours = || {
        let (mut y, mut inverse) = (vec![0.0; x.len()], vec![0.0; rows]);
        rms_norm::forward(&mut y, &mut inverse, &x, &w, 1e-5);
        let (mut d_x, mut d_w) = (vec![0.0; x.len()], vec![0.0; width]);
        rms_norm::backward(&mut d_x, &mut d_w, &upstream, &x, &inverse, &w);
        d_x
    };
    compare("norm, 4096 x 256", theirs, ours);
}

fn gates(device: &Cpu) {
    let (rows, width) = (4096, 688);
    let (gate, up, upstream) = (numbers(rows * width, 1), numbers(rows * width, 2), numbers(rows * width, 3));
    let theirs = || {
        let (gate, up) = (matrix(device, &gate, rows, width), matrix(device, &up, rows, width));
        let y = gate.leaky_trace().sigmoid() * gate.leaky_trace() * up.leaky_trace();
        of(&(y * matrix(device, &upstream, rows, width)).sum().backward(), &gate)
    };
    let both: Vec<f32> = gate.chunks(width).zip(up.chunks(width)).flat_map(|(gate, up)| [gate, up].concat()).collect();
    let ours = || {
        let (mut gate_up, mut y) = (both.clone(), vec![0.0; rows * width]);
        swiglu::forward(&mut y, &gate_up, width);
        y.copy_from_slice(&upstream);
        swiglu::backward(&mut gate_up, &mut y, width);
        gate_up.chunks(2 * width).flat_map(|row| row[..width].to_vec()).collect()
    };
    compare("gate, 4096 x 688", theirs, ours);
}

fn heads(device: &Cpu) {
    let (rows, width, words) = (2048, 256, 4096);
    let (hidden, table, upstream) = (numbers(rows * width, 1), numbers(words * width, 2), numbers(rows, 3));
    let targets: Vec<usize> = (0..rows).map(|i| i * 7919 % words).collect();
    let theirs = || {
        let (hidden, table) = (matrix(device, &hidden, rows, width), matrix(device, &table, words, width));
        let scores = hidden.leaky_trace().matmul(table.leaky_trace().permute::<_, Axes2<1, 0>>());
        let targets = device.tensor_from_vec(targets.clone(), (rows,));
        let logp = scores.log_softmax::<Axis<1>>().select(targets);
        let upstream: Tensor<(usize,), f32, Cpu> = device.tensor_from_vec(upstream.clone(), (rows,));
        of(&(logp * upstream).sum().backward(), &hidden)
    };
    let short: Vec<u32> = targets.iter().map(|&target| target as u32).collect();
    let ours = || {
        let inputs = head::Inputs { hidden: &hidden, table: table[..].into(), targets: &short, width };
        let (mut logp, mut logsumexp) = (vec![0.0; rows], vec![0.0; rows]);
        let mut kept = vec![0.0; head::kept(rows, words)];
        head::forward(&mut logp, &mut logsumexp, &mut kept, inputs);
        let (mut d_hidden, mut d_table) = (vec![0.0; hidden.len()], vec![0.0; table.len()]);
        head::backward(&mut d_hidden, Some(&mut d_table), &upstream, &logsumexp, &mut kept, inputs);
        d_hidden
    };
    compare("head, 2048 x 256 x 4096", theirs, ours);
}

/// One sequence, since dfdx's has no others beside it; as many key heads as queries, so that none is copied.
fn attentions(device: &Cpu) {
    let (tokens, heads) = (256, Heads { query: 8, key: 8, width: 32 });
    let (qkv, upstream) = (numbers(tokens * heads.row(), 1), numbers(tokens * heads.out(), 2));
    let part = |first: usize| -> Vec<f32> {
        qkv.chunks(heads.row()).flat_map(|row| row[first..first + heads.out()].to_vec()).collect()
    };
    let parts = [0, 1, 2].map(|i| part(i * heads.out()));
    let theirs = || {
        let [query, key, value] = [0, 1, 2].map(|i| matrix(device, &parts[i], tokens, heads.out()));
        let shape = (tokens, heads.query, heads.width);
        let query_heads = query.leaky_trace().reshape_like(&shape).permute::<_, Axes3<1, 0, 2>>();
        let key_heads = key.leaky_trace().reshape_like(&shape).permute::<_, Axes3<1, 2, 0>>();
        let value_heads = value.leaky_trace().reshape_like(&shape).permute::<_, Axes3<1, 0, 2>>();
        let later = |i: usize| if i % tokens > i / tokens { -1e30 } else { 0.0 };
        let mask = matrix(device, &(0..tokens * tokens).map(later).collect::<Vec<_>>(), tokens, tokens);
        let mask = mask.broadcast_like::<_, Axis<0>>(&(heads.query, tokens, tokens));
        let scores = query_heads.matmul(key_heads) * (1.0 / (heads.width as f32).sqrt());
        let mixed = scores.try_add(mask).expect("shapes fit").softmax::<Axis<2>>().matmul(value_heads);
        let out = mixed.permute::<_, Axes3<1, 0, 2>>().reshape_like(&(tokens, heads.out()));
        of(&(out * matrix(device, &upstream, tokens, heads.out())).sum().backward(), &query)
    };
    let segments = [Segment::alone(0..tokens)];
    let ours = || {
        let (mut out, mut logsumexp) = (vec![0.0; tokens * heads.out()], vec![0.0; tokens * heads.query]);
        attention::forward(&mut out, &mut logsumexp, &qkv, &segments, heads);
        let mut d_qkv = vec![0.0; qkv.len()];
        attention::backward(&mut d_qkv, &upstream, &out, &logsumexp, &qkv, &segments, heads);
        d_qkv.chunks(heads.row()).flat_map(|row| row[..heads.out()].to_vec()).collect()
    };
    compare("attention, 256 x 8 x 32", theirs, ours);
}
