//! `collimate <algorithm>`: a training run, on the user's model and data or in the sandbox.

use super::sandbox::Compared;
use super::{command_name, model, progress, reward, reward_model, sandbox, seeds, settings, steerlm};
use crate::Algorithm;
use crate::ir::Program;
use crate::rewards::HostReward;
use anyhow::{Context, Result, bail};
use clap::ArgMatches;
use collimate_runtime::data::{self, Beside, Curriculum, View};
use collimate_runtime::device;
use collimate_runtime::model::{LowRank, Weights};
use collimate_runtime::sample::{Sampler, Server};
use collimate_runtime::train::{Answer, DrawSettings, Dtype, EngineKind, Job, Reward, RunSettings, Schedule};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by Ctrl-C: the step is finished, a checkpoint written, and the run stops.
pub(super) static STOP: AtomicBool = AtomicBool::new(false);

pub(super) fn run(algorithm: &'static Algorithm, rewards: &[&'static HostReward], matches: &ArgMatches) -> Result<()> {
    let settings = resolve(algorithm, matches)?;
    if matches.get_flag("print-config") {
        write!(std::io::stdout().lock(), "{}", settings.to_toml())?;
        return Ok(());
    }
    device::check(&settings.device)?;
    catch_interrupt()?;
    let out = match matches.get_one::<PathBuf>("out") {
        Some(out) => out.clone(),
        None => unused_folder(algorithm.name)?,
    };
    if let Some(seeds) = matches.get_one::<u64>("seeds") {
        return seeds::run(algorithm, rewards, &settings, *seeds, &out);
    }
    once(algorithm, rewards, settings, &out, matches.get_flag("resume")).map(drop)
}

