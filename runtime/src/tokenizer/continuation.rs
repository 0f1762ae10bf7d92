//! A tokenizer for text that goes on where another text ends.

use serde_json::Value;

/// The same `tokenizer.json` with everything taken out that puts a space before a text: the `Prepend`
/// normalizer, the prefix of `Metaspace`, the prefix space of `ByteLevel`.
pub(super) fn without_prefix(mut json: Value) -> Value {
    if let Some(normalizer) = json.get_mut("normalizer") {
        drop_prepend(normalizer);
    }
    if let Some(splitter) = json.get_mut("pre_tokenizer") {
        drop_prefix_space(splitter);
    }
    json
}

fn is(part: &Value, name: &str) -> bool {
    part.get("type").and_then(Value::as_str) == Some(name)
}

fn drop_prepend(part: &mut Value) {
    if is(part, "Prepend") {
        *part = Value::Null;
    } else if let Some(list) = part.get_mut("normalizers").and_then(Value::as_array_mut) {
        for inner in list.iter_mut() {
            drop_prepend(inner);
        }
        list.retain(|inner| !inner.is_null());
    }
}

fn drop_prefix_space(part: &mut Value) {
    if let Some(list) = part.get_mut("pretokenizers").and_then(Value::as_array_mut) {
        list.iter_mut().for_each(drop_prefix_space);
    } else if is(part, "Metaspace") {
        part["prepend_scheme"] = "never".into();
        // The older spelling of the same wish; the two must not contradict each other.
        if let Some(fields) = part.as_object_mut() {
            fields.remove("add_prefix_space");
        }
    } else if is(part, "ByteLevel") {
        part["add_prefix_space"] = false.into();
    }
}
