//! Compares a folder with what would be written to it, and writes nothing.

use std::fs;
use std::path::Path;

use serde::Serialize;

use super::survey::{self, stage_is_there};
use super::{Files, OutputError, at, failed};

/// A file that is not as it would be written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Stale {
    /// Its path in the folder.
    pub path: String,
    /// In which way.
    pub state: State,
}

/// How a file is not as it would be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It holds something else.
    Different,
    /// It is not there.
    Missing,
    /// It is there, and would be removed.
    Leftover,
    /// A run that was killed left it half done; the next one completes or undoes it.
    Unfinished,
}

/// The files of `dir` that are not what [`super::write()`] would leave there, by path.
pub fn check(dir: &Path, files: &Files) -> Result<Vec<Stale>, OutputError> {
    let files = &files.0;
    if !dir.exists() {
        return Ok(files.keys().map(|path| Stale { path: path.clone(), state: State::Missing }).collect());
    }
    if stage_is_there(dir)? {
        return Ok(vec![Stale { path: super::STAGE.to_owned(), state: State::Unfinished }]);
    }
    let plan = survey::plan(dir, files)?;
    let replaced = plan.replaced.into_iter().map(|path| {
        let state = if at(dir, &path).exists() { State::Different } else { State::Missing };
        Stale { path, state }
    });
    let removed = plan.removed.into_iter().map(|path| Stale { path, state: State::Leftover });
    let mut stale: Vec<_> = replaced.chain(removed).collect();
    stale.sort();
    Ok(stale)
}

/// The bytes of a file of the folder.
pub fn read(dir: &Path, path: &str) -> Result<Vec<u8>, OutputError> {
    let path = at(dir, path);
    fs::read(&path).map_err(failed(&path, "read this file"))
}
