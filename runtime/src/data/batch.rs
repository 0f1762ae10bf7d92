//! Rows laid out for the model and the program.

use super::example::Example;
use super::view::View;
use crate::model::Sequences;
use crate::{Error, Result};
use collimate_dsl::ir::SideTag;
use collimate_dsl::{Layout, Reach};
use std::borrow::Cow;

/// One row of an optimizer batch.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Item<'a> {
    /// The row.
    pub example: &'a Example,
    /// Whose response is read after this row's prompt, where the program asks for mismatched ones.
    pub other: Option<&'a Example>,
}

impl<'a> Item<'a> {
    /// How many tokens of it are scored.
    pub(crate) fn scored(&self, view: &View) -> usize {
        view.sides().iter().flat_map(|side| texts(view, self, *side)).map(|(_, scored)| scored.len()).sum()
    }

    /// The other row's response, as much of it as fits after this row's prompt.
    pub(crate) fn mismatched(&self) -> Option<&'a [u32]> {
        let tokens = self.other?.responses.first()?;
        Some(&tokens[..tokens.len().min(self.example.room)])
    }
}

/// The rows of an optimizer batch. Where a program reads mismatched responses, each prompt gets the response of the
/// next row and the last prompt that of the first row: settled here for the whole batch, so that it does not depend
/// on how the batch is cut.
///
/// # Errors
/// If a program that reads mismatched responses is given a single row.
pub fn items<'a>(view: &View, examples: &[&'a Example]) -> Result<Vec<Item<'a>>> {
    if view.mismatched && examples.len() < 2 {
        let problem = "reads each prompt with a response to another one, and this batch has a single row; \
                       use --batch 2 or more, and a number of rows that leaves no single row at the end";
        return Err(Error::Setting(format!("`{}` {problem}", view.owner())));
    }
    let next = |i: usize| view.mismatched.then(|| examples[(i + 1) % examples.len()]);
    Ok(examples.iter().enumerate().map(|(i, example)| Item { example, other: next(i) }).collect())
}

/// Some rows, side after side: first every row's responses of the first side, then of the next.
#[derive(Clone, PartialEq, Debug)]
pub struct Batch {
    /// What the model reads; nothing is padded.
    pub sequences: Sequences,
    /// How the scored tokens belong together.
    pub layout: Layout,
    /// The numbers of the rows: field, side, and the values row after row.
    pub numbers: Vec<(String, Option<SideTag>, Vec<f64>)>,
}

impl Batch {
    /// Lays out some items of a view.
    #[must_use]
    pub fn new(view: &View, items: &[Item<'_>]) -> Self {
        let mut sequences = Sequences::default();
        let mut sides = Vec::new();
        for side in view.sides() {
            let mut reaches = Vec::with_capacity(items.len());
            for (prompt, item) in items.iter().enumerate() {
                for (read, scored) in texts(view, item, *side) {
                    sequences.push(read, &scored);
                    reaches.push(Reach { prompt, tokens: scored.len() });
                }
            }
            sides.push((*side, reaches));
        }
        let numbers = view.numbers.iter().enumerate().map(|(i, (field, side))| {
            (field.clone(), *side, items.iter().flat_map(|item| item.example.numbers[i].clone()).collect())
        });
        Batch { sequences, layout: Layout { prompts: items.len(), sides, words: 0 }, numbers: numbers.collect() }
    }
}

/// A row's texts of one side: what is only read, and what is scored after it.
fn texts<'a>(view: &View, item: &Item<'a>, side: SideTag) -> Vec<(&'a [u32], Cow<'a, [u32]>)> {
    let (prompt, responses) = (&item.example.prompt[..], &item.example.responses);
    match side {
        SideTag::Mismatched => item.mismatched().map(|tokens| (prompt, tokens.into())).into_iter().collect(),
        // Nothing stands before a document's first token, so nothing says how likely it is.
        SideTag::Document => vec![(&prompt[..1], [&prompt[1..], &responses[0][..]].concat().into())],
        _ => view.places(side, responses.len()).map(|i| (prompt, responses[i][..].into())).collect(),
    }
}
