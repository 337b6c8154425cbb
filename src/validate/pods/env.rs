//! Environment variables of a container, and what they and files take from the pod itself.

use super::super::Found;
use super::super::at::At;
use super::super::rules::quantity;
use super::Pod;
use crate::fargate::quantity::Quantity;
use crate::kubernetes::names;

/// Fields of the pod that a variable may hold; a file of a volume has five of them.
const OF_VARIABLES: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

pub(super) fn check(found: &mut Found<'_>, pod: &Pod<'_, '_>, container: &At<'_>) {
    for env in container.list("env") {
        let Some(from) = env.get("valueFrom") else { continue };
        if !env.text("value").is_empty() {
            found.at("conflict", &env.field("valueFrom"), "it stands beside a `value`");
        }
        if let Some(field) = from.get("fieldRef") {
            field_of_pod(found, &field, &OF_VARIABLES);
        }
        if let Some(resource) = from.get("resourceFieldRef") {
            divisor(found, &resource);
        }
        if let Some(file) = from.get("fileKeyRef")
            && found.since(35)
        {
            file_key(found, pod, &file);
        }
    }
}

/// A field of the pod. `known`: what may be asked for, besides one label or annotation.
pub(super) fn field_of_pod(found: &mut Found<'_>, field: &At<'_>, known: &[&str]) {
    let path = field.text("fieldPath");
    let keyed = ["metadata.annotations['", "metadata.labels['"].iter().any(|start| path.starts_with(start));
    // What is no field of a pod at all is said by the rules of single fields.
    if path.is_empty() || keyed || known.contains(&path) || names::wrong("field-path", path).is_some() {
        return;
    }
    let what = match path {
        "metadata.annotations" | "metadata.labels" => format!("a variable holds one of them: {path}['KEY']"),
        _ => "a file holds a field of the pod's metadata only".to_owned(),
    };
    found.at("bad-value", &field.field("fieldPath"), what);
}

/// What a resource is divided by before it is written down.
pub(super) fn divisor(found: &mut Found<'_>, resource: &At<'_>) {
    let Some(at) = resource.get("divisor") else { return };
    let Some(divisor) = quantity(at.value).filter(|divisor| *divisor != Quantity::ZERO) else { return };
    let name = resource.text("resource");
    let Some((_, resource)) = name.split_once('.').filter(|(group, _)| matches!(*group, "limits" | "requests")) else {
        return;
    };
    let cpu = resource == "cpu";
    let text = at.own().trim();
    let exponent = text.contains(['e', 'E']) && !text.ends_with('E') && !text.ends_with("Ei");
    let (nano, binary) = (divisor.nano(), text.ends_with('i'));
    let power = |base: i128| (0..=6).any(|n| 1_000_000_000 * base.pow(n) == nano);
    let good = match (cpu, binary) {
        _ if exponent => false,
        (true, _) => matches!(nano, 1_000_000 | 1_000_000_000),
        (false, true) => power(1024) && nano > 1_000_000_000,
        (false, false) => power(1000),
    };
    if !good {
        let known = if cpu { "1m and 1" } else { "1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi and 1Ei" };
        found.bad(&at, format!("{name} is divided by {known} only"));
    }
}

/// A variable that stands in a file of a volume.
fn file_key(found: &mut Found<'_>, pod: &Pod<'_, '_>, file: &At<'_>) {
    let name = file.text("volumeName");
    if name.is_empty() {
        return;
    }
    let volumes = pod.spec.list("volumes");
    match volumes.iter().find(|volume| volume.text("name") == name) {
        None => found.at("bad-value", &file.field("volumeName"), format!("the pod has no volume `{name}`")),
        Some(volume) if !volume.has("emptyDir") => {
            found.at("bad-value", &file.field("volumeName"), "the volume has to be an emptyDir");
        }
        Some(_) => {}
    }
}
