use super::{Heads, Segment};

/// The definition, in f64; zeros where no output is wanted.
#[must_use]
pub fn forward(qkv: &[f64], segments: &[Segment], heads: Heads) -> Vec<f64> {
    let mut out = vec![0.0; qkv.len() / heads.row() * heads.out()];
    let at = |row: usize, place: usize| &qkv[row * heads.row() + place..][..heads.width];
    for segment in segments {
        for row in segment.queries.clone() {
            let seen: Vec<usize> = segment.prefix.clone().chain(segment.own.start..=row).collect();
            for head in 0..heads.query {
                let key_head = head / heads.group();
                let query = at(row, head * heads.width);
                let scores: Vec<f64> = seen
                    .iter()
                    .map(|&key| {
                        let dot: f64 = query.iter().zip(at(key, heads.keys_of(key_head))).map(|(q, k)| q * k).sum();
                        dot / (heads.width as f64).sqrt()
                    })
                    .collect();
                let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = scores.iter().map(|s| (s - highest).exp()).sum();
                let out = &mut out[row * heads.out() + head * heads.width..][..heads.width];
                for (&key, score) in seen.iter().zip(&scores) {
                    let p = (score - highest).exp() / sum;
                    let value = at(key, heads.values_of(key_head));
                    out.iter_mut().zip(value).for_each(|(o, v)| *o += p * v);
                }
            }
        }
    }
    out
}
