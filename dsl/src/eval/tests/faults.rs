//! What is wrong with a batch is said in one line.

use super::programs;
use crate::by_hand::{Hand, Noise, dpo, inputs, layout, settings};
use crate::eval::{Inputs, Settings, evaluate};
use crate::ir::{Depth, KindTag, Op, Program, SideTag, Ty};
use crate::{Layout, Totals};

struct Case {
    program: Program,
    layout: Layout,
    totals: Totals,
    inputs: Inputs,
    settings: Settings,
}

impl Case {
    fn new(program: Program) -> Self {
        let mut noise = Noise(6);
        let layout = layout(3, &mut noise);
        let inputs = inputs(&program, &layout, &mut noise);
        Case { totals: layout.totals(), program, layout, inputs, settings: programs::all_settings() }
    }

    fn fault(&self) -> String {
        let found = evaluate(&self.program, &self.layout, &self.totals, &self.inputs, &self.settings);
        let line = found.unwrap_err().to_string();
        assert!(!line.contains('\n'), "{line}");
        line
    }
}

const CHOSEN: Option<SideTag> = Some(SideTag::Chosen);

#[test]
fn a_faulty_input_is_named() {
    let mut case = Case::new(dpo());
    let values = case.inputs.get_mut("reference", "logp", CHOSEN).unwrap();
    values[2] = f64::NAN;
    assert_eq!(case.fault(), "`reference.logp` of Chosen is NaN at index 2: every value must be a finite number");
    let values = case.inputs.get_mut("reference", "logp", CHOSEN).unwrap();
    let tokens = values.len();
    values.pop();
    assert_eq!(
        case.fault(),
        format!(
            "`reference.logp` of Chosen has {} values, the batch has {tokens} tokens of Chosen: give one value for each",
            tokens - 1
        )
    );
    case.inputs = Inputs::new();
    assert_eq!(case.fault(), "`actor.logp` of Chosen is missing: the program reads it at by_hand.rs:2:5");
}

#[test]
fn a_faulty_setting_is_named() {
    let mut case = Case::new(dpo());
    case.settings = settings(&[("beta", f64::INFINITY)]);
    assert_eq!(case.fault(), "hyper-parameter `beta` is inf: set it to a finite number");
    case.settings = settings(&[("eta", 0.1)]);
    assert_eq!(case.fault(), "hyper-parameter `beta` has no value: set it, the program reads it at by_hand.rs:1:5");
}

#[test]
fn a_layout_that_contradicts_itself_is_refused() {
    let fault = |change: fn(&mut Case)| {
        let mut case = Case::new(dpo());
        change(&mut case);
        case.fault()
    };
    assert!(fault(|case| case.totals.prompts = 2).contains("3 prompts but its totals count 2"));
    assert!(fault(|case| case.totals.sides.clear()).contains("responses"));
    assert!(fault(|case| case.layout.sides[0].1[1].prompt = 7).contains("prompt 7 of 3"));
    assert!(fault(|case| case.layout.sides[0].1[2].prompt = 0).contains("sort by prompt"));
    assert!(fault(|case| case.layout.sides[1].1[0].tokens = 0).contains("no tokens"));
    assert!(fault(|case| case.layout.sides[1].0 = SideTag::Chosen).contains("twice"));
}

#[test]
fn two_sides_meet_only_in_pairs() {
    let mut case = Case::new(dpo());
    // The second prompt has two chosen responses, the third none.
    case.layout.sides[0].1[2].prompt = 1;
    assert_eq!(
        case.fault(),
        "prompt 1 has 2 responses of Chosen, `-` of two sides needs exactly one: use pairs (written at by_hand.rs:13:5)"
    );
}

#[test]
fn a_single_response_has_no_others() {
    let mut case = Case::new(programs::leave_one_out_squared());
    case.layout.sides[2].1.truncate(1);
    case.totals = case.layout.totals();
    case.inputs = inputs(&case.program, &case.layout, &mut Noise(7));
    assert!(case.fault().starts_with("prompt 0 has 1 response of Sample, `leave_one_out` needs at least 2"));
}

#[test]
fn an_average_over_nothing_is_refused() {
    let mut case = Case::new(programs::separable().pop().unwrap());
    case.layout.sides[2].1.clear();
    case.totals = case.layout.totals();
    case.inputs = inputs(&case.program, &case.layout, &mut Noise(8));
    assert!(case.fault().starts_with("`batch_mean` over nothing"), "{}", case.fault());
}

#[test]
fn a_result_that_is_no_number_names_the_step_it_came_from() {
    let mut hand = Hand::new("logarithm");
    let ty = Ty { kind: KindTag::Ratio, depth: Depth::EachPrompt, side: None, live: true };
    let x = hand.input("actor", "ratio", ty);
    let logarithm = hand.op(Op::Logarithm, KindTag::LogRatio, &[x]);
    let square = hand.op(Op::Square, KindTag::Loss, &[logarithm]);
    let mut case = Case::new(hand.mean_loss(square));
    case.inputs.insert("actor", "ratio", None, vec![1.0, -1.0, 2.0]);
    assert_eq!(
        case.fault(),
        "the loss is not a finite number: the first step to leave the finite numbers is %1, `ln`, at by_hand.rs:2:5"
    );
}

#[test]
fn an_infinity_that_is_taken_away_again_is_no_fault() {
    let mut hand = Hand::new("capped");
    let ty = Ty { kind: KindTag::LogRatio, depth: Depth::EachPrompt, side: None, live: true };
    let x = hand.input("actor", "change", ty);
    let ratio = hand.op(Op::Exponential, KindTag::Ratio, &[x]);
    let (low, high) = (hand.number(0.8), hand.number(1.2));
    let held = hand.op(Op::Clip, KindTag::Ratio, &[ratio, low, high]);
    let mut case = Case::new(hand.mean_loss(held));
    case.inputs.insert("actor", "change", None, vec![1e4, -1e4, 0.0]);
    let found = evaluate(&case.program, &case.layout, &case.totals, &case.inputs, &case.settings).unwrap();
    assert!((found.loss - 1.0).abs() < 1e-15);
    assert_eq!(found.gradient.get("actor", "change", None), Some(&[0.0, 0.0, 1.0 / 3.0][..]));
}

#[test]
fn an_empty_clip_is_refused() {
    let mut hand = Hand::new("clip");
    let x = hand.logp("actor", SideTag::Chosen);
    let (low, high) = (hand.number(1.0), hand.parameter("epsilon"));
    let held = hand.op(Op::Clip, KindTag::Loss, &[x, low, high]);
    let case = Case::new(hand.mean_loss(held));
    assert!(case.fault().starts_with("`clamp` between 1 and 0.2 holds nothing: swap them"));
}

#[test]
fn a_program_without_a_loss_is_refused() {
    let mut case = Case::new(dpo());
    case.program.root = None;
    assert!(case.fault().starts_with("the program has no loss for the whole batch"));
}
