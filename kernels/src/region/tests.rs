use super::examples::{all_sorts, between, levels, likeliest};
use super::{ByPolicy, Inputs, NoWord, Policy, Region, Step, backward, forward, forward_reference};
use crate::check::{assert_close, numbers, slope, wide};
use crate::stored::Stored;
use half::bf16;

/// One state for each row and a table, of each policy; the widths differ.
struct Case {
    region: Region,
    widths: Vec<usize>,
    hidden: Vec<Vec<f32>>,
    tables: Vec<Vec<f32>>,
    given: Vec<f32>,
    rows: usize,
}

impl Case {
    fn new(region: Region, rows: usize, words: usize) -> Case {
        let widths: Vec<usize> = (0..region.policies()).map(|policy| 3 + policy).collect();
        let scaled = |length, seed| numbers(length, seed).into_iter().map(|x| 2.0 * x).collect();
        Case {
            hidden: widths.iter().map(|width| scaled(rows * width, 1 + *width as u64)).collect(),
            tables: widths.iter().map(|width| scaled(words * width, 11 + *width as u64)).collect(),
            given: numbers(rows * region.given(), 31),
            region,
            widths,
            rows,
        }
    }

    fn policies(&self) -> Vec<Policy<'_>> {
        let each = self.hidden.iter().zip(&self.tables).zip(&self.widths);
        each.map(|((hidden, table), width)| Policy { hidden, table: table[..].into(), width: *width }).collect()
    }

    fn forward(&self) -> Result<Vec<f32>, NoWord> {
        let mut sums = vec![f32::NAN; self.rows * self.region.sums().len()];
        let policies = self.policies();
        let inputs = Inputs { region: &self.region, policies: &policies, given: &self.given };
        forward(&mut sums, inputs).map(|()| sums)
    }

    fn upstream(&self) -> Vec<f32> {
        numbers(self.rows * self.region.sums().len(), 41)
    }

    /// By states, tables and given numbers, which are not all set or empty before; with words that are taken if asked.
    fn backward(&self, taken: Option<(&[u32], &[f32])>) -> (Vec<Vec<f32>>, Vec<Vec<f32>>, Vec<f32>) {
        let mut d_hidden: Vec<Vec<f32>> = self.hidden.iter().map(|h| vec![1.0; h.len()]).collect();
        let mut d_tables: Vec<Vec<f32>> = self.tables.iter().map(|t| vec![-1.0; t.len()]).collect();
        let mut d_given = vec![f32::NAN; self.given.len()];
        let policies = self.policies();
        let inputs = Inputs { region: &self.region, policies: &policies, given: &self.given };
        let each = d_hidden.iter_mut().zip(&mut d_tables).enumerate();
        let mut by: Vec<_> = each
            .map(|(i, (d_hidden, d_table))| {
                Some(ByPolicy { d_hidden, d_table: Some(d_table), taken: taken.filter(|_| i == 0) })
            })
            .collect();
        backward(&mut by, &mut d_given, &vec![true; self.region.given()], &self.upstream(), inputs);
        d_hidden.iter_mut().flatten().for_each(|d| *d -= 1.0);
        d_tables.iter_mut().flatten().for_each(|d| *d += 1.0);
        (d_hidden, d_tables, d_given)
    }

    fn reference(&self, hidden: &[Vec<f64>], tables: &[Vec<f64>], given: &[f64]) -> Vec<f64> {
        forward_reference(&self.region, hidden, tables, &self.widths, given)
    }

    fn wide(&self) -> (Vec<Vec<f64>>, Vec<Vec<f64>>, Vec<f64>) {
        let all = |of: &[Vec<f32>]| of.iter().map(|x| wide(x)).collect::<Vec<_>>();
        (all(&self.hidden), all(&self.tables), wide(&self.given))
    }

    /// Forward and backward are what the definition and its slope say.
    fn check(&self, tolerance: f64) {
        let (hidden, tables, given) = self.wide();
        assert_close("sums", &self.forward().unwrap(), &self.reference(&hidden, &tables, &given), tolerance);
        let upstream = self.upstream();
        let (d_hidden, d_tables, d_given) = self.backward(None);
        for policy in 0..self.widths.len() {
            let by_hidden = slope(&self.hidden[policy], &upstream, |x| {
                let mut hidden = hidden.clone();
                hidden[policy] = x.to_vec();
                self.reference(&hidden, &tables, &given)
            });
            assert_close("d hidden", &d_hidden[policy], &by_hidden, 10.0 * tolerance);
            let by_table = slope(&self.tables[policy], &upstream, |x| {
                let mut tables = tables.clone();
                tables[policy] = x.to_vec();
                self.reference(&hidden, &tables, &given)
            });
            assert_close("d table", &d_tables[policy], &by_table, 10.0 * tolerance);
        }
        let by_given = slope(&self.given, &upstream, |x| self.reference(&hidden, &tables, x));
        assert_close("d given", &d_given, &by_given, 10.0 * tolerance);
    }
}

