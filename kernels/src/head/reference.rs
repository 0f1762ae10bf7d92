/// The definition, in f64.
#[must_use]
pub fn forward(hidden: &[f64], table: &[f64], targets: &[u32], width: usize) -> Vec<f64> {
    let rows = hidden.chunks(width).zip(targets);
    rows.map(|(hidden, &target)| {
        let scores: Vec<f64> =
            table.chunks(width).map(|word| word.iter().zip(hidden).map(|(a, b)| a * b).sum()).collect();
        let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scores.iter().map(|z| (z - highest).exp()).sum();
        scores[target as usize] - highest - sum.ln()
    })
    .collect()
}
