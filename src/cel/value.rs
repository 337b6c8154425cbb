//! Values.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::network::{Cidr, Url};
use super::{text, time};
use crate::fargate::quantity::Quantity;

/// A value.
#[derive(Clone, Debug)]
pub enum Value {
    /// Null.
    Null,
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A number.
    Double(f64),
    /// A text.
    Text(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A list.
    List(Arc<Vec<Value>>),
    /// A mapping, or an object.
    Map(Arc<BTreeMap<Key, Value>>),
    /// Nanoseconds.
    Duration(i64),
    /// Nanoseconds since 1970.
    Timestamp(i128),
    /// A quantity.
    Quantity(Quantity),
    /// A URL.
    Url(Arc<Url>),
    /// An address.
    Ip(IpAddr),
    /// A network.
    Cidr(Cidr),
    /// A version.
    Semver(Arc<semver::Version>),
    /// A form of texts, by its name.
    Format(Arc<str>),
    /// A value that may not be there.
    Optional(Option<Arc<Value>>),
    /// The name of a type.
    Type(Arc<str>),
}

/// A key of a mapping.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A boolean.
    Bool(bool),
    /// An integer of either kind.
    Int(i128),
    /// A text.
    Text(Arc<str>),
}

impl Key {
    /// A text.
    pub fn text(text: &str) -> Key {
        Key::Text(Arc::from(text))
    }

    /// The key that a value is.
    pub(super) fn of(value: &Value) -> Option<Key> {
        #[allow(clippy::cast_possible_truncation, clippy::float_cmp)] // whole numbers are the same as integers
        match value {
            Value::Bool(is) => Some(Key::Bool(*is)),
            Value::Int(number) => Some(Key::Int(i128::from(*number))),
            Value::Uint(number) => Some(Key::Int(i128::from(*number))),
            Value::Double(number) if number.trunc() == *number && number.abs() < 1e19 => {
                Some(Key::Int(*number as i128))
            }
            Value::Text(text) => Some(Key::Text(Arc::clone(text))),
            _ => None,
        }
    }

    /// The value that a key is.
    pub(super) fn value(&self) -> Value {
        match self {
            Key::Bool(is) => Value::Bool(*is),
            Key::Int(number) => match i64::try_from(*number) {
                Ok(number) => Value::Int(number),
                Err(_) => Value::Uint(u64::try_from(*number).unwrap_or(u64::MAX)),
            },
            Key::Text(text) => Value::Text(Arc::clone(text)),
        }
    }
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Value {
        Value::Text(Arc::from(text))
    }

    /// A list.
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(Arc::new(items))
    }

    /// A mapping.
    pub fn map(entries: BTreeMap<Key, Value>) -> Value {
        Value::Map(Arc::new(entries))
    }

    /// A value of JSON, of which nothing is known but what it shows.
    pub fn json(value: &crate::value::Value) -> Value {
        match value {
            crate::value::Value::Null => Value::Null,
            crate::value::Value::Bool(is) => Value::Bool(*is),
            crate::value::Value::Number(number) => match number.as_i64() {
                Some(number) => Value::Int(number),
                None => Value::Double(number.as_f64().unwrap_or_default()),
            },
            crate::value::Value::String(text) => Value::text(text),
            crate::value::Value::Array(items) => Value::list(items.iter().map(Value::json).collect()),
            crate::value::Value::Object(map) => {
                Value::map(map.iter().map(|(key, value)| (Key::text(key), Value::json(value))).collect())
            }
        }
    }

    /// The name of its type.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null_type",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Uint(_) => "uint",
            Value::Double(_) => "double",
            Value::Text(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::List(_) => "list",
            Value::Map(_) => "map",
            Value::Duration(_) => "google.protobuf.Duration",
            Value::Timestamp(_) => "google.protobuf.Timestamp",
            Value::Quantity(_) => "kubernetes.Quantity",
            Value::Url(_) => "kubernetes.URL",
            Value::Ip(_) => "net.IP",
            Value::Cidr(_) => "net.CIDR",
            Value::Semver(_) => "kubernetes.Semver",
            Value::Format(_) => "kubernetes.NamedFormat",
            Value::Optional(_) => "optional_type",
            Value::Type(_) => "type",
        }
    }

    /// Whether two values are equal; numbers of all kinds may be.
    pub(super) fn equals(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Text(a), Value::Text(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| a.equals(b)),
            (Value::Map(a), Value::Map(b)) => {
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| a.equals(b)))
            }
            (Value::Duration(a), Value::Duration(b)) => a == b,
            (Value::Timestamp(a), Value::Timestamp(b)) => a == b,
            (Value::Quantity(a), Value::Quantity(b)) => a == b,
            (Value::Url(a), Value::Url(b)) => a == b,
            (Value::Ip(a), Value::Ip(b)) => a == b,
            (Value::Cidr(a), Value::Cidr(b)) => a == b,
            (Value::Semver(a), Value::Semver(b)) => a == b,
            (Value::Format(a), Value::Format(b)) | (Value::Type(a), Value::Type(b)) => a == b,
            (Value::Optional(None), Value::Optional(None)) => true,
            (Value::Optional(Some(a)), Value::Optional(Some(b))) => a.equals(b),
            _ => compare_numbers(self, other) == Some(Ordering::Equal),
        }
    }

    /// The order of two values, where they have one.
    pub(super) fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
            (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
            (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
            _ => compare_numbers(self, other),
        }
    }

    /// What `string()` makes of it.
    pub(super) fn to_text(&self) -> Option<String> {
        Some(match self {
            Value::Bool(is) => is.to_string(),
            Value::Int(number) => number.to_string(),
            Value::Uint(number) => number.to_string(),
            Value::Double(number) => text::number(*number),
            Value::Text(text) => text.to_string(),
            Value::Bytes(bytes) => String::from_utf8(bytes.to_vec()).ok()?,
            Value::Duration(nanos) => time::show_duration(*nanos),
            Value::Timestamp(nanos) => time::show_timestamp(*nanos),
            Value::Ip(address) => address.to_string(),
            Value::Cidr(cidr) => format!("{}/{}", cidr.address, cidr.bits),
            _ => return None,
        })
    }

    /// How large it is, about, in the units of the budget.
    pub(super) fn weight(&self) -> u64 {
        let length = match self {
            Value::Text(text) => text.len() / 10,
            Value::Bytes(bytes) => bytes.len() / 10,
            Value::List(items) => items.len(),
            Value::Map(entries) => entries.len(),
            _ => 0,
        };
        length as u64
    }
}

fn compare_numbers(one: &Value, other: &Value) -> Option<Ordering> {
    let whole = |value: &Value| match value {
        Value::Int(number) => Some(i128::from(*number)),
        Value::Uint(number) => Some(i128::from(*number)),
        _ => None,
    };
    #[allow(clippy::cast_precision_loss)] // the integer is compared by its size, which is enough here
    let float = |value: &Value| match value {
        Value::Double(number) => Some(*number),
        other => whole(other).map(|number| number as f64),
    };
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => Some(one.cmp(&other)),
        _ => float(one)?.partial_cmp(&float(other)?),
    }
}
