//! JSON Schemas: that of `knrender.yaml` is made from its keys, the others are data (`data/schemas/`).

use clap::Command;

use super::{Key, sections};
use crate::stack::values::{LOG_RETENTION, longest_cold_start};
use crate::value::{Map, Value, json};
use crate::{aws, embedded, yaml};

/// The folder of those that are data.
const FOLDER: &str = "data/schemas";

/// Where schemas are published.
const BASE: &str = "https://raw.githubusercontent.com/knrender/knrender/main/docs/schemas";

/// The schema of `knrender.yaml`.
pub const CONFIG: &str = "config";

/// The names of all schemas, in order.
pub fn names() -> Vec<&'static str> {
    let data = embedded::below(FOLDER).filter_map(|(path, _)| path.strip_prefix(FOLDER)?.strip_suffix(".json"));
    let mut names: Vec<_> = data.map(|name| name.trim_start_matches('/')).chain([CONFIG]).collect();
    names.sort_unstable();
    names
}

/// Where a schema is published, for editors.
pub fn address(name: &str) -> String {
    format!("{BASE}/{name}.json")
}

/// A schema by its name, complete in itself; `None` where there is none of that name.
///
/// # Errors
/// In words, which key of `knrender.yaml` is missing or unknown, or which schema is no JSON; a test keeps that from happening.
pub fn of(name: &str, command: &Command) -> Result<Option<String>, String> {
    if name == CONFIG {
        return config(command).map(|schema| Some(format!("{schema:#}\n")));
    }
    let Some(mut schema) = data(name)? else { return Ok(None) };
    let mut others = Vec::new();
    draw_in(&mut schema, &mut others);
    if !others.is_empty() {
        let mut defs = Map::new();
        while let Some(other) = others.pop() {
            if !defs.contains_key(&other) {
                let mut its =
                    data(&other)?.ok_or_else(|| format!("{name}.json names {other}.json, and there is none"))?;
                draw_in(&mut its, &mut others);
                if let Some(its) = its.as_object_mut() {
                    its.shift_remove("$schema");
                    its.shift_remove("$id");
                }
                defs.insert(other, its);
            }
        }
        schema["$defs"] = defs.into();
    }
    Ok(Some(format!("{schema:#}\n")))
}

/// A schema of the data.
fn data(name: &str) -> Result<Option<Value>, String> {
    let file = format!("{FOLDER}/{name}.json");
    let Some(text) = embedded::text(&file) else { return Ok(None) };
    serde_json::from_str(text).map(Some).map_err(|e| format!("{file}: {e}"))
}

/// Turns references to other files of the data into references within this one, and names them.
fn draw_in(schema: &mut Value, others: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(at)) = map.get_mut("$ref")
                && let Some(other) = at.strip_suffix(".json").map(str::to_owned)
            {
                *at = format!("#/$defs/{other}").into();
                others.push(other);
            }
            map.values_mut().for_each(|value| draw_in(value, others));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| draw_in(item, others)),
        _ => {}
    }
}

fn config(command: &Command) -> Result<Value, String> {
    let mut properties = Map::new();
    for section in sections(command)? {
        for key in section.keys {
            properties.insert(key.name.clone(), property(&key));
        }
    }
    Ok(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address(CONFIG),
        "title": "knrender.yaml",
        "type": ["object", "null"],
        "additionalProperties": false,
        "properties": properties,
    }))
}

fn property(key: &Key) -> Value {
    let mut about = key.about.clone();
    if let Some(default) = &key.default {
        about = format!("{about} [default: {default}]");
    }
    let example = yaml::parse(key.example.trim_end()).unwrap_or_default();
    let mut property = shape(&example);
    if !key.words.is_empty() {
        let words: Vec<&str> = key.words.iter().map(|(word, _)| word.as_str()).collect();
        match property.get_mut("items") {
            Some(items) => *items = json!({"enum": words}),
            None => property = json!({"enum": words}),
        }
    }
    merge(&mut property, &key.schema);
    merge(&mut property, &known(&key.name));
    property["description"] = about.into();
    property
}

/// What the program has as data of its own.
fn known(key: &str) -> Value {
    match key {
        "region" => json!({"pattern": aws::region_pattern()}),
        "log-retention-days" => json!({"enum": LOG_RETENTION}),
        "cold-start" => json!({"maximum": longest_cold_start()}),
        _ => Value::Null,
    }
}

/// A merge patch (RFC 7386) of a mapping.
fn merge(into: &mut Value, patch: &Value) {
    for (key, value) in patch.as_object().into_iter().flatten() {
        match value {
            Value::Null => {
                into.as_object_mut().and_then(|map| map.shift_remove(key));
            }
            Value::Object(_) => merge(&mut into[key.as_str()], value),
            _ => into[key.as_str()] = value.clone(),
        }
    }
}

/// What may stand where an example stands, as far as that shows it.
fn shape(example: &Value) -> Value {
    match example {
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Number(_) => json!({"type": "integer"}),
        Value::Array(items) => json!({"type": "array", "items": items.first().map(shape)}),
        Value::Object(map) => {
            let known: Map = map.iter().map(|(key, value)| (key.clone(), shape(value))).collect();
            let named =
                map.keys().all(|key| key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            if named { json!({"type": "object", "properties": known}) } else { json!({"type": "object"}) }
        }
        Value::String(_) | Value::Null => json!({"type": "string"}),
    }
}
