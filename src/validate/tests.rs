use std::collections::{BTreeMap, BTreeSet};

use crate::value::{Value, unescaped};

use super::*;
use crate::findings::page::{Book, Pages};
use crate::manifest::collection::Collection;
use crate::pointer;

const OBJECTS: &str = include_str!("tests/objects.yaml");
const VERDICTS: &str = include_str!("tests/verdicts.tsv");

fn objects() -> Vec<Value> {
    OBJECTS.split("---\n").map(|text| crate::yaml::parse(text).unwrap()).collect()
}

fn collected(objects: &[Value]) -> Collection {
    let mut collection = Collection::default();
    for object in objects {
        collection.add("a.yaml", &object.to_string());
    }
    collection
}

/// Code and field of what is found for one version of Kubernetes.
pub(super) fn found_for(minor: u16, objects: &[Value], complete: bool) -> Vec<(String, String)> {
    let collection = collected(objects);
    let target = Version::one(minor);
    let validation = Validation { target, objects: &collection.objects, complete, only: None };
    let broken = collection.broken.iter().map(|_| ("wrong-type".to_owned(), "/metadata".to_owned()));
    let findings = validation.run(&[]).unwrap().into_iter();
    broken
        .chain(findings.map(|f| (f.code.to_owned(), f.place.map(|p| p.field.to_string()).unwrap_or_default())))
        .collect()
}

/// Without what is said of references, which are looked at for all objects together.
fn found(objects: &[Value]) -> Vec<(String, String)> {
    let mut found = found_for(36, objects, false);
    found.retain(|(code, _)| code != "reference-outside");
    found
}

pub(super) fn set(value: &mut Value, pointer: &str, new: Option<Value>) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = unescaped(key);
    let parent = made(value, parent);
    match (parent, new) {
        (Value::Array(items), Some(new)) => items[key.parse::<usize>().unwrap()] = new,
        (Value::Object(map), Some(new)) => {
            map.insert(key, new);
        }
        (Value::Object(map), None) => {
            map.shift_remove(&key).unwrap_or_else(|| panic!("{pointer} is not there"));
        }
        _ => panic!("{pointer}"),
    }
}

/// The value at a pointer; a mapping that is not there is made.
fn made<'v>(value: &'v mut Value, pointer: &str) -> &'v mut Value {
    let mut at = value;
    for key in pointer.split('/').skip(1) {
        at = match at {
            Value::Array(items) => &mut items[key.parse::<usize>().unwrap()],
            Value::Object(map) => map.entry(unescaped(key)).or_insert_with(|| crate::value::json!({})),
            _ => panic!("{pointer}"),
        };
    }
    at
}

