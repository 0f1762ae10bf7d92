//! Compiled kernels, kept on disk from run to run.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

/// What a file of this kind begins with.
const MAGIC: &[u8] = b"collimate kernel 1\n";

/// A folder with an image for each source that was compiled. An entry holds all that its image was made from, which must be the
/// same to the letter, and a checksum: what is not whole, or was made otherwise, is made again.
#[derive(Clone, Debug)]
pub struct Images {
    folder: Option<PathBuf>,
}

impl Images {
    /// In this folder, which need not exist; without one nothing is kept.
    #[must_use]
    pub fn at(folder: Option<PathBuf>) -> Self {
        Images { folder }
    }

    /// Where this user's programs keep what they can make again: `$XDG_CACHE_HOME/collimate/kernels`, or the same in
    /// `~/.cache`. Nothing is kept where neither variable is set.
    #[must_use]
    pub fn of_this_user() -> Self {
        let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
        Images::at(cache.map(|cache| cache.join("collimate").join("kernels")))
    }

    /// The image made from `origin`, which names the compiler and its options and ends with the source: the one that is kept,
    /// or the one that `compile` makes now.
    ///
    /// A folder that cannot be read or written costs time and nothing else, and so is no error.
    ///
    /// # Errors
    /// Those of `compile`.
    pub fn find(
        &self,
        name: &str,
        origin: &str,
        compile: impl FnOnce() -> Result<Vec<u8>, String>,
    ) -> Result<Vec<u8>, String> {
        let Some(folder) = &self.folder else { return compile() };
        let path = folder.join(format!("{name}-{:016x}.image", checksum(origin.as_bytes())));
        if let Some(image) = fs::read(&path).ok().and_then(|entry| opened(entry, origin)) {
            return Ok(image);
        }
        let image = compile()?;
        keep(folder, &path, &entry(origin, &image));
        Ok(image)
    }
}

/// The magic word, the lengths of both parts, the parts, and a checksum of all of it.
fn entry(origin: &str, image: &[u8]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    for part in [origin.as_bytes(), image] {
        bytes.extend((part.len() as u64).to_le_bytes());
    }
    bytes.extend(origin.as_bytes());
    bytes.extend(image);
    bytes.extend(checksum(&bytes).to_le_bytes());
    bytes
}

/// The image, if the entry is a whole one of this origin.
fn opened(entry: Vec<u8>, origin: &str) -> Option<Vec<u8>> {
    let (whole, sum) = entry.split_last_chunk::<8>()?;
    if u64::from_le_bytes(*sum) != checksum(whole) {
        return None;
    }
    let (lengths, parts) = whole.strip_prefix(MAGIC)?.split_first_chunk::<16>()?;
    let length = |at: usize| Some(u64::from_le_bytes(lengths[at..at + 8].try_into().ok()?) as usize);
    let image = parts.strip_prefix(origin.as_bytes())?;
    (length(0)? == origin.len() && length(8)? == image.len()).then(|| image.to_vec())
}

/// Written under another name and then renamed, so that nobody reads half of it; two who write the same write the same.
fn keep(folder: &Path, path: &Path, entry: &[u8]) {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let partial = path.with_extension(format!("partial-{}-{number}", process::id()));
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&partial, entry));
    if written.and_then(|()| fs::rename(&partial, path)).is_err() {
        // What could not be renamed is of no use; that it could not be removed either changes nothing.
        let _ = fs::remove_file(&partial);
    }
}

/// FNV-1a with 64 bits.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{Images, entry};
    use std::{cell::Cell, fs, path::PathBuf};

    /// A folder that goes when dropped.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            Folder(std::env::temp_dir().join(format!("collimate-images-{}-{name}", std::process::id())))
        }

        fn images(&self) -> Images {
            Images::at(Some(self.0.join("kernels")))
        }

        fn files(&self) -> Vec<PathBuf> {
            fs::read_dir(self.0.join("kernels")).unwrap().map(|file| file.unwrap().path()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// What is found, and whether it had to be compiled.
    fn find(images: &Images, origin: &str, image: &[u8]) -> (Vec<u8>, bool) {
        let compiled = Cell::new(false);
        let compile = || {
            compiled.set(true);
            Ok(image.to_vec())
        };
        (images.find("head", origin, compile).unwrap(), compiled.get())
    }

    #[test]
    fn an_image_is_compiled_once_for_each_compiler_target_and_source() {
        let folder = Folder::new("once");
        let images = folder.images();
        for (i, origin) in ["13.0 sm_80\nsource", "13.0 sm_90\nsource", "12.8 sm_80\nsource", "13.0 sm_80\nother"]
            .into_iter()
            .enumerate()
        {
            let image = vec![i as u8; 100];
            assert_eq!(find(&images, origin, &image), (image.clone(), true));
            assert_eq!(find(&folder.images(), origin, b"not asked for"), (image, false));
        }
        assert_eq!(folder.files().len(), 4, "and nothing half-written lies about");
    }

    #[test]
    fn what_is_cut_short_or_changed_is_compiled_again_and_replaced() {
        let folder = Folder::new("broken");
        let images = folder.images();
        let image: Vec<u8> = (0..200).collect();
        find(&images, "origin", &image);
        let path = folder.files().remove(0);
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[80] ^= 1;
        // A checksum that is right does not make it the one that was asked for.
        let foreign = entry("another origin", &image);
        for broken in [&whole[..0], &whole[..7], &whole[..whole.len() - 1], &changed, &foreign] {
            fs::write(&path, broken).unwrap();
            assert_eq!(find(&images, "origin", &image), (image.clone(), true));
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn without_a_folder_everything_is_compiled() {
        assert!(find(&Images::at(None), "origin", b"1").1 && find(&Images::at(None), "origin", b"1").1);
        // A file stands where the folder should be.
        let folder = Folder::new("file");
        fs::create_dir_all(&folder.0).unwrap();
        fs::write(folder.0.join("kernels"), b"").unwrap();
        assert_eq!(find(&folder.images(), "origin", b"1"), (b"1".to_vec(), true));
    }

    #[test]
    fn what_does_not_compile_is_an_error_and_not_kept() {
        let folder = Folder::new("error");
        let failed = folder.images().find("head", "origin", || Err("line 3".to_owned()));
        assert_eq!(failed.unwrap_err(), "line 3");
        assert!(find(&folder.images(), "origin", b"1").1);
    }
}