#[test]
fn sums_and_their_gradient_are_what_the_definition_says() {
    for (rows, words) in [(1, 2), (3, 7), (4, 40)] {
        for region in [between(0.3), likeliest(2), levels(), all_sorts()] {
            Case::new(region, rows, words).check(1e-5);
        }
    }
}

#[test]
fn words_beyond_one_part_are_summed_as_well() {
    for region in [between(0.3), likeliest(100), levels(), all_sorts()] {
        let case = Case::new(region, 3, 5000);
        let (hidden, tables, given) = case.wide();
        assert_close("sums", &case.forward().unwrap(), &case.reference(&hidden, &tables, &given), 1e-5);
        // Along one direction in all numbers at once.
        let (d_hidden, d_tables, d_given) = case.backward(None);
        let along: Vec<f32> = numbers(d_hidden.iter().chain(&d_tables).map(Vec::len).sum::<usize>() + d_given.len(), 5);
        let ours = d_hidden.iter().chain(&d_tables).flatten().chain(&d_given).zip(&along);
        let ours: f64 = ours.map(|(g, a)| f64::from(*g) * f64::from(*a)).sum();
        let right = slope(&[0.0], &case.upstream(), |t| {
            let mut along = along.iter();
            let mut moved =
                |x: &Vec<f64>| -> Vec<f64> { x.iter().map(|x| x + t[0] * f64::from(*along.next().unwrap())).collect() };
            let hidden: Vec<_> = hidden.iter().map(&mut moved).collect();
            let tables: Vec<_> = tables.iter().map(&mut moved).collect();
            case.reference(&hidden, &tables, &moved(&given))
        });
        assert!((ours - right[0]).abs() < 2e-4 * right[0].abs().max(1.0), "{ours} where {} is right", right[0]);
    }
}

#[test]
fn many_blocks_are_one() {
    // So many rows that they are worked on in three turns.
    let case = Case::new(between(0.3), 1100, 9);
    let (hidden, tables, given) = case.wide();
    assert_close("sums", &case.forward().unwrap(), &case.reference(&hidden, &tables, &given), 1e-5);
    let (d_hidden, d_tables, _) = case.backward(None);
    let mut sum = vec![0.0_f64; d_tables[0].len()];
    for row in 0..1100 {
        let alone = Case {
            hidden: case.hidden.iter().zip(&case.widths).map(|(h, w)| h[row * w..][..*w].to_vec()).collect(),
            tables: case.tables.clone(),
            widths: case.widths.clone(),
            region: case.region.clone(),
            given: vec![],
            rows: 1,
        };
        let policies = alone.policies();
        let inputs = Inputs { region: &alone.region, policies: &policies, given: &[] };
        let (mut d, mut d_table) = (vec![0.0; 3], vec![0.0; sum.len()]);
        let mut by = [Some(ByPolicy { d_hidden: &mut d, d_table: Some(&mut d_table), taken: None }), None];
        backward(&mut by, &mut [], &[], &case.upstream()[2 * row..][..2], inputs);
        sum.iter_mut().zip(&d_table).for_each(|(sum, d)| *sum += f64::from(*d));
        assert_close("d hidden", &d_hidden[0][3 * row..][..3], &wide(&d), 1e-5);
    }
    assert_close("d table", &d_tables[0], &sum, 1e-4);
}

