//! The verdicts of real servers in `../shared/corpora`: agreement with them never falls. CI prints it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::GzDecoder;

use crate::support::run::{Place, measured, shared};
use knrender::kubernetes::Version;
use knrender::manifest::collection::{Collection, Placed};
use knrender::validate::Validation;
use knrender::value::Value;
use knrender::yaml;

/// What must hold of a corpus. These only ever get smaller.
struct Floor {
    missed: usize,
    in_vain: usize,
}

/// Objects with one change each, and what a kube-apiserver 1.36.2 said.
const KUBERNETES: Floor = Floor { missed: 2, in_vain: 0 };

/// The same with the webhook of Knative Serving 1.23.
const KNATIVE: Floor = Floor { missed: 0, in_vain: 0 };

/// An object with what a server has to know beside it, and whether it was taken.
struct Row {
    objects: Vec<Placed>,
    /// Whether the object could be read at all.
    whole: bool,
    accepted: bool,
}

/// The rows of a corpus. What stands beside an object is asked of the row's own `with` and of `beside`.
fn rows(name: &str, beside: impl Fn(&Value) -> Vec<Placed>) -> Option<Vec<Row>> {
    let file = std::fs::File::open(shared("corpora")?.join(format!("{name}.jsonl.gz"))).unwrap();
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let row = |line: &str| {
        let row: Value = serde_json::from_str(line).unwrap();
        let mut collection = Collection::default();
        for object in row["with"].as_array().into_iter().flatten().chain([&row["object"]]) {
            collection.add("object.json", &object.to_string());
        }
        let objects = [beside(&row["object"]), collection.objects].concat();
        Row { objects, whole: collection.broken.is_empty(), accepted: row["accepted"] == true }
    };
    Some(text.lines().map(row).collect())
}

/// Whether `validate` finds an error in a row's own objects.
fn is_refused(row: &Row, errors: &BTreeSet<String>) -> bool {
    let only: Vec<_> = row.objects.iter().map(|object| &*object.file == "object.json").collect();
    let validation = Validation { target: Version::one(36), objects: &row.objects, complete: false, only: Some(&only) };
    let findings = validation.run(&[]).unwrap();
    !row.whole || findings.iter().any(|finding| errors.contains(finding.code))
}

/// The codes of errors.
fn errors() -> BTreeSet<String> {
    let pages: Value = yaml::parse(include_str!("../data/validate/checks.yaml")).unwrap();
    let errors = pages.as_array().unwrap().iter().filter(|page| page["severity"] == "error");
    errors.map(|page| page["code"].as_str().unwrap().to_owned()).collect()
}

/// Says the agreement, and holds it.
fn hold(name: &str, rows: &[Row], floor: &Floor) {
    let errors = errors();
    let verdicts: Vec<_> = rows.iter().map(|row| (row.accepted, is_refused(row, &errors))).collect();
    let count = |accepted: bool, refused: bool| verdicts.iter().filter(|its| **its == (accepted, refused)).count();
    let (missed, in_vain) = (count(false, false), count(true, true));
    #[allow(clippy::cast_precision_loss, reason = "thousands")]
    let agreement = 100.0 * (rows.len() - missed - in_vain) as f64 / rows.len() as f64;
    let (taken, not) = (count(true, false) + in_vain, count(false, true) + missed);
    let said = format!(
        "{agreement:.2} % agreement on {} objects; {missed} of {not} refusals missed, {in_vain} of {taken} refused in vain",
        rows.len()
    );
    measured(name, &said);
    assert!(missed <= floor.missed && in_vain <= floor.in_vain, "{name}: below the floor");
}

#[test]
fn a_real_api_server_agrees() {
    let Some(rows) = rows("k8s-open", |_| Vec::new()) else { return };
    hold("k8s-open", &rows, &KUBERNETES);
}

/// Knative's objects stand beside their CRDs, as a default render has them.
#[test]
fn knatives_real_webhook_agrees() {
    let Some(place) = Place::with_upstream() else { return };
    let mut render = Collection::default();
    render.add("render", &place.run(&[]).ok().stdout);
    let defines = |crd: &Placed, kind: &Value| {
        crd.identity.kind == "CustomResourceDefinition" && crd.value["spec"]["names"]["kind"] == *kind
    };
    let crd = |object: &Value| render.objects.iter().filter(|crd| defines(crd, &object["kind"])).cloned().collect();
    let Some(rows) = rows("knative-open", crd) else { return };
    hold("knative-open", &rows, &KNATIVE);
}
