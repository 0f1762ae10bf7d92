//! For tests: programs put together step by step, numbers from a fixed seed, and batches cut in parts.

use crate::eval::{Inputs, Settings};
use crate::ir::{Depth, Estimator, Id, KindTag, Metric, Node, Op, Place, Program, SideTag, Ty};
use crate::{Layout, Reach};

/// A program under construction. Depth, side and gradient follow from the arguments; kinds are given.
pub(crate) struct Hand {
    pub(crate) program: Program,
}

impl Hand {
    pub(crate) fn new(name: &str) -> Self {
        Hand { program: Program { name: name.into(), ..Program::default() } }
    }

    fn push(&mut self, op: Op, args: &[Id], ty: Ty) -> Id {
        let line = u32::try_from(self.program.nodes.len()).unwrap() + 1;
        let place = Place { file: "by_hand.rs".into(), line, column: 5 };
        self.program.nodes.push(Node { op, args: args.to_vec(), ty, place });
        Id::new(self.program.nodes.len() - 1)
    }

    pub(crate) fn input(&mut self, owner: &str, field: &str, ty: Ty) -> Id {
        self.push(Op::Input { owner: owner.into(), field: field.into() }, &[], ty)
    }

    /// The log-probabilities a policy gives to the tokens of a side; live if the policy is the actor.
    pub(crate) fn logp(&mut self, owner: &str, side: SideTag) -> Id {
        let ty = Ty { kind: KindTag::LogProb, depth: Depth::EachToken, side: Some(side), live: owner == "actor" };
        self.input(owner, "logp", ty)
    }

    pub(crate) fn parameter(&mut self, name: &str) -> Id {
        self.push(Op::Parameter(name.into()), &[], constant())
    }

    pub(crate) fn number(&mut self, number: f64) -> Id {
        self.push(Op::Literal(number), &[], constant())
    }

    pub(crate) fn op(&mut self, op: Op, kind: KindTag, args: &[Id]) -> Id {
        let types: Vec<Ty> = args.iter().map(|&a| self.program.node(a).ty).collect();
        let deepest = *types.iter().max_by_key(|ty| ty.depth).unwrap();
        let sides: Vec<_> = types.iter().filter_map(|ty| ty.side).collect();
        let opposed = sides.len() == 2 && sides[0] != sides[1];
        let (depth, side) = match op {
            Op::Total | Op::Average => match deepest.depth {
                Depth::EachWord => (Depth::EachToken, deepest.side),
                Depth::EachToken => (Depth::EachResponse, deepest.side),
                Depth::EachResponse => (Depth::EachPrompt, None),
                Depth::EachPrompt | Depth::Batch | Depth::Constant => (Depth::Batch, None),
            },
            Op::AverageAll | Op::BatchSpread => (Depth::Batch, None),
            Op::AtLast => (Depth::EachToken, deepest.side),
            Op::EveryPrompt => (Depth::EachPrompt, None),
            _ if opposed => (Depth::EachPrompt, None),
            _ => (deepest.depth, deepest.side),
        };
        let live = types.iter().any(|ty| ty.live) && !matches!(op, Op::Constant | Op::Positive | Op::TopWords);
        self.push(op, args, Ty { kind, depth, side, live })
    }

    /// Means over one axis after the other, down to one number for the batch, which becomes the loss.
    pub(crate) fn mean_loss(mut self, mut id: Id) -> Program {
        while self.program.node(id).ty.depth > Depth::Batch {
            id = self.op(Op::Average, KindTag::Loss, &[id]);
        }
        self.program.root = Some(id);
        self.program
    }

    pub(crate) fn report(&mut self, name: &str, node: Id) {
        self.program.metrics.push(Metric { name: name.into(), node });
    }

