//! What goes into an evaluation besides the program: numbers by name.

use crate::ir::SideTag;
use std::collections::BTreeMap;

/// Hyper-parameters by name.
pub type Settings = BTreeMap<String, f64>;

/// Who gives an input, what it is, and whose responses it is about.
type Key = (String, String, Option<SideTag>);

/// Flat vectors by owner, field and side, each laid out by a [`crate::Layout`].
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Inputs {
    vectors: BTreeMap<Key, Vec<f64>>,
}

impl Inputs {
    /// No inputs yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Give one input; an earlier one of the same owner, field and side is replaced.
    pub fn insert(
        &mut self,
        owner: impl Into<String>,
        field: impl Into<String>,
        side: Option<SideTag>,
        values: Vec<f64>,
    ) {
        self.vectors.insert((owner.into(), field.into(), side), values);
    }

    /// One input, if it was given.
    #[must_use]
    pub fn get(&self, owner: &str, field: &str, side: Option<SideTag>) -> Option<&[f64]> {
        self.vectors.get(&(owner.to_owned(), field.to_owned(), side)).map(Vec::as_slice)
    }

    /// The same, to be written to.
    #[must_use]
    pub fn get_mut(&mut self, owner: &str, field: &str, side: Option<SideTag>) -> Option<&mut Vec<f64>> {
        self.vectors.get_mut(&(owner.to_owned(), field.to_owned(), side))
    }

    /// All of them, ordered by owner, field and side.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, Option<SideTag>, &[f64])> {
        self.vectors.iter().map(|((owner, field, side), v)| (owner.as_str(), field.as_str(), *side, v.as_slice()))
    }

    /// How many inputs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.vectors.len()
    }

    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.vectors.is_empty()
    }
}
