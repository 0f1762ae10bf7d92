//! The rules of ARCHITECTURE.md, as tests over the source text.

use collimate_tests::{files, root};
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

const CRATES: [&str; 9] =
    ["macros", "dsl", "kernels", "kernels/emulation", "runtime", "algorithms", "tests", "tests/own", "tests/ui"];

fn rust(folders: &[&str]) -> Vec<PathBuf> {
    folders.iter().flat_map(|f| files(&root().join(f).join("src"), &[".rs"])).collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// `file:line: text` of each line that holds, comments left out.
fn lines(paths: &[PathBuf], wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = vec![];
    for path in paths {
        for (i, line) in read_to_string(path).expect("source is UTF-8").lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            if wrong(code) {
                found.push(format!("{}:{}: {}", shown(path), i + 1, line.trim()));
            }
        }
    }
    found
}

fn none(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n{}", found.join("\n"));
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
}

#[test]
fn dfdx_is_named_in_runtime_only() {
    let elsewhere = rust(&["macros", "dsl", "kernels", "algorithms"]);
    none(lines(&elsewhere, |l| l.contains("dfdx::")), "dfdx is the runtime's business");
    for name in CRATES.iter().filter(|c| **c != "runtime") {
        let manifest = read_to_string(root().join(name).join("Cargo.toml")).expect("every crate has one");
        assert!(!manifest.lines().any(|l| l.starts_with("dfdx")), "{name} must not depend on dfdx");
    }
}

#[test]
fn tapes_are_touched_in_the_bridge_only() {
    let others: Vec<_> = rust(&["runtime"]).into_iter().filter(|p| !p.ends_with("bridge.rs")).collect();
    none(
        lines(&others, |l| l.contains("add_backward_op") || l.contains("get_or_alloc_mut")),
        "only bridge.rs adds to dfdx's tape",
    );
}

