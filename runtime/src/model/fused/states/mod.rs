//! Everything that a program makes of all words, from hidden states and the output embedding.
//!
//! A program's formula over words ([`Region`]) may read several policies. Of each there are the states that its scored tokens
//! are predicted from, kept here, and its output embedding, which stays where the weights are: no matrix of tokens and words
//! is ever made. The gradient by the states is gathered here too, until the decoder's own backward pass takes it on.

mod cpu;

use super::gpu::GpuStates;
use crate::Error;
use collimate_kernels::region::{NoWord, Region};
use cpu::CpuStates;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A policy as one that is read word by word: a state for each scored token, sequence after sequence.
pub struct WordStates {
    machine: Machine,
    tokens: usize,
    waiting: Mutex<Option<Waiting>>,
}

/// Where the states lie, and the gradient that is gathered by them.
enum Machine {
    Cpu(CpuStates),
    Gpu(GpuStates),
}

/// Passes that wait for the decoder's own backward pass, with the gradient by their sums, because its tokens are taken along; none
/// do where there will be none.
type Waiting = Vec<(Arc<Pass>, Vec<f32>)>;

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

/// Why a pass finds no sums.
#[derive(Debug)]
pub(crate) enum Unfound {
    /// A logarithm of a sum has no word with a weight at some row.
    NoWord(NoWord),
    Failed(Error),
}

/// What was taken at each of a pass's rows, of which of its policies, and the gradient by its log-probability.
#[derive(Clone, Copy)]
pub(super) struct Taken<'a> {
    pub(super) policy: usize,
    pub(super) words: &'a [u32],
    pub(super) d_logp: &'a [f32],
}

impl WordStates {
    /// With a list of passes that wait if `awaited`: if the decoder's own backward pass will come.
    fn new(machine: Machine, tokens: usize, awaited: bool) -> Self {
        WordStates { machine, tokens, waiting: Mutex::new(awaited.then(Vec::new)) }
    }

    pub(super) fn on_gpu(states: GpuStates, tokens: usize, awaited: bool) -> Self {
        WordStates::new(Machine::Gpu(states), tokens, awaited)
    }

    pub(super) fn gpu(&self) -> Option<&GpuStates> {
        if let Machine::Gpu(states) = &self.machine { Some(states) } else { None }
    }

    fn cpu(&self) -> Option<&CpuStates> {
        if let Machine::Cpu(states) = &self.machine { Some(states) } else { None }
    }

    /// The states of several batches of the same policy as those of one: for each stretch its batch and its rows there. If
    /// `trained`, the gradient by them is gathered.
    ///
    /// # Panics
    /// If there is no part, a stretch is not in it, or the parts lie on several machines.
    #[must_use]
    pub fn joined(parts: &[Arc<WordStates>], stretches: &[(usize, Range<usize>)], trained: bool) -> Self {
        let machine = match &parts[0].machine {
            Machine::Cpu(_) => Machine::Cpu(CpuStates::joined(&one_machine(parts, Self::cpu), stretches, trained)),
            Machine::Gpu(_) => Machine::Gpu(GpuStates::joined(&one_machine(parts, Self::gpu), stretches, trained)),
        };
        WordStates::new(machine, stretches.iter().map(|(_, stretch)| stretch.len()).sum(), false)
    }

    /// Adds to the gradient by some rows what another one's gradient has in these.
    ///
    /// # Panics
    /// If either is not trained, they lie on two machines, or the stretches do not fit.
    pub fn add_gradient(&self, to: Range<usize>, from: &WordStates, rows: Range<usize>) {
        match (&self.machine, &from.machine) {
            (Machine::Cpu(own), Machine::Cpu(from)) => own.add_gradient(to, from, rows),
            (Machine::Gpu(own), Machine::Gpu(from)) => own.add_gradient(to, from, rows),
            _ => panic!("gradients on two machines"),
        }
    }

