//! The area under the receiver operating characteristic.

use super::ranks;

/// The probability that a number of the one class is larger than one of the other, ties counting half: 1 if they are told
/// apart, 0.5 if they are not. None if a class is empty.
#[must_use]
pub fn auroc(positive: &[f64], negative: &[f64]) -> Option<f64> {
    if positive.is_empty() || negative.is_empty() {
        return None;
    }
    let (n, m) = (positive.len() as f64, negative.len() as f64);
    let sum: f64 = ranks(&[positive, negative].concat())[..positive.len()].iter().sum();
    Some((sum - n * (n + 1.0) / 2.0) / (n * m))
}

#[cfg(test)]
mod tests {
    use super::auroc;

    #[test]
    fn it_is_the_share_of_pairs_in_order() {
        assert_eq!(auroc(&[2.0, 3.0], &[0.0, 1.0]), Some(1.0));
        assert_eq!(auroc(&[0.0, 1.0], &[2.0, 3.0]), Some(0.0));
        assert_eq!(auroc(&[1.0, 1.0], &[1.0]), Some(0.5));
        // 3 > 1, 3 > 2, 2 > 1, and 2 = 2 counts half.
        assert_eq!(auroc(&[3.0, 2.0], &[1.0, 2.0]), Some(3.5 / 4.0));
        assert_eq!(auroc(&[], &[1.0]), None);
    }
}
