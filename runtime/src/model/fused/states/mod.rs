//! Everything that a program makes of all words, from hidden states and the output embedding.
//!
//! A program's formula over words ([`Region`]) may read several policies. Of each there are the states that its scored tokens
//! are predicted from, kept here, and its output embedding, which stays where the weights are: no matrix of tokens and words
//! is ever made. The gradient by the states is gathered here too, until the decoder's own backward pass takes it on.

use super::{FusedEngine, backend::Backend, cpu::CpuBackend, decoder::Decoder, plan::Plan, within_pool};
use crate::model::{GivesStates, Live, Parameters, Sequences};
use crate::{Result, bridge};
use collimate_kernels::region::{self, ByPolicy, NoWord, Policy, Region};
use collimate_kernels::stored::Stored;
use dfdx::prelude::Cpu;
use std::ops::{DerefMut, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Numbers = Box<dyn DerefMut<Target = [f32]> + Send + Sync>;

/// A policy as one that is read word by word: a state for each scored token, sequence after sequence.
pub struct WordStates {
    parameters: Arc<Parameters>,
    decoder: Arc<Decoder<CpuBackend>>,
    rows: Numbers,
    gathered: Option<Mutex<Gathered>>,
}

/// The gradient of what is trained.
struct Gathered {
    by_rows: Numbers,
    /// Passes that wait for the decoder's own backward pass, with the gradient by their sums, because its tokens are taken
    /// along; none do where there will be none.
    waiting: Option<Vec<(Arc<Pass>, Vec<f32>)>>,
}

/// A formula over the words at some tokens.
pub(crate) struct Pass {
    pub(crate) region: Region,
    /// In the order in which the formula numbers them.
    pub(crate) policies: Vec<Arc<WordStates>>,
    /// Which of their rows.
    pub(crate) rows: Range<usize>,
    /// `[row, number]`
    pub(crate) given: Vec<f32>,
}

/// What was taken at each of a pass's rows, of which policy, and the gradient by its log-probability.
struct Taken<'a> {
    policy: *const WordStates,
    words: &'a [u32],
    d_logp: &'a [f32],
}

impl WordStates {
    fn new(engine: &FusedEngine, rows: impl DerefMut<Target = [f32]> + Send + Sync + 'static) -> Self {
        WordStates {
            parameters: Arc::clone(&engine.parameters),
            decoder: Arc::clone(&engine.decoder),
            rows: Box::new(rows),
            gathered: None,
        }
    }

    /// The states of several batches of the same policy as those of one: for each stretch its batch and its rows there. If
    /// `trained`, the gradient by them is gathered.
    ///
    /// # Panics
    /// If there is no part, or a stretch is not in it.
    #[must_use]
    pub fn joined(parts: &[Arc<WordStates>], stretches: &[(usize, Range<usize>)], trained: bool) -> Self {
        let first = &parts[0];
        let width = first.width();
        let mut rows: Vec<f32> = Vec::new();
        for (part, stretch) in stretches {
            rows.extend_from_slice(&parts[*part].rows[stretch.start * width..stretch.end * width]);
        }
        let by_rows = || Box::new(vec![0.0_f32; rows.len()]) as Numbers;
        let gathered = trained.then(|| Mutex::new(Gathered { by_rows: by_rows(), waiting: None }));
        WordStates {
            parameters: Arc::clone(&first.parameters),
            decoder: Arc::clone(&first.decoder),
            rows: Box::new(rows),
            gathered,
        }
    }

    /// Adds to the gradient by some rows what another one's gradient has in these.
    ///
    /// # Panics
    /// If either is not trained, or the stretches do not fit.
    pub fn add_gradient(&self, to: Range<usize>, from: &WordStates, rows: Range<usize>) {
        let width = self.width();
        let from = from.gathered().expect("the gradient of a whole batch was gathered");
        let mut own = self.gathered().expect("what is trained gathers its gradient");
        let to = &mut own.by_rows[to.start * width..to.end * width];
        to.iter_mut().zip(&from.by_rows[rows.start * width..rows.end * width]).for_each(|(to, from)| *to += from);
    }

    /// How many tokens there is a state for.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.rows.len() / self.width()
    }

    fn width(&self) -> usize {
        self.decoder.backend.shape().hidden
    }

    fn gathered(&self) -> Option<MutexGuard<'_, Gathered>> {
        self.gathered.as_ref().map(|gathered| gathered.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Works with the output embeddings of all these policies, after those that are there.
fn with_tables<T>(policies: &[Arc<WordStates>], tables: &[Stored<'_>], work: &mut dyn FnMut(&[Stored<'_>]) -> T) -> T {
    let Some(policy) = policies.get(tables.len()) else { return work(tables) };
    let weights = policy.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
    let own = policy.decoder.backend.read(&weights.data, &policy.decoder.map.head);
    with_tables(policies, &[tables, &[own]].concat(), work)
}

