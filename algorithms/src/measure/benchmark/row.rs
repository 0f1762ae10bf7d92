//! Rows of a benchmark.

use super::sections;
use anyhow::{Context, Result, bail, ensure};
use collimate_runtime::chat::Conversation;
use collimate_runtime::data::{Origin, Record, View, read_line, read_objects};
use serde_json::{Map, Value};
use std::path::Path;

/// Which file format the rows have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// `prompt`, `chosen`, `rejected`.
    Pairs,
    /// RewardBench.
    RewardBench,
    /// RM-Bench.
    RmBench,
    /// JudgeBench.
    JudgeBench,
    /// Two responses, and what several people said.
    Compared,
}

/// A question with better and worse responses.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// Its line, from 1.
    pub line: usize,
    /// What is asked.
    pub prompt: String,
    /// The same as messages with the better and the worse response, where the row has it so.
    pub conversation: Option<Conversation>,
    /// One response, or one in each of RM-Bench's three styles.
    pub better: Vec<String>,
    /// As many.
    pub worse: Vec<String>,
    /// Of what sort the question is; empty if the file does not say.
    pub category: String,
    /// How people are divided, where the row says what each said.
    pub people: Option<People>,
}

/// How people are divided over two responses, arXiv:2410.14632, section 2.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum People {
    /// Some on either side, and somebody clearly so.
    Divided,
    /// All on one side, and nobody even.
    United,
    /// Neither.
    Between,
}

/// Reads a file. `prefers` nothing: rows whose people prefer neither response are left out and counted.
///
/// # Errors
/// If the file cannot be read, or a row is not what the first row's format asks for; the message names file, line and
/// column.
pub fn read(path: &Path) -> Result<(Format, Vec<Item>, usize)> {
    let (mut format, mut items, mut even) = (None, Vec::new(), 0);
    for (origin, row) in read_objects(path)? {
        let format = *format.get_or_insert_with(|| Format::of(&row));
        match item(format, &row, origin.line).with_context(|| format!("{}:{}", path.display(), origin.line))? {
            Some(item) => items.push(item),
            None => even += 1,
        }
    }
    ensure!(!items.is_empty(), "{}: no row has a better and a worse response", path.display());
    Ok((format.unwrap_or(Format::Pairs), items, even))
}

impl Format {
    fn of(row: &Map<String, Value>) -> Self {
        let has = |name: &str| row.contains_key(name);
        match () {
            () if has("response_A") || has("response_B") => Format::JudgeBench,
            () if has("response_1") || has("response1") => Format::Compared,
            () if row.get("chosen").is_some_and(|chosen| chosen.is_array() && !chosen[0].is_object()) => {
                Format::RmBench
            }
            () if has("subset") => Format::RewardBench,
            () => Format::Pairs,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Pairs => "pairs",
            Format::RewardBench => "RewardBench",
            Format::RmBench => "RM-Bench",
            Format::JudgeBench => "JudgeBench",
            Format::Compared => "compared by people",
        }
    }
}

/// A row as an item; none if neither response is better.
fn item(format: Format, row: &Map<String, Value>, line: usize) -> Result<Option<Item>> {
    let one = |name: &str| Ok::<_, anyhow::Error>(vec![text(row, name)?]);
    let optional = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let item = |prompt, better, worse, category| Item {
        line,
        prompt,
        conversation: None,
        better,
        worse,
        category,
        people: None,
    };
    let spoken = ["prompt", "chosen"].iter().any(|name| row.get(*name).is_some_and(|value| value[0].is_object()));
    Ok(Some(match format {
        Format::Pairs if spoken => of_record(as_trained(row, line)?, optional("category"), line),
        Format::Pairs => item(text(row, "prompt")?, one("chosen")?, one("rejected")?, optional("category")),
        Format::RewardBench => {
            let subset = text(row, "subset")?;
            ensure!(
                sections::section(&subset).is_some(),
                "`subset` is {subset:?}, which is none of RewardBench's; use `category` in a file of pairs of your own"
            );
            item(text(row, "prompt")?, one("chosen")?, one("rejected")?, subset)
        }
        Format::RmBench => {
            let (better, worse) = (three(row, "chosen")?, three(row, "rejected")?);
            item(text(row, "prompt")?, better, worse, text(row, "domain")?)
        }
        Format::JudgeBench => {
            let (a, b) = (one("response_A")?, one("response_B")?);
            let (better, worse) = match text(row, "label")?.as_str() {
                "A>B" => (a, b),
                "B>A" => (b, a),
                other => bail!("`label` is {other:?}; it has to be \"A>B\" or \"B>A\""),
            };
            item(text(row, "question")?, better, worse, sections::judge_bench(&text(row, "source")?).to_owned())
        }
        Format::Compared => return compared(row, line),
    }))
}

