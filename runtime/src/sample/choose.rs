//! One token, chosen by the scores of all words.

use super::Sampling;
use collimate_kernels::softmax;
use std::cell::RefCell;

/// How many of the most likely words are looked at first when a limit on probability is set; then eight times as many.
const FIRST_LOOK: usize = 256;
/// Words that are looked at together, and whose weights are summed up before the word is looked for.
const BLOCK: usize = 1024;
/// Partial sums of a block, so that additions need not wait for each other.
const SUMS: usize = 8;

/// A token, and the logarithm of its probability under the model itself: at temperature 1 and with no limits.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Choice {
    pub(crate) token: u32,
    pub(crate) logp: f32,
}

/// Chooses by a random number from 0 up to but without 1, which decides nothing at temperature 0.
pub(crate) fn choose(scores: &[f32], settings: &Sampling, uniform: f64) -> Choice {
    thread_local! {
        /// As long as a vocabulary, and used again by the thread's next choice.
        static WEIGHTS: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    }
    WEIGHTS.with_borrow_mut(|weights| {
        weights.resize(scores.len(), 0.0);
        let sum = softmax::weights(weights, scores, 1.0);
        let best = most_likely(scores);
        let token = if settings.temperature == 0.0 {
            best
        } else {
            if settings.temperature != 1.0 {
                softmax::weights(weights, scores, settings.temperature as f32);
            }
            draw(weights, settings, uniform)
        };
        Choice { token: token as u32, logp: scores[token] - scores[best] - sum.ln() }
    })
}

/// The first of the highest.
fn most_likely(scores: &[f32]) -> usize {
    let mut best = 0;
    for (block, scores_of_block) in scores.chunks(BLOCK).enumerate() {
        let highest = scores[best];
        // One question about all of them, which seldom is answered with yes.
        if scores_of_block.iter().fold(false, |higher, &score| higher | (score > highest)) {
            for word in block * BLOCK..block * BLOCK + scores_of_block.len() {
                if scores[word] > scores[best] {
                    best = word;
                }
            }
        }
    }
    best
}

/// The word in whose share of the allowed weights the number `uniform` falls.
fn draw(weights: &[f32], settings: &Sampling, uniform: f64) -> usize {
    if settings.top_k == 0 && settings.top_p == 1.0 {
        return draw_of_all(weights, uniform);
    }
    let mut allowed = allowed(weights, settings);
    // In the order of the vocabulary, as without limits and as on a GPU.
    allowed.sort_unstable_by_key(|&(word, _)| word);
    let total: f64 = allowed.iter().map(|&(_, w)| f64::from(w)).sum();
    pick(allowed.into_iter(), 0.0, uniform * total)
}

/// The same of all words: first in which block, then which word.
fn draw_of_all(weights: &[f32], uniform: f64) -> usize {
    let sums: Vec<f64> = weights.chunks(BLOCK).map(sum).collect();
    let target = uniform * sums.iter().sum::<f64>();
    let (mut found, mut before, mut after) = (0, 0.0, 0.0);
    // A block of nothing is passed over, so that some word is found should rounding leave none above the target.
    for (block, sum) in sums.iter().enumerate().filter(|(_, sum)| **sum > 0.0) {
        (found, before) = (block, after);
        after += sum;
        if after > target {
            break;
        }
    }
    let words = found * BLOCK..weights.len().min((found + 1) * BLOCK);
    pick(words.map(|word| (word, weights[word])), before, target)
}

