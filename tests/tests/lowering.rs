//! A program through dfdx gives the numbers of its f64 meaning: every operation, every algorithm, every cut. On the CPU, or on
//! the GPU that COLLIMATE_GPU names.

use collimate::ALL;
use collimate_dsl::eval::{self, Evaluation, Inputs, Settings};
use collimate_dsl::ir::{Depth, Estimator, Id, KindTag, Metric, Node, Op, Place, Program, SideTag, Ty};
use collimate_dsl::{Layout, Reach, Totals};
use collimate_runtime::{Result, device::Evaluator, random::Random};
use std::sync::OnceLock;

fn evaluate(p: &Program, layout: &Layout, totals: &Totals, inputs: &Inputs, set: &Settings) -> Result<Evaluation> {
    static EVALUATOR: OnceLock<Evaluator> = OnceLock::new();
    let evaluator = EVALUATOR.get_or_init(|| {
        let device = std::env::var("COLLIMATE_GPU").map_or("cpu".to_owned(), |number| format!("cuda:{number}"));
        Evaluator::on(&device).unwrap()
    });
    evaluator.evaluate(p, layout, totals, inputs, set)
}

/// A program put together step by step; depth, side and gradient follow from the arguments.
#[derive(Default)]
struct Hand(Program);

impl Hand {
    fn push(&mut self, op: Op, args: &[Id], depth: Depth, side: Option<SideTag>, live: bool) -> Id {
        let ty = Ty { kind: KindTag::Reward, depth, side, live };
        self.0.nodes.push(Node { op, args: args.to_vec(), ty, place: Place::default() });
        Id::new(self.0.nodes.len() - 1)
    }

    fn input(&mut self, name: &str, depth: Depth, live: bool) -> Id {
        let side = (depth >= Depth::EachResponse).then_some(SideTag::Sample);
        let owner = if live { "actor" } else { "reference" };
        self.push(Op::Input { owner: owner.into(), field: name.into() }, &[], depth, side, live)
    }

    fn number(&mut self, number: f64) -> Id {
        self.push(Op::Literal(number), &[], Depth::Constant, None, false)
    }

    fn op(&mut self, op: Op, args: &[Id]) -> Id {
        let types: Vec<Ty> = args.iter().map(|a| self.0.node(*a).ty).collect();
        let deepest = *types.iter().max_by_key(|ty| ty.depth).unwrap();
        let (depth, side) = match op {
            Op::Total | Op::Average => match deepest.depth {
                Depth::EachWord => (Depth::EachToken, deepest.side),
                Depth::EachToken => (Depth::EachResponse, deepest.side),
                Depth::EachResponse => (Depth::EachPrompt, None),
                _ => (Depth::Batch, None),
            },
            Op::AverageAll | Op::BatchSpread => (Depth::Batch, None),
            Op::AtLast => (Depth::EachToken, deepest.side),
            Op::EveryPrompt => (Depth::EachPrompt, None),
            _ => (deepest.depth, deepest.side),
        };
        let live = types.iter().any(|ty| ty.live) && !matches!(op, Op::Constant | Op::Positive);
        self.push(op, args, depth, side, live)
    }

    /// Under a gradient that is not all ones: `(value * weight)` squared, averaged; the value itself as a metric.
    fn finish(mut self, value: Id) -> Program {
        let depth = self.0.node(value).ty.depth;
        let loss = if depth > Depth::Batch {
            let weight = self.input("weight", depth, false);
            let weighted = self.op(Op::Times, &[value, weight]);
            let squared = self.op(Op::Square, &[weighted]);
            self.op(Op::AverageAll, &[squared])
        } else {
            self.op(Op::Square, &[value])
        };
        self.0.metrics.push(Metric { name: "value".into(), node: value });
        self.0.root = Some(loss);
        self.0
    }
}

fn layout(prompts: usize, longest: usize, random: &mut Random) -> Layout {
    let mut side = |side, least, most| {
        let reach = |prompt, random: &mut Random| Reach { prompt, tokens: 1 + random.below(longest) };
        let responses = |prompt, random: &mut Random| {
            let count = least + random.below(most - least + 1);
            (0..count).map(|_| reach(prompt, random)).collect::<Vec<_>>()
        };
        (side, (0..prompts).flat_map(|prompt| responses(prompt, random)).collect())
    };
    let alone = [SideTag::Chosen, SideTag::Rejected, SideTag::Answer, SideTag::Mismatched, SideTag::Document];
    let mut sides: Vec<_> = alone.into_iter().map(|s| side(s, 1, 1)).collect();
    sides.push(side(SideTag::Sample, 2, 4));
    Layout { prompts, sides, words: 7 }
}