#[test]
fn crates_point_one_way() {
    let allowed: [(&str, &[&str]); 5] = [
        ("macros", &[]),
        ("kernels", &[]),
        ("dsl", &["collimate-macros"]),
        ("runtime", &["collimate-dsl", "collimate-kernels"]),
        ("algorithms", &["collimate-dsl", "collimate-runtime"]),
    ];
    for (name, allowed) in allowed {
        let manifest = read_to_string(root().join(name).join("Cargo.toml")).expect("every crate has one");
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or("");
        let dependencies = dependencies.split("\n[").next().unwrap_or("");
        for line in dependencies.lines().filter(|l| l.starts_with("collimate")) {
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or("");
            assert!(allowed.contains(&dependency), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn unsafe_stands_in_kernels_and_the_bridge_only() {
    let all = rust(&CRATES);
    let others: Vec<_> = all
        .into_iter()
        .filter(|p| !p.starts_with(root().join("kernels")) && !p.ends_with("runtime/src/bridge.rs"))
        .collect();
    let is_unsafe = |l: &str| ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"].iter().any(|u| l.contains(u));
    none(lines(&others, is_unsafe), "no unsafe here");
}

#[test]
fn every_unsafe_block_says_why_it_is_safe() {
    let mut found = vec![];
    for path in rust(&["kernels", "runtime"]) {
        let text = read_to_string(&path).expect("source is UTF-8");
        let lines: Vec<&str> = text.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            if code.contains("unsafe {") || code.contains("unsafe impl") {
                let before = lines[i.saturating_sub(8)..=i].iter().any(|l| l.contains("SAFETY"));
                if !before {
                    found.push(format!("{}:{}: {}", shown(&path), i + 1, line.trim()));
                }
            }
        }
    }
    none(found, "an unsafe block needs a `// SAFETY:` sentence above it");
}

#[test]
fn algorithms_are_named_where_they_belong() {
    let names: Vec<&str> = collimate::ALL.iter().map(|a| a.name).collect();
    let mut sources = rust(&["macros", "kernels", "runtime"]);
    // What the macros are tested on has names like any algorithm's.
    sources.retain(|path| !path.ends_with("macros/src/tests.rs"));
    // `ipo@trl` in a message is an example of how a preset is written.
    let is_example = |line: &str, word: &str| line.contains(&format!("{word}@"));
    let found = lines(&sources, |line| words(line).any(|w| names.contains(&w) && !is_example(line, w)));
    none(found, "an algorithm's name outside `algorithms`, `tests` and `book`");
}

#[test]
fn files_stay_small() {
    let long: Vec<_> = rust(&CRATES)
        .into_iter()
        .map(|p| (read_to_string(&p).expect("source is UTF-8").lines().count(), p))
        .filter(|(n, _)| *n > 600)
        .map(|(n, p)| format!("{}: {n} lines", shown(&p)))
        .collect();
    none(long, "more than one subject in a file of over 600 lines?");
}

#[test]
fn nothing_is_left_for_later() {
    let marks = ["todo!(", "unimplemented!(", "#[ignore", "FIXME", "XXX"];
    let here: Vec<_> = rust(&CRATES);
    none(lines(&here, |l| marks.iter().any(|m| l.contains(m))), "unfinished");
}

#[test]
fn every_page_with_rust_in_it_is_a_test() {
    let listed = read_to_string(root().join("tests/src/book.rs")).expect("it is there");
    for page in files(&root().join("book/src"), &[".md"]).into_iter().chain([root().join("README.md")]) {
        let text = read_to_string(&page).expect("pages are UTF-8");
        let name = shown(&page);
        let lines: Vec<&str> = text.lines().collect();
        for (i, fence) in lines.iter().enumerate().filter(|(_, l)| l.starts_with("```rust")) {
            // A snippet that is a file of `tests/ui` is compiled there.
            if lines.get(i + 1).is_some_and(|l| l.starts_with("{{#include ../../../tests/ui/")) {
                continue;
            }
            assert!(!fence.contains("ignore"), "{name}: a snippet that is not compiled");
            assert!(listed.contains(&format!("\"{name}\"")), "{name} has Rust in it: list it in tests/src/book.rs");
        }
    }
}

#[test]
fn everything_that_a_page_includes_is_there() {
    let mut missing = vec![];
    for page in files(&root().join("book/src"), &[".md"]) {
        let text = read_to_string(&page).expect("pages are UTF-8");
        for path in text.split("{{#include ").skip(1).filter_map(|l| l.split([':', '}']).next()) {
            if !page.parent().expect("a file lies in a folder").join(path).is_file() {
                missing.push(format!("{}: {path}", shown(&page)));
            }
        }
    }
    none(missing, "included but not there");
}

#[test]
fn the_summary_and_the_pages_agree() {
    let source = root().join("book/src");
    let summary = read_to_string(source.join("SUMMARY.md")).expect("a book has a summary");
    for page in files(&source, &[".md"]) {
        let name = page.strip_prefix(&source).expect("it was found there").display().to_string();
        assert!(name == "SUMMARY.md" || summary.contains(&format!("({name})")), "{name} is not in SUMMARY.md");
    }
    for link in summary.split("](").skip(1).filter_map(|l| l.split(')').next()) {
        assert!(source.join(link).is_file(), "SUMMARY.md names {link}, which is not there");
    }
}

#[test]
fn relative_links_lead_somewhere() {
    let mut broken = vec![];
    let pages = files(&root().join("book/src"), &[".md"]);
    for page in pages.into_iter().chain(["README.md", "ARCHITECTURE.md"].map(|n| root().join(n))) {
        let text = read_to_string(&page).expect("pages are UTF-8");
        for link in text.split("](").skip(1).filter_map(|l| l.split([')', '#']).next()) {
            let outside = link.contains("://") || link.is_empty();
            if !outside && !page.parent().expect("a file lies in a folder").join(link).exists() {
                broken.push(format!("{}: {link}", shown(&page)));
            }
        }
    }
    none(broken, "broken links");
}
