//! TRL #6654, unsloth-zoo #1282 (LUSPO).
//! A term of the whole response, added inside the sum over its tokens: it counts once for each of them.
collimate::prelude!();

#[loss]
pub fn luspo(token: PerToken<Loss>, response: PerResponse<Loss>) -> Scalar<Loss> {
    (token + response).sum(Token).batch_mean()
}

fn main() {}
