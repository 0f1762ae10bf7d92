//! The values of an algorithm's hyper-parameters.

use crate::{Error, Result};
use collimate_dsl::Spec;
use std::collections::BTreeMap;

/// A value for every hyper-parameter: those given, and the defaults of the others.
///
/// # Errors
/// If a name is not one of the algorithm's, or a value is outside its range.
pub fn resolve(algorithm: &str, specs: &[Spec], given: &BTreeMap<String, f64>) -> Result<BTreeMap<String, f64>> {
    if let Some(unknown) = given.keys().find(|name| specs.iter().all(|spec| spec.name != name.as_str())) {
        let known: Vec<_> = specs.iter().map(|spec| format!("`{}`", spec.name)).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Error::Setting(format!("`{algorithm}` has no hyper-parameter `{unknown}`; it has {known}")));
    }
    let value = |spec: &Spec| {
        let value = given.get(spec.name).copied().unwrap_or(spec.default);
        if spec.allows(value) {
            return Ok((spec.name.to_owned(), value));
        }
        let whole = if spec.whole { "a whole number, " } else { "" };
        Err(Error::Setting(format!(
            "`{}` is {value}; it has to be {whole}{} ({})",
            spec.name,
            spec.range,
            spec.about.trim().trim_end_matches('.')
        )))
    };
    specs.iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs() -> Vec<Spec> {
        let range = Default::default();
        vec![Spec { name: "beta", about: "How strongly it is held.", default: 0.1, range, whole: false }]
    }

    #[test]
    fn defaults_are_filled_in_and_the_rest_is_checked() {
        let one = |name: &str, value| BTreeMap::from([(name.to_owned(), value)]);
        assert_eq!(resolve("mine", &specs(), &BTreeMap::new()).unwrap(), one("beta", 0.1));
        assert_eq!(resolve("mine", &specs(), &one("beta", 3.0)).unwrap(), one("beta", 3.0));
        let error = resolve("mine", &specs(), &one("bta", 3.0)).unwrap_err().to_string();
        assert_eq!(error, "`mine` has no hyper-parameter `bta`; it has `beta`");
        let error = resolve("mine", &specs(), &one("beta", f64::NAN)).unwrap_err().to_string();
        assert_eq!(error, "`beta` is NaN; it has to be any number (How strongly it is held)");
    }
}
