//! Promise: `clusters:` in knrender.yaml renders every cluster to a folder of its name, whole or not at all, with one table at
//! the end; the commands that look at a render look at all of them.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/run.rs"]
mod run;

use run::Place;

const FLEET: &str = "out: out\nclusters:\n- {name: prod, region: eu-west-1, domain: eu.example.com}\n- {name: test, region: us-east-1, knative: '1.22'}\n";

#[test]
fn every_cluster_has_a_folder_and_a_row() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", FLEET);
    let said = place.run(&[]).ok().stderr;
    assert!(
        said.contains("  prod  ") && said.contains("  test  ") && said.contains("knative-serving 1.22.1"),
        "{said}"
    );
    assert!(place.read("out/prod/cluster/eksctl.yaml").contains("name: \"prod\"\n  region: \"eu-west-1\""));
    assert!(place.read("out/test/cluster/eksctl.yaml").contains("region: \"us-east-1\""));
    let alone = Place::with_upstream().unwrap();
    alone.run(&["--cluster-name", "test", "--region", "us-east-1", "--knative", "1.22", "--out", "out/test"]).ok();
    assert_eq!(place.tree("out/test"), alone.tree("out/test"), "as if it were rendered alone");
    place.run(&["--check"]).ok();
    assert_eq!(place.run(&["diff"]).code, 0);
    place.run(&["plan"]).ok();
    let changed = place.run(&["--check", "--only", "prod", "--domain", "other.example.com"]);
    assert_eq!(changed.code, 1);
    assert!(changed.stderr.contains("1 of 1 clusters are not as rendered"), "{}", changed.stderr);
    assert_eq!(place.run(&["diff", "--only", "test", "--scheme", "internal"]).code, 1);
}

#[test]
fn only_names_clusters_of_the_list() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", FLEET);
    place.run(&["--only", "test"]).ok();
    assert!(place.path("out/test").is_dir() && !place.path("out/prod").exists());
    assert!(place.run(&["--only", "other"]).fails(2).contains("there are: prod, test"));
    assert!(Place::new().run(&["--only", "a"]).fails(2).contains("there are none"));
}

#[test]
fn a_cluster_that_fails_keeps_its_old_render_and_the_others_are_written() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", FLEET);
    place.write("out/prod/mine.yaml", "a: 1\n");
    let said = place.run(&[]).fails(4);
    assert!(said.contains("mine.yaml") && said.contains("1 of 2 clusters failed"), "{said}");
    assert_eq!(place.tree("out/prod").len(), 1);
    assert!(place.path("out/test/apply.sh").is_file());
}

#[test]
fn a_cluster_that_left_the_list_is_told() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", FLEET);
    place.run(&[]).ok();
    place.write("knrender.yaml", &FLEET.replace("- {name: test, region: us-east-1, knative: '1.22'}\n", ""));
    assert!(place.run(&[]).ok().stderr.contains("out/test/ is a render, and no cluster of that name is in the list"));
}

#[test]
fn a_cluster_twice_is_an_error_with_its_line() {
    let place = Place::new();
    place.write("knrender.yaml", "clusters:\n- name: a\n- name: a\n");
    assert!(
        place.run(&["--out", "out"]).fails(2).contains("knrender.yaml, line 3: `clusters`: `a` is in the list twice")
    );
}

#[test]
fn the_place_of_the_layout_in_the_repository_follows_the_folder() {
    let Some(place) = Place::with_upstream() else { return };
    let flags = ["--layout", "argocd", "--gitops-repo", "https://git.example/a", "--out", "clusters/prod"];
    place.run(&flags).ok();
    let application = place.read("clusters/prod/gitops/argocd/application.yaml");
    assert!(application.contains("path: \"clusters/prod/gitops\""), "{application}");
    assert!(application.contains("name: in-cluster") && !application.contains("server: https"), "{application}");
}
