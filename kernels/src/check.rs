//! What the tests share: repeatable numbers, comparison, and derivatives by finite differences.

/// `length` numbers between -1 and 1, always the same for a seed.
pub(crate) fn numbers(length: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    (0..length)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        })
        .collect()
}

/// As f64.
pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

/// Panics, naming the place, where two lists differ by more than `tolerance` (relative above 1, absolute below).
#[track_caller]
pub(crate) fn assert_close(name: &str, ours: &[f32], right: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), right.len(), "{name}: lengths differ");
    for (i, (&ours, &right)) in ours.iter().zip(right).enumerate() {
        let difference = (f64::from(ours) - right).abs();
        assert!(
            difference <= tolerance * right.abs().max(1.0),
            "{name}[{i}]: {ours} where {right} is right, {difference:e} apart"
        );
    }
}

/// `d sum(upstream * function(at)) / d at`, by central differences.
pub(crate) fn slope(at: &[f32], upstream: &[f32], function: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let mut at = wide(at);
    let loss = |at: &[f64]| -> f64 {
        let out = function(at);
        assert_eq!(out.len(), upstream.len());
        out.iter().zip(upstream).map(|(o, &u)| o * f64::from(u)).sum()
    };
    (0..at.len())
        .map(|i| {
            let here = at[i];
            at[i] = here + STEP;
            let above = loss(&at);
            at[i] = here - STEP;
            let below = loss(&at);
            at[i] = here;
            (above - below) / (2.0 * STEP)
        })
        .collect()
}
