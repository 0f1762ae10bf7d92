//! Gradients against finite differences.

use super::programs;
use crate::by_hand::{Hand, Noise, every_op, inputs, layout, shifted};
use crate::eval::{Inputs, Settings, evaluate};
use crate::ir::{Depth, KindTag, Op, Program, SideTag, Ty};
use crate::{Layout, Totals};

/// Every derivative of the loss, by the evaluator and by moving one input a little to either side.
fn check(program: &Program, layout: &Layout, totals: &Totals, inputs: &Inputs, settings: &Settings) {
    let name = &program.name;
    let found = evaluate(program, layout, totals, inputs, settings).unwrap();
    for (owner, field, side, gradient) in found.gradient.iter() {
        for (i, &derivative) in gradient.iter().enumerate() {
            let moved = |by: f64| {
                let mut moved = inputs.clone();
                moved.get_mut(owner, field, side).unwrap()[i] += by;
                evaluate(program, layout, totals, &moved, settings).unwrap().loss
            };
            let step = 1e-4;
            // Both differences together are right to the fourth order in the step.
            let (near, far) = (moved(step) - moved(-step), moved(2.0 * step) - moved(-2.0 * step));
            let expected = (8.0 * near - far) / (12.0 * step);
            let error = (derivative - expected).abs();
            assert!(
                // The last term is what a step of this size leaves of the loss's digits.
                error <= 1e-9 + 1e-8 * expected.abs() + 1e-11 * found.loss.abs(),
                "{name}: {owner}.{field} {side:?} [{i}] is {derivative}, expected {expected}"
            );
        }
    }
}

/// A program that puts one operation, on inputs of this depth, under a gradient that is not all ones.
fn around(op: &Op, depth: Depth) -> Program {
    let mut hand = Hand::new(&format!("{op:?} on {depth:?}"));
    let side = (depth >= Depth::EachResponse).then_some(SideTag::Sample);
    let ty = Ty { kind: KindTag::Reward, depth, side, live: true };
    let fixed = Ty { live: false, ..ty };
    let x = hand.input("actor", "x", ty);
    let y = hand.input("actor", "y", ty);
    let args = match op {
        Op::Clip => vec![x, hand.number(-0.5), hand.number(0.75)],
        // Half of the numbers are negative.
        Op::Logarithm => vec![hand.op(Op::Exponential, KindTag::Ratio, &[x])],
        Op::Over => {
            let two = hand.number(2.5);
            let y = hand.op(Op::Plus, KindTag::Reward, &[y, two]);
            vec![x, y]
        }
        Op::Root => vec![hand.op(Op::Exponential, KindTag::Spread, &[x])],
        // The logarithm of a probability is negative.
        Op::LogComplement => vec![hand.op(Op::LogLogistic, KindTag::LogProb, &[x])],
        Op::LogInterval => {
            let width = hand.op(Op::Exponential, KindTag::Margin, &[y]);
            vec![x, hand.op(Op::Plus, KindTag::Margin, &[x, width])]
        }
        Op::Choose => {
            let condition = hand.input("group", "condition", fixed);
            vec![condition, x, y]
        }
        Op::DiscountedSum => vec![x, hand.number(0.8)],
        Op::Mixture => vec![x, y, hand.number(0.3)],
        Op::Renormalised => {
            let (order, two) = (hand.input("teacher", "words", fixed), hand.number(2.0));
            vec![x, hand.op(Op::TopWords, KindTag::Weight, &[order, two])]
        }
        Op::EveryPrompt => vec![hand.op(Op::AverageAll, KindTag::Reward, &[x])],
        Op::Input { .. } | Op::Parameter(_) | Op::Literal(_) => vec![],
        _ => [x, y][..op.arity()].to_vec(),
    };
    let result = match op {
        Op::Input { owner, field } => hand.input(owner, field, ty),
        Op::Parameter(name) => hand.parameter(name),
        Op::Literal(number) => hand.number(*number),
        _ => hand.op(op.clone(), KindTag::Reward, &args),
    };
    let ty = Ty { live: false, ..hand.program.node(result).ty };
    let weight = hand.input("reference", "weight", ty);
    let slope = hand.input("reference", "slope", fixed);
    let weighted = hand.op(Op::Times, KindTag::Reward, &[result, weight]);
    let grown = hand.op(Op::Exponential, KindTag::Reward, &[weighted]);
    // The inputs reach the loss beside the operation as well.
    let beside = hand.op(Op::Times, KindTag::Reward, &[x, slope]);
    let mixed = hand.op(Op::Times, KindTag::Reward, &[grown, beside]);
    let loss = hand.op(Op::AverageAll, KindTag::Loss, &[mixed]);
    hand.mean_loss(loss)
}

