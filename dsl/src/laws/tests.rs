//! The laws catch what they are for, and leave a sound program alone.

use super::{Verdict, outcomes};
use crate::ir::{Op, Program};
use crate::{Arg, trace};
crate::prelude!();

fn sound() -> Program {
    trace("dpo", || {
        let (actor, reference, pair) = (Actor::arg(), Reference::arg(), Pair::arg());
        let chosen = (actor.logp(pair.chosen) - reference.logp(pair.chosen)).sum(Token);
        let rejected = (actor.logp(pair.rejected) - reference.logp(pair.rejected)).sum(Token);
        -log_sigmoid(0.1 * (chosen - rejected)).mean(Prompt)
    })
}

/// The laws that are broken.
fn broken(program: &Program, view: &str) -> Vec<&'static str> {
    let outcomes = outcomes(program, &[], view);
    outcomes.iter().filter(|o| matches!(o.verdict, Verdict::Broken(_))).map(|o| o.law).collect()
}

#[test]
fn a_sound_program_breaks_none() {
    assert_eq!(broken(&sound(), "pair"), [""; 0]);
    let applies = outcomes(&sound(), &[], "pair").iter().all(|o| o.verdict == Verdict::Holds);
    assert!(applies, "every law says something of a loss of pairs that can be cut");
}

#[test]
fn a_sign_the_wrong_way_round_lowers_the_better_response() {
    let mut program = sound();
    let outer = program.nodes.iter().rposition(|node| node.op == Op::Negative).unwrap();
    program.nodes[outer].op = Op::Recast("for this test".into());
    assert_eq!(broken(&program, "pair"), ["better", "monotone"]);
}

#[test]
fn a_detached_side_is_not_reached() {
    let program = trace("half", || {
        let (actor, reference, pair) = (Actor::arg(), Reference::arg(), Pair::arg());
        let chosen = (actor.logp(pair.chosen) - reference.logp(pair.chosen)).sum(Token);
        let rejected = (actor.logp(pair.rejected) - reference.logp(pair.rejected)).sum(Token).detach();
        -log_sigmoid(0.1 * (chosen - rejected)).mean(Prompt)
    });
    assert_eq!(broken(&program, "pair"), ["reaches"]);
}

#[test]
fn a_sum_over_the_batch_is_no_mean() {
    let mut program = sound();
    let mean = program.nodes.iter().position(|node| node.op == Op::Average).unwrap();
    program.nodes[mean].op = Op::Total;
    assert_eq!(broken(&program, "pair"), ["twice"]);
}

#[test]
fn without_the_reference_the_start_depends_on_how_likely_the_responses_are() {
    let mut program = sound();
    let ratio = program.nodes.iter().position(|node| node.op == Op::Minus).unwrap();
    let actor = program.nodes[ratio].args[0];
    program.nodes[ratio].op = Op::Recast("for this test".into());
    program.nodes[ratio].args = vec![actor];
    assert_eq!(broken(&program, "pair"), ["start"]);
}

#[test]
fn the_logarithm_of_a_sigmoid_overflows_far_away() {
    let program = trace("naive", || {
        let (actor, pair) = (Actor::arg(), Pair::arg());
        let margin = actor.logp(pair.chosen).sum(Token) - actor.logp(pair.rejected).sum(Token);
        -sigmoid(margin).ln().mean(Prompt)
    });
    assert_eq!(broken(&program, "pair"), ["far"]);
}

#[test]
fn a_frozen_policy_on_one_side_does_not_hide_that_the_two_are_alike() {
    let program = trace("one_sided", || {
        let (actor, reference, pair) = (Actor::arg(), Reference::arg(), Pair::arg());
        let weight = reference.logp(pair.chosen).mean(Token).exp().as_weight().mean(Response);
        let gap = actor.logp(pair.chosen).sum(Token) - actor.logp(pair.rejected).sum(Token);
        (weight * gap.squared()).mean(Prompt)
    });
    assert!(broken(&program, "pair").contains(&"swap"));
}

#[test]
fn a_distance_that_ignores_which_is_chosen_is_symmetric() {
    let program = trace("symmetric", || {
        let (actor, reference, pair) = (Actor::arg(), Reference::arg(), Pair::arg());
        let chosen = (actor.logp(pair.chosen) - reference.logp(pair.chosen)).sum(Token);
        let rejected = (actor.logp(pair.rejected) - reference.logp(pair.rejected)).sum(Token);
        (chosen - rejected).squared().mean(Prompt)
    });
    assert_eq!(broken(&program, "pair"), ["start", "swap", "better", "monotone"]);
}
