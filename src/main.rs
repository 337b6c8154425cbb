//! The `knrender` command: exit code and error printing, nothing else.

use std::io::Write as _;
use std::process::ExitCode;

use knrender::{cli::Cli, shown};

fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code),
    };
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let said = shown::spelt(&format!("knrender: {error}"), std::env::args_os());
            let _ = writeln!(std::io::stderr(), "{}", shown::text(&said));
            ExitCode::from(error.exit_code())
        }
    }
}
