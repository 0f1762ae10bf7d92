use super::{Region, Step};

/// The definition, in f64: all words of all rows. `hidden` and `tables` are the policies', whose states have so many numbers;
/// `given` is `[row, given]`. Gives `[row, sum]`.
///
/// # Panics
/// If the shapes do not fit.
#[must_use]
pub fn forward(region: &Region, hidden: &[Vec<f64>], tables: &[Vec<f64>], widths: &[usize], given: &[f64]) -> Vec<f64> {
    let rows = hidden[0].len() / widths[0];
    let mut sums = Vec::new();
    for row in 0..rows {
        let policies: Vec<Vec<f64>> = (0..hidden.len())
            .map(|p| log_softmax(&hidden[p][row * widths[p]..(row + 1) * widths[p]], &tables[p], widths[p]))
            .collect();
        let given = &given[row * region.given()..(row + 1) * region.given()];
        let words = policies[0].len();
        let mut values: Vec<Vec<f64>> = Vec::new();
        for step in &region.steps {
            let value = of(*step, &values, &policies, given, words);
            values.push(value);
        }
        sums.extend(region.sums.iter().map(|sum| values[*sum].iter().sum::<f64>()));
    }
    sums
}

fn log_softmax(hidden: &[f64], table: &[f64], width: usize) -> Vec<f64> {
    let scores: Vec<f64> =
        table.chunks(width).map(|word| word.iter().zip(hidden).map(|(a, b)| a * b).sum::<f64>()).collect();
    let whole = log_sum(&scores, &vec![1.0; scores.len()]);
    scores.iter().map(|z| z - whole).collect()
}

fn log_sum(x: &[f64], weights: &[f64]) -> f64 {
    let kept = || x.iter().zip(weights).filter(|(_, w)| **w != 0.0);
    let highest = kept().map(|(x, _)| *x).fold(f64::NEG_INFINITY, f64::max);
    highest + kept().map(|(x, w)| w * (x - highest).exp()).sum::<f64>().ln()
}

/// The value of a step at every word.
fn of(step: Step, values: &[Vec<f64>], policies: &[Vec<f64>], given: &[f64], words: usize) -> Vec<f64> {
    let one = |a: usize, f: &dyn Fn(f64) -> f64| values[a].iter().map(|a| f(*a)).collect();
    let two = |a: usize, b: usize, f: &dyn Fn(f64, f64) -> f64| {
        values[a].iter().zip(&values[b]).map(|(a, b)| f(*a, *b)).collect()
    };
    match step {
        Step::Policy(i) => policies[i].clone(),
        Step::Given(i) => vec![given[i]; words],
        Step::Number(number) => vec![f64::from(number); words],
        Step::Plus(a, b) => two(a, b, &|a, b| a + b),
        Step::Minus(a, b) => two(a, b, &|a, b| a - b),
        Step::Times(a, b) => two(a, b, &|a, b| a * b),
        Step::Over(a, b) => two(a, b, &|a, b| a / b),
        Step::Smaller(a, b) => two(a, b, &f64::min),
        Step::Larger(a, b) => two(a, b, &f64::max),
        Step::Clip(a, low, high) => one(a, &|a| a.clamp(f64::from(low), f64::from(high))),
        Step::Negative(a) => one(a, &|a| -a),
        Step::Exponential(a) => one(a, &f64::exp),
        Step::Logarithm(a) => one(a, &f64::ln),
        Step::Magnitude(a) => one(a, &f64::abs),
        Step::Logistic(a) => one(a, &|a| 1.0 / (1.0 + (-a).exp())),
        Step::LogLogistic(a) => one(a, &|a| a.min(0.0) - (-a.abs()).exp().ln_1p()),
        Step::Square(a) => one(a, &|a| a * a),
        Step::Root(a) => one(a, &f64::sqrt),
        Step::LogComplement(a) => one(a, &|a| (-a.exp_m1()).ln()),
        Step::Positive(a) => one(a, &|a| if a > 0.0 { 1.0 } else { 0.0 }),
        Step::Still(a) => values[a].clone(),
        Step::Choose(a, b, c) => (0..words).map(|v| values[if values[a][v] > 0.0 { b } else { c }][v]).collect(),
        Step::Mixture(a, b, share) => {
            let share = f64::from(share);
            two(a, b, &|a, b| {
                let (a, b) = (share.ln() + a, (1.0 - share).ln() + b);
                a.max(b) + (-(a - b).abs()).exp().ln_1p()
            })
        }
        Step::Top(a, count) => {
            let mut order: Vec<usize> = (0..words).collect();
            order.sort_by(|x, y| values[a][*y].total_cmp(&values[a][*x]));
            let mut marks = vec![0.0; words];
            order.into_iter().take(count).for_each(|v| marks[v] = 1.0);
            marks
        }
        Step::LogSum(a, b) => vec![log_sum(&values[a], &values[b]); words],
        Step::Kept(a, b) => two(a, b, &|a, b| if a == 0.0 { 0.0 } else { b }),
    }
}
