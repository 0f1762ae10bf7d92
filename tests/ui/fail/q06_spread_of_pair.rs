//! The spread of one chosen response.
collimate::prelude!();

#[loss]
pub fn scaled(judge: &Judge, pair: &Pair) -> PerResponse<Reward, Chosen, NoGrad> {
    let score = judge.score(pair.chosen);
    score / group_std(score)
}

fn main() {}
