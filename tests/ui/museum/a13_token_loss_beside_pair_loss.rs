//! TRL, `sft` among the losses of DPO.
//! A loss of tokens is added to a loss of pairs before either was averaged.
collimate::prelude!();

#[loss]
pub fn mixed(actor: &Actor, pair: &Pair, margin: PerPrompt<Margin>) -> Scalar<Loss> {
    (-log_sigmoid(margin) + -actor.logp(pair.chosen)).sum(Token).batch_mean()
}

fn main() {}
