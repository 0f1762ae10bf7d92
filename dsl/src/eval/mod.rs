//! What a program means: every step in f64, slow and obvious, with its gradient.
//!
//! This is the definition that every faster way of computing the same number is held to. Values are flat
//! vectors laid out by [`Layout`]; the gradient is found by going through the steps backwards.
//!
//! A batch may be cut into parts. Means over prompts, and over the whole batch, divide by the counts of
//! the whole, [`Totals`], so that the parts' losses, gradients and metrics add up to the whole's. Whether a
//! program allows this is [`separable`]'s to say.

mod backward;
mod check;
mod error;
mod forward;
mod inputs;
mod normal;
mod number;
mod order;
mod separable;
mod special;
mod spread;
mod state;
#[cfg(test)]
mod tests;
mod words;

pub use check::{batch as check, batch_besides_words as check_besides_words};
pub use error::{EvalError, input_name};
pub use inputs::{Inputs, Settings};
pub use normal::{log_normal_below, log_normal_between, log_normal_density};
pub use number::{log_complement, log_logistic, log_sum_exp, logistic};
pub use order::{deviation, deviation_slopes, overlap, sorting, stretches};
pub use separable::{Why, separable, shared};
pub use special::special;
pub use spread::{only_response, outward};
pub use state::{give_state, initial_state, next_state};
pub use words::{log_mixture, top};

pub use crate::flow::of_the_batch;
use crate::ir::{Depth, Id, Op, Program};
use crate::{Layout, Totals};

/// A program's numbers on one batch, or on a part of one.
#[derive(Clone, PartialEq, Debug)]
pub struct Evaluation {
    /// The loss; of a part, its share of the whole's loss.
    pub loss: f64,
    /// The loss's derivative by every live input, under the input's own names.
    pub gradient: Inputs,
    /// The program's metrics, in its order.
    pub metrics: Vec<Measured>,
    /// What the next state is made of, in the order of [`shared`]; of a part, its shares. See [`next_state`].
    pub shares: Vec<f64>,
}

/// One metric as a sum and a count: add up both over the parts of a batch, then divide.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// As it stands in `metrics.jsonl`, e.g. `rewards/chosen`.
    pub name: String,
    /// Sum over everything the metric has a value for.
    pub sum: f64,
    /// How many values were summed.
    pub count: usize,
}

impl Measured {
    /// The sum over the count; nothing where nothing was counted.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        // A batch has far fewer values than an f64 has exact integers.
        #[expect(clippy::cast_precision_loss)]
        (self.count > 0).then(|| self.sum / self.count as f64)
    }
}

/// Evaluate a program and differentiate its loss.
///
/// `totals` are the counts of the whole optimizer batch of which `layout` is a part; for a whole batch they
/// are [`Layout::totals`].
///
/// # Errors
/// Anything missing, of the wrong length, or not finite, in the inputs, the settings or the results.
pub fn evaluate(
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
) -> Result<Evaluation, EvalError> {
    check::batch(program, layout, totals, inputs, settings)?;
    let root = program.root.expect("checked with the batch");
    let mut run = Run { program, layout, totals, inputs, settings, values: Vec::new(), gradients: Vec::new() };
    run.forward()?;
    run.backward(root)?;
    let evaluation = Evaluation {
        loss: run.values[root.index()][0],
        gradient: run.live_gradients(),
        metrics: run.measured(),
        shares: shared(program).into_iter().map(|id| run.values[id.index()][0]).collect(),
    };
    run.finite(&evaluation)?;
    Ok(evaluation)
}

/// The value of every step, for who has to know more than the results.
pub(crate) fn values(
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
) -> Result<Vec<Vec<f64>>, EvalError> {
    check::batch(program, layout, totals, inputs, settings)?;
    let mut run = Run { program, layout, totals, inputs, settings, values: Vec::new(), gradients: Vec::new() };
    run.forward()?;
    Ok(run.values)
}

