//! The decoder on the emulated GPU, against that on the CPU.

use super::super::low_rank::narrow;
use super::super::states::Pass;
use super::super::tests::{batch, configs, groups, weights};
use super::GpuEngine;
use crate::model::{Engine, FusedEngine, FusedOptions, Parameters, Sequences, Weights};
use crate::train::{AdamW, Update, shortened};
use collimate_emulation::{Emulated, Order, machine};
use collimate_kernels::cuda::{Element, Stream};
use collimate_kernels::region::{Region, Step};
use dfdx::prelude::{Backward, Cpu, PutTape, SumTo};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

fn emulated(parameters: &Arc<Parameters>, element: Element, options: FusedOptions) -> GpuEngine<Cpu> {
    let stream = machine(Order::Shuffled(7));
    GpuEngine::new(Arc::clone(parameters), Cpu::default(), stream, element, options).unwrap()
}

/// Log-probabilities, and the gradient of the sum of their squares.
fn learn(engine: &dyn Engine<Cpu>, parameters: &Parameters, batch: &Sequences) -> (Vec<f32>, Vec<f32>) {
    let live = engine.forward(batch).unwrap();
    let logp = live.logp.as_vec();
    assert_eq!(engine.score(batch).unwrap(), logp);
    let gradients = live.logp.put_tape(live.tape).square().sum().backward();
    engine.collect(&gradients).unwrap();
    let gradient = std::mem::take(&mut *parameters.gradient.lock().unwrap());
    *parameters.gradient.lock().unwrap() = vec![0.0; gradient.len()];
    (logp, gradient)
}

#[track_caller]
fn close(ours: &[f32], right: &[f32], tolerance: f32) {
    let largest = right.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    assert_eq!(ours.len(), right.len());
    for (i, (ours, right)) in ours.iter().zip(right).enumerate() {
        let off = (ours - right).abs();
        assert!(off <= tolerance * largest, "{i}: {ours} where {right} is right, largest {largest}");
    }
}

#[test]
fn f32_is_the_engine_of_the_cpu() {
    for config in configs() {
        for (batch, share_prompts, recompute, replay) in [
            (batch(), true, false, true),
            (batch(), true, false, false),
            (groups(), true, true, true),
            (groups(), false, false, false),
        ] {
            let options = FusedOptions { share_prompts, recompute, replay, ..FusedOptions::default() };
            let parameters = Arc::new(Parameters::new(weights(config.clone())));
            let right = learn(&FusedEngine::with(Arc::clone(&parameters), options), &parameters, &batch);
            let engine = emulated(&parameters, Element::F32, options);
            let ours = learn(&engine, &parameters, &batch);
            close(&ours.0, &right.0, 1e-5);
            close(&ours.1, &right.1, 1e-5);
            assert_eq!(learn(&engine, &parameters, &batch), ours, "the same on every run");
        }
    }
}

/// Weights that bf16 can hold, and not so large that rounding decides.
fn held_in_bf16(mut weights: Weights) -> Weights {
    for w in &mut weights.data {
        let near = if *w >= 1.0 { *w } else { 0.3 * *w };
        *w = f32::from_bits(near.to_bits() & 0xffff_0000);
    }
    weights
}

#[test]
fn bf16_is_near_the_engine_of_the_cpu() {
    for config in configs() {
        let parameters = Arc::new(Parameters::new(held_in_bf16(weights(config))));
        let options = FusedOptions::default();
        let right = learn(&FusedEngine::with(Arc::clone(&parameters), options), &parameters, &groups());
        let ours = learn(&emulated(&parameters, Element::Bf16, options), &parameters, &groups());
        close(&ours.0, &right.0, 1e-2);
        close(&ours.1, &right.1, 5e-2);
    }
}

