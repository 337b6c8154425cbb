//! What storage there is: classes, drivers, attachments, capacities.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/storage/validation/validation.go>

use std::collections::BTreeSet;

use super::at::At;
use super::{Found, claims, selectors};
use crate::kubernetes::names;

/// Checks an object of `storage.k8s.io`.
pub(super) fn check(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    match object.identity.kind.as_str() {
        "StorageClass" => {
            parameters(found, &root);
            topologies(found, &root);
        }
        "VolumeAttributesClass" => {
            parameters(found, &root);
            if root.len("parameters") == 0 {
                found.missing(&root, "parameters", "one at least is needed");
            }
        }
        "CSIDriver" => driver(found, &root),
        "CSINode" => node(found, &root),
        "CSIStorageCapacity" => selectors::labels_of(found, &root, "nodeTopology"),
        "VolumeAttachment" => attachment(found, &root),
        _ => {}
    }
}

fn parameters(found: &mut Found<'_>, root: &At<'_>) {
    let parameters = root.map("parameters");
    if parameters.len() > 512 {
        found.at("bad-value", "/parameters", format!("{} are too many: 512 is the limit", parameters.len()));
        return;
    }
    for (_, at) in parameters.iter().filter(|(key, _)| key.is_empty()) {
        found.bad(at, "its key is empty");
    }
    let size: usize = parameters.iter().map(|(key, at)| key.len() + at.own().len()).sum();
    if size > 256 * 1024 {
        found.at("bad-value", "/parameters", "256 KiB are the limit of all together");
    }
}

fn topologies(found: &mut Found<'_>, root: &At<'_>) {
    let mut seen: Vec<Vec<(&str, BTreeSet<&str>)>> = Vec::new();
    let terms = root.list("allowedTopologies");
    for term in &terms {
        let requirements = term.list("matchLabelExpressions");
        found.distinct(&requirements, |requirement| requirement.text("key"));
        let mut all = Vec::new();
        for requirement in &requirements {
            if !names::is_qualified(requirement.text("key")) {
                found.at("bad-label", &requirement.field("key"), "it is not a qualified name");
            }
            let values = requirement.texts("values");
            let distinct: BTreeSet<&str> = values.iter().copied().collect();
            if values.is_empty() {
                found.missing(requirement, "values", "one value at least is needed");
            } else if distinct.len() < values.len() {
                found.at("duplicate-entry", &requirement.field("values"), "a value is there twice");
            }
            all.push((requirement.text("key"), distinct));
        }
        all.sort();
        // A term that says nothing is as good as one that is there twice.
        if seen.contains(&all) || all.is_empty() {
            found.twice(term, "it says nothing, or what another says already");
        }
        seen.push(all);
    }
}

fn driver(found: &mut Found<'_>, root: &At<'_>) {
    let Some(spec) = root.get("spec") else { return };
    for mode in
        spec.list("volumeLifecycleModes").iter().filter(|mode| !matches!(mode.own(), "Ephemeral" | "Persistent"))
    {
        found.bad(mode, format!("`{}` is neither Ephemeral nor Persistent", mode.own()));
    }
    let requests = spec.list("tokenRequests");
    found.distinct(&requests, |request| request.text("audience"));
    if spec.has("serviceAccountTokenInSecrets") && requests.is_empty() && found.since(35) {
        found.at("conflict", "/spec/serviceAccountTokenInSecrets", "it is for tokenRequests, and there are none");
    }
}

fn node(found: &mut Found<'_>, root: &At<'_>) {
    let drivers = root.get("spec").map(|spec| spec.list("drivers")).unwrap_or_default();
    found.distinct(&drivers, |driver| driver.text("name"));
    for driver in &drivers {
        let keys = driver.list("topologyKeys");
        found.distinct(&keys, |key| key.own());
        for key in &keys {
            found.formed(key, "qualified");
        }
    }
}

fn attachment(found: &mut Found<'_>, root: &At<'_>) {
    let Some(source) = root.down(&["spec", "source"]) else { return };
    match (source.get("inlineVolumeSpec"), source.has("persistentVolumeName")) {
        (Some(_), true) | (None, false) => {
            found.at("conflict", &source.path, "it has a persistentVolumeName or an inlineVolumeSpec");
        }
        (None, true) => {
            if let Some(name) = source.get("persistentVolumeName") {
                found.formed(&name, "subdomain");
            }
        }
        (Some(spec), false) => {
            claims::modes(found, &spec);
            if !spec.has("csi") {
                found.missing(&spec, "csi", "a volume that is written here is one of CSI");
            }
            for key in ["claimRef", "capacity", "nodeAffinity", "storageClassName"] {
                let there = match key {
                    "capacity" => spec.len(key) > 0,
                    "storageClassName" => !spec.text(key).is_empty(),
                    _ => spec.has(key),
                };
                if there {
                    found.at("conflict", &spec.field(key), "a volume that is written here has none");
                }
            }
            for (key, only) in [("persistentVolumeReclaimPolicy", "Retain"), ("volumeMode", "Filesystem")] {
                if !spec.text(key).is_empty() && spec.text(key) != only {
                    found.at("conflict", &spec.field(key), format!("a volume that is written here has {only}"));
                }
            }
            claims::of_volume(found, &spec, "");
        }
    }
}
