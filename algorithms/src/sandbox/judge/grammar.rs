//! Which words there are in the sandbox, and which may follow which.

use super::reply::{Piece, Reply, Sentence, pieces};
use crate::sandbox::exercise::{FAMILIES, Question, Split};
use crate::sandbox::writer::{CLOSERS, FILLERS, OPENERS, REFUSALS, sentences};
use crate::sandbox::{Random, world};
use std::collections::HashSet;
use std::sync::LazyLock;

/// A word as grammar sees it: any animal may stand where another may.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Class {
    Start,
    Article,
    Number,
    Thing,
    Things,
    Kind,
    Kinds,
    Quality,
    Day,
    Month,
    Name,
    Object,
    Deed,
    Other(Piece),
}

/// Words of every day that the sandbox's own sentences happen not to have.
const EVERYDAY: &str = "a about above after again all also always am among an and another any anything as ask at away \
    back because been before begin being below best better between both but by came can cannot did different do does \
    doing done down each easy either else end even ever every example exactly fact few find first following for from \
    full further good great had happy has have he hello her here hi him his how i if in into it its just kind know last \
    less let letter like little long look made many may me mean mine more most much must my need next nice nor now of \
    off often old on only or other our out over own part people perhaps please question quite rather really right said \
    same see several she should simple simply since so some something sorry still such sure take than that the their \
    them then there these they thing think this those though through thus time to too true two under up us use used \
    very want was way we well were what when where whether which while who why will wish with without word work would \
    write wrong yet you your yours";

/// What the writer's careful sentences show of the language.
struct Grammar {
    words: HashSet<String>,
    pairs: HashSet<(Class, Class)>,
}

static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| {
    let mut grammar =
        Grammar { words: EVERYDAY.split_whitespace().map(str::to_owned).collect(), pairs: HashSet::new() };
    for text in OPENERS.iter().chain(&CLOSERS).chain(&FILLERS).chain(&REFUSALS) {
        grammar.learn(text);
    }
    let mut random = Random::new(0);
    for family in FAMILIES {
        // Draws enough for every sort of thing to stand where it may: with and without article, one or many.
        for draw in 0..30 {
            let question = Question::of(family, Split::Train, &mut random);
            grammar.words.extend(pieces(&question.text).iter().filter_map(Piece::text));
            let target = &question.target;
            let claim = if draw % 2 == 0 { target.right(&mut random) } else { target.wrong(&mut random) };
            for sentence in sentences(&question, &claim) {
                grammar.learn(&sentence);
            }
            grammar.learn(&format!("{}.", target.bare(&claim)));
        }
    }
    grammar
});

impl Grammar {
    /// Takes in the words of a text, and what follows what in each of its sentences.
    fn learn(&mut self, text: &str) {
        for sentence in Reply::read(text).sentences {
            self.pairs.extend(pairs(&sentence.pieces));
            self.words.extend(sentence.pieces.iter().filter_map(Piece::text));
        }
    }
}

/// Is it a word of the language, a number, or a mark?
pub(super) fn known(piece: &Piece) -> bool {
    match piece {
        Piece::Word(word) => GRAMMAR.words.contains(word) || !matches!(class(piece), Class::Other(_)),
        Piece::Number(_) | Piece::Mark(_) => true,
        Piece::Strange => false,
    }
}

/// How many of a sentence's words and marks stand where nothing like them ever stands after what is before them.
pub(super) fn misplaced(sentence: &Sentence) -> usize {
    pairs(&sentence.pieces).iter().filter(|pair| !GRAMMAR.pairs.contains(pair)).count()
}

fn pairs(pieces: &[Piece]) -> Vec<(Class, Class)> {
    let classes: Vec<Class> = std::iter::once(Class::Start).chain(pieces.iter().map(class)).collect();
    classes.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn class(piece: &Piece) -> Class {
    let Piece::Word(word) = piece else {
        return if let Piece::Number(_) = piece { Class::Number } else { Class::Other(piece.clone()) };
    };
    let word = word.as_str();
    match word {
        "a" | "an" => Class::Article,
        _ if world::CATEGORIES.iter().any(|category| category.one == word) => Class::Kind,
        _ if world::CATEGORIES.iter().any(|category| category.many == word) => Class::Kinds,
        _ if let Some(category) = world::category_of(word) => {
            if category.members.contains(&word) {
                Class::Thing
            } else {
                Class::Things
            }
        }
        _ if world::DAYS.contains(&word) => Class::Day,
        _ if world::MONTHS.contains(&word) => Class::Month,
        _ if world::NAMES.contains(&word) => Class::Name,
        _ if world::opposite(word).is_some() => Class::Quality,
        _ if world::REQUESTS.iter().any(|(deed, _)| *deed == word) => Class::Deed,
        _ if world::PRESENTS.contains(&word) => Class::Object,
        _ if world::REQUESTS.iter().any(|(_, objects)| objects.contains(&word)) => Class::Object,
        _ => Class::Other(piece.clone()),
    }
}
