//! The verdicts of a real API server in `../shared/corpora`: agreement with it never falls.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::run::shared;
use knrender::kubernetes::Version;
use knrender::manifest::collection::Collection;
use knrender::validate::Validation;
use knrender::value::Value;
use knrender::yaml;

/// Whether `validate` finds an error in an object, with the CRD that it comes with if any.
fn is_refused(row: &Value, errors: &BTreeSet<String>) -> bool {
    let mut collection = Collection::default();
    for crd in row["with"].as_array().into_iter().flatten() {
        collection.add("crd.json", &crd.to_string());
    }
    collection.add("object.json", &row["object"].to_string());
    let target = Version::one(36);
    let validation = Validation { target, objects: &collection.objects, complete: false, only: None };
    let findings = validation.run(&[]).unwrap();
    !collection.broken.is_empty() || findings.iter().any(|finding| errors.contains(finding.code))
}

/// The codes of errors.
fn errors() -> BTreeSet<String> {
    let pages: Value = yaml::parse(include_str!("../data/validate/checks.yaml")).unwrap();
    let errors = pages.as_array().unwrap().iter().filter(|page| page["severity"] == "error");
    errors.map(|page| page["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_real_api_server_agrees() {
    let Some(corpora) = shared("corpora") else { return };
    let output = Command::new("gzip").arg("-dc").arg(corpora.join("k8s-open.jsonl.gz")).output().unwrap();
    let rows: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() >= 3000);
    let errors = errors();
    let mut missed = 0;
    let mut in_vain = 0;
    for row in &rows {
        match (row["accepted"] == true, is_refused(row, &errors)) {
            (true, true) => in_vain += 1,
            (false, false) => missed += 1,
            _ => {}
        }
    }
    let agreed = 100.0 * f64::from(3000 - missed - in_vain) / 3000.0;
    let said = format!("{agreed:.2} % agreement, {missed} missed, {in_vain} refused in vain");
    assert!(missed <= FLOOR.0 && in_vain <= FLOOR.1, "{said}");
}

/// How many may be missed, and how many refused in vain. These only ever get smaller.
const FLOOR: (i32, i32) = (2, 0);
