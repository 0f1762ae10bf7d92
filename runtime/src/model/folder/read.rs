//! Weights from safetensors: every tensor's name, shape, type and numbers are checked.

use super::{Folder, config_json};
use crate::model::{ModelConfig, Weights};
use crate::{Error, Result, bytes};
use half::{bf16, f16};
use safetensors::tensor::{Dtype, Metadata, TensorInfo};
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

const WHOLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
const HEAD: &str = "lm_head.weight";
const EMBEDDING: &str = "model.embed_tokens.weight";

impl Weights {
    /// Reads a model's folder: `config.json` and `model.safetensors`, or its shards by `model.safetensors.index.json`.
    ///
    /// # Errors
    /// If a file is missing or damaged, the shape is one Collimate cannot run, or a tensor is missing, unknown, of
    /// another shape or not all numbers: the message names the file, the tensor and both shapes.
    pub fn load(path: &Path) -> Result<Self> {
        let folder = Folder::read(path)?;
        let config = ModelConfig::from_json(&folder.config, &path.join("config.json"))?;
        let mut reader = Reader::new(config, config_json::labels(&folder.config, &path.join("config.json"))?);
        for file in weight_files(path)? {
            let stream = File::open(&file).map_err(|error| Error::file(&file, error))?;
            reader.read(&file, stream)?;
        }
        reader.finish(path, folder)
    }

    /// The same from the bytes of `config.json` and `model.safetensors`, for a model inside the program; `name` stands
    /// for its path in messages.
    ///
    /// # Errors
    /// As [`Weights::load`].
    pub fn from_bytes(name: &str, config: &[u8], safetensors: &[u8]) -> Result<Self> {
        let path = Path::new(name);
        let config_path = path.join("config.json");
        let folder =
            Folder { path: path.to_owned(), config: config_json::parse(&config_path, config)?, ..Folder::default() };
        let labels = config_json::labels(&folder.config, &config_path)?;
        let mut reader = Reader::new(ModelConfig::from_json(&folder.config, &config_path)?, labels);
        reader.read(&path.join(WHOLE), Cursor::new(safetensors))?;
        reader.finish(path, folder)
    }
}

/// The files that hold a folder's tensors.
fn weight_files(path: &Path) -> Result<Vec<PathBuf>> {
    let (whole, index) = (path.join(WHOLE), path.join(INDEX));
    if whole.exists() {
        return Ok(vec![whole]);
    }
    if !index.exists() {
        return Err(Error::file(
            path,
            format!("holds neither {WHOLE} nor {INDEX}; convert other formats to safetensors"),
        ));
    }
    let bytes = std::fs::read(&index).map_err(|error| Error::file(&index, error))?;
    let map = config_json::parse(&index, &bytes)?;
    let names = map.get("weight_map").and_then(|m| m.as_object()).map(|m| m.values().map(|v| v.as_str()).collect());
    let names: Option<BTreeSet<&str>> = names.unwrap_or(None);
    let names = names
        .filter(|n| !n.is_empty())
        .ok_or_else(|| Error::file(&index, "weight_map must be an object from tensor names to file names"))?;
    names
        .into_iter()
        .map(|name| {
            let mut parts = Path::new(name).components();
            match (parts.next(), parts.next()) {
                (Some(Component::Normal(_)), None) => Ok(path.join(name)),
                _ => Err(Error::file(&index, format!("weight_map names {name}, which is not a file of this folder"))),
            }
        })
        .collect()
}

/// Fills weights from one file after another.
struct Reader {
    weights: Weights,
    /// Place of each tensor in `weights.tensors`.
    places: HashMap<String, usize>,
    seen: Vec<bool>,
    /// An output head stored beside the embedding it should be tied to, and the file it is in.
    stored_head: Option<(PathBuf, Vec<f32>)>,
}

impl Reader {
    fn new(config: ModelConfig, labels: Vec<String>) -> Self {
        let weights = Weights::laid_out(config, labels);
        let places = weights.tensors.iter().enumerate().map(|(i, t)| (t.name.clone(), i)).collect();
        let seen = vec![false; weights.tensors.len()];
        Reader { weights, places, seen, stored_head: None }
    }

    /// Takes every tensor of one file.
    fn read(&mut self, path: &Path, mut stream: impl Read + Seek) -> Result<()> {
        let (start, metadata) = header(path, &mut stream)?;
        for name in metadata.offset_keys() {
            let info =
                metadata.info(&name).ok_or_else(|| Error::file(path, format!("{name}: no entry in the header")))?;
            stream.seek(SeekFrom::Start(start + info.data_offsets.0 as u64)).map_err(|e| Error::file(path, e))?;
            self.take(path, &name, info, &mut stream)?;
        }
        Ok(())
    }

