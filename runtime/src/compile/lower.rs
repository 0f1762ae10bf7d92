//! One arm for every operation of the language.

use super::run::{Leaf, Quantity, Run};
use crate::bridge::Traced;
use crate::{Error, Result};
use collimate_dsl::ir::{Id, Op, STATE};
use dfdx::prelude::Device;

impl<D: Device<f32>> Run<'_, D> {
    /// The value of a node whose arguments are computed.
    pub(super) fn lower(&mut self, id: Id) -> Result<Quantity<D>> {
        match self.op(id) {
            Op::Input { owner, field } if owner == STATE => Ok(Quantity::Number(self.carried(field)?)),
            Op::Input { owner, field } => {
                let side = self.program.node(id).ty.side;
                Ok(Quantity::Many(self.given(Leaf { owner, field, side })?))
            }
            Op::Parameter(name) => match self.settings.get(name) {
                Some(number) => Ok(Quantity::Number(*number)),
                None => Err(Error::Setting(format!("hyper-parameter `{name}` has no value: set it"))),
            },
            Op::Literal(number) => Ok(Quantity::Number(*number)),

            Op::Plus => self.plus(id),
            Op::Minus => self.minus(id),
            Op::Times => self.times(id),
            Op::Over => self.over(id),
            Op::Negative => self.negative(id),
            Op::Smaller => self.smaller(id),
            Op::Larger => self.larger(id),
            Op::Clip => self.clip(id),
            Op::Exponential => self.exponential(id),
            Op::Logarithm => self.logarithm(id),
            Op::Magnitude => self.magnitude(id),
            Op::Logistic => self.logistic(id),
            Op::LogLogistic => self.log_logistic(id),
            Op::Square => self.square(id),
            Op::Positive => self.positive(id),

            Op::Root | Op::LogComplement | Op::LogInterval | Op::Estimate(_) => self.special(id),
            Op::Choose => self.choose(id),

            Op::Total | Op::Average | Op::AverageAll => self.reduction(id).map(Quantity::Many),

            Op::Constant => match self.lined_up_or_number(id)? {
                Quantity::Many(many) => Ok(Quantity::Many(many.cut()?)),
                other @ (Quantity::Number(_) | Quantity::Words) => Ok(other),
            },
            Op::Recast(_) => self.lined_up_or_number(id),
            Op::EveryPrompt => Ok(Quantity::Many(self.lined_up(id, 0)?)),

            Op::OthersMean => self.others_mean(id).map(Quantity::Many),
            Op::GroupMean => self.group_mean(id).map(Quantity::Many),
            Op::GroupLogSoftmax => self.group_log_softmax(id).map(Quantity::Many),
            Op::Mixture => self.mixture(id).map(Quantity::Many),
            Op::TopWords => self.top_words(id).map(Quantity::Many),
            Op::Renormalised => self.renormalised(id).map(Quantity::Many),
            Op::GroupSpread => self.group_spread(id).map(Quantity::Many),
            Op::OthersSpread => self.others_spread(id).map(Quantity::Many),
            Op::BatchSpread => self.batch_spread(id).map(Quantity::Many),
            Op::Sorted => self.sorted(id).map(Quantity::Many),

            Op::Length => self.length(id).map(Quantity::Many),
            Op::Overlap(other) => self.overlap(id, *other).map(Quantity::Many),
            Op::Following => self.following(id).map(Quantity::Many),
            Op::DiscountedSum => self.discounted_sum(id).map(Quantity::Many),
            Op::AtLast => self.at_last(id).map(Quantity::Many),
        }
    }

    fn lined_up_or_number(&mut self, id: Id) -> Result<Quantity<D>> {
        match self.argument(id, 0) {
            Quantity::Number(number) => Ok(Quantity::Number(number)),
            Quantity::Words => Err(self.beyond_words(id)),
            Quantity::Many(_) => self.lined_up(id, 0).map(Quantity::Many),
        }
    }

    /// An operation on one argument: on a number, or on every element.
    pub(super) fn pointwise(
        &mut self,
        id: Id,
        on_number: impl FnOnce(f64) -> f64,
        on_many: impl FnOnce(&mut Self, Traced<(usize,), D>) -> Result<Traced<(usize,), D>>,
    ) -> Result<Quantity<D>> {
        match self.lined_up_or_number(id)? {
            Quantity::Number(number) => Ok(Quantity::Number(on_number(number))),
            Quantity::Words => Err(self.beyond_words(id)),
            Quantity::Many(many) => on_many(self, many).map(Quantity::Many),
        }
    }
}
