//! Promise: every lint finds what its failing examples show, and stays silent at its passing ones.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use knrender::findings::allow::Allowance;
use knrender::findings::page::{Book, Confidence, Pages, Severity};
use knrender::lint;
use knrender::lint::set::{self, Set};
use knrender::manifest::collection::Collection;

/// The codes that are found in a text. A line `# lint: --allow CODE[=OBJECT]` allows one, and `# lint: registry
/// HOST` names one that images may come from.
fn found(name: &str, text: &str) -> Vec<&'static str> {
    let mut collection = Collection::default();
    collection.add(name, text);
    assert_eq!(collection.broken, [], "{name}");
    let allowances = text.lines().filter_map(|line| line.strip_prefix("# lint: --allow ")).map(|allow| {
        let (lint, object) = allow.split_once('=').map_or((allow, None), |(lint, object)| (lint, Some(object)));
        Allowance { lint: lint.into(), object: object.map(str::to_owned), reason: "a test".into(), place: None }
    });
    let objects = set::objects(&collection.objects);
    let mut set = Set::new(&objects, None);
    set.registries =
        text.lines().filter_map(|line| line.strip_prefix("# lint: registry ")).map(str::to_owned).collect();
    let findings = lint::run(&set, &allowances.collect::<Vec<_>>());
    findings.into_iter().filter(|finding| finding.allowed.is_none()).map(|finding| finding.code).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/lints/examples")
}

/// Code, name of the file, and its text, of every example.
fn examples() -> Vec<(String, String, String)> {
    let mut examples = Vec::new();
    for entry in walkdir::WalkDir::new(folder()).sort_by_file_name().into_iter().map(Result::unwrap) {
        if entry.file_type().is_file() {
            let code = entry.path().parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
            let name = entry.file_name().to_string_lossy().into_owned();
            examples.push((code, name, fs::read_to_string(entry.path()).unwrap()));
        }
    }
    examples
}

#[test]
fn every_failing_example_is_found_and_every_passing_one_is_not() {
    let mut wrong = Vec::new();
    for (code, name, text) in examples() {
        let found = found(&name, &text).contains(&code.as_str());
        match (name.split('-').next(), found) {
            (Some("fail"), true) | (Some("pass"), false) => {}
            (Some("fail"), false) => wrong.push(format!("{code}/{name} is not found")),
            (Some("pass"), true) => wrong.push(format!("{code}/{name} is found")),
            _ => wrong.push(format!("{code}/{name} is neither pass-*.yaml nor fail-*.yaml")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_lint_has_a_page_a_check_and_examples_of_both_kinds() {
    let pages = Pages::embedded(Book::Lint).unwrap();
    let told: BTreeSet<&str> = pages.all().iter().map(|page| page.code.as_str()).collect();
    let checked: BTreeSet<&str> = lint::codes().collect();
    assert_eq!(told, checked);
    assert_eq!((told.len(), checked.len()), (pages.all().len(), lint::codes().count()), "a code is there twice");
    let examples = examples();
    let of = |kind: &str| -> BTreeSet<&str> {
        examples.iter().filter(|(_, name, _)| name.starts_with(kind)).map(|(code, ..)| code.as_str()).collect()
    };
    assert_eq!(of("fail-"), told);
    assert_eq!(of("pass-"), told);
}

#[test]
fn every_page_says_why_what_to_do_and_where_it_is_written() {
    for page in Pages::embedded(Book::Lint).unwrap().all() {
        let code = &page.code;
        assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{code}");
        assert!(!page.title.is_empty() && !page.title.ends_with('.') && page.title.len() < 80, "{code}");
        assert!(page.why.ends_with(['.', '`']) && page.fix.ends_with(['.', '`']), "{code}");
        assert!(!page.see.is_empty() && page.see.iter().all(|see| see.starts_with("https://")), "{code}");
        if page.confidence == Confidence::U {
            assert_eq!(page.severity, Severity::Note, "{code} is not verified");
        }
    }
}

#[test]
fn a_pod_is_found_wherever_it_sits() {
    let spec = "{hostNetwork: true, containers: [{name: a, image: 'a/b:1.0.0'}]}";
    let template = format!("{{spec: {spec}}}");
    for (api, kind, rest) in [
        ("v1", "Pod", format!("spec: {spec}")),
        ("v1", "PodTemplate", format!("template: {template}")),
        ("v1", "ReplicationController", format!("spec: {{template: {template}}}")),
        ("apps/v1", "Deployment", format!("spec: {{template: {template}}}")),
        ("apps/v1", "StatefulSet", format!("spec: {{template: {template}}}")),
        ("apps/v1", "DaemonSet", format!("spec: {{template: {template}}}")),
        ("apps/v1", "ReplicaSet", format!("spec: {{template: {template}}}")),
        ("batch/v1", "Job", format!("spec: {{template: {template}}}")),
        ("batch/v1", "CronJob", format!("spec: {{jobTemplate: {{spec: {{template: {template}}}}}}}")),
        ("serving.knative.dev/v1", "Service", format!("spec: {{template: {template}}}")),
        ("serving.knative.dev/v1", "Configuration", format!("spec: {{template: {template}}}")),
    ] {
        let object = format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: a}}\n{rest}\n");
        assert!(found(kind, &object).contains(&"host-network"), "{kind}");
        let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}", object.trim_end().replace('\n', "\n  "));
        assert!(found(kind, &list).contains(&"host-network"), "{kind} in a List");
    }
}

#[test]
fn kinds_that_nobody_knows_pass_in_silence() {
    let rollout = "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: a}\nspec:\n  template:\n    \
                   spec: {hostNetwork: true}\n";
    assert!(found("rollout", rollout).is_empty());
}

#[test]
fn whatever_stands_in_a_manifest_nothing_panics() {
    // Every value of every example is replaced, one at a time, by values that do not belong there.
    let odd = ["null", "[]", "{}", "-1", "'1Ki5'", "1e999", "'80%'", "true", "[{}]", "[null]", "'\u{e9}:*'"];
    let odd: Vec<knrender::value::Value> = odd.iter().filter_map(|text| knrender::yaml::parse(text).ok()).collect();
    for (code, name, text) in examples() {
        for document in text.split("---\n") {
            let value = knrender::yaml::parse(document).unwrap();
            let mut pointers = Vec::new();
            walk(&value, String::new(), &mut pointers);
            for (i, pointer) in pointers.iter().enumerate() {
                let mut changed = value.clone();
                *changed.pointer_mut(pointer).unwrap() = odd[i % odd.len()].clone();
                let mut collection = Collection::default();
                collection.add(&name, &text);
                collection.add(&code, &changed.to_string());
                let objects = set::objects(&collection.objects);
                lint::run(&Set::new(&objects, None), &[]);
            }
        }
    }
}

fn walk(value: &knrender::value::Value, at: String, into: &mut Vec<String>) {
    match value {
        knrender::value::Value::Object(map) => {
            for (key, value) in map {
                walk(value, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), into);
            }
        }
        knrender::value::Value::Array(items) => {
            for (i, value) in items.iter().enumerate() {
                walk(value, format!("{at}/{i}"), into);
            }
        }
        _ => {}
    }
    if !at.is_empty() {
        into.push(at);
    }
}
