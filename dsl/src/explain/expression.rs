//! Formulas as expressions: what is left of a program's steps when trivial terms are gone and equal ones are one.

use crate::ir::{Depth, KindTag, SideTag};
use std::collections::HashMap;

/// Index of an expression in its [`Store`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Ex(usize);

#[cfg(test)]
impl Ex {
    /// For tests that need expressions but no formula.
    pub(super) fn of_index(index: usize) -> Self {
        Ex(index)
    }
}

/// Whose responses an expression is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Whose {
    /// It is about prompts, the batch, or nothing in the batch.
    Nobody,
    /// Those of one side.
    Side(SideTag),
    /// Those of any side: the argument of a function.
    Any,
}

impl Whose {
    /// Is there one response to each prompt?
    pub(super) fn is_single(self) -> bool {
        [SideTag::Chosen, SideTag::Rejected, SideTag::Answer].into_iter().any(|side| self == Whose::Side(side))
    }
}

/// What an expression computes.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Form {
    /// A number, by its bits.
    Number(u64),
    /// A hyper-parameter.
    Parameter(String),
    /// What a policy or the data gives.
    Given {
        owner: String,
        field: String,
        depth: Depth,
        whose: Whose,
    },
    Plus(Ex, Ex),
    Minus(Ex, Ex),
    Times(Ex, Ex),
    Over(Ex, Ex),
    Negative(Ex),
    Call(Function, Vec<Ex>),
    /// How many there are: tokens of a response, responses to a prompt; `all` of the batch.
    Count {
        over: Depth,
        whose: Whose,
        all: bool,
    },
    /// The loss's derivative by an expression that has a line of its own.
    Slope(Ex),
    /// A derivative by a function's value handed back to one of its arguments.
    Back {
        through: Ex,
        place: usize,
        of: Ex,
    },
    /// A sum or mean over one axis, or over all of the batch.
    Reduced {
        how: How,
        over: Depth,
        whose: Whose,
        of: Ex,
    },
}

impl Form {
    /// What it is made of.
    pub(super) fn parts(&self) -> Vec<Ex> {
        match self {
            Form::Number(_) | Form::Parameter(_) | Form::Given { .. } | Form::Count { .. } | Form::Slope(_) => vec![],
            Form::Plus(a, b) | Form::Minus(a, b) | Form::Times(a, b) | Form::Over(a, b) => vec![*a, *b],
            Form::Negative(a) | Form::Reduced { of: a, .. } | Form::Back { of: a, .. } => vec![*a],
            Form::Call(_, args) => args.clone(),
        }
    }
}

/// A function of numbers, or of the responses to a prompt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Function {
    Smaller,
    Larger,
    Clip,
    Exponential,
    Logarithm,
    Magnitude,
    Logistic,
    LogLogistic,
    Square,
    Positive,
    Stopped,
    OthersMean,
    GroupMean,
    GroupLogSoftmax,
    Mixture,
    TopWords,
    Renormalised,
    /// In gradients: 1 where `a <= b`.
    AtMost,
    /// In gradients: 1 where `a < b`.
    Below,
    /// In gradients: 1 where `b <= a <= c`.
    Inside,
    /// In gradients: 1, 0 or -1.
    Sign,
    Root,
    NormalBelow,
    /// In gradients: the density of the standard normal distribution.
    NormalDensity,
    Choose,
    GroupSpread,
    OthersSpread,
    BatchSpread,
    Sorted,
    Following,
    DiscountedSum,
    AtLast,
}

/// How a reduction comes to one number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum How {
    Sum,
    Mean,
    /// The mean over every element of the batch, through all axes.
    MeanAll,
}

/// What is known of an expression besides its form.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub(super) kind: KindTag,
    pub(super) depth: Depth,
    pub(super) whose: Whose,
    pub(super) live: bool,
}

/// All expressions of a formula, each once.
#[derive(Default)]
pub(super) struct Store {
    forms: Vec<(Form, About)>,
    known: HashMap<Form, Ex>,
}

impl Store {
    pub(super) fn form(&self, ex: Ex) -> &Form {
        &self.forms[ex.0].0
    }

    pub(super) fn about(&self, ex: Ex) -> About {
        self.forms[ex.0].1
    }

    /// The same value under another kind; the last one given names it.
    pub(super) fn recast(&mut self, ex: Ex, kind: KindTag) {
        self.forms[ex.0].1.kind = kind;
    }

