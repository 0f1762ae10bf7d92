//! The program: what tracing an algorithm leaves behind.
//!
//! Plain data, in order: a node only refers to earlier nodes. It begins at what policies and data give
//! (log-probabilities, scores) and ends at one number, the loss, and named metrics. No model is in it.
//!
//! Names here differ from the words of the language on purpose: a public variant called `LogProb` or
//! `Add` would make rustc print the user's own types with their full path.

mod node;
mod ty;

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
}
