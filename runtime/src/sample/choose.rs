//! One token, chosen by the scores of all words.

use super::Sampling;
use collimate_kernels::softmax;

/// How many of the most likely words are looked at first when a limit on probability is set; then eight times as many.
const FIRST_LOOK: usize = 256;

/// A token, and the logarithm of its probability under the model itself: at temperature 1 and with no limits.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Choice {
    pub(crate) token: u32,
    pub(crate) logp: f32,
}

/// Chooses by a random number from 0 up to but without 1, which decides nothing at temperature 0.
pub(crate) fn choose(scores: &[f32], settings: &Sampling, uniform: f64) -> Choice {
    let mut weights = vec![0.0; scores.len()];
    let sum = softmax::weights(&mut weights, scores, 1.0);
    let best = most_likely(scores);
    let token = if settings.temperature == 0.0 {
        best
    } else {
        if settings.temperature != 1.0 {
            softmax::weights(&mut weights, scores, settings.temperature as f32);
        }
        draw(&weights, settings, uniform)
    };
    Choice { token: token as u32, logp: scores[token] - scores[best] - sum.ln() }
}

/// The first of the highest.
fn most_likely(scores: &[f32]) -> usize {
    let mut best = 0;
    for (word, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = word;
        }
    }
    best
}

/// The word in whose share of the allowed weights the number `uniform` falls.
fn draw(weights: &[f32], settings: &Sampling, uniform: f64) -> usize {
    if settings.top_k == 0 && settings.top_p == 1.0 {
        let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
        return pick((0..weights.len()).map(|word| (word, weights[word])), uniform * total);
    }
    let mut allowed = allowed(weights, settings);
    // In the order of the vocabulary, as without limits and as on a GPU.
    allowed.sort_unstable_by_key(|&(word, _)| word);
    let total: f64 = allowed.iter().map(|&(_, w)| f64::from(w)).sum();
    pick(allowed.into_iter(), uniform * total)
}

/// The first word at which the running sum is above `target`; the last with a weight, should rounding leave none.
fn pick(words: impl Iterator<Item = (usize, f32)>, target: f64) -> usize {
    let (mut sum, mut last) = (0.0, 0);
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
    use super::{allowed, choose, heaviest};
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
    fn many_words_are_needed_for_a_flat_distribution() {
        let weights = vec![1.0_f32; 3000];
        let settings = Sampling { top_p: 0.9, ..Sampling::default() };
        assert_eq!(allowed(&weights, &settings).len(), 2700);
        assert_eq!(heaviest(&weights, 3), [(0, 1.0), (1, 1.0), (2, 1.0)]);
    }
}
