//! Work that repeats, recorded and replayed.

use crate::support::{back, in_every_order, numbers};
use collimate_emulation::{Emulated, Order};
use collimate_kernels::{
    adamw::AdamW,
    cuda::{
        Element, Numbers, Repeats, Stream, View, adamw,
        matrix::{Matrix, Write, multiply},
        swiglu,
    },
};
use std::sync::atomic::Ordering;

/// A few steps of every kind, from numbers that come from the host and some that lie on the machine already.
fn work(stream: &Stream, weights: &Numbers, x: &[f32]) -> Numbers {
    let rows = x.len() / 4;
    let mut wide = stream.zeros(Element::F32, rows * 6);
    let turned = Matrix::new(weights.view(), 6, 4).transposed();
    {
        let x = stream.upload(Element::F32, x);
        multiply(stream, &mut wide.view_mut(), Write::Add, Matrix::new(x.view(), rows, 4), turned);
    }
    // Given back before the work has begun, its memory must not be what this comes to.
    let shift = stream.upload(Element::F32, &numbers(rows * 3, 77));
    let mut y = stream.numbers(Element::F32, rows * 3);
    swiglu::forward(stream, y.view_mut(), wide.view(), 3);
    drop(wide);
    let ones = Matrix::new(shift.view(), 3 * rows, 1);
    let mut outer = stream.numbers(Element::F32, 9 * rows * rows);
    let row = Matrix::new(y.view(), 1, 3 * rows);
    multiply(stream, &mut outer.view_mut(), Write::Set, ones, row);
    stream.copy(outer.view())
}

/// The work's result for each of these, done step by step.
fn plainly(stream: &Stream, weights: &[f32], each: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let weights = stream.upload(Element::F32, weights);
    each.iter().map(|x| back(stream, &work(stream, &weights, x))).collect()
}

#[test]
fn a_replay_gives_what_the_work_gives_for_what_comes_in() {
    // The same shape again and again, then another, and back.
    let each: Vec<Vec<f32>> =
        [2, 2, 2, 2, 3, 3, 3, 2, 2, 1].iter().zip(1..).map(|(&rows, i)| numbers(4 * rows, i)).collect();
    let weights = numbers(24, 100);
    let results = in_every_order(|stream| {
        let right = plainly(stream, &weights, &each);
        let (repeats, weights) = (Repeats::new(stream.clone()), stream.upload(Element::F32, &weights));
        let ours = each.iter().map(|x| back(stream, &repeats.run(|| work(stream, &weights, x))));
        let ours: Vec<_> = ours.collect();
        assert_eq!(ours, right);
        ours
    });
    assert_eq!(results.len(), each.len());
}

/// An emulated machine, and how often it replayed so far.
fn counted() -> (Stream, impl Fn() -> usize) {
    let machine = Emulated::new(Order::Forward);
    let replays = machine.replays();
    (Stream::new(machine), move || replays.load(Ordering::Relaxed))
}

#[test]
fn what_was_asked_before_is_replayed_and_nothing_else() {
    let (stream, replays) = counted();
    let repeats = Repeats::new(stream.clone());
    let mut weights = stream.upload(Element::F32, &numbers(24, 2));
    let step = |weights: &Numbers, rows: usize| {
        let (before, x) = (replays(), numbers(4 * rows, rows as u64));
        let result = back(&stream, &repeats.run(|| work(&stream, weights, &x)));
        (result, replays() - before)
    };
    // The first has memory of its own, as nobody knew yet how much it would need; the second moves, and is new again.
    let (right, _) = step(&weights, 2);
    assert_eq!(step(&weights, 2).0, right);
    assert_eq!(step(&weights, 2), (right.clone(), 1));
    assert_eq!(step(&weights, 2), (right.clone(), 1));
    // Smaller work is new, fits in, and does not disturb it.
    let (small, new) = step(&weights, 1);
    assert_eq!((new, step(&weights, 2)), (0, (right.clone(), 1)));
    assert_eq!(step(&weights, 1), (small, 1));

    // A pointer that has changed: the old one would be read in vain.
    let moved = stream.upload(Element::F32, &numbers(24, 3));
    let (changed, new) = step(&moved, 2);
    assert_ne!(changed, right);
    assert_eq!((new, step(&moved, 2)), (0, (changed.clone(), 1)));
    // The same memory with other numbers in it needs no new recording.
    stream.replace(weights.view_mut(), &numbers(24, 3));
    drop(moved);
    assert_eq!(step(&weights, 2), (changed.clone(), 1));

    // What somebody still holds is not overwritten, and what has another place is new.
    let (before, x) = (replays(), numbers(8, 2));
    let held = repeats.run(|| work(&stream, &weights, &x));
    assert_eq!(replays() - before, 1);
    let other = repeats.run(|| work(&stream, &weights, &x));
    assert_eq!(replays() - before, 1);
    assert_eq!((back(&stream, &held), back(&stream, &other)), (changed.clone(), changed.clone()));
    drop((held, other));
    // Larger work moves everything, once.
    let (large, _) = step(&weights, 5);
    for _ in 0..2 {
        assert_eq!((step(&weights, 5).0, step(&weights, 2).0), (large.clone(), changed.clone()));
    }
    assert_eq!((step(&weights, 5), step(&weights, 2)), ((large, 1), (changed, 1)));
    stream.check().unwrap();
}