fn text(row: &Map<String, Value>, name: &str) -> Result<String> {
    match row.get(name) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => bail!("`{name}` has to be a text"),
        None => {
            let found: Vec<&str> = row.keys().map(String::as_str).collect();
            bail!("`{name}` is missing (found: {})", found.join(", "))
        }
    }
}

fn three(row: &Map<String, Value>, name: &str) -> Result<Vec<String>> {
    let list = row.get(name).and_then(Value::as_array);
    let texts: Option<Vec<String>> = list.map(|l| l.iter().filter_map(|t| t.as_str().map(str::to_owned)).collect());
    match texts {
        Some(texts) if texts.len() == 3 && list.is_some_and(|list| list.len() == 3) => Ok(texts),
        _ => bail!("`{name}` has to be a list of three texts: concise, detailed, detailed with markdown"),
    }
}

/// Two responses and what people said, read as training reads them.
fn compared(row: &Map<String, Value>, line: usize) -> Result<Option<Item>> {
    let read = as_trained(row, line)?;
    if read.unusable.is_some() {
        return Ok(None);
    }
    let each =
        ["all_preferences_unprocessed", "individual_preference"].iter().find_map(|name| row.get(*name)?.as_array());
    let said: Option<Vec<f64>> = each.map(|each| {
        let number = |entry: &Value| entry.get("strength").or_else(|| entry.get("score")).and_then(Value::as_f64);
        each.iter().filter_map(number).filter(|number| *number >= -3.0).collect()
    });
    let domain = row.get("domain").and_then(Value::as_str).unwrap_or_default().to_owned();
    let people = said.filter(|said| said.len() > 1).map(|said| People::of(&said));
    Ok(Some(Item { people, ..of_record(read, domain, line) }))
}

/// A row as training reads a pair.
fn as_trained(row: &Map<String, Value>, line: usize) -> Result<Record> {
    let origin = Origin { path: Path::new("row").into(), line };
    // Its messages name a place of their own, and the caller's come before them.
    let plain = |error: collimate_runtime::Error| match error {
        collimate_runtime::Error::Row { problem, .. } => anyhow::anyhow!(problem),
        other => anyhow::anyhow!(other.to_string()),
    };
    Ok(read_line(origin, &Value::Object(row.clone()).to_string(), &View::pair()).map_err(plain)?.record)
}

fn of_record(record: Record, category: String, line: usize) -> Item {
    let [better, worse] = <[String; 2]>::try_from(record.responses).expect("a pair has two responses");
    let (better, worse) = (vec![better], vec![worse]);
    Item { line, prompt: record.prompt, conversation: record.conversation, better, worse, category, people: None }
}

