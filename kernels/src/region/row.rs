//! All words of one row: forward, sweep by sweep, and back.

use super::{
    Region, Step,
    back::{self, Known},
    step::{self, WORDS, values},
    top::{Largest, Limit},
};
use crate::vector::maximum;

/// What rows are worked on with, one after another.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// `[step, WORDS]`
    values: Vec<f32>,
    /// The same, of the gradient.
    gradient: Vec<f32>,
    /// For each policy, `ln(sum(exp(score)))`.
    logsumexp: Vec<f32>,
    /// For each step, where the words end that it marks.
    limits: Vec<Limit>,
    /// For each step, the largest number and the sum of a logarithm that is being gathered.
    running: Vec<(f32, f64)>,
    largest: Vec<Largest>,
    /// For each step, the gradient by the one number that it gathered.
    by_number: Vec<f64>,
    /// Sums under way: of the row, or of the gradient by each of its given numbers.
    totals: Vec<f64>,
    /// For each policy with a gradient, that by the log-probabilities of all words.
    by_words: Vec<Vec<f32>>,
}

/// One row as it is read.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) region: &'a Region,
    /// `[policy, word]`
    pub(super) scores: &'a [f32],
    /// Words of the vocabulary.
    pub(super) words: usize,
    pub(super) given: &'a [f32],
}

/// What the gradient of a row starts with, and where it may go.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    /// By the sums.
    pub(super) d_sums: &'a [f32],
    /// The steps through which it flows.
    pub(super) moving: &'a [bool],
    /// Which policies have one.
    pub(super) live: &'a [bool],
}

impl Desk {
    /// Sets the row's sums. Gives the step that found no word with a weight, if one did.
    pub(super) fn forward(&mut self, row: Row<'_>, sums: &mut [f32]) -> Option<usize> {
        let missing = self.begin(row);
        let last = row.region.plan.sweeps.last().map_or(&[][..], |sweep| &sweep.needed);
        self.totals.clear();
        self.totals.resize(sums.len(), 0.0);
        for first in (0..row.words).step_by(WORDS) {
            let count = self.compute(row, last, first);
            for (total, sum) in self.totals.iter_mut().zip(&row.region.sums) {
                *total += f64::from(step::total(values(&self.values, *sum, count)));
            }
        }
        sums.iter_mut().zip(&self.totals).for_each(|(sum, total)| *sum = *total as f32);
        missing
    }

    /// Sets the gradient by the given numbers, and finds that by the log-probabilities of each policy that has one.
    pub(super) fn backward(&mut self, row: Row<'_>, start: Start<'_>, d_given: &mut [f32]) {
        self.begin(row);
        let region = row.region;
        self.gradient.clear();
        self.gradient.resize(region.steps.len() * WORDS, 0.0);
        self.by_number.clear();
        self.by_number.resize(region.steps.len(), 0.0);
        if self.by_words.len() < start.live.len() {
            self.by_words.resize_with(start.live.len(), Vec::new);
        }
        for (words, _) in self.by_words.iter_mut().zip(start.live).filter(|(_, live)| **live) {
            words.clear();
            words.resize(row.words, 0.0);
        }
        // What reads a number of the row comes after it, so the gradient by the last numbers is known first.
        let number = |i: &usize| start.moving[*i] && matches!(region.steps[*i], Step::LogSum(..));
        for stage in (1..region.plan.sweeps.len()).rev() {
            let here = |i: &usize| number(i) && region.plan.stages[*i] == stage;
            if (0..region.steps.len()).any(|i| here(&i)) {
                self.sweep_back(row, start, stage, |desk, i, _, count| {
                    if here(&i) {
                        desk.by_number[i] += f64::from(step::total(values(&desk.gradient, i, count)));
                    }
                });
            }
        }
        self.totals.clear();
        self.totals.resize(d_given.len(), 0.0);
        self.sweep_back(row, start, 0, |desk, i, first, count| match region.steps[i] {
            Step::Policy(policy) => {
                let to = &mut desk.by_words[policy][first..][..count];
                back::add_all(to, values(&desk.gradient, i, count));
            }
            Step::Given(number) => {
                desk.totals[number] += f64::from(step::total(values(&desk.gradient, i, count)));
            }
            _ => {}
        });
        d_given.iter_mut().zip(&self.totals).for_each(|(d, total)| *d = *total as f32);
    }

    /// Makes of a policy's scores the gradient by them, with that by the log-probability of one more word.
    pub(super) fn by_scores(&mut self, policy: usize, scores: &mut [f32], taken: Option<(u32, f32)>) {
        let by_words = &mut self.by_words[policy];
        if let Some((word, gradient)) = taken {
            by_words[word as usize] += gradient;
        }
        let sum: f64 = by_words.chunks(WORDS).map(|part| f64::from(step::total(part))).sum();
        back::by_scores(scores, by_words, self.logsumexp[policy], sum as f32);
    }

