//! The files of a tokenizer, and the special tokens they name.

use super::Special;
use crate::checkpoint::Hash;
use crate::{Error, Result};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use tokenizers::AddedToken;

/// What is read, and written back beside a trained model. `config.json` is read only: it belongs to the weights.
const KEPT: [&str; 8] = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
    "generation_config.json",
    "chat_template.jinja",
    "chat_template.json",
];

/// The files of a tokenizer by name, as bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Files(pub(super) BTreeMap<String, Vec<u8>>);

impl Files {
    /// Those of a Hugging Face folder.
    ///
    /// # Errors
    /// If the folder does not exist, or a file in it cannot be read.
    pub fn read(folder: &Path) -> Result<Self> {
        if !folder.is_dir() {
            return Err(Error::file(folder, "there is no such folder; give a Hugging Face model folder"));
        }
        let mut files = BTreeMap::new();
        for name in KEPT.into_iter().chain(["config.json"]) {
            let path = folder.join(name);
            match std::fs::read(&path) {
                Ok(bytes) => drop(files.insert(name.to_owned(), bytes)),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => return Err(Error::file(path, format!("cannot be read: {e}"))),
            }
        }
        Ok(Files(files))
    }

    /// From bytes in memory, e.g. `[("tokenizer.json", include_bytes!(…))]`.
    #[must_use]
    pub fn from_bytes<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        Files(files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect())
    }

    /// One file.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Writes the tokenizer's own files (not `config.json`) into a folder that exists.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub fn write(&self, folder: &Path) -> Result<()> {
        for (name, bytes) in self.0.iter().filter(|(name, _)| KEPT.contains(&name.as_str())) {
            let path = folder.join(name);
            std::fs::write(&path, bytes).map_err(|e| Error::file(&path, format!("cannot be written: {e}")))?;
        }
        Ok(())
    }

    /// Of all that makes tokens of text.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let files =
            self.0.iter().filter(|(name, _)| !["config.json", "generation_config.json"].contains(&name.as_str()));
        files.fold(Hash::of_bytes(b""), |hash, (name, bytes)| {
            hash.and(Hash::of_bytes(name.as_bytes())).and(Hash::of_bytes(bytes))
        })
    }

    fn json(&self, name: &str, origin: &Path) -> Result<Value> {
        let bytes = self.get(name).unwrap_or(b"null");
        serde_json::from_slice(bytes).map_err(|e| Error::file(origin.join(name), format!("not valid JSON: {e}")))
    }

    pub(super) fn names(&self, origin: &Path) -> Result<Names> {
        Ok(Names {
            tokenizer: self.json("tokenizer_config.json", origin)?,
            map: self.json("special_tokens_map.json", origin)?,
            generation: self.json("generation_config.json", origin)?,
            model: self.json("config.json", origin)?,
        })
    }
}

/// What the configuration files say about special tokens.
pub(super) struct Names {
    tokenizer: Value,
    map: Value,
    generation: Value,
    model: Value,
}

impl Names {
    /// The text of a special token: either written as it is, or as an object with `content`.
    fn text(&self, field: &str) -> Option<&str> {
        [&self.tokenizer, &self.map].into_iter().find_map(|config| {
            let value = config.get(field)?;
            value.as_str().or_else(|| value.get("content")?.as_str())
        })
    }

    /// The special tokens as text, by their names: what a chat template reads.
    pub(super) fn by_name(&self) -> Map<String, Value> {
        let plain = |value: &Value| value.as_str().or_else(|| value.get("content")?.as_str()).map(Value::from);
        let named = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"].map(|name| format!("{name}_token"));
        let named = named.into_iter().filter_map(|name| Some((name.clone(), self.text(&name)?.into())));
        let mut all: Map<String, Value> = named.collect();
        for config in [&self.map, &self.tokenizer] {
            if let Some(extra) = config.get("extra_special_tokens").and_then(Value::as_object) {
                all.extend(extra.iter().filter_map(|(name, token)| Some((name.clone(), plain(token)?))));
            }
            if let Some(list) = config.get("additional_special_tokens").and_then(Value::as_array) {
                all.insert("additional_special_tokens".to_owned(), list.iter().filter_map(plain).collect());
            }
        }
        all
    }

