//! `HorizontalPodAutoscaler` from autoscaling/v2beta1 to v2. (v2beta2 has the fields of v2.)
//!
//! Source: <https://kubernetes.io/docs/reference/using-api/deprecation-guide/#horizontalpodautoscaler-v125>

use crate::value::{Map, Value, json};

use super::{Said, child};

/// Every metric gets a `target`, and all but resources a `metric`.
pub(super) fn from_v2beta1(scaler: &mut Map, said: &mut Said) -> Result<(), String> {
    scaler.shift_remove("status");
    let metrics = child(scaler, "spec")?.get_mut("metrics").and_then(Value::as_array_mut);
    for (i, metric) in metrics.into_iter().flatten().enumerate() {
        let at = format!("/spec/metrics/{i}");
        let Some(metric) = metric.as_object_mut() else { return Err(format!("{at} is not a mapping")) };
        let sources = ["resource", "containerResource", "pods", "object", "external"];
        for source in sources {
            if let Some(Value::Object(old)) = metric.get_mut(source) {
                let new = changed(source, std::mem::take(old), &format!("{at}/{source}"))?;
                *old = new;
                said.add("What was `targetValue`, `targetAverageValue` or `targetAverageUtilization` is a `target`.");
            }
        }
    }
    Ok(())
}

fn changed(source: &str, mut old: Map, at: &str) -> Result<Map, String> {
    let mut new = Map::new();
    let mut take = |key: &str| old.shift_remove(key).filter(|value| !value.is_null());
    match source {
        "resource" | "containerResource" => {
            for key in ["name", "container"] {
                if let Some(value) = take(key) {
                    new.insert(key.to_owned(), value);
                }
            }
        }
        _ => {
            if let Some(object) = (source == "object").then(|| take("target")).flatten() {
                new.insert("describedObject".to_owned(), object);
            }
            let name = take("metricName").ok_or_else(|| format!("{at}/metricName is missing"))?;
            let mut metric = json!({"name": name});
            if let Some(selector) = take(if source == "external" { "metricSelector" } else { "selector" }) {
                metric["selector"] = selector;
            }
            new.insert("metric".to_owned(), metric);
        }
    }
    let average = take(if source == "object" { "averageValue" } else { "targetAverageValue" });
    let target = match (take("targetAverageUtilization"), average, take("targetValue")) {
        (Some(utilization), None, None) => json!({"type": "Utilization", "averageUtilization": utilization}),
        (None, Some(average), None) => json!({"type": "AverageValue", "averageValue": average}),
        // v2beta1 demanded a targetValue of objects beside an averageValue, and then did not look at it.
        (None, Some(average), Some(_)) if source == "object" => {
            json!({"type": "AverageValue", "averageValue": average})
        }
        (None, None, Some(value)) => json!({"type": "Value", "value": value}),
        _ => return Err(format!("{at} has no target, or more than one")),
    };
    new.insert("target".to_owned(), target);
    new.extend(old);
    Ok(new)
}
