//! Numbers from other projects' test suites: inputs, expected values and where they stand. Each is compared with the part
//! of our formulas that says the same.
//!
//! Deviations: torchtune writes its PPO losses with a tolerance of a million, so the values here are those of the
//! definition. NeMo-Aligner and NeMo-RL divide by one too few for a response that is masked itself (their rows 7 and 1);
//! ours is the mean of the others. tunix gives a single response the advantage 0; in `rloo` it is refused, since it has
//! no others to be compared with. verl multiplies a sum of tokens by the number of workers; here no number depends on them.

use super::cispo::CispoVerl;
use super::grpo::beside_the_others;
use super::ratio::{clipped_by_token, mean_ratio, token_ratio};
use super::reinforce_pp::token_reward;
use super::rloo::{RLOO, mean_of_others_that_ended};
use crate::given::Given;
use crate::ir::SideTag;
use crate::{Arg, Totals, trace};

crate::prelude!();

#[derive(Hyper)]
struct Band {
    /// How far the ratio may move from 1 and still gain.
    #[hyper(default = 0.2, above = 0.0, below = 1.0)]
    cliprange: Param,
}
#[derive(Hyper)]
struct Price {
    /// The price of drifting from the reference.
    #[hyper(default = 0.5, at_least = 0.0, at_most = 1.0)]
    kl_coef: Param,
}

/// Asserts that a formula gives these numbers, one for each token of the groups: the loss is their product with the
/// actor's log-probabilities, so that its gradient is the numbers.
#[track_caller]
fn gives<Q>(given: &Given, settings: &[(&str, f64)], expected: &[f64], precision: f64, formula: impl Fn(&Group) -> Q)
where
    Q: Numbers,
{
    let program = trace("numbers", || {
        let (actor, group) = (Actor::arg(), Group::arg());
        formula(&group).weigh(actor.logp(group.response))
    });
    let evaluation = given.run(&program, settings);
    let found = evaluation.gradient.get("actor", "logp", Some(SideTag::Sample)).expect("a gradient for the actor");
    near(&found.iter().map(|g| -g).collect::<Vec<_>>(), expected, precision);
}

/// Numbers for each token or each response, all constants.
trait Numbers {
    fn weigh(self, logp: PerToken<LogProb>) -> Scalar<Loss>;
}
impl<K: Kind> Numbers for PerToken<K, Sample, NoGrad> {
    fn weigh(self, logp: PerToken<LogProb>) -> Scalar<Loss> {
        let numbers = self.treat_as::<Advantage>("a number to be looked at");
        (-(logp * numbers)).sum(Token).sum(Response).sum(Prompt)
    }
}
impl<K: Kind> Numbers for PerResponse<K, Sample, NoGrad> {
    fn weigh(self, logp: PerToken<LogProb>) -> Scalar<Loss> {
        let numbers = self.treat_as::<Advantage>("a number to be looked at");
        (-(logp * numbers)).sum(Token).sum(Response).sum(Prompt)
    }
}

#[track_caller]
fn near(found: &[f64], expected: &[f64], precision: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= precision, "{found}, expected {expected}");
    }
}

/// A group for each row, of responses of one token with these scores; all policies say -1.
fn scored(rows: &[&[f64]]) -> Given {
    let mut given = Given::default();
    for (prompt, row) in rows.iter().enumerate() {
        for _ in *row {
            given = given.sample(prompt, &[("actor", &[-1.0]), ("behavior", &[-1.0]), ("reference", &[-1.0])]);
        }
    }
    given.group("score", &rows.concat())
}

/// The advantages that a test gives, token by token, as the column `value`.
fn given_advantage(group: &Group) -> PerToken<Advantage, Sample, NoGrad> {
    group.value.treat_as::<Advantage>("the test gives the advantages")
}

/// One response of three tokens with the advantages 1, -1, 2 (NVIDIA-NeMo/RL, Apache-2.0, 7ea279ab,
/// tests/unit/algorithms/test_loss_functions.py).
fn three_tokens() -> Given {
    Given::default()
        .sample(
            0,
            &[
                ("actor", &[-1.693_15, -1.0, -0.594_53]),
                ("previous", &[-1.0, -1.0, -1.0]),
                ("behavior", &[-1.0, -1.0, -1.0]),
            ],
        )
        .group("value", &[1.0, -1.0, 2.0])
}

