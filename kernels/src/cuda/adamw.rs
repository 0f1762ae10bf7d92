//! AdamW, as [`crate::adamw`] has it, with weights that the model reads in its own type.

use super::{Argument::U64, Element, Numbers, Stream, THREADS, View, ViewMut, blocks, eights};
use crate::adamw::{self, AdamW};

/// The numbers of one step, in a GPU's memory.
#[derive(Debug)]
pub struct Factors(Numbers);

impl Factors {
    /// Of this step.
    #[must_use]
    pub fn new(stream: &Stream, adam: AdamW) -> Self {
        let f = adamw::Factors::new(adam);
        let factors =
            [f.keep_weight, f.keep_first, f.add_first, f.keep_second, f.add_second, f.rate, f.root, f.epsilon];
        Factors(stream.upload(Element::F32, &factors))
    }
}

/// Weights and what their updates need, of the same length. All are in f32 but the copy.
#[derive(Debug)]
pub struct Parts<'a> {
    /// The weights proper.
    pub master: ViewMut<'a>,
    /// The same, as the model reads them; without it, it reads `master`.
    pub copy: Option<ViewMut<'a>>,
    /// Emptied by the update.
    pub gradient: ViewMut<'a>,
    /// Running mean of the gradient.
    pub first: ViewMut<'a>,
    /// Running mean of its square.
    pub second: ViewMut<'a>,
}

/// One step.
///
/// # Panics
/// If the lengths differ.
pub fn update(stream: &Stream, parts: Parts<'_>, factors: &Factors) {
    let Parts { master, copy, gradient, first, second } = parts;
    let length = master.len();
    for part in [&master, &gradient, &first, &second] {
        part.expect(Element::F32, length);
    }
    let copy: View<'_> = copy.as_ref().map_or(master.as_view(), |copy| copy.as_view());
    copy.expect(copy.element(), length);
    let mut arguments = vec![master.argument(), copy.argument(), gradient.argument(), first.argument()];
    let views = [&master, &gradient, &first, &second].map(ViewMut::as_view);
    let (each, flag) = eights(length, &[views[0], views[1], views[2], views[3], copy]);
    arguments.extend([second.argument(), U64(length as u64), factors.0.view().argument(), flag]);
    let kernel = format!("adamw_update_{}", copy.element().suffix());
    stream.launch(&kernel, blocks(length / each), THREADS, 0, &arguments);
}
