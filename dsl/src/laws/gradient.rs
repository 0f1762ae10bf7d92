//! The gradient is the slope of the loss.
//!
//! What the formula holds constant is held constant here too: every detached step becomes an input with the value it
//! had, so that the slope is taken of what is trained.

use super::Verdict;
use super::batch::Batch;
use super::subject::{Live, Subject, name};
use crate::eval::{Inputs, Settings, evaluate, values};
use crate::ir::{Op, Program};

pub(super) fn try_on(subject: &Subject<'_>) -> Result<Verdict, String> {
    for (seed, settings) in [(11, &subject.defaults), (12, &subject.varied)] {
        let batch = subject.batch(seed);
        let found = subject.evaluate(&batch, settings)?.gradient;
        let (program, inputs) = held(subject, &batch, settings)?;
        let loss = |inputs: &Inputs| {
            evaluate(&program, &batch.layout, &batch.layout.totals(), inputs, settings)
                .map(|evaluation| evaluation.loss)
                .map_err(|error| error.to_string())
        };
        for live in subject.live() {
            let (owner, field, ty) = live;
            for (i, &derivative) in found.get(owner, field, ty.side).unwrap_or_default().iter().enumerate() {
                // At a kink, or close to a pole, only a short step stays on one side.
                let near = |step| -> Result<bool, String> {
                    let slope = slope(&loss, &inputs, &live, i, step)?;
                    Ok((derivative - slope).abs() <= 1e-6 * derivative.abs().max(slope.abs()).max(0.1))
                };
                if !near(1e-4)? && !near(1e-6)? {
                    let expected = slope(&loss, &inputs, &live, i, 1e-4)?;
                    let name = name(&live);
                    return Err(format!(
                        "the derivative by {name} [{i}] is {derivative}, the loss rises by {expected} per unit"
                    ));
                }
            }
        }
    }
    Ok(Verdict::Holds)
}

/// By moving one number to either side, right to the fourth order in the step.
fn slope(
    loss: &impl Fn(&Inputs) -> Result<f64, String>,
    inputs: &Inputs,
    (owner, field, ty): &Live<'_>,
    i: usize,
    step: f64,
) -> Result<f64, String> {
    let moved = |by: f64| {
        let mut moved = inputs.clone();
        if let Some(values) = moved.get_mut(owner, field, ty.side) {
            values[i] += by;
        }
        loss(&moved)
    };
    let (near, far) = (moved(step)? - moved(-step)?, moved(2.0 * step)? - moved(-2.0 * step)?);
    Ok((8.0 * near - far) / (12.0 * step))
}

/// The program with every detached step as an input, and the inputs with its value.
fn held(subject: &Subject<'_>, batch: &Batch, settings: &Settings) -> Result<(Program, Inputs), String> {
    let (layout, totals) = (&batch.layout, &batch.layout.totals());
    let known = values(subject.program, layout, totals, &batch.inputs, settings).map_err(|error| error.to_string())?;
    let (mut program, mut inputs) = (subject.program.clone(), batch.inputs.clone());
    for (i, node) in program.nodes.iter_mut().enumerate().filter(|(_, node)| node.op == Op::Constant) {
        let field = format!("step {i}");
        inputs.insert("held", &field, node.ty.side, known[i].clone());
        node.op = Op::Input { owner: "held".into(), field };
        node.args.clear();
    }
    Ok((program, inputs))
}
