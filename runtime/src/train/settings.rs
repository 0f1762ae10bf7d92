//! Everything a run depends on, as `run.toml` writes it.

use super::draw::DrawSettings;
use crate::model::LowRank;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything a run depends on. `run.toml` is this, and reads back into it; a name that is not here is an error.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunSettings {
    /// The algorithm's name.
    pub algorithm: String,
    /// The model to start from: a Hugging Face folder, or `sandbox`.
    pub model: String,
    /// The teacher's folder, for an algorithm that reads one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher: Option<PathBuf>,
    /// The folder that the critic begins with, for an algorithm that trains one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critic: Option<PathBuf>,
    /// The critic's largest learning rate; `lr` if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critic_lr: Option<f64>,
    /// The files that are trained on; none means the sandbox's own.
    pub data: Vec<PathBuf>,
    /// A file that is measured but not trained on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eval_data: Option<PathBuf>,
    /// Optimizer steps; if not given, `epochs` decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// How often every row is seen; once, if `steps` is not given either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<u64>,
    /// Rows for one optimizer step.
    pub batch: usize,
    /// Rows the model works on at a time; the result does not depend on it. All of the batch, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub micro_batch: Option<usize>,
    /// The largest learning rate.
    pub lr: f64,
    /// How the learning rate changes from step to step.
    pub schedule: Schedule,
    /// Steps in which the learning rate rises from 0.
    pub warmup: u64,
    /// By how much AdamW shrinks weights (not those of norms, and no biases), times the learning rate.
    pub weight_decay: f64,
    /// A longer gradient is shortened to this; 0 leaves every gradient as it is.
    pub max_grad_norm: f64,
    /// Longest sequence in tokens, prompt and response together; what the model can take, but at most 1024, if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// Seed of everything random.
    pub seed: u64,
    /// A new order of the rows in every epoch; otherwise the order of the file.
    pub shuffle: bool,
    /// `cpu` or `cuda:0`.
    pub device: String,
    /// Which of the two engines runs the model.
    pub engine: EngineKind,
    /// How weights and the states of tokens are stored while the model runs.
    pub dtype: Dtype,
    /// Compute layers again instead of keeping what the gradient needs of them; if not given, models of
    /// [`FusedOptions::LARGE`](crate::model::FusedOptions::LARGE) weights and more do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recompute: Option<bool>,
    /// Where the reference's log-probabilities are kept, so that they are computed once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub precompute_reference: Option<PathBuf>,
    /// A checkpoint after every so many steps; 0 writes none but when the run is stopped.
    pub checkpoint_every: u64,
    /// Narrow matrices that are trained in the place of the model's own, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lora: Option<LowRank>,
    /// How responses are drawn, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw: Option<DrawSettings>,
    /// For a reward model of one number that begins with one of several attributes: what each of them adds to the number.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, f64>,
    /// The algorithm's hyper-parameters.
    pub set: BTreeMap<String, f64>,
}

/// How the learning rate changes after the warm-up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Not at all.
    Constant,
    /// Falls in a straight line to 0.
    Linear,
    /// Falls to 0 as half a cosine wave.
    Cosine,
}

/// Which engine runs the model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// The fast one.
    Fused,
    /// Plain dfdx operations: slow, and the definition.
    Graph,
}

/// How numbers are stored while a model runs. Sums, gradients and what the optimizer changes are f32 always.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 32 bits.
    F32,
    /// The upper half of an f32.
    Bf16,
}

impl Default for RunSettings {
    fn default() -> Self {
        RunSettings {
            algorithm: String::new(),
            model: String::new(),
            teacher: None,
            attributes: BTreeMap::new(),
            critic: None,
            critic_lr: None,
            data: Vec::new(),
            eval_data: None,
            steps: None,
            epochs: None,
            batch: 8,
            micro_batch: None,
            lr: 1e-6,
            schedule: Schedule::Linear,
            warmup: 0,
            weight_decay: 0.0,
            max_grad_norm: 1.0,
            max_length: None,
            seed: 0,
            shuffle: true,
            device: "cpu".to_owned(),
            engine: EngineKind::Fused,
            dtype: Dtype::F32,
            recompute: None,
            precompute_reference: None,
            checkpoint_every: 500,
            lora: None,
            draw: None,
            set: BTreeMap::new(),
        }
    }
}

