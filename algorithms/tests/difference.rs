//! What `collimate diff` says of the built-in algorithms and presets.

use collimate::explain::difference;
use collimate::{ALL, Algorithm};

fn named(name: &str) -> &'static Algorithm {
    ALL.iter().find(|algorithm| algorithm.name == name).unwrap_or_else(|| panic!("no `{name}`"))
}

fn page(first: &str, second: &str) -> String {
    difference(named(first), named(second))
}

/// The lines under a title.
fn section<'a>(page: &'a str, title: &str) -> Vec<&'a str> {
    page.lines().skip_while(|line| *line != title).skip(1).take_while(|line| !line.is_empty()).collect()
}

#[test]
fn every_algorithm_is_identical_with_itself() {
    for algorithm in ALL.iter() {
        let page = difference(algorithm, algorithm);
        assert!(section(&page, "Formula")[0] == "  identical" && !page.contains("They part at"), "{page}");
        assert_eq!(page.matches("\n\n").count(), 1, "only the formula has a section: {page}");
    }
}

#[test]
fn a_preset_parts_from_the_paper_at_one_step() {
    let page = page("ipo", "ipo@trl");
    let formula = [
        "  − h(y) = Σₜ (log π(yₜ) − log π_ref(yₜ))",
        "  + h(y) = meanₜ (log π(yₜ) − log π_ref(yₜ))",
        "    L    = mean over prompts of (h(y⁺) − h(y⁻) − 1 / (2β))²",
    ];
    assert_eq!(section(&page, "Formula"), formula);
    let parting = section(&page, "They part at");
    assert!(parting[0].starts_with("  ipo      Σₜ (log π(y⁺ₜ) − log π_ref(y⁺ₜ))"), "{parting:?}");
    assert!(parting[1].starts_with("  ipo@trl  meanₜ (log π(y⁺ₜ) − log π_ref(y⁺ₜ))"), "{parting:?}");
    assert!(parting[1].contains("ipo.rs:"), "{parting:?}");
    assert_eq!(section(&page, "Averages").len(), 2);
    assert_eq!(section(&page, "Data"), [""; 0]);
}

#[test]
fn what_a_preset_has_besides_is_listed() {
    let page = page("dpo", "dpo@trl");
    assert_eq!(section(&page, "Hyper-parameters"), ["  − label_smoothing  default 0, at least 0, below 0.5"]);
    let page = difference(named("dpo"), named("rpo_sq"));
    assert_eq!(section(&page, "Data"), ["  + chosen_score", "  + rejected_score"]);
}

#[test]
fn the_same_formula_written_otherwise_is_identical() {
    for (first, second) in [("hinge", "hinge@trl"), ("exo", "exo@trl"), ("kto", "kto@trl"), ("robust", "robust@trl")] {
        assert_eq!(section(&page(first, second), "Formula")[0], "  identical", "{first} and {second}");
    }
    assert_ne!(section(&page("dpo", "hinge"), "Formula")[0], "  identical");
}
