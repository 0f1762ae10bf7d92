//! Members of categories: to be named, counted, or told apart.

use super::{Choice, Family, Slots, Target};
use crate::sandbox::world::{self, CATEGORIES, COUNTS, Category};

pub(super) static LIST: Family = Family {
    name: "list",
    weight: 1.5,
    wordings: &[
        "Name {count} {category}.",
        "Give me {count} {category}.",
        "List {count} {category}.",
        "Can you tell me {count} {category}?",
        "I need {count} {category}.",
        "Which {count} {category} do you know?",
    ],
    plain: &["Here are {count} {category}: {claim}.", "{count} {category} are {claim}.", "I can name {claim}."],
    formal: &["Suitable examples include {claim}.", "This category contains, for instance, {claim}."],
    reasons: ["All of them are {category}.", "They are appropriate because each belongs to this category."],
    draw: |random| {
        let category = &CATEGORIES[random.below(CATEGORIES.len())];
        Slots::new().with("count", COUNTS[2 + random.below(3)]).with("category", category.many)
    },
    target: |slots| Some(Target::Members(vec![part(slots.text("count"), slots.text("category"))?])),
};

pub(super) static TWO_LISTS: Family = Family {
    name: "two-lists",
    weight: 1.5,
    wordings: &[
        "Name {count} {category} and {more} {other}.",
        "Give me {count} {category} and {more} {other}.",
        "I need {count} {category} and {more} {other}.",
    ],
    plain: &["Here they are: {claim}.", "I can name {claim}.", "You can take {claim}."],
    formal: &["Suitable examples include {claim}.", "The requested elements are, for instance, {claim}."],
    reasons: ["That is {count} {category} and {more} {other}.", "They are appropriate because both categories occur."],
    draw: |random| {
        let categories = random.several(&CATEGORIES.iter().collect::<Vec<_>>(), 2);
        let counts = [1 + random.below(2), 1 + random.below(2)];
        let name = |place: usize| if counts[place] == 1 { categories[place].one } else { categories[place].many };
        let slots = Slots::new().with("count", COUNTS[counts[0]]).with("category", name(0));
        slots.with("more", COUNTS[counts[1]]).with("other", name(1))
    },
    target: |slots| {
        let first = part(slots.text("count"), slots.text("category"))?;
        let second = part(slots.text("more"), slots.text("other"))?;
        (first.0 != second.0).then(|| Target::Members(vec![first, second]))
    },
};

pub(super) static COUNT: Family = Family {
    name: "count",
    weight: 1.0,
    wordings: &[
        "How many {category} are in this list: {list}?",
        "Count the {category} in this list: {list}.",
        "Tell me how many of these are {category}: {list}.",
    ],
    plain: &["The number of {category} is {claim}.", "The answer is {claim}.", "I count {claim}."],
    formal: &["The determined quantity equals {claim}.", "The total number of {category} equals {claim}."],
    reasons: ["I looked at each word in turn.", "It is obtained because every element was examined."],
    draw: |random| {
        let categories = random.several(&CATEGORIES.iter().collect::<Vec<_>>(), 3);
        let (inside, all) = (1 + random.below(3), 4);
        let mut list = random.several(categories[0].members, inside);
        let others: Vec<&str> = categories[1..].iter().flat_map(|c| c.members.iter().copied()).collect();
        list.extend(random.several(&others, all - inside));
        random.shuffle(&mut list);
        Slots::new().with("category", categories[0].many).with_list("list", &list)
    },
    target: |slots| {
        let category = CATEGORIES.iter().find(|category| category.many == slots.text("category"))?;
        let mut answer = 0;
        for word in slots.list("list") {
            answer += i64::from(world::category_of(&word)? == category);
        }
        Some(Target::Number { answer, given: Vec::new() })
    },
};

pub(super) static ODD_ONE: Family = Family {
    name: "odd-one",
    weight: 1.0,
    wordings: &[
        "Which word does not belong: {list}?",
        "Find the odd one out: {list}.",
        "One of these is of another kind: {list}. Which one?",
    ],
    plain: &["The odd one out is {claim}.", "It is {claim}.", "The answer is {claim}."],
    formal: &["The element to be excluded is {claim}.", "The exception is identified as {claim}."],
    reasons: ["The others are of the same kind.", "It is excluded because it belongs to a different category."],
    draw: |random| {
        let categories = random.several(&CATEGORIES.iter().collect::<Vec<_>>(), 2);
        let mut list = random.several(categories[0].members, 3);
        list.push(random.pick(categories[1].members));
        random.shuffle(&mut list);
        Slots::new().with_list("list", &list)
    },
    target: |slots| {
        let given = slots.list("list");
        let categories: Vec<&Category> = given.iter().map(|word| world::category_of(word)).collect::<Option<_>>()?;
        let alone = |category: &Category| categories.iter().filter(|other| ***other == *category).count() == 1;
        let mut odd = (0..given.len()).filter(|&place| alone(categories[place]));
        match (odd.next(), odd.next(), given.len()) {
            (Some(place), None, 3..) => {
                Some(Target::Word { answer: given[place].clone(), given, choice: Choice::Given })
            }
            _ => None,
        }
    },
};

/// "two animals" or "one animal".
fn part(count: &str, category: &str) -> Option<(&'static Category, usize)> {
    let count = COUNTS.iter().position(|&word| word == count).filter(|&count| count > 0)?;
    let name = |known: &&Category| if count == 1 { known.one == category } else { known.many == category };
    let category = CATEGORIES.iter().find(name)?;
    (count <= category.members.len()).then_some((category, count))
}
