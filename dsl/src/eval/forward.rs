//! The value of every step.

use super::number::{log_logistic, log_sum_exp, logistic};
use super::order::{besides, deviation, discounted, sorting};
use super::special::special;
use super::{EvalError, Run, as_f64, words};
use crate::ir::{Id, Op};

impl Run<'_> {
    /// Compute every node in order.
    pub(super) fn forward(&mut self) -> Result<(), EvalError> {
        for i in 0..self.program.nodes.len() {
            let value = self.value(Id::new(i))?;
            self.values.push(value);
        }
        Ok(())
    }

    pub(super) fn value(&self, id: Id) -> Result<Vec<f64>, EvalError> {
        let node = self.program.node(id);
        match &node.op {
            Op::Input { owner, field } => {
                Ok(self.inputs.get(owner, field, node.ty.side).expect("checked with the batch").to_vec())
            }
            Op::Parameter(name) => Ok(vec![self.settings[name]; self.layout.len(node.ty)]),
            Op::Literal(number) => Ok(vec![*number; self.layout.len(node.ty)]),

            Op::Plus => self.pointwise(id, |a| a[0] + a[1]),
            Op::Minus => self.pointwise(id, |a| a[0] - a[1]),
            Op::Times => self.pointwise(id, |a| a[0] * a[1]),
            Op::Over => self.pointwise(id, |a| a[0] / a[1]),
            Op::Negative => self.pointwise(id, |a| -a[0]),
            Op::Smaller => self.pointwise(id, |a| if a[1] < a[0] { a[1] } else { a[0] }),
            Op::Larger => self.pointwise(id, |a| if a[1] > a[0] { a[1] } else { a[0] }),
            Op::Clip => {
                let (low, high) = (self.values[node.args[1].index()][0], self.values[node.args[2].index()][0]);
                if low > high {
                    let message = format!("`{}` between {low} and {high} holds nothing: swap them", node.op.word());
                    return Err(self.fault(id, message));
                }
                self.pointwise(id, |a| if a[0] < a[1] { a[1] } else { a[0].min(a[2]) })
            }
            Op::Exponential => self.pointwise(id, |a| a[0].exp()),
            Op::Logarithm => self.pointwise(id, |a| a[0].ln()),
            Op::Magnitude => self.pointwise(id, |a| a[0].abs()),
            Op::Logistic => self.pointwise(id, |a| logistic(a[0])),
            Op::LogLogistic => self.pointwise(id, |a| log_logistic(a[0])),
            Op::Square => self.pointwise(id, |a| a[0] * a[0]),
            Op::Positive => self.pointwise(id, |a| if a[0] > 0.0 { 1.0 } else { 0.0 }),

            op @ (Op::Root | Op::LogComplement | Op::LogInterval | Op::Estimate(_)) => {
                self.pointwise(id, |a| special(op, a).map_or(f64::NAN, |(value, _)| value))
            }
            Op::Choose => self.pointwise(id, |a| if a[0] > 0.0 { a[1] } else { a[2] }),

            Op::Total | Op::Average | Op::AverageAll => {
                let (to, weights) = self.reduction(id)?;
                let mut sums = vec![0.0; self.layout.len(node.ty)];
                for (i, x) in self.values[node.args[0].index()].iter().enumerate() {
                    sums[to[i]] += weights[i] * x;
                }
                Ok(sums)
            }

            Op::Constant | Op::Recast(_) | Op::EveryPrompt => self.pointwise(id, |a| a[0]),

            Op::OthersMean => self.by_group(id, |group, x| {
                let sum: f64 = group.iter().map(|&i| x[i]).sum();
                group.iter().map(|&i| (sum - x[i]) / as_f64(group.len() - 1)).collect()
            }),
            Op::GroupMean => self.by_group(id, |group, x| {
                let sum: f64 = group.iter().map(|&i| x[i]).sum();
                vec![sum / as_f64(group.len()); group.len()]
            }),
            Op::Mixture => {
                let share = self.values[node.args[2].index()][0];
                if !(0.0..=1.0).contains(&share) {
                    let message = format!("the share of a `{}` is {share}: give one from 0 to 1", node.op.word());
                    return Err(self.fault(id, message));
                }
                self.pointwise(id, |a| words::log_mixture(a[0], a[1], a[2]))
            }
            Op::TopWords => self.top_words(id),
            Op::Renormalised => self.renormalised(id),

            Op::GroupLogSoftmax => self.by_group(id, |group, x| {
                let whole = log_sum_exp(group.iter().map(|&i| x[i]));
                group.iter().map(|&i| x[i] - whole).collect()
            }),
            Op::GroupSpread => self.by_group(id, |group, x| {
                let own: Vec<f64> = group.iter().map(|&i| x[i]).collect();
                vec![deviation(&own); group.len()]
            }),
            Op::OthersSpread => self.by_group(id, |group, x| {
                group.iter().map(|&i| deviation(&besides(group, i).map(|j| x[j]).collect::<Vec<_>>())).collect()
            }),
            Op::BatchSpread => Ok(vec![deviation(&self.values[node.args[0].index()])]),
            Op::Sorted => {
                let x = &self.values[node.args[0].index()];
                Ok(sorting(x).into_iter().map(|i| x[i]).collect())
            }

            Op::Length => Ok(self.stretches(id).into_iter().map(|stretch| as_f64(stretch.len())).collect()),
            Op::Overlap(other) => self.overlap(id, *other),
            Op::Following => {
                let (x, mut y) = (&self.values[node.args[0].index()], vec![0.0; self.layout.len(node.ty)]);
                for stretch in self.stretches(id) {
                    y[stretch.start..stretch.end - 1].copy_from_slice(&x[stretch.start + 1..stretch.end]);
                }
                Ok(y)
            }
            Op::DiscountedSum => {
                let (x, decay) = (&self.values[node.args[0].index()], self.values[node.args[1].index()][0]);
                Ok(discounted(x, &self.stretches(id), decay))
            }
            Op::AtLast => {
                let (x, mut y) = (&self.values[node.args[0].index()], vec![0.0; self.layout.len(node.ty)]);
                for (response, stretch) in self.stretches(id).into_iter().enumerate() {
                    y[stretch.end - 1] = x[response];
                }
                Ok(y)
            }
        }
    }

    fn pointwise(&self, id: Id, meaning: impl Fn(&[f64]) -> f64) -> Result<Vec<f64>, EvalError> {
        let node = self.program.node(id);
        let lined_up = self.lined_up(id)?;
        let element = |i| {
            let here: Vec<f64> =
                node.args.iter().zip(&lined_up).map(|(arg, index)| self.values[arg.index()][index[i]]).collect();
            meaning(&here)
        };
        Ok((0..self.layout.len(node.ty)).map(element).collect())
    }

    fn by_group(&self, id: Id, meaning: impl Fn(&[usize], &[f64]) -> Vec<f64>) -> Result<Vec<f64>, EvalError> {
        let x = &self.values[self.program.node(id).args[0].index()];
        let mut result = vec![0.0; x.len()];
        for group in self.groups(id)? {
            for (&i, y) in group.iter().zip(meaning(&group, x)) {
                result[i] = y;
            }
        }
        Ok(result)
    }
}
