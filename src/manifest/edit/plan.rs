//! From a difference of values to edits of a text.

use std::cell::OnceCell;
use std::ops::Range;

use super::align::{Step, align_items};
use super::changes::Changes;
use super::lines::Lines;
use super::scalar::{change_block, flow, in_same_quotes};
use super::tree::{self, Entry, Item, Kind, Node};
use crate::value::{Map, Value};
use crate::yaml::events::{self, Event, Events};
use crate::yaml::{self, Style};

/// A flow collection that would get longer than this becomes a block.
const MAX_FLOW_WIDTH: usize = 100;

/// A text that might be the edited document.
pub(super) struct Draft {
    pub(super) text: String,
    /// Whether every line that the change does not name is as it was.
    pub(super) preserved: bool,
}

/// Texts that might be the edited document, best first. The caller checks what they mean.
pub(super) fn edited(source: &str, old: &Value, new: &Value) -> Vec<Draft> {
    let (mark, body) = source.strip_prefix('\u{feff}').map_or(("", source), |rest| ("\u{feff}", rest));
    let line_break = Lines::new(body).line_break();
    let ended = if body.ends_with('\n') { body.to_owned() } else { format!("{body}{line_break}") };
    let Some((text, preserved)) = edited_lines(&ended, old, new) else {
        return Vec::new();
    };
    let text = format!("{mark}{text}");
    if body.ends_with('\n') {
        return vec![Draft { text, preserved }];
    }
    // The last line had no line break, and has none again, unless a block scalar came to stand there: some readers would
    // take its last line for one without a line feed.
    let without = text.strip_suffix(line_break).filter(|text| !ends_in_block(text) || ends_in_block(body));
    without.map(str::to_owned).into_iter().chain([text]).map(|text| Draft { text, preserved }).collect()
}

/// Whether readers differ on the end of a text without a line break: a block scalar stands there.
fn ends_in_block(text: &str) -> bool {
    let last = |as_libyaml: bool| {
        let options = events::options! { block_scalar_eof_without_line_feed: as_libyaml };
        let scalars = Events::of(text, options).map_while(Result::ok);
        scalars.filter_map(|(event, _)| if let Event::Scalar(text, ..) = event { Some(text) } else { None }).last()
    };
    last(true) != last(false)
}