#[test]
fn narrow_matrices_are_trained_as_on_the_cpu() {
    for (element, near, config) in [(Element::F32, 1e-5, 0), (Element::Bf16, 6e-2, 0), (Element::F32, 1e-5, 5)] {
        let mut weights = weights(configs()[config].clone());
        if element == Element::Bf16 {
            weights.data.iter_mut().filter(|w| **w < 1.0).for_each(|w| *w *= 0.3);
        }
        let parameters = Arc::new(Parameters::new(narrow(weights)));
        let options = FusedOptions::default();
        let cpu = FusedEngine::with(Arc::clone(&parameters), options);
        let right = learn(&cpu, &parameters, &groups());
        let engine = emulated(&parameters, element, options);
        let ours = learn(&engine, &parameters, &groups());
        close(&ours.0, &right.0, near);
        close(&ours.1, &right.1, near);
        let bare = engine.without_low_rank().unwrap();
        close(&bare.score(&groups()).unwrap(), &cpu.without_low_rank().unwrap().score(&groups()).unwrap(), near);
    }
}

#[test]
fn all_words_have_the_log_probabilities_and_gradients_of_the_cpu() {
    let parameters = Arc::new(Parameters::new(weights(configs()[0].clone())));
    let learn = |engine: &dyn Engine<Cpu>| {
        let live = engine.forward_words(&batch()).unwrap();
        let words = live.logp.as_vec();
        assert_eq!(engine.score_words(&batch()).unwrap(), words);
        let gradients = live.logp.put_tape(live.tape).square().sum().backward();
        engine.collect(&gradients).unwrap();
        let gradient = std::mem::take(&mut *parameters.gradient.lock().unwrap());
        *parameters.gradient.lock().unwrap() = vec![0.0; gradient.len()];
        (words, gradient)
    };
    let right = learn(&FusedEngine::new(Arc::clone(&parameters)));
    let ours = learn(&emulated(&parameters, Element::F32, FusedOptions::default()));
    close(&ours.0, &right.0, 1e-5);
    close(&ours.1, &right.1, 1e-5);
}

#[test]
fn changed_weights_are_read_again() {
    let parameters = Arc::new(Parameters::new(weights(configs()[0].clone())));
    let engine = emulated(&parameters, Element::F32, FusedOptions::default());
    let before = engine.score(&batch()).unwrap();
    parameters.change(|weights| weights.data.iter_mut().for_each(|w| *w *= 0.9));
    let after = engine.score(&batch()).unwrap();
    assert_ne!(before, after);
    let right = FusedEngine::new(Arc::clone(&parameters)).score(&batch()).unwrap();
    close(&after, &right, 1e-5);
}

#[test]
fn what_cannot_be_done_is_an_error() {
    let frozen = Arc::new(Parameters::frozen(weights(configs()[0].clone())));
    let engine = emulated(&frozen, Element::F32, FusedOptions::default());
    assert!(engine.score(&batch()).is_ok());
    assert!(engine.forward(&batch()).err().unwrap().to_string().contains("frozen"));
    let mut foreign = Sequences::default();
    foreign.push(&[1, 11], &[2]);
    assert!(engine.score(&foreign).unwrap_err().to_string().contains("outside the model's vocabulary"));
    assert!(engine.score(&Sequences::default()).unwrap().is_empty());

    let mut wide = configs()[0].clone();
    wide.head_dim = 130;
    let parameters = Arc::new(Parameters::frozen(Weights::zeros(wide)));
    let stream = machine(Order::Forward);
    let made = GpuEngine::new(parameters, Cpu::default(), stream, Element::F32, FusedOptions::default());
    assert!(made.unwrap_err().to_string().contains("heads of 130 numbers"));
}

