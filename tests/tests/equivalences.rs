//! What the literature says is the same, as theorems about the formulas here. The map is the book's `equivalences`.

use collimate::*;
use collimate_dsl::eval::{log_logistic, logistic};
use collimate_tests::golden::close;
use collimate_tests::theorem::{CHOSEN, Numbers, REJECTED, SAMPLE, is, pushes, pushes_alike};

const BETA: f64 = 0.3;

/// ln((1 - e) / e): the margin of which the chance to be wrong is e.
fn logit_of_right(e: f64) -> f64 {
    ((1.0 - e) / e).ln()
}

#[test]
fn dpo_is_rpo_bwd_as_the_judged_gap_goes_to_infinity() {
    let pairs = Numbers::golden("pairs").judged_one_point();
    let dpo = pairs.of(&dpo::DPO, &[("beta", BETA)]);
    let prompts = pairs.layout.prompts as f64;
    for eta in [1.0, 4.0, 16.0] {
        // What is left is the chance that the judge would have preferred the rejected response.
        let rpo = pairs.of(&rpo_bwd::RPO_BWD, &[("beta", BETA), ("eta", eta)]);
        for (found, limit) in pushes(&rpo, CHOSEN).iter().zip(pushes(&dpo, CHOSEN)) {
            close("gradient", &[found - limit], &[BETA * logistic(-eta) / prompts], 1e-12);
        }
    }
    is(&pairs.of(&rpo_bwd::RPO_BWD, &[("beta", BETA), ("eta", 60.0)]), 1.0, &dpo, 0.0);
}

#[test]
fn smoothed_labels_are_rpo_bwd_with_a_finite_gap() {
    let pairs = Numbers::golden("pairs").judged_one_point();
    for e in [0.05, 0.2, 0.4] {
        let smoothed = pairs.of(&dpo::DPO, &[("beta", BETA), ("label_smoothing", e)]);
        let rpo = pairs.of(&rpo_bwd::RPO_BWD, &[("beta", BETA), ("eta", logit_of_right(e))]);
        let entropy = -(1.0 - e) * (1.0 - e).ln() - e * e.ln();
        is(&smoothed, 1.0, &rpo, entropy);
    }
}

#[test]
fn ipo_is_rpo_sq_with_a_judged_gap_of_one_half() {
    let pairs = Numbers::golden("pairs").judged_one_point();
    let ipo = pairs.of(&ipo::IPO, &[("beta", BETA)]);
    is(&pairs.of(&rpo_sq::RPO_SQ, &[("beta", BETA), ("eta", 0.5)]), BETA * BETA, &ipo, 0.0);
}

#[test]
fn the_squared_distance_over_two_responses_is_rpo_sq_and_over_many_it_is_that_of_all_pairs() {
    let (score, ours) = ([1.3, -0.4, 0.2, 0.9, -1.1], [-0.3, -1.2, -0.8, -2.0, -0.1]);
    for k in 2..=5 {
        let group = Numbers::one_group(k)
            .with("actor", "logp", SAMPLE, &ours[..k])
            .with("reference", "logp", SAMPLE, &[-1.0, -0.7, -1.5, -0.2, -0.9][..k])
            .with("group", "score", SAMPLE, &score[..k]);
        let found = group.of(&rpo_sqloo::RPO_SQLOO, &[("beta", BETA), ("eta", 1.7)]);
        // Every pair of the group as a pair of its own.
        let of: Vec<(usize, usize)> = (0..k).flat_map(|i| (0..i).map(move |j| (i, j))).collect();
        let column = |owner: &str, field: &str, first: bool| -> Vec<f64> {
            let values = group.inputs.get(owner, field, Some(SAMPLE)).expect("given above");
            of.iter().map(|(i, j)| values[if first { *i } else { *j }]).collect()
        };
        let pairs = Numbers::pairs(of.len())
            .with("actor", "logp", CHOSEN, &column("actor", "logp", true))
            .with("actor", "logp", REJECTED, &column("actor", "logp", false))
            .with("reference", "logp", CHOSEN, &column("reference", "logp", true))
            .with("reference", "logp", REJECTED, &column("reference", "logp", false))
            .with("scored_pair", "chosen_score", CHOSEN, &column("group", "score", true))
            .with("scored_pair", "rejected_score", REJECTED, &column("group", "score", false));
        let all = pairs.of(&rpo_sq::RPO_SQ, &[("beta", BETA), ("eta", 1.7)]);
        // sum over pairs of (d_i - d_j)^2 = ((K - 1)^2 / K) sum over k of (leave-one-out lead of d_k)^2
        let k = k as f64;
        close("loss", &[found.loss], &[all.loss * of.len() as f64 * k / (2.0 * (k - 1.0).powi(2))], 1e-9);
        if of.len() == 1 {
            close("loss", &[found.loss], &[all.loss], 1e-9);
        }
    }
}

