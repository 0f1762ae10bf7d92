//! Which of the family's models a `config.json` tells of, and back. What a model of transformers does though nothing is said of it
//! is done here too.

use super::config_json::Keys;
use crate::Result;
use crate::model::Family;
use serde_json::{Map, Value, json};

/// Every family, as it is where nothing is chosen.
const FAMILIES: [Family; 4] = [
    Family::Llama { attention_bias: false, mlp_bias: false },
    Family::Mistral { sliding_window: None },
    Family::Qwen2 { sliding_window: None },
    Family::Qwen3 { attention_bias: false, sliding_window: None },
];
/// The window where a file says nothing of it.
const WINDOW_UNSAID: usize = 4096;
/// The first layer with a window where a file says nothing of it.
const FULL_LAYERS_UNSAID: u64 = 28;

/// A model whose head gives words and one whose head gives a number for each label, by transformers' names.
pub(super) fn classes(family: Family) -> [String; 2] {
    ["ForCausalLM", "ForSequenceClassification"].map(|what| family.name().to_owned() + what)
}

fn model_type(family: Family) -> String {
    family.name().to_lowercase()
}

fn architectures<'a>(keys: &Keys<'a>) -> impl Iterator<Item = &'a str> + use<'a> {
    let names = keys.map.get("architectures").and_then(Value::as_array);
    names.into_iter().flatten().filter_map(Value::as_str)
}

/// Does the model's head give a number for each label?
pub(super) fn is_classifier(keys: &Keys<'_>) -> bool {
    architectures(keys).any(|name| FAMILIES.iter().any(|family| classes(*family)[1] == name))
}

/// # Errors
/// If the model is of none of the families, or asks for what the decoder here does not do.
pub(super) fn read(keys: &Keys<'_>) -> Result<Family> {
    let plain = plain(keys)?;
    let attention_bias = || keys.flag("attention_bias").map(Option::unwrap_or_default);
    if !matches!(plain, Family::Llama { .. } | Family::Qwen3 { .. }) {
        keys.only("attention_bias", &[json!(false)], "false")?;
    }
    if !matches!(plain, Family::Llama { .. }) {
        keys.only("mlp_bias", &[json!(false)], "false")?;
    }
    Ok(match plain {
        Family::Llama { .. } => {
            keys.only("use_sliding_window", &[json!(false)], "false")?;
            if keys.get("use_sliding_window").is_none() {
                keys.only("sliding_window", &[], "attention over the whole sequence (null)")?;
            }
            layer_types(keys, false)?;
            let mlp_bias = keys.flag("mlp_bias")?.unwrap_or_default();
            Family::Llama { attention_bias: attention_bias()?, mlp_bias }
        }
        Family::Mistral { .. } => {
            layer_types(keys, true)?;
            Family::Mistral { sliding_window: window(keys)? }
        }
        Family::Qwen2 { .. } => Family::Qwen2 { sliding_window: chosen_window(keys)? },
        Family::Qwen3 { .. } => {
            Family::Qwen3 { attention_bias: attention_bias()?, sliding_window: chosen_window(keys)? }
        }
    })
}

/// The family by its names.
fn plain(keys: &Keys<'_>) -> Result<Family> {
    let names = keys.get("architectures");
    if let Some(names) = names.filter(|_| !architectures(keys).any(|name| FAMILIES.iter().any(|f| is_of(*f, name)))) {
        let allowed = listed(FAMILIES.map(|family| classes(family)[0].clone()));
        return Err(keys.unsupported(
            "architectures",
            names,
            &format!("{allowed}, and …ForSequenceClassification of them"),
        ));
    }
    let allowed = || listed(FAMILIES.map(|family| format!("{:?}", model_type(family))));
    let Some(found) = keys.get("model_type") else {
        return Err(keys.error("model_type", format_args!("is missing; Collimate runs {}", allowed())));
    };
    let family = FAMILIES.into_iter().find(|family| *found == model_type(*family));
    let family = family.ok_or_else(|| keys.unsupported("model_type", found, &allowed()))?;
    match names.filter(|_| !architectures(keys).any(|name| is_of(family, name))) {
        Some(names) => Err(keys.error("architectures", format_args!("is {names}, which is no model of type {found}"))),
        None => Ok(family),
    }
}

fn is_of(family: Family, class: &str) -> bool {
    classes(family).iter().any(|name| name == class)
}

/// `a, b and c`.
fn listed<const N: usize>(names: [String; N]) -> String {
    let [first @ .., last] = &names[..] else { return String::new() };
    format!("{} and {last}", first.join(", "))
}

/// How many tokens a token sees; none where the file says `null`.
fn window(keys: &Keys<'_>) -> Result<Option<usize>> {
    match keys.map.get("sliding_window") {
        None => Ok(Some(WINDOW_UNSAID)),
        Some(_) => keys.count("sliding_window"),
    }
}

/// The same where the file also says whether any layer, and from which on, has a window.
fn chosen_window(keys: &Keys<'_>) -> Result<Option<usize>> {
    let used = keys.flag("use_sliding_window")?.unwrap_or_default();
    let layers = keys.count("num_hidden_layers")?.unwrap_or_default() as u64;
    let full = match keys.get("max_window_layers") {
        None => FULL_LAYERS_UNSAID,
        Some(layers) => {
            let wrong = || keys.error("max_window_layers", format_args!("is {layers}; it must be a whole number"));
            layers.as_u64().ok_or_else(wrong)?
        }
    };
    let some = match layer_types(keys, used)? {
        Some(some) => some,
        None => full < layers,
    };
    if used && some { window(keys) } else { Ok(None) }
}

/// Does any of the layers that the file lists have a window? None if it lists none.
fn layer_types(keys: &Keys<'_>, may_slide: bool) -> Result<Option<bool>> {
    let Some(value) = keys.get("layer_types") else { return Ok(None) };
    let (full, slides) = (json!("full_attention"), json!("sliding_attention"));
    let known = |kind: &Value| *kind == full || (may_slide && *kind == slides);
    match value.as_array().filter(|kinds| kinds.iter().all(known)) {
        Some(kinds) => Ok(Some(kinds.contains(&slides))),
        None => Err(keys.unsupported("layer_types", value, "\"full_attention\" in every layer")),
    }
}

/// Writes what tells the family over the keys of a file, which may be empty.
pub(super) fn write(family: Family, map: &mut Map<String, Value>) {
    map.insert("model_type".to_owned(), json!(model_type(family)));
    match family {
        Family::Llama { .. } | Family::Qwen3 { .. } => {
            let biases = [("attention_bias", family.has_output_bias()), ("mlp_bias", family.has_feed_bias())];
            for (key, value) in biases {
                if value || map.contains_key(key) {
                    map.insert(key.to_owned(), json!(value));
                }
            }
        }
        Family::Mistral { .. } | Family::Qwen2 { .. } => {}
    }
    let window = family.sliding_window();
    match family {
        Family::Llama { .. } => {}
        Family::Mistral { .. } => drop(map.insert("sliding_window".to_owned(), json!(window))),
        // Which layers have it is kept as it was said.
        Family::Qwen2 { .. } | Family::Qwen3 { .. } if map.contains_key("use_sliding_window") => {}
        Family::Qwen2 { .. } | Family::Qwen3 { .. } => {
            map.insert("use_sliding_window".to_owned(), json!(window.is_some()));
            if window.is_some() {
                map.insert("sliding_window".to_owned(), json!(window));
                map.insert("max_window_layers".to_owned(), json!(0));
            }
        }
    }
}
