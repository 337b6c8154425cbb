//! Whether a report is as its published schema says: types, words, what has to be there, and nothing beyond.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use serde_json::Value;

/// Panics where a report is not as `docs/schemas/NAME.json` says.
#[track_caller]
pub fn hold(report: &Value, name: &str) {
    if let Err(why) = of(report, name) {
        panic!("{name}: {why} in {report:#}");
    }
}

/// Whether a value is as `docs/schemas/NAME.json` says.
pub fn of(value: &Value, name: &str) -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schemas/{name}.json"));
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    fits(value, &schema, &schema, "")
}

/// What holds for values of one type alone.
fn bounds(value: &Value, schema: &Value) -> Result<(), String> {
    if let Some(text) = value.as_str() {
        let matches = |pattern: &str| regex::Regex::new(pattern).unwrap().is_match(text);
        let length = text.chars().count() as u64;
        if schema["pattern"].as_str().is_some_and(|pattern| !matches(pattern)) {
            return Err(format!("does not match {}", schema["pattern"]));
        }
        if schema["minLength"].as_u64().is_some_and(|least| length < least)
            || schema["maxLength"].as_u64().is_some_and(|most| length > most)
        {
            return Err("is too short or too long".to_owned());
        }
    }
    if let Some(number) = value.as_f64()
        && (schema["minimum"].as_f64().is_some_and(|least| number < least)
            || schema["maximum"].as_f64().is_some_and(|most| number > most)
            || schema["exclusiveMinimum"].as_f64().is_some_and(|least| number <= least)
            || schema["exclusiveMaximum"].as_f64().is_some_and(|most| number >= most))
    {
        return Err("is too small or too large".to_owned());
    }
    if let Some(items) = value.as_array() {
        let twice = items.iter().enumerate().any(|(i, item)| items[..i].contains(item));
        if twice && schema["uniqueItems"] == true {
            return Err("has an item twice".to_owned());
        }
        if schema["minItems"].as_u64().is_some_and(|least| (items.len() as u64) < least) {
            return Err("has too few items".to_owned());
        }
    }
    Ok(())
}

fn fits(value: &Value, schema: &Value, root: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let place = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        let schema = place.ok_or_else(|| format!("{reference} leads nowhere"))?;
        return fits(value, schema, root, at);
    }
    if let Some(branches) = schema["oneOf"].as_array() {
        let whys: Vec<String> = branches.iter().filter_map(|branch| fits(value, branch, root, at).err()).collect();
        return if whys.len() + 1 == branches.len() { Ok(()) } else { Err(whys.join("; ")) };
    }
    bounds(value, schema).map_err(|why| format!("{at}: {value} {why}"))?;
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
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
    };
    let are =
        |kind: &str| schema["type"] == kind || schema["type"].as_array().is_some_and(|all| all.contains(&kind.into()));
    let fits_in = are(kind) || kind == "integer" && are("number");
    if !fits_in {
        return Err(format!("{at}: {value} is not of type {}", schema["type"]));
    }
    for item in value.as_array().into_iter().flatten() {
        fits(item, &schema["items"], root, &format!("{at}[]"))?;
    }
    let Some(map) = value.as_object() else { return Ok(()) };
    let more = &schema["additionalProperties"];
    if schema["properties"].is_null() && more.is_null() {
        return Ok(());
    }
    for needed in schema["required"].as_array().into_iter().flatten() {
        map.get(needed.as_str().unwrap()).ok_or_else(|| format!("{at} has no {needed}"))?;
    }
    for (key, value) in map {
        match schema["properties"].get(key) {
            Some(known) => fits(value, known, root, &format!("{at}.{key}"))?,
            None if more.is_object() => fits(value, more, root, &format!("{at}.{key}"))?,
            None if *more == true => {}
            None => return Err(format!("{at} has {key}, which the schema does not")),
        }
    }
    Ok(())
}
