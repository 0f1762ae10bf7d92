//! The states of a whole batch of which all words are read, put together from those of its parts.

use crate::compile::Words;
use crate::model::WordStates;
use collimate_dsl::Layout;
use std::ops::Range;
use std::sync::Arc;

/// The policies of a batch whose words are read.
pub(super) struct WholeWords {
    pub(super) words: Vec<Words>,
    /// The batch's tokens, stretch by stretch: from which part each comes, and its tokens there.
    stretches: Vec<(usize, Range<usize>)>,
}

impl WholeWords {
    /// Of the states of each part; all parts name the same policies in the same order.
    pub(super) fn new(
        whole: &Layout,
        layouts: &[Layout],
        parts: &[Vec<Words>],
        is_trained: impl Fn(&str) -> bool,
    ) -> Self {
        let mut stretches = Vec::new();
        for (side, _) in &whole.sides {
            for (part, layout) in layouts.iter().enumerate() {
                let mut end = 0;
                for (other, reaches) in &layout.sides {
                    let start = end;
                    end += reaches.iter().map(|reach| reach.tokens).sum::<usize>();
                    if other == side {
                        stretches.push((part, start..end));
                    }
                }
            }
        }
        let policies = parts.first().map_or(0, Vec::len);
        let joined = |policy: usize| {
            let own: Vec<Arc<WordStates>> = parts.iter().map(|words| Arc::clone(&words[policy].states)).collect();
            let owner = parts[0][policy].owner.clone();
            let states = Arc::new(WordStates::joined(&own, &stretches, is_trained(&owner)));
            Words { owner, states }
        };
        WholeWords { words: (0..policies).map(joined).collect(), stretches }
    }

    /// Adds to the gradient of one part's states what the whole batch's have for them.
    pub(super) fn hand_back(&self, part: usize, words: &Words) {
        let Some(whole) = self.words.iter().find(|whole| whole.owner == words.owner) else { return };
        let mut end = 0;
        for (of, tokens) in &self.stretches {
            let start = end;
            end += tokens.len();
            if *of == part {
                words.states.add_gradient(tokens.clone(), &whole.states, start..end);
            }
        }
    }
}
