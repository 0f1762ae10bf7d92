//! What every message must be: one error, in our words, with short names, and a page in the book.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}
fn names(path: &Path, extension: &str) -> BTreeSet<String> {
    let files =
        fs::read_dir(path).unwrap_or_else(|e| panic!("{}: {e}", path.display())).map(|f| f.expect("a file").path());
    let files = files.filter(|f| f.extension().is_some_and(|e| e == extension));
    files.filter_map(|f| Some(f.file_stem()?.to_str()?.to_owned())).collect()
}
fn messages() -> Vec<(String, String)> {
    let names = names(&folder("fail"), "stderr").into_iter();
    names
        .map(|n| (fs::read_to_string(folder("fail").join(format!("{n}.stderr"))).expect("a text file"), n))
        .map(|(t, n)| (n, t))
        .collect()
}
/// The code a file is named after: `q01` of `q01_wrong_axis`.
fn code(name: &str) -> String {
    name.split('_').next().unwrap_or(name).to_owned()
}
fn pages() -> BTreeSet<String> {
    names(&folder("../../book/src/errors"), "md").into_iter().filter(|page| page.starts_with(['q', 's'])).collect()
}

#[test]
fn every_mistake_has_its_message() {
    assert_eq!(names(&folder("fail"), "rs"), names(&folder("fail"), "stderr"));
}

#[test]
fn one_mistake_is_one_error_and_nothing_else() {
    for (name, text) in messages() {
        let errors = text.lines().filter(|line| line.starts_with("error")).count();
        assert_eq!(errors, 1, "{name}");
        assert!(!text.contains("\nwarning"), "{name} warns besides");
        for noise in
            ["other types implement", "in this macro invocation", "is implemented for it", "this error originates in"]
        {
            assert!(!text.contains(noise), "{name}: {noise}");
        }
    }
}

#[test]
fn names_are_short() {
    for (name, text) in messages() {
        for line in text.lines().filter(|line| line.contains("collimate_dsl::") || line.contains("collimate::")) {
            // The standard library has a `Reference` of its own, and rustc gives functions their path.
            let known = line.contains("collimate_dsl::Reference") || line.contains("required by a bound in");
            assert!(known, "{name}: {line}");
        }
    }
}

#[test]
fn messages_are_short() {
    let mut lengths: Vec<usize> = messages().iter().map(|(_, text)| text.trim_end().lines().count()).collect();
    lengths.sort_unstable();
    assert!(lengths[lengths.len() / 2] <= 11, "half of the messages have more than 11 lines: {lengths:?}");
    assert!(lengths.last().is_some_and(|longest| *longest <= 20), "{lengths:?}");
}

#[test]
fn every_mistake_has_a_page_and_every_page_a_mistake_and_its_remedy() {
    let mistakes: BTreeSet<String> = names(&folder("fail"), "rs").iter().map(|name| code(name)).collect();
    assert_eq!(mistakes, pages());
    assert_eq!(names(&folder("mended"), "rs"), pages());
}

#[test]
fn messages_name_pages_that_exist() {
    let pages = pages();
    for (name, text) in messages() {
        for mentioned in text.split("book: errors/").skip(1) {
            let page: String = mentioned.chars().take_while(char::is_ascii_alphanumeric).collect();
            assert!(pages.contains(&page), "{name} names the page {page}, which does not exist");
        }
    }
}
