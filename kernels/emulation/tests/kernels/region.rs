//! Kernels that are written for a formula over all words, on the emulated GPU, against the definition and its slope.

use crate::support::{assert_close, back, in_every_order, numbers, rounded, slope, stored, wide};
use collimate_kernels::cuda::{
    Element, Numbers, Stream, View,
    region::{ByPolicy, Inputs, NO_STEP, Policy, Room, backward, forward},
};
use collimate_kernels::region::examples::{all_sorts, between, divergences, entropy, levels, likeliest};
use collimate_kernels::region::{Region, Step, forward_reference};
use std::f32::consts::LN_2;

/// One state for each row and a table, of each policy; the widths differ.
struct Case {
    region: Region,
    element: Element,
    widths: Vec<usize>,
    hidden: Vec<Vec<f32>>,
    tables: Vec<Vec<f32>>,
    given: Vec<f32>,
    rows: usize,
    /// Rows that are worked on together, at most.
    at_once: usize,
}

/// What is sent back: sums, rows without a word, and the gradient by states, tables and given numbers.
struct Found {
    sums: Vec<f32>,
    none: Vec<u32>,
    d_hidden: Vec<Vec<f32>>,
    d_tables: Vec<Vec<f32>>,
    d_given: Vec<f32>,
}

impl Case {
    fn new(region: Region, element: Element, [rows, words, at_once]: [usize; 3]) -> Case {
        let widths: Vec<usize> = (0..region.policies()).map(|policy| 3 + policy).collect();
        let scaled = |length, seed| stored(element, numbers(length, seed).into_iter().map(|x| 2.0 * x).collect());
        Case {
            hidden: widths.iter().map(|width| scaled(rows * width, 1 + *width as u64)).collect(),
            tables: widths.iter().map(|width| scaled(words * width, 11 + *width as u64)).collect(),
            given: numbers(rows * region.given(), 31),
            region,
            element,
            widths,
            rows,
            at_once,
        }
    }

    fn words(&self) -> usize {
        self.tables[0].len() / self.widths[0]
    }

    fn upstream(&self) -> Vec<f32> {
        numbers(self.rows * self.region.sums().len(), 41)
    }

    /// A word for each row, and the gradient by its log-probability.
    fn taken(&self) -> (Vec<u32>, Vec<f32>) {
        let word = |row: usize| (row * 7919 % self.words()) as u32;
        ((0..self.rows).map(word).collect(), numbers(self.rows, 8))
    }

    /// With the gradient of the policies that are live. Words are taken of the first.
    fn run(&self, stream: &Stream, live: &[bool], with_tables: bool, with_taken: bool) -> Found {
        let sent = |of: &[Vec<f32>]| of.iter().map(|x| stream.upload(self.element, x)).collect::<Vec<Numbers>>();
        let (hidden, tables, given) =
            (sent(&self.hidden), sent(&self.tables), stream.upload(Element::F32, &self.given));
        let each = hidden.iter().zip(&tables).zip(&self.widths);
        let policies: Vec<Policy<'_>> = each
            .map(|((hidden, table), width)| Policy { hidden: hidden.view(), table: table.view(), width: *width })
            .collect();
        let room = Room(self.at_once * self.words() * policies.len());
        let inputs = Inputs { region: &self.region, policies: &policies, given: given.view(), room };
        let mut sums = stream.numbers(Element::F32, self.rows * self.region.sums().len());
        let mut none = stream.numbers(Element::U32, self.rows);
        forward(stream, sums.view_mut(), none.view_mut(), inputs);
        let filled = |with: f32, of: &[Vec<f32>]| -> Vec<Numbers> {
            of.iter().map(|x| stream.upload(Element::F32, &vec![with; x.len()])).collect()
        };
        let (mut d_hidden, mut d_tables) = (filled(1.0, &self.hidden), filled(-1.0, &self.tables));
        let mut d_given = stream.numbers(Element::F32, self.given.len());
        let (targets, d_logp) = self.taken();
        let (targets, d_logp) = (stream.upload_indices(&targets), stream.upload(Element::F32, &d_logp));
        let taken: Option<(View<'_>, View<'_>)> = with_taken.then(|| (targets.view(), d_logp.view()));
        let each = d_hidden.iter_mut().zip(&mut d_tables).zip(live).enumerate();
        let mut by: Vec<_> = each
            .map(|(i, ((d_hidden, d_table), live))| {
                live.then(|| ByPolicy {
                    d_hidden: d_hidden.view_mut(),
                    d_table: with_tables.then(|| d_table.view_mut()),
                    taken: taken.filter(|_| i == 0),
                })
            })
            .collect();
        let d_sums = stream.upload(Element::F32, &self.upstream());
        let live_given = vec![true; self.region.given()];
        backward(stream, &mut by, d_given.view_mut(), &live_given, d_sums.view(), inputs);
        let less = |of: &[Numbers], less: f32| -> Vec<Vec<f32>> {
            of.iter().map(|x| back(stream, x).into_iter().map(|x| x - less).collect()).collect()
        };
        Found {
            sums: back(stream, &sums),
            none: stream.download_indices(none.view()),
            d_hidden: less(&d_hidden, 1.0),
            d_tables: less(&d_tables, -1.0),
            d_given: back(stream, &d_given),
        }
    }

