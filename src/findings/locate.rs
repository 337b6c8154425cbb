//! Where in its file a finding's field stands. Nobody needs to know that before there are findings, so the documents that
//! have some are read once more, for places alone.

use std::borrow::Cow;
use std::ops::Range;

use super::Place;
use crate::manifest::split;
use crate::parallel;
use crate::value::unescaped;
use crate::yaml;
use crate::yaml::events::{Event, Events, Marker, Options, ScalarStyle, Span};

/// So many documents are read by one thread rather than by several.
const PARALLEL: usize = 16;

/// Puts lines and columns into the places of a part of a file, which are in the order of their lines. `before` is how many lines
/// the file has before this part. What is not in the text (a field that is missing) stands where the nearest thing around it does.
pub fn locate(text: &str, before: usize, places: &mut [&mut Place]) {
    let documents = documents(text, before, places);
    let spaced = if text.contains('\t') { Cow::Owned(text.replace('\t', " ")) } else { Cow::Borrowed(text) };
    let asked: &[&mut Place] = places;
    let of = |document: &Document| {
        let (text, nodes) = (&text[document.bytes.clone()], nodes(&spaced[document.bytes.clone()]));
        let asked = asked[document.places.clone()].iter().filter(|place| place.columns.is_none());
        asked.map(|place| mark(text, document.line, nodes.as_deref(), place)).collect::<Vec<_>>()
    };
    let marks = parallel::over(&documents, PARALLEL, || (), |(), part| part.iter().flat_map(of).collect::<Vec<_>>());
    let places = places.iter_mut().filter(|place| place.columns.is_none());
    for (place, mark) in places.zip(marks.into_iter().flatten()) {
        place.line = mark.line;
        place.columns = Some(mark.columns);
    }
}

/// What is marked.
struct Mark {
    line: usize,
    columns: (usize, usize),
}

/// An object that has findings.
struct Document {
    /// Where it starts, and where its document ends.
    bytes: Range<usize>,
    /// The line on which it starts.
    line: usize,
    /// Its places, among all.
    places: Range<usize>,
}

/// The documents that the places are in, from where their objects start.
fn documents(text: &str, before: usize, places: &[&mut Place]) -> Vec<Document> {
    let mut chunks = split::split(text);
    chunks.retain(|chunk| split::has_content(&text[chunk.start..chunk.end]));
    let mut documents: Vec<Document> = Vec::new();
    let (mut at, mut at_line) = (0, 0);
    for (i, place) in places.iter().enumerate().filter(|(_, place)| place.columns.is_none()) {
        if let Some(last) = documents.last_mut().filter(|last| last.line == place.line) {
            last.places.end = i + 1;
            continue;
        }
        let line = place.line.saturating_sub(before);
        let next = chunks.partition_point(|chunk| chunk.line <= line);
        let Some(chunk) = chunks.get(next.saturating_sub(1)) else { break };
        if at_line < chunk.line {
            (at, at_line) = (chunk.start, chunk.line);
        }
        // JSON objects may follow each other in one document.
        if let Some(lines) = line.checked_sub(at_line + 1) {
            let end = memchr::memchr_iter(b'\n', &text.as_bytes()[at..chunk.end]).nth(lines);
            (at, at_line) = (end.map_or(chunk.end, |end| at + end + 1), line);
        }
        // Where another object starts, the one before has ended.
        let is_object = place.object.is_some();
        if let Some(last) = documents.last_mut().filter(|last| is_object && last.bytes.end == chunk.end) {
            last.bytes.end = at;
        }
        documents.push(Document { bytes: at..chunk.end, line: place.line, places: i..i + 1 });
    }
    documents
}

