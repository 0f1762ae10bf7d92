//! Overall: is an answer right, does it stay with the question, is it a proper and courteous sentence? 0 to 4.

use super::reply::{Piece, Reply, Sentence, pieces};
use crate::sandbox::exercise::{FAMILIES, Family, Question, Target};
use crate::sandbox::world;
use crate::sandbox::writer::{CLOSERS, FILLERS, OPENERS, REFUSALS};
use std::collections::HashSet;
use std::sync::LazyLock;

/// More courteous formulas than these are as idle as any other empty talk.
const FORMULAS_WELCOME: usize = 2;

/// Half of it is correctness, a quarter that it stays with the question, a quarter how it is said; and all of it
/// is worth less where it is incoherent.
pub(super) fn of(question: &Question, reply: &Reply, correctness: f64, coherence: f64) -> f64 {
    let topic = Topic::of(question);
    let on_topic: Vec<&Sentence> = reply.matter().filter(|sentence| topic.meets(sentence)).collect();
    let formulas: Vec<&Sentence> = reply.sentences.iter().filter(|sentence| sentence.courteous).collect();
    let idle: usize = formulas.iter().skip(FORMULAS_WELCOME).map(|sentence| sentence.words()).sum();
    let relevant: usize = on_topic.iter().map(|sentence| sentence.words()).sum();
    let all: usize = reply.matter().map(Sentence::words).sum::<usize>() + idle;
    let focus = relevant as f64 / all.max(1) as f64;

    let polite = matches!(question.target, Target::Polite { .. });
    let sentence =
        on_topic.iter().any(|sentence| (polite && sentence.words() > 3) || sentence.pieces.iter().any(Piece::says));
    let courteous = !formulas.is_empty() || (polite && correctness > 2.5);
    let manner = 0.6 * f64::from(sentence) + 0.4 * f64::from(courteous);

    (0.5 * correctness + focus + manner) * (0.25 + 0.75 * coherence / 4.0)
}

/// The words that show that a sentence has to do with the question.
struct Topic {
    words: HashSet<String>,
    numbers: bool,
    things: bool,
}

impl Topic {
    fn of(question: &Question) -> Self {
        let family = FAMILIES.iter().position(|family| family.name == question.family.name);
        let mut words = family.map_or_else(HashSet::new, |place| FAMILY_WORDS[place].clone());
        words.extend(pieces(&question.text).iter().filter_map(Piece::text).filter(|word| telling(word)));
        words.extend(["answer", "yes", "no"].map(str::to_owned));
        let (mut numbers, mut things) = (false, false);
        match &question.target {
            Target::Number { .. } => numbers = true,
            Target::Word { given, choice, .. } => words.extend(choice.words(given)),
            Target::Sequence { answer, .. } => {
                numbers = answer[0].parse::<i64>().is_ok();
                things = !numbers;
            }
            Target::Members(_) => things = true,
            Target::YesNo { about, .. } => words.extend(about.iter().cloned()),
            Target::Polite { words: own, .. } => words.extend(own.iter().cloned()),
        }
        Topic { words, numbers, things }
    }

    fn meets(&self, sentence: &Sentence) -> bool {
        sentence.pieces.iter().any(|piece| match piece {
            Piece::Word(word) => self.words.contains(word) || (self.things && world::category_of(word).is_some()),
            Piece::Number(number) => self.numbers || self.words.contains(&number.to_string()),
            Piece::Mark(_) | Piece::Strange => false,
        })
    }
}

/// The telling words that each family asks and answers with, in the order of [`FAMILIES`].
static FAMILY_WORDS: LazyLock<Vec<HashSet<String>>> = LazyLock::new(|| {
    let words = |family: &&Family| {
        let sentences = [family.wordings, family.plain, family.formal, &family.reasons];
        let all = sentences.into_iter().flatten().flat_map(|sentence| pieces(sentence));
        all.filter_map(|piece| piece.text()).filter(|word| telling(word)).collect()
    };
    FAMILIES.iter().map(words).collect()
});

/// The words that are said in every talk.
static IDLE_WORDS: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let idle = FILLERS.iter().chain(&REFUSALS).chain(&OPENERS).chain(&CLOSERS);
    idle.flat_map(|text| pieces(text)).filter_map(|piece| piece.text()).collect()
});

/// Is it a word that is not said in every talk?
fn telling(word: &str) -> bool {
    (word.len() > 3 || word.parse::<i64>().is_ok()) && !IDLE_WORDS.contains(word)
}
