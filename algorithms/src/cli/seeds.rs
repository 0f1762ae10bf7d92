//! `collimate <algorithm> --seeds N`: the same run with one seed after the other, and what they come to.

use super::sandbox::Compared;
use super::{command_name, reward_model, train};
use crate::Algorithm;
use crate::rewards::HostReward;
use crate::sandbox::evaluation::Estimate;
use anyhow::{Result, bail};
use collimate_runtime::train::RunSettings;
use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// What one seed came to.
struct Line {
    seed: u64,
    compared: Compared,
    seconds: f64,
}

/// Trains with so many seeds, the settings' own and those that follow, each in a folder of its own below `out`.
pub(super) fn run(
    algorithm: &'static Algorithm,
    rewards: &[&'static HostReward],
    settings: &RunSettings,
    seeds: u64,
    out: &Path,
) -> Result<()> {
    let name = command_name(algorithm.name);
    if seeds == 0 {
        bail!("--seeds 0: give at least 1");
    }
    if !settings.data.is_empty() {
        bail!("--seeds compares policies in the sandbox, and these rows are not of it; leave --seeds or the data out");
    }
    if reward_model::trains(&(algorithm.trace)()) || algorithm.family() == "steerlm" {
        bail!("--seeds compares policies, and `{name}` is not measured so; leave it out");
    }
    let mut lines = Vec::new();
    for seed in (0..seeds).map(|further| settings.seed.wrapping_add(further)) {
        eprintln!("seed {seed}");
        let began = Instant::now();
        let settings = RunSettings { seed, ..settings.clone() };
        let Some(compared) = train::once(algorithm, rewards, settings, &out.join(format!("seed-{seed}")), false)?
        else {
            return Ok(());
        };
        lines.push(Line { seed, compared, seconds: began.elapsed().as_secs_f64() });
    }
    write!(std::io::stdout().lock(), "\n{}", table(&name, &lines))?;
    Ok(())
}

/// A line for each seed; below, their mean with the standard deviation from seed to seed.
fn table(name: &str, lines: &[Line]) -> String {
    let questions = lines.first().map_or(0, |line| line.compared.comparison.questions.len());
    let columns = ["before", "after", "gain", "win rate, %", "KL, nats", "different", "seconds"];
    let mut text =
        format!("{name}, {questions} held-out questions, one answer each; gain in deviations of the start\n");
    let mut row = |first: &str, cells: [String; 7]| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>14}")).collect();
        writeln!(text, "{first:6}{cells}").expect("a string takes all text");
    };
    row("seed", columns.map(str::to_owned));
    let of = |line: &Line| -> [(Estimate, usize); 7] {
        let Compared { comparison, kl } = &line.compared;
        let alone = |mean| Estimate { mean, error: 0.0 };
        [
            (comparison.before.reward(), 2),
            (comparison.after.reward(), 2),
            (comparison.gain(), 2),
            (comparison.win_rate().percent(), 1),
            (*kl, 2),
            (alone(comparison.after.different() as f64), 0),
            (alone(line.seconds), 0),
        ]
    };
    let shown = |(estimate, digits): (Estimate, usize)| match digits {
        0 => format!("{:.0}", estimate.mean),
        _ => format!("{estimate:.digits$}"),
    };
    for line in lines {
        row(&line.seed.to_string(), of(line).map(shown));
    }
    let all: Vec<[(Estimate, usize); 7]> = lines.iter().map(of).collect();
    let over = |place: usize| {
        let means: Vec<f64> = all.iter().map(|cells| cells[place].0.mean).collect();
        let digits = all.first().map_or(0, |cells| cells[place].1);
        format!("{:.digits$}", Estimate::over_runs(&means))
    };
    row("mean", std::array::from_fn(over));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::evaluation::{Comparison, questions};

    fn line(seed: u64, kl: f64, last: &str) -> Line {
        let before = ["It is 12.", "I do not know."].map(str::to_owned).to_vec();
        let after = ["Sure! It is 12.", last].map(str::to_owned).to_vec();
        let comparison = Comparison::new(questions(2), before, after);
        Line { seed, compared: Compared { comparison, kl: Estimate { mean: kl, error: 0.1 } }, seconds: 61.4 }
    }

    #[test]
    fn each_seed_has_a_line_and_the_last_is_their_mean() {
        let table = table("rloo", &[line(3, 1.0, "Sure! It is 12."), line(4, 2.0, "Yes."), line(5, 4.5, "No.")]);
        let lines: Vec<&str> = table.lines().collect();
        assert_eq!(lines.len(), 6, "{table}");
        assert!(
            lines[2].starts_with("3 ") && lines[2].contains("1.00 ± 0.10") && lines[2].ends_with("  1            61")
        );
        assert!(lines[3].ends_with("  2            61"), "{table}");
        // Of 1, 2 and 4.5: the deviation from seed to seed, not the error of any of them.
        assert!(lines[5].starts_with("mean ") && lines[5].contains("2.50 ± 1.80"), "{table}");
        assert!(lines[5].ends_with("61 ± 0"), "{table}");
    }
}
