//! One DPO step as `gpu/run` times it: a frozen reference scores the pairs, the actor runs forward and backward, its
//! gradient is clipped and AdamW updates it. `gpu/torch_step.py` takes the same step in PyTorch, from the same file.

use collimate_dsl::eval::{Inputs, Settings};
use collimate_dsl::ir::{Program, SideTag};
use collimate_dsl::{Layout, Reach};
use collimate_runtime::model::{Engine, ModelConfig, Parameters, Sequences};
use collimate_runtime::train::{AdamW, Update, length, shortened};
use collimate_runtime::{Cpu, Error, Result, compile};
use serde_json::{Value, json};
use std::sync::Arc;

/// A prompt, its chosen and its rejected answer.
pub type Pair = [Vec<u32>; 3];

const NAMES: [&str; 3] = ["prompt", "chosen", "rejected"];
const SIDES: [SideTag; 2] = [SideTag::Chosen, SideTag::Rejected];

/// The numbers and the data of some steps.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// DPO's coefficient.
    pub beta: f64,
    /// The learning rate.
    pub lr: f64,
    /// A longer gradient is shortened to this.
    pub max_grad_norm: f64,
    /// The pairs of each step.
    pub steps: Vec<Vec<Pair>>,
}

impl Plan {
    /// As a file for PyTorch.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let pair = |pair: &Pair| -> Value {
            NAMES.into_iter().zip(pair).map(|(name, tokens)| (name.to_owned(), json!(tokens))).collect()
        };
        let steps: Vec<Vec<Value>> = self.steps.iter().map(|pairs| pairs.iter().map(pair).collect()).collect();
        json!({"beta": self.beta, "lr": self.lr, "max_grad_norm": self.max_grad_norm, "steps": steps})
    }

    /// From such a file; none if it is not one.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let number = |name: &str| value[name].as_f64();
        let tokens = |list: &Value| -> Option<Vec<u32>> {
            list.as_array()?.iter().map(|token| token.as_u64().map(|token| token as u32)).collect()
        };
        let pair = |pair: &Value| -> Option<Pair> {
            let [prompt, chosen, rejected] = NAMES.map(|name| tokens(&pair[name]));
            Some([prompt?, chosen?, rejected?])
        };
        let step = |pairs: &Value| pairs.as_array()?.iter().map(pair).collect();
        let steps = value["steps"].as_array()?.iter().map(step).collect::<Option<_>>()?;
        let [beta, lr, max_grad_norm] = ["beta", "lr", "max_grad_norm"].map(number);
        Some(Plan { beta: beta?, lr: lr?, max_grad_norm: max_grad_norm?, steps })
    }
}

/// Tokens that the loss is defined on: every prompt counts with each of its answers.
#[must_use]
pub fn tokens(pairs: &[Pair]) -> usize {
    pairs.iter().map(|[prompt, chosen, rejected]| 2 * prompt.len() + chosen.len() + rejected.len()).sum()
}

/// The operations of a step's products, counted twice: as it is usual, twice the weights for each of [`tokens`]; and no more
/// than it takes, with a prompt read once for both answers, the head at scored tokens only, and with the products of
/// attention. Backward is twice forward, and the reference runs forward only: four times forward in all.
#[must_use]
pub fn operations(config: &ModelConfig, parameters: usize, pairs: &[Pair]) -> (f64, f64) {
    let usual = 8.0 * parameters as f64 * tokens(pairs) as f64;
    let heads = config.num_attention_heads * config.head_dim;
    let keys = config.num_key_value_heads * config.head_dim;
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let layer = hidden * (2 * heads + 2 * keys) + 3 * hidden * inner;
    let forward = |[prompt, chosen, rejected]: &Pair| {
        let (p, answers) = (prompt.len(), [chosen.len(), rejected.len()]);
        // The last token of an answer is not read: nothing comes after it.
        let read = p + answers.iter().map(|a| a - 1).sum::<usize>();
        // Each token sees itself and what stands before it.
        let seen = p * (p + 1) / 2 + answers.iter().map(|a| (a - 1) * p + (a - 1) * a / 2).sum::<usize>();
        let scored = answers.iter().sum::<usize>();
        let layers = config.num_hidden_layers * (2 * layer * read + 4 * heads * seen);
        (layers + 2 * hidden * config.vocab_size * scored) as f64
    };
    (usual, 4.0 * pairs.iter().map(forward).sum::<f64>())
}

