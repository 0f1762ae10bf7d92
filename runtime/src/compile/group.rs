//! Operations over the responses to one prompt.

use super::run::{Many, Run};
use crate::Result;
use crate::bridge::Traced;
use collimate_dsl::ir::{Depth, Id, Op};
use dfdx::prelude::{Device, Tensor, TrySub};

/// Which responses belong together. Prompts without a response are left out.
struct Groups {
    /// For each response, its group.
    of: Vec<usize>,
    /// For each group, how many responses it has.
    sizes: Vec<usize>,
}

impl<D: Device<f32>> Run<'_, D> {
    fn groups(&self, id: Id) -> Result<Groups> {
        let (op, to) = (self.op(id), self.program.node(id).ty);
        let from = self.program.node(self.program.node(id).args[0]).ty;
        let word = op.word();
        let (Depth::EachResponse, Depth::EachResponse, Some(side)) = (from.depth, to.depth, from.side) else {
            let message = format!("`{word}` works on one value for each response, this is a {from}: reduce it first");
            return Err(self.fault(id, message));
        };
        let mut groups = Groups { of: Vec::new(), sizes: Vec::new() };
        let mut last = None;
        for reach in self.layout.side(side) {
            if last != Some(reach.prompt) {
                last = Some(reach.prompt);
                groups.sizes.push(0);
            }
            let group = groups.sizes.len() - 1;
            groups.of.push(group);
            groups.sizes[group] += 1;
        }
        let alone = self.layout.side(side).iter().zip(&groups.of).find(|(_, group)| groups.sizes[**group] == 1);
        if let (Op::OthersMean, Some((reach, _))) = (op, alone) {
            let message =
                format!("prompt {} has 1 response of {side}, `{word}` needs at least 2: sample more", reach.prompt);
            return Err(self.fault(id, message));
        }
        Ok(groups)
    }

    /// `(sum of the group - x) / (size of the group - 1)`
    pub(super) fn others_mean(&mut self, id: Id) -> Result<Many<D>> {
        let (groups, x) = (self.groups(id)?, self.argument_spelled_out(id, 0)?);
        let total = self.totals_of(x.clone(), &groups.sizes)?;
        let total = self.gathered(&total, &groups.of)?;
        let others = self.track.two(&total, &x, |total, x| total.try_sub(x))?;
        let counts: Vec<usize> = groups.of.iter().map(|group| groups.sizes[*group] - 1).collect();
        self.divided(&others, &counts)
    }

    pub(super) fn group_mean(&mut self, id: Id) -> Result<Many<D>> {
        let (groups, x) = (self.groups(id)?, self.argument_spelled_out(id, 0)?);
        let total = self.totals_of(x, &groups.sizes)?;
        let mean = self.divided(&total, &groups.sizes)?;
        self.gathered(&mean, &groups.of)
    }

    pub(super) fn group_spread(&mut self, id: Id) -> Result<Many<D>> {
        let (groups, x) = (self.groups(id)?, self.argument_spelled_out(id, 0)?);
        let mut end = 0;
        let stretch = |size: &usize| {
            end += size;
            end - size..end
        };
        let stretches: Vec<_> = groups.sizes.iter().map(stretch).collect();
        let spread = self.deviations(&x, &stretches)?;
        self.gathered(&spread, &groups.of)
    }

    pub(super) fn others_spread(&mut self, id: Id) -> Result<Many<D>> {
        let (groups, x) = (self.groups(id)?, self.argument_spelled_out(id, 0)?);
        let (mut places, mut stretches) = (Vec::new(), Vec::new());
        for (i, group) in groups.of.iter().enumerate() {
            let begin = places.len();
            // One response stands for the others it has not: a single value has no deviation and no slope.
            let alone = groups.sizes[*group] == 1;
            let others = groups.of.iter().enumerate().filter(|(j, of)| *of == group && (*j != i || alone));
            places.extend(others.map(|(j, _)| j));
            stretches.push(begin..places.len());
        }
        let others = self.gathered(&x, &places)?;
        self.deviations(&others, &stretches)
    }

    /// `d - ln(sum of the group's exp(d))` with `d = x - the group's largest`, so that nothing overflows. What is
    /// subtracted first cancels, so it needs no gradient.
    pub(super) fn group_log_softmax(&mut self, id: Id) -> Result<Many<D>> {
        let (groups, x) = (self.groups(id)?, self.argument_spelled_out(id, 0)?);
        let mut largest = vec![f64::NEG_INFINITY; groups.sizes.len()];
        for (value, group) in x.value.as_vec().into_iter().zip(&groups.of) {
            largest[*group] = largest[*group].max(f64::from(value));
        }
        let largest: Vec<f64> = groups.of.iter().map(|group| largest[*group]).collect();
        let largest = Traced::fixed(self.upload(&largest)?);
        let below = self.track.two(&x, &largest, |x, largest| x.try_sub(largest))?;
        let grown = self.track.one(&below, Tensor::try_exp)?;
        let sum = self.totals_of(grown, &groups.sizes)?;
        let whole = self.track.one(&sum, Tensor::try_ln)?;
        let whole = self.gathered(&whole, &groups.of)?;
        self.track.two(&below, &whole, |below, whole| below.try_sub(whole))
    }
}