#[test]
fn words_that_are_taken_join_the_gradient() {
    let case = Case::new(between(0.3), 4, 30);
    let targets: Vec<u32> = vec![3, 29, 0, 7];
    let upstream = numbers(4, 8);
    let (d_hidden, d_tables, _) = case.backward(Some((&targets, &upstream)));
    let (without, without_tables, _) = case.backward(None);
    let by_hidden = slope(&case.hidden[0], &upstream, |x| {
        crate::head::forward_reference(x, &wide(&case.tables[0]), &targets, case.widths[0])
    });
    let by_table = slope(&case.tables[0], &upstream, |x| {
        crate::head::forward_reference(&wide(&case.hidden[0]), x, &targets, case.widths[0])
    });
    let more = |more: &[f32], less: &[f32]| more.iter().zip(less).map(|(m, l)| m - l).collect::<Vec<_>>();
    assert_close("d hidden", &more(&d_hidden[0], &without[0]), &by_hidden, 1e-4);
    assert_close("d table", &more(&d_tables[0], &without_tables[0]), &by_table, 1e-4);
    assert_eq!(d_hidden[1], without[1]);
}

#[test]
fn a_policy_without_a_gradient_is_left_alone_and_others_have_the_same() {
    let case = Case::new(between(0.3), 5, 33);
    let (d_hidden, _, _) = case.backward(None);
    let policies = case.policies();
    let inputs = Inputs { region: &case.region, policies: &policies, given: &[] };
    let (mut own, mut d_table) = (vec![0.0; case.hidden[1].len()], vec![0.0; case.tables[1].len()]);
    let mut by = [None, Some(ByPolicy { d_hidden: &mut own, d_table: Some(&mut d_table), taken: None })];
    backward(&mut by, &mut [], &[], &case.upstream(), inputs);
    assert_close("d hidden", &own, &wide(&d_hidden[1]), 1e-5);
}

#[test]
fn far_out_everything_is_finite() {
    let mut case = Case::new(between(0.3), 6, 700);
    case.hidden.iter_mut().flatten().for_each(|h| *h *= 1e4);
    assert!(case.forward().unwrap().iter().all(|x| x.is_finite()));
    let (d_hidden, d_tables, _) = case.backward(None);
    assert!(d_hidden.iter().chain(&d_tables).flatten().all(|x| x.is_finite()));
}

#[test]
fn a_table_in_halves_is_multiplied_by_rounded_states() {
    let mut case = Case::new(between(0.3), 7, 4300);
    let halves: Vec<Vec<bf16>> =
        case.tables.iter().map(|table| table.iter().map(|w| bf16::from_f32(*w)).collect()).collect();
    for (table, halves) in case.tables.iter_mut().zip(&halves) {
        table.iter_mut().zip(halves).for_each(|(w, half)| *w = half.to_f32());
    }
    case.hidden.iter_mut().flatten().for_each(|h| *h = bf16::from_f32(*h).to_f32());
    let all = |policies: &[Policy<'_>]| {
        let inputs = Inputs { region: &case.region, policies, given: &[] };
        let mut sums = vec![0.0; 14];
        forward(&mut sums, inputs).unwrap();
        let (mut d_hidden, mut d_table) = (vec![0.0; case.hidden[0].len()], vec![0.0; case.tables[0].len()]);
        let mut by = [Some(ByPolicy { d_hidden: &mut d_hidden, d_table: Some(&mut d_table), taken: None }), None];
        backward(&mut by, &mut [], &[], &case.upstream(), inputs);
        (sums, d_hidden, d_table)
    };
    let right = all(&case.policies());
    let each = || case.policies().into_iter().zip(&halves).zip(&case.tables);
    let narrow: Vec<_> = each().map(|((p, halves), _)| Policy { table: halves[..].into(), ..p }).collect();
    let rounded: Vec<_> = each().map(|((p, _), table)| Policy { table: Stored::Rounded(table), ..p }).collect();
    assert_eq!(all(&narrow), all(&rounded));
    let (sums, d_hidden, d_table) = all(&narrow);
    // Forward nothing is rounded that was not before; of the gradient of scores, eight bits stay.
    assert_close("sums", &sums, &wide(&right.0), 1e-5);
    for (name, ours, right) in [("d hidden", &d_hidden, &right.1), ("d table", &d_table, &right.2)] {
        let largest = right.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let scaled = |x: &[f32]| -> Vec<f32> { x.iter().map(|x| x / largest).collect() };
        assert_close(name, &scaled(ours), &wide(&scaled(right)), 4e-3);
    }
}