fn inputs(program: &Program, layout: &Layout, random: &mut Random) -> Inputs {
    let mut inputs = Inputs::new();
    for (_, owner, field, ty) in program.inputs() {
        if inputs.get(owner, field, ty.side).is_none() {
            // Policies as near to each other as in training, and scores that differ by an eighth at least: what
            // is left of two of them, and exponentials of whole responses, stay in f32's digits.
            let (width, least) = if field == "logp" { (0.4, -1.0) } else { (3.0, -2.0) };
            let least = if ty.kind == KindTag::Spread { 0.5 } else { least };
            let values = (0..layout.len(ty)).map(|i| match field {
                "score" => (5 * i % 16) as f64 / 8.0 - 1.0,
                _ => random.uniform() * width + least,
            });
            let values = values.collect();
            inputs.insert(owner, field, ty.side, values);
        }
    }
    inputs
}

/// Within 1e-5 of the number, or 1e-6 of `scale` where it is what is left of larger ones.
#[track_caller]
fn close(what: &str, found: &[f64], expected: &[f64], scale: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        // The last term is where f32 has no more digits.
        assert!((f - e).abs() <= 1e-5 * e.abs() + 1e-6 * scale + 1e-37, "{what} [{i}]: {f}, expected {e}");
    }
}

/// A sum over numbers of a few units: rewards are, and their difference is small.
#[track_caller]
fn close_sum(what: &str, found: f64, expected: f64) {
    close(what, &[found], &[expected], 10.0);
}

#[track_caller]
fn same(what: &str, found: &Evaluation, expected: &Evaluation) {
    close_sum(&format!("{what}: loss"), found.loss, expected.loss);
    assert_eq!(found.gradient.len(), expected.gradient.len(), "{what}");
    // Of all gradients, and no less than a formula's terms where they nearly cancel: beta over a batch or so.
    let largest = expected.gradient.iter().flat_map(|(.., g)| g).fold(1e-2_f64, |largest, x| largest.max(x.abs()));
    for (owner, field, side, gradient) in expected.gradient.iter() {
        let name = eval::input_name(owner, field, side);
        let found = found.gradient.get(owner, field, side).unwrap();
        close(&format!("{what}: gradient by {name}"), found, gradient, largest);
    }
    for (found, expected) in found.metrics.iter().zip(&expected.metrics) {
        assert_eq!((&found.name, found.count), (&expected.name, expected.count), "{what}");
        close_sum(&format!("{what}: {}", found.name), found.sum, expected.sum);
    }
}

#[track_caller]
fn check(program: &Program, layout: &Layout, totals: &Totals, inputs: &Inputs, settings: &Settings) {
    let expected = eval::evaluate(program, layout, totals, inputs, settings).unwrap();
    let found = evaluate(program, layout, totals, inputs, settings).unwrap();
    same(&program.name, &found, &expected);
}

