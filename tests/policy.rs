//! Promise: a lint and its admission policy say the same of every example, and the policies are what the API server takes.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support {
    pub mod run;
}

use std::collections::BTreeMap;
use std::path::Path;

use knrender::cel::types::Type;
use knrender::cel::value::Value as Cel;
use knrender::findings::page::{Book, Pages, Severity};
use knrender::manifest::collection::Collection;
use knrender::policy::{Engine, Policies, Policy};
use knrender::schema::admission;
use serde_json::Value;
use support::run::Place;

/// As the API server has it: without nulls.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            map.iter().filter(|(_, v)| !v.is_null()).map(|(key, v)| (key.clone(), without_nulls(v))).collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// What a policy finds in an object; `None` where it fails, which lets the object pass.
fn found(policies: &Policies, policy: &Policy, object: &Value) -> Option<usize> {
    let mut types = BTreeMap::new();
    let mut values = BTreeMap::new();
    let named = policies.variables(policy).iter().map(|v| (v.name.as_str(), v.expression.as_str()));
    for (name, expression) in named.chain([("found", policy.found.as_str())]) {
        let mut environment = admission::environment(30, false, false);
        environment.variables.insert("variables".into(), Type::object("kubernetes.variables", types.clone()));
        let program = environment.compile(expression).unwrap_or_else(|e| panic!("{} {name}: {e}", policy.code));
        let entries =
            values.iter().map(|(key, value): (&String, &Cel)| (knrender::cel::value::Key::text(key), value.clone()));
        let variables = BTreeMap::from([("object", Cel::json(object)), ("variables", Cel::map(entries.collect()))]);
        let value = program.evaluate(&variables, &mut 1_000_000).ok()?;
        types.insert(name.to_owned(), program.result().clone());
        values.insert(name.to_owned(), value);
    }
    match &values["found"] {
        Cel::List(items) => Some(items.len()),
        other => panic!("{}: {other:?}", policy.code),
    }
}

#[test]
fn a_lint_and_its_policy_say_the_same_of_every_example() {
    let policies = Policies::embedded().unwrap();
    let mut wrong = Vec::new();
    for policy in policies.all() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/lints/examples").join(&policy.code);
        let mut count = 0;
        for entry in walkdir::WalkDir::new(&folder).sort_by_file_name().into_iter().map(Result::unwrap) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !entry.file_type().is_file() || policy.beyond.contains(&name) {
                continue;
            }
            count += 1;
            let mut collection = Collection::default();
            collection.add(&name, &std::fs::read_to_string(entry.path()).unwrap());
            let refused = collection.objects.iter().any(|object| {
                policies.is_about(policy, &object.identity.group, &object.identity.kind)
                    && found(&policies, policy, &without_nulls(&object.value)).is_some_and(|found| found > 0)
            });
            if refused != name.starts_with("fail-") {
                wrong.push(format!("{}/{name}", policy.code));
            }
        }
        assert!(count > 0, "{} has no examples", policy.code);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn errors_are_denied_warnings_warned_about_and_notes_recorded() {
    let policies = Policies::embedded().unwrap();
    let pages = Pages::embedded(Book::Lint).unwrap();
    for policy in policies.all() {
        let page = pages.all().iter().find(|page| page.code == policy.code).unwrap();
        let objects = policies.objects(policy, page, Engine::Vap, false);
        assert_eq!(admission::problems("ValidatingAdmissionPolicy", &objects[0], 31), [], "{}", policy.code);
        let wanted = match page.severity {
            Severity::Error => "Deny",
            Severity::Warning => "Warn",
            Severity::Note => "Audit",
        };
        assert_eq!(objects[1]["spec"]["validationActions"][0], wanted, "{}", policy.code);
        let audit = policies.objects(policy, page, Engine::Vap, true);
        assert_eq!(audit[1]["spec"]["validationActions"][0], "Audit", "{}", policy.code);
    }
}

#[test]
fn the_folder_holds_what_kubectl_applies_at_once_and_validate_takes_it() {
    let place = Place::new();
    place.run(&["policy", "--out", "policies"]).ok();
    let report = place.run(&["validate", "policies", "--format", "json"]).json();
    assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{report}");
    let all = place.run(&["policy", "--engine", "kyverno", "--audit-only"]).stdout;
    assert!(all.contains("kind: ClusterPolicy") && !all.contains("Enforce"));
    let list = place.run(&["policy", "--list"]).stdout;
    assert!(list.contains("privileged") && list.contains("lints have a policy"), "{list}");
}
