//! The first step raises the better response and lowers the worse.
//!
//! Which is better is the data's to say: the chosen one, the liked one, a demonstration, the one of a group with the
//! highest score. It is asked before the first step, where penalties for having moved are nothing yet, with the critic
//! silent and no baseline.

use super::Verdict;
use super::batch::Batch;
use super::subject::{Live, Subject, name};
use crate::ir::{Depth, SideTag};

/// Up or down, or either.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Wanted {
    Up,
    Down,
    Open,
}

pub(super) fn try_on(subject: &Subject<'_>) -> Result<Verdict, String> {
    let opinions = subject.opinions();
    if opinions.is_empty() {
        return Ok(Verdict::DoesNotApply("nothing that is trained gives a response a log-probability or a reward"));
    }
    if directions(subject, &subject.batch(101)).is_none() {
        return Ok(Verdict::DoesNotApply("the data do not say which response is better"));
    }
    for seed in 101..103 {
        let (program, view) = (subject.program, subject.view);
        let batch = subject.batch(seed).undisturbed(program, view).at_start(program, view);
        let gradient = subject.evaluate(&batch, &subject.defaults)?.gradient;
        let Some(wanted) = directions(subject, &batch) else { continue };
        let mut moved = false;
        for live in &opinions {
            let sums = per_response(&batch, live, gradient.get(live.0, live.1, live.2.side).unwrap_or_default());
            for (i, sum) in sums.into_iter().enumerate() {
                let wrong = match wanted(live, i) {
                    Wanted::Up => sum > 1e-12,
                    Wanted::Down => sum < -1e-12,
                    Wanted::Open => continue,
                };
                if wrong {
                    let (better, does) = if sum > 0.0 { ("better", "lowers") } else { ("worse", "raises") };
                    return Err(format!("the first step {does} {} of response {i}, the {better} one", name(live)));
                }
                moved |= sum != 0.0;
            }
        }
        if !moved {
            return Err("the first step moves neither the better responses nor the worse".into());
        }
    }
    Ok(Verdict::Holds)
}

/// Which way the responses of an input should go.
pub(super) type Directions<'a> = dyn Fn(&Live<'_>, usize) -> Wanted + 'a;

/// Which way each response should go, if the view says so.
fn directions<'a>(subject: &Subject<'_>, batch: &'a Batch) -> Option<Box<Directions<'a>>> {
    let given = |field: &str, side| batch.inputs.get(subject.view, field, Some(side));
    match subject.view {
        "group" => {
            let scores = given("score", SideTag::Sample).or_else(|| given("weight", SideTag::Sample))?;
            let reaches = batch.layout.side(SideTag::Sample);
            Some(Box::new(move |_, i| {
                let of_prompt = || (0..reaches.len()).filter(|&j| reaches[j].prompt == reaches[i].prompt && j != i);
                if of_prompt().all(|j| scores[j] < scores[i]) {
                    Wanted::Up
                } else if of_prompt().all(|j| scores[j] > scores[i]) {
                    Wanted::Down
                } else {
                    Wanted::Open
                }
            }))
        }
        view => by_side(view, given("label", SideTag::Answer)),
    }
}

/// The same where the side, or a label, says it.
pub(super) fn by_side<'a>(view: &str, labels: Option<&'a [f64]>) -> Option<Box<Directions<'a>>> {
    let known =
        ["pair", "scored_pair", "annotated", "demo"].contains(&view) || (view == "unpaired" && labels.is_some());
    known.then(|| -> Box<Directions<'a>> {
        Box::new(move |(.., ty): &Live<'_>, i| match (ty.side, labels) {
            (Some(SideTag::Chosen), _) | (Some(SideTag::Answer), None) => Wanted::Up,
            (Some(SideTag::Rejected), _) => Wanted::Down,
            (Some(SideTag::Answer), Some(labels)) if labels[i] > 0.5 => Wanted::Up,
            (Some(SideTag::Answer), Some(_)) => Wanted::Down,
            _ => Wanted::Open,
        })
    })
}

/// A live input's derivatives, added up over the tokens of each response.
fn per_response(batch: &Batch, (.., ty): &Live<'_>, gradient: &[f64]) -> Vec<f64> {
    if ty.depth != Depth::EachToken {
        return gradient.to_vec();
    }
    let mut rest = gradient;
    let mut sums = Vec::new();
    for reach in ty.side.map_or(&[][..], |side| batch.layout.side(side)) {
        let (own, others) = rest.split_at(reach.tokens);
        sums.push(own.iter().sum());
        rest = others;
    }
    sums
}
