//! What several tests share.

use std::path::{Path, PathBuf};

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