/// Two inputs of this depth under one operation.
fn around(op: &Op, depth: Depth, form: usize) -> Program {
    let mut hand = Hand::default();
    hand.0.name = format!("{op:?} on {depth:?}, form {form}");
    let x = hand.input("x", depth, true);
    // Two live values, a value and a number, a number and a value, the same value twice, an outer value.
    let y = match form {
        0 => hand.input("y", depth, true),
        1 | 2 => hand.number(-0.75),
        3 => x,
        _ => hand.input("outer", Depth::EachPrompt, true),
    };
    let (x, y) = if form == 2 { (y, x) } else { (x, y) };
    let value = match op {
        Op::Clip => {
            let (low, high) = (hand.number(-0.5), hand.number(0.75));
            hand.op(Op::Clip, &[x, low, high])
        }
        Op::Logarithm => {
            let positive = hand.op(Op::Exponential, &[x]);
            hand.op(Op::Logarithm, &[positive])
        }
        Op::Over => {
            let bottom = hand.number(2.5);
            let bottom = hand.op(Op::Plus, &[y, bottom]);
            hand.op(Op::Over, &[x, bottom])
        }
        Op::Root => {
            let positive = hand.op(Op::Exponential, &[x]);
            hand.op(Op::Root, &[positive])
        }
        Op::LogComplement => {
            let negative = hand.op(Op::LogLogistic, &[x]);
            hand.op(Op::LogComplement, &[negative])
        }
        Op::LogInterval => {
            let width = hand.op(Op::Exponential, &[y]);
            let high = hand.op(Op::Plus, &[x, width]);
            hand.op(Op::LogInterval, &[x, high])
        }
        Op::Choose => {
            let condition = hand.input("condition", depth, false);
            hand.op(Op::Choose, &[condition, x, y])
        }
        Op::Mixture => {
            let share = hand.number(0.3);
            hand.op(Op::Mixture, &[x, y, share])
        }
        Op::Renormalised => {
            let (order, three) = (hand.input("order", depth, false), hand.number(3.0));
            let kept = hand.op(Op::TopWords, &[order, three]);
            hand.op(Op::Renormalised, &[x, kept])
        }
        Op::DiscountedSum => {
            let decay = hand.number(0.75);
            hand.op(Op::DiscountedSum, &[x, decay])
        }
        Op::EveryPrompt => {
            let mean = hand.op(Op::AverageAll, &[x]);
            hand.op(Op::EveryPrompt, &[mean])
        }
        // What stops the gradient stands beside what does not.
        Op::Constant | Op::Positive => {
            let stopped = hand.op(op.clone(), &[x]);
            hand.op(Op::Times, &[stopped, x])
        }
        _ => hand.op(op.clone(), &[x, y][..op.arity()]),
    };
    hand.finish(value)
}

#[test]
fn every_operation_has_its_f64_meaning() {
    let mut random = Random::new(11);
    let recast = Op::Recast("a test".into());
    let unary = [
        Op::Negative,
        Op::Clip,
        Op::Exponential,
        Op::Logarithm,
        Op::Magnitude,
        Op::Logistic,
        Op::LogLogistic,
        Op::Square,
        Op::Positive,
        Op::Total,
        Op::Average,
        Op::AverageAll,
        Op::Constant,
        recast,
        Op::EveryPrompt,
        Op::Root,
        Op::LogComplement,
        Op::BatchSpread,
    ];
    let mut binary = vec![Op::Plus, Op::Minus, Op::Times, Op::Over, Op::Smaller, Op::Larger, Op::Choose];
    binary.extend(Estimator::ALL.map(Op::Estimate));
    let grouped =
        [Op::OthersMean, Op::GroupMean, Op::GroupLogSoftmax, Op::GroupSpread, Op::OthersSpread, Op::Sorted, Op::AtLast];
    let mut run = |op: &Op, depth, form| {
        let program = around(op, depth, form);
        // Longer than what is summed at a time, so that sums of sums are taken.
        let layout = layout(3, if depth == Depth::EachToken { 1_100 } else { 4 }, &mut random);
        let layout = Layout { words: if depth == Depth::EachWord { 70 } else { 0 }, ..layout };
        let inputs = inputs(&program, &layout, &mut random);
        check(&program, &layout, &layout.totals(), &inputs, &Settings::new());
    };
    for depth in [Depth::EachPrompt, Depth::EachResponse, Depth::EachToken, Depth::EachWord] {
        for op in &unary {
            run(op, depth, 0);
        }
        for op in &binary {
            (0..5).for_each(|form| run(op, depth, form));
        }
    }
    for op in &grouped {
        run(op, Depth::EachResponse, 0);
    }
    run(&Op::Sorted, Depth::EachPrompt, 0);
    for op in [Op::Following, Op::DiscountedSum] {
        run(&op, Depth::EachToken, 0);
    }
    [0, 3].into_iter().for_each(|form| run(&Op::Mixture, Depth::EachWord, form));
    run(&Op::Renormalised, Depth::EachWord, 0);
    for depth in [Depth::EachPrompt, Depth::EachResponse] {
        (0..2).for_each(|form| run(&Op::LogInterval, depth, form));
    }
}

