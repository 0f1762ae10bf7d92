//! Writing an expression down: which brackets it needs, in text and in LaTeX.

use super::expression::{Ex, Form, Function, How, Whose};
use super::lines::{Formula, Named};
use super::symbol::Symbol;
use crate::ir::Depth;
use std::collections::BTreeMap;

/// How tightly a written expression holds together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Hold {
    /// `mean over prompts of ...`: what follows belongs to it.
    Phrase,
    /// `a + b`
    Sum,
    /// `-a`
    Minus,
    /// `a b`
    Product,
    /// `log a`: what follows a product sign would seem to belong to it.
    Prefix,
    /// `a`, `f(a)`
    Whole,
}

/// An expression as it is written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) text: String,
    pub(super) hold: Hold,
}

impl Written {
    pub(super) fn new(text: impl Into<String>, hold: Hold) -> Self {
        Written { text: text.into(), hold }
    }
}

/// What text and LaTeX do differently. Arguments come with the brackets they need.
pub(super) trait Notation {
    fn symbol<'a>(&self, symbol: &'a Symbol) -> &'a str;
    fn number(&self, number: f64) -> Written;
    /// `f(x)`
    fn applied(&self, name: &str, argument: &str) -> String;
    fn brackets(&self, text: &str) -> String;
    fn minus(&self) -> &'static str;
    fn product(&self, left: &Written, right: &Written) -> String;
    /// Gets its arguments without brackets.
    fn quotient(&self, above: &Written, below: &Written) -> Written;
    /// Gets its arguments without brackets.
    fn call(&self, function: Function, args: &[Written]) -> Written;
    /// Gets its argument without brackets.
    fn reduced(&self, how: How, over: Depth, whose: Whose, of: &Written) -> Written;

    /// How many there are.
    fn count(&self, over: Depth, whose: Whose, all: bool) -> Written;
    /// The loss's derivative by something.
    fn slope(&self, by: &str) -> Written;
    /// A derivative handed back through a function.
    fn back(&self, through: &Written, of: &Written) -> Written;
    /// How many tokens a response has.
    fn length(&self, whose: Whose) -> Written;
    /// One at each token that both responses of a pair have.
    fn overlap(&self) -> Written;

    /// In brackets if it holds together less than this.
    fn at_least(&self, written: &Written, hold: Hold) -> Written {
        if written.hold >= hold { written.clone() } else { Written::new(self.brackets(&written.text), Hold::Whole) }
    }

    /// As a factor: nothing that reaches over a product sign.
    fn factor(&self, written: &Written) -> Written {
        if written.hold == Hold::Prefix {
            Written::new(self.brackets(&written.text), Hold::Whole)
        } else {
            self.at_least(written, Hold::Product)
        }
    }
}

/// When a value is positive; of a negative one, when what it is the negative of is negative.
pub(super) fn holds(value: &Written, minus: &str, [positive, negative]: [&str; 2]) -> String {
    match value.text.strip_prefix(minus) {
        Some(turned) if value.hold == Hold::Minus => format!("{turned} {negative}"),
        _ => format!("{} {positive}", value.text),
    }
}

/// Writes the expressions of one formula.
pub(super) struct Writer<'a, N> {
    pub(super) formula: &'a Formula,
    pub(super) parameters: &'a BTreeMap<String, Symbol>,
    pub(super) notation: N,
}

