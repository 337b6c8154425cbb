//! How scalars and flow collections are written where the old text sets the manner.

use super::align::{Step, align};
use super::changes::Changes;
use super::lines::Lines;
use super::tree::Block;
use crate::value::Value;
use crate::yaml::events::ScalarStyle;
use crate::yaml::{Style, emit, fits_literal, quoted};

/// The scalar in the quotes that the old one had; `None` when it does not fit them, or they are not worth keeping.
pub(super) fn in_same_quotes(style: ScalarStyle, new: &Value) -> Option<String> {
    let text = new.as_str()?;
    match style {
        ScalarStyle::DoubleQuoted if !fits_literal(text) => Some(quoted(text)),
        ScalarStyle::SingleQuoted if !has_escapes(text) => Some(format!("'{}'", text.replace('\'', "''"))),
        _ => None,
    }
}

/// Whether the string, in double quotes, needs escapes other than those of quote and backslash. Single quotes have none.
fn has_escapes(text: &str) -> bool {
    let text: String = text.chars().filter(|c| !matches!(c, '"' | '\\')).collect();
    quoted(&text).contains('\\')
}

/// The value on one line, quoting strings if `quote` is set or they need it.
pub(super) fn flow(value: &Value, quote: bool) -> String {
    match value {
        Value::String(text) if quote || !is_word(text) => quoted(text),
        Value::String(text) => text.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, quote)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| {
                    let key = if is_word(key) { key.to_string() } else { quoted(key) };
                    format!("{key}: {}", flow(value, quote))
                })
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => emit(other, Style::default()).trim_end().to_owned(),
    }
}

/// Whether a string can stand in a flow collection as it is.
fn is_word(text: &str) -> bool {
    text.len() < 200
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'))
        && emit(&text.into(), Style::default()).trim_end() == text
}

/// Changes the text in a literal block, line by line: lines that stay keep their bytes. `column` is the column of the
/// key or the dash that holds it. `None` when the new text cannot be a literal block here.
pub(super) fn change_block(
    lines: Lines<'_>,
    block: &Block,
    column: usize,
    new: &str,
    changes: &mut Changes,
) -> Option<()> {
    let source = lines.source();
    let marks = source[block.header.clone()].strip_prefix('|')?;
    let content = new.trim_end_matches('\n');
    // Blanks at the start need an indentation indicator; apart from that, the rules are those for any literal block.
    let first = content.trim_start_matches('\n');
    let indented = first.starts_with(' ');
    if !fits_literal(&format!("{}\n", first.trim_start_matches(' '))) {
        return None;
    }
    let written: Vec<&str> = source[block.body.clone()].split_inclusive('\n').collect();
    let is_blank = |line: &&str| line.trim().is_empty();
    let first_written = written.iter().find(|line| !is_blank(line))?;
    let digits: String = marks.chars().filter(char::is_ascii_digit).collect();
    let indent = if digits.is_empty() {
        first_written.len() - first_written.trim_start_matches(' ').len()
    } else {
        column + digits.parse::<usize>().ok()?
    };
    let indicator = indent.checked_sub(column).filter(|width| (1..=9).contains(width))?;

    // Line feeds at the end: none is `-`, one is nothing, more are `+` and blank lines.
    let line_feeds = new.len() - content.len();
    let chomping = match line_feeds {
        0 => "-",
        1 => "",
        _ => "+",
    };
    let digits = if digits.is_empty() && indented { indicator.to_string() } else { digits };
    changes.replace(lines, block.header.clone(), format!("|{digits}{chomping}"));

    let kept = marks.contains('+');
    let text_end = written.iter().rposition(|line| !is_blank(line)).map_or(0, |last| last + 1);
    // With an indicator, lines of blanks are text as well; what they mean is then left to the check of the result.
    let old_lines: Vec<&str> = written[..text_end].iter().map(|line| content_of(line, indent)).collect();
    let new_lines: Vec<&str> = content.split('\n').collect();
    let mut at = block.body.start;
    let mut offsets = Vec::with_capacity(written.len() + 1);
    for line in &written {
        offsets.push(at);
        at += line.len();
    }
    offsets.push(at);
    let mut insert_at = block.body.start;
    for step in align(old_lines.len(), new_lines.len(), |i, j| old_lines[i] == new_lines[j]) {
        match step {
            Step::Both(i, _) => insert_at = offsets[i + 1],
            Step::Gone(i) => {
                changes.delete(offsets[i]..offsets[i + 1]);
                insert_at = offsets[i + 1];
            }
            Step::Came(j) => {
                let line = new_lines[j];
                let indent = if line.is_empty() { 0 } else { indent };
                changes.insert(insert_at, format!("{:indent$}{line}{}", "", lines.line_break()));
            }
        }
    }
    if kept || line_feeds > 1 {
        // The blank lines below are part of the text, or are about to be.
        let blank_from = offsets[text_end];
        let mut blank_to = blank_from;
        while blank_to < source.len() && lines.is_blank(blank_to) {
            blank_to = lines.end_of(blank_to);
        }
        if kept || blank_to > blank_from || line_feeds > 1 {
            changes.replace(lines, blank_from..blank_to, lines.line_break().repeat(line_feeds.saturating_sub(1)));
        }
    }
    Some(())
}

/// A line of a block without its indentation and line break.
fn content_of(line: &str, indent: usize) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    let blanks = line.len() - line.trim_start_matches(' ').len();
    &line[blanks.min(indent)..]
}
