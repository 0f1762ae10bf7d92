//! The notation of the text form: `L = −mean over prompts of log σ(margin)`.

use super::Subject;
use super::expression::{Ex, Function, How, Whose};
use super::lines::{Formula, Named};
use super::notation::{Hold, Notation, Writer, Written};
use super::symbol::Symbol;
use crate::ir::Depth;
use std::collections::BTreeMap;

/// The lines of a formula: what is defined, and as what. The last is the loss.
pub(super) fn lines(formula: &Formula, parameters: &BTreeMap<String, Symbol>) -> Vec<(String, String)> {
    let writer = Writer { formula, parameters, notation: Unicode };
    let defined = |(named, ex): &(Named, Ex)| (writer.name(named), writer.written(*ex).text);
    let mut lines: Vec<_> = formula.lines.iter().map(defined).collect();
    lines.push(("L".into(), writer.used(formula.root).text));
    lines
}

/// The lines that change when the terms go that vanish by default, and which hyper-parameters are zero then.
pub(super) fn at_the_defaults(
    subject: &Subject<'_>,
    formula: &Formula,
    parameters: &BTreeMap<String, Symbol>,
) -> Option<(String, Vec<(String, String)>)> {
    let zero: Vec<_> =
        subject.specs.iter().filter(|spec| spec.default == 0.0 && parameters.contains_key(spec.name)).collect();
    let fixed = zero.iter().map(|spec| (spec.name, 0.0)).collect();
    let full = lines(formula, parameters);
    let mut simpler = lines(&Formula::new(subject.program, &fixed)?, parameters);
    simpler.retain(|line| !full.contains(line));
    let settings: Vec<_> = zero.iter().map(|spec| format!("{} = 0", parameters[spec.name].text)).collect();
    (!simpler.is_empty()).then(|| (format!("With the default {}", settings.join(", ")), simpler))
}

/// Letters and signs of Unicode, and plain words where those are clearer.
pub(super) struct Unicode;

impl Notation for Unicode {
    fn symbol<'a>(&self, symbol: &'a Symbol) -> &'a str {
        &symbol.text
    }

    fn number(&self, number: f64) -> Written {
        let text = short(number);
        match text.strip_prefix('-') {
            Some(size) => Written::new(format!("−{size}"), Hold::Minus),
            None => Written::new(text, Hold::Whole),
        }
    }

    fn applied(&self, name: &str, argument: &str) -> String {
        format!("{name}({argument})")
    }

    fn brackets(&self, text: &str) -> String {
        format!("({text})")
    }

    fn minus(&self) -> &'static str {
        "−"
    }

    fn product(&self, left: &Written, right: &Written) -> String {
        // 2β
        let number = left.text.chars().all(|c| c.is_ascii_digit() || c == '.');
        let letter = right.text.chars().count() == 1;
        if number && letter {
            return format!("{}{}", left.text, right.text);
        }
        format!("{} · {}", left.text, right.text)
    }

    fn quotient(&self, above: &Written, below: &Written) -> Written {
        let (above, below) = (self.factor(above), self.at_least(below, Hold::Whole));
        Written::new(format!("{} / {}", above.text, below.text), Hold::Product)
    }

    fn call(&self, function: Function, args: &[Written]) -> Written {
        let list = args.iter().map(|arg| arg.text.as_str()).collect::<Vec<_>>().join(", ");
        match function {
            Function::Smaller => Written::new(format!("min({list})"), Hold::Whole),
            Function::Larger => Written::new(format!("max({list})"), Hold::Whole),
            Function::Clip => Written::new(format!("clip({list})"), Hold::Whole),
            Function::Exponential => Written::new(format!("exp({list})"), Hold::Whole),
            Function::Logarithm => Written::new(format!("log({list})"), Hold::Prefix),
            Function::Magnitude => Written::new(format!("|{list}|"), Hold::Whole),
            Function::Logistic => Written::new(format!("σ({list})"), Hold::Whole),
            Function::LogLogistic => Written::new(format!("log σ({list})"), Hold::Prefix),
            Function::Square => Written::new(format!("{}²", self.at_least(&args[0], Hold::Whole).text), Hold::Whole),
            Function::Positive => Written::new(format!("1[{list} > 0]"), Hold::Whole),
            Function::Stopped => Written::new(format!("sg[{list}]"), Hold::Whole),
            Function::OthersMean => Written::new(format!("others({list})"), Hold::Whole),
            Function::GroupMean => Written::new(format!("group({list})"), Hold::Whole),
            Function::GroupLogSoftmax => Written::new(format!("log softmax({list})"), Hold::Prefix),
        }
    }

    fn reduced(&self, how: How, over: Depth, _: Whose, of: &Written) -> Written {
        let (sign, phrase) = match (how, over) {
            (How::Sum, Depth::EachWord) => ("Σᵥ".into(), false),
            (How::Sum, Depth::EachToken) => ("Σₜ".into(), false),
            (How::Sum, Depth::EachResponse) => ("Σ_y".into(), false),
            (How::Mean, Depth::EachWord) => ("meanᵥ".into(), false),
            (How::Mean, Depth::EachToken) => ("meanₜ".into(), false),
            (How::Mean, Depth::EachResponse) => ("mean_y".into(), false),
            (How::Sum, _) => (format!("sum over {} of", each(over)), true),
            (How::Mean, _) => (format!("mean over {} of", each(over)), true),
            (How::MeanAll, _) => (format!("mean over all {} of", each(over)), true),
        };
        if phrase {
            let of = if of.hold <= Hold::Sum { format!("[{}]", of.text) } else { of.text.clone() };
            return Written::new(format!("{sign} {of}"), Hold::Phrase);
        }
        Written::new(format!("{sign} {}", self.at_least(of, Hold::Product).text), Hold::Prefix)
    }
}

/// What a value of this depth has one of for each, in the plural.
pub(super) fn each(depth: Depth) -> &'static str {
    match depth {
        Depth::Constant | Depth::Batch => "batches",
        Depth::EachPrompt => "prompts",
        Depth::EachResponse => "responses",
        Depth::EachToken => "tokens",
        Depth::EachWord => "words of the vocabulary",
    }
}

/// A number with no more digits than it needs.
pub(super) fn short(number: f64) -> String {
    let size = number.abs();
    if number != 0.0 && !(1e-4..1e6).contains(&size) { format!("{number:e}") } else { number.to_string() }
}
