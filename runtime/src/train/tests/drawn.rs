//! Runs whose responses are drawn as they go.

use super::*;
use crate::data::Row;
use crate::model::LowRank;
use crate::sample::server::tests::{Manner, serve};
use crate::sample::{BuiltIn, Sample, Sampler, Sampling, Server};
use collimate_dsl::{
    Behavior, Critic, Formula, Group, Previous, at_last, gae, leave_one_out, min, squared_error, whiten,
};

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

pub(super) struct Drawn<'a> {
    program: Program,
    view: &'a str,
    pub(super) steps: u64,
    iterations: u64,
    micro_batch: usize,
    out: Option<&'a Path>,
    resume: bool,
    stop_after: Option<u64>,
    reward: fn(&[Answer<'_>]) -> Result<Vec<f64>>,
    dynamic_sampling: bool,
    pub(super) refresh_every: u64,
    rows: Vec<Row>,
    engine: EngineKind,
    pub(super) lora: Option<LowRank>,
    /// On an emulated GPU.
    gpu: bool,
}

impl Drawn<'_> {
    pub(super) fn new() -> Self {
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
            dynamic_sampling: false,
            refresh_every: 0,
            rows: prompts(),
            engine: EngineKind::Fused,
            lora: None,
            gpu: false,
        }
    }

    pub(super) fn go(&self) -> Result<(Trained, Vec<Measurement>)> {
        self.go_with(None)
    }

    fn go_with(&self, sampler: Option<&mut dyn Sampler>) -> Result<(Trained, Vec<Measurement>)> {
        let (stop, tokenizer) = (AtomicBool::new(false), letters());
        let draw = DrawSettings {
            num_generations: 6,
            num_iterations: self.iterations,
            max_new_tokens: 8,
            dynamic_sampling: self.dynamic_sampling,
            refresh_every: self.refresh_every,
            ..DrawSettings::default()
        };
        let settings = RunSettings {
            batch: 3,
            micro_batch: Some(self.micro_batch),
            steps: Some(self.steps),
            lr: 0.02,
            schedule: Schedule::Constant,
            draw: Some(draw),
            lora: self.lora,
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
            critic: None,
            tokenizer: &tokenizer,
            rows: &self.rows,
            reward: Some(&mut reward),
            sampler: sampler.map(|sampler| sampler as &mut dyn Sampler),
            eval_rows: &[],
            out: self.out,
            resume: self.resume,
            stop: &stop,
            observer: &mut watch,
        };
        let on_gpu = super::gpu::engine();
        let trained = run(job, Cpu::default(), |parameters| match self.gpu {
            true => on_gpu(parameters),
            false => device::cpu(self.engine, parameters),
        })?;
        Ok((trained, watch.seen))
    }
}

