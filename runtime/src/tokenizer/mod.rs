//! Text to tokens and back, with the policies of the model's own tokenizer.
//!
//! The model's `tokenizer.json` decides which tokens stand before a text (usually none, or one that begins
//! a sequence). Which token ends a response comes from the configuration files beside it; how a conversation is written,
//! from the chat template there.

mod continuation;
mod files;
mod spans;
mod template;
mod training;

pub use files::Files;
pub use spans::Spans;
pub use template::Asked;

use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// A model's tokenizer.
#[derive(Debug)]
pub struct Tokenizer {
    /// As the files give it.
    whole: tokenizers::Tokenizer,
    /// The same without anything put before a text: for text that goes on where another ends.
    continuation: tokenizers::Tokenizer,
    /// Where it came from, for messages.
    origin: PathBuf,
    files: Files,
    special: Special,
    chat: template::Chat,
}

/// The tokens with a meaning of their own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Special {
    /// Put before every text by the tokenizer's own post-processor; usually one token, or none.
    pub before: Vec<u32>,
    /// Begins a sequence, if the files name such a token; not necessarily put before every text.
    pub begin: Option<u32>,
    /// Ends a response: what training appends.
    pub end: u32,
    /// All tokens at which generation stops; `end` among them, and the one that ends a turn of a conversation.
    pub stop: Vec<u32>,
    /// Fills up batches elsewhere; nothing here pads.
    pub pad: Option<u32>,
}

impl Tokenizer {
    /// Reads `tokenizer.json` and, where they exist, `tokenizer_config.json`, `special_tokens_map.json`,
    /// `generation_config.json`, `config.json` and a chat template of a Hugging Face folder.
    ///
    /// # Errors
    /// If a file cannot be read or understood, or none of them names an end token.
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        Self::new(Files::read(folder)?, folder)
    }

    /// From files that are already in memory.
    ///
    /// # Errors
    /// As [`Tokenizer::from_folder`].
    pub fn from_files(files: Files) -> Result<Self> {
        Self::new(files, Path::new("the built-in tokenizer"))
    }

    fn new(files: Files, origin: &Path) -> Result<Self> {
        let path = origin.join("tokenizer.json");
        let bytes = files.get("tokenizer.json").ok_or_else(|| {
            let found = if files.get("tokenizer.model").is_some() { " (tokenizer.model alone is not enough)" } else { "" };
            Error::file(
                &path,
                format!("this file is missing{found}; save the tokenizer once with transformers' `AutoTokenizer.from_pretrained(…).save_pretrained(…)`"),
            )
        })?;
        let unusable = |e: &dyn std::fmt::Display| Error::file(&path, format!("not a tokenizer that can be used: {e}"));
        let json: serde_json::Value = serde_json::from_slice(bytes).map_err(|e| unusable(&e))?;
        let mut whole = tokenizers::Tokenizer::from_bytes(bytes).map_err(|e| unusable(&e))?;
        let mut continuation = tokenizers::Tokenizer::from_bytes(continuation::without_prefix(json).to_string())
            .map_err(|e| unusable(&e))?;
        let names = files.names(origin)?;
        for tokenizer in [&mut whole, &mut continuation] {
            names.make_special(tokenizer);
            // Lengths are cut by the data reader, which knows prompt from response; nothing here is padded.
            tokenizer.with_truncation(None).map_err(|e| unusable(&*e))?;
            tokenizer.with_padding(None);
        }
        let mut special = names.resolve(&whole, origin)?;
        let chat = template::Chat::of(&files, &names, &whole, &mut special, origin);
        Ok(Tokenizer { whole, continuation, origin: origin.to_owned(), files, special, chat })
    }

    /// Its special tokens.
    #[must_use]
    pub fn special(&self) -> &Special {
        &self.special
    }

    /// The files it came from, to be written beside a trained model.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// One more than the largest token it can give.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.whole.get_vocab(true).into_values().max().map_or(0, |id| id as usize + 1)
    }

    /// The first token that is another word in the other tokenizer, as it is here and there; none if the vocabularies are
    /// the same.
    #[must_use]
    pub fn differs(&self, other: &Self) -> Option<(u32, String, String)> {
        let by_token = |tokenizer: &Self| -> std::collections::BTreeMap<u32, String> {
            tokenizer.whole.get_vocab(true).into_iter().map(|(word, token)| (token, word)).collect()
        };
        let (here, there) = (by_token(self), by_token(other));
        let mut tokens = here.keys().chain(there.keys());
        let word = |of: &std::collections::BTreeMap<u32, String>, token| of.get(token).cloned().unwrap_or_default();
        let token = tokens.find(|token| here.get(token) != there.get(token))?;
        Some((*token, word(&here, token), word(&there, token)))
    }

    /// A text as the model expects to begin reading it: what [`Special::before`] says, then its tokens.
    /// A text that already begins with those tokens gets no second ones.
    ///
    /// # Errors
    /// If the tokenizer refuses the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.whole.encode_fast(text, false).map_err(|e| self.refused(text, &*e))?;
        Ok(self.begun(encoding.get_ids()))
    }

    /// The text of these tokens, special tokens left out.
    ///
    /// # Errors
    /// If the tokenizer's decoder refuses them.
    pub fn decode(&self, tokens: &[u32]) -> Result<String> {
        self.whole
            .decode(tokens, true)
            .map_err(|e| Error::file(&self.origin, format!("the tokenizer cannot turn its tokens back into text: {e}")))
    }

    /// The text of `tokens` where they go on after `context`: a space at their beginning is kept, which some
    /// tokenizers drop from a text that begins with it.
    ///
    /// # Errors
    /// As [`Tokenizer::decode`].
    pub fn decode_after(&self, context: &[u32], tokens: &[u32]) -> Result<String> {
        let before = self.decode(context)?;
        let all = self.decode(&[context, tokens].concat())?;
        // A context that ends in the middle of a letter reads differently alone.
        all.strip_prefix(before.as_str()).map_or_else(|| self.decode(tokens), |rest| Ok(rest.to_owned()))
    }

    /// Adds what stands before every text, unless the text brings it itself.
    fn begun(&self, tokens: &[u32]) -> Vec<u32> {
        let before = &self.special.before[..];
        if !before.is_empty() && tokens.starts_with(before) { tokens.to_vec() } else { [before, tokens].concat() }
    }

    fn refused(&self, text: &str, cause: &dyn std::fmt::Display) -> Error {
        let start: String = text.chars().take(40).collect();
        Error::file(&self.origin, format!("the tokenizer refuses the text that begins with {start:?}: {cause}"))
    }
}

#[cfg(test)]
mod tests;
