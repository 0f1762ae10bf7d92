//! Batches written by hand, for the numbers each algorithm asserts of itself.

mod group;

pub(crate) use group::{four_rewards, two_groups};

use crate::eval::{Evaluation, Inputs, evaluate, give_state, initial_state};
use crate::ir::{STATE, SideTag};
use crate::{Algorithm, Layout, Reach};

/// A batch of log-probabilities and scores.
#[derive(Default)]
pub(crate) struct Given {
    layout: Layout,
    inputs: Inputs,
}

/// A policy and the log-probability it gives each token of one response.
type Logp<'a> = (&'a str, &'a [f64]);

impl Given {
    /// One pair as one policy sees it: the chosen response, the rejected one.
    pub(crate) fn pair(chosen: Logp<'_>, rejected: Logp<'_>) -> Given {
        Given::default().also(chosen, rejected)
    }
    /// The same pair as another policy sees it.
    pub(crate) fn also(self, chosen: Logp<'_>, rejected: Logp<'_>) -> Given {
        self.response(SideTag::Chosen, 0, chosen).response(SideTag::Rejected, 0, rejected)
    }
    /// One more response to this prompt, as one policy sees it; prompts in order.
    pub(crate) fn response(mut self, side: SideTag, prompt: usize, (policy, logp): Logp<'_>) -> Given {
        self.layout.prompts = self.layout.prompts.max(prompt + 1);
        if !self.layout.sides.iter().any(|(s, _)| *s == side) {
            self.layout.sides.push((side, Vec::new()));
        }
        let reach = Reach { prompt, tokens: logp.len() };
        let responses = self.layout.sides.iter_mut().find(|(s, _)| *s == side).map(|(_, r)| r);
        if let Some(responses) = responses.filter(|r| r.iter().all(|r| r.prompt != prompt)) {
            responses.push(reach);
        }
        let mut tokens = self.inputs.get(policy, "logp", Some(side)).unwrap_or_default().to_vec();
        tokens.extend(logp);
        self.inputs.insert(policy, "logp", Some(side), tokens);
        self
    }
    /// What the judge gives the responses of each pair.
    pub(crate) fn scores(mut self, chosen: &[f64], rejected: &[f64]) -> Given {
        self.inputs.insert("scored_pair", "chosen_score", Some(SideTag::Chosen), chosen.to_vec());
        self.inputs.insert("scored_pair", "rejected_score", Some(SideTag::Rejected), rejected.to_vec());
        self
    }
    /// What the loss carries from the step before; otherwise it is as before the first step.
    pub(crate) fn state(mut self, name: &str, value: f64) -> Given {
        self.inputs.insert(STATE, name, None, vec![value]);
        self
    }
    /// The loss, for what no independent script has written down.
    pub(crate) fn loss(&self, algorithm: &Algorithm, settings: &[(&str, f64)]) -> f64 {
        self.evaluate(algorithm, settings).loss
    }
    fn evaluate(&self, algorithm: &Algorithm, settings: &[(&str, f64)]) -> Evaluation {
        let mut all = algorithm.defaults();
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), *value)));
        let (program, mut inputs) = ((algorithm.trace)(), self.inputs.clone());
        let before: Vec<_> = inputs.iter().filter(|i| i.0 == STATE).map(|i| (i.1.to_owned(), i.3[0])).collect();
        let mut state = initial_state(&program, &all).expect("it can begin");
        state.extend(before);
        give_state(&mut inputs, &state);
        evaluate(&program, &self.layout, &self.layout.totals(), &inputs, &all).expect("it can be evaluated")
    }
    /// Asserts the loss to nine digits.
    #[track_caller]
    pub(crate) fn check(&self, algorithm: &Algorithm, settings: &[(&str, f64)], expected: f64) {
        close(self.evaluate(algorithm, settings).loss, expected);
    }
    /// Asserts the derivative by the actor's log-probability of each token of a side.
    #[track_caller]
    pub(crate) fn check_gradient(
        &self,
        algorithm: &Algorithm,
        settings: &[(&str, f64)],
        side: SideTag,
        expected: &[f64],
    ) {
        let evaluation = self.evaluate(algorithm, settings);
        let found = evaluation.gradient.get("actor", "logp", Some(side)).expect("a gradient for the actor");
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            close(*found, *expected);
        }
    }
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found}, expected {expected}");
}

/// One pair before the first step: two chosen tokens, one rejected, and the actor is the reference.
pub(crate) fn start() -> Given {
    Given::pair(("actor", &[-1.0, -2.0]), ("actor", &[-0.5])).also(("reference", &[-1.0, -2.0]), ("reference", &[-0.5]))
}

/// Three pairs with sums of log-probabilities, lengths and scores for which an independent script has written the
/// losses of many objectives.
pub(crate) fn three_pairs() -> Given {
    let sums = [
        (SideTag::Chosen, [4, 5, 2], [-0.5, -10.0, -1.0], [-0.5, -10.1, -0.1]),
        (SideTag::Rejected, [1, 10, 7], [-0.1, -30.0, -21.0], [-0.1, -20.1, -0.1]),
    ];
    let mut given = Given::default().scores(&[1.0, 2.0, 0.5], &[0.0, 1.5, 1.0]);
    for (side, lengths, actor, reference) in sums {
        for (prompt, length) in lengths.into_iter().enumerate() {
            for (policy, sums) in [("actor", actor), ("reference", reference)] {
                let each = sums[prompt] / f64::from(length);
                given = given.response(side, prompt, (policy, &vec![each; length as usize]));
            }
        }
    }
    given
}

/// Two single responses, the first of two tokens and liked, the second of one token and not: log-ratios of 1 and -2.
/// `moved` is the log-ratio of each response to another prompt.
pub(crate) fn liked_or_not(moved: [f64; 2]) -> Given {
    let mut given = Given::default()
        .response(SideTag::Answer, 0, ("actor", &[-1.0, -1.0]))
        .response(SideTag::Answer, 1, ("actor", &[-5.0]))
        .response(SideTag::Answer, 0, ("reference", &[-1.5, -1.5]))
        .response(SideTag::Answer, 1, ("reference", &[-3.0]))
        .says("unpaired", "label", Some(SideTag::Answer), &[1.0, 0.0]);
    for (prompt, moved) in moved.into_iter().enumerate() {
        given = given.response(SideTag::Mismatched, prompt, ("actor", &[-4.0 + moved])).response(
            SideTag::Mismatched,
            prompt,
            ("reference", &[-4.0]),
        );
    }
    given
}
