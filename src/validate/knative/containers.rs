//! Containers of a revision.
//! Source: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/serving/k8s_validation.go>

use std::collections::{BTreeMap, BTreeSet};

use crate::value::Value;

use super::super::Found;
use super::super::at::At;
use super::{CODE, Flag, Webhook, go, is_set, unset};

/// What Knative takes of a container.
const TAKEN: [&str; 17] = [
    "args",
    "command",
    "env",
    "envFrom",
    "image",
    "imagePullPolicy",
    "livenessProbe",
    "name",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "startupProbe",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "volumeMounts",
    "workingDir",
];

/// Variables that Knative sets; `PORT` only where requests arrive.
const RESERVED_ENV: [&str; 4] = ["PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"];
/// Ports of the queue proxy.
const RESERVED_PORTS: [i64; 6] = [8008, 8012, 8013, 8022, 9090, 9091];
/// Paths that nothing is mounted at.
const RESERVED_PATHS: [&str; 3] = ["/", "/dev", "/dev/log"];
/// The first Knative that looks into startup probes.
const STARTUP: u32 = 23;

/// What a container is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Serving,
    Sidecar,
    Init,
}

pub(super) fn check(found: &mut Found<'_>, webhook: &Webhook<'_>, spec: &At<'_>) {
    let containers = spec.list("containers");
    let volumes: BTreeMap<&str, At<'_>> = spec.list("volumes").into_iter().map(|v| (v.text("name"), v)).collect();
    init(found, webhook, spec, &containers, &volumes);
    let at = spec.field("containers");
    let count: usize = containers.iter().map(|container| container.len("ports")).sum();
    if count > 1 {
        found.at(CODE, &at, "only one port may be given, in all containers together");
    } else if count == 0 && containers.len() > 1 {
        found.at(CODE, &at, "with several containers, the one that gets the requests has to have a port");
    }
    let port = containers.iter().filter_map(|container| container.list("ports").into_iter().next()).next_back();
    let port = port.map_or("http", |port| if port.text("name").is_empty() { "http" } else { port.text("name") });
    match containers.as_slice() {
        [] => found.at(CODE, &at, "`containers` is missing"),
        [single] => one(found, webhook, single, Role::Serving, port, &volumes),
        several if !webhook.is_on("multi-container") => {
            found.at(
                CODE,
                &at,
                format!("there are {} containers, and the feature multi-container is off", several.len()),
            );
        }
        several => {
            let mut seen = BTreeSet::new();
            for container in several {
                let name = container.text("name");
                if !name.is_empty() && !seen.insert(name) {
                    found.at(CODE, &container.field("name"), format!("a second container is called `{name}`"));
                }
                let role = if container.len("ports") == 0 { Role::Sidecar } else { Role::Serving };
                one(found, webhook, container, role, port, &volumes);
            }
        }
    }
}

fn init(
    found: &mut Found<'_>,
    webhook: &Webhook<'_>,
    spec: &At<'_>,
    others: &[At<'_>],
    volumes: &BTreeMap<&str, At<'_>>,
) {
    let containers = spec.list("initContainers");
    let feature = "kubernetes.podspec-init-containers";
    if !containers.is_empty() && !webhook.is_on(feature) {
        let what = format!("Knative takes `initContainers` only with the feature {feature}");
        found.at(CODE, &spec.field("initContainers"), what);
        return;
    }
    for container in containers {
        let name = container.text("name");
        if !name.is_empty() && others.iter().any(|other| other.text("name") == name) {
            found.at(CODE, &container.field("name"), format!("a second container is called `{name}`"));
        }
        for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
            if container.has(key) {
                found.at(CODE, &container.field(key), "an init container has none");
            }
        }
        one(found, webhook, &container, Role::Init, "", volumes);
    }
}

