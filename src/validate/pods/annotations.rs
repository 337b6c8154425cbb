//! Annotations of a pod that say what fields say as well.

use super::super::Found;
use super::super::at::At;
use super::Pod;

const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const MIRROR: &str = "kubernetes.io/config.mirror";
const COST: &str = "controller.kubernetes.io/pod-deletion-cost";

pub(super) fn check(found: &mut Found<'_>, pod: &Pod<'_, '_>) {
    let Some(metadata) = pod.metadata else { return };
    for (key, at) in metadata.map("annotations") {
        let value = at.own();
        let container = |name: &str| pod.containers().map(|(c, _)| c).find(|c| c.text("name") == name);
        if key == MIRROR && pod.spec.text("nodeName").is_empty() {
            found.bad(&at, "a mirror pod has a nodeName");
        } else if key == COST && !is_cost(value) {
            found.bad(&at, "it is not a whole number of 32 bits");
        } else if key == SECCOMP_POD || key.starts_with(SECCOMP_CONTAINER) {
            if !is_seccomp(value) {
                found.bad(&at, format!("`{value}` is no seccomp profile"));
            }
            let context = match key.strip_prefix(SECCOMP_CONTAINER) {
                Some(name) => container(name).and_then(|c| c.get("securityContext")),
                None => pod.spec.get("securityContext"),
            };
            if let Some(profile) = context.and_then(|c| c.get("seccompProfile"))
                && !agrees(value, &profile, &["runtime/default", "docker/default"])
            {
                found.conflict(&at, "the field seccompProfile says something else");
            }
        } else if let Some(name) = key.strip_prefix(APPARMOR) {
            let Some(container) = container(name) else {
                found.bad(&at, format!("the pod has no container `{name}`"));
                continue;
            };
            if !(matches!(value, "" | "runtime/default" | "unconfined") || value.starts_with("localhost/")) {
                found.bad(&at, format!("`{value}` is no AppArmor profile"));
            }
            let own = container.get("securityContext").and_then(|c| c.get("appArmorProfile"));
            // A Pod's annotation becomes its container's field, where there is none; a template's is held against the pod's.
            let of_pod = pod.spec.get("securityContext").and_then(|c| c.get("appArmorProfile"));
            let profile = own.or(of_pod.filter(|_| !pod.single || value.is_empty()));
            if let Some(profile) = profile
                && !agrees(value, &profile, &["runtime/default"])
            {
                found.conflict(&at, "the field appArmorProfile says something else");
            }
        }
    }
}

/// Whether an annotation and a field name the same profile.
fn agrees(annotation: &str, profile: &At<'_>, default: &[&str]) -> bool {
    match profile.text("type") {
        "Unconfined" => annotation == "unconfined",
        "RuntimeDefault" => default.contains(&annotation),
        "Localhost" => annotation.strip_prefix("localhost/") == Some(profile.text("localhostProfile")),
        _ => true,
    }
}

fn is_seccomp(value: &str) -> bool {
    matches!(value, "runtime/default" | "docker/default" | "unconfined")
        || value
            .strip_prefix("localhost/")
            .is_some_and(|path| !path.starts_with('/') && path.split('/').all(|part| part != ".."))
}

fn is_cost(value: &str) -> bool {
    let first = value.starts_with('-') || value == "0" || value.starts_with(|c: char| ('1'..='9').contains(&c));
    first && value.parse::<i32>().is_ok()
}
