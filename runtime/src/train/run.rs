//! A run from its first step to its last.

use super::asked::{self, Asked, TEACHER};
use super::draw::{Drawing, Reward};
use super::folder::{RunFolder, meaning};
use super::keeper::Keeper;
use super::learner::{Gathered, Learner, at, copies_of_start, numeric};
use super::observer::{Observer, Plan};
use super::online::Online;
use super::optimizer::{AdamW, Update, length, shortened};
use super::settings::RunSettings;
use super::start::StartScores;
use super::stored::{self, Origin};
use super::trainee::{self, Reads, Trainee, begin_with};
use super::{hyper, schedule};
use crate::checkpoint::{Exact, Hash, State};
use crate::data::{Dropped, Example, Examples, Item, Limits, Order, Row, View, items};
use crate::metric::Measurement;
use crate::model::{Engine, Parameters, Weights};
use crate::tokenizer::Tokenizer;
use crate::{Error, Result};
use collimate_dsl::ir::Program;
use collimate_dsl::{Spec, eval};
use dfdx::prelude::Device;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Longest sequence where neither the user nor the model asks for a shorter one.
const MAX_LENGTH: usize = 1024;

/// All that a run needs.
pub struct Job<'a> {
    /// Numbers and names; what is not given is filled in.
    pub settings: RunSettings,
    /// What is trained.
    pub program: &'a Program,
    /// The data it reads: the view's name in snake case.
    pub view: &'a str,
    /// Its hyper-parameters.
    pub specs: &'a [Spec],
    /// What it begins with; the reference keeps these.
    pub weights: Weights,
    /// A model to become like, for a program that reads a teacher.
    pub teacher: Option<Weights>,
    /// The model's tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// What it is trained on: with responses, or prompts alone where `reward` is given.
    pub rows: &'a [Row],
    /// Says what responses are worth that are drawn from the policy as it trains; without it, the rows' own are used.
    pub reward: Option<&'a mut Reward<'a>>,
    /// What is measured once it is trained.
    pub eval_rows: &'a [Row],
    /// The run's folder; without one nothing is written.
    pub out: Option<&'a Path>,
    /// Go on with the run that is in the folder.
    pub resume: bool,
    /// Set from elsewhere to finish the step, write a checkpoint and return.
    pub stop: &'a AtomicBool,
    /// Told what happens.
    pub observer: &'a mut dyn Observer,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Trained {
    /// The weights after the last step.
    pub weights: Weights,
    /// Everything as resolved.
    pub settings: RunSettings,
    /// Steps done, those of the run that was continued included.
    pub steps: u64,
    /// Was it stopped before its end?
    pub stopped: bool,
    /// The last step's numbers; none if no step was left to do.
    pub last: Option<Measurement>,
    /// Rows that did not fit.
    pub dropped: Vec<Dropped>,
}

