//! `numbers.json`: log-probabilities and scores from which `collimate loss` computes.
//!
//! The file holds exactly one list. Every response carries per-token arrays under the policies' lower-case
//! names and scalars where the algorithm needs them; the program's inputs say which. What a trained reward model gives
//! stands under `reward_model`, as a number (its score) or an object; in a list of `rewards` it is the response. What a
//! policy gives each word of the vocabulary stands under `POLICY_words`: for each token, a list of as many numbers as
//! there are words.

mod file;
mod gradient;

use anyhow::{Context, Result, bail, ensure};
use collimate_dsl::eval::Inputs;
use collimate_dsl::ir::{Depth, Program, STATE, SideTag, Ty};
use collimate_dsl::{Layout, Reach};
use file::{Response, Shape, Side};
use serde_json::{Map, Value};

/// A file's numbers, laid out as a program wants them.
#[derive(Debug)]
pub(super) struct Numbers {
    shape: Shape,
    pub(super) layout: Layout,
    pub(super) inputs: Inputs,
    /// For each side and response, whether its reward model is given as one number.
    plain: Vec<(SideTag, Vec<bool>)>,
}

impl Numbers {
    /// Takes from `json` what the program reads.
    pub(super) fn read(program: &Program, json: &Value) -> Result<Self> {
        let (shape, rows) = file::list(json)?;
        let policies: Vec<&str> = program.inputs().map(|(_, owner, ..)| owner).collect();
        let sides = file::sides(shape, rows, &policies)?;
        if shape == Shape::Rewards
            && let Some((_, owner, ..)) = program.inputs().find(|(.., ty)| ty.depth >= Depth::EachToken)
        {
            bail!("this algorithm reads tokens of `{owner}`, `rewards` has none: give another list");
        }
        let mut layout = Layout { prompts: rows.len(), sides: vec![], words: 0 };
        let mut plain = vec![];
        for (side, responses) in &sides {
            let reaches = responses
                .iter()
                .map(|(prompt, r)| Ok(Reach { prompt: *prompt, tokens: file::tokens(shape, r)? }))
                .collect::<Result<Vec<_>>>()?;
            layout.sides.push((*side, reaches));
            plain.push((*side, responses.iter().map(|(_, r)| r.model.is_some_and(Value::is_number)).collect()));
        }
        layout.words = file::vocabulary(&sides)?;
        let mut inputs = Inputs::default();
        for (_, owner, field, ty) in program.inputs().filter(|(_, owner, ..)| *owner != STATE) {
            let asked = Asked { program, owner, field, ty };
            inputs.insert(owner, field, ty.side, asked.column(shape, rows, &sides)?);
        }
        Ok(Numbers { shape, layout, inputs, plain })
    }
}

/// One input of the program.
struct Asked<'a> {
    program: &'a Program,
    owner: &'a str,
    field: &'a str,
    ty: Ty,
}

impl Asked<'_> {
    /// The flat values of the input.
    fn column(&self, shape: Shape, rows: &[Value], sides: &[Side]) -> Result<Vec<f64>> {
        let key = &key(self.owner, self.field);
        if self.ty.depth == Depth::EachPrompt {
            let value = |(i, row): (usize, &Value)| {
                let path = format!("{}[{i}]", shape.key());
                number(row.get(key.as_str()), &path, key)
            };
            return rows.iter().enumerate().map(value).collect();
        }
        let found = self.ty.side.and_then(|side| sides.iter().find(|(known, _)| *known == side));
        let Some((_, responses)) = found else {
            let needed = match self.ty.side {
                Some(SideTag::Chosen | SideTag::Rejected | SideTag::Document) => "pairs",
                Some(SideTag::Answer) => "demos",
                Some(SideTag::Mismatched) => "unpaired",
                _ => "groups",
            };
            if self.ty.side == Some(SideTag::Mismatched) && shape == Shape::Unpaired {
                bail!("this algorithm compares with responses to other prompts: give rows of `unpaired` an `other`");
            }
            if self.ty.side == Some(SideTag::Document) && shape == Shape::Pairs {
                bail!("this algorithm reads the prompts' own tokens: give rows of `pairs` a `document`");
            }
            bail!("this algorithm works on `{needed}`, the file has `{}`", shape.key());
        };
        let mut values = vec![];
        for (_, response) in responses {
            if self.ty.depth >= Depth::EachToken {
                let path = &response.path;
                let array = response.object.get(key.as_str()).with_context(|| format!("{path}: `{key}` is missing"))?;
                let array = array.as_array().with_context(|| format!("{path}: `{key}` must be a list of numbers"))?;
                for (t, x) in array.iter().enumerate() {
                    let name = format!("{key}[{t}]");
                    if self.ty.depth == Depth::EachToken {
                        values.push(number(Some(x), path, &name)?);
                        continue;
                    }
                    let words = x.as_array().with_context(|| format!("{path}: `{name}` must be a list of numbers"))?;
                    for (v, x) in words.iter().enumerate() {
                        values.push(number(Some(x), path, &format!("{name}[{v}]"))?);
                    }
                }
            } else {
                values.push(self.scalar(response)?);
            }
        }
        Ok(values)
    }

    /// What the response has for this input.
    fn scalar(&self, response: &Response) -> Result<f64> {
        let (field, path) = (self.field, &response.path);
        if self.owner == "reward_model" {
            return match response.model {
                Some(Value::Object(heads)) => number(heads.get(field), path, field),
                Some(score) if field == "score" => number(Some(score), path, "score"),
                Some(_) => bail!("{path}: `{field}` is missing: write an object with what the reward model gives"),
                None => bail!("{path}: `reward_model` is missing"),
            };
        }
        let key = &key(self.owner, field);
        let value = response.object.get(key.as_str()).or_else(|| response.object.get(field));
        if let Some(rating) = field.strip_suffix("_present") {
            let present = response.object.get(rating).is_some_and(|rating| !rating.is_null());
            return Ok(if present { 1.0 } else { 0.0 });
        }
        // Only a program that asks whether a rating is present can do without it.
        let asks = |input: (_, &str, &str, Ty)| input.2.strip_suffix("_present") == Some(field);
        if value.is_none_or(Value::is_null) && self.program.inputs().any(asks) {
            return Ok(0.0);
        }
        number(value, path, key)
    }
}

