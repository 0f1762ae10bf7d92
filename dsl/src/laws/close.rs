//! Are two numbers, or two sets of gradients, the same?

use crate::eval::{Inputs, input_name};

/// Within 1e-9 of each other, relative where they are large.
pub(super) fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

/// Says where two sets of gradients differ, if they do.
pub(super) fn same(found: &Inputs, expected: &Inputs) -> Result<(), String> {
    for (owner, field, side, expected) in expected.iter() {
        let name = input_name(owner, field, side);
        let found = found.get(owner, field, side).unwrap_or_default();
        if found.len() != expected.len() {
            return Err(format!("{name} has {} derivatives instead of {}", found.len(), expected.len()));
        }
        if let Some(i) = (0..found.len()).find(|&i| !close(found[i], expected[i])) {
            return Err(format!("the derivative by {name} [{i}] is {} instead of {}", found[i], expected[i]));
        }
    }
    Ok(())
}
