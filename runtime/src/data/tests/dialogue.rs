use super::*;
use crate::train::small::{TEMPLATE, chatting};
use serde_json::Value;

const WIDE: Limits = Limits { max_length: 100, vocabulary: 24 };

/// Prompt and responses of one row, as the text of their tokens.
fn texts(row: &Value, view: &View) -> (String, Vec<String>) {
    let (_folder, path) = written(row.to_string());
    let tokenizer = chatting(Some(TEMPLATE));
    let rows = read(&[path], view).unwrap_or_else(|e| panic!("{e}"));
    let encoded = Examples::encode(&rows, view, &tokenizer, WIDE).unwrap_or_else(|e| panic!("{e}"));
    let example = &encoded.examples[0];
    let marks = ["<s>", "</s>"].map(String::from).into_iter().chain("abcdefghijklmnop \n".chars().map(String::from));
    let marks: Vec<_> = marks.chain(["<user>", "<assistant>", "<system>", "<end>"].map(String::from)).collect();
    let text = |tokens: &[u32]| tokens.iter().map(|token| marks[*token as usize].as_str()).collect::<String>();
    (text(&example.prompt), example.responses.iter().map(|tokens| text(tokens)).collect())
}

fn user(content: &str) -> Value {
    json!({"role": "user", "content": content})
}

fn assistant(content: &str) -> Value {
    json!({"role": "assistant", "content": content})
}

#[test]
fn pairs_of_conversations_are_read_in_every_layout() {
    let wanted = ("<s><user>a<end>\n<assistant>".to_owned(), vec!["b<end>".to_owned(), "c d<end>".to_owned()]);
    let (ask, good, bad) = (user("a"), assistant("b"), assistant("c d"));
    let rows = [
        json!({"prompt": [ask], "chosen": [good], "rejected": [bad]}),
        // The prompt is what both begin with.
        json!({"chosen": [ask, good], "rejected": [ask, bad]}),
        // UltraFeedback has what is asked a second time, as a text.
        json!({"prompt": "a", "messages": [ask, good], "chosen": [ask, good], "rejected": [ask, bad]}),
        json!({"prompt": [ask], "chosen": "b", "rejected": "c d"}),
        // HelpSteer3.
        json!({"context": [ask], "response1": "c d", "response2": "b", "overall_preference": 2}),
        // Tables have the keys of all messages in each.
        json!({"prompt": [{"role": "user", "content": "a", "tool_calls": null}], "chosen": [good], "rejected": [bad], "tools": null}),
    ];
    for row in rows {
        assert_eq!(texts(&row, &View::pair()), wanted, "{row}");
    }
    let before = [json!({"role": "system", "content": "p"}), user("a"), assistant("b"), user("c")];
    let all = |last: Value| before.iter().cloned().chain([last]).collect::<Value>();
    let row = json!({"chosen": all(assistant("d")), "rejected": all(assistant(""))});
    let (prompt, responses) = texts(&row, &View::pair());
    assert_eq!(prompt, "<s><system>p<end>\n<user>a<end>\n<assistant>b<end>\n<user>c<end>\n<assistant>");
    assert_eq!(responses, ["d<end>", "<end>"]);
    // Two responses that say the same are two responses.
    let row = json!({"chosen": [ask, good], "rejected": [ask, good]});
    assert_eq!(texts(&row, &View::pair()).1, ["b<end>", "b<end>"]);
}

#[test]
fn transcripts_are_parted_before_the_last_turn() {
    let said = |last: &str| format!("\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant:{last}");
    let other = said(" d").replace(" b", " e");
    let rows = [(said(" d"), said("")), (other, said(" p"))];
    let rows: String = rows
        .iter()
        .map(|(chosen, rejected)| format!("{}\n", json!({"chosen": chosen, "rejected": rejected})))
        .collect();
    let (_folder, path) = written(rows);
    let rows = read(&[path], &View::pair()).unwrap();
    assert_eq!(
        (&rows[0].record.prompt, &rows[0].record.responses[..]),
        (&said(""), &[" d".to_owned(), String::new()][..])
    );
    assert_eq!((rows[0].record.unusable, rows[0].record.conversation.is_none()), (None, true));
    assert_eq!(rows[1].record.unusable, Some("its transcripts part before the assistant's last turn"));
    // With a prompt beside it, a text is a text.
    let (_folder, path) = written(json!({"prompt": "p", "chosen": said(" d"), "rejected": "e"}).to_string());
    assert_eq!(read(&[path], &View::pair()).unwrap()[0].record.responses[0], said(" d"));
    let one = problem(json!({"chosen": said(" d"), "rejected": "e"}).to_string(), &View::pair());
    assert!(one.starts_with("1: the field `prompt` is missing"), "{one}");
}

