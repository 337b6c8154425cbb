//! Cuts a YAML stream into documents. A scan of lines is exact: inside a document neither `---` nor `...` may stand in
//! the first column (YAML 1.2, section 9.1.2), not even in a block scalar.

/// One document of a stream: where its text is, and the line it starts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Byte offset of the first byte.
    pub start: usize,
    /// Byte offset behind the last byte.
    pub end: usize,
    /// 1-based line of the first byte.
    pub line: usize,
    /// What keeps kubectl from reading it, though it may be YAML, and the 1-based line of that.
    pub flaw: Option<(Flaw, usize)>,
}

/// What YAML has and kubectl, which cuts a stream at lines that start with `---`, has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The document starts on the line of its `---`.
    BehindMarker,
    /// A line starts with `---` and is no separator.
    Dashes,
    /// The document follows `...` without a `---`.
    BehindEnd,
}

impl Flaw {
    /// In words.
    pub fn why(self) -> &'static str {
        match self {
            Flaw::BehindMarker => {
                "kubectl reads nothing but a comment behind `---`; start the document on the next line"
            }
            Flaw::Dashes => {
                "kubectl takes a line that starts with `---` for a separator, and refuses this one; indent it"
            }
            Flaw::BehindEnd => "kubectl reads nothing between `...` and the next `---`: put `---` above this document",
        }
    }
}

/// The documents of `text`, in order, those without any content included. Separator lines belong to no document; what
/// follows `---` on its own line (a comment, a flow collection) belongs to the document that it opens.
pub fn split(text: &str) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let bytes = text.as_bytes();
    let mut open = Chunk { start: if text.starts_with('\u{feff}') { 3 } else { 0 }, end: 0, line: 1, flaw: None };
    let mut at = open.start;
    let mut line = 0;
    while at < bytes.len() {
        let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n + 1);
        line += 1;
        match bytes[at] {
            b'-' if is_marker(&bytes[at..end], *b"---") => {
                chunks.push(Chunk { end: at, ..open });
                let rest = text[at + 3..end].trim();
                let blank = usize::from(matches!(bytes.get(at + 3), Some(b' ' | b'\t')));
                let (start, first) = if rest.is_empty() { (end, line + 1) } else { (at + 3 + blank, line) };
                let flaw = (!rest.is_empty() && !rest.starts_with('#')).then_some((Flaw::BehindMarker, line));
                open = Chunk { start, end: 0, line: first, flaw };
            }
            b'-' if bytes[at..end].starts_with(b"---") => open.flaw = open.flaw.or(Some((Flaw::Dashes, line))),
            b'.' if is_marker(&bytes[at..end], *b"...") => {
                chunks.push(Chunk { end: at, ..open });
                open = Chunk { start: end, end: 0, line: line + 1, flaw: Some((Flaw::BehindEnd, line + 1)) };
            }
            // Directives between `...` and `---` are nothing to kubectl, and to us.
            b'%' if open.start == at && matches!(open.flaw, Some((Flaw::BehindEnd, _))) => {
                open = Chunk { start: end, end: 0, line: line + 1, flaw: Some((Flaw::BehindEnd, line + 1)) };
            }
            _ => {}
        }
        at = end;
    }
    chunks.push(Chunk { end: bytes.len(), ..open });
    chunks
}

/// Whether a document has content: a line that is neither blank nor a comment.
pub fn has_content(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with('#')
    })
}

fn is_marker(line: &[u8], marker: [u8; 3]) -> bool {
    // kubectl takes a comment that follows at once.
    let is_comment = marker[0] == b'-' && line.get(3) == Some(&b'#');
    line.starts_with(&marker) && (is_comment || matches!(line.get(3), None | Some(b' ' | b'\t' | b'\r' | b'\n')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(stream: &str) -> Vec<&str> {
        split(stream).iter().map(|c| &stream[c.start..c.end]).collect()
    }

    #[test]
    fn documents_are_cut_at_separator_lines_and_keep_their_bytes() {
        assert_eq!(texts("a: 1\n---\nb: 2\n"), ["a: 1\n", "b: 2\n"]);
        assert_eq!(texts("---\na: 1\n---\n\n---\nb: 2"), ["", "a: 1\n", "\n", "b: 2"]);
        assert_eq!(texts("a: 1\r\n---\r\nb: 2\r\n"), ["a: 1\r\n", "b: 2\r\n"]);
    }

    #[test]
    fn dashes_inside_a_document_do_not_cut_it() {
        assert_eq!(texts("a: |\n  ---\n  b\n----\n").len(), 1);
        assert_eq!(texts("a: ---\n --- \n").len(), 1);
    }

    #[test]
    fn what_follows_a_separator_on_its_line_belongs_to_the_next_document() {
        assert_eq!(texts("--- # first\na: 1\n--- {b: 2}\n"), ["", "# first\na: 1\n", "{b: 2}\n"]);
    }

    #[test]
    fn a_document_end_marker_ends_a_document() {
        assert_eq!(texts("a: 1\n...\n---\nb: 2\n"), ["a: 1\n", "", "b: 2\n"]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_document() {
        assert_eq!(texts("\u{feff}a: 1\n"), ["a: 1\n"]);
    }

    #[test]
    fn lines_are_counted_from_one() {
        let lines: Vec<_> = split("# c\na: 1\n---\nb: 2\n--- # x\nc: 3\n").iter().map(|c| c.line).collect();
        assert_eq!(lines, [1, 4, 5]);
    }

    #[test]
    fn what_kubectl_does_not_read_is_known() {
        let flaws = |stream: &str| split(stream).iter().map(|chunk| chunk.flaw).collect::<Vec<_>>();
        assert_eq!(flaws("---\na: 1\n--- # c\nb: 2\n---#c\n"), [None; 4]);
        assert_eq!(flaws("a: 1\n--- {b: 2}\n"), [None, Some((Flaw::BehindMarker, 2))]);
        assert_eq!(flaws("a: 'x\n----\ny'\n"), [Some((Flaw::Dashes, 2))]);
        assert_eq!(flaws("a: 1\n...\nb: 2\n---\nc: 3\n"), [None, Some((Flaw::BehindEnd, 3)), None]);
        assert_eq!(texts("a: 1\n...\n%YAML 1.1\n---\nb: 2\n"), ["a: 1\n", "", "b: 2\n"]);
        assert_eq!(texts("%YAML 1.1\n---\na: 1\n"), ["%YAML 1.1\n", "a: 1\n"]);
    }

    #[test]
    fn comments_and_blank_lines_are_no_content() {
        assert!(!has_content("# a\n\n  # b\n"));
        assert!(has_content("# a\nb: 1\n"));
    }
}
