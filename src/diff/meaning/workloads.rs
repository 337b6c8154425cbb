//! Images, commands, environment, ports, selectors, sizes: what is in the fields of workloads and Services.

use super::{Meaning, Severity, Topic};
use crate::diff::{Field, shown};
use crate::manifest::object::Identity;

/// What changed fields mean.
pub(super) fn of(identity: &Identity, fields: &[Field]) -> Vec<Meaning> {
    fields.iter().filter(|field| !field.noise).filter_map(|field| meaning(identity, field)).collect()
}

fn meaning(identity: &Identity, field: &Field) -> Option<Meaning> {
    let path = field.path.as_str();
    let (was, is) = (brief(&shown(field.before.as_ref())), brief(&shown(field.after.as_ref())));
    let moved = format!("{}: {was} -> {is}", short(path));
    let note = |topic| Some(Meaning::new(Severity::Note, topic, identity, moved.clone()));
    let in_pod = path.contains("ontainers[");
    if in_pod && path.rsplit('.').next() == Some("image") {
        return note(Topic::Image);
    }
    if in_pod && (path.contains(".args") || path.contains(".command")) {
        return note(Topic::Arguments);
    }
    if in_pod && path.contains(".env") {
        return note(Topic::Environment);
    }
    if in_pod && path.contains(".resources") || path == "spec.replicas" || path.starts_with("spec.minReplicas") {
        return note(Topic::Size);
    }
    if in_pod && path.contains(".ports") {
        return note(Topic::Ports);
    }
    if identity.kind == "Service" && identity.group.is_empty() {
        if path.starts_with("spec.ports") {
            let warning = Meaning::new(Severity::Warning, Topic::Ports, identity, moved);
            return Some(warning.todo("See who calls this port: load balancers, network policies, other Services"));
        }
        if path.starts_with("spec.selector") {
            let warning = Meaning::new(Severity::Warning, Topic::Selector, identity, moved);
            return Some(
                warning.todo("From the moment that it is applied, requests go to the pods with the new labels"),
            );
        }
    }
    None
}

/// A path from the container on.
fn short(path: &str) -> &str {
    path.find("initContainers[").or_else(|| path.find("containers[")).map_or(path, |at| &path[at..])
}

/// With digests as git shows them, by their first digits.
pub(super) fn brief(text: &str) -> String {
    match text.split_once("@sha256:") {
        Some((image, digest)) if digest.len() >= 64 && digest.is_char_boundary(12) => {
            format!("{image}@sha256:{}{}", &digest[..12], digest.get(64..).unwrap_or_default())
        }
        _ => text.to_owned(),
    }
}
