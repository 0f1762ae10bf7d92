//! What an answer claims, found in free text.

use super::reply::{Piece, Reply, Sentence};

/// Words that say something of something.
const VERBS: [&str; 31] = [
    "is", "are", "was", "be", "equals", "equal", "makes", "make", "gives", "give", "get", "gets", "yields", "leaves",
    "comes", "go", "goes", "has", "have", "count", "proceeds", "means", "becomes", "include", "contains", "name",
    "take", "follows", "said", "it's", "that's",
];

impl Piece {
    /// Does it say something of something: "is", "equals", "="?
    pub(super) fn says(&self) -> bool {
        match self {
            Piece::Word(word) => VERBS.contains(&word.as_str()),
            Piece::Mark(mark) => matches!(mark, '=' | ':'),
            Piece::Number(_) | Piece::Strange => false,
        }
    }
}

/// The different answers that a reply gives, where an answer is one of many words or numbers. `candidate` tells
/// which; `given` are those of the question, which a sentence may repeat as a whole without claiming them.
pub(super) fn claims(reply: &Reply, candidate: impl Fn(&Piece) -> Option<String>, given: &[String]) -> Vec<String> {
    let mut claims: Vec<String> = Vec::new();
    for sentence in reply.matter().filter(|sentence| !sentence.has("not")) {
        for claim in claimed(sentence, &candidate, given) {
            // Kept in the order in which they were last said.
            claims.retain(|known| *known != claim);
            claims.push(claim);
        }
    }
    claims
}

fn claimed(sentence: &Sentence, candidate: impl Fn(&Piece) -> Option<String>, given: &[String]) -> Vec<String> {
    let mut found: Vec<(usize, String)> =
        sentence.pieces.iter().enumerate().filter_map(|(place, piece)| Some((place, candidate(piece)?))).collect();
    let bare = sentence.words() <= found.len() + 2;
    let mut rest = found.clone();
    let repeats_the_question = !given.is_empty()
        && given.iter().all(|word| {
            let place = rest.iter().position(|(_, known)| known == word);
            place.map(|place| rest.remove(place)).is_some()
        });
    if repeats_the_question {
        found = rest;
    }
    let verbs: Vec<usize> =
        sentence.pieces.iter().enumerate().filter_map(|(place, piece)| piece.says().then_some(place)).collect();
    let last = found.last().map_or(0, |(place, _)| *place);
    // "7 plus 5 is 12": what follows the verb is claimed. "12 is the answer": nothing follows it.
    if let Some(verb) = verbs.iter().rev().find(|&&verb| verb < last) {
        found.retain(|(place, _)| place > verb);
    } else if verbs.is_empty() && !bare {
        found.clear();
    }
    found.into_iter().map(|(_, word)| word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_where_they_are_claimed() {
        let given = ["7".to_owned(), "5".to_owned()];
        let number = |piece: &Piece| if let Piece::Number(n) = piece { Some(n.to_string()) } else { None };
        for (text, expected) in [
            ("12", vec!["12"]),
            ("Twelve.", vec!["12"]),
            ("The answer is 12.", vec!["12"]),
            ("12 is the answer", vec!["12"]),
            ("7 plus 5 is 12.", vec!["12"]),
            ("7 + 5 = 12", vec!["12"]),
            ("12 is what you get when you add 7 and 5.", vec!["12"]),
            ("You start at 7 and count 5 more.", vec![]),
            ("I have seen 12 of them before.", vec!["12"]),
            ("There were 12 men once upon some time.", vec![]),
            ("It is 12. No, it is 13.", vec!["12", "13"]),
            ("It is 12 or 13.", vec!["12", "13"]),
            ("It is not 12.", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(claims(&Reply::read(text), number, &given), expected, "{text}");
        }
    }
}
