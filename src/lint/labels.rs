//! Label selectors, as Kubernetes evaluates them.

use crate::value::Value;

use super::value::{entries, items};

/// Whether a label selector selects something with these labels. An empty selector selects everything, an absent one
/// nothing.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    selector.is_object()
        && matches_all(&selector["matchLabels"], labels)
        && items(&selector["matchExpressions"]).all(|expression| holds(expression, labels))
}

/// Whether every entry of `wanted` is a label.
pub(super) fn matches_all(wanted: &Value, labels: &Value) -> bool {
    entries(wanted).all(|(key, value)| labels.get(key) == Some(value))
}

fn holds(expression: &Value, labels: &Value) -> bool {
    let label = expression["key"].as_str().and_then(|key| labels.get(key));
    let listed = || label.is_some_and(|label| items(&expression["values"]).any(|value| value == label));
    match expression["operator"].as_str() {
        Some("In") => listed(),
        Some("NotIn") => !listed(),
        Some("Exists") => label.is_some(),
        Some("DoesNotExist") => label.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    #[test]
    fn a_selector_selects_as_kubernetes_does() {
        let labels = json!({"app": "web", "tier": "front"});
        for selector in [
            json!({}),
            json!({"matchLabels": {"app": "web"}}),
            json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "api"]}]}),
            json!({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}),
            json!({"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}),
        ] {
            assert!(selects(&selector, &labels), "{selector}");
        }
        for selector in [
            Value::Null,
            json!({"matchLabels": {"app": "api"}}),
            json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}),
            json!({"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}),
        ] {
            assert!(!selects(&selector, &labels), "{selector}");
        }
    }
}
