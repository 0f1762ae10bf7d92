//! A run from its first step to its last.

use super::asked::{self, Asked, TEACHER};
use super::copy::Copy;
use super::draw::{Drawing, Reward};
use super::folder::{RunFolder, meaning};
use super::keeper::{Keeper, Model};
use super::learner::{Gathered, Learner, at, copies_of_start, numeric};
use super::observer::{Observer, Plan};
use super::online::Online;
use super::optimizer::{AdamW, Update, length, shortened};
use super::settings::RunSettings;
use super::start::StartScores;
use super::stored::{self, Origin};
use super::trainee::{self, CRITIC, Reads, Trainee, begin_with};
use super::{hyper, schedule};
use crate::checkpoint::{Exact, Hash, State};
use crate::compile::cut;
use crate::data::{Dropped, Example, Examples, Item, Limits, Order, Row, View, items};
use crate::metric::Measurement;
use crate::model::{Engine, Parameters, Weights};
use crate::sample::{BuiltIn, Sampler};
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
    /// What the critic begins with, for a program that trains one: a model with a head of one label; the actor's trunk
    /// with a new head if none is given.
    pub critic: Option<Weights>,
    /// A model to become like, for a program that reads a teacher.
    pub teacher: Option<Weights>,
    /// The model's tokenizer.
    pub tokenizer: &'a Tokenizer,
    /// What it is trained on: with responses, or prompts alone where `reward` is given.
    pub rows: &'a [Row],
    /// Says what responses are worth that are drawn from the policy as it trains; without it, the rows' own are used.
    pub reward: Option<&'a mut Reward<'a>>,
    /// Draws these responses; this program itself if none is given.
    pub sampler: Option<&'a mut dyn Sampler>,
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

