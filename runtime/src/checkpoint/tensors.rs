//! Numbers exactly as they are, in safetensors files.

use super::disk;
use crate::model::{TensorSpec, header};
use crate::{Error, Result, bytes};
use safetensors::tensor::{Dtype, SafeTensorError, View};
use std::borrow::Cow;
use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::Path;

/// Writes flat vectors, tensor by tensor, each under its name after the vector's prefix. A vector begins with the first
/// number of the first of these tensors.
pub(crate) fn write(path: &Path, specs: &[TensorSpec], vectors: &[(&str, &[f32])]) -> Result<()> {
    let named = vectors.iter().flat_map(|(prefix, values)| {
        specs.iter().map(move |spec| {
            let exact = Exact { shape: &spec.shape, values: &values[spec.after(specs[0].range.start)] };
            (format!("{prefix}{}", spec.name), exact)
        })
    });
    safetensors::serialize_to_file(named.collect::<Vec<_>>(), None, path).map_err(|e| match e {
        SafeTensorError::IoError(e) => disk::unwritable(path, &e),
        other => Error::file(path, format!("cannot be written: {other}")),
    })?;
    // The library does not wait until the disk has it.
    std::fs::File::open(path).and_then(|file| file.sync_all()).map_err(|e| disk::unwritable(path, &e))
}

/// Reads what [`write`] wrote, piece by piece.
pub(super) fn read(path: &Path, specs: &[TensorSpec], vectors: &mut [(&str, &mut [f32])]) -> Result<()> {
    let unreadable = |e: std::io::Error| Error::file(path, format!("cannot be read: {e}"));
    let damaged =
        |problem: &dyn std::fmt::Display| Error::file(path, format!("not a checkpoint of this model: {problem}"));
    let mut file = File::open(path).map_err(unreadable)?;
    let (start, metadata) = header(path, &mut file)?;
    for (prefix, values) in vectors {
        for spec in specs {
            let name = format!("{prefix}{}", spec.name);
            let tensor = metadata.info(&name).ok_or_else(|| damaged(&format!("{name} is missing")))?;
            if tensor.dtype != Dtype::F32 || tensor.shape != spec.shape {
                let found = format!("{name} is {:?} {:?}, expected F32 {:?}", tensor.dtype, tensor.shape, spec.shape);
                return Err(damaged(&found));
            }
            file.seek(SeekFrom::Start(start + tensor.data_offsets.0 as u64)).map_err(unreadable)?;
            bytes::read(&mut file, &mut values[spec.after(specs[0].range.start)], f32::from_le_bytes)
                .map_err(unreadable)?;
        }
    }
    Ok(())
}

/// One tensor on its way to a file.
struct Exact<'a> {
    shape: &'a [usize],
    values: &'a [f32],
}

impl View for Exact<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> &[usize] {
        self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        bytes::of(self.values)
    }
    fn data_len(&self) -> usize {
        size_of_val(self.values)
    }
}
