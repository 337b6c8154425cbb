//! `ConfigMap`s, Secrets, priorities.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>

use super::Found;
use super::at::At;
use crate::kubernetes::names;

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
        _ => {
            let name = &object.identity.name;
            if name.starts_with("system-")
                && !matches!(name.as_str(), "system-node-critical" | "system-cluster-critical")
            {
                found.at("bad-name", "/metadata/name", "names that start with system- are Kubernetes' own");
            }
        }
    }
}

fn keys(found: &mut Found<'_>, root: &At<'_>, groups: &[&str]) {
    let mut size = 0;
    for (key, at) in groups.iter().flat_map(|group| root.map(group)) {
        let encoded = if found.object.identity.kind == "Secret" { "/data/" } else { "/binaryData/" };
        size += if at.path.starts_with(encoded) { decoded(at.own()) } else { at.own().len() };
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

/// How many bytes a text in base64 stands for.
fn decoded(text: &str) -> usize {
    let digits = text.bytes().filter(|b| !matches!(b, b'\n' | b'\r' | b'=')).count();
    digits * 3 / 4
}

/// The annotation of a token's Secret.
const ACCOUNT: &str = "kubernetes.io/service-account.name";

fn secret(found: &mut Found<'_>, root: &At<'_>) {
    let (kind, any) = (root.text("type"), root.text("type") == "kubernetes.io/basic-auth");
    let needs: &[&str] = match kind {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/basic-auth" => &["username", "password"],
        _ => &[],
    };
    // An empty value will do.
    let there = |key: &&str| ["data", "stringData"].iter().any(|group| root.value[*group].get(*key).is_some());
    let missing: Vec<_> = needs.iter().copied().filter(|key| !there(key)).collect();
    if !missing.is_empty() && (!any || missing.len() == needs.len()) {
        let keys = missing.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>();
        let keys = keys.join(if any { " or " } else { " and " });
        found.at("missing-field", "/data", format!("a Secret of type {kind} needs {keys}"));
    }
    for key in needs.iter().filter(|key| key.starts_with(".docker")) {
        if let Some(at) = root.down(&["stringData", key])
            && at.value.as_str().is_some_and(|text| serde_json::from_str::<serde_json::Map<_, _>>(text).is_err())
        {
            found.at("bad-value", &at.path, "it is no JSON object");
        }
    }
    if kind == "kubernetes.io/service-account-token" && root.down(&["metadata", "annotations", ACCOUNT]).is_none() {
        found.at("missing-field", "/metadata/annotations", format!("a Secret of type {kind} needs {ACCOUNT}"));
    }
}