/// Trains. `engine` makes an engine of parameters.
///
/// # Errors
/// If the settings, the program, the data or the folder cannot be used; if a loss or a gradient is not finite
/// (the message names step and rows); if a file cannot be written.
pub fn run<D: Device<f32>>(
    mut job: Job<'_>,
    device: D,
    engine: impl Fn(Arc<Parameters>) -> Result<Box<dyn Engine<D>>>,
) -> Result<Trained> {
    let Ready { view, data, held_out, mut order, steps, copies, owners } = ready(&mut job)?;
    let Job { settings, program, weights, teacher, tokenizer, reward, rows, out, resume, stop, observer, .. } = job;
    let text = program.to_string();
    let start = State {
        step: 0,
        epoch: 0,
        row: 0,
        seed: settings.seed,
        settings: Hash::of_bytes(format!("{:?}", settings.relevant()).as_bytes()),
        program: Hash::of_bytes(meaning(&text).as_bytes()),
        data: data.hash(),
        model: Hash::of_numbers(&weights.data),
        loss: exact(eval::initial_state(program, &settings.set).map_err(numeric)?),
    };
    let origin = Origin {
        model: start.model,
        data: held_out.as_ref().map_or(start.data, |rows| start.data.and(rows.hash())),
        tokenizer: tokenizer.files().hash(),
    };
    let known = match &settings.precompute_reference {
        Some(path) => stored::read(path, &origin)?.unwrap_or_default(),
        None => StartScores::default(),
    };
    let mut online = match (reward, &settings.draw) {
        (Some(reward), Some(draw)) => {
            // Copies are asked about responses that are not drawn yet, so they need weights of their own.
            let start = || engine(Arc::new(Parameters::frozen(weights.clone())));
            let reference = (!copies.is_empty()).then(start).transpose()?;
            let kept = rows.iter().filter(|row| data.dropped.iter().all(|dropped| dropped.origin != row.origin));
            let (settings, rows, seed) = (draw.clone(), kept.cloned().collect(), settings.seed);
            Some(Online {
                drawing: Drawing { settings, tokenizer, rows, reward, seed },
                reference,
                examples: Vec::new(),
                metrics: Vec::new(),
            })
        }
        _ => None,
    };
    let mut teacher = teacher;
    let mut asked = Vec::new();
    for ask in asked::asks(program) {
        let own = if ask.owner == TEACHER { teacher.take() } else { None };
        let engine = engine(Arc::new(Parameters::frozen(own.unwrap_or_else(|| weights.clone()))))?;
        asked.push(Asked { ask, engine });
    }
    let words = asked::words(program, &weights);
    let mut trainees = Vec::new();
    for (owner, weights) in owners.into_iter().zip([weights]) {
        let reads = Reads::of(program, &owner, &weights)?;
        let parameters = Arc::new(Parameters::new(weights));
        trainees.push(Trainee { owner, reads, engine: engine(Arc::clone(&parameters))?, parameters });
    }
    // The first one's files have plain names.
    let name = |(i, t): (usize, &Trainee<D>)| if i == 0 { String::new() } else { format!("{}-", t.owner) };
    let models: Vec<_> = trainees.iter().enumerate().map(|(i, t)| (name((i, t)), Arc::clone(&t.parameters))).collect();
    // All that could be refused has been: only now is something written.
    let folder = match out {
        None => None,
        Some(path) if resume => Some(RunFolder::resume(path, &settings, &text)?),
        Some(path) => Some(RunFolder::begin(path, &settings, &text)?),
    };
    observer.begins(&Plan {
        steps,
        rows: data.examples.len(),
        dropped: &data.dropped,
        cut: data.cut,
        weights: models.iter().map(|(_, p)| p.gradient.lock().expect("nobody else has it yet").len()).sum(),
    });
    // The frozen copies are asked while the actor still is what it was at the start, before a checkpoint is read.
    let part = settings.micro_batch();
    let mut start_scores = StartScores::default();
    if !copies.is_empty() && online.is_none() {
        // Which response a prompt is mismatched with changes with the epoch; all else is the same in every one.
        let new = if view.reads_mismatched() { steps } else { steps.min(order.steps_per_epoch()) };
        let mut batches: Vec<Vec<&Example>> = Vec::new();
        for step in 0..new {
            batches.push(order.batch(step).iter().map(|row| &data.examples[*row]).collect());
        }
        batches.extend(held_out.iter().map(|rows| rows.examples.iter().collect()));
        let mut parts: Vec<Vec<Item<'_>>> = Vec::new();
        for batch in &batches {
            parts.extend(items(&view, batch)?.chunks(part).map(<[_]>::to_vec));
        }
        let mut watch = |done| {
            observer.prepared(done, parts.len());
            !stop.load(Ordering::Relaxed)
        };
        // Nothing if the run was stopped meanwhile: then no step is made.
        let before = known.len();
        let computed = known.compute(&*trainees[0].engine, &view, &parts, &mut watch)?;
        if let (Some(path), Some(scores)) = (&settings.precompute_reference, &computed) {
            if scores.len() > before {
                stored::write(path, &origin, scores)?;
            }
        }
        start_scores = computed.unwrap_or_default();
    }
    let (mut keeper, mut optimizers) = Keeper::open(folder, start, &models)?;
    let hyper = &settings.set;
    let start_scores = Rc::new(start_scores);
    let frozen = copies.iter().map(|copy| (copy.clone(), Rc::clone(&start_scores))).collect();
    let mut learner = Learner { program, view: &view, hyper, device, trainees, frozen, asked, words, part };
    observer.starts(keeper.state.step);

    let mut last = None;
    let iterations = settings.iterations();
    // Between two drawings nothing can be taken up again: the weights that drew are gone.
    let may_stop = |done: u64| done.is_multiple_of(iterations) || done == steps;
    while keeper.state.step < steps && !(stop.load(Ordering::Relaxed) && may_stop(keeper.state.step)) {
        let began = Instant::now();
        let done = keeper.state.step;
        let during = |problem: Error| Error::Numeric(format!("step {}: {problem}", done + 1));
        let mut batch: Vec<&Example> = order.batch(done / iterations).iter().map(|row| &data.examples[*row]).collect();
        let mut drawn = Vec::new();
        if let Some(online) = &mut online {
            if online.is_due(done) {
                settle(&learner.trainees, &mut optimizers).map_err(during)?;
                let weights = models[0].1.weights.read().expect("no thread panicked while it held the weights");
                let found = online.draw(&*learner.trainees[0].engine, &weights, &batch, &view, (part, done), &copies);
                learner.frozen = found.map_err(during)?;
            }
            batch = online.examples.iter().collect();
            drawn.clone_from(&online.metrics);
        }
        let lr = settings.lr * schedule::factor(settings.schedule, done, steps, settings.warmup);
        let state = carried(&keeper.state);
        let gathered = learner.learn(&batch, &state).map_err(during)?;
        let mut grad_norm = 0.0_f64;
        for (((_, parameters), optimizer), trainee) in models.iter().zip(&mut optimizers).zip(&learner.trainees) {
            let length = update(&*trainee.engine, parameters, optimizer, lr, &settings, &batch);
            grad_norm = grad_norm.hypot(length.map_err(during)?);
        }
        let next = eval::next_state(program, &gathered.shares, &state, hyper).map_err(|e| during(numeric(e)))?;
        keeper.state.loss = exact(next);
        keeper.state.step = done + 1;
        (keeper.state.epoch, keeper.state.row) = order.position((done + 1) / iterations);
        let mut measurement = Measurement {
            step: done + 1,
            loss: gathered.loss,
            lr,
            grad_norm,
            tokens: gathered.tokens,
            seconds: began.elapsed().as_secs_f64(),
            metrics: drawn.into_iter().chain(means(&gathered, "")).collect(),
        };
        if let Some(held_out) = held_out.as_ref().filter(|_| done + 1 == steps) {
            let rows = held_out.examples.iter().collect::<Vec<_>>();
            let measured = learner.measure(&rows, &carried(&keeper.state))?;
            measurement.metrics.push(("eval/loss".to_owned(), measured.loss));
            measurement.metrics.extend(means(&measured, "eval/"));
        }
        keeper.record(&measurement)?;
        observer.stepped(&measurement);
        last = Some(measurement);
        // No step is a multiple of 0.
        if (done + 1).is_multiple_of(settings.checkpoint_every) && done + 1 < steps && may_stop(done + 1) {
            settle(&learner.trainees, &mut optimizers)?;
            keeper.save(&models, &optimizers, observer)?;
        }
    }

    settle(&learner.trainees, &mut optimizers)?;
    let stopped = keeper.state.step < steps;
    if stopped {
        keeper.save(&models, &optimizers, observer)?;
    }
    drop(learner);
    let first = models.into_iter().next().and_then(|(_, parameters)| Arc::into_inner(parameters));
    let weights = first
        .map(|parameters| parameters.weights.into_inner().expect("no thread panicked while it held the weights"))
        .expect("the engine is gone, and nothing else holds the parameters");
    if !stopped {
        keeper.finish(&weights, tokenizer, observer)?;
    }
    keeper.report()?;
    Ok(Trained { weights, settings, steps: keeper.state.step, stopped, last, dropped: data.dropped })
}

