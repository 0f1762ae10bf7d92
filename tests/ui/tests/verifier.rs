//! Every rule about whole programs has a program that breaks it, the message beside it, its mended form and a page.
//!
//! `COLLIMATE_BLESS=1` writes the messages anew.

use collimate::ir::Program;
use collimate::{Algorithm, text, verify};
use collimate_ui_tests::verifier::*;
use std::path::{Path, PathBuf};

/// A rule's code, the formula that breaks it and the formula that does not, each as it can be written.
fn formulas() -> Vec<(&'static str, &'static Algorithm, &'static Algorithm)> {
    vec![
        ("v02", &v02::MINE, &v02_mended::MINE),
        ("v03", &v03::MINE, &v03_mended::MINE),
        ("v05", &v05::MINE, &v05_mended::MINE),
        ("v06", &v06::MINE, &v06_mended::MINE),
        ("v07", &v07::MINE, &v07_mended::MINE),
        ("v08", &v08::MINE, &v08_mended::MINE),
        ("v09", &v09::MINE, &v09_mended::MINE),
        ("v10", &v10::MINE, &v10_mended::MINE),
        ("v11", &v11::MINE, &v11_mended::MINE),
        ("v12", &v12::MINE, &v12_mended::MINE),
        ("v13", &v13::MINE, &v13_mended::MINE),
        ("v14", &v14::MINE, &v14_mended::MINE),
        ("v20", &v20::MINE, &v20_mended::MINE),
    ]
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/verifier").join(name)
}
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}
fn program(name: &str) -> Program {
    text::parse(&read(&file(name))).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn says(code: &str, problems: &[verify::Problem]) {
    let told: String = problems.iter().map(ToString::to_string).collect();
    assert!(problems.iter().any(|problem| problem.code.to_lowercase() == code), "{code} is not broken:\n{told}");
    let path = file(&format!("{code}.txt"));
    if std::env::var_os("COLLIMATE_BLESS").is_some() {
        std::fs::write(&path, &told).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    assert_eq!(told, read(&path), "{code}: run again with COLLIMATE_BLESS=1 if this is what it should say");
}

#[test]
fn every_mistake_gets_its_message_and_its_remedy_none() {
    for (code, wrong, right) in formulas() {
        says(code, &verify::verify_algorithm(wrong));
        verify::assert_well_formed(right);
    }
}

#[test]
fn programs_in_text_form_are_held_to_the_rules_as_well() {
    says("v01", &verify::verify(&program("v01.program"), &[]));
    assert_eq!(verify::verify(&program("v01_mended.program"), &[]), vec![]);
    says("v04", &verify::verify(&program("v04.program"), &[]));
    verify::assert_well_formed(&v04_mended::MINE);
}

#[test]
fn every_rule_has_a_page() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../book/src/errors");
    for number in (1..=14).chain([20]) {
        let page = read(&pages.join(format!("v{number:02}.md")));
        assert!(page.starts_with(&format!("# V{number:02}: ")), "v{number:02}");
    }
}