    /// In every order of threads, which must agree.
    fn everywhere(&self, live: &[bool]) -> Found {
        let mut parts = in_every_order(|stream| {
            let Found { sums, none, d_hidden, d_tables, d_given } = self.run(stream, live, true, true);
            let none = none.into_iter().map(f32::from_bits).collect();
            [vec![sums, none, d_given], d_hidden, d_tables].concat()
        })
        .into_iter();
        let mut next = || parts.next().expect("as many as were sent");
        let (sums, none, d_given) = (next(), next(), next());
        let none = none.into_iter().map(f32::to_bits).collect();
        let mut each = || self.widths.iter().map(|_| next()).collect::<Vec<_>>();
        Found { sums, none, d_given, d_hidden: each(), d_tables: each() }
    }

    fn reference(&self, hidden: &[Vec<f64>], tables: &[Vec<f64>], given: &[f64]) -> Vec<f64> {
        let sums = forward_reference(&self.region, hidden, tables, &self.widths, given);
        let taken = collimate_kernels::head::forward_reference(&hidden[0], &tables[0], &self.taken().0, self.widths[0]);
        [sums, taken].concat()
    }

    fn all(&self) -> (Vec<Vec<f64>>, Vec<Vec<f64>>, Vec<f64>) {
        let all = |of: &[Vec<f32>]| of.iter().map(|x| wide(x)).collect::<Vec<_>>();
        (all(&self.hidden), all(&self.tables), wide(&self.given))
    }

    /// Forward and backward are what the definition and its slope say.
    fn check(&self, tolerance: f64) {
        let (hidden, tables, given) = self.all();
        let found = self.everywhere(&vec![true; self.widths.len()]);
        let right = self.reference(&hidden, &tables, &given);
        assert_close("sums", &found.sums, &right[..found.sums.len()], 1e-5);
        assert!(found.none.iter().all(|none| *none == NO_STEP));
        let upstream = [self.upstream(), self.taken().1].concat();
        for policy in 0..self.widths.len() {
            let by_hidden = slope(&self.hidden[policy], &upstream, |x| {
                let mut hidden = hidden.clone();
                hidden[policy] = x.to_vec();
                self.reference(&hidden, &tables, &given)
            });
            assert_close("d hidden", &found.d_hidden[policy], &by_hidden, tolerance);
            let by_table = slope(&self.tables[policy], &upstream, |x| {
                let mut tables = tables.clone();
                tables[policy] = x.to_vec();
                self.reference(&hidden, &tables, &given)
            });
            assert_close("d table", &found.d_tables[policy], &by_table, tolerance);
        }
        let by_given = slope(&self.given, &upstream, |x| self.reference(&hidden, &tables, x));
        assert_close("d given", &found.d_given, &by_given, tolerance);
    }