#[test]
fn a_number_that_changes_is_not_missed() {
    let (stream, replays) = counted();
    let repeats = Repeats::new(stream.clone());
    let x = stream.upload(Element::F32, &numbers(12, 1));
    // The kernel is told where to stop: an argument that is no address.
    let take = |count: usize| {
        let part: View<'_> = x.view().part(0..2 * count);
        let y = repeats.run(|| {
            let mut y = stream.zeros(Element::F32, 6);
            swiglu::forward(&stream, y.view_mut().part(0..count), part, 1);
            y
        });
        back(&stream, &y).iter().filter(|y| **y != 0.0).count()
    };
    assert_eq!([6, 6, 6].map(take), [6; 3]);
    let before = replays();
    assert_eq!([4, 6, 4, 6].map(take), [4, 6, 4, 6]);
    assert_eq!(replays() - before, 3);
}

#[test]
fn an_update_that_is_replayed_has_the_rate_and_the_step_of_now() {
    let steps: Vec<AdamW> = (1..=8)
        .map(|step| AdamW {
            rate: 1e-2 / step as f64,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            decay: if step == 5 { 0.0 } else { 0.1 },
            step,
            factor: 1.0 / (step as f64 + 1.0),
        })
        .collect();
    let go = |repeats: Option<&Repeats>, stream: &Stream| {
        let mut master = stream.upload(Element::F32, &numbers(300, 1));
        let mut copy = stream.upload(Element::Bf16, &numbers(300, 1));
        let [mut first, mut second, mut gradient] = [0; 3].map(|_| stream.zeros(Element::F32, 300));
        let mut all = Vec::new();
        for &adam in &steps {
            stream.replace(gradient.view_mut(), &numbers(300, 10 + adam.step));
            let mut update = || {
                let factors = adamw::Factors::new(stream, adam);
                let parts = adamw::Parts {
                    master: master.view_mut(),
                    copy: Some(copy.view_mut()),
                    gradient: gradient.view_mut(),
                    first: first.view_mut(),
                    second: second.view_mut(),
                };
                adamw::update(stream, parts, &factors);
            };
            match repeats {
                Some(repeats) => repeats.run(update),
                None => update(),
            }
            all.push(back(stream, &master));
        }
        all.push(back(stream, &copy));
        all
    };
    let (stream, replays) = counted();
    let right = go(None, &stream);
    assert!(right[..8].windows(2).all(|pair| pair[0] != pair[1]));
    assert_eq!(go(Some(&Repeats::new(stream.clone())), &stream), right);
    assert!(replays() >= 6, "{}", replays());
    stream.check().unwrap();
}

#[test]
fn memory_is_given_back_and_old_lists_are_forgotten() {
    let (stream, replays) = counted();
    let weights = stream.upload(Element::F32, &numbers(24, 2));
    let repeats = Repeats::new(stream.clone());
    let run = |rows: usize| drop(repeats.run(|| work(&stream, &weights, &numbers(4 * rows, 1))));
    (1..=70).rev().for_each(run);
    let before = stream.memory().0;
    run(69);
    run(70);
    assert_eq!(replays(), 0, "too long ago");
    run(70);
    run(50);
    assert_eq!((stream.memory().0, replays()), (before, 2));
    drop((repeats, weights));
    assert_eq!(stream.memory().0, 0);
    stream.check().unwrap();
}

#[test]
fn nothing_comes_back_and_nothing_is_replaced_in_the_middle() {
    let (stream, _) = counted();
    let mut weights = stream.upload(Element::F32, &numbers(24, 2));
    let repeats = Repeats::new(stream.clone());
    repeats.run(|| {
        let y = work(&stream, &weights, &numbers(8, 1));
        drop(back(&stream, &y));
    });
    assert!(stream.check().unwrap_err().contains("downloaded in the middle of work that repeats"));
    repeats.run(|| stream.replace(weights.view_mut(), &numbers(24, 3)));
    assert!(stream.check().unwrap_err().contains("replaced in the middle of work that repeats"));
}
