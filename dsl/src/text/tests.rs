//! What is printed is read back, and what is no program is pointed at.

use super::{parse, print};
use crate::by_hand::{Hand, Noise, every_op};
use crate::ir::{Depth, Id, KindTag, Metric, Node, Op, Place, Program, SideTag, State, Ty};

const NAMES: [&str; 10] =
    ["beta", "actor", "rewards/chosen", "ipo@peer", "two words", "", "\"", "a\\b\n\t\r\u{7}", "σ·π", ".-/@"];
const FILES: [&str; 7] = ["src/dpo.rs", "", "C:\\my files\\a.rs", " spaced ", "\"quoted\"", "two\nlines", "a:1:2#b"];
const DEPTHS: [Depth; 6] =
    [Depth::Constant, Depth::Batch, Depth::EachPrompt, Depth::EachResponse, Depth::EachToken, Depth::EachWord];

fn one<T: Clone>(of: &[T], noise: &mut Noise) -> T {
    of[noise.below(of.len())].clone()
}

fn number(noise: &mut Noise) -> f64 {
    match noise.below(4) {
        0 => one(&[0.0, -0.0, 1.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, f64::MAX, 1e-300], noise),
        1 => noise.between(-3.0, 3.0),
        // Any bits at all, so that no digit is lost; what is no number is equal to nothing, not even to itself.
        _ => Some(f64::from_bits(noise.bits())).filter(|x| !x.is_nan()).unwrap_or(0.5),
    }
}

/// A program with every sort of node in it; it need not mean anything.
fn random(noise: &mut Noise) -> Program {
    let name = |noise: &mut Noise| one(&NAMES, noise).to_owned();
    let mut program = Program { name: name(noise), ..Program::default() };
    for i in 0..noise.below(40) {
        let op = match one(&every_op(), noise) {
            Op::Input { .. } => Op::Input { owner: name(noise), field: name(noise) },
            Op::Parameter(_) => Op::Parameter(name(noise)),
            Op::Literal(_) => Op::Literal(number(noise)),
            Op::Recast(_) => Op::Recast(name(noise)),
            other => other,
        };
        if op.arity() > i {
            continue;
        }
        let before = program.nodes.len();
        if before == 0 && op.arity() > 0 {
            continue;
        }
        let args = (0..op.arity()).map(|_| Id::new(noise.below(before))).collect();
        let side = (noise.below(2) == 0).then(|| one(SideTag::ALL, noise));
        let ty = Ty { kind: one(KindTag::ALL, noise), depth: one(&DEPTHS, noise), side, live: noise.below(2) == 0 };
        let at = |noise: &mut Noise| u32::try_from(noise.below(300)).unwrap();
        let place = Place { file: one(&FILES, noise).into(), line: at(noise), column: at(noise) };
        let place = if noise.below(4) == 0 { Place::default() } else { place };
        program.nodes.push(Node { op, args, ty, place });
    }
    let steps = program.nodes.len();
    if steps > 0 {
        program.root = (noise.below(4) > 0).then(|| Id::new(noise.below(steps)));
        for _ in 0..noise.below(4) {
            program.metrics.push(Metric { name: name(noise), node: Id::new(noise.below(steps)) });
        }
        for _ in 0..noise.below(3) {
            let next = (0..noise.below(3)).map(|_| Id::new(noise.below(steps))).collect();
            program.states.push(State { name: name(noise), initial: Id::new(noise.below(steps)), next });
        }
    }
    program
}

#[test]
fn what_is_printed_is_read_back_as_it_was() {
    let mut noise = Noise(11);
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..2000 {
        let program = random(&mut noise);
        let text = print(&program);
        assert_eq!(parse(&text).as_ref(), Ok(&program), "round {round}:\n{text}");
        seen.extend(program.nodes.iter().map(|node| node.op.word()));
    }
    for op in every_op() {
        assert!(seen.contains(op.word()), "no program had {op:?}");
    }
}

#[test]
fn damaged_text_is_refused_or_read_but_never_panics() {
    let mut noise = Noise(12);
    for _ in 0..300 {
        let mut text: Vec<char> = print(&random(&mut noise)).chars().collect();
        for _ in 0..8 {
            let at = noise.below(text.len());
            match noise.below(3) {
                0 => drop(text.remove(at)),
                1 => text[at] = one(&['%', '"', ':', ' ', '9', '\\', '\n', 'σ'], &mut noise),
                _ => text.truncate(at + 1),
            }
            if text.is_empty() {
                break;
            }
            let _ = parse(&text.iter().collect::<String>());
        }
    }
}

