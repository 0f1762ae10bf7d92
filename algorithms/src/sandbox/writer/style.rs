//! How an answer is to be written.

use crate::sandbox::Random;

/// How learned the words are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Register {
    /// The claim and no sentence: "12".
    Bare,
    /// "The answer is 12."
    Plain,
    /// "The resulting sum equals 12."
    Formal,
}

/// How an answer is to be written: what is claimed, in which words, and what is wrong with it.
#[derive(Clone, PartialEq, Debug)]
pub struct Style {
    /// Is the claim right?
    pub correct: bool,
    /// If it is wrong: is it the answer to another question of the kind, and not nearly right?
    pub astray: bool,
    /// If it is wrong: is it the answer to a question of quite another kind: an axe for a number?
    pub beside: bool,
    /// If it is right: is something wrong said before?
    pub corrected: bool,
    /// If it is right: is something wrong said after it?
    pub doubted: bool,
    /// How learned the words are.
    pub register: Register,
    /// Does it begin with "Sure!" or the like?
    pub opener: bool,
    /// Does it end with an offer of more help?
    pub closer: bool,
    /// Does it say why?
    pub reason: bool,
    /// How many sentences of empty talk follow.
    pub rambling: usize,
    /// How many times more the answer is said.
    pub repeated: usize,
    /// Is it the answer to another question?
    pub off_topic: bool,
    /// Does it say that it does not know?
    pub refusal: bool,
    /// Is the last mark missing?
    pub unpunctuated: bool,
    /// Does it begin with a small letter?
    pub small_letter: bool,
    /// Does it break off?
    pub cut: bool,
    /// Are two of its words in each other's place?
    pub scrambled: bool,
    /// Are the words of each sentence in reverse order?
    pub backwards: bool,
}

impl Style {
    /// Right, in one plain sentence, with nothing wrong.
    #[must_use]
    pub fn plain() -> Self {
        Style {
            correct: true,
            astray: false,
            beside: false,
            corrected: false,
            doubted: false,
            register: Register::Plain,
            opener: false,
            closer: false,
            reason: false,
            rambling: 0,
            repeated: 0,
            off_topic: false,
            refusal: false,
            unpunctuated: false,
            small_letter: false,
            cut: false,
            backwards: false,
            scrambled: false,
        }
    }

    /// A style of someone who takes so much care, from 0 to 1: with no care nearly everything may go wrong, with
    /// all care nothing does. The harmless choices (register, courtesy, reasons) do not depend on it.
    pub fn of_care(care: f64, random: &mut Random) -> Self {
        let slip = 1.0 - care;
        let register = match random.weighted(&[0.25 * slip, 0.55, 0.2]) {
            0 => Register::Bare,
            1 => Register::Plain,
            _ => Register::Formal,
        };
        Style {
            correct: !random.chance(0.7 * slip),
            astray: false,
            beside: false,
            corrected: false,
            doubted: false,
            register,
            opener: random.chance(0.3),
            closer: random.chance(0.2),
            reason: random.chance(0.25),
            rambling: if random.chance(0.4 * slip) { 1 + random.below(3) } else { 0 },
            repeated: if random.chance(0.2 * slip) { 1 + random.below(2) } else { 0 },
            off_topic: random.chance(0.12 * slip),
            refusal: random.chance(0.08 * slip),
            unpunctuated: random.chance(0.4 * slip),
            small_letter: random.chance(0.4 * slip),
            backwards: false,
            cut: random.chance(0.2 * slip),
            scrambled: random.chance(0.15 * slip),
        }
    }

    /// A style of someone whose care for truth, for language, for brevity and for learned words have nothing to do with each
    /// other: what the judge finds in one respect says little of the others.
    pub fn varied(random: &mut Random) -> Self {
        let [untrue, untidy] = [(); 2].map(|()| random.unit());
        let register =
            [Register::Bare, Register::Plain, Register::Plain, Register::Formal, Register::Formal][random.below(5)];
        Style {
            correct: !random.chance(0.8 * untrue),
            astray: false,
            beside: false,
            corrected: false,
            doubted: false,
            register,
            opener: random.chance(0.3),
            closer: random.chance(0.25),
            reason: random.chance(0.4),
            rambling: if random.chance(0.6) { 1 + random.below(4) } else { 0 },
            repeated: if random.chance(0.3 * untidy) { 1 + random.below(2) } else { 0 },
            off_topic: random.chance(0.1 * untrue),
            refusal: random.chance(0.1 * untrue),
            unpunctuated: random.chance(0.5 * untidy),
            small_letter: random.chance(0.5 * untidy),
            backwards: false,
            cut: random.chance(0.3 * untidy),
            scrambled: random.chance(0.5 * untidy),
        }
    }

    /// A style of someone who was told how to write in each respect, whatever it is to be like in the others: right, half right,
    /// nearly right or wrong, to the point or idle, tidy or not, in these words, so long. So every rating of one respect comes with
    /// every rating of another, often enough to learn from. What is wrong with the language is what a model can do on purpose
    /// without writing more: a sentence from its end to its beginning can be learned, words swapped at random are a lottery.
    pub fn told(random: &mut Random) -> Self {
        let truth = random.weighted(&[0.42, 0.16, 0.12, 0.1, 0.05, 0.15]);
        let untidy = random.chance(0.45);
        let damaged = |random: &mut Random, chance: f64| untidy && random.chance(chance);
        // To the point and courteous, a little of everything, or idle talk: what helps and what does not, of any length.
        // Who is right talks idly more often than who is wrong: else helpfulness would be correctness under another name.
        let talk = random.weighted(match truth {
            0 => &[0.25, 0.25, 0.5],
            1 | 2 => &[0.4, 0.25, 0.35],
            _ => &[0.6, 0.2, 0.2],
        });
        let register = match random.weighted(&[[0.1, 0.45, 0.45], [0.2, 0.4, 0.4], [0.35, 0.3, 0.35]][talk]) {
            0 => Register::Bare,
            1 => Register::Plain,
            _ => Register::Formal,
        };
        let repeated = usize::from(damaged(random, 0.4));
        let rambling = match talk {
            0 => 0,
            1 => random.weighted(&[0.4, 0.3, 0.2, 0.1]),
            _ => random.below(5),
        };
        Style {
            correct: truth <= 2,
            corrected: truth == 1,
            doubted: truth == 2,
            astray: truth == 4,
            beside: truth == 5,
            register,
            opener: random.chance([0.5, 0.3, 0.05][talk]),
            closer: random.chance([0.6, 0.2, 0.05][talk]),
            reason: random.chance([0.6, 0.35, 0.05][talk]),
            // Saying it again takes as much room as a sentence of talk.
            rambling: rambling - repeated.min(rambling),
            repeated,
            off_topic: false,
            refusal: false,
            unpunctuated: damaged(random, 0.5),
            small_letter: damaged(random, 0.5),
            backwards: damaged(random, 0.5),
            cut: false,
            scrambled: false,
        }
    }
}
