//! What tracing a formula leaves behind.

use collimate_dsl::ir::{Depth, KindTag, Op, Program, SideTag};
use collimate_dsl::{Arg, rules, trace};
collimate_dsl::prelude!();

fn implicit<Y: Side>(actor: &Actor, reference: &Reference, y: Reply<Y>) -> PerResponse<Reward, Y> {
    0.1 * (actor.logp(y) - reference.logp(y)).sum(Token)
}
fn dpo() -> Program {
    trace("dpo", || {
        let (actor, reference, pair) = (Actor::arg(), Reference::arg(), Pair::arg());
        let margin = implicit(&actor, &reference, pair.chosen) - implicit(&actor, &reference, pair.rejected);
        -log_sigmoid(margin).mean(Prompt)
    })
}
fn inputs(program: &Program) -> Vec<String> {
    program
        .inputs()
        .map(|(_, owner, field, ty)| format!("{owner}.{field} {}", ty.side.map_or("", SideTag::name)))
        .collect()
}
fn metrics(program: &Program) -> Vec<&str> {
    program.metrics.iter().map(|m| m.name.as_str()).collect()
}
/// Every step has the type the table gives it.
fn agrees(program: &Program) {
    for node in &program.nodes {
        let args: Vec<_> = node.args.iter().map(|a| program.node(*a).ty).collect();
        assert!(rules::fits(&node.op, &args, node.ty), "{node:?} of {args:?}");
    }
}

#[test]
fn a_formula_becomes_typed_steps_that_end_at_its_loss() {
    let program = dpo();
    let root = program.node(program.root.expect("a traced program has a root"));
    assert_eq!(
        (root.op.clone(), root.ty.kind, root.ty.depth, root.ty.live),
        (Op::Negative, KindTag::Loss, Depth::Batch, true)
    );
    assert_eq!(
        inputs(&program),
        ["actor.logp Chosen", "reference.logp Chosen", "actor.logp Rejected", "reference.logp Rejected"]
    );
    agrees(&program);
}

#[test]
fn steps_know_where_they_were_written() {
    let program = dpo();
    let sum = program.nodes.iter().find(|n| n.op == Op::Total).expect("a sum over tokens");
    assert_eq!(sum.place.to_string(), format!("{}:8:47", file!()));
}

#[test]
fn a_pair_reports_its_rewards_and_log_probabilities() {
    let program = dpo();
    let names = [
        "rewards/chosen",
        "rewards/rejected",
        "rewards/margins",
        "rewards/accuracies",
        "logps/chosen",
        "logps/rejected",
    ];
    assert_eq!(metrics(&program), names);
    let accuracy = program.node(program.metrics[3].node);
    assert_eq!((&accuracy.op, accuracy.ty.live, accuracy.ty.depth), (&Op::Positive, false, Depth::EachPrompt));
    let logp = program.node(program.metrics[5].node);
    assert_eq!((&logp.op, logp.ty.side), (&Op::Total, Some(SideTag::Rejected)));
}

#[test]
fn a_metric_of_the_formula_replaces_the_automatic_one() {
    let program = trace("simpo", || {
        let (actor, pair) = (Actor::arg(), Pair::arg());
        let chosen = actor.logp(pair.chosen).mean(Token).as_reward();
        let rejected = actor.logp(pair.rejected).mean(Token).as_reward();
        report("rewards/chosen", 2.0 * chosen);
        -log_sigmoid(chosen - rejected - 0.5).mean(Prompt)
    });
    assert_eq!(metrics(&program).iter().filter(|m| **m == "rewards/chosen").count(), 1);
    assert_eq!(program.node(program.metrics[0].node).op, Op::Times);
    agrees(&program);
}

#[test]
fn scores_that_are_not_read_are_no_inputs() {
    let program = trace("half", || {
        let (actor, pair) = (Actor::arg(), ScoredPair::arg());
        let advantage = pair.rejected_score.mean(Response).as_baseline();
        let gap = actor.logp(pair.chosen).sum(Token).as_reward().mean(Response) - advantage;
        gap.squared().mean(Prompt)
    });
    assert_eq!(inputs(&program), ["scored_pair.rejected_score Rejected", "actor.logp Chosen"]);
    agrees(&program);
}

#[test]
fn functions_made_of_others_obey_the_table_and_stand_where_they_were_called() {
    let program = trace("distances", || {
        let (actor, pair) = (Actor::arg(), ScoredPair::arg());
        let ours = actor.logp(pair.chosen).sum(Token) - actor.logp(pair.rejected).sum(Token);
        let judged = pair.chosen_score - pair.rejected_score;
        let sum = backward_kl(ours, judged) + forward_kl(ours, judged) + squared_distance(ours, judged);
        (sum + squared_error(ours, judged) + forward_kl(ours, fixed_margin(2.0))).mean(Prompt)
    });
    agrees(&program);
    assert!(program.nodes.iter().all(|n| n.place.file == file!()), "{:#?}", program.nodes);
}

#[test]
fn groups_compare_responses_to_one_prompt() {
    let program = trace("rloo", || {
        let (actor, reference, group) = (Actor::arg(), Reference::arg(), Group::arg());
        let logp = actor.logp(group.response);
        let drift = (logp - reference.logp(group.response)).sum(Token).detach();
        let reward = group.score - 0.05 * drift;
        let spread = log_softmax(reward).exp().sum(Response).as_weight();
        report("one", spread);
        let gain = logp.sum(Token) * (reward - leave_one_out(reward)) + logp.sum(Token) * (reward - group_mean(reward));
        -gain.mean(Response).mean(Prompt)
    });
    assert_eq!(metrics(&program), ["one", "logps/sample"]);
    agrees(&program);
}

fn panics_with<T>(f: impl FnOnce() -> T + std::panic::UnwindSafe) -> String {
    let cause = std::panic::catch_unwind(f).err().expect("it panics");
    cause
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| cause.downcast_ref::<&str>().map(|s| (*s).to_owned()))
        .expect("a text")
}

#[test]
fn quantities_exist_only_while_a_formula_is_traced() {
    assert!(panics_with(|| Actor::arg().logp(Pair::arg().chosen)).starts_with("a quantity was used outside `trace`"));
    let mut kept = None;
    trace("first", || -*kept.insert(Actor::arg().logp(Demo::arg().response).batch_mean()));
    let kept = std::panic::AssertUnwindSafe(kept.expect("it was traced"));
    let late = panics_with(|| trace("second", || -{ kept }.0));
    assert!(late.starts_with("this quantity belongs to another formula"), "{late}");
}

#[test]
fn one_formula_is_traced_at_a_time() {
    let nested = panics_with(|| trace("outer", || -> Scalar<Loss> { panic!("{}", dpo().name) }));
    assert_eq!(nested, "`dpo` cannot be traced while `outer` is being traced: call its function instead");
    assert_eq!(dpo().name, "dpo");
}
