//! Stages files, writes the journal, and swaps. What the journal says can be done again from any point.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use super::survey::stage_is_there;
use super::{OutputError, STAGE, at, failed, is_inside, shown};

/// The journal: `place N PATH` or `remove PATH`, a line each.
const JOURNAL: &str = "journal";

/// Writes the files to be put in place to the stage, and then the journal.
pub(super) fn stage(
    dir: &Path,
    files: &BTreeMap<String, Vec<u8>>,
    replaced: &[String],
    removed: &[String],
    step: &dyn Fn(),
) -> Result<(), OutputError> {
    let stage = dir.join(STAGE);
    step();
    fs::create_dir(&stage).map_err(failed(&stage, "create this folder"))?;
    let mut journal = String::new();
    for (i, path) in replaced.iter().enumerate() {
        let target = at(dir, path);
        step();
        put(&stage.join(i.to_string()), files.get(path).map(Vec::as_slice).unwrap_or_default(), path)
            .map_err(failed(&target, "write this file"))?;
        journal.extend(["place ", &i.to_string(), " ", path, "\n"]);
    }
    for path in removed {
        journal.extend(["remove ", path, "\n"]);
    }
    let draft = stage.join("journal.new");
    step();
    fs::write(&draft, journal).map_err(failed(&draft, "write this file"))?;
    step();
    fs::rename(&draft, stage.join(JOURNAL)).map_err(failed(&draft, "rename this file"))
}

/// Writes one staged file; scripts can be run.
fn put(staged: &Path, bytes: &[u8], path: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if Path::new(path).extension().is_some_and(|e| e == "sh") { 0o777 } else { 0o666 });
    }
    let _ = path;
    options.open(staged)?.write_all(bytes)
}

/// Puts the staged files in place, removes what has to go, and then the stage.
pub(super) fn complete(
    dir: &Path,
    replaced: &[String],
    removed: &[String],
    step: &dyn Fn(),
) -> Result<(), OutputError> {
    for (i, path) in replaced.iter().enumerate() {
        place(dir, i, path, step)?;
    }
    for path in removed {
        remove(dir, path, step)?;
    }
    discard(dir, step)
}

/// Ends what a killed run began: completes the swap where there is a journal, else deletes the stage. Returns whether
/// there was anything to end.
pub(super) fn recover(dir: &Path, step: &dyn Fn()) -> Result<bool, OutputError> {
    if !stage_is_there(dir)? {
        return Ok(false);
    }
    let journal = dir.join(STAGE).join(JOURNAL);
    match fs::read_to_string(&journal) {
        Ok(text) => replay(dir, &journal, &text, step)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {}
        Err(e) => return Err(failed(&journal, "read the journal of a killed run")(e)),
    }
    discard(dir, step)?;
    Ok(true)
}

fn replay(dir: &Path, journal: &Path, text: &str, step: &dyn Fn()) -> Result<(), OutputError> {
    let mut deeds = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let deed = match line.split_once(' ') {
            Some(("remove", path)) => Some((None, path)),
            Some(("place", rest)) => {
                rest.split_once(' ').and_then(|(n, path)| n.parse::<usize>().ok().map(|n| (Some(n), path)))
            }
            _ => None,
        };
        match deed {
            Some((n, path)) if is_inside(path) => deeds.push((n, path)),
            _ => {
                let entry = line.escape_debug().to_string();
                return Err(OutputError::BadList { path: shown(journal), line: i + 1, entry });
            }
        }
    }
    for (n, path) in deeds {
        match n {
            Some(n) => place(dir, n, path, step)?,
            None => remove(dir, path, step)?,
        }
    }
    Ok(())
}

/// Moves a staged file to its place; one that is gone from the stage is in its place already.
fn place(dir: &Path, staged: usize, path: &str, step: &dyn Fn()) -> Result<(), OutputError> {
    let target = at(dir, path);
    no_links(dir, path)?;
    if let Some(parent) = target.parent() {
        step();
        fs::create_dir_all(parent).map_err(swapping(parent, "create this folder"))?;
    }
    step();
    match fs::rename(dir.join(STAGE).join(staged.to_string()), &target) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(swapping(&target, "put this file in place")),
    }
}

/// Removes a file, and the folders that it leaves empty.
fn remove(dir: &Path, path: &str, step: &dyn Fn()) -> Result<(), OutputError> {
    let target = at(dir, path);
    no_links(dir, path)?;
    step();
    match fs::remove_file(&target) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(swapping(&target, "remove this file")(e)),
        _ => {}
    }
    let mut parent = target.parent();
    while let Some(folder) = parent.filter(|f| *f != dir) {
        step();
        if fs::remove_dir(folder).is_err() {
            break;
        }
        parent = folder.parent();
    }
    Ok(())
}

/// Refuses a path that leads through a symbolic link.
fn no_links(dir: &Path, path: &str) -> Result<(), OutputError> {
    let mut here = dir.to_owned();
    for part in path.split('/') {
        here.push(part);
        if fs::symlink_metadata(&here).is_ok_and(|meta| meta.is_symlink()) {
            return Err(OutputError::InTheWay {
                path: shown(&here),
                what: "a symbolic link",
                wanted: "file or folder",
            });
        }
    }
    Ok(())
}

fn discard(dir: &Path, step: &dyn Fn()) -> Result<(), OutputError> {
    let stage = dir.join(STAGE);
    // The journal goes last but one: without it, what is left of the stage is only deleted.
    for entry in fs::read_dir(&stage).map_err(failed(&stage, "list this folder"))?.flatten() {
        if entry.file_name() != JOURNAL {
            step();
            let _ = fs::remove_file(entry.path());
        }
    }
    step();
    fs::remove_dir_all(&stage).map_err(swapping(&stage, "remove this folder"))
}

fn swapping(path: &Path, what: &'static str) -> impl Fn(io::Error) -> OutputError + use<> {
    let path = shown(path);
    move |why| OutputError::Io { path: path.clone(), what, why, swapping: true }
}
