//! The bugs: what changes in the formula, and where it happened.

use super::edit::{everywhere, inserted, replaced, rewired, wrapped};
use collimate_dsl::ir::{Depth, Estimator, Id, KindTag, Op, Program, SideTag};

/// A way in which formulas have gone wrong.
pub struct Bug {
    /// What changes.
    pub name: &'static str,
    /// Where that happened: repository and issue, or commit.
    pub seen: &'static str,
    /// The formula with the bug, once for every place where it fits.
    pub inject: fn(&Program) -> Vec<Program>,
}

/// All of them.
pub const BUGS: &[Bug] = &[
    Bug { name: "a minus is forgotten", seen: "LLaMA-Factory be0a807e8, Liger #484", inject: no_minus },
    Bug { name: "plus for minus", seen: "LLaMA-Factory be0a807e8", inject: plus_for_minus },
    Bug { name: "minus for plus", seen: "smaug #2", inject: minus_for_plus },
    Bug { name: "a difference the wrong way round", seen: "LLaMA-Factory #6050, TRL #3043", inject: turned },
    Bug { name: "a sign before a hyper-parameter", seen: "Liger #486, #489", inject: negative_parameter },
    Bug { name: "chosen for rejected", seen: "LLaMA-Factory #6050", inject: other_side },
    Bug { name: "both sides exchanged", seen: "LLaMA-Factory #6050", inject: sides_exchanged },
    Bug { name: "the actor as its own reference", seen: "TRL #6443, NeMo-Aligner #227", inject: actor_as_frozen },
    Bug { name: "the detached actor as the reference", seen: "TRL #6443", inject: detached_actor_as_frozen },
    Bug { name: "no reference", seen: "TRL #2431, #1961", inject: no_reference },
    Bug { name: "another frozen policy", seen: "TRL #4857", inject: another_policy },
    Bug { name: "a live value detached", seen: "NeMo-RL #2506, TRL #2277", inject: detached },
    Bug { name: "a weight not detached", seen: "verl #2953, #6058", inject: not_detached },
    Bug { name: "a hyper-parameter ignored", seen: "TRL #3906, NeMo-RL DPOConfig, tunix beaf9f3b", inject: ignored },
    Bug { name: "a factor forgotten", seen: "verl #2016, Liger #243", inject: no_factor },
    Bug { name: "divided instead of multiplied", seen: "SimPO's gamma / beta", inject: divided },
    Bug { name: "two hyper-parameters exchanged", seen: "TRL #3992", inject: parameters_exchanged },
    Bug { name: "a term forgotten", seen: "TRL #2153, LLaMA-Factory #6577", inject: no_term },
    Bug { name: "a number doubled", seen: "verl #2016, TRL #3043", inject: doubled },
    Bug { name: "the mean over tokens for their sum", seen: "tunix bc24e57f, TRL #1677", inject: mean_of_tokens },
    Bug { name: "the sum over tokens for their mean", seen: "tunix bc24e57f, torchtune #1615", inject: sum_of_tokens },
    Bug { name: "a sum over the batch", seen: "TRL #2617, verl #6957", inject: sum_of_batch },
    Bug { name: "one axis reduced, another meant", seen: "OpenRLHF #1250, SkyRL #1305", inject: no_reduction },
    Bug { name: "a mean over all tokens for a mean of means", seen: "TRL #2881, #3231", inject: all_tokens },
    Bug { name: "a mean of means for a mean over all tokens", seen: "TRL #3256, #3938", inject: means_of_means },
    Bug { name: "min for max", seen: "the value clip of PPO copies", inject: min_for_max },
    Bug { name: "max for min", seen: "the ratio clip of PPO copies", inject: max_for_min },
    Bug { name: "clipped on one side", seen: "verl's and TRL's CISPO", inject: one_sided },
    Bug { name: "not clipped", seen: "Liger #1194", inject: not_clipped },
    Bug {
        name: "the group's mean with the response itself",
        seen: "NeMo-RL #4158, PipelineRL #54",
        inject: itself_too,
    },
    Bug { name: "a mask forgotten", seen: "tunix 4f8d7237, TRL #2708", inject: no_mask },
    Bug { name: "a mask inverted", seen: "verl #3287, NeMo-Aligner's ended", inject: inverted_mask },
    Bug { name: "ln(sigmoid(x))", seen: "AReaL, f-divergences of TRL", inject: naive_log_sigmoid },
    Bug { name: "a square for an absolute value", seen: "NeMo-RL #2506", inject: square_for_size },
    Bug { name: "a square forgotten", seen: "pmetal's IPO", inject: no_square },
    Bug { name: "an exponential forgotten", seen: "OpenRLHF feeb0283", inject: no_exponential },
    Bug { name: "another estimate of the divergence", seen: "TRL #2277, NeMo-RL #2958", inject: another_estimate },
    Bug { name: "the batch's deviation for the group's", seen: "TRL #3992, OpenRLHF #1250", inject: spread_of_batch },
    Bug { name: "the group's deviation forgotten", seen: "OpenRLHF #1250", inject: no_spread },
    Bug { name: "a mixture weighted the other way", seen: "TRL #3043, #4105", inject: mixture_turned },
    Bug { name: "a choice the other way round", seen: "verl's dual clip", inject: choice_turned },
    Bug { name: "later rewards not discounted", seen: "verl #7278, #7300", inject: no_discount },
    Bug { name: "a response's reward at every token", seen: "TRL #6654", inject: everywhere_for_last },
    Bug { name: "not sorted", seen: "AOT copies", inject: not_sorted },
    Bug { name: "not made anew over the kept words", seen: "TRL #6478", inject: not_renormalised },
];

