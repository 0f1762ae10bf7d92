use crate::{
    stored::{Stored, round_row, widen_row},
    task,
};
use rayon::prelude::*;

/// Sets each row of `y` to the row of `table` that `rows` names.
///
/// # Panics
/// If the shapes do not fit or a row is not in the table.
pub fn gather<'a>(y: &mut [f32], table: impl Into<Stored<'a>>, rows: &[u32], width: usize) {
    assert_eq!(y.len(), rows.len() * width);
    let (table, per_task) = (table.into(), task::rows(width));
    y.par_chunks_mut(per_task * width).zip(rows.par_chunks(per_task)).for_each(|(y, rows)| {
        for (y, &row) in y.chunks_exact_mut(width).zip(rows) {
            match table.part(row as usize * width..(row as usize + 1) * width) {
                Stored::Whole(row) => y.copy_from_slice(row),
                Stored::Halves(row) => widen_row(y, row),
                Stored::Rounded(row) => round_row(y, row),
            }
        }
    });
}

/// Adds each row of `d_y` to the row of `d_table` that `rows` names, in the order of `rows`.
///
/// # Panics
/// If the shapes do not fit or a row is not in the table.
pub fn scatter_add(d_table: &mut [f32], d_y: &[f32], rows: &[u32], width: usize) {
    assert_eq!(d_y.len(), rows.len() * width);
    let words = d_table.len() / width;
    assert!(rows.iter().all(|&row| (row as usize) < words), "a row outside the table");
    // By row of the table, then by place: each task has neighbouring rows of the table to itself.
    let mut order: Vec<u32> = (0..rows.len() as u32).collect();
    order.sort_by_key(|&place| rows[place as usize]);
    let per_task = words.div_ceil(64).max(task::rows(width));
    d_table.par_chunks_mut(per_task * width).enumerate().for_each(|(index, d_table)| {
        let first = index * per_task;
        let begin = order.partition_point(|&place| (rows[place as usize] as usize) < first);
        for &place in &order[begin..] {
            let row = rows[place as usize] as usize - first;
            if row >= per_task {
                break;
            }
            let d_y = &d_y[place as usize * width..][..width];
            d_table[row * width..][..width].iter_mut().zip(d_y).for_each(|(sum, d)| *sum += d);
        }
    });
}
