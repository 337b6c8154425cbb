//! Looks before anything is written: what is there, whose it is, and what is in the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{OWNED, OutputError, STAGE, failed, parse_list, shown};

/// What has to happen to a folder.
pub(super) struct Plan {
    /// Files to be put in place.
    pub(super) replaced: Vec<String>,
    /// Files to be removed.
    pub(super) removed: Vec<String>,
}

/// Compares `files` with what is in `dir`.
pub(super) fn plan(dir: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<Plan, OutputError> {
    let owned = owned(dir)?;
    let applied = applied_by_kubectl(dir)?;
    let strangers: Vec<_> = applied.into_iter().filter(|f| !owned.contains(f) && !files.contains_key(f)).collect();
    if !strangers.is_empty() {
        let why = "that `kubectl apply -f` would apply with the render";
        return Err(OutputError::Foreign { path: shown(dir), files: strangers, why });
    }
    let mut replaced = Vec::new();
    let mut foreign = Vec::new();
    for (path, bytes) in files {
        match ordinary(dir, path)? {
            Some((file, length)) if length == bytes.len() as u64 && holds(&file, bytes)? => {}
            Some(_) if !owned.contains(path) => foreign.push(path.clone()),
            _ => replaced.push(path.clone()),
        }
    }
    if !foreign.is_empty() {
        let why = "that it would have to overwrite";
        return Err(OutputError::Foreign { path: shown(dir), files: foreign, why });
    }
    let mut removed = Vec::new();
    for path in owned.into_iter().filter(|path| !files.contains_key(path)) {
        if ordinary(dir, &path)?.is_some() {
            removed.push(path);
        }
    }
    Ok(Plan { replaced, removed })
}

/// What `about/files.txt` lists; empty where there is none.
fn owned(dir: &Path) -> Result<BTreeSet<String>, OutputError> {
    let Some((path, _)) = ordinary(dir, OWNED)? else {
        return Ok(BTreeSet::new());
    };
    let text = fs::read_to_string(&path).map_err(failed(&path, "read this list"))?;
    Ok(parse_list(&path, &text)?.into_iter().collect())
}

/// The names at the top of the folder that `kubectl apply -f` reads, sorted.
fn applied_by_kubectl(dir: &Path) -> Result<BTreeSet<String>, OutputError> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(dir).map_err(failed(dir, "list this folder"))? {
        let name = entry.map_err(failed(dir, "list this folder"))?.file_name();
        let extension = Path::new(&name).extension().map(std::ffi::OsStr::to_ascii_lowercase);
        if extension.is_some_and(|e| e == "yaml" || e == "yml" || e == "json") {
            names.insert(name.to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// The path and length of an ordinary file, `None` where there is nothing. Anything that is not an ordinary file, and
/// every symbolic link on the way, is an error.
fn ordinary(dir: &Path, path: &str) -> Result<Option<(PathBuf, u64)>, OutputError> {
    let parts: Vec<_> = path.split('/').collect();
    let mut here = dir.to_owned();
    for (i, part) in parts.iter().enumerate() {
        here.push(part);
        let is_last = i + 1 == parts.len();
        let meta = match fs::symlink_metadata(&here) {
            Ok(meta) => meta,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed(&here, "look at this")(e)),
        };
        let wanted = if is_last { "file" } else { "folder" };
        let what = match meta.file_type() {
            t if t.is_symlink() => "a symbolic link",
            t if t.is_dir() && !is_last => continue,
            t if t.is_file() && is_last => return Ok(Some((here, meta.len()))),
            t if t.is_dir() => "a folder",
            t if t.is_file() => "a file",
            _ => "neither a file nor a folder",
        };
        return Err(OutputError::InTheWay { path: shown(&here), what, wanted });
    }
    Ok(None)
}

/// Whether a file of the same length holds these bytes. It is compared piece by piece, which keeps it out of memory.
fn holds(path: &Path, bytes: &[u8]) -> Result<bool, OutputError> {
    let unreadable = failed(path, "read this file");
    let mut file = fs::File::open(path).map_err(&unreadable)?;
    let mut piece = [0; 16 * 1024];
    let mut rest = bytes;
    loop {
        let length = file.read(&mut piece).map_err(&unreadable)?;
        match rest.split_at_checked(length) {
            _ if length == 0 => return Ok(rest.is_empty()),
            Some((these, others)) if these == &piece[..length] => rest = others,
            _ => return Ok(false),
        }
    }
}

/// The stage, if there is one; something else of that name is an error.
pub(super) fn stage_is_there(dir: &Path) -> Result<bool, OutputError> {
    let stage = dir.join(STAGE);
    match fs::symlink_metadata(&stage) {
        Ok(meta) if meta.is_dir() => Ok(true),
        Ok(_) => {
            Err(OutputError::InTheWay { path: shown(&stage), what: "not a folder", wanted: "folder of knrender's" })
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(failed(&stage, "look at this")(e)),
    }
}
