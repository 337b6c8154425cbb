//! Events and leases: what parts of a cluster tell each other.
//! Sources: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/events.go>,
//! <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/coordination/validation/validation.go>

use super::Found;
use super::at::At;
use crate::kubernetes::names;

/// An Event, of either API.
pub(super) fn event(found: &mut Found<'_>, new: bool) {
    let object = found.object;
    let root = At::root(&object.value);
    let namespace = object.identity.namespace.as_deref().unwrap_or("default");
    let (about, controller, message) = if new {
        ("regarding", "reportingController", "note")
    } else {
        ("involvedObject", "reportingComponent", "message")
    };
    let of = root.get(about).map_or("", |about| about.text("namespace"));
    let at = format!("/{about}/namespace");
    if root.has("eventTime") {
        if of.is_empty() && !matches!(namespace, "default" | "kube-system") {
            found.at("conflict", &at, "it is not the namespace of the event");
        }
        let name = root.text(controller);
        if name.is_empty() {
            found.missing(&root, controller, "an event with an eventTime says who reports it");
        } else if !names::is_qualified(name) {
            found.at("bad-value", &root.field(controller), "it is not a qualified name");
        }
        for key in ["reportingInstance", "action", "reason"] {
            if root.text(key).is_empty() {
                found.missing(&root, key, "an event with an eventTime has it");
            }
            if root.text(key).len() > 128 {
                found.at("bad-value", &root.field(key), "128 characters are the limit");
            }
        }
        if root.text(message).len() > 1024 {
            found.at("bad-value", &root.field(message), "1024 characters are the limit");
        }
    } else if if of.is_empty() { namespace != "default" } else { of != namespace } {
        found.at("conflict", &at, "it is not the namespace of the event");
    }
    if !new {
        return;
    }
    if !names::is_subdomain(&object.identity.name) && !object.identity.name.is_empty() {
        found.at("bad-name", "/metadata/name", "it is not a DNS subdomain");
    }
    super::meta::generated(found, "");
    if !matches!(root.text("type"), "Normal" | "Warning") {
        found.at("bad-value", "/type", "it is neither Normal nor Warning");
    }
    for key in ["deprecatedFirstTimestamp", "deprecatedLastTimestamp", "deprecatedCount", "deprecatedSource"] {
        let Some(at) = root.get(key) else { continue };
        let nothing =
            *at.value == 0 || at.value.as_object().is_some_and(|m| m.values().all(|v| v.as_str() == Some("")));
        if !nothing {
            found.conflict(&at, "it is for events of the old API");
        }
    }
    if let Some(series) = root.get("series")
        && series.int("count").unwrap_or(0) < 2
    {
        found.at("bad-value", &series.field("count"), "a series has two or more");
    }
}

/// A Lease.
pub(super) fn lease(found: &mut Found<'_>) {
    let object = found.object;
    let Some(spec) = At::root(&object.value).get("spec") else { return };
    if let Some(transitions) = spec.get("leaseTransitions")
        && spec.int("leaseTransitions") < Some(0)
    {
        found.bad(&transitions, "it is less than 0");
    }
}
