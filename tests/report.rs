//! Promise: `knrender report` writes one page that needs nothing else, about a render or any manifests.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::run::Place;

const MANIFESTS: &str = "\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: <agent>, namespace: shop}
spec:
  template:
    spec: {containers: [{image: 'agent:latest', resources: {requests: {cpu: 100m, memory: 64Mi}}}]}
";

/// Whatever a page would have to fetch, and script.
fn is_alone(html: &str) {
    for word in ["<script", "<link", "src=", "@import", "url("] {
        assert!(!html.contains(word), "{word}");
    }
    assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">") && html.ends_with("</html>\n"));
}

#[test]
fn any_manifests_make_a_page_with_what_lint_says() {
    let place = Place::new();
    place.write("a.yaml", MANIFESTS);
    let html = place.run(&["report", "a.yaml"]).ok().stdout;
    is_alone(&html);
    assert!(html.contains("&lt;agent&gt;") && !html.contains("<agent>"), "names are text");
    for word in ["daemon-set", "a.yaml", "Fargate and the bill", "prefers-color-scheme: dark", "@media print"] {
        assert!(html.contains(word), "{word}");
    }
}

#[test]
fn a_render_makes_a_page_with_its_way_its_ledger_and_its_bill() {
    let Some(place) = Place::with_upstream() else { return };
    place
        .run(&["--domain", "apps.example.com", "--region", "eu-west-1", "--cluster-name", "prod", "--out", "out"])
        .ok();
    let arguments = ["report", "out", "--out", "page.html", "--traffic", "rate:1:60", "--cold-start", "30"];
    place.run(&arguments).ok();
    let html = place.read("page.html");
    is_alone(&html);
    for word in [
        "Knative 1.23.0 with Kourier on EKS Fargate",
        "*.apps.example.com",
        "Target group and its health check",
        "deregistration delay",
        "revision-timeout-seconds",
        "knative-serving 1.23.0",
        "a month",
        "60 requests, 0 failed",
    ] {
        assert!(html.contains(word), "{word}");
    }
    place.run(&arguments).ok();
    assert_eq!(html, place.read("page.html"), "the same input gives the same bytes");
}
