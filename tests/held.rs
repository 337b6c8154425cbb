//! Promise: renders stay what they are. The digest of every rendered file of both stacks stands in `out/DIGESTS`, and all
//! text that is ours in snapshots. After a change on purpose: `KNRENDER_UPDATE=1 INSTA_UPDATE=always cargo test`, and read
//! the diff.

#![allow(clippy::unwrap_used, clippy::panic, clippy::format_push_string)]

use std::fs;
use std::path::Path;

use crate::support::run::Place;
use knrender::digest::Sha256Hex;
use knrender::ledger::Deed;
use knrender::report::Provenance;

const ARN: &str = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";
const CONTROLLER: [&str; 6] = ["--cluster-name", "prod", "--region", "eu-west-1", "--vpc-id", "vpc-0123456789abcdef0"];

/// The renders that are held in place, by name.
fn renders() -> Vec<(&'static str, Vec<&'static str>)> {
    let https = ["--domain", "apps.example.com", "--certificate-arn", ARN, "--scheme", "internal"];
    vec![
        ("default", vec![]),
        (
            "default-with-everything",
            [&https[..], &CONTROLLER, &["--internal-tls", "--with", "autoscaler-hpa", "--with", "upgrade-jobs"]]
                .concat(),
        ),
        ("gloo-1.3.9", vec!["--gloo", "v1.3.9"]),
        ("gloo-1.8.0", [&["--gloo", "v1.8.0"], &CONTROLLER[..]].concat()),
        ("knative-1.21", vec!["--knative", "1.21"]),
        ("knative-1.22", vec!["--knative", "1.22"]),
        ("seed-1.3.9", vec!["--gloo", "v1.3.9", "--rule-set", "seed"]),
        ("seed-1.8.0", [&["--gloo", "v1.8.0", "--rule-set", "seed"], &CONTROLLER[..]].concat()),
    ]
}

