//! From the schema of a CRD in v1beta1 to the structural schema that v1 demands, which takes and refuses the same objects.
//!
//! Source: <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema>

use crate::value::{Map, Text, Value, json};

use super::{Said, child};

/// What becomes of fields that a schema does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// They are kept, as v1beta1 does unless told otherwise.
    Kept,
    /// They are pruned; v1beta1 then demanded a structural schema as v1 does.
    Pruned,
}

const KEEP: &str = "x-kubernetes-preserve-unknown-fields";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";

/// Makes a root schema structural.
///
/// # Errors
/// The part that has no structural form, as a pointer into the schema, and why.
pub(super) fn make(root: &mut Map, unknown: Unknown, said: &mut Said) -> Result<(), String> {
    if unknown == Unknown::Pruned {
        return Ok(());
    }
    // The root of a custom resource is an object, whatever the schema says.
    root.entry("type").or_insert_with(|| Value::from("object"));
    if let Some(metadata) = root.get_mut("properties").and_then(|p| p.get_mut("metadata")) {
        let plain = metadata.as_object_mut().ok_or("/properties/metadata is not a mapping")?;
        plain.shift_remove("description");
        plain.entry("type").or_insert_with(|| Value::from("object"));
        let named = plain.get("properties").and_then(Value::as_object);
        let only_names = named.is_none_or(|p| p.keys().all(|k| k == "name" || k == "generateName"));
        if !only_names || plain.keys().any(|k| k != "type" && k != "properties") {
            return Err("/properties/metadata restricts more than name and generateName, which v1 forbids".to_owned());
        }
    }
    for key in ["apiVersion", "kind"] {
        if let Some(Value::Object(text)) = root.get_mut("properties").and_then(|p| p.get_mut(key)) {
            text.entry("type").or_insert_with(|| Value::from("string"));
        }
    }
    Walk { said, path: String::new() }.node(root, true)
}

struct Walk<'s> {
    said: &'s mut Said,
    path: String,
}

