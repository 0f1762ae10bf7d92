//! Conversational rows give the tokens that transformers and TRL give (tests/golden/make_chat.py).

use collimate_runtime::data::{Examples, Limits, View, read};
use collimate_runtime::tokenizer::{Files, Tokenizer};
use serde_json::Value;
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
