//! Claims of storage, and the volumes that they are given.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>

use super::at::At;
use super::rules::quantity;
use super::{Found, selectors, volume_sources};
use crate::fargate::quantity::Quantity;

const MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];

/// Sources of a `PersistentVolume`, in the order in which the server looks at them.
const SOURCES: [&str; 22] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "flocker",
    "nfs",
    "rbd",
    "quobyte",
    "iscsi",
    "cephfs",
    "cinder",
    "fc",
    "flexVolume",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "scaleIO",
    "local",
    "storageos",
    "csi",
];

pub(super) fn modes(found: &mut Found<'_>, spec: &At<'_>) {
    let modes = spec.texts("accessModes");
    if modes.is_empty() {
        found.missing(spec, "accessModes", "how it is accessed has to be said");
    }
    for mode in spec.list("accessModes") {
        if !MODES.contains(&mode.own()) {
            found.bad(&mode, format!("it is none of {}", MODES.join(", ")));
        }
    }
    let alone = modes.contains(&"ReadWriteOncePod");
    if alone && modes.iter().any(|mode| *mode != "ReadWriteOncePod" && MODES.contains(mode)) {
        found.at("conflict", &spec.field("accessModes"), "ReadWriteOncePod stands alone");
    }
}

/// The spec of a claim, which stands below `claim`; `written` as it was, where the server does not drop sources that it has no
/// feature for before it looks, as it does with a claim of its own.
pub(super) fn spec(found: &mut Found<'_>, claim: &At<'_>, written: bool) {
    let nothing = crate::value::Value::Null;
    let spec = claim.get("spec").unwrap_or_else(|| At { value: &nothing, path: claim.field("spec") });
    modes(found, &spec);
    selectors::labels_of(found, &spec, "selector");
    match spec.down(&["resources", "requests"]).and_then(|requests| requests.get("storage")) {
        None => {
            let at = spec.path.clone() + "/resources/requests/storage";
            found.at("missing-field", &at, "a claim says how much it wants");
        }
        Some(at) if quantity(at.value).is_some_and(|asked| asked <= Quantity::ZERO) => {
            found.bad(&at, "it has to be more than 0");
        }
        Some(_) => {}
    }
    if found.since(34) {
        found.form(&spec, "volumeAttributesClassName", "subdomain");
    }
    // Across namespaces is a feature that is off by default: a reference to there is dropped.
    let reference = spec.get("dataSourceRef").filter(|at| written || at.text("namespace").is_empty());
    // As is a source beside no reference that is neither a claim nor a snapshot.
    let source = spec.get("dataSource").filter(|at| written || reference.is_some() || is_claim_or_snapshot(at));
    for at in [&source, &reference].into_iter().flatten() {
        if at.text("apiGroup").is_empty() && at.text("kind") != "PersistentVolumeClaim" {
            found.at("bad-value", &at.field("kind"), "without an apiGroup, it is a PersistentVolumeClaim");
        }
        found.form(at, "apiGroup", "subdomain");
    }
    let elsewhere = reference.as_ref().is_some_and(|at| !at.text("namespace").is_empty());
    if let Some(reference) = reference.as_ref().filter(|_| elsewhere) {
        found.form(reference, "namespace", "label");
        if let Some(source) = &source {
            found.conflict(source, "it does not stand beside a dataSourceRef of another namespace");
        }
    } else if let (Some(source), Some(reference)) = (&source, &reference) {
        let same = ["apiGroup", "kind", "name"].iter().all(|key| source.value.get(key) == reference.value.get(key));
        if !same {
            found.conflict(source, "it is not the same as dataSourceRef");
        }
    }
}

fn is_claim_or_snapshot(source: &At<'_>) -> bool {
    let (group, kind) = (source.text("apiGroup"), source.text("kind"));
    matches!((group, kind), ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot"))
}

/// A `PersistentVolume`.
pub(super) fn volume(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    let Some(spec) = root.get("spec") else {
        found.at("missing-field", "/spec", "there is no spec");
        return;
    };
    modes(found, &spec);
    if spec.get("capacity").is_none_or(|capacity| !capacity.has("storage")) {
        found.at("missing-field", "/spec/capacity/storage", "a volume says how much it has");
    }
    for (name, at) in spec.map("capacity") {
        if name != "storage" {
            found.bad(&at, "a volume has a capacity of storage only");
        }
        if quantity(at.value).is_some_and(|has| has <= Quantity::ZERO) {
            found.bad(&at, "it has to be more than 0");
        }
    }
    of_volume(found, &spec, &object.identity.name);
    if let Some(class) = spec.get("volumeAttributesClassName").filter(|_| found.since(34)) {
        found.formed(&class, "subdomain");
        if !spec.has("csi") {
            found.missing(&spec, "csi", "volumeAttributesClassName is for it");
        }
    }
}

/// What a `PersistentVolume` is made from, also where it is written into another object.
pub(super) fn of_volume(found: &mut Found<'_>, spec: &At<'_>, name: &str) {
    let sources: Vec<&str> = SOURCES.into_iter().filter(|key| spec.has(key)).collect();
    // A flexVolume is not held against what stands before it.
    if sources.is_empty() {
        found.at("missing-field", &spec.path, "it needs one source, such as csi or nfs");
    } else if sources[1..].iter().any(|source| *source != "flexVolume") {
        found.conflict(spec, format!("a volume comes from one of {}", sources.join(", ")));
    }
    volume_sources::check(found, spec);
    if let Some(affinity) = spec.get("nodeAffinity") {
        if let Some(required) = affinity.get("required") {
            selectors::nodes(found, &required);
        } else {
            found.missing(&affinity, "required", "it says what the node has to be like");
        }
    } else if spec.has("local") {
        found.missing(spec, "nodeAffinity", "a local volume is on one node");
    }
    if let Some(path) = spec.get("hostPath")
        && spec.text("persistentVolumeReclaimPolicy") == "Recycle"
        && path.text("path").split('/').all(|part| matches!(part, "" | "."))
        && !path.text("path").is_empty()
    {
        let what = "the whole node is not recycled";
        found.at("conflict", &spec.field("persistentVolumeReclaimPolicy"), what);
    }
    if let Some(iscsi) = spec.get("iscsi")
        && iscsi.has("initiatorName")
        && name.len() + 1 + iscsi.text("targetPortal").len() > 64
    {
        let what = "it and the volume's name have more than 63 characters together";
        found.at("bad-value", &iscsi.field("targetPortal"), what);
    }
    for key in
        ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"]
    {
        let Some(secret) = spec.get("csi").and_then(|csi| csi.get(key)) else { continue };
        for (key, form) in [("name", "subdomain"), ("namespace", "label")] {
            if secret.text(key).is_empty() {
                found.missing(&secret, key, "a Secret has a name and a namespace");
            } else {
                found.form(&secret, key, form);
            }
        }
    }
}