#[test]
fn updates_where_the_weights_lie_are_those_of_the_cpu() {
    let whole = weights(configs()[1].clone());
    let starts = [
        (Element::F32, 2e-4, whole.clone()),
        (Element::Bf16, 2e-2, whole.clone()),
        (Element::F32, 2e-4, narrow(whole)),
    ];
    for (element, tolerance, start) in starts {
        let update = Update { lr: 1e-3, weight_decay: 0.1, scale: 0.5 };
        let [right, ours] = [0, 1].map(|_| Arc::new(Parameters::new(start.clone())));
        let cpu = FusedEngine::new(Arc::clone(&right));
        let step = |engine: &dyn Engine<Cpu>| {
            let live = engine.forward(&batch()).unwrap();
            let gradients = live.logp.put_tape(live.tape).square().sum().backward();
            engine.collect(&gradients).unwrap();
        };
        let mut optimizer = AdamW::new(start.trained().len());
        let mut of_gpu = AdamW::new(start.trained().len());
        let mut gpu = emulated(&ours, element, FusedOptions::default()).training_in_place();
        for i in 0..4 {
            step(&cpu);
            let mut gradient = right.gradient.lock().unwrap();
            let length = crate::train::length(&gradient);
            right.change(|weights| optimizer.update(weights, &gradient, update));
            gradient.fill(0.0);

            step(&gpu);
            let trains = Engine::<Cpu>::trains(&gpu).unwrap();
            let found = trains.gradient_length().unwrap();
            assert!((found - length).abs() < 5.0 * f64::from(tolerance) * length, "{found} {length}");
            trains.update(&mut of_gpu, update).unwrap();
            assert_eq!(trains.gradient_length().unwrap(), 0.0, "the gradient is emptied");
            if i == 1 {
                // Another engine goes on from what this one leaves, as a run that is resumed does.
                trains.settle(&mut of_gpu).unwrap();
                gpu = emulated(&ours, element, FusedOptions::default()).training_in_place();
            }
        }
        assert_eq!((of_gpu.updates, optimizer.updates), (4, 4));
        Engine::<Cpu>::trains(&gpu).unwrap().settle(&mut of_gpu).unwrap();
        let moved = |now: &Weights| -> Vec<f32> { now.data.iter().zip(&start.data).map(|(a, b)| a - b).collect() };
        if element == Element::F32 {
            close(&moved(&ours.weights.read().unwrap()), &moved(&right.weights.read().unwrap()), 1e-2);
            close(&of_gpu.first, &optimizer.first, tolerance);
            close(&of_gpu.second, &optimizer.second, tolerance);
        } else {
            close(&ours.weights.read().unwrap().data, &right.weights.read().unwrap().data, tolerance);
        }
        // What was settled is not sent back, and is what is scored.
        let scores = Engine::<Cpu>::score(&gpu, &batch()).unwrap();
        close(
            &scores,
            &FusedEngine::new(ours).score(&batch()).unwrap(),
            if element == Element::F32 { 1e-5 } else { 0.2 },
        );
    }
}

/// As [`batch`], but for its last token: so it fills up to the same sizes.
fn similar() -> Sequences {
    let mut batch = Sequences::default();
    batch.push(&[1], &[2, 3, 4, 2]);
    batch.push(&[5, 6, 7], &[8]);
    batch.push(&[10, 10, 3, 1], &[0, 4, 10, 2, 2]);
    batch
}

/// Steps of training with another rate each; answers with every number that came back.
fn steps(stream: &Stream, element: Element, options: FusedOptions, batches: &[Sequences]) -> Vec<Vec<f32>> {
    let parameters = Arc::new(Parameters::new(weights(configs()[1].clone())));
    let mut optimizer = AdamW::new(parameters.weights.read().unwrap().data.len());
    let engine = GpuEngine::new(Arc::clone(&parameters), Cpu::default(), stream.clone(), element, options).unwrap();
    let engine = engine.training_in_place();
    let trains = Engine::<Cpu>::trains(&engine).unwrap();
    let mut seen = Vec::new();
    for (step, batch) in batches.iter().enumerate() {
        seen.push(Engine::<Cpu>::score(&engine, batch).unwrap());
        let live = Engine::<Cpu>::forward(&engine, batch).unwrap();
        seen.push(live.logp.as_vec());
        let gradients = live.logp.put_tape(live.tape).square().sum().backward();
        engine.collect(&gradients).unwrap();
        let length = trains.gradient_length().unwrap();
        seen.push(vec![length as f32]);
        let update = Update { lr: 1e-3 / (1 + step) as f64, weight_decay: 0.1, scale: shortened(length, 1.0) };
        trains.update(&mut optimizer, update).unwrap();
    }
    trains.settle(&mut optimizer).unwrap();
    seen.push(parameters.weights.read().unwrap().data.clone());
    seen.extend([optimizer.first, optimizer.second]);
    seen
}

