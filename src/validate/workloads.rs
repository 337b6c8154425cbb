//! What makes pods: selectors that fit their templates, strategies, and the restart policies that each kind takes.
//! Sources: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/apps/validation/validation.go>,
//! <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/batch/validation/validation.go>

use super::at::{At, integer};
use super::pods::Pod;
use super::{Found, claims, jobs, meta, pods, selectors};
use crate::kubernetes::names;

pub(super) fn check(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    let kind = object.identity.kind.as_str();
    let spec = match kind {
        "Pod" => {
            if let Some(spec) = root.get("spec") {
                pods::check(found, &Pod::itself(&spec, root.get("metadata").as_ref()));
            } else {
                found.at("missing-field", "/spec", "there is no pod's spec");
            }
            return;
        }
        "PodTemplate" => Some(root.clone()),
        "CronJob" => root.down(&["spec", "jobTemplate", "spec"]),
        _ => root.get("spec"),
    };
    let Some(spec) = spec else {
        let at = if kind == "CronJob" { "/spec/jobTemplate/spec" } else { "/spec" };
        found.at("missing-field", at, "there is no spec");
        return;
    };
    match spec.get("template") {
        Some(template) => check_template(found, kind, &spec, &template),
        // The schema says that the others need one.
        None if matches!(kind, "ReplicaSet" | "ReplicationController" | "PodTemplate") => {
            found.missing(&spec, "template", "there is no template of pods");
        }
        None => {}
    }
    deprecated(found, kind, &root);
    match kind {
        "Deployment" | "DaemonSet" | "ReplicaSet" => strategy(found, kind, &spec),
        "StatefulSet" => {
            strategy(found, kind, &spec);
            stateful(found, &spec);
        }
        "Job" | "CronJob" => jobs::check(found, &root, &spec),
        _ => {}
    }
}

/// Annotations that stand for fields of older versions, and are read as such.
fn deprecated(found: &mut Found<'_>, kind: &str, root: &At<'_>) {
    let (key, least) = match kind {
        "DaemonSet" => ("deprecated.daemonset.template.generation", i64::MIN),
        "Deployment" => ("deprecated.deployment.rollback.to", 0),
        _ => return,
    };
    let Some(at) = root.down(&["metadata", "annotations", key]) else { return };
    let text = at.own();
    if !at.value.is_string() || (text.is_empty() && kind == "Deployment") {
        return;
    }
    if !text.parse::<i64>().is_ok_and(|number| number >= least) {
        let wanted = if kind == "Deployment" { "a revision: a number, 0 or more" } else { "a number" };
        found.bad(&at, format!("`{text}` is not {wanted}"));
    }
}

fn check_template(found: &mut Found<'_>, kind: &str, spec: &At<'_>, template: &At<'_>) {
    let metadata = template.get("metadata");
    if let Some(metadata) = &metadata {
        meta::labels(found, metadata, "labels");
        meta::annotations(found, metadata);
    }
    // Up to Kubernetes 1.33, the API server did not look into the pods of a StatefulSet before it made them.
    let unseen = kind == "StatefulSet" && !found.since(34);
    match template.get("spec") {
        Some(pod) if unseen => restart_policy(found, kind, &pod),
        Some(pod) => {
            let claims = spec.list("volumeClaimTemplates").into_iter().filter_map(|claim| claim.get("metadata"));
            let claims = if kind == "StatefulSet" { claims.map(|m| m.text("name")).collect() } else { Vec::new() };
            pods::check(found, &Pod::of_template(&pod, metadata.as_ref()).with_claims(claims));
            restart_policy(found, kind, &pod);
        }
        None if unseen => {}
        None => found.missing(template, "spec", "the template has no pod's spec"),
    }
    if matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController") {
        selector(found, kind, spec, template);
    }
}

