//! Sums, differences, products, and the next number of a series.

use super::{Family, Slots, Target};

pub(super) static PLUS: Family = Family {
    name: "plus",
    weight: 1.5,
    wordings: &[
        "What is {a} plus {b}?",
        "Add {a} and {b}.",
        "How much is {a} + {b}?",
        "What is the sum of {a} and {b}?",
        "Tell me what {a} plus {b} makes.",
    ],
    plain: &["The answer is {claim}.", "{a} plus {b} is {claim}.", "That makes {claim}."],
    formal: &["The resulting sum equals {claim}.", "Adding {a} and {b} yields a total of {claim}."],
    reasons: ["You start at {a} and count {b} more.", "It is obtained because both quantities are combined."],
    draw: |random| Slots::new().with("a", random.between(1, 12)).with("b", random.between(1, 12)),
    target: |slots| calculated(slots, |a, b| a + b),
};

pub(super) static MINUS: Family = Family {
    name: "minus",
    weight: 1.5,
    wordings: &[
        "What is {a} minus {b}?",
        "Take {b} away from {a}.",
        "How much is {a} - {b}?",
        "What is left when you take {b} from {a}?",
    ],
    plain: &["The answer is {claim}.", "{a} minus {b} is {claim}.", "That leaves {claim}."],
    formal: &["The resulting difference equals {claim}.", "Subtracting {b} from {a} yields a remainder of {claim}."],
    reasons: ["You start at {a} and count {b} back.", "It is obtained because the second quantity is removed."],
    draw: |random| {
        let b = random.between(1, 12);
        Slots::new().with("a", b + random.between(1, 12)).with("b", b)
    },
    target: |slots| calculated(slots, |a, b| a - b),
};

pub(super) static TIMES: Family = Family {
    name: "times",
    weight: 1.0,
    wordings: &[
        "What is {a} times {b}?",
        "Multiply {a} by {b}.",
        "How much is {a} * {b}?",
        "Tell me what {a} times {b} makes.",
    ],
    plain: &["The answer is {claim}.", "{a} times {b} is {claim}.", "That makes {claim}."],
    formal: &["The resulting product equals {claim}.", "Multiplying {a} by {b} yields a total of {claim}."],
    reasons: ["You add the same number again and again.", "It is obtained because equal groups are combined."],
    draw: |random| Slots::new().with("a", random.between(2, 9)).with("b", random.between(2, 6)),
    target: |slots| calculated(slots, |a, b| a * b),
};

pub(super) static NEXT: Family = Family {
    name: "next",
    weight: 1.0,
    wordings: &[
        "What number comes next: {list}?",
        "Which number follows in this series: {list}?",
        "Continue this pattern with one number: {list}.",
    ],
    plain: &["The next number is {claim}.", "After that comes {claim}.", "The answer is {claim}."],
    formal: &["The subsequent element equals {claim}.", "Consequently, the sequence proceeds to {claim}."],
    reasons: ["The steps are always the same.", "It is obtained because the interval remains constant."],
    draw: |random| {
        let (start, step) = (random.between(1, 12), random.between(1, 5));
        Slots::new().with_list("list", &[start, start + step, start + 2 * step])
    },
    target: |slots| {
        let given = slots.numbers("list")?;
        let steps: Vec<i64> = given.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let step = *steps.first()?;
        let even = steps.len() > 1 && steps.iter().all(|&other| other == step);
        even.then(|| Target::Number { answer: given[given.len() - 1] + step, given })
    },
};

fn calculated(slots: &Slots, result: fn(i64, i64) -> i64) -> Option<Target> {
    let (a, b) = (slots.number("a")?, slots.number("b")?);
    Some(Target::Number { answer: result(a, b), given: vec![a, b] })
}
