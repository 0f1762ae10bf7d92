//! `config.json` to [`ModelConfig`] and back. What we cannot run is an error that names its key and value.

use super::family_json;
use crate::model::{Family, ModelConfig, RotaryScaling};
use crate::{Error, Result};
use serde_json::{Map, Value, json};
use std::path::Path;

/// How many labels transformers takes a model to have that does not say.
const UNSAID: usize = 2;

/// Reads the file's bytes as a JSON object.
pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Map<String, Value>> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Error::file(path, "must hold a JSON object")),
        Err(error) => Err(Error::file(path, format!("not JSON: {error}"))),
    }
}

/// The keys of one JSON object, with the file they are in.
pub(super) struct Keys<'a> {
    pub(super) map: &'a Map<String, Value>,
    path: &'a Path,
    /// What stands before a key in messages: empty, or `rope_scaling.`.
    prefix: &'static str,
}

impl Keys<'_> {
    /// The value, unless absent or `null`.
    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|v| !v.is_null())
    }

    pub(super) fn error(&self, key: &str, problem: impl std::fmt::Display) -> Error {
        Error::file(self.path, format!("{}{key} {problem}", self.prefix))
    }

    pub(super) fn unsupported(&self, key: &str, value: &Value, allowed: &str) -> Error {
        self.error(key, format_args!("is {value}, which Collimate cannot run; it runs {allowed}"))
    }

    pub(super) fn count(&self, key: &str) -> Result<Option<usize>> {
        self.get(key)
            .map(|v| match v.as_u64() {
                Some(n) if n > 0 => usize::try_from(n).map_err(|_| self.error(key, format_args!("is {v}: too large"))),
                _ => Err(self.error(key, format_args!("is {v}; it must be a whole number above 0"))),
            })
            .transpose()
    }

    fn number(&self, key: &str) -> Result<Option<f64>> {
        self.get(key)
            .map(|v| match v.as_f64() {
                Some(x) if x > 0.0 && x.is_finite() => Ok(x),
                _ => Err(self.error(key, format_args!("is {v}; it must be a number above 0"))),
            })
            .transpose()
    }

    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>> {
        self.get(key)
            .map(|v| v.as_bool().ok_or_else(|| self.error(key, format_args!("is {v}; it must be true or false"))))
            .transpose()
    }

    fn required<T>(&self, key: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.error(key, "is missing"))
    }

    /// An error unless the key is absent, null, or one of the values that change nothing.
    pub(super) fn only(&self, key: &str, harmless: &[Value], allowed: &str) -> Result<()> {
        match self.get(key) {
            Some(v) if !harmless.contains(v) => Err(self.unsupported(key, v, allowed)),
            _ => Ok(()),
        }
    }
}

impl ModelConfig {
    /// Reads the object of a `config.json`; `path` is where it came from, for messages.
    ///
    /// # Errors
    /// If a key is missing or has a value that Collimate cannot run: the message names file, key and value.
    pub fn from_json(map: &Map<String, Value>, path: &Path) -> Result<Self> {
        let keys = Keys { map, path, prefix: "" };
        let family = family_json::read(&keys)?;
        refuse_unsupported(&keys)?;
        let count = |key: &str| keys.count(key).and_then(|v| keys.required(key, v));
        let (hidden_size, heads) = (count("hidden_size")?, count("num_attention_heads")?);
        let head_dim = match keys.count("head_dim")? {
            Some(width) => width,
            // What transformers takes where nothing is said does not follow from the model's other sizes.
            None if matches!(family, Family::Qwen3 { .. }) => count("head_dim")?,
            None if hidden_size % heads == 0 => hidden_size / heads,
            None => {
                return Err(keys.error(
                    "hidden_size",
                    format_args!(
                        "({hidden_size}) is not a multiple of num_attention_heads ({heads}), and head_dim is not given"
                    ),
                ));
            }
        };
        if head_dim % 2 != 0 {
            return Err(keys.error("head_dim", format_args!("is {head_dim}; rotary positions need an even number")));
        }
        let key_value_heads = match family {
            Family::Llama { .. } => keys.count("num_key_value_heads")?.unwrap_or(heads),
            _ => count("num_key_value_heads")?,
        };
        if heads % key_value_heads != 0 {
            return Err(keys.error(
                "num_attention_heads",
                format_args!("({heads}) is not a multiple of num_key_value_heads ({key_value_heads})"),
            ));
        }
        let max_position_embeddings = count("max_position_embeddings")?;
        let (rope_theta, rope_scaling) = rotary(&keys, max_position_embeddings)?;
        Ok(ModelConfig {
            family,
            vocab_size: count("vocab_size")?,
            hidden_size,
            intermediate_size: count("intermediate_size")?,
            num_hidden_layers: count("num_hidden_layers")?,
            num_attention_heads: heads,
            num_key_value_heads: key_value_heads,
            head_dim,
            max_position_embeddings,
            rms_norm_eps: keys.required("rms_norm_eps", keys.number("rms_norm_eps")?)?,
            rope_theta,
            rope_scaling,
            tie_word_embeddings: keys.flag("tie_word_embeddings")?.unwrap_or(false),
        })
    }

