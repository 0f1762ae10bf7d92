//! A vector added to every row: `y += b`. Its gradient is the sum of the rows' gradients, `db = sum over rows of dy`; that of the
//! rows passes as it is.

mod cpu;
mod reference;

pub use cpu::{add, backward};
pub use reference::add as add_reference;

#[cfg(test)]
mod tests {
    use super::{add, add_reference, backward};
    use crate::check::{assert_close, numbers, slope, wide};

    const SHAPES: [(usize, usize); 6] = [(0, 3), (1, 1), (3, 7), (5, 64), (700, 40), (3000, 96)];

    #[test]
    fn the_vector_is_added_to_every_row() {
        for (rows, width) in SHAPES {
            let (x, b) = (numbers(rows * width, 1), numbers(width, 2));
            let mut y = x.clone();
            add(&mut y, &b);
            assert_close("y", &y, &add_reference(&wide(&x), &wide(&b)), 1e-6);
        }
    }

    #[test]
    fn the_gradient_is_the_slope_and_is_added() {
        for (rows, width) in SHAPES {
            let (x, upstream) = (wide(&numbers(rows * width, 1)), numbers(rows * width, 3));
            let mut gradient = vec![2.0; width];
            backward(&mut gradient, &upstream);
            let right = slope(&numbers(width, 2), &upstream, |b| add_reference(&x, b));
            assert_close("gradient", &gradient, &right.iter().map(|d| d + 2.0).collect::<Vec<_>>(), 1e-4);
            let mut again = vec![2.0; width];
            backward(&mut again, &upstream);
            assert_eq!(again, gradient, "the same on every run");
        }
    }
}
