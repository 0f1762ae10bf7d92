//! Of the bugs that peers really had, put into every formula, at least 95 of 100 are noticed.
//!
//! Each bug is put into each formula at one place where it fits; `COLLIMATE_PLACES=4` at up to four, which takes a few
//! minutes and is how the table in the book was made. Run with `--nocapture` for the table.

use collimate::{ALL, Algorithm};
use collimate_dsl::ir::{Id, Op};
use collimate_tests::golden::Golden;
use collimate_tests::mutation::{BUGS, Noticed, inject};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// How often each bug is put into one formula at most.
fn places() -> usize {
    std::env::var("COLLIMATE_PLACES").map_or(1, |places| places.parse().expect("COLLIMATE_PLACES is a number"))
}

/// Every formula once: a preset that is the paper's is left out.
fn formulas() -> Vec<&'static Algorithm> {
    let mut formulas: Vec<&Algorithm> = Vec::new();
    let mut seen: Vec<Vec<(Op, Vec<Id>)>> = Vec::new();
    for algorithm in ALL.iter() {
        let steps: Vec<_> = (algorithm.trace)().nodes.into_iter().map(|node| (node.op, node.args)).collect();
        if !seen.contains(&steps) {
            seen.push(steps);
            formulas.push(algorithm);
        }
    }
    formulas
}

#[derive(Default)]
struct Row {
    types: usize,
    verifier: usize,
    laws: usize,
    numbers: usize,
    nobody: Vec<String>,
    equivalent: usize,
}

impl Row {
    fn add(&mut self, noticed: Noticed, algorithm: &str, bug: &str) {
        match noticed {
            Noticed::Types => self.types += 1,
            Noticed::Verifier => self.verifier += 1,
            Noticed::Law(_) => self.laws += 1,
            Noticed::Numbers => self.numbers += 1,
            Noticed::Equivalent => self.equivalent += 1,
            Noticed::Nobody => self.nobody.push(format!("{algorithm}: {bug}")),
        }
    }
    fn cells(&self) -> [usize; 6] {
        [self.types, self.verifier, self.laws, self.numbers, self.nobody.len(), self.equivalent]
    }
}

#[test]
fn historic_bugs_are_noticed() {
    let golden = Golden::read("losses.json");
    let found = Mutex::new(Vec::new());
    let (formulas, places) = (formulas(), places());
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(algorithm) = formulas.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    for (i, bug) in BUGS.iter().enumerate() {
                        let noticed = inject(algorithm, bug, &golden, places);
                        found.lock().expect("no thread panics").push((i, algorithm.name, noticed));
                    }
                }
            });
        }
    });
    let mut rows: Vec<Row> = BUGS.iter().map(|_| Row::default()).collect();
    let mut laws: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = found.into_inner().expect("no thread panics");
    found.sort_by_key(|(bug, name, _)| (*bug, *name));
    for (bug, name, all) in found {
        for noticed in all {
            rows[bug].add(noticed, name, BUGS[bug].name);
            if let Noticed::Law(law) = noticed {
                *laws.entry(law).or_default() += 1;
            }
        }
    }
    println!("{} formulas, each with a bug at up to {places} places", formulas.len());
    println!(
        "{:<46} {:>6} {:>8} {:>6} {:>8} {:>7} {:>7}",
        "bug", "types", "verifier", "laws", "numbers", "nobody", "same"
    );
    for (bug, row) in BUGS.iter().zip(&rows) {
        let [types, verifier, by_law, numbers, nobody, equivalent] = row.cells();
        println!("{:<46} {types:>6} {verifier:>8} {by_law:>6} {numbers:>8} {nobody:>7} {equivalent:>7}", bug.name);
    }
    let sums = rows.iter().fold([0; 6], |sums, row| {
        let cells = row.cells();
        [0, 1, 2, 3, 4, 5].map(|i| sums[i] + cells[i])
    });
    let [types, verifier, by_law, numbers, nobody, equivalent] = sums;
    println!("{:<46} {types:>6} {verifier:>8} {by_law:>6} {numbers:>8} {nobody:>7} {equivalent:>7}", "all");
    println!("laws: {laws:?}");
    let survivors: Vec<&String> = rows.iter().flat_map(|row| &row.nobody).collect();
    println!("unnoticed: {survivors:?}");
    let all = types + verifier + by_law + numbers + nobody;
    println!("{} of {all} noticed, {} before any number is compared", all - nobody, types + verifier + by_law);
    assert!(20 * nobody <= all, "only {} of {all} are noticed; not: {survivors:?}", all - nobody);
}
