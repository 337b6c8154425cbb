//! Text to types: configuration, catalog, rules, prices.
//!
//! The text becomes a tree whose nodes know where they stand, and types read themselves from it. A scalar is what the type asks
//! for, so that `knative: 1.10` keeps its zero; where the type takes anything, it is what kubectl would read.
//!
//! One tree for all types, and methods of a few lines: each is made anew for every type that is read, and that is what a binary
//! grows by.

use std::collections::BTreeMap;
use std::{fmt, slice};

use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;
use serde::{Deserialize, de};

use super::build::{at, duplicate, in_words, name_of};
use super::events::{self, Event, Events, ScalarStyle};
use super::resolve::{self, Scalar};
use super::{YamlError, one_line};
use crate::near::near;

/// A part of a text that remembers where it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed<T> {
    /// The 1-based line; 0 where it was read from no text.
    pub line: usize,
    /// The 1-based column; 0 where it was read from no text.
    pub column: usize,
    /// The part.
    pub value: T,
}

/// The name by which [`Placed`] asks for the place.
const PLACED: &str = "knrender::Placed";

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Placed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Both<T>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Both<T> {
            type Value = Placed<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Placed<T>, D::Error> {
                Ok(Placed { line: 0, column: 0, value: T::deserialize(deserializer)? })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Placed<T>, A::Error> {
                let missing = || de::Error::custom("a value with its place has three parts");
                let line = parts.next_element()?.ok_or_else(missing)?;
                let column = parts.next_element()?.ok_or_else(missing)?;
                Ok(Placed { line, column, value: parts.next_element()?.ok_or_else(missing)? })
            }
        }
        deserializer.deserialize_newtype_struct(PLACED, Both(std::marker::PhantomData))
    }
}

/// Reads one document that nests at most `max_depth` levels deep into a type.
pub(super) fn read<T: DeserializeOwned>(text: &str, max_depth: usize) -> Result<T, YamlError> {
    let tree = tree(text, max_depth)?;
    let read = match &tree {
        Some(root) => T::deserialize(root),
        None => T::deserialize(Nothing),
    };
    read.map_err(|wrong| {
        let (line, column) = wrong.place.unwrap_or((1, 1));
        YamlError { line, column, message: one_line(&wrong.message) }
    })
}

/// A node, and where it starts: line and column, from 1.
#[derive(Clone, Debug)]
struct Node {
    place: (usize, usize),
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Scalar { text: String, is_plain: bool, tag: Option<String> },
    List(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

/// A collection that has not ended.
struct Open {
    anchor: usize,
    node: Node,
    /// The key whose value comes next.
    key: Option<Node>,
    /// What `<<` names.
    merged: Vec<Node>,
}

fn tree(text: &str, max_depth: usize) -> Result<Option<Node>, YamlError> {
    let options = events::options! {
        block_nesting_limit: max_depth,
        flow_nesting_limit: max_depth,
        disallow_directives: true,
    };
    let mut open: Vec<Open> = Vec::new();
    let mut anchors: BTreeMap<usize, Node> = BTreeMap::new();
    let mut root = None;
    for event in Events::of(text, options) {
        let (event, span) = event.map_err(|error| in_words(&error, text, max_depth))?;
        let place = (span.start.line(), span.start.col() + 1);
        let (node, anchor) = match event {
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => {
                let is_list = matches!(event, Event::SequenceStart(..));
                let kind = if is_list { Kind::List(Vec::new()) } else { Kind::Mapping(Vec::new()) };
                open.push(Open { anchor, node: Node { place, kind }, key: None, merged: Vec::new() });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(Open { anchor, mut node, merged, .. }) = open.pop() else { continue };
                merged.into_iter().rev().for_each(|merged| node.merge(merged));
                (node, anchor)
            }
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.as_deref().map(name_of);
                let is_plain = style == ScalarStyle::Plain;
                (Node { place, kind: Kind::Scalar { text: text.into_owned(), is_plain, tag } }, anchor)
            }
            Event::Alias(id) => match anchors.get(&id) {
                Some(node) => (node.clone(), 0),
                None => return Err(at(span.start, "an alias refers to the collection it is in")),
            },
            Event::DocumentStart(..) if root.is_some() => {
                return Err(at(span.start, "a second document starts here; one is expected"));
            }
            _ => continue,
        };
        if anchor > 0 {
            anchors.insert(anchor, node.clone());
        }
        match open.last_mut() {
            None => root = Some(node),
            Some(Open { node: Node { kind: Kind::List(items), .. }, .. }) => items.push(node),
            Some(Open { key, node: Node { kind: Kind::Mapping(entries), .. }, merged, .. }) => match key.take() {
                None if node.scalar().is_some_and(|text| entries.iter().any(|(key, _)| key.scalar() == Some(text))) => {
                    return Err(at(span.start, duplicate(node.scalar().unwrap_or_default())));
                }
                None => *key = Some(node),
                Some(key) if key.is_merge() => merged.push(node),
                Some(key) => entries.push((key, node)),
            },
            Some(_) => {}
        }
    }
    Ok(root)
}

impl Node {
    fn scalar(&self) -> Option<&str> {
        if let Kind::Scalar { text, .. } = &self.kind { Some(text) } else { None }
    }

