//! What clap refuses, in one line with what to write instead.

use super::{find, nearest};
use crate::Algorithm;
use clap::Command;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// The line. `words` are what was typed after the program's name.
pub(super) fn line(error: &Error, command: &Command, algorithms: &[&'static Algorithm], words: &[String]) -> String {
    let told = |kind| error.get(kind).map(ContextValue::to_string);
    let (typed, value) = (told(ContextKind::InvalidArg), told(ContextKind::InvalidValue));
    let algorithm = words.first().and_then(|name| find(algorithms, name).ok());
    match (error.kind(), typed, value) {
        (ErrorKind::InvalidSubcommand, ..) => {
            unknown_command(&told(ContextKind::InvalidSubcommand).unwrap_or_default(), command, algorithms)
        }
        (ErrorKind::UnknownArgument, Some(typed), _) => unknown_option(&typed, command, algorithm, words),
        (ErrorKind::InvalidValue | ErrorKind::ValueValidation, Some(option), Some(value)) => {
            match error.get(ContextKind::ValidValue) {
                _ if value.is_empty() => format!("{option} needs a value"),
                Some(ContextValue::Strings(valid)) if !valid.is_empty() => {
                    format!("{option}: `{value}` is none of {}", valid.join(", "))
                }
                _ => format!("{option}: `{value}` is no such value, write a number where N or F stands"),
            }
        }
        (ErrorKind::MissingRequiredArgument, Some(missing), _) => {
            let path = words.first().map(|word| format!(" {word}")).unwrap_or_default();
            format!("{missing} is missing; `collimate{path} --help` shows what belongs where")
        }
        // What is left is rare: what clap says, without its hints.
        _ => error
            .to_string()
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("Usage") && !line.starts_with("For more"))
            .collect::<Vec<_>>()
            .join(" ")
            .trim_start_matches("error: ")
            .to_owned(),
    }
}

/// Neither an algorithm nor a tool.
fn unknown_command(name: &str, command: &Command, algorithms: &[&'static Algorithm]) -> String {
    let tools = command.get_subcommands().map(Command::get_name);
    // Names of two or three letters are near everything.
    let tool = tools.filter(|tool| tool.len() > 3).filter(|tool| !algorithms.iter().any(|a| a.name == *tool));
    match (nearest(name, tool), find(algorithms, name)) {
        (Some(tool), Err(error)) if !error.to_string().contains("did you mean") => {
            format!("there is no command or algorithm `{name}`; did you mean `{tool}`? (`collimate --help` shows all)")
        }
        (_, Err(error)) => error.to_string().replacen("no algorithm", "no command or algorithm", 1),
        (_, Ok(_)) => format!("`{name}` cannot be run"),
    }
}

/// Not an option of this command, but perhaps a hyper-parameter.
fn unknown_option(typed: &str, command: &Command, algorithm: Option<&'static Algorithm>, words: &[String]) -> String {
    let here = words.first().map_or("collimate", String::as_str);
    let name = typed.trim_start_matches('-').split('=').next().unwrap_or_default().replace('-', "_");
    let specs = algorithm.map(|algorithm| (algorithm.hyper)()).unwrap_or_default();
    if let Some(spec) = specs.iter().find(|spec| spec.name == name) {
        return format!("`{name}` is a hyper-parameter: write --set {name}={}", spec.default);
    }
    let own =
        command.get_subcommands().find(|tool| tool.get_name() == here || tool.get_all_aliases().any(|a| a == here));
    let options: Vec<String> = own
        .map(|tool| tool.get_arguments().filter_map(|a| a.get_long().map(|l| format!("--{l}"))).collect())
        .unwrap_or_default();
    let hint = match nearest(typed, options.iter().map(String::as_str)) {
        Some(option) => format!("did you mean `{option}`?"),
        None => format!("`collimate {here} --help` shows all"),
    };
    format!("`{here}` has no option `{typed}`; {hint}")
}
