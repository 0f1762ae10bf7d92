//! What a program computes for each word of the vocabulary, cut out of it: such values are never kept, so every sum over words is
//! found in a pass of its own over the words, and all the rest of the program sees is one number for each token.
//!
//! A sum may depend on numbers that depend on another sum. Then it takes one more pass: sums of one level are found together,
//! once everything is known that depends on lower levels alone.

use collimate_dsl::ir::{Depth, Id, Op, Place, Program, SideTag};
use std::fmt;

/// Why what a program reads for each word must be there for all tokens at once.
#[derive(Clone, PartialEq, Debug)]
pub struct Whole {
    /// The step that is why.
    pub node: Id,
    /// Where it was written.
    pub place: Place,
    /// What it does.
    pub reason: String,
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        if self.place.file.is_empty() { Ok(()) } else { write!(f, " ({})", self.place) }
    }
}

/// Sums over words that are found together.
#[derive(Clone, PartialEq, Debug)]
pub struct WordPass {
    /// At whose tokens.
    pub side: SideTag,
    /// How many passes come before what it reads is known.
    pub level: usize,
    /// The steps that are summed over the words.
    pub sums: Vec<Id>,
}

/// A program without what it computes for each word.
#[derive(Clone, PartialEq, Debug)]
pub struct Cut {
    /// In their order.
    pub passes: Vec<WordPass>,
    /// All steps of the program, in an order in which every pass can be made before what reads its sums.
    pub order: Vec<Id>,
}

/// Cuts a program.
///
/// # Errors
/// The first step for which a value of each word would have to be kept.
pub fn cut(program: &Program) -> Result<Cut, Whole> {
    let is_word = |id: Id| program.node(id).ty.depth == Depth::EachWord;
    let mut levels: Vec<usize> = Vec::with_capacity(program.nodes.len());
    let mut summed: Vec<Id> = Vec::new();
    for (i, node) in program.nodes.iter().enumerate() {
        let id = Id::new(i);
        let refuse = |reason: String| Err(Whole { node: id, place: node.place.clone(), reason });
        let level = node.args.iter().map(|arg| levels[arg.index()]).max().unwrap_or(0);
        let reads_words = node.args.iter().any(|arg| is_word(*arg));
        match (is_word(id), reads_words) {
            (false, false) => levels.push(level),
            (true, _) => match word_by_word(&node.op) {
                Ok(()) => levels.push(level),
                Err(reason) => return refuse(format!("`{}` {reason}", node.op.word())),
            },
            (false, true) => match node.op {
                Op::Total | Op::Average | Op::AverageAll => {
                    summed.push(node.args[0]);
                    levels.push(level + 1);
                }
                _ => return refuse(format!("`{}` makes one number of many words and is no sum", node.op.word())),
            },
        }
    }
    summed.extend(program.metrics.iter().map(|metric| metric.node).filter(|node| is_word(*node)));
    let mut passes: Vec<WordPass> = Vec::new();
    for sum in summed {
        let (level, node) = (levels[sum.index()], program.node(sum));
        let Some(side) = node.ty.side else {
            let reason = "a value for each word is of no side".to_owned();
            return Err(Whole { node: sum, place: node.place.clone(), reason });
        };
        match passes.iter_mut().find(|pass| (pass.level, pass.side) == (level, side)) {
            Some(pass) if pass.sums.contains(&sum) => {}
            Some(pass) => pass.sums.push(sum),
            None => passes.push(WordPass { side, level, sums: vec![sum] }),
        }
    }
    passes.sort_by_key(|pass| pass.level);
    let mut order: Vec<Id> = (0..program.nodes.len()).map(Id::new).collect();
    order.sort_by_key(|id| levels[id.index()]);
    Ok(Cut { passes, order })
}

/// Can the value for one word be found from those of the same word, and of few numbers for all of them?
fn word_by_word(op: &Op) -> Result<(), &'static str> {
    match op {
        Op::Input { field, .. } if field == "words" => Ok(()),
        Op::Input { .. } => Err("gives a number for each word that comes from no policy"),

        Op::Parameter(_) | Op::Literal(_) => Ok(()),
        Op::Plus | Op::Minus | Op::Times | Op::Over | Op::Negative | Op::Smaller | Op::Larger | Op::Clip => Ok(()),
        Op::Exponential | Op::Logarithm | Op::Magnitude | Op::Logistic | Op::LogLogistic | Op::Square => Ok(()),
        Op::Positive | Op::Root | Op::LogComplement | Op::Choose | Op::Constant | Op::Recast(_) => Ok(()),
        Op::Mixture | Op::TopWords | Op::Renormalised => Ok(()),

        Op::LogInterval => Err("of each word has no kernel"),
        Op::Estimate(_) => Err("is made of what was drawn and not of words"),
        Op::Total | Op::Average | Op::AverageAll | Op::BatchSpread => Err("gives no value for each word"),
        Op::EveryPrompt | Op::OthersMean | Op::GroupMean | Op::GroupLogSoftmax | Op::GroupSpread => {
            Err("is about responses and not words")
        }
        Op::OthersSpread | Op::Length | Op::AtLast => Err("is about responses and not words"),
        Op::Sorted | Op::Overlap(_) | Op::Following | Op::DiscountedSum => Err("compares words with one another"),
    }
}

#[cfg(test)]
mod tests {
    use super::cut;
    use collimate_dsl::ir::{Op, Program, SideTag};
    use collimate_dsl::{Actor, Arg, Formula, Pair, Policy, Teacher, entropy, kl, trace};

    fn sums(program: &Program) -> Vec<(usize, SideTag, usize)> {
        cut(program).unwrap().passes.iter().map(|pass| (pass.level, pass.side, pass.sums.len())).collect()
    }

    #[test]
    fn sums_that_need_no_other_are_found_together() {
        let program = trace("apart", || {
            let (actor, teacher, pair) = (Actor::arg(), Teacher::arg(), Pair::arg());
            let (p, q) = (teacher.words(pair.chosen), actor.words(pair.chosen));
            let loss = kl(p, q) + kl(q, p);
            let other = entropy(actor.words(pair.rejected));
            loss.batch_mean().as_loss() - 0.1 * other.batch_mean()
        });
        assert_eq!(sums(&program), [(0, SideTag::Chosen, 2), (0, SideTag::Rejected, 1)]);
    }

    #[test]
    fn what_would_have_to_be_kept_is_named() {
        let mut program = trace("spread", || {
            let (actor, teacher, pair) = (Actor::arg(), Teacher::arg(), Pair::arg());
            kl(teacher.words(pair.chosen), actor.words(pair.chosen)).batch_mean().as_loss()
        });
        let total = program.nodes.iter().position(|node| matches!(node.op, Op::Total)).unwrap();
        let word = program.nodes.iter().position(|node| matches!(node.op, Op::Exponential)).unwrap();
        program.nodes[total].op = Op::BatchSpread;
        let why = cut(&program).unwrap_err();
        assert_eq!(why.node.index(), total);
        assert!(why.to_string().starts_with("`batch_std` makes one number of many words and is no sum ("), "{why}");
        program.nodes[word].op = Op::LogInterval;
        let why = cut(&program).unwrap_err();
        assert_eq!(why.node.index(), word);
        assert!(why.to_string().starts_with("`log_interval` of each word has no kernel ("), "{why}");
    }
}
