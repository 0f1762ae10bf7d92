//! How operations over responses, groups and batches are written down.

use crate::explain::{Format, describe};
use crate::ir::Program;
use crate::{Arg, trace};
crate::prelude!();

fn page(program: &Program, format: Format) -> String {
    describe(&super::looks::subject(program, &[]), format)
}

/// The lines of the formula, and the block of LaTeX.
fn written(formula: impl FnOnce() -> Scalar<Loss>) -> (Vec<String>, String) {
    let program = trace("mine", formula);
    let text = page(&program, Format::Text);
    let lines = text.lines().skip_while(|line| *line != "Formula").skip(1).take_while(|line| !line.is_empty());
    let latex = page(&program, Format::Latex);
    let count = |what: &str| latex.matches(what).count();
    assert_eq!((count("{"), count("\\left")), (count("}"), count("\\right")), "{latex}");
    assert!(latex.is_ascii(), "{latex}");
    (lines.map(|line| line.trim().to_owned()).collect(), latex)
}

#[test]
fn order_and_overlap_have_their_signs() {
    let (lines, latex) = written(|| {
        let (actor, pair) = (Actor::arg(), Pair::arg());
        let chosen = sorted((overlap(pair.chosen, pair.rejected) * actor.logp(pair.chosen)).sum(Token));
        let rejected = sorted(actor.logp(pair.rejected).sum(Token) / length(pair.rejected));
        (chosen - rejected).squared().mean(Prompt)
    });
    assert_eq!(
        lines,
        [
            "ℓ(y⁻) = Σₜ log π(y⁻ₜ)",
            "L     = mean over prompts of (sort(Σₜ 1[t ≤ min(|y⁺|, |y⁻|)] · log π(y⁺ₜ))",
            "− sort(ℓ(y⁻) / |y⁻|))²"
        ]
    );
    assert!(latex.contains("\\operatorname{sort}") && latex.contains("\\left| y^{-} \\right|"), "{latex}");
}

#[test]
fn odds_are_written_out() {
    let (lines, latex) = written(|| {
        let (actor, pair) = (Actor::arg(), Pair::arg());
        let odds = |logp: PerResponse<LogProb, Chosen>| logp.log_odds().as_reward();
        -log_sigmoid(odds(actor.logp(pair.chosen).mean(Token))).mean(Response).mean(Prompt)
    });
    assert_eq!(lines, ["ℓ(y⁺) = meanₜ log π(y⁺ₜ)", "L     = −mean over prompts of log σ(ℓ(y⁺) − log(1 − exp(ℓ(y⁺))))"]);
    assert!(latex.contains("\\log\\left( 1 - \\exp"), "{latex}");
}

#[test]
fn estimates_and_choices_are_written_out() {
    let (lines, latex) = written(|| {
        let (actor, reference, group) = (Actor::arg(), Reference::arg(), Group::arg());
        let logp = actor.logp(group.response);
        let ratio = (logp - logp.detach()).exp();
        let advantage = (group.score - group_mean(group.score)) / group_std(group.score);
        let gain = when_negative(advantage, 3.0 * (ratio * advantage), ratio * advantage);
        (k3(logp, reference.logp(group.response)) - k2(logp, reference.logp(group.response))).as_loss().batch_mean()
            - gain.batch_mean()
    });
    let all = lines.join("\n");
    assert!(all.contains("(score(y) − group(score(y))) / std_y(score(y))"), "{all}");
    assert!(all.contains("(3 · gain(yₜ) if A(y) < 0, else gain(yₜ))"), "{all}");
    let one_line = all.replace('\n', " ");
    assert!(
        all.contains("h(yₜ)    = log π_ref(yₜ) − log π(yₜ)") && one_line.contains("exp(h(yₜ)) − 1 − h(yₜ) −"),
        "{all}"
    );
    assert!(latex.contains("\\begin{cases}") && latex.contains("\\operatorname*{std}_{y}"), "{latex}");
}

#[test]
fn advantages_over_tokens_and_intervals_are_named() {
    let (lines, latex) = written(|| {
        let (actor, group) = (Actor::arg(), Group::arg());
        let (advantage, _) = gae(at_last(group.score), group.value, 1.0, 0.95);
        -(actor.logp(group.response) * whiten(advantage)).batch_mean()
    });
    let all = lines.join("\n");
    assert!(all.contains("discounted(") && all.contains("next(value(yₜ))") && all.contains("last(score(y))"), "{all}");
    assert!(all.contains('√') && all.contains("std("), "{all}");
    assert!(latex.contains("\\sqrt{") && latex.contains("\\operatorname{next}"), "{latex}");
    let (lines, latex) = written(|| {
        let (model, data) = (RewardModel::arg(), Annotated::arg());
        let gap = model.score(data.chosen) - model.score(data.rejected);
        -(data.tie * log_interval(-0.5 - gap, 0.5 - gap)).mean(Prompt)
    });
    let all = lines.join("\n");
    assert!(all.contains("log(Φ(0.5 − margin) − Φ(−0.5 − margin))"), "{all}");
    assert!(latex.contains("\\Phi"), "{latex}");
    let (lines, _) = written(|| {
        let (model, data) = (RewardModel::arg(), Annotated::arg());
        let gap = model.score(data.chosen) - model.score(data.rejected);
        -(log_interval(-1e9, gap) + log_interval(gap, 1e9)).mean(Prompt)
    });
    assert_eq!(
        lines.last().map(String::as_str),
        Some("L      = −mean over prompts of [log(Φ(margin)) + log(1 − Φ(margin))]")
    );
}