fn one(
    found: &mut Found<'_>,
    webhook: &Webhook<'_>,
    at: &At<'_>,
    role: Role,
    port: &str,
    volumes: &BTreeMap<&str, At<'_>>,
) {
    for (key, value) in at.value.as_object().into_iter().flatten() {
        let pointer = key == "restartPolicy" && !value.is_null();
        if !TAKEN.contains(&key.as_str()) && (pointer || is_set(at, key)) {
            found.at(CODE, &at.field(key), format!("Knative does not take `{key}` here"));
        }
    }
    if at.text("name") == "queue-proxy" {
        found.at(CODE, &at.field("name"), "`queue-proxy` is Knative's own container");
    }
    let image = at.text("image");
    if image.is_empty() {
        found.at(CODE, &at.field("image"), "`image` is missing");
    } else if !go::is_image(image) {
        found.at(CODE, &at.field("image"), format!("`{}` is no reference to an image", image.escape_debug()));
    }
    env(found, webhook, at, role);
    ports(found, at, role);
    match role {
        Role::Serving => probes(found, webhook, at, Some(port)),
        Role::Sidecar if webhook.is_on("multi-container-probing") => probes(found, webhook, at, None),
        Role::Sidecar => {
            for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
                let Some(probe) = at.get(key) else { continue };
                let keys = probe.value.as_object().into_iter().flatten();
                let says = key == "readinessProbe" || keys.map(|(key, _)| key).any(|key| is_set(&probe, key));
                if says && (key != "startupProbe" || webhook.minor >= STARTUP) {
                    let what = "Knative probes containers without a port only with the feature multi-container-probing";
                    found.at(CODE, &probe.path, what);
                }
            }
        }
        Role::Init => {}
    }
    if let Some(resources) = at.get("resources") {
        unset(found, &resources, &["claims"]);
    }
    if let Some(context) = at.get("securityContext") {
        security(found, webhook, &context);
    }
    let policy = at.text("terminationMessagePolicy");
    if !matches!(policy, "" | "File" | "FallbackToLogsOnError") {
        let what = format!("`{policy}` is none of File, FallbackToLogsOnError");
        found.at(CODE, &at.field("terminationMessagePolicy"), what);
    }
    mounts(found, webhook, at, role, volumes);
}

fn env(found: &mut Found<'_>, webhook: &Webhook<'_>, container: &At<'_>, role: Role) {
    let reserved = if role == Role::Serving { &RESERVED_ENV[..] } else { &RESERVED_ENV[1..] };
    for env in container.list("env") {
        let name = env.text("name");
        if name.is_empty() {
            found.at(CODE, &env.field("name"), "`name` is missing");
        } else if reserved.contains(&name) {
            found.at(CODE, &env.field("name"), format!("Knative sets `{name}` itself"));
        }
        let Some(from) = env.get("valueFrom") else { continue };
        unset(found, &from, &["fileKeyRef"]);
        let feature = "kubernetes.podspec-fieldref";
        for key in ["fieldRef", "resourceFieldRef"] {
            if from.has(key) && webhook.is_off(feature) {
                found.at(CODE, &from.field(key), format!("Knative takes `{key}` only with the feature {feature}"));
            }
        }
    }
    for from in container.list("envFrom") {
        match (from.has("configMapRef"), from.has("secretRef")) {
            (true, true) => found.at(CODE, &from.path, "only one of configMapRef, secretRef may stand here"),
            (false, false) => found.at(CODE, &from.path, "one of `configMapRef`, `secretRef` is needed"),
            _ => {}
        }
    }
}

fn ports(found: &mut Found<'_>, container: &At<'_>, role: Role) {
    let ports = container.list("ports");
    let looked_at = if role == Role::Init { ports.len() } else { 1 };
    for port in ports.iter().take(looked_at) {
        unset(found, port, &["hostIP", "hostPort"]);
        let number = port.int("containerPort").unwrap_or(0);
        if RESERVED_PORTS.contains(&number) {
            found.at(CODE, &port.field("containerPort"), format!("{number} is a port of Knative's queue proxy"));
        } else if !(0..=65535).contains(&number) {
            found.at(CODE, &port.field("containerPort"), format!("{number} is not from 0 to 65535"));
        }
        if role == Role::Init {
            continue;
        }
        let (protocol, name) = (port.text("protocol"), port.text("name"));
        if !matches!(protocol, "" | "TCP") {
            found.at(CODE, &port.field("protocol"), format!("`{protocol}` is not TCP"));
        }
        if !matches!(name, "" | "h2c" | "http1") {
            found.at(CODE, &port.field("name"), format!("`{name}` is none of h2c, http1: the name says the protocol"));
        }
    }
}

