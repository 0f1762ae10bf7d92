//! State: numbers that a loss carries from one optimizer step to the next.

use super::{EvalError, Inputs, Run, Settings, check, input_name, shared};
use crate::Layout;
use crate::ir::{Id, Node, Op, Place, Program, STATE, State};

/// What every state is before the first step, by name.
///
/// # Errors
/// If a hyper-parameter it begins with has no value, or it does not come out finite.
pub fn initial_state(program: &Program, settings: &Settings) -> Result<Settings, EvalError> {
    let begins: Vec<Id> = program.states.iter().map(|state| state.initial).collect();
    let values = numbers(program, &[], &begins, &Inputs::new(), settings)?;
    named(program, &program.states, begins, values)
}

/// Puts the states where a program reads them.
pub fn give_state(inputs: &mut Inputs, state: &Settings) {
    for (name, value) in state {
        inputs.insert(STATE, name, None, vec![*value]);
    }
}

/// What every state is after a step, by name. `shares` are those of [`super::Evaluation`], added up over all parts of
/// the step's batch; `state` is what the step began with.
///
/// # Errors
/// If a hyper-parameter or a state has no value, or the next one is not finite.
pub fn next_state(
    program: &Program,
    shares: &[f64],
    state: &Settings,
    settings: &Settings,
) -> Result<Settings, EvalError> {
    let updated: Vec<State> = program.states.iter().filter(|state| !state.next.is_empty()).cloned().collect();
    let next: Vec<Id> = updated.iter().map(|state| state.next[0]).collect();
    let given: Vec<(Id, f64)> = shared(program).into_iter().zip(shares.iter().copied()).collect();
    let mut inputs = Inputs::new();
    give_state(&mut inputs, state);
    let values = numbers(program, &given, &next, &inputs, settings)?;
    let mut after = state.clone();
    after.extend(named(program, &updated, next, values)?);
    Ok(after)
}

/// The values of these nodes, each one number, from some that are known and from nothing of the batch.
fn numbers(
    program: &Program,
    given: &[(Id, f64)],
    wanted: &[Id],
    inputs: &Inputs,
    settings: &Settings,
) -> Result<Vec<f64>, EvalError> {
    let known = |id: Id| given.iter().find(|(of, _)| *of == id).map(|(_, value)| *value);
    // What lies behind a known number is not asked for.
    let mut needed = vec![false; program.nodes.len()];
    wanted.iter().for_each(|id| needed[id.index()] = true);
    for i in (0..program.nodes.len()).rev() {
        if needed[i] && known(Id::new(i)).is_none() {
            program.nodes[i].args.iter().for_each(|arg| needed[arg.index()] = true);
        }
    }
    let (layout, totals) = (Layout::default(), Layout::default().totals());
    let (values, gradients) = (Vec::new(), Vec::new());
    let mut run = Run { program, layout: &layout, totals: &totals, inputs, settings, values, gradients };
    for (i, needed) in needed.into_iter().enumerate() {
        let id = Id::new(i);
        let value = match known(id) {
            Some(value) => vec![value],
            None if needed => {
                possible(program.node(id), inputs, settings)?;
                run.value(id)?
            }
            None => Vec::new(),
        };
        run.values.push(value);
    }
    Ok(wanted.iter().map(|id| run.values[id.index()][0]).collect())
}

/// What the node asks for is there.
fn possible(node: &Node, inputs: &Inputs, settings: &Settings) -> Result<(), EvalError> {
    if let Op::Input { owner, field } = &node.op
        && inputs.get(owner, field, node.ty.side).is_none()
    {
        let input = input_name(owner, field, node.ty.side);
        return Err(EvalError::MissingInput { input, place: node.place.clone() });
    }
    check::setting(node, settings)
}

