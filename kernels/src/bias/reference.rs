/// The definition, in f64: `x` of `[rows, bias.len()]`.
#[must_use]
pub fn add(x: &[f64], bias: &[f64]) -> Vec<f64> {
    x.chunks(bias.len()).flat_map(|row| row.iter().zip(bias).map(|(x, b)| x + b)).collect()
}
