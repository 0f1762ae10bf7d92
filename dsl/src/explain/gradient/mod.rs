//! The gradient by what the policies give, in closed form: the formula gone through backwards, and simplified.
//!
//! At each expression the loss's derivative by it is a sum of products (`product`), brought into its shortest form
//! (`tidy`) before it is handed on to the parts. Where that becomes too long for a line, the derivative by a part that
//! has a name gets a line of its own: `∂L/∂margin = …`. A function without a closed derivative (a sort) keeps its place
//! in the formula as `back(f, g)`.

pub(super) mod product;
mod rules;
mod tidy;
mod value;

pub use value::gradient;

use super::expression::{About, Ex, Form, Function, Whose};
use super::lines::{Formula, Named};
use super::notation::Writer;
use super::symbol::Symbol;
use super::unicode::Unicode;
use crate::ir::{Depth, KindTag};
use product::Sum;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A line of the gradient longer than this is written with the derivatives by parts that have a name.
const WIDEST: usize = 88;

/// The loss's derivative by one expression.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slope {
    /// By what: what a policy gives, or a named part of the formula.
    pub(super) by: Ex,
    /// The derivative.
    pub(super) is: Ex,
}

/// A gradient: parts of the formula that it gives names to, and its derivatives.
#[derive(Default)]
pub(super) struct Gradient {
    /// In the order they are to be read.
    pub(super) parts: Vec<(Named, Ex)>,
    /// By everything that is trained, and before them by the named parts that they are made of.
    pub(super) slopes: Vec<Slope>,
}

/// The gradient of a formula. It may give names to parts of it, so the formula is to be written before.
pub(super) fn of(formula: &mut Formula, parameters: &BTreeMap<String, Symbol>) -> Gradient {
    for in_parts in [false, true] {
        let slopes = Backward::new(formula, parameters, in_parts).run();
        let writer = Writer { formula, parameters, notation: Unicode };
        let short = |slope: &Slope| writer.written(slope.is).text.chars().count() <= WIDEST;
        if slopes.iter().all(short) {
            return Gradient { parts: Vec::new(), slopes };
        }
    }
    let mut backward = Backward::new(formula, parameters, true);
    let parts = backward.name_parts();
    Gradient { parts, slopes: backward.run() }
}

/// One way through the formula.
struct Backward<'a> {
    formula: &'a mut Formula,
    parameters: &'a BTreeMap<String, Symbol>,
    /// Do derivatives by named parts get lines of their own?
    in_parts: bool,
    /// What each expression has been handed so far.
    handed: HashMap<Ex, Sum>,
    live: HashMap<Ex, bool>,
    /// What has a name for the gradient's sake only.
    introduced: HashSet<Ex>,
    slopes: Vec<Slope>,
}

impl<'a> Backward<'a> {
    fn new(formula: &'a mut Formula, parameters: &'a BTreeMap<String, Symbol>, in_parts: bool) -> Self {
        let (handed, live) = (HashMap::new(), HashMap::new());
        Backward { formula, parameters, in_parts, handed, live, introduced: HashSet::new(), slopes: Vec::new() }
    }

    fn run(mut self) -> Vec<Slope> {
        let mut order: Vec<Ex> = self.reached().into_iter().collect();
        // An expression is made of earlier ones.
        order.sort_by(|a, b| b.cmp(a));
        self.handed.insert(self.formula.root, Sum::one());
        for ex in order {
            let given = matches!(self.form(ex), Form::Given { .. });
            if !self.live(ex) || !(given || self.handed.contains_key(&ex)) {
                continue;
            }
            let sum = self.handed.remove(&ex).unwrap_or_default();
            let is = self.shortest(&sum);
            if given {
                self.slopes.push(Slope { by: ex, is });
                continue;
            }
            if self.is_number(is, 0.0) {
                continue;
            }
            let own_line = self.in_parts && !self.introduced.contains(&ex);
            let named = own_line && ex != self.formula.root && self.formula.names.contains_key(&ex);
            let sum = if named && self.width(is) > 12 {
                self.slopes.push(Slope { by: ex, is });
                let about = About { live: false, kind: KindTag::Number, ..self.formula.store.about(ex) };
                Sum::of(self.formula.store.simplest(Form::Slope(ex), about))
            } else {
                self.sum(is, false)
            };
            self.hand_on(ex, &sum);
        }
        self.slopes.sort_by_key(|slope| matches!(self.formula.store.form(slope.by), Form::Given { .. }));
        let given = self.slopes.iter().position(|s| matches!(self.formula.store.form(s.by), Form::Given { .. }));
        // Inputs as they are read; the parts above them from the loss on.
        if let Some(given) = given {
            self.slopes[given..].sort_by_key(|slope| slope.by);
        }
        self.slopes
    }