impl RunSettings {
    /// Optimizer steps on the same responses: 1 where they are given.
    pub(super) fn iterations(&self) -> u64 {
        self.draw.as_ref().map_or(1, |draw| draw.num_iterations)
    }

    /// Reads settings; what the file does not name keeps its default.
    ///
    /// # Errors
    /// If the file cannot be read, is not TOML, or names something unknown.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::file(path, format!("cannot be read: {e}")))?;
        toml::from_str(&text).map_err(|e| {
            let line = e.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            // The list of what would be known is worth keeping, its line breaks are not.
            let problem = e.message().split_whitespace().collect::<Vec<_>>().join(" ");
            Error::Row { path: path.to_owned(), line, problem }
        })
    }

    /// As `run.toml` writes them.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("settings are plain numbers and words")
    }

    /// Are all numbers in their ranges?
    ///
    /// # Errors
    /// The first that is not, with its range.
    pub fn check(&self) -> Result<()> {
        let refuse = |problem: String| Err(Error::Setting(problem));
        self.draw.as_ref().map_or(Ok(()), DrawSettings::check)?;
        self.lora.map_or(Ok(()), LowRank::check)?;
        if self.steps.is_some() && self.epochs.is_some() {
            return refuse("steps and epochs are both given; leave one of them out".to_owned());
        }
        for (name, value) in [("steps", self.steps), ("epochs", self.epochs), ("batch", Some(self.batch as u64))] {
            if value == Some(0) {
                return refuse(format!("{name} is 0; it has to be at least 1"));
            }
        }
        match self.micro_batch {
            Some(0) => return refuse("micro-batch is 0; it has to be at least 1".to_owned()),
            Some(micro) if micro > self.batch => {
                return refuse(format!("micro-batch {micro} is larger than batch {}; it is a part of it", self.batch));
            }
            Some(_) | None => {}
        }
        if !(self.lr > 0.0 && self.lr <= 10.0) {
            return refuse(format!("lr is {}; it has to be above 0, at most 10", self.lr));
        }
        if let Some(lr) = self.critic_lr.filter(|lr| !(*lr > 0.0 && *lr <= 10.0)) {
            return refuse(format!("critic-lr is {lr}; it has to be above 0, at most 10"));
        }
        for (name, value, limit) in
            [("weight-decay", self.weight_decay, 1.0), ("max-grad-norm", self.max_grad_norm, 1e9)]
        {
            if !(0.0..=limit).contains(&value) {
                return refuse(format!("{name} is {value}; it has to be at least 0, at most {limit}"));
            }
        }
        match self.max_length {
            Some(length @ (0 | 1)) => {
                refuse(format!("max-length is {length}; a prompt and a response need at least 2"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Rows the model works on at a time.
    #[must_use]
    pub fn micro_batch(&self) -> usize {
        self.micro_batch.unwrap_or(self.batch)
    }

    /// Everything that the result depends on, by name. Names of files do not count: their content is compared.
    #[must_use]
    pub fn relevant(&self) -> BTreeMap<String, String> {
        let mut settings = self.clone();
        (settings.model, settings.data) = (String::new(), Vec::new());
        (settings.eval_data, settings.checkpoint_every, settings.recompute) = (None, 0, None);
        settings.precompute_reference = None;
        if let Some(draw) = &mut settings.draw {
            draw.sampler = None;
        }
        settings.micro_batch = Some(settings.micro_batch());
        let set = std::mem::take(&mut settings.set);
        let table = toml::Table::try_from(&settings).expect("settings are plain numbers and words");
        let mut relevant: BTreeMap<_, _> = table.into_iter().map(|(name, value)| (name, value.to_string())).collect();
        relevant.extend(set.into_iter().map(|(name, value)| (name, value.to_string())));
        relevant
    }

    /// Where two runs differ in a way that changes the result: name, here, there.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let (here, there) = (self.relevant(), other.relevant());
        let names: std::collections::BTreeSet<_> = here.keys().chain(there.keys()).collect();
        let shown = |value: Option<&String>| value.map_or("not given".to_owned(), Clone::clone);
        names
            .into_iter()
            .filter(|name| here.get(*name) != there.get(*name))
            .map(|name| format!("{name} is {} and was {}", shown(here.get(name)), shown(there.get(name))))
            .collect()
    }
}

impl std::str::FromStr for Schedule {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "constant" => Ok(Schedule::Constant),
            "linear" => Ok(Schedule::Linear),
            "cosine" => Ok(Schedule::Cosine),
            other => Err(format!("there is no schedule `{other}`; it is constant, linear or cosine")),
        }
    }
}

impl std::str::FromStr for EngineKind {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "fused" => Ok(EngineKind::Fused),
            "graph" => Ok(EngineKind::Graph),
            other => Err(format!("there is no engine `{other}`; it is fused or graph")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> RunSettings {
        RunSettings {
            algorithm: "mine".to_owned(),
            model: "models/small".to_owned(),
            data: vec!["a.jsonl".into(), "b.jsonl".into()],
            epochs: Some(2),
            micro_batch: Some(2),
            lr: 1.25e-5,
            schedule: Schedule::Cosine,
            set: BTreeMap::from([("beta".to_owned(), 0.1)]),
            ..RunSettings::default()
        }
    }

    fn read(text: &str) -> Result<RunSettings> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.toml");
        std::fs::write(&path, text).unwrap();
        RunSettings::read(&path)
    }

    #[test]
    fn settings_read_back_as_written() {
        assert_eq!(read(&some().to_toml()).unwrap(), some());
        assert_eq!(read("").unwrap(), RunSettings::default());
    }

    #[test]
    fn an_unknown_name_is_refused_with_its_line() {
        let error = read("lr = 1e-4\n\nlearning_rate = 1e-3\n").unwrap_err().to_string();
        assert!(error.contains("run.toml:3: unknown field `learning_rate`, expected one of"), "{error}");
        assert!(!error.contains('\n'), "{error}");
        assert!(read("batch = -1").unwrap_err().to_string().contains("run.toml:1: "));
    }

    #[test]
    fn numbers_outside_their_range_are_refused() {
        some().check().unwrap();
        let refused = |change: fn(&mut RunSettings), text: &str| {
            let mut settings = some();
            change(&mut settings);
            let error = settings.check().unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        };
        refused(|s| s.steps = Some(3), "steps and epochs are both given");
        refused(|s| s.epochs = Some(0), "epochs is 0");
        refused(|s| s.batch = 0, "batch is 0");
        refused(|s| s.micro_batch = Some(0), "micro-batch is 0");
        refused(|s| s.micro_batch = Some(9), "micro-batch 9 is larger than batch 8");
        refused(|s| s.lr = 0.0, "lr is 0; it has to be above 0");
        refused(|s| s.lr = f64::NAN, "lr is NaN");
        refused(|s| s.weight_decay = -0.1, "weight-decay is -0.1");
        refused(|s| s.max_grad_norm = f64::INFINITY, "max-grad-norm is inf");
        refused(|s| s.max_length = Some(1), "max-length is 1");
    }

    #[test]
    fn differences_name_what_changes_the_result() {
        let mut other = RunSettings { model: "moved".to_owned(), checkpoint_every: 3, recompute: Some(true), ..some() };
        assert!(some().differences(&other).is_empty());
        other.lr = 1e-4;
        other.set.insert("beta".to_owned(), 0.5);
        other.max_length = Some(64);
        let differences =
            ["beta is 0.1 and was 0.5", "lr is 0.0000125 and was 0.0001", "max_length is not given and was 64"];
        assert_eq!(some().differences(&other), differences);
    }
}
