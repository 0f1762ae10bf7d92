//! A model and a tokenizer small enough for tests.

use crate::model::ModelConfig;
use crate::tokenizer::{Files, Tokenizer};
use serde_json::json;

/// Words that [`letters`] knows.
pub(crate) const VOCABULARY: usize = 19;

/// Two layers, grouped queries, a tied head.
pub(crate) fn config() -> ModelConfig {
    ModelConfig {
        family: Default::default(),
        vocab_size: VOCABULARY,
        hidden_size: 16,
        intermediate_size: 24,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 4,
        max_position_embeddings: 64,
        rms_norm_eps: 1e-5,
        rope_theta: 1e4,
        rope_scaling: Default::default(),
        tie_word_embeddings: true,
    }
}

/// The same so small that every weight can be tried.
pub(crate) fn tiniest(vocab_size: usize, tie_word_embeddings: bool) -> ModelConfig {
    ModelConfig {
        vocab_size,
        hidden_size: 8,
        intermediate_size: 12,
        head_dim: 2,
        max_position_embeddings: 16,
        rope_theta: 100.0,
        tie_word_embeddings,
        ..config()
    }
}

/// A tokenizer in which every letter from `a` to `p`, and the space, is a token.
pub(crate) fn letters() -> Tokenizer {
    let mut vocab = serde_json::Map::new();
    for token in ["<s>", "</s>"].into_iter().map(String::from).chain("abcdefghijklmnop ".chars().map(String::from)) {
        vocab.insert(token, vocab.len().into());
    }
    let split = json!({"type": "Split", "pattern": {"Regex": "."}, "behavior": "Isolated", "invert": false});
    let tokenizer = json!({"version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": split, "decoder": null,
        "post_processor": null, "model": {"type": "WordLevel", "vocab": vocab, "unk_token": "<s>"}});
    let config = json!({"bos_token": "<s>", "eos_token": "</s>"});
    Tokenizer::from_files(Files::from_bytes([
        ("tokenizer.json", tokenizer.to_string().as_bytes()),
        ("tokenizer_config.json", config.to_string().as_bytes()),
    ]))
    .unwrap()
}

/// A template for [`chatting`].
pub(crate) const TEMPLATE: &str = "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>\n\
                                   {% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

/// The same letters, with marks for who speaks and a chat template. `<s>` stands before every text; 19 is the end of a
/// line, 20 to 22 begin the turns of user, assistant and system, 23 ends them.
pub(crate) fn chatting(template: Option<&str>) -> Tokenizer {
    let mut tokenizer: serde_json::Value =
        serde_json::from_slice(letters().files().get("tokenizer.json").unwrap()).unwrap();
    let marks = ["<user>", "<assistant>", "<system>", "<end>"];
    for (i, token) in ["\n"].iter().chain(&marks).enumerate() {
        tokenizer["model"]["vocab"][*token] = (VOCABULARY + i).into();
    }
    let added = marks.iter().enumerate().map(|(i, content)| {
        json!({"id": VOCABULARY + 1 + i, "content": content, "special": true, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false})
    });
    tokenizer["added_tokens"] = added.collect();
    tokenizer["post_processor"] = json!({"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}});
    let tokenizer = tokenizer.to_string();
    let config = letters().files().get("tokenizer_config.json").unwrap().to_vec();
    let files = [("tokenizer.json", tokenizer.as_bytes()), ("tokenizer_config.json", &config[..])];
    let template = template.map(|template| ("chat_template.jinja", template.as_bytes()));
    Tokenizer::from_files(Files::from_bytes(files.into_iter().chain(template))).unwrap()
}
