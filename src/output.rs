//! Writes `out/`: it is the old render or the new one, never a mixture.
//!
//! Phases, each of which leaves a state that the next run understands:
//! 1. look: what is there, what knrender owns (`about/files.txt`), what is in the way (`survey`);
//! 2. stage: every file that changes is written to `.knrender-stage/` inside the folder; a full disk shows here, and
//!    nothing has changed yet;
//! 3. journal: one rename makes the list of moves and removals appear, and from then on the swap will happen;
//! 4. swap: renames and removals, each of which can be repeated (`swap`);
//! 5. the stage goes.
//!
//! Killed before 3, the next run deletes the stage; killed later, it completes the swap first. This is about killed
//! processes, not about power cuts: nothing is synced to the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

pub mod check;
pub mod left_behind;
mod survey;
mod swap;

use survey::Plan;

/// The list of the files that knrender owns in a folder.
const OWNED: &str = "about/files.txt";
/// Where changes are staged.
const STAGE: &str = ".knrender-stage";

/// The files of a render: path relative to the folder, with `/`, and bytes. The list of them is one of them.
#[derive(Clone, Debug, Default)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl From<BTreeMap<String, Vec<u8>>> for Files {
    fn from(mut files: BTreeMap<String, Vec<u8>>) -> Self {
        let mut list: BTreeSet<&str> = files.keys().map(String::as_str).collect();
        list.insert(OWNED);
        let list = list.into_iter().fold(String::new(), |list, path| list + path + "\n");
        files.insert(OWNED.to_owned(), list.into_bytes());
        Files(files)
    }
}

impl Files {
    /// The bytes of one file.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }
}

/// What [`write()`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Files that are new or have new bytes.
    pub replaced: Vec<String>,
    /// Files of an earlier render that are gone.
    pub removed: Vec<String>,
    /// Whether an earlier run had been killed in the middle, and was completed or undone first.
    pub recovered: bool,
}

impl Written {
    /// Whether the folder was just so before.
    pub fn is_nothing(&self) -> bool {
        self.replaced.is_empty() && self.removed.is_empty()
    }
}

/// Why a folder was not written. Unless the message says otherwise, nothing in it has changed.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// The system refused something.
    #[error("{path}: cannot {what}: {why}{}", if *.swapping {
        "; the new render is partly in place, and the next run completes it"
    } else {
        "; nothing was changed"
    })]
    Io {
        /// The file or folder.
        path: String,
        /// What was tried.
        what: &'static str,
        /// The system's reason.
        why: io::Error,
        /// Whether the swap had begun.
        swapping: bool,
    },
    /// Another run holds the folder.
    #[error("{path}: another knrender is writing to it; wait for it to end, or write to another folder")]
    Busy {
        /// The folder.
        path: String,
    },
    /// Files that knrender does not own are where they cannot stay.
    #[error("{path} has files that knrender did not write and {why}: {}. Move them elsewhere, or write to another folder", files.join(", "))]
    Foreign {
        /// The folder.
        path: String,
        /// The files.
        files: Vec<String>,
        /// Why they cannot stay.
        why: &'static str,
    },
    /// Something that is no ordinary file is where a file or folder has to be.
    #[error("{path} is {what}, and a {wanted} has to be there; move it away, or write to another folder")]
    InTheWay {
        /// What is in the way.
        path: String,
        /// What it is.
        what: &'static str,
        /// What should be there.
        wanted: &'static str,
    },
    /// A list of files, or a journal, that names something outside the folder.
    #[error(
        "{path}, line {line}: `{entry}` is not the path of a file in this folder; knrender did not write this: delete {path} if you trust the folder"
    )]
    BadList {
        /// The list.
        path: String,
        /// 1-based line.
        line: usize,
        /// The entry.
        entry: String,
    },
}

/// Whether a run was killed while it wrote to this folder, which is neither the old render nor the new one until the next run.
pub fn is_unfinished(dir: &Path) -> bool {
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    fs::symlink_metadata(dir.join(STAGE)).is_ok()
}

/// Writes `files` to `dir`, replacing those of the last render and removing those that this one does not have.
pub fn write(dir: &Path, files: &Files) -> Result<Written, OutputError> {
    write_in_steps(dir, files, &|| ())
}

/// [`write()`], with `step` called before everything that changes the file system, so that a test can stop there.
fn write_in_steps(dir: &Path, files: &Files, step: &dyn Fn()) -> Result<Written, OutputError> {
    let is_new = !dir.exists();
    if !is_new && !dir.is_dir() {
        let why = std::io::Error::other("it is a file, and a folder is asked for; name another");
        return Err(failed(dir, "write here")(why));
    }
    step();
    fs::create_dir_all(dir).map_err(failed(dir, "create this folder"))?;
    let _lock = lock(dir)?;
    let recovered = swap::recover(dir, step)?;
    let files = &files.0;
    let Plan { replaced, removed } = survey::plan(dir, files)?;
    if !(replaced.is_empty() && removed.is_empty()) {
        if let Err(error) = swap::stage(dir, files, &replaced, &removed, step) {
            let _ = fs::remove_dir_all(dir.join(STAGE));
            if is_new {
                let _ = fs::remove_dir(dir);
            }
            return Err(error);
        }
        swap::complete(dir, &replaced, &removed, step)?;
    }
    Ok(Written { replaced, removed, recovered })
}

/// Holds the folder for this process: a lock on the folder itself, which leaves no file behind. A system that cannot
/// lock folders goes without.
fn lock(dir: &Path) -> Result<Option<File>, OutputError> {
    let Ok(handle) = File::open(dir) else {
        return Ok(None);
    };
    match handle.try_lock() {
        Ok(()) => Ok(Some(handle)),
        Err(TryLockError::WouldBlock) => Err(OutputError::Busy { path: shown(dir) }),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

fn failed(path: &Path, what: &'static str) -> impl Fn(io::Error) -> OutputError + use<> {
    let path = shown(path);
    move |why| OutputError::Io { path: path.clone(), what, why, swapping: false }
}

fn shown(path: &Path) -> String {
    crate::shown::path(path)
}

/// The paths in a list, one a line, each inside the folder. The list is not trusted.
fn parse_list(path: &Path, text: &str) -> Result<Vec<String>, OutputError> {
    let entries = text.lines().enumerate();
    entries
        .map(|(i, entry)| {
            if is_inside(entry) {
                Ok(entry.to_owned())
            } else {
                Err(OutputError::BadList { path: shown(path), line: i + 1, entry: entry.escape_debug().to_string() })
            }
        })
        .collect()
}

/// Whether a relative path stays inside its folder on every system, and outside the stage.
fn is_inside(path: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && !part.contains(['\\', ':', '\0'])
            && !part.chars().any(char::is_control)
    };
    path.split('/').all(plain) && path.split('/').next() != Some(STAGE)
}

/// `dir` joined with a path of ours.
fn at(dir: &Path, path: &str) -> PathBuf {
    path.split('/').fold(dir.to_owned(), |dir, part| dir.join(part))
}

#[cfg(test)]
mod tests;
