//! An algorithm that reads no data.
collimate::prelude!();

#[algorithm]
pub fn odd(actor: &Actor) -> Scalar<Loss> {
    let _ = actor;
    unreachable!()
}

fn main() {}
