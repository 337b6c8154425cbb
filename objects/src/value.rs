//! Kubernetes objects in memory: JSON values that are small and cheap to copy.
//!
//! Names and behaviour are those of `serde_json::Value`: keys keep their order, numbers are its numbers, and the same text comes
//! out. What differs is the room that a value takes, since `validate` and `lint` hold whole repositories at once. Of 20,000
//! objects of 430 bytes each, `serde_json` made 15 times the input; the reasons, and what is done about them here:
//!
//! - A value of `serde_json` that keeps the order of keys has 72 bytes, and an entry of a mapping 104, beside the mapping's hash
//!   index. A [`Value`] has 16 and an entry 24: mappings, lists and texts are one pointer each ([`arcstr`] for texts, since a
//!   pointer of `Arc<str>` is twice as wide). A mapping is a flat list of entries, and only one with many keys has an index.
//! - Every key and text was its own allocation. Here they are shared: a `Pool` makes one of what is read again, texts and whole
//!   mappings and lists alike, as objects of one origin repeat each other (labels, probes, resources, ports).
//!
//! So a copy of a value costs a counter; who changes a value that is shared changes a copy, one level at a time.

mod convert;
mod index;
mod length;
mod list;
mod map;
mod pool;
#[cfg(test)]
mod tests;

use std::fmt;

pub use convert::{from_value, to_value};
pub use index::{Index, unescaped};
pub use length::{go_json_len, go_json_len_of_text, go_json_most};
pub use list::List;
pub use map::FEW;
pub use map::{Entry, Map};
pub use pool::Pool;
pub use serde_json::Number;

/// A text that is shared.
pub use arcstr::ArcStr as Text;

/// Any JSON value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A number, whole or not.
    Number(Number),
    /// A text.
    String(Text),
    /// A list.
    Array(List),
    /// A mapping.
    Object(Map),
}

/// Makes a [`Value`] of something that looks like JSON, as `serde_json::json!` does.
#[macro_export]
macro_rules! json {
    ($($json:tt)+) => { $crate::value::Value::from($crate::serde_json::json!($($json)+)) };
}
pub use crate::json;

impl Value {
    /// What stands below a key or at a place of a list, if there is anything.
    pub fn get<I: Index>(&self, index: I) -> Option<&Value> {
        index.of(self)
    }

    /// The same, to be changed.
    pub fn get_mut<I: Index>(&mut self, index: I) -> Option<&mut Value> {
        index.of_mut(self)
    }

    /// What a JSON pointer (RFC 6901) leads to.
    pub fn pointer(&self, pointer: &str) -> Option<&Value> {
        index::steps(pointer)?.try_fold(self, |value, step| match value {
            Value::Object(map) => map.get(&step),
            Value::Array(items) => items.get(index::place(&step)?),
            _ => None,
        })
    }

    /// The same, to be changed.
    pub fn pointer_mut(&mut self, pointer: &str) -> Option<&mut Value> {
        // Nothing is copied for a pointer that leads nowhere.
        self.pointer(pointer)?;
        index::steps(pointer)?.try_fold(self, |value, step| match value {
            Value::Object(map) => map.get_mut(&step),
            Value::Array(items) => items.get_mut(index::place(&step)?),
            _ => None,
        })
    }

    /// Takes the value and leaves null.
    #[must_use]
    pub fn take(&mut self) -> Value {
        std::mem::take(self)
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Value::String(text) = self { Some(text) } else { None }
    }

    /// True or false, if it is that.
    pub fn as_bool(&self) -> Option<bool> {
        if let Value::Bool(value) = self { Some(*value) } else { None }
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<&Number> {
        if let Value::Number(number) = self { Some(number) } else { None }
    }

    /// The number, if it is a whole one that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number().and_then(Number::as_i64)
    }

    /// The number, if it is a whole one that fits and is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number().and_then(Number::as_u64)
    }

    /// The number, if it is one.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number().and_then(Number::as_f64)
    }

    /// The list, if it is one.
    pub fn as_array(&self) -> Option<&Vec<Value>> {
        if let Value::Array(items) = self { Some(items) } else { None }
    }

    /// The list to be changed, if it is one.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Value>> {
        if let Value::Array(items) = self { Some(items) } else { None }
    }

    /// The mapping, if it is one.
    pub fn as_object(&self) -> Option<&Map> {
        if let Value::Object(map) = self { Some(map) } else { None }
    }

    /// The mapping to be changed, if it is one.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        if let Value::Object(map) = self { Some(map) } else { None }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Whether it is true or false.
    pub fn is_boolean(&self) -> bool {
        matches!(self, Value::Bool(_))
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Value::Number(_))
    }

    /// Whether it is a whole number that fits an `i64`.
    pub fn is_i64(&self) -> bool {
        self.as_number().is_some_and(Number::is_i64)
    }

    /// Whether it is a whole number that fits a `u64`.
    pub fn is_u64(&self) -> bool {
        self.as_number().is_some_and(Number::is_u64)
    }

    /// Whether it is a number with a point or an exponent.
    pub fn is_f64(&self) -> bool {
        self.as_number().is_some_and(Number::is_f64)
    }

    /// Whether it is a text.
    pub fn is_string(&self) -> bool {
        matches!(self, Value::String(_))
    }

    /// Whether it is a list.
    pub fn is_array(&self) -> bool {
        matches!(self, Value::Array(_))
    }

    /// Whether it is a mapping.
    pub fn is_object(&self) -> bool {
        matches!(self, Value::Object(_))
    }
}

/// JSON on one line; with `{:#}`, on several.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = if f.alternate() { serde_json::to_string_pretty(self) } else { serde_json::to_string(self) };
        f.write_str(&text.map_err(|_| fmt::Error)?)
    }
}
