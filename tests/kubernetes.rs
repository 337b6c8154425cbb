//! Promise: a render is for one Kubernetes version, and nothing in it is in an API that this version does not serve.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use crate::support::run::Place;
use knrender::manifest::object::Head;

/// How many objects of each API and kind stand at the top of `out`.
fn apis(place: &Place, out: &str) -> BTreeMap<String, usize> {
    let mut apis = BTreeMap::new();
    for (path, text) in place.tree(out) {
        if path.contains("batch.yaml") && !path.contains('/') {
            for document in text.split("\n---\n") {
                let head = Head::of(&knrender::yaml::parse(document).unwrap()).unwrap();
                *apis.entry(format!("{} {}", head.api_version, head.kind)).or_insert(0) += 1;
            }
        }
    }
    apis
}

#[test]
fn the_ancestor_s_objects_are_migrated_when_a_kubernetes_of_today_is_asked_for() {
    let Some(place) = Place::with_upstream() else { return };
    let seed = ["--gloo", "v1.3.9", "--rule-set", "seed", "--quiet"];
    place.run(&[seed.as_slice(), &["--out", "old"]].concat()).ok();
    let said = place.run(&[seed.as_slice(), &["--kubernetes", "1.36", "--out", "new"]].concat()).ok().stderr;
    assert!(said.contains("no cluster that EKS offers can run this render"), "{said}");
    assert!(said.contains("Kubernetes 1.36 is outside of what is supported"), "{said}");
    let (old, new) = (apis(&place, "old"), apis(&place, "new"));
    let beta = |apis: &BTreeMap<String, usize>| -> usize {
        let old =
            apis.iter().filter(|(api, _)| api.contains("beta") && !api.contains("solo.io") && !api.contains("knative"));
        old.map(|(_, count)| count).sum()
    };
    assert_eq!((old.values().sum::<usize>(), new.values().sum::<usize>()), (73, 73));
    assert_eq!((beta(&old), beta(&new)), (23, 0));
    assert_eq!(new["apiextensions.k8s.io/v1 CustomResourceDefinition"], 18);
}

#[test]
fn crds_too_large_for_kubectl_apply_lose_their_descriptions_unless_they_are_to_be_kept() {
    let Some(place) = Place::with_upstream() else { return };
    let gloo = ["--gloo", "v1.8.0", "--quiet"];
    let said = place.run(&[gloo.as_slice(), &["--out", "out"]].concat()).ok().stderr;
    assert!(!said.contains("server-side"), "{said}");
    let kept = [gloo.as_slice(), &["--keep-descriptions", "--out", "kept"]].concat();
    let said = place.run(&kept).ok().stderr;
    assert!(said.contains("proxies.gloo.solo.io are too large for client-side apply"), "{said}");
    // The rule book's figure for the object as it came, in bytes of JSON; the annotation has a name and a line break besides.
    let explained =
        place.run(&["explain", "--out", "out", "CustomResourceDefinition/proxies.gloo.solo.io"]).ok().stdout;
    assert!(explained.contains("2118 descriptions; 431847 bytes of annotations"), "{explained}");
}

#[test]
fn an_api_that_the_target_does_not_serve_yet_is_an_error_that_says_what_to_do() {
    let Some(place) = Place::with_upstream() else { return };
    let said = place.run(&["--kubernetes", "1.20", "--allow-unsupported", "--out", "out"]).fails(3);
    assert!(said.contains("is in autoscaling/v2, which Kubernetes serves since 1.23"), "{said}");
    assert!(!place.path("out").exists());
}

#[test]
fn a_kubernetes_past_its_end_on_eks_is_called_so() {
    let Some(place) = Place::with_upstream() else { return };
    let flags = ["--kubernetes", "1.30", "--quiet", "--out", "out"];
    let said = place.run(&[&flags[..], &["--allow-unsupported"]].concat()).ok().stderr;
    assert!(said.contains("EKS ended its support of Kubernetes 1.30 on 2026-07-23"), "{said}");
    assert!(said.contains("knative-serving 1.23.0 supports 1.34 or newer"), "{said}");
    assert!(place.run(&flags).fails(2).contains("this render ends itself at start"));
}

#[test]
fn what_is_no_version_is_refused() {
    let said = Place::new().run(&["--kubernetes", "latest"]).fails(2);
    assert!(said.contains("`latest` is not a Kubernetes version; write it as 1.36"), "{said}");
}
