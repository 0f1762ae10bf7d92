//! Whole programs that together use every operation, for the tests beside this file.

use crate::by_hand::{Hand, dpo, settings};
use crate::eval::Settings;
use crate::ir::{Depth, KindTag, Op, Program, SideTag, Ty};

/// Values for every hyper-parameter the programs read.
pub(super) fn all_settings() -> Settings {
    settings(&[("beta", 0.3), ("eta", 0.7), ("gamma", 0.4), ("epsilon", 0.2), ("half", 0.5)])
}

/// Programs whose batch may be cut.
pub(super) fn separable() -> Vec<Program> {
    vec![
        dpo(),
        ipo(),
        simpo(),
        rpo_backward(),
        rpo_forward(),
        rpo_squared(),
        leave_one_out(),
        clipped(),
        k_way(),
        sft(),
    ]
}

/// `(sum of log-ratios, chosen - rejected, - 1 / (2 beta))` squared
pub(super) fn ipo() -> Program {
    let mut hand = Hand::new("ipo");
    let mut side = |side| {
        let (actor, reference) = (hand.logp("actor", side), hand.logp("reference", side));
        let ratio = hand.op(Op::Minus, KindTag::LogRatio, &[actor, reference]);
        hand.op(Op::Total, KindTag::LogRatio, &[ratio])
    };
    let (chosen, rejected) = (side(SideTag::Chosen), side(SideTag::Rejected));
    let margin = hand.op(Op::Minus, KindTag::Margin, &[chosen, rejected]);
    let (beta, two, one) = (hand.parameter("beta"), hand.number(2.0), hand.number(1.0));
    let twice = hand.op(Op::Times, KindTag::Number, &[two, beta]);
    let target = hand.op(Op::Over, KindTag::Number, &[one, twice]);
    let miss = hand.op(Op::Minus, KindTag::Margin, &[margin, target]);
    let loss = hand.op(Op::Square, KindTag::Loss, &[miss]);
    hand.mean_loss(loss)
}

/// `-log_sigmoid(beta * (mean chosen - mean rejected) - gamma)`
pub(super) fn simpo() -> Program {
    let mut hand = Hand::new("simpo");
    let beta = hand.parameter("beta");
    let mut side = |side| {
        let logp = hand.logp("actor", side);
        let mean = hand.op(Op::Average, KindTag::LogProb, &[logp]);
        hand.op(Op::Times, KindTag::Reward, &[beta, mean])
    };
    let (chosen, rejected) = (side(SideTag::Chosen), side(SideTag::Rejected));
    let margin = hand.op(Op::Minus, KindTag::Margin, &[chosen, rejected]);
    let gamma = hand.parameter("gamma");
    let ahead = hand.op(Op::Minus, KindTag::Margin, &[margin, gamma]);
    let won = hand.op(Op::LogLogistic, KindTag::LogProb, &[ahead]);
    let loss = hand.op(Op::Negative, KindTag::Loss, &[won]);
    hand.mean_loss(loss)
}

/// KL(judged || ours)
pub(super) fn rpo_backward() -> Program {
    let mut hand = Hand::new("rpo_bwd");
    let (ours, judged) = (hand.margin(), hand.judged());
    let loss = hand.kl(judged, ours);
    hand.mean_loss(loss)
}

/// KL(ours || judged)
pub(super) fn rpo_forward() -> Program {
    let mut hand = Hand::new("rpo_fwd");
    let (ours, judged) = (hand.margin(), hand.judged());
    let loss = hand.kl(ours, judged);
    hand.mean_loss(loss)
}

/// `(ours - judged)` squared
pub(super) fn rpo_squared() -> Program {
    let mut hand = Hand::new("rpo_sq");
    let (ours, judged) = (hand.margin(), hand.judged());
    let miss = hand.op(Op::Minus, KindTag::Margin, &[ours, judged]);
    let loss = hand.op(Op::Square, KindTag::Loss, &[miss]);
    hand.mean_loss(loss)
}

fn score(hand: &mut Hand) -> crate::ir::Id {
    let ty = Ty { kind: KindTag::Reward, depth: Depth::EachResponse, side: Some(SideTag::Sample), live: false };
    hand.input("group", "score", ty)
}

/// REINFORCE with the mean of the others as baseline, and the drift from the reference in the reward.
fn leave_one_out() -> Program {
    let mut hand = Hand::new("leave_one_out");
    let (actor, reference) = (hand.logp("actor", SideTag::Sample), hand.logp("reference", SideTag::Sample));
    let ratio = hand.op(Op::Minus, KindTag::LogRatio, &[actor, reference]);
    let drift = hand.op(Op::Total, KindTag::LogRatio, &[ratio]);
    let drift = hand.op(Op::Constant, KindTag::LogRatio, &[drift]);
    let beta = hand.parameter("beta");
    let price = hand.op(Op::Times, KindTag::Reward, &[beta, drift]);
    let score = score(&mut hand);
    let reward = hand.op(Op::Minus, KindTag::Reward, &[score, price]);
    let others = hand.op(Op::OthersMean, KindTag::Baseline, &[reward]);
    let advantage = hand.op(Op::Minus, KindTag::Advantage, &[reward, others]);
    hand.report("reward", reward);
    let sum = hand.op(Op::Total, KindTag::LogProb, &[actor]);
    let gain = hand.op(Op::Times, KindTag::Gain, &[sum, advantage]);
    let loss = hand.op(Op::Negative, KindTag::Loss, &[gain]);
    hand.mean_loss(loss)
}

