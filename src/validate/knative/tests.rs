use std::collections::BTreeMap;

use crate::value::{Value, json};

use super::super::tests::{found_for, set};

const OBJECTS: &str = include_str!("tests/objects.yaml");
const VERDICTS: &str = include_str!("tests/verdicts.tsv");

fn objects() -> BTreeMap<String, Value> {
    let named = |o: &Value| format!("{}/{}", o["kind"].as_str().unwrap(), o["metadata"]["name"].as_str().unwrap());
    let objects = OBJECTS.split("---\n").map(|text| crate::yaml::parse(text).unwrap());
    objects.map(|object| (named(&object), object)).collect()
}

fn found(objects: &[Value]) -> Vec<(String, String)> {
    let mut found = found_for(36, objects, false);
    found.retain(|(code, _)| code != "not-checked" && code != "reference-outside");
    found
}

#[test]
fn knatives_webhook_and_we_say_the_same_of_every_change() {
    let objects = objects();
    let mut wrong = Vec::new();
    for object in objects.values() {
        assert_eq!(found(std::slice::from_ref(object)), [], "{object}");
    }
    for line in VERDICTS.lines().filter(|line| !line.starts_with('#')) {
        let cells: Vec<_> = line.split('\t').collect();
        let [name, pointer, value, verdict, field] = cells[..] else { panic!("{line}") };
        let mut object = objects[name].clone();
        set(&mut object, pointer, (value != "-").then(|| serde_json::from_str(value).unwrap()));
        let found = found(&[object]);
        let field = if field == "." { pointer } else { field };
        let as_said = match verdict {
            "taken" => found.is_empty(),
            code => found.iter().any(|(c, f)| c == code && (field == "*" || f == field)),
        };
        if !as_said {
            wrong.push(format!("{line}\n    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} lines:\n{}", wrong.len(), wrong.join("\n"));
}

fn config(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "data": data, "metadata": {
        "name": name, "namespace": "knative-serving",
        "labels": {"app.kubernetes.io/name": "knative-serving", "app.kubernetes.io/version": "1.23.0"}}})
}

#[test]
fn the_settings_among_the_objects_count() {
    let mut service = objects()["Service/web"].clone();
    set(&mut service, "/spec/template/spec/timeoutSeconds", Some(json!(900)));
    set(&mut service, "/spec/template/spec/nodeSelector", Some(json!({"a": "b"})));
    let refused = |field: &str| ("knative-refused".to_owned(), format!("/spec/template/spec/{field}"));
    assert_eq!(found(&[service.clone()]), [refused("nodeSelector"), refused("timeoutSeconds")]);
    let defaults = config("config-defaults", &json!({"max-revision-timeout-seconds": "900"}));
    assert_eq!(found(&[defaults.clone(), service.clone()]), [refused("nodeSelector")]);
    let features = config("config-features", &json!({"kubernetes.podspec-nodeselector": "Enabled"}));
    assert_eq!(found(&[defaults, features, service]), []);
}

#[test]
fn a_knative_before_those_of_the_catalog_is_left_alone() {
    let mut service = objects()["Service/web"].clone();
    set(&mut service, "/spec/template/spec/timeoutSeconds", Some(json!(900)));
    let mut old = config("config-features", &json!({}));
    set(&mut old, "/metadata/labels/app.kubernetes.io~1version", Some(json!("1.12.0")));
    assert_eq!(found(&[old, service]), []);
}

#[test]
fn a_changed_example_is_told_by_its_checksum() {
    let mut object = config("config-gc", &json!({"_example": "a: b"}));
    set(&mut object, "/metadata/annotations", Some(json!({"knative.dev/example-checksum": "00000000"})));
    assert_eq!(found(&[object]), [("knative-config".to_owned(), "/data/_example".to_owned())]);
}
