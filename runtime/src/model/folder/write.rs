//! A folder that transformers opens.

use crate::model::{TensorSpec, Weights};
use crate::{Error, Result, bytes};
use half::{bf16, f16};
use safetensors::tensor::{Dtype, View, serialize_to_file};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::Path;

/// The type that weights are stored as.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Precision {
    /// Exactly as they are.
    #[default]
    F32,
    /// Half the size; numbers beyond 65504 cannot be stored.
    F16,
    /// Half the size, with the range of F32 and three digits.
    BF16,
}

impl Precision {
    /// As `config.json` calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "float32",
            Precision::F16 => "float16",
            Precision::BF16 => "bfloat16",
        }
    }
}

impl Weights {
    /// Writes a folder: `model.safetensors`, the files carried along from where the model was loaded, and last
    /// `config.json`, so that a folder whose writing was cut short is not taken for a model. Each file gets its name
    /// only when it is whole. Shards of a model that was in the folder before are removed. Narrow matrices are added to
    /// those that they lie beside.
    ///
    /// # Errors
    /// If a file cannot be written, or a weight is not a number that can be stored.
    pub fn save(&self, path: &Path, precision: Precision) -> Result<()> {
        std::fs::create_dir_all(path).map_err(|error| Error::file(path, error))?;
        let file = path.join("model.safetensors");
        let stored: Vec<_> = self.own_tensors().iter().map(|spec| (&spec.name, self.stored(spec, precision))).collect();
        for (name, tensor) in &stored {
            if let Some(value) = tensor.unstorable() {
                let kind = precision.name();
                return Err(Error::file(
                    &file,
                    format!("not written: {name} holds {value}, which is no {kind} weight"),
                ));
            }
        }
        // Transformers asks for this entry before it opens a file.
        let info = HashMap::from([("format".to_owned(), "pt".to_owned())]);
        serialize_to_file(stored, Some(info), &file).map_err(|error| Error::file(&file, error))?;
        remove_shards(path)?;
        for (name, bytes) in &self.folder.files {
            write_whole(&path.join(name), bytes)?;
        }
        let mut config = self.config.to_json(&self.folder.config, &self.labels);
        // Transformers 5 writes `dtype` where older versions wrote `torch_dtype`.
        let key = if config.contains_key("dtype") { "dtype" } else { "torch_dtype" };
        config.insert(key.to_owned(), Value::from(precision.name()));
        let path = path.join("config.json");
        let mut text = serde_json::to_vec_pretty(&config).map_err(|error| Error::file(&path, error))?;
        text.push(b'\n');
        write_whole(&path, &text)?;
        // The safetensors crate makes a file that only its owner may read; others may read it like any other file here.
        let ordinary = std::fs::metadata(&path).map_err(|error| Error::file(&path, error))?.permissions();
        std::fs::set_permissions(&file, ordinary).map_err(|error| Error::file(&file, error))
    }

    fn stored<'a>(&'a self, spec: &'a TensorSpec, precision: Precision) -> Stored<'a> {
        Stored { weights: self, spec, precision }
    }
}

/// An index beside `model.safetensors` would send a reader to the shards it names.
fn remove_shards(folder: &Path) -> Result<()> {
    let index = folder.join("model.safetensors.index.json");
    let Ok(bytes) = std::fs::read(&index) else { return Ok(()) };
    let parsed: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let named = parsed["weight_map"].as_object().into_iter().flat_map(|map| map.values());
    let shards: BTreeSet<&str> = named.filter_map(Value::as_str).filter(|name| !name.contains(['/', '\\'])).collect();
    for shard in shards {
        let shard = folder.join(shard);
        if shard.exists() {
            std::fs::remove_file(&shard).map_err(|error| Error::file(&shard, error))?;
        }
    }
    std::fs::remove_file(&index).map_err(|error| Error::file(&index, error))
}

/// Under a temporary name first, then renamed.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let temporary = path.with_file_name(name);
    let write = || {
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    write().map_err(|error| Error::file(path, error))
}

/// One tensor on its way to a file; its bytes are made when they are written.
struct Stored<'a> {
    weights: &'a Weights,
    spec: &'a TensorSpec,
    precision: Precision,
}

impl Stored<'_> {
    fn unstorable(&self) -> Option<f32> {
        let fits = |value: f32| match self.precision {
            Precision::F32 => value.is_finite(),
            Precision::F16 => f16::from_f32(value).is_finite(),
            Precision::BF16 => bf16::from_f32(value).is_finite(),
        };
        self.weights.merged_tensor(self.spec).iter().copied().find(|v| !fits(*v))
    }
}

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        match self.precision {
            Precision::F32 => Dtype::F32,
            Precision::F16 => Dtype::F16,
            Precision::BF16 => Dtype::BF16,
        }
    }
    fn shape(&self) -> &[usize] {
        &self.spec.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        let values = self.weights.merged_tensor(self.spec);
        match (self.precision, &values) {
            (Precision::F32, Cow::Borrowed(values)) => bytes::of(values),
            (Precision::F32, Cow::Owned(values)) => bytes::of(values).into_owned().into(),
            (Precision::F16, values) => bytes::each(values, |v| f16::from_f32(v).to_le_bytes()).into(),
            (Precision::BF16, values) => bytes::each(values, |v| bf16::from_f32(v).to_le_bytes()).into(),
        }
    }
    fn data_len(&self) -> usize {
        self.spec.range.len() * if self.precision == Precision::F32 { 4 } else { 2 }
    }
}