fn is_number(program: &Program, id: Id) -> bool {
    program.node(id).ty.depth == Depth::Constant
}

fn no_minus(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::Negative).then(|| rewired(p, id, n.args[0])))
}
fn plus_for_minus(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::Minus).then(|| replaced(p, id, Op::Plus, &n.args)))
}
fn minus_for_plus(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::Plus).then(|| replaced(p, id, Op::Minus, &n.args)))
}
fn turned(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::Minus).then(|| replaced(p, id, Op::Minus, &[n.args[1], n.args[0]])))
}
fn negative_parameter(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        let parameter = |arg: &Id| matches!(p.node(*arg).op, Op::Parameter(_));
        (n.op == Op::Times)
            .then(|| n.args.iter().position(parameter))
            .flatten()
            .map(|i| wrapped(p, id, i, Op::Negative))
    })
}

fn opposite(side: SideTag) -> Option<SideTag> {
    match side {
        SideTag::Chosen => Some(SideTag::Rejected),
        SideTag::Rejected => Some(SideTag::Chosen),
        _ => None,
    }
}
fn other_side(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        let side = n.ty.side.and_then(opposite).filter(|_| matches!(n.op, Op::Input { .. }))?;
        let other = p.nodes.iter().position(|other| other.op == n.op && other.ty.side == Some(side))?;
        Some(if other < id.index() {
            rewired(p, id, Id::new(other))
        } else {
            let mut p = p.clone();
            p.nodes[id.index()].ty.side = Some(side);
            p
        })
    })
}
fn sides_exchanged(p: &Program) -> Vec<Program> {
    let mut exchanged = p.clone();
    let mut any = false;
    for node in exchanged.nodes.iter_mut().filter(|node| matches!(&node.op, Op::Input { field, .. } if field == "logp"))
    {
        if let Some(side) = node.ty.side.and_then(opposite) {
            (node.ty.side, any) = (Some(side), true);
        }
    }
    any.then_some(exchanged).into_iter().collect()
}

fn frozen_policy(op: &Op) -> bool {
    matches!(op, Op::Input { owner, field } if field == "logp" && owner != "actor")
}
fn actor_as_frozen(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        frozen_policy(&n.op).then(|| {
            let mut p = p.clone();
            let node = &mut p.nodes[id.index()];
            (node.op, node.ty.live) = (Op::Input { owner: "actor".into(), field: "logp".into() }, true);
            p
        })
    })
}
fn detached_actor_as_frozen(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        frozen_policy(&n.op).then(|| {
            let mut p = inserted(p, id, Op::Literal(0.0), &[]);
            let actor = Op::Input { owner: "actor".into(), field: "logp".into() };
            p.nodes[id.index()].op = actor;
            p.nodes[id.index()].ty = collimate_dsl::ir::Ty { live: true, ..n.ty };
            let detach = &mut p.nodes[id.index() + 1];
            (detach.op, detach.args) = (Op::Constant, vec![id]);
            p
        })
    })
}
fn no_reference(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        (n.op == Op::Minus && frozen_policy(&p.node(n.args[1]).op)).then(|| rewired(p, id, n.args[0]))
    })
}
fn another_policy(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        let Op::Input { owner, field } = &n.op else { return None };
        let other = match owner.as_str() {
            "reference" => "behavior",
            "behavior" | "previous" => "reference",
            _ => return None,
        };
        Some(replaced(p, id, Op::Input { owner: other.into(), field: field.clone() }, &[]))
    })
}

