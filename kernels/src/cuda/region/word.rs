//! One step of a formula at one word, as CUDA source: `v3` is the value of step 3 there, `d3` the gradient by it.

use crate::region::{Step, shares};

/// A number to the last bit, with what it is beside it.
fn number(x: f32) -> String {
    format!("__uint_as_float({:#010x}u) /* {x} */", x.to_bits())
}

/// The value of step `i`. What is one number for the row is there by name: `given0`, `whole0` (the logarithm of the sum of a
/// policy's exponentials), `number3`, `limit3`.
pub(super) fn value(i: usize, step: Step) -> String {
    match step {
        Step::Policy(p) => format!("z[{p}] - whole{p}"),
        Step::Given(n) => format!("given{n}"),
        Step::Number(x) => number(x),
        Step::Plus(a, b) => format!("v{a} + v{b}"),
        Step::Minus(a, b) => format!("v{a} - v{b}"),
        Step::Times(a, b) => format!("v{a} * v{b}"),
        Step::Over(a, b) => format!("v{a} / v{b}"),
        Step::Smaller(a, b) => format!("v{b} < v{a} ? v{b} : v{a}"),
        Step::Larger(a, b) => format!("v{b} > v{a} ? v{b} : v{a}"),
        Step::Clip(a, low, high) => {
            let (low, high) = (number(low), number(high));
            format!("v{a} < {low} ? {low} : v{a} > {high} ? {high} : v{a}")
        }
        Step::Negative(a) => format!("-v{a}"),
        Step::Exponential(a) => format!("expf(v{a})"),
        Step::Logarithm(a) => format!("logf(v{a})"),
        Step::Magnitude(a) => format!("fabsf(v{a})"),
        Step::Logistic(a) => format!("region_logistic(v{a})"),
        Step::LogLogistic(a) => format!("region_log_logistic(v{a})"),
        Step::Square(a) => format!("v{a} * v{a}"),
        Step::Root(a) => format!("sqrtf(v{a})"),
        Step::LogComplement(a) => format!("region_log_complement(v{a})"),
        Step::Positive(a) => format!("v{a} > 0.0f ? 1.0f : 0.0f"),
        Step::Still(a) => format!("v{a}"),
        Step::Choose(a, b, c) => format!("v{a} > 0.0f ? v{b} : v{c}"),
        Step::Mixture(a, b, share) => {
            let [more_a, more_b] = shares(share).map(number);
            format!("region_log_plus(v{a} + {more_a}, v{b} + {more_b})")
        }
        Step::Top(a, _) => format!("limit{i}.mark(v{a}, word)"),
        Step::LogSum(..) => format!("number{i}"),
        Step::Kept(a, b) => format!("v{a} == 0.0f ? 0.0f : v{b}"),
    }
}

/// By what the gradient of step `i` changes that of each step it reads.
enum Slope {
    /// 1
    Same,
    /// -1
    Less,
    Of(String),
}

fn slopes(i: usize, step: Step) -> Vec<(usize, Slope)> {
    let of = |to: usize, slope: String| (to, Slope::Of(slope));
    let yes = |to: usize, condition: String| (to, Slope::Of(format!("{condition} ? 1.0f : 0.0f")));
    match step {
        Step::Policy(_) | Step::Given(_) | Step::Number(_) | Step::Positive(_) | Step::Still(_) | Step::Top(..) => {
            vec![]
        }
        Step::Plus(a, b) => vec![(a, Slope::Same), (b, Slope::Same)],
        Step::Minus(a, b) => vec![(a, Slope::Same), (b, Slope::Less)],
        Step::Times(a, b) => vec![of(a, format!("v{b}")), of(b, format!("v{a}"))],
        Step::Over(a, b) => vec![of(a, format!("1.0f / v{b}")), of(b, format!("-v{i} / v{b}"))],
        Step::Smaller(a, b) => vec![yes(a, format!("!(v{b} < v{a})")), yes(b, format!("v{b} < v{a}"))],
        Step::Larger(a, b) => vec![yes(a, format!("!(v{b} > v{a})")), yes(b, format!("v{b} > v{a}"))],
        Step::Clip(a, low, high) => {
            vec![yes(a, format!("v{a} >= {} && v{a} <= {}", number(low), number(high)))]
        }
        Step::Negative(a) => vec![(a, Slope::Less)],
        Step::Exponential(a) => vec![of(a, format!("v{i}"))],
        Step::Logarithm(a) => vec![of(a, format!("1.0f / v{a}"))],
        Step::Magnitude(a) => vec![of(a, format!("v{a} > 0.0f ? 1.0f : v{a} < 0.0f ? -1.0f : 0.0f"))],
        Step::Logistic(a) => vec![of(a, format!("v{i} * region_logistic(-v{a})"))],
        Step::LogLogistic(a) => vec![of(a, format!("region_logistic(-v{a})"))],
        Step::Square(a) => vec![of(a, format!("2.0f * v{a}"))],
        Step::Root(a) => vec![of(a, format!("0.5f / v{i}"))],
        Step::LogComplement(a) => vec![of(a, format!("-1.0f / expm1f(-v{a})"))],
        Step::Choose(a, b, c) => vec![yes(b, format!("v{a} > 0.0f")), yes(c, format!("!(v{a} > 0.0f)"))],
        Step::Mixture(a, b, share) => {
            let [more_a, more_b] = shares(share).map(number);
            let slope = |x, more| of(x, format!("expf({more} + v{x} - v{i})"));
            vec![slope(a, more_a), slope(b, more_b)]
        }
        Step::LogSum(a, b) => vec![of(a, format!("v{b} == 0.0f ? 0.0f : v{b} * expf(v{a} - v{i})"))],
        Step::Kept(a, b) => vec![yes(b, format!("v{a} != 0.0f"))],
    }
}

/// What adds the gradient of step `i` to that of the steps it reads, as far as one flows through them.
pub(super) fn back(i: usize, step: Step, moving: &[bool]) -> Vec<String> {
    let mut lines = Vec::new();
    for (to, slope) in slopes(i, step).into_iter().filter(|(to, _)| moving[*to]) {
        lines.push(match slope {
            Slope::Same => format!("d{to} += d{i};"),
            Slope::Less => format!("d{to} -= d{i};"),
            Slope::Of(slope) => format!("d{to} += region_pushed(d{i}, {slope});"),
        });
    }
    lines
}
