//! One response as a server gives it.

use crate::sample::Sample;
use crate::tokenizer::Tokenizer;
use serde_json::Value;

/// A choice of an answer. The log-probabilities end where the server gives no more: it may keep that of the end token to
/// itself, or not know which tokens they belong to.
pub(super) fn sample(
    choice: &Value,
    prompt: &[u32],
    tokenizer: &Tokenizer,
    end_tokens: &[u32],
) -> Result<Sample, String> {
    let said = choice.pointer("/logprobs/token_logprobs").and_then(Value::as_array);
    // Nothing is known of a token where there is no number.
    let logp: Vec<f32> =
        said.map_or(Vec::new(), |all| all.iter().map_while(Value::as_f64).map(|logp| logp as f32).collect());
    let (mut tokens, mut logp) = match numbers(choice) {
        Some(tokens) => (tokens, logp),
        None => {
            let text = choice.get("text").and_then(Value::as_str).ok_or("a choice has neither tokens nor `text`")?;
            let tokens = encoded(text, prompt, tokenizer)?;
            // Another way to cut the same text into tokens has other log-probabilities.
            let same = logp.len() == tokens.len() || logp.len() == tokens.len() + 1;
            (tokens, if same { logp } else { Vec::new() })
        }
    };
    let stopped = choice.get("finish_reason").and_then(Value::as_str) == Some("stop");
    let ends = tokens.last().is_some_and(|last| end_tokens.contains(last));
    if stopped && !ends {
        tokens.push(*end_tokens.first().ok_or("it stopped, but there is no end token")?);
    }
    if tokens.is_empty() {
        return Err("a choice has no token".to_owned());
    }
    logp.truncate(tokens.len());
    Ok(Sample { tokens, logp, ended: stopped || ends })
}

/// The tokens by their numbers, if the server says them.
fn numbers(choice: &Value) -> Option<Vec<u32>> {
    let number = |value: &Value| u32::try_from(value.as_u64()?).ok();
    if let Some(tokens) = choice.get("token_ids").and_then(Value::as_array) {
        return tokens.iter().map(number).collect();
    }
    let tokens = choice.pointer("/logprobs/tokens")?.as_array()?;
    tokens.iter().map(|token| token.as_str()?.strip_prefix("token_id:")?.parse().ok()).collect()
}

/// The text as tokens that go on after the prompt, without an end.
fn encoded(text: &str, prompt: &[u32], tokenizer: &Tokenizer) -> Result<Vec<u32>, String> {
    let before = tokenizer.decode(prompt).map_err(|e| e.to_string())?;
    let spans = tokenizer.spans(&before, &[text]).map_err(|e| e.to_string())?;
    let mut tokens = spans.responses.into_iter().next().unwrap_or_default();
    tokens.pop();
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::small::letters;
    use serde_json::json;

    fn read(choice: Value) -> Result<Sample, String> {
        sample(&choice, &letters().spans("ab", &[]).unwrap().prompt, &letters(), &[1])
    }

    #[test]
    fn tokens_are_read_as_exactly_as_the_server_says_them() {
        // `a` is token 2, `b` 3, `c` 4; 1 ends.
        let whole = Sample { tokens: vec![3, 4, 1], logp: vec![-0.5, -1.0, -0.25], ended: true };
        let logprobs =
            json!({"token_logprobs": [-0.5, -1.0, -0.25], "tokens": ["token_id:3", "token_id:4", "token_id:1"]});
        let by_number = json!({"token_ids": [3, 4, 1], "finish_reason": "stop", "logprobs": {"token_logprobs": [-0.5, -1.0, -0.25]}});
        assert_eq!(read(by_number).unwrap(), whole);
        assert_eq!(read(json!({"finish_reason": "stop", "logprobs": logprobs})).unwrap(), whole);
        let words = json!({"token_logprobs": [-0.5, -1.0, -0.25], "tokens": ["b", "c", "</s>"]});
        assert_eq!(read(json!({"text": "bc", "finish_reason": "stop", "logprobs": words})).unwrap(), whole);
        // Without the end token's own number, and without any.
        let short = json!({"token_ids": [3, 4], "finish_reason": "stop", "logprobs": {"token_logprobs": [-0.5, -1.0]}});
        assert_eq!(read(short).unwrap(), Sample { logp: vec![-0.5, -1.0], ..whole.clone() });
        let bare = read(json!({"text": "bc", "finish_reason": "length"})).unwrap();
        assert_eq!(bare, Sample { tokens: vec![3, 4], logp: vec![], ended: false });
        assert_eq!(read(json!({"finish_reason": "length"})).unwrap_err(), "a choice has neither tokens nor `text`");
    }
}
