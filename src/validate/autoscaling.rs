//! Horizontal pod autoscalers.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/autoscaling/validation/validation.go>

use super::at::At;
use super::{Found, resources};

pub(super) fn check(found: &mut Found<'_>) {
    let object = found.object;
    let Some(spec) = At::root(&object.value).get("spec") else { return };
    let since_36 = found.since(36);
    if let (Some(min), Some(max)) = (spec.int("minReplicas"), spec.int("maxReplicas"))
        && min > max
    {
        found.at("conflict", &spec.field("maxReplicas"), format!("{max} is less than minReplicas, {min}"));
    }
    if let Some(target) = spec.get("scaleTargetRef").filter(|_| since_36) {
        api_version(found, &target, target.text("kind") == "ReplicationController");
    }
    for metric in spec.list("metrics") {
        if let Some(object) = metric.down(&["object", "describedObject"]).filter(|_| since_36) {
            api_version(found, &object, true);
        }
        if let Some(source) = metric.get("containerResource")
            && let Some(what) =
                Some(source.text("name")).filter(|n| !n.is_empty()).and_then(|n| resources::wrong_for(true, n))
        {
            found.at("bad-value", &source.field("name"), what);
        }
        let source = match metric.text("type") {
            "ContainerResource" => "containerResource",
            "External" => "external",
            "Object" => "object",
            "Pods" => "pods",
            "Resource" => "resource",
            _ => continue,
        };
        let Some(at) = metric.get(source) else {
            found.at(
                "missing-field",
                &metric.field(source),
                format!("the metric's type, {}, needs it", metric.text("type")),
            );
            continue;
        };
        for other in ["containerResource", "external", "object", "pods", "resource"] {
            if other != source && metric.has(other) {
                found.at("conflict", &metric.field(other), format!("the metric's type is {}", metric.text("type")));
            }
        }
        let Some(target) = at.get("target") else { continue };
        let given = ["averageUtilization", "averageValue", "value"].iter().filter(|key| target.has(key)).count();
        if given == 0 {
            found.at("missing-field", &target.path, "one of averageUtilization, averageValue and value is needed");
        }
        match source {
            "resource" | "containerResource" => {
                if target.has("averageUtilization") && target.has("averageValue") {
                    found.at("conflict", &target.path, "averageUtilization and averageValue exclude each other");
                } else if given > 0 && !target.has("averageUtilization") && !target.has("averageValue") {
                    found.at("missing-field", &target.path, "averageUtilization or averageValue is needed");
                }
            }
            "pods" if given > 0 && !target.has("averageValue") => {
                found.at("missing-field", &target.field("averageValue"), "metrics of pods need it");
            }
            "external" if target.has("value") && target.has("averageValue") => {
                found.at("conflict", &target.path, "value and averageValue exclude each other");
            }
            _ => {}
        }
    }
}

/// The API of something that is referred to. `core`: it may be one of the core group, which has no name.
fn api_version(found: &mut Found<'_>, at: &At<'_>, core: bool) {
    let api = at.text("apiVersion");
    if api.matches('/').count() > 1 {
        found.at("bad-value", &at.field("apiVersion"), format!("`{api}` is no API version"));
    } else if !core && (!api.contains('/') || api.starts_with('/')) {
        found.at("bad-value", &at.field("apiVersion"), "it needs the group of the API, such as apps/v1");
    }
}