fn sum(weights: &[f32]) -> f64 {
    let mut sums = [0.0; SUMS];
    let (whole, rest) = weights.as_chunks::<SUMS>();
    for weights in whole {
        for i in 0..SUMS {
            sums[i] += f64::from(weights[i]);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&w| f64::from(w)).sum::<f64>()
}

/// The first word at which the running sum, `sum` before the first, is above `target`; the last with a weight, should rounding leave none.
fn pick(words: impl Iterator<Item = (usize, f32)>, mut sum: f64, target: f64) -> usize {
    let mut last = 0;
    for (word, weight) in words {
        if weight > 0.0 {
            sum += f64::from(weight);
            last = word;
            if sum > target {
                break;
            }
        }
    }
    last
}

/// The words that may be taken and their weights, the most likely first.
fn allowed(weights: &[f32], settings: &Sampling) -> Vec<(usize, f32)> {
    let limit = if settings.top_k == 0 { weights.len() } else { settings.top_k.min(weights.len()) };
    if settings.top_p == 1.0 {
        return heaviest(weights, limit);
    }
    // The share is of what the first limit leaves.
    let total: f64 = if limit == weights.len() {
        weights.iter().map(|&w| f64::from(w)).sum()
    } else {
        heaviest(weights, limit).iter().map(|&(_, w)| f64::from(w)).sum()
    };
    let mut look = FIRST_LOOK.min(limit);
    loop {
        let mut words = heaviest(weights, look);
        let mut sum = 0.0;
        let enough = words.iter().position(|&(_, w)| {
            sum += f64::from(w);
            sum >= settings.top_p * total
        });
        if let Some(last) = enough {
            words.truncate(last + 1);
            return words;
        }
        if look == limit {
            return words;
        }
        look = (8 * look).min(limit);
    }
}

/// The `count` heaviest words, the heaviest first, and of equal ones the first.
fn heaviest(weights: &[f32], count: usize) -> Vec<(usize, f32)> {
    let mut words: Vec<(usize, f32)> = weights.iter().copied().enumerate().collect();
    let order = |a: &(usize, f32), b: &(usize, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if count < words.len() {
        words.select_nth_unstable_by(count, order);
        words.truncate(count);
    }
    words.sort_unstable_by(order);
    words
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, allowed, choose, draw_of_all, heaviest, most_likely, pick};
    use crate::{random::Random, sample::Sampling};

    /// Probabilities 0.4, 0.1, 0.3, 0.2.
    fn scores() -> Vec<f32> {
        [0.4_f32, 0.1, 0.3, 0.2].iter().map(|p| p.ln() + 5.0).collect()
    }

    fn shares(settings: &Sampling) -> Vec<f64> {
        let (mut random, draws) = (Random::new(3), 20_000);
        let mut counts = [0.0; 4];
        (0..draws).for_each(|_| counts[choose(&scores(), settings, random.uniform()).token as usize] += 1.0);
        counts.iter().map(|count| count / f64::from(draws)).collect()
    }

    #[track_caller]
    fn assert_shares(settings: &Sampling, right: [f64; 4]) {
        for (ours, right) in shares(settings).iter().zip(right) {
            assert!((ours - right).abs() < 0.015, "{ours} where {right} is right");
        }
    }

    #[test]
    fn words_come_as_often_as_they_are_likely() {
        assert_shares(&Sampling::default(), [0.4, 0.1, 0.3, 0.2]);
    }

    #[test]
    fn a_low_temperature_favours_the_likely() {
        let sum = 0.16 + 0.01 + 0.09 + 0.04;
        let right = [0.16 / sum, 0.01 / sum, 0.09 / sum, 0.04 / sum];
        assert_shares(&Sampling { temperature: 0.5, ..Sampling::default() }, right);
    }

    #[test]
    fn limits_cut_the_unlikely_and_keep_the_proportions() {
        assert_shares(&Sampling { top_k: 2, ..Sampling::default() }, [4.0 / 7.0, 0.0, 3.0 / 7.0, 0.0]);
        assert_shares(&Sampling { top_p: 0.65, ..Sampling::default() }, [4.0 / 7.0, 0.0, 3.0 / 7.0, 0.0]);
        assert_shares(&Sampling { top_p: 0.75, ..Sampling::default() }, [4.0 / 9.0, 0.0, 3.0 / 9.0, 2.0 / 9.0]);
        // The share counts what the first limit leaves: 0.4 of 0.7 is less than 0.6.
        assert_shares(&Sampling { top_k: 2, top_p: 0.5, ..Sampling::default() }, [1.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn the_most_likely_is_taken_at_temperature_zero_and_its_probability_is_the_models() {
        let choice = choose(&scores(), &Sampling { temperature: 0.0, ..Sampling::default() }, 0.9);
        assert_eq!(choice.token, 0);
        assert!((choice.logp - 0.4_f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn a_word_is_found_block_by_block_as_word_by_word() {
        let mut random = Random::new(5);
        for words in [1, 7, BLOCK, BLOCK + 1, 5 * BLOCK + 77] {
            // Whole numbers, whose sums are exact in any order; in the middle a block of nothing.
            let weights: Vec<f32> =
                (0..words).map(|word| if word / BLOCK == 1 { 0.0 } else { random.below(4) as f32 }).collect();
            let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
            for uniform in (0..200).map(|_| random.uniform()).chain([0.0, 1.0 - f64::EPSILON / 2.0, 1.0]) {
                let right = pick((0..words).map(|word| (word, weights[word])), 0.0, uniform * total);
                assert_eq!(draw_of_all(&weights, uniform), right, "{words} words, {uniform}");
            }
        }
    }

    #[test]
    fn the_first_of_the_highest_is_found_in_every_place() {
        for words in [1, 2, BLOCK, 2 * BLOCK + 5] {
            for place in [0, 1, words / 2, BLOCK - 1, BLOCK, words - 1] {
                let place = place.min(words - 1);
                let mut scores = vec![-2.0; words];
                scores[place] = -1.0;
                *scores.last_mut().unwrap() = -1.0;
                assert_eq!(most_likely(&scores), place);
            }
        }
    }

    #[test]
    fn many_words_are_needed_for_a_flat_distribution() {
        let weights = vec![1.0_f32; 3000];
        let settings = Sampling { top_p: 0.9, ..Sampling::default() };
        assert_eq!(allowed(&weights, &settings).len(), 2700);
        assert_eq!(heaviest(&weights, 3), [(0, 1.0), (1, 1.0), (2, 1.0)]);
    }
}
