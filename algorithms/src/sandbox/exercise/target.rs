//! What a right answer is.

use super::slots::Slots;
use crate::sandbox::Random;
use crate::sandbox::world::{self, CATEGORIES, Category, DAYS, MONTHS, OPPOSITES, PRESENTS, REQUESTS};

/// What a right answer to an exercise is. The writer makes answers from it, and the judge compares with it.
#[derive(Clone, PartialEq, Debug)]
pub enum Target {
    /// One number.
    Number {
        /// The right one.
        answer: i64,
        /// The numbers of the question, which an answer may repeat.
        given: Vec<i64>,
    },
    /// One word.
    Word {
        /// The right one.
        answer: String,
        /// The words of the question, which an answer may repeat.
        given: Vec<String>,
        /// Where the wrong answers are.
        choice: Choice,
    },
    /// Words or numbers in one order.
    Sequence {
        /// In the right order.
        answer: Vec<String>,
        /// As the question has them.
        given: Vec<String>,
    },
    /// So many different members of each of these categories.
    Members(Vec<(&'static Category, usize)>),
    /// Yes or no.
    YesNo {
        /// Which.
        answer: bool,
        /// The words that a full statement of it has: `["dog", "animal"]`.
        about: [String; 2],
    },
    /// A sentence with these two words in it, and a polite one.
    Polite {
        /// What is to be done and to what, or who is thanked and for what.
        words: [String; 2],
        /// Is it thanks, and not a request?
        thanks: bool,
    },
}

/// The words among which the answer to an exercise is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// Those of the list in the question.
    Given,
    /// Those that have an opposite.
    Quality,
    /// The days.
    Day,
    /// The months.
    Month,
    /// The categories.
    Category,
}

impl Choice {
    /// Every word that would be an answer, right or wrong.
    #[must_use]
    pub fn words(self, given: &[String]) -> Vec<String> {
        let all = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        match self {
            Choice::Given => given.to_vec(),
            Choice::Quality => OPPOSITES.iter().flat_map(|&(a, b)| [a.to_owned(), b.to_owned()]).collect(),
            Choice::Day => all(&DAYS),
            Choice::Month => all(&MONTHS),
            Choice::Category => CATEGORIES.iter().map(|category| category.one.to_owned()).collect(),
        }
    }
}

/// What an answer claims, word by word: `["12"]`, `["cat", "dog"]`, `["yes"]`.
pub type Claim = Vec<String>;

impl Target {
    /// A right claim.
    pub fn right(&self, random: &mut Random) -> Claim {
        match self {
            Target::Number { answer, .. } => vec![answer.to_string()],
            Target::Word { answer, .. } => vec![answer.clone()],
            Target::Sequence { answer, .. } => answer.clone(),
            Target::Members(parts) => {
                parts.iter().flat_map(|(c, count)| random.several(c.members, *count)).map(str::to_owned).collect()
            }
            Target::YesNo { answer, .. } => vec![yes_no(*answer)],
            Target::Polite { words, .. } => words.to_vec(),
        }
    }

