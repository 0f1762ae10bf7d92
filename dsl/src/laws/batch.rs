//! Batches drawn for a program: what its views and policies could give.

use super::noise::Noise;
use crate::eval::Inputs;
use crate::ir::{Depth, KindTag, Program, SideTag, Ty};
use crate::{Layout, Reach};

/// Numbers for everything a program reads.
#[derive(Clone)]
pub(super) struct Batch {
    pub(super) layout: Layout,
    pub(super) inputs: Inputs,
}

const PROMPTS: usize = 4;
const WORDS: usize = 3;

impl Batch {
    /// Four prompts with responses of one to four tokens; two to four responses where the view is a group.
    pub(super) fn draw(program: &Program, view: &str, noise: &mut Noise) -> Batch {
        let sides = sides(program).into_iter().map(|s| (s, reaches(s, noise))).collect();
        Self::fill(program, view, sides, noise)
    }

    /// The same with both responses of each pair equally long.
    pub(super) fn draw_level(program: &Program, view: &str, noise: &mut Noise) -> Batch {
        let pairs = reaches(SideTag::Chosen, noise);
        let of = |side, noise: &mut Noise| match side {
            SideTag::Chosen | SideTag::Rejected => pairs.clone(),
            other => reaches(other, noise),
        };
        let sides = sides(program).into_iter().map(|s| (s, of(s, noise))).collect();
        Self::fill(program, view, sides, noise)
    }

    fn fill(program: &Program, view: &str, sides: Vec<(SideTag, Vec<Reach>)>, noise: &mut Noise) -> Batch {
        let layout = Layout { prompts: PROMPTS, sides, words: WORDS };
        let mut inputs = Inputs::new();
        for (_, owner, field, ty) in program.inputs() {
            if inputs.get(owner, field, ty.side).is_none() {
                let values =
                    places(&layout, ty).into_iter().map(|place| value((owner == view, field), ty, place, noise));
                inputs.insert(owner, field, ty.side, values.collect());
            }
        }
        Batch { layout, inputs }
    }

    /// Both, one after the other.
    pub(super) fn followed_by(&self, other: &Batch, program: &Program) -> Batch {
        let (mut layout, mut inputs) = (self.layout.clone(), self.inputs.clone());
        for (side, reaches) in &mut layout.sides {
            let more = other.layout.side(*side).iter();
            reaches.extend(more.map(|reach| Reach { prompt: reach.prompt + self.layout.prompts, ..*reach }));
        }
        layout.prompts += other.layout.prompts;
        for (_, owner, field, ty) in program.inputs() {
            let of_the_batch = matches!(ty.depth, Depth::Constant | Depth::Batch);
            let expected = layout.len(ty);
            if let (Some(all), Some(more)) =
                (inputs.get_mut(owner, field, ty.side), other.inputs.get(owner, field, ty.side))
                && !of_the_batch
                && all.len() < expected
            {
                all.extend(more);
            }
        }
        Batch { layout, inputs }
    }

    /// The same with every policy given the rejected response where it had the chosen, and the other way round, while
    /// the view says what it said.
    pub(super) fn swapped(mut self, program: &Program, view: &str) -> Batch {
        let other = |side| match side {
            SideTag::Chosen => SideTag::Rejected,
            SideTag::Rejected => SideTag::Chosen,
            side => side,
        };
        let before = self.inputs.clone();
        self.layout.sides.iter_mut().for_each(|(side, _)| *side = other(*side));
        for (_, owner, field, ty) in program.inputs().filter(|(_, owner, ..)| *owner != view) {
            if let Some(values) = before.get(owner, field, ty.side.map(other)) {
                self.inputs.insert(owner, field, ty.side, values.to_vec());
            } else if let Some(values) = before.get(owner, field, ty.side) {
                // Asked for one side only, it says of the other's tokens what it said of this one's.
                let values = values.iter().copied().cycle().take(self.layout.len(ty)).collect();
                self.inputs.insert(owner, field, ty.side, values);
            }
        }
        self
    }

    /// The same before the first step: every frozen copy of the actor gives what the actor gives, and the critic what
    /// it gave when the responses were drawn.
    pub(super) fn at_start(mut self, program: &Program, view: &str) -> Batch {
        for (_, owner, field, ty) in program.inputs() {
            let from = match field {
                "logp" | "words" if is_copy(owner, ty) => ("actor", field),
                "value" if owner == view => ("critic", "value"),
                _ => continue,
            };
            if let Some(values) = self.inputs.get(from.0, from.1, ty.side) {
                let values = values.to_vec();
                self.inputs.insert(owner, field, ty.side, values);
            }
        }
        self
    }

