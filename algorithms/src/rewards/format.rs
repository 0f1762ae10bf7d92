//! Does it have the form that was asked for?

use super::Written;
use crate::reward;
use regex::Regex;

/// 1 where the response is one `<think>…</think>` and then an answer; where the row says `"thinking": false`, 1 where no
/// such tag is in it. Else 0 (the format reward of arXiv:2505.00949, section 5).
#[reward]
pub fn think(written: &Written<'_>) -> Result<bool, String> {
    let (open, close) = ("<think>", "</think>");
    let text = written.text().trim();
    let thinking = written.field("thinking").ok().is_none_or(|value| value.as_bool() != Some(false));
    let tags = text.matches(open).count() + text.matches(close).count();
    let parts = text.strip_prefix(open).and_then(|rest| rest.split_once(close));
    let whole =
        tags == 2 && parts.is_some_and(|(thoughts, answer)| !thoughts.trim().is_empty() && !answer.trim().is_empty());
    Ok(if thinking { whole } else { tags == 0 })
}

/// 1 where the row's `pattern`, a regular expression, is found in the response; else 0.
#[reward]
pub fn pattern(written: &Written<'_>) -> Result<bool, String> {
    let pattern = written.field_text("pattern")?;
    // Patterns differ from row to row and are short: making them anew costs less than a token.
    let regex = Regex::new(&pattern).map_err(|e| format!("the row's `pattern` is no regular expression: {e}"))?;
    Ok(regex.is_match(written.text()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewards::given::worth;

    #[test]
    fn thoughts_stand_in_one_pair_of_tags_before_the_answer() {
        for (row, text, expected) in [
            ("{}", "<think>7 and 5</think> 12", 1.0),
            (r#"{"thinking": true}"#, "\n<think>7 and 5</think>\n12", 1.0),
            ("{}", "12", 0.0),
            ("{}", "<think>7 and 5 12", 0.0),
            ("{}", "<think></think> 12", 0.0),
            ("{}", "<think>7 and 5</think>", 0.0),
            ("{}", "<think>a</think> 12 <think>b</think> 13", 0.0),
            ("{}", "first <think>a</think> 12", 0.0),
            (r#"{"thinking": false}"#, "12", 1.0),
            (r#"{"thinking": false}"#, "<think>a</think> 12", 0.0),
        ] {
            assert_eq!(worth(&THINK, row, text), Ok(expected), "{row} {text}");
        }
    }

    #[test]
    fn a_pattern_is_the_rows_own() {
        let row = r#"{"pattern": "^\\d+ apples?$"}"#;
        assert_eq!(worth(&PATTERN, row, "12 apples"), Ok(1.0));
        assert_eq!(worth(&PATTERN, row, "twelve apples"), Ok(0.0));
        assert!(worth(&PATTERN, r#"{"pattern": "("}"#, "").unwrap_err().contains("no regular expression"));
    }
}