/// Where a place is in a document, which starts on a line of the file.
fn mark(text: &str, line: usize, nodes: Option<&[Node<'_>]>, place: &Place) -> Mark {
    let is_whole = place.object.is_none() && place.field.is_empty();
    let found = nodes.filter(|_| !is_whole).and_then(|nodes| find(nodes, &format!("{}{}", place.within, place.field)));
    let Some(Node { start, end, .. }) = found else {
        // The line on which it starts, whatever is in it.
        let code = code(text);
        let blanks = code.chars().take_while(|c| c.is_whitespace()).count();
        return Mark { line, columns: (blanks + 1, code.chars().count().max(blanks + 1) + 1) };
    };
    let end = end.filter(|end| end.line == start.line && end.column > start.column).map(|end| end.column);
    let whole = || start.column + code(&text[start.byte..]).chars().count();
    let columns = (start.column, end.unwrap_or_else(whole).max(start.column + 1));
    Mark { line: line + start.line.saturating_sub(1), columns }
}

/// The first line of a text less its comment.
fn code(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.split(" #").next().unwrap_or_default().trim_end()
}

/// A place in a document.
#[derive(Clone, Copy)]
struct At {
    byte: usize,
    line: usize,
    column: usize,
}

/// A node of a document.
struct Node<'t> {
    /// Of which key it is the value, in a mapping.
    key: Option<Cow<'t, str>>,
    /// Where it starts: the key of a mapping's entry, or else the value.
    start: At,
    /// Where what is marked of it ends: the value, if that stands on the same line, or else the key.
    end: Option<At>,
    is_list: bool,
    /// The first node that is not in it.
    next: usize,
}

/// The node that a JSON pointer leads to, or the last one on the way that is there.
fn find<'n, 't>(nodes: &'n [Node<'t>], pointer: &str) -> Option<&'n Node<'t>> {
    let mut here = 0;
    let mut rest = pointer;
    while let Some(path) = rest.strip_prefix('/') {
        let segment = path.split('/').next().unwrap_or_default();
        let key = unescaped(segment);
        let Some(found) = below(nodes, here, &key) else {
            // A key with slashes in it, as it is.
            let is_next =
                |name: &str| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            let named = |at: &usize| nodes[*at].key.as_deref().is_some_and(is_next);
            let Some(found) = entries(nodes, here).filter(named).last() else { break };
            (here, rest) = (found, &path[nodes[found].key.as_deref().map_or(0, str::len)..]);
            continue;
        };
        (here, rest) = (found, &path[segment.len()..]);
    }
    nodes.get(here)
}

/// What is in a node.
fn entries(nodes: &[Node<'_>], of: usize) -> impl Iterator<Item = usize> {
    let end = nodes.get(of).map_or(0, |node| node.next);
    let is_in = move |at: usize| (at < end).then_some(at);
    std::iter::successors(is_in(of + 1), move |at| is_in(nodes[*at].next))
}

/// The value of a key, the last where it is there twice, or the item at a place.
fn below(nodes: &[Node<'_>], of: usize, key: &str) -> Option<usize> {
    if nodes.get(of)?.is_list {
        let place = key.parse::<usize>().ok().filter(|place| place.to_string() == key)?;
        return entries(nodes, of).nth(place);
    }
    entries(nodes, of).filter(|at| nodes[*at].key.as_deref() == Some(key)).last()
}

/// A collection that is being read.
struct Open<'t> {
    node: usize,
    is_flow: bool,
    /// The key whose value comes next, and where it stands.
    key: Option<(Cow<'t, str>, Span)>,
}

/// The nodes of the first document of a text, each before what is in it; `None` where there is none.
fn nodes(text: &str) -> Option<Vec<Node<'_>>> {
    let mut nodes: Vec<Node<'_>> = Vec::new();
    let mut open: Vec<Open<'_>> = Vec::new();
    for (event, span) in Events::of(text, Options::default()).map_while(Result::ok) {
        let is_list = matches!(event, Event::SequenceStart(..));
        match event {
            Event::Scalar(..) | Event::Alias(..) | Event::MappingStart(..) | Event::SequenceStart(..) => {}
            Event::MappingEnd | Event::SequenceEnd => {
                let Open { node, is_flow, .. } = open.pop()?;
                nodes[node].next = nodes.len();
                if is_flow {
                    nodes[node].ends(&span);
                }
                if open.is_empty() {
                    return Some(nodes);
                }
                continue;
            }
            _ => continue,
        }
        let mut key = None;
        if let Some(parent) = open.last_mut().filter(|parent| !nodes[parent.node].is_list) {
            key = parent.key.take();
            if let (Event::Scalar(value, style, ..), None) = (&event, &key) {
                let value = read_key(value, *style);
                parent.key = Some((value, span));
                continue;
            }
        }
        // A value without a text of its own (`key:`) has its key's place.
        let (key, start, end) = match key {
            Some((key, of_key)) => (Some(key), At::of(of_key.start), Some(At::of(of_key.end))),
            None => (None, At::of(span.start), None),
        };
        let node = nodes.len();
        nodes.push(Node { key, start, end, is_list, next: node + 1 });
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                open.push(Open { node, is_flow: span.end.index() > span.start.index(), key: None });
                continue;
            }
            Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {}
            _ => nodes[node].ends(&span),
        }
        if open.is_empty() {
            return Some(nodes);
        }
    }
    None
}