#[test]
fn the_backward_divergence_over_two_responses_is_rpo_bwd() {
    let group = Numbers::one_group(2)
        .with("actor", "logp", SAMPLE, &[-0.3, -1.2])
        .with("reference", "logp", SAMPLE, &[-1.0, -0.7])
        .with("group", "score", SAMPLE, &[1.3, -0.4]);
    let pair = Numbers::pairs(1)
        .with("actor", "logp", CHOSEN, &[-0.3])
        .with("actor", "logp", REJECTED, &[-1.2])
        .with("reference", "logp", CHOSEN, &[-1.0])
        .with("reference", "logp", REJECTED, &[-0.7])
        .with("scored_pair", "chosen_score", CHOSEN, &[1.3])
        .with("scored_pair", "rejected_score", REJECTED, &[-0.4]);
    let settings = [("beta", BETA), ("eta", 1.7)];
    let (many, two) = (group.of(&rpo_bwd_k::RPO_BWD_K, &settings), pair.of(&rpo_bwd::RPO_BWD, &settings));
    close("loss", &[many.loss], &[two.loss], 1e-12);
    close("gradient", pushes(&many, SAMPLE), &[pushes(&two, CHOSEN)[0], pushes(&two, REJECTED)[0]], 1e-12);
}

/// RPO-2: response by response, for any responses, not only those of the policy.
#[test]
fn sqloo_pushes_as_rloo_does_times_eta_beta_k_squared_over_k_less_one() {
    let (beta, eta) = (0.2, 1.7);
    let logps = [[-0.3, -1.2, -0.8, -2.0, -0.1, -0.6], [-1.0, -0.7, -1.5, -0.2, -0.9, -1.1]];
    let scores = [1.3, -0.4, 0.2, 0.9, -1.1, 0.5];
    for k in 2..=6 {
        let group = Numbers::one_group(k)
            .with("actor", "logp", SAMPLE, &logps[0][..k])
            .with("reference", "logp", SAMPLE, &logps[1][..k])
            .with("group", "score", SAMPLE, &scores[..k]);
        let sqloo = group.of(&rpo_sqloo::RPO_SQLOO, &[("beta", beta), ("eta", eta)]);
        let rloo = group.of(&rloo::RLOO, &[("beta", beta / eta)]);
        let factor = eta * beta * (k * k) as f64 / (k - 1) as f64;
        if k == 4 {
            close("the factor for four responses", &[factor], &[1.813_333], 1e-6);
        }
        pushes_alike(&sqloo, factor, &rloo);
    }
}

#[test]
fn steerlm_2_is_the_backward_divergence_with_the_logarithm_of_its_weights() {
    let samples = Numbers::golden("samples");
    let weights = samples.inputs.get("group", "weight", Some(SAMPLE)).expect("the script draws them");
    let logs: Vec<f64> = weights.iter().map(|w| w.ln()).collect();
    let steerlm = samples.of(&steerlm2::STEERLM2, &[]);
    let samples = samples.with("group", "score", SAMPLE, &logs);
    is(&steerlm, 1.0, &samples.of(&rpo_bwd_k::RPO_BWD_K, &[("beta", 1.0), ("eta", 1.0)]), 0.0);
}

#[test]
fn close_to_the_target_all_distances_are_one() {
    let near = |gap: f64| {
        Numbers::pairs(1)
            .with("actor", "logp", CHOSEN, &[gap - 1.0])
            .with("actor", "logp", REJECTED, &[-1.0])
            .with("reference", "logp", CHOSEN, &[-1.0])
            .with("reference", "logp", REJECTED, &[-1.0])
            .with("scored_pair", "chosen_score", CHOSEN, &[1e-3])
            .with("scored_pair", "rejected_score", REJECTED, &[0.0])
    };
    let settings = [("beta", 1.0), ("eta", 1.0)];
    for gap in [2e-3, -1e-3] {
        let numbers = near(gap);
        let eighth = numbers.of(&rpo_sq::RPO_SQ, &settings).loss / 8.0;
        for distance in [&rpo_bwd::RPO_BWD, &rpo_fwd::RPO_FWD] {
            let ratio = numbers.of(distance, &settings).loss / eighth;
            assert!((ratio - 1.0).abs() < 1e-5, "{}: {ratio}", distance.name);
        }
    }
}

/// `-log sigmoid` is the cross-entropy with a certain label: what `rpo_bwd` has besides is the label's entropy.
#[test]
fn the_backward_divergence_is_a_cross_entropy_less_the_entropy_of_its_label() {
    let (a, b) = (0.8_f64, 1.5_f64);
    let cross = -logistic(b) * log_logistic(a) - logistic(-b) * log_logistic(-a);
    let entropy = -logistic(b) * log_logistic(b) - logistic(-b) * log_logistic(-b);
    close("bwd", &[cross - entropy], &[0.041_989_521_3], 1e-9);
}

#[test]
fn exo_is_rpo_fwd_with_the_gap_of_its_smoothed_labels() {
    let pairs = Numbers::golden("pairs").judged_one_point();
    for e in [0.01, 0.2, 0.4] {
        let exo = pairs.of(&exo::EXO, &[("beta", BETA), ("label_smoothing", e)]);
        is(&exo, 1.0, &pairs.of(&rpo_fwd::RPO_FWD, &[("beta", BETA), ("eta", logit_of_right(e))]), 0.0);
    }
}

