//! The pages of the book about algorithms are those that are made from their declarations.
//!
//! `COLLIMATE_BLESS=1` writes them anew, with the list of them in the book's summary.

use collimate::explain::{chapter, columns};
use collimate::{ALL, Algorithm};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../book/src")
}

fn command(algorithm: &Algorithm) -> String {
    algorithm.name.replace('_', "-")
}

/// Every algorithm with its presets.
fn families() -> Vec<(&'static Algorithm, Vec<&'static Algorithm>)> {
    let own = |algorithm: &Algorithm| {
        ALL.iter().copied().filter(|a| a.preset.is_some() && a.family() == algorithm.name).collect()
    };
    let mut families: Vec<_> = ALL.iter().filter(|a| a.preset.is_none()).map(|a| (*a, own(a))).collect();
    // A formula that only somebody's code has is a page of its own.
    let named: Vec<&str> = families.iter().map(|(a, _)| a.name).collect();
    let alone = ALL.iter().filter(|a| a.preset.is_some() && !named.contains(&a.family()));
    families.extend(alone.map(|a| (*a, vec![])));
    families
}

fn file(algorithm: &Algorithm) -> String {
    format!("{}.md", command(algorithm).replace('@', "-at-"))
}

fn index() -> String {
    let mut page = "# All algorithms\n\nEach is one function; this chapter is made from their declarations.\n\n\
                    | algorithm | presets | paper | data | what it does |\n|---|---|---|---|---|\n"
        .to_owned();
    for (algorithm, presets) in families() {
        let presets = presets.iter().map(|p| format!("`@{}`", command(p).split('@').nth(1).unwrap_or_default()));
        let about = algorithm.about.split("\n\n").next().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(
            page,
            "| [{}]({}) | {} | {} | {} | {} |",
            command(algorithm),
            file(algorithm),
            presets.collect::<Vec<_>>().join(" "),
            algorithm.paper,
            columns(algorithm).join(", "),
            about.replace("[`", "`").replace("`]", "`")
        );
    }
    page
}

fn is_as_made(name: &str, made: &str) {
    let path = book().join(name);
    if std::env::var_os("COLLIMATE_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a page stands in a folder")).expect("a folder can be made");
        std::fs::write(&path, made).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }
    let written = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert!(made == written, "{}: run again with COLLIMATE_BLESS=1", path.display());
}

#[test]
fn every_algorithm_has_its_page_and_every_page_its_algorithm() {
    let mut expected: BTreeSet<String> = BTreeSet::from(["index.md".to_owned()]);
    is_as_made("algorithms/index.md", &index());
    for (algorithm, presets) in families() {
        is_as_made(&format!("algorithms/{}", file(algorithm)), &chapter(algorithm, &presets));
        expected.insert(file(algorithm));
    }
    let folder = std::fs::read_dir(book().join("algorithms")).expect("there are pages");
    let found: BTreeSet<String> =
        folder.map(|entry| entry.expect("a page").file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(found, expected, "pages of algorithms that are not there any more");
}

/// `NAME@PEER` wherever it stands in backticks.
fn presets_named(page: &str) -> BTreeSet<String> {
    page.split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| name.contains('@') && !name.contains(' '))
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_page_about_names_has_every_preset_and_no_other() {
    let page = std::fs::read_to_string(book().join("reference/deviations.md")).expect("there is such a page");
    let mut named = presets_named(&page);
    named.remove("NAME@PROJECT");
    let presets: BTreeSet<String> = ALL.iter().filter(|a| a.preset.is_some()).map(|a| command(a)).collect();
    assert_eq!(named, presets);
}

#[test]
fn the_summary_lists_them() {
    let path = book().join("SUMMARY.md");
    let summary = std::fs::read_to_string(&path).expect("a book has a summary");
    let title = "# The algorithms\n";
    let (before, rest) = summary.split_once(title).expect("the summary has a part for the algorithms");
    let after = rest.split_once("\n# ").map(|(_, after)| format!("\n# {after}")).unwrap_or_default();
    let mut made = format!("{before}{title}\n- [All algorithms](algorithms/index.md)\n");
    for (algorithm, _) in families() {
        let _ = writeln!(made, "  - [{}](algorithms/{})", command(algorithm), file(algorithm));
    }
    is_as_made("SUMMARY.md", &(made + &after));
}
