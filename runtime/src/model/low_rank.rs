//! LoRA, arXiv:2106.09685, equation 3: the model's matrices stay as they are, and beside each of them a product of two narrow ones
//! is trained, `y = W x + (alpha / r) B A x`.
//!
//! The narrow matrices are tensors of the model like all others, and lie behind them. So whatever reads a model reads them too, and
//! what is trained is the end of the flat vector: they, and before them a head of labels, if there is one.

mod adapter;

use super::{TensorSpec, Weights, head::SCORE};
use crate::random::Random;
use crate::{Error, Result};
use collimate_kernels::matrix::{Matrix, MatrixMut, Threads, Write, multiply};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// The matrices of a layer that get a pair each: all of them.
const MODULES: [&str; 7] = [
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
];

/// How wide the narrow matrices are, and how much their product counts.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LowRank {
    /// Rows of `A` and columns of `B`.
    #[serde(rename = "r")]
    pub rank: usize,
    /// The product counts `alpha / r` times.
    pub alpha: f64,
}

impl LowRank {
    /// What the product of the narrow matrices is multiplied by.
    #[must_use]
    pub fn scale(self) -> f32 {
        (self.alpha / self.rank as f64) as f32
    }

    /// Are the numbers in their ranges?
    ///
    /// # Errors
    /// The first that is not, with its range.
    pub fn check(self) -> Result<()> {
        let LowRank { rank, alpha } = self;
        if rank == 0 {
            return Err(Error::Setting("lora: r is 0; it has to be at least 1".to_owned()));
        }
        if !(alpha > 0.0 && alpha <= 1e6) {
            return Err(Error::Setting(format!("lora: alpha is {alpha}; it has to be above 0, at most 1000000")));
        }
        Ok(())
    }
}

/// The names of the two matrices beside one.
pub(crate) fn names(of: &str) -> [String; 2] {
    let module = of.strip_suffix(".weight").unwrap_or(of);
    ["lora_A", "lora_B"].map(|part| format!("{module}.{part}.weight"))
}

/// The name of the vector that is added after a product with a matrix, where a model has one.
pub(crate) fn bias(of: &str) -> String {
    let module = of.strip_suffix(".weight").unwrap_or(of);
    format!("{module}.bias")
}

impl Weights {
    /// The same model with a pair of narrow matrices beside each matrix of its layers: `A` drawn as PEFT draws it, evenly between
    /// `-1 / sqrt(in)` and that, and `B` zero, so that nothing changes yet. The same seed gives the same `A`.
    ///
    /// # Errors
    /// If the rank is larger than the matrices allow.
    pub fn with_low_rank(mut self, low_rank: LowRank, seed: u64) -> Result<Self> {
        low_rank.check()?;
        let (rank, most) = (low_rank.rank, self.config.hidden_size);
        if rank > most {
            let problem = format!("lora: r is {rank}, but the model's matrices are {most} wide; choose at most that");
            return Err(Error::Setting(problem));
        }
        let mut added = Vec::new();
        let mut end = self.data.len();
        for layer in 0..self.config.num_hidden_layers {
            for module in MODULES {
                let name = format!("model.layers.{layer}.{module}.weight");
                let shape = &self.tensor(&name).expect("every layout of weights has these matrices").shape;
                for (name, shape) in names(&name).into_iter().zip([[rank, shape[1]], [shape[0], rank]]) {
                    let range = end..end + shape[0] * shape[1];
                    end = range.end;
                    added.push(TensorSpec { name, shape: shape.to_vec(), range });
                }
            }
        }
        self.data.reserve_exact(end - self.data.len());
        self.data.resize(end, 0.0);
        let mut random = Random::new(seed);
        for spec in added.iter().step_by(2) {
            let bound = 1.0 / (spec.shape[1] as f64).sqrt();
            self.data[spec.range.clone()].iter_mut().for_each(|a| *a = (bound * (2.0 * random.uniform() - 1.0)) as f32);
        }
        self.tensors.extend(added);
        self.low_rank = Some(low_rank);
        Ok(self)
    }

    /// A tensor by name.
    pub(crate) fn tensor(&self, name: &str) -> Option<&TensorSpec> {
        self.tensors.iter().find(|spec| spec.name == name)
    }

    /// The model's own tensors, without narrow matrices beside them.
    pub(super) fn own_tensors(&self) -> &[TensorSpec] {
        let end = self.tensors.iter().position(|spec| spec.name.contains(".lora_")).unwrap_or(self.tensors.len());
        &self.tensors[..end]
    }

    /// The part of [`Weights::data`] that is trained: all of it, or its end where there are narrow matrices.
    #[must_use]
    pub fn trained(&self) -> Range<usize> {
        let start = match self.low_rank {
            None => 0,
            Some(_) => self.trained_tensors()[0].range.start,
        };
        start..self.data.len()
    }

