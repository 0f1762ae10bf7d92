//! A mean, and how sure it is.

use std::fmt;

/// A mean over answers, with its standard error.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its standard error.
    pub error: f64,
}

impl Estimate {
    /// Of these numbers. The mean of none is not a number; the error of one is 0.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Estimate { mean, error: (squares / (count - 1.0).max(1.0) / count).sqrt() }
    }

    /// Of several runs' numbers: the mean, and in place of its error the standard deviation from run to run; 0 for one.
    #[must_use]
    pub fn over_runs(values: &[f64]) -> Self {
        let Estimate { mean, error } = Estimate::of(values);
        Estimate { mean, error: error * (values.len() as f64).sqrt() }
    }

    /// The same in hundredths.
    #[must_use]
    pub fn percent(self) -> Self {
        Estimate { mean: 100.0 * self.mean, error: 100.0 * self.error }
    }
}

/// `5.12 ± 0.14`; the precision asked for is that of both numbers.
impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        write!(f, "{:.digits$} ± {:.digits$}", self.mean, self.error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_error() {
        let estimate = Estimate::of(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(estimate.mean, 2.5);
        assert!((estimate.error - (5.0_f64 / 3.0 / 4.0).sqrt()).abs() < 1e-12);
        assert_eq!(estimate.to_string(), "2.50 ± 0.65");
        assert_eq!(Estimate::of(&[3.0]), Estimate { mean: 3.0, error: 0.0 });
        let runs = Estimate::over_runs(&[1.0, 2.0, 4.5]);
        assert!((runs.mean - 2.5).abs() < 1e-12 && (runs.error - 3.25_f64.sqrt()).abs() < 1e-12);
    }
}
