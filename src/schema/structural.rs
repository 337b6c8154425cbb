//! What the API server refuses of a `CustomResourceDefinition` in apiextensions.k8s.io/v1, beyond the types of its fields.
//!
//! Source: <https://github.com/kubernetes/apiextensions-apiserver/blob/v0.36.0/pkg/apis/apiextensions/validation/validation.go>

use std::collections::BTreeSet;

use crate::value::{Map, Value};

use super::{Problem, ProblemKind, instance, path, text};
use crate::kubernetes::names;
use crate::pointer;
use crate::regexp::{self, Pattern};

const KEEP: &str = "x-kubernetes-preserve-unknown-fields";
/// Without it a group of Kubernetes' own is refused.
const APPROVED: &str = "api-approved.kubernetes.io";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";
/// How many fields objects can be selected by.
const MOST_SELECTABLE: usize = 8;
/// What may stand at the root where the status is a subresource.
const AT_ROOT: [&str; 22] = [
    "description",
    "type",
    "format",
    "title",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "required",
    "items",
    "properties",
    "externalDocs",
    "example",
    KEEP,
    super::cel::RULES,
];

/// What the API server of Kubernetes 1.`minor` has against a CRD.
pub fn problems(crd: &Value, minor: u16) -> Vec<Problem> {
    let mut walk = Walk { found: Vec::new(), path: String::new(), minor };
    walk.definition(crd);
    walk.found
}

struct Walk {
    found: Vec<Problem>,
    path: String,
    minor: u16,
}

/// Where in the object a schema stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// Whether a default may stand here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Defaults {
    Allowed,
    /// Within the metadata of an object within.
    OfMetadata,
    Forbidden,
}

fn is(schema: &Map, key: &str) -> bool {
    schema.get(key) == Some(&Value::Bool(true))
}

/// Whether anyOf says integer or string, as it may where [`INT_OR_STRING`] is true.
fn is_either(schema: &Map) -> bool {
    let kinds: Option<Vec<_>> = schema.get("anyOf").and_then(Value::as_array).map(|parts| {
        parts
            .iter()
            .map(|part| part.as_object().filter(|part| part.len() == 1).map_or("", |_| text(part, "type")))
            .collect()
    });
    kinds.is_some_and(|kinds| kinds == ["integer", "string"])
}