/// What a loss carries from step to step, as a checkpoint keeps it.
fn exact(state: eval::Settings) -> BTreeMap<String, Exact> {
    state.into_iter().map(|(name, value)| (name, Exact(value))).collect()
}

fn carried(state: &State) -> eval::Settings {
    state.loss.iter().map(|(name, value)| (name.clone(), value.0)).collect()
}

/// What is known before the first step.
struct Ready {
    view: View,
    data: Examples,
    held_out: Option<Examples>,
    order: Order,
    steps: u64,
    copies: Vec<String>,
    /// The models that are trained.
    owners: Vec<String>,
}

/// Checks everything that can be checked, and fills in the settings that were not given.
fn ready(job: &mut Job<'_>) -> Result<Ready> {
    let Job { settings, program, specs, .. } = job;
    settings.check()?;
    settings.set = hyper::resolve(&program.name, specs, &settings.set)?;
    verified(program, specs)?;
    let view = View::of(program, job.view)?;
    let draws = job.reward.is_some();
    let copies = copies_of_start(program, view.owner(), draws)?;
    precomputed(settings, &program.name, &copies, draws)?;
    let owners = trainee::owners(program);
    begin_with(&owners, program, &mut job.weights, settings)?;
    asked::check(program, &job.weights, job.teacher.as_ref())?;
    settings.draw = draws.then(|| settings.draw.clone().unwrap_or_default());
    let limits = limits(settings, &job.weights, job.teacher.as_ref())?;
    settings.max_length = Some(limits.max_length);
    settings.micro_batch = Some(settings.micro_batch());

    let data = match draws {
        true => Examples::prompts(job.rows, &view, job.tokenizer, limits)?,
        false => Examples::encode(job.rows, &view, job.tokenizer, limits)?,
    };
    let held_out = match job.eval_rows {
        [] => None,
        rows => {
            let mut held_out = Examples::encode(rows, &view, job.tokenizer, limits)?;
            held_out.examples.iter_mut().for_each(|example| example.row += data.examples.len());
            Some(held_out)
        }
    };
    let order = Order::new(data.examples.len(), settings.batch, settings.shuffle.then_some(settings.seed));
    let steps = match settings.steps {
        Some(steps) => steps,
        None => order.steps_per_epoch() * settings.iterations() * *settings.epochs.get_or_insert(1),
    };
    if settings.warmup > steps {
        let warmup = settings.warmup;
        let problem = format!("warmup is {warmup}, longer than the run of {steps} steps; choose at most that");
        return Err(Error::Setting(problem));
    }
    Ok(Ready { view, data, held_out, order, steps, copies, owners })
}

