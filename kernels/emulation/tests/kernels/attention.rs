//! Attention on the emulated GPU.

use crate::support::{STORED, assert_close, back, in_every_order, numbers, slope, stored, wide};
use collimate_kernels::{
    attention::{Heads, Segment, forward_reference},
    cuda::{
        Element,
        attention::{Inputs, Layout, backward, forward},
    },
};

fn lengths(lengths: &[usize]) -> Vec<Segment> {
    let mut end = 0;
    lengths
        .iter()
        .map(|length| {
            end += length;
            Segment::alone(end - length..end)
        })
        .collect()
}

/// Two prompts, of `length` rows and of 2: three continuations of the first, of which one sees only a part of it, and of
/// some only the output of the last rows is wanted; one continuation of the second.
fn shared(length: usize) -> Vec<Segment> {
    let ends = [length, length + 3, 2 * length + 4, 2 * length + 5, 2 * length + 7, 2 * length + 11];
    let rows = |i: usize| ends[i - 1]..ends[i];
    vec![
        Segment::alone(0..ends[0]).asking(ends[0] - 1..ends[0]),
        Segment::after(0..ends[0], rows(1)),
        Segment::after(0..ends[0], rows(2)).asking(ends[1] + 1..ends[2] - 1),
        Segment::after(0..ends[0] - 1, rows(3)),
        Segment::alone(rows(4)).asking(ends[3]..ends[3]),
        Segment::after(rows(4), rows(5)),
    ]
}

/// Output and gradient; zeros where nothing is asked.
fn run(element: Element, qkv: &[f32], d_out: &[f32], segments: &[Segment], heads: Heads) -> [Vec<f32>; 2] {
    let tokens = qkv.len() / heads.row();
    let results = in_every_order(|stream| {
        let layout = Layout::new(stream, segments, tokens, element, heads);
        let [qkv, d_out] = [qkv, d_out].map(|numbers| stream.upload(element, numbers));
        let mut out = stream.zeros(element, tokens * heads.out());
        let mut logsumexp = stream.numbers(Element::F32, tokens * heads.query);
        forward(stream, out.view_mut(), logsumexp.view_mut(), qkv.view(), &layout, heads);
        let mut d_qkv = stream.numbers(element, qkv.len());
        let inputs = Inputs { d_out: d_out.view(), out: out.view(), logsumexp: logsumexp.view(), qkv: qkv.view() };
        backward(stream, d_qkv.view_mut(), inputs, &layout, heads);
        vec![back(stream, &out), back(stream, &d_qkv)]
    });
    results.try_into().expect("two results")
}

#[test]
fn short_sequences_and_shared_prefixes_have_the_definition_and_its_slope() {
    let cases = [
        (Heads { query: 1, key: 1, width: 2 }, lengths(&[1, 2, 5])),
        (Heads { query: 6, key: 2, width: 5 }, lengths(&[3, 1, 4])),
        (Heads { query: 4, key: 1, width: 3 }, lengths(&[2, 6])),
        (Heads { query: 4, key: 2, width: 4 }, shared(4)),
        (Heads { query: 2, key: 1, width: 16 }, shared(3)),
        (Heads { query: 1, key: 1, width: 2 }, Vec::new()),
    ];
    for ((element, tolerance), (heads, segments)) in STORED.into_iter().flat_map(|s| cases.clone().map(|c| (s, c))) {
        let rows = segments.last().map_or(0, |segment| segment.own.end);
        let qkv = stored(element, numbers(rows * heads.row(), 1).into_iter().map(|x| 2.0 * x).collect());
        let upstream = stored(element, numbers(rows * heads.out(), 2));
        let [out, gradient] = run(element, &qkv, &upstream, &segments, heads);
        let right = forward_reference(&wide(&qkv), &segments, heads);
        assert_close("out", &out, &right, tolerance);
        let right = slope(&qkv, &upstream, |x| forward_reference(x, &segments, heads));
        assert_close("gradient", &gradient, &right, 3.0 * tolerance);
    }
}

#[test]
fn sequences_longer_than_a_tile_have_the_gradient_of_the_cpu() {
    let cases = [
        (Heads { query: 4, key: 2, width: 8 }, lengths(&[75, 33, 1])),
        (Heads { query: 2, key: 1, width: 64 }, shared(40)),
        (Heads { query: 2, key: 2, width: 48 }, shared(66)),
        (Heads { query: 3, key: 1, width: 16 }, shared(130)),
        (Heads { query: 1, key: 1, width: 80 }, shared(33)),
        (Heads { query: 1, key: 1, width: 128 }, lengths(&[65])),
    ];
    for ((element, tolerance), (heads, segments)) in STORED.into_iter().flat_map(|s| cases.clone().map(|c| (s, c))) {
        let rows = segments.last().map_or(0, |segment| segment.own.end);
        let qkv = stored(element, numbers(rows * heads.row(), 1));
        let upstream = stored(element, numbers(rows * heads.out(), 2));
        let [out, gradient] = run(element, &qkv, &upstream, &segments, heads);
        assert_close("out", &out, &forward_reference(&wide(&qkv), &segments, heads), tolerance);
        // The kernels of the CPU are held to finite differences by tests of their own.
        let (mut right_out, mut logsumexp) = (vec![0.0; out.len()], vec![0.0; rows * heads.query]);
        collimate_kernels::attention::forward(&mut right_out, &mut logsumexp, &qkv, &segments, heads);
        let mut right = vec![0.0; qkv.len()];
        collimate_kernels::attention::backward(&mut right, &upstream, &right_out, &logsumexp, &qkv, &segments, heads);
        assert_close("gradient", &gradient, &wide(&right), 3.0 * tolerance);
    }
}
