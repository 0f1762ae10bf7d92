//! Sums over words found from states are those of the whole matrix, in f64, and so is the gradient of every weight.

use super::Words;
use crate::bridge;
use crate::compile::{Source, actor_shares, cut, evaluate_by_words, step_by_words};
use crate::model::{
    Engine, FusedEngine, FusedOptions, GivesStates, GpuEngine, LowRank, Parameters, Sequences, Weights, WordStates,
};
use crate::random::Random;
use crate::train::small::tiniest;
use collimate_dsl::eval::{self, Evaluation, Inputs, Settings};
use collimate_dsl::ir::{Depth, Id, KindTag, Metric, Node, Op, Place, Program, SideTag, Ty};
use collimate_dsl::{Layout, Reach};
use collimate_emulation::{Order, machine};
use collimate_kernels::cuda::Element;
use dfdx::prelude::Cpu;
use std::sync::Arc;

const WORDS: usize = 13;
const CHOSEN: Option<SideTag> = Some(SideTag::Chosen);
const REJECTED: Option<SideTag> = Some(SideTag::Rejected);

/// A program put together step by step.
#[derive(Default)]
struct Hand(Program);

impl Hand {
    fn push(&mut self, op: Op, args: &[Id], depth: Depth, side: Option<SideTag>, live: bool) -> Id {
        let ty = Ty { kind: KindTag::Reward, depth, side, live };
        self.0.nodes.push(Node { op, args: args.to_vec(), ty, place: Place::default() });
        Id::new(self.0.nodes.len() - 1)
    }

    fn input(&mut self, owner: &str, field: &str, side: Option<SideTag>) -> Id {
        let depth = if field == "words" { Depth::EachWord } else { Depth::EachToken };
        self.push(Op::Input { owner: owner.into(), field: field.into() }, &[], depth, side, owner == "actor")
    }

    fn number(&mut self, number: f64) -> Id {
        self.push(Op::Literal(number), &[], Depth::Constant, None, false)
    }

    fn op(&mut self, op: Op, args: &[Id]) -> Id {
        let types: Vec<Ty> = args.iter().map(|arg| self.0.node(*arg).ty).collect();
        let deepest = *types.iter().max_by_key(|ty| ty.depth).unwrap();
        let (depth, side) = match (&op, deepest.depth) {
            (Op::Total | Op::Average, Depth::EachWord) => (Depth::EachToken, deepest.side),
            (Op::Total | Op::Average, Depth::EachToken) => (Depth::EachResponse, deepest.side),
            (Op::Total | Op::Average, Depth::EachResponse) => (Depth::EachPrompt, None),
            (Op::Total | Op::Average, _) | (Op::AverageAll, _) => (Depth::Batch, None),
            _ => (deepest.depth, deepest.side),
        };
        let live = types.iter().any(|ty| ty.live) && !matches!(op, Op::Constant | Op::Positive | Op::TopWords);
        self.push(op, args, depth, side, live)
    }

    /// `sum p (p' - q')` of the words, with `p` the exponential of the first.
    fn expected(&mut self, p: Id, [more, less]: [Id; 2]) -> Id {
        let apart = self.op(Op::Minus, &[more, less]);
        let share = self.op(Op::Exponential, &[p]);
        let each = self.op(Op::Times, &[share, apart]);
        self.op(Op::Total, &[each])
    }

    /// A loss with another weight for every token.
    fn loss_of(&mut self, tokens: Id) -> Id {
        let side = self.0.node(tokens).ty.side;
        let weight = self.input("pair", "weight", side);
        let weighed = self.op(Op::Times, &[tokens, weight]);
        let squared = self.op(Op::Square, &[weighed]);
        let both = self.op(Op::Plus, &[squared, weighed]);
        self.op(Op::AverageAll, &[both])
    }

    fn finish(mut self, name: &str, losses: &[Id]) -> Program {
        let loss = losses.iter().copied().reduce(|a, b| self.op(Op::Plus, &[a, b])).unwrap();
        (self.0.root, self.0.name) = (Some(loss), name.to_owned());
        self.0
    }

    fn report(&mut self, name: &str, node: Id) {
        self.0.metrics.push(Metric { name: name.into(), node });
    }
}

