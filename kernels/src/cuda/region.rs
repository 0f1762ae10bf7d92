//! Sums over all words of a formula, as [`crate::region`] has them: the scores of some rows at a time in a room of fixed size, and
//! kernels that are written for the formula ([`source`]).

pub mod source;
mod word;

use super::{
    Argument,
    Argument::U32,
    Element, Numbers, SUMS, Stream, THREADS, View, ViewMut,
    matrix::{Matrix, Write, multiply},
    size,
};
use crate::region::Region;
use source::Source;
use std::ops::Range;

/// What gives the log-probabilities of all words.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// One state for each row.
    pub hidden: View<'a>,
    /// One row for each word, stored as `hidden` is.
    pub table: View<'a>,
    /// Numbers in a state.
    pub width: usize,
}

/// What the two passes read.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// What is computed.
    pub region: &'a Region,
    /// In the order of [`crate::region::Step::Policy`]; all know the same words, and store their states alike.
    pub policies: &'a [Policy<'a>],
    /// `[row, given]`, in the order of [`crate::region::Step::Given`], in f32.
    pub given: View<'a>,
    /// How many scores there are at once.
    pub room: Room,
}

/// Scores that there are at once, of all policies. More words leave room for fewer rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Room(pub usize);

impl Default for Room {
    /// 1 GiB: for vocabularies of 128 Ki words and two policies 1024 rows, for whose products a table's gradient is read and written
    /// no longer than they take.
    fn default() -> Self {
        Room(1 << 28)
    }
}

/// More rows than this make no product faster.
const ROWS: usize = 4096;

/// Counts of words are held in f32.
const MOST_WORDS: usize = 1 << 24;

/// The gradient by a policy.
#[derive(Debug)]
pub struct ByPolicy<'a> {
    /// Is added to, in f32.
    pub d_hidden: ViewMut<'a>,
    /// Is added to in f32, if the table is trained.
    pub d_table: Option<ViewMut<'a>>,
    /// A word for each row and the gradient of its log-probability, which joins that of the sums. That it is a word is for the
    /// caller to see.
    pub taken: Option<(View<'a>, View<'a>)>,
}

/// What stands for the step of a row where every sum has a word.
pub const NO_STEP: u32 = u32::MAX;

/// Sets `sums`, `[row, sum]` in f32, and for each row `none`: the first [`crate::region::Step::LogSum`] that has no word with a
/// weight, or [`NO_STEP`].
///
/// # Panics
/// If the shapes do not fit.
pub fn forward(stream: &Stream, mut sums: ViewMut<'_>, mut none: ViewMut<'_>, inputs: Inputs<'_>) {
    let (rows, words) = check(inputs);
    let region = inputs.region;
    let each = region.sums().len();
    sums.expect(Element::F32, rows * each);
    none.expect(Element::U32, rows);
    let kernel = provided(stream, source::forward(region));
    let mut scores = Scores::new(stream, inputs);
    for rows in scores.blocks() {
        let sums = sums.again().part(rows.start * each..rows.end * each).argument();
        let none = none.again().part(rows.clone()).argument();
        let given = scores.given(&rows);
        let arguments = [sums, none, scores.of(stream, &rows).argument(), given, U32(size(words))];
        stream.launch(&kernel, [size(rows.len()), 1, 1], THREADS, SUMS, &arguments);
    }
}

