//! Without instructions of a particular processor: the rounded numbers as f32.

use super::{Operand, Write};
use crate::{
    matrix::{Matrix, MatrixMut, Threads, multiply as multiply_wide},
    stored::{round, widen},
};
use std::sync::{Mutex, PoisonError};

/// Where operands are rounded while nobody else does.
static ROOMS: Mutex<Vec<[Vec<f32>; 2]>> = Mutex::new(Vec::new());

pub(super) fn multiply(out: MatrixMut<'_>, write: Write, lhs: Operand<'_>, rhs: Operand<'_>) {
    let rooms = || ROOMS.lock().unwrap_or_else(PoisonError::into_inner);
    let mut room = rooms().pop().unwrap_or_default();
    let [left, right] = &mut room;
    multiply_wide(out, write, rounded(lhs, left), rounded(rhs, right), Threads::All);
    rooms().push(room);
}

/// The same view of rounded numbers.
fn rounded<'a>(operand: Operand<'_>, room: &'a mut Vec<f32>) -> Matrix<'a> {
    let grow = |room: &mut Vec<f32>, length: usize| {
        if room.len() < length {
            room.resize(length, 0.0);
        }
    };
    match operand {
        Operand::Whole(Matrix { data, rows, columns, row_stride, column_stride }) => {
            grow(room, data.len());
            round(&mut room[..data.len()], data);
            Matrix { data: &room[..data.len()], rows, columns, row_stride, column_stride }
        }
        Operand::Halves(Matrix { data, rows, columns, row_stride, column_stride }) => {
            grow(room, data.len());
            widen(&mut room[..data.len()], data);
            Matrix { data: &room[..data.len()], rows, columns, row_stride, column_stride }
        }
    }
}