/// What an input is called in the file.
fn key(owner: &str, field: &str) -> String {
    let key = match (owner, field) {
        (policy, "words") => return format!("{policy}_words"),
        (policy, "logp") => policy,
        // `value` and `score` are the recorded ones.
        ("critic", "value") => "critic",
        ("judge", "score") => "judge",
        // `chosen_score` is called `score` inside `chosen`.
        (_, "chosen_score" | "rejected_score") => "score",
        _ => field,
    };
    key.to_owned()
}

fn number(value: Option<&Value>, path: &str, key: &str) -> Result<f64> {
    match value {
        None => bail!("{path}: `{key}` is missing"),
        Some(Value::Bool(b)) => Ok(f64::from(u8::from(*b))),
        Some(v) => v.as_f64().with_context(|| format!("{path}: `{key}` must be a number, found {v}")),
    }
}

fn object<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>> {
    let object = value.as_object();
    ensure!(object.is_some(), "{path} must be an object");
    Ok(object.expect("checked above"))
}

#[cfg(test)]
mod tests {
    use super::Numbers;
    use collimate_dsl::eval::{Settings, evaluate};
    use collimate_dsl::text::parse;
    use serde_json::{Value, json};

    /// Loss and gradient of a program in text form.
    fn loss(program: &str, file: &Value) -> (f64, Value) {
        let program = parse(program).unwrap_or_else(|error| panic!("{error}"));
        let numbers = Numbers::read(&program, file).unwrap_or_else(|error| panic!("{error:#}"));
        let totals = numbers.layout.totals();
        let found = evaluate(&program, &numbers.layout, &totals, &numbers.inputs, &Settings::new());
        let found = found.unwrap_or_else(|error| panic!("{error}"));
        (found.loss, numbers.gradient(&found.gradient))
    }
    fn refused(program: &str, file: &Value) -> String {
        let program = parse(program).unwrap_or_else(|error| panic!("{error}"));
        Numbers::read(&program, file).expect_err("the file is wrong").to_string()
    }

    const UNPAIRED: &str = "program mine
        %0 = input actor.logp     : LogProb per token of Answer, grad
        %1 = sum %0               : LogProb per response of Answer, grad
        %2 = input unpaired.label : Weight per response of Answer
        %3 = %2 * %1              : LogProb per response of Answer, grad
        %4 = batch_mean %3        : LogProb per batch, grad
        %5 = input actor.logp     : LogProb per token of Mismatched, grad
        %6 = batch_mean %5        : LogProb per batch, grad
        %7 = %4 + %6              : LogProb per batch, grad
        loss %7";

    #[test]
    fn a_response_may_stand_beside_one_to_another_prompt() {
        let file = json!({"unpaired": [
            {"actor": [-1.0, -3.0], "label": true, "other": {"actor": [-0.5]}},
            {"actor": [-5.0], "label": false},
        ]});
        let gradient = json!({"unpaired": [{"actor": [0.5, 0.5], "other": {"actor": [1.0]}}, {"actor": [0.0]}]});
        assert_eq!(loss(UNPAIRED, &file), (-2.5, gradient));
        let alone = json!({"unpaired": [{"actor": [-1.0], "label": 1}]});
        assert!(refused(UNPAIRED, &alone).ends_with("give rows of `unpaired` an `other`"));
    }

    const RATED: &str = "program mine
        %0 = input reward_model.correctness  : Reward per response of Answer, grad
        %1 = input rated.correctness         : Reward per response of Answer
        %2 = input rated.correctness_present : Weight per response of Answer
        %3 = %1 - %0                         : Reward per response of Answer, grad
        %4 = squared %3                      : Loss per response of Answer, grad
        %5 = %2 * %4                         : Loss per response of Answer, grad
        %6 = batch_mean %5                   : Loss per batch, grad
        loss %6";

