//! V07: every trainable policy receives a gradient from the loss.
//!
//! The types know that the loss carries some gradient, not whose. With two policies, or a `.detach()` on the
//! wrong line, training would run, and cost, and change nothing.

use super::Problem;
use crate::Spec;
use crate::flow;
use crate::ir::{Id, Op, Place, Program};

const CODE: &str = "V07";

pub(super) fn check(program: &Program, _: &[Spec]) -> Vec<Problem> {
    let Some(root) = program.root else { return Vec::new() };
    let mut owners: Vec<&str> = Vec::new();
    for (_, owner, _, ty) in program.inputs() {
        if ty.live && !owners.contains(&owner) {
            owners.push(owner);
        }
    }
    if owners.is_empty() {
        let message =
            format!("no policy receives a gradient from `{}`: it is made of frozen values only", program.name);
        return vec![Problem::new(CODE, message, &program.node(root).place, "use `actor.logp(...)` in the loss")];
    }
    let trained = flow::gradient_from(program, [root]);
    let read = flow::read_by(program, [root]);
    owners.into_iter().filter_map(|owner| untrained(program, owner, &trained, &read)).collect()
}

fn untrained(program: &Program, owner: &str, trained: &[bool], read: &[bool]) -> Option<Problem> {
    let own: Vec<Id> = program.inputs().filter(|(_, who, _, ty)| *who == owner && ty.live).map(|(id, ..)| id).collect();
    if own.iter().any(|id| trained[id.index()]) {
        return None;
    }
    let name = type_name(owner);
    let message = format!("`{name}` is trainable but receives no gradient from this loss");
    let stops = stops(program, &own, read);
    let Some(first) = stops.first() else {
        // Where nothing at all reads the policy V02 has said so.
        let reported = flow::read(program);
        let seen = own.iter().find(|id| reported[id.index()])?;
        let mut problem = Problem::new(CODE, message, &program.node(*seen).place, "use it in the loss");
        problem.notes.push(format!("no path leads from `{name}` to the loss, only to metrics"));
        return Some(problem);
    };
    let help = "detach the reward, not the log-probability that is being trained";
    let mut problem = Problem::new(CODE, message, first.1, help);
    problem.notes.push(format!("every path from `{name}` to the loss ends at"));
    problem.notes.extend(stops.iter().map(|(what, place)| format!("   {what:<18} {place}")));
    Some(problem)
}

/// The steps at which the gradients of these inputs would end, had the loss any for them: the first on each path.
fn stops<'a>(program: &'a Program, own: &[Id], read: &[bool]) -> Vec<(&'static str, &'a Place)> {
    let mut carries = vec![false; program.nodes.len()];
    let mut stops = Vec::new();
    for (i, node) in program.nodes.iter().enumerate() {
        let fed = own.contains(&Id::new(i)) || node.args.iter().any(|arg| carries[arg.index()]);
        let kept = flow::gradient_goes_to(node).iter().any(|arg| carries[arg.index()]);
        carries[i] = own.contains(&Id::new(i)) || kept;
        if fed && !carries[i] && read[i] {
            stops.push((if node.op == Op::Constant { ".detach()" } else { "its sign" }, &node.place));
        }
    }
    stops
}

/// `reward_model` is the policy `RewardModel`.
fn type_name(owner: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
    };
    owner.split('_').map(capital).collect()
}

#[cfg(test)]
mod tests {
    use crate::ir::Program;
    use crate::verify::trial::{Partner, codes};
    use crate::verify::verify;
    use crate::{Arg, trace};
    crate::prelude!();

    fn loo(detach_everything: bool) -> Program {
        trace("mine", || {
            let (actor, reference, group) = (Actor::arg(), Reference::arg(), Group::arg());
            let logp = actor.logp(group.response);
            let drift = (logp - reference.logp(group.response)).sum(Token).detach();
            let reward = group.score - 0.05 * drift;
            let advantage = reward - leave_one_out(reward);
            // The loss needs a gradient to be one, so the wrong program trains a second policy.
            let other = Partner.logp(group.response).sum(Token);
            let trained = if detach_everything { logp.detach().sum(Token) + other } else { logp.sum(Token) + other };
            -(trained * advantage).mean(Response).mean(Prompt)
        })
    }

    #[test]
    fn a_policy_behind_detach_is_told_with_every_detach_on_its_way() {
        let program = loo(true);
        let problems = verify(&program, &[]);
        let stops: Vec<String> = program
            .nodes
            .iter()
            .filter(|node| node.op == crate::ir::Op::Constant)
            .map(|node| node.place.to_string())
            .collect();
        let expected = format!(
            "error[V07]: `Actor` is trainable but receives no gradient from this loss
  --> {0}
   |  every path from `Actor` to the loss ends at
   |     .detach()          {0}
   |     .detach()          {1}
   help: detach the reward, not the log-probability that is being trained
   book: errors/v07
",
            stops[0], stops[1]
        );
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].to_string(), expected);
    }

    #[test]
    fn a_policy_with_one_open_path_is_trained() {
        assert_eq!(codes(&loo(false), &[]), [""; 0]);
    }

    #[test]
    fn a_detach_on_another_policys_way_is_not_listed() {
        let program = trace("two", || {
            let (actor, critic, demo) = (Actor::arg(), Partner, Demo::arg());
            let other = critic.logp(demo.response).detach();
            report("other", other);
            -(actor.logp(demo.response) + other).batch_mean()
        });
        let problems = verify(&program, &[]);
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.starts_with("`Partner` is trainable"));
        assert_eq!(problems[0].notes.len(), 2);
    }

    #[test]
    fn a_policy_that_only_metrics_read_is_told() {
        let program = trace("metric", || {
            let (actor, critic, demo) = (Actor::arg(), Partner, Demo::arg());
            report("critic", critic.logp(demo.response));
            -actor.logp(demo.response).batch_mean()
        });
        let problems = verify(&program, &[]);
        assert_eq!(problems[0].notes, ["no path leads from `Partner` to the loss, only to metrics"]);
    }

    #[test]
    fn a_loss_of_frozen_values_trains_nothing() {
        let program = trace("frozen", || -Reference::arg().logp(Demo::arg().response).batch_mean());
        assert_eq!(codes(&program, &[]), ["V07"]);
        assert!(verify(&program, &[])[0].message.starts_with("no policy receives a gradient from `frozen`"));
    }
}
