//! How gradients look.

use super::looks::{leave_one_out_loss, section, text};
use crate::ir::Program;
use crate::{Arg, trace};
crate::prelude!();

fn gradient(program: &Program) -> Vec<String> {
    let page = text(program);
    let line = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    section(&page, "Gradient").into_iter().map(line).collect()
}

#[test]
fn a_pair_is_pushed_apart_by_how_wrong_it_is() {
    let program = trace("mine", || {
        let (actor, reference, pair) = (Actor::arg(), Reference::arg(), Pair::arg());
        let chosen = 0.1 * (actor.logp(pair.chosen) - reference.logp(pair.chosen)).sum(Token);
        let rejected = 0.1 * (actor.logp(pair.rejected) - reference.logp(pair.rejected)).sum(Token);
        -log_sigmoid((chosen - rejected).treat_as::<Margin>("a test")).mean(Prompt)
    });
    assert_eq!(gradient(&program), ["∂L/∂log π(y⁺ₜ) = −0.1 · σ(−margin) / N", "∂L/∂log π(y⁻ₜ) = 0.1 · σ(−margin) / N"]);
}

#[test]
fn a_hinge_pushes_until_the_margin_is_reached() {
    let program = trace("mine", || {
        let (actor, pair) = (Actor::arg(), Pair::arg());
        let margin = actor.logp(pair.chosen).mean(Token) - actor.logp(pair.rejected).mean(Token);
        report("margin", margin);
        max(1.0 - margin.treat_as::<Margin>("a test"), 0.0).treat_as::<Loss>("a test").mean(Prompt)
    });
    assert_eq!(
        gradient(&program),
        ["∂L/∂log π(y⁺ₜ) = −1[1 − margin ≥ 0] / (N · |y⁺|)", "∂L/∂log π(y⁻ₜ) = 1[1 − margin ≥ 0] / (N · |y⁻|)"]
    );
}

#[test]
fn what_is_outside_the_clip_is_not_pushed_further() {
    let program = trace("mine", || {
        let (actor, behavior, group) = (Actor::arg(), Behavior::arg(), Group::arg());
        let advantage = (group.score - leave_one_out(group.score)).detach();
        let ratio = (actor.logp(group.response) - behavior.logp(group.response)).exp();
        -min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).batch_mean()
    });
    assert_eq!(
        gradient(&program),
        ["∂L/∂log π(yₜ) = −A(y) · ρ(yₜ) · 1[ρ(yₜ) · A(y) ≤ clip(ρ(yₜ), 0.8, 1.2) · A(y)] / T"]
    );
}

#[test]
fn what_is_held_constant_is_a_factor_and_no_more() {
    assert_eq!(gradient(&leave_one_out_loss()), ["∂L/∂log π(yₜ) = (others(r(y)) − r(y)) / (N · K)"]);
}
