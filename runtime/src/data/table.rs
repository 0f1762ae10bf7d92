//! Rows of a table in Parquet, as data sets are published: columns of texts, numbers, lists and structures.

use super::record::Origin;
use super::rows::UseRow;
use crate::{Error, Result};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::{Map, Number, Value};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Runs `use_row` on every row as an object, with its number from 1.
pub(super) fn each_row(path: &Path, use_row: &mut UseRow<'_>) -> Result<()> {
    let unreadable = |e: ParquetError| {
        Error::file(path, format!("this table in Parquet is damaged, or of a kind that cannot be read: {e}"))
    };
    let file = File::open(path).map_err(|e| Error::file(path, format!("cannot be read: {e}")))?;
    let reader = SerializedFileReader::new(file).map_err(unreadable)?;
    let shared: Arc<Path> = Arc::from(path);
    for (i, row) in reader.get_row_iter(None).map_err(unreadable)?.enumerate() {
        let origin = Origin { path: Arc::clone(&shared), line: i + 1 };
        let object = object(&row.map_err(unreadable)?).map_err(|problem| origin.error(problem))?;
        if use_row(origin, Value::Object(object))?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}

fn object(row: &Row) -> Result<Map<String, Value>, String> {
    let one = |(name, field): (&String, &Field)| {
        let value = value(field).map_err(|problem| format!("the field `{name}` {problem}"))?;
        Ok((name.clone(), value))
    };
    row.get_column_iter().map(one).collect()
}

/// A value as JSON. Times are the numbers that the file has.
fn value(field: &Field) -> Result<Value, String> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(yes) => (*yes).into(),
        Field::Byte(x) => (*x).into(),
        Field::Short(x) => (*x).into(),
        Field::Int(x) | Field::Date(x) | Field::TimeMillis(x) => (*x).into(),
        Field::Long(x) | Field::TimeMicros(x) | Field::TimestampMillis(x) | Field::TimestampMicros(x) => (*x).into(),
        Field::UByte(x) => (*x).into(),
        Field::UShort(x) => (*x).into(),
        Field::UInt(x) => (*x).into(),
        Field::ULong(x) => (*x).into(),
        Field::Float16(x) => float(x.to_f64())?,
        Field::Float(x) => float(f64::from(*x))?,
        Field::Double(x) => float(*x)?,
        Field::Str(text) => text.as_str().into(),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            // Some writers do not say that a text is one.
            Ok(text) => text.into(),
            Err(_) => format!("{} bytes that are no text", bytes.len()).into(),
        },
        Field::Group(row) => Value::Object(object(row)?),
        Field::ListInternal(list) => list.elements().iter().map(value).collect::<Result<_, _>>()?,
        Field::MapInternal(map) => {
            let one = |(key, of): &(Field, Field)| {
                let key = value(key)?;
                Ok((key.as_str().map_or_else(|| key.to_string(), str::to_owned), value(of)?))
            };
            Value::Object(map.entries().iter().map(one).collect::<Result<_, String>>()?)
        }
        other => match other.to_string().parse::<f64>() {
            Ok(x) => float(x)?,
            Err(_) => other.to_string().into(),
        },
    })
}

fn float(x: f64) -> Result<Value, String> {
    Number::from_f64(x).map(Value::Number).ok_or_else(|| format!("is {x}; it has to be a finite number, or null"))
}
