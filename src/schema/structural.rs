//! What the API server refuses of a `CustomResourceDefinition` in apiextensions.k8s.io/v1, beyond the types of its fields.
//!
//! Not checked: CEL rules and what they may cost.
//! Source: <https://github.com/kubernetes/apiextensions-apiserver/blob/v0.36.0/pkg/apis/apiextensions/validation/validation.go>

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Problem, ProblemKind, instance};
use crate::kubernetes::names;
use crate::pointer;

const KEEP: &str = "x-kubernetes-preserve-unknown-fields";
/// Without it a group of Kubernetes' own is refused.
const APPROVED: &str = "api-approved.kubernetes.io";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";

/// What is wrong with a CRD.
pub fn problems(crd: &Value) -> Vec<Problem> {
    let mut walk = Walk { found: Vec::new(), path: String::new() };
    walk.definition(crd);
    walk.found
}

struct Walk {
    found: Vec<Problem>,
    path: String,
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn is(schema: &Map<String, Value>, key: &str) -> bool {
    schema.get(key) == Some(&Value::Bool(true))
}

/// Whether anyOf says integer or string, as it may where [`INT_OR_STRING`] is true.
fn is_either(schema: &Map<String, Value>) -> bool {
    let kinds: Option<Vec<_>> = schema.get("anyOf").and_then(Value::as_array).map(|parts| {
        parts
            .iter()
            .map(|part| part.as_object().filter(|part| part.len() == 1).map_or("", |_| text(part, "type")))
            .collect()
    });
    kinds.is_some_and(|kinds| kinds == ["integer", "string"])
}

/// Whether the first of allOf says so.
fn is_either_of_all(schema: &Map<String, Value>) -> bool {
    let first = schema.get("allOf").and_then(|all| all.get(0)).and_then(Value::as_object);
    first.is_some_and(is_either)
}

impl Walk {
    fn say(&mut self, what: impl Into<String>) {
        self.found.push(Problem { kind: ProblemKind::Value, field: self.path.clone(), what: what.into() });
    }

    fn below(&mut self, path: &str, walk: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(path);
        walk(self);
        self.path.truncate(length);
    }

    fn definition(&mut self, crd: &Value) {
        let Some(spec) = crd.get("spec") else { return };
        let (group, names) = (text(spec, "group"), spec.get("names").unwrap_or(&Value::Null));
        let wanted = format!("{}.{group}", text(names, "plural"));
        let name = crd.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        if !name.is_empty() && name != wanted {
            self.below("metadata/name", |walk| walk.say(format!("it has to be plural and group: {wanted}")));
        }
        let approved = crd.pointer("/metadata/annotations").and_then(|a| a.get(APPROVED)).is_some();
        if (group.ends_with(".k8s.io") || group.ends_with(".kubernetes.io")) && !approved {
            self.below("metadata/annotations", |walk| {
                walk.say(format!("the group {group} is Kubernetes' own and needs {APPROVED}"));
            });
        }
        self.below("spec", |walk| {
            if !names::is_subdomain(group) || !group.contains('.') {
                walk.below("group", |walk| walk.say(format!("`{group}` is not a domain with a dot")));
            }
            walk.below("names", |walk| walk.names(names));
            if !matches!(text(spec, "scope"), "Cluster" | "Namespaced") {
                walk.below("scope", |walk| walk.say("it is neither Cluster nor Namespaced"));
            }
            if spec.get("preserveUnknownFields") == Some(&Value::Bool(true)) {
                walk.below("preserveUnknownFields", |walk| {
                    walk.say(format!("v1 takes false only; schemas say {KEEP}"));
                });
            }
            walk.conversion(spec);
            walk.versions(spec);
        });
    }

    fn names(&mut self, names: &Value) {
        for key in ["plural", "singular", "kind", "listKind"] {
            let name = text(names, key);
            let lower = if key.ends_with("ind") { name.to_ascii_lowercase() } else { name.to_owned() };
            if !name.is_empty() && !names::is_label_1035(&lower) {
                self.below(key, |walk| walk.say(format!("`{name}` is no name of a resource")));
            }
        }
        if !text(names, "kind").is_empty() && text(names, "kind") == text(names, "listKind") {
            self.below("listKind", |walk| walk.say("it is the same as kind"));
        }
    }

