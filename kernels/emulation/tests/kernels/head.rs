//! The output head on the emulated GPU.

use crate::support::{STORED, assert_close, back, in_every_order, numbers, slope, stored, wide};
use collimate_kernels::{
    cuda::{
        Element,
        head::{Inputs, Tile, backward, forward},
    },
    head::forward_reference,
};

#[test]
fn log_probabilities_and_their_slopes() {
    // One tile, and several in both directions with odd rests.
    let shapes = [(1, 2, 1, 1.0), (5, 11, 3, 1.0), (13, 300, 6, 3.0), (0, 3, 2, 1.0)];
    let tiles = [
        Tile::default(),
        Tile { rows: 3, words: 4 },
        Tile { rows: 5, words: 299 },
        // Eight words at once in the first, one at once in the last.
        Tile { rows: 4, words: 64 },
    ];
    for ((element, tolerance), (rows, words, width, size)) in STORED.into_iter().flat_map(|s| shapes.map(|x| (s, x))) {
        let hidden = stored(element, numbers(rows * width, 1).into_iter().map(|x| size * x).collect());
        let table = stored(element, numbers(words * width, 2));
        let targets: Vec<u32> = (0..rows).map(|i| (i * 7919 % words) as u32).collect();
        let upstream = numbers(rows, 3);
        let right = |hidden: &[f64], table: &[f64]| forward_reference(hidden, table, &targets, width);
        for tile in tiles {
            let results = in_every_order(|stream| {
                let (hidden, table) = (stream.upload(element, &hidden), stream.upload(element, &table));
                let targets = stream.upload_indices(&targets);
                let inputs = Inputs { hidden: hidden.view(), table: table.view(), targets: targets.view(), width };
                let [mut logp, mut logsumexp] = [0, 1].map(|_| stream.numbers(Element::F32, rows));
                forward(stream, logp.view_mut(), logsumexp.view_mut(), inputs, tile);
                let mut d_hidden = stream.numbers(element, rows * width);
                let mut d_table = stream.upload(Element::F32, &vec![1.0; words * width]);
                let d_logp = stream.upload(Element::F32, &upstream);
                let d_rows = d_hidden.view_mut();
                backward(stream, d_rows, Some(d_table.view_mut()), d_logp.view(), logsumexp.view(), inputs, tile);
                [&logp, &d_hidden, &d_table].map(|numbers| back(stream, numbers)).to_vec()
            });
            assert_close("logp", &results[0], &right(&wide(&hidden), &wide(&table)), 1e-5);
            let by_hidden = slope(&hidden, &upstream, |hidden| right(hidden, &wide(&table)));
            let by_table = slope(&table, &upstream, |table| right(&wide(&hidden), table));
            let by_table: Vec<f64> = by_table.iter().map(|d| d + 1.0).collect();
            assert_close("d hidden", &results[1], &by_hidden, 3.0 * tolerance);
            assert_close("d table", &results[2], &by_table, 3.0 * tolerance);
        }
    }
}

#[test]
fn large_scores_do_not_overflow() {
    let (rows, words, width) = (4, 9, 2);
    let hidden: Vec<f32> = numbers(rows * width, 1).into_iter().map(|x| 300.0 * x).collect();
    let (table, targets) = (numbers(words * width, 2), [0, 7, 3, 8]);
    let results = in_every_order(|stream| {
        let [hidden, table] = [&hidden, &table].map(|numbers| stream.upload(Element::F32, numbers));
        let targets = stream.upload_indices(&targets);
        let inputs = Inputs { hidden: hidden.view(), table: table.view(), targets: targets.view(), width };
        let [mut logp, mut logsumexp] = [0, 1].map(|_| stream.numbers(Element::F32, rows));
        forward(stream, logp.view_mut(), logsumexp.view_mut(), inputs, Tile { rows: 3, words: 2 });
        vec![back(stream, &logp)]
    });
    assert_close("logp", &results[0], &forward_reference(&wide(&hidden), &wide(&table), &targets, width), 2e-6);
}
