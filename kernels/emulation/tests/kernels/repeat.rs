//! Work that repeats, recorded and replayed.

use crate::support::{back, in_every_order, numbers};
use collimate_emulation::{Emulated, Order};
use collimate_kernels::cuda::{
    Element, Numbers, Repeats, Stream, View,
    matrix::{Matrix, Write, multiply},
    swiglu,
};
use std::sync::atomic::Ordering;

/// A few steps of every kind, from numbers that come from the host and some that lie on the machine already.
fn work(stream: &Stream, weights: &Numbers, x: &[f32]) -> Numbers {
    let x = stream.upload(Element::F32, x);
    let rows = x.len() / 4;
    let mut wide = stream.zeros(Element::F32, rows * 6);
    let turned = Matrix::new(weights.view(), 6, 4).transposed();
    multiply(stream, &mut wide.view_mut(), Write::Add, Matrix::new(x.view(), rows, 4), turned);
    let mut y = stream.numbers(Element::F32, rows * 3);
    swiglu::forward(stream, y.view_mut(), wide.view(), 3);
    stream.copy(y.view())
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
        let ours = each.iter().map(|x| back(stream, &repeats.run(x.len(), || work(stream, &weights, x))));
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
fn what_is_the_same_as_the_last_time_is_replayed_and_nothing_else() {
    let (stream, replays) = counted();
    let repeats = Repeats::new(stream.clone());
    let x = numbers(8, 1);
    let mut weights = stream.upload(Element::F32, &numbers(24, 2));
    let step = |weights: &Numbers, key: usize| back(&stream, &repeats.run(key, || work(&stream, weights, &x)));
    let right = step(&weights, 0);
    assert_eq!((replays(), step(&weights, 0) == right, replays()), (0, true, 1));
    step(&weights, 0);
    assert_eq!(replays(), 2);
    // Another kind of work does not disturb it.
    step(&weights, 1);
    assert_eq!((step(&weights, 0) == right, replays()), (true, 3));

    // A pointer that has changed: the old one would be read in vain.
    let moved = stream.upload(Element::F32, &numbers(24, 3));
    let changed = step(&moved, 0);
    assert_eq!((changed == right, replays()), (false, 3));
    assert_eq!((step(&moved, 0) == changed, replays()), (true, 4));
    // The same memory with other numbers in it needs no new recording.
    stream.replace(weights.view_mut(), &numbers(24, 3));
    drop(moved);
    assert_eq!(step(&weights, 0), changed);
    assert_eq!((step(&weights, 0) == changed, replays()), (true, 5));
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
        let y = repeats.run(7, || {
            let mut y = stream.zeros(Element::F32, 6);
            swiglu::forward(&stream, y.view_mut().part(0..count), part, 1);
            y
        });
        back(&stream, &y).iter().filter(|y| **y != 0.0).count()
    };
    assert_eq!([6, 6, 4, 4, 6].map(take), [6, 6, 4, 4, 6]);
    assert_eq!(replays(), 2);
}

#[test]
fn memory_is_given_back_and_old_kinds_are_forgotten() {
    let (stream, _) = counted();
    let weights = stream.upload(Element::F32, &numbers(24, 2));
    let repeats = Repeats::new(stream.clone());
    for key in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 12, 11, 1] {
        let y = repeats.run(key, || work(&stream, &weights, &numbers(4 * key, 1)));
        assert_eq!(y.len(), 3 * key);
    }
    // Of other sizes under the same key: what no longer fits is given back at once.
    let before = stream.memory().0;
    drop(repeats.run(1, || work(&stream, &weights, &numbers(40, 1))));
    drop(repeats.run(1, || work(&stream, &weights, &numbers(4, 1))));
    assert_eq!(stream.memory().0, before);
    drop((repeats, weights));
    assert_eq!(stream.memory().0, 0);
    stream.check().unwrap();
}

#[test]
fn nothing_comes_back_in_the_middle() {
    let (stream, _) = counted();
    let weights = stream.upload(Element::F32, &numbers(24, 2));
    Repeats::new(stream.clone()).run(0, || {
        let y = work(&stream, &weights, &numbers(8, 1));
        drop(back(&stream, &y));
    });
    assert!(stream.check().unwrap_err().contains("in the middle of work that repeats"));
}
