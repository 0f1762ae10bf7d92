//! The program: what tracing an algorithm leaves behind.
//!
//! Plain data, in order: a node only refers to earlier nodes. It begins at what policies and data give
//! (log-probabilities, scores) and ends at one number, the loss, and named metrics. No model is in it.
//!
//! Names here differ from the words of the language on purpose: a public variant called `LogProb` or
//! `Add` would make rustc print the user's own types with their full path.

mod estimator;
mod node;
mod ty;

pub use estimator::Estimator;
pub use node::{Id, Node, Op, Place};
pub use ty::{Depth, KindTag, SideTag, Ty};

/// A metric a program reports besides its loss: the mean of one node over everything it has a value for.
#[derive(Clone, PartialEq, Debug)]
pub struct Metric {
    /// As it stands in `metrics.jsonl`, e.g. `rewards/chosen`.
    pub name: String,
    /// What is averaged.
    pub node: Id,
}

/// The owner of the inputs that are declared state: a program reads state `mean` as the input `state.mean`.
pub const STATE: &str = "state";

/// A number that a loss carries from one optimizer step to the next.
///
/// The program reads it as the input [`STATE`]`.name` of depth [`Depth::Batch`].
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    /// Its name, e.g. `running_mean`.
    pub name: String,
    /// What it is before the first step: a node of depth [`Depth::Constant`].
    pub initial: Id,
    /// What it is after a step: one node of depth [`Depth::Batch`]. None or several are for the verifier to refuse.
    pub next: Vec<Id>,
}

/// A traced algorithm.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Program {
    /// The algorithm's name, as its function is called.
    pub name: String,
    /// In order of computation.
    pub nodes: Vec<Node>,
    /// The loss: a node of depth [`Depth::Batch`].
    pub root: Option<Id>,
    /// Reported besides the loss.
    pub metrics: Vec<Metric>,
    /// Carried from step to step.
    pub states: Vec<State>,
}

impl Program {
    /// The node with this index.
    #[must_use]
    pub fn node(&self, id: Id) -> &Node {
        &self.nodes[id.index()]
    }

    /// All inputs, in order of first use.
    pub fn inputs(&self) -> impl Iterator<Item = (Id, &str, &str, Ty)> {
        self.nodes.iter().enumerate().filter_map(|(i, n)| match &n.op {
            Op::Input { owner, field } => Some((Id::new(i), owner.as_str(), field.as_str(), n.ty)),
            _ => None,
        })
    }

    /// The input through which a state is read.
    #[must_use]
    pub fn state_input(&self, name: &str) -> Option<Id> {
        self.inputs().find(|(_, owner, field, _)| (*owner, *field) == (STATE, name)).map(|(id, ..)| id)
    }
}
