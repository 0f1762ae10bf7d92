//! Heads of labels against transformers' `LlamaForSequenceClassification`: folders, values.

use collimate_runtime::Cpu;
use collimate_runtime::model::{Engine, FusedEngine, GraphEngine, Parameters, Precision, Sequences, ValuesAt, Weights};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CASES: [(&str, &[&str]); 2] =
    [("scalar", &["LABEL_0"]), ("attributes", &["helpfulness", "correctness", "coherence", "complexity", "verbosity"])];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/reward").join(name)
}

fn expected(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder(name).join("expected.json")).unwrap()).unwrap()
}

fn ids(list: &Value) -> Vec<u32> {
    list.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn engines(weights: &Weights) -> [Box<dyn Engine<Cpu>>; 2] {
    let parameters = Arc::new(Parameters::frozen(weights.clone()));
    [Box::new(GraphEngine::new(Arc::clone(&parameters), Cpu::default())), Box::new(FusedEngine::new(parameters))]
}

#[test]
fn both_engines_give_the_values_of_transformers() {
    for (name, labels) in CASES {
        let weights = Weights::load(&folder(name)).unwrap();
        assert_eq!(weights.labels, labels);
        let (mut batch, mut ends, mut before) = (Sequences::default(), Vec::new(), Vec::new());
        for sequence in expected(name)["sequences"].as_array().unwrap() {
            let context = ids(&sequence["context"]);
            batch.push(&context, &ids(&sequence["response"]));
            let states = sequence["values"].as_array().unwrap();
            let values = |states: &[Value]| -> Vec<f64> {
                states.iter().flat_map(|s| s.as_array().unwrap()).map(|x| x.as_f64().unwrap()).collect()
            };
            ends.extend(values(&states[states.len() - 1..]));
            before.extend(values(&states[context.len() - 1..states.len() - 1]));
        }
        for engine in engines(&weights) {
            for (at, right) in [(ValuesAt::End, &ends), (ValuesAt::Scored, &before)] {
                let ours = engine.score_values(&batch, at).unwrap();
                assert_eq!(ours.len(), right.len());
                let apart = ours.iter().zip(right).map(|(o, r)| (f64::from(*o) - r).abs()).fold(0.0, f64::max);
                println!("{name}, {at:?}: values {apart:.1e} apart");
                assert!(apart <= 2e-4, "{name}, {at:?}: values {apart} apart");
            }
        }
    }
}

#[test]
fn a_saved_head_is_read_back_and_keeps_its_labels() {
    let outer = tempfile::tempdir().unwrap();
    for (name, labels) in CASES {
        let weights = Weights::load(&folder(name)).unwrap();
        let path = outer.path().join(name);
        weights.save(&path, Precision::F32).unwrap();
        let back = Weights::load(&path).unwrap();
        assert_eq!((&back.data, &back.labels), (&weights.data, &weights.labels));
        let config: Value = serde_json::from_slice(&std::fs::read(path.join("config.json")).unwrap()).unwrap();
        assert_eq!(config["architectures"][0], "LlamaForSequenceClassification");
        assert_eq!(config["id2label"].as_object().unwrap().len(), labels.len());
        assert_eq!(config["label2id"][labels[0]], 0);
    }
}

#[test]
fn a_language_model_with_a_new_head_is_a_classifier_on_disk() {
    let outer = tempfile::tempdir().unwrap();
    let language = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/llama");
    for name in ["grouped", "tied"] {
        let model = Weights::load(&language.join(name)).unwrap().with_head(&["score", "spread"], 1);
        let path = outer.path().join(name);
        model.save(&path, Precision::F32).unwrap();
        let back = Weights::load(&path).unwrap();
        assert_eq!((back.data, back.labels), (model.data.clone(), model.labels.clone()));
        // And a language model again has no head of labels.
        let again = Weights::load(&language.join(name)).unwrap();
        assert!(again.labels.is_empty());
    }
}

#[test]
fn labels_that_are_not_one_for_each_place_are_refused() {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder("scalar")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let file = copy.path().join("config.json");
    let config: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let complaint = |change: &dyn Fn(&mut Value)| {
        let mut changed = config.clone();
        change(&mut changed);
        std::fs::write(&file, changed.to_string()).unwrap();
        Weights::load(copy.path()).unwrap_err().to_string()
    };
    let message = complaint(&|config| config["id2label"] = serde_json::json!({"1": "good"}));
    assert!(message.ends_with("id2label must be an object from \"0\", \"1\", … to names"), "{message}");
    // Without names there are two labels, as transformers has it, and the file holds one.
    let message = complaint(&|config| drop(config.as_object_mut().unwrap().remove("id2label")));
    assert!(message.contains("score.weight has shape [1, 16] where config.json asks for [2, 16]"), "{message}");
    let message = complaint(&|config| config["architectures"] = serde_json::json!(["LlamaForCausalLM"]));
    assert!(message.contains("score.weight [1, 16] is no tensor of this config.json's model"), "{message}");
}
