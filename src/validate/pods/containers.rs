//! Containers of a pod: names, ports, mounts, devices, restarts.

use std::collections::{BTreeMap, BTreeSet};

use super::super::at::At;
use super::super::{Found, resources};
use super::{Pod, env, probes, security};

pub(super) fn check(found: &mut Found<'_>, pod: &Pod<'_, '_>) {
    let (volumes, claimed) = (pod.volumes(), claimed(pod));
    let claims: Vec<&str> = pod.spec.list("resourceClaims").iter().map(|claim| claim.text("name")).collect();
    let mut seen = BTreeSet::new();
    for (container, init) in pod.containers() {
        let name = container.text("name");
        if !name.is_empty() && !seen.insert(name) {
            found.at("duplicate-entry", &container.field("name"), format!("a second container is called `{name}`"));
        }
        image(found, pod, &container);
        mounts(found, &container, &volumes);
        devices(found, &container, &volumes, &claimed);
        env::check(found, pod, &container);
        if let Some(at) = container.get("resources") {
            resources::of_container(found, &at, &claims);
        }
        security::of_container(found, pod, &container);
        let sidecar = init && container.text("restartPolicy") == "Always";
        restarts(found, &container, init);
        resizing(found, pod, &container, init && !sidecar);
        probes::check(found, pod, &container, init && !sidecar);
    }
    host_ports(found, pod);
}

/// Volumes that claims stand behind, which a container may have as a device.
fn claimed<'v>(pod: &Pod<'_, 'v>) -> BTreeSet<&'v str> {
    let volumes = pod.spec.list("volumes");
    let behind = volumes.iter().filter(|v| v.has("persistentVolumeClaim") || v.has("ephemeral"));
    behind.map(|v| v.text("name")).chain(pod.claims.iter().copied()).collect()
}

fn image(found: &mut Found<'_>, pod: &Pod<'_, '_>, container: &At<'_>) {
    let image = container.text("image");
    if !container.has("image") {
        found.missing(container, "image", "`image` is missing");
    } else if image.trim() != image && pod.single {
        // In a template it is taken, and no pod comes of it.
        found.at("bad-value", &container.field("image"), "it starts or ends with white space");
    }
}

fn mounts(found: &mut Found<'_>, container: &At<'_>, volumes: &BTreeSet<&str>) {
    let devices: BTreeMap<&str, &str> =
        container.list("volumeDevices").iter().map(|device| (device.text("name"), device.text("devicePath"))).collect();
    for mount in container.list("volumeMounts") {
        let (name, path) = (mount.text("name"), mount.text("mountPath"));
        if !name.is_empty() && !volumes.contains(name) {
            found.at("bad-value", &mount.field("name"), format!("the pod has no volume `{name}`"));
        }
        if devices.contains_key(name) {
            found.at("conflict", &mount.field("name"), "the volume is one of volumeDevices as well");
        }
        if devices.values().any(|device| *device == path) {
            found.at("conflict", &mount.field("mountPath"), "a device of volumeDevices stands there");
        }
        let context = container.get("securityContext");
        if mount.text("mountPropagation") == "Bidirectional" && !context.is_some_and(|c| c.is_true("privileged")) {
            found.at("conflict", &mount.field("mountPropagation"), "only a privileged container has Bidirectional");
        }
        if let Some(recursive) = mount.get("recursiveReadOnly")
            && recursive.own() != "Disabled"
        {
            if !mount.is_true("readOnly") {
                found.conflict(&recursive, "it is for a mount that is readOnly");
            }
            if !matches!(mount.text("mountPropagation"), "" | "None") {
                found.conflict(&recursive, "it does not go with mountPropagation");
            }
        }
    }
}