#[test]
fn every_algorithm_has_its_f64_meaning() {
    let mut random = Random::new(5);
    for algorithm in ALL.iter() {
        for round in 0..5 {
            let program = (algorithm.trace)();
            let layout = layout(1 + round * 3, 60, &mut random);
            let inputs = inputs(&program, &layout, &mut random);
            check(&program, &layout, &layout.totals(), &inputs, &algorithm.defaults());
        }
    }
}

/// Prompts `from..to` of a batch.
fn part(layout: &Layout, from: usize, to: usize, whole: &Inputs, program: &Program) -> (Layout, Inputs) {
    let inside = |reach: &Reach| (from..to).contains(&reach.prompt);
    let side = |(side, reaches): &(SideTag, Vec<Reach>)| {
        let kept = reaches.iter().filter(|r| inside(r)).map(|r| Reach { prompt: r.prompt - from, ..*r });
        (*side, kept.collect())
    };
    let cut = Layout { prompts: to - from, sides: layout.sides.iter().map(side).collect(), words: layout.words };
    let mut inputs = Inputs::new();
    for (_, owner, field, ty) in program.inputs() {
        let kept: Vec<bool> = match ty.depth {
            Depth::EachPrompt => (0..layout.prompts).map(|p| (from..to).contains(&p)).collect(),
            Depth::EachResponse => layout.side(ty.side.unwrap()).iter().map(inside).collect(),
            _ => {
                let reaches = layout.side(ty.side.unwrap());
                let each = if ty.depth == Depth::EachWord { layout.words } else { 1 };
                reaches.iter().flat_map(|r| std::iter::repeat_n(inside(r), each * r.tokens)).collect()
            }
        };
        let values = whole.get(owner, field, ty.side).unwrap().iter().zip(kept);
        inputs.insert(owner, field, ty.side, values.filter(|(_, kept)| *kept).map(|(value, _)| *value).collect());
    }
    (cut, inputs)
}

#[test]
fn parts_of_a_batch_add_up_to_the_whole() {
    let mut random = Random::new(9);
    for algorithm in ALL.iter().filter(|a| eval::separable(&(a.trace)()).is_ok()) {
        let program = (algorithm.trace)();
        let layout = layout(8, 20, &mut random);
        let (totals, inputs) = (layout.totals(), inputs(&program, &layout, &mut random));
        let settings = algorithm.defaults();
        let whole = eval::evaluate(&program, &layout, &totals, &inputs, &settings).unwrap();
        for size in [1, 2, 3, 8] {
            let (mut loss, mut metrics) = (0.0, vec![(0.0, 0); program.metrics.len()]);
            for from in (0..8).step_by(size) {
                let (cut, own) = part(&layout, from, (from + size).min(8), &inputs, &program);
                check(&program, &cut, &totals, &own, &settings);
                let share = evaluate(&program, &cut, &totals, &own, &settings).unwrap();
                loss += share.loss;
                metrics.iter_mut().zip(share.metrics).for_each(|(m, share)| {
                    m.0 += share.sum;
                    m.1 += share.count;
                });
            }
            close_sum(&format!("{} by {size}", program.name), loss, whole.loss);
            for (found, expected) in metrics.iter().zip(&whole.metrics) {
                assert_eq!(found.1, expected.count, "{} by {size}: {}", program.name, expected.name);
                close_sum(&format!("{} by {size}: {}", program.name, expected.name), found.0, expected.sum);
            }
        }
    }
}

#[test]
fn far_out_nothing_overflows_and_every_digit_is_kept() {
    let far = [-1e4, -500.0, -89.0, -20.0, -3.0, -1e-3, 0.0, 1e-3, 3.0, 12.0, 20.0, 80.0, 500.0, 1e4];
    let layout = Layout { prompts: far.len(), sides: vec![], words: 0 };
    for op in [Op::LogLogistic, Op::Logistic, Op::Magnitude, Op::Negative] {
        let mut hand = Hand::default();
        hand.0.name = format!("{op:?} far out");
        let x = hand.input("x", Depth::EachPrompt, true);
        let y = hand.op(op, &[x]);
        hand.0.root = Some(hand.op(Op::AverageAll, &[y]));
        let program = hand.0;
        for x in far {
            // One number at a time, so that a small one is not hidden behind a large one.
            let alone = Layout { prompts: 1, ..layout.clone() };
            let mut inputs = Inputs::new();
            inputs.insert("actor", "x", None, vec![x]);
            let (totals, settings) = (alone.totals(), Settings::new());
            let expected = eval::evaluate(&program, &alone, &totals, &inputs, &settings).unwrap();
            let found = evaluate(&program, &alone, &totals, &inputs, &settings).unwrap();
            same(&program.name, &found, &expected);
            close(&format!("{} at {x}", program.name), &[found.loss], &[expected.loss], 0.0);
        }
    }
}

