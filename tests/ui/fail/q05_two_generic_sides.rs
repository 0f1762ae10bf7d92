//! Two sides of which nothing is known.
collimate::prelude!();

#[loss]
pub fn margin<A: Side, B: Side>(a: PerResponse<Reward, A>, b: PerResponse<Reward, B>) -> PerPrompt<Margin> {
    a - b
}

fn main() {}
