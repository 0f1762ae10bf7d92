collimate::prelude!();

pub struct Hinge;
impl Distance for Hinge {
    fn between(ours: PerPrompt<Margin>, judged: PerPrompt<Margin, NoGrad>) -> PerPrompt<Loss> {
        max(judged - ours, 0.0).as_loss()
    }
}
#[loss]
pub fn mine(ours: PerPrompt<Margin>, judged: PerPrompt<Margin, NoGrad>) -> PerPrompt<Loss> {
    Hinge::between(ours, judged)
}

fn main() {}
