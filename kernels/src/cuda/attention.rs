//! Causal attention with grouped queries and shared prefixes, as [`crate::attention`] has it.

use super::{Argument, Argument::U32, Element, Numbers, Stream, View, ViewMut, bucket, size};
use crate::attention::{Heads, Segment, check_segments};

/// Which kernels do the work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// `attention.cu`: any head, stored in any way.
    Plain,
    /// `tensor.cu`: on tensor cores, heads in bf16 of a multiple of 16 numbers.
    Tensor,
}

impl Way {
    fn of(element: Element, heads: Heads) -> Self {
        if element == Element::Bf16 && heads.width.is_multiple_of(16) { Way::Tensor } else { Way::Plain }
    }

    /// Rows of a block.
    fn rows(self) -> usize {
        match self {
            Way::Plain => 32,
            Way::Tensor => 64,
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Way::Plain => "attention",
            Way::Tensor => "tensor",
        }
    }

    /// Bytes that a block shares in the forward pass, and for the gradients of queries and of keys.
    fn shared(self, width: usize) -> [u32; 3] {
        let bytes = match self {
            Way::Plain => {
                let (tile, scores) = (4 * 32 * (width + 1), 4 * 32 * 33);
                [2 * tile + scores, 4 * tile + scores, 4 * tile + 2 * scores]
            }
            Way::Tensor => {
                // Rows have 8 numbers more than they hold; what is read next stands beside what is worked on.
                let tile = |rows: usize| 2 * rows * (width + 8);
                [2 * 2 * tile(64), 2 * 2 * tile(32), 2 * tile(64) + 2 * 2 * tile(32) + 2 * 2 * 4 * 32]
            }
        };
        bytes.map(size)
    }
}

/// Threads of a block.
const ATTENTION_THREADS: u32 = 128;

/// Numbers in a head, at most.
pub const WIDEST: usize = 128;

/// The blocks of work that some segments make, in a GPU's memory. There are as many as [`bucket`] says, so that the work is
/// the same for segments of nearly the same sizes.
#[derive(Debug)]
pub struct Layout {
    tokens: usize,
    way: Way,
    queries: Blocks,
    keys: Blocks,
    readers: Numbers,
}

#[derive(Debug)]
struct Blocks {
    count: usize,
    numbers: Numbers,
}

impl Blocks {
    /// From one list of numbers for each with what it costs: the dearest first, so that the last to end is a small one.
    fn new<const N: usize>(stream: &Stream, mut blocks: Vec<(usize, [usize; N])>) -> Self {
        blocks.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
        // A block without rows does nothing.
        blocks.resize(bucket(blocks.len()), (0, [0; N]));
        let numbers: Vec<u32> = blocks.iter().flat_map(|(_, numbers)| numbers.map(size)).collect();
        Blocks { count: blocks.len(), numbers: stream.upload_indices(&numbers) }
    }
}

impl Layout {
    /// Of these segments of `tokens` rows, for heads that are stored so.
    ///
    /// # Panics
    /// If segments overlap, or a prefix is not where it should be.
    #[must_use]
    pub fn new(stream: &Stream, segments: &[Segment], tokens: usize, element: Element, heads: Heads) -> Self {
        check_segments(segments, tokens);
        let way = Way::of(element, heads);
        let rows = way.rows();
        let (mut queries, mut keys, mut readers) = (Vec::new(), Vec::new(), Vec::new());
        for (i, Segment { prefix, own, queries: asked }) in segments.iter().enumerate() {
            for first in asked.clone().step_by(rows) {
                let length = rows.min(asked.end - first);
                let cost = prefix.len() + first + length - own.start;
                queries.push((cost, [prefix.start, prefix.len(), own.start, first, length]));
            }
            // Who sees its keys: its own queries, and those of the segments after it that have it as their prefix.
            let begin = readers.len();
            readers.push([asked.start, asked.end, 0, 0]);
            if prefix.is_empty() {
                let followers = segments[i + 1..].iter().take_while(|segment| !segment.prefix.is_empty());
                readers.extend(followers.map(|s| [s.queries.start, s.queries.end, s.prefix.start, s.prefix.end]));
            }
            let cost: usize = readers[begin..].iter().map(|reader| reader[1] - reader[0]).sum();
            for first in own.clone().step_by(rows) {
                keys.push((cost, [first, rows.min(own.end - first), begin, readers.len()]));
            }
        }
        readers.resize(bucket(readers.len()), [0; 4]);
        let readers: Vec<u32> = readers.into_iter().flatten().map(size).collect();
        Layout {
            tokens,
            way,
            queries: Blocks::new(stream, queries),
            keys: Blocks::new(stream, keys),
            readers: stream.upload_indices(&readers),
        }
    }
}