    /// `beta * sum over tokens of (actor - reference)`
    pub(crate) fn implicit(&mut self, side: SideTag) -> Id {
        let beta = self.parameter("beta");
        let (actor, reference) = (self.logp("actor", side), self.logp("reference", side));
        let ratio = self.op(Op::Minus, KindTag::LogRatio, &[actor, reference]);
        let sum = self.op(Op::Total, KindTag::LogRatio, &[ratio]);
        self.op(Op::Times, KindTag::Reward, &[beta, sum])
    }

    /// Chosen minus rejected implicit reward, reported as a preference method's metrics.
    pub(crate) fn margin(&mut self) -> Id {
        let (chosen, rejected) = (self.implicit(SideTag::Chosen), self.implicit(SideTag::Rejected));
        let margin = self.op(Op::Minus, KindTag::Margin, &[chosen, rejected]);
        let right = self.op(Op::Positive, KindTag::Number, &[margin]);
        self.report("rewards/chosen", chosen);
        self.report("rewards/rejected", rejected);
        self.report("rewards/margins", margin);
        self.report("rewards/accuracies", right);
        margin
    }

    /// `eta * (chosen score - rejected score)`
    pub(crate) fn judged(&mut self) -> Id {
        let eta = self.parameter("eta");
        let score = |side| Ty { kind: KindTag::Reward, depth: Depth::EachResponse, side: Some(side), live: false };
        let chosen = self.input("scored_pair", "chosen_score", score(SideTag::Chosen));
        let rejected = self.input("scored_pair", "rejected_score", score(SideTag::Rejected));
        let gap = self.op(Op::Minus, KindTag::Margin, &[chosen, rejected]);
        self.op(Op::Times, KindTag::Margin, &[eta, gap])
    }

    /// KL(Bernoulli(sigmoid(p)) || Bernoulli(sigmoid(q))) of two margins
    pub(crate) fn kl(&mut self, p: Id, q: Id) -> Id {
        let first = self.half_kl(p, q);
        let (p, q) = (self.op(Op::Negative, KindTag::Margin, &[p]), self.op(Op::Negative, KindTag::Margin, &[q]));
        let second = self.half_kl(p, q);
        self.op(Op::Plus, KindTag::Loss, &[first, second])
    }

    /// `sigmoid(p) * (log_sigmoid(p) - log_sigmoid(q))`
    fn half_kl(&mut self, p: Id, q: Id) -> Id {
        let weight = self.op(Op::Logistic, KindTag::Prob, &[p]);
        let p = self.op(Op::LogLogistic, KindTag::LogProb, &[p]);
        let q = self.op(Op::LogLogistic, KindTag::LogProb, &[q]);
        let ratio = self.op(Op::Minus, KindTag::LogRatio, &[p, q]);
        self.op(Op::Times, KindTag::Kl, &[weight, ratio])
    }
}

fn constant() -> Ty {
    Ty { kind: KindTag::Number, depth: Depth::Constant, side: None, live: false }
}

/// DPO, the smallest whole program.
pub(crate) fn dpo() -> Program {
    let mut hand = Hand::new("dpo");
    let margin = hand.margin();
    let won = hand.op(Op::LogLogistic, KindTag::LogProb, &[margin]);
    let loss = hand.op(Op::Negative, KindTag::Loss, &[won]);
    hand.mean_loss(loss)
}

/// A shift by the mean over the whole batch in front of a logistic: the batch must stay whole.
pub(crate) fn shifted() -> Program {
    let mut hand = Hand::new("shifted");
    let margin = hand.margin();
    let mean = hand.op(Op::Average, KindTag::Margin, &[margin]);
    let mean = hand.op(Op::EveryPrompt, KindTag::Margin, &[mean]);
    let ahead = hand.op(Op::Minus, KindTag::Margin, &[margin, mean]);
    let ratio = hand.op(Op::Logistic, KindTag::Prob, &[ahead]);
    let logarithm = hand.op(Op::Logarithm, KindTag::LogProb, &[ratio]);
    let loss = hand.op(Op::Negative, KindTag::Loss, &[logarithm]);
    hand.mean_loss(loss)
}

