//! How large a vector is: the sum of its squares in f64, the same on every run and for every number of threads.

mod cpu;

pub use cpu::sum_of_squares;

#[cfg(test)]
mod tests {
    use super::sum_of_squares;
    use crate::check::numbers;

    #[test]
    fn it_is_the_sum_of_squares() {
        for length in [0, 1, 17, 16_384, 100_000] {
            let values = numbers(length, 1);
            let right: f64 = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            assert!((sum_of_squares(&values) - right).abs() <= 1e-12 * right, "{length}");
        }
    }

    #[test]
    fn small_numbers_are_not_lost_beside_large_ones() {
        let mut values = vec![1e-4_f32; 1_000_000];
        values[0] = 1e4;
        let right = f64::from(1e4_f32).powi(2) + 999_999.0 * f64::from(1e-4_f32).powi(2);
        assert!((sum_of_squares(&values) - right).abs() < 1e-5);
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let values = numbers(300_000, 1);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| sum_of_squares(&values))
        };
        assert_eq!(with(1), with(3));
    }
}
