//! Rotary embedding, the gated unit, rows by number, casts, AdamW and the sum of squares on the emulated GPU.

use crate::support::{STORED, assert_close, back, in_every_order, numbers, rounded, slope, stored, wide};
use collimate_kernels::{
    adamw::{AdamW, update_reference},
    cuda::{Element, adamw, cast, embedding, magnitude, rotary, swiglu},
    embedding::scatter_add_reference,
    rotary::{Angles, turn_reference},
    swiglu::forward_reference,
};

#[test]
fn heads_are_turned_and_turned_back() {
    const HEADS: usize = 3;
    let frequencies: Vec<f64> = (0..8).map(|i| 0.5_f64.powi(i)).collect();
    // Half a head of three numbers, and of eight, which a thread takes at once.
    let shapes = [(3, 0), (3, 1), (3, 50), (8, 1), (8, 20)];
    for ((element, tolerance), (half, rows)) in STORED.into_iter().flat_map(|s| shapes.map(|shape| (s, shape))) {
        let (width, frequencies) = (HEADS * 2 * half + if half == 3 { 4 } else { 16 }, &frequencies[..half]);
        let x = stored(element, numbers(rows * width, 1));
        let positions: Vec<u32> = (0..rows as u32).map(|i| i % 7).collect();
        let results = in_every_order(|stream| {
            let turns = rotary::Turns::new(stream, &Angles::new(frequencies, 7));
            assert_eq!(turns.positions(), 7);
            let positions = stream.upload_indices(&positions);
            let mut ours = stream.upload(element, &x);
            rotary::turn(stream, ours.view_mut(), width, HEADS, &turns, positions.view(), false);
            let turned = back(stream, &ours);
            rotary::turn(stream, ours.view_mut(), width, HEADS, &turns, positions.view(), true);
            vec![turned, back(stream, &ours)]
        });
        let mut right = wide(&x);
        turn_reference(&mut right, width, HEADS, frequencies, &positions);
        assert_close("turned", &results[0], &right, tolerance);
        assert_close("turned back", &results[1], &wide(&x), tolerance);
    }
}

#[test]
fn the_gated_unit_and_its_slope() {
    for ((element, tolerance), (rows, width)) in
        STORED.into_iter().flat_map(|s| [(1, 1), (3, 7), (9, 100), (5, 56)].map(|shape| (s, shape)))
    {
        let x = stored(element, numbers(rows * 2 * width, 1).into_iter().map(|x| 6.0 * x).collect());
        let upstream = stored(element, numbers(rows * width, 2));
        let results = in_every_order(|stream| {
            let (mut gate_up, mut d_y) = (stream.upload(element, &x), stream.upload(element, &upstream));
            let mut y = stream.numbers(element, rows * width);
            swiglu::forward(stream, y.view_mut(), gate_up.view(), width);
            swiglu::backward(stream, gate_up.view_mut(), d_y.view_mut(), width);
            [&y, &gate_up, &d_y].map(|numbers| back(stream, numbers)).to_vec()
        });
        assert_close("y", &results[0], &forward_reference(&wide(&x), width), tolerance);
        assert_close("gradient", &results[1], &slope(&x, &upstream, |x| forward_reference(x, width)), tolerance);
        assert_eq!(results[2], results[0], "the output again");
    }
}

#[test]
fn rows_are_found_and_their_gradients_add_up() {
    let pairs = [(Element::F32, Element::F32), (Element::F32, Element::Bf16), (Element::Bf16, Element::Bf16)];
    for ((table, y), (count, words, width)) in pairs
        .into_iter()
        .flat_map(|pair| [(5, 3, 2), (40, 7, 300), (10, 500, 30), (20, 30, 40), (0, 4, 3)].map(|s| (pair, s)))
    {
        let rows: Vec<u32> = (0..count as u32).map(|i| i.wrapping_mul(2_654_435_761) % words).collect();
        let before = stored(table, numbers(words as usize * width, 1));
        let d_y = stored(y, numbers(count * width, 2));
        let results = in_every_order(|stream| {
            let mut d_table = stream.upload(table, &before);
            let mut found = stream.numbers(table, count * width);
            let indices = stream.upload_indices(&rows);
            embedding::gather(stream, found.view_mut(), d_table.view(), indices.view(), width);
            let sorted = embedding::Sorted::new(stream, &rows);
            embedding::scatter_add(stream, d_table.view_mut(), stream.upload(y, &d_y).view(), &sorted, width);
            vec![back(stream, &found), back(stream, &d_table)]
        });
        let found: Vec<f32> = rows.iter().flat_map(|&row| before[row as usize * width..][..width].to_vec()).collect();
        assert_eq!(results[0], found);
        let mut right = wide(&before);
        scatter_add_reference(&mut right, &wide(&d_y), &rows, width);
        assert_close("table", &results[1], &right, if table == Element::F32 { 1e-5 } else { 1e-2 });
    }
}

