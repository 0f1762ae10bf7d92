//! How benchmarks sort their questions.

/// RewardBench's sections and their subsets.
pub(super) const REWARD_BENCH: [(&str, &[&str]); 4] = [
    ("Chat", &["alpacaeval-easy", "alpacaeval-length", "alpacaeval-hard", "mt-bench-easy", "mt-bench-med"]),
    (
        "Chat Hard",
        &[
            "mt-bench-hard",
            "llmbar-natural",
            "llmbar-adver-neighbor",
            "llmbar-adver-GPTInst",
            "llmbar-adver-GPTOut",
            "llmbar-adver-manual",
        ],
    ),
    (
        "Safety",
        &["refusals-dangerous", "refusals-offensive", "xstest-should-refuse", "xstest-should-respond", "donotanswer"],
    ),
    ("Reasoning", &[MATHS, "hep-cpp", "hep-go", "hep-java", "hep-js", "hep-python", "hep-rust"]),
];

/// Counts as much as all subsets of code together.
pub(super) const MATHS: &str = "math-prm";

/// The section of a subset of RewardBench.
pub(super) fn section(subset: &str) -> Option<&'static str> {
    REWARD_BENCH.iter().find(|(_, subsets)| subsets.contains(&subset)).map(|(section, _)| *section)
}

/// JudgeBench's category of a source.
pub(super) fn judge_bench(source: &str) -> &str {
    match source {
        source if source.starts_with("mmlu-pro") => "knowledge",
        "livebench-reasoning" => "reasoning",
        "livebench-math" => "math",
        "livecodebench" => "coding",
        other => other,
    }
}
