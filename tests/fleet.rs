//! Promise: `clusters:` in knrender.yaml renders every cluster to a folder of its name, whole or not at all, with one table at
//! the end; the commands that look at a render look at all of them.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::run::Place;
use crate::support::shape;

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
fn a_page_is_of_one_cluster() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", FLEET);
    place.run(&[]).ok();
    let said = place.run(&["report"]).fails(2);
    assert!(said.contains("2 clusters; name the folder of one of them: out/prod, out/test"), "{said}");
    assert!(place.run(&["report", "out/test"]).ok().stdout.starts_with("<!DOCTYPE html>"));
    place.write("out/test/about/plan.txt", "");
    let said = place.run(&["--check"]).fails(1);
    assert!(said.contains("1 file is not as rendered: about/plan.txt"), "{said}");
}

#[test]
fn a_report_for_programs_is_one_of_all_clusters() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", FLEET);
    shape::hold(&place.run(&["--format", "json"]).ok().json(), "fleet");
    for command in ["lint", "validate", "plan", "diff"] {
        let report = place.run(&[command, "--format", "json"]).ok().json();
        let names: Vec<&String> = report["clusters"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["prod", "test"], "{command}");
        assert!(report["clusters"]["prod"].as_object().unwrap().len() > 1, "{command}: {report}");
        shape::hold(&report, "fleet");
    }
    let log = place.run(&["lint", "--format", "sarif"]).ok().json();
    let runs = log["runs"].as_array().unwrap();
    let ids: Vec<&str> = runs.iter().filter_map(|run| run["automationDetails"]["id"].as_str()).collect();
    assert_eq!(ids, ["knrender/prod/", "knrender/test/"]);
    assert!(log["$schema"].as_str().is_some_and(|schema| schema.ends_with("sarif-schema-2.1.0.json")));
    let suites = place.run(&["lint", "--format", "junit"]).ok().stdout;
    assert_eq!(suites.matches("<?xml").count(), 1);
    assert!(
        suites.contains("<testsuite name=\"prod: knrender lint\"") && suites.contains("\"test: knrender lint\""),
        "{suites}"
    );
    std::fs::remove_dir_all(place.path("out/test")).unwrap();
    let ran = place.run(&["lint", "--format", "json"]);
    assert_eq!(ran.code, 3);
    assert!(ran.json()["clusters"]["test"]["error"].as_str().unwrap().contains("there is no such folder"));
}

#[test]
fn a_cluster_has_fargate_profiles_of_its_own() {
    let place = Place::new();
    let profiles = "fargate-profiles: [{name: fp, selectors: [{namespace: shop}]}]";
    place.write(
        "knrender.yaml",
        &format!("out: out\nclusters:\n- name: a\n  {profiles}\n- name: b\n  {}\n", profiles.replace("shop", "other")),
    );
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop}\nspec: {containers: [{name: c, image: 'a.example/b:1'}]}\n";
    for name in ["a", "b"] {
        place.write(&format!("out/{name}/pod.yaml"), pod);
    }
    let report = place.run(&["lint", "--format", "json"]).json();
    let no_profile = |name: &str| report["clusters"][name].to_string().contains("namespace-without-profile");
    assert!(!no_profile("a") && no_profile("b"), "{report:#}");
}

const HUB: &str = "out: clusters\ngitops-engine: elsewhere\ngitops-repo: https://git.example/a\nclusters:\n- {name: prod, region: eu-west-1}\n- {name: Test_2, region: us-east-1}\n";

#[test]
fn one_argo_cd_for_all_clusters_reads_an_application_set_of_their_applications() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", &format!("layout: argocd\n{HUB}"));
    place.run(&[]).ok();
    let set = place.read("clusters/gitops/argocd/applicationset.yaml");
    assert!(set.contains("path: \"clusters/prod/gitops/argocd\"") && set.contains("name: \"test-2\""), "{set}");
    let application = place.read("clusters/Test_2/gitops/argocd/application.yaml");
    assert!(
        application.contains("  name: knative-test-2\n") && application.contains("    name: \"Test_2\"\n"),
        "{application}"
    );
    assert!(!place.read("clusters/prod/cluster/eksctl.yaml").contains("argocd"));
    place.run(&["--check"]).ok();
    place.write("clusters/gitops/argocd/applicationset.yaml", "a: 1\n");
    assert!(place.run(&["--check"]).fails(1).contains("applicationset.yaml is not as rendered"));
    place.write("knrender.yaml", &format!("layout: argocd\n{}", HUB.replace("name: prod", "name: gitops")));
    assert!(place.run(&[]).fails(2).contains("take another name"));
}

#[test]
fn one_flux_for_all_clusters_reads_a_kustomization_for_each() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", &format!("layout: flux\n{HUB}"));
    place.run(&[]).ok();
    let all = place.read("clusters/gitops/flux/clusters.yaml");
    assert_eq!(all.matches("kind: Kustomization").count(), 2, "{all}");
    assert!(all.contains("path: \"./clusters/prod/gitops/flux\""), "{all}");
    let own = place.read("clusters/prod/gitops/flux/batches.yaml");
    assert!(own.contains("name: \"knative-first-prod\"") && own.contains("name: \"kubeconfig-prod\""), "{own}");
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

#[test]
fn what_looks_at_one_render_asks_for_the_cluster() {
    let place = Place::new();
    place.write("knrender.yaml", FLEET);
    for command in ["explain", "upgrade", "doctor"] {
        let error = place.run(&[command]).fails(2);
        assert!(error.contains("names 2 clusters; look at one of them: --out out/prod, --out out/test"), "{error}");
    }
}
