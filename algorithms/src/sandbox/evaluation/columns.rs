//! Two texts beside each other.

/// Between the columns.
const GAP: &str = "  |  ";
/// No column is narrower, however narrow the terminal.
const NARROWEST: usize = 12;

/// Two texts in two columns of equal width, wrapped so that both and what is between them take `width` letters.
/// Every line is ended; what no terminal should see (control characters) is shown as a space.
#[must_use]
pub fn side_by_side(left: &str, right: &str, width: usize) -> String {
    let column = (width.saturating_sub(GAP.len()) / 2).max(NARROWEST);
    let (left, right) = (wrapped(left, column), wrapped(right, column));
    let line = |lines: &[String], place: usize| lines.get(place).cloned().unwrap_or_default();
    (0..left.len().max(right.len()))
        .map(|place| {
            let (left, right) = (line(&left, place), line(&right, place));
            format!("{}\n", format!("{left:column$}{GAP}{right}").trim_end())
        })
        .collect()
}

/// Cut at spaces, and inside words that are longer than a line.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let clean: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let mut lines = vec![String::new()];
    for word in clean.split(' ').filter(|word| !word.is_empty()) {
        let letters: Vec<char> = word.chars().collect();
        for part in letters.chunks(width) {
            let line = lines.last_mut().expect("there is a line");
            let used = line.chars().count();
            if used > 0 && used + 1 + part.len() > width {
                lines.push(part.iter().collect());
            } else {
                if used > 0 {
                    line.push(' ');
                }
                line.extend(part);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_wrapped_and_aligned() {
        let text = side_by_side("one two three four five", "six\nseven", 33);
        assert_eq!(text, "one two three   |  six seven\nfour five       |\n");
    }

    #[test]
    fn long_words_are_cut_and_nothing_is_lost() {
        let text = side_by_side(&"a".repeat(30), "", 5);
        assert_eq!(text.matches('a').count(), 30);
        assert!(text.lines().all(|line| line.chars().count() <= NARROWEST + GAP.len()));
        assert_eq!(side_by_side("", "", 80).lines().count(), 1);
    }
}
