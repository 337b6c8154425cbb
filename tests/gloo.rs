//! Promise: no rule hangs on one Gloo version's accidents, and nothing in a gloo-knative.yaml is applied that would harm.

#![allow(clippy::unwrap_used)]

use crate::support::run::{GLOO, Place, own_mirror};

const SEED: [&str; 6] = ["--gloo", "v1.0.0", "--rule-set", "seed", "--offline", "--quiet"];

/// What Gloo 1.0.0 renders to where it consists of our own small manifest and this.
fn rendered(more: &str) -> (String, String) {
    let place = Place::new().env("KNRENDER_MIRROR", "mirror");
    own_mirror(&place, &format!("{GLOO}---\n{more}"));
    let ran = place.run(&SEED).ok();
    (ran.stdout.clone(), ran.stderr.clone())
}

#[test]
fn helm_hook_jobs_and_the_rights_that_only_they_use_are_left_out() {
    let (stream, _) = rendered(
        r#"apiVersion: batch/v1
kind: Job
metadata:
  name: gloo-resource-cleanup
  namespace: gloo-system
  annotations: {"helm.sh/hook": post-delete}
---
apiVersion: batch/v1
kind: Job
metadata: {name: other, namespace: gloo-system, annotations: {"helm.sh/hook": pre-upgrade}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: gloo-resource-rollout, namespace: gloo-system}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: gloo-resource-cleanup, namespace: gloo-system}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: gloo, namespace: gloo-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: gloo-resource-cleanup-gloo-system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: gloo-resource-migration, namespace: gloo-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: gloo-resource-migration}
---
apiVersion: batch/v1
kind: Job
metadata: {name: mine, namespace: gloo-system}
"#,
    );
    for gone in ["cleanup", "name: other", "rollout", "migration"] {
        assert!(!stream.contains(gone), "{gone} is still there");
    }
    assert!(stream.contains("{name: gloo, namespace: gloo-system}"));
    assert!(stream.contains("{name: mine, namespace: gloo-system}"));
}

#[test]
fn an_object_of_a_kind_that_nothing_defines_is_said() {
    let settings =
        "apiVersion: example.dev/v1\nkind: Setting\nmetadata: {name: default, namespace: gloo-system}\nspec: {}\n";
    let (_, said) = rendered(settings);
    assert!(
        said.contains("Setting.example.dev/gloo-system/default is of a kind that neither Kubernetes nor"),
        "{said}"
    );
}

/// A Gloo that was rendered elsewhere: our own small manifest in `gloo.yaml`.
fn handed_over() -> Place {
    let place = Place::new();
    place.write("gloo.yaml", GLOO);
    place
}

const HANDED_OVER: [&str; 8] =
    ["--gloo", "v1.15.0", "--gloo-manifest", "gloo.yaml", "--rule-set", "seed", "--offline", "--quiet"];

#[test]
fn a_gloo_that_was_only_a_chart_renders_from_a_file_and_is_locked() {
    let place = handed_over();
    let ran = place.run(&HANDED_OVER).ok();
    assert!(ran.stdout.contains("gloo-system"), "{}", ran.stdout);
    let lock = place.read("knrender.lock");
    assert!(lock.contains("version: \"1.15.0\"") && lock.contains("asset: manifest"), "{lock}");
    assert!(lock.contains("url: a file of the user's own") && !lock.contains("gloo.yaml"), "{lock}");
    place.run(&[HANDED_OVER.as_slice(), &["--locked"]].concat()).ok();
}

#[test]
fn a_file_that_is_not_what_was_locked_is_refused() {
    let place = handed_over();
    place.run(&HANDED_OVER).ok();
    place.write("gloo.yaml", &format!("{GLOO}# changed\n"));
    let said = place.run(&HANDED_OVER).fails(3);
    assert!(
        said.contains("gloo.yaml has sha256") && said.contains("knrender.lock holds gloo 1.15.0 manifest to"),
        "{said}"
    );
}

#[test]
fn a_chart_only_gloo_without_a_file_and_a_file_without_a_version_say_what_to_do() {
    let place = handed_over();
    assert!(place.run(&["--gloo", "v1.15.0"]).fails(2).contains("hand the file over with --gloo-manifest FILE"));
    assert!(place.run(&["--gloo-manifest", "gloo.yaml"]).fails(2).contains("name it with --gloo"));
}
