//! `--baseline` and `--write-baseline`.

use std::fs;
use std::path::{Path, PathBuf};

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
        Error::Usage(format!("--baseline {shown}: {e}; `--write-baseline {shown}` makes it of what is found now"))
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
