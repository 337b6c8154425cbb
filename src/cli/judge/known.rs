//! `--baseline` and `--write-baseline`.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::cli::write_file;
use crate::error::Error;
use crate::findings::Finding;
use crate::findings::baseline::{Baseline, Known};
use crate::shown;

/// A baseline and the file that it is from.
pub(super) struct Before {
    baseline: Baseline,
    file: PathBuf,
}

/// What is known no longer to be there.
#[derive(Debug, Default)]
pub(in crate::cli) struct Gone {
    /// The file that still has it.
    pub(in crate::cli) file: String,
    /// What is there no more.
    pub(in crate::cli) findings: Vec<Known>,
}

/// Reads a baseline.
pub(super) fn read(file: &Path) -> Result<Before, Error> {
    let shown = shown::path(file);
    let text = fs::read_to_string(file).map_err(|e| {
        let how = match e.kind() {
            io::ErrorKind::NotFound => format!("; `--write-baseline {shown}` makes it of what is found now"),
            _ => String::new(),
        };
        Error::Usage(format!("--baseline {shown}: {e}{how}"))
    })?;
    let baseline = serde_json::from_str(&text).map_err(|e| {
        Error::Usage(format!(
            "--baseline {shown}: it is neither a report of `--format json` nor what --write-baseline writes: {e}"
        ))
    })?;
    Ok(Before { baseline, file: file.to_owned() })
}

impl Before {
    /// Marks what is known.
    pub(super) fn mark(&self, findings: &mut [Finding]) -> Gone {
        let file = shown::path(&self.file);
        let findings = self.baseline.mark(findings, &format!("--baseline {file}"));
        Gone { file, findings }
    }
}

/// Refuses to write over what is no baseline, such as a manifest whose name was meant as an input.
pub(super) fn may_write(file: &Path) -> Result<(), Error> {
    if !file.is_file() {
        return Ok(());
    }
    let is_baseline = |bytes: &[u8]| bytes.is_empty() || serde_json::from_slice::<Baseline>(bytes).is_ok();
    if fs::read(file).is_ok_and(|bytes| is_baseline(&bytes)) {
        return Ok(());
    }
    let shown = shown::path(file);
    Err(Error::Usage(format!(
        "--write-baseline {shown}: this file is there and is no baseline; name another, or remove it"
    )))
}

/// Writes what counts among findings, and counts it no longer.
pub(super) fn write(file: &Path, findings: &mut [Finding], known: Option<&Path>) -> Result<(), Error> {
    let shown = shown::path(file);
    let counts = |f: &Finding| match &f.allowed {
        None => true,
        Some(allowed) => known.is_some_and(|known| allowed.by == format!("--baseline {}", shown::path(known))),
    };
    let all: Vec<Finding> =
        findings.iter().filter(|f| counts(f)).map(|f| Finding { allowed: None, ..f.clone() }).collect();
    let baseline = Baseline::of(&all);
    let text =
        serde_json::to_string_pretty(&baseline).map_err(|e| Error::Write(format!("--write-baseline {shown}: {e}")))?;
    write_file("--write-baseline", file, format!("{text}\n").as_bytes())?;
    baseline.mark(findings, &format!("--write-baseline {shown}"));
    Ok(())
}