    /// A claim that is wrong as people are wrong: nearly right more often than not.
    pub fn wrong(&self, random: &mut Random) -> Claim {
        match self {
            Target::Number { answer, .. } => {
                let off = [1, 1, 2, 3, 5][random.below(5)];
                let up = *answer < off || random.chance(0.5);
                vec![(if up { answer + off } else { answer - off }).to_string()]
            }
            Target::Word { answer, given, choice } => {
                let mut rivals = choice.words(given);
                rivals.retain(|word| word != answer);
                // A list of one word has no rival.
                if rivals.is_empty() { vec!["nothing".to_owned()] } else { random.several(&rivals, 1) }
            }
            Target::Sequence { answer, .. } => {
                let mut wrong = answer.clone();
                match random.below(3) {
                    0 if wrong.len() > 2 => _ = wrong.remove(random.below(answer.len())),
                    1 => wrong[random.below(answer.len())] = stranger(answer, random),
                    _ => {
                        let place = random.below(answer.len());
                        wrong.swap(place, (place + 1) % answer.len());
                    }
                }
                if wrong == *answer {
                    wrong[0] = stranger(answer, random)
                };
                wrong
            }
            Target::Members(parts) => {
                let mut wrong = self.right(random);
                let place = random.below(wrong.len());
                match random.below(3) {
                    0 if wrong.len() > 1 => _ = wrong.remove(place),
                    1 if wrong.len() > 1 => wrong[place] = wrong[(place + 1) % wrong.len()].clone(),
                    _ => {
                        let others: Vec<&str> = CATEGORIES
                            .iter()
                            .filter(|c| parts.iter().all(|(part, _)| part != c))
                            .flat_map(|c| c.members.iter().copied())
                            .collect();
                        wrong[place] = random.pick(&others).to_owned();
                    }
                }
                wrong
            }
            Target::YesNo { answer, .. } => vec![yes_no(!answer)],
            Target::Polite { words: [first, second], thanks } => {
                let others: Vec<&str> = if *thanks {
                    PRESENTS.to_vec()
                } else {
                    REQUESTS.iter().flat_map(|(_, objects)| objects.iter().copied()).collect()
                };
                let others: Vec<&str> = others.into_iter().filter(|other| other != second).collect();
                vec![first.clone(), random.pick(&others).to_owned()]
            }
        }
    }

    /// The gaps that a claim fills in this exercise's answers.
    #[must_use]
    pub fn present(&self, claim: &Claim) -> Slots {
        let spelled: Vec<String> = claim.iter().map(|word| world::spelled(word)).collect();
        let slots = Slots::new();
        match self {
            Target::Number { .. } => slots.with("claim", &spelled[0]),
            Target::Word { choice: Choice::Category, .. } => slots.with("claim", world::with_article(&spelled[0])),
            Target::Word { .. } => slots.with("claim", &spelled[0]),
            Target::Sequence { .. } => slots.with_list("claim", &spelled),
            Target::Members(_) => {
                let named: Vec<String> = claim.iter().map(|word| world::named(word)).collect();
                slots.with("claim", world::enumerate(&named))
            }
            Target::YesNo { .. } => {
                slots.with("claim", &spelled[0]).with("not", if claim[0] == "no" { " not" } else { "" })
            }
            Target::Polite { .. } => slots.with("first", &spelled[0]).with("second", &spelled[1]),
        }
    }

    /// The claim and nothing else, as the tersest answer has it.
    #[must_use]
    pub fn bare(&self, claim: &Claim) -> String {
        match self {
            Target::Polite { words: [first, _], thanks: true } => format!("thanks {}", world::spelled(first)),
            Target::Polite { thanks: false, .. } => format!("{} the {}", claim[0], claim[1]),
            Target::Members(_) => claim.join(", "),
            _ => self.present(claim).text("claim").to_owned(),
        }
    }

    /// How many words the tersest complete answer has.
    #[must_use]
    pub fn words_needed(&self) -> usize {
        match self {
            Target::Number { .. } | Target::Word { .. } | Target::YesNo { .. } => 1,
            Target::Sequence { answer, .. } => answer.len(),
            Target::Members(parts) => parts.iter().map(|(_, count)| count).sum(),
            Target::Polite { .. } => 4,
        }
    }
}

fn yes_no(answer: bool) -> String {
    (if answer { "yes" } else { "no" }).to_owned()
}

/// A word or number of the same sort that is not among these.
fn stranger(these: &[String], random: &mut Random) -> String {
    let numbers = these[0].parse::<i64>().is_ok();
    loop {
        let other = if numbers { random.between(1, 30).to_string() } else { random.pick(&world::THINGS).to_owned() };
        if !these.contains(&other) {
            return other;
        }
    }
}