/// One of each operation, with example data where it carries some.
pub(crate) fn every_op() -> Vec<Op> {
    // When an operation is added this stops compiling: add it to the list below as well.
    let _ = |op: Op| match op {
        Op::Input { .. } | Op::Parameter(_) | Op::Literal(_) | Op::Plus | Op::Minus | Op::Times | Op::Over => (),
        Op::Negative | Op::Smaller | Op::Larger | Op::Clip | Op::Exponential | Op::Logarithm | Op::Magnitude => (),
        Op::Logistic | Op::LogLogistic | Op::Square | Op::Positive | Op::Total | Op::Average | Op::AverageAll => (),
        Op::Constant | Op::Recast(_) | Op::EveryPrompt | Op::OthersMean | Op::GroupMean | Op::GroupLogSoftmax => (),
        Op::Root
        | Op::LogComplement
        | Op::LogInterval
        | Op::Choose
        | Op::Estimate(_)
        | Op::GroupSpread
        | Op::OthersSpread => (),
        Op::BatchSpread | Op::Sorted | Op::Length | Op::Overlap(_) | Op::Following | Op::DiscountedSum => (),
        Op::AtLast => (),
        Op::Mixture | Op::TopWords | Op::Renormalised => (),
    };
    let input = Op::Input { owner: "actor".into(), field: "logp".into() };
    vec![
        input,
        Op::Parameter("beta".into()),
        Op::Literal(0.5),
        Op::Plus,
        Op::Minus,
        Op::Times,
        Op::Over,
        Op::Negative,
        Op::Smaller,
        Op::Larger,
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
        Op::Recast("a \"quoted\" reason\nover two lines \\ and a tab\t".into()),
        Op::EveryPrompt,
        Op::OthersMean,
        Op::GroupMean,
        Op::GroupLogSoftmax,
        Op::Root,
        Op::LogComplement,
        Op::LogInterval,
        Op::Choose,
        Op::Estimate(Estimator::K1),
        Op::Estimate(Estimator::AbsK1),
        Op::Estimate(Estimator::K2),
        Op::Estimate(Estimator::K3),
        Op::GroupSpread,
        Op::OthersSpread,
        Op::BatchSpread,
        Op::Sorted,
        Op::Length,
        Op::Overlap(SideTag::Rejected),
        Op::Following,
        Op::DiscountedSum,
        Op::AtLast,
        Op::Mixture,
        Op::TopWords,
        Op::Renormalised,
    ]
}

/// Numbers from a seed (SplitMix64): the same in every run.
pub(crate) struct Noise(pub(crate) u64);

impl Noise {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Evenly from 0 to `n - 1`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.bits() % n as u64).unwrap()
    }

    /// Evenly between the two.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.bits() >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// A layout with one response of each paired side, and two to four of `Sample`, to each prompt.
pub(crate) fn layout(prompts: usize, noise: &mut Noise) -> Layout {
    let mut side = |side, least: usize, most: usize| {
        let mut reaches = Vec::new();
        for prompt in 0..prompts {
            for _ in 0..least + noise.below(most - least + 1) {
                reaches.push(Reach { prompt, tokens: 1 + noise.below(4) });
            }
        }
        (side, reaches)
    };
    let sides = vec![side(SideTag::Chosen, 1, 1), side(SideTag::Rejected, 1, 1), side(SideTag::Sample, 2, 4)];
    Layout { prompts, sides, words: 3 }
}

/// Values for every input of a program.
pub(crate) fn inputs(program: &Program, layout: &Layout, noise: &mut Noise) -> Inputs {
    let mut inputs = Inputs::new();
    for (_, owner, field, ty) in program.inputs() {
        inputs.insert(owner, field, ty.side, (0..layout.len(ty)).map(|_| noise.between(-2.0, 1.5)).collect());
    }
    inputs
}

/// Hyper-parameters by name and value.
pub(crate) fn settings(pairs: &[(&str, f64)]) -> Settings {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}
