//! From the events of a parser to a value, as go-yaml v2 and sigs.k8s.io/yaml build it.
//!
//! What the parser takes and go-yaml refuses is refused here too (`strict`), so that nothing is read that kubectl does not read.

use std::collections::{BTreeMap, BTreeSet};

use super::events::{self, ErrorKind, Event, Events, Marker, ScalarStyle, ScanError, Span, StructureStyle, Tag};
use super::resolve::{self, Scalar};
use super::strict::Strict;
use super::{Twice, YamlError};
use crate::value::{FEW, Map, Pool, Text, Value};

/// How many nodes aliases may add to a text, where a long one counts as many. Manifests have none; a configuration file has a few.
const MAX_ALIASED: usize = 100_000;

/// How many nodes may have an anchor, those in one another counted for each.
const MAX_ANCHORED: usize = 1_000_000;

/// What a text is.
#[derive(Debug)]
pub(super) struct Built {
    /// The value.
    pub(super) value: Value,
    /// The keys that are there twice, where that is allowed.
    pub(super) twice: Vec<Twice>,
}

/// Reads one document that nests at most `max_depth` levels deep. With `last`, the last of two keys counts.
pub(super) fn build(text: &str, max_depth: usize, last: bool, pool: &mut Pool) -> Result<Built, YamlError> {
    let options = events::options! {
        block_nesting_limit: max_depth,
        flow_nesting_limit: max_depth,
        disallow_directives: true,
    };
    let mut builder = Builder {
        max_depth,
        last,
        has_aliases: memchr::memchr(b'*', text.as_bytes()).is_some(),
        strict: Strict::new(text)?,
        pool,
        open: Vec::new(),
        items: Vec::new(),
        entries: Vec::new(),
        root: None,
        anchors: BTreeMap::new(),
        anchored: 0,
        aliased: 0,
        twice: Vec::new(),
    };
    let mut documents = 0;
    for event in Events::of(text, options) {
        let (event, span) = event.map_err(|error| in_words(&error, text, max_depth))?;
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(..) => documents += 1,
            _ if documents > 1 => return Err(at(span.start, "a second document starts here; one is expected")),
            event => builder.take(event, span)?,
        }
    }
    builder.strict.finish()?;
    Ok(Built { value: builder.root.unwrap_or_default(), twice: builder.twice })
}

struct Builder<'t, 'p> {
    max_depth: usize,
    /// Whether the last of two keys counts.
    last: bool,
    has_aliases: bool,
    strict: Strict<'t>,
    pool: &'p mut Pool,
    open: Vec<Open>,
    /// What stands in the lists that are open, those outside first.
    items: Vec<Value>,
    /// What stands in the mappings that are open, those outside first.
    entries: Vec<(Text, Value)>,
    root: Option<Value>,
    anchors: BTreeMap<usize, Anchored>,
    anchored: usize,
    aliased: usize,
    twice: Vec<Twice>,
}

/// A node with an anchor.
struct Anchored {
    value: Value,
    size: Size,
}

/// How much a node is.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    levels: usize,
}

/// A collection that has not ended.
struct Open {
    anchor: usize,
    size: Size,
    kind: Kind,
}

enum Kind {
    /// Its items start here.
    List(usize),
    Mapping(Mapping),
}

#[derive(Default)]
struct Mapping {
    /// Its entries start here.
    from: usize,
    /// Where the keys are among its entries, once there are many.
    places: BTreeMap<Text, usize>,
    /// Where each key stood, if the last of two counts.
    lines: BTreeMap<Text, usize>,
    /// Keys that only merged mappings have given so far.
    merged: BTreeSet<Text>,
    key: Option<Key>,
    /// The one key of a mapping in a list that has no braces: `[a:]`, which go-yaml reads as the text `a:`.
    word: Option<String>,
}

enum Key {
    Name(Text, Marker),
    Merge,
}

