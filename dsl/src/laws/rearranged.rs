//! A batch made of the prompts of another: fewer of them, in another order, some twice.

use super::batch::Batch;
use crate::eval::Inputs;
use crate::ir::{Depth, Program, SideTag, Ty};
use crate::{Layout, Reach};

/// For each prompt and each response of the new batch, the one of the old batch that it is.
pub(super) struct Rearranged<'a> {
    old: &'a Layout,
    prompts: Vec<usize>,
    sides: Vec<(SideTag, Vec<Reach>, Vec<usize>)>,
}

impl<'a> Rearranged<'a> {
    /// These prompts of the old batch, with their responses as they stand.
    pub(super) fn prompts(old: &'a Layout, prompts: &[usize]) -> Self {
        Self::new(old, prompts, |responses| responses)
    }

    /// The same prompts, the responses to each the other way round.
    pub(super) fn members(old: &'a Layout) -> Self {
        let prompts: Vec<usize> = (0..old.prompts).collect();
        Self::new(old, &prompts, |mut responses| {
            responses.reverse();
            responses
        })
    }

    fn new(old: &'a Layout, prompts: &[usize], order: impl Fn(Vec<usize>) -> Vec<usize>) -> Self {
        let side = |(side, reaches): &(SideTag, Vec<Reach>)| {
            let (mut moved, mut from) = (Vec::new(), Vec::new());
            for (prompt, &of) in prompts.iter().enumerate() {
                for i in order((0..reaches.len()).filter(|&i| reaches[i].prompt == of).collect()) {
                    moved.push(Reach { prompt, ..reaches[i] });
                    from.push(i);
                }
            }
            (*side, moved, from)
        };
        Rearranged { old, prompts: prompts.to_vec(), sides: old.sides.iter().map(side).collect() }
    }

    /// The new batch.
    pub(super) fn batch(&self, program: &Program, inputs: &Inputs) -> Batch {
        let sides = self.sides.iter().map(|(side, reaches, _)| (*side, reaches.clone())).collect();
        Batch {
            layout: Layout { prompts: self.prompts.len(), sides, words: self.old.words },
            inputs: self.values(program, inputs),
        }
    }

    /// Those of the inputs that are there, or of the gradients by them, as the new batch has them.
    pub(super) fn values(&self, program: &Program, old: &Inputs) -> Inputs {
        let mut new = Inputs::new();
        for (_, owner, field, ty) in program.inputs() {
            if let Some(values) = old.get(owner, field, ty.side) {
                let moved = self.elements(ty).into_iter().map(|i| values[i]).collect();
                new.insert(owner, field, ty.side, moved);
            }
        }
        new
    }

    /// For each element of a value of this type in the new batch, the one of the old batch that it is.
    fn elements(&self, ty: Ty) -> Vec<usize> {
        let responses = || self.sides.iter().find(|(side, ..)| Some(*side) == ty.side).map_or(&[][..], |(.., r)| r);
        match ty.depth {
            Depth::Constant | Depth::Batch => vec![0],
            Depth::EachPrompt => self.prompts.clone(),
            Depth::EachResponse => responses().to_vec(),
            Depth::EachToken | Depth::EachWord => {
                let each = if ty.depth == Depth::EachWord { self.old.words } else { 1 };
                let reaches = ty.side.map_or(&[][..], |side| self.old.side(side));
                let begin = |i: usize| each * reaches[..i].iter().map(|reach| reach.tokens).sum::<usize>();
                responses().iter().flat_map(|&i| begin(i)..begin(i) + each * reaches[i].tokens).collect()
            }
        }
    }
}