    /// Names for what derivatives repeat: arguments of squares and the like, and long factors.
    fn name_parts(&mut self) -> Vec<(Named, Ex)> {
        let mut order: Vec<Ex> = self.reached().into_iter().collect();
        order.sort_unstable();
        let mut named = Vec::new();
        for ex in order {
            let repeated = match self.form(ex) {
                Form::Call(Function::Square | Function::Magnitude | Function::Clip, args) => vec![(args[0], 16)],
                Form::Times(a, b) => {
                    let by_a = self.live(a).then_some((b, 36));
                    let by_b = self.live(b).then_some((a, 36));
                    by_a.into_iter().chain(by_b).collect()
                }
                Form::Over(a, b) if self.live(b) => vec![(a, 36), (b, 36)],
                Form::Over(_, b) => vec![(b, 36)],
                _ => continue,
            };
            for (part, least) in repeated {
                let inner = self.depth(part) > Depth::Constant;
                if inner && !self.formula.names.contains_key(&part) && self.width(part) > least {
                    named.push((self.formula.call(part), part));
                    self.introduced.insert(part);
                }
            }
        }
        named
    }

    fn reached(&self) -> HashSet<Ex> {
        let (mut seen, mut open) = (HashSet::new(), vec![self.formula.root]);
        while let Some(ex) = open.pop() {
            if seen.insert(ex) {
                open.extend(self.formula.store.parts(ex));
            }
        }
        seen
    }

    /// Does a gradient reach a policy through it?
    fn live(&mut self, ex: Ex) -> bool {
        if let Some(&known) = self.live.get(&ex) {
            return known;
        }
        let live = match self.form(ex) {
            Form::Given { .. } => self.formula.store.about(ex).live,
            Form::Call(Function::Stopped | Function::Positive, _) => false,
            // What decides which one is taken has no gradient.
            Form::Call(Function::Choose, args) => args[1..].iter().any(|arg| self.live(*arg)),
            _ => self.formula.store.parts(ex).into_iter().any(|part| self.live(part)),
        };
        self.live.insert(ex, live);
        live
    }

    /// One more way from the loss to this expression; `at` is how deep the values are that are handed on.
    fn hand(&mut self, to: Ex, sum: Sum, at: About) {
        if !self.live(to) {
            return;
        }
        let sum = self.gathered(sum, at, self.formula.store.about(to).depth);
        let handed = self.handed.remove(&to).unwrap_or_default();
        self.handed.insert(to, handed.plus(sum));
    }

    /// What is handed to an outer value by each of the inner ones it was repeated for, summed.
    fn gathered(&mut self, mut sum: Sum, at: About, depth: Depth) -> Sum {
        let inward = [Depth::EachWord, Depth::EachToken, Depth::EachResponse, Depth::EachPrompt];
        for over in inward.into_iter().filter(|over| *over <= at.depth && *over > depth) {
            let whose = if over == Depth::EachPrompt { Whose::Nobody } else { at.whose };
            // One response to each prompt: the prompt's value is the response's.
            if over == Depth::EachResponse && whose.is_single() {
                continue;
            }
            sum = self.total(&sum, over, whose);
        }
        sum
    }

    fn form(&self, ex: Ex) -> Form {
        self.formula.store.form(ex).clone()
    }

    fn depth(&self, ex: Ex) -> Depth {
        self.formula.store.about(ex).depth
    }

    fn is_number(&self, ex: Ex, number: f64) -> bool {
        self.formula.store.number_of(ex) == Some(number)
    }

    /// How long it is when written.
    fn width(&self, ex: Ex) -> usize {
        let writer = Writer { formula: self.formula, parameters: self.parameters, notation: Unicode };
        writer.used(ex).text.chars().count()
    }

    /// A new expression of these parts, as deep as the deepest of them.
    fn make(&mut self, form: Form) -> Ex {
        let parts: Vec<About> = form.parts().into_iter().map(|part| self.formula.store.about(part)).collect();
        let deepest = parts.iter().max_by_key(|about| about.depth);
        let (mut depth, mut whose) = deepest.map_or((Depth::Constant, Whose::Nobody), |a| (a.depth, a.whose));
        // Responses of two sides meet at the prompt.
        if parts.iter().any(|about| about.depth == depth && about.whose != whose) {
            (depth, whose) = (Depth::EachPrompt, Whose::Nobody);
        }
        self.formula.store.simplest(form, About { kind: KindTag::Number, depth, whose, live: false })
    }
}
