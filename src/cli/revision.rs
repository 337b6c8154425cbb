//! A folder as it was at a git revision, for the commands that compare.

use std::fs;
use std::path::{Component, Path};
use std::process::Command;

use tempfile::TempDir;

use crate::error::Error;

/// How many bytes a folder at a revision may have.
const MAX_BYTES: u64 = 512 << 20;

/// The files of `folder` at `revision`, in a temporary folder that goes with the value. Only blobs are taken: no links, no
/// submodules.
///
/// # Errors
/// There is no git, no repository, no such revision, or no such folder in it.
pub(super) fn folder(revision: &str, folder: &Path) -> Result<TempDir, Error> {
    if revision.starts_with('-') {
        return Err(Error::Usage(format!("`{revision}` is no git revision")));
    }
    let commit = git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")])
        .map_err(|why| Error::Usage(format!("`{revision}` is neither a folder nor a git revision{why}")))?;
    let commit = String::from_utf8_lossy(&commit).trim().to_owned();
    let shown = folder.display();
    let listed = git(&["ls-tree", "-r", "-z", "--long", &format!("{commit}:./{shown}")]).map_err(|_| {
        Error::Input(format!(
            "{revision} has no {shown}; is the folder committed there? `git ls-tree {revision} ./{shown}` shows what it has"
        ))
    })?;
    let place = tempfile::tempdir().map_err(|e| Error::Input(format!("there is no temporary folder: {e}")))?;
    let mut total = 0;
    for entry in listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let Some((head, path)) = std::str::from_utf8(entry).ok().and_then(|entry| entry.split_once('\t')) else {
            continue;
        };
        let fields: Vec<&str> = head.split_whitespace().collect();
        let [mode, "blob", object, size] = fields.as_slice() else { continue };
        if !mode.starts_with("100") || !Path::new(path).components().all(|part| matches!(part, Component::Normal(_))) {
            continue;
        }
        total += size.parse::<u64>().unwrap_or(0);
        if total > MAX_BYTES {
            return Err(Error::Input(format!("{revision}:{shown} has more than {} MiB", MAX_BYTES >> 20)));
        }
        let bytes =
            git(&["cat-file", "blob", object]).map_err(|why| Error::Input(format!("{revision}:{path}{why}")))?;
        let to = place.path().join(path);
        let written = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&to, bytes));
        written.map_err(|e| Error::Input(format!("the temporary folder cannot be written: {e}")))?;
    }
    Ok(place)
}

/// What git prints; else `: ` and its own words, or nothing where it has none.
fn git(args: &[&str]) -> Result<Vec<u8>, String> {
    let ran = Command::new("git").args(args).output().map_err(|e| format!(": git does not run: {e}"))?;
    if ran.status.success() {
        return Ok(ran.stdout);
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    let said = said.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned();
    Err(if said.is_empty() { said } else { format!(": {said}") })
}
