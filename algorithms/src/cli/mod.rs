//! The command line: one subcommand for each algorithm of a list, and the tools around them.
//!
//! [`run`] takes the list, so that a crate with algorithms of its own gets the same command line; [`run_with`] takes
//! its rewards too.

mod annotate;
mod benchmark;
mod command;
mod eval;
mod explain;
mod expo;
mod generate;
mod inner_run;
mod list;
mod loss;
mod model;
mod numbers;
mod pass_rate;
mod progress;
mod refusal;
mod report;
mod reward;
mod reward_model;
mod reward_table;
mod sandbox;
mod score;
mod seeds;
mod settings;
mod state;
mod steerlm;
mod steerlm2;
mod train;

use crate::Algorithm;
use crate::rewards::{HostReward, REWARDS};
use anyhow::Result;
use clap::ArgMatches;
use std::process::ExitCode;

/// Reads the process's arguments, does what they say and gives the exit code: 0 when done, 2 after an error,
/// which is printed as one line with its cause and what to do.
#[must_use]
pub fn run(algorithms: &[&'static Algorithm]) -> ExitCode {
    run_with(algorithms, REWARDS)
}

/// The same with these rewards for `--reward`; [`REWARDS`] are this crate's own.
#[must_use]
pub fn run_with(algorithms: &[&'static Algorithm], rewards: &[&'static HostReward]) -> ExitCode {
    collimate_runtime::give_back_large_blocks();
    let matches = match command::command(algorithms).try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            use clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand as Nothing;
            // Help and version are no errors: clap prints them to standard output and exits with 0.
            let code = if error.use_stderr() { 2 } else { 0 };
            if code == 0 || error.kind() == Nothing {
                let _ = error.print();
            } else {
                let words: Vec<String> = std::env::args().skip(1).collect();
                eprintln!("error: {}", refusal::line(&error, &command::command(algorithms), algorithms, &words));
            }
            return ExitCode::from(code);
        }
    };
    match dispatch(algorithms, rewards, &matches) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn dispatch(algorithms: &[&'static Algorithm], rewards: &[&'static HostReward], matches: &ArgMatches) -> Result<()> {
    match matches.subcommand() {
        Some(("list", m)) if m.get_one::<String>("what").is_some_and(|what| what == "rewards") => {
            list::rewards(rewards)
        }
        Some(("list", _)) => list::run(algorithms),
        Some(("explain", m)) => explain::run(algorithms, m),
        Some(("diff", m)) => explain::diff(algorithms, m),
        Some(("loss", m)) => loss::run(algorithms, m),
        Some(("score", m)) => score::run(m),
        Some(("generate", m)) => generate::run(m),
        Some(("eval", m)) => eval::run(m),
        Some(("annotate", m)) => annotate::run(m),
        Some(("expo", m)) => expo::run(m),
        Some(("pass-rate", m)) => pass_rate::run(rewards, m),
        Some(("report", m)) => report::run(m),
        Some(("sandbox", m)) => sandbox::run(m),
        Some((name, m)) => train::run(find(algorithms, name)?, rewards, m),
        None => unreachable!("a subcommand is required"),
    }
}

/// The algorithm of this name; hyphens and underscores are the same.
fn find(algorithms: &[&'static Algorithm], name: &str) -> Result<&'static Algorithm> {
    let wanted = name.replace('-', "_");
    if let Some(found) = algorithms.iter().find(|a| a.name == wanted) {
        return Ok(found);
    }
    let presets = presets(algorithms, wanted.split('@').next().unwrap_or(&wanted));
    let hint = match nearest(&wanted, algorithms.iter().map(|a| a.name)).map(command_name) {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None if wanted.contains('@') && !presets.is_empty() => format!("; there is {}", presets.join(", ")),
        None => String::new(),
    };
    anyhow::bail!("there is no algorithm `{name}`{hint} (`collimate list` shows all)")
}

/// The presets of an algorithm, as they are called on the command line.
fn presets(algorithms: &[&'static Algorithm], family: &str) -> Vec<String> {
    let presets = algorithms.iter().filter(|a| a.preset.is_some() && a.family() == family);
    presets.map(|a| command_name(a.name)).collect()
}

/// How an algorithm is called on the command line: its name with hyphens.
fn command_name(name: &str) -> String {
    name.replace('_', "-")
}

/// Whoever read our output has seen enough (`collimate list | head`).
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The name closest to `wanted`, if one is close enough to be what was meant.
fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names.map(|n| (edits(wanted, n), n)).filter(|(d, n)| *d <= 1 + n.len() / 4).min().map(|(_, n)| n)
}

/// Levenshtein's distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Preset, dpo::DPO, rpo_sq::RPO_SQ};

    static RPO_SQ_PEER: Algorithm = Algorithm {
        name: "rpo_sq@some_peer",
        preset: Some(Preset { peer: "some_peer", source: "Some peer 1.0, loss.py" }),
        paper: "",
        about: "What the peer does.",
        file: "",
        view: "scored_pair",
        online: false,
        exceptions: &[],
        separable: false,
        hyper: RPO_SQ.hyper,
        trace: RPO_SQ.trace,
    };

    #[test]
    fn an_algorithm_is_found_by_its_name_with_hyphens_or_underscores() {
        let all = [&DPO, &RPO_SQ, &RPO_SQ_PEER];
        for (wanted, name) in [
            ("dpo", "dpo"),
            ("rpo-sq", "rpo_sq"),
            ("rpo_sq", "rpo_sq"),
            ("rpo-sq@some-peer", "rpo_sq@some_peer"),
            ("rpo_sq@some_peer", "rpo_sq@some_peer"),
        ] {
            assert_eq!(find(&all, wanted).map(|a| a.name).ok(), Some(name));
        }
        let refused = |wanted| find(&all, wanted).map(|a| a.name).expect_err("not there").to_string();
        assert!(refused("rpo-sq@some-pear").contains("did you mean `rpo-sq@some-peer`?"));
        assert!(refused("rpo-sq@trl").contains("there is rpo-sq@some-peer"), "{}", refused("rpo-sq@trl"));
        assert_eq!(refused("grpo@trl"), "there is no algorithm `grpo@trl` (`collimate list` shows all)");
    }

    #[test]
    fn a_slip_of_the_hand_is_recognised() {
        let names = ["dpo", "ipo", "simpo", "label_smoothing"];
        assert_eq!(nearest("simp", names.into_iter()), Some("simpo"));
        assert_eq!(nearest("label_smoothng", names.into_iter()), Some("label_smoothing"));
        assert_eq!(nearest("temperature", names.into_iter()), None);
    }
}
