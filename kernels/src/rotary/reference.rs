/// The definition, in f64: the first `heads` heads of each row of `width` numbers are turned.
pub fn turn(x: &mut [f64], width: usize, heads: usize, frequencies: &[f64], positions: &[u32]) {
    let half = frequencies.len();
    for (row, &position) in x.chunks_mut(width).zip(positions) {
        for head in row.chunks_mut(2 * half).take(heads) {
            for (i, frequency) in frequencies.iter().enumerate() {
                let (sin, cos) = (f64::from(position) * frequency).sin_cos();
                let (a, b) = (head[i], head[i + half]);
                head[i] = a * cos - b * sin;
                head[i + half] = b * cos + a * sin;
            }
        }
    }
}
