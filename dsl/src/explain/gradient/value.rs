//! The closed form's numbers on a batch, for comparison with the gradient that [`crate::eval`] finds.

use super::super::expression::{Ex, Form, Function, How, Whose};
use super::super::lines::Formula;
use super::super::symbol;
use super::Slope;
use crate::eval::{self, EvalError, Inputs, Settings};
use crate::ir::{Depth, Id, KindTag, Program, Ty};
use crate::{Layout, Totals};
use std::collections::{BTreeMap, HashMap};

/// The gradient as [`explain`](super::super::explain) writes it, on one batch: what [`eval::evaluate`] finds step by step.
///
/// # Errors
/// Whatever makes the batch unfit for the program, and what of the closed form cannot be computed.
pub fn gradient(
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
) -> Result<Inputs, EvalError> {
    let values = eval::values(program, layout, totals, inputs, settings)?;
    let Some(mut formula) = Formula::new(program, &BTreeMap::new()) else { return Ok(Inputs::new()) };
    let slopes = super::of(&mut formula, &symbol::parameters(program)).slopes;
    let mut known = HashMap::new();
    for (i, (ex, value)) in formula.steps.iter().zip(values).enumerate() {
        known.entry(*ex).or_insert((program.nodes[i].ty, value));
    }
    let steps = formula.steps.iter().enumerate().map(|(i, ex)| (*ex, Id::new(i))).rev().collect();
    let batch = (layout, totals, inputs, settings);
    let mut numbers = Numbers { program, formula: &formula, slopes: &slopes, batch, known, steps };
    let mut gradient = Inputs::new();
    // What only metrics read has none.
    for (_, owner, field, ty) in program.inputs().filter(|(.., ty)| ty.live) {
        gradient.insert(owner, field, ty.side, vec![0.0; layout.len(ty)]);
    }
    for slope in &slopes {
        if let Form::Given { owner, field, .. } = formula.store.form(slope.by) {
            let (ty, _) = numbers.value(slope.by)?;
            let found = numbers.value(slope.is)?;
            gradient.insert(owner.clone(), field.clone(), ty.side, numbers.lined_up(&found, ty)?);
        }
    }
    Ok(gradient)
}

type Value = (Ty, Vec<f64>);

struct Numbers<'a> {
    program: &'a Program,
    formula: &'a Formula,
    slopes: &'a [Slope],
    batch: (&'a Layout, &'a Totals, &'a Inputs, &'a Settings),
    known: HashMap<Ex, Value>,
    steps: HashMap<Ex, Id>,
}

