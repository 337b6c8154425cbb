//! Text to values.

use std::borrow::Cow;
use std::fmt;

use granit_parser::{Event, Parser, ScalarStyle};
use serde::de::{self, Deserialize, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, MessageFormatter, UserMessageFormatter};

use super::YamlError;

/// How deep collections may nest, aliases expanded. The deepest CRD seen upstream has 31 levels; the limit keeps a
/// hostile text from exhausting the stack.
const MAX_DEPTH: usize = 256;

/// How deep a text is read on the caller's stack: a level takes up to 30 KB of it in a debug build, and a thread that
/// Rust starts has 2 MB. What is deeper is read again on a stack that is known to suffice.
const USUAL_DEPTH: usize = 40;

/// Room for [`MAX_DEPTH`] levels, with a margin of two. The system commits only what is used.
const DEEP_STACK: usize = 16 * 1024 * 1024;

/// How many nodes aliases may add to a text. Manifests have none; a configuration file has a few.
const MAX_ALIASED_EVENTS: usize = 100_000;

/// Reads one YAML document as Kubernetes does.
///
/// An empty or comment-only text is [`Value::Null`].
///
/// # Errors
///
/// When the text is not YAML, holds a second document, repeats a key, nests too deep, expands to too much through
/// aliases, or holds a number that JSON cannot (`.nan`, `.inf`, `1e400`).
pub fn parse(text: &str) -> Result<Value, YamlError> {
    match read::<Tree<USUAL_DEPTH>>(text, USUAL_DEPTH) {
        Err(error) if error.message == too_deep(USUAL_DEPTH) => parse_deep(text, error),
        result => result.map(|tree| tree.0),
    }
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
    let value = read_with::<Last>(text, USUAL_DEPTH, serde_saphyr::options::DuplicateKeyPolicy::LastWins)?;
    Ok((value.0, keys_twice(text)))
}

/// The keys that are there twice, in the order of the second ones.
fn keys_twice(text: &str) -> Vec<Twice> {
    struct Open {
        keys: Vec<(String, usize)>,
        is_map: bool,
        wants_key: bool,
    }
    let mut options = granit_parser::options! {};
    options.set_emit_comments(false);
    let mut open: Vec<Open> = Vec::new();
    let mut twice = Vec::new();
    for (event, span) in Parser::new_from_str_with_options(text, options).map_while(Result::ok) {
        let line = span.start.line();
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                // A collection in the place of a key is none that JSON has.
                if let Some(parent) = open.last_mut() {
                    parent.wants_key = !parent.wants_key;
                }
                let is_map = matches!(event, Event::MappingStart(..));
                open.push(Open { keys: Vec::new(), is_map, wants_key: true });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
            }
            Event::Scalar(value, ..) => {
                let Some(parent) = open.last_mut() else { continue };
                if parent.is_map && parent.wants_key {
                    match parent.keys.iter_mut().find(|(key, _)| *key == *value) {
                        Some((key, first)) => {
                            twice.push(Twice { key: key.clone(), first: *first, again: line });
                            *first = line;
                        }
                        None => parent.keys.push((value.into_owned(), line)),
                    }
                }
                parent.wants_key = !parent.wants_key;
            }
            Event::Alias(..) => {
                if let Some(parent) = open.last_mut() {
                    parent.wants_key = !parent.wants_key;
                }
            }
            _ => {}
        }
    }
    twice
}

fn parse_deep(text: &str, error: YamlError) -> Result<Value, YamlError> {
    let read_deep = || read::<Tree<MAX_DEPTH>>(text, MAX_DEPTH).map(|tree| tree.0);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(DEEP_STACK).spawn_scoped(scope, read_deep);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            _ => Err(error),
        }
    })
}

/// Reads a configuration file, which may nest 40 levels deep, into a type. With `deny_unknown_fields` on the type, the error names the unknown key and
/// stands at its line and column.
///
/// # Errors
///
/// As for [`parse`], and when the text does not have the shape of `T`.
pub fn parse_as<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    // First as a value: this bounds depth and size whatever `T` is, and finds non-finite numbers and doubled keys.
    read::<Tree<USUAL_DEPTH>>(text, USUAL_DEPTH)?;
    read(text, USUAL_DEPTH)
}

/// Reads a file that is compiled into the binary into a type: as [`parse_as`], but for what only a stranger's text needs.
///
/// # Errors
///
/// When the text does not have the shape of `T`; tests keep that from happening.
pub fn parse_own<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    read(text, USUAL_DEPTH)
}

fn read<T: DeserializeOwned>(text: &str, max_depth: usize) -> Result<T, YamlError> {
    read_with(text, max_depth, serde_saphyr::options::DuplicateKeyPolicy::Error)
}

