//! The actor as it was: at the start of a run, or when it was last copied.

use crate::Result;
use crate::model::{Engine, Parameters, Weights};
use dfdx::prelude::Device;
use std::sync::Arc;

/// A frozen copy of the actor.
pub(super) enum Copy<D: Device<f32>> {
    /// What it was at the start, in an engine that stays so.
    Start(Box<dyn Engine<D>>),
    /// With all weights of its own.
    Whole { engine: Box<dyn Engine<D>>, parameters: Arc<Parameters> },
    /// Of an actor that is narrow matrices beside a model: these alone, which take the places of the actor's own while the
    /// copy is asked.
    Beside(Arc<Parameters>),
}

impl<D: Device<f32>> Copy<D> {
    /// What the actor is now, to be refreshed later.
    pub(super) fn now(
        actor: &Parameters,
        engine: &dyn Fn(Arc<Parameters>) -> Result<Box<dyn Engine<D>>>,
    ) -> Result<Self> {
        let weights = actor.held();
        if weights.low_rank.is_some() {
            return Ok(Copy::Beside(Arc::new(Parameters::frozen(weights.trained_alone()))));
        }
        let parameters = Arc::new(Parameters::frozen(weights.clone()));
        Ok(Copy::Whole { engine: engine(Arc::clone(&parameters))?, parameters })
    }

    /// What a checkpoint has to keep of one that is refreshed.
    pub(super) fn parameters(&self) -> Option<&Arc<Parameters>> {
        match self {
            Copy::Start(_) => None,
            Copy::Whole { parameters, .. } | Copy::Beside(parameters) => Some(parameters),
        }
    }

    /// Becomes what the actor is now. What stays as it was at the start stays so.
    pub(super) fn refresh(&self, actor: &Parameters) {
        if let Some(own) = self.parameters() {
            let weights = actor.held();
            own.change(|own| own.data.copy_from_slice(&weights.data[weights.trained()]));
        }
    }

    /// Asks the copy, given the actor's engine and what this reads.
    pub(super) fn ask<T>(
        &self,
        engine: &dyn Engine<D>,
        actor: &Parameters,
        ask: impl FnOnce(&dyn Engine<D>) -> T,
    ) -> T {
        match self {
            Copy::Start(own) | Copy::Whole { engine: own, .. } => ask(&**own),
            Copy::Beside(own) => in_its_place(own, actor, || ask(engine)),
        }
    }

    /// Reads the copy's weights; the actor's of one that has none.
    pub(super) fn read<T>(&self, actor: &Parameters, read: impl FnOnce(&Weights) -> T) -> T {
        match self {
            Copy::Start(_) => read(&actor.held()),
            Copy::Whole { parameters, .. } => read(&parameters.held()),
            Copy::Beside(own) => in_its_place(own, actor, || read(&actor.held())),
        }
    }
}

/// Does something while what is trained of the actor is as it was when it was copied.
fn in_its_place<T>(copy: &Parameters, actor: &Parameters, then: impl FnOnce() -> T) -> T {
    let exchange = || {
        copy.change(|copy| {
            actor.change(|actor| {
                let trained = actor.trained();
                actor.data[trained].swap_with_slice(&mut copy.data);
            });
        });
    };
    exchange();
    let result = then();
    exchange();
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FusedEngine, LowRank, Sequences};
    use crate::train::small::config;
    use dfdx::prelude::Cpu;

    fn engine(parameters: Arc<Parameters>) -> Result<Box<dyn Engine<Cpu>>> {
        Ok(Box::new(FusedEngine::new(parameters)))
    }

    fn scale(actor: &Parameters, by: f32) {
        actor.change(|weights| {
            let trained = weights.trained();
            weights.data[trained].iter_mut().enumerate().for_each(|(i, w)| *w = *w * by + (i as f32).sin() * 0.1);
        });
    }

    /// A copy says what the actor said when it was copied, whatever became of the actor, which it leaves as it is.
    fn check(weights: Weights, numbers: usize) {
        let actor = Arc::new(Parameters::new(weights));
        let of_actor = engine(Arc::clone(&actor)).unwrap();
        let mut batch = Sequences::default();
        batch.push(&[1, 2], &[3, 4, 5]);
        batch.push(&[3], &[1, 2]);
        let copy = Copy::now(&actor, &engine).unwrap();
        assert_eq!(copy.parameters().unwrap().held().data.len(), numbers);
        let asked = || copy.ask(&*of_actor, &actor, |engine| engine.score(&batch).unwrap());
        let before = of_actor.score(&batch).unwrap();
        assert_eq!(asked(), before);
        let was = actor.held().clone();
        scale(&actor, 1.2);
        let (now, is) = (of_actor.score(&batch).unwrap(), actor.held().clone());
        assert_ne!(now, before);
        assert_eq!(asked(), before);
        copy.read(&actor, |weights| assert_eq!(*weights, was));
        assert_eq!(*actor.held(), is);
        assert_eq!(of_actor.score(&batch).unwrap(), now);
        copy.refresh(&actor);
        assert_eq!(asked(), now);
        copy.read(&actor, |weights| assert_eq!(*weights, is));
    }

    #[test]
    fn it_stays_what_it_was_until_it_is_refreshed() {
        let weights = Weights::random_within(config(), 0.3, 3);
        check(weights.clone(), weights.data.len());
        let low_rank = weights.with_low_rank(LowRank { rank: 2, alpha: 8.0 }, 5).unwrap();
        let narrow = low_rank.trained().len();
        assert!(narrow < low_rank.data.len() / 2, "the model itself is not copied");
        check(low_rank, narrow);
    }

    #[test]
    fn what_stays_as_it_was_at_the_start_is_not_refreshed() {
        let actor = Arc::new(Parameters::new(Weights::random(config(), 3)));
        let start = engine(Arc::new(Parameters::frozen(actor.held().clone()))).unwrap();
        let copy = Copy::Start(start);
        scale(&actor, 1.5);
        copy.refresh(&actor);
        assert!(copy.parameters().is_none());
        let mut batch = Sequences::default();
        batch.push(&[1, 2], &[3, 4, 5]);
        let of_actor = engine(Arc::clone(&actor)).unwrap();
        let said = copy.ask(&*of_actor, &actor, |engine| engine.score(&batch).unwrap());
        assert_ne!(said, of_actor.score(&batch).unwrap());
        copy.read(&actor, |weights| assert_eq!(*weights, *actor.held()));
    }
}
