//! Is an answer clear, grammatical English that does not repeat itself? From 0 to 4.

use super::grammar;
use super::reply::{Piece, Reply};
use std::collections::HashSet;

pub(super) fn of(reply: &Reply) -> f64 {
    let pieces: Vec<&Piece> = reply.pieces().collect();
    let share = |count: usize, severity: f64| (severity * count as f64 / pieces.len().max(1) as f64).min(1.0);
    let unknown = pieces.iter().filter(|piece| !grammar::known(piece)).count();
    let misplaced: usize = reply.sentences.iter().map(grammar::misplaced).sum();
    // A courteous formula alone is no fragment, and neither is a sentence that begins with a request.
    let fragments = reply.matter().all(|sentence| !sentence.pieces.iter().any(is_verb)) && reply.matter().count() > 0;
    let faults = 3.0 * share(unknown, 2.0)
        + 2.0 * share(misplaced, 2.5)
        + 3.0 * share(repeated(&pieces), 1.5)
        + if reply.finished { 0.0 } else { 1.0 }
        + if reply.small_letter { 0.5 } else { 0.0 }
        + if fragments { 0.75 } else { 0.0 };
    (4.0 - faults).max(0.0)
}

/// Does a sentence with this word have somebody do something, or ask for it?
fn is_verb(piece: &Piece) -> bool {
    const MORE: [&str; 14] = [
        "thank",
        "thanks",
        "please",
        "would",
        "could",
        "can",
        "do",
        "know",
        "appreciate",
        "say",
        "think",
        "am",
        "were",
        "accept",
    ];
    let Piece::Word(word) = piece else { return piece.says() && *piece != Piece::Mark(':') };
    piece.says() || MORE.contains(&word.as_str())
}

/// How many words and marks say again what was said: a word said twice running, or three in a row that stood so
/// before.
fn repeated(pieces: &[&Piece]) -> usize {
    let mut seen = HashSet::new();
    let mut again = vec![false; pieces.len()];
    for place in 0..pieces.len() {
        again[place] |= place > 0 && pieces[place] == pieces[place - 1];
        if let Some(three) = pieces.get(place..place + 3)
            && !seen.insert(three)
        {
            again[place..place + 3].fill(true);
        }
        // "Sure! Sure! Sure!": two in a row, over and over.
        if let Some(four) = pieces.get(place..place + 4)
            && four[..2] == four[2..]
        {
            again[place + 2..place + 4].fill(true);
        }
    }
    again.iter().filter(|&&again| again).count()
}
