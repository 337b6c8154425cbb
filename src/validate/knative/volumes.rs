//! Volumes of a revision.
//! Source: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/serving/k8s_validation.go>

use std::collections::BTreeSet;

use super::super::Found;
use super::super::at::At;
use super::super::rules::quantity;
use super::{CODE, Webhook, is_set, names};
use crate::fargate::quantity::Quantity;

/// The sources of a volume that Knative knows, and the feature that each needs.
const SOURCES: [(&str, Option<&str>); 9] = [
    ("secret", None),
    ("configMap", None),
    ("projected", None),
    ("emptyDir", Some("kubernetes.podspec-volumes-emptydir")),
    ("persistentVolumeClaim", Some("kubernetes.podspec-persistent-volume-claim")),
    ("hostPath", Some("kubernetes.podspec-volumes-hostpath")),
    ("csi", Some("kubernetes.podspec-volumes-csi")),
    ("ephemeral", Some("kubernetes.podspec-volumes-ephemeral")),
    ("image", Some("kubernetes.podspec-volumes-image")),
];

/// The first Knative that knows ephemeral volumes.
const EPHEMERAL: u32 = 23;

pub(super) fn check(found: &mut Found<'_>, webhook: &Webhook<'_>, spec: &At<'_>) {
    let containers = spec.list("initContainers").into_iter().chain(spec.list("containers"));
    let mounts = containers.flat_map(|container| container.list("volumeMounts"));
    let mounted: BTreeSet<&str> = mounts.map(|mount| mount.text("name")).collect();
    let mut seen = BTreeSet::new();
    for volume in spec.list("volumes") {
        let name = volume.text("name");
        let at = volume.field("name");
        if name.is_empty() {
            found.at(CODE, &at, "`name` is missing");
        } else if !names::is_label(name) {
            found.at(CODE, &at, format!("`{name}` is no DNS label"));
        } else if !seen.insert(name) {
            found.at(CODE, &at, format!("a second volume is called `{name}`"));
        } else if !mounted.contains(name) {
            found.at(CODE, &at, format!("no container mounts the volume `{name}`"));
        }
        source(found, webhook, &volume);
    }
}

fn source(found: &mut Found<'_>, webhook: &Webhook<'_>, volume: &At<'_>) {
    let keys = volume.value.as_object().into_iter().flatten().filter(|(key, value)| *key != "name" && !value.is_null());
    let mut there = Vec::new();
    for (key, _) in keys {
        let Some((source, feature)) = SOURCES.iter().find(|(source, _)| source == key) else {
            found.at(CODE, &volume.field(key), format!("Knative takes no volume of `{key}`"));
            continue;
        };
        if *source == "ephemeral" && webhook.minor < EPHEMERAL {
            found.at(CODE, &volume.field(key), "Knative takes no volume of `ephemeral` before 1.23");
            continue;
        }
        there.push(*source);
        if let Some(feature) = feature.filter(|feature| !webhook.is_on(feature)) {
            found.at(CODE, &volume.field(key), format!("Knative takes such volumes only with the feature {feature}"));
        }
    }
    match there.as_slice() {
        [] if volume.value.as_object().is_none_or(|map| map.keys().all(|key| key == "name")) => {
            found.at(CODE, &volume.path, "one of `secret`, `configMap`, `projected`, `emptyDir` is needed");
        }
        [] | [_] => {}
        _ => found.at(CODE, &volume.path, format!("only one of {} may stand here", there.join(", "))),
    }
    if let Some(claim) = volume.get("persistentVolumeClaim") {
        let feature = "kubernetes.podspec-persistent-volume-write";
        if !claim.is_true("readOnly") && !webhook.is_on(feature) {
            found.at(
                CODE,
                &claim.field("readOnly"),
                format!("Knative writes to claims only with the feature {feature}"),
            );
        }
    }
    if let Some(dir) = volume.get("emptyDir") {
        if !matches!(dir.text("medium"), "" | "Memory") {
            found.at(CODE, &dir.field("medium"), format!("`{}` is not Memory", dir.text("medium")));
        }
        if dir.get("sizeLimit").and_then(|at| quantity(at.value)).is_some_and(Quantity::is_negative) {
            found.at(CODE, &dir.field("sizeLimit"), "it has to be 0 or more");
        }
    }
    if let Some(image) = volume.get("image") {
        needed(found, &image, &["reference"]);
        if !matches!(image.text("pullPolicy"), "" | "Always" | "IfNotPresent" | "Never") {
            found.at(CODE, &image.field("pullPolicy"), "it is none of Always, IfNotPresent, Never");
        }
    }
    for source in ["secret", "configMap"] {
        items(found, volume.get(source).as_ref());
    }
    for source in volume.get("projected").map(|projected| projected.list("sources")).unwrap_or_default() {
        projection(found, &source);
    }
}

fn needed(found: &mut Found<'_>, at: &At<'_>, keys: &[&str]) {
    for key in keys.iter().filter(|key| !is_set(at, key)) {
        found.at(CODE, &at.field(key), format!("`{key}` is missing"));
    }
}

fn items(found: &mut Found<'_>, source: Option<&At<'_>>) {
    for item in source.map(|source| source.list("items")).unwrap_or_default() {
        needed(found, &item, &["key", "path"]);
    }
}

fn projection(found: &mut Found<'_>, source: &At<'_>) {
    let known = ["secret", "configMap", "serviceAccountToken", "downwardAPI"];
    let mut there = Vec::new();
    for (key, _) in source.value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        if known.contains(&key.as_str()) {
            there.push(key.as_str());
        } else {
            found.at(CODE, &source.field(key), format!("Knative does not take `{key}` here"));
        }
    }
    match there.len() {
        0 => found.at(CODE, &source.path, format!("one of `{}` is needed", known.join("`, `"))),
        1 => {}
        _ => found.at(CODE, &source.path, format!("only one of {} may stand here", there.join(", "))),
    }
    for part in ["secret", "configMap"].iter().filter_map(|key| source.get(key)) {
        needed(found, &part, &["name"]);
        items(found, Some(&part));
    }
    if let Some(token) = source.get("serviceAccountToken") {
        needed(found, &token, &["path"]);
    }
    if let Some(items) = source.get("downwardAPI").and_then(|api| api.get("items"))
        && items.value.as_array().is_some_and(Vec::is_empty)
    {
        found.at(CODE, &items.path, "Knative does not take an empty list here");
    }
    for item in source.get("downwardAPI").map(|api| api.list("items")).unwrap_or_default() {
        needed(found, &item, &["path"]);
        match (item.has("fieldRef"), item.has("resourceFieldRef")) {
            (true, true) => found.at(CODE, &item.path, "only one of fieldRef, resourceFieldRef may stand here"),
            (false, false) => found.at(CODE, &item.path, "one of `fieldRef`, `resourceFieldRef` is needed"),
            _ => {}
        }
    }
}
