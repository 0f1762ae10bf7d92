//! What an algorithm computes of all words is found word by word, and needs no matrix of tokens and words.

use collimate::ALL;
use collimate_dsl::ir::Depth;
use collimate_runtime::compile::cut;

#[test]
fn every_algorithm_that_reads_all_words_is_cut() {
    let reads = |a: &&&collimate_dsl::Algorithm| (a.trace)().nodes.iter().any(|n| n.ty.depth == Depth::EachWord);
    let found: Vec<_> = ALL.iter().filter(reads).collect();
    for algorithm in &found {
        let cut = cut(&(algorithm.trace)()).unwrap_or_else(|why| panic!("{}: {why}", algorithm.name));
        assert!(!cut.passes.is_empty(), "{}", algorithm.name);
        // None needs what it has summed among the words again.
        assert!(cut.passes.iter().all(|pass| pass.level == 0), "{}", algorithm.name);
    }
    assert!(found.len() >= 6, "{}", found.len());
}
