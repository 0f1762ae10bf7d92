//! What `collimate explain` says of the built-in algorithms, beside this file in `explain`.
//!
//! `COLLIMATE_BLESS=1` writes the files anew. Line numbers are left out: they move with every remark in a source file.

use collimate::explain::{Format, explain};
use collimate::{Algorithm, dpo::DPO, eval, ipo::IPO, rpo_bwd::RPO_BWD, sft::SFT, simpo::SIMPO};
use std::path::Path;

static SHOWN: [&Algorithm; 5] = [&SFT, &DPO, &IPO, &SIMPO, &RPO_BWD];

/// `src/dpo.rs` instead of `src/dpo.rs:14:9`.
fn without_line_numbers(text: &str) -> String {
    let mut parts = text.split(".rs:");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(".rs");
        kept.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ':'));
    }
    kept
}

fn is_as_written(algorithm: &Algorithm, format: Format, extension: &str) {
    let said = without_line_numbers(&explain(algorithm, format));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain");
    let path = folder.join(format!("{}.{extension}", algorithm.name));
    if std::env::var_os("COLLIMATE_BLESS").is_some() {
        std::fs::write(&path, &said).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    let written = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(said, written, "{}: run again with COLLIMATE_BLESS=1 if this is right", path.display());
}

#[test]
fn pages_are_as_written() {
    SHOWN.iter().for_each(|algorithm| is_as_written(algorithm, Format::Text, "txt"));
}

#[test]
fn formulas_are_as_written() {
    SHOWN.iter().for_each(|algorithm| is_as_written(algorithm, Format::Latex, "tex"));
}

#[test]
fn programs_are_as_written_and_read_back() {
    for algorithm in SHOWN {
        is_as_written(algorithm, Format::Ir, "program");
        let text = explain(algorithm, Format::Ir);
        assert_eq!(text.parse().as_ref(), Ok(&(algorithm.trace)()), "{text}");
    }
}

#[test]
fn what_machines_read_is_json_and_says_the_same() {
    is_as_written(&SFT, Format::Json, "json");
    for algorithm in collimate::ALL.iter() {
        let json: serde_json::Value = serde_json::from_str(&explain(algorithm, Format::Json))
            .unwrap_or_else(|e| panic!("{}: {e}", algorithm.name));
        let program = (algorithm.trace)();
        assert_eq!(json["name"], algorithm.name.replace('_', "-"));
        assert_eq!(json["steps"].as_array().map(Vec::len), Some(program.nodes.len()));
        assert_eq!(json["loss"].as_u64(), program.root.map(|root| root.index() as u64));
        let latex = format!("{}\n{}", json["latex"].as_str().unwrap(), json["gradient_latex"].as_str().unwrap());
        assert_eq!(latex, explain(algorithm, Format::Latex));
        assert_eq!(json["separable"], eval::separable(&program).is_ok(), "{}", algorithm.name);
        assert_eq!(json["problems"], serde_json::json!([]));
        for (spec, said) in (algorithm.hyper)().iter().zip(json["hyper"].as_array().into_iter().flatten()) {
            assert_eq!((&said["name"], said["default"].as_f64()), (&spec.name.into(), Some(spec.default)));
        }
    }
}
