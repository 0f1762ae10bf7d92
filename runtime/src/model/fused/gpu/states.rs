//! States in a GPU's memory, and what is made of all words there.

use super::{GpuBackend, GpuEngine, Kept, checked, frozen};
use crate::model::fused::states::{Pass, Taken, Unfound, WordStates};
use crate::model::fused::{FusedOptions, backend::Backend, decoder::Decoder, plan::Plan};
use crate::model::{GivesStates, Live, Sequences, Weights};
use crate::{Result, bridge};
use collimate_kernels::cuda::{
    Element, Numbers, Stream, ViewMut, bucket, cast,
    embedding::{self, Sorted},
    region::{self, ByPolicy, Inputs, NO_STEP, Policy, Room},
};
use collimate_kernels::region::NoWord;
use dfdx::prelude::Device;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The states of a policy, and the gradient by them in f32 if it is trained. There may be more rows than tokens: they fill up.
pub(in super::super) struct GpuStates {
    decoder: Arc<Decoder<GpuBackend>>,
    kept: Arc<Mutex<Kept>>,
    rows: Numbers,
    by_rows: Option<Mutex<Numbers>>,
}

impl GpuStates {
    fn new<D>(engine: &GpuEngine<D>, rows: Numbers, trained: bool) -> Self {
        let zeros = || engine.stream.zeros(Element::F32, rows.len());
        let by_rows = trained.then(|| Mutex::new(engine.decoder.backend.repeated(zeros)));
        GpuStates { decoder: Arc::clone(&engine.decoder), kept: Arc::clone(&engine.kept), rows, by_rows }
    }

    pub(in super::super) fn joined(parts: &[&Self], stretches: &[(usize, Range<usize>)], trained: bool) -> Self {
        let (first, width) = (parts[0], parts[0].width());
        let count: usize = stretches.iter().map(|(_, stretch)| stretch.len()).sum();
        let stream = first.stream();
        // So that they lie where those of another batch of these sizes did, and what is made of them is the same work.
        let (rows, by_rows) = first.decoder.backend.repeated(|| {
            let mut rows = stream.numbers(first.rows.element(), count * width);
            let mut end = 0;
            for (part, stretch) in stretches {
                let start = end;
                end += stretch.len() * width;
                let from = parts[*part].rows.view().part(stretch.start * width..stretch.end * width);
                stream.copy_to(rows.view_mut().part(start..end), from);
            }
            (rows, trained.then(|| Mutex::new(stream.zeros(Element::F32, count * width))))
        });
        GpuStates { decoder: Arc::clone(&first.decoder), kept: Arc::clone(&first.kept), rows, by_rows }
    }

    pub(in super::super) fn add_gradient(&self, to: Range<usize>, from: &Self, rows: Range<usize>) {
        let width = self.width();
        let from = from.by_rows().expect("the gradient of a whole batch was gathered");
        let mut own = self.by_rows().expect("what is trained gathers its gradient");
        let each: Vec<u32> = (0..rows.len() as u32).collect();
        let to = own.view_mut().part(to.start * width..to.end * width);
        let from = from.view().part(rows.start * width..rows.end * width);
        self.decoder.backend.repeated(|| {
            embedding::scatter_add(self.stream(), to, from, &Sorted::new(self.stream(), &each), width);
        });
    }

    pub(in super::super) fn is_trained(&self) -> bool {
        self.by_rows.is_some()
    }

    /// Do all of them lie on one GPU?
    pub(in super::super) fn on_one(all: &[&Self]) -> bool {
        all.iter().all(|states| states.stream().is(all[0].stream()))
    }

    fn stream(&self) -> &Stream {
        &self.decoder.backend.stream
    }

    fn width(&self) -> usize {
        self.decoder.backend.shape().hidden
    }