fn restart_policy(found: &mut Found<'_>, kind: &str, pod: &At<'_>) {
    let policy = pod.text("restartPolicy");
    let at = pod.field("restartPolicy");
    match kind {
        "Job" | "CronJob" if policy.is_empty() => {
            found.at("missing-field", &at, "a Job says OnFailure or Never; the default, Always, is not for Jobs");
        }
        "Job" | "CronJob" if policy == "Always" => found.at("bad-value", &at, "a Job takes OnFailure or Never"),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController"
            if !policy.is_empty() && policy != "Always" =>
        {
            found.at("bad-value", &at, format!("a {kind} takes Always only"));
        }
        _ => {}
    }
    if matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController")
        && pod.has("activeDeadlineSeconds")
    {
        found.at("conflict", &pod.field("activeDeadlineSeconds"), format!("it is not for pods of a {kind}"));
    }
}

fn selector(found: &mut Found<'_>, kind: &str, spec: &At<'_>, template: &At<'_>) {
    let labels = template.get("metadata").map(|m| m.map("labels")).unwrap_or_default();
    let misses = if kind == "ReplicationController" {
        let wanted = spec.map("selector");
        // Without one, the template's labels are its selector.
        if wanted.is_empty() && labels.is_empty() {
            found.missing(spec, "selector", "it chooses pods by their labels, and the template has none");
        }
        let has = |key: &str, value: &str| labels.iter().any(|(k, at)| *k == key && at.own() == value);
        let missed = wanted.iter().filter(|(key, at)| !has(key, at.own()));
        missed.map(|(key, at)| format!("{key}={}", at.own())).collect()
    } else {
        let Some(selector) = spec.get("selector") else { return };
        selectors::labels(found, &selector);
        if selector.len("matchLabels") == 0 && selector.len("matchExpressions") == 0 {
            found.bad(&selector, "an empty selector would choose every pod");
            return;
        }
        if !selectors::is_sound(&selector) {
            return;
        }
        selectors::misses(&selector, &labels)
    };
    if !misses.is_empty() {
        let labels = template.path.clone() + "/metadata/labels";
        let what = format!("the selector wants {}, and the template has not", misses.join(", "));
        found.at("selector-mismatch", &labels, what);
    }
}

/// What a number or a percentage comes to, as far as it can be none.
fn is_zero(at: &At<'_>) -> bool {
    let percent = at.value.as_str().and_then(|text| text.strip_suffix('%'));
    integer(at.value) == Some(0) || percent.is_some_and(|digits| digits.bytes().all(|b| b == b'0'))
}

fn strategy(found: &mut Found<'_>, kind: &str, spec: &At<'_>) {
    for key in ["strategy", "updateStrategy"] {
        let Some(strategy) = spec.get(key) else { continue };
        let Some(rolling) = strategy.get("rollingUpdate") else { continue };
        if !matches!(strategy.text("type"), "" | "RollingUpdate") {
            // A DaemonSet may have both: nothing is looked at then.
            if kind != "DaemonSet" {
                found.conflict(&rolling, format!("it is not for {}", strategy.text("type")));
            }
            continue;
        }
        let zero = |key: &str| rolling.get(key).is_some_and(|at| is_zero(&at));
        let none = !rolling.has("maxSurge") || zero("maxSurge");
        match kind {
            "Deployment" if zero("maxUnavailable") && zero("maxSurge") => {
                found.at("bad-value", &rolling.field("maxUnavailable"), "it cannot be 0 where maxSurge is 0 as well");
            }
            "DaemonSet" if zero("maxUnavailable") && none => {
                found.at("bad-value", &rolling.field("maxUnavailable"), "it cannot be 0 where there is no maxSurge");
            }
            "DaemonSet" if !zero("maxUnavailable") && !none => {
                found.at("conflict", &rolling.field("maxSurge"), "it is for a maxUnavailable of 0 only");
            }
            _ => {}
        }
        // For a StatefulSet it is a feature that is off by default, so that it is dropped.
        if kind != "StatefulSet" {
            over_hundred(found, rolling.get("maxUnavailable"));
        }
        if kind == "DaemonSet" {
            over_hundred(found, rolling.get("maxSurge"));
        }
    }
    let (deadline, ready) = (spec.int("progressDeadlineSeconds"), spec.int("minReadySeconds").unwrap_or(0));
    if kind == "Deployment" && deadline.unwrap_or(600) <= ready {
        found.at("conflict", &spec.field("progressDeadlineSeconds"), "it has to be more than minReadySeconds");
    }
}

