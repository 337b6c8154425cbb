//! `knrender --check`: whether a folder is what would be rendered now, as a diff for people and for CI.

use std::fmt::Write as _;
use std::path::Path;

use similar::TextDiff;

use super::{Format, print_json, print_text, say};
use crate::error::Error;
use crate::manifest::secret;
use crate::output::Files;
use crate::output::check::{self, Stale, State};
use crate::output::left_behind::LeftBehind;

/// Files whose every difference follows from another file's: they are named, and no diff of them is shown.
const FOLLOWS: [&str; 3] = ["about/digests.txt", "about/files.txt", "about/provenance.json"];

pub(super) fn run(out: &Path, files: &Files, left: &LeftBehind, format: Format, quiet: bool) -> Result<(), Error> {
    let shown = crate::shown::path(out);
    let shown = shown.trim_end_matches('/');
    let stale = check::check(out, files)?;
    match format {
        Format::Json => {
            print_json(&crate::value::json!({"out": shown, "stale": stale, "left_behind": left}))?;
        }
        Format::Text => print_text(&diff(out, shown, files, &stale)?)?,
    }
    if stale.is_empty() {
        if !quiet {
            say(&format!("{shown}/ is what would be rendered"));
        }
        return Ok(());
    }
    if format == Format::Text && !left.is_empty() {
        say(&left.to_text());
    }
    Err(Error::Findings(format!(
        "{shown}/ is not what would be rendered: {}. `knrender --out {shown}` with the same options writes it; then read the \
         diff and commit it",
        counts(&stale)
    )))
}

/// `3 files differ, 1 is missing`.
fn counts(stale: &[Stale]) -> String {
    let count = |state: State| stale.iter().filter(|s| s.state == state).count();
    let mut parts = Vec::new();
    for (state, one, many) in [
        (State::Different, "file differs", "files differ"),
        (State::Missing, "file is missing", "files are missing"),
        (State::Leftover, "file is no longer rendered", "files are no longer rendered"),
        (State::Unfinished, "run was killed while it wrote", "runs were killed while they wrote"),
    ] {
        match count(state) {
            0 => {}
            1 => parts.push(format!("1 {one}")),
            n => parts.push(format!("{n} {many}")),
        }
    }
    parts.join(", ")
}

/// What differs, in the form of `diff -u`: `-` is in the folder, `+` would be.
fn diff(out: &Path, shown: &str, files: &Files, stale: &[Stale]) -> Result<String, Error> {
    let mut text = String::new();
    for Stale { path, state } in stale {
        let name = format!("{shown}/{path}");
        match state {
            State::Different if FOLLOWS.contains(&path.as_str()) => {
                let _ = writeln!(text, "differs: {name}");
            }
            State::Different => {
                let old = check::read(out, path)?;
                let (old, new) = (String::from_utf8_lossy(&old), files.get(path).unwrap_or_default());
                let new = String::from_utf8_lossy(new);
                let (old, new) = (secret::masked_text(&old), secret::masked_text(&new));
                let lines = TextDiff::from_lines(old.as_ref(), new.as_ref());
                let _ = write!(text, "{}", lines.unified_diff().header(&name, &format!("{name} (rendered)")));
            }
            State::Missing => {
                let _ = writeln!(text, "missing: {name}");
            }
            State::Leftover => {
                let _ = writeln!(text, "no longer rendered: {name}");
            }
            State::Unfinished => {
                let _ = writeln!(text, "unfinished: {name}");
            }
        }
    }
    Ok(text)
}
