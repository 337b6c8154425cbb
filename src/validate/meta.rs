//! Names, labels, annotations, owners, finalizers.
//! Source: <https://github.com/kubernetes/apimachinery/blob/v0.36.0/pkg/api/validation/objectmeta.go>

use super::Found;
use super::at::At;
use super::model::Kind;
use crate::kubernetes::{addresses, names};
use crate::rewrite::size;

/// Finalizers without a domain that Kubernetes knows.
const FINALIZERS: [&str; 3] = ["foregroundDeletion", "kubernetes", "orphan"];

/// Kinds of Kubernetes' own whose finalizers may be any qualified name, as those of custom resources may.
const FREE_FINALIZERS: [&str; 14] = [
    "admissionregistration.v1.MutatingAdmissionPolicy",
    "admissionregistration.v1.MutatingAdmissionPolicyBinding",
    "admissionregistration.v1.MutatingWebhookConfiguration",
    "admissionregistration.v1.ValidatingAdmissionPolicy",
    "admissionregistration.v1.ValidatingAdmissionPolicyBinding",
    "admissionregistration.v1.ValidatingWebhookConfiguration",
    "apiextensions.v1.CustomResourceDefinition",
    "apiregistration.v1.APIService",
    "coordination.v1.Lease",
    "coordination.v1alpha2.LeaseCandidate",
    "coordination.v1beta1.LeaseCandidate",
    "core.v1.Event",
    "node.v1.RuntimeClass",
    "policy.v1.PodDisruptionBudget",
];

/// Kinds whose generation the API server keeps as it was sent, so that it looks at it.
const KEPT_GENERATION: [&str; 33] = [
    "APIService",
    "CSIDriver",
    "CSINode",
    "CSIStorageCapacity",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "ControllerRevision",
    "Endpoints",
    "Event",
    "HorizontalPodAutoscaler",
    "IPAddress",
    "Lease",
    "LeaseCandidate",
    "LimitRange",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ResourceClaim",
    "ResourceClaimTemplate",
    "ResourceQuota",
    "Role",
    "RoleBinding",
    "RuntimeClass",
    "Secret",
    "Service",
    "ServiceAccount",
    "ServiceCIDR",
    "StorageClass",
    "VolumeAttachment",
    "VolumeAttributesClass",
];

/// What every object has to keep to; `own`: its kind, where it is one of Kubernetes' own that is served; `foreign`: it is none
/// and was none.
pub(super) fn check(found: &mut Found<'_>, own: Option<Kind>, foreign: bool, complete: bool) {
    let object = found.object;
    let metadata = At { value: &object.head.metadata, path: "/metadata".to_owned() };
    // The API server takes the namespace of a kind that has none for nothing.
    let namespace = metadata.text("namespace");
    if own.is_none_or(|kind| kind.namespaced) && !namespace.is_empty() && !names::is_label(namespace) {
        found.at("bad-name", "/metadata/namespace", format!("`{namespace}` is not a DNS label"));
    }
    named(found, &metadata, !foreign, complete);
    labels(found, &metadata, "labels");
    annotations(found, &metadata);
    owners(found, &metadata);
    finalizers(found, &metadata, own);
    let kept = own.is_some() && KEPT_GENERATION.contains(&object.identity.kind.as_str());
    if let Some(at) = metadata.get("generation").filter(|_| kept)
        && metadata.int("generation") < Some(0)
    {
        found.bad(&at, "it is less than 0");
    }
    if !complete && size::is_too_large(&object.value) && own_annotations(&metadata) <= size::LIMIT {
        let what = format!(
            "`kubectl apply` keeps a copy of the object in an annotation, and {} bytes are the limit of all annotations: \
             apply it with `--server-side`",
            size::LIMIT
        );
        found.at("last-applied-too-large", "/metadata/annotations", what);
    }
}

fn own_annotations(metadata: &At<'_>) -> usize {
    metadata.map("annotations").iter().map(|(key, at)| key.len() + at.own().len()).sum()
}

