//! One instruction that can be verified, under IFEval's names (arXiv:2311.07911, table 1).

use serde_json::{Map, Value};

/// Every instruction that is known.
pub(super) const KNOWN: &[&str] = &[
    "keywords:existence",
    "keywords:frequency",
    "keywords:forbidden_words",
    "keywords:letter_frequency",
    "length_constraints:number_words",
    "length_constraints:number_sentences",
    "length_constraints:number_paragraphs",
    "length_constraints:nth_paragraph_first_word",
    "detectable_format:number_bullet_lists",
    "detectable_format:number_highlighted_sections",
    "detectable_format:title",
    "detectable_format:json_format",
    "detectable_content:number_placeholders",
    "detectable_content:postscript",
    "change_case:english_lowercase",
    "change_case:english_capital",
    "punctuation:no_comma",
    "startend:end_checker",
    "startend:quotation",
    "combination:two_responses",
];

/// Does a text follow the instruction of this name?
///
/// # Errors
/// If there is no such instruction, or an argument of it is missing or of another type.
pub(super) fn follows(name: &str, given: &Map<String, Value>, text: &str) -> Result<bool, String> {
    let arguments = Arguments { name, given };
    let lower = text.to_lowercase();
    let occurs = |word: &str| words(&lower).filter(|w| *w == word.to_lowercase()).count();
    Ok(match name {
        "keywords:existence" => arguments.texts("keywords")?.iter().all(|word| holds(&lower, word)),
        "keywords:frequency" => arguments.compared(occurs(arguments.text("keyword")?), "frequency", "relation")?,
        "keywords:forbidden_words" => arguments.texts("forbidden_words")?.iter().all(|word| !holds(&lower, word)),
        "keywords:letter_frequency" => {
            let letter = arguments.text("letter")?.to_lowercase();
            arguments.compared(lower.matches(&letter).count(), "let_frequency", "let_relation")?
        }
        "length_constraints:number_words" => arguments.compared(words(text).count(), "num_words", "relation")?,
        "length_constraints:number_sentences" => arguments.compared(sentences(text), "num_sentences", "relation")?,
        "length_constraints:number_paragraphs" => {
            text.split("***").filter(|part| !part.trim().is_empty()).count() == arguments.count("num_paragraphs")?
        }
        "length_constraints:nth_paragraph_first_word" => {
            let parts: Vec<&str> = text.split("\n\n").filter(|part| !part.trim().is_empty()).collect();
            let place = arguments.count("nth_paragraph")?;
            let first = place.checked_sub(1).and_then(|i| parts.get(i)).and_then(|part| words(part).next());
            let asked = arguments.text("first_word")?.to_lowercase();
            parts.len() == arguments.count("num_paragraphs")? && first.is_some_and(|w| w.to_lowercase() == asked)
        }
        "detectable_format:number_bullet_lists" => {
            let is_bullet = |line: &str| line.trim_start().starts_with("* ") || line.trim_start().starts_with("- ");
            text.lines().filter(|line| is_bullet(line)).count() == arguments.count("num_bullets")?
        }
        "detectable_format:number_highlighted_sections" => highlighted(text) >= arguments.count("num_highlights")?,
        "detectable_format:title" => between(text, "<<", ">>"),
        "detectable_format:json_format" => {
            let bare = text.trim().trim_start_matches("```json").trim_start_matches("```").trim_end_matches("```");
            serde_json::from_str::<Value>(bare.trim()).is_ok()
        }
        "detectable_content:number_placeholders" => placeholders(text) >= arguments.count("num_placeholders")?,
        "detectable_content:postscript" => lower.contains(&arguments.text("postscript_marker")?.to_lowercase()),
        "change_case:english_lowercase" => !text.chars().any(char::is_uppercase),
        "change_case:english_capital" => !text.chars().any(char::is_lowercase),
        "punctuation:no_comma" => !text.contains(','),
        "startend:end_checker" => {
            lower.trim().trim_end_matches('"').ends_with(&arguments.text("end_phrase")?.trim().to_lowercase())
        }
        "startend:quotation" => {
            let text = text.trim();
            text.len() > 1 && text.starts_with('"') && text.ends_with('"')
        }
        "combination:two_responses" => {
            let parts: Vec<&str> = text.split("******").map(str::trim).filter(|part| !part.is_empty()).collect();
            parts.len() == 2 && parts[0] != parts[1]
        }
        other => return Err(format!("there is no instruction `{other}`; there are {}", KNOWN.join(", "))),
    })
}

/// What an instruction is about, under IFEval's names.
struct Arguments<'a> {
    name: &'a str,
    given: &'a Map<String, Value>,
}

impl<'a> Arguments<'a> {
    fn argument<T>(&self, argument: &str, is: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Result<T, String> {
        let found = self.given.get(argument).and_then(read);
        found.ok_or_else(|| format!("the instruction `{}` needs `{argument}`, {is}", self.name))
    }

    fn text(&self, name: &str) -> Result<&'a str, String> {
        self.argument(name, "a text", Value::as_str)
    }

    fn texts(&self, name: &str) -> Result<Vec<&'a str>, String> {
        self.argument(name, "a list of texts", |value| value.as_array()?.iter().map(Value::as_str).collect())
    }

    fn count(&self, name: &str) -> Result<usize, String> {
        // Whole numbers that went through pandas come as 3.0.
        let whole = |value: &Value| value.as_f64().filter(|x| *x >= 0.0 && x.fract() == 0.0).map(|x| x as usize);
        self.argument(name, "a whole number", whole)
    }

    /// `at least` so many, or `less than` so many.
    fn compared(&self, found: usize, count: &str, relation: &str) -> Result<bool, String> {
        let count = self.count(count)?;
        match self.text(relation)? {
            "at least" => Ok(found >= count),
            "less than" => Ok(found < count),
            other => Err(format!("the instruction `{}` compares `at least` or `less than`, not `{other}`", self.name)),
        }
    }
}

