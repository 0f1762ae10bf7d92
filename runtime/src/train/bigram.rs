//! A model for tests of everything around a model: a token's logits are the products of its predecessor's
//! embedding with every embedding.

use crate::model::{Engine, Live, Parameters, Sequences, ValuesAt};
use crate::{Error, Result, bridge};
use dfdx::prelude::{Cpu, Gradients};
use std::sync::Arc;

pub(super) struct Bigram(pub(super) Arc<Parameters>);

impl Bigram {
    /// `[words, width]`
    fn table(&self) -> (Vec<f32>, usize) {
        let weights = self.0.weights.read().unwrap();
        (weights.data[weights.tensors[0].range.clone()].to_vec(), weights.config.hidden_size)
    }

    /// Log-probabilities of all words after each scored token's predecessor, and the two tokens.
    fn rows(&self, batch: &Sequences) -> Vec<(usize, usize, Vec<f64>)> {
        let (table, width) = self.table();
        let row = |token: usize| &table[token * width..(token + 1) * width];
        let scored = batch.spans.iter().flat_map(|span| span.scored.clone());
        let all = scored.map(|position| {
            let (before, here) = (batch.tokens[position - 1] as usize, batch.tokens[position] as usize);
            let logit = |word| row(before).iter().zip(row(word)).map(|(a, b)| f64::from(a * b)).sum::<f64>();
            let logits: Vec<f64> = (0..table.len() / width).map(logit).collect();
            let sum = collimate_dsl::eval::log_sum_exp(logits.iter().copied());
            (before, here, logits.into_iter().map(|logit| logit - sum).collect())
        });
        all.collect()
    }
}

impl Engine<Cpu> for Bigram {
    fn score(&self, batch: &Sequences) -> Result<Vec<f32>> {
        Ok(self.rows(batch).into_iter().map(|(_, here, logp)| logp[here] as f32).collect())
    }

    fn forward(&self, batch: &Sequences) -> Result<Live<Cpu>> {
        let rows = self.rows(batch);
        let (table, width) = self.table();
        let values = rows.iter().map(|(_, here, logp)| logp[*here] as f32).collect();
        let parameters = Arc::clone(&self.0);
        bridge::node(&Cpu::default(), values, move |upstream| {
            let mut gradient = parameters.gradient.lock().unwrap();
            for ((before, here, logp), upstream) in rows.into_iter().zip(upstream) {
                for (word, logp) in logp.into_iter().enumerate() {
                    let slope = (f64::from(upstream) * (f64::from(u8::from(word == here)) - logp.exp())) as f32;
                    for i in 0..width {
                        gradient[before * width + i] += slope * table[word * width + i];
                        gradient[word * width + i] += slope * table[before * width + i];
                    }
                }
            }
        })
    }

    fn score_words(&self, batch: &Sequences) -> Result<Vec<f32>> {
        Ok(self.rows(batch).into_iter().flat_map(|(.., logp)| logp).map(|x| x as f32).collect())
    }

    fn forward_words(&self, batch: &Sequences) -> Result<Live<Cpu>> {
        let rows = self.rows(batch);
        let (table, width) = self.table();
        let parameters = Arc::clone(&self.0);
        bridge::node(&Cpu::default(), self.score_words(batch)?, move |upstream| {
            let mut gradient = parameters.gradient.lock().unwrap();
            for ((before, _, logp), upstream) in rows.into_iter().zip(upstream.chunks(table.len() / width)) {
                let sum: f64 = upstream.iter().copied().map(f64::from).sum();
                for (word, logp) in logp.into_iter().enumerate() {
                    let slope = (f64::from(upstream[word]) - logp.exp() * sum) as f32;
                    for i in 0..width {
                        gradient[before * width + i] += slope * table[word * width + i];
                        gradient[word * width + i] += slope * table[before * width + i];
                    }
                }
            }
        })
    }

    fn score_values(&self, _: &Sequences, _: ValuesAt) -> Result<Vec<f32>> {
        Err(Error::Setting("a table of words gives no values".to_owned()))
    }

    fn forward_values(&self, batch: &Sequences, at: ValuesAt) -> Result<Live<Cpu>> {
        self.score_values(batch, at).map(|_| unreachable!("it is an error"))
    }

    fn collect(&self, _: &Gradients<f32, Cpu>) -> Result<()> {
        Ok(())
    }
}
