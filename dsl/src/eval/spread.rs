//! Which element of one value belongs to which element of another: how axes nest, as index lists.

use crate::Layout;
use crate::ir::{Depth, SideTag, Ty};

/// For each element of a value of type `to`, the element of a value of type `from` that belongs to it.
///
/// Outer values are repeated along inner axes. `None` where the axes do not nest that way.
#[must_use]
pub fn outward(layout: &Layout, from: Ty, to: Ty) -> Option<Vec<usize>> {
    match (from.depth, to.depth) {
        (Depth::Constant, _) => Some(vec![0; layout.len(to)]),
        (Depth::Batch, to_depth) if to_depth >= Depth::Batch => Some(vec![0; layout.len(to)]),
        (Depth::EachPrompt, Depth::EachPrompt) => Some((0..layout.prompts).collect()),
        (Depth::EachPrompt, Depth::EachResponse) => {
            Some(layout.side(to.side?).iter().map(|reach| reach.prompt).collect())
        }
        (Depth::EachPrompt, Depth::EachToken) => Some(along_tokens(layout, to.side?, |_, prompt| prompt)),
        (Depth::EachResponse, Depth::EachResponse) | (Depth::EachToken, Depth::EachToken) if from.side == to.side => {
            Some((0..layout.len(to)).collect())
        }
        (Depth::EachResponse, Depth::EachToken) if from.side == to.side => {
            Some(along_tokens(layout, to.side?, |response, _| response))
        }
        (Depth::EachWord, Depth::EachWord) if from.side == to.side => Some((0..layout.len(to)).collect()),
        (Depth::EachPrompt | Depth::EachResponse | Depth::EachToken, Depth::EachWord) => {
            let tokens = outward(layout, from, Ty { depth: Depth::EachToken, ..to })?;
            Some(tokens.into_iter().flat_map(|element| std::iter::repeat_n(element, layout.words)).collect())
        }
        (Depth::Batch | Depth::EachPrompt | Depth::EachResponse | Depth::EachToken | Depth::EachWord, _) => None,
    }
}

/// For each prompt, its one response of a side.
///
/// # Errors
/// Where there is not exactly one: the first prompt that has none or several, and how many.
pub fn only_response(layout: &Layout, side: SideTag) -> Result<Vec<usize>, (usize, usize)> {
    let mut found = vec![Vec::new(); layout.prompts];
    for (i, reach) in layout.side(side).iter().enumerate() {
        found[reach.prompt].push(i);
    }
    let one = |(prompt, responses): (usize, Vec<usize>)| match responses[..] {
        [only] => Ok(only),
        _ => Err((prompt, responses.len())),
    };
    found.into_iter().enumerate().map(one).collect()
}

fn along_tokens(layout: &Layout, side: SideTag, of: impl Fn(usize, usize) -> usize) -> Vec<usize> {
    let each =
        |(response, reach): (usize, &crate::Reach)| std::iter::repeat_n(of(response, reach.prompt), reach.tokens);
    layout.side(side).iter().enumerate().flat_map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reach;
    use crate::ir::KindTag;

    fn ty(depth: Depth, side: Option<SideTag>) -> Ty {
        Ty { kind: KindTag::Reward, depth, side, live: true }
    }

    #[test]
    fn a_prompt_reaches_its_responses_and_their_tokens() {
        let reach = |prompt, tokens| Reach { prompt, tokens };
        let layout = Layout {
            prompts: 2,
            sides: vec![(SideTag::Sample, vec![reach(0, 2), reach(0, 1), reach(1, 3)])],
            words: 2,
        };
        let sample = Some(SideTag::Sample);
        let (prompt, response, token) =
            (ty(Depth::EachPrompt, None), ty(Depth::EachResponse, sample), ty(Depth::EachToken, sample));
        assert_eq!(outward(&layout, prompt, response), Some(vec![0, 0, 1]));
        assert_eq!(outward(&layout, prompt, token), Some(vec![0, 0, 0, 1, 1, 1]));
        assert_eq!(outward(&layout, response, token), Some(vec![0, 0, 1, 2, 2, 2]));
        let word = ty(Depth::EachWord, sample);
        assert_eq!(outward(&layout, response, word), Some(vec![0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 2, 2]));
        assert_eq!(outward(&layout, token, word), Some(vec![0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]));
        assert_eq!(outward(&layout, word, token), None);
        assert_eq!(outward(&layout, ty(Depth::Constant, None), response), Some(vec![0, 0, 0]));
        assert_eq!(outward(&layout, token, response), None);
        assert_eq!(outward(&layout, ty(Depth::EachResponse, Some(SideTag::Chosen)), response), None);
        assert_eq!(only_response(&layout, SideTag::Sample), Err((0, 2)));
        assert_eq!(only_response(&layout, SideTag::Chosen), Err((0, 0)));
    }
}
