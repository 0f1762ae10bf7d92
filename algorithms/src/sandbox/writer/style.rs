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
}

impl Style {
    /// Right, in one plain sentence, with nothing wrong.
    #[must_use]
    pub fn plain() -> Self {
        Style {
            correct: true,
            astray: false,
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
            cut: random.chance(0.3 * untidy),
            scrambled: random.chance(0.5 * untidy),
        }
    }

    /// A style of someone who was told how to write in each respect, whatever it is to be like in the others: right, nearly right
    /// or quite wrong, tidy or not, in these words, so long. So every rating of one respect comes with every rating of another,
    /// often enough to learn from.
    pub fn told(random: &mut Random) -> Self {
        let (truth, untidy) = (random.weighted(&[0.55, 0.1, 0.35]), random.chance(0.4));
        let damaged = |random: &mut Random, chance: f64| untidy && random.chance(chance);
        let register = match random.weighted(&[0.2, 0.4, 0.4]) {
            0 => Register::Bare,
            1 => Register::Plain,
            _ => Register::Formal,
        };
        Style {
            correct: truth == 0,
            astray: truth == 2,
            register,
            opener: random.chance(0.3),
            closer: random.chance(0.2),
            reason: random.chance(0.35),
            rambling: random.weighted(&[0.4, 0.2, 0.15, 0.15, 0.1]),
            repeated: if damaged(random, 0.5) { 1 + random.below(2) } else { 0 },
            off_topic: false,
            refusal: false,
            unpunctuated: damaged(random, 0.5),
            small_letter: damaged(random, 0.5),
            cut: damaged(random, 0.3),
            scrambled: damaged(random, 0.6),
        }
    }
}
