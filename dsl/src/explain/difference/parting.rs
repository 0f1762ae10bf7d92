//! The first step at which two formulas are not the same.

use super::super::expression::{Ex, Form};
use super::super::lines::Formula;

/// The innermost pair of steps, from the loss on always to the first parts that differ, that are of different sorts or
/// read different things. `None` if the formulas are written alike.
pub(super) fn first(a: &Formula, b: &Formula) -> Option<(Ex, Ex)> {
    within(a, a.root, b, b.root)
}

fn within(a: &Formula, x: Ex, b: &Formula, y: Ex) -> Option<(Ex, Ex)> {
    let (left, right) = (a.store.form(x), b.store.form(y));
    let (parts, others) = (left.parts(), right.parts());
    if !alike(left, right) || parts.len() != others.len() {
        return Some((x, y));
    }
    let mut apart = parts.iter().zip(&others).filter_map(|(x, y)| within(a, *x, b, *y));
    let first = apart.next()?;
    // A sum or product both of whose parts are different is what differs, unless the same part does on both sides.
    match apart.next() {
        Some(second)
            if !mirrored(a, first, second)
                && matches!(left, Form::Plus(..) | Form::Minus(..) | Form::Times(..) | Form::Over(..)) =>
        {
            Some((x, y))
        }
        _ => Some(first),
    }
}

/// Do two differences say the same of two sides?
fn mirrored(a: &Formula, (first, _): (Ex, Ex), (second, _): (Ex, Ex)) -> bool {
    std::mem::discriminant(a.store.form(first)) == std::mem::discriminant(a.store.form(second))
}

/// The same step, whatever its parts are?
fn alike(left: &Form, right: &Form) -> bool {
    match (left, right) {
        (Form::Call(f, _), Form::Call(g, _)) => f == g,
        (Form::Reduced { how, over, whose, .. }, Form::Reduced { how: h, over: o, whose: w, .. }) => {
            (how, over, whose) == (h, o, w)
        }
        (Form::Number(_) | Form::Parameter(_), _) | (_, Form::Number(_) | Form::Parameter(_)) => left == right,
        // Which view a number is read from is no difference.
        (Form::Given { owner, field, depth, whose }, Form::Given { owner: o, field: f, depth: d, whose: w }) => {
            (field, depth, whose) == (f, d, w) && (owner == o || field != "logp")
        }
        _ => std::mem::discriminant(left) == std::mem::discriminant(right),
    }
}