    /// The same for many words: the gradient along one direction in all numbers at once.
    fn check_along(&self, tolerance: f64) {
        let (hidden, tables, given) = self.all();
        let found = self.everywhere(&vec![true; self.widths.len()]);
        let right = self.reference(&hidden, &tables, &given);
        assert_close("sums", &found.sums, &right[..found.sums.len()], 1e-5);
        let upstream = [self.upstream(), self.taken().1].concat();
        let gradient = || found.d_hidden.iter().chain(&found.d_tables).flatten().chain(&found.d_given);
        let along: Vec<f32> = numbers(gradient().count(), 5);
        let ours: f64 = gradient().zip(&along).map(|(g, a)| f64::from(*g) * f64::from(*a)).sum();
        let right = slope(&[0.0], &upstream, |t| {
            let mut along = along.iter();
            let mut moved =
                |x: &Vec<f64>| -> Vec<f64> { x.iter().map(|x| x + t[0] * f64::from(*along.next().unwrap())).collect() };
            let hidden: Vec<_> = hidden.iter().map(&mut moved).collect();
            let tables: Vec<_> = tables.iter().map(&mut moved).collect();
            self.reference(&hidden, &tables, &moved(&given))
        });
        assert!((ours - right[0]).abs() < tolerance * right[0].abs().max(1.0), "{ours} where {} is right", right[0]);
    }
}

fn regions(likeliest_words: usize) -> [Region; 6] {
    [entropy(), divergences(), between(0.3), likeliest(likeliest_words), levels(), all_sorts()]
}

#[test]
fn sums_and_their_gradient_are_what_the_definition_says() {
    // One row; several at once, with a rest; word by word and eight words at a time.
    for sizes in [[1, 2, 1], [3, 7, 2], [4, 40, 4]] {
        for region in regions(2) {
            Case::new(region, Element::F32, sizes).check(1e-4);
        }
    }
}

#[test]
fn more_words_than_threads_are_gone_through_in_turns() {
    for words in [2500, 4104] {
        for region in regions(100) {
            Case::new(region, Element::F32, [3, words, 2]).check_along(2e-4);
        }
    }
}

#[test]
fn in_bf16_the_gradient_by_scores_is_rounded_and_nothing_else() {
    for region in regions(2) {
        let case = Case::new(region, Element::Bf16, [5, 24, 2]);
        let (found, right) = {
            let wide = Case { element: Element::F32, ..Case::new(case.region.clone(), Element::Bf16, [5, 24, 2]) };
            (case.everywhere(&vec![true; case.widths.len()]), wide.everywhere(&vec![true; case.widths.len()]))
        };
        assert_close("sums", &found.sums, &wide(&right.sums), 1e-6);
        assert_close("d given", &found.d_given, &wide(&right.d_given), 1e-6);
        let pairs = found.d_hidden.iter().zip(&right.d_hidden).chain(found.d_tables.iter().zip(&right.d_tables));
        for (ours, right) in pairs {
            let largest = right.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
            let scaled = |x: &[f32]| -> Vec<f32> { x.iter().map(|x| x / largest).collect() };
            assert_close("d", &scaled(ours), &wide(&scaled(right)), 8e-3);
            assert!(largest > 0.01 && rounded(largest) != 0.0);
        }
    }
}

#[test]
fn a_policy_without_a_gradient_is_left_alone_and_others_have_the_same() {
    let case = Case::new(between(0.3), Element::F32, [5, 33, 3]);
    let whole = case.everywhere(&[true, true]);
    for live in [[true, false], [false, true]] {
        let found = case.everywhere(&live);
        for (policy, live) in live.into_iter().enumerate() {
            let right = |x: &[f32]| if live { wide(x) } else { vec![0.0; x.len()] };
            assert_close("d hidden", &found.d_hidden[policy], &right(&whole.d_hidden[policy]), 1e-6);
            assert_close("d table", &found.d_tables[policy], &right(&whole.d_tables[policy]), 1e-6);
        }
    }
    let stream = collimate_emulation::machine(collimate_emulation::Order::Forward);
    let frozen = case.run(&stream, &[true, true], false, true);
    stream.check().unwrap();
    assert_eq!(frozen.d_hidden, whole.d_hidden);
    assert!(frozen.d_tables.iter().flatten().all(|d| *d == 0.0));
}

