//! Runs whose responses are drawn as they go.

use super::*;
use crate::data::Row;
use collimate_dsl::{Behavior, Formula, Group, leave_one_out, min};

/// REINFORCE leave-one-out with a clipped ratio and a price for drifting.
fn program() -> Program {
    trace("groups", || {
        let (actor, behavior, reference, group) = (Actor::arg(), Behavior::arg(), Reference::arg(), Group::arg());
        let drift = (behavior.logp(group.response) - reference.logp(group.response)).sum(Token);
        let reward = group.score - 0.01 * drift;
        let advantage = reward - leave_one_out(reward);
        let ratio = (actor.logp(group.response) - behavior.logp(group.response)).sum(Token).exp();
        -min(ratio * advantage, ratio.clamp(0.5, 2.0) * advantage).mean(collimate_dsl::Response).mean(Prompt)
    })
}

fn prompts() -> Vec<Row> {
    let row = |(line, prompt): (usize, &str)| Row {
        origin: Origin { path: Path::new("prompts.jsonl").into(), line: line + 1 },
        record: Record::group(prompt, Vec::new()),
    };
    ["ab", "cd", "ef", "gh", "ij"].into_iter().enumerate().map(row).collect()
}

/// How many of the letters are an `a`, less a little for length.
fn letters_a(answers: &[Answer<'_>]) -> Result<Vec<f64>> {
    let worth = |answer: &Answer<'_>| answer.text.matches('a').count() as f64 - 0.1 * answer.text.len() as f64;
    Ok(answers.iter().map(worth).collect())
}

struct Drawn<'a> {
    program: Program,
    view: &'a str,
    steps: u64,
    iterations: u64,
    micro_batch: usize,
    out: Option<&'a Path>,
    resume: bool,
    stop_after: Option<u64>,
    reward: fn(&[Answer<'_>]) -> Result<Vec<f64>>,
}

impl Drawn<'_> {
    fn new() -> Self {
        let (program, view) = (program(), "group");
        Drawn {
            program,
            view,
            steps: 12,
            iterations: 2,
            micro_batch: 3,
            out: None,
            resume: false,
            stop_after: None,
            reward: letters_a,
        }
    }

    fn go(&self) -> Result<(Trained, Vec<Measurement>)> {
        let (stop, tokenizer) = (AtomicBool::new(false), letters());
        let draw = DrawSettings {
            num_generations: 6,
            num_iterations: self.iterations,
            max_new_tokens: 8,
            ..DrawSettings::default()
        };
        let settings = RunSettings {
            batch: 3,
            micro_batch: Some(self.micro_batch),
            steps: Some(self.steps),
            lr: 0.02,
            schedule: Schedule::Constant,
            draw: Some(draw),
            ..RunSettings::default()
        };
        let mut watch = Watch { stop: self.stop_after.map(|step| (step, &stop)), ..Watch::default() };
        let mut reward = self.reward;
        let job = Job {
            settings,
            program: &self.program,
            view: self.view,
            specs: &[],
            weights: Weights::random(config(), 3),
            teacher: None,
            tokenizer: &tokenizer,
            rows: &prompts(),
            reward: Some(&mut reward),
            eval_rows: &[],
            out: self.out,
            resume: self.resume,
            stop: &stop,
            observer: &mut watch,
        };
        let trained = run(job, Cpu::default(), |parameters| device::cpu(EngineKind::Fused, parameters))?;
        Ok((trained, watch.seen))
    }
}

fn metric(measurement: &Measurement, name: &str) -> f64 {
    measurement.metrics.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("no {name}")).1
}

#[test]
fn what_is_rewarded_becomes_more_frequent() {
    let (trained, seen) = Drawn { steps: 60, iterations: 1, ..Drawn::new() }.go().unwrap();
    let mean = |part: &[Measurement]| part.iter().map(|m| metric(m, "reward")).sum::<f64>() / part.len() as f64;
    let (first, last) = (mean(&seen[..10]), mean(&seen[50..]));
    assert!(last > first + 2.0, "{first} {last}");
    assert_eq!(metric(&seen[0], "kl"), 0.0, "it has not moved yet");
    assert!(metric(&seen[59], "kl") > 0.0);
    assert!(seen.iter().all(|m| metric(m, "sampling/sampling_logp_difference/max") < 1e-4));
    assert_eq!(trained.steps, 60);
}

#[test]
fn the_same_seed_draws_the_same_for_every_micro_batch() {
    let with = |micro_batch| Drawn { micro_batch, ..Drawn::new() }.go().unwrap().1;
    let (whole, parts) = (with(3), with(1));
    let numbers = |seen: &[Measurement]| seen.iter().map(|m| (metric(m, "reward"), m.loss)).collect::<Vec<_>>();
    for ((reward, loss), (other, other_loss)) in numbers(&whole).into_iter().zip(numbers(&parts)) {
        assert!(
            (reward - other).abs() < 1e-6 && (loss - other_loss).abs() < 1e-4,
            "{reward} {other} {loss} {other_loss}"
        );
    }
}

#[test]
fn a_run_stopped_between_two_steps_on_the_same_responses_goes_on_bit_for_bit() {
    let (whole, seen) = Drawn::new().go().unwrap();
    let outer = tempfile::tempdir().unwrap();
    let out = outer.path().join("run");
    // Asked to stop after step 5, it first makes the second step on these responses.
    let (first, begun) = Drawn { out: Some(&out), stop_after: Some(5), ..Drawn::new() }.go().unwrap();
    assert_eq!((first.steps, first.stopped), (6, true));
    let (last, rest) = Drawn { out: Some(&out), resume: true, ..Drawn::new() }.go().unwrap();
    assert_eq!([begun, rest].concat(), seen);
    assert_eq!(last.weights.data, whole.weights.data);
}

#[test]
fn a_pair_is_the_best_and_the_worst_response() {
    let program = super::program();
    let (_, seen) = Drawn { program, view: "pair", steps: 20, iterations: 1, ..Drawn::new() }.go().unwrap();
    assert!((seen[0].loss - std::f64::consts::LN_2).abs() < 1e-6);
    assert!(metric(&seen[19], "reward") > metric(&seen[0], "reward"));
    // Where all responses are worth the same there is no pair.
    let same = |answers: &[Answer<'_>]| Ok(vec![1.0; answers.len()]);
    let problem = Drawn { program: super::program(), view: "pair", reward: same, ..Drawn::new() }.go().err().unwrap();
    assert!(problem.to_string().contains("no prompt of this batch had two responses of different worth"), "{problem}");
}

#[test]
fn a_reward_that_is_no_number_stops_with_the_response() {
    let broken = |answers: &[Answer<'_>]| {
        Ok(answers.iter().map(|answer| (answer.text.len() as f64).ln()).map(|_| f64::NAN).collect())
    };
    let problem = Drawn { reward: broken, ..Drawn::new() }.go().err().unwrap().to_string();
    assert!(
        problem.contains("prompts.jsonl:") && problem.contains("the reward of this response is NaN: "),
        "{problem}"
    );
    let few = |_: &[Answer<'_>]| Ok(vec![1.0]);
    let problem = Drawn { reward: few, ..Drawn::new() }.go().err().unwrap().to_string();
    assert!(problem.contains("the reward gave 1 numbers for 18 responses"), "{problem}");
}
