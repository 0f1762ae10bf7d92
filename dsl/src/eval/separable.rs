//! May a batch be cut into parts whose losses, gradients and metrics add up to the whole's?

use crate::ir::{Depth, Id, Op, Place, Program};
use std::fmt;

/// Why a batch must stay whole: the first step that makes it so.
#[derive(Clone, PartialEq, Debug)]
pub struct Why {
    /// The step.
    pub node: Id,
    /// Where it was written.
    pub place: Place,
    /// What it does that cannot be done part by part.
    pub reason: String,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        if self.place.file.is_empty() { Ok(()) } else { write!(f, " ({})", self.place) }
    }
}

impl std::error::Error for Why {}

/// What a part of the batch knows of a node's value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The same in every part: made of settings and numbers only.
    Fixed,
    /// All of it, for the part's own prompts.
    Own,
    /// A share; the parts' shares add up to the value.
    Share,
    /// Nothing before all parts are done: made of the sums of shares. Only for what the next step reads.
    After,
}

/// May the batch be cut? Then nothing but sums, and products with fixed numbers, follows a reduction over
/// the whole batch, and no gradient passes from one prompt to another except through the final sum.
///
/// # Errors
/// The first step, of those that the loss or a metric depends on, that needs the whole batch.
pub fn separable(program: &Program) -> Result<(), Why> {
    known(program).map(drop)
}

/// The steps that a part's share of is handed on to what follows the batch: from their sums over the parts the next
/// state is computed. If the batch must stay whole these are the next state itself.
#[must_use]
pub fn shared(program: &Program) -> Vec<Id> {
    let next = program.states.iter().flat_map(|state| &state.next);
    let Ok(known) = known(program) else { return next.copied().collect() };
    let follows = |i: usize| known[i] == Known::After;
    let after = program.nodes.iter().enumerate().filter(|(i, _)| follows(*i)).flat_map(|(_, node)| &node.args);
    let mut shared: Vec<Id> = next.chain(after).copied().filter(|id| known[id.index()] == Known::Share).collect();
    shared.sort_unstable();
    shared.dedup();
    shared
}

fn known(program: &Program) -> Result<Vec<Known>, Why> {
    let read = crate::flow::read(program);
    let shown = crate::flow::read_by(program, crate::flow::results(program));
    let mut known: Vec<Known> = Vec::new();
    for (i, node) in program.nodes.iter().enumerate() {
        let args: Vec<Known> = node.args.iter().map(|arg| known[arg.index()]).collect();
        let whole = node.ty.depth <= Depth::Batch && args.iter().all(|arg| *arg != Known::Own);
        match after(&node.op, node.ty.depth, &args) {
            Ok(this) => known.push(this),
            // One number made of such: it can wait until all shares are there.
            Err(_) if read[i] && !shown[i] && whole => known.push(Known::After),
            // What nothing reads cannot spoil anything; what follows it is not read either.
            Err(_) if !read[i] => known.push(Known::Own),
            Err(reason) => return Err(Why { node: Id::new(i), place: node.place.clone(), reason }),
        }
    }
    match program.root {
        Some(root) if known[root.index()] != Known::Share => Err(Why {
            node: root,
            place: program.node(root).place.clone(),
            reason: "the loss is no sum over the batch: every part would count it once more".into(),
        }),
        Some(_) | None => Ok(known),
    }
}

fn after(op: &Op, depth: Depth, args: &[Known]) -> Result<Known, String> {
    let shares = args.contains(&Known::Share);
    let word = op.word();
    let whole =
        || Err(format!("`{word}` of a value of the whole batch cannot be put together from parts of the batch"));
    if args.contains(&Known::After) {
        return whole();
    }
    match op {
        Op::Input { .. } => Ok(match depth {
            Depth::Constant | Depth::Batch => Known::Fixed,
            Depth::EachPrompt | Depth::EachResponse | Depth::EachToken | Depth::EachWord => Known::Own,
        }),
        Op::Parameter(_) | Op::Literal(_) => Ok(Known::Fixed),

        Op::Plus | Op::Minus => match (args[0], args[1]) {
            (Known::Share, Known::Share) => Ok(Known::Share),
            (Known::Share, Known::Fixed) | (Known::Fixed, Known::Share) => Err(format!(
                "`{word}` of a value of the whole batch and a fixed number: every part would count the number once more"
            )),
            (Known::Share, Known::Own) | (Known::Own, Known::Share) => whole(),
            (Known::Fixed, Known::Fixed) => Ok(Known::Fixed),
            (Known::Fixed | Known::Own, Known::Own) | (Known::Own, Known::Fixed) => Ok(Known::Own),
            (Known::After, _) | (_, Known::After) => whole(),
        },
        Op::Times => match (args[0], args[1]) {
            (Known::Share, Known::Fixed) | (Known::Fixed, Known::Share) => Ok(Known::Share),
            (Known::Share, Known::Share | Known::Own) | (Known::Own, Known::Share) => whole(),
            (Known::Fixed, Known::Fixed) => Ok(Known::Fixed),
            (Known::Fixed | Known::Own, Known::Own) | (Known::Own, Known::Fixed) => Ok(Known::Own),
            (Known::After, _) | (_, Known::After) => whole(),
        },
        Op::Over => match (args[0], args[1]) {
            (Known::Share, Known::Fixed) => Ok(Known::Share),
            (_, Known::Share) | (Known::Share, Known::Own) => whole(),
            (Known::Fixed, Known::Fixed) => Ok(Known::Fixed),
            (Known::Fixed | Known::Own, Known::Own) | (Known::Own, Known::Fixed) => Ok(Known::Own),
            (Known::After, _) | (_, Known::After) => whole(),
        },
        Op::Negative | Op::Constant | Op::Recast(_) => Ok(args[0]),

        Op::Smaller
        | Op::Larger
        | Op::Clip
        | Op::Exponential
        | Op::Logarithm
        | Op::Magnitude
        | Op::Logistic
        | Op::LogLogistic
        | Op::Square
        | Op::Positive
        | Op::Root
        | Op::LogComplement
        | Op::LogInterval
        | Op::Choose
        | Op::Estimate(_)
        | Op::Following
        | Op::DiscountedSum
        | Op::AtLast => match shares {
            true => whole(),
            false if args.contains(&Known::Own) => Ok(Known::Own),
            false => Ok(Known::Fixed),
        },

        Op::Total | Op::Average | Op::AverageAll => Ok(match depth {
            Depth::Constant | Depth::Batch => match args[0] {
                Known::Fixed => Known::Fixed,
                Known::Own | Known::Share | Known::After => Known::Share,
            },
            Depth::EachPrompt | Depth::EachResponse | Depth::EachToken | Depth::EachWord => Known::Own,
        }),

        // Repeated for every prompt, even a fixed number is summed once for each.
        Op::EveryPrompt => {
            if shares {
                whole()
            } else {
                Ok(Known::Own)
            }
        }

        // Responses to one prompt are never parted.
        Op::OthersMean | Op::GroupMean | Op::GroupLogSoftmax | Op::GroupSpread | Op::OthersSpread => Ok(Known::Own),
        Op::Length | Op::Overlap(_) => Ok(Known::Own),

        Op::Sorted | Op::BatchSpread => {
            Err(format!("`{word}` compares all of the batch with one another: a part knows only its own"))
        }

        // Nor are the words at a token.
        Op::Mixture | Op::TopWords | Op::Renormalised => Ok(Known::Own),
    }
}
