//! The model's chat template, and conversations as tokens.

use super::files::Names;
use super::{Files, Special, Tokenizer};
use crate::chat::{Conversation, Message, Source, Template, message, said};
use crate::{Error, Result};
use serde_json::Value;
use std::path::Path;

/// A message that no template says of its own accord.
const PROBE: &str = "9c1e7a";

/// What there is of a template. A broken one does no harm to texts, so it is no error until a conversation is read.
#[derive(Debug)]
pub(super) enum Chat {
    Absent,
    Broken(String),
    Ready {
        template: Box<Template>,
        /// The special token with which the assistant's turn ends, if it ends with one.
        end: Option<String>,
    },
}

impl Chat {
    /// The template among these files. The end of a turn is made one of the tokens at which generation stops.
    pub(super) fn of(
        files: &Files,
        names: &Names,
        whole: &tokenizers::Tokenizer,
        special: &mut Special,
        origin: &Path,
    ) -> Self {
        let mut ready = || {
            let Some(source) = source(files, origin)? else { return Ok(Chat::Absent) };
            let template = Box::new(Template::new(&source, names.by_name())?);
            let turn = Turn::of(&template)?;
            let marks = |text: &str| added(whole, text, &special.stop);
            if turn.silent && marks(&turn.opening).is_some() {
                return Err(format!(
                    "{}: the chat template writes nothing for `add_generation_prompt`, so that what the assistant's turn \
                     begins with would be learned as its words; add it to the template",
                    source.path.display()
                ));
            }
            let end = marks(&turn.closing);
            Ok(Chat::Ready {
                template,
                end: end.map(|(text, token)| {
                    if !special.stop.contains(&token) {
                        special.stop.push(token);
                    }
                    text
                }),
            })
        };
        ready().unwrap_or_else(Chat::Broken)
    }
}

/// Where a template may be: the file of its own, the tokenizer's configuration, or the file that was in use between them.
fn source(files: &Files, origin: &Path) -> Result<Option<Source>, String> {
    let file = "chat_template.jinja";
    if let Some(bytes) = files.get(file) {
        let path = origin.join(file);
        let text =
            std::str::from_utf8(bytes).map_err(|_| format!("{}: not UTF-8; save it as UTF-8", path.display()))?;
        return Ok(Some(Source { path, named: vec![("default".to_owned(), text.to_owned())] }));
    }
    for file in ["tokenizer_config.json", "chat_template.json"] {
        let path = origin.join(file);
        let json: Value = match files.get(file) {
            Some(bytes) => {
                serde_json::from_slice(bytes).map_err(|e| format!("{}: not valid JSON: {e}", path.display()))?
            }
            None => continue,
        };
        let named = match json.get("chat_template") {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => vec![("default".to_owned(), text.clone())],
            Some(value) => {
                let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
                let one = |entry: &Value| Some((text(entry, "name")?, text(entry, "template")?));
                let named = value.as_array().and_then(|list| list.iter().map(one).collect::<Option<Vec<_>>>());
                named.ok_or_else(|| {
                    let wanted = "it has to be a text, or a list of {\"name\": \"…\", \"template\": \"…\"}";
                    format!("{}: `chat_template` cannot be read; {wanted}", path.display())
                })?
            }
        };
        return Ok(Some(Source { path, named }));
    }
    Ok(None)
}

/// How a template writes the assistant's turn around what it says.
struct Turn {
    opening: String,
    closing: String,
    /// Is nothing written for `add_generation_prompt`?
    silent: bool,
}

impl Turn {
    fn of(template: &Template) -> Result<Self, String> {
        let nothing = Conversation::default();
        let render = |messages: &[&Message], ask| template.render(&nothing, messages, ask);
        let (user, system, answer) = (message("user", "a"), message("system", "a"), said(PROBE));
        // Some templates insist on a system message.
        let mut asked = vec![&user];
        if render(&[&user, &answer], false).is_err() {
            asked.insert(0, &system);
        }
        let whole = render(&[&asked[..], &[&answer]].concat(), false)?;
        let before = render(&asked, true)?;
        let silent = before == render(&asked, false)?;
        let place = whole.rfind(PROBE).ok_or("the chat template does not write what the assistant says")?;
        let opening = whole[..place].strip_prefix(before.as_str()).unwrap_or_default().to_owned();
        Ok(Turn { opening, closing: whole[place + PROBE.len()..].to_owned(), silent })
    }
}

