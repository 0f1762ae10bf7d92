//! `collimate list`

use super::command_name;
use crate::rewards::HostReward;
use crate::{Algorithm, explain};
use anyhow::Result;
use std::io::Write;

/// The widest the names of data columns are made; `explain` has them all.
const WIDEST: usize = 56;

pub(super) fn run(algorithms: &[&'static Algorithm]) -> Result<()> {
    let rows: Vec<[String; 4]> = by_family(algorithms).into_iter().map(row).collect();
    let heading = ["algorithm", "from", "data", ""].map(str::to_owned);
    let width = |column: usize| rows.iter().chain([&heading]).map(|r| r[column].chars().count()).max().unwrap_or(0);
    let [a, b, c] = [width(0), width(1), width(2)];
    let mut out = std::io::stdout().lock();
    for [name, from, data, about] in [&heading].into_iter().chain(&rows) {
        let line = format!("{name:a$}  {from:b$}  {data:c$}  {about}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// `collimate list rewards`
pub(super) fn rewards(rewards: &[&'static HostReward]) -> Result<()> {
    let width = rewards.iter().map(|reward| reward.name.len()).max().unwrap_or(0);
    let mut out = std::io::stdout().lock();
    for reward in rewards {
        let about = reward.about.split("\n\n").next().unwrap_or("").replace('\n', " ");
        writeln!(out, "{:width$}  {}", command_name(reward.name), about.trim())?;
    }
    writeln!(out, "{:width$}  what the reward model in this folder gives the response", "DIR")?;
    Ok(())
}

/// Each algorithm as in the list, followed by its presets.
fn by_family(algorithms: &[&'static Algorithm]) -> Vec<&'static Algorithm> {
    let first = |algorithm: &Algorithm| algorithms.iter().position(|a| a.family() == algorithm.family());
    let mut sorted = algorithms.to_vec();
    sorted.sort_by_key(|a| (first(a), a.preset.is_some()));
    sorted
}

/// Name, paper or source, columns of the data, first sentence.
fn row(algorithm: &'static Algorithm) -> [String; 4] {
    let about = algorithm.about.split("\n\n").next().unwrap_or("").replace('\n', " ");
    let (indent, from) = match algorithm.preset {
        Some(preset) => ("  ", preset.source.split(',').next().unwrap_or(preset.source)),
        None => ("", algorithm.paper),
    };
    let name = format!("{indent}{}", command_name(algorithm.name));
    [name, from.to_owned(), short(&explain::columns(algorithm)), about.trim().to_owned()]
}

/// As many columns of the data as there is room for.
fn short(columns: &[String]) -> String {
    let all = columns.join(", ");
    match all.char_indices().nth(WIDEST) {
        Some((end, _)) => format!("{}, …", all[..end].rsplit_once(", ").map_or(&all[..end], |(whole, _)| whole)),
        None => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Preset, dpo::DPO, ipo::IPO};

    #[test]
    fn a_preset_stands_below_its_algorithm() {
        static DPO_PEER: Algorithm = Algorithm {
            name: "dpo@peer",
            preset: Some(Preset { peer: "peer", source: "Peer 1.0, loss.py, 0a1b2c" }),
            paper: "",
            about: "What the peer does.",
            file: "",
            view: "pair",
            online: false,
            exceptions: &[],
            separable: false,
            hyper: DPO.hyper,
            trace: DPO.trace,
        };
        let names: Vec<&str> = by_family(&[&DPO, &IPO, &DPO_PEER]).into_iter().map(|a| a.name).collect();
        assert_eq!(names, ["dpo", "dpo@peer", "ipo"]);
        assert_eq!(row(&DPO_PEER), ["  dpo@peer", "Peer 1.0", "prompt, chosen, rejected", "What the peer does."]);
    }
}
