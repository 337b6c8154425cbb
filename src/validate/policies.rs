//! Admission policies in CEL, and their bindings.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/admissionregistration/validation/validation.go>

use super::at::At;
use super::{Found, admission, selectors};
use crate::cel::syntax::is_word;
use crate::kubernetes::names;

/// Checks a policy or a binding; `mutates`: what it is about are changes.
pub(super) fn check(found: &mut Found<'_>, binding: bool, mutates: bool) {
    let object = found.object;
    let root = At::root(&object.value);
    let Some(spec) = root.get("spec") else {
        found.at("missing-field", "/spec", "there is no spec");
        return;
    };
    if binding {
        check_binding(found, &spec, mutates);
    } else {
        check_policy(found, &spec, mutates);
    }
}

fn check_binding(found: &mut Found<'_>, spec: &At<'_>, mutates: bool) {
    if spec.text("policyName").is_empty() {
        if mutates || spec.has("policyName") {
            found.missing(spec, "policyName", "a binding names a policy");
        }
    } else {
        found.form(spec, "policyName", "subdomain");
    }
    if let Some(parameters) = spec.get("paramRef") {
        let (name, selector) = (parameters.text("name"), parameters.get("selector"));
        match (name.is_empty(), &selector) {
            (false, Some(_)) => found.conflict(&parameters, "it has a name or a selector"),
            (true, None) => found.at("missing-field", &parameters.path, "it needs a name or a selector"),
            _ => {}
        }
        if !name.is_empty() && !names::is_path_segment(name) {
            found.at("bad-name", &parameters.field("name"), format!("`{name}` has a `/` or a `%`"));
        }
        if let Some(selector) = &selector {
            selectors::labels(found, selector);
        }
        if parameters.text("parameterNotFoundAction").is_empty() {
            found.missing(&parameters, "parameterNotFoundAction", "what happens without parameters has to be said");
        } else {
            found.one_of(&parameters, "parameterNotFoundAction", &["Allow", "Deny"]);
        }
    }
    if let Some(resources) = spec.get("matchResources") {
        matched(found, &resources, mutates);
    }
    if mutates {
        return;
    }
    let actions = spec.list("validationActions");
    if spec.has("validationActions") && actions.is_empty() {
        found.missing(spec, "validationActions", "one action at least is needed");
    }
    for action in &actions {
        if !matches!(action.own(), "Audit" | "Deny" | "Warn") {
            found.bad(action, format!("`{}` is none of Audit, Deny, Warn", action.own()));
        }
    }
    found.distinct(&actions, |action| action.own());
    let all = spec.texts("validationActions");
    if all.contains(&"Deny") && all.contains(&"Warn") {
        found.at("conflict", &spec.field("validationActions"), "Deny and Warn would say the same twice");
    }
}

/// What a policy or a binding is for.
fn matched(found: &mut Found<'_>, resources: &At<'_>, mutates: bool) {
    found.one_of(resources, "matchPolicy", &["Equivalent", "Exact"]);
    for key in ["namespaceSelector", "objectSelector"] {
        selectors::labels_of(found, resources, key);
    }
    for key in ["resourceRules", "excludeResourceRules"] {
        for rule in resources.list(key) {
            let named = rule.list("resourceNames");
            found.distinct(&named, |name| name.own());
            for name in named.iter().filter(|name| !name.own().is_empty() && !names::is_path_segment(name.own())) {
                found.bad(name, format!("`{}` is no name of an object", name.own()));
            }
            admission::check_rule(found, &rule);
            if mutates && key == "resourceRules" {
                for operation in rule.list("operations").iter().filter(|operation| operation.own() == "DELETE") {
                    found.conflict(operation, "what is deleted is not changed");
                }
            }
        }
    }
}

fn check_policy(found: &mut Found<'_>, spec: &At<'_>, mutates: bool) {
    found.one_of(spec, "failurePolicy", &["Fail", "Ignore"]);
    if let Some(kind) = spec.get("paramKind") {
        parameter_kind(found, &kind);
    }
    match spec.get("matchConstraints") {
        None => found.missing(spec, "matchConstraints", "it says what the policy is for"),
        Some(constraints) => {
            matched(found, &constraints, mutates);
            if constraints.len("resourceRules") == 0 {
                found.missing(&constraints, "resourceRules", "one rule at least is needed");
            }
        }
    }
    admission::conditions(found, spec);
    for variable in spec.list("variables") {
        let name = variable.text("name");
        if variable.has("name") && name.trim().is_empty() {
            found.missing(&variable, "name", "`name` is empty");
        } else if !name.is_empty() && !is_identifier(name) {
            found.at("bad-name", &variable.field("name"), format!("`{name}` is no name in CEL"));
        }
        admission::filled(found, &variable, "expression");
    }
    if mutates {
        mutations(found, spec);
    } else {
        validations(found, spec);
    }
}

