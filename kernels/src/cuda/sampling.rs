//! One word for each row of scores.

use super::{
    Argument::{F32, U32},
    Element, Stream, THREADS, View, ViewMut, size,
};

/// Which words may be taken.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Limits {
    /// The scores are divided by it; at 0 the first of the highest is taken.
    pub temperature: f32,
    /// Only the heaviest so many; 0 sets no limit.
    pub top_k: usize,
    /// Of these, the heaviest that together have this share; 1 sets no limit.
    pub top_p: f32,
}

/// Sets the word of each row, and the logarithm of its probability at temperature 1 and with no limits. `scores` of
/// `[rows, words]` in f32; `uniform` has a number from 0 up to but without 1 for each row.
///
/// # Panics
/// If the shapes do not fit, or there are no words.
pub fn choose(
    stream: &Stream,
    tokens: ViewMut<'_>,
    logp: ViewMut<'_>,
    scores: View<'_>,
    uniform: View<'_>,
    limits: Limits,
) {
    let rows = uniform.len();
    tokens.expect(Element::U32, rows);
    logp.expect(Element::F32, rows);
    uniform.expect(Element::F32, rows);
    let words = scores.len() / rows.max(1);
    scores.expect(Element::F32, rows * words);
    assert!(rows == 0 || words > 0, "no words to choose from");
    let arguments = [
        tokens.argument(),
        logp.argument(),
        scores.argument(),
        uniform.argument(),
        U32(size(words)),
        F32(limits.temperature),
        U32(size(limits.top_k)),
        F32(limits.top_p),
    ];
    // A sum, and two whole numbers, for each thread.
    stream.launch("sampling_choose_f32", [size(rows), 1, 1], THREADS, 16 * THREADS, &arguments);
}
