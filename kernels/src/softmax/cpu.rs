use crate::{
    exp::exp,
    vector::{Arithmetic, LANES, maximum, sum_lanes, vectorized},
};

vectorized! {
    /// Sets the weights and answers with their sum, on the calling thread.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn weights(weights: &mut [f32], scores: &[f32], temperature: f32) -> f32 => weights_body
}

#[inline(always)]
fn weights_body<A: Arithmetic>(weights: &mut [f32], scores: &[f32], temperature: f32) -> f32 {
    assert_eq!(weights.len(), scores.len(), "one weight for each score");
    let (highest, inverse) = (maximum(scores), 1.0 / temperature);
    let mut lanes = [0.0; LANES];
    let (whole, rest) = weights.as_chunks_mut::<LANES>();
    let (whole_scores, rest_scores) = scores.as_chunks::<LANES>();
    for (weights, scores) in whole.iter_mut().zip(whole_scores) {
        for i in 0..LANES {
            weights[i] = exp::<A>((scores[i] - highest) * inverse);
            lanes[i] += weights[i];
        }
    }
    for ((weight, score), lane) in rest.iter_mut().zip(rest_scores).zip(&mut lanes) {
        *weight = exp::<A>((score - highest) * inverse);
        *lane += *weight;
    }
    sum_lanes(lanes)
}
