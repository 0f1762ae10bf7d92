//! The ground truth: what any answer to a question of the sandbox is worth, exactly.

mod attributes;
mod claims;
mod coherence;
mod complexity;
mod correctness;
mod grammar;
mod helpfulness;
mod reply;

pub use attributes::Attributes;

use super::exercise::Question;
use reply::Reply;

/// Judges an answer: any text at all. None where the question is not one of the sandbox's.
#[must_use]
pub fn judge(question: &str, answer: &str) -> Option<Attributes> {
    Some(Question::read(question)?.judge(answer))
}

/// The coherence from which on an answer can be understood.
const UNDERSTOOD: f64 = 1.0;

impl Question {
    /// Judges an answer to this question: any text at all.
    #[must_use]
    pub fn judge(&self, answer: &str) -> Attributes {
        let reply = Reply::read(answer);
        if reply.words() == 0 {
            return Attributes::default();
        }
        let coherence = coherence::of(&reply);
        // What can hardly be understood claims hardly anything: the right word among others is no answer.
        let correctness = correctness::of(&self.target, &reply) * (coherence / UNDERSTOOD).min(1.0);
        Attributes {
            helpfulness: helpfulness::of(self, &reply, correctness, coherence),
            correctness,
            coherence,
            complexity: complexity::of(&reply),
            verbosity: verbosity(&reply, self.target.words_needed()),
        }
    }
}

impl Question {
    /// Is what this answer claims right in full? A reward of 0 or 1 that can be verified, however it is written.
    #[must_use]
    pub fn is_answered_by(&self, answer: &str) -> bool {
        correctness::of(&self.target, &Reply::read(answer)) >= 4.0
    }
}

/// One point for every seven words more than the tersest answer has.
fn verbosity(reply: &Reply, needed: usize) -> f64 {
    (reply.words().saturating_sub(needed) as f64 / 7.0).min(4.0)
}

#[cfg(test)]
mod tests;