/// meta-pytorch/torchtune, BSD-3-Clause, bd2a0fc7, tests/torchtune/rlhf/loss/test_ppo_loss.py.
#[test]
fn ppo_of_torchtune() {
    for (new, loss) in [([1.5, 1.8, 2.2], -1.2), ([0.6, 0.9, 1.3], -1.105_170_918_075_647_7)] {
        let given = Given::default().sample(0, &[("actor", &new), ("behavior", &[0.5, 0.8, 1.2])]);
        let program = trace("ppo", || {
            let (actor, behavior, group) = (Actor::arg(), Behavior::arg(), Group::arg());
            let rho = token_ratio(&actor, &behavior, group.response);
            -clipped_by_token(rho, given_advantage(&group), Band::arg().cliprange).batch_mean()
        });
        let found = given.group("value", &[1.0; 3]).run(&program, &[("cliprange", 0.2)]);
        near(&[found.loss], &[loss], 1e-9);
    }
}

/// meta-pytorch/torchtune, BSD-3-Clause, bd2a0fc7, tests/torchtune/rlhf/test_rewards.py, test_get_rewards_ppo: the price
/// of drifting at each token, the score at the last.
#[test]
fn rewards_of_torchtune() {
    let rows: [([f64; 3], [f64; 3]); 3] =
        [([0.1, 0.2, 0.3], [0.2, 0.3, 0.4]), ([0.4, 0.5, 0.6], [0.6, 0.7, 0.8]), ([0.6, 0.7, 0.8], [0.9, 1.0, 1.1])];
    let given = rows.iter().enumerate().fold(Given::default(), |given, (prompt, (policy, reference))| {
        given.sample(prompt, &[("actor", policy), ("behavior", policy), ("reference", reference)])
    });
    let expected = [0.05, 0.05, 1.05, 0.1, 0.1, 2.1, 0.15, 0.15, 3.15];
    gives(&given.group("score", &[1.0, 2.0, 3.0]), &[("kl_coef", 0.5)], &expected, 1e-9, |group| {
        token_reward(&Behavior::arg(), &Reference::arg(), group, Price::arg().kl_coef)
    });
}

