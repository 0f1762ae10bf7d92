//! Who watches a run: the command line draws a bar, a test counts.

use crate::data::Dropped;
use crate::metric::Measurement;
use std::path::Path;

/// What a run is about to do.
#[derive(Debug)]
pub struct Plan<'a> {
    /// Steps it ends with.
    pub steps: u64,
    /// Rows it trains on.
    pub rows: usize,
    /// Rows that did not fit, and why.
    pub dropped: &'a [Dropped],
    /// Responses that lost their end.
    pub cut: usize,
    /// Numbers of the model.
    pub weights: usize,
    /// Why the log-probabilities of all words are held for all tokens of a part at once, if they are.
    pub whole_words: Option<&'a str>,
}

/// Told what happens in a run, as it happens.
pub trait Observer {
    /// Everything is read and checked.
    fn begins(&mut self, _plan: &Plan<'_>) {}
    /// So many of so many parts of batches have their log-probabilities under the frozen copies of the model.
    fn prepared(&mut self, _done: usize, _parts: usize) {}
    /// The first step comes next; so many were done by the run that it continues.
    fn starts(&mut self, _done: u64) {}
    /// A step is done.
    fn stepped(&mut self, _measurement: &Measurement) {}
    /// A checkpoint or the final model was written.
    fn saved(&mut self, _path: &Path) {}
}

/// Watches nothing.
impl Observer for () {}
