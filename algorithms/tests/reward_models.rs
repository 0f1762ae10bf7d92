//! Reward models from outside: trained, carried on, asked, extrapolated.

mod binary;

use binary::{collimate, printed, refused};
use serde_json::{Value, json};
use std::path::Path;

fn write(folder: &Path, name: &str, rows: &[Value]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, rows.iter().map(|row| format!("{row}\n")).collect::<String>()).unwrap();
    path.display().to_string()
}

const PROMPT: &str = "Question: What is 7 plus 5?\nAnswer:";

#[test]
fn from_a_regression_to_a_benchmark() {
    let outer = tempfile::tempdir().unwrap();
    let path = |name: &str| outer.path().join(name).display().to_string();
    let rated = write(
        outer.path(),
        "rated.jsonl",
        &[
            json!({"prompt": PROMPT, "response": " It is 12.", "helpfulness": 4, "verbosity": 0}),
            json!({"prompt": PROMPT, "response": " I do not know.", "helpfulness": [0, 1], "coherence": 3}),
        ],
    );
    let few = ["--batch", "2", "--steps", "2", "--lr", "1e-3"];
    let train = |algorithm: &str, more: &[&str]| printed(&[&[algorithm], &few[..], more].concat());
    train("reward-regression", &["--data", &rated, "--out", &path("regression")]);
    let regression = path("regression/final");

    let compared = |strength: i32| {
        json!({"prompt": PROMPT, "response_1": " It is 12.", "response_2": " It is 13.", "preference_strength": strength,
            "all_preferences_unprocessed": [{"strength": strength}, {"strength": -1}]})
    };
    let pairs = write(outer.path(), "pairs.jsonl", &[compared(-3), compared(0), compared(-2)]);
    let scaled = ["reward-scaled", "--data", &pairs, "--model", &regression, "--out", &path("scaled")];
    let problem = refused(&[&scaled[..], &few].concat());
    assert!(problem.contains("say what each adds to it, e.g. --attributes helpfulness=1"), "{problem}");
    printed(&[&scaled[..], &few, &["--attributes", "helpfulness=1"]].concat());
    let strong = path("scaled/final");
    let config: Value =
        serde_json::from_slice(&std::fs::read(outer.path().join("scaled/final/config.json")).unwrap()).unwrap();
    assert_eq!(config["architectures"][0], "LlamaForSequenceClassification");
    assert_eq!(config["id2label"], json!({"0": "score"}));

    let bench = |subset: &str| json!({"prompt": PROMPT, "chosen": " It is 12.", "rejected": " No.", "subset": subset});
    let file = write(outer.path(), "bench.jsonl", &[bench("math-prm"), bench("donotanswer")]);
    let table = printed(&["eval", "--reward-model", &strong, "--data", &file]);
    assert!(table.starts_with("RewardBench: 2 rows\n"), "{table}");
    assert!(
        table.contains("  Safety ") && table.contains("  Reasoning ") && table.contains("calibration error"),
        "{table}"
    );
    let divided = printed(&["eval", "--reward-model", &strong, "--data", &pairs]);
    assert!(divided.starts_with("compared by people: 2 rows\n"), "{divided}");
    let problem = refused(&["eval", "--reward-model", &regression, "--data", &file]);
    assert!(problem.contains("gives helpfulness, correctness"), "{problem}");
    printed(&[
        "eval",
        "--reward-model",
        &regression,
        "--data",
        &file,
        "--attributes",
        "helpfulness=0.65,correctness=0.8",
    ]);
    let wrong = write(outer.path(), "wrong.jsonl", &[bench("math-prm"), json!({"prompt": PROMPT, "chosen": "a"})]);
    let problem = refused(&["eval", "--reward-model", &strong, "--data", &wrong]);
    assert!(problem.contains("wrong.jsonl:2: `subset` is missing (found: prompt, chosen)"), "{problem}");

    let expo = |alpha: &str, more: &[&str]| {
        let own = ["expo", "--weak", &regression, "--strong", &strong, "--alpha", alpha, "--out", &path("expo")];
        collimate(&[&own[..], more].concat())
    };
    assert!(
        String::from_utf8_lossy(&expo("1.5", &[]).stderr).contains("the weak model gives helpfulness, correctness")
    );
    assert!(expo("1.52", &["--attributes", "helpfulness=1"]).status.success());
    let beyond = printed(&["eval", "--reward-model", &path("expo"), "--data", &file]);
    assert!(beyond.contains("overall"), "{beyond}");

    let out = path("annotated.jsonl");
    printed(&["annotate", "--reward-model", &regression, "--data", &rated, "--out", &out]);
    let rows: Vec<Value> =
        std::fs::read_to_string(&out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| row["verbosity"].as_u64().is_some_and(|label| label <= 4)));
    let steered = train("steerlm", &["--data", &out, "--out", &path("steered")]);
    assert!(steered.contains("model "), "{steered}");
    let model = path("steered/final");
    printed(&[
        "generate",
        "--model",
        &model,
        "--prompt",
        PROMPT,
        "--attributes",
        "helpfulness=4,verbosity=0",
        "--max-new-tokens",
        "3",
    ]);
    let problem = refused(&["generate", "--model", &model, "--prompt", PROMPT, "--attributes", "verbosity=9"]);
    assert!(problem.contains("`verbosity=9`: an attribute is a whole number from 0 to 4"), "{problem}");
    let problem = refused(&["generate", "--model", &strong, "--prompt", PROMPT]);
    assert!(problem.contains("gives values (score) and no words"), "{problem}");
    let problem = refused(&["dpo", "--model", &strong, "--data", &pairs]);
    assert!(problem.contains("gives values (score) and no words"), "{problem}");
}
