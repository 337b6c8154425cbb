//! Promise: `examples/` is what it says, and `lint`, `validate` and `plan` on it need no upstream and find what was put there.

#![allow(clippy::unwrap_used, clippy::panic, clippy::format_push_string)]

use std::path::Path;

use crate::support::run;
use crate::support::run::Place;
use serde_json::Value;

/// A place with the examples in it.
fn place() -> Place {
    let place = Place::new();
    for (path, text) in run::tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")) {
        place.write(&format!("examples/{path}"), &text);
    }
    place
}

/// Severity, code and object of every finding, a line each.
fn findings(report: &Value) -> String {
    let mut lines = String::new();
    for finding in report["findings"].as_array().unwrap() {
        let text = |key: &str| finding[key].as_str().unwrap_or("-").to_owned();
        lines.push_str(&format!("{:<8} {:<26} {} {}\n", text("severity"), text("code"), text("object"), text("field")));
    }
    lines
}

#[test]
fn the_file_and_the_service_are_what_the_commands_write() {
    let place = Place::new();
    place.run(&["init", "--cluster-name", "prod", "--region", "eu-west-1", "--domain", "apps.example.com"]).ok();
    run::hold("examples/knrender.yaml", &place.read("knrender.yaml"));
    let hello =
        Place::new().run(&["app", "hello", "--image", "ghcr.io/stefanprodan/podinfo:6.15.0", "--port", "9898"]).ok();
    run::hold("examples/hello.yaml", &hello.stdout);
}

#[test]
fn lint_finds_what_does_not_run_on_fargate() {
    let ran = place().run(&["lint", "examples/", "--format", "json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    insta::assert_snapshot!("examples-lint", findings(&ran.json()));
}

#[test]
fn validate_finds_what_an_api_server_refuses() {
    let ran = place().run(&["validate", "examples/", "--format", "json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    insta::assert_snapshot!("examples-validate", findings(&ran.json()));
}

#[test]
fn plan_says_what_it_would_cost() {
    insta::assert_snapshot!("examples-plan", place().run(&["plan", "examples/"]).ok().stdout);
}

#[test]
fn a_day_of_traffic_becomes_a_picture_with_one_command() {
    let place = place();
    let ran = place.run(&["simulate", "examples/hello.yaml", "--traffic", "examples/day.csv", "--svg", "day.svg"]).ok();
    insta::assert_snapshot!("examples-simulate", ran.stdout);
    assert!(place.read("day.svg").contains("<desc"));
}

#[test]
fn the_rules_do_what_the_page_on_rules_says() {
    let Some(upstream) = Place::with_upstream() else { return };
    let (from, to) = (place(), upstream);
    for file in ["gateway.yaml", "limits.yaml", "platform.yaml", "platform-info.yaml.j2"] {
        to.write(&format!("examples/rules/{file}"), &from.read(&format!("examples/rules/{file}")));
    }
    to.run(&["--rules", "examples/rules/", "--out", "out"]).ok();
    let explained = |object: &str| to.run(&["explain", object]).ok().stdout;
    let gateway = explained("Service/kourier-system/kourier");
    assert!(gateway.contains("gateway-has-our-label") && gateway.contains("/metadata/labels/team"), "{gateway}");
    let autoscaler = explained("ConfigMap/knative-serving/config-autoscaler");
    assert!(autoscaler.contains("services-have-a-ceiling"), "{autoscaler}");
    assert!(explained("ConfigMap/knative-serving/platform-info").contains("platform-info.yaml.j2"));
    to.run(&["validate"]).ok();
}

#[test]
fn the_service_that_app_wrote_has_no_fault() {
    let place = place();
    place.run(&["lint", "--strict", "examples/hello.yaml"]).ok();
    place.run(&["validate", "--strict", "examples/hello.yaml"]).ok();
}
