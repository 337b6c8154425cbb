//! Volumes of a pod.

use std::collections::BTreeSet;

use super::super::at::At;
use super::super::{Found, claims, meta, volume_sources};
use super::{Pod, env};
use crate::kubernetes::names;

/// Fields of the pod that a file of a volume may hold.
const OF_FILES: [&str; 5] =
    ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

pub(super) fn check(found: &mut Found<'_>, pod: &Pod<'_, '_>) {
    let volumes = pod.spec.list("volumes");
    let name = pod.metadata.filter(|_| pod.single).map_or("", |metadata| metadata.text("name"));
    let made: BTreeSet<String> = volumes
        .iter()
        .filter(|volume| volume.has("ephemeral") && !name.is_empty())
        .map(|volume| format!("{name}-{}", volume.text("name")))
        .collect();
    for volume in &volumes {
        // A claim of a `StatefulSet` stands in the place of a volume of its name.
        if pod.claims.contains(&volume.text("name")) {
            continue;
        }
        check_volume(found, volume);
        if let Some(claim) = volume.get("persistentVolumeClaim")
            && made.contains(claim.text("claimName"))
        {
            let what = "the claim is one that an ephemeral volume of this pod makes";
            found.at("conflict", &claim.field("claimName"), what);
        }
        if volume.has("ephemeral") && !name.is_empty() && !volume.text("name").is_empty() {
            let claim = format!("{name}-{}", volume.text("name"));
            if !names::is_subdomain(&claim) {
                found.at("bad-name", &volume.field("name"), format!("`{claim}` is no name of a claim"));
            }
        }
        if let Some(iscsi) = volume.get("iscsi")
            && iscsi.has("initiatorName")
            && volume.text("name").len() + 1 + iscsi.text("targetPortal").len() > 64
        {
            let what = "its name and the targetPortal have more than 63 characters together";
            found.at("bad-value", &volume.field("name"), what);
        }
        if let Some(image) = volume.get("image")
            && pod.single
            && found.since(35)
            && image.text("reference").is_empty()
        {
            found.missing(&image, "reference", "`reference` is missing");
        }
    }
    for name in &pod.claims {
        if !name.is_empty() && !names::is_label(name) {
            let at = "/spec/volumeClaimTemplates";
            found.at("bad-name", at, format!("`{name}` becomes the name of a volume, and is not a DNS label"));
        }
    }
}

fn check_volume(found: &mut Found<'_>, volume: &At<'_>) {
    let sources =
        volume.value.as_object().into_iter().flatten().filter(|(key, value)| *key != "name" && !value.is_null());
    // Without a source, it is an empty folder.
    if sources.count() > 1 {
        found.conflict(volume, "a volume comes from one source only");
    }
    volume_sources::check(found, volume);
    if let Some(downward) = volume.get("downwardAPI") {
        files(found, &downward);
    }
    if let Some(projected) = volume.get("projected") {
        projections(found, &projected);
    }
    if let Some(secret) = volume.down(&["csi", "nodePublishSecretRef"])
        && secret.text("name").is_empty()
    {
        found.missing(&secret, "name", "a Secret has a name");
    }
    if let Some(ephemeral) = volume.get("ephemeral") {
        let Some(template) = ephemeral.get("volumeClaimTemplate") else {
            found.missing(&ephemeral, "volumeClaimTemplate", "it says what the claim is like");
            return;
        };
        if let Some(metadata) = template.get("metadata") {
            meta::of_template(found, &metadata);
        }
        claims::spec(found, &template, true);
    }
}

fn files(found: &mut Found<'_>, source: &At<'_>) {
    for item in source.list("items") {
        if let Some(field) = item.get("fieldRef") {
            env::field_of_pod(found, &field, &OF_FILES);
        }
        if let Some(resource) = item.get("resourceFieldRef") {
            if resource.text("containerName").is_empty() {
                found.missing(&resource, "containerName", "a file of a volume needs it");
            }
            env::divisor(found, &resource);
        }
    }
}

fn projections(found: &mut Found<'_>, projected: &At<'_>) {
    let mut paths = BTreeSet::new();
    for source in projected.list("sources") {
        let served: Vec<&str> = ["secret", "configMap", "downwardAPI", "serviceAccountToken"]
            .into_iter()
            .filter(|key| source.has(key))
            .collect();
        if served.len() > 1 {
            found.conflict(&source, format!("one source has one of {}", served.join(", ")));
        }
        for key in ["secret", "configMap", "downwardAPI"] {
            for item in source.get(key).map(|s| s.list("items")).unwrap_or_default() {
                let path = item.text("path");
                if !path.is_empty() && !paths.insert(path) {
                    found.at("duplicate-entry", &item.field("path"), format!("a second file is called `{path}`"));
                }
            }
        }
        if let Some(downward) = source.get("downwardAPI") {
            files(found, &downward);
        }
    }
}
