//! A schema as rules in CEL see it: its types with their largest sizes, and values by it.
//! Source: k8s.io/apiserver/pkg/cel/common/schemas.go

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::value::{Map, Value};

use crate::cel::syntax::is_word;
use crate::cel::time;
use crate::cel::types::{Decl, DeclKind, Type};
use crate::cel::value::{Key, Value as Cel};

const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
/// The longest text of a request.
const LONGEST: u64 = 3 * 1024 * 1024 - 2;

fn is(schema: &Map, key: &str) -> bool {
    schema.get(key) == Some(&Value::Bool(true))
}

/// Whether a whole object stands here.
pub(super) fn is_embedded(schema: &Map) -> bool {
    is(schema, "x-kubernetes-embedded-resource")
}

fn bound(schema: &Map, key: &str) -> Option<u64> {
    schema.get(key).and_then(Value::as_i64).map(|bound| u64::try_from(bound).unwrap_or(0))
}

/// The type of a schema; `None` where rules see nothing.
pub(super) fn declared(schema: &Map, is_whole: bool) -> Option<Decl> {
    let plain = |kind: Type, most: u64, least_size: u64| Some(Decl { kind: DeclKind::Plain(kind), most, least_size });
    let longest = |otherwise: u64| bound(schema, "maxLength").map_or(otherwise, |most| most.saturating_mul(4));
    if is(schema, INT_OR_STRING) {
        return plain(Type::Dyn, longest(LONGEST), 1);
    }
    match schema.get("type").and_then(Value::as_str)? {
        "array" => {
            let items = schema.get("items")?.as_object()?;
            let of = declared(items, is_embedded(items))?;
            let most = bound(schema, "maxItems").unwrap_or(LONGEST / (of.least_size + 1));
            Some(Decl { kind: DeclKind::List(Arc::new(of)), most, least_size: 2 })
        }
        "object" => match schema.get("additionalProperties").and_then(Value::as_object).filter(|_| !is_whole) {
            Some(values) => {
                let of = declared(values, is_embedded(values))?;
                let most = bound(schema, "maxProperties").unwrap_or(LONGEST / (of.least_size + 6));
                Some(Decl { kind: DeclKind::Map(Arc::new(of)), most, least_size: 2 })
            }
            None => Some(object(schema, is_whole)),
        },
        "string" => match schema.get("format").and_then(Value::as_str).unwrap_or_default() {
            "byte" => plain(Type::Bytes, bound(schema, "maxLength").unwrap_or(LONGEST), 2),
            "duration" => plain(Type::Duration, 32, 3),
            "date" => plain(Type::Timestamp, 12, 12),
            "date-time" => plain(Type::Timestamp, 32, 21),
            _ => {
                let listed = schema.get("enum").and_then(Value::as_array).filter(|listed| !listed.is_empty());
                let listed = listed.map(|all| all.iter().filter_map(Value::as_str).map(str::len).max().unwrap_or(0));
                plain(Type::Text, longest(listed.map_or(LONGEST, |length| length as u64)), 2)
            }
        },
        "boolean" => plain(Type::Bool, 0, 4),
        "number" => plain(Type::Double, 0, 1),
        "integer" => plain(Type::Int, 0, 1),
        _ => None,
    }
}

fn object(schema: &Map, is_whole: bool) -> Decl {
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut fields = BTreeMap::new();
    let mut least_size = 2;
    for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let Some(property) = property.as_object() else { continue };
        let Some(of) = declared(property, is_embedded(property)) else { continue };
        if required.contains(&name.as_str()) && property.get("default").is_none_or(Value::is_null) {
            least_size += name.len() as u64 + of.least_size + 4;
        }
        if let Some(name) = escaped(name) {
            fields.insert(name, Arc::new(of));
        }
    }
    if is_whole {
        let text = Arc::new(Decl { kind: DeclKind::Plain(Type::Text), most: LONGEST, least_size: 2 });
        let names = ["name", "generateName"].map(|name| (name.to_owned(), Arc::clone(&text)));
        let metadata = Decl { kind: DeclKind::Object(BTreeMap::from(names)), most: 0, least_size: 2 };
        fields.insert("apiVersion".to_owned(), Arc::clone(&text));
        fields.insert("kind".to_owned(), text);
        fields.insert("metadata".to_owned(), Arc::new(metadata));
    }
    Decl { kind: DeclKind::Object(fields), most: 0, least_size }
}