/// A key as it is read: `y` is `true`.
fn read_key<'t>(written: &Cow<'t, str>, style: ScalarStyle) -> Cow<'t, str> {
    let read = if style == ScalarStyle::Plain { yaml::plain_key(written) } else { None };
    match read {
        Some(read) if read != *written => Cow::Owned(read.into_owned()),
        _ => written.clone(),
    }
}

impl Node<'_> {
    /// Marks the value as well, if it ends on the line of its key.
    fn ends(&mut self, span: &Span) {
        let end = At::of(span.end);
        if self.end.is_none_or(|key| end.line == self.start.line && end.column > key.column) {
            self.end = Some(end);
        }
    }
}

impl At {
    fn of(marker: Marker) -> At {
        At { byte: marker.byte_offset().unwrap_or_default(), line: marker.line(), column: marker.col() + 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is marked of a text for an object that starts on a line, as `line:text`.
    fn marked(text: &str, line: usize, within: &str, field: &str) -> String {
        let object = Some("Kind/name".into());
        let (within, field) = (within.into(), field.into());
        let mut place = Place { line, within, object, field, ..Place::default() };
        locate(text, 0, &mut [&mut place]);
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
    fn a_key_that_yaml_reads_as_something_else_is_found_as_it_is_written() {
        let object = Some("ConfigMap/a".into());
        for (key, read) in [("y", "true"), ("0o17", "15"), ("'y'", "y")] {
            let mut place =
                Place { line: 1, object: object.clone(), field: format!("/data/{read}").into(), ..Place::default() };
            locate(&format!("data:\n  a: b\n  {key}: 2\n"), 0, &mut [&mut place]);
            assert_eq!((place.line, place.columns.map(|(from, _)| from)), (3, Some(3)), "{key}");
        }
    }

    #[test]
    fn a_line_in_an_object_that_is_marked_as_a_whole_does_not_end_the_object() {
        let object = Some("Kind/name".into());
        let mut place = Place { line: 1, object, field: "/c".into(), ..Place::default() };
        let mut whole = Place { line: 2, ..Place::default() };
        locate("a: 1\nb: 2\nc: 3\n", 0, &mut [&mut place, &mut whole]);
        assert_eq!((place.line, whole.line), (3, 2));
    }

    #[test]
    fn a_part_of_a_file_has_the_lines_of_the_file() {
        let object = Some("Kind/name".into());
        let mut place = Place { line: 12, object, field: "/b".into(), ..Place::default() };
        let mut other = Place { line: 15, field: "/d".into(), ..place.clone() };
        locate("---\na: 1\nb: 2\n---\n# c\nd: 3\n", 10, &mut [&mut place, &mut other]);
        assert_eq!((place.line, place.columns), (13, Some((1, 5))));
        assert_eq!((other.line, other.columns), (16, Some((1, 5))));
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
