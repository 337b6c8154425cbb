//! Where in its file a finding's field stands. Nobody needs to know that before there are findings, so the few documents that
//! have some are read once more, for places alone.

use std::collections::BTreeMap;

use super::Place;
use crate::manifest::split;
use crate::value::unescaped;
use crate::yaml::events::{Event, Events, Options, ScalarStyle, Span};

/// A node of a document.
struct Node {
    /// Where it starts, as line and column: the key of a mapping's entry, or else the value.
    start: (usize, usize),
    /// Where what is marked of it ends: the value, if that stands on the same line, or else the key.
    end: Option<(usize, usize)>,
    entries: Vec<(String, Node)>,
    is_list: bool,
}

/// Puts lines and columns into the places of one file, whose text is given. What is not in the text (a field that is missing)
/// stands where the nearest thing around it does.
pub fn locate(text: &str, places: Vec<&mut Place>) {
    let chunks = split::split(text);
    let mut of_document: BTreeMap<usize, Vec<&mut Place>> = BTreeMap::new();
    for place in places.into_iter().filter(|place| place.columns.is_none()) {
        of_document.entry(place.line).or_default().push(place);
    }
    let mut chunks = chunks.iter().filter(|chunk| split::has_content(&text[chunk.start..chunk.end])).peekable();
    for (line, places) in of_document {
        while chunks
            .peek()
            .is_some_and(|chunk| chunk.line < line && chunk.line + lines(&text[chunk.start..chunk.end]) <= line)
        {
            chunks.next();
        }
        let Some(chunk) = chunks.peek() else { return };
        let mut document = &text[chunk.start..chunk.end];
        // JSON objects may follow each other in one document.
        for _ in chunk.line..line {
            document = document.split_once('\n').map_or("", |(_, rest)| rest);
        }
        let content: Vec<&str> = document.lines().collect();
        let Some(root) = tree(document) else {
            for place in places {
                line_of(place, &content);
            }
            continue;
        };
        for place in places {
            if place.object.is_none() && place.field.is_empty() {
                line_of(place, &content);
                continue;
            }
            let pointer = format!("{}{}", place.within, place.field);
            let node = find(&root, &pointer);
            let (at, column) = node.start;
            let end = node.end.filter(|(end, to)| *end == at && *to > column).map(|(_, to)| to);
            let whole = || content.get(at.saturating_sub(1)).map_or(column + 1, |text| code(text).chars().count() + 1);
            place.line = line + at.saturating_sub(1);
            place.columns = Some((column, end.unwrap_or_else(whole).max(column + 1)));
        }
    }
}

/// Marks the line on which something starts, whatever is in it.
fn line_of(place: &mut Place, content: &[&str]) {
    let code = code(content.first().copied().unwrap_or_default());
    let blanks = code.chars().take_while(|c| c.is_whitespace()).count();
    place.columns = Some((blanks + 1, code.chars().count().max(blanks + 1) + 1));
}

fn lines(text: &str) -> usize {
    text.lines().count()
}

/// A line less its comment.
fn code(line: &str) -> &str {
    line.split(" #").next().unwrap_or_default().trim_end()
}

/// The node that a JSON pointer leads to, or the last one on the way that is there.
fn find<'n>(root: &'n Node, pointer: &str) -> &'n Node {
    let mut node = root;
    let mut rest = pointer;
    while let Some(path) = rest.strip_prefix('/') {
        let segment = path.split('/').next().unwrap_or_default();
        let key = unescaped(segment);
        // Of a key that is there twice, the last one counts.
        if let Some((_, inner)) = node.entries.iter().rev().find(|(name, _)| *name == key) {
            (node, rest) = (inner, &path[segment.len()..]);
            continue;
        }
        // A key with slashes in it, as it is.
        let is_next = |name: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let unescaped = node.entries.iter().rev().find(|(name, _)| !node.is_list && is_next(name));
        let Some((name, inner)) = unescaped else { break };
        (node, rest) = (inner, &path[name.len()..]);
    }
    node
}

/// A collection that is being read.
struct Open {
    node: Node,
    is_flow: bool,
    /// The key whose value comes next.
    key: Option<(String, Span)>,
}

