//! The rows of data files.

use super::column::{self, Fields, what};
use super::compared::{self, Compared};
use super::dialogue::{CONTEXT, MESSAGES, Said, Text, ends_answered};
use super::record::{Origin, Record, Row};
use super::rows::{each_row, first_row, json};
use super::view::{PRESENT, Shape, View};
use crate::Result;
use serde_json::{Map, Value};
use std::path::Path;

/// All rows of some files, one file after another. Either all rows are good or none is given.
///
/// # Errors
/// If a file cannot be read or has no rows, or a row lacks what the view needs; the message names file, line and field.
pub fn read<P: AsRef<Path>>(paths: &[P], view: &View) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for path in paths {
        each_row(path.as_ref(), &mut |origin, row| {
            let record = parse(&origin, row, view)?;
            rows.push(Row { origin, record });
            Ok(())
        })?;
    }
    Ok(rows)
}

/// One row, as a line of a file has it; `origin` stands for its place in messages.
///
/// # Errors
/// As [`read`].
pub fn read_line(origin: Origin, line: &str, view: &View) -> Result<Row> {
    let record = parse(&origin, json(line, &origin)?, view)?;
    Ok(Row { origin, record })
}

/// The rows of a file as whatever its first row is: pairs if it has a `chosen`, groups if it has
/// `responses`, else single responses.
///
/// # Errors
/// As [`read`].
pub fn read_some(path: &Path) -> Result<(View, Vec<Row>)> {
    let mut view = None;
    let mut rows = Vec::new();
    each_row(path, &mut |origin, row| {
        let view = view.get_or_insert_with(|| {
            let has = |name| row.get(name).is_some();
            match () {
                () if has("chosen") || has("chosen_response") => View::pair(),
                () if has("responses") => View::group(),
                () => View::demo(),
            }
        });
        let record = parse(&origin, row, view)?;
        rows.push(Row { origin, record });
        Ok(())
    })?;
    Ok((view.unwrap_or_else(View::pair), rows))
}

/// The prompts of some files, to which responses are to be drawn, with all else that their rows say. A `completion` is
/// the prompt's response: a demonstration, where the policy is to be told from it.
///
/// # Errors
/// As [`read`].
pub fn read_prompts<P: AsRef<Path>>(paths: &[P]) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for path in paths {
        each_row(path.as_ref(), &mut |origin, row| {
            let value = object(&origin, row, "{\"prompt\": \"…\"}")?;
            let fields = Fields { object: &value, origin: &origin, example: "{\"prompt\": \"…\"}" };
            let shown = column::COMPLETION.names().any(|name| value.contains_key(name));
            let mut record = match fields.demonstration() {
                Some(messages) if ends_answered(messages) => fields.demonstrated(messages)?,
                Some(messages) if !fields.has(column::PROMPT.name) => fields.asked_in(messages)?,
                _ => fields.answered(|| {
                    let shown = shown.then(|| fields.said(&column::COMPLETION)).transpose()?;
                    Ok(shown.into_iter().collect())
                })?,
            };
            let read = [CONTEXT, MESSAGES].into_iter().filter(|_| record.conversation.is_some());
            let known: Vec<_> = column::PROMPT.names().chain(column::COMPLETION.names()).chain(read).collect();
            record.fields = value.into_iter().filter(|(name, _)| !known.contains(&name.as_str())).collect();
            rows.push(Row { origin, record });
            Ok(())
        })?;
    }
    Ok(rows)
}

/// The rows of a file as they are, whatever their columns.
///
/// # Errors
/// If the file cannot be read or has no rows, or a row is no object; the message names file and line.
pub fn read_objects(path: &Path) -> Result<Vec<(Origin, Map<String, Value>)>> {
    let mut rows = Vec::new();
    each_row(path, &mut |origin, row| {
        let row = object(&origin, row, "{\"prompt\": \"…\", …}")?;
        rows.push((origin, row));
        Ok(())
    })?;
    Ok(rows)
}

/// What the first row of a file has beside its prompt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Beside {
    /// No response.
    Nothing,
    /// One response: a demonstration.
    Completion,
    /// Two responses or more, or something that is no row at all.
    Responses,
}

/// What has the first row of a file beside its prompt: no response, one, or several?
///
/// # Errors
/// If the file cannot be read or has no rows.
pub fn beside(path: &Path) -> Result<Beside> {
    let value = first_row(path)?;
    let has =
        |columns: &[&column::Column]| columns.iter().any(|column| column.names().any(|name| value.get(name).is_some()));
    Ok(match () {
        () if value.as_object().is_none_or(compared::is_compared) => Beside::Responses,
        () if has(&[&column::CHOSEN, &column::REJECTED, &column::RESPONSES]) => Beside::Responses,
        () if has(&[&column::COMPLETION]) => Beside::Completion,
        () if value.get(MESSAGES).is_some_and(ends_answered) => Beside::Completion,
        () => Beside::Nothing,
    })
}

