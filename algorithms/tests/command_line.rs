//! The binary from outside: what it prints, and how it refuses.

mod binary;

use binary::{collimate, printed, refused};
use serde_json::{Value, json};
use std::path::Path;

fn write(folder: &Path, name: &str, json: &Value) -> String {
    let path = folder.join(name);
    std::fs::write(&path, json.to_string()).expect("a temporary folder can be written to");
    path.display().to_string()
}

/// The fixture of the peers' test suites: sums of log-probabilities of three pairs, as responses of one token.
fn three_pairs() -> Value {
    let response =
        |actor: f64, reference: f64, score: f64| json!({"actor": [actor], "reference": [reference], "score": score});
    json!({"pairs": [
        {"chosen": response(-0.5, -0.5, 1.0), "rejected": response(-0.1, -0.1, 0.0)},
        {"chosen": response(-10.0, -10.1, 2.0), "rejected": response(-30.0, -20.1, 1.5)},
        {"chosen": response(-1.0, -0.1, 0.5), "rejected": response(-21.0, -0.1, 1.0)},
    ]})
}

fn loss(name: &str, file: &str, more: &[&str]) -> Value {
    let mut arguments = vec!["loss", name, file];
    arguments.extend(more);
    serde_json::from_str(&printed(&arguments)).expect("`loss` prints JSON")
}

#[test]
fn every_algorithm_is_listed_explained_and_helped() {
    let list = printed(&["list"]);
    for name in ["sft", "dpo", "ipo", "simpo", "rpo-sq", "rpo-bwd", "rpo-fwd"] {
        assert!(list.lines().any(|l| l.starts_with(&format!("{name} "))), "{name} is not in:\n{list}");
        for format in ["text", "latex", "ir", "json"] {
            assert!(!printed(&["explain", name, "--format", format]).trim().is_empty());
        }
        let json: Value = serde_json::from_str(&printed(&["explain", name, "--format", "json"])).expect("JSON");
        assert!(json.is_object());
        assert!(printed(&[name, "--help"]).contains("--set"));
    }
    assert!(printed(&["rpo_sq", "--help"]).contains("eta"), "underscores are accepted too");
}

#[test]
fn losses_are_those_of_the_peers_test_suites() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write(folder.path(), "numbers.json", &three_pairs());
    // (algorithm, settings, mean over the three pairs) from independent float64 arithmetic.
    let cases: &[(&str, &[&str], f64)] = &[
        ("dpo", &[], 0.377_778_96),
        ("dpo", &["--set", "label_smoothing=0.1"], 0.477_778_96),
        ("ipo", &[], 91.666_666_667),
        ("rpo-sq", &["--set", "beta=0.1", "--set", "eta=1"], 2.5),
        ("rpo-bwd", &["--set", "beta=0.1", "--set", "eta=1"], 0.282_632_821),
        ("rpo-fwd", &["--set", "beta=0.1", "--set", "eta=1"], 0.231_866_92),
    ];
    for (name, settings, expected) in cases {
        let found = loss(name, &file, settings)["loss"].as_f64().expect("a number");
        assert!((found - expected).abs() < 1e-8, "{name} {settings:?}: {found}, expected {expected}");
        let found =
            loss(name, &file, &[settings, &["--backend", "dfdx"][..]].concat())["loss"].as_f64().expect("a number");
        assert!((found / expected - 1.0).abs() < 1e-5, "{name} {settings:?} on dfdx: {found}, expected {expected}");
    }
}

#[test]
fn the_gradient_has_the_shape_of_the_file_and_is_right() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write(folder.path(), "numbers.json", &three_pairs());
    let answer = loss("dpo", &file, &[]);
    // d/d(chosen log-prob) of the mean over three pairs of -ln sigmoid(0.1 * delta), with delta = 0, 10, 20.
    for (i, delta) in [0.0_f64, 10.0, 20.0].into_iter().enumerate() {
        let expected = -0.1 / 3.0 / (1.0 + (0.1 * delta).exp());
        let pair = &answer["gradient"]["pairs"][i];
        let found = |side: &str| pair[side]["actor"][0].as_f64().expect("one number for each token");
        assert!((found("chosen") - expected).abs() < 1e-12 && (found("rejected") + expected).abs() < 1e-12, "{pair}");
    }
    let metrics = answer["metrics"].as_object().expect("named metrics");
    let near =
        |name: &str, x: f64| assert!((metrics[name].as_f64().expect(name) - x).abs() < 1e-12, "{name}: {metrics:?}");
    near("rewards/margins", 1.0);
    near("rewards/accuracies", 2.0 / 3.0);
    near("logps/chosen", -11.5 / 3.0);
}

