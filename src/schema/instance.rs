//! An object against the schema of its CRD, as the API server does it: nulls are dropped and defaults filled in first, fields
//! that nothing names are refused (strict validation), and then values are checked.
//!
//! Not checked: the `metadata` of objects within the object, whose places are told.
//! Source: <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>

use crate::value::{Map, Value, json};

use super::{Problem, ProblemKind};
use crate::kubernetes::{format, names};
use crate::{pointer, regexp};

const KEEP: &str = "x-kubernetes-preserve-unknown-fields";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";

/// What is wrong with an object by the root schema of its version. Of `metadata`, names are looked at only, and neither is `status` where
/// it is a subresource, since the API server drops it.
pub fn problems(schema: &Value, object: &Value, status_is_dropped: bool) -> Checked {
    let Some((prepared, rest)) = prepared(schema, object, status_is_dropped) else { return Checked::default() };
    let mut walk = Walk::default();
    walk.node(&prepared, &rest);
    for name in ["name", "generateName"] {
        let of = schema.pointer(&format!("/properties/metadata/properties/{name}")).and_then(Value::as_object);
        if let (Some(of), Some(value)) = (of, object.pointer(&format!("/metadata/{name}")).filter(|v| v.is_string())) {
            walk.below("metadata", |walk| walk.below(name, |walk| walk.node(of, value)));
        }
    }
    // What is dropped is read before, as all that is sent.
    if let (Some(schema), Some(status)) = (schema.as_object(), object.get("status").filter(|_| status_is_dropped)) {
        let mut sent = json!({"status": status});
        fill(schema, &mut sent);
        let mut read = Walk::default();
        read.node(schema, &sent);
        let unknown = |p: &Problem| p.kind == ProblemKind::Unknown && pointer::is_below(&p.field, "/status");
        walk.found.problems.extend(read.found.problems.into_iter().filter(unknown));
    }
    walk.found
}

/// What was found of an object.
#[derive(Debug, Default)]
pub struct Checked {
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// JSON pointers to the metadata of the objects within it.
    pub embedded: Vec<String>,
}

/// What is wrong with a value by a schema, such as a default by its own.
pub(super) fn value_problems(schema: &Map, value: &Value) -> Vec<Problem> {
    let mut walk = Walk::default();
    walk.node(schema, value);
    walk.found.problems
}

/// Schema and object without what the API server checks otherwise, the object with its defaults and without its nulls.
fn prepared(schema: &Value, object: &Value, status_is_dropped: bool) -> Option<(Map, Value)> {
    let mut apart = vec!["apiVersion", "kind", "metadata"];
    apart.extend(status_is_dropped.then_some("status"));
    let (mut schema, mut object) = (schema.as_object()?.clone(), object.clone());
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.retain(|name, _| !apart.contains(&name.as_str()) || name == "status");
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !name.as_str().is_some_and(|name| apart.contains(&name)));
    }
    object.as_object_mut()?.retain(|name, _| !apart.contains(&name.as_str()));
    fill(&schema, &mut object);
    Some((schema, object))
}