#[test]
fn every_operation_has_the_gradient_of_its_value() {
    let mut noise = Noise(1);
    for op in every_op() {
        for depth in [Depth::EachPrompt, Depth::EachResponse, Depth::EachToken, Depth::EachWord] {
            let fits = match op {
                Op::Mixture | Op::Renormalised => depth == Depth::EachWord,
                Op::OthersMean | Op::GroupMean | Op::GroupLogSoftmax | Op::GroupSpread | Op::OthersSpread => {
                    depth == Depth::EachResponse
                }
                Op::AtLast => depth == Depth::EachResponse,
                Op::Following | Op::DiscountedSum => depth == Depth::EachToken,
                Op::Sorted => depth < Depth::EachToken,
                // What stops the gradient has none to compare with; that it stops is another test.
                Op::Constant | Op::Positive | Op::TopWords => false,
                // What the layout gives does not depend on any number.
                Op::Length | Op::Overlap(_) => false,
                _ => true,
            };
            if !fits {
                continue;
            }
            let program = around(&op, depth);
            let layout = layout(3, &mut noise);
            let inputs = inputs(&program, &layout, &mut noise);
            check(&program, &layout, &layout.totals(), &inputs, &programs::all_settings());
        }
    }
}

#[test]
fn whole_programs_have_the_gradient_of_their_loss() {
    let mut noise = Noise(2);
    let whole = [shifted(), programs::leave_one_out_squared()];
    for program in programs::separable().into_iter().chain(whole) {
        if program.nodes.iter().any(|node| node.op == Op::Constant) {
            continue;
        }
        let layout = layout(4, &mut noise);
        // A part of a larger batch: the counts of the whole are what is divided by.
        let mut totals = layout.totals();
        totals.prompts += 3;
        totals
            .sides
            .iter_mut()
            .for_each(|(_, responses, tokens)| (*responses, *tokens) = (*responses + 4, *tokens + 9));
        let inputs = inputs(&program, &layout, &mut noise);
        check(&program, &layout, &totals, &inputs, &programs::all_settings());
    }
}

#[test]
fn a_stopped_gradient_is_none() {
    let mut noise = Noise(3);
    for op in [Op::Constant, Op::Positive] {
        let mut hand = Hand::new("stopped");
        let x = hand.logp("actor", SideTag::Sample);
        let y = hand.logp("critic", SideTag::Sample);
        let stopped = hand.op(op, KindTag::LogProb, &[x]);
        let product = hand.op(Op::Times, KindTag::LogProb, &[stopped, y]);
        let mut program = hand.mean_loss(product);
        for node in &mut program.nodes {
            node.ty.live = true;
        }
        let layout = layout(2, &mut noise);
        let inputs = inputs(&program, &layout, &mut noise);
        let found = evaluate(&program, &layout, &layout.totals(), &inputs, &Settings::new()).unwrap();
        let of = |owner| found.gradient.get(owner, "logp", Some(SideTag::Sample)).unwrap();
        assert!(of("actor").iter().all(|&g| g == 0.0));
        assert!(of("critic").iter().any(|&g| g != 0.0));
    }
}

#[test]
fn at_a_tie_the_gradient_goes_to_the_first() {
    for op in [Op::Smaller, Op::Larger] {
        let mut hand = Hand::new("tie");
        let score = |live| Ty { kind: KindTag::Reward, depth: Depth::EachPrompt, side: None, live };
        let (a, b) = (hand.input("actor", "a", score(true)), hand.input("actor", "b", score(true)));
        let chosen = hand.op(op, KindTag::Reward, &[a, b]);
        let program = hand.mean_loss(chosen);
        let layout = Layout { prompts: 1, sides: vec![], words: 0 };
        let mut inputs = Inputs::new();
        inputs.insert("actor", "a", None, vec![0.5]);
        inputs.insert("actor", "b", None, vec![0.5]);
        let found = evaluate(&program, &layout, &layout.totals(), &inputs, &Settings::new()).unwrap();
        assert_eq!(found.gradient.get("actor", "a", None), Some(&[1.0][..]));
        assert_eq!(found.gradient.get("actor", "b", None), Some(&[0.0][..]));
    }
}

#[test]
fn far_out_the_gradients_of_a_preference_loss_are_finite_and_right() {
    let program = crate::by_hand::dpo();
    let layout = Layout {
        prompts: 1,
        sides: [SideTag::Chosen, SideTag::Rejected].map(|s| (s, vec![crate::Reach { prompt: 0, tokens: 1 }])).to_vec(),
        words: 0,
    };
    for (chosen, loss, slope) in [(-1e5, 1e5, -1.0), (1e5, 0.0, 0.0), (-1e300, 1e300, -1.0)] {
        let mut inputs = Inputs::new();
        for side in [SideTag::Chosen, SideTag::Rejected] {
            inputs.insert("actor", "logp", Some(side), vec![if side == SideTag::Chosen { chosen } else { 0.0 }]);
            inputs.insert("reference", "logp", Some(side), vec![0.0]);
        }
        let settings = crate::by_hand::settings(&[("beta", 1.0)]);
        let found = evaluate(&program, &layout, &layout.totals(), &inputs, &settings).unwrap();
        assert_eq!(found.loss, loss);
        assert_eq!(found.gradient.get("actor", "logp", Some(SideTag::Chosen)), Some(&[slope][..]));
        assert_eq!(found.gradient.get("actor", "logp", Some(SideTag::Rejected)), Some(&[-slope][..]));
    }
}
