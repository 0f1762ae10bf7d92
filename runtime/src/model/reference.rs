//! The decoder in plain f64 loops, for tests: one token, one head, one number at a time.

use super::{ModelConfig, Sequences, ValuesAt, Weights};

/// The log-probability of each scored token.
pub(crate) fn score(weights: &Weights, batch: &Sequences) -> Vec<f64> {
    let mut out = Vec::new();
    for span in &batch.spans {
        let tokens = &batch.tokens[span.range.clone()];
        let hidden = Reader { weights, config: &weights.config }.hidden(tokens);
        for scored in span.scored.clone() {
            let logits = logits(weights, &hidden[scored - 1 - span.range.start]);
            out.push(logits[batch.tokens[scored] as usize] - log_sum_exp(&logits));
        }
    }
    out
}

/// The values of all labels at each state asked for.
pub(crate) fn values(weights: &Weights, batch: &Sequences, at: ValuesAt) -> Vec<f64> {
    let mut out = Vec::new();
    let reader = Reader { weights, config: &weights.config };
    for span in &batch.spans {
        let hidden = reader.hidden(&batch.tokens[span.range.clone()]);
        let states = match at {
            ValuesAt::Scored => span.scored.start - 1..span.scored.end - 1,
            ValuesAt::End => span.range.end - 1..span.range.end,
        };
        for state in states {
            out.extend(reader.project("score", &hidden[state - span.range.start]));
        }
    }
    out
}

/// `ln sum exp`.
pub(crate) fn log_sum_exp(values: &[f64]) -> f64 {
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    highest + values.iter().map(|v| (v - highest).exp()).sum::<f64>().ln()
}

fn logits(weights: &Weights, hidden: &[f64]) -> Vec<f64> {
    let name = if weights.config.tie_word_embeddings { "model.embed_tokens" } else { "lm_head" };
    Reader { weights, config: &weights.config }.project(name, hidden)
}

struct Reader<'a> {
    weights: &'a Weights,
    config: &'a ModelConfig,
}

impl Reader<'_> {
    fn numbers(&self, name: &str) -> &[f32] {
        let full = format!("{name}.weight");
        let spec = self.weights.tensors.iter().find(|spec| spec.name == full).unwrap();
        &self.weights.data[spec.range.clone()]
    }

    fn project(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let rows = self.numbers(name).chunks(x.len());
        let mut y: Vec<f64> = rows.map(|row| row.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum()).collect();
        if let Some(bias) = self.weights.tensor(&format!("{name}.bias")) {
            y.iter_mut().zip(&self.weights.data[bias.range.clone()]).for_each(|(y, b)| *y += f64::from(*b));
        }
        y
    }

    /// Each head of a query or key normalised by itself, in a model that does so.
    fn norm_heads(&self, name: &str, x: Vec<f64>) -> Vec<f64> {
        match self.config.family.has_head_norms() {
            true => x.chunks(self.config.head_dim).flat_map(|head| self.norm(name, head)).collect(),
            false => x,
        }
    }

    fn norm(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        let inverse = 1.0 / (mean + self.config.rms_norm_eps).sqrt();
        x.iter().zip(self.numbers(name)).map(|(x, &w)| x * inverse * f64::from(w)).collect()
    }

    /// Turns every head of a query or key by the angles of a position.
    fn rotate(&self, x: &mut [f64], position: usize) {
        let half = self.config.head_dim / 2;
        for head in x.chunks_mut(self.config.head_dim) {
            for (i, frequency) in self.config.rotary_frequencies().iter().enumerate() {
                let (sin, cos) = (frequency * position as f64).sin_cos();
                (head[i], head[i + half]) =
                    (head[i] * cos - head[i + half] * sin, head[i + half] * cos + head[i] * sin);
            }
        }
    }

    /// The state of every token after the last norm.
    fn hidden(&self, tokens: &[u32]) -> Vec<Vec<f64>> {
        let width = self.config.hidden_size;
        let table = self.numbers("model.embed_tokens");
        let mut stream: Vec<Vec<f64>> = tokens
            .iter()
            .map(|&token| table[token as usize * width..][..width].iter().map(|&x| f64::from(x)).collect())
            .collect();
        for layer in 0..self.config.num_hidden_layers {
            let name = |part: &str| format!("model.layers.{layer}.{part}");
            let attended = self.attention(&name, &stream);
            for (x, attended) in stream.iter_mut().zip(attended) {
                x.iter_mut().zip(attended).for_each(|(x, a)| *x += a);
                let normed = self.norm(&name("post_attention_layernorm"), x);
                let gate = self.project(&name("mlp.gate_proj"), &normed);
                let up = self.project(&name("mlp.up_proj"), &normed);
                let gated: Vec<f64> = gate.iter().zip(&up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
                x.iter_mut().zip(self.project(&name("mlp.down_proj"), &gated)).for_each(|(x, d)| *x += d);
            }
        }
        stream.iter().map(|x| self.norm("model.norm", x)).collect()
    }

    fn attention(&self, name: &dyn Fn(&str) -> String, stream: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let d = self.config.head_dim;
        let group = self.config.num_attention_heads / self.config.num_key_value_heads;
        let (mut queries, mut keys, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (position, x) in stream.iter().enumerate() {
            let normed = self.norm(&name("input_layernorm"), x);
            let query = self.project(&name("self_attn.q_proj"), &normed);
            let key = self.project(&name("self_attn.k_proj"), &normed);
            let mut query = self.norm_heads(&name("self_attn.q_norm"), query);
            let mut key = self.norm_heads(&name("self_attn.k_norm"), key);
            self.rotate(&mut query, position);
            self.rotate(&mut key, position);
            queries.push(query);
            keys.push(key);
            values.push(self.project(&name("self_attn.v_proj"), &normed));
        }
        let attend = |row: usize| {
            let mut out = Vec::new();
            for head in 0..self.config.num_attention_heads {
                let query = &queries[row][head * d..][..d];
                let place = head / group * d;
                let scores: Vec<f64> = keys[..=row]
                    .iter()
                    .map(|key| key[place..][..d].iter().zip(query).map(|(k, q)| k * q).sum::<f64>() / (d as f64).sqrt())
                    .collect();
                let sum = log_sum_exp(&scores);
                out.extend((0..d).map(|i| -> f64 {
                    scores.iter().zip(&values).map(|(s, value)| (s - sum).exp() * value[place + i]).sum()
                }));
            }
            self.project(&name("self_attn.o_proj"), &out)
        };
        (0..stream.len()).map(attend).collect()
    }
}
