//! The learning rate of each step.

use super::settings::Schedule;
use std::f64::consts::PI;

/// By what the largest learning rate is multiplied in a step (from 0) of a run of `steps`: it rises from 0
/// over the first `warmup` steps and then falls to 0, as transformers' schedules do.
#[must_use]
pub fn factor(schedule: Schedule, step: u64, steps: u64, warmup: u64) -> f64 {
    if step < warmup {
        return step as f64 / warmup as f64;
    }
    let progress = (step - warmup) as f64 / steps.saturating_sub(warmup).max(1) as f64;
    match schedule {
        Schedule::Constant => 1.0,
        Schedule::Linear => (1.0 - progress).max(0.0),
        Schedule::Cosine => (0.5 * (1.0 + (PI * progress).cos())).max(0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_transformers() {
        // get_scheduler(name, optimizer, num_warmup_steps=2, num_training_steps=8), eight steps at lr = 1.
        let wanted = [
            (Schedule::Constant, [0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
            (Schedule::Linear, [0.0, 0.5, 1.0, 0.833_333_333, 0.666_666_667, 0.5, 0.333_333_333, 0.166_666_667]),
            (Schedule::Cosine, [0.0, 0.5, 1.0, 0.933_012_702, 0.75, 0.5, 0.25, 0.066_987_298]),
        ];
        for (schedule, rates) in wanted {
            for (step, rate) in rates.into_iter().enumerate() {
                assert!((factor(schedule, step as u64, 8, 2) - rate).abs() < 1e-9, "{schedule:?} {step}");
            }
        }
    }

    #[test]
    fn a_warm_up_longer_than_the_run_never_falls() {
        assert_eq!(factor(Schedule::Linear, 3, 4, 8), 0.375);
        assert_eq!(factor(Schedule::Cosine, 0, 1, 0), 1.0);
    }
}
