//! Questions with yes or no.

use super::{Family, Slots, Target};
use crate::sandbox::world::{self, CATEGORIES};

pub(super) static MEMBER: Family = Family {
    name: "member",
    weight: 1.5,
    wordings: &[
        "Is {thing} {category}?",
        "Is it true that {thing} is {category}?",
        "Would you say that {thing} is {category}?",
    ],
    plain: &["{claim}, {thing} is{not} {category}.", "{claim}, that is{not} true.", "{claim}, it is{not}."],
    formal: &["{claim}, this statement is{not} accurate.", "{claim}, {thing} is{not} considered {category}."],
    reasons: ["Everybody knows {thing}.", "It is determined because its properties are characteristic."],
    draw: |random| {
        let own = &CATEGORIES[random.below(CATEGORIES.len())];
        let other = if random.chance(0.5) { own } else { &CATEGORIES[random.below(CATEGORIES.len())] };
        let thing = world::named(random.pick(own.members));
        Slots::new().with("thing", thing).with("category", world::with_article(other.one))
    },
    target: |slots| {
        let (thing, category) = (slots.text("thing"), slots.text("category"));
        let thing = *world::THINGS.iter().find(|known| world::named(known) == thing)?;
        let category = CATEGORIES.iter().find(|known| world::with_article(known.one) == category)?;
        let about = [thing.to_owned(), category.one.to_owned()];
        Some(Target::YesNo { answer: world::category_of(thing)? == category, about })
    },
};

pub(super) static BIGGER: Family = Family {
    name: "bigger",
    weight: 1.0,
    wordings: &[
        "Is {a} {relation} than {b}?",
        "Is it true that {a} is {relation} than {b}?",
        "Would you say that {a} is {relation} than {b}?",
    ],
    plain: &["{claim}, {a} is{not} {relation} than {b}.", "{claim}, that is{not} true.", "{claim}, it is{not}."],
    formal: &["{claim}, this statement is{not} accurate.", "{claim}, the quantity {a} is{not} {relation} than {b}."],
    reasons: ["I looked at both numbers.", "It is determined because both quantities were compared."],
    draw: |random| {
        let numbers = random.several(&(1..=20).collect::<Vec<i64>>(), 2);
        let relation = random.pick(&["bigger", "smaller"]).to_owned();
        Slots::new().with("a", numbers[0]).with("relation", relation).with("b", numbers[1])
    },
    target: |slots| {
        let (a, b) = (slots.number("a")?, slots.number("b")?);
        let answer = match slots.text("relation") {
            "bigger" => a > b,
            "smaller" => a < b,
            _ => return None,
        };
        Some(Target::YesNo { answer, about: [a.to_string(), b.to_string()] })
    },
};
