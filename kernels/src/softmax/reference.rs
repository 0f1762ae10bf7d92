/// The definition, in f64.
#[must_use]
pub fn weights(scores: &[f64], temperature: f64) -> Vec<f64> {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    scores.iter().map(|z| ((z - highest) / temperature).exp()).collect()
}
