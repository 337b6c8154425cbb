//! Text to values.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

use super::build::build;
use super::{YamlError, typed};
use crate::value::{Pool, Value};

/// How deep collections may nest, aliases expanded. The deepest CRD seen upstream has 31 levels; the limit keeps a
/// hostile text from exhausting the stack.
pub const MAX_DEPTH: usize = 256;

/// How deep a configuration file may nest.
const MAX_CONFIGURATION_DEPTH: usize = 40;

/// Reads one YAML document as kubectl does.
///
/// An empty or comment-only text is [`Value::Null`].
///
/// # Errors
///
/// When the text is not YAML, or is for this reader and not for kubectl's; when it holds a second document, repeats a key, nests too
/// deep, expands to too much through aliases, or holds a number that JSON cannot (`.nan`, `.inf`).
pub fn parse(text: &str) -> Result<Value, YamlError> {
    parse_into(text, &mut Pool::small())
}

/// Reads one YAML document as [`parse`] does, and shares what the pool knows.
///
/// # Errors
///
/// As for [`parse`].
pub fn parse_into(text: &str, pool: &mut Pool) -> Result<Value, YamlError> {
    build(&ended(text), MAX_DEPTH, false, pool).map(|built| built.value)
}

/// Whether a value nests deeper than what [`parse`] reads.
#[must_use]
pub fn is_too_deep(value: &Value) -> bool {
    fn is_deeper(value: &Value, limit: usize) -> bool {
        let Some(below) = limit.checked_sub(1) else { return value.is_array() || value.is_object() };
        match value {
            Value::Array(items) => items.iter().any(|item| is_deeper(item, below)),
            Value::Object(map) => map.values().any(|value| is_deeper(value, below)),
            _ => false,
        }
    }
    is_deeper(value, MAX_DEPTH)
}

/// The text with an end to its last line, which kubectl gives it too: a block scalar there has that line feed.
fn ended(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.ends_with('\n') { Cow::Borrowed(text) } else { Cow::Owned(format!("{text}\n")) }
}

/// A key that is there twice in one mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twice {
    /// The key.
    pub key: String,
    /// The 1-based line of the first.
    pub first: usize,
    /// The 1-based line of the second.
    pub again: usize,
}

/// Reads one YAML document as [`parse`] does, but the last of two keys counts, as for kubectl.
///
/// # Errors
///
/// As for [`parse`], but for keys that are there twice.
pub fn parse_last(text: &str) -> Result<(Value, Vec<Twice>), YamlError> {
    build(&ended(text), MAX_DEPTH, true, &mut Pool::small()).map(|built| (built.value, built.twice))
}

/// Reads a configuration file, which may nest 40 levels deep, into a type. With `deny_unknown_fields` on the type, the error names the unknown key and
/// stands at its line and column.
///
/// # Errors
///
/// As for [`parse`], and when the text does not have the shape of `T`.
pub fn parse_as<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    // First as a value: this bounds depth and size whatever `T` is, and finds non-finite numbers and doubled keys.
    build(text, MAX_CONFIGURATION_DEPTH, false, &mut Pool::small())?;
    typed::read(text, MAX_CONFIGURATION_DEPTH)
}

/// Reads a file that is compiled into the binary into a type.
///
/// # Errors
///
/// When the text does not have the shape of `T`; tests keep that from happening.
pub fn parse_own<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    typed::read(text, MAX_CONFIGURATION_DEPTH)
}