fn detached(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        let live: Vec<usize> =
            (0..n.args.len()).filter(|&i| p.node(n.args[i]).ty.live && n.op != Op::Constant).collect();
        live.into_iter().map(|i| wrapped(p, id, i, Op::Constant)).collect::<Vec<_>>()
    })
}
fn not_detached(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::Constant && p.node(n.args[0]).ty.live).then(|| rewired(p, id, n.args[0])))
}

fn ignored(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| matches!(n.op, Op::Parameter(_)).then(|| replaced(p, id, Op::Literal(0.5), &[])))
}
fn no_factor(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        let numbers = [0, 1].map(|i| n.args.get(i).is_some_and(|arg| is_number(p, *arg)));
        match (&n.op, numbers) {
            (Op::Times, [true, false]) => Some(rewired(p, id, n.args[1])),
            (Op::Times | Op::Over, [false, true]) => Some(rewired(p, id, n.args[0])),
            _ => None,
        }
    })
}
fn divided(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| match n.op {
        Op::Times if is_number(p, n.args[0]) => Some(replaced(p, id, Op::Over, &[n.args[1], n.args[0]])),
        Op::Times if is_number(p, n.args[1]) => Some(replaced(p, id, Op::Over, &n.args)),
        Op::Over => Some(replaced(p, id, Op::Times, &n.args)),
        _ => None,
    })
}
fn parameters_exchanged(p: &Program) -> Vec<Program> {
    let parameters: Vec<usize> = (0..p.nodes.len()).filter(|&i| matches!(p.nodes[i].op, Op::Parameter(_))).collect();
    let exchanged = |pair: &[usize]| {
        let mut p = p.clone();
        let first = p.nodes[pair[0]].op.clone();
        p.nodes[pair[0]].op = p.nodes[pair[1]].op.clone();
        p.nodes[pair[1]].op = first;
        p
    };
    parameters.windows(2).map(exchanged).collect()
}
fn no_term(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        let terms: &[usize] = match n.op {
            Op::Plus => &[0, 1],
            Op::Minus => &[0],
            _ => &[],
        };
        terms.iter().map(|i| rewired(p, id, n.args[*i])).collect::<Vec<_>>()
    })
}
fn doubled(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| match n.op {
        Op::Literal(number) if number != 0.0 => Some(replaced(p, id, Op::Literal(2.0 * number), &[])),
        _ => None,
    })
}

fn reduction(p: &Program, from: Depth, right: &Op, wrong: &Op) -> Vec<Program> {
    everywhere(p, |id, n| {
        (n.op == *right && p.node(n.args[0]).ty.depth == from).then(|| replaced(p, id, wrong.clone(), &n.args))
    })
}
fn mean_of_tokens(p: &Program) -> Vec<Program> {
    reduction(p, Depth::EachToken, &Op::Total, &Op::Average)
}
fn sum_of_tokens(p: &Program) -> Vec<Program> {
    reduction(p, Depth::EachToken, &Op::Average, &Op::Total)
}
fn sum_of_batch(p: &Program) -> Vec<Program> {
    let mut all = reduction(p, Depth::EachPrompt, &Op::Average, &Op::Total);
    all.extend(reduction(p, Depth::EachResponse, &Op::Average, &Op::Total));
    all
}
fn no_reduction(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| matches!(n.op, Op::Total | Op::Average).then(|| rewired(p, id, n.args[0])))
}
fn all_tokens(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        let below = (n.op == Op::Average && n.ty.depth == Depth::Batch).then(|| p.node(n.args[0]))?;
        (below.op == Op::Average).then(|| replaced(p, id, Op::AverageAll, &below.args))
    })
}
fn means_of_means(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        let from = p.node(*n.args.first()?).ty.depth;
        (n.op == Op::AverageAll && from == Depth::EachToken).then(|| {
            let mut p = inserted(p, id, Op::Average, &n.args);
            p.nodes[id.index() + 1].args = vec![id];
            p
        })
    })
}

