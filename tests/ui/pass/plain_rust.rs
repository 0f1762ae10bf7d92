//! Plain numbers beside quantities stay what they were.
collimate::prelude!();

pub fn plain(n: i32, x: f64) -> f64 {
    let n = n.clamp(0, 3).min(2).max(1).abs();
    let v = [1.0, 2.0];
    let doubled: Vec<f64> = v.iter().map(|a| 2.0 * a).collect();
    let _ = (1..4).map(|i| i * 2).sum::<i32>();
    let _ = "5".parse::<f64>().unwrap_or(0.0) * 2.0;
    x.clamp(0.0, 1.0).exp().ln().abs() * f64::from(n) + doubled.iter().sum::<f64>() * 2.0
}
pub fn words(x: Param) -> Param {
    x * 2.0
}

fn main() {
    assert_eq!(plain(5, 0.5), 13.0);
}
