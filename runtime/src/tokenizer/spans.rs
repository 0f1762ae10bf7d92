//! A prompt and its responses as tokens.

use super::Tokenizer;
use crate::{Error, Result};

/// One prompt and responses to it: every sequence is `prompt · response`, and a response ends with the end token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spans {
    /// Read, never scored; never empty, since the first token of a sequence has no probability.
    pub prompt: Vec<u32>,
    /// Read and scored; each ends with an end token.
    pub responses: Vec<Vec<u32>>,
}

impl Tokenizer {
    /// Prompt and response are encoded together and split where the prompt's text ends. Where a token would
    /// lie across that place, the response is encoded on its own instead, with no space put before it: the
    /// model then reads the prompt as it will read it when it answers.
    ///
    /// # Errors
    /// If the tokenizer refuses the text, or the prompt gives no token at all.
    pub fn spans(&self, prompt: &str, responses: &[&str]) -> Result<Spans> {
        let plain = self.whole.encode_fast(prompt, false).map_err(|e| self.refused(prompt, &*e))?;
        let plain = plain.get_ids();
        let mut alone = self.begun(plain);
        if alone.is_empty() {
            // Nothing is put before a text, and there is none: a beginning token is all that is left to start from.
            alone.extend(self.special.begin);
        }
        if alone.is_empty() {
            return Err(Error::Setting(
                "the prompt is empty and this tokenizer has no token to begin with; write a prompt, or add \
                 \"bos_token\" to tokenizer_config.json"
                    .to_owned(),
            ));
        }
        let responses = responses.iter().map(|r| self.response(prompt, plain, r)).collect::<Result<_>>()?;
        Ok(Spans { prompt: alone, responses })
    }

    /// A response to a prompt, which alone gives the tokens `plain`.
    pub(super) fn response(&self, prompt: &str, plain: &[u32], response: &str) -> Result<Vec<u32>> {
        let both = [prompt, response].concat();
        let encoding = self.whole.encode(both.as_str(), false).map_err(|e| self.refused(&both, &*e))?;
        let (tokens, offsets) = (encoding.get_ids(), encoding.get_offsets());
        let (border, inside) = (prompt.len(), plain.len());
        let clean = tokens.starts_with(plain)
            && offsets[..inside].iter().all(|&(_, end)| end <= border)
            && offsets[inside..].iter().all(|&(start, _)| start >= border);
        let mut response = if clean {
            tokens[inside..].to_vec()
        } else {
            let encoding = self.continuation.encode_fast(response, false).map_err(|e| self.refused(response, &*e))?;
            encoding.get_ids().to_vec()
        };
        if !response.last().is_some_and(|last| self.special.stop.contains(last)) {
            response.push(self.special.end);
        }
        Ok(response)
    }
}
