//! Root-mean-square normalisation of each head of queries and keys by itself, as Qwen3 does before it turns them.
//!
//! A row holds all query heads, then all key heads, then as many value heads; the latter are left as they are. The formulas are
//! those of [`crate::rms_norm`], for rows of a head's width: `weights` holds the vector of all query heads, then that of all key
//! heads. The forward pass keeps one inverse for each head that it normalises.

mod cpu;
mod reference;

pub use cpu::{backward, forward};
pub use reference::forward as forward_reference;

#[cfg(test)]
mod tests {
    use super::{backward, forward, forward_reference};
    use crate::attention::Heads;
    use crate::check::{assert_close, numbers, slope, wide};

    const EPSILON: f64 = 1e-5;
    const SHAPES: [(usize, Heads); 4] = [
        (0, Heads { query: 2, key: 1, width: 4 }),
        (1, Heads { query: 1, key: 1, width: 2 }),
        (5, Heads { query: 4, key: 2, width: 6 }),
        (90, Heads { query: 3, key: 1, width: 40 }),
    ];

    #[test]
    fn forward_is_the_definition_and_leaves_the_values() {
        for (rows, heads) in SHAPES {
            let (x, w) = (numbers(rows * heads.row(), 1), numbers(2 * heads.width, 2));
            let (mut y, mut inverse) = (vec![0.0; x.len()], vec![0.0; rows * (heads.query + heads.key)]);
            forward(&mut y, &mut inverse, &x, &w, heads, EPSILON as f32);
            assert_close("y", &y, &forward_reference(&wide(&x), &wide(&w), heads, EPSILON), 1e-5);
            let values = heads.row() - heads.key * heads.width;
            for (y, x) in y.chunks(heads.row()).zip(x.chunks(heads.row())) {
                assert_eq!(y[values..], x[values..]);
            }
        }
    }

    #[test]
    fn backward_is_the_slope_the_same_on_every_run() {
        for (rows, heads) in SHAPES {
            let (x, w) = (numbers(rows * heads.row(), 1), numbers(2 * heads.width, 2));
            let upstream = numbers(x.len(), 3);
            let mut inverse = vec![0.0; rows * (heads.query + heads.key)];
            forward(&mut vec![0.0; x.len()], &mut inverse, &x, &w, heads, EPSILON as f32);
            let run = || {
                let (mut d, mut d_weights) = (upstream.clone(), vec![2.0; w.len()]);
                backward(&mut d, &mut d_weights, &x, &inverse, &w, heads);
                (d, d_weights)
            };
            let (d, d_weights) = run();
            assert_eq!(run(), (d.clone(), d_weights.clone()));
            let by_w = slope(&w, &upstream, |w| forward_reference(&wide(&x), w, heads, EPSILON));
            assert_close("dw", &d_weights, &by_w.iter().map(|d| d + 2.0).collect::<Vec<_>>(), 1e-4);
            if rows < 10 {
                let by_x = slope(&x, &upstream, |x| forward_reference(x, &wide(&w), heads, EPSILON));
                assert_close("dx", &d, &by_x, 1e-4);
            }
        }
    }
}