    fn conversion(&mut self, spec: &Value) {
        let Some(conversion) = spec.get("conversion").filter(|c| !c.is_null()) else { return };
        self.below("conversion", |walk| match text(conversion, "strategy") {
            "None" => {
                if conversion.get("webhook").is_some_and(|w| !w.is_null()) {
                    walk.below("webhook", |walk| walk.say("it is for the strategy Webhook"));
                }
            }
            "Webhook" => {
                let webhook = conversion.get("webhook").unwrap_or(&Value::Null);
                if webhook.get("clientConfig").is_none_or(Value::is_null) {
                    walk.below("webhook/clientConfig", |walk| walk.say("the strategy Webhook needs it"));
                }
                let versions = webhook.get("conversionReviewVersions").and_then(Value::as_array);
                for (i, version) in versions.into_iter().flatten().enumerate() {
                    let name = version.as_str().unwrap_or_default();
                    let twice = versions.is_some_and(|all| all[..i].contains(version));
                    if twice || !names::is_label_1035(name) {
                        let what =
                            if twice { "it is there twice".to_owned() } else { format!("`{name}` is no version") };
                        walk.below(&format!("webhook/conversionReviewVersions/{i}"), |walk| walk.say(what));
                    }
                }
                if !versions.is_some_and(|v| v.iter().any(|v| matches!(v.as_str(), Some("v1" | "v1beta1")))) {
                    walk.below("webhook/conversionReviewVersions", |walk| {
                        walk.say("neither v1 nor v1beta1 is among them");
                    });
                }
            }
            other => {
                let what = format!("`{other}` is neither None nor Webhook");
                walk.below("strategy", |walk| walk.say(what));
            }
        });
    }

    fn versions(&mut self, spec: &Value) {
        let versions = spec.get("versions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let stored = versions.iter().filter(|v| v.get("storage") == Some(&Value::Bool(true))).count();
        if stored != 1 {
            self.below("versions", |walk| walk.say(format!("{stored} storage versions, and there has to be one")));
        }
        let mut seen = BTreeSet::new();
        for (i, version) in versions.iter().enumerate() {
            self.below(&format!("versions/{i}"), |walk| {
                let name = text(version, "name");
                if !names::is_label_1035(name) {
                    walk.below("name", |walk| walk.say(format!("`{name}` is no name of a version")));
                } else if !seen.insert(name.to_owned()) {
                    walk.below("name", |walk| walk.say(format!("a second version is called {name}")));
                }
                walk.version(version);
            });
        }
    }

    fn version(&mut self, version: &Value) {
        for (i, column) in
            version.get("additionalPrinterColumns").and_then(Value::as_array).into_iter().flatten().enumerate()
        {
            self.below(&format!("additionalPrinterColumns/{i}"), |walk| {
                let kind = text(column, "type");
                if !matches!(kind, "boolean" | "date" | "integer" | "number" | "string") {
                    walk.below("type", |walk| {
                        walk.say(format!("`{kind}` is none of boolean, date, integer, number, string"));
                    });
                }
                if !text(column, "jsonPath").starts_with('.') {
                    walk.below("jsonPath", |walk| walk.say("it does not start with a dot"));
                }
            });
        }
        if let Some(scale) = version.pointer("/subresources/scale").filter(|s| !s.is_null()) {
            let label = text(scale, "labelSelectorPath");
            if !label.is_empty() && ![".spec.", ".status."].iter().any(|start| label.starts_with(start)) {
                self.below("subresources/scale/labelSelectorPath", |walk| {
                    walk.say("it starts neither with .spec. nor with .status.");
                });
            }
            for (key, start) in [("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")] {
                if !text(scale, key).starts_with(start) {
                    self.below(&format!("subresources/scale/{key}"), |walk| {
                        walk.say(format!("it does not start with {start}"));
                    });
                }
            }
        }
        match version.pointer("/schema/openAPIV3Schema").and_then(Value::as_object) {
            None => self.below("schema/openAPIV3Schema", |walk| walk.say("a schema is required")),
            Some(root) => self.below("schema/openAPIV3Schema", |walk| {
                if root.get("type").and_then(Value::as_str) != Some("object") {
                    walk.below("type", |walk| walk.say("it has to be object at the root"));
                }
                walk.metadata(root);
                walk.node(root, true);
            }),
        }
    }

    fn metadata(&mut self, root: &Map<String, Value>) {
        let properties = root.get("properties").and_then(Value::as_object);
        for (key, kind) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
            if let Some(schema) = properties.and_then(|p| p.get(key))
                && text(schema, "type") != kind
            {
                self.below(&format!("properties/{key}/type"), |walk| walk.say(format!("it has to be {kind}")));
            }
        }
        let named =
            properties.and_then(|p| p.get("metadata")).and_then(|m| m.get("properties")).and_then(Value::as_object);
        for key in named.into_iter().flat_map(Map::keys).filter(|k| *k != "name" && *k != "generateName") {
            self.below(&format!("properties/metadata/properties/{}", pointer::escape(key)), |walk| {
                walk.say("a schema may restrict name and generateName of metadata only");
            });
        }
    }

