//! Numbers that scripts in `golden` have written, as the tests read them.

use collimate::{ALL, Algorithm};
use collimate_dsl::eval::{Inputs, Settings};
use collimate_dsl::ir::SideTag;
use collimate_dsl::{Layout, Reach};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A file of batches and of what each loss gives on them.
pub struct Golden {
    batches: BTreeMap<String, (Layout, Inputs)>,
    /// One loss at one setting.
    pub cases: Vec<Case>,
}

/// One loss at one setting: what it gives.
pub struct Case {
    /// The algorithm's or preset's name.
    pub name: String,
    /// The batch it was tried on.
    pub batch: String,
    set: BTreeMap<String, f64>,
    /// The loss.
    pub loss: f64,
    gradient: BTreeMap<String, Vec<f64>>,
    /// Which step of a run it is, if it is one.
    pub step: Option<usize>,
    /// What is carried to the next step, by name.
    pub next: BTreeMap<String, f64>,
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}
fn count(value: &Value) -> usize {
    value.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or_else(|| panic!("{value} is no count"))
}
fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list")).iter().map(number).collect()
}
fn object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("{value} is no object"))
}
fn side(name: &str) -> Option<SideTag> {
    (!name.is_empty()).then(|| SideTag::from_name(name).unwrap_or_else(|| panic!("there is no side {name}")))
}

impl Golden {
    /// A file of `golden`.
    ///
    /// # Panics
    /// If it is not there or not what `make_losses.py` writes.
    #[must_use]
    pub fn read(name: &str) -> Golden {
        let path = crate::root().join("tests/golden").join(name);
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let batches = object(&json["batches"]).iter().map(|(name, batch)| (name.clone(), read_batch(batch))).collect();
        let cases = json["cases"].as_array().expect("a list of cases").iter().map(read_case).collect();
        Golden { batches, cases }
    }

    /// The numbers that go in.
    ///
    /// # Panics
    /// If there is no such batch.
    #[must_use]
    pub fn batch(&self, name: &str) -> (&Layout, &Inputs) {
        let (layout, inputs) = self.batches.get(name).unwrap_or_else(|| panic!("there is no batch `{name}`"));
        (layout, inputs)
    }
}

fn read_batch(batch: &Value) -> (Layout, Inputs) {
    let reach = |pair: &Value| Reach { prompt: count(&pair[0]), tokens: count(&pair[1]) };
    let sides = object(&batch["sides"]).iter().map(|(name, reaches)| {
        let reaches = reaches.as_array().expect("a list of responses").iter().map(reach).collect();
        (side(name).expect("a side has a name"), reaches)
    });
    let layout = Layout {
        prompts: count(&batch["prompts"]),
        sides: sides.collect(),
        words: batch.get("words").map_or(0, count),
    };
    let mut inputs = Inputs::new();
    for (key, values) in object(&batch["inputs"]) {
        let mut parts = key.split('.');
        let mut part = || parts.next().unwrap_or_else(|| panic!("`{key}` is not owner.field.side"));
        let (owner, field, of) = (part(), part(), side(part()));
        inputs.insert(owner, field, of, numbers(values));
    }
    (layout, inputs)
}

fn read_case(case: &Value) -> Case {
    let text = |key: &str| case[key].as_str().unwrap_or_else(|| panic!("`{key}` is missing in {case}")).to_owned();
    Case {
        name: text("name"),
        batch: text("batch"),
        set: object(&case["set"]).iter().map(|(name, value)| (name.clone(), number(value))).collect(),
        loss: number(&case["loss"]),
        gradient: object(&case["gradient"]).iter().map(|(name, values)| (name.clone(), numbers(values))).collect(),
        step: case.get("step").map(count),
        next: case.get("next").map(object).into_iter().flatten().map(|(name, x)| (name.clone(), number(x))).collect(),
    }
}

impl Case {
    /// The algorithm or preset it is about.
    ///
    /// # Panics
    /// If there is none of this name, or the case does not give each of its hyper-parameters a value.
    #[must_use]
    pub fn algorithm(&self) -> &'static Algorithm {
        let found = ALL.iter().find(|algorithm| algorithm.name == self.name);
        let algorithm = found.unwrap_or_else(|| panic!("there is no algorithm `{}`", self.name));
        let declared: Vec<&str> = (algorithm.hyper)().iter().filter(|spec| !spec.whole).map(|spec| spec.name).collect();
        for name in &declared {
            assert!(self.set.contains_key(*name), "`{}` does not say what `{name}` is", self.name);
        }
        for name in self.set.keys() {
            let known = (algorithm.hyper)().iter().any(|spec| spec.name == name);
            assert!(known, "`{}` has no hyper-parameter `{name}`, it has {declared:?}", self.name);
        }
        algorithm
    }

    /// Its hyper-parameters.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let mut settings = self.algorithm().defaults();
        settings.extend(self.set.clone());
        settings
    }

    /// The derivatives by one input; zeros where the formula does not read it.
    #[must_use]
    pub fn gradient(&self, owner: &str, field: &str, side: Option<SideTag>, length: usize) -> Vec<f64> {
        let key = format!("{owner}.{field}.{}", side.map_or("", SideTag::name));
        self.gradient.get(&key).cloned().unwrap_or_else(|| vec![0.0; length])
    }
}

/// The algorithms that a file has no numbers of.
#[must_use]
pub fn lacks(golden: &Golden, algorithms: &[&Algorithm]) -> Vec<&'static str> {
    let names = algorithms.iter().map(|algorithm| algorithm.name);
    names.filter(|name| golden.cases.iter().all(|case| case.name != *name)).collect()
}

/// Asserts that numbers agree, relative to the largest of them. Returns how far apart they are at most.
///
/// # Panics
/// If they do not.
#[track_caller]
pub fn close(what: &str, found: &[f64], expected: &[f64], precision: f64) -> f64 {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0_f64, |scale, x| scale.max(x.abs()));
    let mut worst = 0.0_f64;
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let apart = (f - e).abs() / scale;
        assert!(apart <= precision, "{what} [{i}]: {f}, expected {e}");
        worst = worst.max(apart);
    }
    worst
}