    fn by_rows(&self) -> Option<MutexGuard<'_, Numbers>> {
        self.by_rows.as_ref().map(|by_rows| by_rows.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Works with the weights of all these policies, and where the gradient of the output embedding goes of those that train theirs.
/// Several may have the same weights, say with narrow matrices beside them and without.
fn with_kept<T>(
    policies: &[&GpuStates],
    work: impl FnOnce(&mut dyn Iterator<Item = (&Numbers, Option<&mut Numbers>)>) -> T,
) -> T {
    let mut different: Vec<&Arc<Mutex<Kept>>> = policies.iter().map(|states| &states.kept).collect();
    different.sort_by_key(|kept| Arc::as_ptr(kept));
    different.dedup_by(|a, b| Arc::ptr_eq(a, b));
    let mut held: Vec<MutexGuard<'_, Kept>> =
        different.iter().map(|kept| kept.lock().unwrap_or_else(PoisonError::into_inner)).collect();
    let mut parts: Vec<(&Numbers, Option<&mut Numbers>)> = held
        .iter_mut()
        .map(|kept| {
            let Kept { weights, gradient, .. } = &mut **kept;
            (&*weights, gradient.as_mut())
        })
        .collect();
    work(&mut policies.iter().map(|states| {
        let place = different.iter().position(|kept| Arc::ptr_eq(kept, &states.kept));
        let (weights, gradient) = &mut parts[place.expect("it is one of them")];
        let trained = states.is_trained() && states.decoder.map.whole;
        (*weights, trained.then(|| gradient.take().expect("a model is trained as one policy")))
    }))
}

/// The rows of a pass, and as many after them as fill up to a size that comes again. They have states; what comes of them is
/// read by nobody, and no gradient comes from them.
fn filled(pass: &Pass, policies: &[&GpuStates]) -> Range<usize> {
    let there = policies.iter().map(|states| states.rows.len() / states.width()).min().unwrap_or(0);
    let Range { start, end } = pass.rows;
    start..(start + bucket(end - start)).min(there).max(end)
}

/// Numbers of some rows, and for those that fill up the first row's again, or nothing.
fn with_more<T: Copy>(numbers: &[T], each: usize, rows: usize, more: Option<T>) -> Vec<T> {
    let mut all = numbers.to_vec();
    while all.len() < rows * each {
        all.push(more.unwrap_or_else(|| numbers[all.len() % each]));
    }
    all
}

fn policy<'a>(states: &'a GpuStates, weights: &'a Numbers, rows: &Range<usize>) -> Policy<'a> {
    let width = states.width();
    let hidden = states.rows.view().part(rows.start * width..rows.end * width);
    Policy { hidden, table: weights.view().part(states.decoder.map.head.clone()), width }
}

/// `[row, sum]`
///
/// # Errors
/// If a logarithm of a sum has no word with a weight at some row, or the GPU fails.
pub(in super::super) fn sums(pass: &Pass, policies: &[&GpuStates]) -> Result<Vec<f32>, Unfound> {
    let (first, asked, rows) = (policies[0], pass.rows.len(), filled(pass, policies));
    let (stream, each) = (first.stream(), pass.region.sums().len());
    let (sums, none) = with_kept(policies, |kept| {
        let read: Vec<Policy<'_>> =
            policies.iter().zip(kept).map(|(states, (weights, _))| policy(states, weights, &rows)).collect();
        first.decoder.backend.repeated(|| {
            let given = with_more(&pass.given, pass.region.given(), rows.len(), None);
            let given = stream.upload(Element::F32, &given);
            let mut sums = stream.numbers(Element::F32, rows.len() * each);
            let mut none = stream.numbers(Element::U32, rows.len());
            let inputs = Inputs { region: &pass.region, policies: &read, given: given.view(), room: Room::default() };
            region::forward(stream, sums.view_mut(), none.view_mut(), inputs);
            (sums, none)
        })
    });
    let found = stream.download(sums.view().part(0..asked * each));
    let none = stream.download_indices(none.view().part(0..asked));
    checked(stream).map_err(Unfound::Failed)?;
    match none.into_iter().min() {
        Some(step) if step != NO_STEP => Err(Unfound::NoWord(NoWord { step: step as usize })),
        _ => Ok(found),
    }
}

/// Adds to the gradient of every policy that is trained, and gives that by the given numbers that are `live`. What fails is told
/// when the gradient is collected.
pub(in super::super) fn go_back(
    pass: &Pass,
    policies: &[&GpuStates],
    d_sums: &[f32],
    live: &[bool],
    taken: Option<Taken<'_>>,
) -> Vec<f32> {
    let (first, rows) = (policies[0], filled(pass, policies));
    let (stream, given_each) = (first.stream(), pass.region.given());
    let d_given = with_kept(policies, |kept| {
        let kept: Vec<_> = kept.collect();
        let read: Vec<Policy<'_>> =
            policies.iter().zip(&kept).map(|(states, (weights, _))| policy(states, weights, &rows)).collect();
        let mut gathered: Vec<_> = policies.iter().map(|states| states.by_rows()).collect();
        first.decoder.backend.repeated(|| {
            let given = stream.upload(Element::F32, &with_more(&pass.given, given_each, rows.len(), None));
            let d_sums = with_more(d_sums, pass.region.sums().len(), rows.len(), Some(0.0));
            let d_sums = stream.upload(Element::F32, &d_sums);
            let words = taken.map(|taken| {
                let words = stream.upload_indices(&with_more(taken.words, 1, rows.len(), Some(0)));
                (taken.policy, words, stream.upload(Element::F32, &with_more(taken.d_logp, 1, rows.len(), Some(0.0))))
            });
            let each = policies.iter().zip(gathered.iter_mut()).zip(kept).enumerate();
            let mut by: Vec<Option<ByPolicy<'_>>> = each
                .map(|(number, ((states, gathered), (_, gradient)))| {
                    let (width, head) = (states.width(), states.decoder.map.head.clone());
                    let taken = words.as_ref().filter(|(policy, ..)| *policy == number);
                    Some(ByPolicy {
                        d_hidden: gathered.as_mut()?.view_mut().part(rows.start * width..rows.end * width),
                        d_table: gradient
                            .map(|gradient: &mut Numbers| -> ViewMut<'_> { gradient.view_mut().part(head) }),
                        taken: taken.map(|(_, words, d_logp)| (words.view(), d_logp.view())),
                    })
                })
                .collect();
            let mut d_given = stream.numbers(Element::F32, rows.len() * given_each);
            let inputs = Inputs { region: &pass.region, policies: &read, given: given.view(), room: Room::default() };
            region::backward(stream, &mut by, d_given.view_mut(), live, d_sums.view(), inputs);
            d_given
        })
    });
    if live.contains(&true) {
        stream.download(d_given.view().part(0..pass.given.len()))
    } else {
        vec![0.0; pass.given.len()]
    }
}

impl<D: Device<f32>> GivesStates<D> for GpuEngine<D> {
    fn score_states(&self, batch: &Sequences, logp: bool) -> Result<(Option<Vec<f32>>, WordStates)> {
        self.weights_have(Weights::check_words)?;
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        let plan = Plan::new(batch, &weights.config, self.options.share_prompts)?.filled();
        let states = self.decoder.score_states(&self.kept(&weights).weights, &plan, logp);
        self.check()?;
        let logp = states.logp.map(|logp| logp[..plan.asked].to_vec());
        Ok((logp, WordStates::on_gpu(GpuStates::new(self, *states.rows, false), plan.asked, false)))
    }

    fn forward_states(&self, batch: &Sequences, logp: bool) -> Result<(Live<D>, Arc<WordStates>)> {
        self.weights_have(Weights::check_words)?;
        let FusedOptions { share_prompts, recompute, .. } = self.options;
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        let plan = Plan::new(batch, &weights.config, share_prompts)?.filled();
        let (states, trace) = {
            let kept = self.kept(&weights);
            if self.bare || kept.gradient.is_none() {
                return Err(frozen());
            }
            self.decoder.forward_states(&kept.weights, &plan, recompute, logp)
        };
        let own = GpuStates::new(self, *states.rows, true);
        self.check()?;
        let numbers = states.logp.map_or_else(|| vec![0.0; plan.asked], |logp| logp[..plan.asked].to_vec());
        let states = Arc::new(WordStates::on_gpu(own, plan.asked, true));
        let (decoder, weights, kept) = (Arc::clone(&self.decoder), Arc::clone(&self.kept), Arc::clone(&states));
        let live = bridge::node(&self.device, numbers, move |mut d_logp| {
            d_logp.resize(plan.rows.len(), 0.0);
            kept.hand_out(&plan.targets, &mut d_logp);
            let own = kept.gpu().expect("it was made on a GPU");
            let d_rows = || {
                let by_rows = own.by_rows().expect("what is trained gathers its gradient");
                let mut d_rows = decoder.backend.buffer(by_rows.len());
                match d_rows.element() {
                    Element::F32 => own.stream().copy_to(d_rows.view_mut(), by_rows.view()),
                    _ => cast::cast(own.stream(), d_rows.view_mut(), by_rows.view()),
                }
                d_rows
            };
            let d_logp = d_logp.iter().any(|d| *d != 0.0).then_some(&d_logp[..]);
            let mut kept = weights.lock().unwrap_or_else(PoisonError::into_inner);
            let Kept { weights, gradient: Some(gradient), .. } = &mut *kept else { return };
            // What fails is told when the gradient is collected.
            decoder.backward_states(weights, gradient, &plan, trace, &own.rows, d_rows, d_logp);
        })?;
        Ok((live, states))
    }
}
