//! One form for formulas that differ only in how they are written: sums multiplied out and in order, fixed factors
//! before sums and means, no sign inside a square.

use super::super::expression::{About, Ex, Form, Function, Store, Whose};
use super::super::gradient::product::{Product, Sum};
use super::super::lines::Formula;
use crate::ir::{Depth, KindTag};
use std::collections::HashMap;

/// A sum with more products than this is left as it is written.
const MOST_TERMS: usize = 64;

/// Do the two compute the same by the rules of arithmetic alone?
pub(super) fn equal(a: &Formula, b: &Formula) -> bool {
    let mut normal = Normal { store: Store::default(), known: HashMap::new() };
    let first = normal.of(&a.store, a.root);
    normal.known.clear();
    let second = normal.of(&b.store, b.root);
    first == second
}

/// Normal forms of the expressions of several formulas, in one store.
struct Normal {
    store: Store,
    known: HashMap<Ex, Sum>,
}

impl Normal {
    fn of(&mut self, from: &Store, ex: Ex) -> Sum {
        if let Some(known) = self.known.get(&ex) {
            return known.clone();
        }
        let sum = self.found(from, ex);
        self.known.insert(ex, sum.clone());
        sum
    }

    fn found(&mut self, from: &Store, ex: Ex) -> Sum {
        let about = from.about(ex);
        match from.form(ex).clone() {
            Form::Number(bits) => Sum::number(f64::from_bits(bits)),
            Form::Plus(a, b) => self.of(from, a).plus(self.of(from, b)),
            Form::Minus(a, b) => self.of(from, a).plus(self.of(from, b).scaled(-1.0)),
            Form::Negative(a) => self.of(from, a).scaled(-1.0),
            Form::Times(a, b) => {
                let (a, b) = (self.of(from, a), self.of(from, b));
                if a.0.len() * b.0.len() > MOST_TERMS {
                    let (a, b) = (self.one(&a, about), self.one(&b, about));
                    return Sum::of(a).times(&Sum::of(b));
                }
                a.times(&b)
            }
            Form::Over(a, b) => {
                let (above, below) = (self.of(from, a), self.of(from, b));
                match &below.0[..] {
                    [product] => above.times(&Sum(vec![product.inverse()])),
                    _ => {
                        let below = self.one(&below, from.about(b));
                        above.times(&Sum::over(below))
                    }
                }
            }
            Form::Reduced { how, over, whose, of } => {
                let sum = self.of(from, of);
                let fixed = |store: &Store, list: &[Ex], fixed: bool| -> Vec<Ex> {
                    list.iter().copied().filter(|ex| (store.about(*ex).depth == Depth::Constant) == fixed).collect()
                };
                let mut reduced = Sum::default();
                for product in sum.0 {
                    let part = |is: bool, number: f64| {
                        let (above, below) =
                            (fixed(&self.store, &product.above, is), fixed(&self.store, &product.below, is));
                        Product::new(number, above, below)
                    };
                    let (outer, inner) = (part(true, product.number), part(false, 1.0));
                    let inner = self.one(&Sum(vec![inner]), from.about(of));
                    let form = Form::Reduced { how, over, whose, of: inner };
                    let inner = self.store.simplest(form, about);
                    reduced = reduced.plus(Sum(vec![outer]).times(&Sum::of(inner)));
                }
                reduced
            }
            Form::Call(function, args) => self.call(from, function, &args, about),
            Form::Given { owner, field, depth, whose } => {
                // Which view a number is read from is no difference.
                let owner = if field == "logp" || about.live { owner } else { "data".into() };
                Sum::of(self.store.simplest(Form::Given { owner, field, depth, whose }, about))
            }
            form @ (Form::Parameter(_) | Form::Count { .. } | Form::Slope(_) | Form::Back { .. }) => {
                Sum::of(self.store.simplest(form, about))
            }
        }
    }

    fn call(&mut self, from: &Store, function: Function, args: &[Ex], about: About) -> Sum {
        let sums: Vec<Sum> = args.iter().map(|arg| self.of(from, *arg)).collect();
        let mut parts: Vec<Ex> = Vec::new();
        for (sum, arg) in sums.iter().zip(args) {
            parts.push(self.one(sum, from.about(*arg)));
        }
        match function {
            Function::Smaller | Function::Larger => parts.sort_unstable(),
            Function::Square | Function::Magnitude => {
                let other = self.one(&sums[0].scaled(-1.0), from.about(args[0]));
                parts[0] = parts[0].min(other);
            }
            _ => {}
        }
        Sum::of(self.store.simplest(Form::Call(function, parts), about))
    }

    /// As one expression.
    fn one(&mut self, sum: &Sum, about: About) -> Ex {
        let about = About { kind: KindTag::Number, live: false, ..about };
        let constant = About { depth: Depth::Constant, whose: Whose::Nobody, ..about };
        let mut products = sum.0.clone();
        products.sort_by(|a, b| (&a.above, &a.below).cmp(&(&b.above, &b.below)));
        let mut whole = None;
        for product in products {
            let mut ex = self.store.simplest(Form::Number(product.number.to_bits()), constant);
            for factor in product.above {
                ex = self.store.simplest(Form::Times(ex, factor), about);
            }
            for factor in product.below {
                ex = self.store.simplest(Form::Over(ex, factor), about);
            }
            whole = Some(match whole {
                Some(whole) => self.store.simplest(Form::Plus(whole, ex), about),
                None => ex,
            });
        }
        whole.unwrap_or_else(|| self.store.simplest(Form::Number(0.0_f64.to_bits()), constant))
    }
}
