//! Promise: `diff` says what is different by object and field, and what that means; it writes nothing, and ends with 0 for the
//! same and with 1 for different.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::process::Command;

use crate::support::run::Place;
use crate::support::shape;
use serde_json::Value;

fn topics(report: &Value) -> Vec<String> {
    let list = report["meaning"].as_array().unwrap();
    list.iter().map(|m| format!("{} {}", m["severity"].as_str().unwrap(), m["topic"].as_str().unwrap())).collect()
}

#[test]
fn a_render_is_the_same_as_its_own_stack() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--knative", "1.22", "--out", "out"]).ok();
    let said = place.run(&["diff", "out", "--knative", "1.22"]).ok().stdout;
    assert!(said.contains("the same objects"), "{said}");
    assert_eq!(place.run(&["diff", "out", "out"]).ok().code, 0);
}

#[test]
fn an_upgrade_is_shown_with_what_it_means_and_with_the_rules_behind_it() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--knative", "1.21", "--kubernetes", "1.36", "--out", "out"]).ok();
    let before = place.tree("");
    let ran = place.run(&["diff", "out", "--knative 1.22", "--format", "json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert_eq!(place.tree(""), before, "nothing is written");
    let report = ran.json();
    let found = topics(&report);
    for wanted in ["note image", "note release", "warning kubernetes"] {
        assert!(found.iter().any(|f| f == wanted), "{wanted}: {found:?}");
    }
    assert!(!report["folded"].as_array().unwrap().is_empty());
    assert_eq!((&report["before"], &report["after"]), (&"out".into(), &"--knative 1.22".into()));
    let text = place.run(&["diff", "out", "--knative", "1.22"]).stdout;
    assert!(text.contains("controller") && text.contains(" -> "), "{text}");
    let page = place.run(&["diff", "out", "--knative 1.22", "--format", "markdown"]).stdout;
    assert!(page.starts_with("### `out` -> `--knative 1.22`"), "{page}");
}

#[test]
fn two_minors_at_once_are_an_error_with_the_command_that_says_the_steps() {
    let Some(place) = Place::with_upstream() else { return };
    let ran = place.run(&["diff", "--knative 1.21", "--knative 1.23"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout.contains("one minor version at a time") && ran.stdout.contains("knrender upgrade"),
        "{}",
        ran.stdout
    );
}

#[test]
fn an_option_that_is_turned_off_is_shown_as_removed() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--with", "autoscaler-hpa", "--out", "out"]).ok();
    let report = place.run(&["diff", "out", "--format", "json"]).json();
    let removed: Vec<_> = report["removed"].as_array().unwrap().iter().map(|w| w["object"].as_str().unwrap()).collect();
    assert!(removed.contains(&"Deployment/knative-serving/autoscaler-hpa"), "{removed:?}");
}

#[test]
fn a_git_revision_of_a_folder_is_a_side() {
    let place = Place::new().env("PATH", &std::env::var("PATH").unwrap());
    let git = |args: &[&str]| {
        let ran = Command::new("git").args(args).current_dir(place.path("")).output().unwrap();
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  key: old\n";
    place.write("out/a.yaml", object);
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "a"]);
    assert_eq!(place.run(&["diff", "HEAD:out", "out"]).code, 0);
    place.write("out/a.yaml", &object.replace("old", "new"));
    let ran = place.run(&["diff", "HEAD:out", "out"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("data.key: old -> new"), "{}", ran.stdout);
    assert!(place.run(&["diff", "HEAD~9:out", "out"]).fails(2).contains("HEAD~9"));
    assert!(place.run(&["diff", "HEAD:other", "out"]).fails(3).contains("other"));
}

#[test]
fn what_is_no_side_is_said() {
    let place = Place::new();
    place.write("a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n");
    assert!(place.run(&["diff", "a.yaml", "nowhere"]).fails(3).contains("nowhere: there is no such folder or file"));
    assert!(place.run(&["diff", "a.yaml", "--knativ 1.22"]).fails(2).contains("is no stack to render"));
}

#[test]
fn its_report_is_as_its_schema_says_whatever_the_values_are() {
    let Some(place) = Place::with_upstream() else { return };
    // Numbers, and fields that are there on one side alone.
    for (before, after) in [("--scale small", "--scale large"), ("--scale small", "--internal-tls --domain a.example")]
    {
        let ran = place.run(&["diff", before, after, "--format", "json"]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        shape::hold(&ran.json(), "diff");
    }
}
