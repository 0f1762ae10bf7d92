//! Heads of labels against transformers' `…ForSequenceClassification`: folders, values.

use collimate::{reward_bt::REWARD_BT, reward_regression::REWARD_REGRESSION};
use collimate_dsl::eval::Inputs;
use collimate_dsl::ir::SideTag;
use collimate_dsl::{Layout, Reach};
use collimate_runtime::Cpu;
use collimate_runtime::compile::{self, Field, Form, Source, value_shares};
use collimate_runtime::model::{Engine, FusedEngine, GraphEngine, Parameters, Precision, Sequences, ValuesAt, Weights};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const CASES: [(&str, &[&str]); 5] = [
    ("scalar", &["LABEL_0"]),
    ("attributes", &["helpfulness", "correctness", "coherence", "complexity", "verbosity"]),
    ("mistral", &["LABEL_0"]),
    ("qwen2", &["LABEL_0"]),
    ("qwen3", &["LABEL_0"]),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/reward").join(name)
}

fn expected(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder(name).join("expected.json")).unwrap()).unwrap()
}

fn ids(list: &Value) -> Vec<u32> {
    list.as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect()
}

fn engines(parameters: Arc<Parameters>) -> [Box<dyn Engine<Cpu>>; 2] {
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
        for engine in engines(Arc::new(Parameters::frozen(weights))) {
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
        let class = match name {
            "mistral" => "MistralForSequenceClassification",
            "qwen2" => "Qwen2ForSequenceClassification",
            "qwen3" => "Qwen3ForSequenceClassification",
            _ => "LlamaForSequenceClassification",
        };
        assert_eq!(config["architectures"][0], class);
        assert_eq!(config["id2label"].as_object().unwrap().len(), labels.len());
        assert_eq!(config["label2id"][labels[0]], 0);
    }
}

#[test]
fn a_language_model_with_a_new_head_is_a_classifier_on_disk() {
    let outer = tempfile::tempdir().unwrap();
    let language = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/llama");
    for name in ["grouped", "tied", "biased", "qwen3"] {
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

/// Loss and gradient of a reward model's algorithm on the sequences of a case, through dfdx's tape: of the pairs where there
/// is one label, of the ratings where there are five.
fn learn(name: &str, labels: &[&str], expected: &Value, fused: bool) -> (f64, Vec<f32>) {
    let sequences = expected["sequences"].as_array().unwrap();
    let pairs = labels.len() == 1;
    let sides = if pairs { vec![SideTag::Chosen, SideTag::Rejected] } else { vec![SideTag::Answer] };
    let (mut batch, mut inputs) = (Sequences::default(), Inputs::new());
    let mut layout = Layout { prompts: sequences.len() / sides.len(), sides: Vec::new(), words: 0 };
    for (place, side) in sides.iter().enumerate() {
        let mut reaches = Vec::new();
        for (prompt, sequence) in sequences.iter().skip(place).step_by(sides.len()).enumerate() {
            let response = ids(&sequence["response"]);
            batch.push(&ids(&sequence["context"]), &response);
            reaches.push(Reach { prompt, tokens: response.len() });
        }
        layout.sides.push((*side, reaches));
    }
    for (place, label) in labels.iter().enumerate().filter(|_| !pairs) {
        let rated = sequences.iter().map(|sequence| sequence["ratings"][place].as_f64().unwrap()).collect();
        inputs.insert("rated", *label, Some(SideTag::Answer), rated);
        inputs.insert("rated", format!("{label}_present"), Some(SideTag::Answer), vec![1.0; sequences.len()]);
    }
    let field = |(label, name): (usize, &&str)| Field {
        name: if pairs { "score".to_owned() } else { (*name).to_owned() },
        label,
        form: Form::Itself,
    };
    let fields: Vec<Field> = labels.iter().enumerate().map(field).collect();
    let program = ((if pairs { &REWARD_BT } else { &REWARD_REGRESSION }).trace)();
    let parameters = Arc::new(Parameters::new(Weights::load(&folder(name)).unwrap()));
    let [graph, own] = engines(Arc::clone(&parameters));
    let engine = if fused { own } else { graph };
    let at = ValuesAt::End;
    let live = engine.forward_values(&batch, at).unwrap();
    let shares = value_shares(&layout, "reward_model", &fields, labels.len(), at);
    let source = Source { live, asked: at.count(&batch) * labels.len(), shares };
    let totals = layout.totals();
    let settings = Default::default();
    let step = compile::step_of(&Cpu::default(), &program, &layout, &totals, &inputs, &settings, vec![source]);
    let (outcome, gradients) = step.unwrap();
    engine.collect(&gradients).unwrap();
    let gradient = parameters.gradient.lock().unwrap().clone();
    (outcome.loss, gradient)
}

#[test]
fn both_engines_learn_rewards_with_the_gradient_of_transformers() {
    for (name, labels) in CASES {
        let expected = expected(name);
        let read = |file: &str| std::fs::read(folder(name).join(file)).unwrap();
        let right = Weights::from_bytes(name, &read("config.json"), &read("gradient.safetensors")).unwrap();
        let [graph, fused] = [false, true].map(|fused| learn(name, labels, &expected, fused));
        for (engine, (loss, gradient)) in [("graph", &graph), ("fused", &fused)] {
            let wanted = expected["loss"].as_f64().unwrap();
            assert!((loss - wanted).abs() <= 1e-5 * (1.0 + wanted), "{name}, {engine}: loss {loss}, expected {wanted}");
            for spec in &right.tensors {
                let (found, right) = (&gradient[spec.range.clone()], &right.data[spec.range.clone()]);
                let largest = right.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
                let apart = found.iter().zip(right).map(|(f, r)| (f - r).abs()).fold(0.0, f32::max) / largest;
                assert!(apart <= 1e-3, "{name}, {engine}: the gradient by {} is {apart} apart", spec.name);
            }
        }
        let largest = graph.1.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        assert!(
            graph.1.iter().zip(&fused.1).all(|(g, f)| (g - f).abs() <= 1e-4 * largest),
            "{name}: the engines differ"
        );
    }
}
