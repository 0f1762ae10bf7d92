use super::{log_mixture, top};
use crate::eval::{EvalError, Evaluation, Inputs, Settings, evaluate};
use crate::ir::{Program, SideTag};
use crate::{Arg, Layout, Reach, trace};
crate::prelude!();

const SIDE: Option<SideTag> = Some(SideTag::Answer);

/// Two tokens of one response, four words.
fn four() -> Layout {
    Layout { prompts: 1, sides: vec![(SideTag::Answer, vec![Reach { prompt: 0, tokens: 2 }])], words: 4 }
}

fn run(program: &Program, actor: &[f64], teacher: &[f64]) -> Result<Evaluation, EvalError> {
    let mut inputs = Inputs::new();
    inputs.insert("actor", "words", SIDE, actor.to_vec());
    inputs.insert("teacher", "words", SIDE, teacher.to_vec());
    evaluate(program, &four(), &four().totals(), &inputs, &Settings::new())
}

/// The logarithms of two distributions over four words.
fn logs(shares: [f64; 8]) -> Vec<f64> {
    shares.iter().map(|p| p.ln()).collect()
}

const P: [f64; 8] = [0.1, 0.2, 0.3, 0.4, 0.25, 0.25, 0.05, 0.45];
const Q: [f64; 8] = [0.7, 0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 0.1];

fn close(a: f64, b: f64) {
    assert!((a - b).abs() <= 1e-13 * (1.0 + b.abs()), "{a} {b}");
}

#[test]
fn divergences_are_sums_over_the_vocabulary() {
    let forward = trace("forward", || {
        let (actor, teacher, demo) = (Actor::arg(), Teacher::arg(), Demo::arg());
        let (p, q) = (actor.words(demo.response), teacher.words(demo.response));
        report("entropy", entropy(p));
        kl(q, p).as_loss().batch_mean()
    });
    let found = run(&forward, &logs(P), &logs(Q)).unwrap();
    let expected: f64 = P.iter().zip(Q).map(|(p, q)| q * (q.ln() - p.ln())).sum::<f64>() / 2.0;
    close(found.loss, expected);
    close(found.metrics[0].mean().unwrap(), -P.iter().map(|p| p * p.ln()).sum::<f64>() / 2.0);
    // By ln p the derivative of the forward divergence is -q.
    for (g, q) in found.gradient.get("actor", "words", SIDE).unwrap().iter().zip(Q) {
        close(*g, -q / 2.0);
    }
}

#[test]
fn a_mixture_is_right_at_any_size() {
    let plain = |p: f64, q: f64, a: f64| (a * p.exp() + (1.0 - a) * q.exp()).ln();
    for (p, q, a) in [(-1.0, -2.0, 0.5), (-0.1, -30.0, 0.9), (-3.0, -3.0, 0.25)] {
        close(log_mixture(p, q, a), plain(p, q, a));
    }
    assert_eq!(log_mixture(-1e4, -1e4, 0.5), -1e4);
    close(log_mixture(-1e4, -2.0, 0.25), 0.75_f64.ln() - 2.0);
    for (p, q) in [(-1.0, -1e4), (-1e4, -1.0), (-1e4, -1e4)] {
        assert_eq!((log_mixture(p, q, 1.0), log_mixture(p, q, 0.0)), (p, q));
    }
}

#[test]
fn the_likeliest_words_are_marked_the_first_of_equal_ones() {
    assert_eq!(top(&[0.1, 0.4, 0.4, 0.2], 2), [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(top(&[0.4, 0.1, 0.4, 0.4], 2), [1.0, 0.0, 1.0, 0.0]);
    assert_eq!(top(&[0.4, 0.1], 5), [1.0, 1.0]);
}

#[test]
fn a_divergence_of_the_likeliest_words_is_of_distributions() {
    let program = trace("top", || {
        let (actor, teacher, demo) = (Actor::arg(), Teacher::arg(), Demo::arg());
        let (p, q) = (actor.words(demo.response), teacher.words(demo.response));
        let kept = top_words(q, 2);
        kl(renormalised(q, kept), renormalised(p, kept)).as_loss().batch_mean()
    });
    let found = run(&program, &logs(P), &logs(Q)).unwrap();
    // At the first token words 0 and 1 are kept, at the second 0 and 1 as well: of equal ones the first.
    let of = |x: [f64; 8], at: usize, i: usize| x[at + i] / (x[at] + x[at + 1]);
    let term = |at, i| of(Q, at, i) * (of(Q, at, i) / of(P, at, i)).ln();
    close(found.loss, (term(0, 0) + term(0, 1) + term(4, 0) + term(4, 1)) / 2.0);
    let gradient = found.gradient.get("actor", "words", SIDE).unwrap();
    for (at, i) in [(0, 0), (0, 1), (4, 0), (4, 1)] {
        close(gradient[at + i], (of(P, at, i) - of(Q, at, i)) / 2.0);
    }
    assert_eq!((gradient[2], gradient[7]), (0.0, 0.0));
}

#[test]
fn far_out_every_divergence_is_finite() {
    let program = trace("far", || {
        let (actor, teacher, demo) = (Actor::arg(), Teacher::arg(), Demo::arg());
        let (p, q) = (actor.words(demo.response), teacher.words(demo.response));
        let (mix, kept) = (mixture(0.5, q, p), top_words(q, 2));
        let jensen_shannon = 0.5 * kl(q, mix) + 0.5 * kl(p, mix);
        let top = kl(renormalised(q, kept), renormalised(p, kept)) + kl(renormalised(p, kept), renormalised(q, kept));
        let loss = (jensen_shannon + top + kl(p, q) + kl(q, p)).as_loss();
        loss.batch_mean() - 0.1 * entropy(p).batch_mean()
    });
    let far = [-1e4, -1e4, 0.0, -1e4, -1.0, -1e4, -1.5, -2.0];
    let near = [0.0, -1e4, -1e4, -1e4, -1e4, -1.0, -0.5, -1e4];
    for (actor, teacher) in [(far, near), (near, far), (far, far)] {
        let found = run(&program, &actor, &teacher).unwrap();
        assert!(found.gradient.get("actor", "words", SIDE).unwrap().iter().all(|g| g.is_finite()));
    }
}

#[test]
fn what_cannot_be_is_refused() {
    let program = |a: f64, k: i32| {
        trace("mine", || {
            let (actor, teacher, demo) = (Actor::arg(), Teacher::arg(), Demo::arg());
            let (p, q) = (actor.words(demo.response), teacher.words(demo.response));
            kl(mixture(a, p, q), renormalised(p, top_words(q, k))).as_loss().batch_mean()
        })
    };
    let said = |a, k| run(&program(a, k), &logs(P), &logs(Q)).map(|e| e.loss).unwrap_err().to_string();
    assert!(said(1.5, 2).starts_with("the share of a `mixture` is 1.5: give one from 0 to 1"));
    assert!(said(0.5, 0).starts_with("`top_words` keeps 0 words: keep a whole number, at least 1"));
}