fn parameter_kind(found: &mut Found<'_>, kind: &At<'_>) {
    let (api, name) = (kind.text("apiVersion"), kind.text("kind"));
    let (group, version) = api.rsplit_once('/').unwrap_or(("", api));
    // `/v1` is `v1` to the server.
    if api.is_empty() {
        found.missing(kind, "apiVersion", "`apiVersion` is missing");
    } else if !names::is_label_1035(version) || (!group.is_empty() && !names::is_subdomain(group)) {
        found.at("bad-value", &kind.field("apiVersion"), format!("`{api}` is no API version"));
    }
    if name.is_empty() {
        found.missing(kind, "kind", "`kind` is missing");
    } else if !names::is_label_1035(&name.to_lowercase()) {
        found.at("bad-value", &kind.field("kind"), format!("`{name}` is no kind"));
    }
}

fn is_identifier(name: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(first) && name.chars().all(|c| first(c) || c.is_ascii_digit()) && !is_word(name)
}

fn validations(found: &mut Found<'_>, spec: &At<'_>) {
    let annotations = spec.list("auditAnnotations");
    if spec.len("validations") == 0 && annotations.is_empty() {
        found.missing(spec, "validations", "a policy has validations or auditAnnotations");
    }
    for validation in spec.list("validations") {
        admission::filled(found, &validation, "expression");
        for key in ["message", "messageExpression"] {
            let text = validation.text(key);
            if !text.is_empty() && text.trim().is_empty() {
                found.at("bad-value", &validation.field(key), "it is nothing but white space");
            }
        }
        if validation.text("message").trim().contains(['\n', '\r']) {
            found.at("bad-value", &validation.field("message"), "it is one line");
        }
        found.one_of(&validation, "reason", &["Forbidden", "Invalid", "RequestEntityTooLarge"]);
    }
    found.at_most(spec, "auditAnnotations", 20);
    found.distinct(&annotations, |annotation| annotation.text("key"));
    let policy = found.object.identity.name.clone();
    for annotation in &annotations {
        let key = format!("{policy}/{}", annotation.text("key"));
        if !names::is_qualified(&key) {
            found.at("bad-name", &annotation.field("key"), format!("`{key}` is not a qualified name"));
        }
        admission::filled(found, annotation, "valueExpression");
        if annotation.text("valueExpression").trim().len() > 5 * 1024 {
            found.at("bad-value", &annotation.field("valueExpression"), "5 KiB are the limit");
        }
    }
}

fn mutations(found: &mut Found<'_>, spec: &At<'_>) {
    if spec.len("mutations") == 0 {
        found.missing(spec, "mutations", "one at least is needed");
    }
    for mutation in spec.list("mutations") {
        let (own, other) = match mutation.text("patchType") {
            "ApplyConfiguration" => ("applyConfiguration", "jsonPatch"),
            "JSONPatch" => ("jsonPatch", "applyConfiguration"),
            "" => continue,
            _ => {
                found.one_of(&mutation, "patchType", &["ApplyConfiguration", "JSONPatch"]);
                continue;
            }
        };
        match mutation.get(own) {
            None => found.missing(&mutation, own, format!("patchType {} needs it", mutation.text("patchType"))),
            Some(change) if change.text("expression").trim().is_empty() => {
                found.missing(&change, "expression", "`expression` is empty");
            }
            Some(_) => {}
        }
        if mutation.has(other) {
            let what = format!("the patchType is {}", mutation.text("patchType"));
            found.at("conflict", &mutation.field(other), what);
        }
    }
    if spec.text("reinvocationPolicy").is_empty() {
        found.missing(spec, "reinvocationPolicy", "whether it is called again has to be said");
    } else {
        found.one_of(spec, "reinvocationPolicy", &["IfNeeded", "Never"]);
    }
}
