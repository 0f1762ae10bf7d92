//! How formulas look, and that making them look simple does not change what they mean.

mod looks;
mod meaning;
mod operations;
mod same;
mod slopes;
