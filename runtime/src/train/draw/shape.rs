//! What was drawn, as a program reads it.

use super::Group;
use crate::data::{Example, Shape, View};
use crate::{Error, Result};

/// A prompt's responses as the view has them, and what the sampler says of their tokens; `None` where there is no
/// better and no worse one and the view needs both.
pub(super) fn shaped(prompt: &Example, group: &Group, view: &View) -> Result<Option<(Example, Vec<Vec<f32>>)>> {
    let Group { samples, scores, baseline } = group;
    let best = place(scores, |a, b| a > b);
    let worst = place(scores, |a, b| a < b);
    let mut responses: Vec<Vec<u32>> = samples.iter().map(|sample| sample.tokens.clone()).collect();
    let mut logp: Vec<Vec<f32>> = samples.iter().map(|sample| sample.logp.clone()).collect();
    match (view.shape(), prompt.responses.first()) {
        (Shape::Group, _) => {}
        // A demonstration is better than what the policy says itself: self-play.
        (Shape::Pair, Some(shown)) => {
            (responses, logp) = (vec![shown.clone(), responses[0].clone()], vec![Vec::new(), logp[0].clone()]);
        }
        (Shape::Pair, None) if scores[best] == scores[worst] => return Ok(None),
        (Shape::Pair, None) => {
            responses = vec![responses[best].clone(), responses[worst].clone()];
            logp = vec![logp[best].clone(), logp[worst].clone()];
        }
        (Shape::Demo, _) => (responses, logp) = (vec![responses[best].clone()], vec![logp[best].clone()]),
        (Shape::Unpaired | Shape::Rated | Shape::Annotated, _) => {
            let problem = "responses that people judge one by one are not drawn; give them with --data".to_owned();
            return Err(Error::Setting(problem));
        }
    }
    let shown = view.shape() == Shape::Pair && !prompt.responses.is_empty();
    let mut numbers = Vec::new();
    for (field, _) in view.numbers() {
        numbers.push(match field.as_str() {
            "score" => scores.clone(),
            "ended" => samples.iter().map(|sample| f64::from(u8::from(sample.ended))).collect(),
            "baseline" => vec![baseline.unwrap_or_default(); samples.len()],
            // The critic is asked once all is laid out.
            "value" => Vec::new(),
            "weight" if view.shape() == Shape::Demo => vec![1.0],
            "chosen_score" if !shown => vec![scores[best]],
            "rejected_score" if !shown => vec![scores[worst]],
            "margin" if !shown => vec![scores[best] - scores[worst]],
            other => {
                let owner = view.owner();
                return Err(Error::Setting(format!("`{owner}.{other}` is not known of responses as they are drawn")));
            }
        });
    }
    let Example { origin, prompt, room, .. } = prompt.clone();
    Ok(Some((Example { origin, prompt, responses, numbers, room, row: 0 }, logp)))
}

/// The first score that no other beats.
fn place(scores: &[f64], beats: impl Fn(f64, f64) -> bool) -> usize {
    (1..scores.len()).fold(0, |best, i| if beats(scores[i], scores[best]) { i } else { best })
}
