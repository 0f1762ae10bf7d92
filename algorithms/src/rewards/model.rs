//! What a reward model gives.

use super::Source;
use collimate_runtime::model::Weights;
use collimate_runtime::reward::RewardModel;
use collimate_runtime::tokenizer::Tokenizer;
use collimate_runtime::train::{Answer, Dtype};
use collimate_runtime::{Error, Result};
use std::path::Path;

/// The reward model of a folder: a sequence classifier with one label. It reads prompt and response as its own tokenizer
/// has them, with an end token where the response ended by itself.
///
/// # Errors
/// If the folder holds no such model.
pub fn reward_model(folder: &Path) -> Result<Source> {
    reward_model_on("cpu", Dtype::F32, folder)
}

/// The same, asked on the device of this name.
///
/// # Errors
/// As [`reward_model`], and what is missing for the device.
pub fn reward_model_on(place: &str, dtype: Dtype, folder: &Path) -> Result<Source> {
    let (weights, tokenizer) = (Weights::load(folder)?, Tokenizer::from_folder(folder)?);
    if weights.labels.len() != 1 {
        let found = match weights.labels.len() {
            0 => "this is a language model".to_owned(),
            _ => format!("this model gives {}", weights.labels.join(", ")),
        };
        return Err(Error::file(folder, format!("{found}; a reward model with one label is needed")));
    }
    let model = RewardModel::on(place, dtype, weights, tokenizer)?;
    let judge = move |answers: &[Answer<'_>]| Ok(model.values_of(answers)?.concat());
    Ok(Source::Batch { name: folder.display().to_string(), judge: Box::new(judge) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rewards::given::row;
    use crate::sandbox::base;
    use collimate_runtime::device;
    use collimate_runtime::model::{Parameters, Precision, Sequences, ValuesAt};
    use collimate_runtime::train::EngineKind;
    use std::sync::Arc;

    #[test]
    fn a_reward_model_reads_the_end_only_where_there_was_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (weights, tokenizer) = base::model().expect("it is built in");
        tokenizer.files().write(folder.path()).expect("it can be written");
        weights.save(folder.path(), Precision::F32).expect("it can be written");
        let problem = reward_model(folder.path()).map(drop).unwrap_err().to_string();
        assert!(problem.contains("this is a language model; a reward model with one label is needed"), "{problem}");

        let weights = weights.with_head(&["reward"], 3);
        weights.save(folder.path(), Precision::F32).expect("it can be written");
        let Ok(Source::Batch { mut judge, .. }) = reward_model(folder.path()) else { panic!("it judges batches") };
        let prompt = "Question: What is 7 plus 5?\nAnswer:";
        let row = row(prompt, "{}");
        let answer = |ended| Answer { row: &row, text: " It is 12.", ended };
        let found = judge(&[answer(true), answer(false), answer(true)]).expect("it judges");
        let engine = device::cpu(EngineKind::Fused, Arc::new(Parameters::frozen(weights))).expect("an engine");
        let spans = tokenizer.spans(prompt, &[" It is 12."]).expect("tokens");
        let whole = &spans.responses[0];
        for (response, found) in [(&whole[..], found[0]), (&whole[..whole.len() - 1], found[1]), (&whole[..], found[2])]
        {
            let mut sequences = Sequences::default();
            sequences.push(&spans.prompt, response);
            let right = engine.score_values(&sequences, ValuesAt::End).expect("a value")[0];
            assert!((found - f64::from(right)).abs() < 1e-5, "{found} {right}");
        }
        assert_ne!(found[0], found[1]);
    }
}
