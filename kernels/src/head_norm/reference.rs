use crate::attention::Heads;

/// The definition, in f64: `x` of `[rows, heads.row()]`, `weights` of `[2, heads.width]`.
#[must_use]
pub fn forward(x: &[f64], weights: &[f64], heads: Heads, epsilon: f64) -> Vec<f64> {
    let mut y = x.to_vec();
    for row in y.chunks_mut(heads.row()) {
        for (number, head) in row.chunks_mut(heads.width).take(heads.query + heads.key).enumerate() {
            let weight = &weights[if number < heads.query { 0 } else { heads.width }..][..heads.width];
            let normed = crate::rms_norm::forward_reference(head, weight, epsilon);
            head.copy_from_slice(&normed);
        }
    }
    y
}