fn edited_lines(source: &str, old: &Value, new: &Value) -> Option<(String, bool)> {
    let root = tree::build(source)?;
    let mut editor =
        Editor { lines: Lines::new(source), style: OnceCell::new(), changes: Changes::default(), preserved: true };
    match (&root.kind, old, new) {
        (Kind::Mapping(entries), Value::Object(old), Value::Object(new)) if !root.tainted => {
            let column = editor.lines.column(root.start);
            let slot = Slot { after: 0, column, kind: SlotKind::Root };
            editor.mapping(slot, entries, old, new)?;
        }
        (Kind::List(items), Value::Array(old), Value::Array(new)) if !root.tainted => {
            let column = editor.lines.column(root.start);
            let slot = Slot { after: 0, column, kind: SlotKind::Root };
            editor.list(slot, &root, items, old, new)?;
        }
        _ => return None,
    }
    Some((editor.changes.applied_to(source)?, editor.preserved))
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Slot {
    /// The offset after the colon or the dash.
    after: usize,
    /// The column of the key or of the dash.
    column: usize,
    kind: SlotKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SlotKind {
    Root,
    Value,
    Item,
}

struct Editor<'a> {
    lines: Lines<'a>,
    style: OnceCell<Style>,
    changes: Changes,
    preserved: bool,
}

/// `None` anywhere below means: this cannot be done in place.
impl Editor<'_> {
    /// The text of what is new, with lists as the source writes them. The source is searched for that only where a list
    /// is in question.
    fn emitted(&self, new: &Value) -> String {
        let has_lists = |map: &Map| map.values().any(|value| value.is_array() || value.is_object());
        let style = match new {
            Value::Object(map) if !has_lists(map) => Style::default(),
            _ => *self.style.get_or_init(|| yaml::detect_style(self.lines.source())),
        };
        yaml::emit(new, style)
    }

    fn change(&mut self, slot: Slot, node: &Node, old: &Value, new: &Value) -> Option<()> {
        if old == new {
            return Some(());
        }
        if node.tainted {
            return None;
        }
        match (&node.kind, old, new) {
            (Kind::Mapping(entries), Value::Object(old), Value::Object(new))
                if new.keys().any(|key| old.contains_key(key)) =>
            {
                self.mapping(slot, entries, old, new)
            }
            (Kind::List(items), Value::Array(old), Value::Array(new)) if !new.is_empty() => {
                self.list(slot, node, items, old, new)
            }
            (Kind::Block(block), _, Value::String(text)) => {
                change_block(self.lines, block, slot.column, text, &mut self.changes)
                    .or_else(|| self.replace(slot, node, new))
            }
            (Kind::Scalar(style), ..) => match in_same_quotes(*style, new) {
                Some(text) => {
                    self.changes.replace(self.lines, node.start..node.end, text);
                    Some(())
                }
                None => self.replace(slot, node, new),
            },
            (Kind::FlowList(_) | Kind::FlowMapping(_), ..) if !is_empty(old) && (new.is_array() || new.is_object()) => {
                if let Some(children) = flow_children(node, old, new) {
                    return children.into_iter().try_for_each(|(node, old, new)| self.flow_value(node, old, new));
                }
                let text = self.flow_text(node, new);
                if text.len() > MAX_FLOW_WIDTH {
                    return self.replace(slot, node, new);
                }
                self.rewrite(node.start..node.end);
                self.changes.replace(self.lines, node.start..node.end, text);
                Some(())
            }
            _ => self.replace(slot, node, new),
        }
    }

    /// Changes a value inside a flow collection, where blocks cannot be.
    fn flow_value(&mut self, node: &Node, old: &Value, new: &Value) -> Option<()> {
        if old == new {
            return Some(());
        }
        if node.tainted || node.start == node.end {
            return None;
        }
        if let Some(children) = flow_children(node, old, new) {
            return children.into_iter().try_for_each(|(node, old, new)| self.flow_value(node, old, new));
        }
        let text = if let Kind::Scalar(style) = &node.kind {
            in_same_quotes(*style, new).unwrap_or_else(|| flow(new, false))
        } else {
            self.rewrite(node.start..node.end);
            self.flow_text(node, new)
        };
        self.changes.replace(self.lines, node.start..node.end, text);
        Some(())
    }

    /// Remembers that a collection is written anew, lines that do not change with those that do.
    fn rewrite(&mut self, range: Range<usize>) {
        self.preserved &= !self.lines.source()[range].contains('\n');
    }

    /// The value as a flow collection in the manner of the one that is there.
    fn flow_text(&self, node: &Node, new: &Value) -> String {
        flow(new, self.lines.source()[node.start..node.end].contains('"'))
    }

    fn mapping(&mut self, slot: Slot, entries: &[Entry], old: &Map, new: &Map) -> Option<()> {
        // Keys that the parser reads as something other than their text, and merged ones, do not match.
        if entries.len() != old.len() || !new.keys().any(|key| old.contains_key(key)) {
            return None;
        }
        let (first, last) = (entries.first()?, entries.last()?);
        let column = self.lines.column(first.start);
        let inline = !self.lines.is_first_in_line(first.start);
        for entry in entries {
            let old_value = old.get(&entry.name)?;
            if let Some(new_value) = new.get(&entry.name) {
                let slot = Slot { after: entry.after, column, kind: SlotKind::Value };
                self.change(slot, &entry.node, old_value, new_value)?;
            }
        }
        // Entries at the start that share the line of their dash go as one, so that the next one takes their place.
        let mut skip = 0;
        if inline {
            skip = entries.iter().take_while(|entry| !new.contains_key(&entry.name)).count();
            if skip > 0 {
                let below = self.lines.with_comments_below(entries[skip - 1].node.end, column);
                let next = entries.get(skip)?.start;
                self.changes.delete(first.start..self.lines.first_comment(below, next).unwrap_or(next));
            }
        }
        let mut bound = self.lines.end_of(slot.after);
        for (index, entry) in entries.iter().enumerate() {
            let end = self.lines.with_comments_below(entry.node.end, column);
            if index >= skip && !new.contains_key(&entry.name) {
                let root_start = slot.kind == SlotKind::Root && index == 0;
                self.delete_lines(entry.start, column, bound, end, index > 0, !root_start);
            }
            bound = end;
        }
        let added: Map = new
            .iter()
            .filter(|(key, _)| !old.contains_key(key))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !added.is_empty() {
            let text = self.emitted(&Value::Object(added));
            let at = self.lines.with_comments_below(last.node.end, column);
            self.changes.insert(at, self.shifted(&text, column));
        }
        Some(())
    }

    /// Deletes the lines from the one that holds `start` to `end`, with the comments above that belong to them. Where this
    /// would leave two blank lines, or one at the end, one of them goes too.
    fn delete_lines(&mut self, start: usize, column: usize, bound: usize, end: usize, may_join: bool, comments: bool) {
        let mut from = self.lines.start_of(start);
        if comments {
            from = self.lines.with_comments_above(from, column, bound.min(from));
        }
        if may_join && self.lines.is_blank(end) {
            while from > bound && self.lines.is_blank(self.lines.start_of(from - 1)) {
                from = self.lines.start_of(from - 1);
            }
        }
        self.changes.delete(from..end);
    }

    fn list(&mut self, slot: Slot, node: &Node, items: &[Item], old: &[Value], new: &[Value]) -> Option<()> {
        if items.len() != old.len() {
            return None;
        }
        let first = items.first()?;
        let column = self.lines.column(first.dash);
        let steps = align_items(old, new);
        if !self.lines.is_first_in_line(first.dash) && !matches!(steps.first(), Some(Step::Both(0, _))) {
            // A list in a list: its first dash stands behind another one.
            let text = self.shifted(&self.emitted(&Value::from(new)), column);
            let range = node.start..self.lines.end_of(node.end);
            self.preserved &= !self.lines.source()[range.clone()].contains(" #");
            self.changes.replace(self.lines, range, text.trim_start_matches(' ').to_owned());
            return Some(());
        }
        let mut bound = if slot.kind == SlotKind::Root { 0 } else { self.lines.end_of(slot.after) };
        let first_line = self.lines.start_of(first.dash);
        let mut insert_at = if slot.kind == SlotKind::Root {
            first_line
        } else {
            self.lines.with_comments_above(first_line, column, bound.min(first_line))
        };
        for step in steps {
            match step {
                Step::Both(i, j) => {
                    let slot = Slot { after: items[i].dash + 1, column, kind: SlotKind::Item };
                    self.change(slot, &items[i].node, &old[i], &new[j])?;
                    insert_at = self.lines.with_comments_below(items[i].node.end, column);
                    bound = insert_at;
                }
                Step::Gone(i) => {
                    let end = self.lines.with_comments_below(items[i].node.end, column);
                    let root_start = slot.kind == SlotKind::Root && i == 0;
                    self.delete_lines(items[i].dash, column, bound, end, i > 0, !root_start);
                    insert_at = end;
                    bound = end;
                }
                Step::Came(j) => {
                    let text = self.emitted(&Value::from([new[j].clone()]));
                    self.changes.insert(insert_at, self.shifted(&text, column));
                }
            }
        }
        Some(())
    }

    /// Writes another value where `node` stands, as the emitter would, and keeps a comment at the end of the line.
    fn replace(&mut self, slot: Slot, node: &Node, new: &Value) -> Option<()> {
        let (inline, body) = self.rendered(slot, node, new)?;
        let source = self.lines.source();
        let starts_below = source[slot.after..node.start].contains('\n');
        // What stands on the line of the key or dash, and the lines below it.
        let (head, below) = match &node.kind {
            Kind::Nothing => (slot.after..slot.after, None),
            Kind::Scalar(_) | Kind::FlowList(_) | Kind::FlowMapping(_)
                if starts_below && (inline.is_empty() || !body.is_empty()) =>
            {
                return None;
            }
            Kind::Scalar(_) | Kind::FlowList(_) | Kind::FlowMapping(_) => (node.start..node.end, None),
            Kind::Block(block) => (block.header.clone(), Some(block.body.clone())),
            Kind::Mapping(_) | Kind::List(_) => {
                let end = self.lines.with_comments_below(node.end, slot.column);
                match (slot.kind, starts_below) {
                    (SlotKind::Value, true) => (slot.after..slot.after, Some(self.lines.end_of(slot.after)..end)),
                    (SlotKind::Item, false) => {
                        let text = format!("{inline}{}{body}", self.lines.line_break());
                        self.changes.replace(self.lines, node.start..end, text);
                        return Some(());
                    }
                    _ => return None,
                }
            }
        };
        if inline.is_empty() {
            self.changes.delete(slot.after..head.end);
        } else if head.is_empty() {
            self.changes.insert(head.start, format!(" {inline}"));
        } else {
            self.changes.replace(self.lines, head.clone(), inline);
        }
        let below = below.unwrap_or_else(|| {
            let end = self.lines.end_of(head.end);
            end..end
        });
        self.changes.replace(self.lines, below, body);
        Some(())
    }

    /// The value as it follows the key or dash of `slot`: the rest of that line, and the lines below.
    fn rendered(&self, slot: Slot, node: &Node, new: &Value) -> Option<(String, String)> {
        let (text, start) = match slot.kind {
            SlotKind::Root => return None,
            SlotKind::Value => {
                let entry = Value::Object(Map::from_iter([("k".to_owned(), new.clone())]));
                let text = match node.kind {
                    Kind::List(_) => {
                        yaml::emit(&entry, Style { compact_lists: self.lines.column(node.start) == slot.column })
                    }
                    _ => self.emitted(&entry),
                };
                (text, "k:")
            }
            SlotKind::Item => (self.emitted(&Value::from([new.clone()])), "-"),
        };
        let (first, below) = text.strip_prefix(start)?.split_once('\n')?;
        Some((first.trim_start_matches(' ').to_owned(), self.shifted(below, slot.column)))
    }

    /// Lines moved to the right, with the document's line breaks.
    fn shifted(&self, text: &str, column: usize) -> String {
        let mut out = String::with_capacity(text.len() + 16);
        for line in text.split_terminator('\n') {
            if !line.is_empty() {
                out.extend(std::iter::repeat_n(' ', column));
                out.push_str(line);
            }
            out.push_str(self.lines.line_break());
        }
        out
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty)
}

/// The parts of a flow collection with their old and new values, when it has the same parts before and after.
fn flow_children<'a>(node: &'a Node, old: &'a Value, new: &'a Value) -> Option<Vec<(&'a Node, &'a Value, &'a Value)>> {
    match (&node.kind, old, new) {
        (Kind::FlowList(nodes), Value::Array(old), Value::Array(new)) => (nodes.len() == old.len()
            && old.len() == new.len())
        .then(|| nodes.iter().zip(old).zip(new).map(|((node, old), new)| (node, old, new)).collect()),
        (Kind::FlowMapping(nodes), Value::Object(old), Value::Object(new)) if nodes.len() == new.len() => {
            nodes.iter().map(|(key, node)| Some((node, old.get(key)?, new.get(key)?))).collect()
        }
        _ => None,
    }
}
