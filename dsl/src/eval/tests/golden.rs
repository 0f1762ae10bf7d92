//! Numbers worked out elsewhere, from the formulas alone.

use super::programs;
use crate::by_hand::{Hand, dpo, settings};
use crate::eval::{Evaluation, Inputs, evaluate};
use crate::ir::{Depth, KindTag, Op, Program, SideTag, Ty};
use crate::{Layout, Reach};
use std::f64::consts::LN_2;

const SIDES: [SideTag; 2] = [SideTag::Chosen, SideTag::Rejected];

/// Three pairs: summed log-probs of actor and reference, tokens, scores. Chosen first, then rejected.
const ACTOR: [[f64; 3]; 2] = [[-0.5, -10.0, -1.0], [-0.1, -30.0, -21.0]];
const REFERENCE: [[f64; 3]; 2] = [[-0.5, -10.1, -0.1], [-0.1, -20.1, -0.1]];
const TOKENS: [[usize; 3]; 2] = [[4, 5, 2], [1, 10, 7]];
const SCORE: [[f64; 3]; 2] = [[1.0, 2.0, 0.5], [0.0, 1.5, 1.0]];

fn close(found: f64, expected: f64, name: &str) {
    assert!((found - expected).abs() <= 1.5e-9 * (1.0 + expected.abs()), "{name}: {found}, expected {expected}");
}

/// The three pairs, or one of them, with each sum spread unevenly over its tokens.
fn pairs(which: std::ops::Range<usize>) -> (Layout, Inputs) {
    let mut layout = Layout { prompts: which.len(), sides: vec![], words: 0 };
    let mut inputs = Inputs::new();
    for (s, side) in SIDES.into_iter().enumerate() {
        let reaches = which.clone().enumerate().map(|(prompt, i)| Reach { prompt, tokens: TOKENS[s][i] });
        layout.sides.push((side, reaches.collect()));
        for (owner, sums) in [("actor", ACTOR[s]), ("reference", REFERENCE[s])] {
            let spread = |i: usize| {
                let n = TOKENS[s][i];
                let whole = (n * (n + 1) / 2) as f64;
                (1..=n).map(move |t| sums[i] * t as f64 / whole)
            };
            inputs.insert(owner, "logp", Some(side), which.clone().flat_map(spread).collect());
        }
        let field = ["chosen_score", "rejected_score"][s];
        inputs.insert("scored_pair", field, Some(side), SCORE[s][which.clone()].to_vec());
    }
    (layout, inputs)
}

/// The loss of each pair alone, and of the three together.
fn check(name: &str, program: &Program, values: &[(&str, f64)], each: [f64; 3], mean: f64) {
    let run = |which| {
        let (layout, inputs) = pairs(which);
        evaluate(program, &layout, &layout.totals(), &inputs, &settings(values)).unwrap().loss
    };
    for (i, expected) in each.into_iter().enumerate() {
        close(run(i..i + 1), expected, &format!("{name}, pair {i}"));
    }
    close(run(0..3), mean, name);
}

/// DPO against labels of which a share is wrong.
fn smoothed() -> Program {
    let mut hand = Hand::new("smoothed");
    let margin = hand.margin();
    let lost = hand.op(Op::Negative, KindTag::Margin, &[margin]);
    let (one, share) = (hand.number(1.0), hand.parameter("label_smoothing"));
    let right = hand.op(Op::Minus, KindTag::Number, &[one, share]);
    let won = hand.op(Op::LogLogistic, KindTag::LogProb, &[margin]);
    let lost = hand.op(Op::LogLogistic, KindTag::LogProb, &[lost]);
    let won = hand.op(Op::Times, KindTag::LogProb, &[right, won]);
    let lost = hand.op(Op::Times, KindTag::LogProb, &[share, lost]);
    let sum = hand.op(Op::Plus, KindTag::LogProb, &[won, lost]);
    let loss = hand.op(Op::Negative, KindTag::Loss, &[sum]);
    hand.mean_loss(loss)
}

#[test]
fn pairwise_losses_are_those_of_an_independent_script() {
    let beta = ("beta", 0.1);
    let scored = [beta, ("eta", 1.0)];
    check("dpo", &dpo(), &[beta], [LN_2, 0.313261688, 0.126928011], 0.37777896);
    let values = [beta, ("label_smoothing", 0.1)];
    check("cdpo", &smoothed(), &values, [LN_2, 0.413261688, 0.326928011], 0.47777896);
    check("ipo", &programs::ipo(), &[beta], [25.0, 25.0, 225.0], 91.666666667);
    let values = [("beta", 2.0), ("gamma", 0.5)];
    check("simpo", &programs::simpo(), &values, [1.005492481, 0.201413278, 0.011047745], 0.405984501);
    check("rpo_sq", &programs::rpo_squared(), &scored, [1.0, 0.25, 6.25], 2.5);
    let expected = [0.110944072, 0.027955038, 0.708999355];
    check("rpo_bwd", &programs::rpo_backward(), &scored, expected, 0.282632821);
    let expected = [0.120114507, 0.026344586, 0.549141668];
    check("rpo_fwd", &programs::rpo_forward(), &scored, expected, 0.23186692);
}

