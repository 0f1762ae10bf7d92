//! The bug museum: every exhibit is refused, with the message beside it, and its page in the book shows it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
fn names(extension: &str) -> BTreeSet<String> {
    let files = fs::read_dir(folder("museum")).expect("the exhibits").map(|f| f.expect("a file").path());
    let files = files.filter(|f| f.extension().is_some_and(|e| e == extension));
    files.filter_map(|f| Some(f.file_stem()?.to_str()?.to_owned())).collect()
}

#[test]
fn every_exhibit_is_refused() {
    trybuild::TestCases::new().compile_fail("museum/*.rs");
}

#[test]
fn every_exhibit_says_where_it_was_seen_and_is_one_error() {
    assert_eq!(names("rs"), names("stderr"));
    for name in names("rs") {
        let read = |ending: &str| fs::read_to_string(folder("museum").join(format!("{name}.{ending}"))).expect("text");
        assert!(read("rs").starts_with("//! "), "{name} does not say where it was seen");
        let errors = read("stderr").lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(errors, 1, "{name}");
    }
}

#[test]
fn every_exhibit_is_shown_in_the_book() {
    let pages = fs::read_dir(folder("../../book/src/museum")).expect("the museum").map(|f| f.expect("a page").path());
    let text: String = pages.map(|page| fs::read_to_string(page).expect("text")).collect();
    for name in names("rs") {
        assert!(text.contains(&format!("tests/ui/museum/{name}.rs")), "{name} is not shown");
    }
}