    #[test]
    fn a_missing_rating_counts_nothing() {
        let file = json!({"rewards": [
            {"response": {"correctness": 1.0}, "correctness": 4},
            {"response": {"correctness": 2.0}, "correctness": null},
            {"response": {"correctness": 3.0}, "helpfulness": 1},
        ]});
        let gradient = |g: f64| json!({"response": {"correctness": g}});
        assert_eq!(loss(RATED, &file), (3.0, json!({"rewards": [gradient(-2.0), gradient(0.0), gradient(0.0)]})));
        let colour = json!({"rewards": [{"response": {"colour": 1.0}}]});
        assert!(refused(RATED, &colour).starts_with("rewards[0].response: `colour` is not a known name"));
    }

    const ENTROPY: &str = "program mine
        %0 = input actor.words : LogProb per word of Answer, grad
        %1 = exp %0            : Prob per word of Answer, grad
        %2 = input teacher.words : LogProb per word of Answer
        %3 = %1 * %2           : LogProb per word of Answer, grad
        %4 = sum %3            : LogProb per token of Answer, grad
        %5 = batch_mean %4     : LogProb per batch, grad
        %6 = -%5               : Loss per batch, grad
        loss %6";

    #[test]
    fn words_are_lists_in_lists_and_so_is_their_gradient() {
        let words = json!([[0.0, 0.0], [0.0, 0.0]]);
        let file = json!({"demos": [
            {"actor_words": words, "teacher_words": [[-1.0, -3.0], [-2.0, 0.0]]},
            {"actor_words": [[0.0, 0.0]], "teacher_words": [[0.0, -3.0]]},
        ]});
        let gradient = json!({"demos": [{"actor_words": [[1.0, 3.0], [2.0, 0.0]]}, {"actor_words": [[0.0, 3.0]]}]});
        let (loss, found) = loss(ENTROPY, &file);

        assert_eq!(loss, 3.0);
        let flat = |json: &Value| -> Vec<f64> {
            let rows = json["demos"].as_array().unwrap().iter().flat_map(|row| row["actor_words"].as_array().unwrap());
            rows.flat_map(|token| token.as_array().unwrap()).map(|x| x.as_f64().unwrap()).collect()
        };
        assert!(flat(&found).iter().zip(flat(&gradient)).all(|(found, g)| (found * 3.0 - g).abs() < 1e-12), "{found}");
    }

    #[test]
    fn words_of_two_vocabularies_are_refused() {
        let with = |words: Value| json!({"demos": [{"actor_words": [[0.0, 0.0]], "teacher_words": words}]});
        let said = refused(ENTROPY, &with(json!([[0.0, 0.0, 0.0]])));
        assert!(said.contains("`teacher_words[0]` has 3 words where others have 2"), "{said}");
        assert!(refused(ENTROPY, &with(json!([0.0]))).contains("`teacher_words[0]` must be a list of numbers"));
    }

    const MARGIN: &str = "program mine
        %0 = input reward_model.score : Reward per response of Chosen, grad
        %1 = input reward_model.score : Reward per response of Rejected, grad
        %2 = %0 - %1                  : Margin per prompt, grad
        %3 = input pair.margin        : Margin per prompt
        %4 = %2 - %3                  : Margin per prompt, grad
        %5 = squared %4               : Loss per prompt, grad
        %6 = mean %5                  : Loss per batch, grad
        loss %6";

    #[test]
    fn the_score_of_a_reward_model_is_one_number() {
        let file = json!({"rewards": [{"chosen": 1.5, "rejected": {"score": 0.5}, "margin": 3}]});
        let gradient = json!({"rewards": [{"chosen": -4.0, "rejected": {"score": 4.0}}]});
        assert_eq!(loss(MARGIN, &file), (4.0, gradient));
        let response = |score: f64| json!({"actor": [-1.0], "reward_model": score});
        let file = json!({"pairs": [{"chosen": response(1.5), "rejected": response(0.5), "margin": 3}]});
        let gradient = json!({"pairs": [{"chosen": {"reward_model": -4.0}, "rejected": {"reward_model": 4.0}}]});
        assert_eq!(loss(MARGIN, &file), (4.0, gradient));
        assert_eq!(
            refused(UNPAIRED, &json!({"rewards": [{"chosen": 1.5, "rejected": 0.5}]})),
            "this algorithm reads tokens of `actor`, `rewards` has none: give another list"
        );
    }

    #[test]
    fn the_files_in_the_book_can_be_read() {
        let page = include_str!("../../../book/src/reference/numbers.md");
        let files: Vec<&str> = page.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert_eq!(files.len(), 7);
        for text in files {
            let json: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let (shape, rows) = super::file::list(&json).unwrap_or_else(|error| panic!("{text}: {error:#}"));
            let sides = super::file::sides(shape, rows, &[]).unwrap_or_else(|error| panic!("{text}: {error:#}"));
            for (_, response) in sides.iter().flat_map(|(_, responses)| responses) {
                assert!(super::file::tokens(shape, response).is_ok_and(|tokens| tokens > 0), "{text}");
            }
        }
    }
}