    /// The expression of this form, if there is one.
    pub(super) fn known(&self, form: &Form) -> Option<Ex> {
        self.known.get(form).copied()
    }

    pub(super) fn number_of(&self, ex: Ex) -> Option<f64> {
        match self.form(ex) {
            Form::Number(bits) => Some(f64::from_bits(*bits)),
            _ => None,
        }
    }

    fn is(&self, ex: Ex, number: f64) -> bool {
        self.number_of(ex) == Some(number)
    }

    fn keep(&mut self, form: Form, about: About) -> Ex {
        if let Some(&known) = self.known.get(&form) {
            return known;
        }
        self.forms.push((form.clone(), about));
        let ex = Ex(self.forms.len() - 1);
        self.known.insert(form, ex);
        ex
    }

    fn number(&mut self, number: f64) -> Ex {
        let about = About { kind: KindTag::Number, depth: Depth::Constant, whose: Whose::Nobody, live: false };
        self.keep(Form::Number(number.to_bits()), about)
    }

    /// The simplest expression of the same value: no factor one, no term zero, no double minus.
    pub(super) fn simplest(&mut self, form: Form, about: About) -> Ex {
        match form {
            Form::Plus(a, b) if self.is(b, 0.0) => a,
            Form::Plus(a, b) if self.is(a, 0.0) => b,
            Form::Plus(a, b) => match *self.form(b) {
                Form::Negative(b) => self.simplest(Form::Minus(a, b), about),
                Form::Number(bits) if f64::from_bits(bits) < 0.0 && self.number_of(a).is_none() => {
                    let size = self.number(-f64::from_bits(bits));
                    self.simplest(Form::Minus(a, size), about)
                }
                _ => self.folded(Form::Plus(a, b), about, a, b, |a, b| a + b),
            },
            Form::Minus(a, b) if self.is(b, 0.0) => a,
            Form::Minus(a, b) if self.is(a, 0.0) => self.simplest(Form::Negative(b), about),
            Form::Minus(a, b) => match *self.form(b) {
                Form::Negative(b) => self.simplest(Form::Plus(a, b), about),
                _ => self.folded(Form::Minus(a, b), about, a, b, |a, b| a - b),
            },
            Form::Times(a, b) if self.is(a, 0.0) || self.is(b, 0.0) => self.number(0.0),
            Form::Times(a, b) if self.is(a, 1.0) => self.same(b, about),
            Form::Times(a, b) if self.is(b, 1.0) => self.same(a, about),
            Form::Times(a, b) if self.is(a, -1.0) => self.simplest(Form::Negative(b), about),
            Form::Times(a, b) if self.is(b, -1.0) => self.simplest(Form::Negative(a), about),
            Form::Times(a, b) if self.number_of(a).is_some_and(|number| number < 0.0) => {
                let size = self.simplest(Form::Negative(a), self.about(a));
                let product = self.simplest(Form::Times(size, b), about);
                self.simplest(Form::Negative(product), about)
            }
            Form::Times(a, b) => match (self.form(a).clone(), self.form(b).clone()) {
                (Form::Negative(a), Form::Negative(b)) => self.simplest(Form::Times(a, b), about),
                (Form::Negative(inner), _) => {
                    let product = self.simplest(Form::Times(inner, b), about);
                    self.simplest(Form::Negative(product), about)
                }
                (_, Form::Negative(inner)) => {
                    let product = self.simplest(Form::Times(a, inner), about);
                    self.simplest(Form::Negative(product), about)
                }
                (Form::Number(_), Form::Times(first, rest)) if self.number_of(first).is_some() => {
                    let factor = self.simplest(Form::Times(a, first), self.about(a));
                    self.simplest(Form::Times(factor, rest), about)
                }
                // Numbers and hyper-parameters stand in front.
                _ if self.about(b).depth == Depth::Constant && self.about(a).depth > Depth::Constant => {
                    self.simplest(Form::Times(b, a), about)
                }
                _ => self.folded(Form::Times(a, b), about, a, b, |a, b| a * b),
            },
            Form::Over(a, b) if self.is(b, 1.0) => self.same(a, about),
            Form::Over(a, b) => match *self.form(a) {
                Form::Negative(a) => {
                    let quotient = self.simplest(Form::Over(a, b), about);
                    self.simplest(Form::Negative(quotient), about)
                }
                _ => self.keep(Form::Over(a, b), about),
            },
            Form::Negative(a) => match (self.form(a).clone(), self.number_of(a)) {
                (Form::Negative(a), _) => self.same(a, about),
                (Form::Reduced { how, over, whose, of }, _) => match *self.form(of) {
                    Form::Negative(of) => self.keep(Form::Reduced { how, over, whose, of }, about),
                    _ => self.keep(Form::Negative(a), about),
                },
                (_, Some(number)) => self.number(if number == 0.0 { 0.0 } else { -number }),
                _ => self.keep(Form::Negative(a), about),
            },
            Form::Number(bits) => self.number(f64::from_bits(bits)),
            Form::Parameter(_)
            | Form::Given { .. }
            | Form::Count { .. }
            | Form::Slope(_)
            | Form::Back { .. }
            | Form::Call(..)
            | Form::Reduced { .. } => self.keep(form, about),
        }
    }

