//! The typed language of Collimate.
#![forbid(unsafe_code)]
pub mod ir;
mod layout;

pub use layout::{Layout, Reach, Totals};