#[test]
fn far_out_special_functions_keep_their_digits() {
    let layout = Layout { prompts: 1, sides: vec![], words: 0 };
    let check = |op: &Op, x: f64, y: Option<f64>| {
        let mut hand = Hand::default();
        hand.0.name = format!("{op:?} of {x} and {y:?}");
        let mut args = vec![hand.input("x", Depth::EachPrompt, true)];
        args.extend(y.map(|_| hand.input("y", Depth::EachPrompt, true)));
        let y_of_op = hand.op(op.clone(), &args);
        hand.0.root = Some(hand.op(Op::AverageAll, &[y_of_op]));
        let mut inputs = Inputs::new();
        inputs.insert("actor", "x", None, vec![x]);
        y.into_iter().for_each(|y| inputs.insert("actor", "y", None, vec![y]));
        let (totals, settings) = (layout.totals(), Settings::new());
        let expected = eval::evaluate(&hand.0, &layout, &totals, &inputs, &settings).unwrap();
        let found = evaluate(&hand.0, &layout, &totals, &inputs, &settings).unwrap();
        same(&hand.0.name, &found, &expected);
        close(&hand.0.name, &[found.loss], &[expected.loss], 0.0);
    };
    for x in [-1e4, -89.0, -20.0, -0.75, -0.5, -1e-3, -1e-30] {
        check(&Op::LogComplement, x, None);
        check(&Op::Root, -x, None);
    }
    // Exact in f32, so that both ways see the same interval.
    for (low, high) in [(-1e9, 0.5), (-0.5, 1e9), (20.0, 21.0), (-21.0, -20.0), (-0.25, 0.25), (-1e4, -9e3), (3.0, 1e9)]
    {
        check(&Op::LogInterval, low, Some(high));
    }
    for estimator in Estimator::ALL {
        for (p, q) in [(-1e4_f64, -0.5_f64), (-0.5, -0.5), (-0.5, -80.0), (-1.0, -1.000_976_562_5), (-80.0, -0.5)] {
            // The exponential of more is beyond f32.
            if estimator != Estimator::K3 || q - p < 88.0 {
                check(&Op::Estimate(estimator), p, Some(q));
            }
        }
    }
}

#[test]
fn a_group_far_apart_has_a_safe_log_softmax() {
    let mut hand = Hand::default();
    let x = hand.input("x", Depth::EachResponse, true);
    let y = hand.op(Op::GroupLogSoftmax, &[x]);
    let weight = hand.input("weight", Depth::EachResponse, false);
    let weighted = hand.op(Op::Times, &[y, weight]);
    hand.0.root = Some(hand.op(Op::AverageAll, &[weighted]));
    let reach = |prompt| Reach { prompt, tokens: 1 };
    let layout = Layout { prompts: 3, sides: vec![(SideTag::Sample, [0, 0, 0, 2, 2].map(reach).to_vec())], words: 0 };
    let mut inputs = Inputs::new();
    inputs.insert("actor", "x", Some(SideTag::Sample), vec![1e4, 1e4 - 1.0, -1e4, -3.0, -3.5]);
    inputs.insert("reference", "weight", Some(SideTag::Sample), vec![0.3, -1.0, 2.0, 1.0, -0.5]);
    check(&hand.0, &layout, &layout.totals(), &inputs, &Settings::new());
}