pub(super) fn metric(measurement: &Measurement, name: &str) -> f64 {
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
fn responses_that_a_gpu_draws_train_as_those_of_the_cpu() {
    let whole = || Drawn { steps: 4, ..Drawn::new() };
    let narrow = || Drawn { lora: Some(LowRank { rank: 2, alpha: 8.0 }), refresh_every: 2, iterations: 1, ..whole() };
    for base in [&whole as &dyn Fn() -> Drawn<'static>, &narrow] {
        let (_, right) = base().go().unwrap();
        let (_, ours) = Drawn { gpu: true, ..base() }.go_with(Some(&mut gpu::sampler())).unwrap();
        close(&ours, &right, 1e-3);
        for (ours, right) in ours.iter().zip(&right) {
            assert!((metric(ours, "kl") - metric(right, "kl")).abs() < 1e-3);
        }
    }
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

/// Worth something only where the prompt is `ab`: of the others nothing is learned.
fn letters_after_ab(answers: &[Answer<'_>]) -> Result<Vec<f64>> {
    let worth = |answer: &Answer<'_>| match answer.row.record.prompt.as_str() {
        "ab" => answer.text.len() as f64,
        _ => 1.0,
    };
    Ok(answers.iter().map(worth).collect())
}

#[test]
fn with_dynamic_sampling_other_prompts_stand_in_for_those_that_teach_nothing() {
    let with = |dynamic_sampling| {
        Drawn { dynamic_sampling, reward: letters_after_ab, iterations: 1, steps: 3, ..Drawn::new() }.go().unwrap().1
    };
    let (plain, dynamic) = (with(false), with(true));
    // Of two or three prompts at most one is `ab`; asked again at random, as many are found as were asked for.
    assert!(plain.iter().all(|m| metric(m, "frac_reward_zero_std") >= 0.5));
    assert!(plain.iter().any(|m| metric(m, "frac_reward_zero_std") == 1.0));
    assert!(dynamic.iter().all(|m| m.grad_norm > 0.0 && metric(m, "frac_reward_zero_std") < 1.0));
    assert_eq!(dynamic, with(true), "which prompts stand in depends on the seed and the step alone");
    let same = |answers: &[Answer<'_>]| Ok(vec![1.0; answers.len()]);
    let problem = Drawn { dynamic_sampling: true, reward: same, ..Drawn::new() }.go().err().unwrap().to_string();
    assert!(problem.contains("no prompt of this batch had two responses of different worth"), "{problem}");
}

#[test]
fn a_group_whose_responses_are_worth_the_same_gives_no_gradient() {
    let same = |answers: &[Answer<'_>]| Ok(vec![1.0; answers.len()]);
    let program = trace("bare", || {
        let (actor, group) = (Actor::arg(), Group::arg());
        let advantage = group.score - leave_one_out(group.score);
        -(actor.logp(group.response).sum(Token) * advantage).mean(collimate_dsl::Response).mean(Prompt)
    });
    let (trained, seen) = Drawn { program, reward: same, ..Drawn::new() }.go().unwrap();
    assert!(seen.iter().all(|m| m.grad_norm == 0.0 && metric(m, "frac_reward_zero_std") == 1.0));
    assert_eq!(trained.weights.data, Weights::random(config(), 3).data);
}

#[test]
fn a_reference_that_is_refreshed_is_where_it_was_after_a_stop() {
    fn with(lora: Option<LowRank>, out: Option<&Path>, stop_after: Option<u64>) -> (Trained, Vec<Measurement>) {
        let resume = out.is_some() && stop_after.is_none();
        Drawn { lora, refresh_every: 4, iterations: 1, out, stop_after, resume, ..Drawn::new() }.go().unwrap()
    }
    for lora in [None, Some(LowRank { rank: 2, alpha: 8.0 })] {
        let (whole, seen) = with(lora, None, None);
        // The reference is what the actor is at the start of each iteration of four steps.
        for (i, measurement) in seen.iter().enumerate() {
            assert_eq!(metric(measurement, "kl") == 0.0, i % 4 == 0, "step {}", i + 1);
        }
        for stop in [4, 6] {
            let outer = tempfile::tempdir().unwrap();
            let out = outer.path().join("run");
            let (_, begun) = with(lora, Some(&out), Some(stop));
            let (last, rest) = with(lora, Some(&out), None);
            assert_eq!([begun, rest].concat(), seen);
            assert_eq!(last.weights.data, whole.weights.data);
        }
    }
    let uneven = Drawn { refresh_every: 3, ..Drawn::new() }.go().err().unwrap().to_string();
    assert!(uneven.contains("refresh_every is 3; it has to be a multiple of num_iterations, 2"), "{uneven}");
}

#[test]
fn in_self_play_a_demonstration_is_told_from_what_the_policy_said_before() {
    let program = trace("played", || {
        let (actor, previous, pair) = (Actor::arg(), Previous::arg(), Pairs::arg());
        let chosen = (actor.logp(pair.chosen) - previous.logp(pair.chosen)).sum(Token);
        let rejected = (actor.logp(pair.rejected) - previous.logp(pair.rejected)).sum(Token);
        -log_sigmoid(0.5 * chosen - 0.5 * rejected).mean(Prompt)
    });
    let row = |(line, prompt): (usize, &str)| Row {
        origin: Origin { path: Path::new("shown.jsonl").into(), line: line + 1 },
        record: Record::answer(prompt, "aaa"),
    };
    let rows: Vec<Row> = ["ab", "cd", "ef"].into_iter().enumerate().map(row).collect();
    let with = |lora, out: Option<&Path>, stop_after: Option<u64>| {
        let (program, rows) = (program.clone(), rows.clone());
        let run = Drawn { program, rows, view: "pair", refresh_every: 10, iterations: 1, steps: 40, ..Drawn::new() };
        let resume = out.is_some() && stop_after.is_none();
        Drawn { lora, out, stop_after, resume, ..run }.go().unwrap()
    };
    let (_, seen) = with(None, None, None);
    assert!((seen[0].loss - std::f64::consts::LN_2).abs() < 1e-6);
    assert!((seen[10].loss - std::f64::consts::LN_2).abs() < 1e-6, "a new iteration begins");
    // What it says becomes what was shown: `aaa`, less the price of its length.
    let (first, last) = (metric(&seen[0], "reward"), metric(&seen[39], "reward"));
    assert!(last > first + 1.0 && last < 3.0, "{first} {last}");
    for lora in [None, Some(LowRank { rank: 2, alpha: 8.0 })] {
        let outer = tempfile::tempdir().unwrap();
        let out = outer.path().join("run");
        let (whole, seen) = with(lora, None, None);
        assert!((seen[10].loss - std::f64::consts::LN_2).abs() < 1e-6, "a new iteration begins");
        assert!(seen[10..20].iter().any(|m| m.loss < 0.69), "and learns");
        with(lora, Some(&out), Some(15));
        assert_eq!(with(lora, Some(&out), None).0.weights.data, whole.weights.data);
    }
}

#[test]
fn what_the_sampler_said_of_its_tokens_can_be_read() {
    let program = trace("sampled", || {
        let (actor, behavior, group) = (Actor::arg(), Behavior::arg(), Group::arg());
        let sampler = Said;
        let ratio = (behavior.logp(group.response) - sampler.logp(group.response)).exp();
        collimate_dsl::report("ratio", ratio);
        let advantage = group.score - leave_one_out(group.score);
        -((actor.logp(group.response) - behavior.logp(group.response)).exp() * advantage).batch_mean()
    });
    let (_, seen) = Drawn { program, iterations: 1, steps: 2, ..Drawn::new() }.go().unwrap();
    assert!(seen.iter().all(|m| (metric(m, "ratio") - 1.0).abs() < 1e-4));
}

/// What drew the responses, as it said itself.
struct Said;
impl Policy for Said {
    type Grad = collimate_dsl::NoGrad;
    const OWNER: &'static str = "sampler";
    const FROM: Option<&'static str> = Some("actor");
    const REFRESH: Option<&'static str> = Some("rollout");
}

/// Proximal policy optimization with a critic. If not in parts, its advantages are whitened.
fn with_critic(in_parts: bool) -> Program {
    trace("with_critic", || {
        let (actor, behavior, critic, group) = (Actor::arg(), Behavior::arg(), Critic::arg(), Group::arg());
        let (advantage, target) = gae(at_last(group.score), group.value, 1.0, 0.9);
        let advantage = if in_parts { advantage } else { whiten(advantage) };
        let ratio = (actor.logp(group.response) - behavior.logp(group.response)).exp();
        let gain = min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage);
        collimate_dsl::report("value", group.value);
        collimate_dsl::report("off", squared_error(critic.value(group.response), target));
        -gain.batch_mean() + 0.5 * squared_error(critic.value(group.response), target).batch_mean()
    })
}

#[test]
fn a_critic_learns_beside_the_actor_for_every_micro_batch_and_both_engines() {
    for in_parts in [true, false] {
        let with = |micro_batch, engine, steps| {
            Drawn { program: with_critic(in_parts), micro_batch, engine, steps, iterations: 2, ..Drawn::new() }
                .go()
                .unwrap()
        };
        let (whole, seen) = with(3, EngineKind::Fused, 60);
        let mean = |part: &[Measurement], name| part.iter().map(|m| metric(m, name)).sum::<f64>() / part.len() as f64;
        assert!(mean(&seen[50..], "reward") > mean(&seen[..10], "reward") + 1.0);
        assert!(mean(&seen[50..], "off") < 0.7 * mean(&seen[..10], "off"), "what is expected comes");
        assert!(mean(&seen[50..], "value") > mean(&seen[..10], "value") + 0.5);
        assert!(whole.weights.labels.is_empty(), "what is trained is the actor");
        for (micro_batch, engine) in [(1, EngineKind::Fused), (2, EngineKind::Graph)] {
            let (_, other) = with(micro_batch, engine, 4);
            for (a, b) in seen.iter().zip(&other) {
                assert!((a.loss - b.loss).abs() < 2e-3 * a.loss.abs().max(1.0), "{} {}", a.loss, b.loss);
                assert!((a.grad_norm - b.grad_norm).abs() < 5e-3 * a.grad_norm, "{} {}", a.grad_norm, b.grad_norm);
            }
        }
    }
}

#[test]
fn a_critic_is_in_the_checkpoint_with_its_optimizer() {
    let outer = tempfile::tempdir().unwrap();
    let out = outer.path().join("run");
    let with = |out, stop_after, resume| {
        Drawn { program: with_critic(false), out, stop_after, resume, ..Drawn::new() }.go().unwrap()
    };
    let (whole, seen) = with(None, None, false);
    let (_, begun) = with(Some(&out), Some(5), false);
    assert!(out.join("checkpoint-6/critic-optimizer.safetensors").is_file());
    let (last, rest) = with(Some(&out), None, true);
    assert_eq!([begun, rest].concat(), seen);
    assert_eq!(last.weights.data, whole.weights.data);
    assert_eq!(Weights::load(&out.join("critic")).unwrap().labels.len(), 1);
}

/// At a ratio of 1 the clipped gain has the gradient of REINFORCE with the same advantages.
#[test]
fn the_first_step_on_new_responses_is_that_of_reinforce() {
    let program = |clipped: bool| {
        trace("first", || {
            let (actor, critic, group) = (Actor::arg(), Critic::arg(), Group::arg());
            let (advantage, target) = gae(at_last(group.score), group.value, 0.99, 0.9);
            let advantage = whiten(advantage);
            let logp = actor.logp(group.response);
            let critics = 0.5 * squared_error(critic.value(group.response), target).batch_mean();
            if !clipped {
                return critics - (logp * advantage).batch_mean();
            }
            let ratio = (logp - Behavior::arg().logp(group.response)).exp();
            critics - min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).batch_mean()
        })
    };
    let first = |clipped| Drawn { program: program(clipped), steps: 1, ..Drawn::new() }.go().unwrap();
    let ((ours, seen), (theirs, other)) = (first(true), first(false));
    assert!((seen[0].grad_norm - other[0].grad_norm).abs() < 1e-5 * seen[0].grad_norm);
    let apart = ours.weights.data.iter().zip(&theirs.weights.data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Of a step of 0.02 for each weight.
    assert!(apart < 2e-3, "{apart}");
}

#[test]
fn a_server_that_draws_the_same_gives_the_same_curve() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = letters();
    let address = serve(Weights::random(config(), 99), Manner::Good);
    let mut server = Server::connect(&address, &tokenizer, Some(folder.path().join("weights"))).unwrap();
    let with =
        |sampler: &mut dyn Sampler| Drawn { steps: 40, iterations: 1, ..Drawn::new() }.go_with(Some(sampler)).unwrap();
    let (trained, through) = with(&mut server);
    // The same samples: the server is sent half the seed.
    let (trained_here, here) = with(&mut Halved);
    assert_eq!(through, here);
    assert_eq!(trained.weights.data, trained_here.weights.data);
    // It is a curve, and it rises.
    let mean = |part: &[Measurement]| part.iter().map(|m| metric(m, "reward")).sum::<f64>() / part.len() as f64;
    assert!(mean(&through[30..]) > mean(&through[..10]) + 1.0, "{} {}", mean(&through[30..]), mean(&through[..10]));
    assert!(through.iter().all(|m| metric(m, "sampling/sampling_logp_difference/max") < 1e-4));
    // A server that keeps its weights: how far it has stayed behind is reported.
    let address = serve(Weights::random(config(), 3), Manner::Stubborn);
    let mut stale = Server::connect(&address, &tokenizer, None).unwrap();
    let (_, behind) = Drawn::new().go_with(Some(&mut stale)).unwrap();
    let gap = |m: &Measurement| metric(m, "sampling/sampling_logp_difference/max");
    assert!(gap(&behind[0]) < 1e-4 && gap(&behind[11]) > 0.05, "{} {}", gap(&behind[0]), gap(&behind[11]));
}

/// The built-in sampler at half the seed.
struct Halved;
impl Sampler for Halved {
    fn draw(&mut self, weights: &Weights, prompts: &[Vec<u32>], settings: &Sampling) -> Result<Vec<Vec<Sample>>> {
        BuiltIn.draw(weights, prompts, &Sampling { seed: settings.seed >> 1, ..settings.clone() })
    }
}