impl<'t> Builder<'t, '_> {
    fn take(&mut self, event: Event<'t>, span: Span) -> Result<(), YamlError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let colon = self.strict.scalar(&text, style, span, self.wants_key(), tag.is_some())?;
                let name = tag.as_deref().map(name_of);
                if self.wants_key() {
                    return self.key(&text, style, name.as_deref(), colon, span.start, anchor);
                }
                let found = Self::resolved(&text, style, name.as_deref(), span.start)?;
                let value = found.into_value(self.pool).ok_or_else(|| at(span.start, not_finite(&text)))?;
                self.end(value, Size { nodes: weight(&text), levels: 0 }, anchor, span.start)
            }
            Event::Alias(id) => {
                let Some(Anchored { value, size }) = self.anchors.get(&id) else {
                    return Err(at(span.start, "an alias refers to the collection it is in"));
                };
                let (value, size) = (value.clone(), *size);
                self.aliased += size.nodes;
                if self.aliased > MAX_ALIASED {
                    return Err(at(span.start, format!("aliases expand to more than {MAX_ALIASED} nodes")));
                }
                if self.open.len() + size.levels > self.max_depth {
                    return Err(at(span.start, too_deep(self.max_depth)));
                }
                if self.wants_key() {
                    let name = match value {
                        Value::String(text) => text,
                        Value::Bool(_) | Value::Number(_) => value.to_string().into(),
                        other => return Err(no_key(&other, span.start)),
                    };
                    return self.set_key(Key::Name(name, span.start));
                }
                self.end(value, size, 0, span.start)
            }
            Event::SequenceStart(style, anchor, _) => self.start(Kind::List(self.items.len()), style, anchor, span),
            Event::MappingStart(style, anchor, _) => {
                let mut mapping = Mapping { from: self.entries.len(), ..Mapping::default() };
                // The pair in `[a: b]` has no braces.
                let in_list = matches!(self.open.last(), Some(Open { kind: Kind::List(_), .. }));
                if style == StructureStyle::Flow && in_list && !self.strict.has_brace(span) {
                    mapping.word = Some(String::new());
                }
                self.start(Kind::Mapping(mapping), style, anchor, span)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.strict.close(span);
                let Some(Open { anchor, size, kind }) = self.open.pop() else { return Ok(()) };
                let value = match kind {
                    Kind::List(from) => Value::Array(self.pool.list(&mut self.items, from)),
                    Kind::Mapping(Mapping { word: Some(word), from, .. })
                        if !word.is_empty() && matches!(self.entries[from..], [(_, Value::Null)]) =>
                    {
                        self.entries.truncate(from);
                        word.into()
                    }
                    Kind::Mapping(mapping) => Value::Object(self.pool.map(&mut self.entries, mapping.from)),
                };
                let size = Size { nodes: size.nodes + 1, levels: size.levels + 1 };
                self.end(value, size, anchor, span.start)
            }
            _ => Ok(()),
        }
    }

    fn wants_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { kind: Kind::Mapping(Mapping { key: None, .. }), .. }))
    }

    fn start(&mut self, kind: Kind, style: StructureStyle, anchor: usize, span: Span) -> Result<(), YamlError> {
        if self.wants_key() {
            let found = if matches!(kind, Kind::List(_)) { Value::from([Value::Null; 0]) } else { Map::new().into() };
            return Err(no_key(&found, span.start));
        }
        if self.open.len() >= self.max_depth {
            return Err(at(span.start, too_deep(self.max_depth)));
        }
        self.strict.open(style, span)?;
        self.open.push(Open { anchor, size: Size::default(), kind });
        Ok(())
    }

    fn resolved<'s>(
        text: &'s str,
        style: ScalarStyle,
        tag: Option<&str>,
        from: Marker,
    ) -> Result<Scalar<'s>, YamlError> {
        match tag {
            Some(tag) => resolve::tagged(tag, text).map_err(|why| at(from, why)),
            None if style == ScalarStyle::Plain => Ok(resolve::plain(text)),
            None => Ok(Scalar::Text(text.into())),
        }
    }

    fn key(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&str>,
        colon: bool,
        from: Marker,
        anchor: usize,
    ) -> Result<(), YamlError> {
        if text == "<<" && (tag.is_none() && style == ScalarStyle::Plain || tag == Some("tag:yaml.org,2002:merge")) {
            return self.set_key(Key::Merge);
        }
        if colon {
            let name = format!("{text}:");
            if let Some(Open { kind: Kind::Mapping(Mapping { word: Some(word), .. }), .. }) = self.open.last_mut() {
                word.clone_from(&name);
            }
            return self.set_key(Key::Name(name.into(), from));
        }
        let found = Self::resolved(text, style, tag, from)?;
        if anchor > 0 {
            let value = found.clone().into_value(self.pool).unwrap_or_default();
            self.anchors.insert(anchor, Anchored { value, size: Size { nodes: weight(text), levels: 0 } });
        }
        let is_null = found == Scalar::Null;
        let no_name = || no_key(&if is_null { Value::Null } else { text.into() }, from);
        let name = found.into_key().ok_or_else(no_name)?;
        let name = self.pool.text(&name);
        self.set_key(Key::Name(name, from))
    }

    fn set_key(&mut self, new: Key) -> Result<(), YamlError> {
        let Some(Open { kind: Kind::Mapping(mapping), size, .. }) = self.open.last_mut() else { return Ok(()) };
        if let Key::Name(name, from) = &new {
            size.nodes += weight(name);
            if mapping.place(&self.entries, name).is_some() && !mapping.merged.remove(name) {
                if !self.last {
                    return Err(at(*from, duplicate(name)));
                }
                let first = mapping.lines.get(name).copied().unwrap_or_default();
                self.twice.push(Twice { key: name.to_string(), first, again: from.line() });
            }
            if self.last {
                mapping.lines.insert(name.clone(), from.line());
            }
        }
        mapping.key = Some(new);
        Ok(())
    }

    /// A node has ended: it is kept for its aliases, and put where it stands.
    fn end(&mut self, value: Value, size: Size, anchor: usize, from: Marker) -> Result<(), YamlError> {
        if anchor > 0 && self.has_aliases {
            self.anchored += size.nodes;
            if self.anchored > MAX_ANCHORED {
                return Err(at(from, "too many anchors and aliases"));
            }
            self.anchors.insert(anchor, Anchored { value: value.clone(), size });
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(value);
            return Ok(());
        };
        parent.size.nodes += size.nodes;
        parent.size.levels = parent.size.levels.max(size.levels);
        match &mut parent.kind {
            Kind::List(_) => self.items.push(value),
            Kind::Mapping(mapping) => match mapping.key.take() {
                Some(Key::Name(name, _)) => mapping.insert(&mut self.entries, name, value),
                Some(Key::Merge) => mapping.merge(&mut self.entries, value, from)?,
                None => {}
            },
        }
        Ok(())
    }
}

