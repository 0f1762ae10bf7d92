//! Sentences with gaps: `What is {a} plus {b}?`, filled in and read back.

/// What stands in the gaps of a sentence, by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Slots(Vec<(&'static str, String)>);

impl Slots {
    /// No gap filled yet.
    #[must_use]
    pub fn new() -> Self {
        Slots::default()
    }

    /// With this gap filled too.
    #[must_use]
    pub fn with(mut self, name: &'static str, text: impl ToString) -> Self {
        self.0.push((name, text.to_string()));
        self
    }

    /// With a gap filled by a list: "a, b, c".
    #[must_use]
    pub fn with_list<T: ToString>(self, name: &'static str, items: &[T]) -> Self {
        self.with(name, items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
    }

    /// What stands in this gap; nothing where there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text)
    }

    /// The number in this gap.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<i64> {
        self.text(name).parse().ok().filter(|n: &i64| n.abs() < 1_000_000)
    }

    /// The list in this gap.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<String> {
        self.text(name).split(", ").map(str::to_owned).collect()
    }

    /// The numbers in this gap.
    #[must_use]
    pub fn numbers(&self, name: &str) -> Option<Vec<i64>> {
        self.list(name).iter().map(|word| word.parse().ok().filter(|n: &i64| n.abs() < 1_000_000)).collect()
    }

    /// The sentence with its gaps filled.
    #[must_use]
    pub fn fill(&self, sentence: &str) -> String {
        let mut filled = sentence.to_owned();
        for (name, text) in &self.0 {
            filled = filled.replace(&format!("{{{name}}}"), text);
        }
        filled
    }

    /// Everything that could stand in the gaps of `sentence` to give `text`: "Is a dog an animal?" fits
    /// `Is {thing} {category}?` in three ways, of which one makes sense.
    #[must_use]
    pub fn readings(sentence: &'static str, text: &str) -> Vec<Self> {
        let Some((before, rest)) = sentence.split_once('{') else {
            return if sentence == text { vec![Slots::new()] } else { Vec::new() };
        };
        let (name, after) = rest.split_once('}').expect("the gaps of the families are closed");
        let Some(text) = text.strip_prefix(before) else { return Vec::new() };
        let next = after.split('{').next().unwrap_or("");
        let ends: Vec<usize> = match next {
            "" => vec![text.len()],
            _ => text.match_indices(next).map(|(end, _)| end).collect(),
        };
        let mut readings = Vec::new();
        for end in ends {
            for Slots(others) in Slots::readings(after, &text[end..]) {
                let mut filled = vec![(name, text[..end].to_owned())];
                filled.extend(others);
                readings.push(Slots(filled));
            }
        }
        readings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_read_back() {
        let slots = Slots::new().with("a", 7).with_list("list", &["x", "y"]);
        let text = slots.fill("Put {a} before {list}.");
        assert_eq!(text, "Put 7 before x, y.");
        assert_eq!(Slots::readings("Put {a} before {list}.", &text), [slots]);
        let readings = Slots::readings("Is {a} {b}?", "Is a dog an animal?");
        assert_eq!(readings.len(), 3);
        assert!(readings.contains(&Slots::new().with("a", "a dog").with("b", "an animal")));
    }

    #[test]
    fn other_sentences_are_not_read() {
        for (sentence, text) in
            [("Add {a} and {b}.", "Add 3 and 4"), ("Add {a} and {b}.", "Ad"), ("Say {a}é.", "Say 3è.")]
        {
            assert_eq!(Slots::readings(sentence, text), [], "{text}");
        }
    }
}
