//! The nodes of a document with the bytes they stand on.

use std::borrow::Cow;
use std::ops::Range;

use super::lines::Lines;
use crate::value::Value;
use crate::yaml;
use crate::yaml::events::{self, Event, Events, ScalarStyle, StructureStyle};

/// A node as it is written.
#[derive(Debug)]
pub(super) struct Node {
    /// First byte: of the scalar, the bracket, the first dash or the first key. Where a block scalar's header is.
    pub start: usize,
    /// After the last byte of content, without the line break.
    pub end: usize,
    /// An anchor, a tag, an alias or a merge key stands here: an edit must not touch it.
    pub tainted: bool,
    /// What is written here.
    pub kind: Kind,
}

/// How a node is written.
#[derive(Debug)]
pub(super) enum Kind {
    /// Nothing at all, which is null.
    Nothing,
    /// A plain or quoted scalar.
    Scalar(ScalarStyle),
    /// A literal or folded block.
    Block(Block),
    /// A flow list.
    FlowList(Vec<Node>),
    /// A flow mapping.
    FlowMapping(FlowEntries),
    /// A block list.
    List(Vec<Item>),
    /// A block mapping.
    Mapping(Vec<Entry>),
}

/// Keys and values of a flow mapping.
pub(super) type FlowEntries = Vec<(String, Node)>;

/// The parts of a block scalar.
#[derive(Debug)]
pub(super) struct Block {
    /// `|`, `>-`, `|2+`, ...
    pub header: Range<usize>,
    /// Whole lines, line breaks included. Blank lines at the end belong to it only when the header says `+`.
    pub body: Range<usize>,
}

/// One item of a block list.
#[derive(Debug)]
pub(super) struct Item {
    /// Where its dash is.
    pub dash: usize,
    /// What follows the dash.
    pub node: Node,
}

/// One entry of a block mapping.
#[derive(Debug)]
pub(super) struct Entry {
    /// The key's text, unquoted.
    pub name: String,
    /// Where the key starts.
    pub start: usize,
    /// After the colon.
    pub after: usize,
    /// The value.
    pub node: Node,
}

/// The tree of a document; `None` when it is not one that can be edited in place.
///
/// `source` has to end with a line break, so that a block scalar at its end has one too.
pub(super) fn build(source: &str) -> Option<Node> {
    let options = events::options! { block_nesting_limit: 256, flow_nesting_limit: 256 };
    let mut events = Vec::new();
    for event in Events::of(source, options) {
        let (event, span) = event.ok()?;
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd => {}
            event => events.push((event, span.byte_range()?)),
        }
    }
    let mut builder = Builder { lines: Lines::new(source), events: events.into_iter() };
    let (event, span) = builder.events.next()?;
    let root = builder.node(event, span, 0)?;
    // A second document would show here.
    builder.events.next().is_none().then_some(root)
}

struct Builder<'a> {
    lines: Lines<'a>,
    events: std::vec::IntoIter<(Event<'a>, Range<usize>)>,
}

impl<'a> Builder<'a> {
    /// The node that `event` starts, in the slot that begins at `slot` (after a colon or a dash).
    fn node(&mut self, event: Event<'a>, span: Range<usize>, slot: usize) -> Option<Node> {
        match event {
            Event::Alias(_) => {
                Some(Node { start: span.start, end: span.end, tainted: true, kind: Kind::Scalar(ScalarStyle::Plain) })
            }
            Event::Scalar(_, style, anchor, tag) => {
                let tainted = anchor > 0 || tag.is_some();
                match style {
                    ScalarStyle::Literal | ScalarStyle::Folded => self.block(&span, slot, tainted),
                    ScalarStyle::Plain if span.is_empty() => {
                        // With a tag or an anchor there is something there, but nothing that may be edited.
                        Some(Node {
                            start: slot,
                            end: slot.max(if tainted { span.end } else { 0 }),
                            tainted,
                            kind: Kind::Nothing,
                        })
                    }
                    style => Some(Node { start: span.start, end: span.end, tainted, kind: Kind::Scalar(style) }),
                }
            }
            Event::SequenceStart(StructureStyle::Flow, anchor, tag) => {
                let (items, end) = self.flow_list()?;
                Some(Node { start: span.start, end, tainted: anchor > 0 || tag.is_some(), kind: Kind::FlowList(items) })
            }
            Event::MappingStart(StructureStyle::Flow, anchor, tag) => {
                let (entries, end, has_merge) = self.flow_mapping()?;
                let tainted = anchor > 0 || tag.is_some() || has_merge;
                Some(Node { start: span.start, end, tainted, kind: Kind::FlowMapping(entries) })
            }
            Event::SequenceStart(StructureStyle::Block, 0, None) => self.list(slot),
            Event::MappingStart(StructureStyle::Block, anchor, tag) => self.mapping(anchor > 0 || tag.is_some()),
            Event::SequenceStart(StructureStyle::Block, ..) => {
                // The anchor or tag hides where the dashes are; nothing in here may be edited anyway.
                let end = self.skip_collection()?;
                let end = self.lines.source()[..end].trim_end().len().max(span.start);
                Some(Node { start: span.start, end, tainted: true, kind: Kind::List(Vec::new()) })
            }
            _ => None,
        }
    }

