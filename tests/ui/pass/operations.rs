//! Operations over groups, batches and responses, as published algorithms combine them.
collimate::prelude!();

/// PPO (arXiv:1707.06347) with estimated advantages, whitened, and the dual clip of arXiv:1912.09729.
#[loss]
pub fn ppo(actor: &Actor, behavior: &Behavior, critic: &Critic, group: &Group, gamma: Param, lam: Param) -> Scalar<Loss> {
    let reward = at_last(group.score) - 0.1 * k1(behavior.logp(group.response), behavior.logp(group.response));
    let (advantage, target) = gae(reward, group.value, gamma, lam);
    let advantage = whiten(advantage);
    let ratio = (actor.logp(group.response) - behavior.logp(group.response)).exp();
    let gain = min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage);
    let gain = when_negative(advantage, max(gain, 3.0 * advantage), gain);
    -gain.batch_mean() + squared_error(critic.value(group.response), target).batch_mean()
}
/// GRPO (arXiv:2402.03300) with its estimate of the divergence, responses that were cut off left out.
#[loss]
pub fn grpo(actor: &Actor, reference: &Reference, group: &Group) -> Scalar<Loss> {
    let advantage = (group.score - group_mean(group.score)) / (group_std(group.score) + 1e-4);
    let logp = actor.logp(group.response);
    let ratio = (logp - logp.detach()).exp();
    let penalty = 0.04 * k3(logp, reference.logp(group.response));
    (group.ended * (-(ratio * advantage) + penalty).mean(Token)).mean(Response).mean(Prompt)
}
/// REINFORCE++ (arXiv:2501.03262): what is still to come, over the whole batch.
#[loss]
pub fn reinforce_pp(actor: &Actor, group: &Group) -> Scalar<Loss> {
    let to_come = returns(at_last(group.score), 0.99);
    -(actor.logp(group.response) * whiten(to_come)).batch_mean()
}
/// AOT (arXiv:2406.05882): both sides in order.
#[loss]
pub fn aot(actor: &Actor, reference: &Reference, pair: &Pair) -> Scalar<Loss> {
    let chosen = sorted((actor.logp(pair.chosen) - reference.logp(pair.chosen)).sum(Token));
    let rejected = sorted((actor.logp(pair.rejected) - reference.logp(pair.rejected)).sum(Token));
    -log_sigmoid(chosen - rejected).mean(Prompt)
}
/// ORPO (arXiv:2403.07691).
#[loss]
pub fn orpo(actor: &Actor, pair: &Pair) -> Scalar<Loss> {
    let odds = actor.logp(pair.chosen).mean(Token).log_odds() - actor.logp(pair.rejected).mean(Token).log_odds();
    -log_sigmoid(odds).mean(Prompt) - actor.logp(pair.chosen).batch_mean()
}
/// LD-DPO (arXiv:2409.06411): what the longer response has more counts less; and R-DPO's price of length.
#[loss]
pub fn long(actor: &Actor, pair: &Pair, alpha: Param) -> PerPrompt<Margin> {
    let shared = overlap(pair.chosen, pair.rejected);
    let logp = actor.logp(pair.chosen);
    let chosen = (shared * logp + alpha * ((1.0 - shared) * logp)).sum(Token);
    let rejected = actor.logp(pair.rejected).sum(Token) / length(pair.rejected);
    chosen - rejected - alpha * (length(pair.chosen) - length(pair.rejected))
}
/// A reward model that knows how unsure it is (HelpSteer2-Preference with annotators apart).
#[loss]
pub fn mean_variance(model: &RewardModel, data: &Annotated, rho: Param) -> Scalar<Loss> {
    let gap = model.score(data.chosen) - model.score(data.rejected);
    let (a, b) = (model.spread(data.chosen), model.spread(data.rejected));
    let spread = (a * a + b * b - 2.0 * rho * (a * b)).sqrt();
    let tie = log_interval((-0.5 - gap) / spread, (0.5 - gap) / spread);
    let better = log_interval((0.5 - gap) / spread, 1e9);
    -(data.tie * tie + (data.chosen_better + data.chosen_much_better) * better).mean(Prompt)
}
/// One attribute of HelpSteer, where it is rated; SLiC's margins as weights.
#[loss]
pub fn rated(model: &RewardModel, data: &Rated, pair: &Pair) -> Scalar<Loss> {
    let miss = squared_error(model.helpfulness(data.response), data.helpfulness);
    let margin = model.score(pair.chosen) - model.score(pair.rejected);
    (data.helpfulness_present * miss).batch_mean() - (pair.margin.as_weight() * log_sigmoid(margin)).mean(Prompt)
}
/// KTO (arXiv:2402.01306).
#[loss]
pub fn kto(actor: &Actor, reference: &Reference, data: &Unpaired, beta: Param) -> Scalar<Loss> {
    let reward = beta * (actor.logp(data.response) - reference.logp(data.response)).sum(Token);
    let drift = (actor.logp(data.other) - reference.logp(data.other)).sum(Token).as_kl().detach().batch_mean();
    let baseline = (beta * max(drift, 0.0)).as_baseline();
    let ahead = reward - baseline;
    (1.0 - choose(data.label, sigmoid(ahead), sigmoid(-ahead))).as_loss().batch_mean()
}

fn main() {
    let program = collimate::trace("aot", || aot(&arg(), &arg(), &arg()));
    assert!(collimate::eval::separable(&program).unwrap_err().to_string().contains("`sorted`"));
    let program = collimate::trace("orpo", || orpo(&arg(), &arg()));
    assert_eq!(collimate::eval::separable(&program), Ok(()));
}
fn arg<A: collimate::Arg>() -> A {
    A::arg()
}