/// What only a `StatefulSet` has.
fn stateful(found: &mut Found<'_>, spec: &At<'_>) {
    if let Some(ordinals) = spec.get("ordinals")
        && ordinals.int("start") < Some(0)
        && ordinals.has("start")
    {
        found.at("bad-value", &ordinals.field("start"), "it is less than 0");
    }
    if !found.since(34) {
        return;
    }
    let service = spec.text("serviceName");
    if !service.is_empty() && !names::is_label(service) {
        found.at("bad-name", &spec.field("serviceName"), format!("`{service}` is not a DNS label"));
    }
    for claim in spec.list("volumeClaimTemplates") {
        if claim.get("metadata").is_none_or(|metadata| metadata.text("name").is_empty()) {
            let what = "it becomes the name of a volume and of claims, and there is none";
            found.at("missing-field", &(claim.path.clone() + "/metadata/name"), what);
        }
        claims::spec(found, &claim, true);
    }
}

/// A percentage that is more than all.
fn over_hundred(found: &mut Found<'_>, at: Option<At<'_>>) {
    if let Some(at) = at
        && let Some(percent) = at.value.as_str().and_then(|t| t.strip_suffix('%')).and_then(|n| n.parse::<u32>().ok())
        && percent > 100
    {
        found.at("bad-value", &at.path, format!("{percent}% is more than 100%"));
    }
}

/// `ControllerRevision`.
pub(super) fn revision(found: &mut Found<'_>) {
    let data = found.object.value.get("data").filter(|data| !data.is_null());
    match data {
        None => found.at("missing-field", "/data", "a revision has data"),
        Some(data) if !data.is_object() && found.since(35) => {
            found.at("wrong-type", "/data", "it has to be a mapping");
        }
        Some(_) => {}
    }
}

/// `PodDisruptionBudget`.
pub(super) fn budget(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    if let Some(selector) = root.down(&["spec", "selector"]) {
        selectors::labels(found, &selector);
    }
    for key in ["minAvailable", "maxUnavailable"] {
        over_hundred(found, root.down(&["spec", key]));
    }
}

#[cfg(test)]
mod tests {
    use crate::kubernetes::Version;
    use crate::manifest::collection::Collection;
    use crate::validate::Validation;

    fn found_for(minor: u16, text: &str) -> Vec<&'static str> {
        let mut collection = Collection::default();
        collection.add("a.yaml", text);
        let target = Version::one(minor);
        let validation = Validation { target, objects: &collection.objects, complete: false, only: None };
        validation.run(&[]).unwrap().into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn pods_of_a_stateful_set_are_looked_into_since_1_34() {
        let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec:\n  serviceName: a\n  selector: {matchLabels: \
                   {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      containers:\n      - {name: a, image: x/a:1.0.0, \
                   volumeMounts: [{name: data, mountPath: /data}]}\n  volumeClaimTemplates:\n  - metadata: {name: NAME}\n    spec: \
                   {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n";
        let (own, other) = (set.replace("NAME", "data"), set.replace("NAME", "other"));
        for minor in [33, 34] {
            assert_eq!(found_for(minor, &own), Vec::<&str>::new(), "1.{minor}");
        }
        assert_eq!(found_for(33, &other), Vec::<&str>::new());
        assert_eq!(found_for(34, &other), ["bad-value"]);
    }
}
