//! The notation of LaTeX. Needs `amsmath`, and compiles in MathJax and KaTeX.

use super::expression::{Ex, Function, How, Whose};
use super::gradient::{Gradient, Slope};
use super::lines::{Formula, Named};
use super::notation::{Hold, Notation, Writer, Written};
use super::symbol::{self, Symbol};
use crate::ir::Depth;
use std::collections::BTreeMap;

/// A formula as one displayed, aligned block.
pub(super) fn block(formula: &Formula, parameters: &BTreeMap<String, Symbol>) -> String {
    let writer = Writer { formula, parameters, notation: Latex };
    let mut lines: Vec<String> = formula
        .lines
        .iter()
        .map(|(named, ex)| format!("{} &= {}", writer.name(named), writer.written(*ex).text))
        .collect();
    lines.push(format!("\\mathcal{{L}} &= {}", writer.used(formula.root).text));
    format!("\\[\n\\begin{{aligned}}\n{}\n\\end{{aligned}}\n\\]\n", lines.join(" \\\\\n"))
}

/// The gradient as one displayed, aligned block.
pub(super) fn gradient(formula: &Formula, gradient: &Gradient, parameters: &BTreeMap<String, Symbol>) -> String {
    let writer = Writer { formula, parameters, notation: Latex };
    let line = |slope: &Slope| {
        let by = Latex.slope(&writer.used(slope.by).text).text;
        format!("{by} &= {}", writer.written(slope.is).text)
    };
    let part = |(named, ex): &(Named, Ex)| format!("{} &= {}", writer.name(named), writer.written(*ex).text);
    let lines: Vec<String> = gradient.parts.iter().map(part).chain(gradient.slopes.iter().map(line)).collect();
    format!("\\[\n\\begin{{aligned}}\n{}\n\\end{{aligned}}\n\\]\n", lines.join(" \\\\\n"))
}

struct Latex;

