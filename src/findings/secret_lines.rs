//! Lines of manifests that no report shows: what stands in a Secret is on them.

use std::ops::Range;

use crate::manifest::secret::{CONTENT, REPEATED};
use crate::manifest::split;
use crate::yaml::events::{Event, Events, Options, Span, StructureStyle};

/// Of some lines of a text, in their order and counted from 1, those on which nothing of a Secret's content stands. Only documents
/// that have one of the lines are read. One that speaks of Secrets and cannot be read, or that uses aliases, is hidden as a whole.
pub fn shown(text: &str, lines: &[usize]) -> Vec<usize> {
    // `Secret`, `secret` and `SecretList`.
    if lines.is_empty() || memchr::memmem::find(text.as_bytes(), b"ecret").is_none() {
        return lines.to_vec();
    }
    let mut shown = lines.to_vec();
    let chunks = split::split(text);
    for (i, chunk) in chunks.iter().enumerate() {
        let next = chunks.get(i + 1).map_or(usize::MAX, |next| next.line);
        let asked = lines.partition_point(|line| *line < chunk.line)..lines.partition_point(|line| *line < next);
        let document = &text[chunk.start..chunk.end];
        if asked.is_empty() || memchr::memmem::find(document.as_bytes(), b"ecret").is_none() {
            continue;
        }
        match secret_lines(&document.replace('\t', " ")) {
            Some(secret) => shown.retain(|line| {
                !(chunk.line..next).contains(line) || !secret.iter().any(|of| of.contains(&(line - chunk.line + 1)))
            }),
            None => shown.retain(|line| !(chunk.line..next).contains(line)),
        }
    }
    shown
}

/// A collection that is being read.
struct Open {
    is_list: bool,
    is_flow: bool,
    /// The key whose value comes next, and the line on which it starts.
    key: Option<(String, usize)>,
    /// Whether it says that it is a Secret, or is in a list of them.
    is_secret: bool,
    /// The lines of what would be the content of a Secret.
    content: Vec<Range<usize>>,
}

/// The lines on which the content of Secrets stands in a document, as ranges; `None` where that is not known.
fn secret_lines(document: &str) -> Option<Vec<Range<usize>>> {
    let mut secret = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for event in Events::of(document, Options::default()) {
        let (event, span) = event.ok()?;
        match event {
            // What it stands for is written somewhere else.
            Event::Alias(..) => return None,
            Event::MappingStart(style, ..) | Event::SequenceStart(style, ..) => {
                let is_list = matches!(event, Event::SequenceStart(..));
                let is_flow = style == StructureStyle::Flow;
                let is_secret = open.last().is_some_and(|of| of.is_secret && (is_list || of.is_list));
                open.push(Open { is_list, is_flow, key: None, is_secret, content: Vec::new() });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                let Open { is_flow, is_secret, content, .. } = open.pop()?;
                let end = if is_flow { span.end.line() + 1 } else { span.start.line() };
                if is_secret {
                    secret.extend(content);
                } else if let Some(of) = open.last_mut() {
                    // An annotation of what may turn out to be a Secret.
                    of.content.extend(content);
                }
                if let Some(of) = open.last_mut() {
                    of.ends(end);
                }
            }
            Event::Scalar(value, ..) => {
                let Some(of) = open.last_mut() else { continue };
                match &of.key {
                    None if !of.is_list => of.key = Some((value.into_owned(), span.start.line())),
                    key => {
                        of.is_secret |= key.as_ref().is_some_and(|(key, _)| key.eq_ignore_ascii_case("kind"))
                            && (value.eq_ignore_ascii_case("Secret") || value.eq_ignore_ascii_case("SecretList"));
                        of.ends(end_of(document, &span));
                    }
                }
            }
            _ => {}
        }
    }
    Some(secret)
}

/// The first line behind a scalar. That of a block ends where the next key begins.
fn end_of(document: &str, span: &Span) -> usize {
    let before = span.end.byte_offset().and_then(|end| document.get(..end)).unwrap_or_default();
    let is_next = before.trim_end_matches(' ').ends_with('\n');
    if is_next { span.end.line() } else { span.end.line() + 1 }
}

impl Open {
    /// The value of the key ends before a line.
    fn ends(&mut self, end: usize) {
        let Some((key, start)) = self.key.take() else { return };
        if key == REPEATED || CONTENT.iter().any(|content| key.eq_ignore_ascii_case(content)) {
            self.content.push(start..end.max(start + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of a text that are shown, as one text.
    fn seen(text: &str) -> String {
        let lines: Vec<usize> = (1..=text.lines().count()).collect();
        let all: Vec<&str> = text.lines().collect();
        shown(text, &lines).iter().map(|line| format!("{}\n", all[line - 1])).collect()
    }

    #[test]
    fn what_a_secret_holds_is_on_no_line_that_is_shown() {
        for (text, what) in [
            (
                "kind: Secret\ndata:\n  # p\n  a: hunter2\n  b: |\n    hunter2\n    hunter2\n# c\ntype: a\n",
                "kind: Secret\ntype: a\n",
            ),
            ("data:\n  a: 'x\n    hunter2'\ntype: a\nkind: Secret\n", "type: a\nkind: Secret\n"),
            ("stringData: {a: hunter2,\n  b: hunter2\n}\nkind: Secret\n", "kind: Secret\n"),
            ("{\"kind\": \"Secret\", \"data\": {\"a\": \"hunter2\"}}\n", ""),
            ("{\n\"kind\": \"Secret\",\n\t\"data\": {\"a\": \"hunter2\"}}\n", "{\n\"kind\": \"Secret\",\n"),
            ("Kind: secret\nData: {a: hunter2}\n", "Kind: secret\n"),
            ("kind: Secret\ndata: {a: hunter2}\ndata: {a: b}\n", "kind: Secret\n"),
            ("kind: SecretList\nitems:\n- data: {a: hunter2}\n- type: a\n", "kind: SecretList\nitems:\n- type: a\n"),
            ("items:\n- data:\n    a: hunter2\nkind: SecretList\n", "items:\nkind: SecretList\n"),
            (
                "kind: List\nitems:\n- data:\n    a: hunter2\n  kind: Secret\n- kind: A\n  data: {a: b}\n",
                "kind: List\nitems:\n  kind: Secret\n- kind: A\n  data: {a: b}\n",
            ),
            ("kind: Secret\ndata: |\n  hunter2\n  hunter2", "kind: Secret\n"),
            ("kind: Secret\ndata: |\n  hunter2\n\n\ntype: a\n", "kind: Secret\ntype: a\n"),
            (
                "metadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      hunter2\n  name: a\nkind: Secret\n",
                "metadata:\n  annotations:\n  name: a\nkind: Secret\n",
            ),
        ] {
            assert_eq!(seen(text), what, "{text}");
        }
    }

    #[test]
    fn where_it_is_not_known_what_a_secret_holds_nothing_is_shown() {
        for text in [
            "a: &b hunter2\nkind: Secret\ndata: {c: *b}\n",
            "kind: Secret\ndata: {a: hunter2\n",
            "{\"kind\": \"Secret\"}\n{\"data\": \"hunter2\"}\n",
        ] {
            assert_eq!(seen(text), "", "{text}");
        }
        let beside = "kind: A\n---\nkind: Secret\n b: [hunter2\n---\nkind: B\ndata: {secret: b}\n";
        assert_eq!(seen(beside), "kind: A\n---\nkind: B\ndata: {secret: b}\n");
    }
}
