//! `--changed-since`: only what is found in files that changed in git counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;
use crate::findings::Finding;
use crate::findings::allow::Allowed;

/// The files that changed since a revision.
pub(super) struct Changed {
    revision: String,
    files: BTreeSet<PathBuf>,
}

/// Asks git what changed since a revision, in the repositories that `paths` are in: what is committed since it parted from
/// here, what is not committed, and what git does not know yet.
pub(super) fn since(revision: &str, paths: &[PathBuf]) -> Result<Changed, Error> {
    let refuse = |why: String| Error::Usage(format!("--changed-since {revision}: {why}"));
    if revision.is_empty() || revision.starts_with('-') {
        return Err(refuse("that is no git revision".to_owned()));
    }
    let mut files = BTreeSet::new();
    let mut asked = BTreeSet::new();
    for path in paths {
        if path.as_os_str() == "-" {
            return Err(refuse("standard input is no file in git".to_owned()));
        }
        let here = fs::canonicalize(path).map_err(|e| Error::Input(format!("{}: {e}", crate::shown::path(path))))?;
        let folder = if here.is_dir() { here.as_path() } else { here.parent().unwrap_or(Path::new("/")) };
        let root = git(folder, &["rev-parse", "--show-toplevel"]).map_err(|why| match why {
            Failed::DoesNotRun(why) => refuse(format!("git does not run: {why}")),
            Failed::Said(_) => refuse(format!("{} is in no git repository", crate::shown::path(path))),
        })?;
        let root = PathBuf::from(String::from_utf8_lossy(&root).trim_end_matches(['\n', '\r']));
        if !asked.insert(root.clone()) {
            continue;
        }
        let commit = format!("{revision}^{{commit}}");
        let commit = git(&root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &commit]).map_err(|_| {
            refuse("git knows no such revision here; a shallow clone may lack it (`git fetch`)".to_owned())
        })?;
        let commit = String::from_utf8_lossy(&commit).trim().to_owned();
        // Where both went on from an older commit, what the other side did since is not of this side.
        let base = git(&root, &["merge-base", &commit, "HEAD"]).ok();
        let base = base.map_or(commit, |base| String::from_utf8_lossy(&base).trim().to_owned());
        let lists = [
            git(&root, &["diff", "--name-only", "--no-renames", "-z", &base, "--"]),
            git(&root, &["ls-files", "--others", "--exclude-standard", "-z"]),
        ];
        for list in lists {
            let list = list.map_err(|failed| refuse(failed.words()))?;
            let names = list.split(|byte| *byte == 0).filter(|name| !name.is_empty());
            files.extend(names.map(|name| root.join(String::from_utf8_lossy(name).as_ref())));
        }
    }
    Ok(Changed { revision: revision.to_owned(), files })
}

impl Changed {
    /// Marks what is found in files that did not change, and what is said of all of them.
    pub(super) fn mark(&self, findings: &mut [Finding]) {
        let mut known: BTreeMap<&str, bool> = BTreeMap::new();
        for finding in findings.iter_mut().filter(|finding| finding.allowed.is_none()) {
            let is_changed = finding.place.as_ref().is_some_and(|place| {
                *known.entry(place.file.as_str()).or_insert_with(|| {
                    fs::canonicalize(place.file.as_str()).is_ok_and(|file| self.files.contains(&file))
                })
            });
            if !is_changed {
                let reason = "its file did not change".to_owned();
                finding.allowed = Some(Box::new(Allowed { reason, by: format!("--changed-since {}", self.revision) }));
            }
        }
    }
}

enum Failed {
    DoesNotRun(String),
    Said(String),
}

impl Failed {
    fn words(self) -> String {
        match self {
            Failed::DoesNotRun(why) => format!("git does not run: {why}"),
            Failed::Said(why) => format!("git: {why}"),
        }
    }
}

fn git(folder: &Path, args: &[&str]) -> Result<Vec<u8>, Failed> {
    let ran = Command::new("git").arg("-C").arg(folder).args(args).output();
    let ran = ran.map_err(|e| Failed::DoesNotRun(e.to_string()))?;
    if ran.status.success() {
        return Ok(ran.stdout);
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    Err(Failed::Said(said.lines().next().unwrap_or_default().trim_start_matches("fatal: ").to_owned()))
}
