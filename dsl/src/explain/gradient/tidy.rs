//! The shortest way to write a sum of products.

use super::super::expression::{Ex, Form, Function, How, Whose};
use super::Backward;
use super::product::{Product, Sum};
use crate::ir::Depth;
use std::cmp::Reverse;

/// A multiplied-out sum with more terms than this is no simplification.
const MOST_TERMS: usize = 24;

impl Backward<'_> {
    /// An expression as a sum of products. Named parts stay whole; sums are multiplied out if asked.
    pub(super) fn sum(&self, ex: Ex, multiplied_out: bool) -> Sum {
        let of = |ex| self.sum(ex, multiplied_out);
        let store = &self.formula.store;
        if self.formula.names.contains_key(&ex) {
            return Sum::of(ex);
        }
        match store.form(ex) {
            Form::Number(bits) => Sum::number(f64::from_bits(*bits)),
            Form::Negative(a) => of(*a).scaled(-1.0),
            Form::Times(a, b) => of(*a).times(&of(*b)),
            Form::Over(a, b) => match &of(*b).0[..] {
                [product] => of(*a).times(&Sum(vec![product.inverse()])),
                _ => of(*a).times(&Sum::over(*b)),
            },
            Form::Plus(a, b) if multiplied_out => of(*a).plus(of(*b)),
            Form::Minus(a, b) if multiplied_out => of(*a).plus(of(*b).scaled(-1.0)),
            _ => Sum::of(ex),
        }
    }

    /// The shortest expression of this sum.
    pub(super) fn shortest(&mut self, sum: &Sum) -> Ex {
        let sum = self.inside(sum);
        let (mut best, mut width) = (self.written(&sum), usize::MAX);
        let mut ways = vec![sum.clone()];
        if let Some(out) = self.multiplied_out(&sum) {
            ways.push(self.one_sided(&out));
            ways.push(out);
        }
        for way in ways {
            let way = self.joined(way);
            let ex = self.written(&way);
            let found = self.width(ex);
            if found < width {
                (best, width) = (ex, found);
            }
        }
        best
    }

    fn multiplied_out(&self, sum: &Sum) -> Option<Sum> {
        let mut out = Sum::default();
        for product in &sum.0 {
            let mut terms = Sum(vec![Product::new(product.number, vec![], product.below.clone())]);
            for factor in &product.above {
                terms = terms.times(&self.sum(*factor, true));
                if terms.0.len() > MOST_TERMS {
                    return None;
                }
            }
            out = out.plus(terms);
        }
        (out != *sum && out.0.len() <= MOST_TERMS).then_some(out)
    }

    /// With `1 − σ(x)` for `σ(−x)`.
    fn one_sided(&self, sum: &Sum) -> Sum {
        let store = &self.formula.store;
        let mirrored = |ex: Ex| match store.form(ex) {
            Form::Call(Function::Logistic, args) => match store.form(args[0]) {
                Form::Negative(x) => store.known(&Form::Call(Function::Logistic, vec![*x])),
                _ => None,
            },
            _ => None,
        };
        let product = |product: &Product| {
            let start = Sum(vec![Product::new(product.number, vec![], product.below.clone())]);
            product.above.iter().fold(start, |sum, factor| match mirrored(*factor) {
                Some(straight) => sum.times(&Sum::one().plus(Sum::of(straight).scaled(-1.0))),
                None => sum.times(&Sum::of(*factor)),
            })
        };
        sum.0.iter().map(product).fold(Sum::default(), Sum::plus)
    }

    /// Without what is impossible where a clipped value is inside its limits: there it is the value itself.
    fn inside(&self, sum: &Sum) -> Sum {
        let products = sum.0.iter().filter_map(|product| {
            let mut product = product.clone();
            let limits = product.above.iter().find_map(|factor| match self.form(*factor) {
                Form::Call(Function::Inside, args) => Some(args),
                _ => None,
            });
            let Some(args) = limits else { return Some(product) };
            let Some(clipped) = self.formula.store.known(&Form::Call(Function::Clip, args.clone())) else {
                return Some(product);
            };
            let mut possible = true;
            product.above.retain(|factor| match self.formula.store.form(*factor) {
                Form::Call(function @ (Function::AtMost | Function::Below), sides) => {
                    let store = &self.formula.store;
                    let equal = store.equal_where(sides[0], sides[1], (clipped, args[0]));
                    possible &= !(equal && *function == Function::Below);
                    !equal
                }
                _ => true,
            });
            possible.then_some(product)
        });
        let products: Vec<Product> = products.collect();
        Sum::from_products(products)
    }

    /// With `log σ(x) − log σ(−x) = x`, and `1[a ≤ b] + 1[b < a] = 1`.
    fn joined(&self, mut sum: Sum) -> Sum {
        while let Some((i, j, product)) = self.pair(&sum) {
            let (first, second) = (i.min(j), i.max(j));
            sum.0.remove(second);
            sum.0.remove(first);
            sum = sum.plus(Sum(vec![product]));
        }
        sum
    }

    /// Two products that are one, and that one.
    fn pair(&self, sum: &Sum) -> Option<(usize, usize, Product)> {
        for (i, a) in sum.0.iter().enumerate() {
            for (j, b) in sum.0.iter().enumerate().filter(|(j, _)| *j != i) {
                for &factor in &a.above {
                    let Some(rest) = a.without(factor) else { continue };
                    for &other in &b.above {
                        let alike = b.without(other).is_some_and(|other| other.is_like(&rest));
                        if !alike {
                            continue;
                        }
                        if a.number == b.number && self.complement(factor, other) {
                            return Some((i, j, rest));
                        }
                        if a.number == -b.number
                            && let Some(x) = self.difference(factor, other)
                        {
                            return Some((i, j, rest.times(&Product::new(1.0, vec![x], vec![]))));
                        }
                    }
                }
            }
        }
        None
    }

    /// `x` if the two are `log σ(x)` and `log σ(−x)`.
    fn difference(&self, a: Ex, b: Ex) -> Option<Ex> {
        let store = &self.formula.store;
        let (Form::Call(Function::LogLogistic, a), Form::Call(Function::LogLogistic, b)) =
            (store.form(a), store.form(b))
        else {
            return None;
        };
        (store.form(b[0]) == &Form::Negative(a[0])).then_some(a[0])
    }

    /// Is one of the two always one and the other zero?
    fn complement(&self, a: Ex, b: Ex) -> bool {
        match (self.formula.store.form(a), self.formula.store.form(b)) {
            (Form::Call(Function::AtMost, a), Form::Call(Function::Below, b)) => a[0] == b[1] && a[1] == b[0],
            _ => false,
        }
    }

    /// With what all products share before the bracket.
    fn written(&mut self, sum: &Sum) -> Ex {
        let Some(first) = sum.0.first() else { return self.number(0.0) };
        if let [product] = &sum.0[..] {
            return self.product(product);
        }
        let shared = |of: fn(&Product) -> &Vec<Ex>| {
            let mut shared: Vec<Ex> = Vec::new();
            for factor in of(first) {
                let times = |list: &[Ex]| list.iter().filter(|other| *other == factor).count();
                let least = sum.0.iter().map(|product| times(of(product))).min().unwrap_or(0);
                if times(&shared) < least {
                    shared.push(*factor);
                }
            }
            shared
        };
        let size = first.number.abs();
        let number = if sum.0.iter().all(|product| product.number.abs() == size) { size } else { 1.0 };
        let negative = sum.0.iter().all(|product| product.number < 0.0);
        let number = if negative { -number } else { number };
        let shared = Product::new(number, shared(|p| &p.above), shared(|p| &p.below));
        let mut rest: Vec<Product> = sum.0.iter().map(|product| product.times(&shared.inverse())).collect();
        // A sum begins with what is added, and with what differs most from place to place.
        let depth = |product: &Product| product.above.iter().map(|factor| self.depth(*factor)).max();
        rest.sort_by_key(|product| (product.number < 0.0, Reverse(depth(product)), product.above.clone()));
        let bracket = rest.iter().map(|product| self.product(product)).collect::<Vec<Ex>>();
        let bracket = bracket.into_iter().reduce(|a, b| self.make(Form::Plus(a, b)));
        match bracket {
            Some(bracket) => self.product_with(&shared, Some(bracket)),
            None => self.number(0.0),
        }
    }

    fn number(&mut self, number: f64) -> Ex {
        self.make(Form::Number(number.to_bits()))
    }

    fn product(&mut self, product: &Product) -> Ex {
        self.product_with(product, None)
    }

    /// Numbers and hyper-parameters first, then outer factors before inner ones, all over what is below the line.
    fn product_with(&mut self, product: &Product, bracket: Option<Ex>) -> Ex {
        let mut above: Vec<Ex> = product.above.iter().copied().chain(bracket).collect();
        let indicator =
            |form: &Form| matches!(form, Form::Call(Function::AtMost | Function::Below | Function::Inside, _));
        above.sort_by_key(|factor| (indicator(self.formula.store.form(*factor)), self.depth(*factor), *factor));
        let mut below = product.below.clone();
        below.sort_by_key(|factor| (self.depth(*factor), *factor));
        let size = product.number.abs();
        let mut factors: Vec<Ex> = above;
        if size != 1.0 || factors.is_empty() {
            factors.insert(0, self.number(size));
        }
        let above = factors.into_iter().reduce(|a, b| self.make(Form::Times(a, b)));
        let below = below.into_iter().reduce(|a, b| self.make(Form::Times(a, b)));
        let Some(mut whole) = above else { return self.number(product.number) };
        if let Some(below) = below {
            whole = self.make(Form::Over(whole, below));
        }
        if product.number < 0.0 { self.make(Form::Negative(whole)) } else { whole }
    }

    /// How many there are of something.
    pub(super) fn count(&mut self, over: Depth, whose: Whose, all: bool) -> Ex {
        // Of these there is one for each prompt.
        let (over, whose) = if over == Depth::EachResponse && all && whose.is_single() {
            (Depth::EachPrompt, Whose::Nobody)
        } else {
            (over, whose)
        };
        let (depth, of) = match over {
            _ if all => (Depth::Batch, Whose::Nobody),
            Depth::EachToken => (Depth::EachResponse, whose),
            Depth::EachResponse => (Depth::EachPrompt, Whose::Nobody),
            Depth::EachWord => (Depth::Constant, Whose::Nobody),
            Depth::EachPrompt | Depth::Batch | Depth::Constant => (Depth::Batch, Whose::Nobody),
        };
        let about = super::About { kind: crate::ir::KindTag::Number, depth, whose: of, live: false };
        self.formula.store.simplest(Form::Count { over, whose, all }, about)
    }

    /// Its factors that are the same along an axis, and the product of the others.
    pub(super) fn parted(&mut self, sum: &Sum, over: Depth) -> (Sum, Ex) {
        let shortest = self.shortest(sum);
        match &self.sum(shortest, false).0[..] {
            [product] => {
                let part = |list: &[Ex], inner: bool| -> Vec<Ex> {
                    list.iter().copied().filter(|factor| (self.depth(*factor) >= over) == inner).collect()
                };
                let outer = Product::new(product.number, part(&product.above, false), part(&product.below, false));
                let inner = Product::new(1.0, part(&product.above, true), part(&product.below, true));
                let inner = self.product(&inner);
                (Sum(vec![outer]), inner)
            }
            _ => (Sum::one(), shortest),
        }
    }

    /// Summed over an axis.
    pub(super) fn total(&mut self, sum: &Sum, over: Depth, whose: Whose) -> Sum {
        let (outer, inner) = self.parted(sum, over);
        if self.is_number(inner, 1.0) {
            let count = self.count(over, whose, over == Depth::EachPrompt);
            return outer.times(&Sum::of(count));
        }
        if over == Depth::EachResponse && self.is_share(inner) {
            return outer;
        }
        let (depth, of) = match over {
            Depth::EachWord => (Depth::EachToken, whose),
            Depth::EachToken => (Depth::EachResponse, whose),
            Depth::EachResponse => (Depth::EachPrompt, Whose::Nobody),
            Depth::EachPrompt | Depth::Batch | Depth::Constant => (Depth::Batch, Whose::Nobody),
        };
        let about = super::About { kind: crate::ir::KindTag::Number, depth, whose: of, live: false };
        let form = Form::Reduced { how: How::Sum, over, whose, of: inner };
        outer.times(&Sum::of(self.formula.store.simplest(form, about)))
    }

    /// Is it a softmax, whose sum is one?
    fn is_share(&self, ex: Ex) -> bool {
        let store = &self.formula.store;
        matches!(store.form(ex), Form::Call(Function::Exponential, args)
            if matches!(store.form(args[0]), Form::Call(Function::GroupLogSoftmax, _)))
    }
}
