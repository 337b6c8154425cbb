//! What is to be changed in a text, as replacements of byte ranges.

use std::ops::Range;

use super::lines::Lines;

/// Replacements of byte ranges, in any order.
#[derive(Default)]
pub(super) struct Changes(Vec<(Range<usize>, String)>);

impl Changes {
    pub(super) fn insert(&mut self, at: usize, text: String) {
        self.0.push((at..at, text));
    }

    pub(super) fn delete(&mut self, range: Range<usize>) {
        self.0.push((range, String::new()));
    }

    /// Replaces a range, unless it says the same already.
    pub(super) fn replace(&mut self, lines: Lines<'_>, range: Range<usize>, text: String) {
        if lines.source()[range.clone()] != text {
            self.0.push((range, text));
        }
    }

    /// The text with all changes; `None` when two of them are about the same bytes.
    pub(super) fn applied_to(mut self, source: &str) -> Option<String> {
        // Stable: what is inserted at one place stays in order, and comes before what is deleted from there on.
        self.0.sort_by_key(|(range, _)| (range.start, range.end));
        let mut text = String::with_capacity(source.len() + 256);
        let mut at = 0;
        for (range, new) in &self.0 {
            text.push_str(source.get(at..range.start)?);
            text.push_str(new);
            at = range.end;
        }
        text.push_str(source.get(at..)?);
        Some(text)
    }
}