    /// What a scalar is for a type that takes anything.
    fn resolved(&self) -> Result<Scalar<'_>, Wrong> {
        match &self.kind {
            Kind::Scalar { text, tag: Some(tag), .. } => {
                resolve::tagged(tag, text).map_err(|message| Wrong { place: Some(self.place), message })
            }
            Kind::Scalar { text, is_plain: true, .. } => Ok(resolve::plain(text)),
            Kind::Scalar { text, .. } => Ok(Scalar::Text(text.as_str().into())),
            Kind::List(_) | Kind::Mapping(_) => Err(self.expected("a scalar")),
        }
    }

    /// What a scalar is for a type that wants a number or a boolean, in quotes or not.
    fn plain(&self) -> Scalar<'_> {
        self.scalar().map_or(Scalar::Null, resolve::plain)
    }

    fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Scalar { .. }) && matches!(self.resolved(), Ok(Scalar::Null))
    }

    fn is_merge(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, is_plain: true, tag: None } if text == "<<")
    }

    /// Takes the entries of another mapping, or of each of a list, whose keys are not here.
    fn merge(&mut self, other: Node) {
        match (&mut self.kind, other.kind) {
            (Kind::Mapping(entries), Kind::Mapping(others)) => {
                for (key, value) in others {
                    if !entries.iter().any(|(known, _)| known.scalar() == key.scalar()) {
                        entries.push((key, value));
                    }
                }
            }
            (Kind::Mapping(_), Kind::List(others)) => others.into_iter().for_each(|other| self.merge(other)),
            _ => {}
        }
    }

    /// Gives a visitor the number that a scalar is.
    fn whole<'de, V: Visitor<'de>>(&self, what: &str, visitor: V) -> Result<V::Value, Wrong> {
        let read: Result<_, Wrong> = match self.plain() {
            Scalar::Int(value) if value < 0 => visitor.visit_i64(value),
            Scalar::Int(value) => visitor.visit_u64(value.unsigned_abs()),
            Scalar::Unsigned(value) => visitor.visit_u64(value),
            _ => return Err(self.expected(what)),
        };
        // A number that the type has no room for.
        read.map_err(|_| self.expected(what))
    }

    fn expected(&self, what: &str) -> Wrong {
        let found = match &self.kind {
            _ if self.is_null() => ", found nothing (null)".to_owned(),
            Kind::Scalar { text, .. } if what.contains("number") || what.starts_with("true") => {
                format!(", found `{text}`")
            }
            _ => String::new(),
        };
        Wrong { place: Some(self.place), message: format!("expected {what}{found}") }
    }
}

/// Why a tree is not of the shape that a type has.
#[derive(Debug)]
struct Wrong {
    place: Option<(usize, usize)>,
    message: String,
}

