//! Is a probability what it says?

/// Expected calibration error (arXiv:1706.04599): predictions are sorted into `bins` intervals of equal width, and in each
/// the mean prediction is held against how often it came true; the differences are averaged by how many there are. 0 for
/// probabilities that are what they say. None if there are no predictions.
///
/// # Panics
/// If there are no bins, or not as many outcomes as predictions.
#[must_use]
pub fn calibration_error(predictions: &[f64], came_true: &[bool], bins: usize) -> Option<f64> {
    assert!(bins > 0, "at least one interval");
    assert_eq!(predictions.len(), came_true.len(), "an outcome for each prediction");
    let mut gaps = vec![0.0; bins];
    for (prediction, came_true) in predictions.iter().zip(came_true) {
        let bin = ((prediction * bins as f64) as usize).min(bins - 1);
        gaps[bin] += prediction - f64::from(u8::from(*came_true));
    }
    let sum: f64 = gaps.iter().map(|gap| gap.abs()).sum();
    (!predictions.is_empty()).then(|| sum / predictions.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::calibration_error;

    #[test]
    fn what_comes_true_as_often_as_said_has_no_error() {
        let predictions = [0.75, 0.75, 0.75, 0.75, 0.5, 0.5];
        assert_eq!(calibration_error(&predictions, &[true, true, true, false, true, false], 10), Some(0.0));
        // The four are a quarter off, the two are half off.
        let error = calibration_error(&predictions, &[true, true, true, true, true, true], 10).unwrap();
        assert!((error - (4.0 * 0.25 + 2.0 * 0.5) / 6.0).abs() < 1e-12);
        assert_eq!(calibration_error(&[1.0], &[true], 3), Some(0.0));
        assert_eq!(calibration_error(&[], &[], 3), None);
    }
}
