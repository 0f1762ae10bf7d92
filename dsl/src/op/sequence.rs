//! Along a response: its length, and what is still to come at each of its tokens.

use crate::batch::Reply;
use crate::grad::{Gradient, NoGrad};
use crate::ir::{Op, SideTag};
use crate::kind::{Advantage, Kind, Return, Reward, Value, Weight};
use crate::level::{PerResponse, PerToken, Quantity};
use crate::number::Limit;
use crate::relation::{Facing, Still};
use crate::side::{Side, sealed::Tagged};
use crate::trace::{draft, step};

/// How many tokens each response has, its end included.
#[track_caller]
pub fn length<Y: Side>(y: Reply<Y>) -> PerResponse<Weight, Y, NoGrad> {
    let _ = y;
    step(Op::Length, &[])
}

/// 1 for each token of `y` as long as the other response of the pair has such a token too, then 0 (LD-DPO,
/// arXiv:2409.06411).
#[track_caller]
pub fn overlap<Y: Side, Z>(y: Reply<Y>, other: Reply<Z>) -> PerToken<Weight, Y, NoGrad>
where
    Z: Facing<Y>,
{
    let _ = (y, other);
    let other: SideTag = <Z as Tagged>::TAG;
    step(Op::Overlap(other), &[])
}

/// A response's value at its last token, 0 at the others: where a judge's score belongs.
#[track_caller]
pub fn at_last<K: Kind, Y: Side, G: Gradient>(x: PerResponse<K, Y, G>) -> PerToken<K, Y, G> {
    step(Op::AtLast, &[x.handle()])
}

/// Generalised advantage estimation (arXiv:1506.02438, eq. 16): with `d_t = r_t + gamma V_{t+1} - V_t` the advantage is
/// `A_t = d_t + gamma lam A_{t+1}`, and the return that the critic learns is `A_t + V_t`. After the last token nothing
/// follows. Both are constants.
#[track_caller]
pub fn gae<Y: Side, G: Gradient + Still, H: Gradient + Still, N: Limit, L: Limit>(
    reward: PerToken<Reward, Y, G>,
    value: PerToken<Value, Y, H>,
    gamma: N,
    lam: L,
) -> (PerToken<Advantage, Y, NoGrad>, PerToken<Return, Y, NoGrad>) {
    let (gamma, value) = (gamma.handle(), value.handle());
    let next = draft(Op::Following, &[value]);
    let next = draft(Op::Times, &[gamma, next]);
    let expected = draft(Op::Plus, &[reward.handle(), next]);
    let surprise = draft(Op::Minus, &[expected, value]);
    let decay = draft(Op::Times, &[gamma, lam.handle()]);
    let advantage = draft(Op::DiscountedSum, &[surprise, decay]);
    let target = draft(Op::Plus, &[advantage, value]);
    (PerToken::of(advantage), PerToken::of(target))
}

/// `G_t = r_t + gamma G_{t+1}`: what is still to come.
#[track_caller]
pub fn returns<Y: Side, G: Gradient, N: Limit>(reward: PerToken<Reward, Y, G>, gamma: N) -> PerToken<Return, Y, G> {
    step(Op::DiscountedSum, &[reward.handle(), gamma.handle()])
}