/// Drops nulls where none are allowed, and fills defaults in, as the API server does before it looks.
pub(super) fn fill(schema: &Map, value: &mut Value) {
    match value {
        Value::Object(map) => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let more = schema.get("additionalProperties").and_then(Value::as_object);
            let of = |name: &str| properties.and_then(|p| p.get(name)).and_then(Value::as_object).or(more);
            map.retain(|name, value| !value.is_null() || of(name).is_none_or(|of| is(of, "nullable")));
            for (name, property) in properties.into_iter().flatten() {
                if let Some(default) = property.get("default").filter(|_| !map.contains_key(name)) {
                    map.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in map {
                if let Some(of) = of(name) {
                    fill(of, value);
                }
            }
        }
        Value::Array(items) => {
            if let Some(of) = schema.get("items").and_then(Value::as_object) {
                for item in items {
                    fill(of, item);
                }
            }
        }
        _ => {}
    }
}

#[derive(Default)]
struct Walk {
    found: Checked,
    path: String,
}

fn is(schema: &Map, key: &str) -> bool {
    schema.get(key) == Some(&Value::Bool(true))
}

impl Walk {
    fn say(&mut self, kind: ProblemKind, what: impl Into<String>) {
        self.found.problems.push(Problem { kind, field: self.path.clone(), what: what.into() });
    }

    fn below(&mut self, segment: &str, walk: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&pointer::escape(segment));
        walk(self);
        self.path.truncate(length);
    }

    /// A schema outside of allOf and the like: it decides which fields there are.
    fn node(&mut self, schema: &Map, value: &Value) {
        if value.is_null() && is(schema, "nullable") {
            return;
        }
        if !self.kind(schema, value) {
            return;
        }
        match value {
            Value::Object(map) => self.fields(schema, map),
            Value::Array(items) => {
                if let Some(of) = schema.get("items").and_then(Value::as_object) {
                    for (i, item) in items.iter().enumerate() {
                        self.below(&i.to_string(), |walk| walk.node(of, item));
                    }
                }
                self.list(schema, items);
            }
            _ => {}
        }
        self.values(schema, value);
    }

    fn kind(&mut self, schema: &Map, value: &Value) -> bool {
        if is(schema, INT_OR_STRING) {
            let good = value.is_string() || whole(value);
            if !good {
                self.say(ProblemKind::Type, "it has to be an integer or a string");
            }
            return good;
        }
        let Some(kind) = schema.get("type").and_then(Value::as_str) else { return true };
        // The API server's library lets texts and lists pass here wherever a format is named, but for numbers.
        let format = schema.get("format").and_then(Value::as_str).is_some_and(format::is_known);
        if format && !matches!(kind, "integer" | "number") && (value.is_string() || value.is_array()) {
            return true;
        }
        let good = match kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => whole(value),
            "number" => value.is_number(),
            _ => true,
        };
        if !good {
            self.say(ProblemKind::Type, format!("it has to be of type {kind}"));
        }
        good
    }

    fn fields(&mut self, schema: &Map, map: &Map) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let more = schema.get("additionalProperties");
        let embedded = is(schema, EMBEDDED);
        for (key, value) in map {
            let of = properties.and_then(|p| p.get(key)).or(more.filter(|m| m.is_object())).and_then(Value::as_object);
            match of {
                Some(of) => self.below(key, |walk| walk.node(of, value)),
                None if more == Some(&Value::Bool(true)) || is(schema, KEEP) => {}
                None if embedded && matches!(key.as_str(), "apiVersion" | "kind" | "metadata") => {}
                None => {
                    self.below(key, |walk| {
                        walk.say(ProblemKind::Unknown, format!("the CRD has no field `{key}` here"));
                    });
                }
            }
        }
        if embedded {
            for key in ["apiVersion", "kind"] {
                if map.get(key).and_then(Value::as_str).is_none_or(str::is_empty) {
                    self.missing(key);
                }
            }
            self.embedded(map);
        }
    }

    fn missing(&mut self, name: &str) {
        self.below(name, |walk| walk.say(ProblemKind::Missing, format!("`{name}` is missing")));
    }

    /// An object within the object, whose kind and name have the forms that all have.
    fn embedded(&mut self, map: &Map) {
        let api = map.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        if api.matches('/').count() > 1 {
            self.below("apiVersion", |walk| walk.say(ProblemKind::Value, format!("`{api}` is no API version")));
        }
        let kind = map.get("kind").and_then(Value::as_str).unwrap_or_default();
        if !kind.is_empty() && !names::is_label_1035(&kind.to_ascii_lowercase()) {
            self.below("kind", |walk| walk.say(ProblemKind::Value, format!("`{kind}` is no kind")));
        }
        if map.get("metadata").is_some_and(|metadata| !metadata.is_null()) {
            self.found.embedded.push(format!("{}/metadata", self.path));
        }
        let name = map.get("metadata").and_then(|m| m.get("name")).and_then(Value::as_str).unwrap_or_default();
        if !name.is_empty() && !names::is_path_segment(name) {
            self.below("metadata/name", |walk| walk.say(ProblemKind::Value, format!("`{name}` is no name")));
        }
    }

    fn list(&mut self, schema: &Map, items: &[Value]) {
        let key_of = |item: &Value| -> Option<Value> {
            match schema.get("x-kubernetes-list-type").and_then(Value::as_str)? {
                "set" => Some(item.clone()),
                "map" => {
                    let keys = schema.get("x-kubernetes-list-map-keys")?.as_array()?.iter().filter_map(Value::as_str);
                    Some(keys.map(|key| item.get(key).cloned().unwrap_or(Value::Null)).collect())
                }
                _ => None,
            }
        };
        let keys: Vec<_> = items.iter().map(key_of).collect();
        for (i, key) in keys.iter().enumerate() {
            if key.is_some() && keys[..i].contains(key) {
                self.below(&i.to_string(), |walk| walk.say(ProblemKind::Value, "the list has this item already"));
            }
        }
    }

    /// What a schema says of a value beyond its type and its fields; also inside allOf and the like.
    fn values(&mut self, schema: &Map, value: &Value) {
        if let Some(wanted) = schema.get("enum").and_then(Value::as_array).filter(|wanted| !wanted.is_empty())
            && !wanted.iter().any(|one| same(one, value))
        {
            let all = wanted.iter().map(|w| w.as_str().map_or_else(|| w.to_string(), str::to_owned));
            self.say(ProblemKind::Value, format!("it is none of {}", all.collect::<Vec<_>>().join(", ")));
        }
        match value {
            Value::String(text) => self.text(schema, text),
            Value::Number(_) => self.number(schema, value),
            Value::Array(items) => self.count(schema, items.len(), "Items", "items"),
            Value::Object(map) => {
                self.count(schema, map.len(), "Properties", "fields");
                let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
                for name in required.filter_map(Value::as_str) {
                    if !map.contains_key(name) {
                        self.missing(name);
                    }
                }
            }
            _ => {}
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.part(part, value);
        }
        for (key, wanted) in [("anyOf", 1..usize::MAX), ("oneOf", 1..2)] {
            if let Some(parts) = schema.get(key).and_then(Value::as_array) {
                let good = parts.iter().filter(|part| holds(part, value)).count();
                if !wanted.contains(&good) {
                    let what = if good == 0 { "it is like none of what" } else { "it is like more than one of what" };
                    self.say(ProblemKind::Value, format!("{what} {key} of the CRD's schema allows"));
                }
            }
        }
        if let Some(part) = schema.get("not")
            && holds(part, value)
        {
            self.say(ProblemKind::Value, "it is what `not` of the CRD's schema excludes");
        }
    }

    /// A schema inside allOf, anyOf, oneOf or not: it restricts values, and names no fields.
    fn part(&mut self, part: &Value, value: &Value) {
        let Some(part) = part.as_object() else { return };
        if !self.kind(part, value) {
            return;
        }
        self.values(part, value);
        for (name, of) in part.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if let Some(inner) = value.get(name) {
                self.below(name, |walk| walk.part(of, inner));
            }
        }
        if let (Some(of), Value::Array(items)) = (part.get("items"), value) {
            for (i, item) in items.iter().enumerate() {
                self.below(&i.to_string(), |walk| walk.part(of, item));
            }
        }
        if let (Some(of @ Value::Object(_)), Value::Object(map)) = (part.get("additionalProperties"), value) {
            for (key, item) in map {
                self.below(key, |walk| walk.part(of, item));
            }
        }
    }

    fn text(&mut self, schema: &Map, text: &str) {
        let length = text.chars().count();
        self.count(schema, length, "Length", "characters");
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            // A pattern that this library does not know is not held against anybody.
            && !regexp::read(pattern).matches(text)
        {
            self.say(ProblemKind::Value, format!("`{text}` does not match the pattern {pattern}"));
        }
        if let Some(format) = schema.get("format").and_then(Value::as_str)
            && !format::has_format(format, text)
        {
            self.say(ProblemKind::Value, format!("`{text}` is not of the format {format}"));
        }
    }

    /// A whole number is compared with bounds that are cut to whole ones, as the API server does. Under the type integer a bound
    /// that is no whole number is refused itself.
    fn number(&mut self, schema: &Map, value: &Value) {
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
        let integer = schema.get("type").and_then(Value::as_str) == Some("integer");
        for key in ["minimum", "maximum", "multipleOf"] {
            if integer && bound(key).is_some_and(|bound| bound.fract() != 0.0) {
                self.say(ProblemKind::Value, format!("the CRD's {key} is no whole number, and its type is integer"));
                return;
            }
        }
        let number = value.as_f64().unwrap_or_default();
        let cut = |bound: f64| if value.is_i64() { bound.trunc() } else { bound };
        if let Some(low) = bound("minimum").map(cut)
            && (number < low || (is(schema, "exclusiveMinimum") && number <= low))
        {
            self.say(ProblemKind::Value, format!("{number} is less than the CRD's minimum, {low}"));
        }
        if let Some(high) = bound("maximum").map(cut)
            && (number > high || (is(schema, "exclusiveMaximum") && number >= high))
        {
            self.say(ProblemKind::Value, format!("{number} is more than the CRD's maximum, {high}"));
        }
        if let Some(of) = bound("multipleOf") {
            let factor = cut(of);
            if factor <= 0.0 {
                let what =
                    format!("the CRD's multipleOf is {of}, of which no whole number is a multiple to the server");
                self.say(ProblemKind::Value, what);
            } else if !is_multiple(value, number, factor) {
                self.say(ProblemKind::Value, format!("{number} is no multiple of {factor}"));
            }
        }
    }

    fn count(&mut self, schema: &Map, count: usize, suffix: &str, what: &str) {
        let bound = |prefix: &str| schema.get(&format!("{prefix}{suffix}")).and_then(Value::as_u64);
        let count = count as u64;
        if let Some(low) = bound("min").filter(|low| count < *low) {
            self.say(ProblemKind::Value, format!("{count} {what}, and the CRD wants {low} at least"));
        }
        if let Some(high) = bound("max").filter(|high| count > *high) {
            self.say(ProblemKind::Value, format!("{count} {what}, and the CRD allows {high}"));
        }
    }
}

fn holds(part: &Value, value: &Value) -> bool {
    let mut walk = Walk::default();
    walk.part(part, value);
    walk.found.problems.is_empty()
}

/// Whether a number is a multiple of another to the API server, which reckons with floats unless the number is whole.
#[allow(clippy::cast_possible_truncation)] // cut already
fn is_multiple(value: &Value, number: f64, factor: f64) -> bool {
    if let Some(number) = value.as_i64() {
        return number % (factor as i64) == 0;
    }
    let times = if factor < 1.0 { 1.0 / factor * number } else { number / factor };
    times.fract() == 0.0 && times.abs() <= MOST_WHOLE
}

/// The greatest float up to which all whole numbers are floats.
const MOST_WHOLE: f64 = 9_007_199_254_740_991.0;

/// Whether a number is a whole one to the API server: what does not fit into 64 bits is read as a float, and a float is
/// whole only up to where all whole numbers are floats.
fn whole(value: &Value) -> bool {
    value.is_i64() || value.as_f64().is_some_and(|number| number.fract() == 0.0 && number.abs() <= MOST_WHOLE)
}

/// Whether two values are equal, with 1 and 1.0 the same.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests;
