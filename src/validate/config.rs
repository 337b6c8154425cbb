//! `ConfigMap`s, Secrets, priorities.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>

use super::at::At;
use super::{Found, certificates, shape};
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
        _ => priority(found, &root),
    }
}

/// A `PriorityClass`. Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/scheduling/validation/validation.go>
fn priority(found: &mut Found<'_>, root: &At<'_>) {
    const HIGHEST: i64 = 1_000_000_000;
    let (name, value) = (found.object.identity.name.as_str(), root.int("value").unwrap_or(0));
    if let Some(own) = system_priority(name) {
        if value != own {
            found.at("bad-value", "/value", format!("that of {name} is {own}"));
        }
        if root.is_true("globalDefault") {
            found.at("bad-value", "/globalDefault", format!("{name} is not the default"));
        }
    } else if name.starts_with("system-") {
        found.at("bad-name", "/metadata/name", "names that start with system- are Kubernetes' own");
    } else if value > HIGHEST && i32::try_from(value).is_ok() {
        found.at("bad-value", "/value", format!("{value} is more than {HIGHEST}"));
    }
}

/// The priority of a class that Kubernetes itself has.
pub(super) fn system_priority(name: &str) -> Option<i64> {
    match name {
        "system-node-critical" => Some(2_000_001_000),
        "system-cluster-critical" => Some(2_000_000_000),
        _ => None,
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
    for key in needs {
        let Some((at, value)) = held(root, key) else { continue };
        if key.starts_with(".docker") && !is_mapping(&value) {
            found.at("bad-value", &at, "it is no JSON object");
        } else if *key == "ssh-privatekey" && value.is_empty() {
            found.at("missing-field", &at, "it is empty");
        }
    }
    let account = root.down(&["metadata", "annotations", ACCOUNT]);
    if kind == "kubernetes.io/service-account-token" && account.is_none_or(|name| name.own().is_empty()) {
        found.at("missing-field", "/metadata/annotations", format!("a Secret of type {kind} needs {ACCOUNT}"));
    }
}

/// What a Secret holds under a key, and where it stands: what is written as text wins.
fn held(root: &At<'_>, key: &str) -> Option<(String, Vec<u8>)> {
    let of = |group: &str| root.value.get(group).and_then(|group| group.get(key));
    let at = |group: &str| crate::pointer::below(&format!("/{group}"), key);
    match (of("stringData"), of("data")) {
        (Some(text), _) => Some((at("stringData"), text.as_str().unwrap_or_default().as_bytes().to_vec())),
        (None, Some(encoded)) => {
            let bytes = shape::bytes_of_list(encoded).or_else(|| certificates::decode(encoded.as_str()?));
            Some((at("data"), bytes.unwrap_or_default()))
        }
        (None, None) => None,
    }
}

/// Whether bytes are a JSON object, or `null`, which is an empty one.
fn is_mapping(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Option<crate::value::Map>>(bytes).is_ok()
}
