//! Every text this crate can say, with what to write instead and its page in the book.

use std::fmt;

/// What is wrong, and how to mend it.
pub(crate) struct Message {
    wrong: String,
    help: String,
    page: &'static str,
}
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nhelp: {}\nbook: errors/{}", self.wrong, self.help, self.page)
    }
}
fn message(wrong: impl Into<String>, help: impl Into<String>, page: &'static str) -> Message {
    Message { wrong: wrong.into(), help: help.into(), page }
}

/// S01: an argument of an attribute that does not exist, is written twice or has the wrong value.
pub(crate) fn wrong_argument(attribute: &str, right: &str) -> Message {
    message(format!("`#[{attribute}]` has no such argument"), format!("write {right}"), "s01")
}
/// S01
pub(crate) fn wrong_value(name: &str, right: &str) -> Message {
    message(format!("`{name}` has the wrong value"), format!("write {right}"), "s01")
}
/// S01
pub(crate) fn said_twice(name: &str) -> Message {
    message(format!("`{name}` is said twice"), "keep one of the two", "s01")
}
/// S01
pub(crate) fn two_limits(which: &str) -> Message {
    message(format!("the {which} limit is said twice"), "keep one of the two", "s01")
}
/// S02: an attribute on the wrong item.
pub(crate) fn wrong_item(attribute: &str, right: &str) -> Message {
    message(format!("`{attribute}` does not belong here"), format!("put it on {right}"), "s02")
}
/// S03: not `Scalar<Loss>`.
pub(crate) fn not_one_loss(returns: &str, help: &str) -> Message {
    message(format!("an algorithm must return `Scalar<Loss>`, this one returns {returns}"), help, "s03")
}
/// S03
pub(crate) fn no_quantity(attribute: &str) -> Message {
    message(
        format!("a `#[{attribute}]` must return a quantity, this one returns nothing"),
        "say what it returns, e.g. `-> PerResponse<Reward>`",
        "s03",
    )
}
/// S06: a reward that judges texts and takes something else.
pub(crate) fn not_of_what_was_written() -> Message {
    message(
        "a `#[reward]` that returns a plain number takes what was written and nothing else",
        "write e.g. `fn short(written: &Written<'_>) -> f64`; what else it needs stands in the row",
        "s06",
    )
}
/// S04: an algorithm that is not one plain function.
pub(crate) fn not_concrete() -> Message {
    message(
        "an algorithm is concrete: it becomes an entry of a list",
        "make this a `#[loss]` and write one `#[algorithm]` for each choice",
        "s04",
    )
}
/// S04
pub(crate) fn not_plain(word: &str) -> Message {
    message(format!("an algorithm is a plain function, not `{word}`"), format!("remove `{word}`"), "s04")
}
/// S05: an algorithm that reads no data, or data of two sorts. Only rustc can tell, so this is said when the entry is
/// evaluated, on one line.
pub(crate) fn no_view() -> &'static str {
    "an algorithm reads one data view and this one none: add one, e.g. `pair: &Pair` (book: errors/s05)"
}
/// S05
pub(crate) fn several_views() -> &'static str {
    "an algorithm reads one data view and this one several: keep one (book: errors/s05)"
}
/// S06: an argument of an algorithm that cannot be one.
pub(crate) fn not_borrowed() -> Message {
    message(
        "an algorithm takes policies, data and hyper-parameters by reference",
        "write e.g. `actor: &Actor, pair: &Pair, hp: &Dpo`",
        "s06",
    )
}
/// S07: an argument that the body does not mention.
pub(crate) fn unused(name: &str) -> Message {
    message(format!("nothing here depends on `{name}`"), "remove the argument, or use it in the formula", "s07")
}
/// S08: a hyper-parameter without range or default, or with one outside the other.
pub(crate) fn no_range(name: &str, whole: bool) -> Message {
    let example = if whole { "default = 4, at_least = 1" } else { "default = 0.1, above = 0.0, at_most = 10.0" };
    message(format!("hyper-parameter `{name}` has no range"), format!("write e.g. `#[hyper({example})]`"), "s08")
}
/// S08
pub(crate) fn no_default(name: &str) -> Message {
    message(format!("hyper-parameter `{name}` has no default"), "write e.g. `#[hyper(default = 0.1, …)]`", "s08")
}
/// S08
pub(crate) fn outside(name: &str, default: f64, range: &str) -> Message {
    message(
        format!("the default {default} of `{name}` is outside its range: {range}"),
        "change the default or the range",
        "s08",
    )
}
/// S08
pub(crate) fn empty_range(name: &str, range: &str) -> Message {
    message(format!("no value of `{name}` is inside its range: {range}"), "change one of the limits", "s08")
}
/// S08
pub(crate) fn not_whole(name: &str) -> Message {
    message(format!("`{name}` is a `Count`, its default must be a whole number"), "write e.g. `default = 4`", "s08")
}
/// S10: a hyper-parameter without a sentence.
pub(crate) fn no_sentence(name: &str) -> Message {
    message(
        format!("hyper-parameter `{name}` has no sentence"),
        "say what it does in a `///` line above it: users read it on the command line",
        "s10",
    )
}
/// S11: a policy whose role is not said.
pub(crate) fn no_role() -> Message {
    message(
        "a policy is either trainable or frozen",
        "write `#[policy(trainable)]` or `#[policy(frozen, from = Actor)]`",
        "s11",
    )
}
/// S11
pub(crate) fn no_origin() -> Message {
    message(
        "a frozen policy is a copy of another, this one does not say of which",
        "write `#[policy(frozen, from = Actor)]`",
        "s11",
    )
}
/// S11
pub(crate) fn copied_but_trained(word: &str) -> Message {
    message(format!("a trainable policy is no copy: `{word}` has no meaning for it"), format!("remove `{word}`"), "s11")
}
/// S13: a preset that does not say where its formula is to be found.
pub(crate) fn no_source(preset: &str) -> Message {
    message(
        format!("preset `{preset}` does not say where its formula was read"),
        r#"write e.g. `source = "TRL 1.9, trl/trainer/dpo_trainer.py, f2cd5771"` beside it"#,
        "s13",
    )
}
/// S13
pub(crate) fn no_preset() -> Message {
    message(
        "`source` says where a preset was read, and this is no preset",
        r#"write `preset = "name@peer"` beside it, or cite in `paper`"#,
        "s13",
    )
}
/// S14: a preset whose name does not say whose formula it is, or is not its function's.
pub(crate) fn no_peer(preset: &str) -> Message {
    message(
        format!("`{preset}` is no preset's name"),
        "write the algorithm, `@` and whose formula it is, small letters and `_`, e.g. `ipo@trl`",
        "s14",
    )
}
/// S14
pub(crate) fn other_function(preset: &str, function: &str) -> Message {
    message(format!("preset `{preset}` stands on another function"), format!("call the function `{function}`"), "s14")
}
/// S12: a word of Rust that is no part of a formula.
pub(crate) fn no_formula(word: &str) -> Message {
    let help = match word {
        "if" | "match" => "use `min`, `max` or `clamp`, or write two algorithms",
        "for" | "while" | "loop" => "reduce over an axis: `.sum(Token)`, `.mean(Prompt)`, `.batch_mean()`",
        "return" => "let the last expression be the result",
        "mut" => "give the new value a new name with `let`",
        _ => "write the formula without it",
    };
    message(format!("a formula holds for every number at once: there is no `{word}` in it"), help, "s12")
}
