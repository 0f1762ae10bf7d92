//! Rows of a table by number, as [`crate::embedding`] has them.

use super::{Argument::U32, Element, Numbers, Stream, THREADS, View, ViewMut, bucket, size};

/// Sets each row of `y` to the row of `table` that `rows` names.
///
/// Whether they are in the table is for the caller to see: they are on the GPU.
///
/// # Panics
/// If the shapes do not fit.
pub fn gather(stream: &Stream, y: ViewMut<'_>, table: View<'_>, rows: View<'_>, width: usize) {
    rows.expect(Element::U32, rows.len());
    y.expect(table.element(), rows.len() * width);
    let kernel = format!("embedding_gather_{}", y.element().suffix());
    let arguments = [y.argument(), table.argument(), rows.argument(), U32(size(width))];
    stream.launch(&kernel, [size(rows.len()), 1, 1], THREADS, 0, &arguments);
}

/// Row numbers sorted by row, so that each row's gradient is one block's work. There are as many blocks as [`bucket`] says.
#[derive(Debug)]
pub struct Sorted {
    count: usize,
    rows: usize,
    /// One more than the largest row.
    end: usize,
    order: Numbers,
    starts: Numbers,
    words: Numbers,
}

impl Sorted {
    /// Of these rows.
    #[must_use]
    pub fn new(stream: &Stream, rows: &[u32]) -> Self {
        let mut order: Vec<u32> = (0..size(rows.len())).collect();
        order.sort_by_key(|&place| rows[place as usize]);
        let (mut starts, mut words) = (Vec::new(), Vec::new());
        for (i, &place) in order.iter().enumerate() {
            let word = rows[place as usize];
            if words.last() != Some(&word) {
                words.push(word);
                starts.push(size(i));
            }
        }
        let count = bucket(words.len());
        starts.resize(count + 1, size(rows.len()));
        let end = words.last().map_or(0, |&word| word as usize + 1);
        // Of a word that none of the rows is left for, nothing is added.
        words.resize(count, 0);
        Sorted {
            count,
            rows: rows.len(),
            end,
            order: stream.upload_indices(&order),
            starts: stream.upload_indices(&starts),
            words: stream.upload_indices(&words),
        }
    }
}

/// Adds each row of `d_y` to the row of `d_table` that it came from, in their order; the table's in f32, or as `d_y` is
/// stored.
///
/// # Panics
/// If the shapes do not fit or a row is not in the table.
pub fn scatter_add(stream: &Stream, d_table: ViewMut<'_>, d_y: View<'_>, rows: &Sorted, width: usize) {
    d_y.expect(d_y.element(), rows.rows * width);
    assert!(rows.end * width <= d_table.len(), "a row outside the table");
    let (to, from) = (d_table.element().suffix(), d_y.element().suffix());
    let kernel =
        if to == from { format!("embedding_scatter_add_{to}") } else { format!("embedding_scatter_add_{to}_{from}") };
    let indices = [&rows.order, &rows.starts, &rows.words].map(|numbers| numbers.view().argument());
    let arguments = [d_table.argument(), d_y.argument(), indices[0], indices[1], indices[2], U32(size(width))];
    stream.launch(&kernel, [size(rows.count), 1, 1], THREADS, 0, &arguments);
}
