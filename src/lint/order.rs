//! What `kubectl apply` meets too early in a file (K07, K08).

use std::collections::{BTreeMap, BTreeSet};

use crate::value::Value;

use super::set::{Object, Set};
use super::value::items;
use super::{Check, Found, labels};

pub(super) const CHECKS: &[Check] = &[
    Check::of("custom-resource-with-definition", custom_resource_with_definition),
    Check::of("webhook-before-objects", webhook_before_objects),
];

fn custom_resource_with_definition(set: &Set<'_>, found: &mut Found) {
    let mut defined: BTreeMap<&str, BTreeSet<(&str, &str)>> = BTreeMap::new();
    for definition in set.all("apiextensions.k8s.io", "CustomResourceDefinition") {
        let spec = &definition.value["spec"];
        if let (Some(group), Some(kind)) = (spec["group"].as_str(), spec["names"]["kind"].as_str()) {
            defined.entry(definition.file()).or_default().insert((group, kind));
        }
    }
    for object in set.objects() {
        if defined.get(object.file()).is_some_and(|kinds| kinds.contains(&(object.group(), object.kind()))) {
            let kind = object.identity().kind_and_group();
            found.at(object, "/kind", format!("the file also defines {kind}, which a new cluster does not know yet"));
        }
    }
}

/// The configurations of webhooks, validating and mutating ones.
pub(super) fn webhook_configurations<'s>(set: &Set<'s>) -> impl Iterator<Item = &'s Object<'s>> {
    let kinds = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
    kinds.into_iter().flat_map(|kind| set.all("admissionregistration.k8s.io", kind))
}

fn webhook_before_objects(set: &Set<'_>, found: &mut Found) {
    // The webhooks that the file itself installs, as they have come up so far.
    let mut waiting: Vec<&Value> = Vec::new();
    let mut of_file = "";
    for object in set.objects() {
        if object.file() != of_file {
            of_file = object.file();
            waiting.clear();
        }
        if let Some(webhook) = waiting.iter().find(|webhook| answers_for(webhook, object)) {
            let name = webhook["name"].as_str().unwrap_or_default();
            let what = format!("the webhook {name} stands before it in the file, and nothing answers for it yet");
            found.at(object, "/kind", what);
        }
        if object.kind().ends_with("WebhookConfiguration") {
            let installed = items(&object.value["webhooks"]).filter(|webhook| {
                let service = &webhook["clientConfig"]["service"];
                let (namespace, name) = (service["namespace"].as_str(), service["name"].as_str());
                let service = set.find("", "Service", namespace.unwrap_or_default(), name.unwrap_or_default());
                webhook["failurePolicy"] == "Fail" && service.is_some_and(|s| s.file() == of_file)
            });
            waiting.extend(installed);
        }
    }
}

/// Whether a webhook is asked before an object is created, as far as its rules alone can tell.
fn answers_for(webhook: &Value, object: &Object<'_>) -> bool {
    let is_empty = |selector: &Value| selector.as_object().is_none_or(crate::value::Map::is_empty);
    let selector = &webhook["objectSelector"];
    is_empty(&webhook["namespaceSelector"])
        && (is_empty(selector) || labels::selects(selector, &object.value["metadata"]["labels"]))
        && items(&webhook["rules"]).any(|rule| {
            let has = |key: &str, wanted: &str| items(&rule[key]).any(|item| item == wanted || item == "*");
            has("apiGroups", object.group()) && has("operations", "CREATE") && has("resources", &plural(object.kind()))
        })
}

/// The resource that a kind is served as, by the rule that kinds of Kubernetes and Knative follow.
fn plural(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    match kind.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if kind.ends_with(['s', 'x']) => format!("{kind}es"),
        _ => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::plural;

    #[test]
    fn kinds_are_served_under_their_plural() {
        let kinds = ["Ingress", "Service", "NetworkPolicy", "DomainMapping", "Gateway"];
        assert_eq!(kinds.map(plural), ["ingresses", "services", "networkpolicies", "domainmappings", "gateways"]);
    }
}
