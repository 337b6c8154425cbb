//! Text to values.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

use super::build::{build, duplicate, not_finite, too_deep};
use super::{YamlError, one_line};
use crate::shown;
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
pub(crate) fn parse_into(text: &str, pool: &mut Pool) -> Result<Value, YamlError> {
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
    read(text)
}

/// Reads a file that is compiled into the binary into a type, by way of a value: the binary then has one reader of YAML for all of
/// these types.
///
/// # Errors
///
/// When the text does not have the shape of `T`; tests keep that from happening.
pub fn parse_own<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    let value = build(text, MAX_CONFIGURATION_DEPTH, false, &mut Pool::small())?.value;
    crate::value::from_value(value).map_err(|why| YamlError { line: 1, column: 1, message: why.to_string() })
}

/// As [`parse_own`], into a type that remembers where its parts stand.
///
/// # Errors
///
/// As for [`parse_own`].
pub fn parse_own_with_places<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    read(text)
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    let max_depth = MAX_CONFIGURATION_DEPTH;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: max_depth,
            flow_nesting_limit: max_depth,
            max_events: 20_000_000,
            max_nodes: 10_000_000,
            max_total_scalar_bytes: 512 * 1024 * 1024,
            max_documents: 2,
            enforce_alias_anchor_ratio: false,
        },
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::Error,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Merge,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::Reject,
        legacy_octal_numbers: true,
        strict_booleans: false,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| explain(&error))
}

fn explain(error: &Error) -> YamlError {
    let mut error = error;
    while let Error::WithSnippet { error: inner, .. } | Error::AliasError { error: inner, .. } = error {
        error = inner;
    }
    let place = error.location().map(|at| (at.line(), at.column()));
    let (line, column) = place.filter(|(line, _)| *line > 0).unwrap_or((1, 1));
    let (line, column) = (usize::try_from(line).unwrap_or(usize::MAX), usize::try_from(column).unwrap_or(usize::MAX));
    YamlError { line, column, message: one_line(&in_words(error)) }
}

fn in_words(error: &Error) -> String {
    match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => duplicate(key),
        Error::DuplicateMappingKey { key: None, .. } => "a key is given twice in the same mapping".to_owned(),
        Error::MultipleDocuments { .. } => "a second document starts here; one is expected".to_owned(),
        Error::NonFiniteFloat { value, .. } => not_finite(value),
        Error::Unexpected { expected, .. } => match *expected {
            "string scalar" => "expected a string".to_owned(),
            "mapping start" => "expected a mapping".to_owned(),
            "sequence start" => "expected a list".to_owned(),
            expected => format!("expected {expected}"),
        },
        Error::InvalidScalar { ty, .. } => match *ty {
            "boolean" => "expected true or false".to_owned(),
            ty if ty.starts_with('u') => "expected a whole number that is not negative, and not too large".to_owned(),
            ty if ty.starts_with('i') => "expected a whole number".to_owned(),
            ty if ty.starts_with('f') => "expected a number".to_owned(),
            ty => format!("expected {ty}"),
        },
        Error::ExternallyTaggedEnumExpectedScalarOrMapping { .. } => "expected a word".to_owned(),
        Error::SerdeUnknownVariant { variant, expected, .. } => {
            let near = shown::near(variant, expected.iter().copied());
            let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            format!("`{variant}` is none of {}{meant}", expected.join(", "))
        }
        Error::Eof { .. } => "the text ends too early, or is empty".to_owned(),
        Error::SerdeInvalidType { unexpected, expected, .. } if unexpected == "unit value" => {
            format!("expected {expected}, found nothing (null)")
        }
        Error::SerdeInvalidType { unexpected, expected, .. } => format!("expected {expected}, found {unexpected}"),
        Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
        Error::SerdeUnknownField { field, expected, .. } if expected.is_empty() => format!("unknown key `{field}`"),
        Error::SerdeUnknownField { field, expected, .. } => {
            match shown::near(field, expected.iter().copied()) {
                // A long list would hide what was meant.
                Some(near) if expected.len() > 12 => format!("unknown key `{field}`; did you mean `{near}`?"),
                Some(near) => {
                    format!("unknown key `{field}`; did you mean `{near}`? Known are {}", expected.join(", "))
                }
                None => format!("unknown key `{field}`; known are {}", expected.join(", ")),
            }
        }
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Depth { .. } => too_deep(MAX_CONFIGURATION_DEPTH),
            _ => "the document is too large".to_owned(),
        },
        other => UserMessageFormatter.format_message(other).into_owned(),
    }
}
