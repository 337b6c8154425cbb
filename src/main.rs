//! The `knrender` command: exit code and error printing, nothing else.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match knrender::cli::Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "knrender: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