/// Probes of a container; `port`: the name of the port where requests arrive, for the container that has it.
fn probes(found: &mut Found<'_>, webhook: &Webhook<'_>, container: &At<'_>, port: Option<&str>) {
    for key in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get(key) else { continue };
        if key == "startupProbe" && webhook.minor < STARTUP {
            continue;
        }
        let there: Vec<_> =
            ["httpGet", "tcpSocket", "exec", "grpc"].into_iter().filter(|handler| probe.has(handler)).collect();
        match there.len() {
            // What asks whether the serving container is ready is a TCP connection by default.
            0 if key == "readinessProbe" && port.is_some() => {}
            0 => found.at(CODE, &probe.path, "one of `httpGet`, `tcpSocket`, `exec`, `grpc` is needed"),
            1 => {}
            _ => found.at(CODE, &probe.path, format!("only one of {} may stand here", there.join(", "))),
        }
        for handler in ["httpGet", "tcpSocket"].iter().filter_map(|handler| probe.get(handler)) {
            let number = handler.int("port").unwrap_or(0);
            let name = handler.text("port");
            match port {
                Some(port) if !name.is_empty() && name != port => {
                    found.at(CODE, &handler.field("port"), format!("`{name}` is not the container's port, `{port}`"));
                }
                None if name.is_empty() && number == 0 => {
                    found.at(CODE, &handler.field("port"), "a probe of this container says its port");
                }
                _ => {}
            }
        }
        if key == "readinessProbe" {
            readiness(found, &probe);
        }
    }
}

fn readiness(found: &mut Found<'_>, probe: &At<'_>) {
    let number = |key: &str, otherwise: i64| probe.int(key).filter(|n| *n != 0).unwrap_or(otherwise);
    let period = number("periodSeconds", 0);
    let mut least = vec![("periodSeconds", 0, 0), ("initialDelaySeconds", 0, 0), ("successThreshold", 1, 1)];
    if period != 0 {
        least.extend([("timeoutSeconds", 1, 1), ("failureThreshold", 3, 1)]);
    }
    for (key, otherwise, least) in least {
        if number(key, otherwise) < least {
            found.at(CODE, &probe.field(key), format!("it is less than {least}"));
        }
    }
    if period == 0 {
        for key in ["failureThreshold", "timeoutSeconds"] {
            if number(key, 0) != 0 {
                found.at(CODE, &probe.field(key), "without periodSeconds Knative probes by itself, and takes none");
            }
        }
    }
}

fn identifiers(found: &mut Found<'_>, context: &At<'_>, keys: &[&str]) {
    for key in keys {
        if let Some(id) = context.int(key).filter(|id| !(0..=i64::from(i32::MAX)).contains(id)) {
            found.at(CODE, &context.field(key), format!("{id} is not from 0 to {}", i32::MAX));
        }
    }
}

fn security(found: &mut Found<'_>, webhook: &Webhook<'_>, context: &At<'_>) {
    const TAKEN: [&str; 7] = [
        "allowPrivilegeEscalation",
        "capabilities",
        "readOnlyRootFilesystem",
        "runAsGroup",
        "runAsNonRoot",
        "runAsUser",
        "seccompProfile",
    ];
    for (key, _) in context.value.as_object().into_iter().flatten() {
        if !TAKEN.contains(&key.as_str()) && is_set(context, key) {
            found.at(CODE, &context.field(key), format!("Knative does not take `{key}` here"));
        }
    }
    identifiers(found, context, &["runAsUser", "runAsGroup"]);
    let Some(capabilities) = context.get("capabilities").filter(|capabilities| is_set(capabilities, "add")) else {
        return;
    };
    let feature = "kubernetes.containerspec-addcapabilities";
    let bind = webhook.secures() && capabilities.texts("add") == ["NET_BIND_SERVICE"];
    if !webhook.is_on(feature) && !bind {
        found.at(CODE, &capabilities.field("add"), format!("Knative takes `add` only with the feature {feature}"));
    }
}

