//! How formulas look, for forms that no built-in algorithm has.

use crate::explain::{Format, Subject, describe};
use crate::ir::Program;
use crate::{Arg, Interval, Spec, trace};
crate::prelude!();

pub(super) fn subject<'a>(program: &'a Program, specs: &'a [Spec]) -> Subject<'a> {
    Subject {
        name: "mine",
        paper: "none",
        preset: None,
        about: "Mine.\n\nAnd more\nof it.",
        view: "group",
        exceptions: &[],
        separable: false,
        specs,
        program,
    }
}

pub(super) fn text(program: &Program) -> String {
    describe(&subject(program, &[]), Format::Text)
}

/// The lines under a title.
pub(super) fn section<'a>(page: &'a str, title: &str) -> Vec<&'a str> {
    let lines = page.lines().skip_while(|line| *line != title).skip(1);
    lines.take_while(|line| !line.is_empty()).map(str::trim).collect()
}

/// The last line of the formula of a loss made of the log-probability of a demonstration's token.
fn loss(of: impl FnOnce(PerToken<LogProb, Answer>) -> PerToken<LogProb, Answer>) -> String {
    let program = trace("mine", || -of(Actor::arg().logp(Demo::arg().response)).batch_mean());
    section(&text(&program), "Formula").pop().unwrap_or_default().to_owned()
}

#[test]
fn trivial_terms_are_left_out() {
    let plain = "L = −mean over all tokens of log π(yₜ)";
    assert_eq!(loss(|x| x), plain);
    assert_eq!(loss(|x| 1.0 * x), plain);
    assert_eq!(loss(|x| x * 2.0 * 0.5), plain);
    assert_eq!(loss(|x| -2.0 * (3.0 * x)), "L = mean over all tokens of 6 · log π(yₜ)");
    assert_eq!(loss(|x| x / 1.0), plain);
    assert_eq!(loss(|x| x + 0.0 * x), plain);
    assert_eq!(loss(|x| x + (x - x)), "L = −mean over all tokens of [log π(yₜ) + log π(yₜ) − log π(yₜ)]");
    assert_eq!(loss(|x| (0.25 * 2.0) * x), "L = −mean over all tokens of 0.5 · log π(yₜ)");
}

#[test]
fn brackets_stand_where_they_are_needed() {
    let program = trace("mine", || {
        let (actor, reference, pair) = (Actor::arg(), Reference::arg(), Pair::arg());
        let ratio = (actor.logp(pair.chosen) - reference.logp(pair.chosen)).sum(Token);
        let other = (actor.logp(pair.rejected) - reference.logp(pair.rejected)).mean(Token);
        let gap = ratio - other;
        let scaled = 1.0 / (2.0 * 4.0) * (gap - 1.0) / 4.0;
        (log_sigmoid(-(gap - 1.0)).treat_as::<Margin>("a test") - scaled).squared().mean(Prompt)
    });
    let page = text(&program);
    assert_eq!(
        section(&page, "Formula"),
        [
            "margin = Σₜ (log π(y⁺ₜ) − log π_ref(y⁺ₜ)) − meanₜ (log π(y⁻ₜ) − log π_ref(y⁻ₜ)) − 1",
            "L      = mean over prompts of (log σ(−margin) − 0.125 · margin / 4)²",
        ]
    );
    assert_eq!(section(&page, "Taken as another kind, and why")[0].split("  ").nth(1), Some("a test"));
}

/// The loss of REINFORCE with the other samples as baseline.
pub(super) fn leave_one_out_loss() -> Program {
    trace("mine", || {
        let (actor, reference, group) = (Actor::arg(), Reference::arg(), Group::arg());
        let logp = actor.logp(group.response);
        let drift = (logp - reference.logp(group.response)).sum(Token).detach();
        let reward = group.score - 0.05 * drift;
        -(logp.sum(Token) * (reward - leave_one_out(reward))).mean(Response).mean(Prompt)
    })
}

#[test]
fn shared_parts_get_a_line_of_their_own_and_words_are_explained() {
    let page = text(&leave_one_out_loss());
    assert_eq!(
        section(&page, "Formula"),
        [
            "ℓ(y) = Σₜ log π(yₜ)",
            "r(y) = score(y) − 0.05 · sg[Σₜ (log π(yₜ) − log π_ref(yₜ))]",
            "L    = −mean over prompts of mean_y ℓ(y) · (r(y) − others(r(y)))",
        ]
    );
    let words = section(&page, "Where").join("\n");
    assert!(words.contains("sg[…]") && words.contains("others(x)") && words.contains("π_ref"), "{words}");
    assert!(section(&page, "Data").iter().any(|line| line.starts_with("responses")), "{page}");
    assert!(page.starts_with("mine\nMine.\nAnd more of it.\nPaper: none\n"), "{page}");
}

#[test]
fn a_batch_that_must_stay_whole_says_why() {
    let page = text(&crate::by_hand::shifted());
    let batch = section(&page, "Batch")[0];
    assert!(batch.starts_with("must stay whole: `every_prompt` of a value of the whole batch"), "{batch}");
    assert!(!section(&page, "Problems").is_empty(), "an undeclared hyper-parameter is told:\n{page}");
}

#[test]
fn hyper_parameters_share_no_letter() {
    let range = Interval { at_least: Some(0.0), ..Interval::default() };
    let spec = |name| Spec { name, about: "A test.", default: 0.0, range, whole: false };
    let specs = [spec("epsilon"), spec("label_smoothing"), spec("value_weight")];
    let text = "program mine
%0 = parameter epsilon : Number
%1 = parameter label_smoothing : Number
%2 = parameter value_weight : Number
%3 = %0 + %1 : Number
%4 = %3 + %2 : Number
%5 = input actor.logp : LogProb per token of Answer, grad
%6 = batch_mean %5 : LogProb per batch, grad
%7 = -%6 : Loss per batch, grad
%8 = %4 * %7 : Loss per batch, grad
loss %8";
    let program = crate::text::parse(text).unwrap();
    let page = describe(&subject(&program, &specs), Format::Text);
    assert!(
        section(&page, "Formula")[0].starts_with("L = −(epsilon + label_smoothing + value_weight) · (mean over"),
        "{page}"
    );
    let latex = describe(&subject(&program, &specs), Format::Latex);
    assert!(latex.contains("\\mathrm{label\\_smoothing}"), "{latex}");
}

#[test]
fn formats_are_called_as_on_the_command_line() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    assert_eq!("html".parse::<Format>(), Err("there is no format `html`: write text, latex, ir or json".into()));
}

#[test]
fn latex_brackets_match() {
    let programs = [leave_one_out_loss(), crate::by_hand::shifted(), crate::by_hand::dpo()];
    for program in programs {
        let latex = describe(&subject(&program, &[]), Format::Latex);
        let count = |what: &str| latex.matches(what).count();
        assert_eq!(count("{"), count("}"), "{latex}");
        assert_eq!(count("\\left"), count("\\right"), "{latex}");
        assert!(latex.starts_with("\\[\n\\begin{aligned}\n") && latex.ends_with("\n\\end{aligned}\n\\]\n"), "{latex}");
        assert!(latex.is_ascii(), "{latex}");
    }
}
