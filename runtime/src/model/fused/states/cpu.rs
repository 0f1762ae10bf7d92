//! States in the host's memory.

use super::{Machine, Pass, Taken, WordStates};
use crate::model::fused::{FusedEngine, backend::Backend, cpu::CpuBackend, decoder::Decoder, plan::Plan, within_pool};
use crate::model::{GivesStates, Live, Parameters, Sequences};
use crate::{Result, bridge};
use collimate_kernels::region::{self, ByPolicy, NoWord, Policy};
use collimate_kernels::stored::Stored;
use dfdx::prelude::Cpu;
use std::ops::{DerefMut, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Numbers = Box<dyn DerefMut<Target = [f32]> + Send + Sync>;

/// The states of a policy, and the gradient by them if it is trained.
pub(super) struct CpuStates {
    parameters: Arc<Parameters>,
    decoder: Arc<Decoder<CpuBackend>>,
    rows: Numbers,
    by_rows: Option<Mutex<Numbers>>,
}

impl CpuStates {
    fn new(engine: &FusedEngine, rows: impl DerefMut<Target = [f32]> + Send + Sync + 'static, trained: bool) -> Self {
        let by_rows = trained.then(|| Mutex::new(Box::new(engine.decoder.backend.zeros(rows.len())) as Numbers));
        let (parameters, decoder) = (Arc::clone(&engine.parameters), Arc::clone(&engine.decoder));
        CpuStates { parameters, decoder, rows: Box::new(rows), by_rows }
    }

    pub(super) fn joined(parts: &[&Self], stretches: &[(usize, Range<usize>)], trained: bool) -> Self {
        let width = parts[0].width();
        let mut rows: Vec<f32> = Vec::new();
        for (part, stretch) in stretches {
            rows.extend_from_slice(&parts[*part].rows[stretch.start * width..stretch.end * width]);
        }
        let by_rows = trained.then(|| Mutex::new(Box::new(vec![0.0_f32; rows.len()]) as Numbers));
        let (parameters, decoder) = (Arc::clone(&parts[0].parameters), Arc::clone(&parts[0].decoder));
        CpuStates { parameters, decoder, rows: Box::new(rows), by_rows }
    }

    pub(super) fn add_gradient(&self, to: Range<usize>, from: &Self, rows: Range<usize>) {
        let width = self.width();
        let from = from.by_rows().expect("the gradient of a whole batch was gathered");
        let mut own = self.by_rows().expect("what is trained gathers its gradient");
        let to = &mut own[to.start * width..to.end * width];
        to.iter_mut().zip(&from[rows.start * width..rows.end * width]).for_each(|(to, from)| *to += from);
    }

    pub(super) fn is_trained(&self) -> bool {
        self.by_rows.is_some()
    }

    fn tokens(&self) -> usize {
        self.rows.len() / self.width()
    }

    fn width(&self) -> usize {
        self.decoder.backend.shape().hidden
    }

    fn by_rows(&self) -> Option<MutexGuard<'_, Numbers>> {
        self.by_rows.as_ref().map(|by_rows| by_rows.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Works with the output embeddings of all these policies, after those that are there.
fn with_tables<T>(policies: &[&CpuStates], tables: &[Stored<'_>], work: &mut dyn FnMut(&[Stored<'_>]) -> T) -> T {
    let Some(policy) = policies.get(tables.len()) else { return work(tables) };
    let weights = policy.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
    let own = policy.decoder.backend.read(&weights.data, &policy.decoder.map.head);
    with_tables(policies, &[tables, &[own]].concat(), work)
}

fn with<'a>(policies: &[&'a CpuStates], tables: &'a [Stored<'a>], rows: &Range<usize>) -> Vec<Policy<'a>> {
    let each = policies.iter().zip(tables);
    each.map(|(states, table)| {
        let width = states.width();
        Policy { hidden: &states.rows[rows.start * width..rows.end * width], table: *table, width }
    })
    .collect()
}

/// `[row, sum]`
pub(super) fn sums(pass: &Pass, policies: &[&CpuStates]) -> Result<Vec<f32>, NoWord> {
    let mut sums = vec![0.0; pass.rows.len() * pass.region.sums().len()];
    with_tables(policies, &[], &mut |tables| {
        let policies = with(policies, tables, &pass.rows);
        let inputs = region::Inputs { region: &pass.region, policies: &policies, given: &pass.given };
        within_pool(|| region::forward(&mut sums, inputs))
    })?;
    Ok(sums)
}

