//! What is still in API versions that Kubernetes or a CRD leaves behind.

use std::collections::BTreeMap;

use crate::value::Value;

use super::super::kubectl::Kubectl;
use super::super::{Report, minor};
use crate::kubernetes::{RemovedApis, Version};
use crate::manifest::collection::Placed;
use crate::manifest::object::Head;

const METRICS: [&str; 3] = ["get", "--raw", "/metrics"];
/// Source: <https://kubernetes.io/docs/reference/instrumentation/metrics/>
const METRIC: &str = "apiserver_requested_deprecated_apis{";

pub(super) fn requests() -> Vec<Vec<String>> {
    vec![METRICS.iter().map(|word| (*word).to_owned()).collect()]
}

pub(super) fn look(report: &mut Report, server: &str, kubectl: &mut Kubectl) {
    match kubectl.text(&METRICS) {
        Ok(text) => report.notes.extend(text.lines().filter_map(requested)),
        Err(refusal) => report.notes.push(format!(
            "whether APIs that go away are still asked for is not known: the server's metrics are not read ({})",
            refusal.words()
        )),
    }
    let (Some(version), Ok(removed)) = (minor(server), RemovedApis::embedded()) else { return };
    let mut writers: BTreeMap<(String, String, Version), Vec<String>> = BTreeMap::new();
    for object in &report.live {
        let Ok(head) = Head::of(object) else { continue };
        let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
        for entry in entries {
            let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let mut old = object.clone();
            old["apiVersion"] = text("apiVersion").into();
            let Some(gone) = Head::of(&old).ok().and_then(|head| removed.gone(&head, version).cloned()) else {
                continue;
            };
            let key = (text("manager"), text("apiVersion"), gone.removed_in);
            let objects = writers.entry(key).or_default();
            let id = head.identity().to_string();
            if !objects.contains(&id) {
                objects.push(id);
            }
        }
    }
    for ((manager, api, since), objects) in writers {
        report.notes.push(format!(
            "{manager} wrote {} in {api}, which Kubernetes serves no longer since {since}: whoever it is may have manifests of \
             that version",
            objects.join(", ")
        ));
    }
}

/// What a line of the metric says, where the API has a release that removes it.
fn requested(line: &str) -> Option<String> {
    let labels = line.strip_prefix(METRIC)?;
    let label = |name: &str| labels.split_once(&format!("{name}=\""))?.1.split('"').next();
    let (group, version, resource) = (label("group")?, label("version")?, label("resource")?);
    let release = label("removed_release").filter(|release| !release.is_empty())?;
    let group = if group.is_empty() { String::new() } else { format!("{group}/") };
    Some(format!(
        "{resource} were asked for in {group}{version}, which Kubernetes {release} serves no longer (since this server started)"
    ))
}

/// Versions in which objects of a CRD may still be stored, and which the render does not have.
pub(super) fn stored(report: &mut Report, object: &Placed, live: &Value) {
    let list = |value: &Value, pointer: &str, key: &str| -> Vec<String> {
        let items = value.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
        items
            .filter_map(|i| if key.is_empty() { i.as_str() } else { i.get(key)?.as_str() })
            .map(str::to_owned)
            .collect()
    };
    let served = list(&object.value, "/spec/versions", "name");
    let gone: Vec<String> =
        list(live, "/status/storedVersions", "").into_iter().filter(|version| !served.contains(version)).collect();
    if !gone.is_empty() {
        report.notes.push(format!(
            "{}: objects may still be stored as {}, which the render no longer has: an apply is refused until they are migrated \
             (--with upgrade-jobs brings the Job)",
            object.identity,
            gone.join(", ")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_api_that_a_release_removes_is_told() {
        let line = |release: &str| {
            format!(
                "apiserver_requested_deprecated_apis{{group=\"a.k8s.io\",removed_release=\"{release}\",resource=\"things\",\
                 subresource=\"\",version=\"v1beta1\"}} 1"
            )
        };
        assert_eq!(requested(&line("")), None);
        assert!(
            requested(&line("1.38"))
                .unwrap()
                .starts_with("things were asked for in a.k8s.io/v1beta1, which Kubernetes 1.38")
        );
        assert_eq!(requested("apiserver_request_total 1"), None);
    }
}