#[test]
fn single_responses_and_groups_may_be_conversations() {
    let (ask, good) = (user("a"), assistant("b"));
    let wanted = ("<s><user>a<end>\n<assistant>".to_owned(), vec!["b<end>".to_owned()]);
    let unpaired = View::of(&program(&[("unpaired", "label", SideTag::Answer)]), "unpaired").unwrap();
    let rows = [
        json!({"prompt": [ask], "completion": [good]}),
        json!({"prompt": [ask], "response": "b"}),
        json!({"messages": [ask, good]}),
        json!({"prompt": "a", "prompt_id": "x", "messages": [ask, good]}),
    ];
    for row in rows {
        assert_eq!(texts(&row, &View::demo()), wanted, "{row}");
        let mut labelled = row.clone();
        labelled["label"] = true.into();
        assert_eq!(texts(&labelled, &unpaired), wanted, "{row}");
    }
    let row = json!({"prompt": [ask], "responses": ["b", [assistant("c")], assistant("d")]});
    assert_eq!(texts(&row, &View::group()).1, ["b<end>", "c<end>", "d<end>"]);
}

#[test]
fn prompts_of_messages_keep_the_rest_of_their_row_for_rewards() {
    let rows = [
        json!({"prompt": [user("a"), assistant("b"), user("c")], "answer": 3}),
        json!({"messages": [user("a"), assistant("b"), user("c")], "answer": 3}),
    ];
    for row in rows {
        let (_folder, path) = written(row.to_string());
        let record = &read_prompts(&[&path]).unwrap()[0].record;
        assert_eq!((record.prompt.as_str(), record.responses.len()), ("c", 0), "what was asked last");
        assert_eq!(record.fields, json!({"answer": 3}).as_object().unwrap().clone());
        assert_eq!(record.prompt_fields()["prompt"][1], assistant("b"));
        assert_eq!(beside(&path).unwrap(), Beside::Nothing);
        let tokenizer = chatting(Some(TEMPLATE));
        let text = record.prompt_text(&tokenizer).unwrap();
        assert_eq!(text, "<s><user>a<end>\n<assistant>b<end>\n<user>c<end>\n<assistant>");
        let tokens = record.prompt_tokens(&tokenizer).unwrap();
        assert_eq!(tokens, tokenizer.ask(record.conversation.as_ref().unwrap()).unwrap().tokens());
        let drawn = record.spans_with(&tokenizer, "d").unwrap();
        assert_eq!((drawn.prompt, drawn.responses), (tokens, vec![vec![5, 23]]), "another model's own template");
    }
    let (_folder, path) = written(json!({"messages": [user("a"), assistant("b")]}).to_string());
    assert_eq!(beside(&path).unwrap(), Beside::Completion);
    assert_eq!(read_prompts(&[&path]).unwrap()[0].record.responses, ["b"]);
}

#[test]
fn templates_are_given_the_tools_and_variables_of_the_row() {
    let template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}{{ tools[0].name if tools }}\
                    {{ mood }}{% if add_generation_prompt %}<assistant>{% endif %}";
    let tokenizer = chatting(Some(template));
    let text = |tools: Value| {
        let row = json!({"prompt": [user("a")], "tools": tools, "chat_template_kwargs": {"mood": "c", "x": null}});
        let (_folder, path) = written(row.to_string());
        read_prompts(&[path]).unwrap()[0].record.prompt_text(&tokenizer).unwrap()
    };
    assert_eq!(text(json!([{"name": "b", "more": null}])), "<user>a<end>bc<assistant>");
    assert_eq!(text(json!("[{\"name\": \"b\"}]")), "<user>a<end>bc<assistant>");
    assert_eq!(text(json!([])), "<user>a<end>c<assistant>");
}

