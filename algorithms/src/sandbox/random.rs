//! A small seeded generator, so that everything in the sandbox is the same on every machine for ever.

/// Steele, Lea and Flood's SplitMix64: one word of state, and any two streams are as good as independent.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

/// The odd number nearest to 2^64 divided by the golden ratio: the step of the counter.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // One round, so that seeds 0, 1, 2, … do not give one stream shifted by a place.
        Random { state: scramble(seed.wrapping_add(STEP)) }
    }

    /// A stream of its own for one purpose, which does not move this one.
    #[must_use]
    pub fn fork(&self, purpose: &str) -> Self {
        Random::new(self.state ^ hash(purpose))
    }

    /// 64 even bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        scramble(self.state)
    }

    /// A number from 0 up to and without `n`.
    ///
    /// # Panics
    /// If `n` is 0: there is nothing to choose from.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "nothing to choose from");
        // The high half of a 128-bit product: even to one part in 2^64 / n.
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1) as usize) as i64
    }

    /// A number from 0 up to and without 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A draw from the standard normal distribution.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// One of these.
    pub fn pick<'a, T: ?Sized + 'a>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// The place of one of these weights, by weight.
    pub fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        for (place, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return place;
            }
        }
        weights.len() - 1
    }

    /// Puts these in an even random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }

    /// `count` different ones of these, in random order.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn several<T: Clone>(&mut self, from: &[T], count: usize) -> Vec<T> {
        assert!(count <= from.len(), "{count} different ones of {} cannot be had", from.len());
        let mut places: Vec<usize> = (0..from.len()).collect();
        self.shuffle(&mut places);
        places[..count].iter().map(|&place| from[place].clone()).collect()
    }
}

fn scramble(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// FNV-1a over the bytes, scrambled: the same on every machine, unlike the standard library's.
pub(super) fn hash(text: &str) -> u64 {
    scramble(text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_stream_and_another_seed_another() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            [random.bits(), random.bits(), random.bits()]
        };
        assert_eq!(draw(1), draw(1));
        assert!(draw(1).iter().all(|word| !draw(2).contains(word)));
    }

    #[test]
    fn draws_are_even_and_normal() {
        let mut random = Random::new(7);
        let mut counts = [0_usize; 5];
        (0..50_000).for_each(|_| counts[random.below(5)] += 1);
        assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 400), "{counts:?}");
        let draws: Vec<f64> = (0..50_000).map(|_| random.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 50_000.0;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 50_000.0;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }

    #[test]
    fn several_are_different() {
        let mut random = Random::new(3);
        for _ in 0..100 {
            let mut drawn = random.several(&[1, 2, 3, 4, 5, 6], 4);
            drawn.sort_unstable();
            drawn.dedup();
            assert_eq!(drawn.len(), 4);
        }
    }
}
