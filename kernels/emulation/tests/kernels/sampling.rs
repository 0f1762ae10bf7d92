//! The choice of words on the emulated GPU.

use crate::support::{back, in_every_order, numbers};
use collimate_kernels::cuda::{
    Element,
    sampling::{Limits, choose},
};

/// The definition, in f64: the word in whose share of the allowed weight `uniform` falls, and how far from the next share's
/// border that is; the logarithm of its probability.
fn reference(scores: &[f32], uniform: f32, limits: Limits) -> (usize, f64, f64) {
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let best = scores.iter().position(|&z| z == highest).unwrap();
    let whole: f64 = scores.iter().map(|&z| f64::from(z - highest).exp()).sum();
    let logp = |word: usize| f64::from(scores[word] - highest) - whole.ln();
    if limits.temperature == 0.0 {
        return (best, 1.0, logp(best));
    }
    let weight = |word: usize| (f64::from(scores[word] - highest) / f64::from(limits.temperature)).exp();
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    if limits.top_k > 0 {
        order.truncate(limits.top_k);
    }
    if limits.top_p < 1.0 {
        let enough = f64::from(limits.top_p) * order.iter().map(|&word| weight(word)).sum::<f64>();
        let mut sum = 0.0;
        let needed = order.iter().position(|&word| {
            sum += weight(word);
            sum >= enough
        });
        order.truncate(needed.unwrap() + 1);
    }
    order.sort_unstable();
    let total: f64 = order.iter().map(|&word| weight(word)).sum();
    let target = f64::from(uniform) * total;
    let (mut sum, mut nearest) = (0.0, f64::INFINITY);
    let mut found = None;
    for &word in &order {
        sum += weight(word);
        nearest = nearest.min((sum - target).abs() / total);
        if found.is_none() && sum > target {
            found = Some(word);
        }
    }
    let word = found.unwrap_or(order[order.len() - 1]);
    (word, nearest, logp(word))
}

#[test]
fn words_are_those_of_the_definition() {
    let all = Limits { temperature: 1.0, top_k: 0, top_p: 1.0 };
    let limits = [
        all,
        Limits { temperature: 0.0, ..all },
        Limits { temperature: 0.5, ..all },
        Limits { temperature: 2.0, top_k: 7, ..all },
        Limits { top_p: 0.63, ..all },
        Limits { temperature: 1.3, top_k: 20, top_p: 0.8 },
        Limits { top_k: 1, top_p: 0.1, ..all },
        Limits { top_k: 100_000, top_p: 0.999, ..all },
    ];
    let mut compared = 0;
    for (words, rows) in [(1, 2), (4, 9), (300, 12), (1000, 3)] {
        let mut scores: Vec<f32> = numbers(rows * words, 1).into_iter().map(|z| 5.0 + 4.0 * z).collect();
        // Some as high as others, which limits cut through.
        scores.iter_mut().skip(2).step_by(3).for_each(|z| *z = (2.0 * *z).round() / 2.0);
        let uniform: Vec<f32> = numbers(rows, 2).into_iter().map(|u| 0.5 * (u + 1.0)).collect();
        for limits in limits {
            let results = in_every_order(|stream| {
                let (scores, uniform) = (stream.upload(Element::F32, &scores), stream.upload(Element::F32, &uniform));
                let mut tokens = stream.numbers(Element::U32, rows);
                let mut logp = stream.numbers(Element::F32, rows);
                choose(stream, tokens.view_mut(), logp.view_mut(), scores.view(), uniform.view(), limits);
                let tokens = stream.download_indices(tokens.view()).into_iter().map(|token| token as f32);
                vec![tokens.collect(), back(stream, &logp)]
            });
            for (row, scores) in scores.chunks(words).enumerate() {
                let (word, margin, logp) = reference(scores, uniform[row], limits);
                // Rounding may move what lies on the border of two shares.
                if margin > 1e-5 {
                    assert_eq!(results[0][row] as usize, word, "{words} words, row {row}, {limits:?}");
                    assert!((f64::from(results[1][row]) - logp).abs() < 1e-5);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 180, "{compared}");
}
