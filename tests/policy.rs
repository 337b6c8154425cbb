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
use knrender::policy::{Engine, Policies, Policy, Wanted, here};
use knrender::schema::admission;
use serde_json::Value;
use support::run::Place;

/// The minor version of the oldest Kubernetes that has `ValidatingAdmissionPolicy` of v1.
const OLDEST: u16 = 30;

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
    for (name, expression) in policies.variables(policy) {
        let mut environment = admission::environment(OLDEST - 1, false, false);
        environment.variables.insert("variables".into(), Type::object("kubernetes.variables", types.clone()));
        let program = environment.compile(&here(expression)).unwrap_or_else(|e| panic!("{} {name}: {e}", policy.code));
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
            if !entry.file_type().is_file() || policy.beyond.contains_key(&name) {
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
        let objects = policies.objects(policy, page, &Wanted::default(), Engine::Vap);
        assert_eq!(admission::problems("ValidatingAdmissionPolicy", &objects[0], OLDEST), [], "{}", policy.code);
        let wanted = match page.severity {
            Severity::Error => "Deny",
            Severity::Warning => "Warn",
            Severity::Note => "Audit",
        };
        assert_eq!(objects[1]["spec"]["validationActions"][0], wanted, "{}", policy.code);
        let audit = Wanted { audit_only: true, ..Wanted::default() };
        let audit = policies.objects(policy, page, &audit, Engine::Vap);
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

/// What the policies find in manifests: policy and object.
fn judged(policies: &Policies, text: &str) -> Vec<String> {
    let mut collection = Collection::default();
    collection.add("manifests.yaml", text);
    assert_eq!(collection.broken, []);
    let mut all = Vec::new();
    for object in &collection.objects {
        for policy in
            policies.all().iter().filter(|p| policies.is_about(p, &object.identity.group, &object.identity.kind))
        {
            if found(policies, policy, &without_nulls(&object.value)).is_some_and(|found| found > 0) {
                all.push(format!("{} {}", policy.code, object.identity));
            }
        }
    }
    all
}

/// Renders a stack with its policies; nothing where upstream is missing.
fn render(place: &Place, flags: &[&str]) -> BTreeMap<String, String> {
    place.run(&[flags, &["--with", "policies", "--out", "out", "--quiet"]].concat()).ok();
    place.tree("out")
}

const STACKS: [&[&str]; 2] = [&[], &["--gloo", "v1.8.0"]];

#[test]
fn a_whole_render_passes_its_own_policies() {
    let Some(place) = Place::with_upstream() else { return };
    let (policies, pages) = (Policies::embedded().unwrap(), Pages::embedded(Book::Lint).unwrap());
    for flags in STACKS {
        for (path, text) in render(&place, flags) {
            if path.ends_with("batch.yaml") || path.starts_with("apps/") {
                let mut found = judged(&policies, &text);
                let noted =
                    |line: &String| pages.of(line.split(' ').next().unwrap()).unwrap().severity == Severity::Note;
                found.retain(|line| !noted(line));
                assert_eq!(found, Vec::<String>::new(), "{flags:?} {path}");
            }
        }
    }
}

#[test]
fn policies_stand_in_the_first_batch_before_what_they_judge_and_are_deleted_first() {
    let Some(place) = Place::with_upstream() else { return };
    for flags in STACKS {
        let files = render(&place, flags);
        let first = files.iter().find(|(path, _)| path.ends_with("first-batch.yaml")).unwrap().1;
        let kinds: Vec<&str> = first.lines().filter_map(|line| line.strip_prefix("kind: ")).collect();
        let at = |kind: &str| kinds.iter().position(|k| *k == kind).unwrap();
        let last = kinds.iter().rposition(|k| k.starts_with("ValidatingAdmissionPolicy")).unwrap();
        assert!(at("ValidatingAdmissionPolicy") > at("ConfigMap"));
        for judged in ["Deployment", "Service", "HorizontalPodAutoscaler", "Ingress"] {
            assert!(last < at(judged), "{judged} {flags:?}");
        }
        let second = files.iter().find(|(path, _)| path.ends_with("second-batch.yaml"));
        assert!(second.is_none_or(|(_, text)| !text.contains("AdmissionPolicy")));
        let script = &files["apply.sh"];
        let delete = script.split_once("delete_everything() {").unwrap().1;
        assert!(delete.find("validatingadmissionpolic").unwrap() < delete.find("webhookconfiguration").unwrap());
        let provenance: Value = serde_json::from_str(&files["about/provenance.json"]).unwrap();
        let entry = provenance["ledger"].as_array().unwrap().iter();
        let entry =
            entry.filter(|entry| entry["object"] == "ValidatingAdmissionPolicy/knrender-privileged").last().unwrap();
        assert!(entry["why"].as_str().unwrap().contains("privileged containers are refused"), "{entry}");
        assert!(entry["see"][0].as_str().unwrap().starts_with("https://docs.aws.amazon.com/"), "{entry}");
        let told = place.run(&["explain", "--out", "out", "ValidatingAdmissionPolicy/knrender-privileged"]).ok().stdout;
        assert!(told.contains("by policies (data/lints/policies.yaml, line "), "{told}");
        let report = place.run(&["report", "out"]).ok().stdout;
        assert!(report.contains("knrender-privileged"));
    }
}

#[test]
fn a_cluster_of_before_1_30_gets_no_policies_and_is_told_what_to_do() {
    let place = Place::new();
    let said = place.run(&["policy", "--kubernetes", "1.29"]).fails(2);
    assert!(
        said.contains("Kubernetes 1.29 has no ValidatingAdmissionPolicy of v1") && said.contains("--engine kyverno"),
        "{said}"
    );
    place.run(&["policy", "--kubernetes", "1.29", "--engine", "kyverno", "--out", "kyverno"]).ok();
    place.write("knrender.yaml", "kubernetes: '1.29'\n");
    place.run(&["policy"]).fails(2);
    let said =
        place.run(&["--with", "policies", "--knative", "1.21", "--kubernetes", "1.29", "--allow-unsupported"]).fails(2);
    assert!(said.contains("--with policies: Kubernetes 1.29 has no"), "{said}");
}
