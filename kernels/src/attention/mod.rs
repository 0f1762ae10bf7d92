//! Causal attention with grouped queries, over sequences laid one after another, which may share a prefix.
//!
//! A row of the input holds the queries, keys and values of one token, `[query heads | key heads | value heads]`; each key
//! and value head serves `query / key` query heads. Of a sequence and a query head, with `a = 1 / sqrt(width)`:
//!
//! - `S = a Q Kᵀ`, `P = softmax(S)` over the tokens up to and with the query's own, `O = P V`.
//!
//! The forward pass keeps the logarithm of each softmax's sum; the backward pass makes `P` again from it:
//!
//! - `dV = Pᵀ dO`, `dP = dO Vᵀ`, `dS = P * (dP - rowsum(dO * O))`, `dQ = a dS K`, `dK = a dSᵀ Q`.
//!
//! The work goes by blocks of queries against all keys before them, so that memory grows with the length of a sequence
//! and not with its square. Keys and values of a head are brought together once for many blocks, and the products are those of
//! operands that are near: heads are too narrow for a general product, which would spend its time on rearranging them. A prompt with several responses lies there once: each response is a [`Segment`] that sees the
//! prompt's keys and values and its own, and the gradients of all of them meet in the prompt's.

mod backward;
mod block;
mod cache;
mod forward;
mod packed;
mod piece;
mod reference;
mod segment;
mod softmax;
mod step;

pub use backward::backward;
pub use cache::Cache;
pub use forward::forward;
pub use reference::forward as forward_reference;
pub use segment::Segment;
pub(crate) use segment::check_segments;
pub use step::{Reach, step};

/// How a row of queries, keys and values is made up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heads {
    /// Query heads.
    pub query: usize,
    /// Key heads, and as many value heads.
    pub key: usize,
    /// Numbers in a head.
    pub width: usize,
}

impl Heads {
    /// Numbers in a row of queries, keys and values.
    #[must_use]
    pub fn row(self) -> usize {
        (self.query + 2 * self.key) * self.width
    }

    /// Numbers in a row of the output.
    #[must_use]
    pub fn out(self) -> usize {
        self.query * self.width
    }

    /// Query heads that share a key head.
    #[must_use]
    pub fn group(self) -> usize {
        self.query / self.key
    }

    fn scale(self) -> f32 {
        1.0 / (self.width as f32).sqrt()
    }

    /// Where in a row the group of queries begins that shares this key head.
    fn queries_of(self, key_head: usize) -> usize {
        key_head * self.group() * self.width
    }

    fn keys_of(self, key_head: usize) -> usize {
        (self.query + key_head) * self.width
    }

    fn values_of(self, key_head: usize) -> usize {
        (self.query + self.key + key_head) * self.width
    }
}

#[cfg(test)]
mod tests {
    use super::{Cache, Heads, Reach, Segment, backward, forward, forward_reference, step};
    use crate::check::{assert_close, numbers, slope, wide};

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

    fn run(qkv: &[f32], sequences: &[Segment], heads: Heads) -> (Vec<f32>, Vec<f32>) {
        let rows = qkv.len() / heads.row();
        let (mut out, mut logsumexp) = (vec![f32::NAN; rows * heads.out()], vec![f32::NAN; rows * heads.query]);
        forward(&mut out, &mut logsumexp, qkv, sequences, heads);
        (out, logsumexp)
    }

    const CASES: [(Heads, &[usize]); 4] = [
        (Heads { query: 1, key: 1, width: 2 }, &[1, 2, 5]),
        (Heads { query: 6, key: 2, width: 5 }, &[3, 1, 4]),
        (Heads { query: 4, key: 4, width: 8 }, &[7]),
        (Heads { query: 4, key: 1, width: 3 }, &[2, 6]),
    ];

    #[test]
    fn forward_is_the_definition() {
        let long = (Heads { query: 6, key: 2, width: 16 }, &[300, 1, 77][..]);
        for (heads, lens) in CASES.into_iter().chain([long]) {
            let sequences = lengths(lens);
            let qkv = numbers(sequences.last().unwrap().own.end * heads.row(), 1);
            let (out, _) = run(&qkv, &sequences, heads);
            assert_close("out", &out, &forward_reference(&wide(&qkv), &sequences, heads), 2e-6);
        }
    }