impl Notation for Latex {
    fn symbol<'a>(&self, symbol: &'a Symbol) -> &'a str {
        &symbol.latex
    }

    fn number(&self, number: f64) -> Written {
        let text = super::unicode::short(number);
        let hold = if number < 0.0 { Hold::Minus } else { Hold::Whole };
        match text.split_once('e') {
            Some(("1", power)) => Written::new(format!("10^{{{power}}}"), hold),
            Some((digits, power)) => Written::new(format!("{digits} \\cdot 10^{{{power}}}"), hold.min(Hold::Product)),
            None => Written::new(text, hold),
        }
    }

    fn applied(&self, name: &str, argument: &str) -> String {
        format!("{name}({argument})")
    }

    fn brackets(&self, text: &str) -> String {
        format!("\\left( {text} \\right)")
    }

    fn minus(&self) -> &'static str {
        "-"
    }

    fn product(&self, left: &Written, right: &Written) -> String {
        // A letter before a bracket would look like a function.
        let letter = left.hold == Hold::Whole && left.text.starts_with('\\') && !left.text.contains(['(', '{']);
        let number = left.text.chars().all(|c| c.is_ascii_digit() || c == '.') && right.text.starts_with('\\');
        let sign = if (letter || number) && !right.text.starts_with("\\left") { " " } else { " \\cdot " };
        format!("{}{sign}{}", left.text, right.text)
    }

    fn quotient(&self, above: &Written, below: &Written) -> Written {
        Written::new(format!("\\frac{{{}}}{{{}}}", above.text, below.text), Hold::Whole)
    }

    fn call(&self, function: Function, args: &[Written]) -> Written {
        let list = args.iter().map(|arg| arg.text.as_str()).collect::<Vec<_>>().join(", ");
        let round = self.brackets(&list);
        let square = format!("\\left[ {list} \\right]");
        match function {
            Function::Smaller => Written::new(format!("\\min{round}"), Hold::Whole),
            Function::Larger => Written::new(format!("\\max{round}"), Hold::Whole),
            Function::Clip => Written::new(format!("\\operatorname{{clip}}{round}"), Hold::Whole),
            Function::Exponential => Written::new(format!("\\exp{round}"), Hold::Whole),
            Function::Logarithm => Written::new(format!("\\log{round}"), Hold::Prefix),
            Function::Magnitude => Written::new(format!("\\left| {list} \\right|"), Hold::Whole),
            Function::Logistic => Written::new(format!("\\sigma{round}"), Hold::Whole),
            Function::LogLogistic => Written::new(format!("\\log \\sigma{round}"), Hold::Prefix),
            Function::Square => {
                let base = if args[0].hold == Hold::Whole { format!("{{{list}}}") } else { round };
                Written::new(format!("{base}^{{2}}"), Hold::Whole)
            }
            Function::Positive => Written::new(format!("\\mathbf{{1}}\\left[ {list} > 0 \\right]"), Hold::Whole),
            Function::Stopped => Written::new(format!("\\operatorname{{sg}}{square}"), Hold::Whole),
            Function::OthersMean => {
                Written::new(format!("\\operatorname*{{mean}}_{{y' \\neq y}}{square}"), Hold::Whole)
            }
            Function::GroupMean => Written::new(format!("\\operatorname*{{mean}}_{{y}}{square}"), Hold::Whole),
            Function::Mixture => Written::new(format!("\\operatorname{{mix}}{round}"), Hold::Whole),
            Function::TopWords => Written::new(format!("\\operatorname{{top}}{round}"), Hold::Whole),
            Function::Renormalised => Written::new(format!("\\operatorname{{only}}{round}"), Hold::Whole),
            Function::GroupLogSoftmax => {
                Written::new(format!("\\log \\operatorname*{{softmax}}_{{y}}{round}"), Hold::Prefix)
            }
            Function::AtMost | Function::Below | Function::Inside => {
                let args: Vec<&str> = args.iter().map(|arg| arg.text.as_str()).collect();
                let text = match function {
                    Function::AtMost if args[0].parse::<f64>().is_ok() => format!("{} \\ge {}", args[1], args[0]),
                    Function::AtMost => args.join(" \\le "),
                    Function::Below => args.join(" < "),
                    _ => format!("{} \\le {} \\le {}", args[1], args[0], args[2]),
                };
                Written::new(format!("\\mathbf{{1}}\\left[ {text} \\right]"), Hold::Whole)
            }
            Function::Sign => Written::new(format!("\\operatorname{{sign}}{round}"), Hold::Whole),
            Function::Root => Written::new(format!("\\sqrt{{{list}}}"), Hold::Whole),
            Function::NormalBelow => Written::new(format!("\\Phi{round}"), Hold::Whole),
            Function::NormalDensity => Written::new(format!("\\varphi{round}"), Hold::Whole),
            Function::Choose => {
                let condition = super::notation::holds(&args[0], self.minus(), ["> 0", "< 0"]);
                let cases = format!("{} & {condition} \\\\ {} & \\text{{else}}", args[1].text, args[2].text);
                Written::new(format!("\\begin{{cases}} {cases} \\end{{cases}}"), Hold::Whole)
            }
            Function::GroupSpread => Written::new(format!("\\operatorname*{{std}}_{{y}}{square}"), Hold::Whole),
            Function::OthersSpread => {
                Written::new(format!("\\operatorname*{{std}}_{{y' \\neq y}}{square}"), Hold::Whole)
            }
            Function::BatchSpread => Written::new(format!("\\operatorname{{std}}{square}"), Hold::Whole),
            Function::Sorted => Written::new(format!("\\operatorname{{sort}}{round}"), Hold::Whole),
            Function::Following => Written::new(format!("\\operatorname{{next}}{round}"), Hold::Whole),
            Function::DiscountedSum => Written::new(format!("\\operatorname{{discounted}}{round}"), Hold::Whole),
            Function::AtLast => Written::new(format!("\\operatorname{{last}}{round}"), Hold::Whole),
        }
    }

    fn count(&self, over: Depth, whose: Whose, all: bool) -> Written {
        Written::new(super::unicode::counted(over, whose, all).latex, Hold::Whole)
    }

    fn slope(&self, by: &str) -> Written {
        Written::new(format!("\\frac{{\\partial \\mathcal{{L}}}}{{\\partial {by}}}"), Hold::Whole)
    }

    fn back(&self, through: &Written, of: &Written) -> Written {
        let text = format!("\\operatorname{{back}}\\left( {}, {} \\right)", through.text, of.text);
        Written::new(text, Hold::Whole)
    }

    fn length(&self, whose: Whose) -> Written {
        Written::new(format!("\\left| {} \\right|", symbol::response(whose).latex), Hold::Whole)
    }

    fn overlap(&self) -> Written {
        let shorter = "\\min\\left( \\left| y^{+} \\right|, \\left| y^{-} \\right| \\right)";
        Written::new(format!("\\mathbf{{1}}\\left[ t \\le {shorter} \\right]"), Hold::Whole)
    }

    fn reduced(&self, how: How, over: Depth, whose: Whose, of: &Written) -> Written {
        let response = symbol::response(whose).latex;
        let index = match over {
            Depth::Constant | Depth::Batch | Depth::EachPrompt => "x",
            Depth::EachResponse => "y",
            Depth::EachToken => "t",
            Depth::EachWord => "v",
        };
        let expected =
            |over: &str| Written::new(format!("\\mathbb{{E}}_{{{over}}}\\left[ {} \\right]", of.text), Hold::Whole);
        let number = match over {
            Depth::Constant | Depth::Batch | Depth::EachPrompt => {
                return match how {
                    How::Sum => {
                        Written::new(format!("\\sum_{{x}} {}", self.at_least(of, Hold::Product).text), Hold::Prefix)
                    }
                    How::Mean | How::MeanAll => expected("x"),
                };
            }
            Depth::EachResponse => "K".to_owned(),
            Depth::EachToken => format!("|{response}|"),
            Depth::EachWord => "|V|".to_owned(),
        };
        let sum = format!("\\sum_{{{index}}} {}", self.at_least(of, Hold::Product).text);
        match how {
            How::Sum => Written::new(sum, Hold::Prefix),
            How::Mean => Written::new(format!("\\frac{{1}}{{{number}}} {sum}"), Hold::Prefix),
            How::MeanAll if over == Depth::EachResponse => expected(&format!("x, {response}")),
            // Not the mean of the responses' means: every token counts the same.
            How::MeanAll => {
                let all = format!("x, {response}, {index}");
                let of = self.at_least(of, Hold::Product);
                let count = format!("\\sum_{{x, {response}}} {number}");
                Written::new(format!("\\frac{{1}}{{{count}}} \\sum_{{{all}}} {}", of.text), Hold::Prefix)
            }
        }
    }
}