#[test]
fn distilled_dpo_is_rpo_sq_with_the_scores_as_they_are() {
    let pairs = Numbers::golden("pairs");
    let distilled = pairs.of(&distilled_dpo::DISTILLED_DPO, &[("beta", BETA)]);
    is(&distilled, 1.0, &pairs.of(&rpo_sq::RPO_SQ, &[("beta", BETA), ("eta", 1.0)]), 0.0);
}

/// SimPO has no reference: a reference that prefers the chosen response by gamma / beta a token is one.
#[test]
fn simpo_is_length_normalised_dpo_against_a_reference_with_a_gap() {
    let (beta, gamma) = (2.0, 0.5);
    let pairs = Numbers::golden("pairs");
    let everywhere = |side, logp: f64| vec![logp; pairs.lengths(side).into_iter().sum()];
    let simpo = pairs.of(&simpo::SIMPO, &[("beta", beta), ("simpo_gamma", gamma)]);
    let against = pairs.clone().with("reference", "logp", CHOSEN, &everywhere(CHOSEN, -1.0)).with(
        "reference",
        "logp",
        REJECTED,
        &everywhere(REJECTED, -1.0 - gamma / beta),
    );
    is(&simpo, 1.0, &against.of(&dpo_norm::DPO_NORM, &[("beta", beta)]), 0.0);
}

/// The alpha-divergence runs from the forward to the backward one, with an error that shrinks as the distance to the end.
#[test]
fn the_ends_of_the_alpha_divergence_are_rpo_fwd_and_rpo_bwd() {
    let pairs = Numbers::golden("pairs");
    let settings = [("beta", BETA), ("eta", 1.3)];
    for (end, limit) in [(0.0, &rpo_fwd::RPO_FWD), (1.0, &rpo_bwd::RPO_BWD)] {
        let limit = pairs.of(limit, &settings);
        let miss = |step: f64| {
            let alpha = if end == 0.0 { step } else { 1.0 - step };
            let found = pairs.of(&rpo_alpha::RPO_ALPHA, &[settings[0], settings[1], ("alpha", alpha)]);
            pushes(&found, CHOSEN).iter().zip(pushes(&limit, CHOSEN)).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
        };
        let (near, nearer) = (miss(1e-3), miss(1e-4));
        assert!(near < 1e-4 && nearer < 0.11 * near, "at {end}: {near}, then {nearer}");
    }
}

#[test]
fn robust_dpo_without_wrong_labels_is_dpo_and_so_is_dpo_held_by_almost_no_divergence() {
    let pairs = Numbers::golden("pairs");
    let dpo = pairs.of(&dpo::DPO, &[("beta", BETA)]);
    is(&pairs.of(&robust::ROBUST, &[("beta", BETA), ("label_smoothing", 0.0)]), 1.0, &dpo, 0.0);
    // The alpha-divergence becomes the reverse Kullback-Leibler divergence.
    let almost = pairs.of(&f_dpo::F_DPO, &[("beta", BETA), ("alpha", 1e-6)]);
    close("f-DPO", &[almost.loss], &[dpo.loss], 1e-5);
    // The policy of the iteration before in the reference's place.
    let before = pairs.inputs.get("previous", "logp", Some(CHOSEN)).expect("drawn").to_vec();
    let before_rejected = pairs.inputs.get("previous", "logp", Some(REJECTED)).expect("drawn").to_vec();
    let spin = pairs.of(&spin::SPIN, &[("beta", BETA)]);
    let moved = pairs.with("reference", "logp", CHOSEN, &before).with("reference", "logp", REJECTED, &before_rejected);
    let dpo = moved.of(&dpo::DPO, &[("beta", BETA)]);
    close("SPIN", pushes(&spin, CHOSEN), pushes(&dpo, CHOSEN), 1e-12);
}

/// Over both ways of labelling, with their chances, robust DPO is DPO on the right labels.
#[test]
fn robust_dpo_is_unbiased_under_flips() {
    let (e, pairs) = (0.2, Numbers::golden("pairs"));
    let side = |owner: &str, side| pairs.inputs.get(owner, "logp", Some(side)).expect("drawn").to_vec();
    let mut flipped = pairs.clone();
    flipped.layout.sides.retain(|(side, _)| [CHOSEN, REJECTED].contains(side));
    flipped.layout.sides.iter_mut().for_each(|(side, _)| *side = if *side == CHOSEN { REJECTED } else { CHOSEN });
    for owner in ["actor", "reference"] {
        flipped = flipped.with(owner, "logp", CHOSEN, &side(owner, REJECTED)).with(
            owner,
            "logp",
            REJECTED,
            &side(owner, CHOSEN),
        );
    }
    let settings = [("beta", BETA), ("label_smoothing", e)];
    let mean = (1.0 - e) * pairs.of(&robust::ROBUST, &settings).loss + e * flipped.of(&robust::ROBUST, &settings).loss;
    close("loss", &[mean], &[pairs.of(&dpo::DPO, &[("beta", BETA)]).loss], 1e-12);
}
