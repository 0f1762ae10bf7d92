//! The folder of a run: `run.toml`, `program.txt`, `metrics.jsonl`, `checkpoint-N/`, `final/`, `report.html`.

use super::settings::RunSettings;
use crate::checkpoint::{self, disk};
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// A run's folder that may be written to.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Begins a run in a folder that is new or empty.
    ///
    /// # Errors
    /// If something is in the folder already, or it cannot be written.
    pub fn begin(path: &Path, settings: &RunSettings, program: &str) -> Result<Self> {
        let taken = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
        if taken {
            return Err(Error::file(
                path,
                "this folder is not empty; continue its run with --resume, or choose another --out",
            ));
        }
        std::fs::create_dir_all(path).map_err(|e| disk::unwritable(path, &e))?;
        disk::write_whole(&path.join("program.txt"), program.as_bytes())?;
        // Last: a folder with this file holds a run.
        disk::write_whole(&path.join("run.toml"), settings.to_toml().as_bytes())?;
        Ok(RunFolder { path: path.to_owned() })
    }

    /// Goes on with the run in a folder, which has to be the same run: same settings, same program.
    ///
    /// # Errors
    /// If there is no unfinished run, or it is another one; the message says where they part.
    pub fn resume(path: &Path, settings: &RunSettings, program: &str) -> Result<Self> {
        let file = path.join("run.toml");
        if !file.is_file() {
            return Err(Error::file(path, "there is no run here to continue; leave --resume out"));
        }
        if path.join("final").exists() {
            return Err(Error::file(path, "this run is finished, its model is in `final`; choose another --out"));
        }
        let differences = settings.differences(&RunSettings::read(&file)?);
        if !differences.is_empty() {
            let problem = format!("this is another run: {}; give the same options", differences.join(", "));
            return Err(Error::file(file, problem));
        }
        let file = path.join("program.txt");
        let before = std::fs::read_to_string(&file).map_err(|e| Error::file(&file, format!("cannot be read: {e}")))?;
        if let Some(difference) = difference(&before, program) {
            return Err(Error::file(file, format!("the algorithm has changed: {difference}; begin a new run")));
        }
        Ok(RunFolder { path: path.to_owned() })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the trained model.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn finish(&self, fill: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let path = self.path.join("final");
        disk::write_folder(&path, fill)?;
        // The result is safe; what was needed to continue only takes room.
        while let Some(checkpoint) = checkpoint::newest(&self.path)? {
            disk::remove(&checkpoint).map_err(|e| disk::unwritable(&checkpoint, &e))?;
        }
        Ok(path)
    }
}

/// A program's text without the places in the source, which may move freely.
pub(super) fn meaning(program: &str) -> String {
    let line = |line: &str| {
        let step = line.split("  #").next().unwrap_or_default();
        // Columns are as wide as their widest entry: a wider one elsewhere changes no step.
        step.split_whitespace().collect::<Vec<_>>().join(" ") + "\n"
    };
    program.lines().filter(|text| !text.trim().is_empty()).map(line).collect()
}

/// The first step in which two programs differ.
fn difference(before: &str, now: &str) -> Option<String> {
    let (before, now) = (meaning(before), meaning(now));
    let (mut before, mut now) = (before.lines(), now.lines());
    loop {
        match (before.next(), now.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => {
                let shown =
                    |line: Option<&str>| line.map_or("nothing more".to_owned(), |text| format!("`{}`", text.trim()));
                return Some(format!("where it had {} it now has {}", shown(a), shown(b)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "program mine\n\n%0 = input actor.logp : LogProb  # src/mine.rs:1:2\n\nloss %0\n";

    #[test]
    fn a_folder_in_use_is_refused() {
        let outer = tempfile::tempdir().unwrap();
        let path = outer.path().join("runs/first");
        let settings = RunSettings::default();
        RunFolder::begin(&path, &settings, PROGRAM).unwrap();
        let error = RunFolder::begin(&path, &settings, PROGRAM).unwrap_err().to_string();
        assert!(error.contains("not empty; continue its run with --resume, or choose another --out"), "{error}");
        assert_eq!(RunSettings::read(&path.join("run.toml")).unwrap(), settings);
    }

    #[test]
    fn only_the_same_unfinished_run_goes_on() {
        let outer = tempfile::tempdir().unwrap();
        let (path, settings) = (outer.path().join("run"), RunSettings::default());
        let resume = |settings: &RunSettings, program: &str| match RunFolder::resume(&path, settings, program) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        };
        assert!(resume(&settings, PROGRAM).contains("there is no run here to continue"));
        let folder = RunFolder::begin(&path, &settings, PROGRAM).unwrap();
        assert_eq!(resume(&settings, &PROGRAM.replace("rs:1:2", "rs:7:2")), "", "a step may move in its file");
        let other = RunSettings { lr: 0.5, ..settings.clone() };
        assert!(resume(&other, PROGRAM).contains("this is another run: lr is 0.5 and was 0.000001"));
        let changed = PROGRAM.replace("loss %0", "%1 = square %0 : LogProb\n\nloss %1");
        let error = resume(&settings, &changed);
        assert!(error.contains("where it had `loss %0` it now has `%1 = square %0 : LogProb`"), "{error}");
        folder.finish(|_| Ok(())).unwrap();
        assert!(resume(&settings, PROGRAM).contains("this run is finished"));
    }
}