    #[test]
    fn backward_is_the_slope() {
        for (heads, lens) in CASES {
            let sequences = lengths(lens);
            let rows = sequences.last().unwrap().own.end;
            let qkv: Vec<f32> = numbers(rows * heads.row(), 1).into_iter().map(|x| 2.0 * x).collect();
            let upstream = numbers(rows * heads.out(), 2);
            let (out, logsumexp) = run(&qkv, &sequences, heads);
            let mut gradient = vec![f32::NAN; qkv.len()];
            backward(&mut gradient, &upstream, &out, &logsumexp, &qkv, &sequences, heads);
            let right = slope(&qkv, &upstream, |x| forward_reference(x, &sequences, heads));
            assert_close("gradient", &gradient, &right, 1e-5);
        }
    }

    #[test]
    fn long_sequences_have_the_gradient_of_short_blocks() {
        // Longer than a block, and so long that a head is worked on in several pieces: against the definition
        // differentiated along one random direction.
        let one_head = Heads { query: 8, key: 1, width: 4 };
        for (heads, lens) in [(Heads { query: 4, key: 2, width: 8 }, &[150, 90][..]), (one_head, &[5, 600])] {
            let sequences = lengths(lens);
            let tokens = lens.iter().sum::<usize>();
            let qkv = numbers(tokens * heads.row(), 1);
            let (upstream, direction) = (numbers(tokens * heads.out(), 2), numbers(qkv.len(), 3));
            let (out, logsumexp) = run(&qkv, &sequences, heads);
            let mut gradient = vec![f32::NAN; qkv.len()];
            backward(&mut gradient, &upstream, &out, &logsumexp, &qkv, &sequences, heads);
            let ours: f64 = gradient.iter().zip(&direction).map(|(&g, &d)| f64::from(g) * f64::from(d)).sum();
            let right = slope(&[0.0], &upstream, |t| {
                let moved: Vec<f64> =
                    qkv.iter().zip(&direction).map(|(&x, &d)| f64::from(x) + t[0] * f64::from(d)).collect();
                forward_reference(&moved, &sequences, heads)
            });
            assert!((ours - right[0]).abs() < 1e-4 * right[0].abs().max(1.0), "{ours} where {} is right", right[0]);
            let mut again = vec![f32::NAN; qkv.len()];
            backward(&mut again, &upstream, &out, &logsumexp, &qkv, &sequences, heads);
            assert_eq!(gradient, again, "the same on every run");
        }
    }

    /// Two prompts, of `length` rows and of 2: three continuations of the first, of which one sees only a part of it, and
    /// of some only the output of the last rows is wanted; one continuation of the second.
    fn shared(length: usize) -> (Vec<Segment>, usize) {
        let ends = [length, length + 3, 2 * length + 4, 2 * length + 5, 2 * length + 7, 2 * length + 11];
        let rows = |i: usize| ends[i - 1]..ends[i];
        let segments = vec![
            Segment::alone(0..ends[0]).asking(ends[0] - 1..ends[0]),
            Segment::after(0..ends[0], rows(1)),
            Segment::after(0..ends[0], rows(2)).asking(ends[1] + 1..ends[2] - 1),
            Segment::after(0..ends[0] - 1, rows(3)),
            Segment::alone(rows(4)).asking(ends[3]..ends[3]),
            Segment::after(rows(4), rows(5)),
        ];
        (segments, ends[5])
    }

    /// The same with every prefix laid out again for each continuation; the wanted rows of the one in the order of the
    /// other.
    fn apart(qkv: &[f32], segments: &[Segment], heads: Heads) -> Vec<f64> {
        let mut out = Vec::new();
        for segment in segments {
            let rows: Vec<usize> = segment.prefix.clone().chain(segment.own.clone()).collect();
            let whole: Vec<f64> = rows.iter().flat_map(|row| wide(&qkv[row * heads.row()..][..heads.row()])).collect();
            let all = forward_reference(&whole, &lengths(&[rows.len()]), heads);
            for (row, out_row) in rows.iter().zip(all.chunks(heads.out())).skip(segment.prefix.len()) {
                if segment.queries.contains(row) {
                    out.extend_from_slice(out_row);
                }
            }
        }
        out
    }

    #[test]
    fn a_shared_prefix_is_read_as_if_it_stood_before_each() {
        for (length, heads) in [(4, CASES[1].0), (200, Heads { query: 4, key: 2, width: 8 })] {
            let (segments, rows) = shared(length);
            let qkv = numbers(rows * heads.row(), 1);
            let (out, _) = run(&qkv, &segments, heads);
            let wanted = segments.iter().flat_map(|s| s.queries.clone());
            let ours: Vec<f32> = wanted.flat_map(|row| out[row * heads.out()..][..heads.out()].to_vec()).collect();
            assert_close("out", &ours, &apart(&qkv, &segments, heads), 2e-6);
            let reference = forward_reference(&wide(&qkv), &segments, heads);
            let wanted = segments.iter().flat_map(|s| s.queries.clone());
            let theirs: Vec<f64> =
                wanted.flat_map(|row| reference[row * heads.out()..][..heads.out()].to_vec()).collect();
            assert_close("out", &ours, &theirs, 2e-6);
        }
    }

