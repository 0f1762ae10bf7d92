//! Columns, and lines that are not too long.

use std::fmt::Write as _;

/// The widest a formula's line is made.
const WIDEST: usize = 96;

/// On one line, with single spaces.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Columns side by side; what is empty in every row takes no room.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).filter_map(width).collect();
    let mut table = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
            let _ = write!(line, "  {cell:<width$}");
        }
        let _ = writeln!(table, "{}", line.trim_end());
    }
    table
}

/// `name = text`, with all equal signs in one column and long texts on several lines.
pub(super) fn aligned(lines: &[(String, String)]) -> String {
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let mut block = String::new();
    for (name, text) in lines {
        let indent = format!("  {:width$}   ", "");
        let text = broken(text, WIDEST.saturating_sub(indent.chars().count())).join(&format!("\n{indent}"));
        let _ = writeln!(block, "  {name:<width$} = {text}");
    }
    block
}

/// A formula on several lines if it is too long for one: each begins with a plus or minus of its outermost sum, or else
/// with a sign of its outermost product. What stands between the commas of a function is not torn apart.
fn broken(text: &str, width: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= width {
        return vec![text.to_owned()];
    }
    let places = breaks(&letters);
    let outermost = |sum: bool| places.iter().filter(|place| place.sum == sum).map(|place| place.depth).min();
    // A sum deep inside a product is broken after the product.
    let (sum, depth) = match (outermost(true), outermost(false)) {
        (Some(sum), Some(product)) if product + 1 < sum => (false, product),
        // What stands before the sum would have to be broken as well.
        (Some(sum), Some(product)) if product < sum && head(&places, sum) > width => (false, product),
        (Some(sum), _) => (true, sum),
        (None, Some(product)) => (false, product),
        (None, None) => return vec![text.to_owned()],
    };
    let (mut lines, mut from, mut indent) = (Vec::new(), 0, 0);
    let ends = places.iter().filter(|place| place.sum == sum && place.depth == depth);
    for (at, begins) in ends.map(|place| (place.at, place.begins)).chain([(letters.len(), 0)]) {
        let line: String = letters[from..at].iter().collect();
        let further = broken(line.trim_end(), width.saturating_sub(indent));
        lines.extend(further.into_iter().map(|line| format!("{:indent$}{line}", "")));
        (from, indent) = (at, begins);
    }
    lines
}

/// How long the first line becomes if it ends at a sum of this depth.
fn head(places: &[Break], depth: usize) -> usize {
    places.iter().find(|place| place.sum && place.depth == depth).map_or(0, |place| place.at)
}

/// Where a line may begin: how many brackets are open there, where the innermost began, and at which sign.
struct Break {
    sum: bool,
    depth: usize,
    begins: usize,
    at: usize,
}

fn breaks(letters: &[char]) -> Vec<Break> {
    let (mut open, mut breaks): (Vec<(usize, bool)>, Vec<Break>) = (Vec::new(), Vec::new());
    for (i, letter) in letters.iter().enumerate() {
        let alone = i > 0 && letters[i - 1] == ' ' && letters.get(i + 1) == Some(&' ');
        match letter {
            '(' | '[' => open.push((i + 1, false)),
            ',' => {
                if let Some((_, several)) = open.last_mut() {
                    *several = true;
                }
            }
            ')' | ']' => {
                if let Some((begins, true)) = open.pop() {
                    breaks.retain(|place| place.at < begins);
                }
            }
            '+' | '−' | '·' | '/' if alone => {
                let begins = open.last().map_or(0, |(begins, _)| *begins);
                breaks.push(Break { sum: matches!(letter, '+' | '−'), depth: open.len(), begins, at: i });
            }
            _ => {}
        }
    }
    breaks
}

#[cfg(test)]
mod tests {
    use super::{aligned, table};

    #[test]
    fn a_long_sum_is_broken_before_its_signs() {
        let (a, b) = ("a".repeat(50), "b".repeat(50));
        let lines = [("L".to_owned(), format!("mean of [{a} · (x − y) − {b}]")), ("long".to_owned(), "x".to_owned())];
        let expected = format!("  L    = mean of [{a} · (x − y)\n{:18}− {b}]\n  long = x\n", "");
        assert_eq!(aligned(&lines), expected);
    }

    #[test]
    fn what_stands_before_a_long_bracket_is_broken_first() {
        let (a, b) = ("a".repeat(60), "b".repeat(40));
        let lines = [("L".to_owned(), format!("{a} · {b} · ({a} + {b})"))];
        assert_eq!(aligned(&lines), format!("  L = {a}\n      · {b}\n      · ({a}\n         + {b})\n"));
    }

    #[test]
    fn columns_stand_below_each_other() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        assert_eq!(table(&[row(["a", "", "b"]), row(["ccc", "", "d"])]), "  a    b\n  ccc  d\n");
    }
}
