//! Prompts by how often they are solved: easy ones first, hard ones later.

use crate::random::Random;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// A curriculum: in each batch pass rates lie around a centre that moves from the first rollout to the last (the
/// curriculum of arXiv:2505.00949, section 5).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Curriculum {
    /// The centre at the first rollout.
    pub from: f64,
    /// The centre at the last.
    pub to: f64,
    /// The standard deviation around it.
    pub width: f64,
}

impl Curriculum {
    /// # Errors
    /// If a number is out of its range.
    pub(crate) fn check(&self) -> Result<()> {
        let Curriculum { from, to, width } = self;
        let inside = [from, to].into_iter().all(|rate| (0.0..=1.0).contains(rate)) && *width > 0.0 && *width <= 10.0;
        if inside {
            return Ok(());
        }
        let problem = "pass rates lie between 0 and 1, and the width around them is above 0";
        Err(Error::Setting(format!("curriculum {from}:{to}:{width}: {problem}")))
    }

    /// So many different rows for one rollout of so many, or all if there are no more, each as likely as a normal
    /// density around the centre makes its pass rate. They depend on the seed and the rollout alone.
    #[must_use]
    pub fn batch(&self, rates: &[f64], batch: usize, seed: u64, (rollout, rollouts): (u64, u64)) -> Vec<usize> {
        let way = rollout as f64 / (rollouts.max(2) - 1) as f64;
        let center = self.from + way.min(1.0) * (self.to - self.from);
        let mut random = Random::new(Random::new(seed).bits() ^ Random::new(!rollout).bits());
        // The largest of ln(u) / weight win: draws without replacement, by weight (Efraimidis and Spirakis). In logarithms,
        // since a weight far from the centre is no number any more.
        let key = |rate: &f64| {
            let exponent = -(-random.uniform().max(f64::MIN_POSITIVE).ln()).ln();
            exponent - 0.5 * ((rate - center) / self.width).powi(2)
        };
        let mut keys: Vec<(f64, usize)> = rates.iter().map(key).zip(0..).collect();
        keys.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        keys.into_iter().take(batch).map(|(_, row)| row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_pass_rate_of_a_batch_moves_from_easy_to_hard() {
        let rates: Vec<f64> = (0..1000).map(|i| f64::from(i) / 999.0).collect();
        let curriculum = Curriculum { from: 0.8, to: 0.2, width: 0.1 };
        let mean = |rollout| {
            let rows = curriculum.batch(&rates, 64, 7, (rollout, 11));
            let mut different = rows.clone();
            different.sort_unstable();
            different.dedup();
            assert_eq!(different.len(), 64, "no row twice");
            assert_eq!(rows, curriculum.batch(&rates, 64, 7, (rollout, 11)));
            rows.iter().map(|row| rates[*row]).sum::<f64>() / 64.0
        };
        for (rollout, center) in [(0, 0.8), (5, 0.5), (10, 0.2)] {
            assert!((mean(rollout) - center).abs() < 0.04, "{rollout}: {}", mean(rollout));
        }
        let spread =
            curriculum.batch(&rates, 64, 7, (5, 11)).iter().map(|row| (rates[*row] - 0.5).powi(2)).sum::<f64>();
        assert!(((spread / 64.0).sqrt() - 0.1).abs() < 0.03, "{}", (spread / 64.0).sqrt());
        // Far from the centre there is still someone to ask.
        assert_eq!(Curriculum { from: 1.0, to: 1.0, width: 1e-4 }.batch(&[0.0, 0.1], 8, 1, (0, 1)).len(), 2);
        assert!(Curriculum { from: 1.2, ..curriculum }.check().is_err());
        assert!(Curriculum { width: 0.0, ..curriculum }.check().is_err());
    }
}
