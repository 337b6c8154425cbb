//! Keys of Knative's `ConfigMap`s, with upstream's own default before and after. The defaults stand in `_example`.

use std::collections::BTreeSet;

use crate::value::{Map, Text, Value};

use super::{Meaning, Severity, Topic};
use crate::diff::shown;
use crate::manifest::object::Identity;
use crate::yaml;

/// What a change of a `ConfigMap` means.
pub(super) fn of(identity: &Identity, was: Option<&Value>, is: Option<&Value>) -> Vec<Meaning> {
    if identity.kind != "ConfigMap" || !identity.group.is_empty() {
        return Vec::new();
    }
    let (Some(was), Some(is)) = (was, is) else { return Vec::new() };
    let (old, new) = (data(was), data(is));
    let (had, has) = (defaults(old), defaults(new));
    let documented = had.is_some() || has.is_some();
    let (had, has) = (had.unwrap_or_default(), has.unwrap_or_default());
    let keys: BTreeSet<&Text> = old.keys().chain(new.keys()).chain(had.keys()).chain(has.keys()).collect();
    let mut found = Vec::new();
    let mut fresh = Vec::new();
    for key in keys.into_iter().filter(|key| *key != "_example") {
        let (before, after) = (old.get(key), new.get(key));
        let default = match (had.get(key), has.get(key)) {
            _ if !documented => String::new(),
            (None, None) => " (upstream documents no default)".to_owned(),
            (b, a) if b == a => format!(" (upstream's default: {})", line(a)),
            (b, a) => format!(" (upstream's default: {} before, {} now)", line(b), line(a)),
        };
        if before != after {
            let is_text =
                [before, after].into_iter().flatten().filter_map(Value::as_str).any(|t| t.trim().contains('\n'));
            let what = if is_text && before.is_some() && after.is_some() {
                format!("{key}: lines of its text change{default}")
            } else {
                format!("{key}: {} -> {}{default}", line(before), line(after))
            };
            found.push(Meaning::new(Severity::Note, Topic::Configuration, identity, what));
        } else if before.is_none() && documented {
            match (had.get(key), has.get(key)) {
                (Some(b), Some(a)) if b != a => {
                    let what = format!(
                        "{key}, which is not set: upstream's default moves from {} to {}",
                        line(Some(b)),
                        line(Some(a))
                    );
                    let meaning = Meaning::new(Severity::Warning, Topic::Default, identity, what);
                    found.push(meaning.todo("Where the old one is meant, set the key by a rule of your own"));
                }
                (Some(b), None) => {
                    let what = format!(
                        "{key}, which is not set and was {} by default, is no longer documented",
                        line(Some(b))
                    );
                    found.push(Meaning::new(Severity::Note, Topic::Default, identity, what));
                }
                (None, Some(a)) => fresh.push(format!("{key} ({})", line(Some(a)))),
                _ => {}
            }
        }
    }
    if !fresh.is_empty() {
        let what = format!("new keys, with their defaults: {}", fresh.join(", "));
        found.push(Meaning::new(Severity::Note, Topic::Default, identity, what));
    }
    found
}

fn data(object: &Value) -> &Map {
    static NONE: std::sync::LazyLock<Map> = std::sync::LazyLock::new(Map::new);
    object.get("data").and_then(Value::as_object).unwrap_or(&NONE)
}

/// What `_example` gives for each key; `None` where there is no such text.
fn defaults(data: &Map) -> Option<Map> {
    let text = data.get("_example").and_then(Value::as_str)?;
    match yaml::parse(text) {
        Ok(Value::Object(defaults)) => Some(defaults),
        _ => None,
    }
}

/// A value in one line, cut where it is long.
fn line(value: Option<&Value>) -> String {
    let text = super::workloads::brief(&shown(value));
    let first = text.trim().lines().next().unwrap_or_default();
    let cut: String = first.chars().take(80).collect();
    if cut.len() < text.trim().len() { format!("{cut} ...") } else { cut }
}