    /// The same with everything a critic says, now or when the responses were drawn, at 0, every response ended by
    /// itself and no baseline: only the scores say what is good.
    pub(super) fn undisturbed(mut self, program: &Program, view: &str) -> Batch {
        for (_, owner, field, ty) in program.inputs() {
            let to = match (ty.kind, field) {
                (KindTag::Value | KindTag::Baseline, _) => 0.0,
                (_, "ended") if owner == view => 1.0,
                _ => continue,
            };
            if let Some(values) = self.inputs.get_mut(owner, field, ty.side) {
                values.fill(to);
            }
        }
        self
    }
}

/// Is this input given by the actor as it was once? A teacher is a model of its own.
pub(super) fn is_copy(owner: &str, ty: Ty) -> bool {
    ty.kind == KindTag::LogProb && !ty.live && owner != "teacher"
}

/// Every side the program reads, and the side it is compared with.
fn sides(program: &Program) -> Vec<SideTag> {
    let mut sides: Vec<SideTag> = Vec::new();
    for side in program.nodes.iter().filter_map(|node| node.ty.side) {
        let both = match side {
            SideTag::Chosen | SideTag::Rejected => vec![SideTag::Chosen, SideTag::Rejected],
            SideTag::Mismatched => vec![SideTag::Answer, SideTag::Mismatched],
            _ => vec![side],
        };
        both.into_iter().for_each(|side| {
            if !sides.contains(&side) {
                sides.push(side)
            }
        });
    }
    sides
}

fn reaches(side: SideTag, noise: &mut Noise) -> Vec<Reach> {
    let mut reaches = Vec::new();
    for prompt in 0..PROMPTS {
        let responses = if side == SideTag::Sample { 2 + noise.below(3) } else { 1 };
        reaches.extend((0..responses).map(|_| Reach { prompt, tokens: 1 + noise.below(4) }));
    }
    reaches
}

/// For an element, its prompt and which of the responses to it, of how many.
type Place = (usize, usize, usize);

fn places(layout: &Layout, ty: Ty) -> Vec<Place> {
    let reaches = ty.side.map_or(&[][..], |side| layout.side(side));
    let of = |i: usize| {
        let prompt = reaches[i].prompt;
        let before = reaches[..i].iter().filter(|reach| reach.prompt == prompt).count();
        (prompt, before, reaches.iter().filter(|reach| reach.prompt == prompt).count())
    };
    match ty.depth {
        Depth::Constant | Depth::Batch => vec![(0, 0, 1)],
        Depth::EachPrompt => (0..layout.prompts).map(|prompt| (prompt, 0, 1)).collect(),
        Depth::EachResponse => (0..reaches.len()).map(of).collect(),
        Depth::EachToken => (0..reaches.len()).flat_map(|i| std::iter::repeat_n(of(i), reaches[i].tokens)).collect(),
        Depth::EachWord => {
            let words = |i: usize| reaches[i].tokens * layout.words;
            (0..reaches.len()).flat_map(|i| std::iter::repeat_n(of(i), words(i))).collect()
        }
    }
}

/// One number, as a policy (`false`) or the view (`true`) could give it.
fn value((of_view, field): (bool, &str), ty: Ty, (prompt, member, members): Place, noise: &mut Noise) -> f64 {
    let small = noise.between(-0.25, 0.25);
    // Both sorts occur among the first responses and among the last.
    let every_other = if (prompt + member) % 2 == 0 { 1.0 } else { 0.0 };
    let odd = if prompt % 2 == 1 { 0.05 } else { 0.0 };
    match (of_view, field) {
        (true, "label") => every_other,
        (true, "ended") => 1.0 - every_other * f64::from(u8::from(member > 0)),
        (true, field) if field.ends_with("_present") => {
            if (prompt + field.len()) % 3 == 0 {
                0.0
            } else {
                1.0
            }
        }
        (true, "chosen_score") => 1.5 + small,
        (true, "rejected_score") => small,
        // From 1 down to -1, another response of each group being the best.
        (true, "score") if ty.side == Some(SideTag::Sample) => {
            let place = (member + prompt) % members;
            1.0 - 2.0 * as_f64(place) / as_f64(members.max(2) - 1) + 0.4 * small
        }
        // Shares of the whole: the best response of a group has the largest, and most annotators are right.
        (true, "weight") if ty.side == Some(SideTag::Sample) => {
            let place = (member + prompt) % members;
            2.0 * as_f64(members - place) / as_f64(members * (members + 1))
        }
        (true, "chosen_much_better") => 0.4 - odd,
        (true, "chosen_better") => 0.25,
        (true, "tie") => 0.15 + odd,
        (true, "rejected_better") => 0.12,
        (true, "rejected_much_better") => 0.08,
        _ => match ty.kind {
            KindTag::LogProb => noise.between(-2.5, -0.05),
            KindTag::Weight | KindTag::Prob | KindTag::Ratio | KindTag::Margin | KindTag::Spread => {
                noise.between(0.3, 1.5)
            }
            _ => 2.0 * small,
        },
    }
}

// A batch has far fewer responses than an f64 has exact integers.
#[expect(clippy::cast_precision_loss)]
fn as_f64(count: usize) -> f64 {
    count as f64
}
