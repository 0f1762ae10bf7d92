//! What a run shows while it goes: a bar on a terminal, plain lines elsewhere.

use collimate_runtime::metric::Measurement;
use collimate_runtime::train::{Observer, Plan};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a line is printed where there is no terminal.
const QUIET: Duration = Duration::from_secs(10);

/// A bar on a terminal, plain lines elsewhere; both on standard error, results go to standard output.
pub(super) fn bar(length: u64, unit: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = format!("{{bar:28}} {{pos}}/{{len}} {unit}  {{elapsed}} · {{eta}} left  {{msg}}");
    let style = ProgressStyle::with_template(&template).expect("the template is a constant").progress_chars("━╸─");
    let bar = ProgressBar::new(length).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Watches a training run.
pub(super) struct Training {
    bar: ProgressBar,
    steps: u64,
    shown: Instant,
}

impl Training {
    pub(super) fn new() -> Self {
        Training { bar: ProgressBar::hidden(), steps: 0, shown: Instant::now() }
    }

    fn line(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }
}

impl Observer for Training {
    fn begins(&mut self, plan: &Plan<'_>) {
        self.steps = plan.steps;
        self.line(&format!("{} rows, {} steps, {:.2} M weights", plan.rows, plan.steps, plan.weights as f64 / 1e6));
        if plan.cut > 0 {
            self.line(&format!("note: {} responses were cut to --max-length", plan.cut));
        }
        if let Some(why) = plan.whole_words {
            self.line(&format!(
                "note: the log-probabilities of all words are held for all tokens of a part at once: {why}"
            ));
        }
        for dropped in plan.dropped.iter().take(3) {
            self.line(&format!("note: {dropped}"));
        }
        if plan.dropped.len() > 3 {
            self.line(&format!("note: {} rows were left out in all", plan.dropped.len()));
        }
    }

    fn prepared(&mut self, done: usize, parts: usize) {
        if done == 0 {
            self.bar = bar(parts as u64, "batches read by the reference");
        }
        self.bar.set_position(done as u64);
        if done == parts {
            self.bar.finish_and_clear();
        }
    }

    fn starts(&mut self, done: u64) {
        self.bar = bar(self.steps, "steps");
        self.bar.set_position(done);
        self.bar.reset_eta();
    }

    fn stepped(&mut self, m: &Measurement) {
        let speed = m.tokens as f64 / m.seconds.max(1e-9);
        let message = format!("loss {:.4}  {speed:.0} tokens/s", m.loss);
        self.bar.set_position(m.step);
        self.bar.set_message(message.clone());
        let last = m.step == self.steps;
        if last {
            self.bar.finish();
        }
        if self.bar.is_hidden() && (last || m.step == 1 || self.shown.elapsed() >= QUIET) {
            eprintln!("step {}/{}  {message}", m.step, self.steps);
            self.shown = Instant::now();
        }
    }

    fn saved(&mut self, path: &Path) {
        self.line(&format!("saved {}", path.display()));
    }
}

/// Watches several training runs that belong together: one bar for all of them, which goes when they are done.
pub(super) struct Runs {
    bar: ProgressBar,
    /// Steps of the runs before this one.
    before: u64,
    name: String,
    steps: u64,
    shown: Instant,
}

impl Runs {
    /// Watches runs of so many steps in all.
    pub(super) fn new(steps: u64) -> Self {
        Runs { bar: bar(steps, "steps"), before: 0, name: String::new(), steps: 0, shown: Instant::now() }
    }

    /// What the next run is called.
    pub(super) fn next(&mut self, name: String) {
        self.before += self.steps;
        self.name = name;
        self.bar.set_message(self.name.clone());
    }

    /// Something that is done between runs.
    pub(super) fn does(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// A line of the result, above the bar.
    pub(super) fn result(&self, line: &str) -> std::io::Result<()> {
        self.bar.suspend(|| writeln!(std::io::stdout().lock(), "{line}"))
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Runs {
    fn begins(&mut self, plan: &Plan<'_>) {
        self.steps = plan.steps;
    }

    fn stepped(&mut self, m: &Measurement) {
        self.bar.set_position(self.before + m.step);
        self.bar.set_message(format!("{}  loss {:.4}", self.name, m.loss));
        if self.bar.is_hidden() && self.shown.elapsed() >= QUIET {
            eprintln!("{}: step {}/{}  loss {:.4}", self.name, m.step, self.steps, m.loss);
            self.shown = Instant::now();
        }
    }
}
