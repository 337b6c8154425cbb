//! Pods, wherever their template stands.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>

use std::collections::BTreeSet;

use serde_json::Value;

use super::at::At;
use super::{Found, meta, names};
use crate::fargate::quantity::Quantity;

/// A pod's spec. `claims` are the names of the claims that every pod of a `StatefulSet` gets as volumes.
pub(super) fn check(found: &mut Found<'_>, spec: &At<'_>, claims: &[&str]) {
    let mut volumes: BTreeSet<&str> = spec.list("volumes").iter().map(|v| v.text("name")).collect();
    volumes.extend(claims);
    let mut seen = BTreeSet::new();
    for (list, init) in [("initContainers", true), ("containers", false)] {
        for container in spec.list(list) {
            let name = container.text("name");
            if !name.is_empty() && !seen.insert(name) {
                found.at("duplicate-entry", &container.field("name"), format!("a second container is called `{name}`"));
            }
            check_container(found, &container, init, &volumes);
            if spec.is_true("hostNetwork") {
                host_ports(found, &container);
            }
        }
    }
    for volume in spec.list("volumes") {
        check_volume(found, &volume);
    }
    if spec.text("dnsPolicy") == "None" && spec.down(&["dnsConfig"]).is_none_or(|c| c.list("nameservers").is_empty()) {
        found.at("missing-field", &spec.field("dnsConfig"), "dnsPolicy None needs a nameserver");
    }
    meta::labels(found, spec, "nodeSelector");
    for toleration in spec.list("tolerations") {
        check_toleration(found, &toleration);
    }
    if let Some(affinity) = spec.get("affinity") {
        check_affinity(found, &affinity);
    }
}

fn host_ports(found: &mut Found<'_>, container: &At<'_>) {
    for port in container.list("ports") {
        if let (Some(host), Some(inner)) = (port.int("hostPort"), port.int("containerPort"))
            && host != 0
            && host != inner
        {
            found.at(
                "conflict",
                &port.field("containerPort"),
                "with hostNetwork, hostPort and containerPort are the same",
            );
        }
    }
}

fn check_container(found: &mut Found<'_>, container: &At<'_>, init: bool, volumes: &BTreeSet<&str>) {
    let image = container.text("image");
    if !container.has("image") {
        found.at("missing-field", &container.path, "`image` is missing");
    } else if image.trim() != image {
        found.at("bad-value", &container.field("image"), "it starts or ends with white space");
    }
    let sidecar = init && container.text("restartPolicy") == "Always";
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(at) = container.get(probe) else { continue };
        if init && !sidecar {
            found.at("conflict", &at.path, "an init container has no probes, unless its restartPolicy is Always");
        } else {
            check_probe(found, &at, probe);
        }
    }
    if init && !sidecar && container.has("lifecycle") {
        found.at(
            "conflict",
            &container.field("lifecycle"),
            "an init container has none, unless its restartPolicy is Always",
        );
    }
    for mount in container.list("volumeMounts") {
        let name = mount.text("name");
        if !name.is_empty() && !volumes.contains(name) {
            found.at("bad-value", &mount.field("name"), format!("the pod has no volume `{name}`"));
        }
    }
    for env in container.list("env") {
        if !env.text("value").is_empty() && env.has("valueFrom") {
            found.at("conflict", &env.field("valueFrom"), "it stands beside a `value`");
        }
    }
    if let Some(resources) = container.get("resources") {
        check_resources(found, &resources);
    }
    if let Some(context) = container.get("securityContext")
        && context.is_true("privileged")
        && context.value.get("allowPrivilegeEscalation") == Some(&Value::Bool(false))
    {
        found.at("conflict", &context.field("allowPrivilegeEscalation"), "it cannot be false with `privileged: true`");
    }
}