impl<'a> Job<'a> {
    /// The same with responses drawn by this sampler, unless another was given.
    #[must_use]
    pub fn drawn_by<'b>(self, own: &'b mut dyn Sampler) -> Job<'b>
    where
        'a: 'b,
    {
        let Job { settings, program, view, specs, weights, critic, teacher, tokenizer, rows, .. } = self;
        let Job { reward, sampler, eval_rows, out, resume, stop, observer, .. } = self;
        let reward = reward.map(|reward| reward as &mut Reward<'b>);
        let sampler = Some(sampler.map_or(own, |given| given as &mut dyn Sampler));
        Job {
            settings,
            program,
            view,
            specs,
            weights,
            critic,
            teacher,
            tokenizer,
            rows,
            reward,
            sampler,
            eval_rows,
            out,
            resume,
            stop,
            observer,
        }
    }
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
    let Job { settings, program, weights, critic, teacher, tokenizer, reward, sampler, rows, .. } = job;
    let Job { out, resume, stop, observer, .. } = job;
    let text = program.to_string();
    let start = State {
        step: 0,
        epoch: 0,
        row: 0,
        seed: settings.seed,
        settings: Hash::of_bytes(format!("{:?}", settings.relevant()).as_bytes()),
        program: Hash::of_bytes(meaning(&text).as_bytes()),
        data: match reward.is_some() {
            false => data.hash(),
            // Rewards read the rest of the rows too.
            true => {
                let fields: Vec<_> = rows.iter().map(|row| &row.record.fields).collect();
                Hash::of_bytes(format!("{} {}", data.hash(), serde_json::json!(fields)).as_bytes())
            }
        },
        model: Hash::of_numbers(&weights.data),
        teacher: teacher.as_ref().map(|teacher| Hash::of_numbers(&teacher.data)),
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
    let kept = |row: &&Row| data.dropped.iter().all(|dropped| dropped.origin != row.origin);
    let rates = match settings.draw.as_ref().and_then(|draw| draw.curriculum) {
        Some(_) => rows.iter().filter(kept).map(pass_rate).collect::<Result<Vec<_>>>()?,
        None => Vec::new(),
    };
    // From here on what is trained lies beside the models.
    let beside = |weights: Weights| match settings.lora {
        Some(low_rank) => weights.with_low_rank(low_rank, settings.seed),
        None => Ok(weights),
    };
    let (weights, critic) = (beside(weights)?, critic.map(beside).transpose()?);
    let part = settings.micro_batch();
    let mut trainees = Vec::new();
    let begun = std::iter::once(weights).chain(critic);
    for (owner, weights) in owners.into_iter().zip(begun) {
        let reads = Reads::of(program, &owner, &weights)?;
        let parameters = Arc::new(Parameters::new(weights));
        trainees.push(Trainee { owner, reads, engine: engine(Arc::clone(&parameters))?, parameters });
    }
    // What the first of them is at the start, in an engine that stays so. Beside narrow matrices, that is there already.
    let first: &Trainee<D> = &trainees[0];
    let held = || first.parameters.held();
    let at_start = || match first.engine.without_low_rank() {
        Some(engine) => Ok(engine),
        None => engine(Arc::new(Parameters::frozen(held().clone()))),
    };
    let mut built_in = BuiltIn;
    let sampler: &mut dyn Sampler = sampler.unwrap_or(&mut built_in);
    let mut online = match (reward, &settings.draw) {
        (Some(reward), Some(draw)) => {
            // Copies are asked about responses that are not drawn yet. One that is refreshed, or draws itself, needs weights of
            // its own.
            let own = draw.refresh_every > 0 || data.examples.iter().any(|example| !example.responses.is_empty());
            let copy = || match own {
                true => Copy::now(&first.parameters, &engine),
                false => Ok(Copy::Start(at_start()?)),
            };
            let copy = (!copies.is_empty()).then(copy).transpose()?.map(Rc::new);
            let (seed, dtype) = (settings.seed, settings.dtype);
            let (settings, rows) = (draw.clone(), rows.iter().filter(kept).cloned().collect());
            Some(Online {
                drawing: Drawing { settings, tokenizer, rows, reward, sampler, seed, dtype },
                view: &view,
                prompts: &data.examples,
                copies: copies.clone(),
                copy,
                reads_behavior: program.inputs().any(|(_, owner, ..)| ["behavior", "sampler"].contains(&owner)),
                part,
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
        let engine = match own {
            Some(teacher) => engine(Arc::new(Parameters::frozen(teacher)))?,
            None => at_start()?,
        };
        asked.push(Asked { ask, engine });
    }
    let words = asked::words(program, &held());
    let whole_words = whole_words(program, &asked, &trainees);
    if whole_words.is_none() {
        asked.iter_mut().for_each(|asked| asked.read_by_states(program));
        trainees.iter_mut().for_each(|trainee| trainee.read_by_states(program));
    }
    // The first one's files have plain names.
    let name = |(i, t): (usize, &Trainee<D>)| if i == 0 { String::new() } else { format!("{}-", t.owner) };
    let model = |(i, trainee): (usize, &Trainee<D>)| {
        let parameters = Arc::clone(&trainee.parameters);
        let numbers = parameters.gradient.lock().expect("nobody else has it yet").len();
        Model { name: name((i, trainee)), parameters, optimizer: Some(AdamW::new(numbers)) }
    };
    let mut models: Vec<Model> = trainees.iter().enumerate().map(model).collect();
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
        weights: models.iter().filter_map(|model| Some(model.optimizer.as_ref()?.first.len())).sum(),
        whole_words: whole_words.as_deref(),
    });
    // The frozen copies are asked while the actor still is what it was at the start, before a checkpoint is read.
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
        if let (Some(path), Some(scores)) = (&settings.precompute_reference, &computed)
            && scores.len() > before
        {
            stored::write(path, &origin, scores)?;
        }
        start_scores = computed.unwrap_or_default();
    }
    // Copies that stay what the actor was at the start are made of what the run begins with.
    let refreshed = online.as_ref().filter(|online| online.drawing.settings.refresh_every > 0);
    if let Some(parameters) = refreshed.and_then(|online| online.copy.as_ref()?.parameters().cloned()) {
        models.push(Model { name: "previous-".to_owned(), parameters, optimizer: None });
    }
    let mut keeper = Keeper::open(folder, start, &mut models)?;
    let hyper = &settings.set;
    let start_scores = Rc::new(start_scores);
    let frozen = copies.iter().map(|copy| (copy.clone(), Rc::clone(&start_scores))).collect();
    let mut learner = Learner { program, view: &view, hyper, device, trainees, frozen, asked, words, part };
    observer.starts(keeper.state.step);

    let curriculum = settings.draw.as_ref().and_then(|draw| draw.curriculum);
    let mut last = None;
    let iterations = settings.iterations();
    // Between two drawings nothing can be taken up again: the weights that drew are gone.
    let may_stop = |done: u64| done.is_multiple_of(iterations) || done == steps;
    while keeper.state.step < steps && !(stop.load(Ordering::Relaxed) && may_stop(keeper.state.step)) {
        let began = Instant::now();
        let done = keeper.state.step;
        let during = |problem: Error| Error::Numeric(format!("step {}: {problem}", done + 1));
        let rollout = (done / iterations, steps.div_ceil(iterations));
        let asked = match curriculum {
            Some(curriculum) => curriculum.batch(&rates, settings.batch, settings.seed, rollout),
            None => order.batch(rollout.0).to_vec(),
        };
        let mut batch: Vec<&Example> = asked.iter().map(|row| &data.examples[*row]).collect();
        let mut drawn = Vec::new();
        if let Some(online) = &mut online {
            if online.is_due(done) {
                settle(&learner.trainees, &mut models).map_err(during)?;
                let critic = learner.trainees.iter().find(|trainee| trainee.owner == CRITIC);
                let critic = critic.map(|critic| &*critic.engine);
                let found = online.draw(&*learner.trainees[0].engine, critic, &models[0].parameters, &batch, done);
                learner.frozen = found.map_err(during)?;
            }
            batch = online.examples.iter().collect();
            drawn.clone_from(&online.metrics);
        }
        let lr = settings.lr * schedule::factor(settings.schedule, done, steps, settings.warmup);
        let state = carried(&keeper.state);
        let gathered = learner.learn(&batch, &state).map_err(during)?;
        let mut grad_norm = 0.0_f64;
        for (model, trainee) in models.iter_mut().zip(&learner.trainees) {
            let of_critic = settings.critic_lr.unwrap_or(settings.lr) / settings.lr;
            let lr = if trainee.owner == CRITIC { lr * of_critic } else { lr };
            grad_norm = grad_norm.hypot(update(&*trainee.engine, model, lr, &settings, &batch).map_err(during)?);
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
            settle(&learner.trainees, &mut models)?;
            keeper.save(&models, observer)?;
        }
    }

    settle(&learner.trainees, &mut models)?;
    let stopped = keeper.state.step < steps;
    if stopped {
        keeper.save(&models, observer)?;
    }
    drop((learner, online));
    let trained = models.into_iter().filter(|model| model.optimizer.is_some()).map(|model| {
        Arc::into_inner(model.parameters)
            .map(|parameters| parameters.weights.into_inner().expect("no thread panicked while it held the weights"))
            .expect("the engines are gone, and nothing else holds the parameters")
    });
    let mut trained: Vec<Weights> = trained.collect();
    let critic = if trained.len() > 1 { trained.pop() } else { None };
    let weights = trained.swap_remove(0);
    if !stopped {
        keeper.finish(&weights, critic.as_ref(), tokenizer, &settings.model, observer)?;
    }
    keeper.report()?;
    Ok(Trained { weights: weights.merged(), settings, steps: keeper.state.step, stopped, last, dropped: data.dropped })
}

/// Why the log-probabilities of all words must be there for all tokens at once; nothing if they need not.
fn whole_words<D: Device<f32>>(program: &Program, asked: &[Asked<D>], trainees: &[Trainee<D>]) -> Option<String> {
    if !asked::reads_words(program) {
        return None;
    }
    if let Err(why) = cut(program) {
        return Some(why.to_string());
    }
    let keeps = asked.iter().any(Asked::keeps_words) || trainees.iter().any(Trainee::keeps_words);
    keeps.then(|| asked::NO_STATES.to_owned())
}

/// How often a row's prompt is solved, as the row says.
fn pass_rate(row: &Row) -> Result<f64> {
    let rate = row.record.fields.get("pass_rate").and_then(serde_json::Value::as_f64);
    rate.filter(|rate| (0.0..=1.0).contains(rate)).ok_or_else(|| {
        row.origin
            .error("a curriculum needs a `pass_rate` between 0 and 1 in each row; `collimate pass-rate` writes it")
    })
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
    begin_with(&owners, program, &mut job.weights, &mut job.critic, settings)?;
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
fn settle<D: Device<f32>>(trainees: &[Trainee<D>], models: &mut [Model]) -> Result<()> {
    for (trainee, model) in trainees.iter().zip(models) {
        if let (Some(trains), Some(optimizer)) = (trainee.engine.trains(), &mut model.optimizer) {
            trains.settle(optimizer)?;
        }
    }
    Ok(())
}

/// Changes the weights by the gathered gradient and empties it. Gives the gradient's length.
fn update<D: Device<f32>>(
    engine: &dyn Engine<D>,
    model: &mut Model,
    lr: f64,
    settings: &RunSettings,
    batch: &[&Example],
) -> Result<f64> {
    let Model { parameters, optimizer: Some(optimizer), .. } = model else { return Ok(0.0) };
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
    let positions = |weights: &Weights| weights.config.longest();
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