/// Has the first row of a file a rating of any attribute?
///
/// # Errors
/// If the file cannot be read or has no rows.
pub fn has_ratings(path: &Path) -> Result<bool> {
    let first = first_row(path)?;
    Ok(column::ATTRIBUTES.iter().any(|column| first.get(column.name).is_some()))
}

fn parse(origin: &Origin, row: Value, view: &View) -> Result<Record> {
    let example = example(view);
    let object = object(origin, row, &example)?;
    let fields = Fields { object: &object, origin, example: &example };
    if matches!(view.shape, Shape::Pair | Shape::Annotated) && compared::is_compared(&object) {
        return of_compared(compared::read(&fields)?, view, &fields);
    }
    let single = matches!(view.shape, Shape::Demo | Shape::Unpaired | Shape::Rated);
    let mut record = match fields.demonstration().filter(|_| single) {
        Some(messages) => fields.demonstrated(messages)?,
        None if view.shape == Shape::Group => fields.answered(|| fields.all_said(&column::RESPONSES))?,
        None => fields.answered(|| view.shape.texts().iter().map(|column| fields.said(column)).collect())?,
    };
    for (field, _) in &view.numbers {
        let column = view.shape.number(field).expect("a view holds only fields that its shape knows");
        if column.field == "value" {
            let problem =
                "what a critic predicts is known only of responses that are drawn; give rows with a `prompt` alone";
            return Err(origin.error(problem));
        }
        let values = match view.shape {
            Shape::Group => fields.numbers(column, record.responses.len())?,
            Shape::Pair | Shape::Demo | Shape::Unpaired | Shape::Annotated => vec![fields.number(column)?],
            Shape::Rated => {
                let rating = fields.rating(column)?;
                let present = field.ends_with(PRESENT);
                vec![if present { f64::from(u8::from(rating.is_some())) } else { rating.unwrap_or(0.0) }]
            }
        };
        record.numbers.insert(field.clone(), values);
    }
    match view.shape {
        Shape::Rated => some_rating(&fields)?,
        Shape::Annotated => whole(&record, origin)?,
        Shape::Pair | Shape::Demo | Shape::Unpaired | Shape::Group => {}
    }
    Ok(record)
}

/// A row whose responses people compared, as a pair.
fn of_compared(compared: Compared, view: &View, fields: &Fields<'_>) -> Result<Record> {
    let said = |text| Said { name: "response".to_owned(), text: Text::Plain(text) };
    let mut record = fields.answered(|| Ok(compared.responses.map(said).into()))?;
    for (field, _) in &view.numbers {
        let place = column::SHARES.iter().position(|column| column.field == field);
        let value = match (place, compared.shares) {
            (Some(place), Some(shares)) => shares[place],
            (Some(_), None) => {
                let problem = "the row does not say what each annotator said; write `all_preferences_unprocessed`, a list \
                               of {\"strength\": -3…3}, or `individual_preference`, a list of {\"score\": -3…3}";
                return Err(fields.origin.error(problem));
            }
            (None, _) if field == column::MARGIN.field => compared.margin,
            (None, _) => {
                let column = view.shape.number(field).expect("a view holds only fields that its shape knows");
                fields.number(column)?
            }
        };
        record.numbers.insert(field.clone(), vec![value]);
    }
    if view.shape == Shape::Pair && compared.margin == 0.0 {
        record.unusable = Some("its annotators prefer neither response");
    }
    Ok(record)
}

/// Is anything rated?
fn some_rating(fields: &Fields<'_>) -> Result<()> {
    for column in &column::ATTRIBUTES {
        if fields.rating(column)?.is_some() {
            return Ok(());
        }
    }
    let names: Vec<_> = column::ATTRIBUTES.iter().map(|column| format!("`{}`", column.name)).collect();
    Err(fields.origin.error(format!("no attribute is rated; write at least one of {}", names.join(", "))))
}

/// Do the shares of annotators add up to 1?
fn whole(record: &Record, origin: &Origin) -> Result<()> {
    let sum: f64 = record.numbers.values().flatten().sum();
    if record.numbers.len() == column::SHARES.len() && (sum - 1.0).abs() > 1e-3 {
        return Err(origin.error(format!("the shares of annotators add up to {sum}; they have to add up to 1")));
    }
    Ok(())
}

fn object(origin: &Origin, row: Value, example: &str) -> Result<Map<String, Value>> {
    match row {
        Value::Object(object) => Ok(object),
        other => Err(origin.error(format!("a row is {}; it has to be an object: {example}", what(&other)))),
    }
}

/// A row as it should be written.
fn example(view: &View) -> String {
    // Whether there is a rating is no column of its own.
    let numbers = view.numbers.iter().filter(|(field, _)| !field.ends_with(PRESENT));
    let numbers = numbers.filter_map(|(field, _)| view.shape.number(field));
    let columns = std::iter::once(&column::PROMPT).chain(view.shape.texts()).chain(numbers);
    let columns = columns.map(|column| format!("\"{}\": {}", column.name, column.example));
    format!("{{{}}}", columns.collect::<Vec<_>>().join(", "))
}