fn devices(found: &mut Found<'_>, container: &At<'_>, volumes: &BTreeSet<&str>, claimed: &BTreeSet<&str>) {
    let (mut by_name, mut by_path) = (BTreeSet::new(), BTreeSet::new());
    for device in container.list("volumeDevices") {
        let (name, path) = (device.text("name"), device.text("devicePath"));
        if name.is_empty() || path.is_empty() {
            continue;
        }
        if !volumes.contains(name) {
            found.at("bad-value", &device.field("name"), format!("the pod has no volume `{name}`"));
        } else if !claimed.contains(name) {
            found.at("bad-value", &device.field("name"), "only a volume of a claim can be a device");
        }
        if !by_name.insert(name) {
            found.at("duplicate-entry", &device.field("name"), format!("`{name}` is there twice"));
        }
        if !by_path.insert(path) {
            found.at("duplicate-entry", &device.field("devicePath"), format!("`{path}` is there twice"));
        }
    }
}

/// What happens when a container ends, where that differs from the pod's `restartPolicy`.
fn restarts(found: &mut Found<'_>, container: &At<'_>, init: bool) {
    let policy = container.get("restartPolicy");
    let rules = container.list("restartPolicyRules");
    if !found.since(35) {
        match &policy {
            Some(policy) if init && policy.own() != "Always" => {
                found.bad(policy, "up to Kubernetes 1.34, an init container takes Always only");
            }
            Some(policy) if !init => {
                found.conflict(policy, "up to Kubernetes 1.34, only an init container has one");
            }
            _ => {}
        }
        return;
    }
    if policy.is_none() && !rules.is_empty() {
        found.missing(container, "restartPolicy", "restartPolicyRules need it");
    }
    if init && !found.since(36) && policy.is_some_and(|policy| policy.own() == "Always") && !rules.is_empty() {
        found.at("conflict", &container.field("restartPolicyRules"), "a sidecar has none up to Kubernetes 1.35");
    }
    found.at_most(container, "restartPolicyRules", 20);
    let known: &[&str] = if found.since(36) { &["Restart", "RestartAllContainers"] } else { &["Restart"] };
    for rule in rules {
        found.one_of(&rule, "action", known);
        if let Some(codes) = rule.get("exitCodes") {
            found.at_most(&codes, "values", 255);
        } else {
            found.missing(&rule, "exitCodes", "a rule says for which exit codes it is");
        }
    }
}

/// What happens to a container whose resources change.
fn resizing(found: &mut Found<'_>, pod: &Pod<'_, '_>, container: &At<'_>, plain_init: bool) {
    if !found.since(33) {
        return;
    }
    let policies = container.list("resizePolicy");
    found.distinct(&policies, |policy| policy.text("resourceName"));
    for policy in &policies {
        found.one_of(policy, "resourceName", &["cpu", "memory"]);
        found.one_of(policy, "restartPolicy", &["NotRequired", "RestartContainer"]);
        let restarts = policy.text("restartPolicy") == "RestartContainer";
        if restarts && pod.spec.text("restartPolicy") == "Never" {
            found.at(
                "conflict",
                &policy.field("restartPolicy"),
                "a pod with restartPolicy Never takes NotRequired only",
            );
        } else if restarts && plain_init && found.since(36) {
            found.at(
                "conflict",
                &policy.field("restartPolicy"),
                "an init container that is no sidecar is not restarted",
            );
        }
    }
}

/// Ports of the node.
fn host_ports(found: &mut Found<'_>, pod: &Pod<'_, '_>) {
    let own = pod.spec.is_true("hostNetwork");
    let mut taken = BTreeSet::new();
    for (container, init) in pod.containers() {
        // Init containers run one after the other.
        let mut alone = BTreeSet::new();
        let taken = if init { &mut alone } else { &mut taken };
        for port in container.list("ports") {
            let (host, inner) = (port.int("hostPort").filter(|n| *n != 0), port.int("containerPort"));
            if own && !init && host.is_some_and(|host| Some(host) != inner) {
                let what = "with hostNetwork, hostPort and containerPort are the same";
                found.at("conflict", &port.field("containerPort"), what);
            }
            let protocol = if port.text("protocol").is_empty() { "TCP" } else { port.text("protocol") };
            let host = host.or(inner.filter(|_| own && pod.single));
            if let Some(host) = host.filter(|n| *n != 0)
                && !taken.insert((protocol, port.text("hostIP"), host))
            {
                let what = format!("{protocol} port {host} of the node is taken twice");
                found.at("duplicate-entry", &port.field("hostPort"), what);
            }
        }
    }
}
