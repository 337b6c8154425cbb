//! Which revisions get which traffic.
//! Source: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/serving/v1/route_validation.go>

use std::collections::BTreeSet;

use super::super::Found;
use super::super::at::At;
use super::{CODE, names};

/// Checks the targets below a spec. `own`: a Service's, which all are of its own configuration.
pub(super) fn check(found: &mut Found<'_>, spec: Option<&At<'_>>, own: bool) {
    let targets = spec.map(|spec| spec.list("traffic")).unwrap_or_default();
    if own && targets.is_empty() {
        return; // all of it goes to the latest revision
    }
    let mut tags = BTreeSet::new();
    let mut sum: i64 = 0;
    for target in &targets {
        aim(found, target, own);
        let percent = target.int("percent").unwrap_or(0);
        sum = sum.saturating_add(percent);
        if !(0..=100).contains(&percent) {
            found.at(CODE, &target.field("percent"), format!("{percent} is not from 0 to 100"));
        }
        if super::is_set(target, "url") {
            found.at(CODE, &target.field("url"), "Knative writes the address into the status");
        }
        let tag = target.text("tag");
        if tag.is_empty() {
            continue;
        }
        if !names::is_label_1035(tag) {
            let what = format!("`{tag}` is no DNS label that starts with a letter, 63 characters at the most");
            found.at(CODE, &target.field("tag"), what);
        }
        if !tags.insert(tag) {
            found.at(CODE, &target.field("tag"), format!("a second target has the tag `{tag}`"));
        }
    }
    if sum != 100 {
        let what = format!("the percentages of all targets add up to {sum}, and have to be 100");
        found.at(CODE, spec.map_or_else(|| "/spec/traffic".to_owned(), |spec| spec.field("traffic")).as_str(), what);
    }
}

/// What a target names.
fn aim(found: &mut Found<'_>, target: &At<'_>, own: bool) {
    let (revision, configuration) = (target.text("revisionName"), target.text("configurationName"));
    match target.value.get("latestRevision").and_then(crate::value::Value::as_bool) {
        Some(true) if !revision.is_empty() => {
            found.at(CODE, &target.field("latestRevision"), "a target with a revisionName is not the latest revision");
        }
        Some(false) if revision.is_empty() => {
            found.at(
                CODE,
                &target.field("latestRevision"),
                "a target that is not the latest revision needs a revisionName",
            );
        }
        _ => {}
    }
    if own && !configuration.is_empty() {
        found.at(CODE, &target.field("configurationName"), "a Service has a configuration of its own");
    } else if !revision.is_empty() && !configuration.is_empty() {
        found.at(CODE, &target.path, "only one of revisionName, configurationName may stand here");
    } else if !revision.is_empty() || !configuration.is_empty() {
        let (key, name) =
            if revision.is_empty() { ("configurationName", configuration) } else { ("revisionName", revision) };
        if !names::is_qualified(name) {
            found.at(CODE, &target.field(key), format!("`{name}` is not a qualified name"));
        }
    } else if !own {
        found.at(CODE, &target.path, "one of `revisionName`, `configurationName` is needed");
    }
}
