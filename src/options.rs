//! Every key of `knrender.yaml` with all that is said about it: from here, `knrender init` writes the file and
//! `docs/options.md` is made.
//!
//! What exists is the code's: the keys are those of [`config::KEYS`], what a key does is the help of its flag. What else there
//! is to say (an example, the rules behind it) is data, `options/keys.yaml`, and has to speak of every key.

use clap::{Arg, Command};
use serde::Deserialize;

use crate::value::Value;
use crate::{config, yaml};

pub mod file;
pub mod reference;
pub mod rule_book;
pub mod schema;
#[cfg(test)]
mod tests;

const DATA: &str = include_str!("options/keys.yaml");

/// Keys that belong together.
#[derive(Clone, Debug)]
pub struct Section {
    /// The heading.
    pub title: String,
    /// The keys.
    pub keys: Vec<Key>,
}

/// One key.
#[derive(Clone, Debug)]
pub struct Key {
    /// The key, as `knrender.yaml` has it.
    pub name: String,
    /// The flag of the same meaning, without its dashes.
    pub flag: Option<String>,
    /// What it does.
    pub about: String,
    /// What it is where nobody says.
    pub default: Option<String>,
    /// The words it takes, each with what it means, where only some are taken.
    pub words: Vec<(String, String)>,
    /// What may stand after the colon.
    pub example: String,
    /// The rules of the rule book that it is about.
    pub book: String,
    /// The rewrites that it moves.
    pub rewrites: Vec<String>,
    /// What its schema says beside what the example shows, as a merge patch.
    pub schema: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionData {
    section: String,
    keys: Vec<KeyData>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyData {
    key: String,
    #[serde(default)]
    about: Option<String>,
    example: String,
    #[serde(default)]
    book: String,
    #[serde(default)]
    rewrites: Vec<String>,
    #[serde(default)]
    schema: Value,
}

/// All keys, with the help of the flags of `command`, which is knrender's own.
///
/// # Errors
/// In words, which key is missing or unknown; a test keeps that from happening.
pub fn sections(command: &Command) -> Result<Vec<Section>, String> {
    let data: Vec<SectionData> = yaml::parse_own(DATA).map_err(|e| format!("options/keys.yaml, {e}"))?;
    let known: Vec<_> = config::KEYS.iter().map(|key| key.replace('_', "-")).collect();
    let said: Vec<_> = data.iter().flat_map(|s| &s.keys).map(|k| k.key.as_str()).collect();
    if let Some(missing) = known.iter().find(|key| !said.contains(&key.as_str())) {
        return Err(format!("options/keys.yaml says nothing about `{missing}`, a key of knrender.yaml"));
    }
    if let Some(unknown) = said.iter().find(|key| !known.iter().any(|k| k == *key)) {
        return Err(format!("options/keys.yaml speaks of `{unknown}`, which is no key of knrender.yaml"));
    }
    let section = |data: SectionData| {
        let keys = data.keys.into_iter().map(|key| Key::of(key, command)).collect::<Result<_, _>>()?;
        Ok(Section { title: data.section, keys })
    };
    data.into_iter().map(section).collect()
}

impl Key {
    fn of(data: KeyData, command: &Command) -> Result<Key, String> {
        let id = data.key.replace('-', "_");
        let flag = command.get_arguments().find(|arg| arg.get_id().as_str() == id);
        let help = match (flag, data.about) {
            (Some(flag), None) => help(flag),
            (None, Some(about)) => about,
            (Some(_), Some(_)) => return Err(format!("`{}` has a flag whose help says what it does", data.key)),
            (None, None) => return Err(format!("`{}` has no flag, and options/keys.yaml has no `about`", data.key)),
        };
        let (about, default) = split_default(&help);
        Ok(Key {
            flag: flag.and_then(Arg::get_long).map(str::to_owned),
            words: flag.map(words).unwrap_or_default(),
            name: data.key,
            about,
            default,
            example: data.example,
            book: data.book,
            rewrites: data.rewrites,
            schema: data.schema,
        })
    }
}

/// The help of a flag, on one line.
fn help(flag: &Arg) -> String {
    let text = flag.get_help().map(ToString::to_string).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The words that a flag takes, each with what it means; none for yes and no.
fn words(flag: &Arg) -> Vec<(String, String)> {
    let values = flag.get_possible_values().into_iter().filter(|value| !["true", "false"].contains(&value.get_name()));
    values.map(|v| (v.get_name().to_owned(), v.get_help().map(ToString::to_string).unwrap_or_default())).collect()
}

/// `Does this [default: that]` in two.
fn split_default(help: &str) -> (String, Option<String>) {
    let parts = help.split_once(" [default: ").and_then(|(before, rest)| Some((before, rest.split_once(']')?)));
    match parts {
        Some((before, (default, after))) => (format!("{before}{after}"), Some(default.to_owned())),
        None => (help.to_owned(), None),
    }
}
