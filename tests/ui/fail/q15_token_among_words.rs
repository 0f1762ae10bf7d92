collimate::prelude!();

/// The divergence from the teacher, of which only the taken token is asked.
#[loss]
pub fn distilled(actor: &Actor, teacher: &Teacher, demo: &Demo) -> PerToken<Kl, Answer> {
    let (p, q) = (actor.words(demo.response), teacher.logp(demo.response));
    (p.exp() * (p - q)).sum(Vocab)
}

fn main() {}