/// The clipped surrogate for each token, a penalty on it, and a mean over all tokens of the batch.
fn clipped() -> Program {
    let mut hand = Hand::new("clipped");
    let (actor, behavior) = (hand.logp("actor", SideTag::Sample), hand.logp("behavior", SideTag::Sample));
    let change = hand.op(Op::Minus, KindTag::LogRatio, &[actor, behavior]);
    let ratio = hand.op(Op::Exponential, KindTag::Ratio, &[change]);
    let (one, epsilon) = (hand.number(1.0), hand.parameter("epsilon"));
    let low = hand.op(Op::Minus, KindTag::Number, &[one, epsilon]);
    let high = hand.op(Op::Plus, KindTag::Number, &[one, epsilon]);
    let held = hand.op(Op::Clip, KindTag::Ratio, &[ratio, low, high]);
    let score = score(&mut hand);
    let mean = hand.op(Op::GroupMean, KindTag::Baseline, &[score]);
    let advantage = hand.op(Op::Minus, KindTag::Advantage, &[score, mean]);
    let free = hand.op(Op::Times, KindTag::Gain, &[ratio, advantage]);
    let held = hand.op(Op::Times, KindTag::Gain, &[held, advantage]);
    let gain = hand.op(Op::Smaller, KindTag::Gain, &[free, held]);
    let loss = hand.op(Op::Negative, KindTag::Loss, &[gain]);
    let distance = hand.op(Op::Magnitude, KindTag::Kl, &[change]);
    let cap = hand.op(Op::Larger, KindTag::Kl, &[distance, epsilon]);
    let fixed = hand.op(Op::Times, KindTag::Kl, &[epsilon, cap]);
    let sum = hand.op(Op::Plus, KindTag::Loss, &[loss, fixed]);
    let root = hand.op(Op::AverageAll, KindTag::Loss, &[sum]);
    let kl = hand.op(Op::AverageAll, KindTag::Kl, &[distance]);
    hand.report("kl", kl);
    hand.report("distance", distance);
    hand.report("epsilon", epsilon);
    hand.mean_loss(root)
}

/// KL(softmax of the scores || softmax of the implicit rewards) over all responses to a prompt.
pub(super) fn k_way() -> Program {
    let mut hand = Hand::new("k_way");
    let ours = hand.implicit(SideTag::Sample);
    let (score, eta) = (score(&mut hand), hand.parameter("eta"));
    let judged = hand.op(Op::Times, KindTag::Reward, &[eta, score]);
    let ours = hand.op(Op::GroupLogSoftmax, KindTag::LogProb, &[ours]);
    let judged = hand.op(Op::GroupLogSoftmax, KindTag::LogProb, &[judged]);
    let weight = hand.op(Op::Exponential, KindTag::Prob, &[judged]);
    let ratio = hand.op(Op::Minus, KindTag::LogRatio, &[judged, ours]);
    let product = hand.op(Op::Times, KindTag::Kl, &[weight, ratio]);
    let sum = hand.op(Op::Total, KindTag::Kl, &[product]);
    let loss = hand.op(Op::Recast("a divergence is what is made small".into()), KindTag::Loss, &[sum]);
    hand.mean_loss(loss)
}

/// `1/2 * sum over responses of (leave-one-out gap of ours - of the scores)` squared
pub(super) fn leave_one_out_squared() -> Program {
    let mut hand = Hand::new("sqloo");
    let ours = hand.implicit(SideTag::Sample);
    let (score, eta) = (score(&mut hand), hand.parameter("eta"));
    let judged = hand.op(Op::Times, KindTag::Reward, &[eta, score]);
    let mut ahead = |reward| {
        let others = hand.op(Op::OthersMean, KindTag::Baseline, &[reward]);
        hand.op(Op::Minus, KindTag::Advantage, &[reward, others])
    };
    let (ours, judged) = (ahead(ours), ahead(judged));
    let miss = hand.op(Op::Minus, KindTag::Advantage, &[ours, judged]);
    let square = hand.op(Op::Square, KindTag::Loss, &[miss]);
    let half = hand.number(0.5);
    let loss = hand.op(Op::Times, KindTag::Loss, &[half, square]);
    let sum = hand.op(Op::Total, KindTag::Loss, &[loss]);
    hand.mean_loss(sum)
}

/// Cross-entropy over all tokens of the batch.
fn sft() -> Program {
    let mut hand = Hand::new("sft");
    let logp = hand.logp("actor", SideTag::Sample);
    let loss = hand.op(Op::Negative, KindTag::Loss, &[logp]);
    let root = hand.op(Op::AverageAll, KindTag::Loss, &[loss]);
    hand.mean_loss(root)
}