#[test]
fn wrong_options_are_refused_in_one_helpful_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write(folder.path(), "numbers.json", &three_pairs());
    let error = refused(&["loss", "dpo", &file, "--set", "betta=0.2"]);
    assert!(error.contains("did you mean `beta`?"), "{error}");
    let error = refused(&["loss", "dpo", &file, "--set", "beta=-1"]);
    assert!(error.contains("above 0"), "{error}");
    let error = refused(&["loss", "dpo", &file, "--set", "beta=high"]);
    assert!(error.contains("not a number"), "{error}");
    let error = refused(&["loss", "simpo", &file, "--set", "label_smoothing=0.1"]);
    assert!(error.contains("no hyper-parameter"), "{error}");
    let error = refused(&["explain", "dpoo"]);
    assert!(error.contains("did you mean `dpo`?"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
}

#[test]
fn wrong_numbers_are_refused_with_their_place() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut json = three_pairs();
    json["pairs"][1]["rejected"].as_object_mut().expect("an object").remove("reference");
    let file = write(folder.path(), "missing.json", &json);
    let error = refused(&["loss", "dpo", &file]);
    assert!(
        error.contains("missing.json") && error.contains("pairs[1].rejected") && error.contains("`reference`"),
        "{error}"
    );

    let mut json = three_pairs();
    json["pairs"][2]["chosen"]["actor"] = json!([-1.0, -2.0]);
    let file = write(folder.path(), "length.json", &json);
    let error = refused(&["loss", "dpo", &file]);
    assert!(error.contains("pairs[2].chosen") && error.contains('2') && error.contains('1'), "{error}");

    let mut json = three_pairs();
    json["pairs"][0]["chosen"]["refrence"] = json!([-1.0]);
    let file = write(folder.path(), "name.json", &json);
    let error = refused(&["loss", "dpo", &file]);
    assert!(error.contains("did you mean `reference`?"), "{error}");

    let file = write(folder.path(), "demos.json", &json!({"demos": [{"actor": [-1.0]}]}));
    let error = refused(&["loss", "dpo", &file]);
    assert!(error.contains("`pairs`"), "{error}");

    std::fs::write(folder.path().join("broken.json"), "{\"pairs\": [").expect("written");
    let error = refused(&["loss", "dpo", &folder.path().join("broken.json").display().to_string()]);
    assert!(error.contains("line 1"), "{error}");
    refused(&["loss", "dpo", &folder.path().join("absent.json").display().to_string()]);
}

#[test]
fn what_was_mistyped_is_refused_in_one_helpful_line() {
    let said = |arguments: &[&str], expected: &str| {
        let error = refused(arguments);
        assert!(error.contains(expected) && error.lines().count() == 1, "collimate {arguments:?}: {error}");
    };
    said(&["dpoo"], "no command or algorithm `dpoo`; did you mean `dpo`?");
    said(&["explian", "dpo"], "did you mean `explain`?");
    said(&["ipo@tlr"], "did you mean `ipo@trl`?");
    said(&["explain", "ipo@tlr"], "did you mean `ipo@trl`?");
    said(&["diff", "ipo", "nothing"], "no algorithm `nothing`");
    said(&["dpo", "--beta", "0.1"], "`beta` is a hyper-parameter: write --set beta=0.1");
    said(&["dpo", "--stpes", "10"], "`dpo` has no option `--stpes`; did you mean `--steps`?");
    said(&["dpo", "--steps", "ten"], "`ten`");
    said(&["dpo", "--lora", "r=16"], "--lora r=16: `alpha` is missing; write r=16,alpha=32");
    said(&["dpo", "--lora", "rank=16,alpha=32"], "there is no `rank`; write r=16,alpha=32");
    said(&["dpo", "--lora", "r=1.5,alpha=32"], "r is 1.5; it has to be a whole number, at least 1");
    said(&["dpo", "--lora", "r=8,alpha=0"], "alpha is 0; it has to be above 0");
    said(&["explain", "dpo", "--format", "html"], "`html` is none of text, latex, ir, json");
    said(&["loss", "dpo"], "<FILE> is missing");
}

