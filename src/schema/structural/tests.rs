use super::*;
use crate::value::json;

fn crd(schema: &Value) -> Value {
    json!({
        "metadata": {"name": "things.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    })
}

fn found(crd: &Value) -> Vec<String> {
    problems(crd, 36).into_iter().map(|p| p.field.replace("/spec/versions/0/schema/openAPIV3Schema", "…")).collect()
}

#[test]
fn a_structural_schema_is_taken() {
    let schema = json!({"type": "object", "properties": {
        "metadata": {"type": "object", "properties": {"name": {"type": "string"}}},
        "spec": {"type": "object", KEEP: true, "oneOf": [{"required": ["a"]}], "properties": {
            "a": {"anyOf": [{"type": "integer"}, {"type": "string"}], INT_OR_STRING: true, "pattern": "^a"},
            "l": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"],
                "items": {"type": "object", "required": ["n"], "properties": {"n": {"type": "string"}}}},
        }},
    }});
    assert_eq!(found(&crd(&schema)), Vec::<String>::new());
}

#[test]
fn what_is_not_structural_is_named() {
    let of = |property: Value| json!({"type": "object", "properties": {"a": property}});
    for (schema, field) in [
        (json!({}), "…/type"),
        (of(json!({})), "…/properties/a/type"),
        (of(json!({"type": "array"})), "…/properties/a/items"),
        (of(json!({"type": "text"})), "…/properties/a/type"),
        (of(json!({"type": "string", "anyOf": [{"type": "string"}]})), "…/properties/a/anyOf/0/type"),
        (of(json!({"type": "object", "anyOf": [{"properties": {"b": {}}}]})), "…/properties/a/anyOf/0/properties/b"),
        (of(json!({"type": "string", "x-kubernetes-list-type": "set"})), "…/properties/a/x-kubernetes-list-type"),
        (of(json!({"$ref": "#/a", KEEP: true})), "…/properties/a/$ref"),
        (of(json!({"type": "string", "pattern": "("})), "…/properties/a/pattern"),
        (
            json!({"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": {"type": "object"}}}}}),
            "…/properties/metadata/properties/labels",
        ),
    ] {
        assert_eq!(found(&crd(&schema)), [field], "{schema}");
    }
}

#[test]
fn a_definition_has_one_storage_version_and_its_own_name() {
    let mut two = crd(&json!({"type": "object"}));
    two["spec"]["versions"][0]["storage"] = json!(false);
    two["metadata"]["name"] = json!("other.example.com");
    two["spec"]["scope"] = json!("Everywhere");
    assert_eq!(found(&two), ["/metadata/name", "/spec/scope", "/spec/versions"]);
}
