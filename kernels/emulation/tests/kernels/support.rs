//! What the tests of the kernels share.

#[path = "../../../src/check.rs"]
mod check;

pub(crate) use check::{assert_close, numbers, slope, wide};
use collimate_emulation::{Order, machine};
use collimate_kernels::cuda::{Element, Numbers, Stream};

/// How numbers may be stored, and how far a result may be from the right one then.
pub(crate) const STORED: [(Element, f64); 2] = [(Element::F32, 1e-5), (Element::Bf16, 1e-2)];

/// Runs work with the threads of a block in different orders, and demands the same result of each to the last bit.
#[track_caller]
pub(crate) fn in_every_order(work: impl Fn(&Stream) -> Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let run = |order: Order| -> Vec<Vec<f32>> {
        let stream = machine(order);
        let results = work(&stream);
        stream.check().unwrap();
        assert_eq!(stream.memory().0, 0, "everything was given back");
        results
    };
    let first = run(Order::Forward);
    let bits = |results: &[Vec<f32>]| -> Vec<Vec<u32>> {
        results.iter().map(|result| result.iter().map(|x| x.to_bits()).collect()).collect()
    };
    for order in &Order::ALL[1..] {
        assert_eq!(bits(&first), bits(&run(*order)), "another order of threads: {order:?}");
    }
    first
}

/// As they are once stored.
pub(crate) fn stored(element: Element, numbers: Vec<f32>) -> Vec<f32> {
    match element {
        Element::Bf16 => numbers.into_iter().map(rounded).collect(),
        _ => numbers,
    }
}

/// To the nearest bf16, of two as near the even.
pub(crate) fn rounded(number: f32) -> f32 {
    let bits = number.to_bits();
    f32::from_bits((bits + 0x7fff + ((bits >> 16) & 1)) & 0xffff_0000)
}

/// Back on the host.
pub(crate) fn back(stream: &Stream, numbers: &Numbers) -> Vec<f32> {
    stream.download(numbers.view())
}
