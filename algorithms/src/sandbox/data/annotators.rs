//! Simulated people who rate answers, and who do not agree.
//!
//! All of them want answers that are right and clear; they differ in how much they like learned words and length,
//! in how strict they are, and they are not quite sure of themselves. So how much a panel disagrees about a pair is
//! known, and it is a matter of the pair: of what the two answers differ in.

use crate::sandbox::{Attributes, Random};

/// One simulated person.
#[derive(Clone, PartialEq, Debug)]
pub struct Annotator {
    /// What a point of each attribute is worth to them.
    taste: [f64; 5],
    /// How much they add to every rating.
    leniency: f64,
    /// How far their ratings stray, in points.
    noise: f64,
}

/// Several simulated people.
#[derive(Clone, PartialEq, Debug)]
pub struct Panel(Vec<Annotator>);

/// How much tastes for learned words and for length spread around the judge's: enough that people are divided over about two
/// pairs in five, as MultiPref's annotators are (arXiv:2410.14632).
const SPREAD: [f64; 5] = [0.05, 0.08, 0.05, 1.5, 1.5];

/// The gaps in worth from which on a preference is slight, clear and strong.
const STEPS: [f64; 3] = [0.4, 1.5, 3.0];

impl Annotator {
    /// What an answer is worth to them, as the reward is to the judge.
    #[must_use]
    pub fn worth(&self, given: &Attributes) -> f64 {
        given.values().iter().zip(self.taste).map(|(value, taste)| value * taste).sum()
    }

    /// Their five ratings, whole numbers from 0 to 4.
    pub fn rate(&self, given: &Attributes, random: &mut Random) -> [u8; 5] {
        given.values().map(|value| (value + self.leniency + self.noise * random.normal()).round().clamp(0.0, 4.0) as u8)
    }

    /// How strongly they prefer one of two answers, as HelpSteer2-Preference has it: from -3 (the first is much
    /// better) to 3 (the second is), and 0 if they cannot say.
    pub fn strength(&self, first: &Attributes, second: &Attributes, random: &mut Random) -> i8 {
        let gap = self.worth(second) - self.worth(first) + self.noise * random.normal();
        let steps = STEPS.iter().filter(|&&step| gap.abs() >= step).count() as i8;
        if gap < 0.0 { -steps } else { steps }
    }
}

impl Panel {
    /// So many people. Their tastes are the judge's on average, so that together they want what the judge wants.
    ///
    /// # Panics
    /// If there is nobody.
    #[must_use]
    pub fn new(size: usize, seed: u64) -> Self {
        assert!(size > 0, "a panel needs a member");
        let mut random = Random::new(seed).fork("panel");
        let mut one = |_| Annotator {
            taste: std::array::from_fn(|i| SPREAD[i] * random.normal()),
            leniency: 0.25 * random.normal(),
            noise: 0.2 + 0.3 * random.unit(),
        };
        let mut people: Vec<Annotator> = (0..size).map(&mut one).collect();
        for (place, weight) in Attributes::WEIGHTS.into_iter().enumerate() {
            let mean = people.iter().map(|one| one.taste[place]).sum::<f64>() / size as f64;
            people.iter_mut().for_each(|one| one.taste[place] += weight - mean);
        }
        Panel(people)
    }

    /// The people.
    #[must_use]
    pub fn members(&self) -> &[Annotator] {
        &self.0
    }

    /// One of them.
    pub fn anyone(&self, random: &mut Random) -> &Annotator {
        &self.0[random.below(self.0.len())]
    }

    /// So many of them, no two the same; all, if there are no more.
    #[must_use]
    pub fn some(&self, count: usize, random: &mut Random) -> Panel {
        let mut members = self.0.clone();
        random.shuffle(&mut members);
        members.truncate(count.max(1));
        Panel(members)
    }

    /// How much they truly disagree about two answers: the standard deviation, over the panel, of how much better
    /// they find the second.
    #[must_use]
    pub fn disagreement(&self, first: &Attributes, second: &Attributes) -> f64 {
        let gaps: Vec<f64> = self.0.iter().map(|one| one.worth(second) - one.worth(first)).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        (gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::judge;

    fn judged(answer: &str) -> Attributes {
        judge("What is 7 plus 5?", answer).unwrap()
    }

    #[test]
    fn taste_is_disputed_and_truth_is_not() {
        let panel = Panel::new(30, 1);
        let plain = judged("The answer is 12.");
        let wrong = judged("The answer is 75.");
        let learned = judged(
            "The resulting sum equals 12. It is obtained because both quantities are combined. I hope this helps.",
        );
        assert!(panel.disagreement(&plain, &wrong) < 0.5 * panel.disagreement(&plain, &learned));
        let mut random = Random::new(2);
        let mut sides = |other: &Attributes| {
            let signs: Vec<i8> =
                panel.members().iter().map(|one| one.strength(&plain, other, &mut random).signum()).collect();
            [-1, 1].map(|sign| signs.iter().filter(|&&s| s == sign).count())
        };
        let (about_truth, about_taste) = (sides(&wrong), sides(&learned));
        assert!(about_truth[0] >= 29, "{about_truth:?}");
        assert!(about_taste[0] >= 5 && about_taste[1] >= 5, "{about_taste:?}");
    }

    #[test]
    fn together_they_want_what_the_judge_wants() {
        let panel = Panel::new(60, 0);
        let given = judged("The resulting sum equals 12. I hope this helps.");
        let mean = panel.members().iter().map(|one| one.worth(&given)).sum::<f64>() / 60.0;
        assert!((mean - given.reward()).abs() < 1e-9, "{mean} {}", given.reward());
    }

    #[test]
    fn ratings_stay_near_the_truth() {
        let mut random = Random::new(3);
        let panel = Panel::new(20, 2);
        let truth = judged("Sure! The answer is 12.");
        for one in panel.members() {
            for (rating, value) in one.rate(&truth, &mut random).iter().zip(truth.values()) {
                assert!((f64::from(*rating) - value).abs() <= 2.5);
            }
        }
    }
}