#[test]
fn an_api_server_and_we_say_the_same_of_every_change() {
    let objects = objects();
    let named = |o: &Value| format!("{}/{}", o["kind"].as_str().unwrap(), o["metadata"]["name"].as_str().unwrap());
    let by_name: BTreeMap<_, _> = objects.iter().map(|o| (named(o), o)).collect();
    let crd = by_name["CustomResourceDefinition/things.example.com"];
    let mut wrong = Vec::new();
    for line in VERDICTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let cells: Vec<_> = line.split('\t').collect();
        let [name, pointer, value, verdict] = cells[..4] else { panic!("{line}") };
        let mut object = by_name[name].clone();
        set(&mut object, pointer, (value != "-").then(|| serde_json::from_str(value).unwrap()));
        let all = if object["kind"] == "Thing" { vec![crd.clone(), object] } else { vec![object] };
        let found = found(&all);
        let field = match cells.get(4) {
            Some(&".") | None => pointer,
            Some(field) => field,
        };
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

#[test]
fn the_objects_themselves_are_valid_for_every_version() {
    for minor in model::KNOWN.0.minor..=model::KNOWN.1.minor {
        let found = found_for(minor, &objects(), false);
        let errors: Vec<_> = found.iter().filter(|(code, _)| code != "reference-outside").collect();
        assert!(errors.is_empty(), "1.{minor}: {errors:?}");
    }
}

#[test]
fn every_code_has_an_example() {
    let pages = Pages::embedded(Book::Validate).unwrap();
    let in_table = |code: &str| VERDICTS.lines().any(|line| line.split('\t').nth(3) == Some(code));
    // These are about objects together, or about what is given; each has a test of its own.
    let apart = [
        "allowance-unused",
        "cel-not-checked",
        "generate-name",
        "key-twice",
        "knative-config",
        "knative-refused",
        "last-applied-too-large",
        "no-object",
        "not-checked",
        "object-twice",
        "reference-dangling",
        "reference-outside",
        "webhook-fills",
    ];
    let without: BTreeSet<_> = pages.all().iter().map(|p| p.code.as_str()).filter(|code| !in_table(code)).collect();
    assert_eq!(without, BTreeSet::from(apart));
}

fn codes(text: &str, complete: bool) -> Vec<(String, String)> {
    let objects: Vec<_> = text.split("---\n").map(|text| crate::yaml::parse(text).unwrap()).collect();
    found_for(36, &objects, complete)
}

fn pair(code: &str, field: &str) -> (String, String) {
    (code.to_owned(), field.to_owned())
}

#[test]
fn a_reference_that_leads_nowhere_is_said_and_one_that_leads_somewhere_is_not() {
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, namespace: ns}\n";
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: r, namespace: ns}\n";
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: b, namespace: ns}\n\
                   roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}\n\
                   subjects: [{kind: ServiceAccount, name: a, namespace: ns}]\n";
    let whole = format!("{account}---\n{role}---\n{binding}");
    assert_eq!(codes(&whole, true), []);
    assert_eq!(
        codes(binding, true),
        [pair("reference-dangling", "/roleRef/name"), pair("reference-dangling", "/subjects/0/name")]
    );
    assert_eq!(codes(binding, false).first(), Some(&pair("reference-outside", "/roleRef/name")));
}

#[test]
fn what_the_load_balancer_controller_looks_up_is_a_reference() {
    let class = "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: alb}\nspec:\n  controller: ingress.k8s.aws/alb\n  \
                 parameters: {apiGroup: elbv2.k8s.aws, kind: IngressClassParams, name: p}\n";
    let parameters = "apiVersion: elbv2.k8s.aws/v1beta1\nkind: IngressClassParams\nmetadata: {name: p}\nspec: {}\n";
    assert_eq!(codes(class, false), [pair("reference-outside", "/spec/parameters/name")]);
    assert_eq!(codes(&format!("{class}---\n{parameters}"), false), [pair("not-checked", "")]);
    let ingress = |kind: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: a\n  annotations:\n    alb.ingress.kubernetes.io/auth-type: {kind}\n    \
             alb.ingress.kubernetes.io/auth-idp-oidc: '{{\"issuer\": \"https://a.example\", \"secretName\": \"s\"}}'\n\
             spec: {{rules: [{{host: a.example}}]}}\n"
        )
    };
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n";
    let field = "/metadata/annotations/alb.ingress.kubernetes.io~1auth-idp-oidc";
    assert_eq!(codes(&ingress("oidc"), true), [pair("reference-outside", field)]);
    assert_eq!(codes(&ingress("none"), true), []);
    assert_eq!(codes(&format!("{}---\n{secret}", ingress("oidc")), true), []);
}

#[test]
fn an_object_that_is_there_twice_is_said() {
    let one = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    assert_eq!(codes(&format!("{one}---\n{one}"), true), [pair("object-twice", "")]);
    assert_eq!(codes(&format!("{one}---\n{}", one.replace("name: a", "name: b")), true), []);
}

