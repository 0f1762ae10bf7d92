use super::{Heads, Segment, block::Block, segment::families};
use std::cmp::Reverse;
use std::ops::Range;

/// Scores that make a task: a millisecond or two. With few heads and long sequences, one head of one sequence is many tasks.
const SCORES: usize = 1 << 18;

/// What a task does: neighbouring blocks of segments with the same prefix, for one key head.
pub(super) struct Piece<'a> {
    pub(super) family: &'a [Segment],
    pub(super) key_head: usize,
    /// Among the family's blocks.
    pub(super) blocks: Range<usize>,
    /// Which of the pieces of this family and head it is, from 0, and how many there are.
    pub(super) number: usize,
    pub(super) count: usize,
    work: usize,
}

impl<'a> Piece<'a> {
    /// All pieces, the largest first: the last task to end should be a small one. They do not depend on the number of threads.
    pub(super) fn all(segments: &'a [Segment], heads: Heads) -> Vec<Self> {
        let mut pieces = Vec::new();
        for family in families(segments) {
            let works: Vec<usize> = Block::of(family, heads).map(|block| block.work(heads)).collect();
            let cuts = cuts(&works);
            for key_head in 0..heads.key {
                pieces.extend(cuts.iter().enumerate().map(|(number, blocks)| {
                    let work = works[blocks.clone()].iter().sum();
                    Piece { family, key_head, blocks: blocks.clone(), number, count: cuts.len(), work }
                }));
            }
        }
        pieces.sort_by_key(|piece| Reverse(piece.work));
        pieces
    }

    /// Its blocks, in order.
    pub(super) fn blocks(&self, heads: Heads) -> impl Iterator<Item = Block<'a>> {
        Block::of(self.family, heads).skip(self.blocks.start).take(self.blocks.len())
    }
}

/// Blocks in pieces of about as much work each; one piece where there is none.
fn cuts(works: &[usize]) -> Vec<Range<usize>> {
    let all: usize = works.iter().sum();
    let share = all / all.div_ceil(SCORES).max(1);
    let (mut cuts, mut start, mut sum) = (Vec::new(), 0, 0);
    for (i, work) in works.iter().enumerate() {
        sum += work;
        if sum >= share && i + 1 < works.len() {
            cuts.push(start..i + 1);
            (start, sum) = (i + 1, 0);
        }
    }
    cuts.push(start..works.len());
    cuts
}

#[cfg(test)]
mod tests {
    use super::{SCORES, cuts};

    #[test]
    fn every_block_is_in_one_piece() {
        assert_eq!(cuts(&[]), vec![0..0]);
        assert_eq!(cuts(&[5, 6]), vec![0..2]);
        assert_eq!(cuts(&[SCORES; 3]), [0..1, 1..2, 2..3]);
        let works: Vec<usize> = (0..100).map(|i| i * 1000).collect();
        let cuts = cuts(&works);
        assert!(cuts.len() > 10 && cuts.len() < 30, "{cuts:?}");
        assert!(cuts.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!((cuts[0].start, cuts[cuts.len() - 1].end), (0, 100));
    }
}
