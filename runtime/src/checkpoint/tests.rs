use super::*;
use crate::model::{ModelConfig, Weights};
use crate::train::small::config;

fn weights() -> Weights {
    let mut weights = Weights::zeros(config());
    weights.data.iter_mut().enumerate().for_each(|(i, w)| *w = (i as f32 * 0.37).sin());
    weights
}

fn at(step: u64) -> State {
    let hash = Hash::of_bytes(b"x");
    let loss = [("mean".to_owned(), Exact(0.1 + 0.2))].into();
    let (settings, program, data, model, teacher) = (hash, hash, hash, hash, Some(hash));
    State { step, epoch: 0, row: 0, seed: 1, settings, program, data, model, teacher, loss }
}

#[test]
fn a_checkpoint_reads_back_bit_for_bit_and_the_newest_is_kept() {
    let run = tempfile::tempdir().unwrap();
    let weights = weights();
    let mut optimizer = AdamW::new(weights.data.len());
    optimizer.first.iter_mut().enumerate().for_each(|(i, m)| *m = (i as f32).sqrt() * 1e-30);
    optimizer.second.iter_mut().enumerate().for_each(|(i, m)| *m = f32::from_bits(i as u32));
    for step in [3, 12] {
        optimizer.updates = step;
        let one = |name| Model { name, weights: &weights, optimizer: Some(&optimizer) };
        save(run.path(), &at(step), &[one(""), one("critic-")]).unwrap();
    }
    std::fs::create_dir(run.path().join("checkpoint-99.partial")).unwrap();
    let newest = newest(run.path()).unwrap().unwrap();
    assert!(newest.ends_with("checkpoint-12") && !run.path().join("checkpoint-3").exists());
    assert_eq!(state(&newest).unwrap(), at(12));
    let mut read = Weights::zeros(config());
    for name in ["", "critic-"] {
        assert_eq!(load(&newest, &at(12), name, &mut read).unwrap(), optimizer);
        assert_eq!(read.data, weights.data);
        read.data.fill(0.0);
    }
}

#[test]
fn a_checkpoint_of_another_model_is_refused() {
    let run = tempfile::tempdir().unwrap();
    let weights = weights();
    let optimizer = AdamW::new(weights.data.len());
    let path = save(run.path(), &at(1), &[Model { name: "", weights: &weights, optimizer: Some(&optimizer) }]).unwrap();
    let mut wider = Weights::zeros(ModelConfig { vocab_size: 20, ..config() });
    let error = load(&path, &at(1), "", &mut wider).unwrap_err().to_string();
    let wanted = "not a checkpoint of this model: model.embed_tokens.weight is F32 [19, 16], expected F32 [20, 16]";
    assert!(error.contains(wanted), "{error}");
}

#[test]
fn contents_that_differ_have_different_hashes() {
    let hashes = [&b""[..], b"\0", b"\0\0", b"a", b"b", b"ab", b"abcdefgh", b"abcdefghi"].map(Hash::of_bytes);
    for (i, a) in hashes.iter().enumerate() {
        assert!(hashes[i + 1..].iter().all(|b| a != b), "{i}");
    }
    assert_ne!(Hash::of_numbers(&[1.0, 2.0]), Hash::of_numbers(&[2.0, 1.0]));
}
