//! Promise: a change of options says what it leaves behind in a cluster, and what removes it.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::run::Place;

/// An object that a rule of one's own brings.
fn with_extra(place: &Place, objects: usize) {
    place.write("rules/extra.yaml", "- {rule: extra, why: ours, add: extra.yaml.j2}\n");
    let one = |i| {
        format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: extra-{i}\n  namespace: knative-serving\n")
    };
    place.write("rules/extra.yaml.j2", &(0..objects).map(one).collect::<String>());
    place.run(&["--rules", "rules", "--out", "out"]).ok();
}

#[test]
fn a_first_render_and_one_that_has_all_leave_nothing_behind() {
    let Some(place) = Place::with_upstream() else { return };
    for _ in 0..2 {
        let said = place.run(&["--out", "out"]).ok().stderr;
        assert!(!said.contains("Left behind"), "{said}");
    }
    let report = place.run(&["--out", "out", "--format", "json"]).ok().json();
    assert_eq!(report["left_behind"]["objects"].as_array().unwrap().len(), 0);
    place.write("out/about/provenance.json", "{}");
    assert!(!place.run(&["--out", "out"]).ok().stderr.contains("Left behind"));
}

#[test]
fn an_option_that_is_turned_off_names_what_stays_and_what_removes_it() {
    let Some(place) = Place::with_upstream() else { return };
    with_extra(&place, 1);
    let check = place.run(&["--out", "out", "--check"]).fails(1);
    let stays = "ConfigMap/knative-serving/extra-0\n  removed by: sh out/apply.sh --prune";
    assert!(check.contains(stays), "{check}");
    let report = place.run(&["--out", "out", "--check", "--format", "json"]);
    assert_eq!(report.json()["left_behind"]["objects"][0], "ConfigMap/knative-serving/extra-0");
    let said = place.run(&["--out", "out"]).ok().stderr;
    assert!(said.contains(stays), "{said}");
    with_extra(&place, 20);
    let report = place.run(&["--out", "out", "--format", "json"]).ok().json();
    assert_eq!(report["left_behind"]["removed_by"], "sh out/apply.sh --prune");
    with_extra(&place, 20);
    let said = place.run(&["--out", "out", "--quiet"]).ok().stderr;
    assert!(said.contains("warning: 20 objects of the render before are not in this one"), "{said}");
    with_extra(&place, 20);
    let said = place.run(&["--out", "out", "--layout", "argocd"]).ok().stderr;
    assert!(said.contains(" 20 ConfigMap\n  removed by: Argo CD prunes them"), "{said}");
}

#[test]
fn a_fleet_says_it_for_each_cluster() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", "clusters: [{name: a, region: eu-west-1}]\n");
    with_extra(&place, 2);
    let said = place.run(&["--out", "out"]).ok().stderr;
    assert!(said.contains("2 objects of the render before are not in this one"), "{said}");
    assert!(said.contains("sh out/a/apply.sh --prune"), "{said}");
}
