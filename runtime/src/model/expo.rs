//! Between two models of one shape, and beyond them: ExPO, arXiv:2404.16792.

use super::Weights;
use crate::{Error, Result};

impl Weights {
    /// `weak + alpha (strong - weak)`: `self` is the weak one. 0 gives the weak model, 1 the strong one, a number between
    /// a mixture, and one above 1 goes on in the direction in which training went. (The paper counts from the strong
    /// model: its alpha is this one less 1.) The files of the strong model's folder are carried along.
    ///
    /// # Errors
    /// If the two are not of one shape, or alpha is not a number.
    pub fn towards(&self, strong: &Weights, alpha: f64) -> Result<Weights> {
        let refuse = |problem: String| Err(Error::Setting(problem));
        if !alpha.is_finite() {
            return refuse(format!("alpha is {alpha}; it has to be a number"));
        }
        if self.labels != strong.labels {
            let gives = |labels: &[String]| if labels.is_empty() { "words".to_owned() } else { labels.join(", ") };
            return refuse(format!(
                "the weak model gives {} and the strong one {}; both must give the same",
                gives(&self.labels),
                gives(&strong.labels)
            ));
        }
        let differing = self.tensors.iter().zip(&strong.tensors).find(|(a, b)| a != b);
        if let Some((weak, strong)) = differing {
            return refuse(format!(
                "{} is {:?} in the weak model where the strong one has {} {:?}; both must be of one shape",
                weak.name, weak.shape, strong.name, strong.shape
            ));
        }
        if self.config != strong.config {
            return refuse("the two config.json tell of different models; both must be of one shape".to_owned());
        }
        let mut new = strong.clone();
        for (strong, weak) in new.data.iter_mut().zip(&self.data) {
            let (from, to) = (f64::from(*weak), f64::from(*strong));
            *strong = (from + alpha * (to - from)) as f32;
        }
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{ModelConfig, Weights};
    use crate::train::small::config;

    #[test]
    fn nought_is_the_weak_model_one_the_strong_one_and_two_twice_as_far() {
        let [weak, strong] = [1, 2].map(|seed| Weights::random(config(), seed).with_head(&["score"], seed));
        assert_eq!(weak.towards(&strong, 0.0).unwrap().data, weak.data);
        assert_eq!(weak.towards(&strong, 1.0).unwrap().data, strong.data);
        let beyond = weak.towards(&strong, 2.0).unwrap();
        for ((w, s), b) in weak.data.iter().zip(&strong.data).zip(&beyond.data) {
            assert!((b - (2.0 * s - w)).abs() < 1e-6);
        }
    }

    #[test]
    fn models_that_differ_are_refused_by_what_differs() {
        let model = Weights::random(config(), 1);
        let problem = |other: &Weights| model.towards(other, 1.5).unwrap_err().to_string();
        let labelled = problem(&model.with_head(&["score"], 1));
        assert!(labelled.ends_with("the weak model gives words and the strong one score; both must give the same"));
        let wider = problem(&Weights::random(ModelConfig { vocab_size: 20, ..config() }, 1));
        assert!(wider.contains("model.embed_tokens.weight is [19, 16] in the weak model"), "{wider}");
        let other = problem(&Weights::random(ModelConfig { rope_theta: 5.0, ..config() }, 1));
        assert!(other.contains("config.json tell of different models"), "{other}");
        assert!(model.towards(&model, f64::NAN).is_err());
    }
}
