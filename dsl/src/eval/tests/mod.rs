//! The evaluator against finite differences, against cuts of the batch, and against numbers from elsewhere.

mod cut;
mod difference;
mod faults;
mod golden;
mod operations;
mod programs;
