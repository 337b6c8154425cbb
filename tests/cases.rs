//! Cases from public reports in `../shared/cases`, whose first lines say what is right.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::run::{Place, shared};
use serde_json::Value;

/// What is said of a case: the judge and the code of a finding, or `unread` with words of why.
const SAID: &[(&str, &str, &str)] = &[
    ("01-s3fuse", "lint", "daemon-set privileged host-path-volume"),
    ("02-efscsi", "lint", "host-network host-port privileged"),
    ("05-efs-dynamic-sts", "lint", "volume-claim-dynamic"),
    ("06-ebs", "lint", "volume-claim-dynamic"),
    ("10-no-target-type", "lint", "ingress-target-type"),
    ("11-nlb-intree", "lint", "load-balancer-needs-nodes"),
    ("12-instance", "lint", "ingress-target-type"),
    ("15-action-not-json", "lint", "alb-annotation-refused alb-annotation-unused http-not-redirected"),
    ("21-pdb-one", "lint", "budget-blocks-eviction"),
    ("22-spec-typo", "validate", "unknown-field missing-field"),
    ("23-true-key", "validate", "unknown-field missing-field"),
    ("26-volumes-level", "validate", "unknown-field"),
    ("28-env-secret", "validate", "unknown-field selector-mismatch"),
    ("30-crd-cost", "validate", "crd-invalid"),
    ("35-ksvc-badscale", "validate", "knative-refused"),
    ("36-hpa-beta", "validate", "api-removed"),
    ("37-hpa-oldshape", "validate", "unknown-field missing-field"),
    ("39-cron-tz", "validate", "bad-value unknown-field"),
    ("45-too-big", "lint", "too-large"),
    ("46-annotation-size", "lint", "capacity-asked-for"),
    ("47-limits-over", "lint", "limit-above-size"),
    ("49-port-name", "validate", "bad-value"),
    ("50-ingress-old", "validate", "unknown-field bad-value missing-field"),
    ("75-crd-nested-addl", "validate", "crd-invalid"),
    ("81-eksctl-profiles", "lint", "fargate-profile-refused"),
    ("84-dup-key", "validate", "key-twice"),
    ("85-ksvc-init-pvc", "validate", "knative-refused"),
    ("86-ksvc-traffic", "validate", "knative-refused"),
    ("89-autoscaler-config", "lint", "knative-config-refused"),
    ("89-autoscaler-config", "validate", "knative-config"),
    ("91-cel-optionaloldself", "validate", "bad-value"),
    ("97-removed-rbac-name", "validate", "api-removed"),
];

fn cases() -> Option<BTreeMap<String, PathBuf>> {
    let folder = shared("cases")?;
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: PathBuf| (path.file_stem().unwrap().to_string_lossy().into_owned(), path);
    Some(files.filter(|path| path.extension().is_some_and(|e| e == "yaml")).map(named).collect())
}

fn judged(place: &Place, judge: &str, path: &Path, version: &str) -> Value {
    let path = path.display().to_string();
    let version = if judge == "validate" { vec!["--kubernetes", version] } else { Vec::new() };
    place.run(&[&[judge, &path, "--format", "json"], version.as_slice()].concat()).json()
}

fn codes(report: &Value, severity: Option<&str>) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let wanted = findings.filter(|f| severity.is_none_or(|severity| f["severity"] == severity));
    wanted.map(|f| f["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_right_is_not_refused_and_what_a_server_refuses_is() {
    let Some(cases) = cases() else { return };
    let place = Place::new();
    for (name, path) in &cases {
        let first = fs::read_to_string(path).unwrap().lines().next().unwrap().to_owned();
        // The one that is right up to 1.35 says so in words of its own.
        let version = if first.contains("up to 1.35") { "1.35" } else { "1.36" };
        if name.split_once(".ok").is_some_and(|(_, rest)| rest.is_empty()) {
            assert_eq!(codes(&judged(&place, "validate", path, version), Some("error")), [""; 0], "{name}");
        } else if name.starts_with("m-") {
            let version = first.split("Kubernetes ").nth(1).unwrap().split(';').next().unwrap();
            assert_ne!(codes(&judged(&place, "validate", path, version), Some("error")), [""; 0], "{name}");
        }
    }
}

#[test]
fn what_is_wrong_is_told_with_its_code() {
    let Some(cases) = cases() else { return };
    let place = Place::new();
    for (name, judge, wanted) in SAID {
        let report = judged(&place, judge, &cases[*name], "1.36");
        let found = codes(&report, None);
        for code in wanted.split(' ') {
            assert!(found.iter().any(|found| found == code), "{name}: {code} is not in {found:?}");
        }
    }
    let refused = judged(&place, "lint", &cases["89-autoscaler-config"], "1.36");
    assert_eq!(codes(&refused, Some("error")), ["knative-config-refused"; 5]);
    let removed = judged(&place, "validate", &cases["97-removed-rbac-name"], "1.36");
    assert_eq!(codes(&removed, Some("error")), ["api-removed"]);
}

#[test]
fn what_has_to_be_built_is_named_and_an_item_of_a_list_has_its_own_line() {
    let Some(cases) = cases() else { return };
    let place = Place::new();
    for (name, build) in [
        ("99-kustomization", "build it first: `kubectl kustomize "),
        ("100-helm-template", "`helm template DIR | knrender validate -`"),
    ] {
        let report = judged(&place, "validate", &cases[name], "1.36");
        assert!(report["unread"][0]["why"].as_str().unwrap().contains(build), "{name}: {report}");
        assert_eq!(codes(&report, None), [""; 0], "{name}");
    }
    let report = judged(&place, "validate", &cases["101-list-lines"], "1.36");
    assert_eq!(report["findings"][0]["line"], 11);
}