/// A value as rules see it: fields by their escaped names, and values of the types that the schema says.
pub(super) fn convert(schema: &Map, value: &Value, is_root: bool) -> Cel {
    let nothing = Map::new();
    match value {
        Value::Null => Cel::Null,
        Value::Bool(is) => Cel::Bool(*is),
        Value::String(text) => from_text(schema, text),
        Value::Number(number) => {
            let as_number = schema.get("type").and_then(Value::as_str) == Some("number") && !is(schema, INT_OR_STRING);
            let whole = number.as_i64().or_else(|| whole(number.as_f64()?)).filter(|_| !as_number);
            whole.map_or_else(|| Cel::Double(number.as_f64().unwrap_or_default()), Cel::Int)
        }
        Value::Array(items) => {
            let of = schema.get("items").and_then(Value::as_object).unwrap_or(&nothing);
            Cel::list(items.iter().map(|item| convert(of, item, false)).collect())
        }
        Value::Object(map) => {
            let named = schema.get("properties").and_then(Value::as_object);
            let more = schema.get("additionalProperties").and_then(Value::as_object);
            let is_whole = is_root || is_embedded(schema);
            let entries = map.iter().filter_map(|(name, value)| {
                let property = named.and_then(|named| named.get(name)).and_then(Value::as_object);
                let found = match name.as_str() {
                    "apiVersion" | "kind" if is_whole => (name.to_string(), convert(&nothing, value, false)),
                    "metadata" if is_whole => (name.to_string(), metadata(value)),
                    _ => match (property, more) {
                        (Some(of), _) => (escaped(name)?, convert(of, value, false)),
                        (None, Some(of)) => (name.to_string(), convert(of, value, false)),
                        // Fields that no schema names cannot be seen by rules.
                        (None, None) => return None,
                    },
                };
                Some((Key::text(&found.0), found.1))
            });
            Cel::map(entries.collect())
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::float_cmp)] // whole numbers only
fn whole(number: f64) -> Option<i64> {
    (number.trunc() == number && number.abs() < 9e15).then_some(number as i64)
}

fn from_text(schema: &Map, text: &str) -> Cel {
    let typed = match schema.get("format").and_then(Value::as_str).filter(|_| !is(schema, INT_OR_STRING)) {
        Some("duration") => time::loose_duration(text).map(Cel::Duration),
        Some("date-time") => crate::time::rfc3339(text).map(Cel::Timestamp),
        Some("date") => time::date(text).map(Cel::Timestamp),
        Some("byte") => crate::kubernetes::format::base64(text).map(|bytes| Cel::Bytes(Arc::from(bytes))),
        _ => None,
    };
    typed.unwrap_or_else(|| Cel::text(text))
}

/// Of metadata, rules see the name only.
fn metadata(value: &Value) -> Cel {
    let named = ["name", "generateName"].into_iter().filter_map(|key| Some((key, value.get(key)?.as_str()?)));
    Cel::map(named.map(|(key, text)| (Key::text(key), Cel::text(text))).collect())
}

/// A field's name as rules write it; `None` where they cannot.
pub(super) fn escaped(name: &str) -> Option<String> {
    if is_word(name) {
        return Some(format!("__{name}__"));
    }
    let good = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '.' | '-' | '/');
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || !name.chars().all(good) {
        return None;
    }
    let name = name.replace("__", "__underscores__").replace('.', "__dot__");
    Some(name.replace('-', "__dash__").replace('/', "__slash__"))
}
