//! The typing table as the verifier sees it, and as the book prints it.

use collimate_dsl::ir::{Depth, KindTag, Op, SideTag, Ty};
use collimate_dsl::rules::{fits, infer, list};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

fn ty(kind: KindTag, depth: Depth, side: Option<SideTag>, live: bool) -> Ty {
    Ty { kind, depth, side, live }
}
fn token(kind: KindTag, side: SideTag) -> Ty {
    ty(kind, Depth::EachToken, Some(side), true)
}
fn response(kind: KindTag, side: SideTag) -> Ty {
    ty(kind, Depth::EachResponse, Some(side), true)
}
fn prompt(kind: KindTag) -> Ty {
    ty(kind, Depth::EachPrompt, None, true)
}
fn number() -> Ty {
    ty(KindTag::Number, Depth::Constant, None, false)
}
fn still(ty: Ty) -> Ty {
    Ty { live: false, ..ty }
}

#[test]
fn chosen_minus_rejected_is_a_margin_for_each_prompt_and_the_reverse_is_nothing() {
    let (chosen, rejected) = (response(KindTag::Reward, SideTag::Chosen), response(KindTag::Reward, SideTag::Rejected));
    assert_eq!(infer(&Op::Minus, &[chosen, rejected]), Some(prompt(KindTag::Margin)));
    assert_eq!(infer(&Op::Minus, &[rejected, chosen]), None);
    assert_eq!(infer(&Op::Plus, &[rejected, chosen]), Some(prompt(KindTag::Reward)));
    let (chosen, rejected) = (token(KindTag::LogProb, SideTag::Chosen), token(KindTag::LogProb, SideTag::Rejected));
    assert_eq!(infer(&Op::Minus, &[chosen, rejected]), None);
    assert_eq!(infer(&Op::Times, &[chosen, rejected]), None);
}

#[test]
fn outer_values_are_shared_by_products_and_not_by_sums() {
    let (inner, outer) = (token(KindTag::Loss, SideTag::Sample), response(KindTag::Loss, SideTag::Sample));
    let weight = still(response(KindTag::Weight, SideTag::Sample));
    assert_eq!(infer(&Op::Times, &[weight, inner]), Some(inner));
    assert_eq!(infer(&Op::Plus, &[inner, outer]), None);
    assert_eq!(infer(&Op::Plus, &[outer, inner]), None);
    let (reward, baseline) =
        (response(KindTag::Reward, SideTag::Sample), ty(KindTag::Baseline, Depth::Batch, None, false));
    assert_eq!(infer(&Op::Minus, &[reward, baseline]), Some(response(KindTag::Advantage, SideTag::Sample)));
}

#[test]
fn weights_and_advantages_are_constants() {
    let (logp, advantage) =
        (response(KindTag::LogProb, SideTag::Sample), response(KindTag::Advantage, SideTag::Sample));
    assert_eq!(infer(&Op::Times, &[logp, advantage]), None);
    let gain = Some(response(KindTag::Gain, SideTag::Sample));
    assert_eq!(infer(&Op::Times, &[logp, still(advantage)]), gain);
    assert_eq!(infer(&Op::Times, &[still(advantage), logp]), gain);
    assert_eq!(infer(&Op::Times, &[still(logp), advantage]), None);
}

#[test]
fn a_reduction_takes_the_innermost_axis() {
    let steps = [token(KindTag::Kl, SideTag::Chosen), response(KindTag::Kl, SideTag::Chosen), prompt(KindTag::Kl)];
    let batch = ty(KindTag::Kl, Depth::Batch, None, true);
    for (from, to) in steps.into_iter().zip([steps[1], steps[2], batch]) {
        assert_eq!(infer(&Op::Total, &[from]), Some(to));
        assert_eq!(infer(&Op::Average, &[from]), Some(to));
        assert_eq!(infer(&Op::AverageAll, &[from]), Some(batch));
    }
    for op in [Op::Total, Op::Average, Op::AverageAll] {
        assert_eq!(infer(&op, &[batch]), None);
        assert_eq!(infer(&op, &[number()]), None);
    }
}

#[test]
fn only_samples_are_compared_within_their_prompt() {
    for op in [Op::OthersMean, Op::GroupMean] {
        assert_eq!(
            infer(&op, &[response(KindTag::Reward, SideTag::Sample)]),
            Some(response(KindTag::Baseline, SideTag::Sample))
        );
        assert_eq!(infer(&op, &[response(KindTag::Reward, SideTag::Answer)]), None);
        assert_eq!(infer(&op, &[token(KindTag::Reward, SideTag::Sample)]), None);
    }
}

#[test]
fn a_recast_keeps_everything_but_the_kind() {
    let (from, to) = (prompt(KindTag::Kl), prompt(KindTag::Loss));
    let recast = Op::Recast("minimised as it is".to_owned());
    assert!(fits(&recast, &[from], to));
    assert!(!fits(&recast, &[from], still(to)));
    assert!(!fits(&recast, &[from], response(KindTag::Loss, SideTag::Sample)));
    assert!(fits(&Op::Constant, &[from], still(from)) && !fits(&Op::Constant, &[from], from));
}

