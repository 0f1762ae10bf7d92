use super::*;
use serde_json::json;
use std::path::{Path, PathBuf};

fn template(text: &str) -> Result<Template, String> {
    let named = vec![("default".to_owned(), text.to_owned())];
    let special = json!({"bos_token": "<s>", "eos_token": "</s>"});
    Template::new(&Source { path: "model/chat_template.jinja".into(), named }, special.as_object().unwrap().clone())
}

fn messages(of: &Value) -> Vec<Message> {
    of.as_array().unwrap().iter().map(|message| message.as_object().unwrap().clone()).collect()
}

fn rendered(text: &str, of: &Value, ask: bool) -> Result<String, String> {
    let messages = messages(of);
    template(text)?.render(&Conversation::default(), &messages.iter().collect::<Vec<_>>(), ask)
}

/// What a template that reads no messages writes.
fn plain(text: &str) -> String {
    rendered(text, &json!([]), false).unwrap()
}

#[test]
fn blocks_take_their_line_with_them_and_marks_of_what_was_generated_change_nothing() {
    let text = "{# a note with {% generation %} in it #}\n{{ bos_token }}\n{% for m in messages %}\n    {% if m.role == 'assistant' %}\nA: {% generation %}{{ m.content }}{{ eos_token }}\n{%- endgeneration %}\n\n    {% continue %}\n    {% endif %}\nU: {{ m['content'] | trim }}\n{% endfor %}\n{% if add_generation_prompt %}\nA: {% endif %}\n";
    let of = json!([{"role": "user", "content": " <b> & {{ x }} "}, {"role": "assistant", "content": "é"}]);
    assert_eq!(rendered(text, &of, true).unwrap(), "<s>\nU: <b> & {{ x }}\nA: é</s>\nA: ");
}

#[test]
fn values_are_written_as_python_writes_them() {
    assert_eq!(
        plain("{{ true }} {{ none }} {{ 1.0 }} {{ 3 }} {{ missing }}|{{ [1, 'a', none] }}"),
        "True None 1.0 3 |[1, 'a', None]"
    );
    assert_eq!(plain(r#"{{ {'b': "it's", 'a': 'x"y\n'} }}"#), r#"{'b': "it's", 'a': 'x"y\n'}"#);
    assert_eq!(plain("{{ 1e16 }} {{ 0.00001 }} {{ 1.5e300 }} {{ 123456.75 }}"), "1e+16 1e-05 1.5e+300 123456.75");
    assert_eq!(
        plain("{{ {'b': ['<é>', 1.0, true, none], 'a': {}} | tojson }}"),
        r#"{"b": ["<é>", 1.0, true, null], "a": {}}"#
    );
    let indented = "{\n  \"b\": [\n    1\n  ],\n  \"a\": []\n}";
    assert_eq!(plain("{{ {'b': [1], 'a': []} | tojson(indent=2) }}"), indented);
    let small = r#"{"a":"\u00e9\ud83d\ude42","b":1}"#;
    assert_eq!(
        plain("{{ {'b': 1, 'a': 'é🙂'} | tojson(separators=(',', ':'), ensure_ascii=true, sort_keys=true) }}"),
        small
    );
    assert_eq!(
        plain("{{ ' a-b '.strip().split('-')[-1].upper() }}{{ {'k': 1}.get('x', 2) }}{{ [1, 2, 3][::-1] }}"),
        "B2[3, 2, 1]"
    );
    assert_eq!(plain("{{ strftime_now('%%') }}"), "%");
}

#[test]
fn a_template_that_cannot_be_used_says_where() {
    let broken = template("{{ bos_token }}\n{% if %}\n").unwrap_err();
    assert!(broken.starts_with("model/chat_template.jinja: line 2 of the chat template: syntax error: "), "{broken}");
    let refused = rendered(
        "\n\n{{ raise_exception('only ' + messages[0].role) }}",
        &json!([{"role": "tool", "content": ""}]),
        false,
    );
    assert_eq!(refused.unwrap_err(), "model/chat_template.jinja: line 3 of the chat template: only tool");
    let missing =
        rendered("{{ messages[0].name.first }}", &json!([{"role": "user", "content": ""}]), false).unwrap_err();
    assert!(missing.contains("line 1 of the chat template: undefined value"), "{missing}");
    let named = vec![("rag".to_owned(), String::new())];
    let error = Template::new(&Source { path: "x.json".into(), named }, Message::new()).unwrap_err();
    assert_eq!(error, "x.json: of the chat templates `rag` none is called `default`; call one so");
}

#[test]
fn tools_have_a_template_of_their_own_if_there_is_one_and_variables_are_given() {
    let named = [
        ("default", "{{ 'none' if tools is none else tools | length }} {{ extra }}"),
        ("tool_use", "{{ tools[0].name }}"),
    ];
    let named = named.map(|(name, text)| (name.to_owned(), text.to_owned())).to_vec();
    let template = Template::new(&Source { path: "x".into(), named }, Message::new()).unwrap();
    let variables = json!({"extra": 3}).as_object().unwrap().clone();
    let mut conversation = Conversation { variables, ..Conversation::default() };
    assert_eq!(template.render(&conversation, &[], false).unwrap(), "none 3");
    conversation.tools = Some(json!([{"name": "search"}]));
    assert_eq!(template.render(&conversation, &[], false).unwrap(), "search");
}

/// The folder of real templates, or `None` after saying so.
fn assets() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/assets");
    let folder = std::env::var_os("COLLIMATE_ASSETS").map_or(beside, PathBuf::from).join("chat_templates");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no templates at {} (set COLLIMATE_ASSETS)", folder.display());
    None
}

#[test]
fn real_templates_are_rendered_as_transformers_renders_them() {
    let Some(folder) = assets() else { return };
    let golden: Value = serde_json::from_slice(&std::fs::read(folder.join("golden_renders.json")).unwrap()).unwrap();
    let (mut right, mut refused) = (0, 0);
    for case in golden["renders"].as_array().unwrap() {
        let name = case["template"].as_str().unwrap();
        let text = std::fs::read_to_string(folder.join(name)).unwrap();
        let of = &golden["conversations"][case["conversation"].as_str().unwrap()];
        let found = rendered(&text, of, case["add_generation_prompt"].as_bool().unwrap());
        match case.get("rendered").and_then(Value::as_str) {
            Some(wanted) => {
                assert_eq!(found.as_deref(), Ok(wanted), "{name}: {case}");
                right += 1;
            }
            None => {
                assert!(found.is_err(), "{name}: {found:?}, wanted {case}");
                refused += 1;
            }
        }
    }
    assert!(right > 50 && refused > 0, "{right} renders, {refused} refusals");
}
