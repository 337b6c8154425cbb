//! `[PATH|-]...`: the manifests that a command looks at, from folders, files and standard input.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::{out_folder, say};
use crate::config::Config;
use crate::error::Error;
use crate::manifest::collection::Collection;
use crate::manifest::recognise;
use crate::{output, shown};

/// Reads manifests: `-` is standard input, a folder is read with all that is below it in path order (`.yaml`, `.yml` and
/// `.json`; hidden folders, knrender's own `about/`, and in a render the `gitops/` that repeats it, are passed over).
pub(super) fn read(paths: &[PathBuf]) -> Result<Collection, Error> {
    let mut reading = Reading::default();
    reading.paths(paths)?;
    let mut collection = reading.collection;
    collection.pass_over_strangers();
    not_empty(&collection, paths)?;
    if collection.objects.is_empty() {
        broken(&collection)?;
    }
    Ok(collection)
}

/// Manifests that are being read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// What was read.
    pub(super) collection: Collection,
    /// Whether folders that kustomize or Helm builds are left alone.
    pub(super) leave_sources: bool,
    /// The files that make such folders what they are.
    pub(super) sources: Vec<PathBuf>,
    pub(super) seen: BTreeSet<PathBuf>,
}

impl Reading {
    /// Reads files and folders.
    pub(super) fn paths(&mut self, paths: &[PathBuf]) -> Result<(), Error> {
        for path in paths {
            whole(path)?;
            if path.as_os_str() == "-" {
                let mut text = Vec::new();
                let read = std::io::stdin().lock().take(MOST as u64 + 1).read_to_end(&mut text);
                read.map_err(|e| Error::Input(format!("standard input cannot be read: {e}")))?;
                if text.len() > MOST {
                    let most = MOST >> 20;
                    return Err(Error::Input(format!("standard input has more than {most} MiB; name files instead")));
                }
                self.text(STANDARD_INPUT, text);
            } else if path.is_dir() {
                for file in files(path, self.leave_sources, &mut self.sources) {
                    match file {
                        Ok(file) => self.file(&file),
                        Err((file, why)) => self.collection.unreadable(named(&file), why),
                    }
                }
            } else {
                self.file(path);
            }
        }
        Ok(())
    }

    /// Reads a text that cannot be read again.
    pub(super) fn text(&mut self, name: &str, text: Vec<u8>) {
        add(&mut self.collection, name, &text);
        self.collection.kept.extend(String::from_utf8(text).ok().map(|text| (name.to_owned(), text)));
    }

    fn file(&mut self, file: &Path) {
        if self.seen.insert(file.to_owned()) {
            read_file(&mut self.collection, file);
        }
    }
}

/// What standard input is called.
const STANDARD_INPUT: &str = "standard input";

/// Gives the text of a file that was read to `take`, part after part, and with each whether it is the last. Nothing more comes of
/// a file that cannot be had any more.
pub(super) fn text_of(kept: &[(String, String)], file: &str, mut take: impl FnMut(&str, bool)) {
    match kept.iter().find(|(name, _)| name == file) {
        Some((_, text)) => take(text, true),
        None => _ = in_parts(Path::new(file), take),
    }
}

/// An error where there is nothing at all.
pub(super) fn not_empty(collection: &Collection, paths: &[PathBuf]) -> Result<(), Error> {
    if !(collection.objects.is_empty() && collection.broken.is_empty()) {
        return Ok(());
    }
    let among = if collection.skipped == 0 { String::new() } else { format!(" ({})", passed_over(collection.skipped)) };
    let from: Vec<_> = paths
        .iter()
        .map(|path| if path.as_os_str() == "-" { STANDARD_INPUT.to_owned() } else { shown::path(path) })
        .chain(collection.kept.iter().map(|(name, _)| name.clone()).filter(|name| name != STANDARD_INPUT))
        .collect();
    Err(Error::Input(format!(
        "there is no Kubernetes object in {}{among}; where a command writes the manifests, see whether it failed",
        from.join(", ")
    )))
}

/// Refuses a folder, or what is in one, that a killed run left half written.
pub(super) fn whole(path: &Path) -> Result<(), Error> {
    match path.ancestors().take(3).find(|folder| output::is_unfinished(folder)) {
        None => Ok(()),
        Some(folder) => {
            let out = shown::path(folder);
            Err(Error::Input(format!(
                "{out}: a run was killed while it wrote here, so this is partly the old render and partly the new one; \
                 `knrender --out {out}` with the same options completes it"
            )))
        }
    }
}

