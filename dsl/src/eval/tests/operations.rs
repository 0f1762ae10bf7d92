//! What the operations over responses, groups and batches compute, on numbers small enough to check by hand.

use crate::eval::{self, Inputs, Settings, evaluate, separable};
use crate::ir::{Estimator, Program, SideTag};
use crate::{Arg, Layout, Reach, trace};
crate::prelude!();

const SAMPLE: Option<SideTag> = Some(SideTag::Sample);

/// Two prompts with responses of 3, 1 and 2 tokens to the first, and of 1 to the second.
fn layout() -> Layout {
    let reach = |prompt, tokens| Reach { prompt, tokens };
    Layout {
        prompts: 2,
        sides: vec![(SideTag::Sample, vec![reach(0, 3), reach(0, 1), reach(0, 2), reach(1, 1)])],
        ..Layout::default()
    }
}

fn inputs() -> Inputs {
    let mut inputs = Inputs::new();
    inputs.insert("actor", "logp", SAMPLE, vec![-1.0, -2.0, -0.5, -3.0, -0.25, -1.5, -2.5]);
    inputs.insert("reference", "logp", SAMPLE, vec![-1.5, -1.0, -0.5, -2.0, -0.75, -1.0, -2.0]);
    inputs.insert("group", "score", SAMPLE, vec![1.0, 4.0, 1.0, 7.0]);
    inputs.insert("group", "value", SAMPLE, vec![0.5, 1.0, -1.0, 2.0, 0.25, 0.75, 3.0]);
    inputs.insert("group", "ended", SAMPLE, vec![1.0, 0.0, 1.0, 1.0]);
    inputs
}

/// The values of what a formula reports.
fn reported(formula: impl FnOnce(&Actor, &Reference, &Group)) -> (Program, Vec<Vec<f64>>) {
    let program = trace("mine", || {
        let (actor, reference, group) = (Actor::arg(), Reference::arg(), Group::arg());
        formula(&actor, &reference, &group);
        -actor.logp(group.response).batch_mean()
    });
    let (layout, settings) = (layout(), Settings::new());
    let values = eval::values(&program, &layout, &layout.totals(), &inputs(), &settings).unwrap();
    let own = program.metrics.iter().filter(|metric| metric.name.starts_with("mine"));
    let found = own.map(|metric| values[metric.node.index()].clone()).collect();
    (program, found)
}

#[track_caller]
fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?}, expected {expected:?}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= 1e-12 * (1.0 + e.abs()), "{found:?}, expected {expected:?}");
    }
}

#[test]
fn along_a_response_each_token_knows_the_next() {
    let (_, found) = reported(|_, _, group| {
        report("mine/next", group.value.following());
        report("mine/last", at_last(group.score));
        report("mine/to_come", returns(at_last(group.score), 0.5));
        report("mine/length", length(group.response));
    });
    close(&found[0], &[1.0, -1.0, 0.0, 0.0, 0.75, 0.0, 0.0]);
    close(&found[1], &[0.0, 0.0, 1.0, 4.0, 0.0, 1.0, 7.0]);
    close(&found[2], &[0.25, 0.5, 1.0, 4.0, 0.5, 1.0, 7.0]);
    close(&found[3], &[3.0, 1.0, 2.0, 1.0]);
}

#[test]
fn advantages_are_estimated_from_surprises() {
    let (gamma, lam) = (0.9, 0.8);
    let (_, found) = reported(|_, _, group| {
        let (advantage, target) = gae(at_last(group.score), group.value, gamma, lam);
        report("mine/advantage", advantage);
        report("mine/target", target);
    });
    let (last, before, first) = (1.0 - -1.0, -gamma - 1.0, gamma - 0.5);
    let before = before + gamma * lam * last;
    let first = first + gamma * lam * before;
    let (second, other) = (1.0 - 0.75, gamma * 0.75 - 0.25);
    let advantages = [first, before, last, 4.0 - 2.0, other + gamma * lam * second, second, 7.0 - 3.0];
    close(&found[0], &advantages);
    let values = [0.5, 1.0, -1.0, 2.0, 0.25, 0.75, 3.0];
    close(&found[1], &std::array::from_fn::<f64, 7, _>(|i| advantages[i] + values[i]));
}

#[test]
fn spreads_have_one_less_than_their_number_below() {
    let (program, found) = reported(|_, _, group| {
        report("mine/group", group_std(group.score));
        report("mine/batch", batch_std(group.score));
        report("mine/white", whiten(group.score));
    });
    let three = 3.0_f64.sqrt();
    close(&found[0], &[three, three, three, 0.0]);
    let spread = (((2.25_f64).powi(2) * 2.0 + 0.75_f64.powi(2) + 3.75_f64.powi(2)) / 3.0).sqrt();
    close(&found[1], &[spread]);
    let white = found[2].clone();
    close(&[white.iter().sum()], &[0.0]);
    let below = (spread * spread + 1e-8).sqrt();
    close(&white, &[-2.25 / below, 0.75 / below, -2.25 / below, 3.75 / below]);
    assert!(separable(&program).unwrap_err().to_string().starts_with("`batch_std` compares all of the batch"));
}