/// Adds to the gradient by each policy that has one, and sets that by the given numbers, `[row, given]`, which is 0 for those
/// that are not `live`; from the gradient by the sums.
///
/// # Panics
/// If the shapes do not fit.
pub fn backward(
    stream: &Stream,
    by_policy: &mut [Option<ByPolicy<'_>>],
    mut d_given: ViewMut<'_>,
    live_given: &[bool],
    d_sums: View<'_>,
    inputs: Inputs<'_>,
) {
    let (rows, words) = check(inputs);
    let Inputs { region, policies, given, .. } = inputs;
    let each = region.sums().len();
    d_sums.expect(Element::F32, rows * each);
    d_given.expect(Element::F32, given.len());
    assert_eq!((by_policy.len(), live_given.len()), (policies.len(), region.given()), "one answer for each");
    for (by, policy) in by_policy.iter().zip(policies).filter_map(|(by, policy)| Some((by.as_ref()?, policy))) {
        by.d_hidden.expect(Element::F32, policy.hidden.len());
        if let Some(d_table) = &by.d_table {
            d_table.expect(Element::F32, policy.table.len());
        }
        if let Some((targets, d_logp)) = by.taken {
            targets.expect(Element::U32, rows);
            d_logp.expect(Element::F32, rows);
        }
    }
    let live: Vec<bool> = by_policy.iter().map(Option::is_some).collect();
    let trained = live.iter().filter(|live| **live).count();
    let element = policies[0].hidden.element();
    let kernel = provided(stream, source::backward(region, &live, live_given, element));
    let mut scores = Scores::new(stream, inputs);
    // Products want both factors stored alike.
    let mut narrow = (element != Element::F32).then(|| stream.numbers(element, trained * scores.rows * words));
    let numbers = region.given();
    for rows in scores.blocks() {
        let count = rows.len() * words;
        let room = scores.of(stream, &rows).argument();
        // Where the gradient by the scores of a policy goes; of those that are trained it is so many-th.
        let place = |policy: usize, nth: usize| match &narrow {
            Some(narrow) => narrow.view().part(nth * count..(nth + 1) * count),
            None => scores.all.view().part(policy * count..(policy + 1) * count),
        };
        let mut arguments = vec![d_given.again().part(rows.start * numbers..rows.end * numbers).argument()];
        let each_trained = || (0..policies.len()).filter(|policy| live[*policy]).enumerate();
        for (nth, policy) in each_trained() {
            let taken = by_policy[policy].as_ref().and_then(|by| by.taken);
            let [targets, d_logp] = match taken {
                Some((targets, d_logp)) => [targets, d_logp].map(|of_rows| of_rows.part(rows.clone()).argument()),
                None => [Argument::Address(0); 2],
            };
            arguments.extend([place(policy, nth).argument(), targets, d_logp]);
        }
        let d_sums = d_sums.part(rows.start * each..rows.end * each).argument();
        arguments.extend([d_sums, room, scores.given(&rows), U32(size(words))]);
        stream.launch(&kernel, [size(rows.len()), 1, 1], THREADS, SUMS, &arguments);
        for (nth, policy) in each_trained() {
            let d_scores = Matrix::new(place(policy, nth), rows.len(), words);
            if let Some(by) = &mut by_policy[policy] {
                hand_on(stream, by, &rows, d_scores, policies[policy]);
            }
        }
    }
    drop(narrow.take());
}

/// From the gradient by the scores of some rows.
fn hand_on(stream: &Stream, by: &mut ByPolicy<'_>, rows: &Range<usize>, d_scores: Matrix<'_>, policy: Policy<'_>) {
    let Policy { hidden, table, width } = policy;
    let (states, words) = (rows.start * width..rows.end * width, table.len() / width);
    let mut d_hidden = by.d_hidden.again().part(states.clone());
    multiply(stream, &mut d_hidden, Write::Add, d_scores, Matrix::new(table, words, width));
    if let Some(d_table) = &mut by.d_table {
        let hidden = Matrix::new(hidden.part(states), rows.len(), width);
        multiply(stream, &mut d_table.again(), Write::Add, d_scores.transposed(), hidden);
    }
}

/// Makes a kernel known; gives its name.
fn provided(stream: &Stream, source: Source) -> String {
    stream.provide(&source.name, &source.text());
    source.name
}

/// Rows and words.
fn check(Inputs { region, policies, given, room }: Inputs<'_>) -> (usize, usize) {
    assert!(region.policies() == policies.len() && !policies.is_empty(), "a policy for each number");
    assert!(room.0 > 0, "a room for no scores");
    let Policy { hidden, table, width } = policies[0];
    let (rows, words) = (hidden.len() / width, table.len() / width);
    for policy in policies {
        policy.hidden.expect(hidden.element(), rows * policy.width);
        policy.table.expect(hidden.element(), words * policy.width);
    }
    assert!(matches!(hidden.element(), Element::F32 | Element::Bf16), "states of {:?}", hidden.element());
    given.expect(Element::F32, rows * region.given());
    assert!(words > 0 && words < MOST_WORDS, "a vocabulary of {words} words");
    (rows, words)
}

/// The scores of some rows: `[policy, row, word]`, in f32.
struct Scores<'a> {
    inputs: Inputs<'a>,
    words: usize,
    /// Of all that are asked about, and at a time.
    of: usize,
    rows: usize,
    all: Numbers,
}

impl<'a> Scores<'a> {
    fn new(stream: &Stream, inputs: Inputs<'a>) -> Self {
        let (of, words) = check(inputs);
        let each = words * inputs.policies.len();
        let rows = (inputs.room.0 / each).clamp(1, ROWS).min(of);
        Scores { inputs, words, of, rows, all: stream.numbers(Element::F32, rows * each) }
    }

    /// The rows that are worked on together.
    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let (of, rows) = (self.of, self.rows.max(1));
        (0..of).step_by(rows).map(move |start| start..(start + rows).min(of))
    }

    fn given(&self, rows: &Range<usize>) -> Argument {
        let each = self.inputs.region.given();
        self.inputs.given.part(rows.start * each..rows.end * each).argument()
    }

    /// Those of these rows.
    fn of(&mut self, stream: &Stream, rows: &Range<usize>) -> View<'_> {
        let count = rows.len() * self.words;
        for (number, &Policy { hidden, table, width }) in self.inputs.policies.iter().enumerate() {
            let mut scores = self.all.view_mut().part(number * count..(number + 1) * count);
            let hidden = Matrix::new(hidden.part(rows.start * width..rows.end * width), rows.len(), width);
            multiply(stream, &mut scores, Write::Set, hidden, Matrix::new(table, self.words, width).transposed());
        }
        self.all.view()
    }
}
