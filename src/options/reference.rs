//! `docs/options.md`: every key of `knrender.yaml` and every flag of every command, from the code.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

use super::{Key, Section, file, help, sections, split_default, words};

const HEADING: &str = "\
# Options

Every key of `knrender.yaml`, and every flag of every command. This page is made from the code; `cargo test options::`
holds it, and makes it anew with `KNRENDER_UPDATE=1`.

`knrender init` writes a `knrender.yaml` that has all keys. Flags win over the file. Paths in the file start from its folder.
";

/// The headings of the flags that are keys too; commands that have all of them name them in a line.
const SHARED: [&str; 2] = ["What to render", "Where bytes come from"];

/// The page, for the command line of knrender.
///
/// # Errors
/// In words, which key is missing or unknown; a test keeps that from happening.
pub fn page(command: &Command) -> Result<String, String> {
    let mut text = HEADING.to_owned();
    text.push_str("\n## Keys of knrender.yaml\n");
    for section in sections(command)? {
        keys(&mut text, &section);
    }
    text.push_str("\n## Commands\n");
    for sub in command.get_subcommands() {
        commands(&mut text, sub, "knrender");
    }
    if let Some(rest) = command.get_after_help() {
        let _ = write!(text, "\n## Environment and exit codes\n\n```text\n{rest}\n```\n");
    }
    Ok(text)
}

fn keys(text: &mut String, section: &Section) {
    let _ = write!(
        text,
        "\n### {}\n\n| key | flag | default | effect | rule book; rewrite |\n| --- | --- | --- | --- | --- |\n",
        section.title
    );
    for key in &section.keys {
        let flag = key.flag.as_ref().map(|flag| format!("`--{flag}`")).unwrap_or_default();
        let default = key.default.as_deref().unwrap_or("none");
        let effect = effect(&key.about, &key.words);
        let _ = writeln!(text, "| `{}` | {flag} | {} | {} | {} |", key.name, cell(default), cell(&effect), rules(key));
    }
    for key in section.keys.iter().filter(|key| key.flag.is_none()) {
        let _ = write!(text, "\n```yaml\n{}```\n", file::example(&key.name, &key.example));
    }
}

fn rules(key: &Key) -> String {
    let rewrites = key.rewrites.iter().map(|rule| format!("`{rule}`")).collect::<Vec<_>>().join(", ");
    [key.book.as_str(), &rewrites].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
}

fn effect(about: &str, words: &[(String, String)]) -> String {
    let told = |(word, help): &(String, String)| {
        if help.is_empty() { format!("`{word}`") } else { format!("`{word}`: {help}") }
    };
    let words: Vec<_> = words.iter().map(told).collect();
    if words.is_empty() { about.to_owned() } else { format!("{about}. {}", words.join(". ")) }
}

/// Text for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn commands(text: &mut String, command: &Command, above: &str) {
    let name = format!("{above} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    if command.has_subcommands() {
        for sub in command.get_subcommands() {
            commands(text, sub, &name);
        }
        return;
    }
    let mut usage = name.clone();
    for positional in command.get_positionals() {
        let _ = write!(usage, " {}", placeholder(positional));
    }
    for flag in command.get_opts().filter(|flag| flag.is_required_set()) {
        let _ = write!(usage, " {}", shown(flag).trim_matches('`'));
    }
    let _ = write!(text, "\n### {name}\n\n{about}: `{usage}`\n");
    let is_shared = |arg: &&Arg| arg.get_help_heading().is_some_and(|heading| SHARED.contains(&heading));
    if command.get_arguments().any(|arg| is_shared(&arg)) {
        text.push_str("\nTakes the flags of the keys above.\n");
    }
    let own: Vec<_> = command.get_arguments().filter(|arg| !is_shared(arg) && !arg.is_hide_set()).collect();
    if own.is_empty() {
        return;
    }
    text.push_str("\n| flag | default | what |\n| --- | --- | --- |\n");
    for arg in own {
        let (about, said) = split_default(&help(arg));
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            cell(&shown(arg)),
            cell(&said.unwrap_or_else(|| default(arg))),
            cell(&effect(&about, &words(arg)))
        );
    }
}

/// What a flag is where it is not given.
fn default(arg: &Arg) -> String {
    match arg.get_default_values().first() {
        Some(value) if arg.get_action().takes_values() => value.to_string_lossy().into_owned(),
        _ if arg.is_required_set() => "required".to_owned(),
        _ if arg.get_action().takes_values() => "none".to_owned(),
        _ => "off".to_owned(),
    }
}

/// How a flag is written.
fn shown(arg: &Arg) -> String {
    let Some(long) = arg.get_long() else { return format!("`{}`", placeholder(arg)) };
    let short = arg.get_short().map(|c| format!("`-{c}`, ")).unwrap_or_default();
    let takes = arg.get_action().takes_values();
    let value = if takes { format!(" {}", names(arg)) } else { String::new() };
    format!("{short}`--{long}{value}`")
}

fn placeholder(arg: &Arg) -> String {
    let name = names(arg);
    let more = if matches!(arg.get_action(), ArgAction::Append) { "..." } else { "" };
    if arg.is_required_set() { format!("{name}{more}") } else { format!("[{name}]{more}") }
}

fn names(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}
