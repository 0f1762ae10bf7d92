//! Another program that draws: any server with OpenAI's completions endpoint.
//!
//! A prompt is sent as tokens, so nothing is read twice. What comes back is read as exactly as the server allows: its
//! token numbers where it gives them (vLLM's `return_token_ids`, or `token_id:7` in the place of a token's text), otherwise
//! the text, which is then encoded anew. The log-probabilities are those of the server.
//!
//! New weights are handed over as a folder: they are written there, and the server is told by SGLang's
//! `/update_weights_from_disk`.

mod answer;
#[cfg(test)]
pub(crate) mod tests;

use super::{Sample, Sampler, Sampling};
use crate::checkpoint::Hash;
use crate::model::{Precision, Weights};
use crate::tokenizer::Tokenizer;
use crate::{Error, Result};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// How long a server may take for one batch.
const PATIENCE: Duration = Duration::from_secs(600);

/// A server that draws responses.
pub struct Server<'a> {
    /// `http://host:port`, without a path.
    url: String,
    /// What the server calls the model.
    model: String,
    tokenizer: &'a Tokenizer,
    /// Where new weights are written for it; none if it keeps those it has.
    handover: Option<PathBuf>,
    /// The weights that it was last told of.
    known: Option<Hash>,
    agent: ureq::Agent,
}

impl<'a> Server<'a> {
    /// The server at this address. `handover` is a folder that it can read too, by the same path: the weights are written
    /// there whenever they have changed. Without one the server keeps the weights it has.
    ///
    /// # Errors
    /// If the address is none, or no server answers there.
    pub fn connect(url: &str, tokenizer: &'a Tokenizer, handover: Option<PathBuf>) -> Result<Self> {
        let url = url.trim_end_matches('/').trim_end_matches("/v1").to_owned();
        if !url.starts_with("http://") {
            let problem =
                format!("--sampler {url}: write http://host:port (no https: put a proxy before a far server)");
            return Err(Error::Setting(problem));
        }
        let config = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).http_status_as_error(false);
        let agent: ureq::Agent = config.build().into();
        let mut server = Server { url, model: String::new(), tokenizer, handover, known: None, agent };
        let models = server.get("/v1/models")?;
        let name = models.pointer("/data/0/id").and_then(Value::as_str);
        server.model = name.ok_or_else(|| server.problem("/v1/models", "it names no model"))?.to_owned();
        Ok(server)
    }

    fn get(&self, path: &str) -> Result<Value> {
        let answer = self.agent.get(format!("{}{path}", self.url)).call();
        self.read(path, answer)
    }

    fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let request = self.agent.post(format!("{}{path}", self.url)).content_type("application/json");
        self.read(path, request.send(body.to_string()))
    }

    fn read(&self, path: &str, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value> {
        let mut answer = answer.map_err(|e| self.problem(path, &format!("{e}; is the server running?")))?;
        let status = answer.status();
        // A batch of long responses with their log-probabilities is large.
        let text = answer.body_mut().with_config().limit(1 << 30).read_to_string();
        let text = text.map_err(|e| self.problem(path, &e.to_string()))?;
        if !status.is_success() {
            let start: String = text.chars().take(200).collect();
            return Err(self.problem(path, &format!("it answers {status}: {}", start.trim())));
        }
        serde_json::from_str(&text).map_err(|e| self.problem(path, &format!("its answer is not JSON: {e}")))
    }

    fn problem(&self, path: &str, problem: &str) -> Error {
        Error::Setting(format!("--sampler {}{path}: {problem}", self.url))
    }

    /// Hands the weights over, if they are not the ones that the server was last told of.
    fn hand_over(&mut self, weights: &Weights) -> Result<()> {
        let Some(folder) = &self.handover else { return Ok(()) };
        let hash = Hash::of_numbers(&weights.data);
        if self.known == Some(hash) {
            return Ok(());
        }
        crate::checkpoint::disk::write_folder(folder, |path| {
            weights.save(path, Precision::F32)?;
            self.tokenizer.files().write(path)
        })?;
        let path = "/update_weights_from_disk";
        let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.clone());
        let answer = self.post(path, &json!({"model_path": whole})).map_err(|e| {
            let help = "a server that cannot take new weights draws with those it has: say --sampler-update none";
            Error::Setting(format!("{e}; {help}"))
        })?;
        if answer.get("success").and_then(Value::as_bool) == Some(false) {
            return Err(self.problem(path, &format!("it refuses the weights: {}", answer["message"])));
        }
        self.known = Some(hash);
        Ok(())
    }
}

impl Sampler for Server<'_> {
    fn draw(&mut self, weights: &Weights, prompts: &[Vec<u32>], settings: &Sampling) -> Result<Vec<Vec<Sample>>> {
        self.hand_over(weights)?;
        // No server takes a seed of 64 bits without a sign.
        let seed = settings.seed >> 1;
        // Some servers refuse a sequence that could be longer than the model's positions; all prompts share one limit.
        let longest = prompts.iter().map(Vec::len).max().unwrap_or_default();
        let room = weights.config.longest().saturating_sub(longest);
        let mut request = json!({
            "model": self.model,
            "prompt": prompts,
            "n": settings.samples,
            "max_tokens": settings.max_new_tokens.min(room),
            "temperature": settings.temperature,
            "top_p": settings.top_p,
            "seed": seed,
            "logprobs": 0,
            "stop_token_ids": settings.end_tokens,
            "return_token_ids": true,
            "return_tokens_as_token_ids": true,
        });
        if settings.top_k > 0 {
            request["top_k"] = settings.top_k.into();
        }
        let answer = self.post("/v1/completions", &request)?;
        let choices = answer.get("choices").and_then(Value::as_array);
        let choices = choices.ok_or_else(|| self.problem("/v1/completions", "its answer has no `choices`"))?;
        let wanted = prompts.len() * settings.samples;
        let mut samples: Vec<Option<Sample>> = vec![None; wanted];
        for choice in choices {
            let place = choice.get("index").and_then(Value::as_u64).map(|place| place as usize);
            let place = place.filter(|place| *place < wanted);
            let place =
                place.ok_or_else(|| self.problem("/v1/completions", "a choice has no `index`, or too large a one"))?;
            let prompt = &prompts[place / settings.samples];
            let sample = answer::sample(choice, prompt, self.tokenizer, &settings.end_tokens);
            samples[place] = Some(sample.map_err(|problem| self.problem("/v1/completions", &problem))?);
        }
        let found = samples.iter().flatten().count();
        if found < wanted {
            let problem = format!("it gave {found} responses where {wanted} were asked for");
            return Err(self.problem("/v1/completions", &problem));
        }
        let mut rest = samples.into_iter().flatten();
        Ok(prompts.iter().map(|_| rest.by_ref().take(settings.samples).collect()).collect())
    }
}
