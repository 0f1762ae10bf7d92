//! A type that does not say how far two margins are apart.
collimate::prelude!();

pub struct Hinge;
#[loss]
pub fn rpo<D: Distance>(ours: PerPrompt<Margin>, judged: PerPrompt<Margin, NoGrad>) -> PerPrompt<Loss> {
    D::between(ours, judged)
}
#[loss]
pub fn mine(ours: PerPrompt<Margin>, judged: PerPrompt<Margin, NoGrad>) -> PerPrompt<Loss> {
    rpo::<Hinge>(ours, judged)
}

fn main() {}
