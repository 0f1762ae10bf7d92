//! The only response to a prompt, compared with the others.
collimate::prelude!();

#[loss]
pub fn odd(judge: &Judge, demo: &Demo) -> PerResponse<Baseline, Answer, NoGrad> {
    group_mean(judge.score(demo.response))
}

fn main() {}
