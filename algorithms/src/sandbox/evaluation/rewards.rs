//! How good a reward model is: what it says of held-out answers, against what the judge and a panel say.

use super::Estimate;
use crate::measure::{auroc, calibration_error, spearman};
use crate::sandbox::data::{Panel, answers};
use crate::sandbox::exercise::{Question, Split};
use crate::sandbox::{Attributes, Random};

/// Answers to each question.
const ANSWERS: usize = 6;
/// People who vote on every pair.
const PEOPLE: usize = 60;
/// Intervals of probabilities for the calibration error.
const BINS: usize = 10;
/// Pairs are set beside each other whose gaps in the judge's reward lie in one step of this width.
const STEP: f64 = 0.25;

/// Held-out questions with answers, on which reward models are compared: always the same ones.
#[derive(Clone, PartialEq, Debug)]
pub struct Trial {
    questions: Vec<Asked>,
}

/// A question, its answers, and what is known about them.
#[derive(Clone, PartialEq, Debug)]
struct Asked {
    family: &'static str,
    prompt: String,
    answers: Vec<String>,
    judged: Vec<Attributes>,
    pairs: Vec<Pair>,
}

/// Two answers to one question.
#[derive(Clone, PartialEq, Debug)]
struct Pair {
    places: [usize; 2],
    /// The judge's reward of the first less that of the second.
    gap: f64,
    /// Does a member of the panel, another for each pair, prefer the first? None if they cannot say.
    vote: Option<bool>,
    /// The standard deviation, over the panel, of how much better one is.
    disagreement: f64,
}

/// What a reward model is worth.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// How often it prefers the answer that the judge prefers.
    pub accuracy: Estimate,
    /// The same for each kind of question, and of how many pairs.
    pub by_family: Vec<(&'static str, Estimate, usize)>,
    /// Rank correlation with the judge's reward, over all answers.
    pub rank: f64,
    /// The same within each question.
    pub rank_within: Estimate,
    /// Expected calibration error of `sigmoid(gap)` as the probability that a member of the panel prefers an answer.
    pub calibration: f64,
    /// How well it tells pairs that divide the panel from pairs that do not, among pairs that are as far apart.
    pub auroc: f64,
}

impl Trial {
    /// So many held-out questions.
    #[must_use]
    pub fn new(questions: usize) -> Self {
        Self::of(Split::HeldOut, questions)
    }

    /// So many questions that are not held out, to tune on what needs tuning.
    #[must_use]
    pub fn to_tune_on(questions: usize) -> Self {
        Self::of(Split::Train, questions)
    }

    fn of(split: Split, questions: usize) -> Self {
        let mut random = Random::new(0).fork("reward models");
        let panel = Panel::new(PEOPLE, 0);
        let one = |question: Question| {
            let answers = answers(&question, ANSWERS, &mut random);
            let judged: Vec<Attributes> = answers.iter().map(|answer| question.judge(answer)).collect();
            let mut pairs = Vec::new();
            for first in 0..ANSWERS {
                for second in first + 1..ANSWERS {
                    let (a, b) = (&judged[first], &judged[second]);
                    let strength = panel.anyone(&mut random).strength(a, b, &mut random);
                    pairs.push(Pair {
                        places: [first, second],
                        gap: a.reward() - b.reward(),
                        vote: (strength != 0).then_some(strength < 0),
                        disagreement: panel.disagreement(a, b),
                    });
                }
            }
            Asked { family: question.family.name, prompt: question.prompt(), answers, judged, pairs }
        };
        let drawn = Question::several(questions, split, &mut Random::new(0).fork("reward questions"));
        Trial { questions: drawn.into_iter().map(one).collect() }
    }

    /// The prompts, each with its answers.
    pub fn answers(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.questions.iter().map(|asked| (asked.prompt.as_str(), asked.answers.as_slice()))
    }

    /// The rank correlation of these numbers, one for each answer, with the judge's for an attribute.
    ///
    /// # Panics
    /// If there is no attribute of this name.
    #[must_use]
    pub fn rank_of(&self, attribute: &str, numbers: &[Vec<f64>]) -> f64 {
        let place = Attributes::NAMES.iter().position(|name| *name == attribute).expect("an attribute of HelpSteer");
        let truth: Vec<f64> = self.questions.iter().flat_map(|q| &q.judged).map(|a| a.values()[place]).collect();
        spearman(&numbers.concat(), &truth).unwrap_or(0.0)
    }

