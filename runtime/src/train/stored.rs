//! Start scores in a file, so that another run from the same model on the same data need not compute them again.

use super::start::StartScores;
use crate::checkpoint::{Hash, disk};
use crate::model::header;
use crate::{Error, Result, bytes};
use safetensors::tensor::{Dtype, SafeTensorError, View, serialize_to_file};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// What the scores of a file are of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Origin {
    pub(super) model: Hash,
    pub(super) data: Hash,
    pub(super) tokenizer: Hash,
}

/// The numbers of a key of [`StartScores`], and how many tokens the response has.
const ENTRY: usize = 4;

impl Origin {
    /// By the names under which a file keeps them, with what to call them.
    fn parts(&self) -> [(&'static str, &'static str, Hash); 3] {
        [
            ("model", "another model", self.model),
            ("tokenizer", "another tokenizer", self.tokenizer),
            ("data", "other data (rows, their order, --eval-data or --max-length)", self.data),
        ]
    }
}

/// Reads what [`write`] wrote; nothing if there is no such file yet.
///
/// # Errors
/// If it is not such a file, or is of another model, tokenizer or data; the message says which.
pub(super) fn read(path: &Path, origin: &Origin) -> Result<Option<StartScores>> {
    if !path.exists() {
        return Ok(None);
    }
    let unreadable = |e: std::io::Error| Error::file(path, format!("cannot be read: {e}"));
    let foreign = || Error::file(path, "holds no log-probabilities of a reference; give the name of a new file");
    let mut file = File::open(path).map_err(unreadable)?;
    let (start, metadata) = header(path, &mut file)?;
    let kept = metadata.metadata().as_ref().ok_or_else(foreign)?;
    for (name, what, hash) in origin.parts() {
        if *kept.get(name).ok_or_else(foreign)? != hash.to_string() {
            let problem = format!(
                "holds the reference's log-probabilities for {what}; give the name of a new file, or remove it"
            );
            return Err(Error::file(path, problem));
        }
    }
    let mut tensor = |name: &str| -> Result<Vec<u8>> {
        let info = metadata.info(name).ok_or_else(foreign)?;
        let mut raw = vec![0; info.data_offsets.1 - info.data_offsets.0];
        file.seek(SeekFrom::Start(start + info.data_offsets.0 as u64)).map_err(unreadable)?;
        file.read_exact(&mut raw).map_err(unreadable)?;
        Ok(raw)
    };
    let (entries, logp) = (tensor("responses")?, tensor("logp")?);
    let entries: Vec<usize> = entries.as_chunks().0.iter().map(|raw| u64::from_le_bytes(*raw) as usize).collect();
    let logp: Vec<f32> = logp.as_chunks().0.iter().map(|raw| f32::from_le_bytes(*raw)).collect();
    let (mut scores, mut rest) = (StartScores::default(), &logp[..]);
    for [row, other, place, tokens] in entries.as_chunks::<ENTRY>().0 {
        let (here, after) = rest.split_at_checked(*tokens).ok_or_else(foreign)?;
        scores.insert((*row, *other, *place), here);
        rest = after;
    }
    Ok(Some(scores))
}

/// Writes scores under another name first, then renames: the file is there whole or not at all.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write(path: &Path, origin: &Origin, scores: &StartScores) -> Result<()> {
    let (mut entries, mut logp): (Vec<u64>, Vec<f32>) = (Vec::new(), Vec::new());
    for ((row, other, place), response) in scores.in_order() {
        entries.extend([row, other, place, response.len()].map(|number| number as u64));
        logp.extend_from_slice(response);
    }
    let metadata = origin.parts().into_iter().map(|(name, _, hash)| (name.to_owned(), hash.to_string()));
    let raw: Vec<u8> = entries.iter().flat_map(|number| number.to_le_bytes()).collect();
    let tensors = [
        ("responses", Stored { dtype: Dtype::U64, shape: vec![entries.len() / ENTRY, ENTRY], bytes: raw.into() }),
        ("logp", Stored { dtype: Dtype::F32, shape: vec![logp.len()], bytes: bytes::of(&logp) }),
    ];
    let partial = disk::partial(path);
    serialize_to_file(tensors, Some(metadata.collect::<HashMap<_, _>>()), &partial).map_err(|e| match e {
        SafeTensorError::IoError(e) => disk::unwritable(path, &e),
        other => Error::file(path, format!("cannot be written: {other}")),
    })?;
    let finish = || {
        File::open(&partial)?.sync_all()?;
        std::fs::rename(&partial, path)
    };
    finish().map_err(|e| disk::unwritable(path, &e))
}

/// A tensor on its way to the file.
struct Stored<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Cow<'a, [u8]>,
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Origin, read, write};
    use crate::checkpoint::Hash;
    use crate::train::start::StartScores;

    fn origin() -> Origin {
        let [model, data, tokenizer] = [b"m", b"d", b"t"].map(|text| Hash::of_bytes(text));
        Origin { model, data, tokenizer }
    }

    #[test]
    fn scores_come_back_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reference.safetensors");
        assert!(read(&path, &origin()).unwrap().is_none());
        let mut scores = StartScores::default();
        scores.insert((3, 3, 0), &[-0.1, -1e-30]);
        scores.insert((3, 4, 1), &[]);
        scores.insert((0, 0, 0), &[-7.5]);
        write(&path, &origin(), &scores).unwrap();
        let back = read(&path, &origin()).unwrap().unwrap();
        assert!(back.in_order().eq(scores.in_order()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left behind");
    }

    #[test]
    fn another_model_tokenizer_or_data_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reference.safetensors");
        write(&path, &origin(), &StartScores::default()).unwrap();
        let other = Hash::of_bytes(b"other");
        for (now, word) in [
            (Origin { model: other, ..origin() }, "another model"),
            (Origin { tokenizer: other, ..origin() }, "another tokenizer"),
            (Origin { data: other, ..origin() }, "other data"),
        ] {
            let error = read(&path, &now).unwrap_err().to_string();
            assert!(error.contains(&format!("log-probabilities for {word}")), "{error}");
        }
        std::fs::write(&path, b"12345678901234567890").unwrap();
        assert!(read(&path, &origin()).is_err());
    }
}