/// Annotations: keys, and the size of all. A value may be any text.
pub(super) fn annotations(found: &mut Found<'_>, metadata: &At<'_>) {
    for (key, at) in metadata.map("annotations") {
        if !names::is_qualified(&key.to_lowercase()) {
            found.at("bad-label", &at.path, format!("`{key}` is not a qualified name"));
        }
    }
    let size = own_annotations(metadata);
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

/// Metadata of what a controller makes after a template: labels and annotations, and nothing else.
pub(super) fn of_template(found: &mut Found<'_>, metadata: &At<'_>) {
    labels(found, metadata, "labels");
    annotations(found, metadata);
    for (key, value) in metadata.value.as_object().into_iter().flatten() {
        // This one may be 0, and is there.
        let zero = *value == 0 && key != "deletionGracePeriodSeconds";
        let nothing = value.is_null() || value.as_str() == Some("") || zero;
        if !nothing && !matches!(key.as_str(), "labels" | "annotations") {
            found.at("conflict", &metadata.field(key), "a template has labels and annotations only");
        }
    }
}

/// Metadata of an object within an object.
pub(super) fn embedded(found: &mut Found<'_>, metadata: &At<'_>) {
    labels(found, metadata, "labels");
    annotations(found, metadata);
    owners(found, metadata);
    let namespace = metadata.text("namespace");
    if !namespace.is_empty() && !names::is_label(namespace) {
        found.at("bad-name", &metadata.field("namespace"), format!("`{namespace}` is not a DNS label"));
    }
}

fn owners(found: &mut Found<'_>, metadata: &At<'_>) {
    let mut controllers = 0;
    let owners = metadata.list("ownerReferences");
    for (i, owner) in owners.iter().enumerate() {
        // One that is there twice counts once.
        if owners[..i].iter().any(|other| other.value == owner.value) {
            continue;
        }
        let api = owner.text("apiVersion");
        if api.matches('/').count() > 1 || (api.contains('/') && api.ends_with('/')) {
            found.at("bad-value", &owner.field("apiVersion"), format!("`{api}` is no API version"));
        }
        if api == "v1" && owner.text("kind") == "Event" {
            found.at("bad-value", &owner.field("kind"), "an Event owns nothing");
        }
        if owner.is_true("controller") {
            controllers += 1;
            if controllers == 2 {
                found.at("conflict", &owner.field("controller"), "an object has one controller");
            }
        }
    }
}

fn finalizers(found: &mut Found<'_>, metadata: &At<'_>, own: Option<Kind>) {
    let finalizers = metadata.texts("finalizers");
    if finalizers.contains(&"orphan") && finalizers.contains(&"foregroundDeletion") {
        found.at("conflict", &metadata.field("finalizers"), "orphan and foregroundDeletion exclude each other");
    }
    // Those of a template are not looked at, so that this is no rule of the type.
    if let Some(name) = finalizers.iter().find(|name| !names::is_qualified(name)) {
        let what = format!("`{name}` is not {}", names::words("qualified"));
        found.at("bad-value", &metadata.field("finalizers"), what);
    }
    if own.is_none_or(|kind| FREE_FINALIZERS.contains(&kind.type_name)) {
        return;
    }
    for (i, name) in finalizers.iter().enumerate() {
        if !name.is_empty() && !is_finalizer(name) {
            let at = format!("/metadata/finalizers/{i}");
            found.at("bad-name", &at, format!("`{name}` is no finalizer with a domain, a slash and a name"));
        }
    }
}

/// Whether a finalizer has a domain, or is one of those that need none.
pub(super) fn is_finalizer(name: &str) -> bool {
    name.contains('/') || FINALIZERS.contains(&name)
}

/// What the object's name is made from, for names such as those of this kind.
pub(super) fn generated(found: &mut Found<'_>, kind: &str) {
    let generated = found.object.head.meta("generateName").unwrap_or_default();
    if !generated.is_empty() {
        let since_36 = found.since(36);
        start_of_name(found, generated, kind, since_36);
    }
}

fn start_of_name(found: &mut Found<'_>, generated: &str, kind: &str, since_36: bool) {
    let example = match generated.strip_suffix('-') {
        Some(start) if !start.is_empty() => format!("{}a", &start[..start.len() - last_width(start)]),
        _ => generated.to_owned(),
    };
    if let Some(form) = wrong_name(kind, &example, since_36) {
        let what = format!("`{generated}` is not the start of {form}");
        found.at("bad-name", "/metadata/generateName", what);
    }
}

/// The name, as the kind has it, and what names are made from.
fn named(found: &mut Found<'_>, metadata: &At<'_>, own: bool, complete: bool) {
    let identity = &found.object.identity;
    let (kind, name) = (if own { identity.kind.as_str() } else { "" }, identity.name.as_str());
    let since_36 = found.since(36);
    let generated = metadata.text("generateName");
    if !generated.is_empty() {
        // Of these two, what names are made from may be all that goes into a URL, as it may for a Role.
        let free = own && matches!(kind, "ReplicationController" | "DeviceClass");
        start_of_name(found, generated, if free { "Role" } else { kind }, since_36);
    }
    if !generated.is_empty() && matches!(kind, "CustomResourceDefinition" | "APIService") {
        found.at("bad-name", "/metadata/generateName", "its name follows from what it says: none can be generated");
    }
    if name.is_empty() && own && kind == "CustomResourceDefinition" {
        let what = "a CRD is named after its plural and its group, so that its name has to be written";
        found.at("missing-field", "/metadata/name", what);
        return;
    }
    if name.is_empty() {
        // The API server makes the name of a LimitRange where there is none.
        if !complete && (!generated.is_empty() || (own && kind == "LimitRange")) {
            let what = "`kubectl apply` needs a name; `kubectl create` takes it as it is";
            found.at("generate-name", "/metadata/name", what);
            return;
        }
        let what = if generated.is_empty() {
            "the object has no name"
        } else {
            "kubectl apply needs a name; generateName is for kubectl create"
        };
        found.at("missing-field", "/metadata/name", what);
        return;
    }
    let most = match kind {
        "CronJob" => 52,
        "Job" => 63,
        _ => usize::MAX,
    };
    if let Some(form) = wrong_name(kind, name, since_36) {
        found.at("bad-name", "/metadata/name", format!("`{name}` is not {form}"));
    } else if name.len() > most {
        let why = if kind == "Job" { ", since it becomes the value of a label" } else { "" };
        let what = format!("`{name}` is not a DNS subdomain of at most {most} characters{why}");
        found.at("bad-name", "/metadata/name", what);
    }
}

fn last_width(text: &str) -> usize {
    text.chars().next_back().map_or(0, char::len_utf8)
}

/// The form that the names of a kind have, where this name has it not.
fn wrong_name(kind: &str, name: &str, since_36: bool) -> Option<&'static str> {
    const LABEL: &str = "a DNS label: lower-case letters, digits and dashes, 63 at the most";
    const LABEL_1035: &str =
        "a DNS label that starts with a letter: lower-case letters, digits and dashes, 63 at the most";
    const SUBDOMAIN: &str = "a DNS subdomain: lower-case letters, digits, dashes and dots";
    let (good, form) = match kind {
        "Namespace" | "StatefulSet" => (names::is_label(name), LABEL),
        "Service" if since_36 => (names::is_label(name), LABEL),
        "Service" => (names::is_label_1035(name), LABEL_1035),
        // Their names may be anything that goes into a URL.
        "PodDisruptionBudget"
        | "Role"
        | "ClusterRole"
        | "RoleBinding"
        | "ClusterRoleBinding"
        | "CertificateSigningRequest"
        | "Event" => (names::is_path_segment(name), "a name without `/` and `%`"),
        "LeaseCandidate" => (names::is_config_key(name), "letters, digits, `-`, `_` and `.`"),
        "IPAddress" => (addresses::not_canonical_ip(name).is_none(), "an IP address as it is written by default"),
        "ClusterTrustBundle" => (true, ""),
        // Their names follow from what they say, which is checked elsewhere.
        "CustomResourceDefinition" | "APIService" => (true, ""),
        _ => (names::is_subdomain(name), SUBDOMAIN),
    };
    (!good).then_some(form)
}
