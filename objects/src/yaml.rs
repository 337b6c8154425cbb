//! YAML in and out: the only place in knrender that knows how YAML text is read and written.
//!
//! Reading follows kubectl (sigs.k8s.io/yaml over go-yaml v2, so YAML 1.1): `yes` is true and `yEs` is not, `0420` is 272,
//! merge keys expand, and keys that are not strings become strings. Beyond that, what can only be a mistake or an attack is
//! an error with a line: duplicate keys, alias bombs, nesting without end, a second document.
//!
//! Writing quotes every string that any reader of YAML 1.1 or 1.2 could take for something else, so that what is written
//! here is read back as the same value by kubectl, by `PyYAML` and by [`parse`].
//!
//! `read` parses (`events` are what the parser says, `build` makes values of events, `typed` makes types of them, `resolve` says what a scalar is, `strict` refuses what
//! only kubectl refuses), `write` emits, and none does any I/O.

use std::fmt;

mod build;
pub mod events;
mod read;
mod resolve;
mod strict;
#[cfg(test)]
mod tests;
mod typed;
mod write;

pub use read::parse_into;
pub use read::{MAX_DEPTH, Twice, is_too_deep, parse, parse_as, parse_last, parse_own};
pub use resolve::plain_key;
pub use typed::Placed;
pub use write::{Style, detect_style, emit};
pub use write::{fits_literal, quoted};

/// Why a text is not the YAML that was asked for, and where. The user's (or upstream's) text is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// Line in the text, from 1.
    pub line: usize,
    /// Column in that line, in characters, from 1.
    pub column: usize,
    /// What is wrong, in one line of plain words.
    pub message: String,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for YamlError {}

/// A message without anything that would break its line.
fn one_line(message: &str) -> String {
    message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
