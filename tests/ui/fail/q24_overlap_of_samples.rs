//! Several responses to a prompt, none of which is the other one.
collimate::prelude!();

#[loss]
pub fn shared(actor: &Actor, group: &Group) -> PerResponse<LogProb> {
    (overlap(group.response, group.response) * actor.logp(group.response)).sum(Token)
}

fn main() {}