impl<N: Notation> Writer<'_, N> {
    /// A name where it is used or defined: `r(y)`, `margin`.
    pub(super) fn name(&self, named: &Named) -> String {
        let name = self.notation.symbol(&named.symbol);
        match super::symbol::argument(named.depth, named.whose) {
            Some(argument) => self.notation.applied(name, self.notation.symbol(&argument)),
            None => name.to_owned(),
        }
    }

    /// An expression where it is used: by its name if it has one.
    pub(super) fn used(&self, ex: Ex) -> Written {
        match self.formula.names.get(&ex) {
            Some(named) => Written::new(self.name(named), Hold::Whole),
            None => self.written(ex),
        }
    }

    /// An expression in full.
    pub(super) fn written(&self, ex: Ex) -> Written {
        let notation = &self.notation;
        match self.formula.store.form(ex) {
            Form::Number(bits) => notation.number(f64::from_bits(*bits)),
            Form::Parameter(name) => Written::new(notation.symbol(&self.parameters[name]), Hold::Whole),
            Form::Given { owner, field, depth, whose } => {
                self.given(owner, field, *depth, *whose, self.formula.store.about(ex).live)
            }
            Form::Plus(a, b) => {
                let (a, b) =
                    (notation.at_least(&self.used(*a), Hold::Sum), notation.at_least(&self.used(*b), Hold::Sum));
                Written::new(format!("{} + {}", a.text, b.text), Hold::Sum)
            }
            Form::Minus(a, b) => {
                let a = notation.at_least(&self.used(*a), Hold::Sum);
                let b = notation.at_least(&self.used(*b), Hold::Product);
                Written::new(format!("{} {} {}", a.text, notation.minus(), b.text), Hold::Sum)
            }
            Form::Negative(a) => {
                // −(a − b)
                if let (Form::Minus(a, b), false) = (self.formula.store.form(*a), self.formula.names.contains_key(a)) {
                    let (a, b) = (notation.at_least(&self.used(*a), Hold::Product), self.used(*b));
                    let b = notation.at_least(&b, Hold::Sum);
                    return Written::new(format!("{} {} {}", b.text, notation.minus(), a.text), Hold::Sum);
                }
                let a = self.used(*a);
                let hold = if a.hold == Hold::Phrase { Hold::Phrase } else { Hold::Minus };
                let a = if a.hold == Hold::Phrase { a } else { notation.at_least(&a, Hold::Product) };
                Written::new(format!("{}{}", notation.minus(), a.text), hold)
            }
            Form::Times(a, b) => {
                let (a, b) = (notation.factor(&self.used(*a)), notation.at_least(&self.used(*b), Hold::Product));
                Written::new(notation.product(&a, &b), Hold::Product)
            }
            Form::Over(a, b) => notation.quotient(&self.used(*a), &self.used(*b)),
            Form::Call(Function::Exponential, args) => {
                let of = self.used(args[0]);
                // exp(log x) is x
                let log = notation.symbol(&LOG);
                match of.text.strip_prefix(log).filter(|rest| of.hold == Hold::Prefix && rest.starts_with([' ', '\\']))
                {
                    Some(rest) => Written::new(rest.trim_start(), Hold::Whole),
                    None => notation.call(Function::Exponential, &[of]),
                }
            }
            Form::Call(function, args) => {
                let args: Vec<Written> = args.iter().map(|arg| self.used(*arg)).collect();
                notation.call(*function, &args)
            }
            Form::Reduced { how, over, whose, of } => notation.reduced(*how, *over, *whose, &self.used(*of)),
            Form::Count { over, whose, all } => notation.count(*over, *whose, *all),
            Form::Slope(by) => notation.slope(&self.used(*by).text),
            Form::Back { through, of, .. } => notation.back(&self.used(*through), &self.used(*of)),
        }
    }

    fn given(&self, owner: &str, field: &str, depth: Depth, whose: Whose, live: bool) -> Written {
        if owner == super::read::LAYOUT {
            return if depth == Depth::EachResponse { self.notation.length(whose) } else { self.notation.overlap() };
        }
        let argument = super::symbol::argument(depth, whose);
        let argument = argument.as_ref().map(|argument| self.notation.symbol(argument));
        if is_probability(field) {
            let policy = super::symbol::policy(owner);
            let probability = self.notation.applied(self.notation.symbol(&policy), argument.unwrap_or_default());
            return Written::new(format!("{} {probability}", self.notation.symbol(&LOG)), Hold::Prefix);
        }
        let name = match whose {
            Whose::Side(side) => super::expression::without_side(field, side),
            Whose::Nobody | Whose::Any => field.to_owned(),
        };
        // What a model says now is not what the data says.
        let name = if live { Symbol::learned(&name) } else { Symbol::word(&name) };
        let name = self.notation.symbol(&name);
        let text = argument.map_or_else(|| name.to_owned(), |argument| self.notation.applied(name, argument));
        Written::new(text, Hold::Whole)
    }
}

/// Does a policy give a log-probability under this name?
fn is_probability(field: &str) -> bool {
    matches!(field, "logp" | "words")
}

static LOG: std::sync::LazyLock<Symbol> =
    std::sync::LazyLock::new(|| Symbol { text: "log".into(), latex: "\\log".into() });