/// Whether the first of allOf says so.
fn is_either_of_all(schema: &Map) -> bool {
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
        for key in ["shortNames", "categories"] {
            for (i, name) in names.get(key).and_then(Value::as_array).into_iter().flatten().enumerate() {
                if let Some(name) = name.as_str().filter(|name| !names::is_label_1035(name)) {
                    self.below(&format!("{key}/{i}"), |walk| walk.say(format!("`{name}` is no name of a resource")));
                }
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
                let webhook = conversion.get("webhook").unwrap_or(&Value::Null);
                for key in ["clientConfig", "conversionReviewVersions"] {
                    let given = webhook.get(key);
                    if given.is_some_and(|v| !v.is_null() && v.as_array().is_none_or(|all| !all.is_empty())) {
                        walk.below(&format!("webhook/{key}"), |walk| walk.say("it is for the strategy Webhook"));
                    }
                }
            }
            "Webhook" => {
                let webhook = conversion.get("webhook").unwrap_or(&Value::Null);
                match webhook.get("clientConfig").filter(|client| !client.is_null()) {
                    None => walk.below("webhook/clientConfig", |walk| walk.say("the strategy Webhook needs it")),
                    Some(client) => walk.below("webhook/clientConfig", |walk| walk.client(client)),
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

    /// Where a conversion webhook is.
    fn client(&mut self, client: &Value) {
        let given = |key: &str| client.get(key).filter(|value| !value.is_null());
        match (given("url"), given("service")) {
            (Some(_), Some(_)) | (None, None) => self.say("exactly one of url and service is needed"),
            (Some(url), None) => {
                let url = url.as_str().unwrap_or_default();
                let rest = url.strip_prefix("https://").unwrap_or_default();
                if rest.is_empty() || rest.starts_with('/') || rest.contains(['@', '?', '#']) {
                    self.below("url", |walk| walk.say("it has to be https://, a host and a path"));
                }
            }
            (None, Some(service)) => self.below("service", |walk| {
                for key in ["name", "namespace"] {
                    if text(service, key).is_empty() {
                        walk.below(key, |walk| walk.say("it is missing"));
                    }
                }
                let port = service.get("port").and_then(Value::as_i64).unwrap_or(443);
                if !(1..=65_535).contains(&port) {
                    walk.below("port", |walk| walk.say(format!("{port} is no port")));
                }
                let path = text(service, "path");
                let steps = path.strip_prefix('/').map(|path| path.strip_suffix('/').unwrap_or(path));
                let good = steps.is_some_and(|steps| steps.split('/').all(names::is_subdomain));
                if !matches!(path, "" | "/") && !good {
                    walk.below("path", |walk| walk.say(format!("`{path}` is no path of names")));
                }
            }),
        }
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

    fn deprecation(&mut self, version: &Value) {
        let Some(warning) = version.get("deprecationWarning").and_then(Value::as_str) else { return };
        let what = if version.get("deprecated") != Some(&Value::Bool(true)) {
            "it is for versions that are deprecated"
        } else if warning.len() > 256 {
            "it is longer than 256 characters"
        } else if warning.is_empty() {
            "it is empty"
        } else if !warning.chars().all(is_printed) {
            "it has characters that are not printed"
        } else {
            return;
        };
        self.below("deprecationWarning", |walk| walk.say(what));
    }

    /// Fields by which objects can be selected.
    fn selectable(&mut self, version: &Value) {
        let fields = version.get("selectableFields").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let schema = version.pointer("/schema/openAPIV3Schema").and_then(Value::as_object);
        let Some(schema) = schema.filter(|_| !fields.is_empty()) else { return };
        let mut seen = BTreeSet::new();
        for (i, field) in fields.iter().enumerate() {
            let path = text(field, "jsonPath");
            let target = path::target(path, schema).filter(|_| !path.contains('['));
            let what = match target.and_then(|of| of.get("type")).and_then(Value::as_str) {
                _ if path.is_empty() => "it is missing",
                None if target.is_none() => "it leads to no field of the schema",
                _ if path.starts_with(".metadata.") => "it leads into metadata",
                Some("string" | "boolean" | "integer") if !seen.insert(path) => "it is there twice",
                Some("string" | "boolean" | "integer") => continue,
                _ => "it leads to something that is no string, boolean or integer",
            };
            self.below(&format!("selectableFields/{i}/jsonPath"), |walk| walk.say(what));
        }
        if seen.len() > MOST_SELECTABLE {
            self.below("selectableFields", |walk| walk.say(format!("{MOST_SELECTABLE} are allowed")));
        }
    }

    fn version(&mut self, version: &Value) {
        self.deprecation(version);
        self.selectable(version);
        for (i, column) in
            version.get("additionalPrinterColumns").and_then(Value::as_array).into_iter().flatten().enumerate()
        {
            self.below(&format!("additionalPrinterColumns/{i}"), |walk| {
                let kind = text(column, "type");
                let format = text(column, "format");
                let formats = ["", "int32", "int64", "float", "double", "byte", "date", "date-time", "password"];
                if !formats.contains(&format) {
                    walk.below("format", |walk| walk.say(format!("`{format}` is no format of a column")));
                }
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
                let status = version.pointer("/subresources/status").is_some_and(|status| !status.is_null());
                let before = walk.found.len();
                if status {
                    walk.root(root);
                }
                if is(root, "nullable") {
                    walk.below("nullable", |walk| walk.say("it cannot be true at the root"));
                }
                walk.node(root, Level::Root, Defaults::Allowed);
                // Rules are looked at where the schema is sound.
                if walk.found.len() == before {
                    for problem in super::cel::faults(root, walk.minor) {
                        let field = format!("{}{}", walk.path, problem.field);
                        walk.found.push(Problem { field, ..problem });
                    }
                }
            }),
        }
    }

    /// With a status of its own, little may stand at the root.
    fn root(&mut self, root: &Map) {
        for key in root.keys().filter(|key| !AT_ROOT.contains(&key.as_str()) && !is_nothing(&root[key.as_str()])) {
            self.below(key, |walk| walk.say("it may not stand at the root where the status is a subresource"));
        }
    }

    /// Fields of a whole object, which is the root or an object within the object.
    fn whole(&mut self, schema: &Map, is_root: bool) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, kind) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
            if let Some(schema) = properties.and_then(|p| p.get(key))
                && text(schema, "type") != kind
            {
                self.below(&format!("properties/{key}/type"), |walk| walk.say(format!("it has to be {kind}")));
            }
        }
        let Some(metadata) = properties.and_then(|p| p.get("metadata")).and_then(Value::as_object) else { return };
        if !is_root {
            return;
        }
        let named = metadata.get("properties").and_then(Value::as_object);
        for key in named.into_iter().flat_map(Map::keys).filter(|k| *k != "name" && *k != "generateName") {
            self.below(&format!("properties/metadata/properties/{}", pointer::escape(key)), |walk| {
                walk.say("a schema may restrict name and generateName of metadata only");
            });
        }
        for key in metadata.keys().filter(|key| !matches!(key.as_str(), "properties" | "type" | "default")) {
            if !is_nothing(&metadata[key.as_str()]) {
                self.below(&format!("properties/metadata/{}", pointer::escape(key)), |walk| {
                    walk.say("a schema may restrict name and generateName of metadata only");
                });
            }
        }
    }

    fn node(&mut self, schema: &Map, level: Level, defaults: Defaults) {
        self.forbidden(schema);
        let kind = schema.get("type").and_then(Value::as_str).filter(|kind| !kind.is_empty());
        let (keep, either, embedded) = (is(schema, KEEP), is(schema, INT_OR_STRING), is(schema, EMBEDDED));
        let is_root = level == Level::Root;
        match kind {
            Some(kind) if is_root && kind != "object" => {
                self.below("type", |walk| walk.say("it has to be object at the root"));
            }
            Some(kind) if embedded && kind != "object" => {
                self.below("type", |walk| walk.say(format!("it has to be object where {EMBEDDED} is true")));
            }
            None if embedded => {
                self.below("type", |walk| walk.say(format!("it has to be object where {EMBEDDED} is true")));
            }
            None if !keep && !either => self.below("type", |walk| walk.say("a type is required")),
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
        if either && keep {
            self.below(KEEP, |walk| walk.say(format!("it does not go with {INT_OR_STRING}")));
        }
        if either && embedded {
            self.below(EMBEDDED, |walk| walk.say(format!("it does not go with {INT_OR_STRING}")));
        }
        let values = schema.get("additionalProperties").filter(|values| !values.is_null());
        if values.is_some() && (is_root || embedded) {
            self.below("additionalProperties", |walk| walk.say("it is not for whole objects"));
        }
        self.extensions(schema, kind);
        self.rules(schema);
        if let Some(default) = schema.get("default").filter(|default| !default.is_null()) {
            if defaults == Defaults::Forbidden {
                self.below("default", |walk| walk.say("a default may not stand here"));
            } else {
                self.default(schema, default);
            }
        }
        if embedded && defaults == Defaults::OfMetadata {
            self.below(EMBEDDED, |walk| walk.say("an object does not stand within metadata"));
        }
        if embedded && !keep && schema.get("properties").and_then(Value::as_object).is_none_or(Map::is_empty) {
            self.below("properties", |walk| walk.say("an embedded resource has properties, or keeps unknown fields"));
        }
        if is_root || embedded {
            self.whole(schema, is_root);
        }
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let nothing = Map::new();
            let property = property.as_object().unwrap_or(&nothing);
            let of_metadata = (is_root || embedded) && matches!(name.as_str(), "metadata" | "kind" | "apiVersion");
            let defaults = match (of_metadata, is_root) {
                (true, true) => Defaults::Forbidden,
                (true, false) if defaults == Defaults::Allowed => Defaults::OfMetadata,
                _ => defaults,
            };
            self.below(&format!("properties/{}", pointer::escape(name)), |walk| {
                walk.node(property, Level::Field, defaults);
            });
        }
        if let Some(of) = schema.get("items").and_then(Value::as_object) {
            self.below("items", |walk| walk.node(of, Level::Item, defaults));
        }
        if let Some(of) = values.and_then(Value::as_object) {
            let defaults = if defaults == Defaults::OfMetadata { Defaults::Forbidden } else { defaults };
            self.below("additionalProperties", |walk| walk.node(of, Level::Field, defaults));
        }
        // Where anyOf says integer or string, it may; the same goes for the first of allOf.
        self.junctors(schema, schema, is_either(schema), is_either_of_all(schema));
    }

    /// The parts of a rule that are not CEL.
    fn rules(&mut self, schema: &Map) {
        let lines = |text: &str| text.contains(['\n', '\r']);
        let rules = schema.get(super::cel::RULES).and_then(Value::as_array);
        for (i, rule) in rules.into_iter().flatten().enumerate() {
            let (source, message, path) = (text(rule, "rule"), text(rule, "message"), text(rule, "fieldPath"));
            let mut wrong = Vec::new();
            if source.trim().is_empty() {
                wrong.push(("rule", "it is empty"));
            } else if !message.is_empty() && message.trim().is_empty() {
                wrong.push(("message", "it is empty"));
            } else if lines(message.trim()) {
                wrong.push(("message", "it has more than one line"));
            } else if lines(source.trim()) && message.trim().is_empty() {
                wrong.push(("message", "a rule of more than one line needs a message"));
            }
            let expression = text(rule, "messageExpression");
            if !expression.is_empty() && expression.trim().is_empty() {
                wrong.push(("messageExpression", "it is empty"));
            }
            let reasons = ["FieldValueRequired", "FieldValueForbidden", "FieldValueInvalid", "FieldValueDuplicate"];
            if rule.get("reason").and_then(Value::as_str).is_some_and(|reason| !reasons.contains(&reason)) {
                wrong.push((
                    "reason",
                    "it is none of FieldValueRequired, FieldValueForbidden, FieldValueInvalid, FieldValueDuplicate",
                ));
            }
            if !path.is_empty() && path::target(path, schema).is_none() {
                wrong.push(("fieldPath", "it leads to no field of the schema"));
            }
            for (key, what) in wrong {
                self.below(&format!("{}/{i}/{key}", super::cel::RULES), |walk| walk.say(what));
            }
        }
    }

    /// A default is as its own schema says, with the defaults within it.
    fn default(&mut self, schema: &Map, default: &Value) {
        let mut filled = default.clone();
        instance::fill(schema, &mut filled);
        for problem in instance::value_problems(schema, &filled) {
            self.below(&format!("default{}", problem.field), |walk| walk.say(problem.what));
        }
    }

    fn forbidden(&mut self, schema: &Map) {
        for key in ["$ref", "$schema", "additionalItems", "definitions", "dependencies", "id", "patternProperties"] {
            if schema.get(key).is_some_and(|v| !v.is_null()) {
                self.below(key, |walk| walk.say("a structural schema does not have it"));
            }
        }
        if is(schema, "uniqueItems") {
            self.below("uniqueItems", |walk| walk.say("it cannot be true"));
        }
        if schema.get("additionalProperties").is_some_and(|more| more.is_object() || *more == false)
            && schema.get("properties").and_then(Value::as_object).is_some_and(|p| !p.is_empty())
        {
            self.below("additionalProperties", |walk| walk.say("it does not go with properties"));
        }
        if schema.get("items").is_some_and(Value::is_array) {
            self.below("items", |walk| walk.say("it is one schema, not a list of them"));
        }
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            && let Pattern::Invalid(why) = regexp::read(pattern)
        {
            self.below("pattern", |walk| walk.say(format!("`{pattern}` is no regular expression: {why}")));
        }
    }

    fn extensions(&mut self, schema: &Map, kind: Option<&str>) {
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
                if items.is_object() && text(items, "type") != "object" {
                    self.below("items/type", |walk| walk.say("items of a map are objects"));
                }
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
                        Some(of) if of.get("nullable") == Some(&Value::Bool(true)) => "may be null",
                        Some(_) => continue,
                    };
                    self.below("x-kubernetes-list-map-keys", |walk| walk.say(format!("`{key}` {what}")));
                }
            }
            Some("atomic" | "set") | None => {
                if list_type == Some("set")
                    && let Some(of) = schema.get("items")
                {
                    let (inner, mapped) = (text(of, "x-kubernetes-list-type"), text(of, "x-kubernetes-map-type"));
                    if text(of, "type") == "array" && !matches!(inner, "" | "atomic") {
                        self.below("items/x-kubernetes-list-type", |walk| walk.say("items of a set are atomic"));
                    }
                    if text(of, "type") == "object" && mapped != "atomic" {
                        self.below("items/x-kubernetes-map-type", |walk| walk.say("items of a set are atomic"));
                    }
                }
                if keys.is_some_and(|keys| !keys.is_empty()) {
                    self.below("x-kubernetes-list-map-keys", |walk| walk.say("they are for lists of type map"));
                }
            }
            Some(other) => {
                let what = format!("`{other}` is none of atomic, map, set");
                self.below("x-kubernetes-list-type", |walk| walk.say(what));
            }
        }
        if matches!(list_type, Some("map" | "set"))
            && schema.get("items").and_then(Value::as_object).is_some_and(|of| is(of, "nullable"))
        {
            self.below("items/nullable", |walk| walk.say("items of a map or a set are not null"));
        }
        if let Some(map) = schema.get("x-kubernetes-map-type").and_then(Value::as_str) {
            if kind != Some("object") {
                self.below("x-kubernetes-map-type", |walk| walk.say("it is for objects"));
            } else if !matches!(map, "atomic" | "granular") {
                self.below("x-kubernetes-map-type", |walk| walk.say("it is neither atomic nor granular"));
            }
        }
    }

    /// What stands in allOf, anyOf, oneOf and not: restrictions of what `outer` names. Types may stand in anyOf where it says
    /// integer or string, and in anyOf of the first of allOf.
    fn junctors(&mut self, schema: &Map, outer: &Map, any: bool, first: bool) {
        for key in ["allOf", "anyOf", "oneOf"] {
            for (i, part) in schema.get(key).and_then(Value::as_array).into_iter().flatten().enumerate() {
                let (types, inner) = (any && key == "anyOf", first && key == "allOf" && i == 0);
                if let Some(part) = part.as_object().filter(|_| !types) {
                    self.below(&format!("{key}/{i}"), |walk| walk.part(part, outer, inner));
                }
            }
        }
        if let Some(part) = schema.get("not").and_then(Value::as_object) {
            self.below("not", |walk| walk.part(part, outer, false));
        }
    }

    fn part(&mut self, part: &Map, outer: &Map, any: bool) {
        const OUTSIDE: [&str; 12] = [
            "additionalProperties",
            "default",
            "description",
            EMBEDDED,
            INT_OR_STRING,
            "nullable",
            KEEP,
            "title",
            "type",
            "x-kubernetes-list-map-keys",
            "x-kubernetes-list-type",
            "x-kubernetes-map-type",
        ];
        for key in OUTSIDE.into_iter().chain([super::cel::RULES]) {
            if part.get(key).is_some_and(|value| !is_nothing(value)) {
                self.below(key, |walk| walk.say("it may not stand inside allOf, anyOf, oneOf or not"));
            }
        }
        for (name, property) in part.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let named = outer.get("properties").and_then(|p| p.get(name)).and_then(Value::as_object);
            self.below(&format!("properties/{}", pointer::escape(name)), |walk| match (named, property.as_object()) {
                _ if name == "metadata" => walk.say("it may not stand inside allOf, anyOf, oneOf or not"),
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
        self.forbidden(part);
        self.junctors(part, outer, any, false);
    }
}

/// Whether a value says as much as none.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn is_printed(sign: char) -> bool {
    !sign.is_control()
        && (sign == ' ' || !sign.is_whitespace())
        && !matches!(sign, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{feff}' | '\u{fffe}'..='\u{ffff}')
}

#[cfg(test)]
mod tests;
