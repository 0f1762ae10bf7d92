//! Products of matrices as BLAS defines them, in f64: slow and plain.

use super::memory::Memory;
use collimate_kernels::cuda::{Element, matrix::ColumnMajor};

/// # Errors
/// If a matrix is not in allocated memory.
pub(crate) fn multiply(memory: &mut Memory, product: &ColumnMajor) -> Result<(), String> {
    let ColumnMajor { m, n, k, a, b, factors, c, result, scale, add } = *product;
    let stored = |(_, _, rows_stored): (u64, usize, bool), rows: usize, columns: usize| {
        if rows_stored { (columns, rows) } else { (rows, columns) }
    };
    let read = |matrix: (u64, usize, bool), rows: usize, columns: usize| -> Result<Vec<f64>, String> {
        let (address, stride, rows_stored) = matrix;
        let (inner, outer) = stored(matrix, rows, columns);
        assert!(inner <= stride, "columns that overlap");
        let all = numbers(memory.read(address, factors.size() * ((outer - 1) * stride + inner))?, factors);
        let at = |row: usize, column: usize| if rows_stored { row * stride + column } else { column * stride + row };
        Ok((0..rows)
            .flat_map(|row| (0..columns).map(move |column| (row, column)))
            .map(|(r, c)| all[at(r, c)])
            .collect())
    };
    let (a, b) = (read(a, m, k)?, read(b, k, n)?);
    let before = numbers(memory.read(c.0, result.size() * ((n - 1) * c.1 + m))?, result);
    for column in 0..n {
        let sums = (0..m).map(|row| {
            let sum: f64 = (0..k).map(|i| a[row * k + i] * b[i * n + column]).sum::<f64>() * f64::from(scale);
            if add { before[column * c.1 + row] + sum } else { sum }
        });
        let bytes: Vec<u8> = sums.flat_map(|sum| stored_as(sum as f32, result)).collect();
        memory.write(c.0 + (result.size() * column * c.1) as u64, &bytes)?;
    }
    Ok(())
}

fn numbers(bytes: &[u8], element: Element) -> Vec<f64> {
    match element {
        Element::F32 => bytes.as_chunks().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect(),
        Element::Bf16 => {
            let wide = |bytes: &[u8; 2]| f32::from_bits(u32::from(u16::from_le_bytes(*bytes)) << 16);
            bytes.as_chunks().0.iter().map(|bytes| f64::from(wide(bytes))).collect()
        }
        other => panic!("no products of {other:?}"),
    }
}

fn stored_as(number: f32, element: Element) -> Vec<u8> {
    let bits = number.to_bits();
    match element {
        Element::F32 => bits.to_le_bytes().to_vec(),
        _ if number.is_nan() => 0x7fc0_u16.to_le_bytes().to_vec(),
        // To the nearest, of two as near the even.
        _ => (((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16).to_le_bytes().to_vec(),
    }
}
