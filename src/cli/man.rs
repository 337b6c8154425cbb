//! `knrender man DIR`: man pages, for those who pack releases.

use std::path::Path;

use clap::CommandFactory as _;

use super::Cli;
use crate::error::Error;

pub(super) fn run(dir: &Path) -> Result<(), Error> {
    let shown = dir.display();
    let failed = |e: std::io::Error| Error::Write(format!("{shown}: {e}"));
    std::fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(failed)
}
