//! NeMo-Aligner #227, #228.
//! The adapter is switched off in the wrong pass: what should be trained is the frozen policy.
collimate::prelude!();

#[loss]
pub fn likelihood(policy: &impl Trainable, demo: &Demo) -> Scalar<Loss> {
    -policy.logp(demo.response).batch_mean()
}

#[loss]
pub fn sft(reference: &Reference, demo: &Demo) -> Scalar<Loss> {
    likelihood(reference, demo)
}

fn main() {}
