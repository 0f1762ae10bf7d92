//! Is what an answer claims true and complete? From 0 to 4.

use super::claims::claims;
use super::reply::{Piece, Reply, Sentence};
use crate::sandbox::exercise::{Choice, Target};
use crate::sandbox::world::{self, Category, NAMES, PRESENTS, REQUESTS};

pub(super) fn of(target: &Target, reply: &Reply) -> f64 {
    match target {
        Target::Number { answer, given } => {
            let given: Vec<String> = given.iter().map(i64::to_string).collect();
            let number = |piece: &Piece| if let Piece::Number(n) = piece { Some(n.to_string()) } else { None };
            let claims = claims(reply, number, &given);
            let near = [answer.saturating_sub(1).to_string(), answer.saturating_add(1).to_string()];
            match claims.as_slice() {
                [only] if near.contains(only) => 1.0,
                _ => one_of(&claims, &answer.to_string()),
            }
        }
        Target::Word { answer, given, choice } => {
            one_of(&claims(reply, |piece| among(piece, *choice, given), given), answer)
        }
        Target::Sequence { answer, given } => sequence(reply, answer, given),
        Target::Members(parts) => members(reply, parts),
        Target::YesNo { answer, about } => yes_no(reply, *answer, about),
        Target::Polite { words, thanks } => {
            reply.matter().map(|sentence| polite(sentence, words, *thanks)).fold(0.0, f64::max)
        }
    }
}

/// The right answer and no other counts fully; among others it counts half if it is the last word.
fn one_of(claims: &[String], answer: &str) -> f64 {
    match claims {
        [only] if only == answer => 4.0,
        [.., last] if last == answer => 2.0 / (claims.len() - 1) as f64,
        _ if claims.iter().any(|claim| claim == answer) => 1.0 / (claims.len() - 1) as f64,
        _ => 0.0,
    }
}

fn among(piece: &Piece, choice: Choice, given: &[String]) -> Option<String> {
    let Piece::Word(word) = piece else { return None };
    if choice == Choice::Category {
        return world::CATEGORIES.iter().find(|c| c.one == word || c.many == word).map(|c| c.one.to_owned());
    }
    choice.words(given).contains(word).then(|| word.clone())
}

/// Every order that the answer gives is compared with the right one; several count on average.
fn sequence(reply: &Reply, answer: &[String], given: &[String]) -> f64 {
    let numbers = answer[0].parse::<i64>().is_ok();
    let candidate = |piece: &Piece| {
        let text = piece.text()?;
        let counts = if numbers { matches!(piece, Piece::Number(_)) } else { world::category_of(&text).is_some() };
        counts.then_some(text)
    };
    let mut scores = Vec::new();
    for sentence in reply.matter() {
        let mut order: Vec<String> = sentence.pieces.iter().filter_map(candidate).collect();
        if order.len() > given.len() && order.starts_with(given) {
            order.drain(..given.len());
        }
        if order == answer {
            scores.push(4.0);
        } else if !order.is_empty() {
            let share = common(&order, answer) as f64 / order.len().max(answer.len()) as f64;
            scores.push(3.0 * share * share);
        }
    }
    // (The sum of nothing would be minus zero.)
    scores.iter().fold(0.0, |sum, score| sum + score) / scores.len().max(1) as f64
}

/// The length of the longest row of words that both have in this order, not counting what stands between.
fn common(a: &[String], b: &[String]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for word in a {
        let mut diagonal = 0;
        for (place, other) in b.iter().enumerate() {
            let above = row[place + 1];
            row[place + 1] = if word == other { diagonal + 1 } else { above.max(row[place]) };
            diagonal = above;
        }
    }
    row[b.len()]
}

/// Each right member counts; each wrong one, one too many, or one named twice in a breath counts against.
fn members(reply: &Reply, parts: &[(&'static Category, usize)]) -> f64 {
    let mut named: Vec<&str> = Vec::new();
    let mut bad = 0_usize;
    for sentence in reply.matter() {
        let mut here: Vec<&str> = Vec::new();
        for piece in &sentence.pieces {
            let Piece::Word(word) = piece else { continue };
            if world::category_of(word).is_none() {
                continue;
            }
            bad += usize::from(here.contains(&word.as_str()));
            here.push(word);
        }
        named.extend(here);
    }
    named.sort_unstable();
    named.dedup();
    let mut good = 0;
    let mut placed = 0;
    for (category, needed) in parts {
        let hits = named.iter().filter(|word| world::category_of(word).is_some_and(|c| c == *category)).count();
        good += hits.min(*needed);
        bad += hits.saturating_sub(*needed);
        placed += hits;
    }
    bad += named.len() - placed;
    let needed: usize = parts.iter().map(|(_, needed)| needed).sum();
    4.0 * good.saturating_sub(bad) as f64 / needed as f64
}

fn yes_no(reply: &Reply, answer: bool, about: &[String; 2]) -> f64 {
    let (mut yes, mut no, mut contradiction) = (false, false, false);
    let mut stated = None;
    for sentence in reply.matter() {
        let (has_yes, has_no) = (sentence.has("yes"), sentence.has("no"));
        (yes, no) = (yes || has_yes, no || has_no);
        if sentence.has("is") {
            let denied = sentence.has("not");
            contradiction |= (has_yes && denied) || (has_no && !denied);
            let full = about.iter().all(|word| sentence.pieces.iter().any(|piece| piece.text().as_ref() == Some(word)));
            if full {
                contradiction |= stated.is_some_and(|before| before == denied);
                stated = Some(!denied);
            }
        }
    }
    let claimed = match (yes, no) {
        (true, true) => return 0.0,
        (true, false) => Some(true),
        (false, true) => Some(false),
        (false, false) => stated,
    };
    match claimed {
        None => 0.0,
        Some(_) if contradiction => 1.0,
        Some(claimed) if claimed == answer => 4.0,
        Some(_) => 0.0,
    }
}

/// The two words count, and courtesy; somebody else's or something else's name counts against.
fn polite(sentence: &Sentence, [first, second]: &[String; 2], thanks: bool) -> f64 {
    let markers: &[&str] = if thanks {
        &["thank", "thanks", "appreciate", "gratitude", "grateful"]
    } else {
        &["please", "could", "would", "kindly"]
    };
    let found = [first, second].map(|word| f64::from(sentence.has(word)));
    let marked = f64::from(markers.iter().any(|marker| sentence.has(marker)));
    let other = |word: &&str| *word != first.as_str() && *word != second.as_str() && sentence.has(word);
    let others = if thanks {
        PRESENTS.iter().chain(&NAMES).filter(|word| other(word)).count()
    } else {
        // "open" and "clean" are also said of things; what is to be done is told by its object.
        let mut objects: Vec<&str> = REQUESTS.iter().flat_map(|(_, objects)| objects.iter().copied()).collect();
        objects.sort_unstable();
        objects.dedup();
        objects.iter().filter(|word| other(word)).count()
    };
    let words = 1.25 * (found[0] + found[1]);
    if words == 0.0 { 0.0 } else { (words + 1.5 * marked - others as f64).max(0.0) }
}