/// Between both directions on one side, an entropy on the other, and what was taken on both.
fn between() -> Program {
    let mut hand = Hand::default();
    let (p, q) = (hand.input("teacher", "words", CHOSEN), hand.input("actor", "words", CHOSEN));
    let share = hand.number(0.3);
    let mix = hand.op(Op::Mixture, &[p, q, share]);
    let (first, second) = (hand.expected(p, [p, mix]), hand.expected(q, [q, mix]));
    let both = hand.op(Op::Plus, &[first, second]);
    let other = hand.input("actor", "words", REJECTED);
    let zero = hand.number(0.0);
    let entropy = hand.expected(other, [zero, other]);
    let taken = hand.input("actor", "logp", CHOSEN);
    let said = hand.input("teacher", "logp", CHOSEN);
    let ratio = hand.op(Op::Minus, &[taken, said]);
    let losses = [both, entropy, ratio].map(|tokens| hand.loss_of(tokens));
    hand.report("entropy", entropy);
    let squared = hand.op(Op::Square, &[q]);
    hand.report("each word", squared);
    hand.finish("between", &losses)
}

/// What was taken is read where words are not.
fn taken_elsewhere() -> Program {
    let mut hand = Hand::default();
    let (p, q) = (hand.input("teacher", "words", CHOSEN), hand.input("actor", "words", CHOSEN));
    let (apart, taken) = (hand.expected(p, [p, q]), hand.input("actor", "logp", REJECTED));
    let losses = [apart, taken].map(|tokens| hand.loss_of(tokens));
    hand.finish("taken elsewhere", &losses)
}

/// Over the teacher's likeliest words.
fn likeliest() -> Program {
    let mut hand = Hand::default();
    let (p, q) = (hand.input("teacher", "words", CHOSEN), hand.input("actor", "words", CHOSEN));
    let count = hand.number(4.0);
    let kept = hand.op(Op::TopWords, &[p, count]);
    let (p, q) = (hand.op(Op::Renormalised, &[p, kept]), hand.op(Op::Renormalised, &[q, kept]));
    let (first, second) = (hand.expected(p, [p, q]), hand.expected(q, [q, p]));
    let losses = [first, second].map(|tokens| hand.loss_of(tokens));
    hand.finish("likeliest", &losses)
}

/// Sums that go back among the words, as numbers of a token and of a response, and taken tokens among the words.
fn levels() -> Program {
    let mut hand = Hand::default();
    let (p, q) = (hand.input("teacher", "words", CHOSEN), hand.input("actor", "words", CHOSEN));
    let (first, taken) = (hand.expected(q, [q, p]), hand.input("actor", "logp", CHOSEN));
    let less = hand.op(Op::Negative, &[first]);
    let close = hand.op(Op::Exponential, &[less]);
    let apart = hand.op(Op::Minus, &[q, taken]);
    let weighed = hand.op(Op::Times, &[apart, close]);
    let share = hand.op(Op::Exponential, &[q]);
    let second = hand.op(Op::Times, &[weighed, share]);
    let second = hand.op(Op::Total, &[second]);
    let whole = hand.op(Op::Average, &[second]);
    let lifted = hand.op(Op::Plus, &[p, whole]);
    let third = hand.op(Op::Smaller, &[lifted, q]);
    let third = hand.op(Op::Average, &[third]);
    let losses = [first, second, third].map(|tokens| hand.loss_of(tokens));
    hand.finish("levels", &losses)
}