    /// Passes over the rest of a collection that has just started; where it ends.
    fn skip_collection(&mut self) -> Option<usize> {
        let mut depth = 1_usize;
        loop {
            let (event, span) = self.events.next()?;
            match event {
                Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
                Event::SequenceEnd | Event::MappingEnd => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(span.end);
            }
        }
    }

    fn block(&self, content: &Range<usize>, slot: usize, tainted: bool) -> Option<Node> {
        let source = self.lines.source();
        let line = &source[slot..self.lines.end_of(slot)];
        // The header follows on the slot's line, or, with an anchor or a tag, somewhere after it.
        let start = slot + if tainted { line.find(['|', '>'])? } else { line.find(|c: char| c != ' ' && c != '\t')? };
        if !source[start..].starts_with(['|', '>']) {
            return None;
        }
        let marks = source[start + 1..].bytes().take_while(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-')).count();
        let header = start..start + 1 + marks;
        let body_start = self.lines.end_of(start);
        // The parser's span may reach into the indentation of the line after the block.
        let mut body_end = content.end.max(body_start);
        let last_line = self.lines.start_of(body_end);
        body_end = if source[last_line..body_end].trim_matches(' ').is_empty() {
            last_line
        } else {
            self.lines.end_of(body_end)
        };
        let mut body = body_start..body_end.max(body_start);
        if !source[header.clone()].contains('+') {
            while !body.is_empty() {
                let last = self.lines.start_of(body.end - 1).max(body.start);
                if !source[last..body.end].trim().is_empty() {
                    break;
                }
                body.end = last;
            }
        }
        let end = if body.is_empty() { header.end } else { self.lines.without_break(body.end) };
        Some(Node { start, end, tainted, kind: Kind::Block(Block { header, body }) })
    }

    fn flow_list(&mut self) -> Option<(Vec<Node>, usize)> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.events.next()?;
            if event == Event::SequenceEnd {
                return Some((items, span.end));
            }
            let slot = span.start;
            items.push(self.node(event, span, slot)?);
        }
    }

    /// Entries, where they end, and whether one of them is a merge key.
    fn flow_mapping(&mut self) -> Option<(FlowEntries, usize, bool)> {
        let mut entries = Vec::new();
        let mut has_merge = false;
        loop {
            let (event, span) = self.events.next()?;
            match event {
                Event::MappingEnd => return Some((entries, span.end, has_merge)),
                Event::Scalar(name, style, 0, None) => {
                    has_merge |= is_merge(&name, style);
                    let (value, span) = self.events.next()?;
                    let slot = span.start;
                    entries.push((as_read(name, style), self.node(value, span, slot)?));
                }
                _ => return None,
            }
        }
    }

    fn list(&mut self, slot: usize) -> Option<Node> {
        let mut items: Vec<Item> = Vec::new();
        loop {
            let (event, span) = self.events.next()?;
            if event == Event::SequenceEnd {
                break;
            }
            let from = items.last().map_or(slot, |item| item.node.end);
            let dash = self.lines.next_token(from);
            if self.lines.byte(dash) != Some(b'-') {
                return None;
            }
            let node = self.node(event, span, dash + 1)?;
            items.push(Item { dash, node });
        }
        let (start, end) = (items.first()?.dash, items.last()?.node.end);
        Some(Node { start, end, tainted: false, kind: Kind::List(items) })
    }

    fn mapping(&mut self, mut tainted: bool) -> Option<Node> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.events.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let Event::Scalar(name, style, anchor, tag) = event else {
                return None;
            };
            tainted |= anchor > 0 || tag.is_some() || is_merge(&name, style);
            let colon = self.lines.skip_blanks(span.end);
            // Anything else is an explicit key, `? key`.
            if self.lines.byte(colon) != Some(b':') {
                return None;
            }
            let (value, value_span) = self.events.next()?;
            let node = self.node(value, value_span, colon + 1)?;
            let name = as_read(name, style);
            entries.push(Entry { name, start: span.start, after: colon + 1, node });
        }
        let (start, end) = (entries.first()?.start, entries.last()?.node.end);
        Some(Node { start, end, tainted, kind: Kind::Mapping(entries) })
    }
}

fn is_merge(key: &str, style: ScalarStyle) -> bool {
    style == ScalarStyle::Plain && key == "<<"
}

/// A key as the reader returns it: `0x10` is "16", and `on` is "true".
fn as_read(key: Cow<'_, str>, style: ScalarStyle) -> String {
    // A plain word is what it looks like, but for those that YAML reads as a boolean or as null.
    let is_word = key.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_special = || {
        let words = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
        words.iter().any(|word| word.eq_ignore_ascii_case(&key))
    };
    if style != ScalarStyle::Plain || is_word && !is_special() {
        return key.into_owned();
    }
    match yaml::parse(&format!("{key}: 0")) {
        Ok(Value::Object(entry)) => {
            entry.into_iter().next().map_or_else(|| key.into_owned(), |(read, _)| read.to_string())
        }
        _ => key.into_owned(),
    }
}