impl People {
    /// From what each said, -3 to 3.
    #[must_use]
    pub fn of(said: &[f64]) -> Self {
        let any = |is: fn(f64) -> bool| said.iter().any(|strength| is(*strength));
        let clear = any(|s| s.abs() >= 2.0);
        match (any(|s| s > 0.0), any(|s| s < 0.0), any(|s| s == 0.0)) {
            (true, true, _) if clear => People::Divided,
            (true, false, false) | (false, true, false) => People::United,
            _ => People::Between,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn written(rows: &[Value]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench.jsonl");
        std::fs::write(&path, rows.iter().map(|row| format!("{row}\n")).collect::<String>()).unwrap();
        (folder, path)
    }

    fn one(row: Value) -> (Format, Item) {
        let (_folder, path) = written(&[row]);
        let (format, mut items, _) = read(&path).unwrap();
        (format, items.remove(0))
    }

    fn problem(row: Value) -> String {
        let (_folder, path) = written(&[row]);
        format!("{:#}", read(&path).unwrap_err()).split_once("bench.jsonl:").unwrap().1.to_owned()
    }

    #[test]
    fn every_format_is_told_by_its_columns() {
        let (format, item) = one(json!({"prompt": "p", "chosen": "a", "rejected": "b", "category": "maths"}));
        assert_eq!((format, item.category.as_str()), (Format::Pairs, "maths"));
        let (format, item) = one(json!({"prompt": "p", "chosen": "a", "chosen_model": "x", "rejected": "b",
            "rejected_model": "y", "subset": "llmbar-natural", "id": 3}));
        assert_eq!((format, item.category.as_str()), (Format::RewardBench, "llmbar-natural"));
        let (format, item) = one(json!({"id": "1", "prompt": "p", "chosen": ["a", "aa", "aaa"],
            "rejected": ["b", "bb", "bbb"], "domain": "chat"}));
        assert_eq!((format, item.better.len(), item.worse[2].as_str()), (Format::RmBench, 3, "bbb"));
        let say = |role: &str, content: &str| json!({"role": role, "content": content});
        let (format, item) = one(json!({"prompt": "p", "chosen": [say("user", "p"), say("assistant", "a")],
            "rejected": [say("user", "p"), say("assistant", "b")]}));
        assert_eq!((format, item.worse[0].as_str()), (Format::Pairs, "b"));
        assert_eq!(item.conversation.unwrap().messages, [say("user", "p").as_object().unwrap().clone()]);
        let (format, item) = one(json!({"pair_id": "1", "question": "q", "response_A": "a", "response_B": "b",
            "label": "B>A", "source": "mmlu-pro-law"}));
        assert_eq!((format, item.better[0].as_str(), item.category.as_str()), (Format::JudgeBench, "b", "knowledge"));
        let (format, item) = one(json!({"prompt": "p", "response_1": "a", "response_2": "b", "preference_strength": 1,
            "all_preferences_unprocessed": [{"strength": 2}, {"strength": 3}, {"strength": -1}]}));
        assert_eq!((format, item.better[0].as_str(), item.people), (Format::Compared, "b", Some(People::Divided)));
    }

    #[test]
    fn people_are_divided_united_or_neither() {
        assert_eq!(People::of(&[1.0, 3.0]), People::United);
        assert_eq!(People::of(&[-1.0, 2.0]), People::Divided);
        assert_eq!(People::of(&[-1.0, 1.0]), People::Between);
        assert_eq!(People::of(&[0.0, 2.0]), People::Between);
    }

    #[test]
    fn a_wrong_row_is_one_clear_error() {
        let wrong = problem(json!({"prompt": "p", "chosen": "a", "subset": "hep-go"}));
        assert_eq!(wrong, "1: `rejected` is missing (found: prompt, chosen, subset)");
        let wrong = problem(json!({"prompt": "p", "chosen": "a", "rejected": "b", "subset": "mine"}));
        assert!(wrong.starts_with("1: `subset` is \"mine\", which is none of RewardBench's"), "{wrong}");
        let wrong = problem(json!({"prompt": "p", "chosen": ["a"], "rejected": ["b"], "domain": "chat"}));
        assert!(wrong.starts_with("1: `chosen` has to be a list of three texts"), "{wrong}");
        let wrong =
            problem(json!({"question": "q", "response_A": "a", "response_B": "b", "label": "A", "source": "x"}));
        assert_eq!(wrong, "1: `label` is \"A\"; it has to be \"A>B\" or \"B>A\"");
        let wrong = problem(json!({"prompt": 3, "chosen": "a", "rejected": "b"}));
        assert_eq!(wrong, "1: `prompt` has to be a text");
        let (_folder, path) = written(&[
            json!({"prompt": "p", "chosen": "a", "rejected": "b"}),
            json!({"prompt": "p", "response_A": "a"}),
        ]);
        assert!(format!("{:#}", read(&path).unwrap_err()).contains("bench.jsonl:2: `chosen` is missing"));
    }
}
