//! The notation of the text form: `L = −mean over prompts of log σ(margin)`.

use super::Subject;
use super::expression::{Ex, Function, How, Whose};
use super::gradient::{self, Gradient, Slope};
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

/// The gradient's lines: what is given a name, by what the loss is derived, and what that is.
pub(super) fn gradient(
    formula: &Formula,
    gradient: &Gradient,
    parameters: &BTreeMap<String, Symbol>,
) -> Vec<(String, String)> {
    let writer = Writer { formula, parameters, notation: Unicode };
    let part = |(named, ex): &(Named, Ex)| (writer.name(named), writer.written(*ex).text);
    let slope = |slope: &Slope| (Unicode.slope(&writer.used(slope.by).text).text, writer.written(slope.is).text);
    gradient.parts.iter().map(part).chain(gradient.slopes.iter().map(slope)).collect()
}

/// The lines that change when the terms go that vanish by default, and which hyper-parameters are zero then.
pub(super) fn at_the_defaults(
    subject: &Subject<'_>,
    parameters: &BTreeMap<String, Symbol>,
) -> Option<(String, Vec<(String, String)>)> {
    let zero: Vec<_> =
        subject.specs.iter().filter(|spec| spec.default == 0.0 && parameters.contains_key(spec.name)).collect();
    let fixed = zero.iter().map(|spec| (spec.name, 0.0)).collect();
    let both = |mut formula: Formula| {
        let own = lines(&formula, parameters);
        let found = gradient::of(&mut formula, parameters);
        own.into_iter().chain(gradient(&formula, &found, parameters)).collect::<Vec<_>>()
    };
    let full = both(Formula::new(subject.program, &BTreeMap::new())?);
    let mut simpler = both(Formula::new(subject.program, &fixed)?);
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
            Function::Mixture => Written::new(format!("mix({list})"), Hold::Whole),
            Function::TopWords => Written::new(format!("top({list})"), Hold::Whole),
            Function::Renormalised => Written::new(format!("only({list})"), Hold::Whole),
            Function::GroupLogSoftmax => Written::new(format!("log softmax({list})"), Hold::Prefix),
            Function::AtMost | Function::Below | Function::Inside => {
                let args: Vec<&str> = args.iter().map(|arg| arg.text.as_str()).collect();
                let text = match function {
                    Function::AtMost if is_number(args[0]) => format!("1[{} ≥ {}]", args[1], args[0]),
                    Function::AtMost => format!("1[{}]", args.join(" ≤ ")),
                    Function::Below => format!("1[{}]", args.join(" < ")),
                    _ => format!("1[{} ≤ {} ≤ {}]", args[1], args[0], args[2]),
                };
                Written::new(text, Hold::Whole)
            }
            Function::Sign => Written::new(format!("sign({list})"), Hold::Whole),
            Function::Root => Written::new(format!("√{}", self.at_least(&args[0], Hold::Whole).text), Hold::Whole),
            Function::NormalBelow => Written::new(format!("Φ({list})"), Hold::Whole),
            Function::NormalDensity => Written::new(format!("φ({list})"), Hold::Whole),
            Function::Choose => {
                let condition = super::notation::holds(&args[0], self.minus(), ["> 0", "< 0"]);
                let text = format!("({} if {condition}, else {})", args[1].text, args[2].text);
                Written::new(text, Hold::Whole)
            }
            Function::GroupSpread => Written::new(format!("std_y({list})"), Hold::Whole),
            Function::OthersSpread => Written::new(format!("std_others({list})"), Hold::Whole),
            Function::BatchSpread => Written::new(format!("std({list})"), Hold::Whole),
            Function::Sorted => Written::new(format!("sort({list})"), Hold::Whole),
            Function::Following => Written::new(format!("next({list})"), Hold::Whole),
            Function::DiscountedSum => Written::new(format!("discounted({list})"), Hold::Whole),
            Function::AtLast => Written::new(format!("last({list})"), Hold::Whole),
        }
    }

    fn count(&self, over: Depth, whose: Whose, all: bool) -> Written {
        Written::new(counted(over, whose, all).text, Hold::Whole)
    }

    fn slope(&self, by: &str) -> Written {
        Written::new(format!("∂L/∂{by}"), Hold::Whole)
    }

    fn back(&self, through: &Written, of: &Written) -> Written {
        Written::new(format!("back({}, {})", through.text, of.text), Hold::Whole)
    }

    fn length(&self, whose: Whose) -> Written {
        Written::new(format!("|{}|", super::symbol::response(whose).text), Hold::Whole)
    }

    fn overlap(&self) -> Written {
        Written::new("1[t ≤ min(|y⁺|, |y⁻|)]", Hold::Whole)
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

fn is_number(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// What is counted, in letters: `N` prompts, `M` responses and `T` tokens of the batch, `K` responses to a prompt.
pub(super) fn counted(over: Depth, whose: Whose, all: bool) -> Symbol {
    let response = super::symbol::response(whose);
    let of = |letter: &str| match whose {
        Whose::Side(_) if response.text != "y" => {
            Symbol { text: format!("{letter}({})", response.text), latex: format!("{letter}({})", response.latex) }
        }
        _ => Symbol { text: letter.into(), latex: letter.into() },
    };
    match (over, all) {
        (Depth::EachResponse, true) => of("M"),
        (Depth::EachToken, true) => of("T"),
        (Depth::EachResponse, false) => of("K"),
        (Depth::EachToken, false) => {
            Symbol { text: format!("|{}|", response.text), latex: format!("|{}|", response.latex) }
        }
        (Depth::EachWord, _) => Symbol { text: "|V|".into(), latex: "|V|".into() },
        (Depth::Constant | Depth::Batch | Depth::EachPrompt, _) => of("N"),
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
