//! A diff as a comment on a pull request.

use std::fmt::Write as _;

use super::{Diff, shown};
use crate::shown::objects;

impl Diff {
    /// Markdown, what matters first and the fields behind a fold.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("### `{}` -> `{}`\n\n", self.before, self.after);
        if self.same {
            text.push_str("The same objects.\n");
            return text;
        }
        let _ = writeln!(
            text,
            "{} added, {} removed, {} changed, {} in labels with a version alone.\n",
            self.added.len(),
            self.removed.len(),
            self.changed.len(),
            self.folded.len()
        );
        if !self.meaning.is_empty() {
            text.push_str("| | about | object | what | do |\n| --- | --- | --- | --- | --- |\n");
            for meaning in &self.meaning {
                let object = if meaning.object.is_empty() { String::new() } else { format!("`{}`", meaning.object) };
                let _ = writeln!(
                    text,
                    "| {} | {} | {object} | {} | {} |",
                    meaning.severity.name(),
                    meaning.topic.name(),
                    cell(&meaning.what),
                    cell(&meaning.todo)
                );
            }
            text.push('\n');
        }
        for (heading, list) in [("Added", &self.added), ("Removed", &self.removed)] {
            if !list.is_empty() {
                let names: Vec<_> = list.iter().map(|whole| format!("- `{}`", whole.object)).collect();
                let _ = writeln!(text, "**{heading}**\n\n{}\n", names.join("\n"));
            }
        }
        if !self.changed.is_empty() {
            let _ = writeln!(text, "<details><summary>{} changed</summary>\n", objects(self.changed.len()));
            for changed in &self.changed {
                let _ = writeln!(
                    text,
                    "**`{}`**\n\n| field | before | after | rule |\n| --- | --- | --- | --- |",
                    changed.object
                );
                for field in changed.fields.iter().filter(|field| !field.noise) {
                    let (was, is) = (shown(field.before.as_ref()), shown(field.after.as_ref()));
                    let rule = field.rule.as_deref().unwrap_or_default();
                    let _ = writeln!(text, "| `{}` | {} | {} | {rule} |", field.path, cell(&was), cell(&is));
                }
                text.push('\n');
            }
            text.push_str("</details>\n");
        }
        if let Some(money) = &self.money {
            text.push_str(&money.to_markdown());
        }
        text
    }
}

/// How many characters of a value are shown.
const WIDTH: usize = 200;

/// Text that stays inside of its cell.
fn cell(text: &str) -> String {
    let short: String = text.chars().take(WIDTH).collect();
    let more = if short.len() < text.len() { " ..." } else { "" };
    format!("{}{more}", short.replace('|', "\\|").replace('\n', "<br>").replace('<', "&lt;").replace("&lt;br>", "<br>"))
}
