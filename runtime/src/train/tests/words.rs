//! Training on every word of the vocabulary: distillation from a teacher, and exact divergences from the reference.

use super::{EngineKind, Measurement, Run, close, config, settings};
use crate::model::{LowRank, ModelConfig, Weights};
use crate::train::RunSettings;
use collimate_dsl::eval::separable;
use collimate_dsl::ir::Program;
use collimate_dsl::{
    Actor, Arg, Formula, Pair, Policy, Prompt, Reduce, Reference, Teacher, Token, Weight, entropy, kl, log_sigmoid,
    mixture, report, sigmoid, state, trace,
};

/// Between two halves of a Jensen-Shannon divergence from the teacher on the chosen responses, with the taken tokens' own
/// log-probabilities read beside. If not in parts, weighed by what only the whole batch knows.
fn distilled(in_parts: bool) -> Program {
    trace("distilled", || {
        let (actor, teacher, reference, pair) = (Actor::arg(), Teacher::arg(), Reference::arg(), Pair::arg());
        let (p, q) = (teacher.words(pair.chosen), actor.words(pair.chosen));
        let mix = mixture(0.5, p, q);
        let apart = (0.5 * kl(p, mix) + 0.5 * kl(q, mix)).as_loss().batch_mean();
        let from_start = kl(q, reference.words(pair.chosen)).sum(Token).mean(collimate_dsl::Response).mean(Prompt);
        report("entropy", entropy(q));
        report("teacher", teacher.logp(pair.chosen));
        let margin = actor.logp(pair.chosen).sum(Token) - actor.logp(pair.rejected).sum(Token);
        let weight = state::<Weight>("weight", 1.0);
        let next = 0.5 * weight + 0.5 * sigmoid(0.1 * margin).detach().mean(Prompt).as_weight();
        weight.update(next);
        let weight = if in_parts { 1.0 * weight } else { next };
        apart + 0.1 * from_start.as_loss() - 0.05 * (weight * log_sigmoid(0.1 * margin)).mean(Prompt)
    })
}

fn teacher(config: ModelConfig) -> Weights {
    let mut teacher = Weights::random(config, 11);
    teacher.data.iter_mut().for_each(|w| *w *= 20.0);
    teacher
}

fn base<'a>(in_parts: bool, micro_batch: usize) -> Run<'a> {
    let settings = RunSettings { micro_batch: Some(micro_batch), lr: 1e-3, steps: Some(6), ..settings() };
    Run { settings, program: distilled(in_parts), teacher: Some(teacher(config())), scale: 5.0, ..Run::new() }
}

fn run(in_parts: bool, engine: Option<EngineKind>, micro_batch: usize) -> Vec<Measurement> {
    let scale = if engine.is_some() { 5.0 } else { 20.0 };
    Run { engine, scale, ..base(in_parts, micro_batch) }.go().unwrap().1
}

fn metric(measurement: &Measurement, name: &str) -> f64 {
    measurement.metrics.iter().find(|(of, _)| of == name).unwrap().1
}

#[test]
fn a_student_becomes_like_its_teacher_for_every_micro_batch() {
    for in_parts in [true, false] {
        assert_eq!(separable(&distilled(in_parts)).is_ok(), in_parts);
        let whole = run(in_parts, None, 4);
        let (first, last) = (&whole[0], &whole[5]);
        assert!(last.loss < first.loss, "{} {}", first.loss, last.loss);
        assert!(metric(first, "entropy") > 0.0 && metric(first, "teacher") < 0.0);
        for micro_batch in [1, 3] {
            close(&whole, &run(in_parts, None, micro_batch), 1e-5);
        }
    }
}

#[test]
fn a_student_of_states_learns_the_same_for_every_micro_batch() {
    for in_parts in [true, false] {
        let whole = run(in_parts, Some(EngineKind::Fused), 4);
        for micro_batch in [1, 3] {
            close(&whole, &run(in_parts, Some(EngineKind::Fused), micro_batch), 2e-5);
        }
    }
}

#[test]
fn it_is_told_why_all_words_are_kept() {
    let told = |engine, program| {
        let run = Run { program, teacher: Some(teacher(config())), engine: Some(engine), scale: 5.0, ..Run::new() };
        run.watched().unwrap().1.whole_words
    };
    assert_eq!(told(EngineKind::Fused, distilled(true)), None);
    let why = told(EngineKind::Graph, distilled(true)).unwrap();
    assert_eq!(why, "this engine gives no hidden states that they could be computed from");
}

#[test]
fn a_student_on_a_gpu_learns_what_one_on_the_cpu_does() {
    for (in_parts, lora) in [(true, None), (false, None), (true, Some(LowRank { rank: 2, alpha: 4.0 }))] {
        let with = |engine, gpu| {
            let base = base(in_parts, 3);
            let settings = RunSettings { lora, steps: Some(3), ..base.settings.clone() };
            Run { settings, engine, gpu, ..base }.watched().unwrap().1
        };
        let (right, ours) = (with(Some(EngineKind::Fused), false), with(None, true));
        assert_eq!(ours.whole_words, None);
        close(&ours.seen, &right.seen, 1e-4);
    }
}

#[test]
fn both_engines_distil_alike() {
    for in_parts in [true, false] {
        let fused = run(in_parts, Some(EngineKind::Fused), 4);
        close(&fused, &run(in_parts, Some(EngineKind::Graph), 3), 2e-4);
    }
}

#[test]
fn a_teacher_is_named_where_one_is_read_and_nowhere_else() {
    let problem = |program: Program, teacher| Run { program, teacher, ..Run::new() }.problem();
    let missing = problem(distilled(true), None);
    assert!(missing.ends_with("`distilled` learns from a teacher; name its folder with --teacher"), "{missing}");
    let idle = problem(super::program(), Some(teacher(config())));
    assert!(idle.ends_with("`pairs` reads no teacher; leave --teacher out"), "{idle}");
    let other = problem(distilled(true), Some(teacher(ModelConfig { vocab_size: 23, ..config() })));
    let words = "the teacher has a vocabulary of 23 words and the model one of 19; they must be the same";
    assert!(other.ends_with(words), "{other}");
}

#[test]
fn a_run_is_not_continued_with_another_teacher() {
    let outer = tempfile::tempdir().unwrap();
    let out = outer.path().join("run");
    let run = |resume: bool, teacher| Run {
        program: distilled(true),
        teacher: Some(teacher),
        out: Some(&out),
        stop_after: (!resume).then_some(2),
        resume,
        ..Run::new()
    };
    run(false, teacher(config())).go().unwrap();
    let problem = run(true, Weights::random(config(), 12)).problem();
    assert!(problem.contains("the teacher changed since this checkpoint was written"), "{problem}");
    run(true, teacher(config())).go().unwrap();
}
