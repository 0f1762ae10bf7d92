//! What each form hands on to its parts.

use super::super::expression::{Ex, Form, Function, How};
use super::Backward;
use super::product::Sum;
use crate::ir::Depth;

impl Backward<'_> {
    /// Hands the derivative by an expression on to what it is made of.
    pub(super) fn hand_on(&mut self, ex: Ex, sum: &Sum) {
        let at = self.formula.store.about(ex);
        match self.form(ex) {
            Form::Number(_) | Form::Parameter(_) | Form::Given { .. } | Form::Count { .. } => {}
            Form::Slope(_) | Form::Back { .. } => {}
            Form::Plus(a, b) => {
                self.hand(a, sum.clone(), at);
                self.hand(b, sum.clone(), at);
            }
            Form::Minus(a, b) => {
                self.hand(a, sum.clone(), at);
                self.hand(b, sum.scaled(-1.0), at);
            }
            Form::Times(a, b) => {
                let (by_a, by_b) = (sum.times(&Sum::of(b)), sum.times(&Sum::of(a)));
                self.hand(a, by_a, at);
                self.hand(b, by_b, at);
            }
            Form::Over(a, b) => {
                let by_a = sum.times(&Sum::over(b));
                let by_b = by_a.times(&self.sum(a, false)).times(&Sum::over(b)).scaled(-1.0);
                self.hand(a, by_a, at);
                self.hand(b, by_b, at);
            }
            Form::Negative(a) => self.hand(a, sum.scaled(-1.0), at),
            Form::Reduced { how, over, whose, of } => {
                let sum = match how {
                    How::Sum => sum.clone(),
                    How::Mean => {
                        let count = self.count(over, whose, over == Depth::EachPrompt);
                        sum.times(&Sum::over(count))
                    }
                    How::MeanAll => {
                        let count = self.count(over, whose, true);
                        sum.times(&Sum::over(count))
                    }
                };
                self.hand(of, sum, self.formula.store.about(of));
            }
            Form::Call(function, args) => self.call(ex, function, &args, sum),
        }
    }

    fn call(&mut self, ex: Ex, function: Function, args: &[Ex], sum: &Sum) {
        let at = self.formula.store.about(ex);
        let x = args[0];
        let slope = match function {
            Function::Positive | Function::Stopped => return,
            Function::Smaller | Function::Larger => {
                // Where equal, the gradient goes to the first.
                let (first, second) = match function {
                    Function::Smaller => ([x, args[1]], [args[1], x]),
                    _ => ([args[1], x], [x, args[1]]),
                };
                let first = self.make(Form::Call(Function::AtMost, first.to_vec()));
                let second = self.make(Form::Call(Function::Below, second.to_vec()));
                self.hand(x, sum.times(&Sum::of(first)), at);
                self.hand(args[1], sum.times(&Sum::of(second)), at);
                return;
            }
            Function::Clip => Sum::of(self.make(Form::Call(Function::Inside, args.to_vec()))),
            Function::Exponential => Sum::of(ex),
            Function::Logarithm => Sum::over(x),
            Function::Magnitude => Sum::of(self.make(Form::Call(Function::Sign, vec![x]))),
            Function::Logistic => {
                let other = self.mirrored(x);
                Sum::of(ex).times(&Sum::of(other))
            }
            Function::LogLogistic => Sum::of(self.mirrored(x)),
            Function::Square => self.sum(x, false).scaled(2.0),
            Function::Root => Sum::over(ex).scaled(0.5),
            Function::NormalBelow => Sum::of(self.make(Form::Call(Function::NormalDensity, vec![x]))),
            Function::Choose => {
                let first = Sum::of(self.make(Form::Call(Function::Positive, vec![x])));
                self.hand(args[1], sum.times(&first), at);
                self.hand(args[2], sum.times(&Sum::one().plus(first.scaled(-1.0))), at);
                return;
            }
            // Both are their own transpose.
            Function::OthersMean | Function::GroupMean => {
                let sum = self.of_group(function, sum);
                self.hand(x, sum, at);
                return;
            }
            Function::GroupLogSoftmax => {
                let share = self.make(Form::Call(Function::Exponential, vec![ex]));
                let over_all = self.total(sum, Depth::EachResponse, at.whose);
                self.hand(x, sum.clone().plus(over_all.times(&Sum::of(share)).scaled(-1.0)), at);
                return;
            }
            _ => {
                self.hand_back(ex, args, sum);
                return;
            }
        };
        self.hand(x, sum.times(&slope), at);
    }

    /// `σ(−x)`
    fn mirrored(&mut self, x: Ex) -> Ex {
        let x = self.make(Form::Negative(x));
        self.make(Form::Call(Function::Logistic, vec![x]))
    }

    /// Through a function whose derivative has no closed form: said so, and what goes in.
    fn hand_back(&mut self, ex: Ex, args: &[Ex], sum: &Sum) {
        let of = self.shortest(sum);
        for (place, &arg) in args.iter().enumerate() {
            if self.live(arg) {
                let about = self.formula.store.about(arg);
                let back = self.formula.store.simplest(Form::Back { through: ex, place, of }, about);
                self.hand(arg, Sum::of(back), about);
            }
        }
    }

    /// A linear function of the responses to a prompt, of a derivative: what is the same for all of them stands before it.
    fn of_group(&mut self, function: Function, sum: &Sum) -> Sum {
        let (outer, inner) = self.parted(sum, Depth::EachResponse);
        if self.is_number(inner, 1.0) {
            return outer;
        }
        let mean = self.make(Form::Call(function, vec![inner]));
        outer.times(&Sum::of(mean))
    }
}
