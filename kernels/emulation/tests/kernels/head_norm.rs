//! Normalisation of the heads of queries and keys on the emulated GPU.

use crate::support::{STORED, assert_close, back, in_every_order, numbers, slope, stored, wide};
use collimate_kernels::{
    attention::Heads,
    cuda::{Element, head_norm},
    head_norm::{forward as forward_cpu, forward_reference},
};

const EPSILON: f64 = 1e-5;

#[test]
fn forward_is_the_definition_and_backward_is_the_slope() {
    let heads = |query, key, width| Heads { query, key, width };
    let shapes =
        [(0, heads(2, 1, 4)), (1, heads(1, 1, 2)), (3, heads(4, 2, 6)), (2, heads(7, 1, 40)), (400, heads(2, 1, 2))];
    for ((element, tolerance), (rows, heads)) in STORED.into_iter().flat_map(|s| shapes.map(|shape| (s, shape))) {
        let x = stored(element, numbers(rows * heads.row(), 1));
        let w = stored(element, numbers(2 * heads.width, 2));
        let upstream = stored(element, numbers(x.len(), 3));
        let each = heads.query + heads.key;
        let results = in_every_order(|stream| {
            let [x, w, mut d] = [&x, &w, &upstream].map(|numbers| stream.upload(element, numbers));
            let mut y = stream.numbers(element, x.len());
            let mut inverse = stream.numbers(Element::F32, rows * each);
            head_norm::forward(stream, y.view_mut(), inverse.view_mut(), x.view(), w.view(), heads, EPSILON as f32);
            let mut d_w = stream.upload(Element::F32, &vec![2.0; w.len()]);
            head_norm::backward(stream, d.view_mut(), d_w.view_mut(), x.view(), inverse.view(), w.view(), heads);
            [&y, &inverse, &d, &d_w].map(|numbers| back(stream, numbers)).to_vec()
        });
        assert_close("y", &results[0], &forward_reference(&wide(&x), &wide(&w), heads, EPSILON), tolerance);
        let (mut y, mut inverse) = (vec![0.0; x.len()], vec![0.0; rows * each]);
        forward_cpu(&mut y, &mut inverse, &x, &w, heads, EPSILON as f32);
        assert_close("inverse", &results[1], &wide(&inverse), 1e-5);
        let by_w = slope(&w, &upstream, |w| forward_reference(&wide(&x), w, heads, EPSILON));
        assert_close("dw", &results[3], &by_w.iter().map(|d| d + 2.0).collect::<Vec<_>>(), 1e-4);
        if rows < 100 {
            let by_x = slope(&x, &upstream, |x| forward_reference(x, &wide(&w), heads, EPSILON));
            assert_close("dx", &results[2], &by_x, 10.0 * tolerance);
        }
    }
}