/// meta-pytorch/torchtune, BSD-3-Clause, bd2a0fc7, tests/torchtune/rlhf/test_rewards.py, TestMaskedMean and
/// TestMaskedVar. What is masked there does not exist here.
#[test]
fn means_and_variances_of_torchtune() {
    let given = Given::default().sample(0, &[("actor", &[-1.0; 3])]).sample(1, &[("actor", &[-1.0; 3])]);
    let given = given.group("value", &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    gives(&given, &[], &[2.0, 2.0, 2.0, 5.0, 5.0, 5.0], 1e-9, |group| group.value.mean(Token));
    let given = scored(&[&[1.0, 2.0, 3.0]]);
    gives(&given, &[], &[1.0; 3], 1e-9, |group| {
        let spread = group_std(group.score);
        spread * spread
    });
}

/// NVIDIA/NeMo-Aligner, Apache-2.0, af2b3bd9, nemo_aligner/utils/tests/ppo_utils_test.py,
/// test_calculate_entropy_small_example: four words, all as likely, are 2 bits.
#[test]
fn entropy_of_nemo_aligner() {
    let given = Given::default().sample(0, &[("actor", &[-1.0])]).words("actor", SideTag::Sample, &[&[0.25; 4]]);
    let two_bits = 2.0 * std::f64::consts::LN_2;
    gives(&given, &[], &[two_bits], 1e-9, |group| entropy(Actor::arg().words(group.response).detach()));
}

/// NVIDIA/NeMo-Aligner, Apache-2.0, af2b3bd9, nemo_aligner/utils/tests/ppo_utils_test.py,
/// test_calculate_rloo_baseline_small_example; the last row, which did not end itself, is 4 there.
#[test]
fn leave_one_out_of_nemo_aligner() {
    let given = scored(&[&[1.0, 0.0, -3.0, 5.0], &[2.0, 7.0, -1.0, 0.0]]);
    let given = given.group("ended", &[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]);
    let expected = [2.0 / 3.0, 1.0, 2.0, -2.0 / 3.0, 3.0, 0.5, 4.5, 8.0 / 3.0];
    gives(&given, &[], &expected, 1e-9, |group| mean_of_others_that_ended(group, group.score));
}

/// NVIDIA-NeMo/RL, Apache-2.0, 7ea279ab, tests/unit/algorithms/test_utils.py: basic, and with the second response of the
/// first prompt left out; its own row is 4 there.
#[test]
fn leave_one_out_of_nemo_rl() {
    let rows: [&[f64]; 2] = [&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]];
    gives(&scored(&rows), &[], &[2.5, 2.0, 1.5, 5.5, 5.0, 4.5], 1e-9, |group| leave_one_out(group.score));
    // Deviations of the others .707107, 1.414214, .707107; advantages are the lead over them in these.
    let lead = 1.5 / (0.5_f64.sqrt() + 1e-6);
    gives(&scored(&rows), &[], &[-lead, 0.0, lead, -lead, 0.0, lead], 1e-9, beside_the_others);
    // Two responses have one other each, without a deviation: the lead is left as it is. One has no others.
    gives(&scored(&[&[2.5, 4.0], &[7.0]]), &[], &[-1.5, 1.5, 0.0], 1e-9, beside_the_others);
    let masked = scored(&[&[1.0, 999.0, 3.0], &[4.0, 5.0, 6.0]]).group("ended", &[1.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    let expected = [3.0, 2.0, 1.0, 5.5, 5.0, 4.5];
    gives(&masked, &[], &expected, 1e-9, |group| mean_of_others_that_ended(group, group.score));
}

/// google/tunix, Apache-2.0, c7d8950f, tests/rl/algo_core_test.py, and NVIDIA-NeMo/RL's test of one generation: both give
/// the advantage 0.
#[test]
fn one_response_has_no_others() {
    gives(&scored(&[&[2.5], &[4.0]]), &[], &[0.0, 0.0], 1e-9, beside_the_others);
    let refused = scored(&[&[1.0], &[2.0]]).try_run(&(RLOO.trace)(), &[("beta", 0.0)]);
    let why = refused.expect_err("there is nothing to compare with").to_string();
    assert!(why.contains("needs at least 2: sample more"), "{why}");
}

/// test_clipped_pg_loss_reinforce_mode of NVIDIA-NeMo/RL: as [`three_tokens`], with other log-probabilities.
#[test]
fn reinforce_of_nemo_rl() {
    let given = Given::default().sample(0, &[("actor", &[-0.5, -1.0, -1.5])]).group("value", &[1.0, -1.0, 2.0]);
    let program = trace("reinforce", || {
        let (actor, group) = (Actor::arg(), Group::arg());
        -(actor.logp(group.response) * given_advantage(&group)).batch_mean()
    });
    near(&[given.run(&program, &[]).loss], &[2.5 / 3.0], 1e-9);
}

/// test_clipped_pg_loss_cispo of NVIDIA-NeMo/RL, whose band is that of verl.
#[test]
fn cispo_of_nemo_rl() {
    let program = trace("cispo", || {
        let (actor, behavior, group, hp) = (Actor::arg(), Behavior::arg(), Group::arg(), CispoVerl::arg());
        let logp = actor.logp(group.response);
        let rho = token_ratio(&actor, &behavior, group.response);
        let weight = rho.clamp(1.0 - hp.epsilon, 1.0 + hp.epsilon_high).detach().as_weight();
        -(weight * (logp * given_advantage(&group))).batch_mean()
    });
    let found = three_tokens().run(&program, &[("epsilon", 0.2), ("epsilon_high", 0.2)]);
    near(&[found.loss], &[0.593_797_333_333_333_3], 1e-6);
}

/// test_clipped_pg_loss_gspo of NVIDIA-NeMo/RL.
#[test]
fn gspo_of_nemo_rl() {
    let program = trace("gspo", || {
        let (actor, behavior, group) = (Actor::arg(), Behavior::arg(), Group::arg());
        let (rho, advantage) = (mean_ratio(&actor, &behavior, group.response), given_advantage(&group));
        report("ratio", rho);
        let limit = Band::arg().cliprange;
        -min(rho * advantage, rho.clamp(1.0 - limit, 1.0 + limit) * advantage).batch_mean()
    });
    let found = three_tokens().run(&program, &[("cliprange", 0.2)]);
    near(&[found.loss], &[-0.6057], 1e-3);
    near(&[found.metrics[0].mean().expect("a ratio")], &[0.9086], 1e-3);
}

/// test_clipped_pg_loss_on_policy_kl_importance_sampling of NVIDIA-NeMo/RL: what drew the tokens is not what is held
/// still during the update, so each token is weighed by the ratio of the two.
#[test]
fn importance_weights_of_nemo_rl() {
    let program = trace("corrected", || {
        let (actor, previous, behavior, group) = (Actor::arg(), Previous::arg(), Behavior::arg(), Group::arg());
        let held = previous.logp(group.response);
        let rho = (actor.logp(group.response) - held).exp();
        let weight = (held - behavior.logp(group.response)).exp().as_weight();
        -(weight * clipped_by_token(rho, given_advantage(&group), Band::arg().cliprange)).batch_mean()
    });
    let drawn = three_tokens().says("behavior", "logp", Some(SideTag::Sample), &[-0.5, -1.5, -0.8]);
    near(&[drawn.run(&program, &[("cliprange", 0.2)]).loss], &[-0.2065], 1e-3);
    gives(&drawn, &[], &[0.6065, 1.6487, 0.8187], 1e-4, |group| {
        (Previous::arg().logp(group.response) - Behavior::arg().logp(group.response)).exp()
    });
}

/// test_calculate_kl of NVIDIA-NeMo/RL: log-ratios held to 20, estimates to 10.
#[test]
fn divergences_of_nemo_rl() {
    let given = Given::default()
        .sample(0, &[("actor", &[-1.0; 3]), ("behavior", &[-1.0; 3]), ("reference", &[0.0, -15.0, -30.0])]);
    let moved = |group: &Group| {
        (Behavior::arg().logp(group.response) - Reference::arg().logp(group.response)).clamp(-20.0, 20.0)
    };
    gives(&given, &[], &[-1.0, 10.0, 10.0], 1e-9, |group| moved(group).as_kl().clamp(-10.0, 10.0));
    gives(&given, &[], &[0.5, 10.0, 10.0], 1e-9, |group| (0.5 * moved(group).squared()).clamp(-10.0, 10.0));
    gives(&given, &[], &[0.718_281_828_459, 10.0, 10.0], 1e-9, |group| {
        let back = -moved(group);
        (back.exp() - 1.0 - back).clamp(-10.0, 10.0)
    });
}

/// test_calculate_kl_detaches_importance_sampling_when_input_clamped of NVIDIA-NeMo/RL: k3 times a factor that is 1 but
/// whose gradient is that of the log-probability, so that the mean of the gradient is the divergence's.
#[test]
fn gradient_of_the_divergence_of_nemo_rl() {
    let program = trace("k3", || {
        let (actor, reference, group) = (Actor::arg(), Reference::arg(), Group::arg());
        let back = (reference.logp(group.response) - actor.logp(group.response)).clamp(-2.0, 2.0);
        let drift = (back.detach() - back).exp() * (back.exp() - 1.0 - back);
        drift.sum(Token).sum(Response).sum(Prompt).as_loss()
    });
    let given = Given::default().sample(0, &[("actor", &[-3.0, -1.0]), ("reference", &[0.0, 0.0])]);
    let found = given.run(&program, &[]);
    near(&[found.loss], &[4.389_056 + 0.718_281_8], 1e-6);
    near(found.gradient.get("actor", "logp", Some(SideTag::Sample)).expect("a gradient"), &[0.0, -1.0], 1e-9);
}

/// verl-project/verl, Apache-2.0, 1dda039b, tests/trainer/ppo/test_loss_aggregation_on_cpu.py, token-sum: 1 + 2 + 4 + 6,
/// there times 4 workers. OpenRLHF, Apache-2.0, 3c3be623, tests/test_loss_aggregation.py: the mean over all tokens of
/// three responses is 28 / 7, in whatever parts they come.
#[test]
fn sums_and_means_of_tokens() {
    let sum = trace("sum", || {
        let (actor, group) = (Actor::arg(), Group::arg());
        -actor.logp(group.response).sum(Token).sum(Response).sum(Prompt)
    });
    let given = Given::default().sample(0, &[("actor", &[-1.0, -2.0])]).sample(1, &[("actor", &[-4.0, -6.0])]);
    near(&[given.run(&sum, &[]).loss], &[13.0], 1e-9);
    let mean = trace("mean", || {
        let (actor, group) = (Actor::arg(), Group::arg());
        -actor.logp(group.response).batch_mean()
    });
    let first = Given::default().sample(0, &[("actor", &[-1.0, -2.0])]);
    let rest = Given::default().sample(0, &[("actor", &[-3.0, -4.0, -5.0])]).sample(1, &[("actor", &[-6.0, -7.0])]);
    let whole = Totals { prompts: 3, sides: vec![(SideTag::Sample, 3, 7)], ..Totals::default() };
    let parts = [first, rest].map(|part| part.part_of(&whole, &mean).loss);
    near(&[parts[0] + parts[1]], &[4.0], 1e-9);
}
