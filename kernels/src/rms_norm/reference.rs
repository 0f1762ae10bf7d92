/// The definition, in f64: `x` of `[rows, weight.len()]`.
#[must_use]
pub fn forward(x: &[f64], weight: &[f64], epsilon: f64) -> Vec<f64> {
    x.chunks(weight.len())
        .flat_map(|row| {
            let mean = row.iter().map(|x| x * x).sum::<f64>() / row.len() as f64;
            let inverse = 1.0 / (mean + epsilon).sqrt();
            row.iter().zip(weight).map(move |(x, w)| w * x * inverse)
        })
        .collect()
}
