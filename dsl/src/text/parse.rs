//! From text to the program.

use super::cursor::Cursor;
use super::word::{DEPTHS, INFIX, PREFIX, is_plain_name, is_plain_word};
use crate::ir::{Depth, Id, KindTag, Metric, Node, Op, Place, Program, STATE, SideTag, State, Ty};
use std::fmt;

/// Where a text stops being a program, and what was expected there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

/// Read a program from the text form.
///
/// # Errors
/// The first line that is no line of a program.
pub fn parse(text: &str) -> Result<Program, ParseError> {
    let mut program = Program::default();
    let mut named = false;
    for (i, line) in text.lines().enumerate() {
        let mut at = Cursor::new(line, i + 1);
        if at.at_end() || at.starts_with("#") {
            continue;
        }
        if !named {
            if !at.eat_word("program") {
                return at.fault("expected `program` and its name before everything else");
            }
            program.name = name(&mut at, "the program's name")?;
            named = true;
        } else if at.starts_with("%") {
            if program.root.is_some() || !program.metrics.is_empty() || !program.states.is_empty() {
                return at.fault("expected no more steps after `loss`, `state` and `metric`");
            }
            let node = node(&mut at, program.nodes.len())?;
            program.nodes.push(node);
        } else if at.eat_word("loss") {
            if program.root.is_some() {
                return at.fault("expected only one loss");
            }
            program.root = Some(id(&mut at, program.nodes.len())?);
        } else if at.eat_word("metric") {
            let name = name(&mut at, "the metric's name")?;
            program.metrics.push(Metric { name, node: id(&mut at, program.nodes.len())? });
        } else if at.eat_word(STATE) {
            let state = state(&mut at, program.nodes.len())?;
            program.states.push(state);
        } else {
            return at.fault("expected a step such as `%0 = …`, `loss`, `state` or `metric`");
        }
        if !at.at_end() {
            return at.fault("expected the end of the line");
        }
    }
    let lines = text.lines().count();
    if named { Ok(program) } else { Cursor::new("", lines.max(1)).fault("expected `program` and its name") }
}

/// As [`parse`] reads it.
impl std::str::FromStr for Program {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text)
    }
}

fn name(at: &mut Cursor<'_>, what: &str) -> Result<String, ParseError> {
    let name = at.name(what, |c| is_plain_name(c.encode_utf8(&mut [0; 4])))?;
    at.spaces();
    Ok(name)
}

/// `mean from %2 next %9`
fn state(at: &mut Cursor<'_>, known: usize) -> Result<State, ParseError> {
    let name = word(at, "the state's name")?;
    at.spaces();
    if !at.eat_word("from") {
        return at.fault("expected `from` and what the state begins with");
    }
    let (initial, mut next) = (id(at, known)?, Vec::new());
    while at.eat_word("next") {
        next.push(id(at, known)?);
    }
    Ok(State { name, initial, next })
}

/// A plain word or one in quotes; what follows may touch it.
fn word(at: &mut Cursor<'_>, what: &str) -> Result<String, ParseError> {
    at.name(what, |c| is_plain_word(c.encode_utf8(&mut [0; 4])))
}

/// `%3`, one of the first `known` steps.
fn id(at: &mut Cursor<'_>, known: usize) -> Result<Id, ParseError> {
    if !at.starts_with("%") {
        return at.fault("expected a step, e.g. `%0`");
    }
    let digits = &at.peek_while(|c| c == '%' || c.is_ascii_digit())[1..];
    match digits.parse::<usize>() {
        Ok(index) if index < known => {
            at.advance(1 + digits.len());
            at.spaces();
            Ok(Id::new(index))
        }
        Ok(index) => at.fault(format!("expected an earlier step, `%{index}` is none")),
        Err(_) => at.fault("expected the number of a step after `%`"),
    }
}

/// `%3 = sum %2 : LogRatio per response of Chosen, grad  # src/dpo.rs:14:9`
fn node(at: &mut Cursor<'_>, index: usize) -> Result<Node, ParseError> {
    let own = format!("%{index}");
    if at.peek_while(|c| c == '%' || c.is_ascii_digit()) != own {
        return at.fault(format!("expected `{own}`: steps are numbered in order"));
    }
    at.expect(&own)?;
    at.expect("=")?;
    let (op, args) = expression(at, index)?;
    at.expect(":")?;
    let ty = ty(at)?;
    let place = place(at)?;
    Ok(Node { op, args, ty, place })
}

