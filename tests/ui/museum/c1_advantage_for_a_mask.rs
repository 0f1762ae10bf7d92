//! verl #2506, #2513.
//! Advantages are passed where the response mask belongs: both have one number for each token.
collimate::prelude!();

#[loss]
pub fn masked(loss: PerToken<Loss>, mask: PerToken<Weight, Sample, NoGrad>) -> Scalar<Loss> {
    (mask * loss).batch_mean()
}

#[loss]
pub fn policy(loss: PerToken<Loss>, advantage: PerToken<Advantage, Sample, NoGrad>) -> Scalar<Loss> {
    masked(loss, advantage)
}

fn main() {}