    /// Compares scores, for each question one of each answer, with the truth. `spreads` are how unsure the model is of
    /// each, and how much they count for [`Verdict::auroc`]; a model that does not say has none.
    #[must_use]
    pub fn verdict(&self, scores: &[Vec<f64>], spreads: Option<(&[Vec<f64>], f64)>) -> Verdict {
        let asked = || self.questions.iter().zip(scores);
        let mut right: Vec<(&'static str, f64)> = Vec::new();
        let (mut predictions, mut votes) = (Vec::new(), Vec::new());
        for (asked, scores) in asked() {
            for pair in &asked.pairs {
                let gap = scores[pair.places[0]] - scores[pair.places[1]];
                if pair.gap != 0.0 {
                    right
                        .push((asked.family, if gap == 0.0 { 0.5 } else { f64::from(u8::from(gap * pair.gap > 0.0)) }));
                }
                if let Some(vote) = pair.vote {
                    predictions.push(1.0 / (1.0 + (-gap).exp()));
                    votes.push(vote);
                }
            }
        }
        let mut families: Vec<&'static str> = right.iter().map(|(family, _)| *family).collect();
        families.sort_unstable();
        families.dedup();
        let of = |family: &'static str| {
            let values: Vec<f64> = right.iter().filter(|(f, _)| *f == family).map(|(_, right)| *right).collect();
            (family, Estimate::of(&values).percent(), values.len())
        };
        let rewards = |asked: &Asked| -> Vec<f64> { asked.judged.iter().map(Attributes::reward).collect() };
        let within: Vec<f64> = asked().filter_map(|(asked, scores)| spearman(scores, &rewards(asked))).collect();
        let all: Vec<f64> = self.questions.iter().flat_map(rewards).collect();
        Verdict {
            accuracy: Estimate::of(&right.iter().map(|(_, right)| *right).collect::<Vec<_>>()).percent(),
            by_family: families.into_iter().map(of).collect(),
            rank: spearman(&scores.concat(), &all).unwrap_or(0.0),
            rank_within: Estimate::of(&within),
            calibration: calibration_error(&predictions, &votes, BINS).unwrap_or(0.0),
            auroc: self.auroc(scores, spreads),
        }
    }

    /// The third of the pairs that divide the panel most against the third that divide it least, in equal numbers for
    /// each step of the judge's gap, so that the gap itself says nothing. What tells them apart is
    /// `weight (spread + spread) - |gap|`, arXiv:2410.14632's score; without spreads, `-|gap|`.
    #[must_use]
    pub fn auroc(&self, scores: &[Vec<f64>], spreads: Option<(&[Vec<f64>], f64)>) -> f64 {
        let mut known: Vec<f64> = self.questions.iter().flat_map(|q| &q.pairs).map(|p| p.disagreement).collect();
        known.sort_by(f64::total_cmp);
        let (low, high) = (known[known.len() / 3], known[known.len() * 2 / 3]);
        let mut steps: std::collections::BTreeMap<u64, [Vec<f64>; 2]> = std::collections::BTreeMap::new();
        for (place, (asked, scores)) in self.questions.iter().zip(scores).enumerate() {
            for pair in &asked.pairs {
                let [a, b] = pair.places;
                let unsure = spreads.map_or(0.0, |(spreads, weight)| weight * (spreads[place][a] + spreads[place][b]));
                let said = unsure - (scores[a] - scores[b]).abs();
                let step = steps.entry((pair.gap.abs() / STEP) as u64).or_default();
                match pair.disagreement {
                    d if d >= high => step[0].push(said),
                    d if d <= low => step[1].push(said),
                    _ => {}
                }
            }
        }
        let (mut divided, mut united) = (Vec::new(), Vec::new());
        for [one, other] in steps.into_values() {
            // The pairs come in a random order, so the first so many are as good as any.
            let count = one.len().min(other.len());
            divided.extend_from_slice(&one[..count]);
            united.extend_from_slice(&other[..count]);
        }
        auroc(&divided, &united).unwrap_or(0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_judge_itself_is_right_and_knows_nothing_of_disagreement() {
        let trial = Trial::new(60);
        let scores: Vec<Vec<f64>> =
            trial.questions.iter().map(|q| q.judged.iter().map(Attributes::reward).collect()).collect();
        let verdict = trial.verdict(&scores, None);
        assert_eq!((verdict.accuracy.mean, verdict.rank, verdict.rank_within.mean), (100.0, 1.0, 1.0));
        assert!((verdict.auroc - 0.5).abs() < 0.1, "{}", verdict.auroc);
        assert_eq!(verdict.by_family.iter().map(|(.., pairs)| pairs).sum::<usize>(), {
            trial.questions.iter().flat_map(|q| &q.pairs).filter(|pair| pair.gap != 0.0).count()
        });
        let upside_down: Vec<Vec<f64>> = scores.iter().map(|s| s.iter().map(|x| -x).collect()).collect();
        assert_eq!(trial.verdict(&upside_down, None).accuracy.mean, 0.0);
        // Who knows how far apart tastes are about each answer tells the pairs apart.
        let odd = |a: &Attributes| 0.8 * (a.complexity.powi(2) + a.verbosity.powi(2)).sqrt();
        let spreads: Vec<Vec<f64>> = trial.questions.iter().map(|q| q.judged.iter().map(odd).collect()).collect();
        let knowing = trial.verdict(&scores, Some((&spreads, 1.0)));
        assert!(knowing.auroc > 0.7, "{}", knowing.auroc);
    }
}
