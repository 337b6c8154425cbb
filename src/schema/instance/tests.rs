#![allow(clippy::needless_pass_by_value)] // short to call
use super::*;
use crate::value::json;

fn fields(spec: Value, given: Value) -> Vec<String> {
    let schema = json!({"type": "object", "properties": {"spec": spec}});
    problems(&schema, &json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "a"}, "spec": given}), true)
        .problems
        .into_iter()
        .map(|p| format!("{} {:?}", p.field, p.kind))
        .collect()
}

#[test]
fn a_text_or_a_list_passes_where_a_format_is_known_and_a_number_is_whole_as_far_as_floats_tell() {
    let dated = json!({"type": "string", "format": "date"});
    assert_eq!(fields(dated, json!(["2021-01-31"])), [""; 0]);
    assert_eq!(fields(json!({"type": "string", "format": "no-such"}), json!([])), ["/spec Type"]);
    assert_eq!(fields(json!({"type": "string"}), json!([])), ["/spec Type"]);
    assert_eq!(fields(json!({"type": "integer"}), json!(9_223_372_036_854_775_808_u64)), ["/spec Type"]);
    assert_eq!(fields(json!({"type": "integer"}), json!(i64::MAX)), [""; 0]);
}

#[test]
fn fields_of_a_status_that_is_dropped_are_read_and_its_values_are_not_looked_at() {
    let schema = json!({"type": "object", "properties": {"status": {"type": "object", "properties": {"a": {"type": "integer"}}}}});
    let found = |status: Value| {
        let object = json!({"apiVersion": "a/v1", "kind": "A", "metadata": {"name": "a"}, "status": status});
        problems(&schema, &object, true).problems.into_iter().map(|p| p.field).collect::<Vec<_>>()
    };
    assert_eq!(found(json!({"b": 1})), ["/status/b"]);
    assert_eq!(found(json!({"a": "x"})), [""; 0]);
}

#[test]
fn metadata_of_objects_within_is_told() {
    let schema = json!({"type": "object", "properties": {"spec": {
        "type": "object", "x-kubernetes-embedded-resource": true, "x-kubernetes-preserve-unknown-fields": true}}});
    let object = json!({"spec": {"apiVersion": "a/b/c", "kind": "A", "metadata": {"labels": {"a": 1}}}});
    let checked = problems(&schema, &object, true);
    assert_eq!(checked.embedded, ["/spec/metadata"]);
    assert_eq!(checked.problems.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), ["/spec/apiVersion"]);
}

#[test]
fn what_a_schema_demands_is_held_against_values() {
    for (schema, good, bad, kind) in [
        (json!({"type": "string"}), json!("a"), json!(1), "Type"),
        (json!({"type": "integer"}), json!(1.0), json!(1.5), "Type"),
        (json!({"type": "integer", "minimum": 1}), json!(1), json!(0), "Value"),
        (json!({"type": "integer", "maximum": 3, "exclusiveMaximum": true}), json!(2), json!(3), "Value"),
        (json!({"type": "number", "multipleOf": 0.5}), json!(1.5), json!(1.6), "Value"),
        (json!({"type": "string", "enum": ["a", "b"]}), json!("b"), json!("c"), "Value"),
        (json!({"type": "string", "pattern": "^a+$"}), json!("aa"), json!("b"), "Value"),
        (json!({"type": "string", "maxLength": 2}), json!("éé"), json!("abc"), "Value"),
        (json!({"type": "string", "format": "ipv4"}), json!("10.0.0.1"), json!("10.0.0"), "Value"),
        (json!({"type": "string", "format": "no-such"}), json!("x"), json!(1), "Type"),
        (json!({"type": "array", "items": {"type": "string"}, "minItems": 1}), json!(["a"]), json!([]), "Value"),
        (json!({"x-kubernetes-int-or-string": true}), json!("50%"), json!(true), "Type"),
        (
            json!({"type": "object", "additionalProperties": {"type": "integer"}}),
            json!({"a": 1}),
            json!({"a": "b"}),
            "/a Type",
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}}),
            json!({"a": "b"}),
            json!({"b": "c"}),
            "/b Unknown",
        ),
        (
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}),
            json!({"a": "b"}),
            json!({}),
            "/a Missing",
        ),
        (json!({"type": "string", "oneOf": [{"enum": ["a"]}, {"maxLength": 1}]}), json!("b"), json!("a"), "Value"),
        (json!({"type": "string", "anyOf": [{"enum": ["a"]}, {"maxLength": 1}]}), json!("a"), json!("bb"), "Value"),
        (json!({"type": "string", "not": {"enum": ["a"]}}), json!("b"), json!("a"), "Value"),
        (json!({"type": "string", "allOf": [{"minLength": 2}]}), json!("ab"), json!("a"), "Value"),
        (
            json!({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}),
            json!(["a", "b"]),
            json!(["a", "a"]),
            "/1 Value",
        ),
        (
            json!({"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["n"],
            "items": {"type": "object", "properties": {"n": {"type": "string", "default": "x"}}}}),
            json!([{"n": "a"}, {}]),
            json!([{"n": "x"}, {}]),
            "/1 Value",
        ),
    ] {
        assert_eq!(fields(schema.clone(), good.clone()), Vec::<String>::new(), "{schema} {good}");
        let kind = if kind.starts_with('/') { format!("/spec{kind}") } else { format!("/spec {kind}") };
        assert_eq!(fields(schema.clone(), bad.clone()), [kind], "{schema} {bad}");
    }
}

#[test]
fn a_null_counts_as_nothing_unless_it_is_allowed() {
    let schema = |nullable: bool| json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "nullable": nullable}}});
    assert_eq!(fields(schema(false), json!({"a": null})), ["/spec/a Missing"]);
    assert_eq!(fields(schema(true), json!({"a": null})), Vec::<String>::new());
}

#[test]
fn a_default_stands_in_for_what_is_required() {
    let schema = json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "default": "x"}}});
    assert_eq!(fields(schema, json!({})), Vec::<String>::new());
}

#[test]
fn unknown_fields_may_stand_where_they_are_kept() {
    let schema = json!({"type": "object", KEEP: true, "properties": {"a": {"type": "string"}}});
    assert_eq!(fields(schema.clone(), json!({"b": 1})), Vec::<String>::new());
    assert_eq!(fields(schema, json!({"a": 1})), ["/spec/a Type"]);
}
