//! Workloads to apps/v1: the selector is required, and defaults changed.
//!
//! Source: <https://kubernetes.io/docs/reference/using-api/deprecation-guide/#v1-16>

use crate::value::{Map, Value, json};

use super::{Said, child, default};

/// From extensions/v1beta1.
pub(super) fn from_extensions(object: &mut Map, said: &mut Said) -> Result<(), String> {
    let kind = kind(object);
    let spec = child(object, "spec")?;
    selector(spec, said)?;
    match kind.as_str() {
        "Deployment" => {
            roll_back(spec, said);
            let never = i64::from(i32::MAX);
            if default(spec, "revisionHistoryLimit", never) | default(spec, "progressDeadlineSeconds", never) {
                said.add("extensions/v1beta1 kept every old ReplicaSet and had no progress deadline.");
            }
            let strategy = child(spec, "strategy")?;
            if strategy.get("type").and_then(Value::as_str) != Some("Recreate") {
                default(strategy, "type", "RollingUpdate");
                let rolling = child(strategy, "rollingUpdate")?;
                if default(rolling, "maxSurge", 1) | default(rolling, "maxUnavailable", 1) {
                    said.add("A rolling update took one pod at a time.");
                }
            }
        }
        "DaemonSet" => {
            spec.shift_remove("templateGeneration");
            on_delete(spec, said)?;
        }
        _ => {}
    }
    Ok(())
}

/// From apps/v1beta1.
pub(super) fn from_apps_v1beta1(object: &mut Map, said: &mut Said) -> Result<(), String> {
    let kind = kind(object);
    let spec = child(object, "spec")?;
    selector(spec, said)?;
    match kind.as_str() {
        "Deployment" => {
            roll_back(spec, said);
            if default(spec, "revisionHistoryLimit", 2) {
                said.add("apps/v1beta1 kept two old ReplicaSets.");
            }
        }
        "StatefulSet" => on_delete(spec, said)?,
        _ => {}
    }
    Ok(())
}

/// From apps/v1beta2, which has the defaults of v1.
pub(super) fn from_apps_v1beta2(object: &mut Map, said: &mut Said) -> Result<(), String> {
    let spec = child(object, "spec")?;
    spec.shift_remove("templateGeneration");
    selector(spec, said)
}

fn kind(object: &Map) -> String {
    object.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The selector that the old API made from the labels of the template.
fn selector(spec: &mut Map, said: &mut Said) -> Result<(), String> {
    if spec.get("selector").is_some_and(|s| s.as_object().is_some_and(|s| !s.is_empty())) {
        return Ok(());
    }
    let labels = spec.get("template").and_then(|t| t.pointer("/metadata/labels")).filter(|l| l.is_object()).cloned();
    let labels = labels.ok_or("there is no /spec/selector, and no /spec/template/metadata/labels to make it from")?;
    spec.insert("selector".to_owned(), json!({"matchLabels": labels}));
    said.add("The selector, which the old API took from the template's labels, is required.");
    Ok(())
}

fn roll_back(spec: &mut Map, said: &mut Said) {
    if spec.shift_remove("rollbackTo").is_some() {
        said.add("`rollbackTo`, an order to the old API, is gone.");
    }
}

fn on_delete(spec: &mut Map, said: &mut Said) -> Result<(), String> {
    if default(child(spec, "updateStrategy")?, "type", "OnDelete") {
        said.add("Pods were replaced only when somebody deleted them.");
    }
    Ok(())
}
