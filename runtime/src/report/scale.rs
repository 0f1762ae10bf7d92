//! Round numbers for an axis, and numbers as a reader likes them.

/// The values at which an axis from `low` to `high` is marked: 1, 2 or 5 times a power of ten apart, the
/// first at or below `low`, the last at or above `high`.
pub(super) fn ticks(low: f64, high: f64) -> Vec<f64> {
    const WANTED: f64 = 4.0;
    // A flat curve still needs some height.
    let (low, high) = if high - low > f64::EPSILON * low.abs().max(high.abs()) {
        (low, high)
    } else {
        let half = if low == 0.0 { 1.0 } else { low.abs() * 0.5 };
        (low - half, high + half)
    };
    let rough = (high - low) / WANTED;
    let power = 10_f64.powf(rough.log10().floor());
    let apart =
        [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough * 0.999).unwrap_or(rough);
    let (first, last) = ((low / apart).floor() as i64, (high / apart).ceil() as i64);
    (first..=last).map(|i| i as f64 * apart).collect()
}

/// About four digits.
pub(super) fn shown(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let size = number.abs().log10().floor();
    let text = if (-4.0..6.0).contains(&size) {
        let decimals = (3.0 - size).clamp(0.0, 8.0) as usize;
        format!("{number:.decimals$}")
    } else {
        format!("{number:.3e}")
    };
    let (digits, exponent) = text.split_once('e').map_or((text.as_str(), None), |(d, e)| (d, Some(e)));
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    let text = exponent.map_or_else(|| digits.to_owned(), |e| format!("{digits}e{e}"));
    text.replace('-', "\u{2212}")
}
