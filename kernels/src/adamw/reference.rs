use super::AdamW;

/// The definition, in f64.
pub fn update(weights: &mut [f64], gradient: &[f64], first: &mut [f64], second: &mut [f64], adam: AdamW) {
    let AdamW { rate, beta1, beta2, epsilon, decay, step, factor } = adam;
    for i in 0..weights.len() {
        let g = gradient[i] * factor;
        weights[i] -= rate * decay * weights[i];
        first[i] = beta1 * first[i] + (1.0 - beta1) * g;
        second[i] = beta2 * second[i] + (1.0 - beta2) * g * g;
        let mean = first[i] / (1.0 - beta1.powf(step as f64));
        let square = second[i] / (1.0 - beta2.powf(step as f64));
        weights[i] -= rate * mean / (square.sqrt() + epsilon);
    }
}
