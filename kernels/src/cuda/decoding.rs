//! Attention of one new token of each of many sequences to what was read before, as [`crate::attention::step`] has it.

use super::{Argument::U32, Element, Numbers, Stream, THREADS, View, ViewMut, attention::WIDEST, size};
use crate::attention::{Heads, Reach};

/// Numbers that a token's row of the cache has: its keys, and then its values.
#[must_use]
pub fn kept(heads: Heads) -> usize {
    2 * heads.key * heads.width
}

/// Keeps the keys and values of each row of `qkv`, in the rows of `cache` that `rows` names.
///
/// Whether they are in the cache is for the caller to see: they are on the GPU.
///
/// # Panics
/// If the shapes do not fit.
pub fn keep(stream: &Stream, cache: ViewMut<'_>, qkv: View<'_>, rows: View<'_>, heads: Heads) {
    rows.expect(Element::U32, rows.len());
    qkv.expect(cache.element(), rows.len() * heads.row());
    let sizes = [heads.out(), kept(heads)].map(|length| U32(size(length)));
    let arguments = [cache.argument(), qkv.argument(), rows.argument(), sizes[0], sizes[1]];
    let kernel = format!("decoding_keep_{}", qkv.element().suffix());
    stream.launch(&kernel, [size(rows.len()), 1, 1], THREADS, 0, &arguments);
}

/// What some queries see of a cache, in a GPU's memory.
#[derive(Debug)]
pub struct Reaches {
    numbers: Numbers,
    count: usize,
    /// One more than the last row.
    end: usize,
}

impl Reaches {
    /// One for each query.
    #[must_use]
    pub fn new(stream: &Stream, reaches: &[Reach]) -> Self {
        let of = |reach: &Reach| [&reach.prefix, &reach.own].map(|rows| [rows.start, rows.len()].map(size));
        let numbers: Vec<u32> = reaches.iter().flat_map(of).flatten().collect();
        let end = reaches.iter().map(|reach| reach.prefix.end.max(reach.own.end)).max().unwrap_or(0);
        Reaches { numbers: stream.upload_indices(&numbers), count: reaches.len(), end }
    }
}

/// `out` of `[queries, query heads * width]`: the queries of each row of `qkv` against the cache, in which its own key and value
/// are already.
///
/// # Panics
/// If the shapes do not fit, or a head has more than [`WIDEST`] numbers.
pub fn attend(stream: &Stream, out: ViewMut<'_>, qkv: View<'_>, cache: View<'_>, reaches: &Reaches, heads: Heads) {
    let element = qkv.element();
    qkv.expect(element, reaches.count * heads.row());
    out.expect(element, reaches.count * heads.out());
    cache.expect(element, cache.len());
    assert!(reaches.end * kept(heads) <= cache.len(), "rows outside the cache");
    assert!(heads.width <= WIDEST, "heads of at most {WIDEST} numbers");
    let mut arguments = vec![out.argument(), qkv.argument(), cache.argument(), reaches.numbers.view().argument()];
    arguments.extend([heads.query, heads.key, heads.width].map(|number| U32(size(number))));
    let grid = [size(reaches.count), size(heads.query), 1];
    let shared = THREADS / 32 * 4 * (size(heads.width) + 2);
    stream.launch(&format!("decoding_attend_{}", element.suffix()), grid, THREADS, shared, &arguments);
}