fn expression(at: &mut Cursor<'_>, known: usize) -> Result<(Op, Vec<Id>), ParseError> {
    if at.eat("-") {
        return Ok((Op::Negative, vec![id(at, known)?]));
    }
    if at.starts_with("%") {
        let left = id(at, known)?;
        let Some(op) = INFIX.into_iter().find(|op| at.eat(op.word())) else {
            return at.fault("expected one of `+` `-` `*` `/`");
        };
        return Ok((op, vec![left, id(at, known)?]));
    }
    if let Some(op) = PREFIX.into_iter().find(|op| at.eat_word(op.word())) {
        let args = (0..op.arity()).map(|_| id(at, known)).collect::<Result<_, _>>()?;
        return Ok((op, args));
    }
    if at.eat_word("input") {
        let owner = word(at, "who gives the input")?;
        if !at.starts_with(".") {
            return at.fault("expected `.` and what is given");
        }
        at.advance(1);
        let field = word(at, "what is given")?;
        at.spaces();
        return Ok((Op::Input { owner, field }, vec![]));
    }
    if at.eat_word("parameter") {
        let name = word(at, "the hyper-parameter's name")?;
        at.spaces();
        return Ok((Op::Parameter(name), vec![]));
    }
    if at.eat_word("number") {
        let digits = at.peek_while(|c| c != ' ' && c != ':');
        let Ok(number) = digits.parse() else { return at.fault("expected a number, e.g. `0.5`") };
        at.advance(digits.len());
        at.spaces();
        return Ok((Op::Literal(number), vec![]));
    }
    if at.eat_word("overlap") {
        return match SideTag::ALL.iter().copied().find(|side| at.eat_word(side.name())) {
            Some(other) => Ok((Op::Overlap(other), vec![])),
            None => at.fault("expected the other side, e.g. `Rejected`"),
        };
    }
    if at.eat_word("treat_as") {
        let arg = id(at, known)?;
        let why = at.quoted()?;
        at.spaces();
        return Ok((Op::Recast(why), vec![arg]));
    }
    at.fault("expected an operation, e.g. `input actor.logp`, `sum %0` or `%0 - %1`")
}

/// `LogRatio per response of Chosen, grad`
fn ty(at: &mut Cursor<'_>) -> Result<Ty, ParseError> {
    let Some(kind) = KindTag::ALL.iter().copied().find(|kind| at.eat_word(kind.name())) else {
        return at.fault("expected what the number means, e.g. `LogProb`");
    };
    let depth = if at.eat_word("per") {
        match DEPTHS.into_iter().find(|(_, word)| at.eat_word(word)) {
            Some((depth, _)) => depth,
            None => return at.fault("expected `batch`, `prompt`, `response`, `token` or `word`"),
        }
    } else {
        Depth::Constant
    };
    let side = if at.eat_word("of") {
        match SideTag::ALL.iter().copied().find(|side| at.eat_word(side.name())) {
            Some(side) => Some(side),
            None => return at.fault("expected a side, e.g. `Chosen`"),
        }
    } else {
        None
    };
    let live = at.eat(",");
    if live && !at.eat_word("grad") {
        return at.fault("expected `grad`");
    }
    Ok(Ty { kind, depth, side, live })
}

/// `# src/dpo.rs:14:9`, or nothing.
fn place(at: &mut Cursor<'_>) -> Result<Place, ParseError> {
    if !at.eat("#") {
        return Ok(Place::default());
    }
    let quoted = if at.starts_with("\"") { Some(at.quoted()?) } else { None };
    let rest = at.rest();
    let mut parts = rest.rsplitn(3, ':');
    let (column, line, file) = (parts.next(), parts.next(), parts.next());
    let number = |text: Option<&str>| text.and_then(|text| text.trim_end().parse().ok());
    let (Some(column), Some(line), Some(file)) = (number(column), number(line), file) else {
        return at.fault("expected where the step was written, e.g. `src/dpo.rs:14:9`");
    };
    let file = match quoted {
        Some(_) if !file.is_empty() => return at.fault("expected `:` after the file"),
        Some(quoted) => quoted,
        None => file.to_owned(),
    };
    at.advance(rest.len());
    Ok(Place { file, line, column })
}
