//! The table at the end of a run: what the judge says of the policy before and after.

use super::{Estimate, side_by_side};
use crate::sandbox::Attributes;
use crate::sandbox::exercise::Question;
use std::collections::HashSet;
use std::fmt::Write;

/// What the judge says of one policy's answers.
#[derive(Clone, PartialEq, Debug)]
pub struct Policy {
    /// Its answers, one for each question.
    pub answers: Vec<String>,
    /// The judge's reward for each.
    pub rewards: Vec<f64>,
    /// Means of the five attributes, in HelpSteer's order.
    pub attributes: [Estimate; 5],
    /// Words in an answer.
    pub words: Estimate,
}

/// Two policies on the same questions.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What was asked.
    pub questions: Vec<Question>,
    /// The policy that training started from.
    pub before: Policy,
    /// The policy that came of it.
    pub after: Policy,
}

impl Policy {
    /// Has these answers judged.
    #[must_use]
    pub fn judged(questions: &[Question], answers: Vec<String>) -> Self {
        let given: Vec<Attributes> =
            questions.iter().zip(&answers).map(|(question, answer)| question.judge(answer)).collect();
        let mean = |value: &dyn Fn(&Attributes) -> f64| Estimate::of(&given.iter().map(value).collect::<Vec<_>>());
        let words: Vec<f64> = answers.iter().map(|answer| answer.split_whitespace().count() as f64).collect();
        Policy {
            rewards: given.iter().map(Attributes::reward).collect(),
            attributes: std::array::from_fn(|place| mean(&|attributes| attributes.values()[place])),
            words: Estimate::of(&words),
            answers,
        }
    }

    /// Its mean reward.
    #[must_use]
    pub fn reward(&self) -> Estimate {
        Estimate::of(&self.rewards)
    }

    /// How many of its answers are different from one another. A policy that has collapsed says the same to everything.
    #[must_use]
    pub fn different(&self) -> usize {
        self.answers.iter().map(|answer| answer.trim()).collect::<HashSet<_>>().len()
    }

    /// The standard deviation of its rewards, from answer to answer.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        self.reward().error * (self.rewards.len() as f64).sqrt()
    }
}

impl Comparison {
    /// Has the answers of both judged.
    ///
    /// # Panics
    /// If there is not one answer of each for each question.
    #[must_use]
    pub fn new(questions: Vec<Question>, before: Vec<String>, after: Vec<String>) -> Self {
        assert_eq!((before.len(), after.len()), (questions.len(), questions.len()), "one answer for each question");
        let (before, after) = (Policy::judged(&questions, before), Policy::judged(&questions, after));
        Comparison { questions, before, after }
    }