/// Two models and all that the steps of one need.
pub struct Stepper {
    program: Program,
    settings: Settings,
    plan: Plan,
    reference: Box<dyn Engine<Cpu>>,
    actor: Box<dyn Engine<Cpu>>,
    parameters: Arc<Parameters>,
    optimizer: AdamW,
}

impl Stepper {
    /// A frozen reference, and an actor on these parameters. The loss, some thousand numbers, is computed on the CPU.
    #[must_use]
    pub fn new(
        plan: &Plan,
        reference: Box<dyn Engine<Cpu>>,
        actor: Box<dyn Engine<Cpu>>,
        parameters: Arc<Parameters>,
    ) -> Self {
        let weights = parameters.weights.read().expect("no thread has failed").data.len();
        Stepper {
            program: (collimate::dpo::DPO.trace)(),
            settings: [("beta".to_owned(), plan.beta), ("label_smoothing".to_owned(), 0.0)].into(),
            plan: plan.clone(),
            reference,
            actor,
            parameters,
            optimizer: AdamW::new(weights),
        }
    }

    /// One step on these pairs. Gives the loss, and the gradient's length before it was clipped.
    ///
    /// # Errors
    /// If a model cannot read the pairs, a number is not finite, or the device fails.
    pub fn step(&mut self, pairs: &[Pair]) -> Result<(f64, f64)> {
        let mut batch = Sequences::default();
        let mut layout = Layout { prompts: pairs.len(), sides: Vec::new(), words: 0 };
        for (answer, side) in SIDES.into_iter().enumerate() {
            pairs.iter().for_each(|pair| batch.push(&pair[0], &pair[1 + answer]));
            let reach = |(prompt, pair): (usize, &Pair)| Reach { prompt, tokens: pair[1 + answer].len() };
            layout.sides.push((side, pairs.iter().enumerate().map(reach).collect()));
        }
        let before = self.reference.score(&batch)?;
        let mut before = before.into_iter().map(f64::from);
        let mut inputs = Inputs::new();
        for (side, reaches) in &layout.sides {
            let count = reaches.iter().map(|reach| reach.tokens).sum();
            inputs.insert("reference", "logp", Some(*side), before.by_ref().take(count).collect());
        }
        let (live, totals) = (self.actor.forward(&batch)?, layout.totals());
        let (device, program) = (Cpu::default(), &self.program);
        let (outcome, gradients) = compile::step(&device, program, &layout, &totals, &inputs, &self.settings, live)?;
        self.actor.collect(&gradients)?;
        Ok((outcome.loss, self.update()?))
    }

    fn update(&mut self) -> Result<f64> {
        let Plan { lr, max_grad_norm, .. } = self.plan;
        let of = |length: f64| match length.is_finite() {
            true => Ok(Update { lr, weight_decay: 0.0, scale: shortened(length, max_grad_norm) }),
            false => Err(Error::Numeric("the gradient is not finite".to_owned())),
        };
        if let Some(trains) = self.actor.trains() {
            let length = trains.gradient_length()?;
            trains.update(&mut self.optimizer, of(length)?)?;
            return Ok(length);
        }
        let mut gradient = self.parameters.gradient.lock().expect("no thread has failed");
        let (found, optimizer) = (length(&gradient), &mut self.optimizer);
        let update = of(found)?;
        self.parameters.change(|weights| optimizer.update(weights, &gradient, update));
        gradient.fill(0.0);
        Ok(found)
    }
}
