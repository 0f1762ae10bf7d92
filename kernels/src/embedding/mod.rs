//! Rows of a table by number: `y[i] = table[row[i]]`, and back: `d table[row[i]] += d y[i]`.

mod cpu;
mod reference;

pub use cpu::{gather, scatter_add};
pub use reference::scatter_add as scatter_add_reference;

#[cfg(test)]
mod tests {
    use super::{gather, scatter_add, scatter_add_reference};
    use crate::check::{assert_close, numbers, wide};

    fn rows(count: usize, below: u32) -> Vec<u32> {
        (0..count as u32).map(|i| i.wrapping_mul(2_654_435_761) % below).collect()
    }

    #[test]
    fn each_row_is_the_one_asked_for() {
        let (table, rows) = (numbers(50 * 7, 1), rows(3000, 50));
        let mut y = vec![0.0; rows.len() * 7];
        gather(&mut y, &table[..], &rows, 7);
        for (y, &row) in y.chunks(7).zip(&rows) {
            assert_eq!(*y, table[row as usize * 7..][..7]);
        }
    }

    #[test]
    fn gradients_of_a_row_used_twice_add_up() {
        for (count, words, width) in [(5, 3, 2), (4000, 700, 40), (10, 5000, 30), (0, 4, 3)] {
            let (rows, d_y) = (rows(count, words), numbers(count * width, 1));
            let before = numbers(words as usize * width, 2);
            let mut ours = before.clone();
            scatter_add(&mut ours, &d_y, &rows, width);
            let mut right = wide(&before);
            scatter_add_reference(&mut right, &wide(&d_y), &rows, width);
            assert_close("table", &ours, &right, 1e-5);
        }
    }
}
