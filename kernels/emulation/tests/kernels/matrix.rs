//! How a product is handed to BLAS.

use crate::support::{assert_close, back, in_every_order, numbers, stored, wide};
use collimate_kernels::{
    cuda::{
        Element,
        matrix::{Matrix, Write, multiply},
    },
    matrix::{Matrix as Rows, multiply_reference},
};

#[test]
fn every_form_of_product_is_that_of_f64() {
    let kinds = [(Element::F32, Element::F32), (Element::Bf16, Element::F32), (Element::Bf16, Element::Bf16)];
    for (rows, columns, inner) in [(1, 1, 1), (1, 7, 3), (7, 5, 3), (6, 1, 9), (3, 9, 0), (0, 4, 2)] {
        for (factors, result) in kinds {
            let a = stored(factors, numbers(rows * inner, 1));
            let b = stored(factors, numbers(inner * columns, 2));
            let before = stored(result, numbers(rows * columns, 3));
            for form in 0..8 {
                let (flip_a, flip_b, add) = (form & 1 > 0, form & 2 > 0, form & 4 > 0);
                let write = if add { Write::Add } else { Write::Set };
                let results = in_every_order(|stream| {
                    let [a, b] = [&a, &b].map(|numbers| stream.upload(factors, numbers));
                    let mut out = stream.upload(result, &before);
                    let lhs = if flip_a {
                        Matrix::new(a.view(), inner, rows).transposed()
                    } else {
                        Matrix::new(a.view(), rows, inner)
                    };
                    let rhs = if flip_b {
                        Matrix::new(b.view(), columns, inner).transposed()
                    } else {
                        Matrix::new(b.view(), inner, columns)
                    };
                    multiply(stream, &mut out.view_mut(), write, lhs, rhs);
                    vec![back(stream, &out)]
                });
                let lhs = if flip_a { Rows::new(&a, inner, rows).transposed() } else { Rows::new(&a, rows, inner) };
                let rhs =
                    if flip_b { Rows::new(&b, columns, inner).transposed() } else { Rows::new(&b, inner, columns) };
                let mut right = wide(&before);
                multiply_reference(&mut right, write, lhs, rhs);
                let tolerance = if result == Element::F32 { 1e-5 } else { 1e-2 };
                assert_close("product", &results[0], &right, tolerance);
            }
        }
    }
}
