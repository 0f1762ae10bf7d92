//! Preferences: a question with a better and a worse answer.

use super::{Line, Panel, answers, completion};
use crate::sandbox::exercise::{Question, Split};
use crate::sandbox::{Attributes, Random};
use serde_json::{Value, json};

/// A question with a better and a worse answer.
#[derive(Clone, PartialEq, Debug)]
pub struct Preference {
    /// What a model reads.
    pub prompt: String,
    /// The answer that was preferred, with the space before it.
    pub chosen: String,
    /// The other.
    pub rejected: String,
    /// The judge's reward for the one.
    pub chosen_score: f64,
    /// The judge's reward for the other: where labels are noisy, it may be more.
    pub rejected_score: f64,
}

/// Who says which of two answers is better.
#[derive(Clone, PartialEq, Debug)]
pub enum Labels {
    /// The judge.
    Exact,
    /// Someone who errs as Bradley and Terry say: the better one wins with probability
    /// `sigmoid((reward - reward) / temperature)`.
    BradleyTerry {
        /// How far apart two rewards must be to be told apart.
        temperature: f64,
    },
    /// One annotator of a panel, another for each pair.
    Panel(Panel),
}

impl Preference {
    /// By how much the judge prefers the preferred one.
    #[must_use]
    pub fn margin(&self) -> f64 {
        self.chosen_score - self.rejected_score
    }

    /// Compares two answers to a question; none where whoever labels cannot tell them apart.
    pub fn between(
        question: &Question,
        first: &str,
        second: &str,
        labels: &Labels,
        random: &mut Random,
    ) -> Option<Self> {
        let judged = [first, second].map(|answer| question.judge(answer));
        let first_wins = labels.first_wins(&judged, random)?;
        let (chosen, rejected) = if first_wins { (first, second) } else { (second, first) };
        let [one, other] = judged.map(|attributes| attributes.reward());
        let (chosen_score, rejected_score) = if first_wins { (one, other) } else { (other, one) };
        Some(Preference {
            prompt: question.prompt(),
            chosen: completion(chosen),
            rejected: completion(rejected),
            chosen_score,
            rejected_score,
        })
    }

    /// The best against the worst of several answers, as the judge sees them; none where all are worth the same.
    #[must_use]
    pub fn best_and_worst(question: &Question, answers: &[String]) -> Option<Self> {
        let rewards: Vec<f64> = answers.iter().map(|answer| question.judge(answer).reward()).collect();
        let place = |sign: f64| (0..answers.len()).max_by(|&a, &b| (sign * rewards[a]).total_cmp(&(sign * rewards[b])));
        let (best, worst) = (place(1.0)?, place(-1.0)?);
        let labels = Labels::Exact;
        // Exact labels draw nothing.
        Preference::between(question, &answers[best], &answers[worst], &labels, &mut Random::new(0))
    }
}

impl Labels {
    fn first_wins(&self, judged: &[Attributes; 2], random: &mut Random) -> Option<bool> {
        let margin = judged[0].reward() - judged[1].reward();
        match self {
            Labels::Exact => (margin != 0.0).then_some(margin > 0.0),
            Labels::BradleyTerry { temperature } => Some(random.chance(1.0 / (1.0 + (-margin / temperature).exp()))),
            Labels::Panel(panel) => {
                let strength = panel.anyone(random).strength(&judged[0], &judged[1], random);
                // As in HelpSteer2-Preference, where negative says that the first response is better.
                (strength != 0).then_some(strength < 0)
            }
        }
    }
}

impl Line for Preference {
    fn json(&self) -> Value {
        json!({
            "prompt": self.prompt,
            "chosen": self.chosen,
            "rejected": self.rejected,
            "chosen_score": self.chosen_score,
            "rejected_score": self.rejected_score,
            "margin": self.margin(),
        })
    }
}

/// `count` preferences between answers by writers of all sorts.
#[must_use]
pub fn preferences(count: usize, split: Split, labels: &Labels, seed: u64) -> Vec<Preference> {
    let mut random = Random::new(seed);
    let mut preferences = Vec::with_capacity(count);
    while preferences.len() < count {
        let question = Question::draw(split, &mut random);
        let answers = answers(&question, 2, &mut random);
        preferences.extend(Preference::between(&question, &answers[0], &answers[1], labels, &mut random));
    }
    preferences
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::data::jsonl;

    fn agreement(labels: &Labels) -> f64 {
        let drawn = preferences(1500, Split::Train, labels, 3);
        drawn.iter().filter(|preference| preference.margin() > 0.0).count() as f64 / drawn.len() as f64
    }

    #[test]
    fn exact_labels_are_exact_and_noisy_ones_noisy() {
        assert_eq!(agreement(&Labels::Exact), 1.0);
        let noisy = agreement(&Labels::BradleyTerry { temperature: 1.0 });
        assert!((0.75..0.97).contains(&noisy), "{noisy}");
        let random = agreement(&Labels::BradleyTerry { temperature: 1e9 });
        assert!((0.45..0.55).contains(&random), "{random}");
        let panel = agreement(&Labels::Panel(Panel::new(12, 1)));
        assert!((0.75..0.97).contains(&panel), "{panel}");
    }

    #[test]
    fn a_seed_gives_one_file() {
        let draw = |seed| jsonl(&preferences(20, Split::HeldOut, &Labels::Exact, seed));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let first: Value = serde_json::from_str(draw(1).lines().next().unwrap()).unwrap();
        let fields: Vec<&String> = first.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["prompt", "chosen", "rejected", "chosen_score", "rejected_score", "margin"]);
        assert!(first["prompt"].as_str().unwrap().ends_with("\nAnswer:"));
        assert!(first["chosen"].as_str().unwrap().starts_with(' '));
    }

    #[test]
    fn the_best_of_several_is_set_against_the_worst() {
        let question = Question::read("What is 7 plus 5?").unwrap();
        let answers = ["It is 12", "The answer is 12.", "No."].map(str::to_owned);
        let found = Preference::best_and_worst(&question, &answers).unwrap();
        assert_eq!((found.chosen.as_str(), found.rejected.as_str()), (" The answer is 12.", " No."));
        assert!(Preference::best_and_worst(&question, &answers[..1]).is_none());
        assert!(Preference::best_and_worst(&question, &[]).is_none());
    }
}
