//! What an algorithm in a crate of its own gets without a line of code: `list`, `explain`, `loss` and training.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn own(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_own-loss")).args(arguments).output().expect("the binary was built")
}

fn printed(arguments: &[&str]) -> String {
    let output = own(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("what an earlier test left can be removed");
    }
    std::fs::create_dir_all(&folder).expect("the target folder can be written to");
    folder
}

#[test]
fn it_is_listed_and_explained() {
    assert!(printed(&["list"]).contains("cal-dpo"));
    let page = printed(&["explain", "cal-dpo"]);
    for part in ["arXiv:2412.14516", "How strongly the policy is held", "may be cut into micro-batches", "monotone"] {
        assert!(page.contains(part), "{part} is not in:\n{page}");
    }
}

#[test]
fn its_loss_is_the_papers() {
    let path = folder("loss").join("numbers.json");
    std::fs::write(
        &path,
        r#"{"pairs": [{"chosen": {"actor": [-1.0, -0.5], "reference": [-1.5, -0.5]},
                       "rejected": {"actor": [-2.0], "reference": [-1.75]}}]}"#,
    )
    .expect("the target folder can be written to");
    // h(w) = 0.5, h(l) = -0.25, each aims for 1: -log sigmoid(0.75) + 0.25 + 0.5625
    let expected = (1.0 + (-0.75_f64).exp()).ln() + 0.25 + 0.5625;
    for backend in ["eval", "dfdx"] {
        let text =
            printed(&["loss", "cal_dpo", &path.display().to_string(), "--set", "beta=0.5", "--backend", backend]);
        let found: f64 =
            text.split(r#""loss":"#).nth(1).and_then(|t| t.split(',').next()).unwrap().trim().parse().unwrap();
        assert!((found - expected).abs() < 1e-6, "{backend}: {found}, expected {expected}");
    }
}

#[test]
fn a_slip_is_refused_in_one_line() {
    let output = own(&["cal-dpo", "--set", "betta=0.2"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("did you mean `beta`?"), "{error}");
}

#[test]
fn it_trains() {
    let out = folder("run");
    let out_text = out.join("cal").display().to_string();
    printed(&["cal-dpo", "--steps", "3", "--warmup", "0", "--batch", "4", "--out", &out_text, "--seed", "1"]);
    let metrics = std::fs::read_to_string(out.join("cal/metrics.jsonl")).expect("a run writes its metrics");
    assert_eq!(metrics.lines().count(), 3, "{metrics}");
    assert!(out.join("cal/final/model.safetensors").is_file());
    let program = std::fs::read_to_string(out.join("cal/program.txt")).expect("and its program");
    assert!(program.contains("cal_dpo"), "{program}");
}