impl Numbers<'_> {
    fn value(&mut self, ex: Ex) -> Result<Value, EvalError> {
        if let Some(known) = self.known.get(&ex) {
            return Ok(known.clone());
        }
        let value = self.computed(ex)?;
        self.known.insert(ex, value.clone());
        Ok(value)
    }

    fn computed(&mut self, ex: Ex) -> Result<Value, EvalError> {
        let constant = |number: f64| Ok((ty(Depth::Constant, Whose::Nobody), vec![number]));
        match self.formula.store.form(ex).clone() {
            Form::Number(bits) => constant(f64::from_bits(bits)),
            Form::Parameter(name) => constant(self.batch.3[&name]),
            Form::Given { field, .. } => fault(format!("`{field}` is no step of the program")),
            Form::Plus(a, b) => self.pointwise(&[a, b], |x| x[0] + x[1]),
            Form::Minus(a, b) => self.pointwise(&[a, b], |x| x[0] - x[1]),
            Form::Times(a, b) => self.pointwise(&[a, b], |x| x[0] * x[1]),
            Form::Over(a, b) => self.pointwise(&[a, b], |x| x[0] / x[1]),
            Form::Negative(a) => self.pointwise(&[a], |x| -x[0]),
            Form::Call(function, args) => self.call(function, &args),
            Form::Count { over, whose, all } => Ok(self.count(over, whose, all)),
            Form::Reduced { how: How::Sum, over, whose, of } => self.total(over, whose, of),
            Form::Reduced { .. } => fault("a mean that is no step of the program".into()),
            Form::Slope(by) => match self.slopes.iter().find(|slope| slope.by == by) {
                Some(slope) => self.value(slope.is),
                None => fault("a derivative that has no line".into()),
            },
            Form::Back { through, place, of } => {
                let Some(&id) = self.steps.get(&through) else {
                    return fault("a function that is no step of the program".into());
                };
                let of = self.value(of)?;
                let handed = self.lined_up(&of, self.program.node(id).ty)?;
                let (layout, totals, inputs, settings) = self.batch;
                let back = eval::handed_back(self.program, layout, totals, inputs, settings, id, handed)?;
                let arg = self.program.node(id).args[place];
                Ok((self.program.node(arg).ty, back[arg.index()].clone()))
            }
        }
    }

    fn call(&mut self, function: Function, args: &[Ex]) -> Result<Value, EvalError> {
        let truth = |holds: bool| f64::from(u8::from(holds));
        match function {
            Function::AtMost => self.pointwise(args, |x| truth(x[0] <= x[1])),
            Function::Below => self.pointwise(args, |x| truth(x[0] < x[1])),
            Function::Inside => self.pointwise(args, |x| truth((x[1]..=x[2]).contains(&x[0]))),
            Function::Sign => self.pointwise(args, |x| if x[0] == 0.0 { 0.0 } else { x[0].signum() }),
            Function::Exponential => self.pointwise(args, |x| x[0].exp()),
            Function::Logistic => self.pointwise(args, |x| eval::logistic(x[0])),
            Function::LogLogistic => self.pointwise(args, |x| eval::log_logistic(x[0])),
            Function::Square => self.pointwise(args, |x| x[0] * x[0]),
            Function::Positive => self.pointwise(args, |x| truth(x[0] > 0.0)),
            Function::Logarithm => self.pointwise(args, |x| x[0].ln()),
            Function::Root => self.pointwise(args, |x| x[0].sqrt()),
            Function::NormalBelow => self.pointwise(args, |x| eval::log_normal_below(x[0]).exp()),
            Function::NormalDensity => self.pointwise(args, |x| eval::log_normal_density(x[0]).exp()),
            Function::OthersMean | Function::GroupMean => {
                let (ty, x) = self.value(args[0])?;
                let Some(side) = ty.side.filter(|_| ty.depth == Depth::EachResponse) else {
                    return fault("a mean of a group over something else than responses".into());
                };
                let prompts: Vec<usize> = self.batch.0.side(side).iter().map(|reach| reach.prompt).collect();
                let mean = |i: usize| {
                    let group = || prompts.iter().zip(&x).filter(|(prompt, _)| **prompt == prompts[i]);
                    let (sum, count) = (group().map(|(_, x)| x).sum::<f64>(), as_f64(group().count()));
                    if function == Function::GroupMean { sum / count } else { (sum - x[i]) / (count - 1.0) }
                };
                Ok((ty, (0..x.len()).map(mean).collect()))
            }
            other => fault(format!("{other:?} of something that is no step of the program")),
        }
    }

    fn pointwise(&mut self, args: &[Ex], of: impl Fn(&[f64]) -> f64) -> Result<Value, EvalError> {
        let args: Vec<Value> = args.iter().map(|arg| self.value(*arg)).collect::<Result<_, _>>()?;
        let mut to = args.iter().map(|(ty, _)| *ty).max_by_key(|ty| ty.depth).expect("a step has arguments");
        if args.iter().any(|(ty, _)| ty.depth == to.depth && ty.side != to.side) {
            to = ty(Depth::EachPrompt, Whose::Nobody);
        }
        let columns: Vec<Vec<f64>> = args.iter().map(|arg| self.lined_up(arg, to)).collect::<Result<_, _>>()?;
        let row = |i: usize| of(&columns.iter().map(|column| column[i]).collect::<Vec<f64>>());
        Ok((to, (0..columns[0].len()).map(row).collect()))
    }

    /// A value repeated along inner axes. A single response's value is its prompt's.
    fn lined_up(&self, value: &Value, to: Ty) -> Result<Vec<f64>, EvalError> {
        let (layout, (from, x)) = (self.batch.0, value);
        if let Some(index) = eval::outward(layout, *from, to) {
            return Ok(index.into_iter().map(|i| x[i]).collect());
        }
        let prompt = ty(Depth::EachPrompt, Whose::Nobody);
        if let (Depth::EachResponse, Some(side)) = (from.depth, from.side)
            && let Ok(index) = eval::only_response(layout, side)
            && let Some(further) = eval::outward(layout, prompt, to)
        {
            return Ok(further.into_iter().map(|i| x[index[i]]).collect());
        }
        fault(format!("a {from} does not line up with a {to}"))
    }

    fn count(&self, over: Depth, whose: Whose, all: bool) -> Value {
        let (layout, totals) = (self.batch.0, self.batch.1);
        if all || over == Depth::EachPrompt {
            return (ty(Depth::Batch, Whose::Nobody), vec![as_f64(totals.len(ty(over, whose)))]);
        }
        if over == Depth::EachWord {
            return (ty(Depth::Constant, Whose::Nobody), vec![as_f64(layout.words)]);
        }
        let side = ty(over, whose).side;
        let reaches = side.map_or(&[][..], |side| layout.side(side));
        if over == Depth::EachToken {
            return (ty(Depth::EachResponse, whose), reaches.iter().map(|reach| as_f64(reach.tokens)).collect());
        }
        let mut counts = vec![0.0; layout.prompts];
        reaches.iter().for_each(|reach| counts[reach.prompt] += 1.0);
        (ty(Depth::EachPrompt, Whose::Nobody), counts)
    }

    fn total(&mut self, over: Depth, whose: Whose, of: Ex) -> Result<Value, EvalError> {
        let from = ty(over, whose);
        let of = self.value(of)?;
        let x = self.lined_up(&of, from)?;
        let to = match over {
            Depth::EachWord => ty(Depth::EachToken, whose),
            Depth::EachToken => ty(Depth::EachResponse, whose),
            Depth::EachResponse => ty(Depth::EachPrompt, Whose::Nobody),
            Depth::EachPrompt | Depth::Batch | Depth::Constant => ty(Depth::Batch, Whose::Nobody),
        };
        let Some(index) = eval::outward(self.batch.0, to, from) else {
            return fault(format!("a sum of a {from}"));
        };
        let mut sums = vec![0.0; self.batch.0.len(to)];
        index.into_iter().zip(x).for_each(|(i, x)| sums[i] += x);
        Ok((to, sums))
    }
}

fn ty(depth: Depth, whose: Whose) -> Ty {
    let side = if let Whose::Side(side) = whose { Some(side) } else { None };
    Ty { kind: KindTag::Number, depth, side, live: false }
}

fn fault<T>(message: String) -> Result<T, EvalError> {
    let message = format!("the closed form of the gradient cannot be computed: {message}");
    Err(EvalError::Step { message, place: crate::ir::Place::default() })
}

// A batch has far fewer values than an f64 has exact integers.
#[expect(clippy::cast_precision_loss)]
fn as_f64(count: usize) -> f64 {
    count as f64
}