#[test]
fn a_program_reads_well() {
    let mut hand = Hand::new("cross-entropy");
    let logp = hand.logp("actor", SideTag::Chosen);
    let sum = hand.op(Op::Total, KindTag::LogProb, &[logp]);
    let (temperature, two) = (hand.parameter("temperature"), hand.number(2.0));
    let scale = hand.op(Op::Times, KindTag::Number, &[temperature, two]);
    let scaled = hand.op(Op::Over, KindTag::LogProb, &[sum, scale]);
    let held = hand.op(Op::Larger, KindTag::LogProb, &[scaled, two]);
    let lost = hand.op(Op::Negative, KindTag::Loss, &[held]);
    let loss = hand.op(Op::Recast("as it is".into()), KindTag::Loss, &[lost]);
    hand.report("logps/chosen", sum);
    let expected = r#"program cross-entropy

%0 = input actor.logp       : LogProb per token of Chosen, grad     # by_hand.rs:1:5
%1 = sum %0                 : LogProb per response of Chosen, grad  # by_hand.rs:2:5
%2 = parameter temperature  : Number                                # by_hand.rs:3:5
%3 = number 2.0             : Number                                # by_hand.rs:4:5
%4 = %2 * %3                : Number                                # by_hand.rs:5:5
%5 = %1 / %4                : LogProb per response of Chosen, grad  # by_hand.rs:6:5
%6 = max %5 %3              : LogProb per response of Chosen, grad  # by_hand.rs:7:5
%7 = -%6                    : Loss per response of Chosen, grad     # by_hand.rs:8:5
%8 = treat_as %7 "as it is" : Loss per response of Chosen, grad     # by_hand.rs:9:5
%9 = batch_mean %8          : Loss per batch, grad                  # by_hand.rs:10:5

loss %9
metric logps/chosen %1
"#;
    let mean = hand.op(Op::AverageAll, KindTag::Loss, &[loss]);
    assert_eq!(hand.mean_loss(mean).to_string(), expected);
}

fn fault(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn a_fault_is_pointed_at() {
    let line = |line: &str| fault(&format!("program p\n%0 = input actor.logp : LogProb\n{line}"));
    assert_eq!(line("%2 = sum %0 : Loss"), "line 3, column 1: expected `%1`: steps are numbered in order");
    assert_eq!(line("%1 = sum %1 : Loss"), "line 3, column 10: expected an earlier step, `%1` is none");
    assert_eq!(line("%1 = %0 ? %0 : Loss"), "line 3, column 9: expected one of `+` `-` `*` `/`");
    assert_eq!(
        line("%1 = summe %0 : Loss"),
        "line 3, column 6: expected an operation, e.g. `input actor.logp`, `sum %0` or `%0 - %1`"
    );
    assert_eq!(line("%1 = min %0 : Loss"), "line 3, column 13: expected a step, e.g. `%0`");
    assert_eq!(line("%1 = sum %0 %0 : Loss"), "line 3, column 13: expected `:`");
    assert_eq!(line("%1 = sum %0"), "line 3, column 12: expected `:`");
    assert_eq!(line("%1 = sum %0 : Lost"), "line 3, column 15: expected what the number means, e.g. `LogProb`");
    assert_eq!(
        line("%1 = sum %0 : Loss per Prompt"),
        "line 3, column 24: expected `batch`, `prompt`, `response`, `token` or `word`"
    );
    assert_eq!(line("%1 = sum %0 : Loss of Both"), "line 3, column 23: expected a side, e.g. `Chosen`");
    assert_eq!(line("%1 = sum %0 : Loss, live"), "line 3, column 21: expected `grad`");
    assert_eq!(
        line("%1 = sum %0 : Loss # here"),
        "line 3, column 22: expected where the step was written, e.g. `src/dpo.rs:14:9`"
    );
    assert_eq!(line("%1 = number one : Loss"), "line 3, column 13: expected a number, e.g. `0.5`");
    assert_eq!(line("%1 = treat_as %0 why : Loss"), "line 3, column 18: expected text in double quotes");
    assert_eq!(line("%1 = treat_as %0 \"why : Loss"), "line 3, column 29: expected a closing `\"`");
    assert_eq!(line("loss %3"), "line 3, column 6: expected an earlier step, `%3` is none");
    assert_eq!(line("loss %0\nloss %0"), "line 4, column 6: expected only one loss");
    assert_eq!(line("loss %0 %0"), "line 3, column 9: expected the end of the line");
    assert_eq!(
        line("loss %0\n%1 = sum %0 : Loss"),
        "line 4, column 1: expected no more steps after `loss`, `state` and `metric`"
    );
    assert_eq!(line("stop"), "line 3, column 1: expected a step such as `%0 = …`, `loss`, `state` or `metric`");
    assert_eq!(fault(""), "line 1, column 1: expected `program` and its name");
    assert_eq!(fault("%0 = number 1"), "line 1, column 1: expected `program` and its name before everything else");
}

#[test]
fn blank_lines_and_remarks_may_stand_anywhere() {
    let text = "# a remark\n\nprogram p\n  # another\n%0 = number 1 : Number\n\n   loss %0  \n";
    let mut hand = Hand::new("p");
    let number = hand.number(1.0);
    hand.program.root = Some(number);
    hand.program.nodes[0].place = Place::default();
    assert_eq!(parse(text), Ok(hand.program));
}
