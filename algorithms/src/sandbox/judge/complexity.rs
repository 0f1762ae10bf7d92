//! How learned are the words of an answer? From 0 to 4.

use super::reply::{Piece, Reply};
use std::collections::HashSet;
use std::sync::LazyLock;

/// The learned words of the language.
const LEARNED: &str = "accept accordingly accurate adding antonym antonyms appreciate appropriate arranged arrangement \
    because belongs calendar category categories characteristic classified combined compared consequently considered \
    constant contains contrary corresponding courteous deserves determined difference element elements equal equals \
    examined examples exception excluded excludes final furthermore general gratitude hence however identical identified \
    immediately include instance interval inverted kindly meaning moreover multiplying obtained occur placed position \
    presented preserved proceeds product properties quantities quantity remainder remains removed reproduced requested \
    resulting sequence sincere sincerely specified statement subsequent subtracting suitable sum terms therefore thus \
    total yields";

static LEARNED_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| LEARNED.split_whitespace().collect());

/// Half way to 4 with two different learned words, half of the rest with two more, and so on.
pub(super) fn of(reply: &Reply) -> f64 {
    let used: HashSet<&str> = reply
        .pieces()
        .filter_map(
            |piece| if let Piece::Word(word) = piece { LEARNED_WORDS.get(word.as_str()).copied() } else { None },
        )
        .collect();
    4.0 * (1.0 - 0.5_f64.powf(used.len() as f64 / 2.0))
}
