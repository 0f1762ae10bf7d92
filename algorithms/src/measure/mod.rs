//! How good a judgement is: of two classes, of an order, of a probability.

mod auroc;
pub mod benchmark;
mod calibration;
mod rank;

pub use auroc::auroc;
pub use calibration::calibration_error;
pub use rank::{ranks, spearman};