/// `1 document is no Kubernetes object`, `2 documents are no Kubernetes objects`.
pub(super) fn passed_over(documents: usize) -> String {
    if documents == 1 {
        "1 document is no Kubernetes object".to_owned()
    } else {
        format!("{documents} documents are no Kubernetes objects")
    }
}

/// The paths that a command was given, or else the folder of the last render, which has to be there.
pub(super) fn or_rendered(paths: &[PathBuf], config: &Config) -> Result<Vec<PathBuf>, Error> {
    if !paths.is_empty() {
        return Ok(paths.to_vec());
    }
    let folder = out_folder(None, config).unwrap_or_else(|| "out".into());
    if folder.exists() {
        return Ok(vec![folder]);
    }
    let out = shown::path(&folder);
    Err(Error::Input(format!("{out}: there is no such folder; `knrender --out {out}` renders into it")))
}

/// Whether a folder is a render.
pub(super) fn is_render(folder: &Path) -> bool {
    folder.join("about/provenance.json").is_file()
}

/// An error that names every document that could not be read, if there is one.
pub(super) fn broken(collection: &Collection) -> Result<(), Error> {
    if collection.broken.is_empty() {
        return Ok(());
    }
    let lines: Vec<_> = collection.broken.iter().map(ToString::to_string).collect();
    Err(Error::Input(match lines.as_slice() {
        [line] if collection.objects.is_empty() => line.clone(),
        lines => format!("not all of it could be read:\n  {}", lines.join("\n  ")),
    }))
}

/// The files below a folder, and what could not be looked at with the reason. Where folders that kustomize or Helm builds are left
/// alone, the files that make them such go to `sources`.
fn files(folder: &Path, leave_sources: bool, sources: &mut Vec<PathBuf>) -> Vec<Result<PathBuf, (PathBuf, String)>> {
    let walk = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().filter_entry(|entry| {
        if !entry.file_type().is_dir() && entry.depth() > 0 {
            return true;
        }
        let name = entry.file_name().to_string_lossy();
        let repeats = name == "gitops" && entry.path().with_file_name("about").join("files.txt").is_file();
        if entry.depth() > 0 && (name.starts_with('.') || name == "about" || repeats) {
            return false;
        }
        let source = recognise::kustomization(entry.path()).or_else(|| recognise::chart(entry.path()));
        let source = source.filter(|_| leave_sources);
        let is_left = source.is_some();
        sources.extend(source);
        !is_left
    });
    let mut files = Vec::new();
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => {
                let path = e.path().unwrap_or(folder).to_owned();
                let why = e.io_error().map_or_else(|| e.to_string(), ToString::to_string);
                files.push(Err((path, why)));
                continue;
            }
        };
        let extension = entry.path().extension().map(std::ffi::OsStr::to_ascii_lowercase);
        let is_named = extension.is_some_and(|e| e == "yaml" || e == "yml" || e == "json");
        if entry.depth() > 0 && entry.path_is_symlink() && !is_named && entry.path().is_dir() && !is_hidden(&entry) {
            // Neither does kubectl's `-R`; a link may lead out of the folder, or round in a circle.
            say(&format!(
                "note: {} is a link to a folder and is not followed; name it beside the others to have it read",
                shown::path(entry.path())
            ));
        }
        if !is_named {
            continue;
        }
        match fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_file() => files.push(Ok(entry.into_path())),
            Ok(_) => {}
            // A link that leads nowhere is a manifest that somebody counts on.
            Err(e) => files.push(Err((entry.into_path(), e.to_string()))),
        }
    }
    files
}

fn is_hidden(entry: &walkdir::DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with('.')
}

/// The manifests among the files of a render that is not written, as [`read`] would find them in a folder.
pub(super) fn of_render(name: &str, files: &BTreeMap<String, Vec<u8>>) -> Collection {
    let mut collection = Collection::default();
    for (path, bytes) in files {
        let extension = Path::new(path).extension().map(std::ffi::OsStr::to_ascii_lowercase);
        let is_read = extension.is_some_and(|e| e == "yaml" || e == "yml" || e == "json");
        if is_read && !path.starts_with("about/") && !path.starts_with("gitops/") {
            add(&mut collection, &format!("{name}/{path}"), bytes);
        }
    }
    collection
}

/// So many bytes of a file are held at once, if it has separators; the objects that are read take their own room.
const PART: usize = 2 << 20;

