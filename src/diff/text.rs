//! A diff for people.

use std::fmt::Write as _;

use similar::TextDiff;

use super::{Changed, Diff, Field, Whole, shown};
use crate::shown::{objects, wrap};
use crate::value::Value;

impl Diff {
    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = format!("{} -> {}\n", self.before, self.after);
        if self.same {
            text.push_str("  the same objects\n");
            return text;
        }
        if !self.meaning.is_empty() {
            text.push_str("What it means\n");
            for meaning in &self.meaning {
                let about = if meaning.object.is_empty() { String::new() } else { format!("{}: ", meaning.object) };
                let line = format!("{} ({}): {about}{}", meaning.severity.name(), meaning.topic.name(), meaning.what);
                let _ = writeln!(text, "  {}", wrap(&line, 6));
                if !meaning.todo.is_empty() {
                    let _ = writeln!(text, "      {}", wrap(&format!("do: {}", meaning.todo), 10));
                }
            }
        }
        wholes(&mut text, "Added", &self.added);
        wholes(&mut text, "Removed, and still in the cluster until they are deleted there", &self.removed);
        if !self.changed.is_empty() {
            text.push_str("Changed\n");
        }
        for changed in &self.changed {
            let _ = writeln!(text, "  {}", changed.object);
            for field in changed.fields.iter().filter(|field| !field.noise) {
                one(&mut text, field);
            }
            folded(&mut text, changed);
        }
        if !self.folded.is_empty() {
            let _ = writeln!(text, "Labels with a version and examples alone\n  {}", objects(self.folded.len()));
        }
        if let Some(money) = &self.money {
            text.push_str(&money.to_text());
        }
        text
    }
}

fn wholes(text: &mut String, heading: &str, list: &[Whole]) {
    if list.is_empty() {
        return;
    }
    let _ = writeln!(text, "{heading}");
    for whole in list {
        let rule = whole.rule.as_ref().map_or(String::new(), |rule| format!("  ({rule})"));
        let _ = writeln!(text, "  {}{rule}", whole.object);
    }
}

/// How many characters of a value are shown.
const WIDTH: usize = 160;

fn one(text: &mut String, field: &Field) {
    let rule = field.rule.as_ref().map_or(String::new(), |rule| format!("  ({rule})"));
    if let (Some(Value::String(b)), Some(Value::String(a))) = (&field.before, &field.after)
        && (b.contains('\n') || a.contains('\n'))
    {
        let _ = writeln!(text, "    {}{rule}", field.path);
        let lines = TextDiff::from_lines(b.as_str(), a.as_str());
        for line in lines.unified_diff().context_radius(1).to_string().lines() {
            let _ = writeln!(text, "      {line}");
        }
        return;
    }
    let cut = |value: Option<&Value>| {
        let whole = shown(value);
        let short: String = whole.chars().take(WIDTH).collect();
        if short.len() < whole.len() { format!("{} ...", short.replace('\n', " ")) } else { short.replace('\n', " ") }
    };
    match (&field.before, &field.after) {
        (None, after) => {
            let _ = writeln!(text, "    + {}: {}{rule}", field.path, cut(after.as_ref()));
        }
        (before, None) => {
            let _ = writeln!(text, "    - {}: {}{rule}", field.path, cut(before.as_ref()));
        }
        (before, after) => {
            let _ = writeln!(text, "    {}: {} -> {}{rule}", field.path, cut(before.as_ref()), cut(after.as_ref()));
        }
    }
}

fn folded(text: &mut String, changed: &Changed) {
    let count = changed.fields.iter().filter(|field| field.noise).count();
    if count > 0 {
        let _ = writeln!(text, "    and {count} label{} or example{0}", if count == 1 { "" } else { "s" });
    }
}
