//! Promise: a new upstream release is a command: `upstream add` puts its digests into a catalog of the user's own, from which it
//! is rendered as any other; what is newer is told by `upstream outdated`. 1.24 is played by a changed copy of 1.23.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;

use crate::support::run::{Place, upstream};
use crate::support::shape;

/// A place whose mirror has a 1.24.0 made of 1.23.0, with `change` made to Kourier's file.
fn with_1_24(change: impl Fn(String) -> String) -> Option<Place> {
    let real = upstream()?;
    let place = Place::new();
    for (repository, files) in [
        ("knative/serving", vec!["serving-core.yaml", "serving-hpa.yaml", "serving-post-install-jobs.yaml"]),
        ("knative-extensions/net-kourier", vec!["kourier.yaml"]),
    ] {
        for file in files {
            let at = |version: &str| format!("github.com/{repository}/releases/download/knative-v{version}/{file}");
            let text = fs::read_to_string(real.join(at("1.23.0"))).unwrap();
            let text = text.replace("1.23.0", "1.24.0");
            let text = if file == "kourier.yaml" { change(text) } else { text };
            place.write(&format!("mirror/{}", at("1.24.0")), &text);
        }
    }
    Some(place.env("KNRENDER_MIRROR", "mirror"))
}

#[test]
fn a_release_that_nobody_knew_is_added_and_rendered() {
    let Some(place) = with_1_24(|text| text) else { return };
    let said = place.run(&["upstream", "add", "knative-serving", "1.24.0", "--offline"]).ok().stderr;
    assert!(said.contains("catalog/knative-serving.yaml: knative-serving 1.24.0"), "{said}");
    assert!(place.read("catalog/knative-serving.yaml").contains("pairs: {net-kourier: 1.24.0}"));
    assert!(place.read("catalog/net-kourier.yaml").contains("version: 1.24.0"));
    place.write("knrender.yaml", "catalog: catalog\nout: out\noffline: true\n");
    let said = place.run(&["--locked"]).ok().stderr;
    assert!(
        said.starts_with("knative-serving 1.24.0, net-kourier 1.24.0; rule set fargate; Kubernetes 1.36"),
        "{said}"
    );
    assert!(said.contains("supported until") || !said.contains("no support"), "{said}");
    place.run(&["lint"]).ok();
    assert!(place.run(&["--kubernetes", "1.34"]).fails(2).contains("knative-serving 1.24.0 takes 1.35 or newer"));
    assert!(
        place.run(&["upstream", "add", "knative-serving", "1.24.0", "--offline"]).fails(2).contains("the catalog has")
    );
}

#[test]
fn a_rule_that_no_longer_fits_is_named() {
    let Some(place) = with_1_24(|text| {
        text.replace("name: kourier-internal\n", "name: kourier-inside\n")
            .replace("  name: kourier\n", "  name: gateway\n")
    }) else {
        return;
    };
    place.run(&["upstream", "add", "knative-serving", "1.24.0", "--offline"]).ok();
    place.write("knrender.yaml", "catalog: catalog\nout: out\noffline: true\n");
    let said = place.run(&[]).fails(2);
    assert!(said.contains("patches/net-kourier/fargate.yaml"), "{said}");
    assert!(!place.path("out").exists());
}

#[test]
fn a_digest_that_contradicts_the_built_in_one_is_refused() {
    let place = Place::new();
    let none = "0".repeat(64);
    place.write(
        "catalog/net-kourier.yaml",
        &format!("component: net-kourier\nversions:\n  - version: 1.23.0\n    assets:\n      kourier: {{sha256: {none}, size: 1}}\n"),
    );
    place.write("knrender.yaml", "catalog: catalog\n");
    assert!(place.run(&["--offline"]).fails(2).contains("the published bytes, which knrender knows, have"));
    place.write("knrender.yaml", "catalog: nowhere\n");
    assert!(place.run(&["--offline"]).fails(2).contains("there is no such folder"));
}

#[test]
fn what_is_rendered_from_no_file_is_added_by_its_number() {
    let place = Place::new();
    place.run(&["upstream", "add", "cert-manager", "1.22.0", "--offline"]).ok();
    place.write("knrender.yaml", "catalog: catalog\n");
    let list = place.run(&["upstream", "list"]).ok().stdout;
    assert!(list.contains("  1.22.0") && list.contains("  1.21.1"), "{list}");
    assert!(place.run(&["upstream", "add", "cert-manager", "1.20.0", "--offline"]).fails(2).contains("1.21 and later"));
}

#[test]
fn what_is_newer_is_told() {
    let place = Place::new();
    let ran = place.run(&["upstream", "outdated", "--offline", "--format", "json"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let report = ran.json();
    shape::hold(&report, "outdated");
    assert_eq!(report["components"][0]["newer"], serde_json::json!(["1.24.0"]));
    let feed = |name: &str, tag: &str| {
        place.write(
            &format!("mirror/github.com/{name}/releases.atom"),
            &format!("<link href=\"/{name}/releases/tag/{tag}\"/>"),
        );
    };
    feed("knative/serving", "knative-v1.25.0");
    feed("knative-extensions/net-kourier", "knative-v1.23.0");
    feed("kubernetes-sigs/aws-load-balancer-controller", "v3.8.0");
    feed("cert-manager/cert-manager", "v1.22.0");
    let ran = place.run(&["upstream", "outdated", "--mirror", "mirror"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(
        ran.stdout.contains("out are 1.24.0, 1.25.0")
            && ran.stdout.contains("knrender upstream add knative-serving 1.25.0"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("cert-manager 1.21.1; out are 1.22.0"), "{}", ran.stdout);
    assert!(ran.stdout.contains("net-kourier 1.23.0 is the newest"), "{}", ran.stdout);
}

#[test]
fn what_is_fetched_from_a_folder_is_in_the_cache_when_the_folder_is_gone() {
    let Some(real) = upstream() else { return };
    let place = Place::new();
    let mirror = real.display().to_string();
    place.run(&["upstream", "fetch", "--mirror", &mirror, "--quiet"]).ok();
    place.run(&["--offline", "--out", "out", "--quiet"]).ok();
}
