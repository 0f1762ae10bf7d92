//! Rows of a file to batches of tokens.
//!
//! A file gives [`Row`]s, a tokenizer makes [`Example`]s of them, an [`Order`] says which come when,
//! and [`Batch::new`] lays some of them out as the model and the program read them.

mod batch;
mod column;
mod compared;
mod curriculum;
mod dialogue;
mod example;
mod order;
mod read;
mod record;
mod rows;
#[cfg(feature = "parquet")]
mod table;
mod transcript;
mod view;

pub use batch::{Batch, Item, items};
pub use curriculum::Curriculum;
pub use example::{Dropped, Example, Examples, Limits};
pub use order::Order;
pub use read::{Beside, beside, has_ratings, read, read_line, read_objects, read_prompts, read_some};
pub use record::{Origin, Record, Row};
pub(crate) use view::Shape;
pub use view::View;

#[cfg(test)]
mod tests;
