//! What engines give a step: live numbers, and which inputs of the program they are.

use crate::model::{Live, ValuesAt};
use collimate_dsl::Layout;
use collimate_dsl::ir::SideTag;
use dfdx::prelude::Device;

/// The live numbers of one engine for a batch.
pub struct Source<D: Device<f32>> {
    /// On dfdx's tape.
    pub live: Live<D>,
    /// How many the batch asks for.
    pub asked: usize,
    /// Which inputs they are.
    pub shares: Vec<Share>,
}

/// One input of a program, as a share of an engine's numbers.
#[derive(Clone, PartialEq, Debug)]
pub struct Share {
    /// Whose it is, e.g. `actor`.
    pub owner: String,
    /// Its name, e.g. `logp`.
    pub field: String,
    /// Of which side's responses.
    pub side: SideTag,
    /// For each of its elements, where it stands among the engine's numbers.
    pub places: Vec<usize>,
    /// What is made of the engine's number.
    pub form: Form,
}

/// What is made of a number that a head gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Form {
    /// The number itself.
    #[default]
    Itself,
    /// `softplus(x) = ln(1 + exp x)`, which is above 0: a standard deviation.
    Softplus,
}

impl Form {
    /// The number that the program reads.
    #[must_use]
    pub fn of(self, x: f64) -> f64 {
        match self {
            Form::Itself => x,
            // A head may be so sure that f64 rounds to 0, which is no deviation.
            Form::Softplus => (x.max(0.0) + (-x.abs()).exp().ln_1p()).max(f64::from(f32::MIN_POSITIVE)),
        }
    }

    /// Its derivative by the engine's number, from the number that the program reads.
    #[must_use]
    pub fn slope(self, value: f64) -> f64 {
        match self {
            Form::Itself => 1.0,
            // sigmoid(x) = 1 - exp(-softplus(x))
            Form::Softplus => -(-value).exp_m1(),
        }
    }
}

impl Share {
    /// Its elements, from the engine's numbers.
    #[must_use]
    pub fn read(&self, numbers: &[f32]) -> Vec<f64> {
        self.places.iter().filter_map(|place| numbers.get(*place)).map(|x| self.form.of(f64::from(*x))).collect()
    }

    /// Adds the derivatives by its elements, of which these are the values, to those by the engine's numbers.
    pub fn hand_on(&self, gradient: &[f64], values: &[f64], by_number: &mut [f32]) {
        for ((place, gradient), value) in self.places.iter().zip(gradient).zip(values) {
            by_number[*place] += (gradient * self.form.slope(*value)) as f32;
        }
    }
}

/// The actor's log-probabilities, side after side as the layout has them. With `taken` the engine gives those of all words
/// at each scored token, of which these are the ones that came.
#[must_use]
pub fn actor_shares(layout: &Layout, taken: Option<&[u32]>) -> Vec<Share> {
    let each = layout.words;
    let share = |field: &str, side, places| Share {
        owner: "actor".to_owned(),
        field: field.to_owned(),
        side,
        places,
        form: Form::Itself,
    };
    let (mut end, mut shares) = (0, Vec::new());
    for (side, reaches) in &layout.sides {
        let tokens = end..end + reaches.iter().map(|reach| reach.tokens).sum::<usize>();
        end = tokens.end;
        match taken {
            None => shares.push(share("logp", *side, tokens.collect())),
            Some(taken) => {
                shares.push(share("words", *side, (tokens.start * each..tokens.end * each).collect()));
                let word = |token: usize| taken.get(token).map(|word| token * each + *word as usize);
                shares.push(share("logp", *side, tokens.filter_map(word).collect()));
            }
        }
    }
    shares
}

/// One number of a head of labels, by the name that programs give it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// `score`, `value`, `helpfulness`, …
    pub name: String,
    /// Which label of the head it is.
    pub label: usize,
    /// What is made of the head's number.
    pub form: Form,
}

/// The numbers of a head of so many labels, side after side as the layout has them.
#[must_use]
pub fn value_shares(layout: &Layout, owner: &str, fields: &[Field], labels: usize, at: ValuesAt) -> Vec<Share> {
    let (mut end, mut shares) = (0, Vec::new());
    for (side, reaches) in &layout.sides {
        let count = match at {
            ValuesAt::Scored => reaches.iter().map(|reach| reach.tokens).sum(),
            ValuesAt::End => reaches.len(),
        };
        let states = end..end + count;
        end = states.end;
        shares.extend(fields.iter().map(|field| Share {
            owner: owner.to_owned(),
            field: field.name.clone(),
            side: *side,
            places: states.clone().map(|state| state * labels + field.label).collect(),
            form: field.form,
        }));
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use collimate_dsl::Reach;

    fn layout() -> Layout {
        let reaches =
            |tokens: [usize; 2]| tokens.into_iter().enumerate().map(|(prompt, tokens)| Reach { prompt, tokens });
        let sides = vec![(SideTag::Chosen, reaches([2, 1]).collect()), (SideTag::Rejected, reaches([1, 3]).collect())];
        Layout { prompts: 2, sides, words: 0 }
    }

    #[test]
    fn a_head_is_read_by_state_and_label() {
        let field = |name: &str, label, form| Field { name: name.to_owned(), label, form };
        let fields = [field("score", 0, Form::Itself), field("spread", 1, Form::Softplus)];
        let shares = value_shares(&layout(), "reward_model", &fields, 2, ValuesAt::End);
        let places: Vec<_> = shares.iter().map(|s| (s.field.as_str(), s.side, s.places.clone())).collect();
        let (chosen, rejected) = (SideTag::Chosen, SideTag::Rejected);
        let right = [
            ("score", chosen, vec![0, 2]),
            ("spread", chosen, vec![1, 3]),
            ("score", rejected, vec![4, 6]),
            ("spread", rejected, vec![5, 7]),
        ];
        assert_eq!(places, right);
        let shares = value_shares(&layout(), "critic", &fields[..1], 1, ValuesAt::Scored);
        assert_eq!(shares[1].places, [3, 4, 5, 6]);
    }

    #[test]
    fn a_deviation_is_above_zero_and_its_slope_is_its_slope() {
        for x in [-200.0, -30.0, -1.0, 0.0, 2.0, 80.0] {
            let form = Form::Softplus;
            assert!(form.of(x) > 0.0);
            let slope = (form.of(x + 1e-6) - form.of(x - 1e-6)) / 2e-6;
            assert!((form.slope(form.of(x)) - slope).abs() < 1e-8, "{x}");
        }
        assert!((Form::Softplus.of(0.0) - std::f64::consts::LN_2).abs() < 1e-15);
    }

    #[test]
    fn a_gradient_goes_to_the_numbers_it_came_from() {
        let share = Share {
            owner: "reward_model".to_owned(),
            field: "spread".to_owned(),
            side: SideTag::Chosen,
            places: vec![3, 1],
            form: Form::Softplus,
        };
        let numbers = [9.0, 0.0, 9.0, 1.0];
        let values = share.read(&numbers);
        let mut by_number = [0.0; 4];
        share.hand_on(&[2.0, -4.0], &values, &mut by_number);
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        assert_eq!([by_number[0], by_number[2]], [0.0, 0.0]);
        assert!((f64::from(by_number[1]) + 4.0 * sigmoid(0.0)).abs() < 1e-6);
        assert!((f64::from(by_number[3]) - 2.0 * sigmoid(1.0)).abs() < 1e-6);
    }
}