impl Pass {
    fn policies<'a>(&'a self, tables: &'a [Stored<'a>]) -> Vec<Policy<'a>> {
        let each = self.policies.iter().zip(tables);
        each.map(|(states, table)| {
            let width = states.width();
            Policy { hidden: &states.rows[self.rows.start * width..self.rows.end * width], table: *table, width }
        })
        .collect()
    }

    /// `[row, sum]`
    ///
    /// # Errors
    /// If a logarithm of a sum has no word with a weight at some row.
    pub(crate) fn sums(&self) -> std::result::Result<Vec<f32>, NoWord> {
        let mut sums = vec![0.0; self.rows.len() * self.region.sums().len()];
        with_tables(&self.policies, &[], &mut |tables| {
            let policies = self.policies(tables);
            let inputs = region::Inputs { region: &self.region, policies: &policies, given: &self.given };
            within_pool(|| region::forward(&mut sums, inputs))
        })?;
        Ok(sums)
    }

    /// Adds to the gradient of every policy that is trained, or leaves that to the decoder's backward pass, and gives that by
    /// the given numbers that are `live`.
    pub(crate) fn backward(self: &Arc<Self>, d_sums: Vec<f32>, live: &[bool]) -> Vec<f32> {
        if d_sums.iter().all(|d| *d == 0.0) {
            return vec![0.0; self.given.len()];
        }
        let trained: Vec<_> = self.policies.iter().filter_map(|states| states.gathered()).collect();
        if trained.is_empty() && !live.contains(&true) {
            return vec![0.0; self.given.len()];
        }
        if let Ok([mut one]) = <[_; 1]>::try_from(trained)
            && !live.contains(&true)
            && let Some(waiting) = &mut one.waiting
        {
            waiting.push((Arc::clone(self), d_sums));
            return vec![0.0; self.given.len()];
        }
        self.go_back(&d_sums, live, None)
    }

    fn go_back(&self, d_sums: &[f32], live: &[bool], taken: Option<Taken<'_>>) -> Vec<f32> {
        let mut d_given = vec![0.0; self.given.len()];
        let mut gathered: Vec<_> = self.policies.iter().map(|states| states.gathered()).collect();
        let mut gradients: Vec<_> = self
            .policies
            .iter()
            .zip(&gathered)
            .map(|(states, gathered)| {
                gathered.as_ref().map(|_| states.parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner))
            })
            .collect();
        with_tables(&self.policies, &[], &mut |tables| {
            let policies = self.policies(tables);
            let inputs = region::Inputs { region: &self.region, policies: &policies, given: &self.given };
            let each = self.policies.iter().zip(gathered.iter_mut().zip(&mut gradients));
            let mut by: Vec<_> = each
                .map(|(states, (gathered, gradient))| {
                    let width = states.width();
                    let rows = self.rows.start * width..self.rows.end * width;
                    let taken = taken.as_ref().filter(|taken| std::ptr::eq(taken.policy, Arc::as_ptr(states)));
                    Some(ByPolicy {
                        d_hidden: &mut gathered.as_mut()?.by_rows[rows],
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
}

impl GivesStates<Cpu> for FusedEngine {
    fn score_states(&self, batch: &Sequences, logp: bool) -> Result<(Option<Vec<f32>>, WordStates)> {
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        weights.check_words()?;
        let plan = Plan::new(batch, &weights.config, self.options.share_prompts)?;
        let states = within_pool(|| self.decoder.score_states(&weights.data, &plan, logp));
        Ok((states.logp, WordStates::new(self, states.rows)))
    }

    fn forward_states(&self, batch: &Sequences, logp: bool) -> Result<(Live<Cpu>, Arc<WordStates>)> {
        self.trainable()?;
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        weights.check_words()?;
        let plan = Plan::new(batch, &weights.config, self.options.share_prompts)?;
        let recompute = self.options.recompute;
        let (states, trace) = within_pool(|| self.decoder.forward_states(&weights.data, &plan, recompute, logp));
        let numbers = states.logp.unwrap_or_else(|| vec![0.0; plan.rows.len()]);
        let by_rows = Box::new(self.decoder.backend.zeros(states.rows.len()));
        let gathered = Some(Mutex::new(Gathered { by_rows, waiting: Some(Vec::new()) }));
        let states = Arc::new(WordStates { gathered, ..WordStates::new(self, states.rows) });
        let (decoder, parameters, kept) =
            (Arc::clone(&self.decoder), Arc::clone(&self.parameters), Arc::clone(&states));
        let live = bridge::node(&self.device, numbers, move |mut d_logp| {
            let waiting = kept.gathered().and_then(|mut gathered| gathered.waiting.take()).unwrap_or_default();
            for (pass, d_sums) in waiting {
                // What was taken goes along with the first pass over its rows.
                let rows = pass.rows.clone();
                let own = d_logp[rows.clone()].to_vec();
                d_logp[rows.clone()].fill(0.0);
                let taken = Taken { policy: Arc::as_ptr(&kept), words: &plan.targets[rows], d_logp: &own };
                pass.go_back(&d_sums, &vec![false; pass.region.given()], Some(taken));
            }
            let mut d_rows = decoder.backend.buffer(kept.rows.len());
            if let Some(gathered) = kept.gathered() {
                d_rows.copy_from_slice(&gathered.by_rows);
            }
            let d_logp = d_logp.iter().any(|d| *d != 0.0).then_some(&d_logp[..]);
            let weights = parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
            let mut gradient = parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner);
            let (gradient, rows): (_, &[f32]) = (gradient.as_mut_slice(), &kept.rows);
            within_pool(|| decoder.backward_states(&weights.data, gradient, &plan, trace, rows, (d_rows, d_logp)));
        })?;
        Ok((live, states))
    }
}