    #[test]
    fn the_gradient_of_a_shared_prefix_comes_from_all_that_read_it() {
        let heads = CASES[1].0;
        let (segments, rows) = shared(4);
        let qkv: Vec<f32> = numbers(rows * heads.row(), 1).into_iter().map(|x| 2.0 * x).collect();
        let upstream = numbers(rows * heads.out(), 2);
        let (out, logsumexp) = run(&qkv, &segments, heads);
        let mut gradient = vec![f32::NAN; qkv.len()];
        backward(&mut gradient, &upstream, &out, &logsumexp, &qkv, &segments, heads);
        let right = slope(&qkv, &upstream, |x| forward_reference(x, &segments, heads));
        assert_close("gradient", &gradient, &right, 1e-5);
    }

    #[test]
    fn no_sequence_is_no_work() {
        forward(&mut [], &mut [], &[], &[], CASES[0].0);
        backward(&mut [], &[], &[], &[], &[], &[], CASES[0].0);
    }

    #[test]
    fn one_step_is_the_last_row_of_the_whole() {
        // Answers to one prompt, which lies in the cache once, and one without: in rows that begin and end anywhere in a panel.
        let reaches = [(3..5, 5..7), (3..5, 9..40), (3..50, 50..51), (0..0, 7..8), (16..32, 60..76), (1..34, 77..90)]
            .map(|(prefix, own)| Reach { prefix, own });
        for (query, key, width) in [(6, 2, 5), (9, 3, 64), (8, 4, 32), (7, 1, 17), (2, 2, 16)] {
            let heads = Heads { query, key, width };
            let cached: Vec<f32> = numbers(90 * heads.row(), 1).into_iter().map(|x| 2.0 * x).collect();
            let mut cache = Cache::new(heads);
            // In two pieces, as prompts come.
            for rows in [0..37_u32, 37..90] {
                cache.grow(rows.end as usize);
                let places: Vec<u32> = rows.clone().collect();
                cache.keep(&cached[rows.start as usize * heads.row()..rows.end as usize * heads.row()], &places);
            }
            let row = |row: usize| cached[row * heads.row()..][..heads.row()].to_vec();
            let last: Vec<f32> = reaches.iter().flat_map(|reach| row(reach.own.end - 1)).collect();
            let mut out = vec![f32::NAN; reaches.len() * heads.out()];
            step(&mut out, &last, &cache, &reaches);
            for (i, reach) in reaches.iter().enumerate() {
                let whole: Vec<f32> = reach.prefix.clone().chain(reach.own.clone()).flat_map(row).collect();
                let right = forward_reference(&wide(&whole), &lengths(&[whole.len() / heads.row()]), heads);
                let right = &right[right.len() - heads.out()..];
                assert_close("step", &out[i * heads.out()..][..heads.out()], right, 2e-6);
            }
        }
    }

    #[test]
    fn a_step_looks_at_no_row_that_it_does_not_see() {
        let heads = Heads { query: 4, key: 2, width: 8 };
        let [mut clean, mut other] = [0, 1].map(|_| Cache::new(heads));
        let seen = Reach { prefix: 3..6, own: 20..22 };
        let qkv = numbers(40 * heads.row(), 1);
        let places: Vec<u32> = (0..40).collect();
        for cache in [&mut clean, &mut other] {
            cache.grow(40);
            cache.keep(&qkv, &places);
        }
        let unseen: Vec<u32> = (0..40).filter(|&row| !(3..6).contains(&row) && !(20..22).contains(&row)).collect();
        other.keep(&vec![f32::NAN; unseen.len() * heads.row()], &unseen);
        let query = numbers(heads.row(), 2);
        let outs = [&clean, &other].map(|cache| {
            let mut out = vec![0.0; heads.out()];
            step(&mut out, &query, cache, std::slice::from_ref(&seen));
            out
        });
        assert_eq!(outs[0], outs[1]);
    }

    #[test]
    #[should_panic(expected = "rows outside the cache")]
    fn a_row_outside_of_the_cache_is_refused() {
        let heads = Heads { query: 1, key: 1, width: 2 };
        let mut cache = Cache::new(heads);
        cache.grow(4);
        step(&mut [0.0; 2], &[0.0; 6], &cache, &[Reach { prefix: 0..0, own: 3..5 }]);
    }
}
