//! A rendered object beside the live one: each field that was rendered has to be in the live one. What the server adds by
//! default, and what others own by design, is no difference.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::fargate::quantity::Quantity;
use crate::manifest::secret::REPEATED;
use crate::value::{Map, Value};

/// A field that is not as it was rendered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The field: `spec.template.spec.containers[controller].image`.
    pub field: String,
    /// What was rendered; nothing where the cluster has a field beyond it.
    pub rendered: Option<String>,
    /// What the cluster has; nothing where it lacks the field.
    pub live: Option<String>,
}

/// What of an object others own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Owned {
    /// A `HorizontalPodAutoscaler` sets `spec.replicas`.
    pub replicas: bool,
    /// `apply.sh` sets `data`.
    pub data: bool,
}

/// The fields of `rendered` that `live` does not have in the same way.
pub fn compare(rendered: &Value, live: &Value, owned: Owned) -> Vec<Difference> {
    let kind = rendered.get("kind").and_then(Value::as_str).unwrap_or_default();
    let aggregated = rendered.get("aggregationRule").is_some();
    let mut walk = Walk { kind, owned, aggregated, found: Vec::new() };
    walk.value(&mut Vec::new(), rendered, live);
    walk.found
}

struct Walk<'v> {
    kind: &'v str,
    owned: Owned,
    aggregated: bool,
    found: Vec<Difference>,
}

impl Walk<'_> {
    fn skips(&self, path: &[String]) -> bool {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let webhooks = self.kind.ends_with("WebhookConfiguration");
        match path.as_slice() {
            ["status" | "apiVersion" | "kind"] => true,
            ["metadata", "creationTimestamp" | "resourceVersion" | "uid" | "generation" | "managedFields"] => true,
            ["metadata", "namespace" | "name"] | ["metadata", "annotations", REPEATED] => true,
            ["spec", "replicas"] => self.owned.replicas,
            ["data"] => self.owned.data,
            ["stringData"] => self.kind == "Secret",
            ["rules"] => self.aggregated,
            ["webhooks", .., "rules" | "caBundle"] => webhooks,
            ["spec", "conversion", .., "caBundle"] | ["spec", "caBundle"] => true,
            _ => false,
        }
    }

    fn value(&mut self, path: &mut Vec<String>, rendered: &Value, live: &Value) {
        if self.skips(path) || is_nothing(rendered) && is_nothing(live) {
            return;
        }
        match (rendered, live) {
            (Value::Object(rendered), Value::Object(live)) => self.map(path, rendered, live),
            (Value::Array(rendered), Value::Array(live)) => self.list(path, rendered, live),
            // An empty map or list says nothing of what is in it.
            (Value::Object(map), _) if map.is_empty() => {}
            _ if equal(path, rendered, live) => {}
            _ => self.differs(path, Some(rendered), Some(live)),
        }
    }

    fn map(&mut self, path: &mut Vec<String>, rendered: &Map, live: &Map) {
        for (key, value) in rendered {
            path.push(key.to_string());
            match live.get(key) {
                Some(live) => self.value(path, value, live),
                None if is_nothing(value) || self.skips(path) => {}
                None => self.differs(path, Some(value), None),
            }
            path.pop();
        }
        // Each key of a ConfigMap is a setting: one that nobody rendered changes what runs.
        if self.kind == "ConfigMap" && matches!(path.as_slice(), [data] if data == "data") {
            for (key, value) in live.iter().filter(|(key, _)| !rendered.contains_key(key)) {
                path.push(key.to_string());
                self.differs(path, None, Some(value));
                path.pop();
            }
        }
    }

    fn list(&mut self, path: &mut Vec<String>, rendered: &[Value], live: &[Value]) {
        let name = path.last().cloned().unwrap_or_default();
        let keys = |list: &[Value]| list.iter().map(|item| key(&name, item)).collect::<Option<Vec<String>>>();
        let (Some(ours), Some(theirs)) = (keys(rendered), keys(live)) else {
            return self.by_index(path, rendered, live);
        };
        if (1..ours.len()).any(|i| ours[..i].contains(&ours[i])) {
            return self.by_index(path, rendered, live);
        }
        for (item, key) in rendered.iter().zip(&ours) {
            path.push(format!("[{key}]"));
            match theirs.iter().position(|k| k == key) {
                Some(at) => self.value(path, item, &live[at]),
                None => self.differs(path, Some(item), None),
            }
            path.pop();
        }
        if name == "env" || name == "containers" {
            for (item, key) in live.iter().zip(&theirs).filter(|(_, key)| !ours.contains(key)) {
                path.push(format!("[{key}]"));
                self.differs(path, None, Some(item));
                path.pop();
            }
        }
    }

    fn by_index(&mut self, path: &mut Vec<String>, rendered: &[Value], live: &[Value]) {
        for at in 0..rendered.len().max(live.len()) {
            path.push(format!("[{at}]"));
            match (rendered.get(at), live.get(at)) {
                (Some(rendered), Some(live)) => self.value(path, rendered, live),
                (rendered, live) => self.differs(path, rendered, live),
            }
            path.pop();
        }
    }

    fn differs(&mut self, path: &[String], rendered: Option<&Value>, live: Option<&Value>) {
        let secret = self.kind == "Secret" && path.first().is_some_and(|key| key == "data");
        let shown = |value: &Value| if secret { digest(value) } else { short(value) };
        self.found.push(Difference { field: dotted(path), rendered: rendered.map(shown), live: live.map(shown) });
    }
}