    fn take(&mut self, path: &Path, name: &str, info: &TensorInfo, stream: &mut impl Read) -> Result<()> {
        let with_prefix = format!("model.{name}");
        // A base model saved without its head has no `model.` before its names.
        let place = self.places.get(name).or_else(|| self.places.get(&with_prefix)).copied();
        let Some(place) = place else {
            if name == HEAD && self.weights.labels.is_empty() {
                check_shape(path, name, &info.shape, &self.weights.tensors[self.places[EMBEDDING]].shape)?;
                let mut values = vec![0.0; info.shape.iter().product()];
                fill(path, name, info.dtype, stream, &mut values)?;
                self.stored_head = Some((path.to_owned(), values));
                return Ok(());
            }
            // Old files store the rotary frequencies, which follow from the config.
            if name.ends_with(".rotary_emb.inv_freq") {
                return Ok(());
            }
            return Err(Error::file(path, format!("{name} {:?} is no tensor of this config.json's model", info.shape)));
        };
        let spec = &self.weights.tensors[place];
        check_shape(path, name, &info.shape, &spec.shape)?;
        if std::mem::replace(&mut self.seen[place], true) {
            return Err(Error::file(path, format!("{name} is stored twice")));
        }
        fill(path, name, info.dtype, stream, &mut self.weights.data[spec.range.clone()])
    }

    /// All files are read: is everything there?
    fn finish(mut self, path: &Path, folder: Folder) -> Result<Weights> {
        let missing: Vec<_> = self.weights.tensors.iter().zip(&self.seen).filter(|(_, seen)| !**seen).collect();
        if let Some((spec, _)) = missing.first() {
            let others = match missing.len() - 1 {
                0 => String::new(),
                n => format!(", and {n} more"),
            };
            let hint = if spec.name == HEAD { "; is tie_word_embeddings missing from config.json?" } else { "" };
            return Err(Error::file(path, format!("{} {:?} is missing{others}{hint}", spec.name, spec.shape)));
        }
        if let Some((file, head)) = &self.stored_head {
            let embedding: &Range<usize> = &self.weights.tensors[self.places[EMBEDDING]].range;
            if *head != self.weights.data[embedding.clone()] {
                let problem = format!(
                    "{HEAD} differs from {EMBEDDING} although config.json ties them; set tie_word_embeddings to false"
                );
                return Err(Error::file(file, problem));
            }
        }
        self.weights.folder = Arc::new(folder);
        Ok(self.weights)
    }
}

/// Where the tensors begin, and what they are. Checks that the file is as long as it says.
pub(crate) fn header(path: &Path, stream: &mut (impl Read + Seek)) -> Result<(u64, Metadata)> {
    let damaged = |problem: &dyn std::fmt::Display| {
        Error::file(path, format!("not a whole safetensors file ({problem}); fetch or save it again"))
    };
    let length = stream.seek(SeekFrom::End(0)).map_err(|e| Error::file(path, e))?;
    stream.rewind().map_err(|e| Error::file(path, e))?;
    let mut prefix = [0; 8];
    stream.read_exact(&mut prefix).map_err(|_| damaged(&format!("{length} bytes are too few")))?;
    let header_length = u64::from_le_bytes(prefix);
    let start = header_length.saturating_add(8);
    if start > length {
        return Err(damaged(&format!("its header would end at byte {start} of {length}")));
    }
    let mut header = vec![0; usize::try_from(header_length).map_err(|e| damaged(&e))?];
    stream.read_exact(&mut header).map_err(|e| Error::file(path, e))?;
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|e| damaged(&e))?;
    let end = start + metadata.data_len() as u64;
    if end != length {
        return Err(damaged(&format!("{length} bytes, but its header says {end}")));
    }
    Ok((start, metadata))
}

fn check_shape(path: &Path, name: &str, found: &[usize], wanted: &[usize]) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::file(path, format!("{name} has shape {found:?} where config.json asks for {wanted:?}")))
}

/// Reads the next numbers of the stream as f32.
fn fill(path: &Path, name: &str, dtype: Dtype, stream: &mut impl Read, values: &mut [f32]) -> Result<()> {
    match dtype {
        Dtype::F32 => bytes::read(stream, values, f32::from_le_bytes),
        Dtype::F16 => bytes::read(stream, values, |raw| f16::from_le_bytes(raw).to_f32()),
        Dtype::BF16 => bytes::read(stream, values, |raw| bf16::from_le_bytes(raw).to_f32()),
        other => return Err(Error::file(path, format!("{name} is {other:?}; Collimate reads F32, F16 and BF16"))),
    }
    .map_err(|error| Error::file(path, format!("{name}: {error}")))?;
    match values.iter().find(|v| !v.is_finite()) {
        Some(value) => {
            Err(Error::file(path, format!("{name} holds {value}, which is no weight; the model is damaged")))
        }
        None => Ok(()),
    }
}