#[test]
fn numbers_are_rounded_to_the_nearest_even() {
    let special = [0.0, -0.0, 1.0, 1.003_906_2, 1.011_718_8, 3.4e38, f32::INFINITY, f32::NEG_INFINITY, 1e-40, -2.5];
    let all: Vec<f32> = special.into_iter().chain(numbers(2000, 1).into_iter().map(|x| x * 1e3)).collect();
    for many in [&all[..], &all[..2000]] {
        rounded_to_the_nearest(many);
    }
    let nothing = in_every_order(|stream| vec![back(stream, &stream.upload(Element::Bf16, &[f32::NAN]))]);
    assert!(nothing[0][0].is_nan());
}

fn rounded_to_the_nearest(many: &[f32]) {
    let results = in_every_order(|stream| {
        let wide = stream.upload(Element::F32, many);
        let mut narrow = stream.numbers(Element::Bf16, many.len());
        cast::cast(stream, narrow.view_mut(), wide.view());
        vec![back(stream, &narrow)]
    });
    for (ours, &number) in results[0].iter().zip(many) {
        assert_eq!(ours.to_bits(), rounded(number).to_bits(), "{number}");
    }
}

#[test]
fn ten_updates_are_those_of_f64() {
    for (copy, length) in
        [(None, 300), (None, 304), (Some(Element::Bf16), 300), (Some(Element::Bf16), 2304), (Some(Element::F32), 1)]
    {
        let start = numbers(length, 1);
        let steps: Vec<_> = (1..=10)
            .map(|step| AdamW { rate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.1, step, factor: 0.5 })
            .collect();
        let results = in_every_order(|stream| {
            let mut master = stream.upload(Element::F32, &start);
            let mut weights = copy.map(|element| stream.upload(element, &start));
            let [mut first, mut second] = [0, 1].map(|_| stream.zeros(Element::F32, length));
            let mut left = Vec::new();
            for &adam in &steps {
                let mut gradient = stream.upload(Element::F32, &numbers(length, 10 + adam.step));
                let parts = adamw::Parts {
                    master: master.view_mut(),
                    copy: weights.as_mut().map(|weights| weights.view_mut()),
                    gradient: gradient.view_mut(),
                    first: first.view_mut(),
                    second: second.view_mut(),
                };
                adamw::update(stream, parts, &adamw::Factors::new(stream, adam));
                left = back(stream, &gradient);
            }
            let weights = weights.as_ref().unwrap_or(&master);
            let mut results = [weights, &master, &first, &second].map(|numbers| back(stream, numbers)).to_vec();
            results.push(left);
            results
        });
        let (mut w, mut m, mut v) = (wide(&start), vec![0.0; length], vec![0.0; length]);
        for &adam in &steps {
            update_reference(&mut w, &wide(&numbers(length, 10 + adam.step)), &mut m, &mut v, adam);
        }
        assert_close("master", &results[1], &w, 1e-5);
        assert_close("first", &results[2], &m, 1e-6);
        assert_close("second", &results[3], &v, 1e-6);
        let narrow: Vec<f32> = if copy == Some(Element::Bf16) {
            results[1].iter().copied().map(rounded).collect()
        } else {
            results[1].clone()
        };
        assert_eq!(results[0], narrow);
        assert!(results[4].iter().all(|&g| g == 0.0), "the gradient is emptied");
    }
}

#[test]
fn the_sum_of_squares_is_that_of_f64() {
    for length in [0, 1, 17, 5000, 300_000] {
        let values = numbers(length, 1);
        let results = in_every_order(|stream| {
            let values = stream.upload(Element::F32, &values);
            let sum = magnitude::sum_of_squares(stream, values.view());
            vec![vec![sum as f32, (sum - f64::from(sum as f32)) as f32]]
        });
        let ours = f64::from(results[0][0]) + f64::from(results[0][1]);
        let right: f64 = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
        assert!((ours - right).abs() <= 1e-12 * right, "{length}: {ours} {right}");
    }
}