/// The first special token in a text.
fn added(tokenizer: &tokenizers::Tokenizer, text: &str, stop: &[u32]) -> Option<(String, u32)> {
    let added = tokenizer.get_added_tokens_decoder();
    let encoding = tokenizer.encode_fast(text, false).ok()?;
    encoding.get_ids().iter().find_map(|token| {
        let found = added.get(token)?;
        (found.special || stop.contains(token)).then(|| (found.content.clone(), *token))
    })
}

/// A conversation up to where the assistant speaks next.
pub struct Asked<'a> {
    tokenizer: &'a Tokenizer,
    conversation: &'a Conversation,
    template: &'a Template,
    end: Option<&'a str>,
    text: String,
    tokens: Vec<u32>,
}

impl Tokenizer {
    /// Is there a chat template, good or broken?
    #[must_use]
    pub fn has_template(&self) -> bool {
        !matches!(self.chat, Chat::Absent)
    }

    /// The messages of a conversation as the model's template writes them, with what the assistant's turn begins with.
    /// The template says what stands before a text, too: nothing is put before it.
    ///
    /// # Errors
    /// If there is no template, it cannot be used, or it refuses the messages.
    pub fn ask<'a>(&'a self, conversation: &'a Conversation) -> Result<Asked<'a>> {
        let (template, end) = match &self.chat {
            Chat::Ready { template, end } => (template, end.as_deref()),
            Chat::Broken(problem) => return Err(Error::Setting(problem.clone())),
            Chat::Absent => {
                return Err(Error::Setting(format!(
                    "this is a conversation, and {} has no chat template to write it with; put one there as \
                     chat_template.jinja, or write the row as text",
                    self.origin.display()
                )));
            }
        };
        let messages: Vec<&Message> = conversation.messages.iter().collect();
        let text = template.render(conversation, &messages, true).map_err(Error::Setting)?;
        let tokens = self.whole.encode_fast(text.as_str(), false).map_err(|e| self.refused(&text, &*e))?;
        let tokens = tokens.get_ids().to_vec();
        if tokens.is_empty() {
            return Err(Error::Setting("the chat template writes nothing for these messages".to_owned()));
        }
        Ok(Asked { tokenizer: self, conversation, template, end, text, tokens })
    }
}

impl Asked<'_> {
    /// As the template writes it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same as tokens; never empty.
    #[must_use]
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// The assistant's next message as tokens: what the template adds to the conversation, up to the token that ends
    /// the turn. What it writes after that, usually the end of a line, is no part of the response.
    ///
    /// # Errors
    /// If the template refuses the messages, or writes what comes before otherwise than before.
    pub fn response(&self, answer: &Message) -> Result<Vec<u32>> {
        let messages: Vec<&Message> = self.conversation.messages.iter().chain([answer]).collect();
        let whole = self.template.render(self.conversation, &messages, false).map_err(Error::Setting)?;
        let rest = whole.strip_prefix(self.text.as_str()).ok_or_else(|| Error::Setting(parted(&self.text, &whole)))?;
        let rest = match self.end.and_then(|end| Some(rest.rfind(end)? + end.len())) {
            Some(end) => &rest[..end],
            None => rest,
        };
        self.tokenizer.response(&self.text, &self.tokens, rest)
    }
}

/// Where two texts part, of which the second should begin with the first.
fn parted(prompt: &str, whole: &str) -> String {
    let same: usize = prompt.chars().zip(whole.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let from = |text: &str| text[same..].chars().take(30).collect::<String>();
    format!(
        "the chat template writes the conversation otherwise once it is answered: {:?} becomes {:?}, so the response \
         cannot be told from the prompt; change the template so that both begin alike",
        from(prompt),
        from(whole)
    )
}
