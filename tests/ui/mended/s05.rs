collimate::prelude!();

#[algorithm]
pub fn sft(actor: &Actor, demo: &Demo) -> Scalar<Loss> {
    -actor.logp(demo.response).batch_mean()
}

fn main() {}
