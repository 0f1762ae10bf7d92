//! Days and months before and after each other.

use super::{Choice, Family, Slots, Target};
use crate::sandbox::world::{self, DAYS, MONTHS};

pub(super) static CALENDAR: Family = Family {
    name: "calendar",
    weight: 1.0,
    wordings: &[
        "What {unit} comes {side} {name}?",
        "Which {unit} is right {side} {name}?",
        "Tell me the {unit} {side} {name}.",
        "What is the {unit} {side} {name} called?",
    ],
    plain: &["It is {claim}.", "The {unit} {side} {name} is {claim}.", "The answer is {claim}."],
    formal: &["The corresponding {unit} is {claim}.", "The {unit} immediately {side} {name} is {claim}."],
    reasons: ["I counted one {unit} on.", "It is determined because the calendar is constant."],
    draw: |random| {
        let (unit, names): (_, &[&str]) = if random.chance(0.4) { ("day", &DAYS) } else { ("month", &MONTHS) };
        let side = random.pick(&["after", "before"]).to_owned();
        Slots::new().with("unit", unit).with("side", side).with("name", world::spelled(random.pick(names)))
    },
    target: |slots| {
        let (names, choice): (&[&str], _) = match slots.text("unit") {
            "day" => (&DAYS, Choice::Day),
            "month" => (&MONTHS, Choice::Month),
            _ => return None,
        };
        let given = slots.text("name").to_lowercase();
        let place = names.iter().position(|&name| name == given)?;
        let step = match slots.text("side") {
            "after" => 1,
            "before" => names.len() - 1,
            _ => return None,
        };
        let answer = names[(place + step) % names.len()].to_owned();
        Some(Target::Word { answer, given: vec![given], choice })
    },
};
