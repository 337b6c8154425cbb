//! Where volumes come from, of pods and of `PersistentVolume`s: what single fields do not say.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>

use super::Found;
use super::at::At;
use crate::kubernetes::names;

/// Checks each source below `parent`, a volume or the spec of a `PersistentVolume`.
pub(super) fn check(found: &mut Found<'_>, parent: &At<'_>) {
    if let Some(iscsi) = parent.get("iscsi") {
        let chap = iscsi.is_true("chapAuthDiscovery") || iscsi.is_true("chapAuthSession");
        if chap && !iscsi.has("secretRef") {
            found.missing(&iscsi, "secretRef", "CHAP needs it");
        }
    }
    secrets(found, parent);
    if let Some(fc) = parent.get("fc") {
        match (fc.len("targetWWNs"), fc.len("wwids")) {
            (0, 0) => found.missing(&fc, "targetWWNs", "it needs targetWWNs or wwids"),
            (0, _) => {}
            (_, wwids) => {
                if wwids > 0 {
                    found.at("conflict", &fc.field("wwids"), "it does not go with targetWWNs");
                }
                match fc.int("lun") {
                    None => found.missing(&fc, "lun", "targetWWNs need it"),
                    Some(lun) if !(0..=255).contains(&lun) => {
                        found.at("bad-value", &fc.field("lun"), format!("{lun} is not from 0 to 255"));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    if let Some(flocker) = parent.get("flocker") {
        let given = ["datasetName", "datasetUUID"].iter().filter(|key| !flocker.text(key).is_empty()).count();
        if given != 1 {
            found.at("conflict", &flocker.path, "it has a datasetName or a datasetUUID");
        }
        if flocker.text("datasetName").contains('/') {
            found.at("bad-value", &flocker.field("datasetName"), "it has a slash");
        }
    }
    if let Some(quobyte) = parent.get("quobyte") {
        let pair =
            |text: &str| text.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
        let registry = quobyte.text("registry");
        if !registry.is_empty() && !registry.split(',').all(pair) {
            found.at("bad-value", &quobyte.field("registry"), "it is no list of hosts and ports");
        }
        if quobyte.text("tenant").len() > 64 {
            found.at("bad-value", &quobyte.field("tenant"), "64 characters are the limit");
        }
    }
    if let Some(disk) = parent.get("azureDisk") {
        let start = match disk.text("kind") {
            "Managed" => "/subscriptions/",
            "" if !disk.has("kind") => "https://",
            _ => "https://",
        };
        let uri = disk.text("diskURI");
        if !uri.is_empty() && !uri.starts_with(start) {
            found.at("bad-value", &disk.field("diskURI"), format!("it has to start with `{start}`"));
        }
    }
    if let Some(flex) = parent.get("flexVolume") {
        for (key, at) in flex.map("options") {
            let domain = format!(".{}", key.split('/').next().unwrap_or_default().to_lowercase());
            if domain.ends_with(".kubernetes.io") || domain.ends_with(".k8s.io") {
                found.bad(&at, format!("`{key}`: kubernetes.io and k8s.io are Kubernetes' own"));
            }
        }
    }
    if let Some(csi) = parent.get("csi")
        && let Some(secret) = csi.get("nodePublishSecretRef")
        && !secret.text("name").is_empty()
        && !names::is_subdomain(secret.text("name"))
    {
        found.at("bad-name", &secret.field("name"), format!("`{}` is no name of a Secret", secret.text("name")));
    }
}

/// Secrets of sources that have to be named in full, those of a `PersistentVolume` by their namespace as well.
fn secrets(found: &mut Found<'_>, parent: &At<'_>) {
    let of_volume = found.object.identity.kind == "PersistentVolume";
    for (source, needs_namespace) in [("cinder", of_volume), ("iscsi", false), ("storageos", of_volume)] {
        let Some(secret) = parent.down(&[source, "secretRef"]) else { continue };
        // The discovery of iSCSI names its Secret in a volume only.
        if secret.text("name").is_empty() && (source != "iscsi" || of_volume) {
            found.missing(&secret, "name", "`name` is missing");
        }
        if needs_namespace && secret.text("namespace").is_empty() {
            found.missing(&secret, "namespace", "`namespace` is missing");
        }
    }
}