/// The machine that tests run on, and how often it replays where that can be counted.
fn counted() -> (Stream, Option<Arc<AtomicUsize>>) {
    if std::env::var("COLLIMATE_GPU").is_ok() {
        return (machine(Order::Forward), None);
    }
    let machine = Emulated::new(Order::Shuffled(6));
    let replays = machine.replays();
    (Stream::new(machine), Some(replays))
}

#[test]
fn steps_that_are_replayed_are_those_without_to_the_last_bit() {
    let batches: Vec<Sequences> =
        [batch, groups, batch, similar, groups, batch, similar, groups, similar].map(|make| make()).to_vec();
    for (element, recompute) in [(Element::F32, false), (Element::Bf16, true)] {
        let with = |replay| {
            let (stream, replays) = counted();
            let options = FusedOptions { replay, recompute, ..FusedOptions::default() };
            let seen = steps(&stream, element, options, &batches);
            assert_eq!(stream.memory().0, 0, "everything was given back");
            (seen, replays.map(|replays| replays.load(Ordering::Relaxed)))
        };
        let ((right, none), (ours, replays)) = (with(false), with(true));
        assert!(none.is_none_or(|replays| replays == 0));
        // What follows the first two batches of each size has its memory where it stays: of each of the last six, scoring and the
        // passes forward and back are replayed when they come a second time there, and so are length and update.
        assert!(replays.is_none_or(|replays| replays >= 6 * 5 - 2 * 3 - 2), "{replays:?} of 30");
        let bits = |seen: Vec<Vec<f32>>| seen.concat().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(ours), bits(right));
    }
}

/// Half of what two policies differ by, over all words, weighed by a number of the token.
fn apart() -> Region {
    let steps = vec![
        Step::Policy(0),
        Step::Policy(1),
        Step::Mixture(0, 1, 0.4),
        Step::Minus(0, 2),
        Step::Exponential(0),
        Step::Times(4, 3),
        Step::Given(0),
        Step::Times(5, 6),
    ];
    Region::new(steps, vec![7])
}

