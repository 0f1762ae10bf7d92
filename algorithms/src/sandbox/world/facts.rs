//! What else is known: opposites, the calendar, people, and things people ask for.

/// Words and their opposites, either way.
pub static OPPOSITES: [(&str, &str); 24] = [
    ("hot", "cold"),
    ("big", "small"),
    ("fast", "slow"),
    ("happy", "sad"),
    ("up", "down"),
    ("left", "right"),
    ("open", "closed"),
    ("day", "night"),
    ("light", "dark"),
    ("old", "young"),
    ("rich", "poor"),
    ("hard", "soft"),
    ("high", "low"),
    ("early", "late"),
    ("wet", "dry"),
    ("clean", "dirty"),
    ("full", "empty"),
    ("loud", "quiet"),
    ("strong", "weak"),
    ("thick", "thin"),
    ("near", "far"),
    ("good", "bad"),
    ("inside", "outside"),
    ("true", "false"),
];

/// The days, as they follow.
pub static DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The months, as they follow.
pub static MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// People.
pub static NAMES: [&str; 12] =
    ["anna", "ben", "clara", "david", "emma", "frank", "grace", "henry", "laura", "oscar", "peter", "sara"];

/// Things people give.
pub static PRESENTS: [&str; 12] =
    ["book", "letter", "cake", "picture", "ride", "meal", "ticket", "chair", "lamp", "map", "story", "ring"];

/// What people ask for: a verb and what it is done to.
pub static REQUESTS: [(&str, &[&str]); 10] = [
    ("open", &["door", "window", "box", "gate"]),
    ("close", &["door", "window", "box", "gate"]),
    ("clean", &["room", "table", "floor", "kitchen"]),
    ("bring", &["book", "chair", "map", "box"]),
    ("read", &["book", "letter", "map", "story"]),
    ("wash", &["table", "floor", "window", "plate"]),
    ("move", &["table", "chair", "box", "lamp"]),
    ("paint", &["room", "door", "gate", "chair"]),
    ("find", &["book", "letter", "ticket", "ring"]),
    ("check", &["ticket", "map", "lamp", "kitchen"]),
];

/// The word that says the contrary.
#[must_use]
pub fn opposite(word: &str) -> Option<&'static str> {
    OPPOSITES.iter().find_map(|&(a, b)| {
        if word == a {
            Some(b)
        } else if word == b {
            Some(a)
        } else {
            None
        }
    })
}