#[test]
fn estimates_of_the_divergence_are_what_they_are_called() {
    let (_, found) = reported(|actor, reference, group| {
        let (p, q) = (actor.logp(group.response), reference.logp(group.response));
        for (name, estimate) in [("k1", k1(p, q)), ("abs_k1", abs_k1(p, q)), ("k2", k2(p, q)), ("k3", k3(p, q))] {
            report(&format!("mine/{name}"), estimate);
        }
    });
    let ratios = [0.5, -1.0, 0.0, -1.0, 0.5, -0.5, -0.5_f64];
    close(&found[0], &ratios);
    close(&found[1], &ratios.map(f64::abs));
    close(&found[2], &ratios.map(|r| r * r / 2.0));
    close(&found[3], &ratios.map(|r| (-r).exp() - 1.0 + r));
}

/// Three words, probabilities of actor and reference: sums over all words instead of means over samples.
#[test]
fn estimators_say_of_themselves_what_is_true() {
    let (actor, reference) = ([0.5_f64, 0.3, 0.2], [0.2_f64, 0.2, 0.6]);
    let mean = |of: &dyn Fn(usize) -> f64| (0..3).map(|i| actor[i] * of(i)).sum::<f64>();
    let ratio = |i: usize| (actor[i] / reference[i]).ln();
    let divergence = mean(&ratio);
    for estimator in Estimator::ALL {
        let op = crate::ir::Op::Estimate(estimator);
        let at = |i: usize| eval::special(&op, &[actor[i].ln(), reference[i].ln()]).unwrap();
        let value = mean(&|i| at(i).0);
        assert_eq!((value - divergence).abs() < 1e-12, estimator.value_is_right(), "{}", estimator.word());
        // By each logit j of the actor: d ln p_i = [i = j] - p_j.
        let right = (0..3).all(|j| {
            let score = |i: usize| f64::from(u8::from(i == j)) - actor[j];
            let found = mean(&|i| at(i).1[0] * score(i));
            let expected = mean(&|i| ratio(i) * score(i));
            (found - expected).abs() < 1e-12
        });
        assert_eq!(right, estimator.gradient_is_right(), "{}", estimator.word());
    }
}

#[test]
fn a_choice_is_made_by_sign() {
    let (_, found) = reported(|_, _, group| {
        let centred = group.score - group_mean(group.score);
        report("mine/ended", choose(group.ended, group.score, -1.0 * group.score));
        report("mine/negative", when_negative(centred, group.score, 0.0 * group.score));
        report("mine/token", choose(group.ended, group.value, 0.0));
    });
    close(&found[0], &[1.0, -4.0, 1.0, 7.0]);
    close(&found[1], &[1.0, 0.0, 1.0, 0.0]);
    close(&found[2], &[0.5, 1.0, -1.0, 0.0, 0.25, 0.75, 3.0]);
}

#[test]
fn both_sides_of_a_pair_meet_in_order_and_up_to_the_shorter() {
    let program = trace("mine", || {
        let (actor, pair) = (Actor::arg(), Pair::arg());
        let shared = overlap(pair.chosen, pair.rejected);
        report("mine/shared", shared);
        let chosen = sorted(actor.logp(pair.chosen).sum(Token));
        let rejected = sorted(actor.logp(pair.rejected).sum(Token));
        report("mine/odds", chosen.treat_as::<LogProb>("a test").log_odds());
        (chosen - rejected).squared().mean(Prompt)
    });
    let reach = |prompt, tokens| Reach { prompt, tokens };
    let sides =
        vec![(SideTag::Chosen, vec![reach(0, 3), reach(1, 1)]), (SideTag::Rejected, vec![reach(0, 2), reach(1, 2)])];
    let layout = Layout { prompts: 2, sides, ..Layout::default() };
    let mut inputs = Inputs::new();
    inputs.insert("actor", "logp", Some(SideTag::Chosen), vec![-1.0, -1.0, -1.0, -5.0]);
    inputs.insert("actor", "logp", Some(SideTag::Rejected), vec![-1.0, -3.0, -0.5, -0.5]);
    let settings = Settings::new();
    let values = eval::values(&program, &layout, &layout.totals(), &inputs, &settings).unwrap();
    let of = |name: &str| {
        let metric = program.metrics.iter().find(|metric| metric.name == name).unwrap();
        values[metric.node.index()].clone()
    };
    close(&of("mine/shared"), &[1.0, 1.0, 0.0, 1.0]);
    close(&of("mine/odds"), &[-5.0_f64, -3.0].map(|x| x - (1.0 - x.exp()).ln()));
    let found = evaluate(&program, &layout, &layout.totals(), &inputs, &settings).unwrap();
    // Sorted: -5, -3 and -4, -1.
    close(&[found.loss], &[(1.0 + 4.0) / 2.0]);
    close(found.gradient.get("actor", "logp", Some(SideTag::Chosen)).unwrap(), &[-2.0, -2.0, -2.0, -1.0]);
    close(found.gradient.get("actor", "logp", Some(SideTag::Rejected)).unwrap(), &[1.0, 1.0, 2.0, 2.0]);
}