#[test]
fn settings_are_refused_with_what_is_right() {
    let said = |name: &str, setting: &str, expected: &str| {
        let error = refused(&[name, "--set", setting]);
        assert!(error.contains(expected) && error.lines().count() == 1, "{name} --set {setting}: {error}");
    };
    said("dpo", "betta=0.2", "did you mean `beta`?");
    said("dpo", "temperature=0.2", "it has beta, label_smoothing");
    said("sft", "beta=0.1", "`sft` has no hyper-parameter `beta`; it has none");
    said("dpo@trl", "label_smoothing=0.1", "`dpo@trl` has no hyper-parameter `label_smoothing`");
    said("dpo", "beta=0", "`beta` must be above 0, at most 10");
    said("dpo", "beta=11", "`beta` must be above 0, at most 10");
    said("dpo", "beta=nan", "`beta` must be above 0, at most 10");
    said("dpo", "beta", "write NAME=VALUE");
    assert!(refused(&["dpo", "--set", "beta=1", "--set", "beta=2"]).contains("`beta` is given twice"));
}

#[test]
fn a_column_that_is_needed_and_missing_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pair = write(folder.path(), "pairs.jsonl", &json!({"prompt": "a", "chosen": "b", "rejected": "c"}));
    let demo = write(folder.path(), "demos.jsonl", &json!({"prompt": "a", "completion": "b"}));
    for (name, file, column) in [
        ("dpo", &demo, "chosen"),
        ("sft", &pair, "completion"),
        ("rpo-sq", &pair, "chosen_score"),
        ("scaled-dpo", &pair, "margin"),
        ("kto", &demo, "label"),
        ("rpo-bwd-k", &pair, "responses"),
    ] {
        let error = refused(&[name, "--data", file, "--steps", "1"]);
        let expected = format!(".jsonl:1: the field `{column}` is missing");
        assert!(error.contains(&expected) && error.lines().count() == 1, "{name}: {error}");
    }
}

#[test]
fn names_have_one_spelling_and_are_known_by_two() {
    for name in ["bco-pair@trl", "bco_pair@trl", "Bco_pair@trl"] {
        let known = name.starts_with('b');
        assert_eq!(collimate(&["explain", name]).status.success(), known, "{name}");
    }
    for arguments in [&["list"][..], &["explain", "bco_pair@trl"], &["diff", "bco_pair", "bco_pair@trl"]] {
        let page = printed(arguments);
        assert!(page.contains("bco-pair@trl") && !page.contains("bco_pair@trl"), "{arguments:?}: {page}");
    }
    let json: Value = serde_json::from_str(&printed(&["explain", "rpo_sq", "--format", "json"])).expect("JSON");
    assert_eq!(json["name"], "rpo-sq");
}

#[test]
fn the_prompts_own_tokens_have_their_place_in_the_numbers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut pairs = json!({"pairs": [{"chosen": {"actor": [-1.0]}, "rejected": {"actor": [-1.0]}}]});
    let file = write(folder.path(), "without.json", &pairs);
    assert!(refused(&["loss", "orpo@trl", &file]).contains("give rows of `pairs` a `document`"));
    pairs["pairs"][0]["document"] = json!({"actor": [-3.0, -1.0]});
    let file = write(folder.path(), "with.json", &pairs);
    for backend in ["eval", "dfdx"] {
        let found = loss("orpo@trl", &file, &["--set", "beta=1", "--backend", backend]);
        assert!((found["loss"].as_f64().expect("a number") - 2.0 - std::f64::consts::LN_2).abs() < 1e-6, "{found}");
        assert_eq!(found["gradient"]["pairs"][0]["document"]["actor"], json!([-0.5, -0.5]), "{found}");
    }
    assert!(loss("orpo", &file, &[])["gradient"]["pairs"][0].get("document").is_none(), "it is not read");
}

#[test]
fn two_algorithms_are_shown_beside_each_other() {
    let page = printed(&["diff", "ipo", "ipo@trl"]);
    assert!(
        page.contains("They part at") && page.contains("  − h(y) = Σₜ") && page.contains("  + h(y) = meanₜ"),
        "{page}"
    );
    assert!(printed(&["diff", "rpo-sq", "rpo_sq"]).contains("identical"));
}

#[test]
fn presets_are_listed_below_their_algorithm_in_columns_that_line_up() {
    let list = printed(&["list"]);
    let lines: Vec<&str> = list.lines().collect();
    let at = |name: &str| {
        lines.iter().position(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("{name}"))
    };
    assert!(at("ipo@trl ") > at("ipo ") && at("ipo@trl ") < at("simpo "), "{list}");
    let column = lines[0].find("data").expect("a heading");
    for line in &lines[1..] {
        let before: String = line.chars().take(column).collect();
        assert!(before.ends_with("  ") && !line.chars().nth(column).is_some_and(char::is_whitespace), "{line}");
    }
}

