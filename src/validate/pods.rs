//! Pods, wherever their template stands.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>

use std::collections::BTreeSet;

use serde_json::Value;

use super::at::At;
use super::rules::quantity;
use super::{Found, meta};
use crate::fargate::quantity::Quantity;
use crate::kubernetes::names;

/// A pod's spec, of a pod or of a template.
pub(super) fn check(found: &mut Found<'_>, spec: &At<'_>) {
    let volumes: BTreeSet<&str> = spec.list("volumes").iter().map(|v| v.text("name")).collect();
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
    taken_twice(found, spec);
    if !spec.list("ephemeralContainers").is_empty() {
        found.at("conflict", &spec.field("ephemeralContainers"), "they are added to running pods only");
    }
    if spec.is_true("hostPID") && spec.is_true("shareProcessNamespace") {
        found.at("conflict", &spec.field("shareProcessNamespace"), "it does not go with hostPID");
    }
    for context in [spec.get("securityContext")].into_iter().flatten() {
        profiles(found, &context);
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

/// A port of the node that two containers want.
fn taken_twice(found: &mut Found<'_>, spec: &At<'_>) {
    let own = spec.is_true("hostNetwork");
    let mut taken = BTreeSet::new();
    for port in spec.list("containers").iter().flat_map(|container| container.list("ports")) {
        let host = port.int("hostPort").filter(|n| *n != 0).or(port.int("containerPort").filter(|_| own));
        let protocol = if port.text("protocol").is_empty() { "TCP" } else { port.text("protocol") };
        if let Some(host) = host.filter(|n| *n != 0)
            && !taken.insert((protocol, port.text("hostIP"), host))
        {
            found.at(
                "duplicate-entry",
                &port.field("hostPort"),
                format!("{protocol} port {host} of the node is taken twice"),
            );
        }
    }
}

/// Profiles of seccomp and `AppArmor`: one on the node has a name, and others have none.
fn profiles(found: &mut Found<'_>, context: &At<'_>) {
    for profile in ["seccompProfile", "appArmorProfile"].iter().filter_map(|key| context.get(key)) {
        let (local, named) = (profile.text("type") == "Localhost", !profile.text("localhostProfile").is_empty());
        if local && !named {
            found.at("missing-field", &profile.field("localhostProfile"), "type Localhost needs it");
        } else if named && !local {
            found.at("conflict", &profile.field("localhostProfile"), "it is for type Localhost");
        }
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
        found.at("missing-field", &container.field("image"), "`image` is missing");
    } else if image.trim() != image && found.object.identity.kind == "Pod" {
        // In a template it is taken, and no pod comes of it.
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
        check_env(found, &env);
    }
    if let Some(resources) = container.get("resources") {
        check_resources(found, &resources);
    }
    if let Some(context) = container.get("securityContext") {
        check_context(found, &context);
    }
}

fn check_context(found: &mut Found<'_>, context: &At<'_>) {
    profiles(found, context);
    if context.value.get("allowPrivilegeEscalation") != Some(&Value::Bool(false)) {
        return;
    }
    let added = context.get("capabilities").map(|c| c.list("add")).unwrap_or_default();
    let with = if context.is_true("privileged") {
        "`privileged: true`"
    } else if added.iter().any(|capability| capability.value == "CAP_SYS_ADMIN") {
        "the capability CAP_SYS_ADMIN"
    } else {
        return;
    };
    found.at("conflict", &context.field("allowPrivilegeEscalation"), format!("it cannot be false with {with}"));
}

fn check_env(found: &mut Found<'_>, env: &At<'_>) {
    if !env.text("value").is_empty() && env.has("valueFrom") {
        found.at("conflict", &env.field("valueFrom"), "it stands beside a `value`");
    }
    if let Some(field) = env.down(&["valueFrom", "fieldRef"])
        && matches!(field.text("fieldPath"), "metadata.annotations" | "metadata.labels")
    {
        let what = format!("a variable holds one of them: {}['KEY']", field.text("fieldPath"));
        found.at("bad-value", &field.field("fieldPath"), what);
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
        let limit = resources.get("limits").and_then(|limits| limits.get(name));
        let whole = name.contains('/') || name.starts_with("hugepages-");
        let (asked, most) = (quantity(request.value), limit.and_then(|limit| quantity(limit.value)));
        match (asked, most) {
            (Some(asked), Some(most)) if whole && asked != most => {
                found.at("conflict", &request.path, format!("it has to be as much as the limit of {name}"));
            }
            (Some(asked), Some(most)) if asked > most => {
                found.at("conflict", &request.path, format!("it is more than the limit of {name}"));
            }
            (Some(_), None) if whole => {
                found.at("missing-field", &resources.field("limits"), format!("{name} needs a limit as well"));
            }
            _ => {}
        }
    }
}

fn check_volume(found: &mut Found<'_>, volume: &At<'_>) {
    let sources =
        volume.value.as_object().into_iter().flatten().filter(|(key, value)| *key != "name" && !value.is_null());
    // Without a source, it is an empty folder.
    if sources.count() > 1 {
        found.at("conflict", &volume.path, "a volume comes from one source only");
    }
    let projected = volume.get("projected").map(|p| p.list("sources")).unwrap_or_default();
    let inner = projected.iter().filter_map(|source| source.get("downwardAPI"));
    for item in volume.get("downwardAPI").into_iter().chain(inner).flat_map(|source| source.list("items")) {
        if let Some(field) = item.get("fieldRef")
            && !field.text("fieldPath").is_empty()
            && !field.text("fieldPath").starts_with("metadata.")
        {
            found.at("bad-value", &field.field("fieldPath"), "a file holds a field of the pod's metadata only");
        }
        if let Some(resource) = item.get("resourceFieldRef")
            && resource.text("containerName").is_empty()
        {
            found.at("missing-field", &resource.field("containerName"), "a file of a volume needs it");
        }
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

/// What a node has to be like.
fn node_terms(found: &mut Found<'_>, affinity: &At<'_>) {
    let Some(node) = affinity.get("nodeAffinity") else { return };
    let required = node.get("requiredDuringSchedulingIgnoredDuringExecution").map(|r| r.list("nodeSelectorTerms"));
    let preferred = node.list("preferredDuringSchedulingIgnoredDuringExecution");
    let terms = required.unwrap_or_default().into_iter().chain(preferred.iter().filter_map(|p| p.get("preference")));
    for requirement in terms.flat_map(|term| term.list("matchExpressions")) {
        let values = requirement.list("values").len();
        let at = requirement.field("values");
        match requirement.text("operator") {
            "In" | "NotIn" if values == 0 => found.at("missing-field", &at, "In and NotIn need values"),
            "Exists" | "DoesNotExist" if values > 0 => {
                found.at("conflict", &at, "Exists and DoesNotExist have no values");
            }
            "Gt" | "Lt" if values != 1 => found.at("bad-value", &at, "Gt and Lt have one value"),
            _ => {}
        }
    }
}

fn check_affinity(found: &mut Found<'_>, affinity: &At<'_>) {
    node_terms(found, affinity);
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
