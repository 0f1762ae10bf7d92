//! TRL #4857.
//! The ratio to the policy that drew the responses is computed with another frozen policy.
collimate::prelude!();

#[loss]
pub fn ratio(actor: &Actor, sampler: &Behavior, group: &Group) -> PerToken<Ratio> {
    (actor.logp(group.response) - sampler.logp(group.response)).exp()
}

#[loss]
pub fn off_policy(actor: &Actor, previous: &Previous, group: &Group) -> PerToken<Ratio> {
    ratio(actor, previous, group)
}

fn main() {}