    /// Everything that must be known of the row before its words can be gone through for the last time.
    fn begin(&mut self, row: Row<'_>) -> Option<usize> {
        let Row { region, scores, words, given } = row;
        let steps = &region.steps;
        self.logsumexp.clear();
        for scores in scores.chunks(words) {
            let highest = maximum(scores);
            let sum: f64 = scores.chunks(WORDS).map(|part| f64::from(step::grown(part, highest))).sum();
            self.logsumexp.push((f64::from(highest) + sum.ln()) as f32);
        }
        self.values.resize(steps.len() * WORDS, 0.0);
        self.limits.clear();
        self.limits.resize(steps.len(), Limit::NONE);
        self.running.resize(steps.len(), (0.0, 0.0));
        self.largest.resize_with(steps.len().max(self.largest.len()), Largest::default);
        for (step, values) in steps.iter().zip(self.values.chunks_mut(WORDS)) {
            match *step {
                Step::Given(number) => values.fill(given[number]),
                Step::Number(number) => values.fill(number),
                _ => {}
            }
        }
        let mut missing = None;
        let sweeps = &region.plan.sweeps;
        for sweep in &sweeps[..sweeps.len() - 1] {
            for &i in &sweep.gathered {
                self.running[i] = (f32::NEG_INFINITY, 0.0);
                if let Step::Top(_, count) = steps[i] {
                    self.largest[i].begin(count);
                }
            }
            for first in (0..words).step_by(WORDS) {
                let count = self.compute(row, &sweep.needed, first);
                for &i in &sweep.gathered {
                    self.gather(steps[i], i, first, count);
                }
            }
            for &i in &sweep.gathered {
                let (highest, sum) = self.running[i];
                match steps[i] {
                    Step::Top(..) => self.limits[i] = self.largest[i].end(),
                    _ => self.values[i * WORDS..][..WORDS].fill((f64::from(highest) + sum.ln()) as f32),
                }
                if matches!(steps[i], Step::LogSum(..)) && highest == f32::NEG_INFINITY {
                    missing = missing.or(Some(i));
                }
            }
        }
        missing
    }

    /// Some words of what is gathered of all.
    fn gather(&mut self, step: Step, i: usize, first: usize, count: usize) {
        match step {
            Step::Top(of, _) => self.largest[i].see(values(&self.values, of, count), first),
            Step::LogSum(of, weights) => {
                let (of, weights) = (values(&self.values, of, count), values(&self.values, weights, count));
                let (before, sum) = self.running[i];
                let highest = before.max(step::highest_kept(of, weights));
                if highest > f32::NEG_INFINITY {
                    let kept = if sum == 0.0 { 0.0 } else { sum * f64::from(before - highest).exp() };
                    self.running[i] = (highest, kept + f64::from(step::weighed(of, weights, highest)));
                }
            }
            _ => {}
        }
    }

    /// The values of steps for the words from `first` on. Gives how many words these are.
    fn compute(&mut self, row: Row<'_>, needed: &[usize], first: usize) -> usize {
        let count = WORDS.min(row.words - first);
        for &i in needed {
            let (before, own) = self.values.split_at_mut(i * WORDS);
            let own = &mut own[..count];
            match row.region.steps[i] {
                Step::Policy(policy) => {
                    let scores = &row.scores[policy * row.words + first..][..count];
                    step::run_less(own, scores, self.logsumexp[policy]);
                }
                Step::Top(of, _) => step::run_mark(own, values(before, of, count), self.limits[i], first),
                step => step::run(step, before, own),
            }
        }
        count
    }

    /// Goes through all words, and for each some of them through the steps in reverse. The gradient by numbers of the row
    /// is known where they were gathered after `stage`. `seen` is told of each step whose gradient is there, and of which words.
    fn sweep_back(
        &mut self,
        row: Row<'_>,
        start: Start<'_>,
        stage: usize,
        seen: impl Fn(&mut Desk, usize, usize, usize),
    ) {
        let Region { steps, sums, plan } = row.region;
        for first in (0..row.words).step_by(WORDS) {
            let count = self.compute(row, &plan.wanted, first);
            for &i in plan.wanted.iter().filter(|i| start.moving[**i]) {
                self.gradient[i * WORDS..][..count].fill(0.0);
            }
            for (&sum, &d_sum) in sums.iter().zip(start.d_sums).filter(|(sum, _)| start.moving[**sum]) {
                back::add(&mut self.gradient[sum * WORDS..][..count], d_sum);
            }
            for &i in plan.wanted.iter().rev().filter(|i| start.moving[**i]) {
                seen(self, i, first, count);
                if matches!(steps[i], Step::LogSum(..)) {
                    if plan.stages[i] <= stage {
                        continue;
                    }
                    self.gradient[i * WORDS..][..count].fill(self.by_number[i] as f32);
                }
                let (before, own) = self.values.split_at(i * WORDS);
                let (d_before, given) = self.gradient.split_at_mut(i * WORDS);
                let known = Known { before, own: &own[..count], given: &given[..count], moving: start.moving };
                back::back(steps[i], known, d_before);
            }
        }
    }
}
