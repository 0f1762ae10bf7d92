//! What is known of policy gradients, on responses that the built-in model draws and the sandbox's judge scores.

use collimate::Algorithm;
use collimate::rewards::{Combined, JUDGE, Source, Term};
use collimate::sandbox::{Split, base, data};
use collimate::{
    Actor, Arg, Behavior, Critic, Formula, Group, Policy, Reference, at_last, gae, k1, squared_error, trace, whiten,
};
use collimate::{
    cispo::CISPO, dapo::DAPO, dr_grpo::DR_GRPO, grpo::GRPO, gspo::GSPO, ppo::PPO, rloo::RLOO, rpo_sqloo::RPO_SQLOO,
};
use collimate_runtime::Result;
use collimate_runtime::data::{Origin, Record, Row};
use collimate_runtime::metric::Measurement;
use collimate_runtime::model::Weights;
use collimate_runtime::sample::BuiltIn;
use collimate_runtime::train::{Answer, DrawSettings, Reward, RunSettings, Schedule};
use collimate_tests::steps::{Drawn, drawn_steps};
use std::path::Path;

const GENERATIONS: usize = 4;

/// Four steps, two on each of two rollouts.
fn train(algorithm: &Algorithm, set: &[(&str, f64)], reward: &mut Reward<'_>) -> (Vec<Measurement>, Weights) {
    train_for(algorithm, set, (4, 2), reward)
}

/// So many steps, and how many on each rollout.
fn train_for(
    algorithm: &Algorithm,
    set: &[(&str, f64)],
    (steps, num_iterations): (u64, u64),
    reward: &mut Reward<'_>,
) -> (Vec<Measurement>, Weights) {
    let row = |(i, prompt): (usize, String)| Row {
        origin: Origin { path: Path::new("sandbox").into(), line: i + 1 },
        record: Record::group(prompt, Vec::new()),
    };
    let rows: Vec<Row> = data::prompts(8, Split::Train, 1).into_iter().enumerate().map(row).collect();
    let draw =
        DrawSettings { num_generations: GENERATIONS, num_iterations, max_new_tokens: 32, ..DrawSettings::default() };
    let settings = RunSettings {
        steps: Some(steps),
        batch: 4,
        lr: 3e-4,
        schedule: Schedule::Constant,
        // A gradient that is shortened says nothing of its length to the optimizer.
        max_grad_norm: 0.0,
        draw: Some(draw),
        set: set.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        ..RunSettings::default()
    };
    let (weights, tokenizer) = base::model().expect("it is built in");
    let drawn = Drawn { reward, sampler: &mut BuiltIn, critic: None };
    drawn_steps(algorithm, settings, weights, &tokenizer, &rows, drawn)
}

