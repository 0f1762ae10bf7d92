//! A tokenizer learned from text.

use super::{Files, Tokenizer};
use crate::{Error, Result};
use serde_json::json;
use std::collections::BTreeMap;
use tokenizers::AddedToken;
use tokenizers::decoders::byte_level::ByteLevel as ByteLevelDecoder;
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::processors::template::TemplateProcessing;

/// Begins every sequence.
const BEGIN: &str = "<|begin|>";
/// Ends every response.
const END: &str = "<|end|>";
/// Fills up batches elsewhere.
const PAD: &str = "<|pad|>";

impl Tokenizer {
    /// Learns byte pairs (as GPT-2 has them: any text can be encoded, and a word's token begins with the space before
    /// it) until there are `size` tokens. The tokens 0, 1 and 2 begin a sequence, end a response and pad.
    ///
    /// # Errors
    /// If `size` leaves no room beside the special tokens and the 256 bytes, or the texts have too few pairs for it.
    pub fn learn<T: AsRef<str> + Send>(texts: impl Iterator<Item = T> + Send, size: usize) -> Result<Self> {
        let special = [BEGIN, END, PAD].map(|text| AddedToken::from(text, true));
        let least = special.len() + 256;
        if size < least {
            return Err(Error::Setting(format!("a tokenizer of {size} tokens cannot be: it takes at least {least}")));
        }
        let failed = |e: tokenizers::Error| Error::Setting(format!("the tokenizer could not be learned: {e}"));
        let mut learned = tokenizers::Tokenizer::new(BPE::default());
        learned.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
        learned.with_decoder(Some(ByteLevelDecoder::default()));
        let trainer = BpeTrainer::builder()
            .vocab_size(size)
            .show_progress(false)
            .special_tokens(special.to_vec())
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .build();
        learned.train(&mut TrainerWrapper::from(trainer), texts).map_err(failed)?;
        let found = learned.get_vocab_size(true);
        if found != size {
            return Err(Error::Setting(format!(
                "the texts give {found} tokens where {size} are asked for; give more text"
            )));
        }
        let template = TemplateProcessing::builder()
            .try_single(format!("{BEGIN} $A"))
            .and_then(|builder| builder.special_tokens(vec![(BEGIN, 0)]).build().map_err(|e| e.to_string()))
            .map_err(|e| failed(e.into()))?;
        learned.with_post_processor(Some(template));
        Tokenizer::from_files(Files(BTreeMap::from([
            ("tokenizer.json".to_owned(), learned.to_string(true).map_err(failed)?.into_bytes()),
            ("tokenizer_config.json".to_owned(), pretty(&configuration())),
            ("generation_config.json".to_owned(), pretty(&generation())),
        ])))
    }
}

fn configuration() -> serde_json::Value {
    json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BEGIN,
        "eos_token": END,
        "pad_token": PAD,
        "clean_up_tokenization_spaces": false,
    })
}

fn generation() -> serde_json::Value {
    json!({ "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 2, "do_sample": true })
}

fn pretty(value: &serde_json::Value) -> Vec<u8> {
    format!("{value:#}\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> impl Iterator<Item = String> + Send {
        (0..400).map(|i| format!("Question: What is {} plus {}?\nAnswer: It is {}.", i % 20, i / 20, i % 20 + i / 20))
    }

    #[test]
    fn what_is_learned_gives_every_text_back() {
        let tokenizer = Tokenizer::learn(texts(), 300).unwrap();
        assert_eq!(tokenizer.vocabulary(), 300);
        let special = tokenizer.special();
        assert_eq!((&special.before[..], special.end, special.pad), (&[0][..], 1, Some(2)));
        for text in ["Question: What is 3 plus 9?", "", "nothing like that: é 漢字 🙂\n\n", " two  spaces "] {
            let tokens = tokenizer.encode(text).unwrap();
            assert_eq!(tokens[0], 0);
            assert_eq!(tokenizer.decode(&tokens).unwrap(), text);
        }
        let spans = tokenizer.spans("Question: What is 3 plus 9?\nAnswer:", &[" It is 12."]).unwrap();
        assert_eq!(tokenizer.decode(&spans.responses[0]).unwrap(), " It is 12.");
        assert_eq!(spans.responses[0].last(), Some(&1));
        // "What" and the space before it are one token by now.
        assert!(spans.prompt.len() < 20, "{}", spans.prompt.len());
    }

    #[test]
    fn the_same_texts_give_the_same_tokens() {
        let file = |_| Tokenizer::learn(texts(), 300).unwrap().files().get("tokenizer.json").unwrap().to_vec();
        assert!((0..4).map(file).collect::<Vec<_>>().windows(2).all(|two| two[0] == two[1]));
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let refused = |size| Tokenizer::learn(texts(), size).unwrap_err().to_string();
        assert!(refused(100).contains("at least 259"), "{}", refused(100));
        assert!(refused(30_000).contains("where 30000 are asked for"), "{}", refused(30_000));
    }
}
