//! Promise: `upgrade` names the steps from what is rendered to a newer Knative, each with its diff, and following them leads there.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::run::Place;
use crate::support::shape;
use serde_json::Value;

fn steps(report: &Value) -> Vec<String> {
    let steps = report["steps"].as_array().unwrap();
    steps
        .iter()
        .map(|s| {
            format!("{} {} {}", s["part"].as_str().unwrap(), s["from"].as_str().unwrap(), s["to"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn the_way_from_1_21_to_1_23_is_walked_step_by_step() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--knative", "1.21", "--kubernetes", "1.33", "--domain", "apps.example.com", "--out", "out"]).ok();
    let report = place.run(&["upgrade", "--format", "json"]).ok().json();
    shape::hold(&report, "upgrade");
    assert_eq!(steps(&report), ["kubernetes 1.33 1.34", "knative 1.21.3 1.22.1", "knative 1.22.1 1.23.0"]);
    for step in report["steps"].as_array().unwrap().iter().filter(|step| step["part"] == "knative") {
        let diff = &step["diff"];
        assert_eq!(diff["removed"], Value::Array(Vec::new()), "{step}");
        assert!(!diff["changed"].as_array().unwrap().is_empty());
        let domain = diff["changed"]
            .as_array()
            .unwrap()
            .iter()
            .any(|c| c["object"] == "ConfigMap/knative-serving/config-domain");
        assert!(!domain, "the options of the folder are kept");
        let refused = diff["meaning"].as_array().unwrap().iter().any(|m| m["severity"] == "error");
        assert!(!refused, "every single step can be applied: {}", diff["meaning"]);
    }
    for (version, left) in [("1.22", 1), ("1.23", 0)] {
        place.run(&["--knative", version, "--kubernetes", "1.34", "--domain", "apps.example.com", "--out", "out"]).ok();
        assert_eq!(steps(&place.run(&["upgrade", "--format", "json"]).ok().json()).len(), left, "{version}");
    }
    assert!(place.run(&["upgrade"]).ok().stdout.contains("Nothing to do"));
}

#[test]
fn a_target_may_be_named_and_one_that_is_older_is_refused() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--knative", "1.22", "--out", "out"]).ok();
    assert!(place.run(&["upgrade", "--to", "1.22"]).ok().stdout.contains("Nothing to do"));
    assert!(place.run(&["upgrade", "--to", "1.21"]).fails(2).contains("documents no way back"));
    assert!(place.run(&["upgrade", "--to", "newest"]).fails(2).contains("is not a version"));
}

#[test]
fn half_of_another_render_is_no_place_to_start_from() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--knative", "1.22", "--out", "out"]).ok();
    let file = "out/knative-kourier-fargate-first-batch.yaml";
    let whole = place.read(file);
    place.write(
        file,
        &format!("{whole}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: left, namespace: default}}\n"),
    );
    assert!(place.run(&["upgrade"]).fails(3).contains("has Secret/default/left, which is not in it"));
    place.write(file, whole[..whole.len() / 2].rsplit_once("\n---\n").unwrap().0);
    assert!(place.run(&["upgrade", "--out", "out/"]).fails(3).contains("lacks "));
}

#[test]
fn a_folder_without_provenance_is_said() {
    let place = Place::new();
    place.write("out/a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n");
    assert!(place.run(&["upgrade"]).fails(3).contains("out/about/provenance.json: there is none"));
}