    fn node(&mut self, schema: &Map<String, Value>, is_root: bool) {
        self.forbidden(schema);
        let kind = schema.get("type").and_then(Value::as_str).filter(|kind| !kind.is_empty());
        let (keep, either) = (is(schema, KEEP), is(schema, INT_OR_STRING));
        match kind {
            None if !keep && !either && !is_root => self.below("type", |walk| walk.say("a type is required")),
            Some(_) if either => {
                self.below("type", |walk| walk.say(format!("there is none where {INT_OR_STRING} is true")));
            }
            Some(kind) if keep && kind != "object" => {
                self.below("type", |walk| walk.say(format!("it has to be object where {KEEP} is true")));
            }
            Some(kind) if !matches!(kind, "array" | "boolean" | "integer" | "number" | "object" | "string") => {
                self.below("type", |walk| walk.say(format!("`{kind}` is no type")));
            }
            Some("array") if schema.get("items").is_none_or(Value::is_null) => {
                self.below("items", |walk| walk.say("a list says what its items are"));
            }
            _ => {}
        }
        if schema.get(KEEP) == Some(&Value::Bool(false)) {
            self.below(KEEP, |walk| walk.say("it is true or not there"));
        }
        self.extensions(schema, kind);
        if is(schema, "x-kubernetes-embedded-resource") && kind != Some("object") {
            self.below("type", |walk| walk.say("it has to be object where x-kubernetes-embedded-resource is true"));
        }
        if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
            self.default(schema, default);
        }
        if is(schema, "x-kubernetes-embedded-resource") && !keep && schema.get("properties").is_none() {
            self.below("properties", |walk| walk.say("an embedded resource has properties, or keeps unknown fields"));
        }
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let nothing = Map::new();
            let property = property.as_object().unwrap_or(&nothing);
            self.below(&format!("properties/{}", pointer::escape(name)), |walk| walk.node(property, false));
        }
        for key in ["items", "additionalProperties"] {
            if let Some(of) = schema.get(key).and_then(Value::as_object) {
                self.below(key, |walk| walk.node(of, false));
            }
        }
        self.junctors(schema, schema, either && (is_either(schema) || is_either_of_all(schema)));
    }

    /// A default is as its own schema says, with the defaults within it.
    fn default(&mut self, schema: &Map<String, Value>, default: &Value) {
        let mut filled = default.clone();
        instance::fill(schema, &mut filled);
        for problem in instance::value_problems(schema, &filled) {
            self.below(&format!("default{}", problem.field), |walk| walk.say(problem.what));
        }
    }

    fn forbidden(&mut self, schema: &Map<String, Value>) {
        for key in ["$ref", "additionalItems", "definitions", "dependencies", "patternProperties"] {
            if schema.get(key).is_some_and(|v| !v.is_null()) {
                self.below(key, |walk| walk.say("a structural schema does not have it"));
            }
        }
        if is(schema, "uniqueItems") {
            self.below("uniqueItems", |walk| walk.say("it cannot be true"));
        }
        if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
            self.below("additionalProperties", |walk| walk.say("it cannot be false"));
        } else if schema.get("additionalProperties").is_some_and(|v| !v.is_null())
            && schema.get("properties").and_then(Value::as_object).is_some_and(|p| !p.is_empty())
        {
            self.below("additionalProperties", |walk| walk.say("it does not go with properties"));
        }
        if schema.get("items").is_some_and(Value::is_array) {
            self.below("items", |walk| walk.say("it is one schema, not a list of them"));
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            && let Err(regex::Error::Syntax(_)) = regex::Regex::new(pattern)
        {
            self.below("pattern", |walk| walk.say(format!("`{pattern}` is no regular expression")));
        }
    }

    fn extensions(&mut self, schema: &Map<String, Value>, kind: Option<&str>) {
        let list_type = schema.get("x-kubernetes-list-type").and_then(Value::as_str);
        let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
        if list_type.is_some() && kind != Some("array") {
            self.below("x-kubernetes-list-type", |walk| walk.say("it is for lists"));
        }
        match list_type {
            Some("map") if keys.is_none_or(Vec::is_empty) => {
                self.below("x-kubernetes-list-map-keys", |walk| walk.say("a list of type map needs keys"));
            }
            Some("map") => {
                let items = schema.get("items").unwrap_or(&Value::Null);
                let mut seen = BTreeSet::new();
                for key in keys.into_iter().flatten().map(|key| key.as_str().unwrap_or_default()) {
                    let of = items.get("properties").and_then(|p| p.get(key));
                    let required = items.get("required").and_then(Value::as_array);
                    let required = required.is_some_and(|r| r.iter().any(|r| r.as_str() == Some(key)));
                    let what = match of {
                        _ if !seen.insert(key) => "is there twice",
                        None => "is no property of the items",
                        Some(of) if !required && of.get("default").is_none() => {
                            "is neither required nor has it a default"
                        }
                        Some(of) if matches!(text(of, "type"), "array" | "object") => "is no plain value",
                        Some(_) => continue,
                    };
                    self.below("x-kubernetes-list-map-keys", |walk| walk.say(format!("`{key}` {what}")));
                }
            }
            Some("atomic" | "set") | None => {
                if keys.is_some() {
                    self.below("x-kubernetes-list-map-keys", |walk| walk.say("they are for lists of type map"));
                }
            }
            Some(other) => {
                let what = format!("`{other}` is none of atomic, map, set");
                self.below("x-kubernetes-list-type", |walk| walk.say(what));
            }
        }
        if let Some(map) = schema.get("x-kubernetes-map-type").and_then(Value::as_str) {
            if kind != Some("object") {
                self.below("x-kubernetes-map-type", |walk| walk.say("it is for objects"));
            } else if !matches!(map, "atomic" | "granular") {
                self.below("x-kubernetes-map-type", |walk| walk.say("it is neither atomic nor granular"));
            }
        }
    }

    /// What stands in allOf, anyOf, oneOf and not: restrictions of what `outer` names.
    fn junctors(&mut self, schema: &Map<String, Value>, outer: &Map<String, Value>, either: bool) {
        for key in ["allOf", "anyOf", "oneOf"] {
            for (i, part) in schema.get(key).and_then(Value::as_array).into_iter().flatten().enumerate() {
                if let Some(part) = part.as_object() {
                    self.below(&format!("{key}/{i}"), |walk| walk.part(part, outer, either && key != "oneOf"));
                }
            }
        }
        if let Some(part) = schema.get("not").and_then(Value::as_object) {
            self.below("not", |walk| walk.part(part, outer, false));
        }
    }

    fn part(&mut self, part: &Map<String, Value>, outer: &Map<String, Value>, either: bool) {
        for key in ["additionalProperties", "default", "description", "nullable", "title", KEEP, INT_OR_STRING] {
            if part.get(key).is_some_and(|v| !v.is_null() && *v != Value::Bool(false)) {
                self.below(key, |walk| walk.say("it may not stand inside allOf, anyOf, oneOf or not"));
            }
        }
        let plain = matches!(part.get("type").and_then(Value::as_str), Some("integer" | "string")) && part.len() == 1;
        if part.get("type").is_some() && !(either && plain) {
            self.below("type", |walk| walk.say("it may not stand inside allOf, anyOf, oneOf or not"));
        }
        for (name, property) in part.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let named = outer.get("properties").and_then(|p| p.get(name)).and_then(Value::as_object);
            self.below(&format!("properties/{}", pointer::escape(name)), |walk| match (named, property.as_object()) {
                (None, _) => walk.say("it has to stand in the properties outside as well"),
                (Some(outer), Some(property)) => walk.part(property, outer, false),
                _ => {}
            });
        }
        if let Some(items) = part.get("items").and_then(Value::as_object) {
            let named = outer.get("items").and_then(Value::as_object);
            self.below("items", |walk| match named {
                None => walk.say("it has to stand outside as well"),
                Some(outer) => walk.part(items, outer, false),
            });
        }
        self.junctors(part, outer, either);
    }
}

#[cfg(test)]
mod tests;
