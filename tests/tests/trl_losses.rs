//! Our presets of TRL's losses give the numbers of TRL's own DPOTrainer and ORPOTrainer, value and gradient, to 1e-6.
//!
//! `golden/trl_losses.json` is what `golden/make_trl_losses.py` wrote: every `loss_type`, and every option that changes
//! the formula, on random log-probabilities.

use collimate::ALL;
use collimate_dsl::ir::SideTag;
use collimate_dsl::{Layout, Reach, eval};
use collimate_tests::golden::close;
use collimate_tests::root;
use serde_json::Value;

const SIDES: [(SideTag, &str); 2] = [(SideTag::Chosen, "chosen"), (SideTag::Rejected, "rejected")];

fn rows(value: &Value) -> Vec<Vec<f64>> {
    serde_json::from_value(value.clone()).expect("a list of lists of numbers")
}

#[test]
fn presets_give_what_trl_gives() {
    let text = std::fs::read_to_string(root().join("tests/golden/trl_losses.json")).expect("it is there");
    let json: Value = serde_json::from_str(&text).expect("it is JSON");
    let (mut layout, mut inputs) = (Layout::default(), eval::Inputs::new());
    for (side, name) in SIDES {
        for who in ["actor", "reference"] {
            inputs.insert(who, "logp", Some(side), rows(&json["numbers"][who][name]).concat());
        }
        let words: Vec<Vec<Vec<f64>>> = serde_json::from_value(json["numbers"]["words"][name].clone()).expect("words");
        layout.words = words[0][0].len();
        inputs.insert("actor", "words", Some(side), words.concat().concat());
        let reach = |(prompt, row): (usize, Vec<f64>)| Reach { prompt, tokens: row.len() };
        let reaches: Vec<Reach> = rows(&json["numbers"]["actor"][name]).into_iter().enumerate().map(reach).collect();
        layout.prompts = reaches.len();
        layout.sides.push((side, reaches));
    }
    let prompts = rows(&json["numbers"]["prompts"]);
    let documents: Vec<Vec<f64>> =
        prompts.iter().zip(rows(&json["numbers"]["actor"]["chosen"])).map(|(p, r)| [&p[..], &r[..]].concat()).collect();
    let reach = |(prompt, row): (usize, &Vec<f64>)| Reach { prompt, tokens: row.len() };
    layout.sides.push((SideTag::Document, documents.iter().enumerate().map(reach).collect()));
    inputs.insert("actor", "logp", Some(SideTag::Document), documents.concat());
    let cases = json["cases"].as_array().expect("a list");
    assert!(cases.len() >= 23, "every loss_type, and the options that change the formula");
    let mut worst = 0.0_f64;
    for case in cases {
        let (name, trl) = (case["ours"].as_str().expect("a name"), &case["trl"]);
        let algorithm = ALL.iter().find(|a| a.name == name).unwrap_or_else(|| panic!("there is no preset `{name}`"));
        let mut settings = algorithm.defaults();
        for (option, value) in settings.iter_mut() {
            *value =
                trl[option].as_f64().unwrap_or_else(|| panic!("`{name}` has `{option}`, TRL's case has not: {trl}"));
        }
        let found = eval::evaluate(&(algorithm.trace)(), &layout, &layout.totals(), &inputs, &settings)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        worst = worst.max(close(name, &[found.loss], &[case["loss"].as_f64().expect("a number")], 1e-6));
        // A document's chosen tokens are the chosen response's: there TRL has one number for both.
        let (mut of_prompts, mut of_chosen) = (Vec::new(), Vec::new());
        let mut rest = found.gradient.get("actor", "logp", Some(SideTag::Document)).unwrap_or_default();
        for (document, prompt) in documents.iter().zip(&prompts).filter(|_| !rest.is_empty()).collect::<Vec<_>>() {
            let (own, others) = rest.split_at(document.len());
            of_prompts.extend_from_slice(&own[..prompt.len()]);
            of_chosen.extend_from_slice(&own[prompt.len()..]);
            rest = others;
        }
        if let Some(expected) = case["gradient"].get("prompts") {
            let expected: Vec<f64> = serde_json::from_value(expected.clone()).expect("numbers");
            close(&format!("{name}: gradient of the prompts"), &of_prompts, &expected, 1e-6);
        }
        for (side, key) in SIDES {
            let expected: Vec<f64> = serde_json::from_value(case["gradient"][key].clone()).expect("numbers");
            let mut gradient =
                found.gradient.get("actor", "logp", Some(side)).map_or(vec![0.0; expected.len()], <[f64]>::to_vec);
            if side == SideTag::Chosen {
                gradient.iter_mut().zip(&of_chosen).for_each(|(sum, more)| *sum += more);
            }
            worst = worst.max(close(&format!("{name}: gradient of {side}"), &gradient, &expected, 1e-6));
        }
    }
    println!("{} cases, at most {worst:.1e} apart", cases.len());
}