fn read_with<T: DeserializeOwned>(
    text: &str,
    max_depth: usize,
    twice: serde_saphyr::options::DuplicateKeyPolicy,
) -> Result<T, YamlError> {
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
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_ALIASED_EVENTS },
        duplicate_keys: twice,
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Merge,
        non_finite_float_policy: serde_saphyr::options::NonFiniteFloatPolicy::Reject,
        legacy_octal_numbers: true,
        strict_booleans: false,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(&ended_as_in_go(text), options)
        .map_err(|error| explain(&error, text, max_depth))
}

/// go-yaml and libyaml add no line feed to a block scalar whose last line ends with the input; serde-saphyr does, as
/// YAML 1.2 says. Asking for that block to be stripped gives what they read.
fn ended_as_in_go(text: &str) -> Cow<'_, str> {
    if text.is_empty() || text.ends_with(['\n', '\r']) {
        return Cow::Borrowed(text);
    }
    let last_block = |as_go: bool| {
        let mut options = granit_parser::options! { block_scalar_eof_without_line_feed: as_go };
        options.set_emit_comments(false);
        Parser::new_from_str_with_options(text, options).map_while(Result::ok).filter_map(node_start).last()
    };
    match (last_block(true), last_block(false)) {
        (Some((start, as_go)), Some((_, as_spec))) if as_go != as_spec => {
            stripped(text, start).map_or(Cow::Borrowed(text), Cow::Owned)
        }
        _ => Cow::Borrowed(text),
    }
}

/// Where a block scalar's content starts, and its value; `None` for a parser event that is not a node.
fn node_start((event, span): (Event<'_>, granit_parser::Span)) -> Option<(usize, String)> {
    match event {
        Event::Scalar(value, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {
            Some((span.byte_range()?.start, value.into_owned()))
        }
        Event::Scalar(..) => Some((0, String::new())),
        _ => None,
    }
}

/// The text with the block scalar whose content starts at `content` marked `-`: strip the final line feed.
fn stripped(text: &str, content: usize) -> Option<String> {
    let mut head = text.get(..content)?.trim_end();
    // The content may be preceded by blank lines, its header by a comment on the same line.
    loop {
        let line = head.rfind('\n').map_or(0, |at| at + 1);
        let code = head[line..].split(" #").next().unwrap_or_default().trim_end();
        let marks = code.trim_end_matches(|c: char| c.is_ascii_digit() || c == '+' || c == '-');
        if marks.ends_with(['|', '>']) {
            let digits: String = code[marks.len()..].chars().filter(char::is_ascii_digit).collect();
            return Some(format!("{}{digits}-{}", &text[..line + marks.len()], &text[line + code.len()..]));
        }
        if line == 0 {
            return None;
        }
        head = &head[..line - 1];
    }
}

/// A value as Kubernetes reads it, at most `LIMIT` levels deep.
struct Tree<const LIMIT: usize>(Value);

impl<'de, const LIMIT: usize> Deserialize<'de> for Tree<LIMIT> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Node { left: LIMIT, limit: LIMIT, last: false }.deserialize(deserializer).map(Tree)
    }
}

/// A value of which the last of two keys counts.
struct Last(Value);

impl<'de> Deserialize<'de> for Last {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Node { left: USUAL_DEPTH, limit: USUAL_DEPTH, last: true }.deserialize(deserializer).map(Last)
    }
}

/// A node that may hold `left` more levels.
#[derive(Clone, Copy)]
struct Node {
    left: usize,
    limit: usize,
    /// Whether the last of two keys counts.
    last: bool,
}

impl Node {
    fn child<E: de::Error>(self) -> Result<Self, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Self { left, ..self }),
            None => Err(E::custom(too_deep(self.limit))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom(not_finite(&value.to_string())))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let child = self.child()?;
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(child)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let child = self.child()?;
        let mut entries = Map::new();
        while let Some(key) = map.next_key_seed(Key)? {
            // `1` and "1" are two keys in YAML and one in JSON.
            if !self.last && entries.contains_key(&key) {
                return Err(de::Error::custom(duplicate(&key)));
            }
            let value = map.next_value_seed(child)?;
            entries.insert(key, value);
        }
        Ok(Value::Object(entries))
    }
}

