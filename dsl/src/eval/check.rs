//! Is the batch what the program asks for? Everything is looked at before anything is computed.

use super::error::{EvalError, input_name};
use super::{Inputs, Settings};
use crate::ir::{Depth, KindTag, Node, Op, Program, Ty};
use crate::{Layout, Totals};

/// Everything about the batch that can be wrong before the first number is computed.
///
/// # Errors
/// Anything missing, of the wrong length, or not finite.
pub fn batch(
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
) -> Result<(), EvalError> {
    all(program, layout, totals, inputs, settings, |_| true)
}

/// The same where what is read for each word is given in another way than among the inputs.
///
/// # Errors
/// As [`batch`].
pub fn batch_besides_words(
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
) -> Result<(), EvalError> {
    all(program, layout, totals, inputs, settings, |node| node.ty.depth != Depth::EachWord)
}

fn all(
    program: &Program,
    layout: &Layout,
    totals: &Totals,
    inputs: &Inputs,
    settings: &Settings,
    is_input: impl Fn(&Node) -> bool,
) -> Result<(), EvalError> {
    shape(layout, totals)?;
    vocabulary(program, layout, totals)?;
    steps(program)?;
    for node in &program.nodes {
        if let Op::Input { owner, field } = &node.op
            && is_input(node)
        {
            let name = || input_name(owner, field, node.ty.side);
            let Some(values) = inputs.get(owner, field, node.ty.side) else {
                return Err(EvalError::MissingInput { input: name(), place: node.place.clone() });
            };
            let expected = layout.len(node.ty);
            if values.len() != expected {
                let what = counted(node.ty);
                return Err(EvalError::WrongLength { input: name(), found: values.len(), expected, what });
            }
            if let Some(index) = values.iter().position(|v| !v.is_finite()) {
                return Err(EvalError::InputNotFinite { input: name(), index, value: values[index] });
            }
        }
        setting(node, settings)?;
    }
    Ok(())
}

/// A hyper-parameter has a value.
pub(super) fn setting(node: &Node, settings: &Settings) -> Result<(), EvalError> {
    let Op::Parameter(name) = &node.op else { return Ok(()) };
    match settings.get(name) {
        None => Err(EvalError::MissingSetting { name: name.clone(), place: node.place.clone() }),
        Some(&value) if !value.is_finite() => Err(EvalError::SettingNotFinite { name: name.clone(), value }),
        Some(_) => Ok(()),
    }
}

/// The layout agrees with itself and is no larger than the whole batch it is a part of.
fn shape(layout: &Layout, totals: &Totals) -> Result<(), EvalError> {
    let fault = |message: String| Err(EvalError::Layout(message));
    let here = layout.totals();
    if here.prompts > totals.prompts {
        let (part, whole) = (here.prompts, totals.prompts);
        return fault(format!("the batch has {part} prompts but its totals count {whole}: give the whole's totals"));
    }
    for (at, (side, reaches)) in layout.sides.iter().enumerate() {
        if layout.sides[..at].iter().any(|(earlier, _)| earlier == side) {
            return fault(format!("the layout lists {side} twice: give each side once"));
        }
        let mut last = 0;
        for (i, reach) in reaches.iter().enumerate() {
            if reach.prompt >= layout.prompts {
                let (prompt, prompts) = (reach.prompt, layout.prompts);
                return fault(format!("response {i} of {side} belongs to prompt {prompt} of {prompts}: count from 0"));
            }
            if reach.prompt < last {
                return fault(format!("response {i} of {side} stands after one to a later prompt: sort by prompt"));
            }
            if reach.tokens == 0 {
                return fault(format!("response {i} of {side} has no tokens: score at least its end token"));
            }
            last = reach.prompt;
        }
    }
    for &(side, responses, tokens) in &here.sides {
        let of = |depth| totals.len(Ty { kind: KindTag::Number, depth, side: Some(side), live: false });
        let (all_responses, all_tokens) = (of(Depth::EachResponse), of(Depth::EachToken));
        if responses > all_responses || tokens > all_tokens {
            return fault(format!(
                "the batch has {responses} responses ({tokens} tokens) of {side} but its totals count \
                 {all_responses} ({all_tokens}): give the whole's totals"
            ));
        }
    }
    Ok(())
}

/// Where a value for each word is read, it is known how many words there are.
fn vocabulary(program: &Program, layout: &Layout, totals: &Totals) -> Result<(), EvalError> {
    let Some(node) = program.nodes.iter().find(|node| node.ty.depth == Depth::EachWord) else { return Ok(()) };
    let fault = |message: &str| Err(EvalError::Step { message: message.into(), place: node.place.clone() });
    match (layout.words, totals.words) {
        (0, _) => fault("a value for each word needs a layout that says how many words the vocabulary has"),
        (here, all) if here != all => fault("a batch and the whole it is part of have vocabularies of different sizes"),
        _ => Ok(()),
    }
}

/// Every step can be laid out and refers to earlier ones, and there is one loss.
fn steps(program: &Program) -> Result<(), EvalError> {
    for (i, node) in program.nodes.iter().enumerate() {
        let fault = |message: &str| Err(EvalError::Step { message: message.into(), place: node.place.clone() });
        let sided = matches!(node.ty.depth, Depth::EachResponse | Depth::EachToken | Depth::EachWord);
        if sided && node.ty.side.is_none() {
            return fault("a value for each response or token must say of which side");
        }
        if node.args.len() != node.op.arity() {
            return fault("a step has too many or too few arguments: trace the program again");
        }
        if node.args.iter().any(|arg| arg.index() >= i) {
            return fault("a step refers to a later one: trace the program again");
        }
    }
    let depth = program.root.and_then(|root| program.nodes.get(root.index())).map(|node| node.ty.depth);
    if depth != Some(Depth::Batch) {
        return Err(EvalError::Step {
            message: "the program has no loss for the whole batch: end with `.mean(Prompt)` or `.batch_mean()`".into(),
            place: program.root.and_then(|r| program.nodes.get(r.index())).map(|n| n.place.clone()).unwrap_or_default(),
        });
    }
    Ok(())
}

/// What there is one value for.
fn counted(ty: Ty) -> String {
    let of = ty.side.map(|side| format!(" of {side}")).unwrap_or_default();
    match ty.depth {
        Depth::Constant => "constants".into(),
        Depth::Batch => "values for the batch".into(),
        Depth::EachPrompt => "prompts".into(),
        Depth::EachResponse => format!("responses{of}"),
        Depth::EachToken => format!("tokens{of}"),
        Depth::EachWord => format!("words at each token{of}"),
    }
}
