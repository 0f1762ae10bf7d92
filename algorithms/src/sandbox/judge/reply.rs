//! An answer cut into sentences and words.

use crate::sandbox::world::number_word;
use crate::sandbox::writer::{CLOSERS, OPENERS};
use std::sync::LazyLock;

/// A word, number or mark of an answer.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Piece {
    /// In small letters.
    Word(String),
    /// In figures or in words.
    Number(i64),
    /// One of the marks of ordinary writing.
    Mark(char),
    /// Anything else: not of this language.
    Strange,
}

/// A sentence of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sentence {
    /// Its words and marks, with the mark it ends with.
    pub(super) pieces: Vec<Piece>,
    /// Is it one of the courteous formulas, which say nothing about the question?
    pub(super) courteous: bool,
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Reply {
    pub(super) sentences: Vec<Sentence>,
    /// Does it begin with a small letter?
    pub(super) small_letter: bool,
    /// Does it end with a mark that ends sentences?
    pub(super) finished: bool,
}

/// Marks that ordinary writing has. A line break is one, because none of the sandbox's answers needs it.
const MARKS: &str = ".!?,:;'\"()-+*=/";

static FORMULAS: LazyLock<Vec<Vec<Piece>>> =
    LazyLock::new(|| OPENERS.iter().chain(&CLOSERS).map(|formula| pieces(formula)).collect());

impl Reply {
    /// Cuts up any text.
    pub(super) fn read(text: &str) -> Self {
        let text = text.trim();
        let mut sentences: Vec<Vec<Piece>> = vec![Vec::new()];
        for piece in pieces(text) {
            let end = matches!(piece, Piece::Mark('.' | '!' | '?'));
            // A mark alone ends no sentence: "..." belongs to the one before.
            let alone = sentences.last().is_some_and(Vec::is_empty) && end && sentences.len() > 1;
            let place = sentences.len() - 1 - usize::from(alone);
            sentences[place].push(piece);
            if end && !alone {
                sentences.push(Vec::new());
            }
        }
        sentences.retain(|sentence| !sentence.is_empty());
        let courteous = |pieces: &Vec<Piece>| FORMULAS.contains(pieces);
        Reply {
            sentences: sentences.into_iter().map(|pieces| Sentence { courteous: courteous(&pieces), pieces }).collect(),
            small_letter: text.starts_with(char::is_lowercase),
            finished: text.ends_with(['.', '!', '?']),
        }
    }

    /// Everything but the courteous formulas.
    pub(super) fn matter(&self) -> impl Iterator<Item = &Sentence> {
        self.sentences.iter().filter(|sentence| !sentence.courteous)
    }

    /// Everything in one row.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.sentences.iter().flat_map(|sentence| &sentence.pieces)
    }

    /// How many words and numbers (and strange signs) it has.
    pub(super) fn words(&self) -> usize {
        self.pieces().filter(|piece| !matches!(piece, Piece::Mark(_))).count()
    }
}

impl Sentence {
    /// Is this word in it?
    pub(super) fn has(&self, word: &str) -> bool {
        self.pieces.iter().any(|piece| piece.is(word))
    }

    /// How many words and numbers (and strange signs) it has.
    pub(super) fn words(&self) -> usize {
        self.pieces.iter().filter(|piece| !matches!(piece, Piece::Mark(_))).count()
    }
}

impl Piece {
    /// Is it this word?
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(self, Piece::Word(known) if known == word)
    }

    /// The word or number as the lists of questions have it.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Piece::Word(word) => Some(word.clone()),
            Piece::Number(number) => Some(number.to_string()),
            Piece::Mark(_) | Piece::Strange => None,
        }
    }
}

/// The words, numbers and marks of any text.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let letters: Vec<char> = text.chars().collect();
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let start = at;
        let letter = letters[at];
        at += 1;
        if letter == ' ' {
            continue;
        }
        let in_word = |at: usize| {
            letters.get(at).is_some_and(|&c| c.is_ascii_alphanumeric())
                || (letters.get(at) == Some(&'\'') && letters.get(at + 1).is_some_and(char::is_ascii_alphabetic))
        };
        let negative = letter == '-'
            && letters.get(at).is_some_and(char::is_ascii_digit)
            && (start == 0 || letters[start - 1] == ' ')
            && !matches!(pieces.last(), Some(Piece::Number(_)));
        if letter.is_ascii_alphanumeric() || negative {
            while in_word(at) {
                at += 1;
            }
            pieces.push(word(&letters[start..at].iter().collect::<String>()));
        } else if MARKS.contains(letter) {
            pieces.push(Piece::Mark(letter));
        } else {
            pieces.push(Piece::Strange);
        }
    }
    pieces
}

fn word(text: &str) -> Piece {
    let text = text.to_ascii_lowercase();
    if let Some(number) = text.parse::<i64>().ok().or_else(|| number_word(&text)) {
        Piece::Number(number)
    } else if text.chars().any(|letter| letter.is_ascii_digit()) {
        Piece::Strange
    } else {
        Piece::Word(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_and_words() {
        let reply = Reply::read("Sure! That's twelve, or -3... so what");
        assert_eq!(reply.sentences.len(), 3);
        assert!(reply.sentences[0].courteous && !reply.sentences[1].courteous);
        assert!(reply.sentences[1].pieces.contains(&Piece::Number(12)));
        assert!(reply.sentences[1].pieces.contains(&Piece::Number(-3)));
        assert!(reply.sentences[1].has("that's"));
        assert_eq!(reply.words(), 7);
        assert!(!reply.finished && !reply.small_letter);
    }

    #[test]
    fn any_text_can_be_cut_up() {
        for text in ["", " ", "...", "\n\n", "é", "-", "'", "a'", "99999999999999999999", "x1", "😀 ok", "10-4"] {
            let reply = Reply::read(text);
            assert!(reply.words() <= 2, "{text:?}: {reply:?}");
        }
        assert_eq!(Reply::read("10 - 4").pieces().count(), 3);
        assert_eq!(Reply::read("10-4").pieces().count(), 3);
    }
}
