//! A model's template.

use super::environment::{environment, without_marks};
use super::{Conversation, Message};
use minijinja::Environment;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// The name of the template that is used where there are several.
const DEFAULT: &str = "default";
/// The name of the one that is used where there are tools, if there is such a one.
const WITH_TOOLS: &str = "tool_use";

/// Where a template is written, and its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// The file that holds it.
    pub path: PathBuf,
    /// Name and text of each; a single one is called `default`.
    pub named: Vec<(String, String)>,
}

/// A template that can be rendered.
#[derive(Debug)]
pub struct Template {
    environment: Environment<'static>,
    path: PathBuf,
    /// `bos_token` and its like.
    special: Map<String, Value>,
}

impl Template {
    /// Reads a template. `special` are the special tokens as text, by the names of the tokenizer's configuration.
    ///
    /// # Errors
    /// What is wrong, in which file and line.
    pub fn new(source: &Source, special: Map<String, Value>) -> Result<Self, String> {
        let path = source.path.clone();
        let mut environment = environment().map_err(|e| problem(&source.path, &e))?;
        if !source.named.iter().any(|(name, _)| name == DEFAULT) {
            let names: Vec<_> = source.named.iter().map(|(name, _)| format!("`{name}`")).collect();
            return Err(format!(
                "{}: of the chat templates {} none is called `{DEFAULT}`; call one so",
                path.display(),
                names.join(", ")
            ));
        }
        for (name, text) in &source.named {
            let text = without_marks(text).into_owned();
            environment.add_template_owned(name.clone(), text).map_err(|e| problem(&source.path, &e))?;
        }
        Ok(Template { environment, path, special })
    }

    /// Messages as text; with `ask`, what the assistant's next message begins with comes last. The other parts of the
    /// conversation are only read.
    ///
    /// # Errors
    /// What the template says against the messages, or what it cannot do, with its file and line.
    pub fn render(&self, conversation: &Conversation, messages: &[&Message], ask: bool) -> Result<String, String> {
        let tools = conversation.tools.is_some() && self.environment.get_template(WITH_TOOLS).is_ok();
        let name = if tools { WITH_TOOLS } else { DEFAULT };
        let template = self.environment.get_template(name).map_err(|e| problem(&self.path, &e))?;
        let mut variables = self.special.clone();
        variables.insert("tools".to_owned(), conversation.tools.clone().unwrap_or_default());
        variables.insert("documents".to_owned(), Value::Null);
        variables.extend(conversation.variables.clone());
        variables.insert("messages".to_owned(), messages.iter().map(|m| Value::Object((*m).clone())).collect());
        variables.insert("add_generation_prompt".to_owned(), ask.into());
        template.render(minijinja::value::Serde(variables)).map_err(|e| problem(&self.path, &e))
    }
}

/// File, line and cause.
fn problem(path: &std::path::Path, error: &minijinja::Error) -> String {
    let line = error.line().map_or_else(String::new, |line| format!("line {line} of "));
    let kind = error.kind().to_string();
    let cause = match error.detail() {
        Some(detail) if error.kind() == minijinja::ErrorKind::InvalidOperation => detail.to_owned(),
        Some(detail) => format!("{kind}: {detail}"),
        None => kind,
    };
    format!("{}: {line}the chat template: {cause}", path.display())
}