    /// How many tokens there is a state for.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    fn is_trained(&self) -> bool {
        match &self.machine {
            Machine::Cpu(states) => states.is_trained(),
            Machine::Gpu(states) => states.is_trained(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the passes that waited. What was taken goes along with the first pass over its rows, and is set to zero: `targets` are
    /// the scored tokens, `d_logp` the gradient by their log-probabilities.
    pub(super) fn hand_out(self: &Arc<Self>, targets: &[u32], d_logp: &mut [f32]) {
        for (pass, d_sums) in self.waiting().take().unwrap_or_default() {
            let rows = pass.rows.clone();
            let own = d_logp[rows.clone()].to_vec();
            d_logp[rows.clone()].fill(0.0);
            let policy = pass.policies.iter().position(|policy| Arc::ptr_eq(policy, self));
            let policy = policy.expect("a pass waits for a policy that it reads");
            let taken = Taken { policy, words: &targets[rows], d_logp: &own };
            pass.go_back(&d_sums, &vec![false; pass.region.given()], Some(taken));
        }
    }
}

/// The states of each as those of one machine.
fn one_machine<'a, T>(parts: &'a [Arc<WordStates>], of: impl Fn(&'a WordStates) -> Option<&'a T>) -> Vec<&'a T> {
    parts.iter().map(|part| of(part).expect("parts of one batch lie on one machine")).collect()
}

/// The states of a pass's policies, which lie on one machine.
enum Together<'a> {
    Cpu(Vec<&'a CpuStates>),
    Gpu(Vec<&'a GpuStates>),
}

impl Pass {
    /// Nothing if they do not lie on one.
    fn together(&self) -> Option<Together<'_>> {
        let cpu: Option<Vec<_>> = self.policies.iter().map(|states| states.cpu()).collect();
        let gpu = || self.policies.iter().map(|states| states.gpu()).collect::<Option<Vec<_>>>();
        cpu.map(Together::Cpu).or_else(|| gpu().filter(|gpu| GpuStates::on_one(gpu)).map(Together::Gpu))
    }

    /// `[row, sum]`
    ///
    /// # Errors
    /// If a logarithm of a sum has no word with a weight at some row, the policies do not lie on one machine, or that fails.
    pub(crate) fn sums(&self) -> Result<Vec<f32>, Unfound> {
        match self.together() {
            Some(Together::Cpu(policies)) => cpu::sums(self, &policies).map_err(Unfound::NoWord),
            Some(Together::Gpu(policies)) => super::gpu::sums(self, &policies),
            None => {
                let problem = "policies whose words are read together must be on one device";
                Err(Unfound::Failed(Error::Setting(problem.to_owned())))
            }
        }
    }

    /// Adds to the gradient of every policy that is trained, or leaves that to the decoder's backward pass, and gives that by
    /// the given numbers that are `live`.
    pub(crate) fn backward(self: &Arc<Self>, d_sums: Vec<f32>, live: &[bool]) -> Vec<f32> {
        let none = || vec![0.0; self.given.len()];
        if d_sums.iter().all(|d| *d == 0.0) {
            return none();
        }
        let trained: Vec<_> = self.policies.iter().filter(|states| states.is_trained()).collect();
        if trained.is_empty() && !live.contains(&true) {
            return none();
        }
        if let [one] = trained[..]
            && !live.contains(&true)
            && let Some(waiting) = &mut *one.waiting()
        {
            waiting.push((Arc::clone(self), d_sums));
            return none();
        }
        self.go_back(&d_sums, live, None)
    }

    fn go_back(&self, d_sums: &[f32], live: &[bool], taken: Option<Taken<'_>>) -> Vec<f32> {
        match self.together().expect("its sums were found on one machine") {
            Together::Cpu(policies) => cpu::go_back(self, &policies, d_sums, live, taken),
            Together::Gpu(policies) => super::gpu::go_back(self, &policies, d_sums, live, taken),
        }
    }
}
