//! Conversational rows give the tokens that transformers and TRL give (tests/golden/make_chat.py).

use collimate_runtime::data::{Examples, Limits, View, read};
use collimate_runtime::tokenizer::{Files, Tokenizer};
use collimate_tests::assets;
use serde_json::{Value, json};
use std::path::Path;

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/chat.json");
    serde_json::from_slice(&std::fs::read(path).expect("it is there")).expect("JSON")
}

fn tokens(value: &Value) -> Vec<u32> {
    value.as_array().expect("a list").iter().map(|id| id.as_u64().expect("a token") as u32).collect()
}

#[test]
fn conversations_give_the_tokens_of_transformers_and_trl_up_to_the_end_of_the_turn() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, case) in golden().as_object().expect("cases") {
        let tokenizer = Tokenizer::from_files(Files::from_bytes([
            ("tokenizer.json", case["tokenizer"].as_str().expect("text").as_bytes()),
            ("tokenizer_config.json", case["tokenizer_config"].to_string().as_bytes()),
            ("chat_template.jinja", case["template"].as_str().expect("text").as_bytes()),
        ]))
        .expect("a tokenizer");
        let end = *tokenizer.special().stop.last().expect("the end of a turn");
        assert_ne!(end, tokenizer.special().end, "{name}: the turn's end is a token of its own");
        for (i, row) in case["rows"].as_array().expect("rows").iter().enumerate() {
            let path = folder.path().join("row.jsonl");
            std::fs::write(&path, row["row"].to_string()).expect("written");
            let demo = row["row"].get("messages").is_some();
            let view = if demo { View::demo() } else { View::pair() };
            let limits = Limits { max_length: 1000, vocabulary: tokenizer.vocabulary() };
            let examples = Examples::encode(&read(&[&path], &view).expect("a row"), &view, &tokenizer, limits);
            let example = &examples.expect("tokens").examples[0];
            let place = format!("{name}, row {i}");
            assert_eq!(example.prompt, tokens(&row["prompt"]), "{place}");
            let sides: &[&str] = if demo { &["chosen"] } else { &["chosen", "rejected"] };
            assert_eq!(example.responses.len(), sides.len());
            for (side, found) in sides.iter().zip(&example.responses) {
                let wanted = tokens(&row[*side]);
                // What comes after the end is the end of a line in one template and nothing in the other.
                let after = wanted.iter().rev().take_while(|token| **token != end).count();
                assert_eq!(after, usize::from(name == "marked"), "{place}");
                assert_eq!(found[..], wanted[..wanted.len() - after], "{place}, {side}");
            }
            if demo {
                let mask = tokens(&row["mask"]);
                let last =
                    mask.iter().rev().skip_while(|marked| **marked == 0).take_while(|marked| **marked == 1).count();
                assert_eq!(
                    example.responses[0].len(),
                    last,
                    "{place}: what is trained is what transformers marks last"
                );
            }
        }
    }
}

/// Tokens with a meaning in the real templates.
const MARKS: [&str; 17] = [
    "<s>",
    "<|START_OF_TURN_TOKEN|>",
    "<|END_OF_TURN_TOKEN|>",
    "<|SYSTEM_TOKEN|>",
    "<|USER_TOKEN|>",
    "<|CHATBOT_TOKEN|>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<|start_header_id|>",
    "<|end_header_id|>",
    "<|eot_id|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|end|>",
    "<|im_start|>",
    "<|im_end|>",
];

/// A real byte-level tokenizer that knows these tokens, puts `<s>` before every text, and has this template.
fn real(assets: &Path, template: &str) -> Tokenizer {
    let bytes = std::fs::read(assets.join("tokenizers/gpt2/tokenizer.json")).expect("a tokenizer");
    let mut tokenizer: Value = serde_json::from_slice(&bytes).expect("JSON");
    let words = tokenizer["model"]["vocab"].as_object().expect("words").len();
    let added = tokenizer["added_tokens"].as_array_mut().expect("a list");
    added.extend(MARKS.iter().enumerate().map(|(i, content)| {
        json!({"id": words + i, "content": content, "special": true, "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false})
    }));
    tokenizer["post_processor"] = json!({"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [words], "tokens": ["<s>"]}}});
    let config = json!({"bos_token": "<s>", "eos_token": "<|endoftext|>"}).to_string();
    let template = std::fs::read(assets.join("chat_templates").join(template)).expect("a template");
    Tokenizer::from_files(Files::from_bytes([
        ("tokenizer.json", tokenizer.to_string().as_bytes()),
        ("tokenizer_config.json", config.as_bytes()),
        ("chat_template.jinja", &template[..]),
    ]))
    .expect("a tokenizer")
}

#[test]
fn real_conversations_in_real_templates_begin_at_most_once_and_end_exactly_once() {
    let Some(assets) = assets("real_conversations_in_real_templates") else { return };
    let rows = read(&[assets.join("preference/llama-factory/kto_en_demo.json")], &View::demo()).expect("rows");
    assert_eq!(rows.len(), 300);
    let begins = ["cohere", "gemma", "gemma_training", "llama3", "llama3_1", "llama3_training"];
    let others = ["phi3", "qwen2_5", "qwen2_5_training", "qwen3"];
    for name in begins.iter().chain(&others) {
        let tokenizer = real(&assets, &format!("{name}.jinja"));
        let special = tokenizer.special().clone();
        assert_eq!(special.stop.len(), 2, "{name}: the turn ends with a token of its own");
        let begin = special.begin.expect("a beginning token");
        let limits = Limits { max_length: 100_000, vocabulary: tokenizer.vocabulary() };
        let examples = Examples::encode(&rows[..60], &View::demo(), &tokenizer, limits).expect("tokens");
        assert_eq!((examples.examples.len(), examples.cut), (60, 0));
        for example in &examples.examples {
            let all = [&example.prompt[..], &example.responses[0]].concat();
            let count = all.iter().filter(|token| **token == begin).count();
            assert_eq!(count, usize::from(begins.contains(name)), "{name}: {}", example.origin);
            let (last, before) = example.responses[0].split_last().expect("a response");
            assert!(special.stop.contains(last) && !before.iter().any(|token| special.stop.contains(token)), "{name}");
            let row = &rows[example.row].record;
            let text = tokenizer.decode(before).expect("text");
            assert!(text.contains(row.responses[0].trim()), "{name}: {}: {text:?}", example.origin);
        }
    }
    // This one asks for thoughts and leaves them out of what was answered.
    let tokenizer = real(&assets, "deepseekv3.jinja");
    let limits = Limits { max_length: 100_000, vocabulary: tokenizer.vocabulary() };
    let error = Examples::encode(&rows, &View::demo(), &tokenizer, limits).expect_err("refused").to_string();
    assert!(error.contains("the chat template writes the conversation otherwise once it is answered"), "{error}");
}
