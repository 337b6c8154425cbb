//! The report and the live objects, for a support ticket: Secrets without their values.

use crate::value::{Map, Value, json};

use super::{Report, compare};
use crate::manifest::secret::REPEATED;

impl Report {
    /// What may be given to others.
    pub fn bundle(&self) -> Value {
        let live: Vec<Value> = self.live.iter().map(without_secrets).collect();
        json!({"report": self, "live": live})
    }
}

/// An object that anybody may see.
fn without_secrets(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.shift_remove(REPEATED);
        }
    }
    if object.get("kind").and_then(Value::as_str) == Some("Secret") {
        for key in ["data", "stringData"] {
            let map = object.get_mut(key).and_then(Value::as_object_mut);
            for value in map.into_iter().flat_map(Map::values_mut) {
                *value = compare::digest(value).into();
            }
        }
    }
    object
}
