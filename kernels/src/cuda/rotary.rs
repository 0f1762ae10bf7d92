//! Rotary position embedding, as [`crate::rotary`] has it.

use super::{
    Argument::{F32, U32},
    Element, Numbers, Stream, THREADS, View, ViewMut, blocks, eights, size,
};
use crate::rotary::Angles;

/// Cosine and sine of every angle a model can need, in a GPU's memory.
#[derive(Debug)]
pub struct Turns {
    half: usize,
    positions: usize,
    cosines: Numbers,
    sines: Numbers,
}

impl Turns {
    /// Those of the CPU.
    #[must_use]
    pub fn new(stream: &Stream, angles: &Angles) -> Self {
        let (half, cosines, sines) = angles.tables();
        let [cosines, sines] = [cosines, sines].map(|table| stream.upload(Element::F32, table));
        Turns { half, positions: angles.positions(), cosines, sines }
    }

    /// How many positions there are angles for.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.positions
    }
}

/// Turns the first `heads` heads of each row of `width` numbers by the row's position, which is below that of `turns`;
/// `back` turns a gradient the other way.
///
/// # Panics
/// If the shapes do not fit.
pub fn turn(
    stream: &Stream,
    x: ViewMut<'_>,
    width: usize,
    heads: usize,
    turns: &Turns,
    positions: View<'_>,
    back: bool,
) {
    positions.expect(Element::U32, positions.len());
    x.expect(x.element(), positions.len() * width);
    assert!(heads * 2 * turns.half <= width, "more heads than a row holds");
    let tables = [&turns.cosines, &turns.sines].map(Numbers::view);
    // The rows of the tables are half a head long, and those of `x` begin where whole heads do.
    let (each, flag) =
        if width.is_multiple_of(8) { eights(turns.half, &[x.as_view(), tables[0], tables[1]]) } else { eights(1, &[]) };
    let arguments = [
        x.argument(),
        turns.cosines.view().argument(),
        turns.sines.view().argument(),
        positions.argument(),
        U32(size(positions.len())),
        U32(size(width)),
        U32(size(heads)),
        U32(size(turns.half)),
        F32(if back { -1.0 } else { 1.0 }),
        flag,
    ];
    let kernel = format!("rotary_turn_{}", x.element().suffix());
    stream.launch(&kernel, blocks(positions.len() * heads * turns.half / each), THREADS, 0, &arguments);
}