    /// An argument that has become the whole, under the whole's kind.
    fn same(&mut self, ex: Ex, about: About) -> Ex {
        if self.about(ex).depth > Depth::Constant {
            self.recast(ex, about.kind);
        }
        ex
    }

    fn folded(&mut self, form: Form, about: About, a: Ex, b: Ex, of: impl Fn(f64, f64) -> f64) -> Ex {
        match (self.number_of(a), self.number_of(b)) {
            (Some(a), Some(b)) => self.number(of(a, b)),
            _ => self.keep(form, about),
        }
    }

    /// The expressions it is made of.
    pub(super) fn parts(&self, ex: Ex) -> Vec<Ex> {
        self.form(ex).parts()
    }

    /// Are two expressions the same where one part has the value of another?
    pub(super) fn equal_where(&self, a: Ex, b: Ex, (part, other): (Ex, Ex)) -> bool {
        let instead = |ex| if ex == part { other } else { ex };
        let (a, b) = (instead(a), instead(b));
        if a == b {
            return true;
        }
        let (a_form, b_form) = (self.form(a), self.form(b));
        let (a_parts, b_parts) = (a_form.parts(), b_form.parts());
        let alike = std::mem::discriminant(a_form) == std::mem::discriminant(b_form)
            && matches!(
                a_form,
                Form::Plus(..) | Form::Minus(..) | Form::Times(..) | Form::Over(..) | Form::Negative(_)
            );
        let all = |mut pairs: std::iter::Zip<std::slice::Iter<'_, Ex>, std::slice::Iter<'_, Ex>>| {
            pairs.all(|(a, b)| self.equal_where(*a, *b, (part, other)))
        };
        alike && all(a_parts.iter().zip(&b_parts))
    }

    /// The same expression for responses of any side.
    pub(super) fn for_any_side(&mut self, ex: Ex) -> Ex {
        let (form, about) = self.forms[ex.0].clone();
        let any = |whose| if whose == Whose::Nobody { Whose::Nobody } else { Whose::Any };
        let general = match form {
            Form::Number(_) | Form::Parameter(_) => form,
            Form::Given { owner, field, depth, whose } => {
                let field = if let Whose::Side(side) = whose { without_side(&field, side) } else { field };
                Form::Given { owner, field, depth, whose: any(whose) }
            }
            Form::Plus(a, b) => Form::Plus(self.for_any_side(a), self.for_any_side(b)),
            Form::Minus(a, b) => Form::Minus(self.for_any_side(a), self.for_any_side(b)),
            Form::Times(a, b) => Form::Times(self.for_any_side(a), self.for_any_side(b)),
            Form::Over(a, b) => Form::Over(self.for_any_side(a), self.for_any_side(b)),
            Form::Negative(a) => Form::Negative(self.for_any_side(a)),
            Form::Call(function, args) => {
                Form::Call(function, args.into_iter().map(|arg| self.for_any_side(arg)).collect())
            }
            Form::Reduced { how, over, whose, of } => {
                Form::Reduced { how, over, whose: any(whose), of: self.for_any_side(of) }
            }
            Form::Count { over, whose, all } => Form::Count { over, whose: any(whose), all },
            Form::Slope(of) => Form::Slope(self.for_any_side(of)),
            Form::Back { through, place, of } => {
                Form::Back { through: self.for_any_side(through), place, of: self.for_any_side(of) }
            }
        };
        self.keep(general, About { whose: any(about.whose), ..about })
    }
}

/// `chosen_score` of `Chosen` is the score.
pub(super) fn without_side(field: &str, side: SideTag) -> String {
    let prefix = format!("{}_", side.name().to_lowercase());
    field.strip_prefix(&prefix).unwrap_or(field).to_owned()
}
