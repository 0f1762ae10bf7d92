//! What a program reads of a row.

use super::column::{self, Column};
use crate::{Error, Result};
use collimate_dsl::ir::{Program, SideTag};

/// Behind the name of an attribute: is there such a rating?
pub(super) const PRESENT: &str = "_present";

/// Which texts a row has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    /// The better response and the other.
    Pair,
    /// One good response.
    Demo,
    /// One response, liked or not.
    Unpaired,
    /// Several responses in no order.
    Group,
    /// One response and what people gave its attributes.
    Rated,
    /// Two responses and how people are divided over them.
    Annotated,
}

impl Shape {
    fn of(view: &str) -> Option<Self> {
        Some(match view {
            "pair" | "scored_pair" => Shape::Pair,
            "demo" => Shape::Demo,
            "unpaired" => Shape::Unpaired,
            "group" => Shape::Group,
            "rated" => Shape::Rated,
            "annotated" => Shape::Annotated,
            _ => return None,
        })
    }

    /// The columns of its texts.
    pub(super) fn texts(self) -> &'static [Column] {
        match self {
            Shape::Pair | Shape::Annotated => &[column::CHOSEN, column::REJECTED],
            Shape::Demo | Shape::Unpaired | Shape::Rated => &[column::COMPLETION],
            Shape::Group => &[column::RESPONSES],
        }
    }

    /// The column of a number, by the name a program gives it.
    pub(super) fn number(self, field: &str) -> Option<&'static Column> {
        let known: &[&Column] = match self {
            Shape::Pair => &[&column::CHOSEN_SCORE, &column::REJECTED_SCORE, &column::MARGIN],
            Shape::Demo => &[&column::WEIGHT],
            Shape::Unpaired => &[&column::LABEL],
            Shape::Group => &[&column::SCORES, &column::WEIGHTS, &column::BASELINES, &column::ENDED, &column::VALUES],
            Shape::Rated => {
                let attribute = field.strip_suffix(PRESENT).unwrap_or(field);
                return column::ATTRIBUTES.iter().find(|column| column.field == attribute);
            }
            Shape::Annotated => return column::SHARES.iter().find(|column| column.field == field),
        };
        known.iter().copied().find(|column| column.field == field)
    }

    /// May a row have so many responses?
    pub(super) fn holds(self, responses: usize) -> bool {
        match self {
            Shape::Pair | Shape::Annotated => responses == 2,
            Shape::Demo | Shape::Unpaired | Shape::Rated => responses == 1,
            Shape::Group => responses > 0,
        }
    }
}

/// What a program reads of a row: which texts, and which numbers beside them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct View {
    pub(super) shape: Shape,
    /// The name that owns the program's inputs, e.g. `scored_pair`.
    pub(super) owner: String,
    /// Field, and the side it belongs to.
    pub(super) numbers: Vec<(String, Option<SideTag>)>,
    /// Does the program also read each prompt with a response to another one?
    pub(super) mismatched: bool,
    /// Does the program also read prompt and chosen response as one text?
    pub(super) document: bool,
}

impl View {
    /// Two responses and no numbers.
    #[must_use]
    pub fn pair() -> Self {
        Self::bare(Shape::Pair, "pair")
    }

    /// One response and no numbers.
    #[must_use]
    pub fn demo() -> Self {
        Self::bare(Shape::Demo, "demo")
    }

    /// Several responses and no numbers.
    #[must_use]
    pub fn group() -> Self {
        Self::bare(Shape::Group, "group")
    }

    /// One response with its ratings, as many as there are.
    #[must_use]
    pub fn rated() -> Self {
        let mut view = Self::bare(Shape::Rated, "rated");
        let fields = column::ATTRIBUTES
            .iter()
            .flat_map(|column| [column.field.to_owned(), format!("{}{PRESENT}", column.field)]);
        view.numbers = fields.map(|field| (field, Some(SideTag::Answer))).collect();
        view
    }

    fn bare(shape: Shape, owner: &str) -> Self {
        View { shape, owner: owner.to_owned(), numbers: Vec::new(), mismatched: false, document: false }
    }

    /// What a program reads of the view with this name.
    ///
    /// # Errors
    /// If files cannot give that view, or a number of it.
    pub fn of(program: &Program, name: &str) -> Result<Self> {
        let Some(shape) = Shape::of(name) else {
            return Err(Error::Setting(format!(
                "`{}` reads a `{name}`, which no data file can give yet; files give `pair`, `scored_pair`, `demo`, \
                 `unpaired`, `group`, `rated` and `annotated`",
                program.name
            )));
        };
        let mut view = Self::bare(shape, name);
        for (_, owner, field, ty) in program.inputs() {
            view.mismatched |= ty.side == Some(SideTag::Mismatched);
            view.document |= ty.side == Some(SideTag::Document);
            if owner != name || view.numbers.iter().any(|(f, side)| f == field && *side == ty.side) {
                continue;
            }
            if shape.number(field).is_none() {
                let problem = format!("`{}` reads `{name}.{field}`, which no data file can give yet", program.name);
                return Err(Error::Setting(problem));
            }
            view.numbers.push((field.to_owned(), ty.side));
        }
        Ok(view)
    }

    /// The same rows, of which no numbers are read.
    #[must_use]
    pub fn without_numbers(&self) -> Self {
        View { numbers: Vec::new(), ..self.clone() }
    }

    /// The name that owns its numbers in a program, e.g. `scored_pair`.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    /// The numbers the program reads: field, and the side it belongs to.
    pub(crate) fn numbers(&self) -> &[(String, Option<SideTag>)] {
        &self.numbers
    }

    /// Does the program read this number?
    pub(crate) fn reads(&self, field: &str) -> bool {
        self.numbers.iter().any(|(f, _)| f == field)
    }

    /// Does the program also read each prompt with a response to another one?
    #[must_use]
    pub fn reads_mismatched(&self) -> bool {
        self.mismatched
    }

    /// What a row's responses are called in files, in order; `None` where they are a list.
    #[must_use]
    pub fn names(&self) -> Option<&'static [&'static str]> {
        match self.shape {
            Shape::Pair | Shape::Annotated => Some(&["chosen", "rejected"]),
            Shape::Demo | Shape::Unpaired | Shape::Rated => Some(&["response"]),
            Shape::Group => None,
        }
    }

    /// Whose responses a batch has, in order.
    #[must_use]
    pub fn sides(&self) -> &'static [SideTag] {
        match self.shape {
            Shape::Pair if self.document => &[SideTag::Chosen, SideTag::Rejected, SideTag::Document],
            Shape::Pair | Shape::Annotated => &[SideTag::Chosen, SideTag::Rejected],
            Shape::Demo | Shape::Rated => &[SideTag::Answer],
            Shape::Unpaired if self.mismatched => &[SideTag::Answer, SideTag::Mismatched],
            Shape::Unpaired => &[SideTag::Answer],
            Shape::Group => &[SideTag::Sample],
        }
    }

    /// Which of a row's so many responses are of this side. A response to another prompt is the only one; a document
    /// stands behind them all.
    pub(crate) fn places(&self, side: SideTag, responses: usize) -> std::ops::Range<usize> {
        match side {
            SideTag::Rejected => 1..2,
            SideTag::Sample => 0..responses,
            SideTag::Document => responses..responses + 1,
            _ => 0..1,
        }
    }
}
