//! Which parts of a formula deserve a line and a name of their own.

use super::expression::{Ex, Form, Store, Whose, without_side};
use super::read::read;
use super::symbol::{self, Symbol};
use crate::ir::{Depth, Program, SideTag};
use std::collections::{BTreeMap, HashMap, HashSet};

/// How a named expression is written where it is used.
#[derive(Clone)]
pub(super) struct Named {
    pub(super) symbol: Symbol,
    pub(super) depth: Depth,
    pub(super) whose: Whose,
}

/// A formula: expressions with names, in the order they are to be read, and the loss.
pub(super) struct Formula {
    pub(super) store: Store,
    /// The expression of each step of the program.
    pub(super) steps: Vec<Ex>,
    /// Those that are metrics.
    reported: Vec<Ex>,
    /// The named ones: `r(y)`, `margin`.
    pub(super) lines: Vec<(Named, Ex)>,
    /// What to write instead of an expression; not on its own line.
    pub(super) names: HashMap<Ex, Named>,
    /// How often each letter has been given.
    taken: HashMap<String, usize>,
    /// The loss.
    pub(super) root: Ex,
}

impl Formula {
    /// Of a program that has a loss, with some hyper-parameters replaced by numbers.
    pub(super) fn new(program: &Program, fixed: &BTreeMap<&str, f64>) -> Option<Formula> {
        let mut store = Store::default();
        let steps = read(program, &mut store, fixed);
        let root = steps[program.root?.index()];
        let reported = program.metrics.iter().map(|metric| steps[metric.node.index()]).collect();
        let mut formula =
            Formula { store, steps, reported, lines: Vec::new(), names: HashMap::new(), taken: HashMap::new(), root };
        let functions = formula.functions();
        formula.name(&functions);
        Some(formula)
    }

    /// Is it what a trained model gives, and no log-probability?
    pub(super) fn is_learned(&self, form: &Form) -> bool {
        let live = || self.store.known(form).is_some_and(|ex| self.store.about(ex).live);
        matches!(form, Form::Given { field, .. } if field != "logp" && field != "words") && live()
    }

    /// Expressions of chosen responses that have a counterpart of rejected ones: the two, and what both are of any side.
    fn functions(&mut self) -> Vec<(Ex, Ex, Ex)> {
        let mut of_sides: Vec<(Ex, SideTag)> = Vec::new();
        // Where a value of one side meets one of another or becomes a value for the prompt.
        for ex in self.reached(&[self.root], &HashMap::new()) {
            for part in self.store.parts(ex) {
                let about = self.store.about(part);
                let own = self.store.about(ex);
                if let (Whose::Side(side), Whose::Nobody) = (about.whose, own.whose)
                    && about.depth == Depth::EachResponse
                    && !of_sides.contains(&(part, side))
                {
                    of_sides.push((part, side));
                }
            }
        }
        let mut functions = Vec::new();
        for &(chosen, _) in of_sides.iter().filter(|(_, side)| *side == SideTag::Chosen) {
            let general = self.store.for_any_side(chosen);
            for &(rejected, _) in of_sides.iter().filter(|(_, side)| *side == SideTag::Rejected) {
                if self.store.for_any_side(rejected) == general && self.composed(general) {
                    functions.push((chosen, rejected, general));
                }
            }
        }
        functions
    }