#[test]
fn what_has_no_crd_is_said_not_to_be_checked() {
    let own = "apiVersion: example.org/v1\nkind: Other\nmetadata: {name: a}\nspec: {x: 1}\n";
    assert_eq!(codes(own, false), [pair("not-checked", "")]);
    let of_crd = own.replace("example.org/v1", "autoscaling.k8s.io/v1");
    assert_eq!(codes(&of_crd, false), [pair("not-checked", "")]);
    assert_eq!(codes(&own.replace("example.org/v1", "apps/v1"), false), [pair("api-unknown", "/apiVersion")]);
}

#[test]
fn what_no_crd_can_define_is_an_error_without_one() {
    let own = "apiVersion: example.org/v1\nkind: Other\nmetadata: {name: a}\n";
    for api in ["example.org/v1/x", "example.org/1", "Example/v1"] {
        assert_eq!(codes(&own.replace("example.org/v1", api), false), [pair("api-unknown", "/apiVersion")], "{api}");
    }
    assert_eq!(codes(&own.replace("Other", "a_b"), false), [pair("api-unknown", "/kind")]);
}

#[test]
fn a_crd_may_say_how_long_names_are() {
    let mut all = objects();
    let crd = all.iter_mut().find(|o| o["kind"] == "CustomResourceDefinition").unwrap();
    let metadata = "/spec/versions/0/schema/openAPIV3Schema/properties/metadata";
    let of_name = crate::value::json!({"type": "object", "properties": {"name": {"type": "string", "maxLength": 3}}});
    set(crd, metadata, Some(of_name));
    let crd = crd.clone();
    let mut thing = all.into_iter().find(|o| o["kind"] == "Thing").unwrap();
    thing["metadata"]["name"] = Value::from("abcd");
    assert_eq!(found(&[crd.clone(), thing.clone()]), [pair("bad-value", "/metadata/name")]);
    thing["metadata"]["name"] = Value::from("abc");
    assert_eq!(found(&[crd, thing]), []);
}

#[test]
fn a_rule_that_is_not_evaluated_is_said_once_for_its_crd() {
    let mut all = objects();
    let crd = all.iter_mut().find(|o| o["kind"] == "CustomResourceDefinition").unwrap();
    let rules = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/range/x-kubernetes-validations";
    *crd.pointer_mut(rules).unwrap() =
        crate::value::json!([{"rule": "timestamp('2024-01-01T00:00:00Z').getHours('Europe/Berlin') == self.from"}]);
    let crd = crd.clone();
    let thing = |name: &str| {
        let mut thing = objects().into_iter().find(|o| o["kind"] == "Thing").unwrap();
        thing["metadata"]["name"] = Value::from(name);
        thing["spec"]["range"] = crate::value::json!({"from": 1, "to": 1});
        thing
    };
    assert_eq!(found(&[crd, thing("a"), thing("b")]), [pair("cel-not-checked", "")]);
}

#[test]
fn whatever_stands_in_an_object_nothing_panics() {
    let odd = ["null", "[]", "{}", "-1", "'1Ki5'", "1e999", "'80%'", "true", "[{}]", "[null]", "'\u{e9}:*'"];
    let odd: Vec<Value> = odd.iter().filter_map(|text| crate::yaml::parse(text).ok()).collect();
    let all = objects();
    let crd = all.iter().find(|o| o["kind"] == "CustomResourceDefinition").unwrap();
    for (i, object) in all.iter().enumerate() {
        let mut pointers = Vec::new();
        walk(object, String::new(), &mut pointers);
        for (j, pointer) in pointers.iter().enumerate() {
            let mut changed = object.clone();
            *changed.pointer_mut(pointer).unwrap() = odd[(i + j) % odd.len()].clone();
            found(&[crd.clone(), changed]);
        }
    }
}

fn walk(value: &Value, at: String, into: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(k, v)| (pointer::escape(k).into_owned(), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in children {
        walk(value, format!("{at}/{key}"), into);
    }
    if !at.is_empty() {
        into.push(at);
    }
}
