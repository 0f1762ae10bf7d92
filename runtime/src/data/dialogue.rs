//! Rows whose texts are messages: `[{"role": "user", "content": "…"}, …]`.

use super::column::{self, Column, Fields, what};
use super::record::Record;
use super::transcript;
use crate::Result;
use crate::chat::{ASSISTANT, Conversation, Message};
use serde_json::{Map, Value};

/// The conversation that HelpSteer3 has in the place of a prompt.
pub(super) const CONTEXT: &str = "context";
/// A whole conversation, the response at its end.
pub(super) const MESSAGES: &str = "messages";
/// Who may say something. A template leaves out what others say without a word.
const ROLES: [&str; 7] = ["system", "developer", "user", ASSISTANT, "tool", "function", "ipython"];
const EXAMPLE: &str = "{\"role\": \"user\", \"content\": \"…\"}";

/// What a field says.
pub(super) enum Text {
    Plain(String),
    /// At least one.
    Messages(Vec<Message>),
}

/// A field and what it says.
pub(super) struct Said {
    pub(super) name: String,
    pub(super) text: Text,
}

impl Fields<'_> {
    /// A field that is a text or a list of messages.
    pub(super) fn said(&self, column: &Column) -> Result<Said> {
        let (name, value) = self.find(column)?;
        self.saying(name.to_owned(), format!("the field `{name}`"), value)
    }

    /// A list of such.
    pub(super) fn all_said(&self, column: &Column) -> Result<Vec<Said>> {
        let (name, value) = self.find(column)?;
        let one = |(i, value): (usize, &Value)| {
            let name = format!("{name}[{i}]");
            let place = format!("`{name}`");
            match value {
                // A response of one message needs no list of its own.
                Value::Object(_) => Ok(Said { text: Text::Messages(vec![self.message(&name, value)?]), name }),
                _ => self.saying(name, place, value),
            }
        };
        self.as_list(name, value, column)?.iter().enumerate().map(one).collect()
    }

    fn saying(&self, name: String, place: String, value: &Value) -> Result<Said> {
        let text = match value.as_array() {
            Some(list) if list.first().is_none_or(Value::is_object) => Text::Messages(self.messages(&name, value)?),
            _ => Text::Plain(self.as_text(&place, value)?),
        };
        Ok(Said { name, text })
    }

    /// A list of messages, at least one.
    fn messages(&self, name: &str, value: &Value) -> Result<Vec<Message>> {
        let Value::Array(list) = value else {
            let problem =
                format!("the field `{name}` is {}; it has to be a list of messages: [{EXAMPLE}, …]", what(value));
            return Err(self.origin.error(problem));
        };
        if list.is_empty() {
            return Err(self
                .origin
                .error(format!("the field `{name}` is an empty list; write messages: [{EXAMPLE}, …]")));
        }
        list.iter().enumerate().map(|(i, message)| self.message(&format!("{name}[{i}]"), message)).collect()
    }

    fn message(&self, place: &str, value: &Value) -> Result<Message> {
        let wrong = |problem: String| Err(self.origin.error(problem));
        let Value::Object(message) = value else {
            return wrong(format!("`{place}` is {}; it has to be a message: {EXAMPLE}", what(value)));
        };
        let mut message = message.clone();
        let role = match message.get("role") {
            Some(Value::String(role)) => role.clone(),
            Some(other) => {
                return wrong(format!("`{place}.role` is {}; it has to be one of {}", what(other), ROLES.join(", ")));
            }
            None => {
                let present: Vec<_> = message.keys().map(|key| format!("`{key}`")).collect();
                let present = if present.is_empty() { "nothing".to_owned() } else { present.join(", ") };
                return wrong(format!("`{place}` has no `role`; this message has {present}; write {EXAMPLE}"));
            }
        };
        if !ROLES.contains(&role.as_str()) {
            return wrong(format!("`{place}.role` is {role:?}; it has to be one of {}", ROLES.join(", ")));
        }
        let calls = message.get("tool_calls").and_then(Value::as_array).is_some_and(|calls| !calls.is_empty());
        match message.get("content") {
            Some(Value::String(_)) => {}
            None | Some(Value::Null) if calls => {}
            None => return wrong(format!("`{place}` has no `content`; write {EXAMPLE}")),
            Some(other) => return wrong(format!("`{place}.content` is {}; it has to be a text", what(other))),
        }
        // Tables give every message the keys of all others; templates ask whether there is a key.
        message.retain(|key, value| key == "content" || !value.is_null());
        message.values_mut().for_each(without_nulls);
        Ok(message)
    }

    /// The whole conversation of a row that has one in the place of a response: the last message is the response.
    pub(super) fn demonstration(&self) -> Option<&Value> {
        let shown = column::COMPLETION.names().any(|name| self.has(name));
        self.object.get(MESSAGES).filter(|value| !shown && !value.is_null())
    }

    /// A row of messages, as it is and as a record.
    pub(super) fn demonstrated(&self, value: &Value) -> Result<Record> {
        let mut messages = self.messages(MESSAGES, value)?;
        let last = messages.pop().unwrap_or_default();
        if role(&last) != ASSISTANT {
            return Err(self.origin.error(format!(
                "the last message of `{MESSAGES}` is not the {ASSISTANT}'s, so there is no response; end with \
                 {{\"role\": \"{ASSISTANT}\", \"content\": \"…\"}}"
            )));
        }
        if messages.is_empty() {
            let problem = format!("`{MESSAGES}` has the response alone; write what is asked before it");
            return Err(self.origin.error(problem));
        }
        self.agrees(&messages, MESSAGES)?;
        self.conversation(messages, vec![last])
    }

    /// A row of messages that nobody has answered yet.
    pub(super) fn asked_in(&self, value: &Value) -> Result<Record> {
        self.conversation(self.messages(MESSAGES, value)?, Vec::new())
    }

    /// What a row asks, and these responses to it.
    pub(super) fn answered(&self, responses: impl FnOnce() -> Result<Vec<Said>>) -> Result<Record> {
        // A row that asks nothing is wrong whatever its responses are.
        let asked = self.asked()?;
        let responses = responses()?;
        let spoken = responses.iter().any(|said| matches!(said.text, Text::Messages(_)));
        let Some(Said { name, text: Text::Messages(messages) }) = asked else {
            if spoken {
                return self.shared(responses);
            }
            let plain = |said| if let Text::Plain(text) = said { Some(text) } else { None };
            let responses: Vec<String> = responses.into_iter().filter_map(|said| plain(said.text)).collect();
            let prompt = match (asked, transcript::read(&responses)) {
                (Some(Said { text: Text::Plain(prompt), .. }), _) => prompt,
                (_, Some(record)) => return Ok(record),
                // There is none, which this says.
                (_, None) => self.text(&column::PROMPT)?,
            };
            return Ok(Record { prompt, responses, ..Record::default() });
        };
        if messages.last().is_some_and(|last| role(last) == ASSISTANT) {
            return Err(self.origin.error(format!(
                "the last message of `{name}` is the {ASSISTANT}'s, so nothing is left to answer; end it with another's"
            )));
        }
        let alone = name == CONTEXT && messages.len() == 1 && !self.has("tools");
        let answers = responses.into_iter().map(|said| self.answer(said)).collect::<Result<_>>()?;
        let mut record = self.conversation(messages, answers)?;
        if let Some(conversation) = &mut record.conversation {
            conversation.plain = alone;
        }
        Ok(record)
    }

    /// `prompt`, or the `context` that HelpSteer3 has instead; nothing where the responses may be whole conversations.
    fn asked(&self) -> Result<Option<Said>> {
        if self.has(column::PROMPT.name) {
            return self.said(&column::PROMPT).map(Some);
        }
        match self.object.get(CONTEXT) {
            Some(value @ Value::Array(_)) => {
                let messages = self.messages(CONTEXT, value)?;
                Ok(Some(Said { name: CONTEXT.to_owned(), text: Text::Messages(messages) }))
            }
            _ if self.object.values().any(may_be_whole) => Ok(None),
            _ => self.said(&column::PROMPT).map(Some),
        }
    }

    /// A response to messages: the assistant's next one, or its content.
    fn answer(&self, said: Said) -> Result<Message> {
        let Said { name, text } = said;
        match text {
            Text::Plain(text) => Ok(crate::chat::said(&text)),
            Text::Messages(messages) => self.only(&name, &messages, ""),
        }
    }

    /// The one message, which has to be the assistant's.
    fn only(&self, name: &str, messages: &[Message], after: &str) -> Result<Message> {
        let one = format!("a response is one message: {{\"role\": \"{ASSISTANT}\", \"content\": \"…\"}}");
        match messages {
            [only] if role(only) == ASSISTANT => Ok(only.clone()),
            [only] => Err(self.origin.error(format!("the last message of `{name}` is by {:?}; {one}", role(only)))),
            several => Err(self.origin.error(format!("`{name}` has {} messages{after}; {one}", several.len()))),
        }
    }

    /// Responses that are whole conversations: what they begin with alike is what is asked.
    fn shared(&self, responses: Vec<Said>) -> Result<Record> {
        let names: Vec<String> = responses.iter().map(|said| format!("`{}`", said.name)).collect();
        let mut lists = Vec::new();
        for said in responses {
            match said.text {
                Text::Messages(messages) => lists.push((said.name, messages)),
                Text::Plain(_) => {
                    let problem =
                        format!("`{}` is a text and another response a list of messages; write all alike", said.name);
                    return Err(self.origin.error(problem));
                }
            }
        }
        let first = lists[0].1.clone();
        // The last message of each is its response, even where two say the same.
        let most = lists.iter().map(|(_, list)| list.len() - 1).min().unwrap_or(0);
        let same = (0..most).take_while(|i| lists.iter().all(|(_, list)| list[*i] == first[*i])).count();
        if same == 0 {
            let (names, they) =
                (names.join(" and "), if lists.len() > 1 { "share no message" } else { "is a response alone" });
            return Err(self.origin.error(format!(
                "{names} {they}, so nothing says what is asked; write `{}` as a list of messages",
                column::PROMPT.name
            )));
        }
        let after = if lists.len() > 1 { " after those that all responses begin with" } else { "" };
        let answers = lists.iter().map(|(name, list)| self.only(name, &list[same..], after)).collect::<Result<_>>()?;
        self.agrees(&first[..same], &names[0])?;
        self.conversation(first[..same].to_vec(), answers)
    }

    /// Does a prompt that is a text beside these messages say the same as one of them?
    fn agrees(&self, messages: &[Message], name: &str) -> Result<()> {
        let prompt = self.object.get(column::PROMPT.name).and_then(Value::as_str).map(str::trim);
        let says = |message: &Message| message.get("content").and_then(Value::as_str).map(str::trim) == prompt;
        if prompt.is_some() && !messages.iter().any(says) {
            let name = name.trim_matches('`');
            return Err(self.origin.error(format!(
                "`{}` is a text that no message of `{name}` says; leave it out, or write it as a list of messages",
                column::PROMPT.name
            )));
        }
        Ok(())
    }

    /// A record of messages and the responses to them.
    fn conversation(&self, messages: Vec<Message>, responses: Vec<Message>) -> Result<Record> {
        let user = messages.iter().rev().find(|message| role(message) == "user");
        let prompt = content(user.or(messages.last()));
        let texts = responses.iter().map(|message| content(Some(message))).collect();
        let conversation =
            Conversation { messages, responses, tools: self.tools()?, variables: self.variables()?, plain: false };
        Ok(Record { prompt, responses: texts, conversation: Some(conversation), ..Record::default() })
    }

    /// Tools that may be called: a list, or the text of one.
    fn tools(&self) -> Result<Option<Value>> {
        let list = match self.object.get("tools") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
            Some(value) => value.clone(),
        };
        match list {
            // Some templates write the beginning of a list of tools even where it is empty.
            Value::Array(list) if list.is_empty() => Ok(None),
            Value::Array(mut list) => {
                list.iter_mut().for_each(without_nulls);
                Ok(Some(Value::Array(list)))
            }
            other => Err(self
                .origin
                .error(format!("the field `tools` is {}; it has to be a list of JSON schemas", what(&other)))),
        }
    }

    /// Variables of the template.
    fn variables(&self) -> Result<Map<String, Value>> {
        let name = "chat_template_kwargs";
        match self.object.get(name) {
            None | Some(Value::Null) => Ok(Map::new()),
            Some(Value::Object(variables)) => Ok(variables
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect()),
            Some(other) => {
                Err(self.origin.error(format!("the field `{name}` is {}; it has to be an object", what(other))))
            }
        }
    }
}

/// Whose a message is.
fn role(message: &Message) -> &str {
    message.get("role").and_then(Value::as_str).unwrap_or_default()
}

/// What a message says.
fn content(message: Option<&Message>) -> String {
    message.and_then(|message| message.get("content")?.as_str()).unwrap_or_default().to_owned()
}

/// May this be a response with all that was said before it?
fn may_be_whole(value: &Value) -> bool {
    value.get(0).is_some_and(Value::is_object) || value.as_str().is_some_and(transcript::is_transcript)
}

/// Does the conversation end with the assistant's message?
pub(super) fn ends_answered(messages: &Value) -> bool {
    messages.as_array().and_then(|list| list.last()?.as_object()).is_some_and(|last| role(last) == ASSISTANT)
}

/// Leaves out members of objects that are null, at any depth.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(without_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(without_nulls),
        _ => {}
    }
}
