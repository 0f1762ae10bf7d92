//! The gradient in the shape of the file.

use super::file::Shape;
use super::{Numbers, key};
use collimate_dsl::Reach;
use collimate_dsl::eval::Inputs;
use collimate_dsl::ir::SideTag;
use serde_json::{Map, Value, json};

impl Numbers {
    /// The loss's derivative by everything trained: where the file has a number, what the loss gains by its growing.
    pub(in crate::cli) fn gradient(&self, gradient: &Inputs) -> Value {
        let side = |side| self.responses(gradient, side);
        let rows: Vec<Value> = match self.shape {
            Shape::Pairs => {
                let mut rows = paired(side(SideTag::Chosen), side(SideTag::Rejected));
                add(&mut rows, "document", side(SideTag::Document), self.layout.side(SideTag::Document));
                rows
            }
            Shape::Demos => side(SideTag::Answer),
            Shape::Unpaired => {
                let mut rows = side(SideTag::Answer);
                add(&mut rows, "other", side(SideTag::Mismatched), self.layout.side(SideTag::Mismatched));
                rows
            }
            Shape::Groups => {
                let mut rows = vec![vec![]; self.layout.prompts];
                for (value, reach) in side(SideTag::Sample).into_iter().zip(self.layout.side(SideTag::Sample)) {
                    rows[reach.prompt].push(value);
                }
                rows.into_iter().map(|responses| json!({ "responses": responses })).collect()
            }
            Shape::Rewards if self.layout.side(SideTag::Answer).is_empty() => {
                paired(side(SideTag::Chosen), side(SideTag::Rejected))
            }
            Shape::Rewards => side(SideTag::Answer).into_iter().map(|g| json!({ "response": g })).collect(),
        };
        json!({ (self.shape.key()): rows })
    }

    /// One object, or one number, for each response of a side.
    fn responses(&self, gradient: &Inputs, side: SideTag) -> Vec<Value> {
        let reaches = self.layout.side(side);
        let mut objects = vec![Map::new(); reaches.len()];
        let mut heads = vec![Map::new(); reaches.len()];
        for (owner, field, _, flat) in gradient.iter().filter(|(_, _, of, _)| *of == Some(side)) {
            let mut rest = flat;
            for (i, reach) in reaches.iter().enumerate() {
                // A reward model gives one number for each response, everything else that is trained one for each token.
                let words = if field == "words" { self.layout.words } else { 1 };
                let (own, others) = rest.split_at(if owner == "reward_model" { 1 } else { reach.tokens * words });
                rest = others;
                if owner == "reward_model" {
                    heads[i].insert(field.to_owned(), json!(own[0]));
                } else if field == "words" {
                    objects[i].insert(key(owner, field), own.chunks(words).collect());
                } else {
                    objects[i].insert(key(owner, field), json!(own));
                }
            }
        }
        let plain = self.plain.iter().find(|(of, _)| *of == side).map_or(&[][..], |(_, plain)| plain);
        let response = |((mut object, heads), plain): ((Map<_, _>, Map<String, Value>), &bool)| {
            let model = if *plain { heads.get("score").cloned().unwrap_or(json!(0.0)) } else { Value::Object(heads) };
            match model {
                model if self.shape == Shape::Rewards => return model,
                Value::Object(none) if none.is_empty() => (),
                model => _ = object.insert("reward_model".into(), model),
            }
            Value::Object(object)
        };
        objects.into_iter().zip(heads).zip(plain).map(response).collect()
    }
}

/// One more response in each row that has one, unless nothing of it was read.
fn add(rows: &mut [Value], name: &str, responses: Vec<Value>, reaches: &[Reach]) {
    let read = responses.iter().any(|response| response.as_object().is_none_or(|object| !object.is_empty()));
    for (response, reach) in responses.into_iter().zip(reaches).filter(|_| read) {
        rows[reach.prompt][name] = response;
    }
}

fn paired(chosen: Vec<Value>, rejected: Vec<Value>) -> Vec<Value> {
    let pair = |(chosen, rejected)| json!({ "chosen": chosen, "rejected": rejected });
    chosen.into_iter().zip(rejected).map(pair).collect()
}