/// A mapping key, which sigs.k8s.io/yaml turns into a string when it is a number or a boolean.
#[derive(Clone, Copy)]
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Key {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping key that is a string, a number or a boolean")
    }

    fn visit_bool<E>(self, key: bool) -> Result<String, E> {
        Ok(key.to_string())
    }

    fn visit_i64<E>(self, key: i64) -> Result<String, E> {
        Ok(key.to_string())
    }

    fn visit_u64<E>(self, key: u64) -> Result<String, E> {
        Ok(key.to_string())
    }

    fn visit_f64<E>(self, key: f64) -> Result<String, E> {
        // sigs.k8s.io/yaml prints with 32 bits of precision.
        #[allow(clippy::cast_possible_truncation, reason = "this is what the API server does")]
        Ok((key as f32).to_string())
    }

    fn visit_str<E>(self, key: &str) -> Result<String, E> {
        Ok(key.to_owned())
    }

    fn visit_string<E>(self, key: String) -> Result<String, E> {
        Ok(key)
    }
}

fn explain(error: &Error, text: &str, max_depth: usize) -> YamlError {
    let mut error = error;
    while let Error::WithSnippet { error: inner, .. } | Error::AliasError { error: inner, .. } = error {
        error = inner;
    }
    let place = error.location().map(|at| (at.line(), at.column()));
    let (line, column) = place.filter(|(line, _)| *line > 0).unwrap_or((1, 1));
    let (mut line, mut column) =
        (usize::try_from(line).unwrap_or(usize::MAX), usize::try_from(column).unwrap_or(usize::MAX));
    let mut message = in_words(error, max_depth);
    if message.contains("found a tab") || message.starts_with("tab") {
        // The parser may still stand at the end of what came before the tab.
        if let Some(found) = tab_in_indentation(text, line) {
            (line, column) = found;
        }
        "a tab where only spaces may stand: YAML is indented with spaces".clone_into(&mut message);
    }
    YamlError { line, column, message: message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect() }
}

/// Line and column of the first tab that indents something, from line `from` on.
fn tab_in_indentation(text: &str, from: usize) -> Option<(usize, usize)> {
    text.lines().enumerate().skip(from.saturating_sub(1)).find_map(|(at, line)| {
        let blanks = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        if blanks.len() == line.len() { None } else { blanks.find('\t').map(|column| (at + 1, column + 1)) }
    })
}

fn in_words(error: &Error, max_depth: usize) -> String {
    match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => duplicate(key),
        Error::DuplicateMappingKey { key: None, .. } => "a key is given twice in the same mapping".to_owned(),
        Error::MultipleDocuments { .. } => "a second document starts here; one is expected".to_owned(),
        Error::NonFiniteFloat { value, .. } => not_finite(value),
        Error::RecursiveReferencesRequireWeakTypes { .. } => "an alias refers to the collection it is in".to_owned(),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => format!("aliases expand to more than {MAX_ALIASED_EVENTS} nodes"),
        Error::UnknownAnchor { .. } => "an alias refers to an anchor that is not defined before it".to_owned(),
        Error::Unexpected { expected, .. } => match *expected {
            "string scalar" => "expected a string".to_owned(),
            "mapping start" => "expected a mapping".to_owned(),
            "sequence start" => "expected a list".to_owned(),
            expected => format!("expected {expected}"),
        },
        Error::Eof { .. } => "the text ends too early, or is empty".to_owned(),
        Error::SerdeInvalidType { unexpected, expected, .. } if unexpected == "unit value" => {
            format!("expected {expected}, found nothing (null)")
        }
        Error::SerdeInvalidType { unexpected, expected, .. } => format!("expected {expected}, found {unexpected}"),
        Error::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
        Error::SerdeUnknownField { field, expected, .. } if expected.is_empty() => format!("unknown key `{field}`"),
        Error::SerdeUnknownField { field, expected, .. } => {
            format!("unknown key `{field}`; known are {}", expected.join(", "))
        }
        Error::Budget { breach, .. } => match breach {
            BudgetBreach::Depth { .. } => too_deep(max_depth),
            BudgetBreach::Aliases { .. }
            | BudgetBreach::Anchors { .. }
            | BudgetBreach::RecordedAnchorEvents { .. }
            | BudgetBreach::RecordedAnchorBytes { .. } => "too many anchors and aliases".to_owned(),
            BudgetBreach::MergeKeys { .. } => "too many merge keys".to_owned(),
            BudgetBreach::Documents { .. } => "a second document starts here; one is expected".to_owned(),
            _ => "the document is too large".to_owned(),
        },
        other => {
            let text = UserMessageFormatter.format_message(other);
            if text.contains("nest") || text.contains("recursion") { too_deep(max_depth) } else { text.into_owned() }
        }
    }
}

fn too_deep(limit: usize) -> String {
    format!("nested more than {limit} levels deep")
}

fn duplicate(key: &str) -> String {
    format!("the key `{key}` is given twice in the same mapping")
}

fn not_finite(value: &str) -> String {
    format!("`{value}` is a number that JSON, and so Kubernetes, cannot hold")
}