    fn name(&mut self, functions: &[(Ex, Ex, Ex)]) {
        let mut bodies: HashMap<Ex, Ex> = HashMap::new();
        for &(chosen, rejected, general) in functions {
            bodies.insert(chosen, general);
            bodies.insert(rejected, general);
        }
        let generals: HashSet<Ex> = functions.iter().map(|(.., general)| *general).collect();
        let order = self.reached(&[self.root], &bodies);
        let mut uses: HashMap<Ex, usize> = HashMap::new();
        for &ex in &order {
            for part in self.parts(ex, &bodies) {
                *uses.entry(part).or_default() += 1;
            }
        }
        // A metric of a part of the loss is one more reason to give that part a name.
        for ex in &self.reported {
            *uses.entry(*ex).or_default() += 1;
        }
        // A value made here is not called as one that is given.
        let given = order.iter().filter_map(|ex| match (self.store.form(*ex), self.store.about(*ex)) {
            (Form::Given { field, .. }, about) if !about.live => match about.whose {
                Whose::Side(side) => Some(without_side(field, side)),
                Whose::Nobody | Whose::Any => Some(field.clone()),
            },
            _ => None,
        });
        self.taken = given.map(|name| (name, 1)).collect();
        let mut cost: HashMap<Ex, usize> = HashMap::new();
        for &ex in &order {
            if bodies.contains_key(&ex) {
                // Its name is that of the function's line, which came before.
                let general = self.names[&bodies[&ex]].clone();
                self.names.insert(ex, Named { whose: self.store.about(ex).whose, ..general });
                cost.insert(ex, 1);
                continue;
            }
            let own: usize = self.store.parts(ex).iter().map(|part| cost[part]).sum::<usize>() + self.own_cost(ex);
            let often = uses.get(&ex).copied().unwrap_or(0) > 1;
            if generals.contains(&ex) || (often && own > 0 && ex != self.root && self.deserves_a_name(ex, own)) {
                let named = self.call(ex);
                self.lines.push((named, ex));
                cost.insert(ex, 0);
            } else {
                cost.insert(ex, own);
            }
        }
    }

    /// Gives an expression a name.
    pub(super) fn call(&mut self, ex: Ex) -> Named {
        let about = self.store.about(ex);
        let symbol = symbol::name(about.kind, about.live);
        let number = self.taken.entry(symbol.text.clone()).or_default();
        *number += 1;
        let named = Named { symbol: symbol.numbered(*number), depth: about.depth, whose: about.whose };
        self.names.insert(ex, named.clone());
        named
    }

    /// Is it long enough, or a sum or product whose parts differ from place to place?
    fn deserves_a_name(&self, ex: Ex, cost: usize) -> bool {
        let joined = matches!(
            self.store.form(ex),
            Form::Plus(..) | Form::Minus(..) | Form::Times(..) | Form::Over(..) | Form::Reduced { .. }
        );
        cost > 1 || (joined && self.store.about(ex).depth > Depth::Constant)
    }

    /// What is written anew at each use: numbers, hyper-parameters and inputs are read at a glance.
    fn own_cost(&self, ex: Ex) -> usize {
        match self.store.form(ex) {
            Form::Number(_)
            | Form::Parameter(_)
            | Form::Given { .. }
            | Form::Count { .. }
            | Form::Slope(_)
            | Form::Negative(_) => 0,
            Form::Plus(..)
            | Form::Minus(..)
            | Form::Times(..)
            | Form::Over(..)
            | Form::Call(..)
            | Form::Back { .. }
            | Form::Reduced { .. } => 1,
        }
    }

    /// Is it more than one operation?
    fn composed(&self, ex: Ex) -> bool {
        self.reached(&[ex], &HashMap::new()).into_iter().map(|part| self.own_cost(part)).sum::<usize>() > 1
    }

    /// Parts first, each once. What stands in `bodies` is made of its body.
    fn reached(&self, ends: &[Ex], bodies: &HashMap<Ex, Ex>) -> Vec<Ex> {
        fn visit(formula: &Formula, ex: Ex, bodies: &HashMap<Ex, Ex>, seen: &mut HashSet<Ex>, order: &mut Vec<Ex>) {
            if seen.insert(ex) {
                for part in formula.parts(ex, bodies) {
                    visit(formula, part, bodies, seen, order);
                }
                order.push(ex);
            }
        }
        let (mut seen, mut order) = (HashSet::new(), Vec::new());
        ends.iter().for_each(|&end| visit(self, end, bodies, &mut seen, &mut order));
        order
    }

    fn parts(&self, ex: Ex, bodies: &HashMap<Ex, Ex>) -> Vec<Ex> {
        bodies.get(&ex).map_or_else(|| self.store.parts(ex), |body| vec![*body])
    }
}