    /// Token ids given as one number or a list.
    fn ids(&self, field: &str) -> Vec<u32> {
        let read = |config: &Value| -> Vec<u32> {
            let value = config.get(field).unwrap_or(&Value::Null);
            let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
            list.iter().filter_map(|id| u32::try_from(id.as_u64()?).ok()).collect()
        };
        let from_generation = read(&self.generation);
        if from_generation.is_empty() { read(&self.model) } else { from_generation }
    }

    /// Tokens that only the configuration calls special are made so, as transformers does: they are found
    /// in a text as one token, and left out when decoding.
    pub(super) fn make_special(&self, tokenizer: &mut tokenizers::Tokenizer) {
        let named = ["bos_token", "eos_token", "unk_token", "pad_token"].iter().filter_map(|field| self.text(field));
        let listed = self.tokenizer.get("added_tokens_decoder").and_then(Value::as_object).into_iter().flatten();
        let listed = listed.filter(|(_, token)| token.get("special").and_then(Value::as_bool) == Some(true));
        let listed = listed.filter_map(|(_, token)| token.get("content")?.as_str());
        let already = tokenizer.get_added_tokens_decoder();
        let missing: Vec<_> = named
            .chain(listed)
            // A token outside the vocabulary would get a number that the model has no embedding for.
            .filter(|text| tokenizer.token_to_id(text).is_some() && !already.values().any(|t| t.content == **text))
            .map(|text| AddedToken::from(text, true))
            .collect();
        tokenizer.add_special_tokens(missing).expect("tokens of the vocabulary can be made special");
    }

    pub(super) fn resolve(&self, tokenizer: &tokenizers::Tokenizer, origin: &Path) -> Result<Special> {
        let named = |field: &str| match self.text(field) {
            None => Ok(None),
            Some(text) => tokenizer.token_to_id(text).map(Some).ok_or_else(|| {
                Error::file(
                    origin.join("tokenizer_config.json"),
                    format!("`{field}` is {text:?}, which is not in the vocabulary; name a token of tokenizer.json"),
                )
            }),
        };
        let begin = named("bos_token")?.or_else(|| self.ids("bos_token_id").first().copied());
        // Nothing here pads, so a padding token outside the vocabulary does no harm.
        let pad = self.text("pad_token").and_then(|text| tokenizer.token_to_id(text));
        let pad = pad.or_else(|| self.ids("pad_token_id").first().copied());
        let mut stop = self.ids("eos_token_id");
        let end = match (named("eos_token")?, stop.first()) {
            (Some(end), _) => end,
            (None, Some(first)) => *first,
            (None, None) => {
                return Err(Error::file(
                    origin,
                    "nothing says which token ends a response; add \"eos_token\" to tokenizer_config.json",
                ));
            }
        };
        if !stop.contains(&end) {
            stop.insert(0, end);
        }
        // Some folders list the beginning token as an end: nothing stops before it begins, so it does no harm.
        let before = self.before(tokenizer, begin, origin)?;
        Ok(Special { before, begin, end, stop, pad })
    }

    /// What the tokenizer puts before every text: asked by encoding one with and without special tokens.
    fn before(&self, tokenizer: &tokenizers::Tokenizer, begin: Option<u32>, origin: &Path) -> Result<Vec<u32>> {
        if tokenizer.get_post_processor().is_none() {
            // Folders from before transformers wrote a post-processor only say so in the configuration.
            let wanted = self.tokenizer.get("add_bos_token").and_then(Value::as_bool) == Some(true);
            return Ok(begin.filter(|_| wanted).into_iter().collect());
        }
        let unusable = |e: tokenizers::Error| Error::file(origin, format!("the tokenizer cannot encode a letter: {e}"));
        let plain = tokenizer.encode("a", false).map_err(unusable)?;
        let special = tokenizer.encode("a", true).map_err(unusable)?;
        let (plain, special) = (plain.get_ids(), special.get_ids());
        let start = special.windows(plain.len().max(1)).position(|window| window == plain).unwrap_or(0);
        Ok(special[..start].to_vec())
    }
}