/// Whole words, without the signs around them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '\'' || c == '_')).filter(|word| !word.is_empty())
}

/// Is this phrase in the text, not inside other words?
fn holds(lower: &str, phrase: &str) -> bool {
    let phrase = phrase.to_lowercase();
    let edge = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
    lower
        .match_indices(&phrase)
        .any(|(at, found)| edge(lower[..at].chars().next_back()) && edge(lower[at + found.len()..].chars().next()))
}

/// Parts that end with a mark; what is left at the end counts too.
fn sentences(text: &str) -> usize {
    text.split_inclusive(['.', '!', '?']).filter(|part| words(part).next().is_some()).count()
}

/// Stretches between single or double stars on one line.
fn highlighted(text: &str) -> usize {
    let parts = |line: &str| {
        let parts: Vec<String> = line.replace("**", "*").split('*').map(str::to_owned).collect();
        let inner = parts.len().saturating_sub(1);
        parts.iter().take(inner).skip(1).step_by(2).filter(|part| !part.trim().is_empty()).count()
    };
    text.lines().map(parts).sum()
}

fn between(text: &str, open: &str, close: &str) -> bool {
    text.lines().any(|line| {
        let inside = line.split_once(open).and_then(|(_, rest)| rest.split_once(close));
        inside.is_some_and(|(title, _)| !title.trim().is_empty())
    })
}

/// `[name]`, `[address]`, …
fn placeholders(text: &str) -> usize {
    text.split('[').skip(1).filter(|part| part.split_once(']').is_some_and(|(name, _)| !name.is_empty())).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Each known instruction with a text that follows it and one that does not.
    #[test]
    fn every_instruction_tells_who_follows_it_from_who_does_not() {
        let cases = [
            ("keywords:existence", json!({"keywords": ["red", "Blue"]}), "blue and RED", "bluered"),
            (
                "keywords:frequency",
                json!({"keyword": "tea", "frequency": 2, "relation": "at least"}),
                "Tea, tea",
                "tea team",
            ),
            ("keywords:forbidden_words", json!({"forbidden_words": ["tea"]}), "steam", "a tea."),
            (
                "keywords:letter_frequency",
                json!({"letter": "q", "let_frequency": 2, "let_relation": "less than"}),
                "queue",
                "Q q",
            ),
            (
                "length_constraints:number_words",
                json!({"num_words": 3.0, "relation": "less than"}),
                "one two",
                "one two, three",
            ),
            (
                "length_constraints:number_sentences",
                json!({"num_sentences": 2, "relation": "at least"}),
                "One. Two!",
                "One, two ...",
            ),
            ("length_constraints:number_paragraphs", json!({"num_paragraphs": 2}), "a\n***\nb", "a b"),
            (
                "length_constraints:nth_paragraph_first_word",
                json!({"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Then"}),
                "First this.\n\n\"then that.\"",
                "Then this.\n\nFirst that.",
            ),
            ("detectable_format:number_bullet_lists", json!({"num_bullets": 2}), "* a\n- b", "* a"),
            (
                "detectable_format:number_highlighted_sections",
                json!({"num_highlights": 2}),
                "*a* and **b**",
                "*a* and b*",
            ),
            ("detectable_format:title", json!({}), "<<Tea>>\nIt is hot.", "<<>>"),
            ("detectable_format:json_format", json!({}), "```json\n{\"a\": 1}\n```", "a: 1"),
            ("detectable_content:number_placeholders", json!({"num_placeholders": 1}), "Dear [name],", "Dear [],"),
            ("detectable_content:postscript", json!({"postscript_marker": "P.S."}), "Bye. p.s. tea", "Bye."),
            ("change_case:english_lowercase", json!({}), "tea, 3 cups", "Tea"),
            ("change_case:english_capital", json!({}), "TEA, 3 CUPS", "TEa"),
            ("punctuation:no_comma", json!({}), "tea and milk", "tea, milk"),
            ("startend:end_checker", json!({"end_phrase": "That is all."}), "Tea. That is all. ", "That is all. Tea."),
            ("startend:quotation", json!({}), " \"tea\" ", "\"tea"),
            ("combination:two_responses", json!({}), "tea\n******\nmilk", "tea ****** tea"),
        ];
        let names: Vec<&str> = cases.iter().map(|case| case.0).collect();
        assert_eq!(names, KNOWN);
        for (name, arguments, good, bad) in cases {
            let arguments = arguments.as_object().expect("an object");
            assert_eq!(follows(name, arguments, good), Ok(true), "{name}: {good}");
            assert_eq!(follows(name, arguments, bad), Ok(false), "{name}: {bad}");
        }
    }

    #[test]
    fn what_cannot_be_checked_says_why() {
        let none = Map::new();
        let problem = follows("keywords:frequency", &none, "").unwrap_err();
        assert_eq!(problem, "the instruction `keywords:frequency` needs `keyword`, a text");
        let other = json!({"num_words": 3, "relation": "around"});
        let problem = follows("length_constraints:number_words", other.as_object().unwrap(), "").unwrap_err();
        assert!(problem.ends_with("compares `at least` or `less than`, not `around`"), "{problem}");
        assert!(follows("language:response_language", &none, "").unwrap_err().contains("there is no instruction"));
    }
}
