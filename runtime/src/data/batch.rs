//! Rows laid out for the model and the program.

use super::example::Example;
use super::record::View;
use crate::model::Sequences;
use collimate_dsl::ir::SideTag;
use collimate_dsl::{Layout, Reach};

/// Some rows, side after side: first every row's response of the first side, then of the next.
#[derive(Clone, PartialEq, Debug)]
pub struct Batch {
    /// What the model reads; nothing is padded.
    pub sequences: Sequences,
    /// How the scored tokens belong together.
    pub layout: Layout,
    /// The numbers of the rows: field, side, one value for each row.
    pub numbers: Vec<(String, Option<SideTag>, Vec<f64>)>,
}

impl Batch {
    /// Lays out some examples of a view.
    #[must_use]
    pub fn new(view: &View, examples: &[&Example]) -> Self {
        let mut sequences = Sequences::default();
        let mut layout = Layout { prompts: examples.len(), sides: Vec::new() };
        for (i, side) in view.sides().iter().enumerate() {
            let mut reaches = Vec::with_capacity(examples.len());
            for (prompt, example) in examples.iter().enumerate() {
                let response = &example.responses[i];
                sequences.push(&example.prompt, response);
                reaches.push(Reach { prompt, tokens: response.len() });
            }
            layout.sides.push((*side, reaches));
        }
        let numbers = view.numbers.iter().enumerate().map(|(i, (field, side))| {
            (field.clone(), *side, examples.iter().map(|example| example.numbers[i]).collect())
        });
        Batch { sequences, layout, numbers: numbers.collect() }
    }
}
