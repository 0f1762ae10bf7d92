//! A model as a Hugging Face folder: `config.json`, safetensors files, and a tokenizer's files.

mod config_json;
mod family_json;
mod read;
mod write;

pub(crate) use read::header;
pub use write::Precision;

use crate::{Error, Result};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files that belong to a model and that are kept, byte for byte, when its weights are saved.
const CARRIED: [&str; 11] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
    "LICENSE",
];

/// What a model's folder holds besides its weights.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Folder {
    /// Where it was read from, for messages; empty for a model that came from no folder.
    pub path: PathBuf,
    /// `config.json`, with the keys that Collimate does not read.
    pub config: Map<String, Value>,
    /// Name and bytes of the tokenizer's and the generation's files.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Folder {
    /// Reads `config.json` and the tokenizer's files.
    ///
    /// # Errors
    /// If there is no readable `config.json`, or another file cannot be read.
    pub fn read(path: &Path) -> Result<Self> {
        let config_path = path.join("config.json");
        let bytes = std::fs::read(&config_path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Error::file(
                &config_path,
                "not found; give a Hugging Face model folder (config.json, model.safetensors)",
            ),
            _ => Error::file(&config_path, error),
        })?;
        let mut files = BTreeMap::new();
        for name in CARRIED {
            match std::fs::read(path.join(name)) {
                Ok(bytes) => drop(files.insert(name.to_owned(), bytes)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(Error::file(path.join(name), error)),
            }
        }
        Ok(Folder { path: path.to_owned(), config: config_json::parse(&config_path, &bytes)?, files })
    }

    /// One of [`Folder::files`], e.g. `tokenizer.json`.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        self.files.get(name).map(Vec::as_slice)
    }
}
