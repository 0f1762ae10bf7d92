//! Writes an answer in a style.

use super::{Register, Style};
use crate::sandbox::exercise::{Claim, Question, Split, Target};
use crate::sandbox::{Random, world};

/// Courteous beginnings.
pub(in crate::sandbox) static OPENERS: [&str; 4] = ["Sure!", "Of course!", "Certainly!", "With pleasure!"];

/// Courteous ends.
pub(in crate::sandbox) static CLOSERS: [&str; 4] = [
    "I hope this helps.",
    "Please ask if you need more help.",
    "Let me know if you have another question.",
    "It was a pleasure to help.",
];

/// Empty talk.
pub(in crate::sandbox) static FILLERS: [&str; 8] = [
    "Many people like to think about this.",
    "There are many ways to look at it.",
    "I could talk about this for hours.",
    "My friend said the same last week.",
    "Nobody remembers where it began.",
    "Some things are just what they are.",
    "The weather was very nice again.",
    "Nobody ever gets tired of such matters.",
];

/// Giving up.
pub(in crate::sandbox) static REFUSALS: [&str; 3] =
    ["I do not know.", "I am not sure about that.", "Sorry, I can not say."];

/// An answer to this question in this style.
pub fn write(question: &Question, style: &Style, random: &mut Random) -> String {
    let other;
    let question = if style.off_topic {
        other = Question::draw(Split::Train, random);
        &other
    } else {
        question
    };
    let claim = match style.correct {
        true => question.target.right(random),
        false if style.beside => beside(question, random),
        false if style.astray => Question::of(question.family, Split::Train, random).target.right(random),
        false => question.target.wrong(random),
    };
    let mut sentences = Vec::new();
    if style.opener {
        sentences.push(random.pick(&OPENERS).to_owned());
    }
    if style.corrected {
        sentences.push(say(question, &question.target.wrong(random), style.register, random));
    }
    let body =
        if style.refusal { random.pick(&REFUSALS).to_owned() } else { say(question, &claim, style.register, random) };
    sentences.extend(std::iter::repeat_n(body, 1 + style.repeated));
    if style.doubted {
        sentences.push(say(question, &question.target.wrong(random), style.register, random));
    }
    let alone = !(style.reason || style.closer || style.corrected || style.doubted) && style.rambling == 0;
    if style.register == Register::Bare && !style.refusal && !alone {
        sentences.iter_mut().filter(|sentence| !sentence.ends_with('!')).for_each(|sentence| sentence.push('.'));
    }
    if style.reason && !style.refusal {
        let reason = question.family.reasons[usize::from(style.register == Register::Formal)];
        sentences.push(finished(question, &claim, reason));
    }
    sentences.extend(random.several(&FILLERS, style.rambling).into_iter().map(str::to_owned));
    if style.closer {
        sentences.push(random.pick(&CLOSERS).to_owned());
    }
    if style.backwards {
        sentences.iter_mut().for_each(|sentence| *sentence = backwards(sentence));
    }
    damage(sentences.join(" "), style, random)
}

/// What answers a question of another kind, cut to as many words as this one's answer takes. To a question with yes or no it is the
/// other of the two.
fn beside(question: &Question, random: &mut Random) -> Claim {
    let own = question.target.right(random);
    if matches!(question.target, Target::YesNo { .. }) {
        return question.target.wrong(random);
    }
    loop {
        let other = Question::draw(Split::Train, random);
        let same = std::mem::discriminant(&other.target) == std::mem::discriminant(&question.target);
        let claim = other.target.right(random);
        if !same && claim.len() >= own.len() && !matches!(other.target, Target::YesNo { .. } | Target::Polite { .. }) {
            return claim[..own.len()].to_vec();
        }
    }
}

/// One sentence, or no sentence in the bare register.
fn say(question: &Question, claim: &Claim, register: Register, random: &mut Random) -> String {
    match register {
        Register::Bare => question.target.bare(claim),
        Register::Plain => finished(question, claim, random.pick(question.family.plain)),
        Register::Formal => finished(question, claim, random.pick(question.family.formal)),
    }
}

/// Every sentence in which the family can say this.
pub(in crate::sandbox) fn sentences(question: &Question, claim: &Claim) -> Vec<String> {
    let family = question.family;
    let all = family.plain.iter().chain(family.formal).chain(&family.reasons);
    all.map(|sentence| finished(question, claim, sentence)).collect()
}

/// A sentence of the family with all its gaps filled.
fn finished(question: &Question, claim: &Claim, sentence: &str) -> String {
    world::capitalised(&question.slots.fill(&question.target.present(claim).fill(sentence)))
}

/// The same words from the last to the first, and the mark where it was.
fn backwards(sentence: &str) -> String {
    let words = sentence.trim_end_matches(['.', '!', '?']);
    let turned: Vec<&str> = words.split(' ').rev().collect();
    format!("{}{}", turned.join(" "), &sentence[words.len()..])
}

/// What careless people do to a text.
fn damage(text: String, style: &Style, random: &mut Random) -> String {
    let mut words: Vec<&str> = text.split(' ').collect();
    if style.scrambled && words.len() > 2 {
        let place = random.below(words.len() - 1);
        words.swap(place, place + 1);
    }
    if style.cut && words.len() > 3 {
        words.truncate(words.len() - 1 - random.below(words.len() / 2));
    }
    let mut text = words.join(" ");
    if style.unpunctuated || style.cut {
        text.truncate(text.trim_end_matches(['.', '!', '?', ',', ':']).len());
    }
    if style.small_letter
        && let Some(first) = text.chars().next()
    {
        text.replace_range(..first.len_utf8(), &first.to_lowercase().to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_answers_in_every_register_with_no_gap_left() {
        let mut random = Random::new(5);
        for _ in 0..20_000 {
            let question = Question::draw(Split::Train, &mut random);
            let style = Style::of_care(random.unit(), &mut random);
            let answer = write(&question, &style, &mut random);
            assert!(!answer.contains(['{', '}']), "{}: {answer}", question.text);
            assert!(!answer.is_empty() && answer.trim() == answer, "{answer:?}");
        }
    }
}
