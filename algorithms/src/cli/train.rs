//! `collimate <algorithm>`: a training run, on the user's model and data or in the sandbox.

use super::{command_name, model, progress, reward_model, sandbox, settings, steerlm};
use crate::Algorithm;
use anyhow::{Context, Result, bail};
use clap::ArgMatches;
use collimate_runtime::data::{self, View};
use collimate_runtime::device;
use collimate_runtime::train::{DrawSettings, EngineKind, Job, Reward, RunSettings, Schedule};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Set by Ctrl-C: the step is finished, a checkpoint written, and the run stops.
pub(super) static STOP: AtomicBool = AtomicBool::new(false);

pub(super) fn run(algorithm: &'static Algorithm, matches: &ArgMatches) -> Result<()> {
    let settings = resolve(algorithm, matches)?;
    if matches.get_flag("print-config") {
        write!(std::io::stdout().lock(), "{}", settings.to_toml())?;
        return Ok(());
    }
    let specs = (algorithm.hyper)();
    let program = (algorithm.trace)();
    let view = View::of(&program, algorithm.view)?;
    let loaded = model::load((!settings.model.is_empty()).then(|| Path::new(&settings.model)))?;
    let in_sandbox = settings.data.is_empty();
    let count = settings.steps.unwrap_or(1) as usize * settings.batch;
    let mut judge = sandbox::reward;
    let steers = algorithm.family() == "steerlm";
    catch_interrupt()?;
    let annotated = match steers && in_sandbox {
        true => Some(steerlm::annotated(&loaded, count, settings.seed)?),
        false => None,
    };
    let (rows, reward): (_, Option<&mut Reward<'_>>) = match (in_sandbox, settings.draw.is_some()) {
        (true, true) => (sandbox::prompts(count, settings.seed), Some(&mut judge)),
        (true, false) if reward_model::trains(&program) => {
            (reward_model::rows(&view, algorithm.view, count, settings.seed)?, None)
        }
        (true, false) if steers => (annotated.as_ref().map(|a| a.rows.clone()).unwrap_or_default(), None),
        (true, false) => (sandbox::rows(algorithm.view, &loaded, count, settings.seed)?, None),
        (false, true) => (sandbox::known(data::read_prompts(&settings.data)?)?, Some(&mut judge)),
        (false, false) if steers && data::has_ratings(&settings.data[0])? => {
            (steerlm::read(&settings.data, settings.seed)?, None)
        }
        (false, false) => (data::read(&settings.data, &view)?, None),
    };
    let eval_rows = match &settings.eval_data {
        Some(path) => data::read(std::slice::from_ref(path), &view)?,
        None => vec![],
    };
    let teacher = match &settings.teacher {
        Some(folder) => Some(model::teacher(folder, &loaded.tokenizer)?),
        None => None,
    };
    let resume = matches.get_flag("resume");
    let out = match matches.get_one::<PathBuf>("out") {
        Some(out) => out.clone(),
        None => unused_folder(algorithm.name)?,
    };

    // Only the sandbox compares with the model as it was.
    let (before, seed) = (in_sandbox.then(|| loaded.weights.clone()), settings.seed);
    let job = Job {
        settings,
        program: &program,
        view: algorithm.view,
        specs: &specs,
        weights: loaded.weights,
        teacher,
        tokenizer: &loaded.tokenizer,
        rows: &rows,
        reward,
        eval_rows: &eval_rows,
        out: Some(&out),
        resume,
        stop: &STOP,
        observer: &mut progress::Training::new(),
    };
    let trained = device::train(job)?;
    if trained.stopped {
        eprintln!("stopped after step {}; go on with --resume --out {}", trained.steps, out.display());
        return Ok(());
    }
    let report = collimate_runtime::report::write(&out)?;
    if in_sandbox && reward_model::trains(&program) {
        reward_model::report(&trained.weights, &loaded.tokenizer)?;
    } else if let Some(annotated) = annotated {
        annotated.save(&out, &loaded.tokenizer)?;
        steerlm::report(&trained.weights, &loaded.tokenizer, seed)?;
    } else if let Some(before) = before {
        sandbox::compare(&before, &trained.weights, &loaded.tokenizer, seed)?;
    } else if let Some(last) = &trained.last {
        summary(last)?;
    }
    writeln!(std::io::stdout().lock(), "\nmodel   {}\nreport  {}", out.join("final").display(), report.display())?;
    Ok(())
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
        batch: "batch" as usize, micro_batch: "micro-batch" as usize, lr: "lr" as f64,
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
    if matches.get_flag("no-shuffle") {
        settings.shuffle = false;
    }
    if let Some(word) = matches.get_one::<String>("recompute") {
        settings.recompute = Some(word == "on");
    }
    if let Some(text) = matches.get_one::<String>("attributes") {
        settings.attributes = reward_model::attributes("attributes", text)?;
    }
    draw(algorithm, matches, &mut settings)?;
    settings::change(algorithm, matches, &mut settings.set)?;
    settings.check()?;
    Ok(settings)
}

/// Responses are drawn where the algorithm does so and none are given.
fn draw(algorithm: &Algorithm, matches: &ArgMatches, settings: &mut RunSettings) -> Result<()> {
    let given = match settings.data.first() {
        Some(path) => data::has_responses(path)?,
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
    }
    match unread {
        Some(option) => bail!(
            "--{option} says how responses are drawn, but `{}` trains on given ones here; leave it out",
            command_name(algorithm.name)
        ),
        None => Ok(()),
    }
}

/// `runs/<algorithm>-<number>`, the first that is not there.
fn unused_folder(name: &str) -> Result<PathBuf> {
    let name = command_name(name);
    (1..100_000)
        .map(|n| Path::new("runs").join(format!("{name}-{n}")))
        .find(|path| !path.exists())
        .context("runs/ is full; name a folder with --out")
}
