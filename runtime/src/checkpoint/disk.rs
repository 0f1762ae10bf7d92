//! Writing that leaves nothing half-written behind.

use crate::{Error, Result};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What could not be written, why, and what to do.
pub(crate) fn unwritable(path: &Path, cause: &io::Error) -> Error {
    let problem = match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "cannot be written, the disk is full; make room and run again with --resume".to_owned()
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "cannot be written, that is not permitted; choose another folder with --out".to_owned()
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "cannot be made, a file is in the way; choose another folder with --out".to_owned()
        }
        _ => format!("cannot be written: {cause}"),
    };
    Error::file(path, problem)
}

/// The name under which something is written until it is whole.
pub(crate) fn partial(path: &Path) -> PathBuf {
    let mut name = OsString::from(path.file_name().unwrap_or_default());
    name.push(".partial");
    path.with_file_name(name)
}

/// Writes a file under another name, then renames it: it is there whole or not at all.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = partial(path);
    let write = || {
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().map_err(|e| {
        // What is left of it would only take room; the write's own error is the one to report.
        let _ = fs::remove_file(&partial);
        unwritable(path, &e)
    })
}

/// Fills a folder under another name, then renames it. A folder that was there before is replaced.
pub(crate) fn write_folder(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let partial = partial(path);
    let failed = |e: io::Error| unwritable(path, &e);
    remove(&partial).map_err(failed)?;
    fs::create_dir_all(&partial).map_err(failed)?;
    fill(&partial).inspect_err(|_| drop(remove(&partial)))?;
    remove(path).map_err(failed)?;
    fs::rename(&partial, path).map_err(failed)
}

/// Removes a folder and all in it, if it is there.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_filled_leaves_the_old_one() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("checkpoint-2");
        write_folder(&path, |folder| write_whole(&folder.join("a"), b"old")).unwrap();
        write_folder(&path, |_| Err(Error::Setting("stopped".to_owned()))).unwrap_err();
        assert_eq!(fs::read(path.join("a")).unwrap(), b"old");
        assert!(!partial(&path).exists());
        write_folder(&path, |folder| write_whole(&folder.join("b"), b"new")).unwrap();
        assert!(!path.join("a").exists());
    }

    #[test]
    fn a_file_in_the_way_is_said_in_one_line() {
        let outer = tempfile::tempdir().unwrap();
        let file = outer.path().join("file");
        write_whole(&file, b"x").unwrap();
        let error = write_folder(&file.join("inner"), |_| Ok(())).unwrap_err().to_string();
        assert!(error.contains("a file is in the way"), "{error}");
    }
}
