//! The lines of two formulas below each other: common ones once, the others with a sign.

use super::super::layout::aligned;

/// What is defined, and as what.
pub(super) type Line = (String, String);

/// Common lines once; before the others `−` or `+`, whose they are.
pub(super) fn beside(first: &[Line], second: &[Line]) -> String {
    let signed: Vec<(char, &Line)> = merged(first, second);
    let lines: Vec<Line> = signed.iter().map(|(sign, (name, text))| (format!("{sign} {name}"), text.clone())).collect();
    aligned(&lines)
}

/// Along a longest common subsequence.
fn merged<'a>(first: &'a [Line], second: &'a [Line]) -> Vec<(char, &'a Line)> {
    let (n, m) = (first.len(), second.len());
    // How many lines the rests have in common.
    let mut common = vec![vec![0; m + 1]; n + 1];
    for i in (0..n).rev() {
        for j in (0..m).rev() {
            common[i][j] =
                if first[i] == second[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut merged) = (0, 0, Vec::new());
    while i < n || j < m {
        if i < n && j < m && first[i] == second[j] {
            merged.push((' ', &first[i]));
            (i, j) = (i + 1, j + 1);
        } else if i < n && (j == m || common[i + 1][j] >= common[i][j + 1]) {
            merged.push(('−', &first[i]));
            i += 1;
        } else {
            merged.push(('+', &second[j]));
            j += 1;
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::beside;

    #[test]
    fn common_lines_stand_once() {
        let line = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let first = [line("r", "a"), line("m", "b"), line("L", "c")];
        let second = [line("r", "a"), line("L", "d")];
        assert_eq!(beside(&first, &second), "    r = a\n  − m = b\n  − L = c\n  + L = d\n");
    }
}
