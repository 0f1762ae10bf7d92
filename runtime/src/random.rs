//! Random numbers that depend on nothing but their seed.

use std::f64::consts::TAU;

/// A small generator (xoshiro256++ by Blackman and Vigna): the same seed gives the same numbers on every machine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// The generator of this seed; different seeds give unrelated numbers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // SplitMix64 spreads a seed over the whole state, as the authors of xoshiro advise.
        let mut z = seed;
        let state = std::array::from_fn(|_| {
            z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let x = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            x ^ (x >> 31)
        });
        Random { state }
    }

    /// The state, to be written to a checkpoint.
    #[must_use]
    pub fn state(&self) -> [u64; 4] {
        self.state
    }

    /// The generator that continues from a state.
    #[must_use]
    pub fn resume(state: [u64; 4]) -> Self {
        Random { state }
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// From 0, below 1.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of `0..count`, each equally likely.
    ///
    /// # Panics
    /// If `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        assert!(count > 0, "there is nothing to choose from");
        // The high half of the product is uniform but for a bias of count / 2^64.
        ((u128::from(self.bits()) * count as u128) >> 64) as usize
    }

    /// Two independent draws from the normal distribution with mean 0 and deviation 1 (Box and Muller).
    pub fn normal_pair(&mut self) -> (f64, f64) {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sine, cosine) = (TAU * self.uniform()).sin_cos();
        (radius * cosine, radius * sine)
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn normal_draws_have_mean_0_and_deviation_1() {
        let mut random = Random::new(7);
        let draws: Vec<f64> = (0..20_000).flat_map(|_| <[f64; 2]>::from(random.normal_pair())).collect();
        let count = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / count;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }

    #[test]
    fn choices_are_even_and_within_their_range() {
        let mut random = Random::new(1);
        let mut seen = [0_usize; 5];
        (0..10_000).for_each(|_| seen[random.below(5)] += 1);
        assert!(seen.iter().all(|n| (1_800..2_200).contains(n)), "{seen:?}");
    }

    #[test]
    fn a_resumed_generator_goes_on_where_it_was() {
        let mut random = Random::new(3);
        random.bits();
        let mut resumed = Random::resume(random.state());
        assert_eq!(random.bits(), resumed.bits());
        assert_ne!(Random::new(3).bits(), Random::new(4).bits());
    }
}