/// So many bytes may stand between two separators, and on standard input, so that what has no end does not take all memory. The API
/// server takes requests of 3 MiB.
const MOST: usize = 256 << 20;

/// What a file is called among the inputs.
fn named(path: &Path) -> String {
    shown::path(path.strip_prefix(".").unwrap_or(path))
}

/// Reads a file, or remembers why it could not be read.
fn read_file(collection: &mut Collection, path: &Path) {
    let mut adding = collection.begin(&named(path));
    match in_parts(path, |part, _| collection.add_part(&mut adding, part)) {
        Ok(()) => collection.end(adding),
        Err(why) => collection.take_back(adding, &why),
    }
}

/// Gives the text of a file to `take`, part after part, and with each whether it is the last. Each part but the first starts with
/// a separator. An error says why it cannot be read.
fn in_parts(path: &Path, mut take: impl FnMut(&str, bool)) -> Result<(), String> {
    let failed = |e: std::io::Error| e.to_string();
    let mut file = fs::File::open(path).map_err(failed)?;
    let mut held = Vec::new();
    loop {
        // Twice as much where no separator was found, so that a text without any is not searched again and again.
        let more = PART.max(held.len());
        if held.len() > MOST {
            let most = MOST >> 20;
            return Err(format!("more than {most} MiB without a line `---` are no manifest; cut it in pieces"));
        }
        let read = file.by_ref().take(more as u64).read_to_end(&mut held).map_err(failed)?;
        let is_last = read < more;
        let end = if is_last { held.len() } else { last_separator(&held) };
        let text = std::str::from_utf8(&held[..end]).map_err(|_| NOT_TEXT)?;
        take(text, is_last);
        held.drain(..end);
        if is_last {
            return Ok(());
        }
    }
}

/// Where the last line starts that is known to be a separator; 0 if there is none.
fn last_separator(text: &[u8]) -> usize {
    let found = memchr::memmem::rfind_iter(text, b"\n---");
    let is_separator = |at: &usize| matches!(text.get(at + 4), Some(b'\n' | b'\r'));
    found.into_iter().find(is_separator).map_or(0, |at| at + 1)
}

const NOT_TEXT: &str = "it is not UTF-8 text";

fn add(collection: &mut Collection, name: &str, text: &[u8]) {
    if let Ok(text) = std::str::from_utf8(text) {
        collection.add(name, text);
    } else {
        let adding = collection.begin(name);
        collection.take_back(adding, NOT_TEXT);
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// A file of many parts, with all that is not an object in it.
    fn large() -> String {
        let mut text = String::new();
        let mut i = 0;
        while text.len() < 3 * PART {
            i += 1;
            let _ = write!(text, "apiVersion: v1\nkind: Secret\nmetadata: {{name: s{i}}}\ndata: |\n  ---\n---\n");
            if i % 10_000 == 0 {
                text.push_str("- {op: remove, path: /a}\n---\na: [\n---\nno: object\n---\nb: 1\n...\nc: 2\n--- # c\n");
                text.push_str("apiVersion: v1\nkind: Secret\nmetadata: {name: a, name: b}\n---\r\n");
            }
        }
        text
    }

    #[test]
    fn a_file_in_parts_is_what_it_is_in_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        let text = large();
        fs::write(&file, &text).unwrap();
        let (mut parts, mut whole) = (Collection::default(), Collection::default());
        read_file(&mut parts, &file);
        whole.add(&shown::path(&file), &text);
        assert_eq!(format!("{parts:?}"), format!("{whole:?}"));
        assert!(whole.objects.len() > 10_000 && !whole.twice.is_empty() && !whole.patches.is_empty());
    }

    #[test]
    fn of_a_file_that_is_no_text_nothing_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        fs::write(&file, [large().as_bytes(), &[0xff]].concat()).unwrap();
        let mut collection = Collection::default();
        read_file(&mut collection, &file);
        assert!(collection.objects.is_empty() && collection.twice.is_empty() && collection.skipped == 0);
        assert_eq!(collection.broken.iter().map(|b| b.why.as_str()).collect::<Vec<_>>(), [NOT_TEXT]);
    }

    #[test]
    fn a_text_without_separators_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        let text =
            format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: a}}\ndata: {{a: {}}}\n", "x".repeat(3 * PART));
        fs::write(&file, text).unwrap();
        let mut collection = Collection::default();
        read_file(&mut collection, &file);
        assert_eq!((collection.objects.len(), collection.broken.len()), (1, 0));
    }
}