/// Operations that no other one has, and means over words and everything.
fn all_sorts() -> Program {
    let mut hand = Hand::default();
    let (p, q) = (hand.input("teacher", "words", CHOSEN), hand.input("actor", "words", CHOSEN));
    let [low, high, half] = [-2.9, -0.4, 0.5].map(|number| hand.number(number));
    let apart = hand.op(Op::Minus, &[p, q]);
    let mut each = vec![hand.op(Op::Clip, &[q, low, high]), hand.op(Op::Larger, &[p, q])];
    let (less, still) = (hand.op(Op::Negative, &[q]), hand.op(Op::Constant, &[q]));
    each.push(hand.op(Op::Logarithm, &[less]));
    each.push(hand.op(Op::Root, &[less]));
    each.push(hand.op(Op::Over, &[p, less]));
    each.push(hand.op(Op::Times, &[still, q]));
    for op in [Op::Magnitude, Op::Logistic, Op::LogLogistic, Op::Square] {
        each.push(hand.op(op, &[apart]));
    }
    each.push(hand.op(Op::LogComplement, &[q]));
    let sign = hand.op(Op::Positive, &[apart]);
    let sign = hand.op(Op::Minus, &[sign, half]);
    each.push(hand.op(Op::Choose, &[sign, p, q]));
    each.push(hand.op(Op::Recast("a test".into()), &[less]));
    let means: Vec<Id> = each.iter().map(|each| hand.op(Op::Average, &[*each])).collect();
    let mut losses: Vec<Id> = means.into_iter().map(|tokens| hand.loss_of(tokens)).collect();
    losses.push(hand.op(Op::AverageAll, &[each[9]]));
    hand.finish("all sorts", &losses)
}

/// Weights whose words are told apart.
fn weights(seed: u64, tied: bool) -> Weights {
    let mut weights = Weights::random(tiniest(WORDS, tied), seed);
    weights.data.iter_mut().filter(|w| **w != 1.0).for_each(|w| *w *= 20.0);
    weights
}

/// Two pairs, side after side.
fn batch() -> (Sequences, Layout) {
    let mut batch = Sequences::default();
    let reach = |prompt, tokens| Reach { prompt, tokens };
    batch.push(&[1, 2], &[2, 3, 4, 2]);
    batch.push(&[5, 6, 7], &[8]);
    batch.push(&[1, 2], &[0, 12]);
    batch.push(&[5, 6, 7], &[4, 10, 11]);
    let sides =
        vec![(SideTag::Chosen, vec![reach(0, 4), reach(1, 1)]), (SideTag::Rejected, vec![reach(0, 2), reach(1, 3)])];
    (batch, Layout { prompts: 2, sides, words: WORDS })
}

fn taken(batch: &Sequences) -> Vec<u32> {
    batch.spans.iter().flat_map(|span| batch.tokens[span.scored.clone()].iter().copied()).collect()
}

/// What the batch itself gives.
fn given() -> Inputs {
    let mut inputs = Inputs::new();
    let mut random = Random::new(4);
    for side in [CHOSEN, REJECTED] {
        inputs.insert("pair", "weight", side, (0..5).map(|_| random.uniform() * 2.0 - 0.8).collect());
    }
    inputs
}

fn put(inputs: &mut Inputs, owner: &str, field: &str, values: &[f32], each: usize) {
    let (chosen, rejected) = values.split_at(5 * each);
    for (side, values) in [(CHOSEN, chosen), (REJECTED, rejected)] {
        inputs.insert(owner, field, side, values.iter().map(|x| f64::from(*x)).collect());
    }
}

/// The definition: the whole matrix, and the gradient of every weight.
fn whole(program: &Program, begun: Weights) -> (Evaluation, Vec<f32>) {
    let (batch, layout) = batch();
    let parameters = Arc::new(Parameters::new(begun));
    let actor = FusedEngine::new(Arc::clone(&parameters));
    let teacher = FusedEngine::new(Arc::new(Parameters::frozen(weights(4, true))));
    let mut inputs = given();
    for (owner, engine) in [("actor", &actor), ("teacher", &teacher)] {
        put(&mut inputs, owner, "words", &engine.score_words(&batch).unwrap(), WORDS);
        put(&mut inputs, owner, "logp", &engine.score(&batch).unwrap(), 1);
    }
    let found = eval::evaluate(program, &layout, &layout.totals(), &inputs, &Settings::new()).unwrap();
    let live = actor.forward_words(&batch).unwrap();
    let mut upstream = vec![0.0_f32; 10 * WORDS];
    for (at, side) in [CHOSEN, REJECTED].into_iter().enumerate() {
        let first = at * 5;
        for (i, g) in found.gradient.get("actor", "words", side).unwrap_or_default().iter().enumerate() {
            upstream[first * WORDS + i] += *g as f32;
        }
        for (i, g) in found.gradient.get("actor", "logp", side).unwrap_or_default().iter().enumerate() {
            upstream[(first + i) * WORDS + taken(&batch)[first + i] as usize] += *g as f32;
        }
    }
    bridge::backward_from(&Cpu::default(), live, upstream).unwrap();
    let gradient = parameters.gradient.lock().unwrap().clone();
    (found, gradient)
}

