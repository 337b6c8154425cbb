//! What makes pods: selectors that fit their templates, strategies, and the restart policies that each kind takes.
//! Sources: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/apps/validation/validation.go>,
//! <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/batch/validation/validation.go>

use super::at::{At, integer};
use super::{Found, meta, pods};

pub(super) fn check(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    let kind = object.identity.kind.as_str();
    let spec = match kind {
        "Pod" => {
            if let Some(spec) = root.get("spec") {
                pods::check(found, &spec);
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
    let Some(template) = spec.get("template") else { return };
    if let Some(metadata) = template.get("metadata") {
        meta::labels(found, &metadata, "labels");
        meta::annotations(found, &metadata);
    }
    match template.get("spec") {
        // The API server does not look into the pods of a StatefulSet before it makes them.
        Some(pod) if kind == "StatefulSet" => restart_policy(found, kind, &pod),
        None if kind == "StatefulSet" => {}
        Some(pod) => {
            pods::check(found, &pod);
            restart_policy(found, kind, &pod);
        }
        None => found.at("missing-field", &template.field("spec"), "the template has no pod's spec"),
    }
    match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => {
            selector(found, &spec, &template);
            strategy(found, kind, &spec);
        }
        "Job" | "CronJob" => {
            if spec.has("selector") && !spec.is_true("manualSelector") {
                found.at("conflict", &spec.field("selector"), "Kubernetes makes it, unless manualSelector is true");
            }
            if spec.text("completionMode") == "Indexed" && !spec.has("completions") {
                found.at("missing-field", &spec.field("completions"), "completionMode Indexed needs it");
            }
        }
        _ => {}
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

fn selector(found: &mut Found<'_>, spec: &At<'_>, template: &At<'_>) {
    let Some(selector) = spec.get("selector") else { return };
    pods::selector_requirements(found, &selector);
    if selector.map("matchLabels").is_empty() && selector.list("matchExpressions").is_empty() {
        found.at("bad-value", &selector.path, "an empty selector would choose every pod");
        return;
    }
    let labels = template.get("metadata").map(|m| m.map("labels")).unwrap_or_default();
    let label = |key: &str| labels.iter().find(|(k, _)| *k == key).and_then(|(_, at)| at.value.as_str());
    let mut misses = Vec::new();
    for (key, wanted) in selector.map("matchLabels") {
        if label(key) != wanted.value.as_str() {
            misses.push(format!("{key}={}", wanted.value.as_str().unwrap_or_default()));
        }
    }
    for requirement in selector.list("matchExpressions") {
        let (key, is) = (requirement.text("key"), label(requirement.text("key")));
        let listed = requirement.list("values").iter().any(|v| v.value.as_str() == is && is.is_some());
        let holds = match requirement.text("operator") {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => is.is_some(),
            "DoesNotExist" => is.is_none(),
            _ => true,
        };
        if !holds {
            misses.push(format!("{key} {}", requirement.text("operator")));
        }
    }
    if !misses.is_empty() {
        let labels = template.path.clone() + "/metadata/labels";
        found.at(
            "selector-mismatch",
            &labels,
            format!("the selector wants {}, and the template has not", misses.join(", ")),
        );
    }
}

fn strategy(found: &mut Found<'_>, kind: &str, spec: &At<'_>) {
    for key in ["strategy", "updateStrategy"] {
        let Some(strategy) = spec.get(key) else { continue };
        let Some(rolling) = strategy.get("rollingUpdate") else { continue };
        if !matches!(strategy.text("type"), "" | "RollingUpdate") {
            found.at("conflict", &rolling.path, format!("it is not for {}", strategy.text("type")));
            continue;
        }
        let zero = |key: &str| {
            rolling.get(key).is_some_and(|at| integer(at.value) == Some(0) || at.value.as_str() == Some("0%"))
        };
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
        over_hundred(found, rolling.get("maxUnavailable"));
    }
    let (deadline, ready) = (spec.int("progressDeadlineSeconds"), spec.int("minReadySeconds").unwrap_or(0));
    if kind == "Deployment" && deadline.unwrap_or(600) <= ready {
        found.at("conflict", &spec.field("progressDeadlineSeconds"), "it has to be more than minReadySeconds");
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

/// `PodDisruptionBudget`.
pub(super) fn budget(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    if let Some(selector) = root.down(&["spec", "selector"]) {
        pods::selector_requirements(found, &selector);
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

    fn codes(text: &str) -> Vec<&'static str> {
        let mut collection = Collection::default();
        collection.add("a.yaml", text);
        let target = Version::one(36);
        let validation = Validation { target, objects: &collection.objects, complete: false, only: None };
        validation.run(&[]).unwrap().into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn mounts_of_a_stateful_set_are_not_looked_into_as_the_api_server_does_not() {
        let set = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec:\n  serviceName: a\n  selector: {matchLabels: \
                   {a: b}}\n  template:\n    metadata: {labels: {a: b}}\n    spec:\n      containers:\n      - {name: a, image: x/a:1.0.0, \
                   volumeMounts: [{name: data, mountPath: /data}]}\n  volumeClaimTemplates:\n  - metadata: {name: NAME}\n    spec: \
                   {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n";
        assert_eq!(codes(&set.replace("NAME", "data")), Vec::<&str>::new());
        assert_eq!(codes(&set.replace("NAME", "other")), Vec::<&str>::new());
    }
}