/// What the server leaves out when it stores an object: null, an empty map, list or text, `false` and 0.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(map) => map.values().all(Value::is_null),
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(true) => false,
    }
}

/// By what an item of a list is known, as the API server's own merge keys.
fn key(list: &str, item: &Value) -> Option<String> {
    let text = |name: &str| match item.get(name)? {
        Value::String(text) => Some(text.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match list {
        "ports" => {
            let port = text("containerPort").or_else(|| text("port"))?;
            Some(format!("{port}/{}", text("protocol").unwrap_or_else(|| "TCP".to_owned())))
        }
        "volumeMounts" => text("mountPath"),
        "topologySpreadConstraints" => text("topologyKey"),
        "conditions" => text("type"),
        _ => text("name"),
    }
}

/// Whether two values mean the same: `8080` and `"8080"`, and where a quantity stands `1000m` and `1`.
fn equal(path: &[String], rendered: &Value, live: &Value) -> bool {
    if rendered == live {
        return true;
    }
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        _ => None,
    };
    let (Some(a), Some(b)) = (text(rendered), text(live)) else { return false };
    if a == b {
        return true;
    }
    let is_quantity = path.iter().any(|key| {
        matches!(key.as_str(), "resources" | "limits" | "requests" | "hard" | "averageValue" | "sizeLimit" | "overhead")
    });
    let number = rendered.is_number() && live.is_number();
    (is_quantity || number) && matches!((Quantity::parse(&a), Quantity::parse(&b)), (Ok(a), Ok(b)) if a == b)
}

fn dotted(path: &[String]) -> String {
    let mut text = String::new();
    for key in path {
        if key.starts_with('[') {
            text.push_str(key);
        } else if key.contains(['.', '/']) {
            text.push('[');
            text.push_str(key);
            text.push(']');
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(key);
        }
    }
    text
}

/// How many characters of a value are shown.
const SHOWN: usize = 100;

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN).chain("...".chars()).collect()
}

/// Instead of a value that nobody may see.
pub(super) fn digest(value: &Value) -> String {
    let sum = Sha256::digest(value.to_string().as_bytes());
    let hex: String = sum.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}...")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

    fn fields(rendered: &Value, live: &Value) -> Vec<String> {
        compare(rendered, live, Owned::default()).into_iter().map(|d| d.field).collect()
    }

    #[test]
    fn what_the_server_adds_and_writes_otherwise_is_no_difference() {
        let rendered = json!({"kind": "Deployment", "metadata": {"creationTimestamp": null}, "spec": {"paused": false, "template": {"spec": {
            "volumes": [], "containers": [{"name": "a", "securityContext": {}, "resources": {"requests": {"cpu": "1000m", "memory": "1024Mi"}},
            "ports": [{"containerPort": 80}]}]}}}});
        let live = json!({"kind": "Deployment", "metadata": {"uid": "1"}, "spec": {"replicas": 1, "template": {"spec": {
            "containers": [{"name": "a", "imagePullPolicy": "Always", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}},
            "ports": [{"containerPort": 80, "protocol": "TCP"}]}]}}}});
        assert_eq!(fields(&rendered, &live), [""; 0]);
    }

    #[test]
    fn a_changed_field_is_named_by_the_merge_key_of_its_list() {
        let with = |image: &str| json!({"kind": "Deployment", "spec": {"containers": [{"name": "a", "image": image}]}});
        assert_eq!(fields(&with("x:1"), &with("x:2")), ["spec.containers[a].image"]);
    }

    #[test]
    fn a_setting_of_a_config_map_that_nobody_rendered_is_a_difference() {
        let rendered = json!({"kind": "ConfigMap", "data": {"a": "1"}});
        let live = json!({"kind": "ConfigMap", "data": {"a": "1", "b": "2"}});
        assert_eq!(fields(&rendered, &live), ["data.b"]);
    }

    #[test]
    fn what_others_own_is_passed_over() {
        let rendered = json!({"kind": "Deployment", "spec": {"replicas": 2}});
        let live = json!({"kind": "Deployment", "spec": {"replicas": 5}});
        assert!(compare(&rendered, &live, Owned { replicas: true, data: false }).is_empty());
        assert_eq!(compare(&rendered, &live, Owned::default()).len(), 1);
    }

    #[test]
    fn the_values_of_a_secret_are_never_shown() {
        let secret = |value: &str| json!({"kind": "Secret", "data": {"key": value}});
        let found = compare(&secret("aGVsbG8="), &secret("d29ybGQ="), Owned::default());
        let shown = format!("{found:?}");
        assert!(shown.contains("sha256:") && !shown.contains("aGVsbG8=") && !shown.contains("d29ybGQ="), "{shown}");
    }
}
