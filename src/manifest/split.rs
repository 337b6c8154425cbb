//! Cuts a YAML stream into documents. A scan of lines is exact: inside a document neither `---` nor `...` may stand in
//! the first column (YAML 1.2, section 9.1.2), not even in a block scalar.

use super::ManifestError;

/// One document of a stream: where its text is, and the line it starts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Byte offset of the first byte.
    pub start: usize,
    /// Byte offset behind the last byte.
    pub end: usize,
    /// 1-based line of the first byte.
    pub line: usize,
}

/// The documents of `text`, in order, those without any content included. Separator lines belong to no document; what
/// follows `---` on its own line (a comment, a flow collection) belongs to the document that it opens.
pub fn split(source_name: &str, text: &str) -> Result<Vec<Chunk>, ManifestError> {
    let mut chunks = Vec::new();
    let bytes = text.as_bytes();
    let mut open = Chunk { start: if text.starts_with('\u{feff}') { 3 } else { 0 }, end: 0, line: 1 };
    let mut at = open.start;
    let mut line = 0;
    while at < bytes.len() {
        let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n + 1);
        line += 1;
        match bytes[at] {
            b'-' if is_marker(&bytes[at..end], *b"---") => {
                chunks.push(Chunk { end: at, ..open });
                let rest = &text[at + 3..end];
                let (start, first) = if rest.trim().is_empty() { (end, line + 1) } else { (at + 4, line) };
                open = Chunk { start, end: 0, line: first };
            }
            b'.' if is_marker(&bytes[at..end], *b"...") => {
                chunks.push(Chunk { end: at, ..open });
                open = Chunk { start: end, end: 0, line: line + 1 };
            }
            b'%' => {
                return Err(ManifestError::NotManifest {
                    source_name: source_name.to_owned(),
                    why: format!("line {line}: YAML directives (a line that starts with %) are not read by kubectl"),
                });
            }
            _ => {}
        }
        at = end;
    }
    chunks.push(Chunk { end: bytes.len(), ..open });
    Ok(chunks)
}

/// Whether a document has content: a line that is neither blank nor a comment.
pub fn has_content(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with('#')
    })
}

fn is_marker(line: &[u8], marker: [u8; 3]) -> bool {
    line.starts_with(&marker) && matches!(line.get(3), None | Some(b' ' | b'\t' | b'\r' | b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(stream: &str) -> Vec<&str> {
        split("test", stream).unwrap().iter().map(|c| &stream[c.start..c.end]).collect()
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
        let lines: Vec<_> =
            split("t", "# c\na: 1\n---\nb: 2\n--- # x\nc: 3\n").unwrap().iter().map(|c| c.line).collect();
        assert_eq!(lines, [1, 4, 5]);
    }

    #[test]
    fn a_directive_is_refused_with_its_line() {
        let error = split("core.yaml", "a: 1\n---\n%YAML 1.1\n---\n").unwrap_err().to_string();
        assert_eq!(error, "core.yaml: line 3: YAML directives (a line that starts with %) are not read by kubectl");
    }

    #[test]
    fn comments_and_blank_lines_are_no_content() {
        assert!(!has_content("# a\n\n  # b\n"));
        assert!(has_content("# a\nb: 1\n"));
    }
}