fn min_for_max(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::Larger).then(|| replaced(p, id, Op::Smaller, &n.args)))
}
fn max_for_min(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::Smaller).then(|| replaced(p, id, Op::Larger, &n.args)))
}
fn one_sided(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        let one = |op, side: usize| replaced(p, id, op, &[n.args[0], n.args[side]]);
        if n.op == Op::Clip { vec![one(Op::Smaller, 2), one(Op::Larger, 1)] } else { vec![] }
    })
}
fn not_clipped(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::Clip).then(|| rewired(p, id, n.args[0])))
}
fn itself_too(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| match n.op {
        Op::OthersMean => Some(replaced(p, id, Op::GroupMean, &n.args)),
        Op::GroupMean => Some(replaced(p, id, Op::OthersMean, &n.args)),
        _ => None,
    })
}

fn is_mask(p: &Program, id: Id) -> bool {
    let node = p.node(id);
    node.ty.kind == KindTag::Weight && node.ty.depth > Depth::Batch && !node.ty.live
}
fn no_mask(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| match n.op {
        Op::Times if is_mask(p, n.args[0]) => Some(rewired(p, id, n.args[1])),
        Op::Times if is_mask(p, n.args[1]) => Some(rewired(p, id, n.args[0])),
        _ => None,
    })
}
fn inverted_mask(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        let mask = n.args.iter().position(|arg| is_mask(p, *arg)).filter(|_| n.op == Op::Times)?;
        let one = inserted(p, id, Op::Literal(1.0), &[]);
        let at = Id::new(id.index() + 1);
        let mut inverted = inserted(&one, at, Op::Minus, &[id, n.args[mask]]);
        inverted.nodes[at.index() + 1].args[mask] = at;
        Some(inverted)
    })
}
fn naive_log_sigmoid(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        (n.op == Op::LogLogistic).then(|| {
            let mut p = wrapped(p, id, 0, Op::Logistic);
            p.nodes[id.index() + 1].op = Op::Logarithm;
            p
        })
    })
}
fn square_for_size(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| match n.op {
        Op::Magnitude => Some(replaced(p, id, Op::Square, &n.args)),
        Op::Square => Some(replaced(p, id, Op::Magnitude, &n.args)),
        _ => None,
    })
}
fn no_square(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::Square).then(|| rewired(p, id, n.args[0])))
}
fn no_exponential(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::Exponential).then(|| rewired(p, id, n.args[0])))
}

fn another_estimate(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        let Op::Estimate(found) = n.op else { return Vec::new() };
        let others = Estimator::ALL.into_iter().filter(|other| *other != found);
        others.map(|other| replaced(p, id, Op::Estimate(other), &n.args)).collect()
    })
}
fn spread_of_batch(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::GroupSpread).then(|| replaced(p, id, Op::BatchSpread, &n.args)))
}
fn no_spread(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        let divisor = (n.op == Op::Over).then(|| p.node(n.args[1]))?;
        let spread = |id: &Id| matches!(p.node(*id).op, Op::GroupSpread | Op::BatchSpread | Op::Root);
        (divisor.args.iter().any(spread) || divisor.op == Op::Root).then(|| rewired(p, id, n.args[0]))
    })
}
fn mixture_turned(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        (n.op == Op::Mixture).then(|| replaced(p, id, Op::Mixture, &[n.args[1], n.args[0], n.args[2]]))
    })
}
fn choice_turned(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::Choose).then(|| replaced(p, id, Op::Choose, &[n.args[0], n.args[2], n.args[1]])))
}
fn no_discount(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| {
        (n.op == Op::DiscountedSum).then(|| {
            let mut one = inserted(p, id, Op::Literal(1.0), &[]);
            one.nodes[id.index() + 1].args[1] = id;
            one
        })
    })
}
fn everywhere_for_last(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::AtLast).then(|| rewired(p, id, n.args[0])))
}
fn not_sorted(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::Sorted).then(|| rewired(p, id, n.args[0])))
}
fn not_renormalised(p: &Program) -> Vec<Program> {
    everywhere(p, |id, n| (n.op == Op::Renormalised).then(|| rewired(p, id, n.args[0])))
}