fn moved(weights: &Weights) -> f32 {
    let (start, _) = base::model().expect("it is built in");
    weights.data.iter().zip(&start.data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// The gradient of `rpo_sqloo` is `eta beta K^2 / (K - 1)` times that of `rloo` with the price `beta / eta`: also where the
/// policy has left its reference, since AdamW takes both the same way whatever the factor.
#[test]
fn rloo_is_rpo_sqloo_but_for_a_factor_on_real_rollouts() {
    let mut judge = Combined { terms: vec![Term { weight: 1.0, source: Source::Host(&JUDGE) }], gate: None };
    let mut reward = |answers: &[Answer<'_>]| judge.judge(answers);
    let (beta, eta) = (0.1, 2.0);
    let (rloo, at) = train(&RLOO, &[("beta", beta / eta)], &mut reward);
    let (sqloo, there) = train(&RPO_SQLOO, &[("beta", beta), ("eta", eta)], &mut reward);
    let k = GENERATIONS as f64;
    let factor = eta * beta * k * k / (k - 1.0);
    for (rloo, sqloo) in rloo.iter().zip(&sqloo) {
        let expected = factor * rloo.grad_norm;
        assert!(rloo.grad_norm > 1.0, "step {}: there is something to compare", rloo.step);
        let apart = (sqloo.grad_norm - expected).abs() / expected;
        assert!(apart < 2e-3, "step {}: {} is not {factor} times {}", rloo.step, sqloo.grad_norm, rloo.grad_norm);
    }
    // They went the same way: of steps of 3e-4 for each weight.
    let apart =
        at.data.iter().zip(&there.data).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / at.data.len() as f64;
    assert!(moved(&at) > 5e-4 && apart < 1e-5, "{} {apart}", moved(&at));
}

/// Where all responses to a prompt are worth the same there is nothing to learn, and nothing changes.
#[test]
fn groups_without_spread_give_no_gradient() {
    let mut same = |answers: &[Answer<'_>]| -> Result<Vec<f64>> { Ok(vec![2.5; answers.len()]) };
    let free = &[("beta", 0.0)][..];
    for (algorithm, set) in [(&RLOO, free), (&GRPO, free), (&DAPO, &[]), (&DR_GRPO, &[]), (&GSPO, &[]), (&CISPO, &[])] {
        let (seen, weights) = train(algorithm, set, &mut same);
        assert!(seen.iter().all(|step| step.grad_norm == 0.0 && step.loss == 0.0), "{}", algorithm.name);
        assert_eq!(moved(&weights), 0.0, "{}", algorithm.name);
    }
}

/// PPO's advantages and its critic, with REINFORCE's gain: `log pi(y_t) A_t`, whatever the policy was that drew.
static WITHOUT_RATIO: Algorithm = Algorithm {
    name: "reinforce_with_a_critic",
    paper: "none",
    preset: None,
    about: "REINFORCE with PPO's advantages.",
    file: file!(),
    view: "group",
    online: false,
    exceptions: &[],
    hyper: Vec::new,
    separable: false,
    trace: || {
        trace("reinforce_with_a_critic", || {
            let (actor, behavior, reference) = (Actor::arg(), Behavior::arg(), Reference::arg());
            let (critic, group) = (Critic::arg(), Group::arg());
            let drift = k1(behavior.logp(group.response), reference.logp(group.response));
            let (advantage, target) = gae(at_last(group.score) - 0.05 * drift, group.value, 1.0, 0.95);
            let miss = squared_error(critic.value(group.response), target);
            0.1 * (0.5 * miss).batch_mean() - (actor.logp(group.response) * whiten(advantage)).batch_mean()
        })
    },
};

/// On new responses the ratio is 1, and PPO's gradient is that of REINFORCE with the same advantages; on the same ones a second time
/// it is not.
#[test]
fn the_first_update_of_ppo_is_that_of_reinforce_on_real_rollouts() {
    let mut judge = Combined { terms: vec![Term { weight: 1.0, source: Source::Host(&JUDGE) }], gate: None };
    let mut reward = |answers: &[Answer<'_>]| judge.judge(answers);
    let (ppo, at) = train_for(&PPO, &[], (3, 1), &mut reward);
    let (reinforce, there) = train_for(&WITHOUT_RATIO, &[], (3, 1), &mut reward);
    for (ppo, reinforce) in ppo.iter().zip(&reinforce) {
        assert!(reinforce.grad_norm > 0.1, "step {}: there is something to compare", reinforce.step);
        let apart = (ppo.grad_norm - reinforce.grad_norm).abs() / reinforce.grad_norm;
        assert!(apart < 2e-3, "step {}: {} is not {}", ppo.step, ppo.grad_norm, reinforce.grad_norm);
    }
    let apart =
        at.data.iter().zip(&there.data).map(|(a, b)| f64::from((a - b).abs())).sum::<f64>() / at.data.len() as f64;
    assert!(moved(&at) > 5e-4 && apart < 1e-5, "{} {apart}", moved(&at));
    let (ppo, _) = train_for(&PPO, &[], (2, 2), &mut reward);
    let (reinforce, _) = train_for(&WITHOUT_RATIO, &[], (2, 2), &mut reward);
    assert!((ppo[1].grad_norm - reinforce[1].grad_norm).abs() > 5e-3 * reinforce[1].grad_norm);
}
