//! NeMo-RL #1519, #4158, PipelineRL #54.
//! A baseline from the other responses where there are none.
collimate::prelude!();

#[loss]
pub fn advantage(judge: &Judge, pair: &Pair) -> PerResponse<Baseline, Chosen, NoGrad> {
    leave_one_out(judge.score(pair.chosen))
}

fn main() {}
