//! Log-probability of one word for each row, as [`crate::head`] has it: tile after tile of scores.

use super::{
    Argument::U32,
    Element, Numbers, SUMS, Stream, THREADS, View, ViewMut, blocks,
    matrix::{Matrix, Write, multiply},
    size,
};
use crate::task::chunks;
use std::ops::Range;

/// What the two passes read.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// One row for each target.
    pub hidden: View<'a>,
    /// One row for each word, stored as `hidden` is.
    pub table: View<'a>,
    /// A word for each row; that it is one is for the caller to see.
    pub targets: View<'a>,
    /// Numbers in a row.
    pub width: usize,
}

/// How many rows and words a tile of scores has, at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tile {
    /// Rows.
    pub rows: usize,
    /// Words.
    pub words: usize,
}

impl Default for Tile {
    /// 128 MiB of scores: large enough for products at full speed.
    fn default() -> Self {
        Tile { rows: 4096, words: 8192 }
    }
}

/// `logp`, and the `logsumexp` that [`backward`] needs, of each row, in f32.
///
/// # Panics
/// If the shapes do not fit.
pub fn forward(stream: &Stream, mut logp: ViewMut<'_>, mut logsumexp: ViewMut<'_>, inputs: Inputs<'_>, tile: Tile) {
    let (rows, words) = check(inputs);
    logp.expect(Element::F32, rows);
    logsumexp.expect(Element::F32, rows);
    let mut scores = Scores::new(stream, inputs, tile);
    for rows in chunks(0..rows, tile.rows) {
        let running = stream.numbers(Element::F32, 3 * rows.len());
        let targets = inputs.targets.part(rows.clone()).argument();
        for words in chunks(0..words, tile.words) {
            let tile = scores.of(stream, &rows, &words);
            let arguments =
                [running.view().argument(), tile.argument(), targets, U32(size(words.start)), U32(size(words.len()))];
            stream.launch("head_run_f32", [size(rows.len()), 1, 1], THREADS, SUMS, &arguments);
        }
        let (logp, logsumexp) = (logp.again().part(rows.clone()), logsumexp.again().part(rows.clone()));
        let arguments = [logp.argument(), logsumexp.argument(), running.view().argument(), U32(size(rows.len()))];
        stream.launch("head_finish_f32", blocks(rows.len()), THREADS, 0, &arguments);
    }
}

/// Sets `d_hidden`, stored as `hidden` is, and adds to `d_table` in f32 if the table is trained, from the gradient of `logp`.
///
/// # Panics
/// If the shapes do not fit.
pub fn backward(
    stream: &Stream,
    mut d_hidden: ViewMut<'_>,
    mut d_table: Option<ViewMut<'_>>,
    d_logp: View<'_>,
    logsumexp: View<'_>,
    inputs: Inputs<'_>,
    tile: Tile,
) {
    let (rows, words) = check(inputs);
    let Inputs { hidden, table, targets, width } = inputs;
    let element = hidden.element();
    d_hidden.expect(element, hidden.len());
    if let Some(d_table) = &d_table {
        d_table.expect(Element::F32, table.len());
    }
    d_logp.expect(Element::F32, rows);
    logsumexp.expect(Element::F32, rows);
    let mut scores = Scores::new(stream, inputs, tile);
    // Summed in f32 over the tiles, whatever it is stored as.
    let mut sum = (element != Element::F32).then(|| stream.numbers(Element::F32, tile.rows.min(rows) * width));
    let mut narrow = (element != Element::F32).then(|| stream.numbers(element, scores.tile.len()));
    for rows in chunks(0..rows, tile.rows) {
        let numbers = rows.start * width..rows.end * width;
        for words in chunks(0..words, tile.words) {
            let tile = scores.of(stream, &rows, &words);
            let count = tile.len();
            let d_scores = match &mut narrow {
                Some(narrow) => narrow.view_mut().part(0..count).as_view().argument(),
                None => tile.argument(),
            };
            let [targets, logsumexp, d_logp] =
                [targets, logsumexp, d_logp].map(|of_rows| of_rows.part(rows.clone()).argument());
            let (first, length) = (U32(size(words.start)), U32(size(words.len())));
            let arguments = [d_scores, tile.argument(), targets, logsumexp, d_logp, first, length];
            let kernel = format!("head_differentiate_{}", element.suffix());
            stream.launch(&kernel, [size(rows.len()), 1, 1], THREADS, 0, &arguments);
            let d_scores = narrow.as_ref().map_or(scores.tile.view(), Numbers::view).part(0..count);
            let d_scores = Matrix::new(d_scores, rows.len(), words.len());
            let part = words.start * width..words.end * width;
            let mut d_rows = match &mut sum {
                Some(sum) => sum.view_mut().part(0..numbers.len()),
                None => d_hidden.again().part(numbers.clone()),
            };
            let write = if words.start == 0 { Write::Set } else { Write::Add };
            let words_table = Matrix::new(table.part(part.clone()), words.len(), width);
            multiply(stream, &mut d_rows, write, d_scores, words_table);
            let hidden = Matrix::new(hidden.part(numbers.clone()), rows.len(), width);
            if let Some(d_table) = &mut d_table {
                multiply(stream, &mut d_table.again().part(part), Write::Add, d_scores.transposed(), hidden);
            }
        }
        if let Some(sum) = &sum {
            super::cast::cast(stream, d_hidden.again().part(numbers.clone()), sum.view().part(0..numbers.len()));
        }
    }
}

/// Rows and words.
fn check(inputs: Inputs<'_>) -> (usize, usize) {
    let Inputs { hidden, table, targets, width } = inputs;
    let words = table.len() / width;
    targets.expect(Element::U32, targets.len());
    hidden.expect(table.element(), targets.len() * width);
    table.expect(table.element(), words * width);
    (targets.len(), words)
}

/// One tile's scores, in f32.
struct Scores<'a> {
    inputs: Inputs<'a>,
    tile: Numbers,
}

impl<'a> Scores<'a> {
    fn new(stream: &Stream, inputs: Inputs<'a>, tile: Tile) -> Self {
        let (rows, words) = (inputs.targets.len(), inputs.table.len() / inputs.width);
        let tile = stream.numbers(Element::F32, rows.min(tile.rows) * words.min(tile.words));
        Scores { inputs, tile }
    }

    /// Of these rows for these words.
    fn of(&mut self, stream: &Stream, rows: &Range<usize>, words: &Range<usize>) -> View<'_> {
        let Inputs { hidden, table, width, .. } = self.inputs;
        let hidden = hidden.part(rows.start * width..rows.end * width);
        let table = table.part(words.start * width..words.end * width);
        let count = rows.len() * words.len();
        let lhs = Matrix::new(hidden, rows.len(), width);
        let rhs = Matrix::new(table, words.len(), width).transposed();
        multiply(stream, &mut self.tile.view_mut().part(0..count), Write::Set, lhs, rhs);
        self.tile.view().part(0..count)
    }
}
