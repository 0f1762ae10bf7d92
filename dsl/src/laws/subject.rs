//! What the laws are tried on: a program, its settings, and the batches drawn for it.

use super::batch::Batch;
use super::noise::Noise;
use crate::eval::{Evaluation, Settings, evaluate, input_name};
use crate::ir::{KindTag, Program, Ty};
use crate::{Spec, Totals};

/// A program on trial.
pub(super) struct Subject<'a> {
    pub(super) program: &'a Program,
    /// The data view it reads.
    pub(super) view: &'a str,
    /// Its hyper-parameters at their defaults.
    pub(super) defaults: Settings,
    /// The same moved away from them, so that none is 0 or 1 that need not be.
    pub(super) varied: Settings,
}

/// One live input: whose, what, of which side.
pub(super) type Live<'a> = (&'a str, &'a str, Ty);

impl<'a> Subject<'a> {
    pub(super) fn new(program: &'a Program, specs: &[Spec], view: &'a str) -> Self {
        let defaults = specs.iter().map(|spec| (spec.name.to_owned(), spec.default)).collect();
        let varied = specs.iter().map(|spec| (spec.name.to_owned(), varied(spec))).collect();
        Subject { program, view, defaults, varied }
    }

    /// A batch of four prompts.
    pub(super) fn batch(&self, seed: u64) -> Batch {
        Batch::draw(self.program, self.view, &mut Noise(seed))
    }

    /// A batch of four prompts, with pairs of equally long responses.
    pub(super) fn level_batch(&self, seed: u64) -> Batch {
        Batch::draw_level(self.program, self.view, &mut Noise(seed))
    }

    /// The program's numbers on a whole batch.
    pub(super) fn evaluate(&self, batch: &Batch, settings: &Settings) -> Result<Evaluation, String> {
        self.part(batch, &batch.layout.totals(), settings)
    }

    /// The program's numbers on a part of a batch.
    pub(super) fn part(&self, batch: &Batch, totals: &Totals, settings: &Settings) -> Result<Evaluation, String> {
        evaluate(self.program, &batch.layout, totals, &batch.inputs, settings).map_err(|error| error.to_string())
    }

    /// What it trains, each input once.
    pub(super) fn live(&self) -> Vec<Live<'_>> {
        let mut live: Vec<Live<'_>> = Vec::new();
        for (_, owner, field, ty) in self.program.inputs().filter(|(.., ty)| ty.live) {
            if !live.iter().any(|(o, f, t)| (*o, *f, t.side) == (owner, field, ty.side)) {
                live.push((owner, field, ty));
            }
        }
        live
    }

    /// What it trains that says how good a response is: log-probabilities of its tokens, or a reward for it.
    pub(super) fn opinions(&self) -> Vec<Live<'_>> {
        let says = |kind| matches!(kind, KindTag::LogProb | KindTag::Reward);
        self.live().into_iter().filter(|(_, field, ty)| says(ty.kind) && matches!(*field, "logp" | "score")).collect()
    }
}

/// `` `actor.logp` of Chosen ``
pub(super) fn name((owner, field, ty): &Live<'_>) -> String {
    input_name(owner, field, ty.side)
}

/// Another value the hyper-parameter may have, the default where it may have no other.
fn varied(spec: &Spec) -> f64 {
    let near = if spec.whole {
        [spec.default + 1.0, spec.default - 1.0, spec.default + 2.0, spec.default]
    } else {
        [1.5 * spec.default + 0.13, 0.5 * spec.default + 0.07, 0.5 * spec.default, spec.default]
    };
    near.into_iter().find(|value| spec.allows(*value)).unwrap_or(spec.default)
}