    /// How often the judge gives the later policy's answer more; where it gives both the same, that is half.
    #[must_use]
    pub fn win_rate(&self) -> Estimate {
        let won = |(before, after): (&f64, &f64)| match after.total_cmp(before) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        };
        Estimate::of(&self.before.rewards.iter().zip(&self.after.rewards).map(won).collect::<Vec<_>>())
    }

    /// By how much the reward rose, in standard deviations of the earlier policy's rewards.
    #[must_use]
    pub fn gain(&self) -> Estimate {
        let deviation = self.before.deviation();
        let rise = |(before, after): (&f64, &f64)| (after - before) / deviation;
        Estimate::of(&self.before.rewards.iter().zip(&self.after.rewards).map(rise).collect::<Vec<_>>())
    }

    /// The table, aligned, every line ended. `kl` is how far the policy went, in nats for an answer, where known.
    #[must_use]
    pub fn table(&self, kl: Option<Estimate>) -> String {
        let title = format!("{} held-out questions", self.questions.len());
        let mut rows = vec![(title, "before".to_owned(), "after".to_owned())];
        let mut both = |name: &str, value: &dyn Fn(&Policy) -> Estimate, digits: usize| {
            let [before, after] = [&self.before, &self.after].map(|policy| format!("{:.digits$}", value(policy)));
            rows.push((name.to_owned(), before, after));
        };
        both("judge's reward", &Policy::reward, 2);
        for (place, name) in Attributes::NAMES.into_iter().enumerate() {
            both(&format!("  {name}"), &|policy| policy.attributes[place], 2);
        }
        both("words in an answer", &|policy| policy.words, 1);
        let [before, after] = [&self.before, &self.after].map(|policy| policy.different().to_string());
        rows.push(("different answers".to_owned(), before, after));
        let gain = format!("gain, in deviations of {:.2}", self.before.deviation());
        rows.push((gain, String::new(), format!("{:.2}", self.gain())));
        rows.push(("win rate, %".to_owned(), String::new(), format!("{:.1}", self.win_rate().percent())));
        if let Some(kl) = kl {
            rows.push(("KL from the start, nats".to_owned(), String::new(), format!("{kl:.2}")));
        }
        let width = |column: fn(&(String, String, String)) -> &String| {
            rows.iter().map(|row| column(row).chars().count()).max().unwrap_or(0)
        };
        let (first, second, third) = (width(|row| &row.0), width(|row| &row.1), width(|row| &row.2));
        let mut table = String::new();
        for (name, before, after) in &rows {
            let line = format!("{name:first$}   {before:>second$}   {after:>third$}");
            writeln!(table, "{}", line.trim_end()).expect("a string takes all text");
        }
        table
    }

    /// The first questions of different families with both answers and what each is worth, in two columns that
    /// together are `width` letters wide.
    #[must_use]
    pub fn samples(&self, count: usize, width: usize) -> String {
        let mut families: Vec<&str> = Vec::new();
        let mut text = String::new();
        for (place, question) in self.questions.iter().enumerate() {
            if families.len() == count {
                break;
            }
            if families.contains(&question.family.name) {
                continue;
            }
            families.push(question.family.name);
            let worth = |policy: &Policy| format!("{} ({:.1})", policy.answers[place].trim(), policy.rewards[place]);
            writeln!(text, "{}", question.text).expect("a string takes all text");
            text.push_str(&side_by_side(&worth(&self.before), &worth(&self.after), width));
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::evaluation::questions;

    fn comparison() -> Comparison {
        let questions = ["What is 7 plus 5?", "What is 7 plus 5?", "Name two animals."];
        let questions = questions.map(|text| Question::read(text).unwrap()).to_vec();
        let before = ["It is 13.", "It is 12.", "I do not know."].map(str::to_owned).to_vec();
        let after = ["Sure! It is 12.", "It is 12.", "Two animals are a dog and a cow."].map(str::to_owned).to_vec();
        Comparison::new(questions, before, after)
    }

    #[test]
    fn ties_count_half() {
        assert!((comparison().win_rate().mean - 2.5 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn a_gain_is_in_deviations_of_the_rewards_before() {
        let comparison = comparison();
        let [before, after] = [&comparison.before, &comparison.after].map(|policy| policy.rewards.clone());
        let mean = before.iter().sum::<f64>() / 3.0;
        let deviation = (before.iter().map(|reward| (reward - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
        let rise = after.iter().sum::<f64>() / 3.0 - mean;
        assert!((comparison.before.deviation() - deviation).abs() < 1e-12);
        assert!((comparison.gain().mean - rise / deviation).abs() < 1e-12);
    }

    #[test]
    fn the_table_is_aligned() {
        let table = comparison().table(Some(Estimate { mean: 3.0, error: 0.25 }));
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 12);
        assert!(lines[8].starts_with("different answers") && lines[8].contains(" 3 ") && lines[8].ends_with(" 3"));
        assert!(lines[0].starts_with("3 held-out questions") && lines[0].ends_with("after"), "{table}");
        assert!(lines[10].starts_with("win rate, %") && lines[10].ends_with("83.3 ± 16.7"), "{table}");
        assert!(lines[11].ends_with("3.00 ± 0.25"), "{table}");
        let wide = lines.iter().map(|line| line.chars().count()).max();
        assert!(lines.iter().all(|line| Some(line.chars().count()) == wide), "{table}");
    }

    #[test]
    fn samples_are_of_different_families() {
        let samples = comparison().samples(3, 60);
        assert_eq!(samples.matches("plus").count(), 1);
        assert!(samples.contains("Name two animals."), "{samples}");
        assert!(samples.lines().all(|line| line.chars().count() <= 60), "{samples}");
    }

    #[test]
    fn evaluation_always_asks_the_same() {
        let asked = questions(200);
        assert_eq!(asked[7].text, questions(200)[7].text);
        assert!(asked.iter().enumerate().all(|(i, question)| asked[..i].iter().all(|o| o.text != question.text)));
    }
}