#[test]
fn words_and_what_is_carried_have_their_places_in_the_numbers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let words = json!([[-0.1, -2.4], [-1.0, -0.46]]);
    let file = write(
        folder.path(),
        "words.json",
        &json!({"demos": [{"actor_words": words, "teacher_words": [[-0.7, -0.69], [-0.2, -1.7]]}]}),
    );
    for backend in ["eval", "dfdx"] {
        let found = loss("distill-fkl", &file, &["--backend", backend]);
        let token = &found["gradient"]["demos"][0]["actor_words"][1];
        // Minus the teacher's probability, over the two tokens.
        for (g, logp) in [(0, -0.2_f64), (1, -1.7)] {
            let g = token[g].as_f64().expect("a number");
            assert!((g + logp.exp() / 2.0).abs() < 1e-6, "{found}");
        }
    }
    let mut pairs = json!({"unpaired": [
        {"actor": [-1.0], "reference": [-2.0], "label": true},
        {"actor": [-3.0], "reference": [-2.0], "label": false},
    ]});
    pairs["state"] = json!({"mean": 1.0});
    let file = write(folder.path(), "state.json", &pairs);
    assert!(refused(&["loss", "dpo", &file]).contains("carries nothing from step to step"));
    let told = refused(&["distill-fkl", "--steps", "1"]);
    assert!(told.contains("`distill-fkl` learns from a teacher; name its folder with --teacher"), "{told}");
}

#[test]
fn a_short_run_in_the_sandbox_has_no_longer_warmup() {
    let line = |arguments: &[&str]| {
        let printed = printed(arguments);
        printed.lines().find(|line| line.starts_with("warmup")).expect("a warm-up is printed").to_owned()
    };
    assert_eq!(line(&["dpo", "--print-config"]), "warmup = 10");
    assert_eq!(line(&["dpo", "--print-config", "--steps", "2"]), "warmup = 2");
    assert_eq!(line(&["dpo", "--print-config", "--steps", "20", "--warmup", "15"]), "warmup = 15");
}

#[test]
fn a_device_that_is_not_there_and_seeds_that_mean_nothing_are_refused_before_anything_is_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write(folder.path(), "pairs.jsonl", &json!({"prompt": "a", "chosen": "b", "rejected": "c"}));
    for (arguments, expected) in [
        (&["dpo", "--device", "cuda:900"][..], "--device cuda:900: "),
        (&["rloo", "--device", "gpu"], "--device gpu: there is no such device"),
        (&["generate", "--prompt", "a", "--device", "cuda:900"], "--device cuda:900: "),
        (&["generate", "--prompt", "a", "--device", "gpu"], "--device gpu: there is no such device"),
        (
            &["score", "--model", "none", "--data", &file, "--out", "none", "--device", "cuda:900"],
            "--device cuda:900: ",
        ),
        (
            &["score", "--model", "none", "--data", &file, "--out", "none", "--engine", "graph", "--dtype", "bf16"],
            "--dtype bf16: the graph engine computes in f32",
        ),
        (&["dpo", "--seeds", "0"], "--seeds 0: give at least 1"),
        (&["dpo", "--seeds", "3", "--data", &file], "--seeds compares policies in the sandbox"),
        (&["reward-bt", "--seeds", "3"], "`reward-bt` is not measured so; leave it out"),
        (&["steerlm", "--seeds", "3"], "`steerlm` is not measured so; leave it out"),
        (&["rloo", "--seeds", "3", "--resume", "--out", "runs/none"], "--resume"),
    ] {
        let error = refused(arguments);
        assert!(error.contains(expected) && error.lines().count() == 1, "collimate {arguments:?}: {error}");
    }
}

#[test]
fn help_names_every_algorithm_and_no_preset() {
    let help = printed(&["--help"]);
    let words: Vec<&str> = help.split_whitespace().collect();
    for name in ["dpo", "rpo-sqloo", "policy gradient", "reward-meanvar", "ppo-dual-clip"] {
        assert!(name.split(' ').all(|word| words.contains(&word)), "{name} is not in:\n{help}");
    }
    assert!(!words.contains(&"ipo@trl"), "{help}");
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
}
