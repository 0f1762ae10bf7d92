//! What was trained, alone, in a folder that PEFT opens.

use super::{LowRank, MODULES, Weights};
use crate::Result;
use crate::checkpoint::{disk, tensors};
use crate::model::head::SCORE;
use serde_json::json;
use std::path::Path;

/// How PEFT names the tensors of a model that it wraps.
const PREFIX: &str = "base_model.model.";

impl Weights {
    /// Writes `adapter_config.json` and `adapter_model.safetensors` into a folder that is there: the narrow matrices, and the head
    /// of labels if there is one. `base` says what they belong to.
    ///
    /// # Errors
    /// If a file cannot be written.
    ///
    /// # Panics
    /// If there are no narrow matrices.
    pub fn save_adapter(&self, folder: &Path, base: &str) -> Result<()> {
        let LowRank { rank, alpha } = self.low_rank.expect("only a model with narrow matrices has an adapter");
        let trained = [(PREFIX, &self.data[self.trained()])];
        tensors::write(&folder.join("adapter_model.safetensors"), self.trained_tensors(), &trained)?;
        let words = self.labels.is_empty();
        let config = json!({
            "peft_type": "LORA",
            "task_type": if words { "CAUSAL_LM" } else { "SEQ_CLS" },
            "base_model_name_or_path": base,
            "r": rank,
            "lora_alpha": alpha,
            "lora_dropout": 0.0,
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
            "target_modules": MODULES.map(|module| module.rsplit('.').next().unwrap_or(module)),
            "modules_to_save": if words { None } else { Some([SCORE.trim_end_matches(".weight")]) },
        });
        let text = serde_json::to_string_pretty(&config).expect("a config is plain numbers and words");
        disk::write_whole(&folder.join("adapter_config.json"), text.as_bytes())
    }
}
