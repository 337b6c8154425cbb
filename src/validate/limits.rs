//! Limits and quotas of a namespace.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>

use std::collections::{BTreeMap, BTreeSet};

use super::Found;
use super::at::At;
use super::resources;
use super::rules::quantity;
use crate::fargate::quantity::Quantity;

type Amounts<'v> = BTreeMap<&'v str, Quantity>;

/// A `LimitRange`.
pub(super) fn range(found: &mut Found<'_>) {
    let object = found.object;
    let Some(spec) = At::root(&object.value).get("spec") else { return };
    let limits = spec.list("limits");
    found.distinct(&limits, |limit| limit.text("type"));
    for limit in &limits {
        check_limit(found, limit);
    }
}

fn check_limit(found: &mut Found<'_>, limit: &At<'_>) {
    let kind = limit.text("type");
    let of_container = matches!(kind, "Container" | "Pod");
    for group in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
        for (name, at) in limit.map(group) {
            if let Some(what) = resources::wrong_for(of_container, name) {
                found.bad(&at, what);
            }
        }
    }
    let amounts = |group: &str| -> Amounts<'_> {
        limit.map(group).iter().filter_map(|(name, at)| Some((*name, quantity(at.value)?))).collect()
    };
    let (min, max, ratio) = (amounts("min"), amounts("max"), amounts("maxLimitRequestRatio"));
    let (mut default, mut request) = (amounts("default"), amounts("defaultRequest"));
    match kind {
        "Pod" => {
            for group in ["default", "defaultRequest"] {
                if limit.len(group) > 0 {
                    found.at("conflict", &limit.field(group), "limits of pods as a whole have no defaults");
                }
            }
        }
        "PersistentVolumeClaim" if !min.contains_key("storage") && !max.contains_key("storage") => {
            found.missing(limit, "max", "a limit of claims has a min or a max of storage");
        }
        "Container" => {
            // What is not said follows from what is.
            for (name, amount) in &max {
                default.entry(name).or_insert(*amount);
            }
            for (name, amount) in default.iter().chain(&min) {
                request.entry(name).or_insert(*amount);
            }
        }
        _ => {}
    }
    let mut order = |low: &str, lows: &Amounts<'_>, high: &str, highs: &Amounts<'_>| {
        for (name, less) in lows {
            if highs.get(name).is_some_and(|more| less > more) {
                let at = if limit.get(low).is_some_and(|l| l.has(name)) { low } else { high };
                let at = crate::pointer::below(&limit.field(at), name);
                found.at("conflict", &at, format!("{low} of {name} is more than its {high}"));
            }
        }
    };
    order("min", &min, "max", &max);
    order("min", &min, "defaultRequest", &request);
    order("defaultRequest", &request, "max", &max);
    order("defaultRequest", &request, "default", &default);
    order("min", &min, "default", &default);
    order("default", &default, "max", &max);
    for (name, ratio) in &ratio {
        let at = crate::pointer::below(&limit.field("maxLimitRequestRatio"), name);
        if *ratio < Quantity::from_units(1) {
            found.at("bad-value", &at, "it is less than 1");
        }
        if let (Some(min), Some(max)) = (min.get(name), max.get(name)) {
            // Exactly: ratio > max / min.
            let over = ratio.milli().checked_mul(min.milli()).is_none_or(|product| product > max.milli() * 1000);
            // Below 0, the quotient is less than any ratio that may be.
            if over && min.milli() > 0 || min.milli() < 0 && max.milli() >= 0 {
                found.at("conflict", &at, format!("it is more than max of {name} divided by min"));
            }
        }
    }
    for (name, asked) in &request {
        let whole = resources::is_huge(name) || !resources::is_native(name);
        if whole && default.get(name).is_some_and(|default| default != asked) {
            let at = crate::pointer::below(&limit.field("defaultRequest"), name);
            found.at("conflict", &at, format!("it has to be as much as the default of {name}"));
        }
    }
}

const SCOPES: [&str; 7] = [
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
];

/// Whether a scope can choose what a quota counts of this resource.
fn scope_fits(scope: &str, resource: &str) -> bool {
    let compute = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
    match scope {
        "BestEffort" => resource == "pods",
        "CrossNamespacePodAffinity" | "NotBestEffort" | "NotTerminating" | "PriorityClass" | "Terminating" => {
            resource == "pods" || compute.contains(&resource)
        }
        "VolumeAttributesClass" => matches!(resource, "persistentvolumeclaims" | "requests.storage"),
        _ => true,
    }
}

/// A `ResourceQuota`.
pub(super) fn quota(found: &mut Found<'_>) {
    let object = found.object;
    let Some(spec) = At::root(&object.value).get("spec") else { return };
    let hard = spec.map("hard");
    for (name, at) in &hard {
        if let Some(what) = resources::wrong_for_quota(name) {
            found.bad(at, what);
        }
        if let Some(what) = quantity(at.value).and_then(|amount| resources::wrong_amount(name, amount)) {
            found.bad(at, what);
        }
    }
    let scope = |found: &mut Found<'_>, name: &str, at: &str| {
        if !SCOPES.contains(&name) {
            found.at("bad-value", at, format!("`{name}` is none of {}", SCOPES.join(", ")));
        }
        for (resource, _) in hard.iter().filter(|(resource, _)| resources::is_of_quotas(resource)) {
            if !scope_fits(name, resource) {
                found.at("conflict", at, format!("scope {name} does not choose {resource}"));
            }
        }
    };
    for at in spec.list("scopes") {
        scope(found, at.own(), &at.path);
    }
    opposites(found, &spec.texts("scopes").into_iter().collect(), &spec.field("scopes"));
    let Some(selector) = spec.get("scopeSelector") else { return };
    let mut named = BTreeSet::new();
    for requirement in selector.list("matchExpressions") {
        let (name, operator) = (requirement.text("scopeName"), requirement.text("operator"));
        if name.is_empty() {
            found.bad(&requirement, "it names no scope");
            continue;
        }
        named.insert(name);
        scope(found, name, &requirement.field("scopeName"));
        if !matches!(name, "PriorityClass" | "VolumeAttributesClass") && SCOPES.contains(&name) && operator != "Exists"
        {
            found.at("bad-value", &requirement.field("operator"), format!("scope {name} takes Exists only"));
        }
        let values = requirement.len("values");
        match operator {
            "In" | "NotIn" if values == 0 => found.missing(&requirement, "values", "In and NotIn need values"),
            "Exists" | "DoesNotExist" if values > 0 => {
                found.at("conflict", &requirement.field("values"), "Exists and DoesNotExist have no values");
            }
            _ => found.one_of(&requirement, "operator", &["In", "NotIn", "Exists", "DoesNotExist"]),
        }
    }
    opposites(found, &named, &selector.path);
}

fn opposites(found: &mut Found<'_>, scopes: &BTreeSet<&str>, at: &str) {
    for (one, other) in [("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")] {
        if scopes.contains(one) && scopes.contains(other) {
            found.at("conflict", at, format!("{one} and {other} exclude each other"));
        }
    }
}
