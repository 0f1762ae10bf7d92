//! Hugging Face folders: what is read, what is refused, and what is written.

use collimate_runtime::model::{Family, ModelConfig, Precision, RotaryScaling, Weights};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/llama").join(name)
}

/// The folder's files in a place where they can be changed.
fn copy_of(name: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(golden(name)).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

/// What loading says once a key of `config.json` is set.
fn complaint(name: &str, key: &str, value: Value) -> String {
    let mut map = config_map(name);
    map.insert(key.to_owned(), value);
    let message = ModelConfig::from_json(&map, Path::new("m/config.json")).unwrap_err().to_string();
    assert!(!message.contains('\n') && message.starts_with("m/config.json: "), "{message}");
    message["m/config.json: ".len()..].to_owned()
}

fn config_map(name: &str) -> Map<String, Value> {
    serde_json::from_slice(&std::fs::read(golden(name).join("config.json")).unwrap()).unwrap()
}

/// What loading the folder says after its tensors were changed.
fn after(change: impl FnOnce(&mut Map<String, Value>, &mut Vec<u8>)) -> String {
    let folder = copy_of("grouped");
    let file = folder.path().join("model.safetensors");
    let bytes = std::fs::read(&file).unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let mut data = bytes[8 + length..].to_vec();
    change(&mut header, &mut data);
    let header = serde_json::to_vec(&header).unwrap();
    let bytes = [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat();
    std::fs::write(&file, bytes).unwrap();
    let message = Weights::load(folder.path()).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

#[test]
fn every_golden_folder_loads_with_its_shape() {
    let config = Weights::load(&golden("grouped")).unwrap().config;
    assert_eq!((config.num_attention_heads, config.num_key_value_heads, config.head_dim), (4, 2, 4));
    let config = Weights::load(&golden("tied")).unwrap().config;
    assert!(config.tie_word_embeddings);
    assert_eq!((config.head_dim, config.num_key_value_heads, config.rope_theta), (6, 1, 500.0));
    let config = Weights::load(&golden("sharded")).unwrap().config;
    assert_eq!((config.head_dim, config.rope_scaling), (8, RotaryScaling::Linear { factor: 2.0 }));
    let config = Weights::load(&golden("llama3")).unwrap().config;
    assert!(matches!(config.rope_scaling, RotaryScaling::Llama3 { factor: 4.0, .. }));
    let config = Weights::load(&golden("biased")).unwrap().config;
    assert_eq!(config.family, Family::Llama { attention_bias: true, mlp_bias: true });
    let config = Weights::load(&golden("mistral")).unwrap().config;
    assert_eq!((config.family, config.longest()), (Family::Mistral { sliding_window: Some(40) }, 40));
    let config = Weights::load(&golden("qwen2")).unwrap().config;
    assert_eq!((config.family, config.longest()), (Family::Qwen2 { sliding_window: None }, 64));
    let config = Weights::load(&golden("qwen3")).unwrap().config;
    assert_eq!((config.family, config.head_dim), (Family::Qwen3 { attention_bias: false, sliding_window: None }, 6));
}

/// The family that a file tells of once keys of it are set; "absent" takes one away.
fn family(name: &str, changes: &[(&str, Value)]) -> Family {
    let mut map = config_map(name);
    for (key, value) in changes {
        match value {
            Value::String(absent) if absent == "absent" => drop(map.remove(*key)),
            value => drop(map.insert((*key).to_owned(), value.clone())),
        }
    }
    ModelConfig::from_json(&map, Path::new("config.json")).unwrap().family
}

#[test]
fn a_sliding_window_is_what_transformers_takes_it_for() {
    let absent = || json!("absent");
    let mistral = |sliding_window| Family::Mistral { sliding_window };
    assert_eq!(family("mistral", &[("sliding_window", Value::Null)]), mistral(None));
    assert_eq!(family("mistral", &[("sliding_window", absent())]), mistral(Some(4096)));
    let qwen = |sliding_window| Family::Qwen2 { sliding_window };
    let used = || ("use_sliding_window", json!(true));
    let without_list = || ("layer_types", absent());
    let window = |window: usize| ("sliding_window", json!(window));
    assert_eq!(family("qwen2", &[window(9)]), qwen(None), "it is not used");
    assert_eq!(family("qwen2", &[used(), window(9)]), qwen(None), "no layer of the list has one");
    assert_eq!(family("qwen2", &[used(), window(9), without_list()]), qwen(None), "no layer after the 28th");
    let layers = |count: u64| ("max_window_layers", json!(count));
    assert_eq!(family("qwen2", &[used(), window(9), without_list(), layers(1)]), qwen(Some(9)));
    assert_eq!(family("qwen2", &[used(), window(9), without_list(), layers(0)]), qwen(Some(9)));
    assert_eq!(family("qwen2", &[used(), ("sliding_window", absent()), without_list(), layers(0)]), qwen(Some(4096)));
    let list = ("layer_types", json!(["full_attention", "sliding_attention"]));
    assert_eq!(family("qwen2", &[used(), window(9), list.clone()]), qwen(Some(9)));
    assert!(complaint("qwen2", list.0, list.1).contains("it runs \"full_attention\" in every layer"));
}

#[test]
fn what_does_not_follow_from_other_sizes_must_be_said() {
    for (name, key) in [("mistral", "num_key_value_heads"), ("qwen2", "num_key_value_heads"), ("qwen3", "head_dim")] {
        assert_eq!(complaint(name, key, Value::Null), format!("{key} is missing"));
    }
}

#[test]
fn every_family_is_written_so_that_it_is_read_again_with_keys_before_and_without() {
    let families = [
        Family::default(),
        Family::Llama { attention_bias: true, mlp_bias: true },
        Family::Mistral { sliding_window: None },
        Family::Mistral { sliding_window: Some(7) },
        Family::Qwen2 { sliding_window: None },
        Family::Qwen2 { sliding_window: Some(7) },
        Family::Qwen3 { attention_bias: true, sliding_window: None },
        Family::Qwen3 { attention_bias: false, sliding_window: Some(7) },
    ];
    for family in families {
        let config = ModelConfig { family, ..Weights::load(&golden("grouped")).unwrap().config };
        let labels = [Vec::new(), vec!["good".to_owned()]];
        for (labels, class) in labels.iter().zip(["ForCausalLM", "ForSequenceClassification"]) {
            let written = config.to_json(&Map::new(), labels);
            assert_eq!(written["architectures"], json!([format!("{}{class}", family.name())]));
            assert_eq!(ModelConfig::from_json(&written, Path::new("config.json")).unwrap(), config);
            let again = config.to_json(&written, labels);
            assert_eq!(again, written);
        }
    }
}

#[test]
fn null_and_absent_mean_the_same() {
    let mut map = config_map("grouped");
    let absent = ModelConfig::from_json(&map, Path::new("config.json")).unwrap();
    for key in ["head_dim", "rope_scaling", "rope_parameters", "sliding_window", "quantization_config"] {
        map.insert(key.to_owned(), Value::Null);
    }
    assert_eq!(absent, ModelConfig::from_json(&map, Path::new("config.json")).unwrap());
}

#[test]
fn what_cannot_be_run_is_refused_by_key_and_value() {
    for (key, value, wanted) in [
        (
            "architectures",
            json!(["MixtralForCausalLM"]),
            "architectures is [\"MixtralForCausalLM\"], which Collimate cannot run; it runs LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM and Qwen3ForCausalLM, and …ForSequenceClassification of them",
        ),
        (
            "model_type",
            json!("mixtral"),
            "model_type is \"mixtral\", which Collimate cannot run; it runs \"llama\", \"mistral\", \"qwen2\" and \"qwen3\"",
        ),
        ("model_type", json!("qwen2"), "architectures is [\"LlamaForCausalLM\"], which is no model of type \"qwen2\""),
        ("hidden_act", json!("gelu"), "hidden_act is \"gelu\", which Collimate cannot run; it runs \"silu\""),
        ("attention_bias", json!("yes"), "attention_bias is \"yes\"; it must be true or false"),
        (
            "sliding_window",
            json!(4096),
            "sliding_window is 4096, which Collimate cannot run; it runs attention over the whole sequence (null)",
        ),
        (
            "attention_dropout",
            json!(0.1),
            "attention_dropout is 0.1, which Collimate cannot run; it runs no dropout (0.0)",
        ),
        ("hidden_size", json!(0), "hidden_size is 0; it must be a whole number above 0"),
        ("hidden_size", Value::Null, "hidden_size is missing"),
        ("rms_norm_eps", json!("small"), "rms_norm_eps is \"small\"; it must be a number above 0"),
        ("num_attention_heads", json!(3), "num_attention_heads (3) is not a multiple of num_key_value_heads (2)"),
        ("head_dim", json!(5), "head_dim is 5; rotary positions need an even number"),
        (
            "rope_parameters",
            json!({"rope_type": "yarn"}),
            "rope_parameters.rope_type is \"yarn\", which Collimate cannot run; it runs \"default\", \"linear\" and \"llama3\"",
        ),
        ("rope_parameters", json!({"rope_type": "llama3"}), "rope_parameters.low_freq_factor is missing"),
    ] {
        assert_eq!(complaint("grouped", key, value), wanted);
    }
    for (name, key) in [("mistral", "attention_bias"), ("qwen2", "attention_bias"), ("qwen3", "mlp_bias")] {
        let message = complaint(name, key, json!(true));
        assert_eq!(message, format!("{key} is true, which Collimate cannot run; it runs false"));
    }
    assert!(
        complaint("grouped", "quantization_config", json!({"bits": 4}))
            .starts_with("quantization_config is {\"bits\":4}")
    );
}

#[test]
fn a_wrong_tensor_is_named_with_both_shapes() {
    let message = after(|header, _| {
        header["model.layers.0.mlp.up_proj.weight"]["shape"] = json!([16, 24]);
    });
    assert!(
        message.ends_with("model.layers.0.mlp.up_proj.weight has shape [16, 24] where config.json asks for [24, 16]"),
        "{message}"
    );
}

#[test]
fn a_missing_an_unknown_and_a_foreign_tensor_are_named() {
    let message = after(|header, _| {
        let entry = header.remove("model.norm.weight").unwrap();
        header.insert("model.layers.7.input_layernorm.weight".to_owned(), entry);
    });
    assert!(
        message.contains("model.layers.7.input_layernorm.weight [16] is no tensor of this config.json's model"),
        "{message}"
    );
    let message = after(|header, data| {
        let entry = header.remove("model.norm.weight").unwrap();
        assert_eq!(entry["data_offsets"][1], data.len(), "the norm is stored last");
        data.truncate(data.len() - 64);
    });
    assert!(message.ends_with("model.norm.weight [16] is missing"), "{message}");
    let message = after(|header, _| {
        header["model.norm.weight"]["dtype"] = json!("I32");
    });
    assert!(message.ends_with("model.norm.weight is I32; Collimate reads F32, F16 and BF16"), "{message}");
}

#[test]
fn a_cut_file_and_a_number_that_is_none_are_refused() {
    let message = after(|_, data| data.truncate(data.len() - 1));
    assert!(message.contains("not a whole safetensors file") && message.contains("but its header says"), "{message}");
    let message = after(|_, data| {
        let end = data.len();
        data[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert!(message.contains("model.norm.weight holds NaN"), "{message}");
    let folder = copy_of("sharded");
    std::fs::remove_file(folder.path().join("model-00002-of-00002.safetensors")).unwrap();
    let message = Weights::load(folder.path()).unwrap_err().to_string();
    assert!(message.contains("model-00002-of-00002.safetensors: No such file"), "{message}");
    let empty = tempfile::tempdir().unwrap();
    let message = Weights::load(empty.path()).unwrap_err().to_string();
    assert!(message.contains("config.json: not found; give a Hugging Face model folder"), "{message}");
}

#[test]
fn a_stored_head_beside_a_tied_embedding_must_be_the_same() {
    let tied = |change: f32| {
        let folder = tempfile::tempdir().unwrap();
        let mut weights = Weights::load(&golden("grouped")).unwrap();
        let (embedding, head) = (weights.tensors[0].range.clone(), weights.tensors.last().unwrap().range.clone());
        weights.data.copy_within(embedding, head.start);
        weights.data[head.start] += change;
        weights.save(folder.path(), Precision::F32).unwrap();
        let path = folder.path().join("config.json");
        let mut map: Map<String, Value> = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        map["tie_word_embeddings"] = json!(true);
        std::fs::write(&path, serde_json::to_vec(&map).unwrap()).unwrap();
        Weights::load(folder.path())
    };
    assert_eq!(tied(0.0).unwrap().tensors.len(), 20);
    let message = tied(1.0).unwrap_err().to_string();
    assert!(message.ends_with("lm_head.weight differs from model.embed_tokens.weight although config.json ties them; set tie_word_embeddings to false"), "{message}");
}

#[test]
fn a_saved_folder_loads_to_the_same_weights() {
    for (name, precision) in [
        ("grouped", Precision::F32),
        ("tied", Precision::BF16),
        ("sharded", Precision::F16),
        ("llama3", Precision::F32),
        ("biased", Precision::F32),
        ("mistral", Precision::BF16),
        ("qwen2", Precision::F16),
        ("qwen3", Precision::F32),
    ] {
        let folder = copy_of(name);
        std::fs::write(folder.path().join("tokenizer.json"), b"{ raw }").unwrap();
        let weights = Weights::load(folder.path()).unwrap();
        let out = tempfile::tempdir().unwrap();
        let out = out.path().join("deep/final");
        weights.save(&out, precision).unwrap();
        let again = Weights::load(&out).unwrap();
        assert_eq!((&again.config, &again.tensors, &again.data), (&weights.config, &weights.tensors, &weights.data));
        assert_eq!(again.folder.file("tokenizer.json"), Some(&b"{ raw }"[..]));
        assert_eq!(again.folder.config["initializer_range"], json!(0.02), "keys Collimate does not read are kept");
        let left: Vec<_> = std::fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 3, "no temporary file is left: {left:?}");
    }
}

#[test]
fn weights_that_a_type_cannot_hold_are_not_written() {
    let mut weights = Weights::load(&golden("grouped")).unwrap();
    weights.data[0] = 70_000.0;
    let out = tempfile::tempdir().unwrap();
    let message = weights.save(out.path(), Precision::F16).unwrap_err().to_string();
    assert!(
        message.ends_with("not written: model.embed_tokens.weight holds 70000, which is no float16 weight"),
        "{message}"
    );
    weights.save(out.path(), Precision::BF16).unwrap();
}

#[test]
fn a_model_from_nothing_is_written_completely_and_by_its_seed() {
    let config = Weights::load(&golden("grouped")).unwrap().config;
    let weights = Weights::random(config.clone(), 1);
    let out = tempfile::tempdir().unwrap();
    weights.save(out.path(), Precision::F32).unwrap();
    assert_eq!(Weights::load(out.path()).unwrap().data, weights.data);
    assert_ne!(Weights::random(config.clone(), 2).data, weights.data);
    assert_eq!(Weights::random(config, 1).data, weights.data);
}

#[test]
fn a_model_inside_the_program_is_read_from_bytes() {
    let read = |name: &str| std::fs::read(golden("tied").join(name)).unwrap();
    let weights = Weights::from_bytes("sandbox", &read("config.json"), &read("model.safetensors")).unwrap();
    assert_eq!(weights.data, Weights::load(&golden("tied")).unwrap().data);
    let message = Weights::from_bytes("sandbox", b"[]", &[]).unwrap_err().to_string();
    assert_eq!(message, "sandbox/config.json: must hold a JSON object");
}

#[test]
fn a_model_saved_over_shards_is_the_one_that_is_read_again() {
    let folder = copy_of("sharded");
    let mut weights = Weights::load(folder.path()).unwrap();
    weights.data.iter_mut().for_each(|w| *w += 1.0);
    weights.save(folder.path(), Precision::F32).unwrap();
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(
        names.iter().all(|name| !name.to_string_lossy().contains("00001-of") && name != "model.safetensors.index.json")
    );
    assert_eq!(Weights::load(folder.path()).unwrap().data, weights.data);
    let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions();
    assert_eq!(mode("model.safetensors"), mode("config.json"));
}
