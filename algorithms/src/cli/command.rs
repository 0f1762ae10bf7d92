//! What can be written on the command line.

use super::command_name;
use crate::Algorithm;
use clap::{Arg, ArgAction, Command, builder::ValueParser, value_parser};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The whole command line for these algorithms.
pub(super) fn command(algorithms: &[&'static Algorithm]) -> Command {
    let tools = [
        list(),
        explain(),
        diff(),
        loss(),
        score(),
        generate(),
        eval(),
        annotate(),
        expo(),
        pass_rate(),
        report(),
        sandbox(),
    ];
    Command::new("collimate")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Alignment algorithms for language models, declared in a typed language and trained on real models.")
        .override_usage("collimate <ALGORITHM> [OPTIONS]\n       collimate <COMMAND>")
        .after_help(format!(
            "Algorithms, each a command (`collimate list` has a line on each and on presets like dpo@trl):\n\
             {}\n\
             Start here:\n  \
             collimate dpo                        train the built-in small model and see what changed\n  \
             collimate explain dpo                the formula, its hyper-parameters, the data it needs\n  \
             collimate dpo --model DIR --data F   train your own (Hugging Face folder, rows as .jsonl)\n\n\
             `collimate COMMAND --help` explains each command.",
            by_folder(algorithms)
        ))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommands(tools)
        .subcommands(algorithms.iter().map(|a| train(a).hide(true)))
}

/// The algorithms' names, below the folder that their files stand in; no presets.
fn by_folder(algorithms: &[&'static Algorithm]) -> String {
    const WIDTH: usize = 96;
    let mut folders: Vec<(String, Vec<String>)> = Vec::new();
    for algorithm in algorithms.iter().filter(|algorithm| algorithm.preset.is_none()) {
        let folder = Path::new(algorithm.file).parent().and_then(Path::file_name).and_then(OsStr::to_str);
        let folder = folder.filter(|name| *name != "src").unwrap_or("your own").replace('_', " ");
        let name = command_name(algorithm.name);
        match folders.iter_mut().find(|(known, _)| *known == folder) {
            Some((_, names)) => names.push(name),
            None => folders.push((folder, vec![name])),
        }
    }
    let widest = folders.iter().map(|(folder, _)| folder.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (folder, names) in folders {
        let mut line = format!("  {folder:widest$} ");
        for name in names {
            if line.chars().count() + 1 + name.len() > WIDTH {
                text += &line;
                text.push('\n');
                line = " ".repeat(widest + 3);
            }
            line.push(' ');
            line += &name;
        }
        text += &line;
        text.push('\n');
    }
    text
}

fn list() -> Command {
    Command::new("list").about("Every algorithm and preset: its paper, the data it needs, one line").arg(
        Arg::new("what")
            .value_name("WHAT")
            .value_parser(["algorithms", "rewards"])
            .default_value("algorithms")
            .help("algorithms, or the rewards that --reward knows"),
    )
}

fn name() -> Arg {
    Arg::new("name")
        .value_name("NAME")
        .required(true)
        .help("An algorithm or preset of `collimate list`, e.g. dpo or ipo@trl")
}

fn explain() -> Command {
    Command::new("explain")
        .about("An algorithm's formula, hyper-parameters, data, metrics and what is averaged over what")
        .arg(name())
        .arg(
            Arg::new("format")
                .long("format")
                .value_parser(["text", "latex", "ir", "json"])
                .default_value("text")
                .help("text: for reading; latex: for a paper; ir: the program; json: for other programs"),
        )
}

fn diff() -> Command {
    Command::new("diff")
        .about("Where two algorithms part: formula, gradient, hyper-parameters, averages, data")
        .arg(name())
        .arg(Arg::new("other").value_name("NAME").required(true).help("The one to compare it with"))
}

fn loss() -> Command {
    Command::new("loss")
        .about("Evaluates an algorithm on given log-probabilities: its loss, gradient and metrics as JSON")
        .arg(name())
        .arg(path("numbers", "FILE").required(true).help("JSON with one of `pairs`, `groups`, `demos` (see below)"))
        .arg(set())
        .arg(
            Arg::new("backend")
                .long("backend")
                .value_parser(["eval", "dfdx"])
                .default_value("eval")
                .help("eval: the f64 definition; dfdx: the f32 graph that training runs"),
        )
        .after_help(
            "Every response carries per-token arrays under the policies' names, and scalars where the algorithm needs them:\n  \
             {\"pairs\":  [{\"chosen\": {\"actor\": [-1.2], \"reference\": [-1.0], \"score\": 1.0}, \"rejected\": {…}}]}\n  \
             {\"groups\": [{\"responses\": [{\"actor\": […], \"reference\": […], \"score\": 0.5}, …]}]}\n  \
             {\"demos\":  [{\"actor\": […], \"weight\": 1.0}]}\n\
             For each word of the vocabulary, token by token:  \"actor_words\": [[-0.1, -2.3], …]\n\
             What a loss carries from step to step, beside the list:  \"state\": {\"mean\": 0.5}",
        )
}

fn model() -> Arg {
    path("model", "DIR").long("model").help("A Hugging Face folder (default: the built-in sandbox model)")
}

fn score() -> Command {
    Command::new("score")
        .about("Writes the log-probability of every response of a data file")
        .arg(model().required(true))
        .arg(path("data", "FILE").long("data").required(true).help("Rows as .jsonl, .json, .jsonl.gz or .parquet"))
        .arg(path("out", "FILE").long("out").required(true).help("Where to write, one JSON object for each row"))
        .arg(device())
        .arg(engine())
        .arg(dtype().help("How weights (on a GPU activations too) are stored while the model reads"))
}

fn device() -> Arg {
    Arg::new("device").long("device").default_value("cpu").help("cpu, or cuda:0 in a build with --features cuda")
}

fn generate() -> Command {
    Command::new("generate")
        .about("Writes responses to prompts")
        .arg(model())
        .arg(Arg::new("prompt").long("prompt").value_name("TEXT").help("One prompt").required_unless_present("prompts"))
        .arg(
            path("prompts", "FILE")
                .long("prompts")
                .help("Rows with `prompt`, a text or messages, as .jsonl, .json, .jsonl.gz or .parquet")
                .conflicts_with("prompt"),
        )
        .arg(
            Arg::new("attributes")
                .long("attributes")
                .value_name("NAME=0…4,…")
                .help("Ratings to aim at, for a model trained with steerlm, e.g. helpfulness=4,verbosity=0"),
        )
        .arg(path("out", "FILE").long("out").help("Write JSON lines here instead of text to the terminal"))
        .arg(
            Arg::new("samples")
                .short('n')
                .value_name("K")
                .value_parser(value_parser!(usize))
                .default_value("1")
                .help("Responses to each prompt"),
        )
        .arg(number::<f64>("temperature", "F").default_value("1.0").help("0 takes the likeliest token each time"))
        .arg(
            number::<f64>("top-p", "F")
                .default_value("1.0")
                .help("Draw from the likeliest tokens of this total probability"),
        )
        .arg(number::<usize>("top-k", "N").default_value("0").help("Draw from this many likeliest tokens; 0: from all"))
        .arg(number::<usize>("max-new-tokens", "N").default_value("128").help("Stop after this many tokens"))
        .arg(number::<u64>("seed", "N").default_value("0").help("Same seed, same responses"))
        .arg(device())
        .arg(
            dtype()
                .help("How weights are stored while the model writes, and multiplied; bf16 is quicker and less exact"),
        )
}

fn dtype() -> Arg {
    Arg::new("dtype").long("dtype").value_parser(["f32", "bf16"]).default_value("f32")
}

fn pass_rate() -> Command {
    Command::new("pass-rate")
        .about("How often a model solves each prompt of a file; writes the file again with `pass_rate` and the mean reward as `threshold`")
        .arg(model())
        .arg(
            path("data", "FILE")
                .long("data")
                .required(true)
                .action(ArgAction::Append)
                .help("Rows with `prompt` and what the reward reads"),
        )
        .arg(reward())
        .arg(path("out", "FILE").long("out").help("Write the rows here, those with a rate from --above to --below"))
        .arg(number::<f64>("pass", "F").default_value("1").help("A response that is worth this much is a solution"))
        .arg(number::<f64>("above", "F").default_value("0").help("Leave out prompts that are solved less often"))
        .arg(number::<f64>("below", "F").default_value("1").help("Leave out prompts that are solved more often"))
        .arg(
            Arg::new("samples")
                .short('n')
                .value_name("K")
                .value_parser(value_parser!(usize))
                .default_value("8")
                .help("Responses to each prompt"),
        )
        .arg(number::<f64>("temperature", "F").default_value("1.0").help("0 takes the likeliest token each time"))
        .arg(number::<usize>("max-new-tokens", "N").default_value("64").help("Stop after this many tokens"))
        .arg(number::<u64>("seed", "N").default_value("0").help("Same seed, same responses"))
}

fn reward() -> Arg {
    Arg::new("reward").long("reward").value_name("NAME=WEIGHT").action(ArgAction::Append).help(
        "What responses are worth: a reward of `collimate list rewards`, or a reward model's folder; several are added, \
         each times its weight [default: the sandbox's judge]",
    )
}

fn report() -> Command {
    Command::new("report")
        .about("Writes report.html into a run folder: one page with the curves")
        .arg(path("run", "RUN_DIR").required(true).help("A folder that a training run wrote"))
}

fn eval() -> Command {
    Command::new("eval")
        .about("How good a model is: its answers to the sandbox's questions, or a reward model's choices")
        .long_about(
            "Asks a model the sandbox's held-out questions and prints what the judge says of its answers. With \
             --reward-model, counts how often a reward model prefers the better of two responses: those of --data \
             (pairs, or rows as RewardBench, RM-Bench, JudgeBench, HelpSteer2 or HelpSteer3 have them), or the sandbox's.",
        )
        .arg(model().conflicts_with("reward-model"))
        .arg(path("reward-model", "DIR").long("reward-model").help("A reward model's folder"))
        .arg(path("data", "FILE").long("data").requires("reward-model").help("Rows as .jsonl, .json, .jsonl.gz or .parquet (default: the sandbox's)"))
        .arg(attributes().requires("reward-model"))
        .arg(number::<usize>("questions", "N").default_value("200").help("How many questions; always the same ones"))
        .arg(number::<f64>("temperature", "F").default_value("1.0").help("0 takes the likeliest token each time"))
        .arg(number::<u64>("seed", "N").default_value("0").help("Same seed, same answers"))
}

fn annotate() -> Command {
    Command::new("annotate")
        .about("Writes what an attribute predictor (reward-regression) says of responses, as rows to learn from")
        .arg(path("reward-model", "DIR").long("reward-model").required(true).help("The predictor's folder"))
        .arg(
            path("data", "FILE")
                .long("data")
                .required(true)
                .help("Rows with `prompt` and `response`, as .jsonl, .json, .jsonl.gz or .parquet"),
        )
        .arg(path("out", "FILE").long("out").required(true).help("Where to write rows as HelpSteer has them"))
}

fn expo() -> Command {
    Command::new("expo")
        .about("A model between two of one shape, or beyond the second: weak + alpha (strong - weak)")
        .arg(path("weak", "DIR").long("weak").required(true).help("The model of alpha 0, e.g. before alignment"))
        .arg(path("strong", "DIR").long("strong").required(true).help("The model of alpha 1, e.g. after it"))
        .arg(
            number::<f64>("alpha", "F")
                .required(true)
                .help("How far to go: 0 is the weak model, 1 the strong one, 1.5 half as far again (ExPO's own alpha is this less 1)"),
        )
        .arg(attributes())
        .arg(path("out", "DIR").long("out").required(true).help("Folder to write into"))
}

fn attributes() -> Arg {
    Arg::new("attributes")
        .long("attributes")
        .value_name("NAME=WEIGHT,…")
        .help("Of a reward model of several attributes: what each adds to one number, e.g. helpfulness=1")
}

fn sandbox() -> Command {
    Command::new("sandbox")
        .about("The built-in world with a known truth: its data, its judge, its model")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("data")
                .about("Writes sandbox data as .jsonl: pairs.jsonl, groups.jsonl, demos.jsonl, prompts.jsonl")
                .arg(path("out", "DIR").long("out").required(true).help("Folder to write into"))
                .arg(number::<usize>("rows", "N").default_value("1000").help("Rows of each file"))
                .arg(number::<u64>("seed", "N").default_value("0").help("Same seed, same rows")),
        )
        .subcommand(
            Command::new("judge")
                .about("What the judge says of a response")
                .arg(Arg::new("prompt").long("prompt").value_name("TEXT").required(true).help("The prompt"))
                .arg(Arg::new("response").long("response").value_name("TEXT").required(true).help("The response")),
        )
        .subcommand(
            Command::new("arithmetic")
                .about("Writes questions of arithmetic with the numbers that answer them, for --reward final-number")
                .arg(path("out", "DIR").long("out").required(true).help("Folder to write into"))
                .arg(
                    number::<usize>("rows", "N")
                        .default_value("1600")
                        .help("Questions to train on; an eighth as many are held out"),
                )
                .arg(number::<u64>("seed", "N").default_value("0").help("Same seed, same questions")),
        )
        .subcommand(
            Command::new("model")
                .about("Writes the built-in model as a Hugging Face folder")
                .arg(path("out", "DIR").long("out").required(true).help("Folder to write into")),
        )
        .subcommand(
            Command::new("reward-models")
                .about("Trains reward models in all ways there are and sets them side by side")
                .arg(
                    number::<u64>("seeds", "N")
                        .default_value("3")
                        .help("How often, each with other data and another head"),
                )
                .arg(number::<u64>("steps", "N").default_value("110").help("Optimizer steps of each")),
        )
        .subcommand(
            Command::new("steerlm2")
                .about("SteerLM 2.0 on a model that `collimate steerlm` made: answers, what they should weigh, training, again")
                .arg(path("model", "DIR").long("model").required(true).help("The folder of that run"))
                .arg(path("out", "DIR").long("out").required(true).help("Folder to write the model into"))
                .arg(number::<u64>("iterations", "N").default_value("2").help("How often"))
                .arg(number::<u64>("seed", "N").default_value("0").help("Same seed, same model")),
        )
        .subcommand(
            Command::new("train")
                .about("Makes the built-in model again, from nothing: tokenizer, data, training")
                .arg(path("out", "DIR").long("out").required(true).help("Folder to write into"))
                .arg(number::<u64>("steps", "N").help("Optimizer steps (default: the recipe's)"))
                .arg(number::<u64>("seed", "N").default_value("0").help("Same seed, same model")),
        )
}

/// `collimate <algorithm>`: train.
fn train(algorithm: &'static Algorithm) -> Command {
    let specs = (algorithm.hyper)();
    let width = specs.iter().map(|s| s.name.len()).max().unwrap_or(0);
    let mut help = String::from("Hyper-parameters (`--set NAME=VALUE`):\n");
    if specs.is_empty() {
        help = "This algorithm has no hyper-parameters.\n".into();
    }
    for s in &specs {
        help += &format!("  {:width$}  default {}, {}: {}\n", s.name, s.default, s.range, s.about);
    }
    let name = command_name(algorithm.name);
    help += &format!("\nPaper: {}\n", algorithm.paper);
    if let Some(preset) = algorithm.preset {
        help += &format!("As in: {}\n", preset.source);
    }
    help += &format!("Formula and data: collimate explain {name}");
    Command::new(name)
        .visible_aliases(algorithm.name.contains('_').then_some(algorithm.name))
        .about(algorithm.about.split("\n\n").next().unwrap_or("").replace('\n', " ").trim().to_owned())
        .long_about(paragraphs(algorithm.about))
        .after_help(help)
        .args(data_arguments())
        .args(optimizer_arguments())
        .args(draw_arguments())
        .args(run_arguments())
}

/// Paragraphs on one line each: they are broken where the terminal ends.
fn paragraphs(about: &str) -> String {
    about.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
}

fn data_arguments() -> Vec<Arg> {
    vec![
        model(),
        attributes(),
        path("teacher", "DIR").long("teacher").help("A Hugging Face folder of the same vocabulary, to become like"),
        path("data", "FILE")
            .long("data")
            .action(ArgAction::Append)
            .help("Rows as .jsonl, .json, .jsonl.gz or .parquet, more than once if need be (default: the sandbox)"),
        path("eval-data", "FILE").long("eval-data").help("Rows to evaluate on after training"),
        number::<usize>("max-length", "N").help("Longest prompt and response together, in tokens [default: 1024]"),
        Arg::new("no-shuffle")
            .long("no-shuffle")
            .action(ArgAction::SetTrue)
            .help("Take the rows in the order of the file"),
    ]
}

fn optimizer_arguments() -> Vec<Arg> {
    vec![
        number::<u64>("steps", "N").conflicts_with("epochs").help("Optimizer steps"),
        number::<u64>("epochs", "N").help("Passes over the data [default: 1]"),
        number::<usize>("batch", "N").help("Rows for each optimizer step"),
        number::<usize>("micro-batch", "N")
            .help("Rows computed at a time; the numbers do not depend on it [default: the batch]"),
        number::<f64>("lr", "F").help("Learning rate"),
        Arg::new("schedule")
            .long("schedule")
            .value_parser(["constant", "linear", "cosine"])
            .help("How the learning rate falls"),
        number::<u64>("warmup", "N").help("Steps until the learning rate is reached"),
        number::<f64>("weight-decay", "F").help("Decoupled weight decay"),
        number::<f64>("max-grad-norm", "F").help("The gradient is shortened to this norm; 0: never"),
        set(),
        Arg::new("lora").long("lora").value_name("r=N,alpha=F").help(
            "LoRA: train two narrow matrices beside each matrix of the layers, r wide, whose product counts alpha / r times; \
             the model stays as it is",
        ),
        number::<u64>("seed", "N").help("Same seed, same run [default: 0]"),
        number::<u64>("seeds", "N")
            .conflicts_with("resume")
            .help("In the sandbox: run with so many seeds, this and those that follow, and print what they come to"),
    ]
}

fn draw_arguments() -> Vec<Arg> {
    let arguments = vec![
        path("critic", "DIR")
            .long("critic")
            .help("What the critic begins with: a model with one label, say a reward model [default: the model with a new head]"),
        number::<f64>("critic-lr", "F").help("The critic's learning rate [default: that of the model]"),
        number::<usize>("num-generations", "K").help("Responses drawn for each prompt [default: 8]"),
        number::<u64>("num-iterations", "N").help("Optimizer steps on the same responses [default: 1]"),
        number::<f64>("temperature", "F").help("Scores are divided by this before a token is drawn [default: 1]"),
        number::<f64>("top-p", "F").help("Draw from the likeliest tokens of this total probability [default: 1]"),
        number::<usize>("top-k", "N").help("Draw from this many likeliest tokens; 0: from all [default: 0]"),
        number::<usize>("max-new-tokens", "N").help("Longest response in tokens [default: 256]"),
        reward(),
        number::<f64>("gate", "F")
            .help("Where the first reward is not above the row's `threshold`, it counts alone, less this penalty"),
        Arg::new("curriculum").long("curriculum").value_name("FROM:TO").help(
            "Prompts by their `pass_rate`, around a centre that moves from FROM to TO; FROM:TO:WIDTH sets the deviation \
             around it, which is 0.1 otherwise",
        ),
        Arg::new("sampler").long("sampler").value_name("URL").help(
            "Responses are drawn by the server at http://host:port (OpenAI's completions endpoint: SGLang, vLLM, …) \
             instead of this program",
        ),
        Arg::new("sampler-update").long("sampler-update").value_parser(["disk", "none"]).help(
            "disk: the server is handed the weights whenever they have changed (SGLang's /update_weights_from_disk); \
             none: it draws with those it has [default: disk]",
        ),
        Arg::new("dynamic-sampling")
            .long("dynamic-sampling")
            .action(ArgAction::SetTrue)
            .help("Ask other prompts instead of those whose responses are all worth the same"),
        number::<u64>("refresh-every", "N")
            .help("The reference and the previous policy become the actor every N steps; 0: never [default: 0]"),
    ];
    arguments.into_iter().map(|a| a.help_heading("Where responses are drawn as training goes")).collect()
}

fn run_arguments() -> Vec<Arg> {
    vec![
        path("out", "DIR")
            .long("out")
            .help("Run folder: settings, metrics, checkpoints, the trained model [default: runs/<algorithm>-<number>]"),
        number::<u64>("save-every", "N").help("Write a checkpoint each N steps"),
        Arg::new("resume")
            .long("resume")
            .action(ArgAction::SetTrue)
            .requires("out")
            .help("Go on from the last checkpoint of --out, with the settings of its run.toml"),
        path("config", "FILE").long("config").help("Settings as a run.toml; options on the command line win"),
        Arg::new("print-config")
            .long("print-config")
            .action(ArgAction::SetTrue)
            .help("Print the settings as run.toml and stop"),
        device(),
        engine(),
        dtype().help(
            "What products of the model are taken in (on a GPU weights and activations are stored so); sums, gradients \
             and what the optimizer changes are f32 always",
        ),
        Arg::new("recompute")
            .long("recompute")
            .value_name("on|off")
            .value_parser(["on", "off"])
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("on")
            .help(
                "Compute layers again instead of keeping what the gradient needs: less memory, more time \
                 [default: on from 50 M weights]",
            ),
        path("precompute-reference", "FILE").long("precompute-reference").help(
            "Keep the reference's log-probabilities in this file; a run that finds them there does not compute them",
        ),
    ]
}

fn engine() -> Arg {
    Arg::new("engine")
        .long("engine")
        .value_parser(["fused", "graph"])
        .default_value("fused")
        .help("fused: fast; graph: plain dfdx operations, slow, the definition")
}

fn set() -> Arg {
    Arg::new("set")
        .long("set")
        .value_name("NAME=VALUE")
        .action(ArgAction::Append)
        .help("A hyper-parameter, e.g. --set beta=0.2")
}

fn path(id: &'static str, value: &'static str) -> Arg {
    Arg::new(id).value_name(value).value_parser(value_parser!(PathBuf))
}

fn number<T>(id: &'static str, value: &'static str) -> Arg
where
    T: std::str::FromStr + Clone + Send + Sync + 'static,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let parse = |s: &str| s.parse::<T>();
    Arg::new(id).long(id).value_name(value).value_parser(ValueParser::new(parse)).allow_negative_numbers(true)
}
