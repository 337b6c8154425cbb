//! Finding one's way in a text by lines: starts, ends, blank lines and comments.

/// A text and its lines. Offsets are bytes, and every answer is a character boundary.
#[derive(Clone, Copy)]
pub(super) struct Lines<'a> {
    source: &'a str,
}

impl<'a> Lines<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source }
    }

    pub(super) fn source(&self) -> &'a str {
        self.source
    }

    /// The line break of the text: that of its first line.
    pub(super) fn line_break(&self) -> &'static str {
        let first = &self.source[..self.end_of(0)];
        if first.ends_with("\r\n") { "\r\n" } else { "\n" }
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.source.as_bytes().get(at).copied()
    }

    /// Where the line that holds `at` starts.
    pub(super) fn start_of(&self, at: usize) -> usize {
        self.source.as_bytes()[..at].iter().rposition(|b| *b == b'\n').map_or(0, |line_feed| line_feed + 1)
    }

    /// Where the line after the one that holds `at` starts.
    pub(super) fn end_of(&self, at: usize) -> usize {
        let rest = &self.source.as_bytes()[at..];
        rest.iter().position(|b| *b == b'\n').map_or(self.source.len(), |line_feed| at + line_feed + 1)
    }

    /// `end`, the end of a line, without its line break.
    pub(super) fn without_break(&self, end: usize) -> usize {
        let text = &self.source[..end];
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.strip_suffix('\r').unwrap_or(text).len()
    }

    /// How many bytes stand before `at` in its line.
    pub(super) fn column(&self, at: usize) -> usize {
        at - self.start_of(at)
    }

    /// Whether only blanks stand before `at` in its line.
    pub(super) fn is_first_in_line(&self, at: usize) -> bool {
        self.source[self.start_of(at)..at].trim_matches([' ', '\t']).is_empty()
    }

    pub(super) fn skip_blanks(&self, at: usize) -> usize {
        at + self.source.as_bytes()[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
    }

    /// The first byte from `at` on that is neither white space nor part of a comment.
    pub(super) fn next_token(&self, mut at: usize) -> usize {
        loop {
            match self.byte(at) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
                Some(b'#') => at = self.end_of(at),
                _ => return at,
            }
        }
    }

    /// Where the comments start that belong to the node whose line starts at `line`: those directly above it, in its
    /// column, and not before `bound`.
    pub(super) fn with_comments_above(&self, line: usize, column: usize, bound: usize) -> usize {
        let mut start = line;
        while start > bound {
            let above = self.start_of(start - 1);
            if above < bound || self.comment_column(above) != Some(column) {
                break;
            }
            start = above;
        }
        start
    }

    /// Where the lines end that belong to the content that ends at `end`: its own, and comments below that are indented
    /// deeper than `column`.
    pub(super) fn with_comments_below(&self, end: usize, column: usize) -> usize {
        let mut end = self.end_of(end);
        while self.comment_column(end).is_some_and(|comment| comment > column) {
            end = self.end_of(end);
        }
        end
    }

    /// The first comment that has a line of its own between `from`, the start of a line, and `to`.
    pub(super) fn first_comment(&self, from: usize, to: usize) -> Option<usize> {
        let mut line = from;
        while line < to {
            if let Some(column) = self.comment_column(line) {
                return Some(line + column);
            }
            line = self.end_of(line);
        }
        None
    }

    /// The column of the `#` when the line that starts at `line` is a comment.
    pub(super) fn comment_column(&self, line: usize) -> Option<usize> {
        let at = self.skip_blanks(line);
        (self.byte(at) == Some(b'#')).then_some(at - line)
    }

    /// Whether the line that starts at `line` is blank; past the end of the text counts.
    pub(super) fn is_blank(&self, line: usize) -> bool {
        matches!(self.byte(self.skip_blanks(line)), None | Some(b'\r' | b'\n'))
    }
}
