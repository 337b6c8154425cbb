//! An object against the schema of its CRD, as the API server does it: nulls are dropped and defaults filled in first, fields
//! that nothing names are refused (strict validation), and then values are checked.
//!
//! Not checked: rules in CEL, and formats other than byte, cidr, date, date-time, ipv4, ipv6, mac and uuid.
//! Source: <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>

use std::net::{Ipv4Addr, Ipv6Addr};

use regex::Regex;
use serde_json::{Map, Value};

use super::{Problem, ProblemKind};
use crate::rewrite::pointer;

const KEEP: &str = "x-kubernetes-preserve-unknown-fields";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";

/// What is wrong with an object by the root schema of its version. `metadata` is not looked at, and neither is `status` where
/// it is a subresource, since the API server drops it.
pub fn problems(schema: &Value, object: &Value, status_is_dropped: bool) -> Vec<Problem> {
    let mut walk = Walk { found: Vec::new(), path: String::new() };
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        for key in ["apiVersion", "kind", "metadata"] {
            map.shift_remove(key);
        }
        if status_is_dropped {
            map.shift_remove("status");
        }
        if let Some(schema) = schema.as_object() {
            let mut schema = schema.clone();
            if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
                for key in ["apiVersion", "kind", "metadata"] {
                    properties.shift_remove(key);
                }
            }
            if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
                required.retain(|name| !matches!(name.as_str(), Some("apiVersion" | "kind" | "metadata")));
                if status_is_dropped {
                    required.retain(|name| name.as_str() != Some("status"));
                }
            }
            walk.node(&schema, &object);
        }
    }
    walk.found
}

struct Walk {
    found: Vec<Problem>,
    path: String,
}

fn is(schema: &Map<String, Value>, key: &str) -> bool {
    schema.get(key) == Some(&Value::Bool(true))
}

impl Walk {
    fn say(&mut self, kind: ProblemKind, what: impl Into<String>) {
        self.found.push(Problem { kind, field: self.path.clone(), what: what.into() });
    }