/// One pair whose implicit margin is `a` and whose judged margin is `b`.
fn distance(program: &Program, a: f64, b: f64) -> Evaluation {
    let layout =
        Layout { prompts: 1, sides: SIDES.map(|s| (s, vec![Reach { prompt: 0, tokens: 1 }])).to_vec(), words: 0 };
    let mut inputs = Inputs::new();
    for (side, field, reward, score) in [(SIDES[0], "chosen_score", a, b), (SIDES[1], "rejected_score", 0.0, 0.0)] {
        inputs.insert("actor", "logp", Some(side), vec![reward]);
        inputs.insert("reference", "logp", Some(side), vec![0.0]);
        inputs.insert("scored_pair", field, Some(side), vec![score]);
    }
    evaluate(program, &layout, &layout.totals(), &inputs, &settings(&[("beta", 1.0), ("eta", 1.0)])).unwrap()
}

#[test]
fn distances_between_two_margins_are_the_papers() {
    let (a, b) = (0.8, 1.5);
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    let slope = |e: &Evaluation| e.gradient.get("actor", "logp", Some(SideTag::Chosen)).unwrap()[0];
    let backward = distance(&programs::rpo_backward(), a, b);
    close(backward.loss, 0.0419895213, "backward");
    close(slope(&backward), logistic(a) - logistic(b), "backward slope");
    let forward = distance(&programs::rpo_forward(), a, b);
    close(forward.loss, 0.0473304752, "forward");
    close(slope(&forward), logistic(a) * logistic(-a) * (a - b), "forward slope");
    let squared = distance(&programs::rpo_squared(), a, b);
    close(squared.loss, 0.49, "squared");
    close(slope(&squared), 2.0 * (a - b), "squared slope");
}

#[test]
fn distances_over_a_group_are_the_papers() {
    let layout =
        Layout { prompts: 1, sides: vec![(SideTag::Sample, vec![Reach { prompt: 0, tokens: 1 }; 4])], words: 0 };
    let mut inputs = Inputs::new();
    inputs.insert("actor", "logp", Some(SideTag::Sample), vec![0.3, -0.2, 0.5, 0.1]);
    inputs.insert("reference", "logp", Some(SideTag::Sample), vec![0.0; 4]);
    inputs.insert("group", "score", Some(SideTag::Sample), vec![1.0, 0.0, 0.4, -0.6]);
    let values = settings(&[("beta", 1.0), ("eta", 1.0)]);
    let loss = |program| evaluate(&program, &layout, &layout.totals(), &inputs, &values).unwrap().loss;
    close(loss(programs::k_way()), 0.1155877506, "K-way backward KL");
    close(loss(programs::leave_one_out_squared()), 0.913_333_333_3, "squared leave-one-out");
}

/// Bradley-Terry on a reward model's two scores, with a margin inside and a factor outside.
fn bradley_terry(margin: f64, factor: f64) -> f64 {
    let mut hand = Hand::new("bradley_terry");
    let ty = |side| Ty { kind: KindTag::Reward, depth: Depth::EachResponse, side: Some(side), live: true };
    let [chosen, rejected] = SIDES.map(|side| hand.input("reward_model", "score", ty(side)));
    let gap = hand.op(Op::Minus, KindTag::Margin, &[chosen, rejected]);
    let margin = hand.number(margin);
    let ahead = hand.op(Op::Minus, KindTag::Margin, &[gap, margin]);
    let won = hand.op(Op::LogLogistic, KindTag::LogProb, &[ahead]);
    let factor = hand.number(-factor);
    let loss = hand.op(Op::Times, KindTag::Loss, &[factor, won]);
    let program = hand.mean_loss(loss);
    let layout =
        Layout { prompts: 1, sides: SIDES.map(|s| (s, vec![Reach { prompt: 0, tokens: 1 }])).to_vec(), words: 0 };
    let mut inputs = Inputs::new();
    inputs.insert("reward_model", "score", Some(SideTag::Chosen), vec![1.2]);
    inputs.insert("reward_model", "score", Some(SideTag::Rejected), vec![0.4]);
    evaluate(&program, &layout, &layout.totals(), &inputs, &settings(&[])).unwrap().loss
}

#[test]
fn bradley_terry_losses_are_the_papers() {
    close(bradley_terry(0.0, 1.0), 0.3711006659, "plain");
    for (margin, expected) in [(1.0, 0.7981388694), (2.0, 1.4632824673), (3.0, 2.3050833198)] {
        close(bradley_terry(margin, 1.0), expected, "margin");
    }
    for (factor, expected) in [(1.0, 0.3711006659), (2.0, 0.7422013319), (3.0, 1.1133019978)] {
        close(bradley_terry(0.0, factor), expected, "scaled");
    }
}

#[test]
fn the_automatic_metrics_of_a_pair_come_as_sums_and_counts() {
    let (layout, inputs) = pairs(0..3);
    let found = evaluate(&dpo(), &layout, &layout.totals(), &inputs, &settings(&[("beta", 0.1)])).unwrap();
    let metric = |name: &str| found.metrics.iter().find(|m| m.name == name).unwrap().clone();
    close(metric("rewards/chosen").sum, 0.1 * (0.0 + 0.1 - 0.9), "rewards/chosen");
    close(metric("rewards/rejected").sum, 0.1 * (0.0 - 9.9 - 20.9), "rewards/rejected");
    close(metric("rewards/margins").mean().unwrap(), (0.0 + 1.0 + 2.0) / 3.0, "rewards/margins");
    assert_eq!((metric("rewards/accuracies").sum, metric("rewards/accuracies").count), (2.0, 3));
}
