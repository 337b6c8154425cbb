//! Nodes, what runs on them, and namespaces.
//! Sources: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>,
//! <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/node/validation/validation.go>

use std::collections::BTreeSet;

use super::at::At;
use super::{Found, meta, pods, resources};
use crate::kubernetes::{addresses, names};

/// A Node.
pub(super) fn node(found: &mut Found<'_>) {
    let object = found.object;
    avoided(found, &At::root(&object.value));
    features(found, &At::root(&object.value));
    let Some(spec) = At::root(&object.value).get("spec") else { return };
    let mut seen = BTreeSet::new();
    for taint in spec.list("taints") {
        let (key, effect) = (taint.text("key"), taint.text("effect"));
        if taint.has("key") && !names::is_qualified(key) {
            found.at("bad-label", &taint.field("key"), format!("`{key}` is not a qualified name"));
        }
        found.form(&taint, "value", "label-value");
        if effect.is_empty() {
            found.missing(&taint, "effect", "`effect` is missing");
        } else {
            found.one_of(&taint, "effect", &["NoExecute", "NoSchedule", "PreferNoSchedule"]);
        }
        if !seen.insert((key, effect)) {
            found.twice(&taint, "a taint with this key and effect is there already");
        }
    }
    let strict = found.since(36);
    let mut blocks = spec.list("podCIDRs");
    // The older field wins where the first of the newer one is another.
    if let Some(own) = spec.get("podCIDR").filter(|own| !own.own().is_empty())
        && blocks.first().is_none_or(|first| first.own() != own.own())
    {
        blocks = vec![own];
    }
    for block in &blocks {
        if let Some(what) = addresses::wrong_cidr(block.own(), strict) {
            found.bad(block, what);
        }
    }
    let families: BTreeSet<bool> =
        blocks.iter().filter_map(|b| addresses::loose_cidr(b.own())).map(|(ip, _)| ip.is_ipv4()).collect();
    if blocks.len() > 2 || (blocks.len() == 2 && families.len() < 2) {
        found.at("conflict", "/spec/podCIDRs", "there is one for each IP family at the most");
    }
}

/// What a node says that it can do, in the order of the alphabet.
fn features(found: &mut Found<'_>, root: &At<'_>) {
    let features = root.get("status").map(|status| status.list("declaredFeatures")).unwrap_or_default();
    if !found.since(36) {
        return;
    }
    let mut before = "";
    for (i, feature) in features.iter().enumerate() {
        let name = feature.own();
        let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric());
        if !(name.starts_with(|c: char| c.is_ascii_uppercase()) && name.split('/').all(part)) {
            found.bad(feature, format!("`{name}` is no name of a feature such as MyFeature"));
        } else if i > 0 && name == before {
            found.twice(feature, format!("`{name}` is there a second time"));
        } else if name < before {
            found.bad(feature, "features stand in the order of the alphabet");
        }
        before = name;
    }
}

/// The annotation about pods that rather ran elsewhere, which is JSON.
fn avoided(found: &mut Found<'_>, root: &At<'_>) {
    const KEY: &str = "scheduler.alpha.kubernetes.io/preferAvoidPods";
    let Some(at) = root.down(&["metadata", "annotations", KEY]).filter(|at| !at.own().is_empty()) else { return };
    let said = serde_json::from_str::<serde_json::Value>(at.own()).ok();
    let Some(said) = said.filter(|said| said.is_object() || said.is_null()) else {
        found.bad(&at, "it has to be a mapping in JSON");
        return;
    };
    let entries = match &said["preferAvoidPods"] {
        serde_json::Value::Null => &Vec::new(),
        serde_json::Value::Array(entries) => entries,
        _ => {
            found.bad(&at, "preferAvoidPods is a list");
            return;
        }
    };
    if entries.iter().any(|entry| entry["podSignature"]["podController"]["controller"] != true) {
        found.bad(&at, "every entry names a podSignature.podController whose controller is true");
    }
}

/// A `RuntimeClass`.
pub(super) fn runtime_class(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    if let Some(overhead) = root.down(&["overhead", "podFixed"]) {
        resources::limits_alone(found, &overhead);
    }
    let Some(scheduling) = root.get("scheduling") else { return };
    meta::labels(found, &scheduling, "nodeSelector");
    pods::tolerations(found, &scheduling);
    let mut seen = BTreeSet::new();
    for toleration in scheduling.list("tolerations") {
        let key = ["key", "operator", "value", "effect"].map(|key| toleration.text(key));
        if !seen.insert(key) {
            found.twice(&toleration, "the toleration is there already");
        }
    }
}

/// A Namespace.
pub(super) fn namespace(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    for finalizer in root.get("spec").map(|spec| spec.list("finalizers")).unwrap_or_default() {
        let name = finalizer.own();
        if !names::is_qualified(name) || !meta::is_finalizer(name) {
            let what = format!("`{name}` is no finalizer with a domain, a slash and a name");
            found.at("bad-name", &finalizer.path, what);
        }
    }
    let metadata = At { value: &object.head.metadata, path: "/metadata".to_owned() };
    let nothing = crate::value::Value::from("");
    for (key, value) in metadata.map("labels") {
        let value = if value.value.is_null() { At { value: &nothing, path: value.path } } else { value };
        let Some(standard) = key.strip_prefix("pod-security.kubernetes.io/") else { continue };
        match standard {
            "enforce" | "audit" | "warn" if !matches!(value.own(), "privileged" | "baseline" | "restricted") => {
                found.bad(&value, "it is none of privileged, baseline, restricted");
            }
            "enforce-version" | "audit-version" | "warn-version" => {
                let minor = value.own().strip_prefix("v1.").unwrap_or_default();
                let good = minor == "0" || (!minor.starts_with('0') && minor.parse::<u32>().is_ok());
                if value.own() != "latest" && !good {
                    found.bad(&value, "it is neither `latest` nor `v1.` and a number");
                }
            }
            _ => {}
        }
    }
}
