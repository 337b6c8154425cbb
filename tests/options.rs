//! Promise: `docs/options.md` and `examples/` say what this knrender does. After a change on purpose:
//! `KNRENDER_UPDATE=1 cargo test --test promises -- options:: examples::`, and read the diff.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::run;
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

#[test]
fn the_rule_book_is_what_the_data_says() {
    run::hold("docs/rule-book.md", &knrender::options::rule_book::page().unwrap());
}

#[test]
fn schemas_are_published_as_they_are_printed() {
    let place = run::Place::new();
    for name in knrender::options::schema::names() {
        let text = place.run(&["schema", name]).ok().stdout;
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        run::hold(&format!("docs/schemas/{name}.json"), &text);
    }
    assert!(place.run(&["schema", "confg"]).fails(2).contains("there are "));
}

#[test]
fn help_has_the_topics_that_people_look_for() {
    let place = run::Place::new();
    for (topic, says) in [("first-render", "knrender init"), ("ci", "--check --locked"), ("own-rules", "must match")] {
        assert!(place.run(&["help", topic]).ok().stdout.contains(says), "{topic}");
        assert!(place.run(&[topic]).ok().stdout.contains(says), "{topic}");
        let help = place.run(&["help", topic]).ok().stdout;
        assert_eq!(help.trim_end(), place.run(&[topic]).ok().stdout.trim_end(), "a topic is no command with flags");
        assert!(help.lines().all(|line| line.len() < 80), "{topic} fits a terminal");
    }
}

#[test]
fn a_version_says_what_it_knows_and_carries() {
    let place = run::Place::new();
    let text = place.run(&["--version"]).ok().stdout;
    assert!(text.starts_with(&format!("knrender {}\n", env!("CARGO_PKG_VERSION"))), "{text}");
    assert!(text.contains("catalog of 20") && text.contains("bundle"), "{text}");
}

#[test]
fn man_pages_are_written_for_every_command() {
    let place = run::Place::new();
    place.run(&["man", "man"]).ok();
    for page in ["knrender.1", "knrender-plan.1", "knrender-lint.1"] {
        assert!(place.read(&format!("man/{page}")).contains("knrender"), "{page}");
    }
}
