use super::*;
use crate::chat::{Conversation, message, said};
use crate::train::small::{TEMPLATE, chatting};
use serde_json::{Value, json};

/// Letters, a few merges, `<s>` and `</s>`; byte-level, so that no text is refused.
fn small(before: bool) -> Files {
    let mut vocab = serde_json::Map::new();
    let merges = [["a", "b"], ["ab", "c"], ["Ġ", "a"], ["Ġ", "b"], ["Ċ", "Ċ"]];
    let letters = "abcdefghijklmnopqrstuvwxyz.?!ĠĊ".chars().map(String::from);
    let merged = merges.iter().map(|[a, b]| format!("{a}{b}"));
    for token in ["<s>", "</s>", "<stop>"].into_iter().map(String::from).chain(letters).chain(merged) {
        vocab.insert(token, vocab.len().into());
    }
    let added: Vec<Value> = ["<s>", "</s>", "<stop>"]
        .iter()
        .enumerate()
        .map(|(id, content)| {
            json!({"id": id, "content": content, "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false})
        })
        .collect();
    let post = json!({"type": "TemplateProcessing", "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}});
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    let tokenizer = json!({"version": "1.0", "added_tokens": added, "normalizer": null, "pre_tokenizer": byte_level, "decoder": byte_level,
        "post_processor": if before { post } else { Value::Null },
        "model": {"type": "BPE", "vocab": vocab, "merges": merges}});
    let config = json!({"bos_token": "<s>", "eos_token": {"content": "</s>"}});
    let generation = json!({"eos_token_id": [1, 2]});
    Files::from_bytes([
        ("tokenizer.json", tokenizer.to_string().as_bytes()),
        ("tokenizer_config.json", config.to_string().as_bytes()),
        ("generation_config.json", generation.to_string().as_bytes()),
    ])
}

fn with(files: &Files, name: &str, change: impl FnOnce(&mut Value)) -> Files {
    let mut value: Value = serde_json::from_slice(files.get(name).unwrap_or(b"{}")).unwrap();
    change(&mut value);
    let text = value.to_string();
    let mut all = files.clone();
    all.0.insert(name.to_owned(), text.into_bytes());
    all
}

fn ids(tokenizer: &Tokenizer, tokens: &[&str]) -> Vec<u32> {
    tokens.iter().map(|t| tokenizer.whole.token_to_id(t).unwrap_or_else(|| panic!("no token {t}"))).collect()
}

#[test]
fn a_beginning_token_is_added_once_and_only_by_a_tokenizer_that_adds_it() {
    let adds = Tokenizer::from_files(small(true)).unwrap();
    assert_eq!(adds.encode("ab").unwrap(), ids(&adds, &["<s>", "ab"]));
    assert_eq!(adds.encode("<s>ab").unwrap(), ids(&adds, &["<s>", "ab"]), "the text brings its own");
    let plain = Tokenizer::from_files(small(false)).unwrap();
    assert_eq!(plain.encode("ab").unwrap(), ids(&plain, &["ab"]));
    let told = with(&small(false), "tokenizer_config.json", |c| c["add_bos_token"] = true.into());
    let told = Tokenizer::from_files(told).unwrap();
    assert_eq!(told.encode("ab").unwrap(), ids(&told, &["<s>", "ab"]));
}

#[test]
fn a_tokenizer_like_qwens_begins_with_nothing_and_stops_at_every_end() {
    // A post-processor that adds nothing, no beginning token but in `config.json`, and the chat's end before the text's.
    let files = with(&small(false), "tokenizer.json", |t| t["post_processor"] = t["pre_tokenizer"].clone());
    let files = with(&files, "tokenizer_config.json", |c| {
        *c = json!({"bos_token": null, "add_bos_token": false, "eos_token": "<stop>", "pad_token": "</s>"});
    });
    let files = with(&files, "generation_config.json", |c| *c = json!({"bos_token_id": 1, "eos_token_id": [2, 1]}));
    let t = Tokenizer::from_files(with(&files, "config.json", |c| c["bos_token_id"] = 1.into())).unwrap();
    assert_eq!(*t.special(), Special { before: vec![], begin: Some(1), end: 2, stop: vec![2, 1], pad: Some(1) });
    assert_eq!(t.encode("ab").unwrap(), ids(&t, &["ab"]));
    let spans = t.spans("ab", &[" ab"]).unwrap();
    assert_eq!((spans.prompt, &spans.responses[0]), (ids(&t, &["ab"]), &ids(&t, &["Ġ", "ab", "<stop>"])));
}

#[test]
fn a_response_ends_with_one_end_token() {
    let t = Tokenizer::from_files(small(true)).unwrap();
    assert_eq!(*t.special(), Special { before: vec![0], begin: Some(0), end: 1, stop: vec![1, 2], pad: None });
    let spans = t.spans("ab", &[" ab", " ab</s>", " ab<stop>", ""]).unwrap();
    assert_eq!(spans.prompt, ids(&t, &["<s>", "ab"]));
    assert_eq!(spans.responses[0], ids(&t, &["Ġ", "ab", "</s>"]));
    assert_eq!(spans.responses[1], spans.responses[0]);
    assert_eq!(spans.responses[2], ids(&t, &["Ġ", "ab", "<stop>"]));
    assert_eq!(spans.responses[3], ids(&t, &["</s>"]));
}

#[test]
fn a_token_across_the_border_is_taken_apart() {
    let t = Tokenizer::from_files(small(true)).unwrap();
    // Together `abc` is one token.
    let spans = t.spans("ab", &["c", "d", "c."]).unwrap();
    assert_eq!(spans.prompt, ids(&t, &["<s>", "ab"]));
    assert_eq!(spans.responses[0], ids(&t, &["c", "</s>"]));
    assert_eq!(spans.responses[1], ids(&t, &["d", "</s>"]));
    assert_eq!(spans.responses[2], ids(&t, &["c", ".", "</s>"]));
    // A space at the end of the prompt would join the word that follows.
    let spans = t.spans("d ", &["abc"]).unwrap();
    assert_eq!(spans.prompt, ids(&t, &["<s>", "d", "Ġ"]));
    assert_eq!(spans.responses[0], ids(&t, &["abc", "</s>"]));
    let spans = t.spans("d\n", &["\na"]).unwrap();
    assert_eq!(spans.responses[0], ids(&t, &["Ċ", "a", "</s>"]));
}

#[test]
fn a_response_taken_apart_gets_no_space_before_it() {
    let metaspace = with(&small(true), "tokenizer.json", |t| {
        t["pre_tokenizer"] =
            json!({"type": "Metaspace", "replacement": "Ġ", "prepend_scheme": "always", "split": true});
        t["decoder"] = json!({"type": "Metaspace", "replacement": "Ġ", "prepend_scheme": "always", "split": true});
    });
    let t = Tokenizer::from_files(metaspace).unwrap();
    let spans = t.spans("ab", &["c", " a"]).unwrap();
    assert_eq!(spans.prompt, ids(&t, &["<s>", "Ġ", "ab"]));
    assert_eq!(spans.responses, [ids(&t, &["c", "</s>"]), ids(&t, &["Ġa", "</s>"])]);
    assert_eq!(t.spans("", &["a"]).unwrap().responses[0], ids(&t, &["Ġa", "</s>"]), "this one begins a text");
    assert_eq!(t.decode_after(&spans.prompt, &spans.responses[1]).unwrap(), " a");
}

#[test]
fn an_empty_prompt_begins_with_the_beginning_token_or_is_refused() {
    let t = Tokenizer::from_files(small(false)).unwrap();
    assert_eq!(t.spans("", &["ab"]).unwrap(), Spans { prompt: vec![0], responses: vec![ids(&t, &["ab", "</s>"])] });
    let none = with(&small(false), "tokenizer_config.json", |c| drop(c.as_object_mut().unwrap().remove("bos_token")));
    let error = Tokenizer::from_files(none).unwrap().spans("", &["ab"]).unwrap_err().to_string();
    assert!(error.contains("the prompt is empty") && error.contains("bos_token"), "{error}");
}

#[test]
fn tokens_that_only_the_configuration_calls_special_are_special() {
    let bare = with(&small(false), "tokenizer.json", |t| t["added_tokens"] = json!([]));
    let t = Tokenizer::from_files(bare).unwrap();
    assert_eq!(t.encode("ab</s>").unwrap(), ids(&t, &["ab", "</s>"]));
    assert_eq!(t.decode(&ids(&t, &["ab", "</s>"])).unwrap(), "ab");
}

#[test]
fn what_is_missing_is_named() {
    let error = |files| Tokenizer::from_files(files).unwrap_err().to_string();
    assert!(error(Files::default()).contains("tokenizer.json: this file is missing"));
    let broken = Files::from_bytes([("tokenizer.json", &b"{"[..])]);
    assert!(error(broken).contains("not a tokenizer that can be used"));
    let unknown = with(&small(false), "tokenizer_config.json", |c| c["eos_token"] = "<end>".into());
    assert!(error(unknown).contains("`eos_token` is \"<end>\", which is not in the vocabulary"));
    let unsaid = Files::from_bytes([("tokenizer.json", small(false).get("tokenizer.json").unwrap())]);
    assert!(error(unsaid).contains("nothing says which token ends a response"));
    let missing = Tokenizer::from_folder("no such folder").unwrap_err().to_string();
    assert!(missing.contains("there is no such folder"), "{missing}");
}

#[test]
fn the_files_are_written_as_they_were_read() {
    let folder = tempfile::tempdir().unwrap();
    let files = small(true);
    files.write(folder.path()).unwrap();
    assert_eq!(Files::read(folder.path()).unwrap(), files);
}

fn conversation(messages: &[(&str, &str)]) -> Conversation {
    let messages = messages.iter().map(|(role, content)| message(role, content)).collect();
    Conversation { messages, ..Conversation::default() }
}

#[test]
fn a_conversation_begins_and_ends_once_as_its_template_says() {
    let t = chatting(Some(TEMPLATE));
    assert_eq!(t.special().stop, [1, 23], "generation stops at the end of the turn, too");
    let asked = conversation(&[("system", "p"), ("user", "ab")]);
    let asked = t.ask(&asked).unwrap();
    assert_eq!(asked.text(), "<s><system>p<end>\n<user>ab<end>\n<assistant>");
    assert_eq!(asked.tokens(), [0, 22, 17, 23, 19, 20, 2, 3, 23, 19, 21]);
    // The end of the line after the turn is not trained.
    assert_eq!(asked.response(&said("c")).unwrap(), [4, 23]);
    assert_eq!(asked.response(&said("")).unwrap(), [23]);
    assert_eq!(asked.response(&said("c<end>d")).unwrap(), [4, 23, 5, 23], "as transformers reads it");
    assert_eq!(t.encode("ab").unwrap(), [0, 2, 3], "a text begins as the tokenizer says");
}

#[test]
fn a_turn_that_ends_without_a_token_gets_the_end_token() {
    let template = "{% for m in messages %}{{ m.role[0] }} {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}a {% endif %}";
    let t = chatting(Some(template));
    let asked = conversation(&[("user", "b")]);
    let asked = t.ask(&asked).unwrap();
    assert_eq!((asked.text(), asked.response(&said("c")).unwrap()), ("u b\na ", vec![4, 19, 1]));
    assert_eq!(t.special().stop, [1]);
}

#[test]
fn a_template_is_taken_from_any_of_its_places() {
    let bare = chatting(None);
    let error = bare.ask(&conversation(&[("user", "a")])).err().unwrap().to_string();
    assert!(error.contains("has no chat template") && error.contains("chat_template.jinja"), "{error}");
    assert!(!bare.has_template());
    let list = json!([{"name": "rag", "template": "a"}, {"name": "default", "template": TEMPLATE}]);
    for (file, value) in [
        ("tokenizer_config.json", json!(TEMPLATE)),
        ("tokenizer_config.json", list),
        ("chat_template.json", json!(TEMPLATE)),
    ] {
        let files = with(bare.files(), file, |config| config["chat_template"] = value);
        let t = Tokenizer::from_files(files).unwrap();
        assert_eq!(t.ask(&conversation(&[("user", "a")])).unwrap().tokens(), [0, 20, 2, 23, 19, 21], "{file}");
    }
    // A file of its own comes first.
    let files =
        with(chatting(Some(TEMPLATE)).files(), "tokenizer_config.json", |c| c["chat_template"] = "{% wrong".into());
    assert!(Tokenizer::from_files(files).unwrap().ask(&conversation(&[("user", "a")])).is_ok());
}

#[test]
fn a_template_that_cannot_be_used_is_refused_when_a_conversation_is_read() {
    let ask = |template: &str| {
        let t = chatting(Some(template));
        assert_eq!(t.encode("a").unwrap(), [0, 2], "texts do without it");
        let asked = conversation(&[("user", "a")]);
        t.ask(&asked).and_then(|asked| asked.response(&said("b"))).unwrap_err().to_string()
    };
    let broken = ask("\n{% for %}");
    assert!(broken.contains("chat_template.jinja: line 2 of the chat template: syntax error"), "{broken}");
    let refused = ask("{{ raise_exception('no') }}");
    assert!(refused.ends_with("line 1 of the chat template: no"), "{refused}");
    let silent = ask("{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}");
    assert!(silent.contains("writes nothing for `add_generation_prompt`"), "{silent}");
    let parted = ask(
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}{% if add_generation_prompt %}<assistant>p{% endif %}",
    );
    assert!(parted.contains("\"p\" becomes \"b<end>\""), "{parted}");
    let list = with(chatting(None).files(), "tokenizer_config.json", |c| c["chat_template"] = 3.into());
    let error = Tokenizer::from_files(list).unwrap().ask(&conversation(&[("user", "a")])).err().unwrap().to_string();
    assert!(error.contains("`chat_template` cannot be read"), "{error}");
}

#[test]
fn a_template_may_need_a_system_message() {
    let needs =
        format!("{{% if messages[0].role != 'system' %}}{{{{ raise_exception('no system') }}}}{{% endif %}}{TEMPLATE}");
    let t = chatting(Some(&needs));
    assert_eq!(t.special().stop, [1, 23]);
    let error = t.ask(&conversation(&[("user", "a")])).err().unwrap().to_string();
    assert!(error.ends_with("the chat template: no system"), "{error}");
}

/// The folder of real tokenizers, or `None` after saying so.
fn assets() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/assets");
    let folder = std::env::var_os("COLLIMATE_ASSETS").map_or(beside, PathBuf::from);
    if folder.join("tokenizers").is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no assets at {} (set COLLIMATE_ASSETS)", folder.display());
    None
}

#[test]
fn real_tokenizers_give_the_tokens_that_transformers_gives() {
    let Some(assets) = assets() else { return };
    let read = |path: PathBuf| -> Value { serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap() };
    let golden = assets.join("tokenizers/golden/multilingual360");
    let inputs = read(golden.join("inputs.json"));
    for (folder, file) in [("gpt2", "gpt2_multilingual.json"), ("llama2", "tinyllama_multilingual.json")] {
        let t = Tokenizer::from_folder(assets.join("tokenizers").join(folder)).unwrap();
        for entry in read(golden.join(file))["entries"].as_array().unwrap() {
            let text =
                inputs.as_array().unwrap().iter().find(|i| i["id"] == entry["id"]).unwrap()["text"].as_str().unwrap();
            let wanted: Vec<u32> =
                entry["input_ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
            assert_eq!(t.encode(text).unwrap(), wanted, "{folder}: {}", entry["id"]);
            // Cut at every letter, the two sides still spell the text.
            for (cut, _) in text.char_indices().skip(1) {
                let spans = t.spans(&text[..cut], &[&text[cut..]]).unwrap();
                let (end, response) = spans.responses[0].split_last().unwrap();
                assert_eq!(*end, t.special().end);
                let all = t.decode(&[&spans.prompt[..], response].concat()).unwrap();
                assert_eq!(all, t.decode(&wanted).unwrap(), "{folder}: {} cut at {cut}", entry["id"]);
            }
        }
    }
}