/// `out` of `[tokens, query heads * width]`, stored as `qkv` is, and `logsumexp` of `[query heads, tokens]` in f32 for the
/// backward pass: both only where a segment has queries.
///
/// # Panics
/// If the shapes do not fit, or a head has more than [`WIDEST`] numbers.
pub fn forward(
    stream: &Stream,
    out: ViewMut<'_>,
    logsumexp: ViewMut<'_>,
    qkv: View<'_>,
    layout: &Layout,
    heads: Heads,
) {
    qkv.expect(qkv.element(), layout.tokens * heads.row());
    out.expect(qkv.element(), layout.tokens * heads.out());
    logsumexp.expect(Element::F32, layout.tokens * heads.query);
    let width = padded(layout, heads, qkv.element());
    let mut arguments =
        vec![out.argument(), logsumexp.argument(), qkv.argument(), layout.queries.numbers.view().argument()];
    arguments.extend(shape(layout, heads));
    let kernel = format!("{}_forward_{width}_{}", layout.way.prefix(), qkv.element().suffix());
    let grid = [size(layout.queries.count), size(heads.query), 1];
    stream.launch(&kernel, grid, ATTENTION_THREADS, layout.way.shared(width)[0], &arguments);
}

/// What the backward pass reads.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The gradient of `out`.
    pub d_out: View<'a>,
    /// As [`forward`] made it.
    pub out: View<'a>,
    /// As [`forward`] made it.
    pub logsumexp: View<'a>,
    /// What [`forward`] read.
    pub qkv: View<'a>,
}

/// Sets `d_qkv` of every token from the gradient of the output.
///
/// # Panics
/// As [`forward`].
pub fn backward(stream: &Stream, mut d_qkv: ViewMut<'_>, inputs: Inputs<'_>, layout: &Layout, heads: Heads) {
    let Inputs { d_out, out, logsumexp, qkv } = inputs;
    let (element, width) = (qkv.element(), padded(layout, heads, qkv.element()));
    let (way, [_, of_queries, of_keys]) = (layout.way.prefix(), layout.way.shared(width));
    for row in [&d_qkv.as_view(), &qkv] {
        row.expect(element, layout.tokens * heads.row());
    }
    for row in [d_out, out] {
        row.expect(element, layout.tokens * heads.out());
    }
    logsumexp.expect(Element::F32, layout.tokens * heads.query);
    // Some tokens are asked nothing.
    stream.clear(d_qkv.again());
    let along = stream.numbers(Element::F32, layout.tokens * heads.query);
    let mut arguments = vec![along.view().argument(), d_out.argument(), out.argument()];
    arguments.extend(shape(layout, heads));
    let blocks = [size((layout.tokens * heads.query).div_ceil(ATTENTION_THREADS as usize / 32)), 1, 1];
    stream.launch(&format!("attention_along_{}", element.suffix()), blocks, ATTENTION_THREADS, 0, &arguments);

    let read = [d_out.argument(), along.view().argument(), logsumexp.argument(), qkv.argument()];
    let mut arguments = vec![d_qkv.argument()];
    arguments.extend(read);
    arguments.push(layout.queries.numbers.view().argument());
    arguments.extend(shape(layout, heads));
    let grid = [size(layout.queries.count), size(heads.query), 1];
    let kernel = format!("{way}_queries_{width}_{}", element.suffix());
    stream.launch(&kernel, grid, ATTENTION_THREADS, of_queries, &arguments);

    let mut arguments = vec![d_qkv.argument()];
    arguments.extend(read);
    arguments.extend([layout.keys.numbers.view().argument(), layout.readers.view().argument()]);
    arguments.extend(shape(layout, heads));
    let grid = [size(layout.keys.count), size(heads.key), 1];
    let kernel = format!("{way}_keys_{width}_{}", element.suffix());
    stream.launch(&kernel, grid, ATTENTION_THREADS, of_keys, &arguments);
}

fn shape(layout: &Layout, heads: Heads) -> [Argument; 4] {
    [layout.tokens, heads.query, heads.key, heads.width].map(|number| U32(size(number)))
}

/// The width that kernels have which take such heads.
fn padded(layout: &Layout, heads: Heads, element: Element) -> usize {
    assert!(heads.width <= WIDEST, "heads of at most {WIDEST} numbers");
    assert_eq!(layout.way, Way::of(element, heads), "a layout for other heads");
    heads.width.next_power_of_two().max(32)
}