#[test]
fn an_overflow_that_a_minimum_takes_away_leaves_no_trace() {
    let mut hand = Hand::default();
    let x = hand.input("x", Depth::EachPrompt, true);
    let (grown, three) = (hand.op(Op::Exponential, &[x]), hand.number(3.0));
    let least = hand.op(Op::Smaller, &[grown, three]);
    hand.0.root = Some(hand.op(Op::Average, &[least]));
    let layout = Layout { prompts: 3, sides: vec![], words: 0 };
    let mut inputs = Inputs::new();
    inputs.insert("actor", "x", None, vec![1e4, 0.5, 100.0]);
    check(&hand.0, &layout, &layout.totals(), &inputs, &Settings::new());
}

#[test]
fn equal_arguments_give_the_gradient_to_the_first() {
    for op in [Op::Smaller, Op::Larger] {
        let mut hand = Hand::default();
        let (x, y) = (hand.input("x", Depth::EachPrompt, true), hand.input("y", Depth::EachPrompt, true));
        let chosen = hand.op(op, &[x, y]);
        hand.0.root = Some(hand.op(Op::Average, &[chosen]));
        let layout = Layout { prompts: 2, sides: vec![], words: 0 };
        let mut inputs = Inputs::new();
        inputs.insert("actor", "x", None, vec![1.0, 2.0]);
        inputs.insert("actor", "y", None, vec![1.0, 3.0]);
        check(&hand.0, &layout, &layout.totals(), &inputs, &Settings::new());
    }
}

#[test]
fn faults_are_said_in_one_line() {
    let program = (ALL.iter().find(|a| a.name == "dpo").unwrap().trace)();
    let mut random = Random::new(2);
    let layout = layout(2, 3, &mut random);
    let mut given = inputs(&program, &layout, &mut random);
    let settings: Settings = [("beta".to_owned(), 0.1), ("label_smoothing".to_owned(), 0.0)].into();
    let fault = |inputs: &Inputs, settings: &Settings| {
        let message = evaluate(&program, &layout, &layout.totals(), inputs, settings).unwrap_err().to_string();
        assert!(!message.contains('\n'), "{message}");
        message
    };
    assert!(fault(&given, &Settings::new()).starts_with("hyper-parameter `beta` has no value"));
    assert!(fault(&Inputs::new(), &settings).starts_with("`actor.logp` of Chosen is missing"));
    // Finite in f64 and beyond f32.
    given.get_mut("actor", "logp", Some(SideTag::Chosen)).unwrap()[0] = -1e300;
    assert!(fault(&given, &settings).contains("is not a finite number"), "{}", fault(&given, &settings));
}

#[test]
fn far_apart_words_have_the_divergences_of_the_definition() {
    let mut hand = Hand::default();
    let (p, q) = (hand.input("p", Depth::EachWord, true), hand.input("q", Depth::EachWord, false));
    let (half, two) = (hand.number(0.5), hand.number(2.0));
    let mix = hand.op(Op::Mixture, &[p, q, half]);
    let kept = hand.op(Op::TopWords, &[q, two]);
    let (few_p, few_q) = (hand.op(Op::Renormalised, &[p, kept]), hand.op(Op::Renormalised, &[q, kept]));
    let mut terms = vec![];
    for (of, from) in [(p, mix), (q, mix), (p, q), (q, p), (few_p, few_q), (few_q, few_p)] {
        let (share, ratio) = (hand.op(Op::Exponential, &[of]), hand.op(Op::Minus, &[of, from]));
        let product = hand.op(Op::Times, &[share, ratio]);
        terms.push(hand.op(Op::Total, &[product]));
    }
    let sum = terms.into_iter().reduce(|a, b| hand.op(Op::Plus, &[a, b])).unwrap();
    hand.0.root = Some(hand.op(Op::AverageAll, &[sum]));
    let reach = Reach { prompt: 0, tokens: 1 };
    let layout = Layout { prompts: 1, sides: vec![(SideTag::Sample, vec![reach])], words: 4 };
    let rows = [[0.0, -1e4, -1e4, -1e4], [-1e4, -1e4, 0.0, -1e4], [-1.5, -0.5, -2.0, -3.0], [-1e4, -0.25, -1e4, -2.0]];
    for p in rows {
        for q in rows {
            let mut inputs = Inputs::new();
            inputs.insert("actor", "p", Some(SideTag::Sample), p.to_vec());
            inputs.insert("reference", "q", Some(SideTag::Sample), q.to_vec());
            check(&hand.0, &layout, &layout.totals(), &inputs, &Settings::new());
        }
    }
}