/// One training run. Gives what the sandbox says of the policy before and after, if it is asked and the run was not stopped.
pub(super) fn once(
    algorithm: &'static Algorithm,
    rewards: &[&'static HostReward],
    settings: RunSettings,
    out: &Path,
    resume: bool,
) -> Result<Option<Compared>> {
    let specs = (algorithm.hyper)();
    let program = (algorithm.trace)();
    let view = View::of(&program, algorithm.view)?;
    let loaded = model::load((!settings.model.is_empty()).then(|| Path::new(&settings.model)))?;
    let in_sandbox = settings.data.is_empty();
    let count = settings.steps.unwrap_or(1) as usize * settings.batch;
    let steers = algorithm.family() == "steerlm";
    let annotated = match steers && in_sandbox {
        true => Some(steerlm::annotated(&loaded, count, settings.seed)?),
        false => None,
    };
    let rows = match (in_sandbox, settings.draw.is_some()) {
        // In self-play the policy is told from demonstrations.
        (true, true) if plays(algorithm, &program) => sandbox::rows("demo", &loaded, count, settings.seed)?,
        (true, true) => sandbox::prompts(count, settings.seed),
        (true, false) if reward_model::trains(&program) => {
            reward_model::rows(&view, algorithm.view, count, settings.seed)?
        }
        (true, false) if steers => annotated.as_ref().map(|a| a.rows.clone()).unwrap_or_default(),
        (true, false) => sandbox::rows(algorithm.view, &loaded, count, settings.seed)?,
        (false, true) => data::read_prompts(&settings.data)?,
        (false, false) if steers && data::has_ratings(&settings.data[0])? => {
            steerlm::read(&settings.data, settings.seed)?
        }
        (false, false) => data::read(&settings.data, &view)?,
    };
    let mut combined = match &settings.draw {
        Some(draw) => {
            // On the CPU the judges stay exact, whatever the policy is read in.
            let dtype = if settings.device == "cpu" { Dtype::F32 } else { settings.dtype };
            Some(reward::combined(draw, rewards, &rows, (&settings.device, dtype))?)
        }
        None => None,
    };
    let mut judge = combined.as_mut().map(|combined| move |answers: &[Answer<'_>]| combined.judge(answers));
    let reward = judge.as_mut().map(|judge| judge as &mut Reward<'_>);
    let eval_rows = match &settings.eval_data {
        Some(path) => data::read(std::slice::from_ref(path), &view)?,
        None => vec![],
    };
    let teacher = match &settings.teacher {
        Some(folder) => Some(model::teacher(folder, &loaded.tokenizer)?),
        None => None,
    };
    let critic = match &settings.critic {
        Some(folder) => Some(Weights::load(folder)?),
        None => None,
    };
    let mut server = match settings.draw.as_ref().and_then(|draw| Some((draw, draw.sampler.as_ref()?))) {
        Some((draw, url)) => {
            let handover = draw.sampler_update.then(|| out.with_extension("sampler"));
            Some(Server::connect(url, &loaded.tokenizer, handover)?)
        }
        None => None,
    };
    // Only the sandbox compares with the model as it was.
    let (before, seed) = (in_sandbox.then(|| loaded.weights.clone()), settings.seed);
    let job = Job {
        settings,
        program: &program,
        view: algorithm.view,
        specs: &specs,
        weights: loaded.weights,
        critic,
        teacher,
        tokenizer: &loaded.tokenizer,
        rows: &rows,
        reward,
        sampler: server.as_mut().map(|server| server as &mut dyn Sampler),
        eval_rows: &eval_rows,
        out: Some(out),
        resume,
        stop: &STOP,
        observer: &mut progress::Training::new(),
    };
    let trained = device::train(job)?;
    if trained.stopped {
        eprintln!("stopped after step {}; go on with --resume --out {}", trained.steps, out.display());
        return Ok(None);
    }
    let report = collimate_runtime::report::write(out)?;
    let mut compared = None;
    if in_sandbox && reward_model::trains(&program) {
        reward_model::report(&trained.weights, &loaded.tokenizer)?;
    } else if let Some(annotated) = annotated {
        annotated.save(out, &loaded.tokenizer)?;
        steerlm::report(&trained.weights, &loaded.tokenizer, seed)?;
    } else if let Some(before) = before {
        compared = Some(sandbox::compare(&before, &trained.weights, &loaded.tokenizer, seed)?);
    } else if let Some(last) = &trained.last {
        summary(last)?;
    }
    writeln!(std::io::stdout().lock(), "\nmodel   {}\nreport  {}", out.join("final").display(), report.display())?;
    Ok(compared)
}

/// From now on Ctrl-C asks the run to stop instead of ending the process.
pub(super) fn catch_interrupt() -> Result<()> {
    ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed)).context("Ctrl-C cannot be caught")
}

/// The last step's numbers, in a column that lines up.
fn summary(last: &collimate_runtime::metric::Measurement) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let rows = [("loss", last.loss), ("grad_norm", last.grad_norm)];
    let rows: Vec<_> = rows.into_iter().chain(last.metrics.iter().map(|(n, v)| (n.as_str(), *v))).collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    writeln!(out, "step {}", last.step)?;
    for (name, value) in rows {
        writeln!(out, "  {name:width$}  {value:>12.5}")?;
    }
    Ok(())
}

/// Defaults, then the file of --config, then the options.
fn resolve(algorithm: &Algorithm, matches: &ArgMatches) -> Result<RunSettings> {
    let data: Vec<PathBuf> = matches.get_many("data").unwrap_or_default().cloned().collect();
    // A run that goes on has its settings in its folder.
    let before =
        matches.get_one::<PathBuf>("out").filter(|_| matches.get_flag("resume")).map(|out| out.join("run.toml"));
    let mut settings = match matches.get_one::<PathBuf>("config").or(before.as_ref().filter(|path| path.exists())) {
        Some(path) => {
            let settings = RunSettings::read(path)?;
            let named = settings.algorithm.replace('-', "_");
            if !named.is_empty() && named != algorithm.name {
                bail!(
                    "{}: these are settings of `{}`, not of `{}`",
                    path.display(),
                    settings.algorithm,
                    command_name(algorithm.name)
                );
            }
            settings
        }
        None if data.is_empty() => sandbox::defaults(algorithm),
        None => RunSettings::default(),
    };
    settings.algorithm = command_name(algorithm.name);
    if !data.is_empty() {
        settings.data = data;
    }
    if let Some(model) = matches.get_one::<PathBuf>("model") {
        settings.model = model.display().to_string();
    }
    macro_rules! take {
        ($($field:ident: $id:literal as $T:ty),* $(,)?) => { $(
            if let Some(value) = matches.get_one::<$T>($id) { settings.$field = value.clone().into(); }
        )* };
    }
    take! {
        eval_data: "eval-data" as PathBuf, teacher: "teacher" as PathBuf, precompute_reference: "precompute-reference" as PathBuf,
        critic: "critic" as PathBuf, critic_lr: "critic-lr" as f64, batch: "batch" as usize, micro_batch: "micro-batch" as usize, lr: "lr" as f64,
        warmup: "warmup" as u64, weight_decay: "weight-decay" as f64, max_grad_norm: "max-grad-norm" as f64,
        max_length: "max-length" as usize, seed: "seed" as u64, device: "device" as String, checkpoint_every: "save-every" as u64,
    }
    if let Some(steps) = matches.get_one::<u64>("steps") {
        (settings.steps, settings.epochs) = (Some(*steps), None);
        // The sandbox's warm-up is for its own number of steps; nobody asked for one longer than the run.
        let asked = matches.contains_id("warmup") || matches.contains_id("config") || before.is_some();
        if !asked {
            settings.warmup = settings.warmup.min(*steps);
        }
    }
    if let Some(epochs) = matches.get_one::<u64>("epochs") {
        (settings.steps, settings.epochs) = (None, Some(*epochs));
    }
    if let Some(schedule) = matches.get_one::<String>("schedule") {
        settings.schedule = match schedule.as_str() {
            "constant" => Schedule::Constant,
            "cosine" => Schedule::Cosine,
            _ => Schedule::Linear,
        };
    }
    if let Some(engine) = matches.get_one::<String>("engine") {
        settings.engine = if engine == "graph" { EngineKind::Graph } else { EngineKind::Fused };
    }
    if let Some(dtype) = matches.get_one::<String>("dtype") {
        settings.dtype = self::dtype(dtype);
    }
    if matches.get_flag("no-shuffle") {
        settings.shuffle = false;
    }
    if let Some(word) = matches.get_one::<String>("recompute") {
        settings.recompute = Some(word == "on");
    }
    if let Some(text) = matches.get_one::<String>("attributes") {
        settings.attributes = reward_model::attributes("attributes", text)?;
    }
    if let Some(text) = matches.get_one::<String>("lora") {
        settings.lora = Some(lora(text)?);
    }
    draw(algorithm, matches, &mut settings)?;
    settings::change(algorithm, matches, &mut settings.set)?;
    settings.check()?;
    Ok(settings)
}

/// Responses are drawn where the algorithm does so and none are given.
fn draw(algorithm: &Algorithm, matches: &ArgMatches, settings: &mut RunSettings) -> Result<()> {
    let given = match settings.data.first() {
        Some(path) => match data::beside(path)? {
            Beside::Nothing => false,
            Beside::Completion => !plays(algorithm, &(algorithm.trace)()),
            Beside::Responses => true,
        },
        None => !algorithm.draws(),
    };
    if !given && settings.draw.is_none() {
        settings.draw = Some(DrawSettings::default());
    }
    if given {
        settings.draw = None;
    }
    let mut unread = None;
    macro_rules! take {
        ($($field:ident: $id:literal as $T:ty),* $(,)?) => { $(
            match (matches.get_one::<$T>($id), &mut settings.draw) {
                (Some(value), Some(draw)) => draw.$field = *value,
                (Some(_), None) => unread = Some($id),
                (None, _) => {}
            }
        )* };
    }
    take! {
        num_generations: "num-generations" as usize, num_iterations: "num-iterations" as u64, temperature: "temperature" as f64,
        top_p: "top-p" as f64, top_k: "top-k" as usize, max_new_tokens: "max-new-tokens" as usize,
        refresh_every: "refresh-every" as u64,
    }
    match (matches.get_flag("dynamic-sampling"), &mut settings.draw) {
        (true, Some(draw)) => draw.dynamic_sampling = true,
        (true, None) => unread = Some("dynamic-sampling"),
        (false, _) => {}
    }
    match (matches.get_many::<String>("reward"), &mut settings.draw) {
        (Some(rewards), Some(draw)) => draw.reward = rewards.cloned().collect(),
        (Some(_), None) => unread = Some("reward"),
        (None, _) => {}
    }
    match (matches.get_one::<String>("curriculum"), &mut settings.draw) {
        (Some(text), Some(draw)) => draw.curriculum = Some(curriculum(text)?),
        (Some(_), None) => unread = Some("curriculum"),
        (None, _) => {}
    }
    match (matches.get_one::<String>("sampler"), &mut settings.draw) {
        (Some(url), Some(draw)) => draw.sampler = Some(url.clone()),
        (Some(_), None) => unread = Some("sampler"),
        (None, _) => {}
    }
    if let Some(update) = matches.get_one::<String>("sampler-update") {
        match &mut settings.draw {
            Some(draw) if draw.sampler.is_some() => draw.sampler_update = update == "disk",
            _ => bail!("--sampler-update says how a server gets new weights; name it with --sampler, or leave it out"),
        }
    }
    match (matches.get_one::<f64>("gate"), &mut settings.draw) {
        (Some(gate), Some(draw)) => draw.gate = Some(*gate),
        (Some(_), None) => unread = Some("gate"),
        (None, _) => {}
    }
    match unread {
        Some(option) => bail!(
            "--{option} says how responses are drawn, but `{}` trains on given ones here; leave it out",
            command_name(algorithm.name)
        ),
        None => Ok(()),
    }
}

/// `r=16,alpha=32`
fn lora(text: &str) -> Result<LowRank> {
    let numbers = settings::numbers("lora", text, "r=16,alpha=32")?;
    if let Some(unknown) = numbers.keys().find(|name| !["r", "alpha"].contains(&name.as_str())) {
        bail!("--lora {text}: there is no `{unknown}`; write r=16,alpha=32");
    }
    let number = |name| {
        numbers.get(name).copied().with_context(|| format!("--lora {text}: `{name}` is missing; write r=16,alpha=32"))
    };
    let rank = number("r")?;
    if rank.fract() != 0.0 || !(1.0..=65_536.0).contains(&rank) {
        bail!("--lora {text}: r is {rank}; it has to be a whole number, at least 1");
    }
    Ok(LowRank { rank: rank as usize, alpha: number("alpha")? })
}

/// `0.8:0.2`, or `0.8:0.2:0.1` with the width.
fn curriculum(text: &str) -> Result<Curriculum> {
    let numbers: Option<Vec<f64>> = text.split(':').map(|number| number.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some([from, to]) => Ok(Curriculum { from: *from, to: *to, width: 0.1 }),
        Some([from, to, width]) => Ok(Curriculum { from: *from, to: *to, width: *width }),
        _ => bail!("--curriculum {text}: write FROM:TO or FROM:TO:WIDTH, e.g. 0.8:0.2"),
    }
}

/// Is the policy told from demonstrations, against what it said itself an iteration before?
fn plays(algorithm: &Algorithm, program: &Program) -> bool {
    algorithm.online && program.inputs().any(|(_, owner, ..)| owner == "previous")
}

/// `runs/<algorithm>-<number>`, the first that is not there.
fn unused_folder(name: &str) -> Result<PathBuf> {
    let name = command_name(name);
    (1..100_000)
        .map(|n| Path::new("runs").join(format!("{name}-{n}")))
        .find(|path| !path.exists())
        .context("runs/ is full; name a folder with --out")
}

/// How numbers are stored, as `--dtype` names it.
pub(super) fn dtype(name: &str) -> Dtype {
    if name == "bf16" { Dtype::Bf16 } else { Dtype::F32 }
}
