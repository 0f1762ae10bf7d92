//! Conversations through the binary: a model's folder with a chat template, and one without.

mod binary;

use binary::{printed, refused};
use serde_json::{Value, json};
use std::path::Path;

/// The turns as the built-in model knows its questions.
const TEMPLATE: &str = "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}Question: {{ m.content }}\nAnswer:\
                        {% else %} {{ m.content }}{{ eos_token }}\n{% endif %}{% endfor %}";

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a temporary folder can be written to");
    path.display().to_string()
}

fn scores(model: &str, data: &str, out: &str) -> Vec<Value> {
    printed(&["score", "--model", model, "--data", data, "--out", out]);
    let text = std::fs::read_to_string(out).expect("it was written");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_conversation_is_what_its_template_writes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let place = |name: &str| folder.path().join(name).display().to_string();
    let (model, out) = (place("model"), place("out.jsonl"));
    printed(&["sandbox", "model", "--out", &model]);
    let user = |content: &str| json!({"role": "user", "content": content});
    let spoken = json!({"prompt": [user("What is 2 + 3?")], "answer": 5});
    let prompts = write(folder.path(), "prompts.jsonl", spoken.to_string());
    let generate = [
        "generate",
        "--model",
        model.as_str(),
        "--prompts",
        prompts.as_str(),
        "--temperature",
        "0",
        "--max-new-tokens",
        "24",
    ];
    let error = refused(&generate);
    assert!(
        error.contains("prompts.jsonl:1: this is a conversation, and ") && error.contains("chat_template.jinja"),
        "{error}"
    );

    let template = write(Path::new(&model), "chat_template.jinja", TEMPLATE);
    let text = "Question: What is 2 + 3?\nAnswer:";
    let alike = [&generate[..3], &["--prompt", text][..], &generate[5..]].concat();
    // The template writes the beginning token, which the text is given when it is read.
    assert_eq!(printed(&generate), format!("<|begin|>{}", printed(&alike)));
    printed(&[&generate[..], &["--out", out.as_str()][..]].concat());
    let line: Value = serde_json::from_str(&std::fs::read_to_string(&out).expect("written")).expect("JSON");
    assert_eq!(line["prompt"], spoken["prompt"], "it can be read again");

    let plain = json!({"prompt": text, "chosen": " It is 5.", "rejected": " 6"}).to_string();
    let plain = scores(&model, &write(folder.path(), "plain.jsonl", plain), &out);
    let pair =
        json!({"prompt": spoken["prompt"], "chosen": "It is 5.", "rejected": [{"role": "assistant", "content": "6"}]});
    assert_eq!(scores(&model, &write(folder.path(), "pair.jsonl", pair.to_string()), &out), plain);

    write(Path::new(&model), "chat_template.jinja", format!("{TEMPLATE}\n{{% for %}}"));
    assert!(refused(&generate).contains(&format!("{template}: line 4 of the chat template: syntax error")));
}
