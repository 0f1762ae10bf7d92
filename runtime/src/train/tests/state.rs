//! What a loss carries from step to step, through micro-batches, interruptions and checkpoints.

use super::{Measurement, Run, close, settings};
use crate::checkpoint;
use crate::train::RunSettings;
use collimate_dsl::eval::separable;
use collimate_dsl::ir::Program;
use collimate_dsl::{Actor, Arg, Formula, Pair, Policy, Prompt, Reduce, Token, Weight, log_sigmoid, state, trace};

/// Weighed by what the margins have been. The loss reads the weight as it was before the step, which every part of the
/// batch knows, or as it is after, which no part does.
fn moving(after: bool) -> Program {
    trace("moving", || {
        let (actor, pair) = (Actor::arg(), Pair::arg());
        let margin = actor.logp(pair.chosen).sum(Token) - actor.logp(pair.rejected).sum(Token);
        let (weight, steps) = (state::<Weight>("weight", 0.5), state::<Weight>("steps", 0));
        steps.update(steps + 1.0);
        let next = 0.7 * weight + 0.3 * margin.detach().mean(Prompt).as_weight();
        weight.update(next);
        let now = if after { next } else { weight };
        (now * (steps + 1.0) * -log_sigmoid(margin)).mean(Prompt)
    })
}

fn run(program: &Program, micro_batch: usize) -> Vec<Measurement> {
    let settings = RunSettings { micro_batch: Some(micro_batch), ..settings() };
    Run { settings, program: program.clone(), ..Run::new() }.go().unwrap().1
}

fn metric(measurement: &Measurement, name: &str) -> f64 {
    measurement.metrics.iter().find(|(of, _)| of == name).unwrap().1
}

#[test]
fn a_state_moves_by_the_whole_batch_for_every_micro_batch() {
    for after in [false, true] {
        let program = moving(after);
        assert_eq!(separable(&program).is_err(), after);
        let whole = run(&program, 4);
        for (i, measurement) in whole.iter().enumerate() {
            assert_eq!(metric(measurement, "state/steps"), i as f64);
        }
        assert_eq!(metric(&whole[0], "state/weight"), 0.5);
        assert!((metric(&whole[7], "state/weight") - metric(&whole[6], "state/weight")).abs() > 1e-3);
        for micro_batch in [1, 3] {
            close(&whole, &run(&program, micro_batch), 1e-5);
        }
    }
}

#[test]
fn a_state_is_in_the_checkpoint_to_its_last_bit() {
    let outer = tempfile::tempdir().unwrap();
    let out = outer.path().join("run");
    let with = |stop_after, resume| {
        Run { program: moving(false), out: Some(&out), stop_after, resume, ..Run::new() }.go().unwrap()
    };
    let (whole, seen) = Run { program: moving(false), ..Run::new() }.go().unwrap();
    with(Some(3), false);
    let kept = checkpoint::state(&out.join("checkpoint-3")).unwrap();
    assert_eq!(kept.loss["weight"].0.to_bits(), metric(&seen[3], "state/weight").to_bits());
    let (last, rest) = with(None, true);
    assert_eq!(rest, seen[3..]);
    assert_eq!(last.weights.data, whole.weights.data);
}
