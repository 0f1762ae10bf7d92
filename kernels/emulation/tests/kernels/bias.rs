//! A vector added to every row, on the emulated GPU.

use crate::support::{STORED, assert_close, back, in_every_order, numbers, slope, stored, wide};
use collimate_kernels::{
    bias::add_reference,
    cuda::{Element, bias},
};

#[test]
fn the_vector_is_added_and_its_gradient_is_the_slope() {
    for ((element, tolerance), (rows, width)) in
        STORED.into_iter().flat_map(|s| [(0, 4), (1, 1), (3, 7), (5, 64), (300, 40), (2, 577)].map(|shape| (s, shape)))
    {
        let x = stored(element, numbers(rows * width, 1));
        let b = stored(element, numbers(width, 2));
        let upstream = stored(element, numbers(rows * width, 3));
        let results = in_every_order(|stream| {
            let [mut y, b, d_y] = [&x, &b, &upstream].map(|numbers| stream.upload(element, numbers));
            bias::add(stream, y.view_mut(), b.view());
            let mut gradient = stream.upload(Element::F32, &vec![2.0; width]);
            bias::backward(stream, gradient.view_mut(), d_y.view());
            [&y, &gradient].map(|numbers| back(stream, numbers)).to_vec()
        });
        assert_close("y", &results[0], &add_reference(&wide(&x), &wide(&b)), tolerance);
        let by_b = slope(&b, &upstream, |b| add_reference(&wide(&x), b));
        assert_close("db", &results[1], &by_b.iter().map(|d| d + 2.0).collect::<Vec<_>>(), 1e-4);
    }
}
