//! Names, labels and annotations.
//! Source: <https://github.com/kubernetes/apimachinery/blob/v0.36.0/pkg/api/validation/objectmeta.go>

use super::at::At;
use super::{Found, names};
use crate::rewrite::size;

/// What every object has to keep to.
pub(super) fn check(found: &mut Found<'_>) {
    let object = found.object;
    let metadata = At { value: &object.head.metadata, path: "/metadata".to_owned() };
    if object.identity.name.is_empty() {
        let what = if metadata.has("generateName") {
            "kubectl apply needs a name; generateName is for kubectl create"
        } else {
            "the object has no name"
        };
        found.at("missing-field", "/metadata/name", what);
    }
    let namespace = metadata.text("namespace");
    if !namespace.is_empty() && !names::is_label(namespace) {
        found.at("bad-name", "/metadata/namespace", format!("`{namespace}` is not a DNS label"));
    }
    labels(found, &metadata, "labels");
    let mut size = 0;
    for (key, at) in metadata.map("annotations") {
        size += key.len() + at.value.as_str().map_or(0, str::len);
        if !names::is_qualified(&key.to_lowercase()) {
            found.at("bad-label", &at.path, format!("`{key}` is not a qualified name"));
        }
        if !(at.value.is_string() || at.value.is_null()) {
            found.at("wrong-type", &at.path, "the value of an annotation is a string; put it in quotes");
        }
    }
    if size > size::LIMIT {
        found.at("bad-value", "/metadata/annotations", format!("{size} bytes, and {} are the limit", size::LIMIT));
    }
}

/// Labels: keys and values.
pub(super) fn labels(found: &mut Found<'_>, parent: &At<'_>, key: &str) {
    for (key, at) in parent.map(key) {
        if !names::is_qualified(key) {
            found.at("bad-label", &at.path, format!("`{key}` is not a qualified name"));
        }
        match at.value.as_str() {
            Some(value) if names::is_label_value(value) => {}
            Some(value) => found.at(
                "bad-label",
                &at.path,
                format!("`{value}` is no label's value: letters, digits, `-`, `_` and `.`, 63 at the most, the first and the last a letter or a digit"),
            ),
            None if at.value.is_null() => {}
            None => found.at("wrong-type", &at.path, "the value of a label is a string; put it in quotes"),
        }
    }
}

/// The name, as the kind has it.
pub(super) fn named(found: &mut Found<'_>) {
    let identity = &found.object.identity;
    let (kind, name) = (identity.kind.as_str(), identity.name.as_str());
    if name.is_empty() {
        return;
    }
    let good = match kind {
        "Namespace" | "Service" => names::is_label(name),
        "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => names::is_path_segment(name),
        "CustomResourceDefinition" | "APIService" => true,
        "CronJob" => names::is_subdomain(name) && name.len() <= 52,
        _ => names::is_subdomain(name),
    };
    if !good {
        let form = match kind {
            "Namespace" | "Service" => "a DNS label: lower-case letters, digits and dashes, 63 at the most",
            "CronJob" => "a DNS subdomain of at most 52 characters",
            "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => "a name without `/` and `%`",
            _ => "a DNS subdomain: lower-case letters, digits, dashes and dots",
        };
        found.at("bad-name", "/metadata/name", format!("`{name}` is not {form}"));
    }
}
