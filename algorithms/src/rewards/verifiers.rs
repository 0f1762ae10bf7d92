//! Is the answer right?

use super::Written;
use crate::reward;
use crate::sandbox::{self, Question};

/// The sandbox judge's reward: what an answer to one of its questions is worth.
#[reward]
pub fn judge(written: &Written<'_>) -> Result<f64, String> {
    sandbox::judge(written.prompt(), written.text()).map(|attributes| attributes.reward()).ok_or_else(unknown)
}

/// 1 where an answer to a question of the sandbox claims what is right, in full, however it is written; else 0.
#[reward]
pub fn answered(written: &Written<'_>) -> Result<bool, String> {
    Question::read(written.prompt()).map(|question| question.is_answered_by(written.text())).ok_or_else(unknown)
}

fn unknown() -> String {
    "its prompt is not a question of the sandbox".to_owned()
}

/// 1 where the response is the row's `answer`, spaces at both ends left out; else 0.
#[reward]
pub fn exact(written: &Written<'_>) -> Result<bool, String> {
    Ok(written.text().trim() == written.field_text("answer")?.trim())
}

/// 1 where the last number of the response is that of the row's `answer`; else 0. An answer as GSM8K writes it, with
/// its solution before `####`, is read after that mark.
#[reward]
pub fn final_number(written: &Written<'_>) -> Result<bool, String> {
    let answer = written.field_text("answer")?;
    let right = last_number(answer.rsplit("####").next().unwrap_or(&answer));
    let right = right.ok_or_else(|| format!("the row's `answer` has no number in it: {answer:?}"))?;
    Ok(last_number(written.text()).is_some_and(|given| (given - right).abs() <= 1e-9 * right.abs().max(1.0)))
}

/// The last number of a text: `1,234.5` is one, and so is `-3`, but the hyphen of `10-3` is no sign.
fn last_number(text: &str) -> Option<f64> {
    let letters: Vec<char> = text.chars().collect();
    let mut last = None;
    let mut i = 0;
    while i < letters.len() {
        if !letters[i].is_ascii_digit() {
            i += 1;
            continue;
        }
        let start = i;
        let digit_at = |place: usize| letters.get(place).is_some_and(char::is_ascii_digit);
        while i < letters.len() && (digit_at(i) || (matches!(letters[i], ',' | '.') && digit_at(i + 1))) {
            i += 1;
        }
        let number: String = letters[start..i].iter().filter(|letter| **letter != ',').collect();
        let before = |back: usize| start.checked_sub(back).map(|place| letters[place]);
        let negative = before(1) == Some('-') && !before(2).is_some_and(|c| c.is_alphanumeric() || c == ')');
        // `1.2.3` is a version or a date and no number: the one before it stays.
        if let Ok(number) = number.parse::<f64>() {
            last = Some(if negative { -number } else { number });
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewards::given::worth;

    #[test]
    fn the_last_number_of_a_text() {
        for (text, number) in [
            ("It is 12.", Some(12.0)),
            ("7 plus 5 is 12, so 12", Some(12.0)),
            ("1,234.50 dollars", Some(1234.5)),
            ("x = -3", Some(-3.0)),
            ("10-3", Some(3.0)),
            ("none", None),
            ("12 (version 1.2.3)", Some(12.0)),
            ("", None),
        ] {
            assert_eq!(last_number(text), number, "{text}");
        }
    }

    #[test]
    fn answers_are_compared_as_texts_and_as_numbers() {
        assert_eq!(worth(&EXACT, r#"{"answer": "Paris"}"#, " Paris\n"), Ok(1.0));
        assert_eq!(worth(&EXACT, r#"{"answer": "Paris"}"#, "It is Paris"), Ok(0.0));
        assert_eq!(worth(&EXACT, r#"{"answer": 12}"#, "12"), Ok(1.0));
        let solution = r##"{"answer": "She sells 3 * 6 = 18 eggs.\n#### 1,018"}"##;
        assert_eq!(worth(&FINAL_NUMBER, solution, "So she makes 1018 dollars."), Ok(1.0));
        assert_eq!(worth(&FINAL_NUMBER, solution, "1018 or rather 18"), Ok(0.0));
        assert_eq!(worth(&FINAL_NUMBER, solution, "I do not know"), Ok(0.0));
        let missing = worth(&FINAL_NUMBER, r#"{"solution": "12"}"#, "12");
        assert_eq!(missing, Err("the row has no field `answer`; beside its prompt it has `solution`".to_owned()));
        assert!(worth(&FINAL_NUMBER, r#"{"answer": "twelve"}"#, "12").unwrap_err().contains("no number in it"));
    }

    #[test]
    fn the_sandbox_judges_its_own_questions_only() {
        let prompt = "Question: What is 7 plus 5?\nAnswer:";
        let right = crate::rewards::given::worth_of(&JUDGE, prompt, "{}", " It is 12.", true).unwrap();
        assert!(right > crate::rewards::given::worth_of(&JUDGE, prompt, "{}", " It is 13.", true).unwrap());
        assert_eq!(crate::rewards::given::worth_of(&ANSWERED, prompt, "{}", " It is 12.", true), Ok(1.0));
        assert!(worth(&JUDGE, "{}", "It is 12.").unwrap_err().contains("not a question of the sandbox"));
    }
}
