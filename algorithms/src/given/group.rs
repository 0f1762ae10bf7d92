//! Groups of responses to one prompt, and what a reward model or a critic says.

use super::{Given, Logp, close};
use crate::eval::{EvalError, Evaluation, Settings, evaluate, initial_state, next_state};
use crate::ir::{Program, SideTag};
use crate::{Algorithm, Reach, Totals};

impl Given {
    /// One more response to this prompt, of several, as all policies see it; prompts in order.
    pub(crate) fn sample(mut self, prompt: usize, policies: &[Logp<'_>]) -> Given {
        self.layout.prompts = self.layout.prompts.max(prompt + 1);
        if self.layout.side(SideTag::Sample).is_empty() {
            self.layout.sides.push((SideTag::Sample, Vec::new()));
        }
        let tokens = policies.first().map_or(0, |(_, logp)| logp.len());
        for (side, reaches) in &mut self.layout.sides {
            if *side == SideTag::Sample {
                reaches.push(Reach { prompt, tokens });
            }
        }
        for (policy, logp) in policies {
            let mut all = self.inputs.get(policy, "logp", Some(SideTag::Sample)).unwrap_or_default().to_vec();
            all.extend(*logp);
            self.inputs.insert(*policy, "logp", Some(SideTag::Sample), all);
        }
        self
    }
    /// A column of the groups: one number for each response, or for each token.
    pub(crate) fn group(self, field: &str, values: &[f64]) -> Given {
        self.says("group", field, Some(SideTag::Sample), values)
    }
    /// What a model or the data says: one number for each prompt, response or token.
    pub(crate) fn says(mut self, owner: &str, field: &str, side: Option<SideTag>, values: &[f64]) -> Given {
        self.inputs.insert(owner, field, side, values.to_vec());
        self
    }
    /// At each token of a side, what a policy gives each word of the vocabulary.
    pub(crate) fn words(mut self, policy: &str, side: SideTag, probabilities: &[&[f64]]) -> Given {
        self.layout.words = probabilities.first().map_or(0, |words| words.len());
        let words: Vec<f64> = probabilities.concat().into_iter().map(f64::ln).collect();
        self.inputs.insert(policy, "words", Some(side), words);
        self
    }
    /// As many prompts with one response of one token on each of these sides, for models that score whole responses.
    pub(crate) fn prompts(sides: &[SideTag], prompts: usize) -> Given {
        let mut given = Given::default();
        given.layout.prompts = prompts;
        let reaches: Vec<_> = (0..prompts).map(|prompt| Reach { prompt, tokens: 1 }).collect();
        given.layout.sides = sides.iter().map(|side| (*side, reaches.clone())).collect();
        given
    }
    /// Asserts what the loss carries to the next step under this name.
    #[track_caller]
    pub(crate) fn check_next(&self, algorithm: &Algorithm, settings: &[(&str, f64)], name: &str, expected: f64) {
        let mut all = algorithm.defaults();
        all.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), *value)));
        let program = (algorithm.trace)();
        let state = initial_state(&program, &all).expect("it can begin");
        let shares = self.evaluate(algorithm, settings).shares;
        let next = next_state(&program, &shares, &state, &all).expect("it can go on");
        close(next[name], expected);
    }
    /// What a program says of this batch.
    #[track_caller]
    pub(crate) fn run(&self, program: &Program, settings: &[(&str, f64)]) -> Evaluation {
        self.try_run(program, settings).expect("it can be evaluated")
    }
    /// The same, or why it cannot be said.
    pub(crate) fn try_run(&self, program: &Program, settings: &[(&str, f64)]) -> Result<Evaluation, EvalError> {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        evaluate(program, &self.layout, &self.layout.totals(), &self.inputs, &settings)
    }
    /// What a program without hyper-parameters says of this part of a batch.
    #[track_caller]
    pub(crate) fn part_of(&self, whole: &Totals, program: &Program) -> Evaluation {
        evaluate(program, &self.layout, whole, &self.inputs, &Settings::new()).expect("it can be evaluated")
    }
    /// The derivative by what this owner says of a side.
    pub(crate) fn gradient_by(
        &self,
        algorithm: &Algorithm,
        settings: &[(&str, f64)],
        (owner, field, side): (&str, &str, SideTag),
    ) -> Vec<f64> {
        let evaluation = self.evaluate(algorithm, settings);
        evaluation.gradient.get(owner, field, Some(side)).expect("a gradient").to_vec()
    }
    /// Asserts the derivative by what this owner says of a side.
    #[track_caller]
    pub(crate) fn check_gradient_by(
        &self,
        algorithm: &Algorithm,
        settings: &[(&str, f64)],
        by: (&str, &str, SideTag),
        expected: &[f64],
    ) {
        let found = self.gradient_by(algorithm, settings, by);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            close(*found, *expected);
        }
    }
    /// Asserts the loss of a batch of groups, and its derivative by each token's log-probability of the actor.
    #[track_caller]
    pub(crate) fn check_samples(
        &self,
        algorithm: &Algorithm,
        settings: &[(&str, f64)],
        expected: f64,
        gradient: &[f64],
    ) {
        self.check(algorithm, settings, expected);
        self.check_gradient(algorithm, settings, SideTag::Sample, gradient);
    }
}

/// Two prompts with three and two responses, for which an independent script has written losses and gradients.
pub(crate) fn two_groups() -> Given {
    let responses: [(usize, [&[f64]; 3]); 5] = [
        (0, [&[-1.0, -0.5], &[-1.2, -0.4], &[-0.9, -0.8]]),
        (0, [&[-2.0], &[-1.5], &[-1.8]]),
        (0, [&[-0.7, -1.1, -0.3], &[-0.7, -1.4, -0.2], &[-1.0, -1.0, -0.5]]),
        (1, [&[-0.2], &[-0.6], &[-0.4]]),
        (1, [&[-1.6, -0.9], &[-1.5, -0.9], &[-1.3, -1.2]]),
    ];
    let mut given = Given::default();
    for (prompt, [actor, behavior, reference]) in responses {
        given = given.sample(prompt, &[("actor", actor), ("behavior", behavior), ("reference", reference)]);
    }
    given
        .group("score", &[1.0, 0.0, 0.4, -0.6, 0.5])
        .group("weight", &[0.5, 0.3, 0.2, 0.6, 0.4])
        .group("baseline", &[0.3, 0.3, 0.3, 0.1, 0.1])
        .group("ended", &[1.0, 0.0, 1.0, 1.0, 1.0])
        .group("value", &[0.1, 0.2, -0.3, 0.5, 0.4, 0.3, -0.2, 0.2, 0.6])
        .says("critic", "value", Some(SideTag::Sample), &[0.2, -0.1, -0.25, 0.9, 0.4, 0.1, -0.5, 0.25, 0.65])
}

/// Four responses of one token with the learned rewards .3, -.2, .5, .1 (`beta` 1) and the judged ones 1, 0, .4, -.6.
pub(crate) fn four_rewards() -> Given {
    let rewards = [0.3, -0.2, 0.5, 0.1];
    let sample = |given: Given, reward: &f64| given.sample(0, &[("actor", &[reward - 1.0]), ("reference", &[-1.0])]);
    rewards.iter().fold(Given::default(), sample).group("score", &[1.0, 0.0, 0.4, -0.6])
}
