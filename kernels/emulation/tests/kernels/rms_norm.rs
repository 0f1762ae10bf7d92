//! Root-mean-square normalisation on the emulated GPU.

use crate::support::{STORED, assert_close, back, in_every_order, numbers, slope, stored, wide};
use collimate_kernels::{
    cuda::{Element, rms_norm},
    rms_norm::{forward as forward_cpu, forward_reference},
};

const EPSILON: f64 = 1e-5;
const SHAPES: [(usize, usize); 5] = [(1, 1), (3, 7), (5, 64), (300, 40), (2, 577)];

#[test]
fn forward_is_the_definition_and_again_is_the_same() {
    for ((element, tolerance), (rows, width)) in STORED.into_iter().flat_map(|s| SHAPES.map(|shape| (s, shape))) {
        let x = stored(element, numbers(rows * width, 1));
        let w = stored(element, numbers(width, 2));
        let results = in_every_order(|stream| {
            let [x, w] = [&x, &w].map(|numbers| stream.upload(element, numbers));
            let [mut y, mut again] = [0, 1].map(|_| stream.numbers(element, rows * width));
            let mut inverse = stream.numbers(Element::F32, rows);
            rms_norm::forward(stream, y.view_mut(), inverse.view_mut(), x.view(), w.view(), EPSILON as f32);
            rms_norm::apply(stream, again.view_mut(), x.view(), inverse.view(), w.view());
            [&y, &again, &inverse].map(|numbers| back(stream, numbers)).to_vec()
        });
        assert_close("y", &results[0], &forward_reference(&wide(&x), &wide(&w), EPSILON), tolerance);
        assert_eq!(results[1], results[0]);
        let (mut y, mut inverse) = (vec![0.0; x.len()], vec![0.0; rows]);
        forward_cpu(&mut y, &mut inverse, &x, &w, EPSILON as f32);
        assert_close("inverse", &results[2], &wide(&inverse), 1e-5);
    }
}

#[test]
fn backward_is_the_slope_and_is_added() {
    for ((element, tolerance), (rows, width)) in
        STORED.into_iter().flat_map(|s| [(1, 1), (3, 7), (5, 33), (600, 2), (7, 40)].map(|shape| (s, shape)))
    {
        let x = stored(element, numbers(rows * width, 1));
        let w = stored(element, numbers(width, 2));
        let upstream = stored(element, numbers(rows * width, 3));
        let results = in_every_order(|stream| {
            let [x, w, d_y] = [&x, &w, &upstream].map(|numbers| stream.upload(element, numbers));
            let mut y = stream.numbers(element, rows * width);
            let mut inverse = stream.numbers(Element::F32, rows);
            rms_norm::forward(stream, y.view_mut(), inverse.view_mut(), x.view(), w.view(), EPSILON as f32);
            let mut d_x = stream.upload(element, &vec![1.0; rows * width]);
            let mut d_w = stream.upload(Element::F32, &vec![2.0; width]);
            let inverse = inverse.view();
            rms_norm::backward(stream, d_x.view_mut(), d_w.view_mut(), d_y.view(), x.view(), inverse, w.view());
            [&d_x, &d_w].map(|numbers| back(stream, numbers)).to_vec()
        });
        let by_x = slope(&x, &upstream, |x| forward_reference(x, &wide(&w), EPSILON));
        let by_w = slope(&w, &upstream, |w| forward_reference(&wide(&x), w, EPSILON));
        let (by_x, by_w): (Vec<f64>, Vec<f64>) =
            (by_x.iter().map(|d| d + 1.0).collect(), by_w.iter().map(|d| d + 2.0).collect());
        assert_close("dx", &results[0], &by_x, 10.0 * tolerance);
        assert_close("dw", &results[1], &by_w, 1e-4);
    }
}
