//! Requests to be put politely, and thanks.

use super::{Family, Slots, Target};
use crate::sandbox::world::{self, NAMES, PRESENTS, REQUESTS};

pub(super) static REQUEST: Family = Family {
    name: "request",
    weight: 1.0,
    wordings: &[
        "Say this politely: {Verb} the {object}.",
        "Make this polite: {Verb} the {object}.",
        "How do you ask this politely: {Verb} the {object}?",
        "Ask me nicely to {verb} the {object}.",
    ],
    plain: &[
        "Could you please {first} the {second}?",
        "Please {first} the {second}.",
        "Would you please {first} the {second}?",
    ],
    formal: &[
        "Would you be so kind as to {first} the {second}?",
        "I would appreciate it if you could kindly {first} the {second}.",
    ],
    reasons: ["The word please makes it polite.", "It is courteous because it leaves the choice to the other."],
    draw: |random| {
        let (verb, objects) = REQUESTS[random.below(REQUESTS.len())];
        let object = random.pick(objects).to_owned();
        Slots::new().with("Verb", world::capitalised(verb)).with("verb", verb).with("object", object)
    },
    target: |slots| {
        // A question that was read fills one of the two gaps for the verb.
        let verb = if slots.text("verb").is_empty() {
            slots.text("Verb").to_lowercase()
        } else {
            slots.text("verb").to_owned()
        };
        let (_, objects) = REQUESTS.iter().find(|(known, _)| *known == verb)?;
        let object = objects.iter().find(|&&known| known == slots.text("object"))?;
        Some(Target::Polite { words: [verb, (*object).to_owned()], thanks: false })
    },
};

pub(super) static THANKS: Family = Family {
    name: "thanks",
    weight: 1.0,
    wordings: &[
        "Thank {name} for the {present}.",
        "Write a thank you to {name} for the {present}.",
        "{name} gave you a {present}. What do you say?",
    ],
    plain: &[
        "Thank you for the {second}, {first}.",
        "Dear {first}, thank you very much for the {second}.",
        "Thanks a lot for the {second}, {first}!",
    ],
    formal: &[
        "Dear {first}, I sincerely appreciate the {second}.",
        "Dear {first}, please accept my sincere gratitude for the {second}.",
    ],
    reasons: ["It was very kind.", "It is courteous because every present deserves gratitude."],
    draw: |random| {
        let name = world::spelled(random.pick(&NAMES));
        Slots::new().with("name", name).with("present", random.pick(&PRESENTS))
    },
    target: |slots| {
        let name = slots.text("name").to_lowercase();
        let known = NAMES.contains(&name.as_str()) && PRESENTS.contains(&slots.text("present"));
        known.then(|| Target::Polite { words: [name, slots.text("present").to_owned()], thanks: true })
    },
};