    fn below(&mut self, segment: &str, walk: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&pointer::escape(segment));
        walk(self);
        self.path.truncate(length);
    }

    /// A schema outside of allOf and the like: it decides which fields there are.
    fn node(&mut self, schema: &Map<String, Value>, value: &Value) {
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

    fn kind(&mut self, schema: &Map<String, Value>, value: &Value) -> bool {
        if is(schema, INT_OR_STRING) {
            let good = value.is_string() || whole(value);
            if !good {
                self.say(ProblemKind::Type, "it has to be an integer or a string");
            }
            return good;
        }
        let Some(kind) = schema.get("type").and_then(Value::as_str) else { return true };
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

    fn fields(&mut self, schema: &Map<String, Value>, map: &Map<String, Value>) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let more = schema.get("additionalProperties");
        let embedded = is(schema, EMBEDDED);
        for (key, value) in map {
            let of = properties.and_then(|p| p.get(key)).or(more.filter(|m| m.is_object())).and_then(Value::as_object);
            match of {
                // A null that is not allowed counts as nothing.
                Some(of) if value.is_null() && !is(of, "nullable") => {}
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
                    self.say(ProblemKind::Missing, format!("`{key}` is missing"));
                }
            }
        }
    }

    fn list(&mut self, schema: &Map<String, Value>, items: &[Value]) {
        let key_of = |item: &Value| -> Option<Value> {
            match schema.get("x-kubernetes-list-type").and_then(Value::as_str)? {
                "set" => Some(item.clone()),
                "map" => {
                    let keys = schema.get("x-kubernetes-list-map-keys")?.as_array()?.iter().filter_map(Value::as_str);
                    let default = |key: &str| schema.get("items")?.get("properties")?.get(key)?.get("default").cloned();
                    let value = |key: &str| item.get(key).cloned().or_else(|| default(key)).unwrap_or(Value::Null);
                    Some(keys.map(value).collect())
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
    fn values(&mut self, schema: &Map<String, Value>, value: &Value) {
        if let Some(wanted) = schema.get("enum").and_then(Value::as_array)
            && !wanted.iter().any(|one| same(one, value))
        {
            let all = wanted.iter().map(|w| w.as_str().map_or_else(|| w.to_string(), str::to_owned));
            self.say(ProblemKind::Value, format!("it is none of {}", all.collect::<Vec<_>>().join(", ")));
        }
        match value {
            Value::String(text) => self.text(schema, text),
            Value::Number(_) => self.number(schema, value.as_f64().unwrap_or_default()),
            Value::Array(items) => self.count(schema, items.len(), "Items", "items"),
            Value::Object(map) => {
                self.count(schema, map.len(), "Properties", "fields");
                let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
                for name in required.filter_map(Value::as_str) {
                    let of = schema.get("properties").and_then(|p| p.get(name));
                    let defaulted = of.is_some_and(|of| of.get("default").is_some());
                    let nullable = of.and_then(Value::as_object).is_some_and(|of| is(of, "nullable"));
                    let there = map.get(name).is_some_and(|v| !v.is_null() || nullable || of.is_none());
                    if !there && !defaulted {
                        self.say(ProblemKind::Missing, format!("`{name}` is missing"));
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
            if let Some(inner) = value.get(name).filter(|v| !v.is_null()) {
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

    fn text(&mut self, schema: &Map<String, Value>, text: &str) {
        let length = text.chars().count();
        self.count(schema, length, "Length", "characters");
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            // A pattern that this library does not know is not held against anybody.
            && Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text))
        {
            self.say(ProblemKind::Value, format!("`{text}` does not match the pattern {pattern}"));
        }
        if let Some(format) = schema.get("format").and_then(Value::as_str)
            && !has_format(format, text)
        {
            self.say(ProblemKind::Value, format!("`{text}` is not of the format {format}"));
        }
    }

    fn number(&mut self, schema: &Map<String, Value>, number: f64) {
        let bound = |key: &str| schema.get(key).and_then(Value::as_f64);
        if let Some(low) = bound("minimum")
            && (number < low || (is(schema, "exclusiveMinimum") && number <= low))
        {
            self.say(ProblemKind::Value, format!("{number} is less than the CRD's minimum, {low}"));
        }
        if let Some(high) = bound("maximum")
            && (number > high || (is(schema, "exclusiveMaximum") && number >= high))
        {
            self.say(ProblemKind::Value, format!("{number} is more than the CRD's maximum, {high}"));
        }
        if let Some(of) = bound("multipleOf").filter(|of| *of > 0.0)
            && (number / of).fract() != 0.0
        {
            self.say(ProblemKind::Value, format!("{number} is no multiple of {of}"));
        }
    }

    fn count(&mut self, schema: &Map<String, Value>, count: usize, suffix: &str, what: &str) {
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
    let mut walk = Walk { found: Vec::new(), path: String::new() };
    walk.part(part, value);
    walk.found.is_empty()
}

fn whole(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

/// Whether two values are equal, with 1 and 1.0 the same.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
        _ => one == other,
    }
}

fn has_format(format: &str, text: &str) -> bool {
    let hex = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
    let like = |pattern: &str| Regex::new(pattern).is_ok_and(|regex| regex.is_match(text));
    match format {
        "ipv4" => text.parse::<Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "cidr" => crate::validate::names::is_cidr(text),
        "mac" => text.split([':', '-']).count() == 6 && text.split([':', '-']).all(|part| hex(part, 2)),
        "uuid" => {
            let plain = text.replace('-', "");
            hex(&plain, 32)
        }
        "byte" => like(r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"),
        "date" => like(r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"),
        "date-time" => like(r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$"),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::needless_pass_by_value)] // short to call
    use super::*;
    use serde_json::json;

    fn fields(spec: Value, given: Value) -> Vec<String> {
        let schema = json!({"type": "object", "properties": {"spec": spec}});
        problems(&schema, &json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "a"}, "spec": given}), true)
            .into_iter()
            .map(|p| format!("{} {:?}", p.field, p.kind))
            .collect()
    }

    #[test]
    fn what_a_schema_demands_is_held_against_values() {
        for (schema, good, bad, kind) in [
            (json!({"type": "string"}), json!("a"), json!(1), "Type"),
            (json!({"type": "integer"}), json!(1.0), json!(1.5), "Type"),
            (json!({"type": "integer", "minimum": 1}), json!(1), json!(0), "Value"),
            (json!({"type": "integer", "maximum": 3, "exclusiveMaximum": true}), json!(2), json!(3), "Value"),
            (json!({"type": "number", "multipleOf": 0.5}), json!(1.5), json!(1.6), "Value"),
            (json!({"type": "string", "enum": ["a", "b"]}), json!("b"), json!("c"), "Value"),
            (json!({"type": "string", "pattern": "^a+$"}), json!("aa"), json!("b"), "Value"),
            (json!({"type": "string", "maxLength": 2}), json!("éé"), json!("abc"), "Value"),
            (json!({"type": "string", "format": "ipv4"}), json!("10.0.0.1"), json!("10.0.0"), "Value"),
            (json!({"type": "string", "format": "no-such"}), json!("x"), json!(1), "Type"),
            (json!({"type": "array", "items": {"type": "string"}, "minItems": 1}), json!(["a"]), json!([]), "Value"),
            (json!({"x-kubernetes-int-or-string": true}), json!("50%"), json!(true), "Type"),
            (
                json!({"type": "object", "additionalProperties": {"type": "integer"}}),
                json!({"a": 1}),
                json!({"a": "b"}),
                "/a Type",
            ),
            (
                json!({"type": "object", "properties": {"a": {"type": "string"}}}),
                json!({"a": "b"}),
                json!({"b": "c"}),
                "/b Unknown",
            ),
            (
                json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}),
                json!({"a": "b"}),
                json!({}),
                "Missing",
            ),
            (json!({"type": "string", "oneOf": [{"enum": ["a"]}, {"maxLength": 1}]}), json!("b"), json!("a"), "Value"),
            (json!({"type": "string", "anyOf": [{"enum": ["a"]}, {"maxLength": 1}]}), json!("a"), json!("bb"), "Value"),
            (json!({"type": "string", "not": {"enum": ["a"]}}), json!("b"), json!("a"), "Value"),
            (json!({"type": "string", "allOf": [{"minLength": 2}]}), json!("ab"), json!("a"), "Value"),
            (
                json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}),
                json!(["a", "b"]),
                json!(["a", "a"]),
                "/1 Value",
            ),
            (
                json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"],
                "items": {"type": "object", "properties": {"n": {"type": "string", "default": "x"}}}}),
                json!([{"n": "a"}, {}]),
                json!([{"n": "x"}, {}]),
                "/1 Value",
            ),
        ] {
            assert_eq!(fields(schema.clone(), good.clone()), Vec::<String>::new(), "{schema} {good}");
            let kind = if kind.starts_with('/') { format!("/spec{kind}") } else { format!("/spec {kind}") };
            assert_eq!(fields(schema.clone(), bad.clone()), [kind], "{schema} {bad}");
        }
    }

    #[test]
    fn a_null_counts_as_nothing_unless_it_is_allowed() {
        let schema = |nullable: bool| json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "nullable": nullable}}});
        assert_eq!(fields(schema(false), json!({"a": null})), ["/spec Missing"]);
        assert_eq!(fields(schema(true), json!({"a": null})), Vec::<String>::new());
    }

    #[test]
    fn a_default_stands_in_for_what_is_required() {
        let schema =
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "default": "x"}}});
        assert_eq!(fields(schema, json!({})), Vec::<String>::new());
    }

    #[test]
    fn unknown_fields_may_stand_where_they_are_kept() {
        let schema = json!({"type": "object", KEEP: true, "properties": {"a": {"type": "string"}}});
        assert_eq!(fields(schema.clone(), json!({"b": 1})), Vec::<String>::new());
        assert_eq!(fields(schema, json!({"a": 1})), ["/spec/a Type"]);
    }
}