#[test]
fn every_rendered_file_has_the_digest_that_is_held() {
    let Some(place) = Place::with_upstream() else { return };
    let mut held =
        "# sha256 of every file of the renders that tests/held.rs makes from real upstream files.\n".to_owned();
    for (name, flags) in renders() {
        held.push_str(&format!("\n# {name}: knrender {}\n", [&flags[..], &["--out", "out"]].concat().join(" ")));
        place.run(&[&flags[..], &["--out", name]].concat()).ok();
        for (path, text) in place.tree(name) {
            held.push_str(&format!("{}  {name}/{path}\n", Sha256Hex::of(text.as_bytes())));
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("out/DIGESTS");
    if std::env::var_os("KNRENDER_UPDATE").is_some() {
        fs::write(&file, &held).unwrap();
    }
    let before = fs::read_to_string(&file).unwrap_or_default();
    let drift: Vec<_> = held.lines().filter(|line| !before.lines().any(|l| l == *line)).collect();
    assert!(before == held, "out/DIGESTS does not hold:\n{}", drift.join("\n"));
}

#[test]
fn the_changes_by_rule_are_held() {
    let Some(place) = Place::with_upstream() else { return };
    for (name, flags) in renders() {
        place.run(&[&flags[..], &["--out", name]].concat()).ok();
        let provenance: Provenance =
            serde_json::from_str(&place.read(&format!("{name}/about/provenance.json"))).unwrap();
        let mut lines = String::new();
        for entry in &provenance.ledger {
            lines.push_str(&format!(
                "{} {} {}\n",
                entry.reason.rule,
                entry.deed.heading().to_lowercase(),
                entry.object
            ));
            if let Deed::Changed { fields } = &entry.deed {
                for field in fields {
                    let within = field.within.as_ref().map(|w| format!(" at {w}")).unwrap_or_default();
                    lines.push_str(&format!("    {}{within}\n", field.path));
                }
            }
        }
        insta::assert_snapshot!(format!("ledger-{name}"), lines);
    }
}

#[test]
fn the_summaries_are_held() {
    let Some(place) = Place::with_upstream() else { return };
    for (name, flags) in renders().into_iter().filter(|(name, _)| !name.starts_with("knative")) {
        insta::assert_snapshot!(
            format!("summary-{name}"),
            place.run(&[&flags[..], &["--out", "out"]].concat()).ok().stderr
        );
    }
}

#[test]
fn the_ingress_is_held() {
    let Some(place) = Place::with_upstream() else { return };
    for (name, flags) in [
        ("kourier", vec![]),
        ("kourier-https", vec!["--domain", "apps.example.com", "--certificate-arn", ARN]),
        ("gloo", vec!["--gloo", "v1.3.9"]),
        ("seed", vec!["--gloo", "v1.3.9", "--rule-set", "seed"]),
    ] {
        let stream = place.run(&flags).ok().stdout;
        let ours = stream.split("---\n").find(|d| d.contains("\nkind: Ingress\n")).unwrap();
        insta::assert_snapshot!(format!("ingress-{name}"), ours);
    }
}

#[test]
fn the_helps_are_held() {
    let place = Place::new();
    for command in [
        "",
        "render",
        "explain",
        "lint",
        "validate",
        "plan",
        "report",
        "simulate",
        "init",
        "app",
        "upstream",
        "upstream list",
        "upstream lock",
        "upstream fetch",
        "upstream mirror",
        "completions",
    ] {
        let arguments: Vec<_> = command.split(' ').filter(|w| !w.is_empty()).chain(["--help"]).collect();
        insta::assert_snapshot!(format!("help-{}", command.replace(' ', "-")), place.run(&arguments).ok().stdout);
    }
}

#[test]
fn the_lock_and_the_list_are_held() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--gloo", "v1.3.9", "--out", "out"]).ok();
    insta::assert_snapshot!("lock", place.read("knrender.lock"));
    insta::assert_snapshot!("upstream-list", place.run(&["upstream", "list"]).ok().stdout);
}

#[test]
fn explain_is_held() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--gloo", "v1.3.9", "--out", "out"]).ok();
    for (name, object) in [
        ("changed", "Service/gloo-system/knative-external-proxy"),
        ("left-out", "gateway/gateway-proxy"),
        ("added", "Ingress/knative-external-proxy"),
        ("untouched", "Deployment/activator"),
    ] {
        insta::assert_snapshot!(format!("explain-{name}"), place.run(&["explain", object]).ok().stdout);
    }
    let json = place.run(&["explain", "--format", "json", "Namespace/gloo-system"]).ok().json();
    assert_eq!(json[0]["ledger"][0]["rule"], "helm-hook-off-the-namespace");
}

#[test]
fn the_json_report_carries_summary_and_provenance() {
    let Some(place) = Place::with_upstream() else { return };
    let ran = place.run(&["--out", "out", "--format", "json"]).ok();
    assert_eq!(ran.stderr, "");
    let report = ran.json();
    assert_eq!(report["summary"]["batches"]["knative-kourier-fargate-first-batch.yaml"], 71);
    assert_eq!(report["provenance"]["sources"][0]["vouched_by"], "catalog");
}

#[test]
fn no_output_names_a_folder_of_this_machine() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--gloo", "v1.3.9", "--out", "out", "--rules", &place.path("rules").display().to_string()]).fails(2);
    place.write(
        "rules/a.yaml",
        "- {rule: a, why: b, match: {kind: Ingress, name: 'knative*'}, merge: {metadata: {labels: {a: b}}}}",
    );
    place.run(&["--gloo", "v1.3.9", "--out", "out", "--rules", &place.path("rules").display().to_string()]).ok();
    let here = place.path("").display().to_string();
    let mut files = place.tree("out");
    files.insert("knrender.lock".into(), place.read("knrender.lock"));
    for (path, text) in files {
        assert!(!text.contains(here.trim_end_matches('/')) && !text.contains("shared/upstream"), "{path}");
    }
}
