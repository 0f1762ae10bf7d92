//! What a loss carries from step to step, in `numbers.json`: `"state": {"name": 0.5}` beside the list.

use anyhow::{Context, Result, bail, ensure};
use collimate_dsl::eval::{Settings, initial_state};
use collimate_dsl::ir::{Program, STATE};
use serde_json::Value;

/// Takes the state out of the file. What is not given is as before the first step.
pub(super) fn take(program: &Program, settings: &Settings, json: &mut Value) -> Result<Settings> {
    let mut state = initial_state(program, settings).map_err(|e| anyhow::anyhow!("{e}"))?;
    let Some(given) = json.as_object_mut().and_then(|object| object.remove(STATE)) else { return Ok(state) };
    let given = given.as_object().with_context(|| format!("`{STATE}` must be an object of numbers"))?;
    let names: Vec<String> = state.keys().cloned().collect();
    for (name, value) in given {
        ensure!(!names.is_empty(), "`{STATE}`: `{}` carries nothing from step to step", program.name);
        let Some(place) = state.get_mut(name) else {
            let hint = super::nearest(name, names.iter().map(String::as_str));
            let hint = hint.map_or(String::new(), |n| format!("; did you mean `{n}`?"));
            bail!("`{STATE}`: `{name}` is none of this algorithm{hint} (it has: {})", names.join(", "));
        };
        *place = value.as_f64().with_context(|| format!("`{STATE}.{name}` must be a number, found {value}"))?;
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::take;
    use collimate_dsl::eval::Settings;
    use collimate_dsl::text::parse;
    use serde_json::{Value, json};

    const MEAN: &str = "program mine
        %0 = input actor.logp  : LogProb per token of Answer, grad
        %1 = batch_mean %0     : LogProb per batch, grad
        %2 = -%1               : Loss per batch, grad
        %3 = parameter first   : Number
        %4 = input state.scale : Weight per batch
        %5 = %4 * %2           : Loss per batch, grad
        loss %5
        state scale from %3 next %4";

    fn taken(mut file: Value) -> Result<Settings, String> {
        let program = parse(MEAN).unwrap_or_else(|error| panic!("{error}"));
        let settings = Settings::from([("first".to_owned(), 0.25)]);
        let state = take(&program, &settings, &mut file).map_err(|error| error.to_string());
        assert!(state.is_err() || file == json!({"demos": []}), "only the list is left");
        state
    }

    #[test]
    fn a_state_is_as_the_file_says_or_as_it_begins() {
        assert_eq!(taken(json!({"demos": []})).unwrap()["scale"], 0.25);
        assert_eq!(taken(json!({"demos": [], "state": {"scale": 3}})).unwrap()["scale"], 3.0);
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let refused = |state: Value| taken(json!({"demos": [], "state": state})).unwrap_err();
        assert!(refused(json!({"scal": 1})).contains("`scal` is none of this algorithm; did you mean `scale`?"));
        assert!(refused(json!({"scale": "x"})).contains("must be a number"));
        assert!(refused(json!([1])).contains("must be an object of numbers"));
    }
}
