//! Webhooks and aggregated APIs.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/admissionregistration/validation/validation.go>

use std::collections::BTreeSet;

use super::at::At;
use super::{Found, selectors};

pub(super) fn check(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    if object.identity.kind == "APIService" {
        let Some(spec) = root.get("spec") else { return };
        let wanted = format!("{}.{}", spec.text("version"), spec.text("group"));
        if object.identity.name != wanted && spec.has("version") && !spec.text("group").is_empty() {
            found.at("bad-name", "/metadata/name", format!("it has to be version and group: {wanted}"));
        }
        let bundle = !spec.text("caBundle").is_empty();
        if spec.is_true("insecureSkipTLSVerify") && bundle {
            found.at("conflict", &spec.field("insecureSkipTLSVerify"), "it does not go with a caBundle");
        }
        if !spec.has("service") {
            for (key, given) in [("insecureSkipTLSVerify", spec.is_true("insecureSkipTLSVerify")), ("caBundle", bundle)]
            {
                if given {
                    found.at("conflict", &spec.field(key), "it is for an API that a service serves");
                }
            }
        }
        return;
    }
    for webhook in root.list("webhooks") {
        let versions = webhook.list("admissionReviewVersions");
        let known = versions.iter().any(|v| matches!(v.own(), "v1" | "v1beta1"));
        if !versions.is_empty() && !known {
            found.at(
                "bad-value",
                &webhook.field("admissionReviewVersions"),
                "none of them is v1 or v1beta1, which Kubernetes sends",
            );
        }
        found.distinct(&versions, |version| version.own());
        for key in ["namespaceSelector", "objectSelector"] {
            selectors::labels_of(found, &webhook, key);
        }
        for rule in webhook.list("rules") {
            check_rule(found, &rule);
        }
        conditions(found, &webhook);
    }
}

/// What a webhook or a policy is asked about.
pub(super) fn check_rule(found: &mut Found<'_>, rule: &At<'_>) {
    const OPERATIONS: [&str; 5] = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"];
    for operation in rule.list("operations") {
        match operation.own() {
            "*" if rule.len("operations") > 1 => found.conflict(&operation, "`*` stands alone"),
            other if OPERATIONS.contains(&other) => {}
            other => found.bad(&operation, format!("`{other}` is no operation")),
        }
    }
    for key in ["apiGroups", "apiVersions"] {
        if rule.len(key) > 1 && rule.texts(key).contains(&"*") {
            found.at("conflict", &rule.field(key), "`*` stands alone");
        }
    }
    resources(found, rule);
    for key in ["apiGroups", "apiVersions", "operations", "resources"] {
        if !rule.has(key) {
            found.missing(rule, key, "a rule needs it");
        }
    }
}

/// Resources, each with or without a subresource: what one names, another does not name again.
fn resources(found: &mut Found<'_>, rule: &At<'_>) {
    let all = rule.list("resources");
    let (mut of, mut below) = (BTreeSet::new(), BTreeSet::new());
    let mut plain = false;
    for at in &all {
        let Some((resource, sub)) = at.own().split_once('/') else {
            plain = at.own() != "*";
            continue;
        };
        if of.contains(resource) || below.contains(sub) {
            found.conflict(at, format!("`{}` is named by another with `*` already", at.own()));
        }
        if sub == "*" {
            of.insert(resource);
        }
        if resource == "*" {
            below.insert(sub);
        }
    }
    let texts = rule.texts("resources");
    if all.len() > 1 && texts.contains(&"*/*") {
        found.at("conflict", &rule.field("resources"), "`*/*` stands alone");
    }
    if texts.contains(&"*") && plain {
        found.at("conflict", &rule.field("resources"), "`*` names all resources without a subresource already");
    }
}

/// Conditions under which a webhook or a policy is asked.
pub(super) fn conditions(found: &mut Found<'_>, parent: &At<'_>) {
    found.at_most(parent, "matchConditions", 64);
    let conditions = parent.list("matchConditions");
    let named: Vec<At<'_>> =
        conditions.iter().filter(|condition| !condition.text("name").is_empty()).cloned().collect();
    found.distinct(&named, |condition| condition.text("name"));
    for condition in &conditions {
        found.form(condition, "name", "qualified");
        filled(found, condition, "expression");
    }
}

/// A text that says something.
pub(super) fn filled(found: &mut Found<'_>, at: &At<'_>, key: &str) {
    if at.has(key) && at.text(key).trim().is_empty() {
        found.missing(at, key, format!("`{key}` is empty"));
    }
}