#[test]
fn far_out_everything_is_finite() {
    for region in [entropy(), divergences(), between(0.3)] {
        let mut case = Case::new(region, Element::F32, [4, 300, 4]);
        case.hidden.iter_mut().flatten().for_each(|h| *h *= 1e4);
        let found = case.everywhere(&vec![true; case.widths.len()]);
        assert!(found.sums.iter().chain(found.d_hidden.iter().chain(&found.d_tables).flatten()).all(|x| x.is_finite()));
    }
}

#[test]
fn what_is_left_of_a_probability_has_all_its_digits_at_both_ends() {
    // ln(1 - exp(x)), where x is next to 0, where it is far from it, and around -ln 2, where one way to find it gives over to another.
    let at: [f32; 12] = [-1e-38, -1e-30, -1e-10, -1e-7, -1e-3, -0.4, -0.69, -LN_2, -0.7, -2.0, -17.0, -87.0];
    let steps = vec![Step::Policy(0), Step::Given(0), Step::LogComplement(1)];
    let mut case = Case::new(Region::new(steps, vec![2]), Element::F32, [at.len(), 1, at.len()]);
    case.given = at.to_vec();
    let found = case.everywhere(&[true]);
    for (i, x) in at.into_iter().enumerate() {
        let x = f64::from(x);
        let value = if x > -0.5 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() };
        let slope = f64::from(case.upstream()[i]) / -(-x).exp_m1();
        for (ours, right) in [(found.sums[i], value), (found.d_given[i], slope)] {
            assert!((f64::from(ours) - right).abs() <= 1e-6 * right.abs(), "at {x}: {ours} where {right} is right");
        }
    }
}

#[test]
fn of_equal_words_the_first_are_kept() {
    let steps = || vec![Step::Policy(0), Step::Top(0, 700), Step::Policy(1), Step::Exponential(2), Step::Times(1, 3)];
    let words = 1000;
    let mut case = Case::new(Region::new(steps(), vec![4, 1]), Element::F32, [2, words, 2]);
    // Three numbers to a state, four to one of the other policy: 300 words above, 600 alike, of which 400 are kept, 100 below.
    case.hidden[0] = vec![1.0, 0.0, 0.0, -1.0, 0.0, 0.0];
    let score = |word: usize| {
        if word % 10 < 3 {
            2.0
        } else if word % 10 < 9 {
            1.0
        } else {
            -3.0
        }
    };
    case.tables[0] = (0..words).flat_map(|word| [score(word), 0.0, 0.0]).collect();
    let (hidden, tables, given) = case.all();
    let found = case.everywhere(&[true, true]);
    assert_close("sums", &found.sums, &case.reference(&hidden, &tables, &given)[..4], 1e-5);
    assert_eq!((found.sums[1], found.sums[3]), (700.0, 700.0));
    // So many that all are kept.
    let all = Region::new(vec![Step::Policy(0), Step::Top(0, 2000)], vec![1]);
    assert_eq!(Case::new(all, Element::F32, [1, 50, 1]).everywhere(&[true]).sums, [50.0]);
}

#[test]
fn a_row_where_no_word_is_kept_is_told() {
    let steps = vec![Step::Policy(0), Step::Given(0), Step::LogSum(0, 1)];
    let mut case = Case::new(Region::new(steps, vec![2]), Element::F32, [3, 5, 2]);
    case.given = vec![1.0, 0.0, 1.0];
    assert_eq!(case.everywhere(&[true]).none, [NO_STEP, 2, NO_STEP]);
}

#[test]
fn no_rows_are_no_work() {
    let found = Case::new(between(0.3), Element::F32, [0, 5, 1]).everywhere(&[true, true]);
    assert!(found.sums.is_empty() && found.d_tables.iter().flatten().all(|d| *d == 0.0));
}
