//! What the parser takes and go-yaml v2 does not, or reads as something else. Each is looked for where it can stand only.

use super::YamlError;
use super::build::at;
use super::events::{Marker, ScalarStyle, Span, StructureStyle};

/// Tabs that indent.
pub(super) const TAB: &str = "a tab where only spaces may stand: YAML is indented with spaces";

/// Watches the nodes of a text as they come.
pub(super) struct Strict<'t> {
    text: &'t str,
    has_tabs: bool,
    /// The text has a character that ends a line in YAML 1.1 and none in 1.2.
    has_breaks: bool,
    /// How many flow collections are open, and where the outermost starts.
    flow: Vec<usize>,
    collections: Vec<StructureStyle>,
    /// Where tabs and line breaks of any kind may stand: in quotes and in flow collections.
    shielded: Vec<(usize, usize)>,
}

impl<'t> Strict<'t> {
    pub(super) fn new(text: &'t str) -> Result<Self, YamlError> {
        let bytes = text.as_bytes();
        let has_breaks = memchr::memmem::find(bytes, "\u{85}".as_bytes()).is_some()
            || memchr::memmem::find(bytes, &"\u{2028}".as_bytes()[..2]).is_some();
        let strict = Self {
            text,
            has_tabs: memchr::memchr(b'\t', bytes).is_some(),
            has_breaks,
            flow: Vec::new(),
            collections: Vec::new(),
            shielded: Vec::new(),
        };
        match text.find('\u{85}') {
            Some(found) if has_breaks => {
                Err(strict.error(found, "U+0085 ends a line for kubectl; write it as \"\\N\""))
            }
            _ => Ok(strict),
        }
    }

    /// Whether a brace stands where a mapping starts.
    pub(super) fn has_brace(&self, span: Span) -> bool {
        span.byte_range().is_some_and(|range| self.text[range.start..].starts_with('{'))
    }

    pub(super) fn open(&mut self, style: StructureStyle, span: Span) -> Result<(), YamlError> {
        let start = start_of(span);
        if style == StructureStyle::Flow {
            self.indentation(start)?;
            self.flow.push(start);
        }
        self.collections.push(style);
        Ok(())
    }

    pub(super) fn close(&mut self, span: Span) {
        if self.collections.pop() == Some(StructureStyle::Flow) {
            let start = self.flow.pop().unwrap_or_default();
            if self.flow.is_empty() && (self.has_tabs || self.has_breaks) {
                self.shielded.push((start, span.byte_range().map_or(start, |range| range.end)));
            }
        }
    }