fn check_probe(found: &mut Found<'_>, probe: &At<'_>, name: &str) {
    if name != "readinessProbe" && probe.int("successThreshold").is_some_and(|n| n > 1) {
        found.at("bad-value", &probe.field("successThreshold"), "it has to be 1 for a liveness or a startup probe");
    }
    if name == "readinessProbe" && probe.has("terminationGracePeriodSeconds") {
        found.at("conflict", &probe.field("terminationGracePeriodSeconds"), "a readiness probe has none");
    }
}

fn check_resources(found: &mut Found<'_>, resources: &At<'_>) {
    for group in ["limits", "requests"] {
        for (name, at) in resources.map(group) {
            let known = ["cpu", "memory", "ephemeral-storage"].contains(&name) || name.starts_with("hugepages-");
            let is_extended = name.contains('/') && names::is_qualified(name);
            if !known && !is_extended {
                found.at("bad-value", &at.path, format!("`{name}` is no resource of a container"));
            }
            if quantity(at.value).is_some_and(Quantity::is_negative) {
                found.at("bad-value", &at.path, "it is less than 0");
            }
        }
    }
    for (name, request) in resources.map("requests") {
        let limit = resources.down(&["limits", name]);
        if let (Some(asked), Some(most)) = (quantity(request.value), limit.and_then(|limit| quantity(limit.value)))
            && asked > most
        {
            found.at("conflict", &request.path, format!("it is more than the limit of {name}"));
        }
    }
}

fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => Quantity::parse(text).ok(),
        Value::Number(number) => Quantity::parse(&number.to_string()).ok(),
        _ => None,
    }
}

fn check_volume(found: &mut Found<'_>, volume: &At<'_>) {
    let sources =
        volume.value.as_object().into_iter().flatten().filter(|(key, value)| *key != "name" && !value.is_null());
    match sources.count() {
        0 => found.at("missing-field", &volume.path, "the volume says of no kind of volume where it comes from"),
        1 => {}
        _ => found.at("conflict", &volume.path, "a volume comes from one source only"),
    }
}

fn check_toleration(found: &mut Found<'_>, toleration: &At<'_>) {
    let (key, operator) = (toleration.text("key"), toleration.text("operator"));
    if key.is_empty() && operator != "Exists" {
        found.at("conflict", &toleration.field("operator"), "it has to be Exists where there is no key");
    }
    if operator == "Exists" && !toleration.text("value").is_empty() {
        found.at("conflict", &toleration.field("value"), "there is no value where the operator is Exists");
    }
    if toleration.has("tolerationSeconds") && toleration.text("effect") != "NoExecute" {
        found.at("conflict", &toleration.field("effect"), "it has to be NoExecute where there are tolerationSeconds");
    }
    if !key.is_empty() && !names::is_qualified(key) {
        found.at("bad-label", &toleration.field("key"), format!("`{key}` is not a qualified name"));
    }
}

fn check_affinity(found: &mut Found<'_>, affinity: &At<'_>) {
    for kind in ["podAffinity", "podAntiAffinity"] {
        let Some(kind) = affinity.get(kind) else { continue };
        let required = kind.list("requiredDuringSchedulingIgnoredDuringExecution");
        let preferred = kind.list("preferredDuringSchedulingIgnoredDuringExecution");
        for term in required.into_iter().chain(preferred.iter().filter_map(|p| p.get("podAffinityTerm"))) {
            if let Some(selector) = term.get("labelSelector") {
                selector_requirements(found, &selector);
            }
        }
    }
}

/// `matchExpressions`: In and `NotIn` have values, the others have none.
pub(super) fn selector_requirements(found: &mut Found<'_>, selector: &At<'_>) {
    meta::labels(found, selector, "matchLabels");
    for requirement in selector.list("matchExpressions") {
        let values = requirement.list("values").len();
        match requirement.text("operator") {
            "In" | "NotIn" if values == 0 => {
                found.at("missing-field", &requirement.field("values"), "In and NotIn need values");
            }
            "Exists" | "DoesNotExist" if values > 0 => {
                found.at("conflict", &requirement.field("values"), "Exists and DoesNotExist have no values");
            }
            _ => {}
        }
    }
}
