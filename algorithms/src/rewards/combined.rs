//! A weighted sum of rewards, and one that has to be earned before it counts.

use super::{HostReward, Written};
use collimate_runtime::train::{Answer, Reward};
use collimate_runtime::{Error, Result};
use std::fmt;

/// Where a number for each response comes from.
pub enum Source {
    /// A function.
    Host(&'static HostReward),
    /// Anything else that judges many responses at once: a reward model above all.
    Batch {
        /// What it is called.
        name: String,
        /// One number for each response.
        judge: Box<Reward<'static>>,
    },
}

/// One reward of a sum.
#[derive(Debug)]
pub struct Term {
    /// What it counts for.
    pub weight: f64,
    /// Where it comes from.
    pub source: Source,
}

/// The sum of the terms, each times its weight. With a gate, it counts in full only where the first term alone is above
/// the row's `threshold`: elsewhere a response is worth its first term less the gate's penalty. With weights 1 and
/// -lambda that is the reward of arXiv:2504.06141, `R1 - lambda R2` where `R1 > T(x)`.
#[derive(Debug)]
pub struct Combined {
    /// What is added up.
    pub terms: Vec<Term>,
    /// What a response costs whose first term is not above its row's `threshold`.
    pub gate: Option<f64>,
}

impl Combined {
    /// What each response is worth.
    ///
    /// # Errors
    /// If a reward cannot judge a response, or gives something that is not a finite number; the message shows it.
    pub fn judge(&mut self, answers: &[Answer<'_>]) -> Result<Vec<f64>> {
        let mut sum = vec![0.0; answers.len()];
        let mut first = None;
        for Term { weight, source } in &mut self.terms {
            let values = source.judge(answers)?;
            sum.iter_mut().zip(&values).for_each(|(sum, value)| *sum += *weight * value);
            first.get_or_insert_with(|| values.iter().map(|value| *weight * value).collect::<Vec<f64>>());
        }
        if let (Some(penalty), Some(first)) = (self.gate, first) {
            for ((answer, sum), first) in answers.iter().zip(&mut sum).zip(first) {
                let threshold = Written::new(*answer)
                    .field("threshold")
                    .and_then(|value| value.as_f64().ok_or_else(|| "the row's `threshold` is no number".to_owned()));
                let threshold = threshold.map_err(|problem| failed(answer, "gate", &problem))?;
                if first <= threshold {
                    *sum = first - penalty;
                }
            }
        }
        Ok(sum)
    }
}

impl Source {
    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Source::Host(reward) => reward.name,
            Source::Batch { name, .. } => name,
        }
    }

    fn judge(&mut self, answers: &[Answer<'_>]) -> Result<Vec<f64>> {
        let values = match self {
            Source::Host(reward) => {
                let one = |answer: &Answer<'_>| {
                    (reward.worth)(&Written::new(*answer)).map_err(|problem| failed(answer, reward.name, &problem))
                };
                answers.iter().map(one).collect::<Result<Vec<_>>>()?
            }
            Source::Batch { judge, .. } => judge(answers)?,
        };
        match values.iter().position(|value| !value.is_finite()) {
            Some(i) => Err(failed(&answers[i], self.name(), &format!("it is {}", values[i]))),
            None => Ok(values),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A reward that has no number for a response, and the response.
fn failed(answer: &Answer<'_>, reward: &str, problem: &str) -> Error {
    let origin = &answer.row.origin;
    let problem = format!("the reward `{reward}` of this response: {problem}: {:?}", answer.text);
    Error::Row { path: origin.path.to_path_buf(), line: origin.line, problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewards::given::row;
    use crate::rewards::{EXACT, LENGTH, THINK};

    fn answers<'a>(rows: &'a [collimate_runtime::data::Row], texts: &'a [&'a str]) -> Vec<Answer<'a>> {
        rows.iter().zip(texts).map(|(row, text)| Answer { row, text, ended: true }).collect()
    }

    #[test]
    fn terms_are_weighed_and_added() {
        let rows = [row("", r#"{"answer": "two words"}"#), row("", r#"{"answer": "x"}"#)];
        let terms = vec![
            Term { weight: 2.0, source: Source::Host(&EXACT) },
            Term { weight: -0.1, source: Source::Host(&LENGTH) },
        ];
        let given = answers(&rows, &["two words", "y"]);
        assert_eq!(Combined { terms, gate: None }.judge(&given).unwrap(), [1.8, -0.1]);
    }

    /// R1 is the number of words, R2 half of it plus one, lambda 2, threshold 2.
    #[test]
    fn what_does_not_pass_the_gate_is_punished() {
        let half = |answers: &[Answer<'_>]| {
            Ok(answers.iter().map(|a| 0.5 * a.text.split_whitespace().count() as f64 + 1.0).collect())
        };
        let rows = [row("", r#"{"threshold": 2}"#), row("", r#"{"threshold": 2}"#)];
        let given = answers(&rows, &["one two three", "one two"]);
        let terms = vec![
            Term { weight: 1.0, source: Source::Host(&LENGTH) },
            Term { weight: -2.0, source: Source::Batch { name: "second".to_owned(), judge: Box::new(half) } },
        ];
        assert_eq!(Combined { terms, gate: Some(25.0) }.judge(&given).unwrap(), [3.0 - 2.0 * 2.5, 2.0 - 25.0]);
    }

    #[test]
    fn a_reward_that_cannot_judge_shows_the_response() {
        let rows = [row("", "{}")];
        let terms = vec![Term { weight: 1.0, source: Source::Host(&EXACT) }];
        let problem = Combined { terms, gate: None }.judge(&answers(&rows, &["tea"])).unwrap_err().to_string();
        assert!(
            problem.starts_with("rows.jsonl:7: the reward `exact` of this response: the row has no field `answer`")
        );
        assert!(problem.ends_with("\"tea\""), "{problem}");
        let broken = |answers: &[Answer<'_>]| Ok(vec![f64::NAN; answers.len()]);
        let source = Source::Batch { name: "broken".to_owned(), judge: Box::new(broken) };
        let terms = vec![Term { weight: 1.0, source: Source::Host(&THINK) }, Term { weight: 1.0, source }];
        let problem = Combined { terms, gate: None }.judge(&answers(&rows, &["tea"])).unwrap_err().to_string();
        assert!(problem.contains("the reward `broken` of this response: it is NaN: \"tea\""), "{problem}");
    }
}