    /// Looks at a scalar. Whether it is a key in a flow collection whose colon go-yaml takes for a part of it: `{a:}`.
    pub(super) fn scalar(
        &mut self,
        value: &str,
        style: ScalarStyle,
        span: Span,
        is_key: bool,
        has_tag: bool,
    ) -> Result<bool, YamlError> {
        let Some(range) = span.byte_range() else { return Ok(false) };
        let source = &self.text[range.clone()];
        if !self.flow.is_empty() {
            let rest = &self.text[range.end..];
            if has_tag && source.is_empty() && rest.starts_with([',', ']', '}']) {
                return Err(at(
                    span.start,
                    "kubectl takes what follows this tag for a part of it; put a space behind it",
                ));
            }
            let colon = rest.trim_start();
            if is_key && colon.starts_with(':') && self.text[range.start..self.text.len() - colon.len()].contains('\n')
            {
                return Err(at(span.start, "a key in braces, and its colon, stand on one line for kubectl"));
            }
        }
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded => {
                if self.has_tabs && value.trim_start_matches('\n').starts_with('\t') && !self.has_indicator(range.start)
                {
                    return Err(at(
                        span.start,
                        "a tab where the text of a block starts: kubectl takes it for indentation",
                    ));
                }
            }
            ScalarStyle::DoubleQuoted => {
                self.indentation(range.start)?;
                self.shield(&range);
                if source.contains('\\')
                    && let Some((offset, why)) = wrong_escape(source)
                {
                    return Err(self.error(range.start + offset, why));
                }
            }
            ScalarStyle::SingleQuoted => {
                self.indentation(range.start)?;
                self.shield(&range);
            }
            ScalarStyle::Plain if source.is_empty() => {}
            ScalarStyle::Plain => {
                self.indentation(range.start)?;
                if !self.flow.is_empty() {
                    return self.flow_word(source, range.end, span.start, is_key);
                }
            }
        }
        Ok(false)
    }

    fn shield(&mut self, range: &std::ops::Range<usize>) {
        if self.flow.is_empty() && (self.has_tabs || self.has_breaks) {
            self.shielded.push((range.start, range.end));
        }
    }

    fn flow_word(&self, source: &str, end: usize, from: Marker, is_key: bool) -> Result<bool, YamlError> {
        if source.starts_with(':') {
            return Err(at(
                from,
                "kubectl reads no word that starts with a colon in braces or brackets; put it in quotes",
            ));
        }
        if source.contains('?') {
            return Err(at(from, "kubectl ends a word at a question mark in braces or brackets; put it in quotes"));
        }
        match self.text.as_bytes().get(end..end + 2) {
            Some([b':', b',' | b'}' | b']']) => Ok(is_key),
            Some([b':', b'[' | b'{' | b'?']) => {
                Err(at(from, "kubectl takes this colon for a part of the word; put a space behind it"))
            }
            _ => Ok(false),
        }
    }

    /// Whether a block's header says how far it is indented.
    fn has_indicator(&self, content: usize) -> bool {
        let head = self.text[..content].trim_end();
        let header = head.rsplit('\n').next().unwrap_or_default();
        let header = header.split(" #").next().unwrap_or_default().trim_end();
        header.trim_end_matches(['+', '-']).ends_with(|c: char| c.is_ascii_digit())
            || header.trim_end_matches(|c: char| c.is_ascii_digit()).len() < header.len()
    }

    /// No tab may stand between the start of a line, or a dash, and what follows.
    fn indentation(&self, start: usize) -> Result<(), YamlError> {
        if !self.has_tabs || !self.flow.is_empty() {
            return Ok(());
        }
        let before = &self.text[..start];
        let code = before.trim_end_matches([' ', '\t']);
        match before[code.len()..].find('\t') {
            Some(tab) if code.is_empty() || code.ends_with(['\n', '-', '?']) => Err(self.error(code.len() + tab, TAB)),
            _ => Ok(()),
        }
    }

    /// Looks at the lines between the nodes.
    pub(super) fn finish(&self) -> Result<(), YamlError> {
        // They stand in order, and none in another.
        let is_shielded = |at: usize| {
            let next = self.shielded.partition_point(|(_, end)| *end <= at);
            self.shielded.get(next).is_some_and(|(start, _)| *start <= at)
        };
        if self.has_tabs {
            let starts = memchr::memmem::find_iter(self.text.as_bytes(), b"\n\t").map(|at| at + 1);
            let first = self.text.starts_with('\t').then_some(0);
            if let Some(found) = first.into_iter().chain(starts).find(|at| !is_shielded(*at)) {
                return Err(self.error(found, TAB));
            }
        }
        if self.has_breaks {
            let found = self.text.match_indices(['\u{2028}', '\u{2029}']).find(|(at, _)| !is_shielded(*at));
            if let Some((at, _)) = found {
                return Err(self.error(at, "U+2028 and U+2029 end a line for kubectl; put the text in quotes"));
            }
        }
        Ok(())
    }

    fn error(&self, at: usize, message: &str) -> YamlError {
        let before = &self.text[..at];
        let line = memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        YamlError { line, column, message: message.to_owned() }
    }
}

fn start_of(span: Span) -> usize {
    span.byte_range().map_or(0, |range| range.start)
}

/// The first escape in double quotes that go-yaml does not know.
fn wrong_escape(source: &str) -> Option<(usize, &'static str)> {
    let bytes = source.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &bytes[at..]) {
        let slash = at + found;
        match bytes.get(slash + 1) {
            Some(b'/') => return Some((slash, "kubectl does not know the escape `\\/`; write a slash")),
            // The surrogates, U+D800 to U+DFFF.
            Some(b'u')
                if matches!(bytes.get(slash + 2), Some(b'd' | b'D'))
                    && matches!(bytes.get(slash + 3), Some(b'8' | b'9' | b'a'..=b'f' | b'A'..=b'F')) =>
            {
                return Some((
                    slash,
                    "kubectl does not read halves of a character (surrogates); write the character, or \\U and its number",
                ));
            }
            _ => {}
        }
        at = slash + 2;
        if at >= bytes.len() {
            break;
        }
    }
    None
}

/// Line and column of the first tab that indents something, from line `from` on.
pub(super) fn tab_in_indentation(text: &str, from: usize) -> Option<(usize, usize)> {
    text.lines().enumerate().skip(from.saturating_sub(1)).find_map(|(at, line)| {
        let blanks = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        if blanks.len() == line.len() { None } else { blanks.find('\t').map(|column| (at + 1, column + 1)) }
    })
}