/// What one step hands back to all others, given a derivative by its value.
///
/// # Errors
/// As [`evaluate`].
pub(crate) fn handed_back(
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
    step: Id,
    given: Vec<f64>,
) -> Result<Vec<Vec<f64>>, EvalError> {
    let mut run = Run { program, layout, totals, inputs, settings, values: Vec::new(), gradients: Vec::new() };
    run.forward()?;
    run.gradients = run.values.iter().map(|v| vec![0.0; v.len()]).collect();
    run.gradients[step.index()] = given;
    run.hand_on(step)?;
    Ok(run.gradients)
}

/// One evaluation under way.
struct Run<'a> {
    program: &'a Program,
    layout: &'a Layout,
    totals: &'a Totals,
    inputs: &'a Inputs,
    settings: &'a Settings,
    /// For each node that was computed, its elements.
    values: Vec<Vec<f64>>,
    /// For each node, the loss's derivative by its elements.
    gradients: Vec<Vec<f64>>,
}

impl Run<'_> {
    fn live_gradients(&self) -> Inputs {
        let mut gathered = Inputs::new();
        for (id, owner, field, ty) in self.program.inputs().filter(|(.., ty)| ty.live) {
            let here = &self.gradients[id.index()];
            // The same input may be read by several nodes.
            match gathered.get_mut(owner, field, ty.side) {
                Some(sum) => sum.iter_mut().zip(here).for_each(|(sum, g)| *sum += g),
                None => gathered.insert(owner, field, ty.side, here.clone()),
            }
        }
        gathered
    }

    fn measured(&self) -> Vec<Measured> {
        let of_the_batch = of_the_batch(self.program);
        let one = |metric: &crate::ir::Metric| {
            let ty = self.program.node(metric.node).ty;
            let values = &self.values[metric.node.index()];
            let (sum, count) = match ty.depth {
                // A part's value is its share of the whole's. Every prompt counts for one, with the whole
                // batch's value if the batch is not cut, so that shares and counts both add up.
                Depth::Batch if of_the_batch[metric.node.index()] => {
                    (values[0] * as_f64(self.totals.prompts), self.layout.prompts)
                }
                Depth::Constant | Depth::Batch => (values[0] * as_f64(self.layout.prompts), self.layout.prompts),
                Depth::EachPrompt | Depth::EachResponse | Depth::EachToken | Depth::EachWord => {
                    (values.iter().sum(), values.len())
                }
            };
            Measured { name: metric.name.clone(), sum, count }
        };
        self.program.metrics.iter().map(one).collect()
    }

    fn finite(&self, evaluation: &Evaluation) -> Result<(), EvalError> {
        let unbounded = |values: &[f64]| values.iter().any(|v| !v.is_finite());
        let gradient = evaluation.gradient.iter().find(|(.., values)| unbounded(values));
        let metric = evaluation.metrics.iter().find(|m| !m.sum.is_finite());
        let result = if !evaluation.loss.is_finite() {
            "the loss".to_owned()
        } else if let Some((owner, field, side, _)) = gradient {
            format!("the gradient by {}", input_name(owner, field, side))
        } else if let Some(metric) = metric {
            format!("the metric `{}`", metric.name)
        } else if evaluation.shares.iter().any(|share| !share.is_finite()) {
            "what the next state is made of".to_owned()
        } else {
            return Ok(());
        };
        // An infinity that a later `min` or clip takes away again is no fault, so this is asked only now.
        let first = self.values.iter().position(|v| unbounded(v));
        let at = first.or_else(|| self.gradients.iter().rposition(|g| unbounded(g)));
        let (step, place) = at.map_or_else(
            || ("its own sum".to_owned(), crate::ir::Place::default()),
            |i| (format!("%{i}, `{}`,", self.program.nodes[i].op.word()), self.program.nodes[i].place.clone()),
        );
        Err(EvalError::ResultNotFinite { result, step, place })
    }

    /// An error about one step.
    fn fault(&self, node: Id, message: String) -> EvalError {
        EvalError::Step { message, place: self.program.node(node).place.clone() }
    }

    /// For each argument of a pointwise step, the element that belongs to each element of the result.
    fn lined_up(&self, id: Id) -> Result<Vec<Vec<usize>>, EvalError> {
        let node = self.program.node(id);
        let sides: Vec<_> = node.args.iter().map(|&arg| self.program.node(arg).ty).collect();
        // Chosen and rejected have one response to each prompt, so two such values meet at the prompt.
        let opposed = node.ty.depth == Depth::EachPrompt
            && sides.len() == 2
            && sides.iter().all(|ty| ty.depth == Depth::EachResponse)
            && sides[0].side != sides[1].side;
        let line_up = |from: &crate::ir::Ty| {
            if let (true, Some(side)) = (opposed, from.side) {
                return spread::only_response(self.layout, side).map_err(|(prompt, found)| {
                    self.fault(id, format!("prompt {prompt} has {found} responses of {side}, `{}` of two sides needs exactly one: use pairs", node.op.word()))
                });
            }
            spread::outward(self.layout, *from, node.ty).ok_or_else(|| {
                let word = node.op.word();
                self.fault(
                    id,
                    format!("`{word}` of a {from} does not give a {}: reduce the deeper side first", node.ty),
                )
            })
        };
        sides.iter().map(line_up).collect()
    }

    /// For each element of a reduction's argument, the element of the result it goes to, and by what each
    /// is multiplied on its way.
    fn reduction(&self, id: Id) -> Result<(Vec<usize>, Vec<f64>), EvalError> {
        let node = self.program.node(id);
        let from = self.program.node(node.args[0]).ty;
        let word = node.op.word();
        let one_axis_less = match from.depth {
            Depth::EachWord => Some(Depth::EachToken),
            Depth::EachToken => Some(Depth::EachResponse),
            Depth::EachResponse => Some(Depth::EachPrompt),
            Depth::EachPrompt => Some(Depth::Batch),
            Depth::Constant | Depth::Batch => None,
        };
        let whole = matches!(node.op, Op::AverageAll) && node.ty.depth == Depth::Batch;
        let fits = whole || (!matches!(node.op, Op::AverageAll) && one_axis_less == Some(node.ty.depth));
        let to = spread::outward(self.layout, node.ty, from).filter(|_| fits).ok_or_else(|| {
            self.fault(id, format!("`{word}` of a {from} does not give a {}: reduce one axis at a time", node.ty))
        })?;
        let mut counts = vec![0; self.layout.len(node.ty)];
        if node.ty.depth == Depth::Batch {
            counts[0] = self.totals.len(from);
        } else {
            to.iter().for_each(|&i| counts[i] += 1);
        }
        let averages = matches!(node.op, Op::Average | Op::AverageAll);
        if let Some(empty) = counts.iter().position(|&n| n == 0).filter(|_| averages) {
            let what = if node.ty.depth == Depth::Batch { String::new() } else { format!(" at {empty}") };
            return Err(self.fault(id, format!("`{word}` over nothing{what}: there is no {from} to average")));
        }
        let weights = to.iter().map(|&i| if averages { 1.0 / as_f64(counts[i]) } else { 1.0 }).collect();
        Ok((to, weights))
    }

    /// The responses to each prompt that has any, as lists of elements.
    fn groups(&self, id: Id) -> Result<Vec<Vec<usize>>, EvalError> {
        let node = self.program.node(id);
        let from = self.program.node(node.args[0]).ty;
        let word = node.op.word();
        let (Depth::EachResponse, Depth::EachResponse, Some(side)) = (from.depth, node.ty.depth, from.side) else {
            let message = format!("`{word}` works on one value for each response, this is a {from}: reduce it first");
            return Err(self.fault(id, message));
        };
        let mut groups = vec![Vec::new(); self.layout.prompts];
        for (i, reach) in self.layout.side(side).iter().enumerate() {
            groups[reach.prompt].push(i);
        }
        if let (Op::OthersMean, Some(prompt)) = (&node.op, groups.iter().position(|group| group.len() == 1)) {
            let message = format!("prompt {prompt} has 1 response of {side}, `{word}` needs at least 2: sample more");
            return Err(self.fault(id, message));
        }
        groups.retain(|group| !group.is_empty());
        Ok(groups)
    }
}

// A batch has far fewer values than an f64 has exact integers.
#[expect(clippy::cast_precision_loss)]
fn as_f64(count: usize) -> f64 {
    count as f64
}
