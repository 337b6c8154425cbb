//! Names, labels and annotations.
//! Source: <https://github.com/kubernetes/apimachinery/blob/v0.36.0/pkg/api/validation/objectmeta.go>

use super::Found;
use super::at::At;
use crate::kubernetes::names;
use crate::rewrite::size;

/// Finalizers without a domain that Kubernetes knows.
const FINALIZERS: [&str; 3] = ["foregroundDeletion", "kubernetes", "orphan"];

/// What every object has to keep to; `own`: its kind is one of Kubernetes' own.
pub(super) fn check(found: &mut Found<'_>, own: bool) {
    let object = found.object;
    let metadata = At { value: &object.head.metadata, path: "/metadata".to_owned() };
    named(found, &metadata, own);
    labels(found, &metadata, "labels");
    annotations(found, &metadata);
    for finalizer in metadata.list("finalizers").into_iter().filter(|_| own) {
        if let Some(name) = finalizer.value.as_str()
            && !name.contains('/')
            && !FINALIZERS.contains(&name)
        {
            found.at(
                "bad-name",
                &finalizer.path,
                format!("`{name}` is no finalizer with a domain, a slash and a name"),
            );
        }
    }
}

/// Annotations: keys, and the size of all. A value may be any text.
pub(super) fn annotations(found: &mut Found<'_>, metadata: &At<'_>) {
    let mut size = 0;
    for (key, at) in metadata.map("annotations") {
        size += key.len() + at.value.as_str().map_or(0, str::len);
        if !names::is_qualified(&key.to_lowercase()) {
            found.at("bad-label", &at.path, format!("`{key}` is not a qualified name"));
        }
    }
    if size > size::LIMIT {
        let what = format!("{size} bytes, and {} are the limit", size::LIMIT);
        found.at("bad-value", &metadata.field("annotations"), what);
    }
}

/// Labels: keys and values.
pub(super) fn labels(found: &mut Found<'_>, parent: &At<'_>, key: &str) {
    for (key, at) in parent.map(key) {
        if !names::is_qualified(key) {
            found.at("bad-label", &at.path, format!("`{key}` is not a qualified name"));
        }
        if let Some(value) = at.value.as_str().filter(|value| !names::is_label_value(value)) {
            found.at(
                "bad-label",
                &at.path,
                format!("`{value}` is no label's value: letters, digits, `-`, `_` and `.`, 63 at the most, the first and the last a letter or a digit"),
            );
        }
    }
}

/// The name, as the kind has it, and the namespace.
fn named(found: &mut Found<'_>, metadata: &At<'_>, own: bool) {
    let identity = &found.object.identity;
    let (kind, name) = (if own { identity.kind.as_str() } else { "" }, identity.name.as_str());
    let namespace = metadata.text("namespace");
    if !namespace.is_empty() && !names::is_label(namespace) {
        found.at("bad-name", "/metadata/namespace", format!("`{namespace}` is not a DNS label"));
    }
    if name.is_empty() {
        let what = if metadata.has("generateName") {
            "kubectl apply needs a name; generateName is for kubectl create"
        } else {
            "the object has no name"
        };
        found.at("missing-field", "/metadata/name", what);
        return;
    }
    let (good, form) = match kind {
        "Namespace" | "StatefulSet" => {
            (names::is_label(name), "a DNS label: lower-case letters, digits and dashes, 63 at the most")
        }
        "Service" => (
            names::is_label_1035(name),
            "a DNS label that starts with a letter: lower-case letters, digits and dashes, 63 at the most",
        ),
        "PodDisruptionBudget" | "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => {
            (names::is_path_segment(name), "a name without `/` and `%`")
        }
        // Their names follow from what they say, which is checked elsewhere.
        "CustomResourceDefinition" | "APIService" => (true, ""),
        "CronJob" => (names::is_subdomain(name) && name.len() <= 52, "a DNS subdomain of at most 52 characters"),
        "Job" => (
            names::is_subdomain(name) && name.len() <= 63,
            "a DNS subdomain of at most 63 characters, since it becomes the value of a label",
        ),
        _ => (names::is_subdomain(name), "a DNS subdomain: lower-case letters, digits, dashes and dots"),
    };
    if !good {
        found.at("bad-name", "/metadata/name", format!("`{name}` is not {form}"));
    }
}