#[test]
fn a_model_without_a_template_reads_no_conversation() {
    let row = json!({"prompt": [user("a")], "chosen": [assistant("b")], "rejected": [assistant("c")]});
    let (_folder, path) = written(row.to_string());
    let rows = read(&[path], &View::pair()).unwrap();
    let error = Examples::encode(&rows, &View::pair(), &letters(), WIDE).unwrap_err().to_string();
    assert!(
        error.contains("rows.jsonl:1: this is a conversation, and the built-in tokenizer has no chat template"),
        "{error}"
    );
    // The one message of a context is a prompt like any other.
    let row = json!({"context": [user("a")], "response1": "b", "response2": "c", "overall_preference": -1});
    let (_folder, path) = written(row.to_string());
    let rows = read(&[path], &View::pair()).unwrap();
    let encoded = Examples::encode(&rows, &View::pair(), &letters(), WIDE).unwrap();
    assert_eq!((&encoded.examples[0].prompt[..], &encoded.examples[0].responses[0][..]), (&[2][..], &[3, 1][..]));
    // A template that parts the prompt from the answer names the field.
    let parts = "{% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}{{ messages | length }}";
    let (_folder, path) = written(json!({"prompt": [user("a")], "chosen": "b", "rejected": "c"}).to_string());
    let rows = read(&[path], &View::pair()).unwrap();
    let error = Examples::encode(&rows, &View::pair(), &chatting(Some(parts)), WIDE).unwrap_err().to_string();
    assert!(error.contains("rows.jsonl:1: `chosen`: the chat template writes the conversation otherwise"), "{error}");
}

#[test]
fn a_bad_conversation_names_line_field_and_message() {
    let pair = |prompt: Value, chosen: Value| {
        problem(json!({"prompt": prompt, "chosen": chosen, "rejected": [assistant("c")]}).to_string(), &View::pair())
    };
    let (ask, good) = (json!([user("a")]), json!([assistant("b")]));
    let wrong = [
        (
            pair(json!([{"role": "human", "content": "a"}]), good.clone()),
            "1: `prompt[0].role` is \"human\"; it has to be one of system, ",
        ),
        (pair(json!([{"role": 3, "content": "a"}]), good.clone()), "1: `prompt[0].role` is a number"),
        (
            pair(json!([{"from": "human", "value": "a"}]), good.clone()),
            "1: `prompt[0]` has no `role`; this message has `from`, `value`; write {\"role\"",
        ),
        (pair(json!([user("a"), {"role": "user"}]), good.clone()), "1: `prompt[1]` has no `content`"),
        (
            pair(json!([{"role": "user", "content": ["a"]}]), good.clone()),
            "1: `prompt[0].content` is a list; it has to be a text",
        ),
        (pair(json!([{"role": "user", "content": null}]), good.clone()), "1: `prompt[0].content` is null"),
        (pair(json!([user("a"), "b"]), good.clone()), "1: `prompt[1]` is a text; it has to be a message"),
        (pair(json!([]), good.clone()), "1: the field `prompt` is an empty list; write messages"),
        (pair(ask.clone(), json!([])), "1: the field `chosen` is an empty list"),
        (
            pair(json!([user("a"), assistant("b")]), good.clone()),
            "1: the last message of `prompt` is the assistant's, so nothing is left",
        ),
        (
            pair(ask.clone(), json!([user("b")])),
            "1: the last message of `chosen` is by \"user\"; a response is one message",
        ),
        (pair(ask, json!([user("a"), assistant("b")])), "1: `chosen` has 2 messages; a response is one message"),
        (
            pair(json!("a"), good),
            "1: `chosen` and `rejected` share no message, so nothing says what is asked; write `prompt` as",
        ),
    ];
    for (found, wanted) in wrong {
        assert!(found.starts_with(wanted), "{found}\nwanted: {wanted}");
    }
    let shared = |row: Value| problem(row.to_string(), &View::pair());
    let other =
        shared(json!({"prompt": "p", "chosen": [user("a"), assistant("b")], "rejected": [user("a"), assistant("c")]}));
    assert!(other.starts_with("1: `prompt` is a text that no message of `chosen` says; leave it out"), "{other}");
    let long = json!({"chosen": [user("a"), assistant("b"), user("c"), assistant("d")], "rejected": [user("a"), assistant("c")]});
    assert!(
        shared(long).starts_with("1: `chosen` has 3 messages after those that all responses begin with; a response")
    );
    let mixed = shared(json!({"prompt": "a", "chosen": [user("a"), assistant("b")], "rejected": "c"}));
    assert!(
        mixed.starts_with("1: `rejected` is a text and another response a list of messages; write all alike"),
        "{mixed}"
    );
    let demo = |messages: Value| problem(json!({"messages": messages}).to_string(), &View::demo());
    assert!(
        demo(json!([user("a")]))
            .starts_with("1: the last message of `messages` is not the assistant's, so there is no response")
    );
    assert!(demo(json!([assistant("a")])).starts_with("1: `messages` has the response alone"));
    assert!(demo(json!("a")).starts_with("1: the field `messages` is a text; it has to be a list of messages"));
    let tools = json!({"prompt": [user("a")], "completion": "b", "tools": 3}).to_string();
    assert!(problem(tools, &View::demo()).starts_with("1: the field `tools` is a number"));
}
