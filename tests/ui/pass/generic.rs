//! Formulas for any side, any policy, any gradient.
collimate::prelude!();

#[loss]
pub fn weighted<G: Gradient>(loss: PerToken<Loss, Sample, G>, w: PerToken<Weight, Sample, NoGrad>) -> PerToken<Loss, Sample, G> {
    0.5 * (loss * w + w * loss) / 2 + loss
}
#[reward]
pub fn drift<P: Policy, Y: Side>(policy: &P, reference: &Reference, y: Reply<Y>) -> PerResponse<LogRatio, Y, P::Grad> {
    (policy.logp(y) - reference.logp(y)).sum(Token)
}
#[reward]
pub fn implicit<Y: Side>(actor: &impl Trainable, reference: &impl Frozen, y: Reply<Y>, beta: Param) -> PerResponse<Reward, Y> {
    beta * (actor.logp(y) - reference.logp(y)).sum(Token)
}
#[loss]
pub fn use_them(actor: &Actor, reference: &Reference, behavior: &Behavior, pair: &Pair, beta: Param) -> PerPrompt<Margin> {
    let _: PerResponse<Ratio, Chosen> = drift(actor, reference, pair.chosen).exp();
    let _: PerResponse<Ratio, Chosen, NoGrad> = drift(behavior, reference, pair.chosen).exp();
    implicit(actor, behavior, pair.chosen, beta) - implicit(actor, reference, pair.rejected, beta)
}
#[loss]
pub fn rpo<D: Distance>(ours: PerPrompt<Margin>, judged: PerPrompt<Margin, NoGrad>) -> Scalar<Loss> {
    D::between(ours, judged).mean(Prompt)
}
/// A distance of one's own.
pub struct Hinged;
impl Distance for Hinged {
    fn between(ours: PerPrompt<Margin>, judged: PerPrompt<Margin, NoGrad>) -> PerPrompt<Loss> {
        max(judged - ours, 0.0).as_loss()
    }
}
pub fn mine(ours: PerPrompt<Margin>, judged: PerPrompt<Margin, NoGrad>) -> Scalar<Loss> {
    rpo::<Hinged>(ours, judged) + rpo::<BackwardKl>(ours, judged) + rpo::<ForwardKl>(ours, judged) + rpo::<SquaredDistance>(ours, judged)
}

fn main() {}