impl Walk<'_> {
    fn refused<T>(&self, why: &str) -> Result<T, String> {
        Err(format!("{} {why}", if self.path.is_empty() { "/" } else { &self.path }))
    }

    fn below<T>(&mut self, segment: &str, walk: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(segment);
        let result = walk(self);
        self.path.truncate(length);
        result
    }

    fn node(&mut self, node: &mut Map, is_root: bool) -> Result<(), String> {
        self.forbidden(node)?;
        self.junctors(node)?;
        if node.get(INT_OR_STRING) == Some(&Value::Bool(true)) {
            return Ok(());
        }
        let kind = node.get("type").and_then(Value::as_str).map(str::to_owned);
        match kind.as_deref() {
            Some("array") => {
                if node.get("items").is_none_or(Value::is_null) {
                    node.insert("items".to_owned(), json!({KEEP: true}));
                    self.said.add("A list without `items` takes items of any kind.");
                    return Ok(());
                }
            }
            Some("object") | None => self.fields(node, kind.is_none())?,
            Some(_) => {}
        }
        if let Some(items) = node.get_mut("items") {
            self.below("items", |walk| walk.child(items))?;
        }
        for (name, property) in node.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
            if !(is_root && name == "metadata") {
                self.below(&format!("properties/{name}"), |walk| walk.child(property))?;
            }
        }
        Ok(())
    }

    fn child(&mut self, schema: &mut Value) -> Result<(), String> {
        match schema.as_object_mut() {
            Some(schema) => self.node(schema, false),
            None => self.refused("is not one schema"),
        }
    }

    /// An object, or something without a type: what it does not name is kept.
    fn fields(&mut self, node: &mut Map, typeless: bool) -> Result<(), String> {
        let named = node.contains_key("properties");
        match node.get_mut("additionalProperties") {
            None => {}
            Some(Value::Bool(true)) => {
                node.shift_remove("additionalProperties");
            }
            Some(Value::Object(_)) if named || typeless => {
                return self.refused("has additionalProperties beside properties, or without a type");
            }
            Some(schema @ Value::Object(_)) => return self.below("additionalProperties", |walk| walk.child(schema)),
            Some(_) => return self.refused("forbids additionalProperties, for which there is no structural form"),
        }
        node.insert(KEEP.to_owned(), Value::Bool(true));
        Ok(())
    }

    fn forbidden(&mut self, node: &mut Map) -> Result<(), String> {
        for key in ["$ref", "additionalItems", "definitions", "dependencies", "patternProperties"] {
            if node.contains_key(key) {
                return self.refused(&format!("has `{key}`, for which there is no structural form"));
            }
        }
        if node.get("uniqueItems") == Some(&Value::Bool(true)) {
            return self.refused("has `uniqueItems: true`, which Kubernetes forbids");
        }
        node.shift_remove("$schema");
        node.shift_remove("id");
        Ok(())
    }

    /// What stands in allOf, anyOf, oneOf and not may restrict a value, and not describe it.
    fn junctors(&mut self, node: &mut Map) -> Result<(), String> {
        let either = json!([{"type": "integer"}, {"type": "string"}]);
        let or = json!([{"type": "string"}, {"type": "integer"}]);
        let any = node.get("anyOf");
        if !node.contains_key("type") && (any == Some(&either) || any == Some(&or)) {
            node.insert("anyOf".to_owned(), either);
            node.insert(INT_OR_STRING.to_owned(), Value::Bool(true));
            self.said.add("A number or a string is called x-kubernetes-int-or-string.");
        }
        if node.get(INT_OR_STRING) == Some(&Value::Bool(true)) {
            return Ok(());
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            let Some(mut list) = node.shift_remove(key) else { continue };
            for (i, part) in list.as_array_mut().into_iter().flatten().enumerate() {
                self.below(&format!("{key}/{i}"), |walk| walk.part(part, node, key == "allOf"))?;
            }
            node.insert(key.to_owned(), list);
        }
        if let Some(mut part) = node.shift_remove("not") {
            self.below("not", |walk| match part.get("type") {
                Some(_) => walk.refused("has a `type`, which may not stand in `not`"),
                None => walk.part(&mut part, node, false),
            })?;
            node.insert("not".to_owned(), part);
        }
        Ok(())
    }

    /// A schema inside a junctor, with the schema `outer` that stands around it.
    fn part(&mut self, part: &mut Value, outer: &mut Map, all: bool) -> Result<(), String> {
        let Some(part) = part.as_object_mut() else { return self.refused("is not a schema") };
        self.forbidden(part)?;
        part.shift_remove("description");
        part.shift_remove("title");
        if let Some(kind) = part.get("type").cloned() {
            match outer.get("type") {
                Some(same) if *same == kind => {}
                None if all => {
                    outer.insert("type".to_owned(), kind);
                }
                _ => return self.refused("has a `type` of its own, which may stand outside only"),
            }
            part.shift_remove("type");
        }
        for key in ["additionalProperties", "default", "nullable"] {
            if part.contains_key(key) {
                return self.refused(&format!("has `{key}`, which may stand outside only"));
            }
        }
        let names: Vec<Text> =
            part.get("properties").and_then(Value::as_object).into_iter().flat_map(|p| p.keys().cloned()).collect();
        for name in names {
            if outer.contains_key("additionalProperties") {
                return self.refused("names properties of a map");
            }
            let outer = child(child(outer, "properties")?, &name)?;
            if let Some(inner) = part.get_mut("properties").and_then(|p| p.get_mut(&name)) {
                self.below(&format!("properties/{name}"), |walk| walk.part(inner, outer, all))?;
            }
        }
        if let Some(inner) = part.get_mut("items") {
            let outer = child(outer, "items")?;
            self.below("items", |walk| walk.part(inner, outer, all))?;
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            for inner in part.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
                self.part(inner, outer, all && key == "allOf")?;
            }
        }
        match part.get_mut("not") {
            Some(inner) if inner.get("type").is_some() => self.refused("has a `type` in `not`"),
            Some(inner) => self.part(inner, outer, false),
            None => Ok(()),
        }
    }
}
