/// The definition of the gradient, in f64.
pub fn scatter_add(d_table: &mut [f64], d_y: &[f64], rows: &[u32], width: usize) {
    for (&row, d_y) in rows.iter().zip(d_y.chunks(width)) {
        for (sum, d) in d_table[row as usize * width..][..width].iter_mut().zip(d_y) {
            *sum += d;
        }
    }
}