    /// The object of a `config.json` for this model: that of `source` with this shape written over it, so that keys
    /// Collimate does not read are kept. An empty `source` gives a complete file. With `labels`, the model is one whose
    /// head gives a number for each.
    #[must_use]
    pub fn to_json(&self, source: &Map<String, Value>, labels: &[String]) -> Map<String, Value> {
        let mut map = source.clone();
        for key in ["id2label", "label2id", "num_labels"] {
            map.remove(key);
        }
        let mut set = |key: &str, value: Value| drop(map.insert(key.to_owned(), value));
        let [language, classifier] = family_json::classes(self.family);
        if labels.is_empty() {
            set("architectures", json!([language]));
        } else {
            set("architectures", json!([classifier]));
            let places = || labels.iter().enumerate();
            set("id2label", places().map(|(place, label)| (place.to_string(), json!(label))).collect());
            // Transformers reads a classifier at the last token that is no padding, which must not pass over the end token.
            if source.get("pad_token_id").is_some_and(|pad| is_end(pad, source)) {
                set("pad_token_id", Value::Null);
            }
            set("label2id", places().map(|(place, label)| (label.clone(), json!(place))).collect());
        }
        set("hidden_act", json!("silu"));
        set("vocab_size", json!(self.vocab_size));
        set("hidden_size", json!(self.hidden_size));
        set("intermediate_size", json!(self.intermediate_size));
        set("num_hidden_layers", json!(self.num_hidden_layers));
        set("num_attention_heads", json!(self.num_attention_heads));
        set("num_key_value_heads", json!(self.num_key_value_heads));
        set("head_dim", json!(self.head_dim));
        set("max_position_embeddings", json!(self.max_position_embeddings));
        set("rms_norm_eps", json!(self.rms_norm_eps));
        set("tie_word_embeddings", json!(self.tie_word_embeddings));
        let mut rotary = scaling_to_json(self.rope_scaling);
        // Transformers 5 puts both into `rope_parameters`; the older pair of keys is read by every version.
        if source.contains_key("rope_parameters") {
            rotary.insert("rope_theta".to_owned(), json!(self.rope_theta));
            set("rope_parameters", Value::Object(rotary));
        } else {
            set("rope_theta", json!(self.rope_theta));
            let scaled = self.rope_scaling != RotaryScaling::Unscaled;
            set("rope_scaling", if scaled { Value::Object(rotary) } else { Value::Null });
        }
        family_json::write(self.family, &mut map);
        map
    }
}

/// Is this token one that ends a text?
fn is_end(token: &Value, config: &Map<String, Value>) -> bool {
    match config.get("eos_token_id") {
        Some(Value::Array(ends)) => ends.contains(token),
        Some(end) => end == token && !end.is_null(),
        None => false,
    }
}

/// Names of the labels that the model's head gives numbers for; none for a language model.
///
/// # Errors
/// If the file's names are not one for each place.
pub(super) fn labels(map: &Map<String, Value>, path: &Path) -> Result<Vec<String>> {
    let keys = Keys { map, path, prefix: "" };
    if !family_json::is_classifier(&keys) {
        return Ok(Vec::new());
    }
    let Some(names) = keys.get("id2label") else {
        let count = keys.count("num_labels")?.unwrap_or(UNSAID);
        return Ok((0..count).map(|place| format!("LABEL_{place}")).collect());
    };
    let wrong = || keys.error("id2label", "must be an object from \"0\", \"1\", … to names");
    let names = names.as_object().filter(|names| !names.is_empty()).ok_or_else(wrong)?;
    let name = |place: usize| names.get(&place.to_string())?.as_str().map(str::to_owned);
    (0..names.len()).map(|place| name(place).ok_or_else(wrong)).collect()
}

