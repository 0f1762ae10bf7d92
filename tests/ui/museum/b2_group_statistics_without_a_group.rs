//! OpenRLHF #1250.
//! Rewards are compared within a group where there is one response to each prompt.
collimate::prelude!();

#[loss]
pub fn advantage(judge: &Judge, demo: &Demo) -> PerResponse<Baseline, Answer, NoGrad> {
    group_mean(judge.score(demo.response))
}

fn main() {}