#[track_caller]
fn same(program: &Program, loss: f64, metrics: &[eval::Measured], gradient: &[f32], right: &(Evaluation, Vec<f32>)) {
    let name = &program.name;
    assert!((loss - right.0.loss).abs() < 2e-5 * (1.0 + right.0.loss.abs()), "{name}: {loss} {}", right.0.loss);
    for (ours, right) in metrics.iter().zip(&right.0.metrics) {
        assert_eq!((&ours.name, ours.count), (&right.name, right.count));
        assert!((ours.sum - right.sum).abs() < 2e-5 * (1.0 + right.sum.abs()), "{name} {}", ours.name);
    }
    let largest = right.1.iter().fold(0.0_f32, |most, g| most.max(g.abs()));
    assert!(largest > 1e-2, "{name}: nothing is trained");
    for (i, (ours, right)) in gradient.iter().zip(&right.1).enumerate() {
        assert!((ours - right).abs() < 2e-5 * largest, "{name}, weight {i}: {ours} where {right} is right");
    }
}

fn programs() -> [Program; 5] {
    [between(), taken_elsewhere(), likeliest(), levels(), all_sorts()]
}

/// Makes engines of one machine.
type Make = Box<dyn Fn(Arc<Parameters>) -> Box<dyn Engine<Cpu>>>;

/// Of the CPU and of an emulated GPU.
fn machines() -> [Make; 2] {
    let stream = machine(Order::Shuffled(4));
    [
        Box::new(|parameters| Box::new(FusedEngine::new(parameters))),
        Box::new(move |parameters| {
            let (stream, options) = (stream.clone(), FusedOptions::default());
            Box::new(GpuEngine::new(parameters, Cpu::default(), stream, Element::F32, options).unwrap())
        }),
    ]
}

#[test]
fn a_step_from_states_is_the_step_from_all_words() {
    machines().iter().for_each(steps_from_states);
}

fn steps_from_states(make: &Make) {
    let (batch, layout) = batch();
    let beside = weights(3, false).with_low_rank(LowRank { rank: 2, alpha: 4.0 }, 7).unwrap();
    let begun = [weights(3, true), weights(3, false), beside];
    for (program, begun) in programs().into_iter().flat_map(|p| begun.each_ref().map(|begun| (p.clone(), begun))) {
        let right = whole(&program, begun.clone());
        let parameters = Arc::new(Parameters::new(begun.clone()));
        let [actor, teacher] = [Arc::clone(&parameters), Arc::new(Parameters::frozen(weights(4, true)))].map(make);
        let mut inputs = given();
        let (said, states) = teacher.gives_states().unwrap().score_states(&batch, true).unwrap();
        put(&mut inputs, "teacher", "logp", &said.unwrap(), 1);
        let logp = program.inputs().any(|(_, owner, field, _)| (owner, field) == ("actor", "logp"));
        let (live, own) = actor.gives_states().unwrap().forward_states(&batch, logp).unwrap();
        let shares = if logp { actor_shares(&layout, None) } else { Vec::new() };
        let source = Source { live, asked: 10, shares };
        let words = [("actor", own), ("teacher", Arc::new(states))];
        let words = words.map(|(owner, states)| Words { owner: owner.into(), states }).to_vec();
        let (totals, settings) = (layout.totals(), Settings::new());
        let (outcome, left) =
            step_by_words(&Cpu::default(), &program, &layout, &totals, &inputs, &settings, vec![source], words)
                .unwrap();
        actor.collect(&left).unwrap();
        let gradient = parameters.gradient.lock().unwrap().clone();
        same(&program, outcome.loss, &outcome.metrics, &gradient, &right);
    }
}

#[test]
fn a_batch_from_the_states_of_its_parts_is_the_whole() {
    machines().iter().for_each(batch_from_parts);
}

