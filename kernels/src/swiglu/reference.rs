/// The definition, in f64: rows of `width` gates and `width` ups become rows of `width`.
#[must_use]
pub fn forward(gate_up: &[f64], width: usize) -> Vec<f64> {
    gate_up
        .chunks(2 * width)
        .flat_map(|row| (0..width).map(|i| row[i] / (1.0 + (-row[i]).exp()) * row[width + i]))
        .collect()
}
