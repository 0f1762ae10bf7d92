//! Which rows make which batch.

/// The batches of a training run, one for each optimizer step.
///
/// An epoch is all rows once, cut into batches; the last batch of an epoch may be smaller. The order of an
/// epoch depends on seed and epoch alone, so a run continues at any step without a stored state.
#[derive(Clone, Debug)]
pub struct Order {
    rows: usize,
    batch: usize,
    /// `None`: the order of the file.
    seed: Option<u64>,
    /// The epoch that is laid out, and its order.
    current: Option<(u64, Vec<usize>)>,
}

impl Order {
    /// Batches of `batch` out of `rows` rows: shuffled with this seed, or in file order.
    ///
    /// # Panics
    /// If there are no rows, or a batch has none.
    #[must_use]
    pub fn new(rows: usize, batch: usize, seed: Option<u64>) -> Self {
        assert!(rows > 0 && batch > 0, "a batch has at least one row");
        Order { rows, batch, seed, current: None }
    }

    /// How many steps see every row once.
    #[must_use]
    pub fn steps_per_epoch(&self) -> u64 {
        self.rows.div_ceil(self.batch) as u64
    }

    /// Where a step (from 0) begins: the epoch, and how many rows of it came before.
    #[must_use]
    pub fn position(&self, step: u64) -> (u64, usize) {
        let steps = self.steps_per_epoch();
        (step / steps, (step % steps) as usize * self.batch)
    }

    /// The rows of a step (from 0).
    pub fn batch(&mut self, step: u64) -> &[usize] {
        let (epoch, start) = self.position(step);
        if self.current.as_ref().is_none_or(|(laid_out, _)| *laid_out != epoch) {
            let rows = (0..self.rows).collect();
            let order = self.seed.map_or_else(|| (0..self.rows).collect(), |seed| shuffled(rows, seed, epoch));
            self.current = Some((epoch, order));
        }
        let order = self.current.as_ref().map_or(&[][..], |(_, order)| order);
        &order[start..(start + self.batch).min(self.rows)]
    }
}

/// Fisher and Yates' shuffle: every order is equally likely.
fn shuffled(mut rows: Vec<usize>, seed: u64, epoch: u64) -> Vec<usize> {
    let mut generator = SplitMix(seed);
    // Each epoch has a stream of its own, begun at a number drawn from the seed.
    generator.0 = generator.next() ^ SplitMix(epoch).next();
    for last in (1..rows.len()).rev() {
        let other = generator.below(last as u64 + 1) as usize;
        rows.swap(last, other);
    }
    rows
}

/// Steele, Lea and Flood's SplitMix64 (2014): a counter and a mixing function.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`, each equally likely: draws from the uneven rest at the top are drawn again.
    fn below(&mut self, limit: u64) -> u64 {
        let even = u64::MAX - u64::MAX % limit;
        loop {
            let drawn = self.next();
            if drawn < even {
                return drawn % limit;
            }
        }
    }
}