fn batch_from_parts(make: &Make) {
    let (batch, layout) = batch();
    let mut parts = [Sequences::default(), Sequences::default()];
    for (i, span) in batch.spans.iter().enumerate() {
        parts[i % 2].push(&batch.tokens[span.range.start..span.scored.start], &batch.tokens[span.scored.clone()]);
    }
    // One pair in each part: its chosen tokens and then the rejected ones.
    let stretches = [(0, 0..4), (1, 0..1), (0, 4..6), (1, 1..4)];
    for program in programs() {
        let right = whole(&program, weights(3, true));
        let parameters = Arc::new(Parameters::new(weights(3, true)));
        let [actor, teacher] = [Arc::clone(&parameters), Arc::new(Parameters::frozen(weights(4, true)))].map(make);
        let mut inputs = given();
        for (owner, engine) in [("actor", &actor), ("teacher", &teacher)] {
            put(&mut inputs, owner, "logp", &engine.score(&batch).unwrap(), 1);
        }
        let joined = |engine: &dyn Engine<Cpu>, trained| {
            let engine = engine.gives_states().unwrap();
            let states = parts.each_ref().map(|part| Arc::new(engine.score_states(part, false).unwrap().1));
            Arc::new(WordStates::joined(&states, &stretches, trained))
        };
        let own = joined(&*actor, true);
        let words = [("actor", Arc::clone(&own)), ("teacher", joined(&*teacher, false))];
        let words = words.map(|(owner, states)| Words { owner: owner.into(), states }).to_vec();
        let (totals, settings) = (layout.totals(), Settings::new());
        let found = evaluate_by_words(&program, &layout, &totals, &inputs, &settings, words).unwrap();
        let by_taken = |side| found.gradient.get("actor", "logp", side).unwrap_or(&[0.0; 5]).to_vec();
        let by_taken = [by_taken(CHOSEN), by_taken(REJECTED)].concat();
        for (part, sequences) in parts.iter().enumerate() {
            let (live, states) = actor.gives_states().unwrap().forward_states(sequences, true).unwrap();
            let (mut end, mut upstream) = (0, Vec::new());
            for (of, tokens) in &stretches {
                let start = end;
                end += tokens.len();
                if *of == part {
                    states.add_gradient(tokens.clone(), &own, start..end);
                    upstream.extend(by_taken[start..end].iter().map(|g| *g as f32));
                }
            }
            let left = bridge::backward_from(&Cpu::default(), live, upstream).unwrap();
            actor.collect(&left).unwrap();
        }
        let gradient = parameters.gradient.lock().unwrap().clone();
        same(&program, found.loss, &found.metrics, &gradient, &right);
    }
}

#[test]
fn sums_that_need_others_are_on_a_level_of_their_own() {
    let levels = cut(&levels()).unwrap().passes.iter().map(|pass| pass.level).collect::<Vec<_>>();
    assert_eq!(levels, [0, 1, 2]);
}

#[test]
fn what_cannot_be_is_told() {
    let (batch, layout) = batch();
    let mut hand = Hand::default();
    let (p, none) = (hand.input("actor", "words", CHOSEN), hand.number(0.0));
    let kept = hand.op(Op::Times, &[p, none]);
    let whole = hand.op(Op::Renormalised, &[p, kept]);
    let sum = hand.op(Op::Total, &[whole]);
    let loss = hand.loss_of(sum);
    let program = hand.finish("nothing", &[loss]);
    let actor = FusedEngine::new(Arc::new(Parameters::new(weights(3, true))));
    let run = |batch: &Sequences, owner: &str| {
        let words = vec![Words { owner: owner.into(), states: Arc::new(actor.score_states(batch, false).unwrap().1) }];
        evaluate_by_words(&program, &layout, &layout.totals(), &given(), &Settings::new(), words)
            .unwrap_err()
            .to_string()
    };
    let problem = run(&batch, "actor");
    assert!(problem.contains("`renormalised` at a token where no word is kept"), "{problem}");
    let problem = run(&batch, "teacher");
    assert!(problem.contains("no model says what `actor` gives each word"), "{problem}");
    let mut short = Sequences::default();
    short.push(&[1], &[2, 3]);
    let problem = run(&short, "actor");
    assert!(problem.contains("`actor` gave states of 2 tokens where the batch asks for 10"), "{problem}");
}
