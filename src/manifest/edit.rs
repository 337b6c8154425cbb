//! Changing a document without rewriting it: what a change does not name keeps its bytes.
//!
//! The difference between the old and the new value becomes a set of small text edits, found by walking both values along
//! with the nodes of the source (`tree`). Lists are aligned first (`align`), so that an inserted item does not look like
//! a change of all that follow. Nothing here has to be believed: the edited text is used only if it reads back as exactly
//! the value that was asked for. Otherwise the document is written anew below its leading comments.
//!
//! `tree` finds nodes, `align` matches list items, `plan` turns the difference into edits, `scalar` and `lines` know how
//! scalars and lines are written.

use crate::value::{Map, Value};

use crate::yaml;
use align::{Step, align_items};
use lines::Lines;

mod align;
mod changes;
mod lines;
mod plan;
mod scalar;
#[cfg(test)]
mod tests;
mod tree;

/// A document after a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The new text.
    pub text: String,
    /// Whether every line that was not changed kept its bytes; if not, the document or a collection in it was written anew.
    pub preserved: bool,
}

/// Changes the text of one document so that it reads as `new`.
///
/// `source` is the exact text of one YAML document without `---` lines, and `old` the value it reads as. Comments, blank
/// lines, quoting and key order stay wherever the change allows it. Keys that are new come after those that were there.
#[must_use]
pub fn edit(source: &str, old: &Value, new: &Value) -> Edited {
    edit_if(source, old, new, |text, value| yaml::parse(text).is_ok_and(|read| read == *value))
}

/// The same, but nothing is read back: for a caller that knows the right text and compares.
#[must_use]
pub fn edit_unread(source: &str, old: &Value, new: &Value) -> Edited {
    edit_if(source, old, new, |_, _| true)
}

fn edit_if(source: &str, old: &Value, new: &Value, is_right: impl Fn(&str, &Value) -> bool) -> Edited {
    if old == new {
        return Edited { text: source.to_owned(), preserved: true };
    }
    let new = keep_order(old, new.clone());
    for draft in plan::edited(source, old, &new) {
        if is_right(&draft.text, &new) {
            return Edited { text: draft.text, preserved: draft.preserved };
        }
    }
    Edited { text: rewritten(source, &new), preserved: false }
}

/// The new value with its keys in the order of the old one, and keys that are new after them in their own order.
///
/// A patch that removes a key may leave the others in another order: `json-patch` swaps the last key into the gap.
#[must_use]
pub fn keep_order(old: &Value, mut new: Value) -> Value {
    reorder(old, &mut new);
    new
}

fn reorder(old: &Value, new: &mut Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            let in_order = old.len() <= new.len() && old.keys().zip(new.keys()).all(|(old, new)| old == new);
            if !in_order {
                let mut rest = std::mem::take(new);
                let kept = old.keys().filter_map(|key| rest.get_mut(key).map(|value| (key.clone(), value.take())));
                let mut ordered: Map = kept.collect();
                for (key, value) in rest {
                    ordered.entry(key).or_insert(value);
                }
                *new = ordered;
            }
            let mut olds = old.iter();
            for (key, value) in new {
                match olds.find(|(old_key, _)| *old_key == key) {
                    Some((_, old_value)) => reorder(old_value, value),
                    None => break,
                }
            }
        }
        (Value::Array(old), Value::Array(new)) if old == new => {}
        (Value::Array(old), Value::Array(new)) => {
            for step in align_items(old, new) {
                if let Step::Both(i, j) = step {
                    reorder(&old[i], &mut new[j]);
                }
            }
        }
        _ => {}
    }
}

/// The document written anew below the comments it started with.
fn rewritten(source: &str, new: &Value) -> String {
    let (mark, body) = source.strip_prefix('\u{feff}').map_or(("", source), |rest| ("\u{feff}", rest));
    let lines = Lines::new(body);
    let mut head = 0;
    while head < body.len() && (lines.comment_column(head).is_some() || lines.is_blank(head)) {
        head = lines.end_of(head);
    }
    let line_break = if head == 0 || body[..head].ends_with('\n') { "" } else { lines.line_break() };
    let emitted = yaml::emit(new, yaml::detect_style(source)).replace('\n', lines.line_break());
    let text = format!("{mark}{}{line_break}{emitted}", &body[..head]);
    // What looks like a comment may hold a lone carriage return, and more behind it.
    if yaml::parse(&text).is_ok_and(|value| value == *new) { text } else { emitted }
}