/// Is there something that can be computed once and kept in a file?
fn precomputed(settings: &RunSettings, name: &str, copies: &[String], draws: bool) -> Result<()> {
    let why = match &settings.precompute_reference {
        Some(_) if draws => "responses are drawn as training goes, so nothing is known of them beforehand".to_owned(),
        Some(_) if copies.is_empty() => format!("`{name}` reads no log-probabilities of a reference"),
        _ => return Ok(()),
    };
    Err(Error::Setting(format!("--precompute-reference: {why}; leave it out")))
}

/// Brings weights that lie elsewhere to their parameters.
fn settle<D: Device<f32>>(trainees: &[Trainee<D>], optimizers: &mut [AdamW]) -> Result<()> {
    let mut each = trainees.iter().zip(optimizers);
    each.try_for_each(|(trainee, optimizer)| trainee.engine.trains().map_or(Ok(()), |trains| trains.settle(optimizer)))
}

/// Changes the weights by the gathered gradient and empties it. Gives the gradient's length.
fn update<D: Device<f32>>(
    engine: &dyn Engine<D>,
    parameters: &Parameters,
    optimizer: &mut AdamW,
    lr: f64,
    settings: &RunSettings,
    batch: &[&Example],
) -> Result<f64> {
    let of = |length: f64| {
        if !length.is_finite() {
            return Err(at(batch, &"the gradient is not finite; lower the learning rate, or look at these rows"));
        }
        let scale = shortened(length, settings.max_grad_norm);
        Ok((length, Update { lr, weight_decay: settings.weight_decay, scale }))
    };
    if let Some(trains) = engine.trains() {
        let (length, update) = of(trains.gradient_length()?)?;
        trains.update(optimizer, update)?;
        return Ok(length);
    }
    let mut gradient = parameters.gradient.lock().expect("no thread panicked while it held the gradient");
    let (length, update) = of(length(&gradient))?;
    parameters.change(|weights| optimizer.update(weights, &gradient, update));
    gradient.fill(0.0);
    Ok(length)
}

/// What is wrong with a program is known before its first step.
fn verified(program: &Program, specs: &[Spec]) -> Result<()> {
    let Some(problem) = collimate_dsl::verify::verify(program, specs).into_iter().next() else { return Ok(()) };
    let place = problem.place.map_or(String::new(), |place| format!(" at {place}"));
    Err(Error::Setting(format!(
        "`{}` breaks {}{place}: {}; {}",
        program.name, problem.code, problem.message, problem.help
    )))
}

fn limits(settings: &RunSettings, weights: &Weights, teacher: Option<&Weights>) -> Result<Limits> {
    let positions = |weights: &Weights| weights.config.max_position_embeddings;
    let most = positions(weights).min(teacher.map_or(usize::MAX, positions));
    match settings.max_length {
        Some(asked) if asked > most => Err(Error::Setting(format!(
            "max-length is {asked}, but the model reads at most {most} tokens; choose at most that"
        ))),
        asked => {
            let max_length = asked.unwrap_or(most.min(MAX_LENGTH));
            Ok(Limits { max_length, vocabulary: weights.config.vocab_size })
        }
    }
}

fn means(gathered: &Gathered, prefix: &str) -> Vec<(String, f64)> {
    gathered.metrics.iter().filter_map(|m| Some((format!("{prefix}{}", m.name), m.mean()?))).collect()
}
