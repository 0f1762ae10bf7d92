//! From a program to its text.

use super::word::{is_plain_name, is_plain_word, quoted};
use crate::ir::{Node, Op, Place, Program, STATE};
use std::fmt::{self, Write as _};

/// The widest a column is made for the sake of the columns after it.
const WIDEST: usize = 56;

/// The program as text.
#[must_use]
pub fn print(program: &Program) -> String {
    let rows: Vec<_> = program.nodes.iter().map(|n| (expression(n), n.ty.to_string(), place(&n.place))).collect();
    let widest = |texts: &mut dyn Iterator<Item = &String>| {
        texts.map(|t| t.chars().count()).filter(|&n| n <= WIDEST).max().unwrap_or(0)
    };
    let expressions = widest(&mut rows.iter().map(|(e, ..)| e));
    let types = widest(&mut rows.iter().map(|(_, t, _)| t));
    let numbers = rows.len().saturating_sub(1).to_string().len();
    let mut text = format!("program {}\n\n", if_plain(&program.name, is_plain_name));
    for (i, (expression, ty, place)) in rows.iter().enumerate() {
        let line = format!("%{i:<numbers$} = {expression:<expressions$} : {ty:<types$}  {place}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push('\n');
    if let Some(root) = program.root {
        let _ = writeln!(text, "loss %{}", root.index());
    }
    for state in &program.states {
        let next: String = state.next.iter().map(|id| format!(" next %{}", id.index())).collect();
        let name = if_plain(&state.name, is_plain_word);
        let _ = writeln!(text, "{STATE} {name} from %{}{next}", state.initial.index());
    }
    for metric in &program.metrics {
        let _ = writeln!(text, "metric {} %{}", if_plain(&metric.name, is_plain_name), metric.node.index());
    }
    text
}

/// As [`print()`] writes it.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(self))
    }
}

fn expression(node: &Node) -> String {
    let args: Vec<String> = node.args.iter().map(|arg| format!("%{}", arg.index())).collect();
    let word = node.op.word();
    match &node.op {
        Op::Input { owner, field } => {
            format!("{word} {}.{}", if_plain(owner, is_plain_word), if_plain(field, is_plain_word))
        }
        Op::Parameter(name) => format!("{word} {}", if_plain(name, is_plain_word)),
        Op::Literal(number) => format!("{word} {number:?}"),
        Op::Plus | Op::Minus | Op::Times | Op::Over => args.join(&format!(" {word} ")),
        Op::Negative => format!("-{}", args.join(" ")),
        Op::Recast(why) => format!("{word} {} {}", args.join(" "), quoted(why)),
        Op::Smaller
        | Op::Larger
        | Op::Clip
        | Op::Exponential
        | Op::Logarithm
        | Op::Magnitude
        | Op::Logistic
        | Op::LogLogistic
        | Op::Square
        | Op::Positive
        | Op::Total
        | Op::Average
        | Op::AverageAll
        | Op::Constant
        | Op::EveryPrompt
        | Op::OthersMean
        | Op::GroupMean
        | Op::GroupLogSoftmax
        | Op::Root
        | Op::LogComplement
        | Op::LogInterval
        | Op::Choose
        | Op::Estimate(_)
        | Op::GroupSpread
        | Op::OthersSpread
        | Op::BatchSpread
        | Op::Sorted
        | Op::Following
        | Op::DiscountedSum
        | Op::AtLast
        | Op::Mixture
        | Op::TopWords
        | Op::Renormalised => format!("{word} {}", args.join(" ")),
        Op::Length => word.to_owned(),
        Op::Overlap(other) => format!("{word} {other}"),
    }
}

fn place(place: &Place) -> String {
    if *place == Place::default() {
        return String::new();
    }
    let plain = |file: &str| !file.starts_with(['"', ' ']) && !file.chars().any(|c| c.is_control() || c == '\u{a0}');
    format!("# {}:{}:{}", if_plain(&place.file, plain), place.line, place.column)
}

fn if_plain(text: &str, plain: impl Fn(&str) -> bool) -> String {
    if plain(text) { text.to_owned() } else { quoted(text) }
}
