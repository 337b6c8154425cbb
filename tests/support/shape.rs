//! Whether a report is as its published schema says: types, words, what has to be there, and nothing beyond.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Panics where a report is not as `data/schemas/NAME.json` says.
#[track_caller]
pub fn hold(report: &Value, name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/schemas/{name}.json"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    if let Err(why) = fits(report, &schema, "") {
        panic!("{name}: {why} in {report:#}");
    }
}

fn fits(value: &Value, schema: &Value, at: &str) -> Result<(), String> {
    if let Some(branches) = schema["oneOf"].as_array() {
        let whys: Vec<String> = branches.iter().filter_map(|branch| fits(value, branch, at).err()).collect();
        return if whys.len() + 1 == branches.len() { Ok(()) } else { Err(whys.join("; ")) };
    }
    if let Some(words) = schema["enum"].as_array() {
        return if words.contains(value) { Ok(()) } else { Err(format!("{at}: {value} is none of {words:?}")) };
    }
    if schema["type"].is_null() {
        return Ok(()); // any value
    }
    let kind = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
        Value::Number(_) => "integer",
    };
    let is_kind = schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&kind.into()));
    if !is_kind {
        return Err(format!("{at}: {value} is not of type {}", schema["type"]));
    }
    for item in value.as_array().into_iter().flatten() {
        fits(item, &schema["items"], &format!("{at}[]"))?;
    }
    let (Some(map), Some(properties)) = (value.as_object(), schema["properties"].as_object()) else { return Ok(()) };
    for needed in schema["required"].as_array().into_iter().flatten() {
        map.get(needed.as_str().unwrap()).ok_or_else(|| format!("{at} has no {needed}"))?;
    }
    for (key, value) in map {
        let known = properties.get(key).ok_or_else(|| format!("{at} has {key}, which the schema does not"))?;
        fits(value, known, &format!("{at}.{key}"))?;
    }
    Ok(())
}