/// What other models of this file format may ask for and the decoder here does not do.
fn refuse_unsupported(keys: &Keys<'_>) -> Result<()> {
    keys.only("hidden_act", &[json!("silu"), json!("swish")], "\"silu\"")?;
    keys.only("rope_interleaved", &[json!(false)], "false")?;
    keys.only("attention_dropout", &[json!(0), json!(0.0)], "no dropout (0.0)")?;
    keys.only("partial_rotary_factor", &[json!(1), json!(1.0)], "rotary positions over the whole head (1.0)")?;
    keys.only("quantization_config", &[], "unquantised weights (F32, F16 or BF16)")
}

/// Base and scaling of the rotary positions, in the older form (`rope_theta`, `rope_scaling`) or the newer
/// (`rope_parameters`).
fn rotary(keys: &Keys<'_>, longest: usize) -> Result<(f64, RotaryScaling)> {
    let object = |key: &'static str, prefix: &'static str| match keys.get(key) {
        None => Ok(None),
        Some(Value::Object(map)) => Ok(Some(Keys { map, path: keys.path, prefix })),
        Some(other) => Err(keys.error(key, format_args!("is {other}; it must be an object or null"))),
    };
    let newer = object("rope_parameters", "rope_parameters.")?;
    let older = object("rope_scaling", "rope_scaling.")?;
    let theta = match newer.as_ref().map(|k| k.number("rope_theta")).transpose()?.flatten() {
        Some(theta) => theta,
        None => keys.number("rope_theta")?.unwrap_or(10_000.0),
    };
    let scaling = newer.as_ref().or(older.as_ref()).map(|k| scaling_from_json(k, longest)).transpose()?;
    Ok((theta, scaling.unwrap_or_default()))
}

fn scaling_from_json(keys: &Keys<'_>, longest: usize) -> Result<RotaryScaling> {
    keys.only("partial_rotary_factor", &[json!(1), json!(1.0)], "rotary positions over the whole head (1.0)")?;
    // Before it was called `rope_type` it was called `type`.
    let key = if keys.get("rope_type").is_some() { "rope_type" } else { "type" };
    let Some(name) = keys.get(key) else {
        return Ok(RotaryScaling::Unscaled);
    };
    let number = |key: &str| keys.number(key).and_then(|v| keys.required(key, v));
    match name.as_str() {
        Some("default") => Ok(RotaryScaling::Unscaled),
        Some("linear") => Ok(RotaryScaling::Linear { factor: number("factor")? }),
        Some("llama3") => {
            let (low, high) = (number("low_freq_factor")?, number("high_freq_factor")?);
            if low >= high {
                return Err(
                    keys.error("low_freq_factor", format_args!("({low}) must be below high_freq_factor ({high})"))
                );
            }
            Ok(RotaryScaling::Llama3 {
                factor: number("factor")?,
                low_freq_factor: low,
                high_freq_factor: high,
                original_max_position_embeddings: keys.count("original_max_position_embeddings")?.unwrap_or(longest),
            })
        }
        _ => Err(keys.unsupported(key, name, "\"default\", \"linear\" and \"llama3\"")),
    }
}

fn scaling_to_json(scaling: RotaryScaling) -> Map<String, Value> {
    let keys = match scaling {
        RotaryScaling::Unscaled => vec![("rope_type", json!("default"))],
        RotaryScaling::Linear { factor } => vec![("rope_type", json!("linear")), ("factor", json!(factor))],
        RotaryScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } => vec![
            ("rope_type", json!("llama3")),
            ("factor", json!(factor)),
            ("low_freq_factor", json!(low_freq_factor)),
            ("high_freq_factor", json!(high_freq_factor)),
            ("original_max_position_embeddings", json!(original_max_position_embeddings)),
        ],
    };
    keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
