//! A batch cut in parts gives the numbers of the whole.

use super::programs;
use crate::by_hand::{Hand, Noise, dpo, inputs, layout, shifted};
use crate::eval::{Inputs, evaluate, separable};
use crate::ir::{Depth, KindTag, Op, Program, Ty};
use crate::{Layout, Reach};
use std::ops::Range;

/// The responses to these prompts, as a range of a side's responses.
fn within(reaches: &[Reach], prompts: &Range<usize>) -> Range<usize> {
    let from = reaches.iter().filter(|r| r.prompt < prompts.start).count();
    from..from + reaches.iter().filter(|r| prompts.contains(&r.prompt)).count()
}

/// The layout of the part of a batch with these prompts.
fn part(layout: &Layout, prompts: &Range<usize>) -> Layout {
    let sides = layout.sides.iter().map(|(side, reaches)| {
        let here = reaches[within(reaches, prompts)].iter().map(|r| Reach { prompt: r.prompt - prompts.start, ..*r });
        (*side, here.collect())
    });
    Layout { prompts: prompts.len(), sides: sides.collect(), words: layout.words }
}

/// Which elements of a value belong to these prompts.
fn elements(layout: &Layout, prompts: &Range<usize>, ty: Ty) -> Range<usize> {
    let all = ty.side.map_or(&[][..], |side| layout.side(side));
    let responses = within(all, prompts);
    let tokens = |reaches: &[Reach]| reaches.iter().map(|r| r.tokens).sum::<usize>();
    match ty.depth {
        Depth::Constant | Depth::Batch => 0..1,
        Depth::EachPrompt => prompts.clone(),
        Depth::EachResponse => responses,
        Depth::EachToken | Depth::EachWord => {
            let each = if ty.depth == Depth::EachWord { layout.words } else { 1 };
            let from = each * tokens(&all[..responses.start]);
            from..from + each * tokens(&all[responses])
        }
    }
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * (1.0 + a.abs().max(b.abs()))
}

/// The largest difference is returned as a sentence, nothing if the parts add up to the whole.
fn difference(program: &Program, layout: &Layout, inputs: &Inputs, cuts: &[usize]) -> Option<String> {
    let settings = programs::all_settings();
    let totals = layout.totals();
    let whole = evaluate(program, layout, &totals, inputs, &settings).unwrap();
    let mut loss = 0.0;
    let mut metrics = whole.metrics.clone();
    metrics.iter_mut().for_each(|m| (m.sum, m.count) = (0.0, 0));
    for ends in cuts.windows(2) {
        let prompts = ends[0]..ends[1];
        let cut = part(layout, &prompts);
        let mut own = Inputs::new();
        for (_, owner, field, ty) in program.inputs() {
            own.insert(
                owner,
                field,
                ty.side,
                inputs.get(owner, field, ty.side).unwrap()[elements(layout, &prompts, ty)].to_vec(),
            );
        }
        let share = evaluate(program, &cut, &totals, &own, &settings).unwrap();
        loss += share.loss;
        for (sum, part) in metrics.iter_mut().zip(share.metrics) {
            sum.sum += part.sum;
            sum.count += part.count;
        }
        for (_, owner, field, ty) in program.inputs().filter(|(.., ty)| ty.live) {
            let of = |e: &Inputs| e.get(owner, field, ty.side).unwrap().to_vec();
            let expected = &of(&whole.gradient)[elements(layout, &prompts, ty)];
            if !of(&share.gradient).iter().zip(expected).all(|(a, b)| close(*a, *b)) {
                return Some(format!("{}: gradient of {owner}.{field}", program.name));
            }
        }
    }
    if !close(loss, whole.loss) {
        return Some(format!("{}: loss {loss}, whole {}", program.name, whole.loss));
    }
    let parted = metrics.iter().zip(&whole.metrics).find(|(a, b)| !close(a.mean().unwrap(), b.mean().unwrap()));
    parted.map(|(a, b)| format!("{}: {a:?}, whole {b:?}", program.name))
}

#[test]
fn the_number_does_not_depend_on_how_the_batch_was_cut() {
    let mut noise = Noise(4);
    for program in programs::separable() {
        assert_eq!(separable(&program), Ok(()), "{}", program.name);
        for cuts in [&[0, 6][..], &[0, 1, 6], &[0, 2, 4, 6], &[0, 1, 2, 3, 4, 5, 6], &[0, 5, 5, 6]] {
            let layout = layout(6, &mut noise);
            let inputs = inputs(&program, &layout, &mut noise);
            assert_eq!(difference(&program, &layout, &inputs, cuts), None, "cut at {cuts:?}");
        }
    }
}

#[test]
fn a_program_that_must_stay_whole_is_told_from_one_that_may_be_cut() {
    let mut noise = Noise(5);
    let program = shifted();
    let layout = layout(6, &mut noise);
    let inputs = inputs(&program, &layout, &mut noise);
    assert!(difference(&program, &layout, &inputs, &[0, 3, 6]).is_some());
    let why = separable(&program).unwrap_err();
    assert_eq!(program.node(why.node).op, Op::EveryPrompt);
    assert_eq!(
        why.to_string(),
        "`every_prompt` of a value of the whole batch cannot be put together from parts of the batch (by_hand.rs:16:5)"
    );
}

/// DPO whose finished loss is changed once more.
fn ending(change: impl FnOnce(&mut Hand, crate::ir::Id) -> crate::ir::Id) -> Program {
    let program = dpo();
    let root = program.root.unwrap();
    let mut hand = Hand { program };
    let changed = change(&mut hand, root);
    hand.mean_loss(changed)
}

#[test]
fn only_sums_and_fixed_factors_may_follow_a_mean_over_the_batch() {
    let reason = |program| separable(&program).map_err(|why| why.reason);
    let scaled = ending(|hand, loss| {
        let beta = hand.parameter("beta");
        let part = hand.op(Op::Times, KindTag::Loss, &[beta, loss]);
        let rest = hand.op(Op::Over, KindTag::Loss, &[loss, beta]);
        hand.op(Op::Plus, KindTag::Loss, &[part, rest])
    });
    assert_eq!(reason(scaled), Ok(()));
    let shifted = ending(|hand, loss| {
        let one = hand.number(1.0);
        hand.op(Op::Minus, KindTag::Loss, &[loss, one])
    });
    assert!(reason(shifted).unwrap_err().contains("count the number once more"));
    for op in [Op::Square, Op::Magnitude, Op::Exponential] {
        let bent = ending(|hand, loss| hand.op(op, KindTag::Loss, &[loss]));
        assert!(reason(bent).unwrap_err().contains("cannot be put together"));
    }
    let product = ending(|hand, loss| hand.op(Op::Times, KindTag::Loss, &[loss, loss]));
    assert!(reason(product).unwrap_err().contains("`*`"));
    let fixed = ending(|hand, _| {
        let one = hand.number(1.0);
        hand.op(Op::AverageAll, KindTag::Loss, &[one])
    });
    assert!(reason(fixed).unwrap_err().contains("no sum over the batch"));
}

#[test]
fn a_step_that_nothing_reads_does_not_keep_the_batch_whole() {
    let unread = |read: bool| {
        let program = dpo();
        let root = program.root.unwrap();
        let mut hand = Hand { program };
        let bent = hand.op(Op::Square, KindTag::Loss, &[root]);
        hand.op(Op::Exponential, KindTag::Loss, &[bent]);
        if read {
            hand.report("bent", bent);
        }
        separable(&hand.mean_loss(root)).is_ok()
    };
    assert!(unread(false));
    assert!(!unread(true));
}