/// The security context of a pod.
pub(super) fn pod_context(found: &mut Found<'_>, webhook: &Webhook<'_>, context: &At<'_>) {
    const TAKEN: [&str; 6] =
        ["fsGroup", "runAsGroup", "runAsNonRoot", "runAsUser", "seccompProfile", "supplementalGroups"];
    let off = webhook.feature("kubernetes.podspec-securitycontext") == Flag::Disabled;
    for (key, value) in context.value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let plain = matches!(value.get("type").and_then(Value::as_str), Some("RuntimeDefault" | "Unconfined"))
            && value.get("localhostProfile").is_none();
        let taken =
            if off { webhook.secures() && key == "seccompProfile" && plain } else { TAKEN.contains(&key.as_str()) };
        if !taken {
            found.at(CODE, &context.field(key), format!("Knative does not take `{key}` here"));
        }
    }
    identifiers(found, context, &["runAsUser", "runAsGroup", "fsGroup"]);
    for group in context.list("supplementalGroups") {
        if group.value.as_i64().is_some_and(|id| !(0..=i64::from(i32::MAX)).contains(&id)) {
            found.at(CODE, &group.path, format!("it is not from 0 to {}", i32::MAX));
        }
    }
}

fn mounts(
    found: &mut Found<'_>,
    webhook: &Webhook<'_>,
    container: &At<'_>,
    role: Role,
    volumes: &BTreeMap<&str, At<'_>>,
) {
    let mut seen = BTreeSet::new();
    for mount in container.list("volumeMounts") {
        unset(found, &mount, &["recursiveReadOnly", "subPathExpr"]);
        let name = mount.text("name");
        let volume = volumes.get(name).filter(|_| !name.is_empty());
        if volume.is_none() {
            found.at(CODE, &mount.field("name"), format!("there is no volume `{name}`"));
        }
        let path = mount.text("mountPath");
        let clean = clean(path);
        let at = mount.field("mountPath");
        if path.is_empty() {
            found.at(CODE, &at, "`mountPath` is missing");
        } else if RESERVED_PATHS.contains(&clean.as_str()) {
            found.at(CODE, &at, format!("nothing may be mounted at {clean}"));
        } else if !path.starts_with('/') {
            found.at(CODE, &at, format!("`{path}` does not start with a slash"));
        } else if !seen.insert(clean) {
            found.at(CODE, &at, format!("something else is mounted at `{path}` too"));
        }
        let of = |key: &str| volume.is_some_and(|volume| volume.has(key));
        let written = of("emptyDir") || of("persistentVolumeClaim") || of("ephemeral") && webhook.minor >= 23;
        // For other containers than those, Knative sets it by itself.
        if role == Role::Init && !written && !mount.is_true("readOnly") {
            found.at(CODE, &mount.field("readOnly"), "a volume of this kind is mounted with readOnly: true");
        }
        let claim = volume.and_then(|volume| volume.get("persistentVolumeClaim"));
        if claim.is_some_and(|claim| claim.is_true("readOnly")) && !mount.is_true("readOnly") {
            found.at(CODE, &mount.field("readOnly"), "the volume is readOnly, and the mount is not");
        }
        if let Some(propagation) = mount.get("mountPropagation") {
            let feature = "kubernetes.podspec-volumes-mount-propagation";
            if !webhook.is_on(feature) {
                let what = format!("Knative takes `mountPropagation` only with the feature {feature}");
                found.at(CODE, &propagation.path, what);
            } else if !matches!(propagation.own(), "None" | "HostToContainer") {
                found.at(CODE, &propagation.path, "it is none of None, HostToContainer");
            }
        }
    }
}

/// A path without what changes nothing, as Go's `path.Clean` has it.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let rooted = path.starts_with('/');
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if rooted { format!("/{joined}") } else { joined }
}
