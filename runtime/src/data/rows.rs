//! Files of JSON objects: one on each line (`.jsonl`), or all in a list (`.json`), either of which may be compressed with
//! gzip; or the rows of a table (`.parquet`). What a file is shows at its beginning, whatever it is called.

use super::record::Origin;
#[cfg(feature = "parquet")]
use super::table::each_row as each_of_table;
use crate::{Error, Result};
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const TABLE: [u8; 4] = *b"PAR1";

/// A mark of the byte order, which some editors put first, is no part of the text.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Told a row and where it is; says whether to go on.
pub(super) type UseRow<'a> = dyn FnMut(Origin, Value) -> Result<ControlFlow<()>> + 'a;

/// Runs `use_row` on every row of a file, with where it is: the line where it begins, in the text as it is unpacked, or the
/// row of a table, each from 1.
pub(super) fn each_row(path: &Path, use_row: &mut dyn FnMut(Origin, Value) -> Result<()>) -> Result<()> {
    rows(path, &mut |origin, row| use_row(origin, row).map(ControlFlow::Continue))
}

/// The first row of a file.
pub(super) fn first_row(path: &Path) -> Result<Value> {
    let mut first = Value::Null;
    rows(path, &mut |_, row| {
        first = row;
        Ok(ControlFlow::Break(()))
    })?;
    Ok(first)
}

fn rows(path: &Path, use_row: &mut UseRow<'_>) -> Result<()> {
    let mut used = 0;
    let mut count = |origin: Origin, row: Value| {
        used += 1;
        use_row(origin, row)
    };
    let mut file = opened(path)?;
    let start = file.fill_buf().map_err(|e| unreadable(path, &e))?;
    refuse_other_formats(path, start)?;
    let table = start.starts_with(&TABLE);
    let text = start.strip_prefix(MARK).unwrap_or(start);
    match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
        _ if table => each_of_table(path, &mut count)?,
        Some(b'[') => each_of_list(path, file, &mut count)?,
        _ => each_of_lines(path, file, &mut count)?,
    }
    match (used, table) {
        (0, true) => Err(Error::file(path, "this file has no rows")),
        (0, false) => Err(Error::file(path, "this file has no rows; write one JSON object a line")),
        _ => Ok(()),
    }
}

/// A file, unpacked as it is read.
fn opened(path: &Path) -> Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(File::open(path).map_err(|e| unreadable(path, &e))?);
    let start = file.fill_buf().map_err(|e| unreadable(path, &e))?;
    Ok(match start.starts_with(&GZIP) {
        true => Box::new(BufReader::new(MultiGzDecoder::new(file))),
        false => Box::new(file),
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound => Error::file(path, "there is no such file"),
        ErrorKind::IsADirectory => Error::file(path, "this is a folder; name a file in it"),
        // Only what unpacks a file says so: plain reading finds nothing wrong with bytes.
        ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
            Error::file(path, format!("this file is compressed, and damaged ({error}); fetch it once more"))
        }
        _ => Error::file(path, format!("cannot be read: {error}")),
    }
}

#[cfg(not(feature = "parquet"))]
fn each_of_table(path: &Path, _: &mut UseRow<'_>) -> Result<()> {
    let problem = "this is a table in Parquet, and this program was built without it; build it with `--features parquet`, or \
                   convert the table to .jsonl";
    Err(Error::file(path, problem))
}

fn refuse_other_formats(path: &Path, start: &[u8]) -> Result<()> {
    let problem = match start {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "this file is UTF-16; save it as UTF-8",
        _ => return Ok(()),
    };
    Err(Error::file(path, problem))
}

/// The text of a line, `number` counted from 1.
fn text<'a>(bytes: &'a [u8], origin: &Origin) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|e| {
        let column = e.valid_up_to() + 1;
        origin.error(format!("byte {column} of this line is not UTF-8; save the file as UTF-8"))
    })
}

/// A row of JSON.
pub(super) fn json(text: &str, origin: &Origin) -> Result<Value> {
    serde_json::from_str(text).map_err(|e| origin.error(format!("not valid JSON at {}", column_and_cause(&e))))
}

/// Where in its line a text is no JSON, and why. The reader counts lines of what it was given, and says so in its own text.
fn column_and_cause(error: &serde_json::Error) -> String {
    let text = error.to_string();
    format!("column {}: {}", error.column(), text.split(" at line ").next().unwrap_or(&text))
}

fn each_of_lines(path: &Path, mut file: Box<dyn BufRead>, use_row: &mut UseRow<'_>) -> Result<()> {
    let shared: Arc<Path> = Arc::from(path);
    let mut bytes = Vec::new();
    let mut number = 0;
    while file.read_until(b'\n', &mut bytes).map_err(|e| unreadable(path, &e))? > 0 {
        number += 1;
        let origin = Origin { path: Arc::clone(&shared), line: number };
        let content = if number == 1 { bytes.strip_prefix(MARK).unwrap_or(&bytes) } else { &bytes };
        let line = text(content, &origin)?.trim_matches([' ', '\t', '\r', '\n']);
        if !line.is_empty() {
            let row = json(line, &origin)?;
            if use_row(origin, row)?.is_break() {
                return Ok(());
            }
        }
        bytes.clear();
    }
    Ok(())
}

fn each_of_list(path: &Path, mut file: Box<dyn BufRead>, use_row: &mut UseRow<'_>) -> Result<()> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|e| unreadable(path, &e))?;
    let shared: Arc<Path> = Arc::from(path);
    let at = |line| Origin { path: Arc::clone(&shared), line };
    let mut whole = String::with_capacity(bytes.len());
    for (i, line) in bytes.strip_prefix(MARK).unwrap_or(&bytes).split_inclusive(|byte| *byte == b'\n').enumerate() {
        whole.push_str(text(line, &at(i + 1))?);
    }
    let rows: Vec<&RawValue> = serde_json::from_str(&whole)
        .map_err(|e| at(e.line()).error(format!("not a valid list of JSON at {}", column_and_cause(&e))))?;
    let (mut seen, mut line) = (0, 1);
    for row in rows {
        // Rows are parts of the text, so their addresses say where in it.
        let begins = row.get().as_ptr().addr() - whole.as_ptr().addr();
        line += whole[seen..begins].matches('\n').count();
        seen = begins;
        if use_row(at(line), json(row.get(), &at(line))?)?.is_break() {
            return Ok(());
        }
    }
    Ok(())
}
