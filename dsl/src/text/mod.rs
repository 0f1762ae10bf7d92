//! A program as text, one line for each step.

mod word;
