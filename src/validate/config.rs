//! `ConfigMap`s, Secrets, claims, priorities.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>

use super::at::At;
use super::{Found, names};

/// The most that all values of a `ConfigMap` or a Secret may have, in bytes.
const MOST: usize = 1024 * 1024;

pub(super) fn check(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    match object.identity.kind.as_str() {
        "ConfigMap" => {
            keys(found, &root, &["data", "binaryData"]);
            for (key, at) in root.map("binaryData") {
                if root.down(&["data", key]).is_some() {
                    found.at("duplicate-entry", &at.path, format!("`{key}` stands in data as well"));
                }
            }
        }
        "Secret" => {
            keys(found, &root, &["data", "stringData"]);
            secret(found, &root);
        }
        "PriorityClass" => {
            let name = &object.identity.name;
            if name.starts_with("system-")
                && !matches!(name.as_str(), "system-node-critical" | "system-cluster-critical")
            {
                found.at("bad-name", "/metadata/name", "names that start with system- are Kubernetes' own");
            }
        }
        _ => {
            let Some(spec) = root.get("spec") else { return };
            for mode in spec.list("accessModes") {
                let known = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
                if !mode.value.as_str().is_some_and(|mode| known.contains(&mode)) {
                    found.at("bad-value", &mode.path, format!("it is none of {}", known.join(", ")));
                }
            }
            if spec.down(&["resources", "requests", "storage"]).is_none() {
                found.at("missing-field", "/spec/resources/requests/storage", "a claim says how much it wants");
            }
            if !spec.has("accessModes") {
                found.at("missing-field", "/spec/accessModes", "a claim says how it is accessed");
            }
        }
    }
}

fn keys(found: &mut Found<'_>, root: &At<'_>, groups: &[&str]) {
    let mut size = 0;
    for (key, at) in groups.iter().flat_map(|group| root.map(group)) {
        size += at.value.as_str().map_or(0, str::len);
        if !names::is_config_key(key) {
            found.at(
                "bad-value",
                &at.path,
                format!("`{key}` is no key: letters, digits, `-`, `_` and `.`, 253 at the most"),
            );
        }
    }
    if size > MOST {
        found.at("bad-value", "/data", format!("{size} bytes, and {MOST} are the limit"));
    }
}

fn secret(found: &mut Found<'_>, root: &At<'_>) {
    let needs: &[&str] = match root.text("type") {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        _ => &[],
    };
    for key in needs {
        if root.down(&["data", key]).is_none() && root.down(&["stringData", key]).is_none() {
            found.at("missing-field", "/data", format!("a Secret of type {} needs `{key}`", root.text("type")));
        }
    }
}