    /// The tensors in that part.
    #[must_use]
    pub fn trained_tensors(&self) -> &[TensorSpec] {
        if self.low_rank.is_none() {
            return &self.tensors;
        }
        let own = self.own_tensors().len();
        let head = usize::from(self.tensors[own - 1].name == SCORE);
        &self.tensors[own - head..]
    }

    /// What is trained of it and nothing else, laid out from 0: no engine can read it.
    pub(crate) fn trained_alone(&self) -> Weights {
        let trained = self.trained();
        let moved = |spec: &TensorSpec| TensorSpec { range: spec.after(trained.start), ..spec.clone() };
        Weights {
            tensors: self.trained_tensors().iter().map(moved).collect(),
            data: self.data[trained.clone()].to_vec(),
            low_rank: None,
            config: self.config.clone(),
            labels: self.labels.clone(),
            folder: Arc::clone(&self.folder),
        }
    }

    /// One of the model's own tensors as it is with the narrow matrices beside it: `W + (alpha / r) B A`.
    pub(super) fn merged_tensor(&self, spec: &TensorSpec) -> Cow<'_, [f32]> {
        let own = &self.data[spec.range.clone()];
        let [a, b] = names(&spec.name).map(|name| self.tensor(&name));
        let (Some(low_rank), Some(a), Some(b)) = (self.low_rank, a, b) else { return own.into() };
        let mut merged = own.to_vec();
        let b: Vec<f32> = self.data[b.range.clone()].iter().map(|b| b * low_rank.scale()).collect();
        multiply(
            MatrixMut::new(&mut merged, spec.shape[0], spec.shape[1]),
            Write::Add,
            Matrix::new(&b, spec.shape[0], low_rank.rank),
            Matrix::new(&self.data[a.range.clone()], low_rank.rank, spec.shape[1]),
            Threads::All,
        );
        merged.into()
    }

    /// The model that the narrow matrices make of it, without them.
    #[must_use]
    pub fn merged(mut self) -> Self {
        let own = self.own_tensors().len();
        for index in 0..own {
            if let Cow::Owned(merged) = self.merged_tensor(&self.tensors[index]) {
                let range = self.tensors[index].range.clone();
                self.data[range].copy_from_slice(&merged);
            }
        }
        self.tensors.truncate(own);
        self.data.truncate(self.tensors.last().map_or(0, |spec| spec.range.end));
        self.data.shrink_to_fit();
        self.low_rank = None;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::small::config;

    const PAIR: LowRank = LowRank { rank: 2, alpha: 6.0 };

    #[test]
    fn what_is_trained_is_the_end() {
        let language = Weights::random(config(), 3);
        let with = language.clone().with_low_rank(PAIR, 5).unwrap();
        assert_eq!(with.data[..language.data.len()], language.data);
        assert_eq!(with.trained(), language.data.len()..with.data.len());
        assert_eq!(with.trained_tensors().len(), 14 * config().num_hidden_layers);
        assert_eq!(language.trained(), 0..language.data.len());
        let rewards = language.with_head(&["reward"], 1).with_low_rank(PAIR, 5).unwrap();
        assert_eq!(rewards.trained_tensors()[0].name, SCORE);
        assert_eq!(rewards.trained().start, rewards.tensor(SCORE).unwrap().range.start);
    }

    #[test]
    fn nothing_changes_before_the_first_update_and_the_product_counts_as_it_should_after() {
        let language = Weights::random(config(), 3);
        let mut with = language.clone().with_low_rank(PAIR, 5).unwrap();
        assert_eq!(with.clone().merged(), language);
        let trained = with.trained();
        with.data[trained].iter_mut().enumerate().for_each(|(i, w)| *w = (i as f32 * 0.37).sin());
        let name = "model.layers.1.mlp.down_proj.weight";
        let merged = with.clone().merged();
        let (spec, [a, b]) = (with.tensor(name).unwrap(), names(name).map(|name| with.tensor(&name).unwrap()));
        let (rows, columns) = (spec.shape[0], spec.shape[1]);
        for row in 0..rows {
            for column in 0..columns {
                let product: f32 = (0..2)
                    .map(|k| with.data[b.range.start + row * 2 + k] * with.data[a.range.start + k * columns + column])
                    .sum();
                let right = with.data[spec.range.start + row * columns + column] + 3.0 * product;
                let ours = merged.data[spec.range.start + row * columns + column];
                assert!((ours - right).abs() < 1e-5, "{ours} {right}");
            }
        }
        assert_eq!((merged.tensors.len(), merged.low_rank), (language.tensors.len(), None));
    }

    #[test]
    fn ranks_that_make_no_sense_are_refused() {
        let refused = |rank, alpha| {
            Weights::random(config(), 3).with_low_rank(LowRank { rank, alpha }, 5).unwrap_err().to_string()
        };
        assert_eq!(refused(0, 1.0), "lora: r is 0; it has to be at least 1");
        assert!(refused(2, 0.0).starts_with("lora: alpha is 0;"));
        assert_eq!(refused(17, 1.0), "lora: r is 17, but the model's matrices are 16 wide; choose at most that");
    }
}
