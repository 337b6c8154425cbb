//! Promise: `--check` says whether a folder is what would be rendered, in which way it is not, and changes nothing.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;

use crate::support::run;
use crate::support::run::{GLOO, Place, own_mirror};

const FLAGS: [&str; 6] = ["--gloo", "v1.0.0", "--rule-set", "seed", "--out", "out"];
const FIRST: &str = "out/knative-gloo-fargate-first-batch.yaml";

/// A place with a render of a manifest of our own.
fn rendered() -> Place {
    let place = Place::new();
    own_mirror(&place, GLOO);
    let place = place.env("KNRENDER_MIRROR", "mirror");
    place.run(&FLAGS).ok();
    place
}

fn check(place: &Place) -> run::Ran {
    place.run(&[&FLAGS[..], &["--check"]].concat())
}

#[test]
fn a_fresh_render_passes_and_says_so() {
    let ran = check(&rendered()).ok();
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", "out/ is what would be rendered\n"));
}

#[test]
fn an_edited_file_is_shown_as_a_diff_and_left_alone() {
    let place = rendered();
    let edited = place.read(FIRST).replace("# the way in", "# edited");
    place.write(FIRST, &edited);
    let ran = check(&place);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.starts_with(&format!("--- {FIRST}\n+++ {FIRST} (rendered)\n@@ ")), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("\n-  name: knative-external-proxy   # edited\n+  name: knative-external-proxy   # the way in\n"),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.starts_with("knrender: out/ is not what would be rendered: 1 file differs. "), "{}", ran.stderr);
    assert_eq!(place.read(FIRST), edited);
}

#[test]
fn other_options_make_a_render_stale() {
    let place = rendered();
    let ran = place.run(&[&FLAGS[..], &["--check", "--scheme", "internal"]].concat());
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("\n-    alb.ingress.kubernetes.io/scheme: internet-facing\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("differs: out/about/provenance.json\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("--- out/about/digests.txt"), "{}", ran.stdout);
}

#[test]
fn missing_files_leftovers_and_a_missing_folder_are_told_apart() {
    let place = rendered();
    fs::remove_file(place.path("out/about/plan.txt")).unwrap();
    let list = place.read("out/about/files.txt");
    place.write("out/about/files.txt", &format!("{list}old.txt\n"));
    place.write("out/old.txt", "left");
    let ran = check(&place);
    assert_eq!(
        ran.stdout,
        "differs: out/about/files.txt\nmissing: out/about/plan.txt\nno longer rendered: out/old.txt\n"
    );
    fs::remove_dir_all(place.path("out")).unwrap();
    assert!(check(&place).fails(1).contains("files are missing"));
    assert!(!place.path("out").exists());
}

#[test]
fn a_foreign_manifest_is_the_error_that_a_render_would_be() {
    let place = rendered();
    place.write("out/mine.yaml", "a: b");
    assert!(check(&place).fails(4).contains("mine.yaml"));
}

#[test]
fn a_check_adds_nothing_to_the_lock() {
    let place = rendered();
    fs::remove_file(place.path("knrender.lock")).unwrap();
    let error = check(&place).fails(2);
    assert!(error.contains("knrender.lock"), "{error}");
    assert!(!place.path("knrender.lock").exists());
}

#[test]
fn a_check_needs_a_folder_and_reports_as_json_too() {
    let place = rendered();
    assert!(place.run(&["--gloo", "v1.0.0", "--rule-set", "seed", "--check"]).fails(2).contains("--out"));
    place.write(FIRST, "");
    let ran = place.run(&[&FLAGS[..], &["--check", "--format", "json"]].concat());
    let report = ran.json();
    assert_eq!(report["stale"][0]["state"], "different");
    assert_eq!(report["stale"][0]["path"], "knative-gloo-fargate-first-batch.yaml");
}
