//! Rows in which two responses stand in no order and people said which is better, as HelpSteer2's `preference` and
//! HelpSteer3 have them: from -3 (the first is much better) to 3 (the second is).

use super::column::{Fields, SHARES, what};
use crate::Result;
use serde_json::{Map, Value};

/// Names of the first and the second response.
const RESPONSES: [[&str; 2]; 2] = [["response_1", "response_2"], ["response1", "response2"]];
/// What all say together.
const TOGETHER: [&str; 2] = ["preference_strength", "overall_preference"];
/// What each says, and the key of the number there.
const EACH: [(&str, &str); 2] = [("all_preferences_unprocessed", "strength"), ("individual_preference", "score")];
/// Stands where somebody found neither response worth comparing.
const NEITHER: f64 = -100.0;
/// From this strength on a response is much better, not just better.
const MUCH: f64 = 2.0;

/// Two responses that people compared.
pub(super) struct Compared {
    /// The better one first.
    pub(super) responses: [String; 2],
    /// By how much it is better; 0 if people prefer neither.
    pub(super) margin: f64,
    /// Shares of people in the order of [`SHARES`], as far as the row says what each said.
    pub(super) shares: Option<[f64; 5]>,
}

/// Is this such a row?
pub(super) fn is_compared(object: &Map<String, Value>) -> bool {
    RESPONSES.iter().flatten().any(|name| object.contains_key(*name))
}

/// Reads such a row.
pub(super) fn read(fields: &Fields<'_>) -> Result<Compared> {
    let names = if fields.has(RESPONSES[0][0]) || fields.has(RESPONSES[0][1]) { RESPONSES[0] } else { RESPONSES[1] };
    let text = |name: &str| match fields.object.get(name) {
        Some(value) => fields.as_text(&format!("the field `{name}`"), value),
        None => Err(fields.origin.error(format!("the field `{name}` is missing; both responses are needed"))),
    };
    let [first, second] = [text(names[0])?, text(names[1])?];
    let each = each(fields)?;
    let together = TOGETHER.iter().find_map(|name| fields.object.get(*name).map(|value| (*name, value)));
    let strength = match (together, &each) {
        (Some((name, value)), _) => fields.as_number(&format!("the field `{name}`"), value)?,
        (None, Some(each)) => each.iter().sum::<f64>() / each.len() as f64,
        (None, None) => {
            let problem =
                format!("the field `{}` is missing: from -3 (the first response is much better) to 3", TOGETHER[0]);
            return Err(fields.origin.error(problem));
        }
    };
    let strength = if strength == NEITHER { 0.0 } else { strength };
    if strength.abs() > 3.0 {
        return Err(fields.origin.error(format!("a preference of {strength}; it has to be from -3 to 3")));
    }
    // Where they are even, the mean of what each said decides which one is called chosen.
    let mean = each.as_ref().map_or(0.0, |each| each.iter().sum());
    let second_wins = if strength == 0.0 { mean > 0.0 } else { strength > 0.0 };
    let sign = if second_wins { 1.0 } else { -1.0 };
    let responses = if second_wins { [second, first] } else { [first, second] };
    let shares = each.map(|each| {
        let mut shares = [0.0; SHARES.len()];
        for strength in &each {
            let towards_chosen = sign * strength;
            let size = usize::from(towards_chosen.abs() >= 0.5) + usize::from(towards_chosen.abs() >= MUCH);
            let place = if towards_chosen < 0.0 { 2 - size } else { 2 + size };
            shares[place] += 1.0 / each.len() as f64;
        }
        shares
    });
    Ok(Compared { responses, margin: strength.abs(), shares })
}

/// What each person said; none if the row does not tell.
fn each(fields: &Fields<'_>) -> Result<Option<Vec<f64>>> {
    let Some((name, key, value)) = EACH.iter().find_map(|(name, key)| Some((*name, *key, fields.object.get(*name)?)))
    else {
        return Ok(None);
    };
    let Value::Array(list) = value else {
        return Err(fields.origin.error(format!("the field `{name}` is {}; it has to be a list", what(value))));
    };
    let one = |(i, entry): (usize, &Value)| {
        let place = format!("`{name}[{i}].{key}`");
        let number = fields.as_number(&place, entry.get(key).unwrap_or(&Value::Null))?;
        if number != NEITHER && number.abs() > 3.0 {
            return Err(fields.origin.error(format!("{place} is {number}; it has to be from -3 to 3")));
        }
        Ok(number)
    };
    let mut said = list.iter().enumerate().map(one).collect::<Result<Vec<_>>>()?;
    said.retain(|number| *number != NEITHER);
    Ok((!said.is_empty()).then_some(said))
}
