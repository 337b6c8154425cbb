//! Values to text.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::events::{Event, Events, Options, Span, StructureStyle};
use crate::value::Value;

/// How a text is laid out, where YAML leaves a choice and the difference is all over a diff.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style {
    /// Block lists below a mapping key start in the column of the key; otherwise two columns deeper.
    pub compact_lists: bool,
}

/// How the lists of a text are indented; the way that occurs more often wins, and a text without lists is wide.
#[must_use]
pub fn detect_style(text: &str) -> Style {
    // The column of the mapping key that waits for its value, for each open collection; `None` in lists and flow.
    let mut open: Vec<Level> = Vec::new();
    let (mut compact, mut wide) = (0_usize, 0_usize);
    for (event, span) in Events::of(text, Options::default()).map_while(Result::ok) {
        match event {
            Event::Scalar(..) | Event::Alias(_) => {
                if let Some(level) = open.last_mut() {
                    level.next(span.start.col());
                }
            }
            Event::SequenceStart(style, ..) => {
                let key = open.last_mut().and_then(|level| level.next(span.start.col()));
                if let (Some(key), StructureStyle::Block) = (key, style) {
                    match dash_column(text, &span) {
                        Some(dash) if dash > key => wide += 1,
                        Some(_) => compact += 1,
                        None => {}
                    }
                }
                open.push(Level { mapping: false, key: None });
            }
            Event::MappingStart(style, ..) => {
                if let Some(level) = open.last_mut() {
                    level.next(span.start.col());
                }
                open.push(Level { mapping: style == StructureStyle::Block, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                open.pop();
            }
            _ => {}
        }
    }
    Style { compact_lists: compact > wide }
}

/// An open collection while a text is scanned.
struct Level {
    mapping: bool,
    key: Option<usize>,
}

impl Level {
    /// Takes the next node: the column of its key when it is the value of a block mapping's key.
    fn next(&mut self, column: usize) -> Option<usize> {
        if !self.mapping {
            return None;
        }
        let key = self.key.take();
        if key.is_none() {
            self.key = Some(column);
        }
        key
    }
}

/// The column of the dash before a block list's first item, which is where the parser says the list starts.
fn dash_column(text: &str, span: &Span) -> Option<usize> {
    let start = span.byte_range()?.start;
    let before = text.get(..start)?.trim_end();
    let dash = before.strip_suffix('-')?.len();
    Some(dash - text[..dash].rfind('\n').map_or(0, |at| at + 1))
}

/// Writes a value as a YAML block document: two spaces a level, keys in the map's order, a line feed at the end.
///
/// A string with several lines becomes a literal block where that says it exactly, and is double quoted otherwise.
/// Strings that some reader would take for another type are quoted, as values and as keys.
#[must_use]
pub fn emit(value: &Value, style: Style) -> String {
    let options = serde_saphyr::ser_options! {
        indent_step: 2,
        compact_list_indent: style.compact_lists,
        prefer_block_scalars: false,
    };
    match serde_saphyr::to_string_with_options(&Node(value), options) {
        Ok(mut text) => {
            if !text.ends_with('\n') {
                text.push('\n');
            }
            text
        }
        // Nothing in a JSON value can fail to be written; JSON is YAML too, so the fallback is still right.
        Err(_) => format!("{value}\n"),
    }
}

/// The string in double quotes, on one line, with everything escaped that some reader would not read as it stands.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_plain_character(c) => out.push(c),
            c => out.push_str(&escaped(u32::from(c))),
        }
    }
    out.push('"');
    out
}

fn escaped(code: u32) -> String {
    match code {
        0..=0xff => format!("\\x{code:02X}"),
        0x100..=0xffff => format!("\\u{code:04X}"),
        _ => format!("\\U{code:08X}"),
    }
}

/// Whether a string can be a literal block that every reader reads back exactly.
pub fn fits_literal(text: &str) -> bool {
    let Some(first) = text.split('\n').find(|line| !line.is_empty()) else {
        return false; // only line feeds
    };
    let last = text.trim_end_matches('\n').rsplit('\n').next().unwrap_or_default();
    text.contains('\n')
        && !first.starts_with('\t') // libyaml and go-yaml take it for indentation
        && !first.starts_with(' ') // would need an indentation indicator
        && !last.trim_matches([' ', '\t']).is_empty() // a last line of blanks is easily lost
        && text.chars().all(|c| c == '\n' || c == '\t' || is_plain_character(c))
}

/// Printable for YAML 1.1 and 1.2, and neither a line break nor a mark that editors and parsers swallow.
fn is_plain_character(c: char) -> bool {
    let is_printable =
        matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}');
    is_printable && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// A value on its way out; strings choose their notation here.
struct Node<'a>(&'a Value);

impl Serialize for Node<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) if fits_literal(text) => serde_saphyr::LitStr(text).serialize(serializer),
            Value::String(text) => serializer.serialize_str(text),
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Node(item))?;
                }
                list.end()
            }
            Value::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, &Node(value))?;
                }
                map.end()
            }
            other => other.serialize(serializer),
        }
    }
}