/// Steps of training on what the words of two models differ by, and on the tokens themselves; answers with every number that came
/// back. The words are read of the first tokens alone, or of all.
fn steps_on_words(
    on: &dyn Fn(Arc<Parameters>) -> Box<dyn Engine<Cpu>>,
    batches: &[Sequences],
    skip: usize,
) -> Vec<Vec<f32>> {
    let own = held_in_bf16(weights(configs()[1].clone()));
    let mut other = own.clone();
    other.data.iter_mut().for_each(|w| *w *= 0.5);
    let teacher = on(Arc::new(Parameters::frozen(other)));
    let parameters = Arc::new(Parameters::new(own));
    let mut optimizer = AdamW::new(parameters.weights.read().unwrap().data.len());
    let actor = on(Arc::clone(&parameters));
    let mut seen = Vec::new();
    for (step, batch) in batches.iter().enumerate() {
        let (said, theirs) = teacher.gives_states().unwrap().score_states(batch, true).unwrap();
        let (live, own) = actor.gives_states().unwrap().forward_states(batch, true).unwrap();
        seen.extend([said.unwrap(), live.logp.as_vec()]);
        assert_eq!((theirs.tokens(), own.tokens()), (batch.scored(), batch.scored()));
        let rows = skip..batch.scored();
        let given: Vec<f32> = rows.clone().map(|row| 1.0 + 0.1 * row as f32).collect();
        let pass = Pass { region: apart(), policies: vec![own, Arc::new(theirs)], rows, given };
        let pass = Arc::new(pass);
        let sums = pass.sums().unwrap();
        let upstream = sums.iter().enumerate().map(|(i, sum)| sum - 0.2 * i as f32).collect();
        seen.push(sums);
        assert!(pass.backward(upstream, &[false]).iter().all(|d| *d == 0.0));
        let gradients = live.logp.put_tape(live.tape).square().sum().backward();
        actor.collect(&gradients).unwrap();
        if let Some(trains) = actor.trains() {
            seen.push(vec![trains.gradient_length().unwrap() as f32]);
            trains
                .update(&mut optimizer, Update { lr: 1e-3 / (1 + step) as f64, weight_decay: 0.1, scale: 0.5 })
                .unwrap();
            continue;
        }
        let gradient = std::mem::take(&mut *parameters.gradient.lock().unwrap());
        *parameters.gradient.lock().unwrap() = vec![0.0; gradient.len()];
        seen.push(gradient);
    }
    if let Some(trains) = actor.trains() {
        trains.settle(&mut optimizer).unwrap();
        seen.push(parameters.weights.read().unwrap().data.clone());
    }
    seen
}

#[test]
fn what_is_made_of_all_words_is_that_of_the_cpu() {
    let batches = [batch(), groups(), similar()];
    let cpu: &dyn Fn(Arc<Parameters>) -> Box<dyn Engine<Cpu>> = &|parameters| Box::new(FusedEngine::new(parameters));
    for (element, near) in [(Element::F32, 5e-5), (Element::Bf16, 6e-2)] {
        let stream = machine(Order::Shuffled(8));
        let gpu = |parameters| -> Box<dyn Engine<Cpu>> {
            let (stream, options) = (stream.clone(), FusedOptions::default());
            Box::new(GpuEngine::new(parameters, Cpu::default(), stream, element, options).unwrap())
        };
        for skip in [0, 3] {
            let right = steps_on_words(cpu, &batches, skip);
            for (ours, right) in steps_on_words(&gpu, &batches, skip).iter().zip(&right) {
                close(ours, right, near);
            }
        }
    }
}

#[test]
fn steps_on_all_words_are_replayed_and_the_same_to_the_last_bit() {
    let batches: Vec<Sequences> =
        [batch, groups, batch, similar, groups, batch, similar, groups, similar].map(|make| make()).to_vec();
    for element in [Element::F32, Element::Bf16] {
        let with = |replay| {
            let (stream, replays) = counted();
            let options = FusedOptions { replay, ..FusedOptions::default() };
            let seen = {
                let engine = |parameters| -> Box<dyn Engine<Cpu>> {
                    let engine = GpuEngine::new(parameters, Cpu::default(), stream.clone(), element, options).unwrap();
                    Box::new(engine.training_in_place())
                };
                steps_on_words(&engine, &batches, 0)
            };
            assert_eq!(stream.memory().0, 0, "everything was given back");
            (seen, replays.map(|replays| replays.load(Ordering::Relaxed)))
        };
        let ((right, none), (ours, replays)) = (with(false), with(true));
        assert!(none.is_none_or(|replays| replays == 0));
        // A step has eight lists: the other model's pass and this one's, zeros for the gradient by states, the sums over words, their
        // gradient, the pass back, length and update. As above, those of the last six steps are replayed from their second time on.
        assert!(replays.is_none_or(|replays| replays >= 6 * 8 - 2 * 8), "{replays:?}");
        let bits = |seen: Vec<Vec<f32>>| seen.concat().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(ours), bits(right));
    }
}
