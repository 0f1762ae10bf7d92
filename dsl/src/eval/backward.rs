//! The gradient of every step, from the loss back to the inputs.

use super::number::logistic;
use super::order::{accumulated, besides, deviation_slopes, sorting};
use super::special::special;
use super::{EvalError, Run, as_f64};
use crate::ir::{Id, Op};

impl Run<'_> {
    /// Find the loss's derivative by every element of every node.
    pub(super) fn backward(&mut self, root: Id) -> Result<(), EvalError> {
        self.gradients = self.values.iter().map(|v| vec![0.0; v.len()]).collect();
        self.gradients[root.index()] = vec![1.0];
        for i in (0..=root.index()).rev() {
            // What the loss does not depend on hands nothing on; 0 times an infinite slope would be NaN.
            if self.gradients[i].iter().any(|&g| g != 0.0) {
                self.hand_on(Id::new(i))?;
            }
        }
        Ok(())
    }

    /// Hand a node's gradient on to its arguments.
    pub(super) fn hand_on(&mut self, id: Id) -> Result<(), EvalError> {
        let node = self.program.node(id);
        match &node.op {
            Op::Input { .. } | Op::Parameter(_) | Op::Literal(_) => Ok(()),

            Op::Plus => self.slopes(id, |_, _| [1.0, 1.0]),
            Op::Minus => self.slopes(id, |_, _| [1.0, -1.0]),
            Op::Times => self.slopes(id, |a, _| [a[1], a[0]]),
            Op::Over => self.slopes(id, |a, y| [1.0 / a[1], -y / a[1]]),
            Op::Negative => self.slopes(id, |_, _| [-1.0]),
            Op::Smaller => self.slopes(id, |a, _| if a[1] < a[0] { [0.0, 1.0] } else { [1.0, 0.0] }),
            Op::Larger => self.slopes(id, |a, _| if a[1] > a[0] { [0.0, 1.0] } else { [1.0, 0.0] }),
            Op::Clip => self.slopes(id, |a, _| [if (a[1]..=a[2]).contains(&a[0]) { 1.0 } else { 0.0 }]),
            Op::Exponential => self.slopes(id, |_, y| [y]),
            Op::Logarithm => self.slopes(id, |a, _| [1.0 / a[0]]),
            Op::Magnitude => self.slopes(id, |a, _| [if a[0] == 0.0 { 0.0 } else { a[0].signum() }]),
            Op::Logistic => self.slopes(id, |a, _| [logistic(a[0]) * logistic(-a[0])]),
            Op::LogLogistic => self.slopes(id, |a, _| [logistic(-a[0])]),
            Op::Square => self.slopes(id, |a, _| [2.0 * a[0]]),
            Op::Positive | Op::Constant | Op::TopWords | Op::Length | Op::Overlap(_) => Ok(()),
            op @ (Op::Root | Op::LogComplement | Op::LogInterval | Op::Estimate(_)) => {
                self.slopes(id, |a, _| special(op, a).map_or([f64::NAN; 2], |(_, slopes)| slopes))
            }
            Op::Choose => self.slopes(id, |a, _| if a[0] > 0.0 { [0.0, 1.0, 0.0] } else { [0.0, 0.0, 1.0] }),

            Op::Total | Op::Average | Op::AverageAll => {
                let (to, weights) = self.reduction(id)?;
                let arg = node.args[0].index();
                for i in 0..to.len() {
                    self.gradients[arg][i] += weights[i] * self.gradients[id.index()][to[i]];
                }
                Ok(())
            }

            Op::Recast(_) | Op::EveryPrompt => self.slopes(id, |_, _| [1.0]),

            Op::Mixture => self.slopes(id, |a, y| [(a[2].ln() + a[0] - y).exp(), ((1.0 - a[2]).ln() + a[1] - y).exp()]),
            Op::Renormalised => self.renormalised_slopes(id),

            // Each is the transpose of what it does to a group's values.
            Op::OthersMean => self.group_slopes(id, |group, g, _| {
                let sum: f64 = group.iter().map(|&i| g[i]).sum();
                group.iter().map(|&i| (sum - g[i]) / as_f64(group.len() - 1)).collect()
            }),
            Op::GroupMean => self.group_slopes(id, |group, g, _| {
                let sum: f64 = group.iter().map(|&i| g[i]).sum();
                vec![sum / as_f64(group.len()); group.len()]
            }),
            Op::GroupLogSoftmax => self.group_slopes(id, |group, g, y| {
                let sum: f64 = group.iter().map(|&i| g[i]).sum();
                group.iter().map(|&i| g[i] - y[i].exp() * sum).collect()
            }),
            Op::GroupSpread => {
                let x = self.values[node.args[0].index()].clone();
                self.group_slopes(id, |group, g, _| {
                    let own: Vec<f64> = group.iter().map(|&i| x[i]).collect();
                    let sum: f64 = group.iter().map(|&i| g[i]).sum();
                    deviation_slopes(&own).into_iter().map(|slope| slope * sum).collect()
                })
            }
            Op::OthersSpread => {
                let x = self.values[node.args[0].index()].clone();
                self.group_slopes(id, |group, g, _| {
                    let mut slopes = vec![0.0; x.len()];
                    for &i in group {
                        let others: Vec<usize> = besides(group, i).collect();
                        let values: Vec<f64> = others.iter().map(|&j| x[j]).collect();
                        for (j, slope) in others.into_iter().zip(deviation_slopes(&values)) {
                            slopes[j] += g[i] * slope;
                        }
                    }
                    group.iter().map(|&i| slopes[i]).collect()
                })
            }
            Op::BatchSpread => {
                let (arg, given) = (node.args[0].index(), self.gradients[id.index()][0]);
                for (to, slope) in self.gradients[arg].iter_mut().zip(deviation_slopes(&self.values[arg])) {
                    *to += given * slope;
                }
                Ok(())
            }
            Op::Sorted => {
                let arg = node.args[0].index();
                for (to, from) in sorting(&self.values[arg]).into_iter().enumerate() {
                    self.gradients[arg][from] += self.gradients[id.index()][to];
                }
                Ok(())
            }
            Op::Following => {
                let arg = node.args[0].index();
                for t in self.stretches(id).into_iter().flat_map(|stretch| stretch.skip(1)) {
                    self.gradients[arg][t] += self.gradients[id.index()][t - 1];
                }
                Ok(())
            }
            Op::DiscountedSum => {
                let (arg, decay) = (node.args[0].index(), self.values[node.args[1].index()][0]);
                let given = accumulated(&self.gradients[id.index()], &self.stretches(id), decay);
                self.gradients[arg].iter_mut().zip(given).for_each(|(to, given)| *to += given);
                Ok(())
            }
            Op::AtLast => {
                let arg = node.args[0].index();
                for (response, stretch) in self.stretches(id).into_iter().enumerate() {
                    self.gradients[arg][response] += self.gradients[id.index()][stretch.end - 1];
                }
                Ok(())
            }
        }
    }

    /// For a pointwise step: the derivative by each of the first `N` arguments, from their values and the result.
    fn slopes<const N: usize>(&mut self, id: Id, slope: impl Fn(&[f64], f64) -> [f64; N]) -> Result<(), EvalError> {
        let node = self.program.node(id);
        let lined_up = self.lined_up(id)?;
        for i in 0..self.values[id.index()].len() {
            let here: Vec<f64> =
                node.args.iter().zip(&lined_up).map(|(arg, index)| self.values[arg.index()][index[i]]).collect();
            let given = self.gradients[id.index()][i];
            let slopes = slope(&here, self.values[id.index()][i]);
            for ((arg, index), slope) in node.args.iter().zip(&lined_up).zip(slopes) {
                // No gradient times an infinite slope is no gradient.
                if given != 0.0 && slope != 0.0 {
                    self.gradients[arg.index()][index[i]] += given * slope;
                }
            }
        }
        Ok(())
    }

    /// For a step over the responses to a prompt: the argument's gradient from the result's gradient and value.
    fn group_slopes(&mut self, id: Id, slope: impl Fn(&[usize], &[f64], &[f64]) -> Vec<f64>) -> Result<(), EvalError> {
        let arg = self.program.node(id).args[0].index();
        for group in self.groups(id)? {
            let slopes = slope(&group, &self.gradients[id.index()], &self.values[id.index()]);
            for (&i, g) in group.iter().zip(slopes) {
                self.gradients[arg][i] += g;
            }
        }
        Ok(())
    }
}