impl Wrong {
    /// The same, standing here, unless it is known to stand at something within.
    fn at(self, node: &Node) -> Wrong {
        Wrong { place: self.place.or(Some(node.place)), ..self }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Wrong {}

impl Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Wrong {
        Wrong { place: None, message: message.to_string() }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Wrong {
        match found {
            Unexpected::Unit => Wrong::custom(format_args!("expected {expected}, found nothing (null)")),
            found => Wrong::custom(format_args!("expected {expected}, found {found}")),
        }
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Wrong {
        let meant = near(variant, expected.iter().copied()).map(|near| format!("; did you mean `{near}`?"));
        Wrong::custom(format_args!("`{variant}` is none of {}{}", expected.join(", "), meant.unwrap_or_default()))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Wrong {
        let known = || expected.join(", ");
        Wrong::custom(match near(field, expected.iter().copied()) {
            _ if expected.is_empty() => format!("unknown key `{field}`"),
            // A long list would hide what was meant.
            Some(near) if expected.len() > 12 => format!("unknown key `{field}`; did you mean `{near}`?"),
            Some(near) => format!("unknown key `{field}`; did you mean `{near}`? Known are {}", known()),
            None => format!("unknown key `{field}`; known are {}", known()),
        })
    }

    fn missing_field(field: &'static str) -> Wrong {
        Wrong::custom(format_args!("the key `{field}` is missing"))
    }

    fn duplicate_field(field: &'static str) -> Wrong {
        Wrong::custom(duplicate(field))
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let read = match &self.kind {
            Kind::List(items) => visitor.visit_seq(Items(items.iter())),
            Kind::Mapping(entries) => visitor.visit_map(Entries { rest: entries.iter(), value: None }),
            Kind::Scalar { .. } => match self.resolved()? {
                Scalar::Null => visitor.visit_unit(),
                Scalar::Bool(value) => visitor.visit_bool(value),
                Scalar::Int(value) if value < 0 => visitor.visit_i64(value),
                Scalar::Int(value) => visitor.visit_u64(value.unsigned_abs()),
                Scalar::Unsigned(value) => visitor.visit_u64(value),
                Scalar::Float(value) => visitor.visit_f64(value),
                Scalar::Text(text) => visitor.visit_str(&text),
            },
        };
        read.map_err(|wrong: Wrong| wrong.at(self))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.plain() {
            Scalar::Bool(value) => visitor.visit_bool(value).map_err(|wrong: Wrong| wrong.at(self)),
            _ => Err(self.expected("true or false")),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.whole("a whole number", visitor)
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_i64(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.whole("a whole number that is not negative, and not too large", visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.whole("a whole number that is not negative, and not too large", visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.whole("a whole number that is not negative, and not too large", visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.whole("a whole number that is not negative, and not too large", visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.plain() {
            Scalar::Float(value) => visitor.visit_f64(value).map_err(|wrong: Wrong| wrong.at(self)),
            Scalar::Int(_) | Scalar::Unsigned(_) => self.deserialize_i64(visitor),
            _ => Err(self.expected("a number")),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.scalar() {
            Some(text) if !self.is_null() => visitor.visit_str(text).map_err(|wrong: Wrong| wrong.at(self)),
            _ => Err(self.expected("a string")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        if name == PLACED {
            visitor.visit_seq(Place { node: self, told: 0 })
        } else {
            visitor.visit_newtype_struct(self)
        }
        .map_err(|wrong: Wrong| wrong.at(self))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.kind {
            Kind::List(items) => visitor.visit_seq(Items(items.iter())).map_err(|wrong: Wrong| wrong.at(self)),
            _ => Err(self.expected("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.kind {
            Kind::Mapping(entries) => {
                visitor.visit_map(Entries { rest: entries.iter(), value: None }).map_err(|wrong: Wrong| wrong.at(self))
            }
            _ => Err(self.expected("a mapping")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match &self.kind {
            Kind::Scalar { text, .. } => {
                let name: StrDeserializer<'_, Wrong> = text.as_str().into_deserializer();
                visitor.visit_enum(name).map_err(|wrong: Wrong| wrong.at(self))
            }
            Kind::Mapping(entries) if entries.len() == 1 => {
                visitor.visit_enum(Variant(&entries[0])).map_err(|wrong: Wrong| wrong.at(self))
            }
            _ => Err(self.expected("a word")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 char bytes byte_buf unit unit_struct tuple tuple_struct }
}

/// The items of a list.
struct Items<'n>(slice::Iter<'n, Node>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        self.0.next().map(|node| seed.deserialize(node)).transpose()
    }
}

/// The entries of a mapping.
struct Entries<'n> {
    rest: slice::Iter<'n, (Node, Node)>,
    value: Option<&'n Node>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Wrong;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        match self.value.take() {
            Some(value) => seed.deserialize(value),
            None => Err(Wrong::custom("a value without a key")),
        }
    }
}

/// A variant with something in it: `{name: value}`.
struct Variant<'n>(&'n (Node, Node));

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Wrong;
    type Variant = &'de Node;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, &'de Node), Wrong> {
        let (name, value) = self.0;
        Ok((seed.deserialize(name)?, value))
    }
}

impl<'de> VariantAccess<'de> for &'de Node {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        if self.is_null() { Ok(()) } else { Err(self.expected("nothing")) }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Wrong> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Wrong> {
        self.deserialize_map(visitor)
    }
}

/// The three parts of a [`Placed`]: line, column, value.
struct Place<'n> {
    node: &'n Node,
    told: u8,
}

impl<'de> SeqAccess<'de> for Place<'de> {
    type Error = Wrong;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        self.told += 1;
        let (line, column) = self.node.place;
        match self.told {
            1 => seed.deserialize(line.into_deserializer()).map(Some),
            2 => seed.deserialize(column.into_deserializer()).map(Some),
            _ => seed.deserialize(self.node).map(Some),
        }
    }
}

/// A text without a document: nothing where nothing will do.
struct Nothing;

impl<'de> Deserializer<'de> for Nothing {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Wrong> {
        Err(Wrong::custom("the text ends too early, or is empty"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_none()
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_seq(Items([].iter()))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct
        tuple tuple_struct map struct enum identifier ignored_any
    }
}