fn named(program: &Program, states: &[State], of: Vec<Id>, values: Vec<f64>) -> Result<Settings, EvalError> {
    let mut named = Settings::new();
    for ((state, id), value) in states.iter().zip(of).zip(values) {
        if !value.is_finite() {
            let node = program.nodes.get(id.index());
            let place = node.map_or_else(Place::default, |node| node.place.clone());
            let result = format!("the state `{}`", state.name);
            return Err(EvalError::ResultNotFinite { result, step: format!("%{}", id.index()), place });
        }
        named.insert(state.name.clone(), value);
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::{Evaluation, evaluate, separable};
    use crate::ir::SideTag;
    use crate::{Reach, Totals, trace};
    crate::prelude!();

    /// A running mean of the scores, and how often it was moved.
    fn running() -> Program {
        trace("running", || {
            let (actor, group) = (<Actor as crate::Arg>::arg(), <Group as crate::Arg>::arg());
            let (mean, count) = (state::<Baseline>("mean", 0.25), state::<Weight>("count", 0));
            mean.update(0.9 * mean + 0.1 * group.score.batch_mean().as_baseline());
            count.update(count + 1.0);
            let seen = count + 2.0;
            -(seen * (group.score - mean) * actor.logp(group.response).sum(Token)).batch_mean()
        })
    }

    fn batch(prompts: &[usize]) -> (Layout, Inputs) {
        let mut reaches = Vec::new();
        let (mut logp, mut score) = (Vec::new(), Vec::new());
        for (at, prompt) in prompts.iter().enumerate() {
            for k in 0..2 {
                reaches.push(Reach { prompt: at, tokens: 1 });
                logp.push(-0.5 - (*prompt as f64) - 0.25 * f64::from(k));
                score.push(1.5 * (*prompt as f64) - f64::from(k));
            }
        }
        let mut inputs = Inputs::new();
        inputs.insert("actor", "logp", Some(SideTag::Sample), logp);
        inputs.insert("group", "score", Some(SideTag::Sample), score);
        (Layout { prompts: prompts.len(), sides: vec![(SideTag::Sample, reaches)], words: 0 }, inputs)
    }

    fn run(program: &Program, prompts: &[usize], totals: &Totals, state: &Settings) -> Evaluation {
        let (layout, mut inputs) = batch(prompts);
        give_state(&mut inputs, state);
        evaluate(program, &layout, totals, &inputs, &Settings::new()).unwrap()
    }

    #[test]
    fn a_running_mean_moves_by_the_whole_batch_however_it_is_cut() {
        let program = running();
        separable(&program).unwrap();
        let settings = Settings::new();
        let state = initial_state(&program, &settings).unwrap();
        assert_eq!(state, Settings::from([("mean".to_owned(), 0.25), ("count".to_owned(), 0.0)]));
        let totals = batch(&[0, 1, 2]).0.totals();
        let whole = run(&program, &[0, 1, 2], &totals, &state);
        let next = next_state(&program, &whole.shares, &state, &settings).unwrap();
        // The scores are 0, -1, 1.5, 0.5, 3, 2: their mean is 1.
        assert!((next["mean"] - (0.9 * 0.25 + 0.1)).abs() < 1e-15, "{next:?}");
        assert_eq!(next["count"], 1.0);
        let parts = [run(&program, &[0], &totals, &state), run(&program, &[1, 2], &totals, &state)];
        let sum = parts[0].shares[0] + parts[1].shares[0];
        let cut = next_state(&program, &[sum], &state, &settings).unwrap();
        assert!((cut["mean"] - next["mean"]).abs() < 1e-15);
        assert!((parts[0].loss + parts[1].loss - whole.loss).abs() < 1e-15);
        let metric = |part: &Evaluation| part.metrics.iter().find(|m| m.name == "state/mean").cloned().unwrap();
        let (a, b) = (metric(&parts[0]), metric(&parts[1]));
        assert_eq!((a.sum + b.sum) / (a.count + b.count) as f64, 0.25, "a state is no share");
    }

    #[test]
    fn the_next_step_reads_the_next_state() {
        let program = running();
        let totals = batch(&[0]).0.totals();
        let state = |mean: f64| Settings::from([("mean".to_owned(), mean), ("count".to_owned(), 1.0)]);
        // 3 (score - mean) logp, with scores 0 and -1 and log-probabilities -0.5 and -0.75.
        let loss = |mean: f64| -3.0 * ((0.0 - mean) * -0.5 + (-1.0 - mean) * -0.75) / 2.0;
        for mean in [0.0, 2.5] {
            assert!((run(&program, &[0], &totals, &state(mean)).loss - loss(mean)).abs() < 1e-15);
        }
    }

    #[test]
    fn a_loss_that_reads_the_next_value_must_stay_whole() {
        let program = trace("bco", || {
            let (actor, group) = (<Actor as crate::Arg>::arg(), <Group as crate::Arg>::arg());
            let mean = state::<Baseline>("mean", 0.0);
            let next = 0.5 * mean + 0.5 * group.score.batch_mean().as_baseline();
            mean.update(next);
            -((group.score - next) * actor.logp(group.response).sum(Token)).batch_mean()
        });
        assert!(separable(&program).is_err());
        let state = Settings::from([("mean".to_owned(), 4.0)]);
        let whole = run(&program, &[0, 1, 2], &batch(&[0, 1, 2]).0.totals(), &state);
        let next = next_state(&program, &whole.shares, &state, &Settings::new()).unwrap();
        assert_eq!(next["mean"], 2.5);
    }

    #[test]
    fn a_state_without_a_value_is_asked_for() {
        let (layout, inputs) = batch(&[0]);
        let fault = evaluate(&running(), &layout, &layout.totals(), &inputs, &Settings::new()).unwrap_err();
        assert!(fault.to_string().starts_with("`state.mean` is missing"), "{fault}");
    }
}