/// The first document of a text; `None` where it is none.
fn tree(text: &str) -> Option<Node> {
    let spaced = if text.contains('\t') { text.replace('\t', " ") } else { String::new() };
    let text = if spaced.is_empty() { text } else { &spaced };
    let mut open: Vec<Open> = Vec::new();
    for (event, span) in Events::of(text, Options::default()).map_while(Result::ok) {
        let node = match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                let is_list = matches!(event, Event::SequenceStart(..));
                let node = Node { start: start(&span), end: None, entries: Vec::new(), is_list };
                open.push(Open { node, is_flow: span.end.index() > span.start.index(), key: None });
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let Open { mut node, is_flow, .. } = open.pop()?;
                node.end = is_flow.then(|| end(&span));
                node
            }
            Event::Scalar(ref value, style, ..) => {
                if let Some(parent) = open.last_mut().filter(|parent| !parent.node.is_list && parent.key.is_none()) {
                    parent.key = Some((value.to_string(), span));
                    continue;
                }
                let is_block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
                Node { start: start(&span), end: (!is_block).then(|| end(&span)), entries: Vec::new(), is_list: false }
            }
            Event::Alias(..) => {
                Node { start: start(&span), end: Some(end(&span)), entries: Vec::new(), is_list: false }
            }
            _ => continue,
        };
        let Some(parent) = open.last_mut() else { return Some(node) };
        if parent.node.is_list {
            let index = parent.node.entries.len().to_string();
            parent.node.entries.push((index, node));
        } else if let Some((key, span)) = parent.key.take() {
            // A value without a text of its own (`key:`) has its key's place.
            let ends = node.end.filter(|(line, column)| *line == span.start.line() && *column > end(&span).1);
            let node = Node { start: start(&span), end: ends.or(Some(end(&span))), ..node };
            parent.node.entries.push((key, node));
        }
    }
    None
}

fn start(span: &Span) -> (usize, usize) {
    (span.start.line(), span.start.col() + 1)
}

fn end(span: &Span) -> (usize, usize) {
    (span.end.line(), span.end.col() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is marked of a text for an object that starts on a line, as `line:text`.
    fn marked(text: &str, line: usize, within: &str, field: &str) -> String {
        let object = Some("Kind/name".into());
        let (within, field) = (within.into(), field.into());
        let mut place = Place { line, within, object, field, ..Place::default() };
        locate(text, vec![&mut place]);
        let (from, to) = place.columns.unwrap();
        let line = text.lines().nth(place.line - 1).unwrap();
        format!("{}:{}", place.line, line.chars().skip(from - 1).take(to - from).collect::<String>())
    }

    const POD: &str = "\
# a pod
---
apiVersion: v1
kind: Pod # a comment
metadata:
  name: a
  annotations:
    a.example/b: 'yes'
spec:
  containers:
  - name: web
    ports: [{containerPort: 80}, {containerPort: 81}]
    command:
    - \"é\" # c
    script: |
      text
";

    #[test]
    fn a_field_is_marked_from_its_key_to_the_end_of_its_value() {
        for (field, mark) in [
            ("/kind", "4:kind: Pod"),
            ("/metadata/name", "6:name: a"),
            ("/metadata/annotations/a.example~1b", "8:a.example/b: 'yes'"),
            ("/metadata/annotations/a.example/b", "8:a.example/b: 'yes'"),
            ("/spec", "9:spec"),
            ("/spec/containers/0", "11:name: web"),
            ("/spec/containers/0/ports/1", "12:{containerPort: 81}"),
            ("/spec/containers/0/ports/0/containerPort", "12:containerPort: 80"),
            ("/spec/containers/0/command/0", "14:\"é\""),
            ("/spec/containers/0/script", "15:script"),
        ] {
            assert_eq!(marked(POD, 3, "", field), mark, "{field}");
        }
    }

    #[test]
    fn what_is_missing_is_marked_where_it_should_be() {
        assert_eq!(marked(POD, 3, "", "/spec/containers/0/image"), "11:name: web");
        assert_eq!(marked(POD, 3, "", "/spec/selector/matchLabels"), "9:spec");
        assert_eq!(marked(POD, 3, "", ""), "3:apiVersion: v1");
    }

    #[test]
    fn items_of_lists_have_places_of_their_own() {
        let list = "kind: List\nitems:\n- kind: A\n- kind: B\n  metadata:\n    name: Bad\n";
        assert_eq!(marked(list, 1, "/items/1", "/metadata/name"), "6:name: Bad");
        assert_eq!(marked(list, 1, "/items/1", ""), "4:kind: B");
    }

    #[test]
    fn of_json_every_object_of_a_text_is_found() {
        let text = "{\n\t\"a\": {\"b\": 1}}\n{\"a\": {\"b\": 22}}\n";
        assert_eq!(marked(text, 1, "", "/a/b"), "2:\"b\": 1");
        assert_eq!(marked(text, 3, "", "/a/b"), "3:\"b\": 22");
    }

    #[test]
    fn a_key_that_is_there_twice_counts_where_it_is_last() {
        assert_eq!(marked("a: 1\nb: 2\na: 3\n", 1, "", "/a"), "3:a: 3");
    }
}
