//! Versions of CRDs, and webhooks.

use std::collections::BTreeMap;

use crate::value::Value;

use super::{Meaning, Severity, Topic};
use crate::manifest::object::Identity;

/// What a change of a CRD or of a webhook means.
pub(super) fn of(identity: &Identity, was: Option<&Value>, is: Option<&Value>) -> Vec<Meaning> {
    match identity.kind.as_str() {
        "CustomResourceDefinition" => definition(identity, was, is),
        kind if kind.ends_with("WebhookConfiguration") => webhooks(identity, was, is),
        _ => Vec::new(),
    }
}

fn definition(identity: &Identity, was: Option<&Value>, is: Option<&Value>) -> Vec<Meaning> {
    let say = |severity, what: String| Meaning::new(severity, Topic::Crd, identity, what);
    let Some(is) = is else {
        let lost = say(Severity::Warning, "this kind is no longer part of it".to_owned());
        return vec![
            lost.todo("It stays in the cluster until somebody deletes it, and all objects of the kind with it"),
        ];
    };
    let Some(was) = was else {
        return vec![say(Severity::Note, "a new kind".to_owned())];
    };
    let (old, new) = (named(was, "/spec/versions"), named(is, "/spec/versions"));
    let flag = |version: &Value, name: &str| version.get(name).and_then(Value::as_bool).unwrap_or(false);
    let mut found = Vec::new();
    for name in new.keys().filter(|name| !old.contains_key(*name)) {
        found.push(say(Severity::Note, format!("version {name} is new")));
    }
    for (name, before) in &old {
        match new.get(name) {
            None => found.push(
                say(Severity::Warning, format!("version {name} is gone: requests for it fail"))
                    .todo("Where objects are stored in it, the API server refuses the CRD until they are moved: render with --with upgrade-jobs, whose Job does"),
            ),
            Some(after) => {
                if flag(before, "served") && !flag(after, "served") {
                    found.push(
                        say(Severity::Warning, format!("version {name} is no longer served: requests for it fail"))
                            .todo("Look for it in manifests, clients and GitOps repositories"),
                    );
                }
                if !flag(before, "storage") && flag(after, "storage") {
                    found.push(
                        say(Severity::Warning, format!("objects are stored in version {name} from now on"))
                            .todo("Those that are there stay in the old one until they are written again: --with upgrade-jobs"),
                    );
                }
                if !flag(before, "deprecated") && flag(after, "deprecated") {
                    found.push(say(Severity::Note, format!("version {name} is deprecated")));
                }
            }
        }
    }
    found
}

fn webhooks(identity: &Identity, was: Option<&Value>, is: Option<&Value>) -> Vec<Meaning> {
    let none = Value::Null;
    let (old, new) = (named(was.unwrap_or(&none), "/webhooks"), named(is.unwrap_or(&none), "/webhooks"));
    let say = |severity, what: String| Meaning::new(severity, Topic::Webhook, identity, what);
    let mut found = Vec::new();
    for (name, after) in &new {
        match old.get(name) {
            None => found.push(say(
                Severity::Warning,
                format!(
                    "webhook {name} is new: {}",
                    if fails(after) {
                        "what it is for is refused while it does not answer"
                    } else {
                        "it is skipped while it does not answer"
                    }
                ),
            )),
            Some(before) => {
                for key in [
                    "rules",
                    "failurePolicy",
                    "matchPolicy",
                    "namespaceSelector",
                    "objectSelector",
                    "timeoutSeconds",
                    "matchConditions",
                ] {
                    let (b, a) = (before.get(key), after.get(key));
                    if b != a {
                        let (b, a) = (crate::diff::shown(b), crate::diff::shown(a));
                        found.push(say(Severity::Warning, format!("webhook {name}, {key}: {b} -> {a}")));
                    }
                }
            }
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        found.push(say(Severity::Note, format!("webhook {name} is gone")));
    }
    found
}

fn fails(webhook: &Value) -> bool {
    webhook.get("failurePolicy").and_then(Value::as_str) != Some("Ignore")
}

fn named<'v>(object: &'v Value, list: &str) -> BTreeMap<&'v str, &'v Value> {
    let items = object.pointer(list).and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| Some((item.get("name")?.as_str()?, item))).collect()
}
