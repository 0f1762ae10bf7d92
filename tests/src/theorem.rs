//! Two formulas on the same numbers.

use crate::golden::{Golden, close};
use collimate::Algorithm;
use collimate_dsl::eval::{Evaluation, Inputs, evaluate};
use collimate_dsl::ir::SideTag;
use collimate_dsl::{Layout, Reach};

/// The better response of a pair.
pub const CHOSEN: SideTag = SideTag::Chosen;
/// The other.
pub const REJECTED: SideTag = SideTag::Rejected;
/// The responses of a group.
pub const SAMPLE: SideTag = SideTag::Sample;

/// Log-probabilities, scores and what else a formula may read.
#[derive(Clone)]
pub struct Numbers {
    /// Whose responses, how long.
    pub layout: Layout,
    /// What is given for them.
    pub inputs: Inputs,
}

impl Numbers {
    /// A batch of `golden/losses.json`.
    #[must_use]
    pub fn golden(name: &str) -> Numbers {
        let golden = Golden::read("losses.json");
        let (layout, inputs) = golden.batch(name);
        Numbers { layout: layout.clone(), inputs: inputs.clone() }
    }

    /// One prompt with responses of one token each, on one side.
    #[must_use]
    pub fn one_group(responses: usize) -> Numbers {
        let reaches = vec![Reach { prompt: 0, tokens: 1 }; responses];
        Numbers {
            layout: Layout { prompts: 1, sides: vec![(SideTag::Sample, reaches)], words: 0 },
            inputs: Inputs::new(),
        }
    }

    /// Pairs of responses of one token each.
    #[must_use]
    pub fn pairs(pairs: usize) -> Numbers {
        let reaches: Vec<Reach> = (0..pairs).map(|prompt| Reach { prompt, tokens: 1 }).collect();
        let sides = vec![(SideTag::Chosen, reaches.clone()), (SideTag::Rejected, reaches)];
        Numbers { layout: Layout { prompts: pairs, sides, words: 0 }, inputs: Inputs::new() }
    }

    /// The same with one input changed or given.
    #[must_use]
    pub fn with(mut self, owner: &str, field: &str, side: impl Into<Option<SideTag>>, values: &[f64]) -> Numbers {
        self.inputs.insert(owner, field, side.into(), values.to_vec());
        self
    }

    /// The same with a judge that gives every chosen response one point more than the rejected one.
    #[must_use]
    pub fn judged_one_point(self) -> Numbers {
        let (ones, zeros) = (vec![1.0; self.layout.prompts], vec![0.0; self.layout.prompts]);
        self.with("scored_pair", "chosen_score", SideTag::Chosen, &ones).with(
            "scored_pair",
            "rejected_score",
            SideTag::Rejected,
            &zeros,
        )
    }

    /// How many tokens each response of a side has.
    #[must_use]
    pub fn lengths(&self, side: SideTag) -> Vec<usize> {
        self.layout.side(side).iter().map(|reach| reach.tokens).collect()
    }

    /// An algorithm's numbers.
    ///
    /// # Panics
    /// If it cannot be evaluated.
    #[must_use]
    #[track_caller]
    pub fn of(&self, algorithm: &Algorithm, settings: &[(&str, f64)]) -> Evaluation {
        let mut all = algorithm.defaults();
        for (name, value) in settings {
            assert!(all.insert((*name).to_owned(), *value).is_some(), "{} has no `{name}`", algorithm.name);
        }
        evaluate(&(algorithm.trace)(), &self.layout, &self.layout.totals(), &self.inputs, &all)
            .unwrap_or_else(|error| panic!("{}: {error}", algorithm.name))
    }
}

/// The actor's gradients of one side.
///
/// # Panics
/// If there are none.
#[must_use]
#[track_caller]
pub fn pushes(evaluation: &Evaluation, side: SideTag) -> &[f64] {
    evaluation.gradient.get("actor", "logp", Some(side)).expect("the formula reads this side")
}

/// Asserts that one loss is a factor times another plus a constant: in value and in what each token is pushed by.
///
/// # Panics
/// If it is not.
#[track_caller]
pub fn is(left: &Evaluation, factor: f64, right: &Evaluation, constant: f64) {
    close("loss", &[left.loss], &[factor * right.loss + constant], 1e-9);
    pushes_alike(left, factor, right);
}

/// Asserts that one loss pushes every token a factor times as much as another.
///
/// # Panics
/// If it does not.
#[track_caller]
pub fn pushes_alike(left: &Evaluation, factor: f64, right: &Evaluation) {
    for (owner, field, side, found) in left.gradient.iter() {
        let other = right.gradient.get(owner, field, side).expect("both read it");
        let expected: Vec<f64> = other.iter().map(|g| factor * g).collect();
        close("gradient", found, &expected, 1e-9);
    }
}
