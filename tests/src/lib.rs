//! What several tests share: where things lie, and the pages of the book as tests.

pub mod dpo_step;
pub mod golden;
pub mod mutation;
pub mod steps;
pub mod theorem;

#[cfg(doctest)]
mod book;

use std::path::{Path, PathBuf};

/// The root of the workspace.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("`tests` lies in the workspace").to_owned()
}

/// What transformers, PyTorch and TRL said: `tests/golden`, or where `COLLIMATE_GOLDEN` says, on a machine without the checkout.
#[must_use]
pub fn golden_folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    std::env::var_os("COLLIMATE_GOLDEN").map_or(here, PathBuf::from)
}

/// Real models and data beside the checkout, or where `COLLIMATE_ASSETS` says. Where there are none, says that the test
/// was skipped.
#[must_use]
pub fn assets(test: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/assets");
    let folder = std::env::var_os("COLLIMATE_ASSETS").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped {test}: no assets; set COLLIMATE_ASSETS to their folder");
    None
}

/// Every file below a folder with one of these endings, in order, build outputs left out.
#[must_use]
pub fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for entry in entries {
            let path = entry.expect("a folder that could be opened can be listed").path();
            let name = path.file_name().expect("entries have names").to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    open.push(path);
                }
            } else if endings.iter().any(|e| name.ends_with(e)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
