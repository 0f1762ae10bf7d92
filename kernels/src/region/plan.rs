use super::Step;

/// In which order the numbers of a row become known.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Plan {
    /// Before which sweep each step's value can be told word by word.
    pub(crate) stages: Vec<usize>,
    /// The steps that the sums depend on.
    pub(crate) wanted: Vec<usize>,
    /// What each sweep over the words computes.
    pub(crate) sweeps: Vec<Sweep>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Sweep {
    /// Steps to compute for every word.
    pub(crate) needed: Vec<usize>,
    /// Steps of which a number of the row is gathered; none in the last sweep, which gathers the sums.
    pub(crate) gathered: Vec<usize>,
}

/// Is a number of the whole row needed before its value is known at any word?
fn is_gathered(step: &Step) -> bool {
    matches!(step, Step::Top(..) | Step::LogSum(..))
}

impl Plan {
    pub(super) fn new(steps: &[Step], sums: &[usize]) -> Self {
        let mut stages: Vec<usize> = Vec::with_capacity(steps.len());
        for step in steps {
            let reads = step.reads().iter().map(|read| stages[*read]).max().unwrap_or(0);
            stages.push(reads + usize::from(is_gathered(step)));
        }
        let wanted = reached(steps, sums, |_| true);
        let last = sums.iter().map(|sum| stages[*sum]).max().unwrap_or(0);
        let mut sweeps: Vec<Sweep> = Vec::new();
        for stage in 0..last {
            let of_stage = |i: &usize| wanted[*i] && is_gathered(&steps[*i]) && stages[*i] == stage + 1;
            let gathered: Vec<usize> = (0..steps.len()).filter(of_stage).collect();
            let from = gathered.iter().flat_map(|i| steps[*i].reads()).collect::<Vec<_>>();
            sweeps.push(Sweep { needed: word_by_word(steps, &from), gathered });
        }
        sweeps.push(Sweep { needed: word_by_word(steps, sums), gathered: Vec::new() });
        let wanted = marked(&wanted);
        Plan { stages, wanted, sweeps }
    }
}

/// The steps that these need, themselves among them; through those alone that `through` allows.
fn reached(steps: &[Step], from: &[usize], through: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut reached = vec![false; steps.len()];
    from.iter().for_each(|i| reached[*i] = true);
    for i in (0..steps.len()).rev() {
        if reached[i] && through(i) {
            steps[i].reads().iter().for_each(|read| reached[*read] = true);
        }
    }
    reached
}

/// The steps to compute for every word to know these. The logarithm of a sum is one number, for which nothing is needed again;
/// of the largest the limit is known, with which every word's value is compared.
pub(crate) fn word_by_word(steps: &[Step], from: &[usize]) -> Vec<usize> {
    marked(&reached(steps, from, |i| !matches!(steps[i], Step::LogSum(..))))
}

fn marked(marks: &[bool]) -> Vec<usize> {
    (0..marks.len()).filter(|i| marks[*i]).collect()
}

/// The steps through which a gradient flows.
pub(crate) fn moving(steps: &[Step], policies: &[bool], given: &[bool]) -> Vec<bool> {
    let mut moving: Vec<bool> = Vec::with_capacity(steps.len());
    for step in steps {
        moving.push(match *step {
            Step::Policy(i) => policies[i],
            Step::Given(i) => given[i],
            Step::Number(_) | Step::Positive(_) | Step::Still(_) | Step::Top(..) => false,
            Step::Choose(_, b, c) => moving[b] || moving[c],
            Step::Kept(_, b) => moving[b],
            Step::LogSum(a, _) => moving[a],
            _ => step.reads().iter().any(|read| moving[*read]),
        });
    }
    moving
}

#[cfg(test)]
mod tests {
    use super::super::examples::likeliest;
    use super::{Plan, Step, moving};

    #[test]
    fn numbers_of_the_row_come_before_what_reads_them() {
        let plan = Plan::new(likeliest(3).steps(), &[10]);
        assert_eq!(plan.stages, [0, 0, 1, 2, 2, 2, 2, 2, 2, 2, 2]);
        let gathered: Vec<_> = plan.sweeps.iter().map(|sweep| sweep.gathered.clone()).collect();
        assert_eq!(gathered, [vec![2], vec![3, 4], vec![]]);
        assert_eq!(plan.sweeps[0].needed, [0]);
        assert_eq!(plan.sweeps[1].needed, [0, 1, 2]);
        assert_eq!(plan.sweeps[2].needed, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    }

    #[test]
    fn what_no_sum_reads_is_not_computed() {
        let plan = Plan::new(&[Step::Policy(0), Step::Exponential(0), Step::Top(0, 1), Step::Negative(0)], &[3]);
        assert_eq!(plan.sweeps.len(), 1);
        assert_eq!(plan.sweeps[0].needed, [0, 3]);
    }

    #[test]
    fn a_gradient_flows_where_it_is_asked_for() {
        let flows = moving(likeliest(3).steps(), &[false, true], &[]);
        assert_eq!(flows, [false, true, false, false, true, false, true, true, false, true, true]);
        assert!(!moving(likeliest(3).steps(), &[false, false], &[]).contains(&true));
    }
}
