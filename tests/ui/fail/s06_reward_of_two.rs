//! A reward that judges texts and takes something else besides.
collimate::prelude!();

#[reward]
pub fn short(text: &str, limit: &usize) -> f64 {
    if text.len() < *limit { 1.0 } else { 0.0 }
}

fn main() {}
