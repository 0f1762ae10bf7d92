//! RPO-3: a policy over a few responses, trained by gradient descent with each distance, comes to rest where the paper
//! says: at the reference times exp(eta / beta times the judged reward), made to add up to one.

use collimate::*;
use collimate_dsl::ir::SideTag;
use collimate_tests::theorem::{CHOSEN, Numbers, REJECTED, SAMPLE};

const REFERENCE: [f64; 4] = [0.4, 0.3, 0.2, 0.1];
const JUDGED: [f64; 4] = [0.2, -0.6, 1.0, 0.5];
const BETA: f64 = 0.5;
const ETA: f64 = 0.8;

/// The policy that every distance is smallest at.
fn optimum() -> Vec<f64> {
    let unscaled: Vec<f64> = REFERENCE.iter().zip(JUDGED).map(|(p, r)| p * (ETA * r / BETA).exp()).collect();
    let sum: f64 = unscaled.iter().sum();
    unscaled.into_iter().map(|p| p / sum).collect()
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let sum: f64 = logits.iter().map(|x| x.exp()).sum();
    logits.iter().map(|x| x.exp() / sum).collect()
}

/// Half the sum of the differences.
fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0
}

/// Which response each element of a side is.
type Which = Vec<(SideTag, Vec<usize>)>;

/// The numbers for the policy as it is: each response's log-probability wherever it stands.
fn numbers(empty: &Numbers, which: &Which, policy: &[f64]) -> Numbers {
    which.iter().fold(empty.clone(), |numbers, (side, of)| {
        let logs = |p: &[f64]| of.iter().map(|&i| p[i].ln()).collect::<Vec<_>>();
        let judged: Vec<f64> = of.iter().map(|&i| JUDGED[i]).collect();
        let (view, field) = match *side {
            CHOSEN => ("scored_pair", "chosen_score"),
            REJECTED => ("scored_pair", "rejected_score"),
            _ => ("group", "score"),
        };
        numbers
            .with("actor", "logp", *side, &logs(policy))
            .with("reference", "logp", *side, &logs(&REFERENCE))
            .with(view, field, *side, &judged)
    })
}

/// Plain gradient descent on the logits of a table, the gradient being the evaluator's.
fn train(algorithm: &Algorithm, empty: &Numbers, which: &Which, rate: f64) -> Vec<f64> {
    let mut logits: Vec<f64> = REFERENCE.iter().map(|p| p.ln()).collect();
    for _ in 0..4000 {
        let policy = softmax(&logits);
        let found = numbers(empty, which, &policy).of(algorithm, &[("beta", BETA), ("eta", ETA)]);
        let mut by_response = [0.0; 4];
        for (side, of) in which {
            let gradient = found.gradient.get("actor", "logp", Some(*side)).expect("it is trained");
            of.iter().zip(gradient).for_each(|(&i, g)| by_response[i] += g);
        }
        // d log p_i / d logit_j = [i = j] - p_j
        let sum: f64 = by_response.iter().sum();
        for (j, logit) in logits.iter_mut().enumerate() {
            *logit -= rate * (by_response[j] - policy[j] * sum);
        }
    }
    softmax(&logits)
}

#[test]
fn every_distance_comes_to_rest_at_the_closed_form() {
    let start = total_variation(&REFERENCE, &optimum());
    assert!(start > 0.2, "there is a way to go: {start}");
    // Every pair of responses, the better one first.
    let pairs: Vec<(usize, usize)> =
        (0..4).flat_map(|i| (0..4).map(move |j| (i, j))).filter(|&(i, j)| JUDGED[i] > JUDGED[j]).collect();
    let sides = vec![
        (CHOSEN, pairs.iter().map(|pair| pair.0).collect()),
        (REJECTED, pairs.iter().map(|pair| pair.1).collect()),
    ];
    let of_pairs = Numbers::pairs(pairs.len());
    for algorithm in [&rpo_sq::RPO_SQ, &rpo_bwd::RPO_BWD, &rpo_fwd::RPO_FWD] {
        let found = total_variation(&train(algorithm, &of_pairs, &sides, 1.0), &optimum());
        assert!(found < 1e-2, "{}: {found}", algorithm.name);
    }
    let group = vec![(SAMPLE, vec![0, 1, 2, 3])];
    for algorithm in [&rpo_sqloo::RPO_SQLOO, &rpo_bwd_k::RPO_BWD_K] {
        let found = total_variation(&train(algorithm, &Numbers::one_group(4), &group, 0.3), &optimum());
        assert!(found < 1e-2, "{}: {found}", algorithm.name);
    }
}

/// Only the quotient of beta and eta says where it is (RPO-4).
#[test]
fn the_optimum_moves_with_eta_over_beta_alone() {
    let group = vec![(SAMPLE, vec![0, 1, 2, 3])];
    let empty = Numbers::one_group(4);
    let best = numbers(&empty, &group, &optimum());
    for scale in [0.1, 1.0, 7.0] {
        let settings = [("beta", BETA * scale), ("eta", ETA * scale)];
        for algorithm in [&rpo_sqloo::RPO_SQLOO, &rpo_bwd_k::RPO_BWD_K] {
            let found = best.of(algorithm, &settings);
            let gradient = found.gradient.get("actor", "logp", Some(SAMPLE)).expect("it is trained");
            assert!(gradient.iter().all(|g| g.abs() < 1e-12), "{} at {scale}: {gradient:?}", algorithm.name);
        }
    }
}
