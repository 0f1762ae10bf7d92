//! Numbers far from those that a script has been asked for: where a limit is reached that it has not reached.

use collimate::Spec;
use collimate_dsl::eval::{Inputs, Settings};

/// Numbers from a seed.
pub(super) struct Draw(pub(super) u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).unwrap_or(0) % end
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() % 1_000_000) as f64 / 1e6
    }

    /// Every hyper-parameter somewhere else in its range.
    pub(super) fn settings(&mut self, settings: &Settings, specs: &[Spec]) -> Settings {
        let mut moved = settings.clone();
        for spec in specs.iter().filter(|spec| !spec.whole) {
            let value = (settings[spec.name] + self.between(0.0, 0.2)) * self.between(0.3, 2.5);
            if spec.allows(value) {
                moved.insert(spec.name.to_owned(), value);
            }
        }
        moved
    }
}

/// The inputs of a batch, moved: log-probabilities from close to 0 to far from it, everything else to both signs; what is 0
/// or 1 stays one of the two.
pub(super) fn elsewhere(inputs: &Inputs, draw: &mut Draw) -> Inputs {
    let mut moved = inputs.clone();
    let scale = [0.2, 1.0, 4.0, 12.0][draw.below(4)];
    for (owner, field, side, values) in inputs.iter() {
        let flags = values.iter().all(|value| *value == 0.0 || *value == 1.0);
        let share = owner == "annotated" || field == "weight" || field == "spread";
        let moved = moved.get_mut(owner, field, side).expect("it is a copy");
        for value in moved {
            *value = match field {
                "logp" => (*value * scale * draw.between(0.05, 2.0)).min(-1e-6),
                "words" => *value,
                _ if flags => f64::from(u8::from(draw.below(3) > 0)),
                _ if share => *value * draw.between(0.5, 2.0),
                _ => *value * draw.between(-3.0, 3.0),
            };
        }
    }
    moved
}