#[test]
fn a_choice_is_as_deep_as_what_is_chosen() {
    let (gain, by) = (response(KindTag::Gain, SideTag::Sample), still(response(KindTag::Advantage, SideTag::Sample)));
    assert_eq!(infer(&Op::Choose, &[by, gain, still(gain)]), Some(gain));
    let inner = token(KindTag::Gain, SideTag::Sample);
    assert_eq!(infer(&Op::Choose, &[by, inner, inner]), Some(inner));
    assert_eq!(infer(&Op::Choose, &[still(token(KindTag::Advantage, SideTag::Sample)), gain, gain]), None);
    assert_eq!(infer(&Op::Choose, &[still(response(KindTag::Prob, SideTag::Sample)), gain, gain]), None);
    assert_eq!(infer(&Op::Choose, &[by, gain, response(KindTag::Loss, SideTag::Sample)]), None);
    assert_eq!(infer(&Op::Choose, &[by, number(), gain]), None, "a number stands last, as in `max(gain, 0)`");
}

#[test]
fn sequences_are_of_tokens_and_orders_of_whole_responses() {
    let (per_token, whole) = (token(KindTag::Reward, SideTag::Sample), response(KindTag::Reward, SideTag::Sample));
    assert_eq!(infer(&Op::Following, &[per_token]), Some(per_token));
    assert_eq!(infer(&Op::DiscountedSum, &[per_token, number()]), Some(token(KindTag::Return, SideTag::Sample)));
    assert_eq!(infer(&Op::AtLast, &[whole]), Some(per_token));
    assert_eq!(infer(&Op::Sorted, &[whole]), Some(whole));
    for (op, args) in [
        (Op::Following, vec![whole]),
        (Op::DiscountedSum, vec![whole, number()]),
        (Op::DiscountedSum, vec![per_token, per_token]),
        (Op::AtLast, vec![per_token]),
        (Op::Sorted, vec![per_token]),
    ] {
        assert_eq!(infer(&op, &args), None, "{op:?}");
    }
    let spread = Ty { kind: KindTag::Spread, ..whole };
    assert_eq!(infer(&Op::GroupSpread, &[whole]), Some(spread));
    assert_eq!(infer(&Op::GroupSpread, &[response(KindTag::Reward, SideTag::Chosen)]), None);
    assert_eq!(infer(&Op::BatchSpread, &[whole]), Some(ty(KindTag::Spread, Depth::Batch, None, true)));
}

#[test]
fn lengths_are_constant_weights() {
    let weight = |depth, side| ty(KindTag::Weight, depth, Some(side), false);
    assert!(fits(&Op::Length, &[], weight(Depth::EachResponse, SideTag::Answer)));
    assert!(!fits(&Op::Length, &[], weight(Depth::EachToken, SideTag::Answer)));
    let overlap = Op::Overlap(SideTag::Rejected);
    assert!(fits(&overlap, &[], weight(Depth::EachToken, SideTag::Chosen)));
    assert!(!fits(&overlap, &[], weight(Depth::EachToken, SideTag::Sample)));
    let live = response(KindTag::Weight, SideTag::Answer);
    assert!(!fits(&Op::Length, &[], live));
}

#[test]
fn limits_are_numbers() {
    let ratio = token(KindTag::Ratio, SideTag::Sample);
    assert_eq!(infer(&Op::Clip, &[ratio, number(), number()]), Some(ratio));
    assert_eq!(infer(&Op::Clip, &[ratio, ratio, number()]), None);
    assert_eq!(infer(&Op::Clip, &[ratio, number()]), None);
}

#[test]
fn every_kind_has_a_negative_and_no_rule_stands_twice() {
    for kind in KindTag::ALL {
        assert!(infer(&Op::Negative, &[prompt(*kind)]).is_some(), "{kind}");
    }
    let rules: Vec<_> = list().into_iter().flat_map(|(_, rules)| rules).map(|r| (r.written, r.provided)).collect();
    assert_eq!(rules.iter().collect::<BTreeSet<_>>().len(), rules.len());
}

/// A kind in code style, words as they are.
fn code(result: &str) -> String {
    if result.contains(['`', ' ']) { result.to_owned() } else { format!("`{result}`") }
}

#[test]
fn the_book_prints_the_table_as_it_is() {
    let mut page = String::from(
        "# The typing table\n\nA kind says what a number means. These are the combinations that mean something; rustc refuses all others.\n",
    );
    for (title, rules) in list() {
        writeln!(page, "\n## {title}\n\n| written | gives | if |\n|---|---|---|").expect("a string takes all");
        for rule in rules {
            writeln!(page, "| `{}` | {} | {} |", rule.written, code(rule.result), rule.provided)
                .expect("a string takes all");
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src/reference/rules.md");
    if std::env::var_os("COLLIMATE_BLESS").is_some() {
        std::fs::write(&path, &page).expect("the book can be written");
    }
    let printed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        printed == page,
        "book/src/reference/rules.md is not the table of dsl/src/rules: run this test with COLLIMATE_BLESS=1"
    );
}