/// Adds to the gradient of every policy that is trained, and gives that by the given numbers that are `live`.
pub(super) fn go_back(
    pass: &Pass,
    policies: &[&CpuStates],
    d_sums: &[f32],
    live: &[bool],
    taken: Option<Taken<'_>>,
) -> Vec<f32> {
    let mut d_given = vec![0.0; pass.given.len()];
    let mut gathered: Vec<_> = policies.iter().map(|states| states.by_rows()).collect();
    let mut gradients: Vec<_> = policies
        .iter()
        .map(|states| {
            let gradient = || states.parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner);
            states.is_trained().then(gradient)
        })
        .collect();
    with_tables(policies, &[], &mut |tables| {
        let read = with(policies, tables, &pass.rows);
        let inputs = region::Inputs { region: &pass.region, policies: &read, given: &pass.given };
        let each = policies.iter().enumerate().zip(gathered.iter_mut().zip(&mut gradients));
        let mut by: Vec<_> = each
            .map(|((number, states), (gathered, gradient))| {
                let width = states.width();
                let rows = pass.rows.start * width..pass.rows.end * width;
                let taken = taken.filter(|taken| taken.policy == number);
                Some(ByPolicy {
                    d_hidden: &mut gathered.as_mut()?[rows],
                    d_table: gradient
                        .as_mut()
                        .filter(|_| states.decoder.map.whole)
                        .map(|gradient| &mut gradient[states.decoder.map.head.clone()]),
                    taken: taken.map(|taken| (taken.words, taken.d_logp)),
                })
            })
            .collect();
        within_pool(|| region::backward(&mut by, &mut d_given, live, d_sums, inputs));
    });
    d_given
}

impl GivesStates<Cpu> for FusedEngine {
    fn score_states(&self, batch: &Sequences, logp: bool) -> Result<(Option<Vec<f32>>, WordStates)> {
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        weights.check_words()?;
        let plan = Plan::new(batch, &weights.config, self.options.share_prompts)?;
        let states = within_pool(|| self.decoder.score_states(&weights.data, &plan, logp));
        let own = CpuStates::new(self, states.rows, false);
        let tokens = own.tokens();
        Ok((states.logp, WordStates::new(Machine::Cpu(own), tokens, false)))
    }

    fn forward_states(&self, batch: &Sequences, logp: bool) -> Result<(Live<Cpu>, Arc<WordStates>)> {
        self.trainable()?;
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        weights.check_words()?;
        let plan = Plan::new(batch, &weights.config, self.options.share_prompts)?;
        let recompute = self.options.recompute;
        let (states, trace) = within_pool(|| self.decoder.forward_states(&weights.data, &plan, recompute, logp));
        let numbers = states.logp.unwrap_or_else(|| vec![0.0; plan.rows.len()]);
        let own = CpuStates::new(self, states.rows, true);
        let tokens = own.tokens();
        let states = Arc::new(WordStates::new(Machine::Cpu(own), tokens, true));
        let (decoder, parameters, kept) =
            (Arc::clone(&self.decoder), Arc::clone(&self.parameters), Arc::clone(&states));
        let live = bridge::node(&self.device, numbers, move |mut d_logp| {
            kept.hand_out(&plan.targets, &mut d_logp);
            let own = kept.cpu().expect("it was made on the CPU");
            let d_rows = || {
                let mut d_rows = decoder.backend.buffer(own.rows.len());
                d_rows.copy_from_slice(&own.by_rows().expect("what is trained gathers its gradient"));
                d_rows
            };
            let d_logp = d_logp.iter().any(|d| *d != 0.0).then_some(&d_logp[..]);
            let weights = parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
            let mut gradient = parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner);
            let (gradient, rows): (_, &[f32]) = (gradient.as_mut_slice(), &own.rows);
            within_pool(|| decoder.backward_states(&weights.data, gradient, &plan, trace, rows, d_rows, d_logp));
        })?;
        Ok((live, states))
    }
}
