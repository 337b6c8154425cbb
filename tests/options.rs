//! Promise: `docs/options.md` and `examples/` say what this knrender does. After a change on purpose:
//! `KNRENDER_UPDATE=1 cargo test --test options --test examples`, and read the diff.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/run.rs"]
mod run;

use clap::CommandFactory as _;
use knrender::cli::Cli;
use knrender::options::reference;

#[test]
fn the_reference_is_what_the_code_says() {
    run::hold("docs/options.md", &reference::page(&Cli::command()).unwrap());
}

#[test]
fn the_reference_has_every_command_and_flag() {
    let page = reference::page(&Cli::command()).unwrap();
    for sub in Cli::command().get_subcommands() {
        assert!(page.contains(&format!("### knrender {}", sub.get_name())), "{}", sub.get_name());
        for flag in sub.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(page.contains(&format!("`--{flag}")), "{} --{flag}", sub.get_name());
        }
    }
}
