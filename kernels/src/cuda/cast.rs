//! The same numbers stored otherwise.

use super::{Argument, Element, Stream, THREADS, View, ViewMut, blocks, eights};

/// From f32 to bf16, to the nearest, or back.
///
/// # Panics
/// If the lengths differ, or they are stored alike.
pub fn cast(stream: &Stream, to: ViewMut<'_>, from: View<'_>) {
    assert_eq!(to.len(), from.len());
    let kernel = match (from.element(), to.element()) {
        (Element::F32, Element::Bf16) => "cast_to_bf16",
        (Element::Bf16, Element::F32) => "cast_to_f32",
        other => panic!("no cast between {other:?}"),
    };
    let (each, flag) = eights(from.len(), &[to.as_view(), from]);
    let arguments = [to.argument(), from.argument(), Argument::U64(from.len() as u64), flag];
    stream.launch(kernel, blocks(from.len() / each), THREADS, 0, &arguments);
}