impl Mapping {
    /// Where a key stands in `entries`.
    fn place(&self, entries: &[(Text, Value)], key: &str) -> Option<usize> {
        if entries.len() - self.from > FEW {
            return self.places.get(key).copied();
        }
        entries[self.from..].iter().position(|(own, _)| own == key).map(|place| self.from + place)
    }

    /// Adds an entry, or gives the key that is there another value.
    fn insert(&mut self, entries: &mut Vec<(Text, Value)>, key: Text, value: Value) {
        if let Some(place) = self.place(entries, &key) {
            entries[place].1 = value;
            return;
        }
        entries.push((key, value));
        let new = match entries.len() - self.from {
            0..=FEW => return,
            count if count == FEW + 1 => self.from,
            _ => entries.len() - 1,
        };
        self.places.extend(entries[new..].iter().enumerate().map(|(i, (key, _))| (key.clone(), new + i)));
    }

    /// What stands in a mapping that is merged takes the place of what was before, as in go-yaml; of several, the first wins.
    fn merge(&mut self, entries: &mut Vec<(Text, Value)>, value: Value, from: Marker) -> Result<(), YamlError> {
        let all = match value {
            Value::Object(map) => vec![map],
            Value::Array(items) => {
                let maps =
                    items.into_iter().rev().map(|item| if let Value::Object(map) = item { Some(map) } else { None });
                maps.collect::<Option<Vec<_>>>().ok_or_else(|| no_merge(from))?
            }
            _ => return Err(no_merge(from)),
        };
        for (key, value) in all.into_iter().flatten() {
            if self.place(entries, &key).is_none() {
                self.merged.insert(key.clone());
            }
            self.insert(entries, key, value);
        }
        Ok(())
    }
}

/// As how many nodes a text counts.
fn weight(text: &str) -> usize {
    1 + text.len() / 100
}

/// A tag in full.
pub(super) fn name_of(tag: &Tag) -> String {
    format!("{}{}", tag.handle(), tag.suffix())
}

pub(super) fn at(place: Marker, message: impl Into<String>) -> YamlError {
    YamlError { line: place.line().max(1), column: place.col() + 1, message: super::one_line(&message.into()) }
}

fn no_merge(from: Marker) -> YamlError {
    at(from, "a merge (`<<`) takes a mapping or a list of mappings")
}

fn no_key(found: &Value, from: Marker) -> YamlError {
    let found = match found {
        Value::Null => "nothing (null)",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
        _ => "a number that is too large",
    };
    at(from, format!("expected a mapping key that is a string, a number or a boolean, found {found}"))
}

pub(super) fn too_deep(limit: usize) -> String {
    format!("nested more than {limit} levels deep")
}

pub(super) fn duplicate(key: &str) -> String {
    format!("the key `{key}` is given twice in the same mapping")
}

pub(super) fn not_finite(value: &str) -> String {
    format!("`{value}` is a number that JSON, and so Kubernetes, cannot hold")
}

pub(super) fn in_words(error: &ScanError, text: &str, max_depth: usize) -> YamlError {
    let place = *error.marker();
    let message = match error.kind() {
        ErrorKind::UnknownAnchor => "an alias refers to an anchor that is not defined before it".to_owned(),
        ErrorKind::RecursionLimitExceeded => too_deep(max_depth),
        ErrorKind::DirectiveDisallowed | ErrorKind::MissingDocumentEndBeforeDirective => {
            "YAML directives (a line that starts with %) are not read by kubectl".to_owned()
        }
        _ => error.info(),
    };
    if message.contains("found a tab") || message.starts_with("tab") {
        // The parser may still stand at the end of what came before the tab.
        let (line, column) =
            super::strict::tab_in_indentation(text, place.line()).unwrap_or((place.line(), place.col() + 1));
        return YamlError { line, column, message: super::strict::TAB.to_owned() };
    }
    at(place, message)
}