#[test]
fn a_table_that_is_not_trained_changes_nothing_else() {
    let case = Case::new(between(0.3), 5, 33);
    let policies = case.policies();
    let inputs = Inputs { region: &case.region, policies: &policies, given: &[] };
    let (mut with, mut without) = (vec![0.0; case.hidden[0].len()], vec![0.0; case.hidden[0].len()]);
    let mut d_table = vec![0.0; case.tables[0].len()];
    let mut by = [Some(ByPolicy { d_hidden: &mut with, d_table: Some(&mut d_table), taken: None }), None];
    backward(&mut by, &mut [], &[], &case.upstream(), inputs);
    let mut by = [Some(ByPolicy { d_hidden: &mut without, d_table: None, taken: None }), None];
    backward(&mut by, &mut [], &[], &case.upstream(), inputs);
    assert_eq!(with, without);
}

#[test]
fn of_equal_words_the_first_are_kept() {
    // Four words, all alike: the first two make the sum of twos.
    let steps = vec![Step::Policy(0), Step::Top(0, 2), Step::Policy(1), Step::Exponential(2), Step::Times(1, 3)];
    let region = Region::new(steps, vec![4, 1]);
    let (hidden, even, table) = ([1.0], [0.5; 4], [1.0, 2.0, 3.0, 4.0]);
    let policies = [
        Policy { hidden: &hidden, table: even[..].into(), width: 1 },
        Policy { hidden: &hidden, table: table[..].into(), width: 1 },
    ];
    let mut sums = [0.0; 2];
    forward(&mut sums, Inputs { region: &region, policies: &policies, given: &[] }).unwrap();
    let whole: f64 = table.iter().map(|z| f64::from(*z).exp()).sum();
    assert_close("kept", &sums, &[(1.0_f64.exp() + 2.0_f64.exp()) / whole, 2.0], 1e-6);
}

#[test]
fn a_row_where_no_word_is_kept_is_told() {
    let steps = vec![Step::Policy(0), Step::Given(0), Step::LogSum(0, 1)];
    let mut case = Case::new(Region::new(steps, vec![2]), 3, 5);
    case.given = vec![1.0, 0.0, 1.0];
    assert_eq!(case.forward(), Err(NoWord { step: 2 }));
    case.given = vec![1.0, 2.0, 1.0];
    assert!(case.forward().is_ok());
}

#[test]
fn no_rows_are_no_work() {
    let case = Case::new(between(0.3), 0, 5);
    assert_eq!(case.forward(), Ok(vec![]));
    let (d_hidden, d_tables, _) = case.backward(None);
    assert!(d_hidden.iter().chain(&d_tables).flatten().all(|d| *d == 0.0));
}

#[test]
#[should_panic(expected = "step 1 reads one that does not come before it")]
fn a_step_that_reads_a_later_one_is_refused() {
    let _ = Region::new(vec![Step::Policy(0), Step::Negative(1)], vec![1]);
}
