//! Things and their categories.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A sort of thing. Every thing of the world belongs to exactly one.
#[derive(PartialEq, Eq, Debug)]
pub struct Category {
    /// "animal".
    pub one: &'static str,
    /// "animals".
    pub many: &'static str,
    /// Its members, in the singular.
    pub members: &'static [&'static str],
    /// Do its members take an article: "a dog", but "milk"?
    pub article: bool,
}

/// All categories.
pub static CATEGORIES: [Category; 12] = [
    Category {
        one: "animal",
        many: "animals",
        members: &["cat", "dog", "horse", "cow", "pig", "sheep", "goat", "lion", "tiger", "bear", "wolf", "fox"],
        article: true,
    },
    Category {
        one: "fruit",
        many: "fruits",
        members: &["apple", "banana", "pear", "plum", "peach", "lemon", "cherry", "melon"],
        article: true,
    },
    Category {
        one: "vegetable",
        many: "vegetables",
        members: &["carrot", "potato", "onion", "bean", "tomato", "pepper", "cabbage", "radish"],
        article: true,
    },
    Category {
        one: "color",
        many: "colors",
        members: &["red", "blue", "green", "yellow", "purple", "pink", "brown", "gray"],
        article: false,
    },
    Category {
        one: "drink",
        many: "drinks",
        members: &["water", "milk", "tea", "coffee", "juice", "lemonade", "cocoa"],
        article: false,
    },
    Category {
        one: "tool",
        many: "tools",
        members: &["hammer", "saw", "drill", "axe", "shovel", "rake", "ladder", "knife"],
        article: true,
    },
    Category {
        one: "vehicle",
        many: "vehicles",
        members: &["car", "bus", "train", "truck", "boat", "bike", "plane", "tractor"],
        article: true,
    },
    Category {
        one: "sport",
        many: "sports",
        members: &["tennis", "football", "hockey", "golf", "rugby", "swimming", "boxing"],
        article: false,
    },
    Category {
        one: "garment",
        many: "garments",
        members: &["shirt", "hat", "coat", "scarf", "dress", "sock", "glove", "jacket"],
        article: true,
    },
    Category {
        one: "instrument",
        many: "instruments",
        members: &["piano", "guitar", "drum", "violin", "flute", "harp", "trumpet"],
        article: true,
    },
    Category {
        one: "building",
        many: "buildings",
        members: &["house", "church", "school", "tower", "barn", "castle", "museum"],
        article: true,
    },
    Category {
        one: "tree",
        many: "trees",
        members: &["oak", "pine", "maple", "willow", "birch", "palm", "cedar"],
        article: true,
    },
];

/// Every thing of the world.
pub static THINGS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| CATEGORIES.iter().flat_map(|category| category.members.iter().copied()).collect());

static BY_NOUN: LazyLock<HashMap<String, &'static Category>> = LazyLock::new(|| {
    let mut by_noun = HashMap::new();
    for category in &CATEGORIES {
        for thing in category.members {
            by_noun.insert((*thing).to_owned(), category);
            by_noun.insert(plural(thing), category);
        }
    }
    by_noun
});

/// The category that this noun, in the singular or plural, is a member of.
#[must_use]
pub fn category_of(noun: &str) -> Option<&'static Category> {
    BY_NOUN.get(noun).copied()
}

/// Two and more of it.
fn plural(noun: &str) -> String {
    let vowel_before_last = noun.len() > 1 && noun[..noun.len() - 1].ends_with(['a', 'e', 'i', 'o', 'u']);
    match noun {
        "sheep" => noun.to_owned(),
        "wolf" => "wolves".to_owned(),
        "knife" => "knives".to_owned(),
        _ if noun.ends_with("ch") || noun.ends_with(['s', 'x']) || noun == "potato" || noun == "tomato" => {
            format!("{noun}es")
        }
        _ if noun.ends_with('y') && !vowel_before_last => format!("{}ies", &noun[..noun.len() - 1]),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thing_is_of_one_category() {
        let mut all = THINGS.clone();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn plurals_are_understood() {
        for (plural, category) in
            [("dogs", "animal"), ("cherries", "fruit"), ("wolves", "animal"), ("foxes", "animal"), ("boxes", "")]
        {
            assert_eq!(category_of(plural).map_or("", |c| c.one), category, "{plural}");
        }
    }
}
