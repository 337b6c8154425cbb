//! Objects without the room that was left to grow: of a set of ten thousand, that is half of all memory.

use serde_json::{Map, Value};

/// The same value, in no more memory than it needs.
pub(super) fn compact(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut tight = Map::with_capacity(map.len());
            for (mut key, value) in map {
                key.shrink_to_fit();
                tight.insert(key, compact(value));
            }
            Value::Object(tight)
        }
        Value::Array(items) => {
            let mut tight: Vec<Value> = items.into_iter().map(compact).collect();
            tight.shrink_to_fit();
            Value::Array(tight)
        }
        Value::String(mut text) => {
            text.shrink_to_fit();
            Value::String(text)
        }
        other => other,
    }
}
