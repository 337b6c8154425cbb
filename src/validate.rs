//! Objects against what a Kubernetes API server takes, without one: `knrender validate`, and every render before it is
//! written. An error is what `kubectl apply --dry-run=server` with strict validation refuses.
//!
//! [`shape`](self) checks fields and types by a table that is derived from Kubernetes' own schemas (`model`); the other
//! modules check what the API server looks at beyond single fields, by subject. `references` looks at all objects at once.

use std::collections::BTreeMap;

use crate::value::Value;

use crate::findings::allow::{self, Allowance};
use crate::findings::{Finding, Place};
use crate::kubernetes::{RemovedApis, Version, names};
use crate::manifest::collection::Placed;
use crate::manifest::object::is_kubernetes_group;
use crate::manifest::recognise;
use crate::parallel;
use at::At;
use model::Model;

mod access;
mod admission;
mod at;
mod autoscaling;
mod certificates;
mod claims;
mod config;
pub mod coverage;
mod custom;
mod devices;
mod endpoints;
mod events;
mod flow;
mod jobs;
mod knative;
mod limits;
mod meta;
pub mod model;
mod network;
mod nodes;
mod pods;
mod policies;
mod references;
mod resources;
mod rules;
mod say;
mod selectors;
mod shape;
mod storage;
#[cfg(test)]
mod tests;
mod volume_sources;
mod webhooks;
mod workloads;

/// What is held against what.
#[derive(Clone, Copy, Debug)]
pub struct Validation<'v> {
    /// The Kubernetes version.
    pub target: Version,
    /// All objects.
    pub objects: &'v [Placed],
    /// Whether the objects are all there will be, so that a reference to what is not among them leads nowhere.
    pub complete: bool,
    /// Which objects are looked at; the others are there to be referred to. `None`: all.
    pub only: Option<&'v [bool]>,
}

/// What Knative's webhook refuses of a `ConfigMap` among its settings, each by field; `None` where the object is of a Knative
/// whose webhook is not known.
pub(crate) fn knative_settings(object: &Placed) -> Option<Vec<(String, String)>> {
    if is_before_known_knative(object) {
        return None;
    }
    let mut findings = Vec::new();
    knative::settings(&mut Found { object, target: model::KNOWN.1, findings: &mut findings });
    Some(findings.into_iter().filter_map(|finding| Some((finding.place?.field.to_string(), finding.what))).collect())
}

/// Whether an object tells by its labels that it is of a Knative before those whose webhook is known.
pub(crate) fn is_before_known_knative(object: &Placed) -> bool {
    knative::is_before_known(object)
}

/// What was found so far, the object that is looked at, and the Kubernetes version that would look at it.
pub(crate) struct Found<'f> {
    object: &'f Placed,
    target: Version,
    findings: &'f mut Vec<Finding>,
}

impl Found<'_> {
    /// Something at a field, which is a JSON pointer. `what` is a sentence without its full stop.
    fn at(&mut self, code: &'static str, field: &str, what: impl Into<String>) {
        self.findings.push(Finding {
            code,
            place: Some(Place::of(self.object, field)),
            what: what.into(),
            allowed: None,
        });
    }

    /// Whether the target is this minor version of Kubernetes 1, or a later one.
    fn since(&self, minor: u16) -> bool {
        self.target.minor >= minor
    }
}

impl Validation<'_> {
    fn due(&self) -> impl Iterator<Item = &Placed> {
        let due = |i: usize| self.only.is_none_or(|only| only.get(i) == Some(&true));
        self.objects.iter().enumerate().filter(move |(i, _)| due(*i)).map(|(_, object)| object)
    }

    /// Checks some of the objects, each by itself.
    fn part(
        &self,
        objects: &[&Placed],
        model: &Model,
        crds: &custom::Definitions<'_>,
        removed: &RemovedApis,
        webhook: &knative::Webhook<'_>,
        webhooks: &webhooks::Webhooks<'_>,
    ) -> Part {
        let mut findings = Vec::new();
        let mut unchecked = BTreeMap::new();
        for object in objects.iter().filter(|object| !recognise::is_for_a_tool(object)) {
            let start = findings.len();
            let mut found = Found { object, target: model.version(), findings: &mut findings };
            let api = &object.head.api_version;
            let own = model.kind(api, &object.identity.kind);
            let foreign = own.is_none() && (crds.has_group(&object.identity.group) || !is_own(object, model, removed));
            meta::check(&mut found, own, foreign, self.complete);
            if let Some(kind) = own {
                shape::check(model, kind.type_name, &object.value, &mut found);
                kinds(&mut found, kind.type_name);
            } else if !foreign {
                api_unknown(&mut found, model, removed);
            } else if crds.check(&mut found, model) {
                if object.head.metadata.is_object() {
                    shape::part(model, "meta.v1.ObjectMeta", &object.head.metadata, "/metadata", &mut found);
                }
            } else if let Some(near) = crds.near(&object.identity.group, &object.identity.kind) {
                let what = format!("no CRD of the group defines {}; did you mean {near}?", object.identity.kind);
                found.at("api-unknown", "/kind", what);
            } else if let Some((field, what)) = served_by_none(object) {
                found.at("api-unknown", field, what);
            } else {
                *unchecked.entry(format!("{} of {api}", object.identity.kind)).or_insert(0) += 1;
            }
            if foreign {
                let group = &object.identity.group;
                webhooks.excuse(group, crds.plural(group, &object.identity.kind), &mut findings[start..]);
            }
            if knative::fills(webhook, object) {
                let filled =
                    |f: &Finding| f.code == "missing-field" && field(f).is_some_and(|f| f.starts_with("/spec"));
                let own = findings.split_off(start);
                findings.extend(own.into_iter().filter(|finding| !filled(finding)));
            }
            let mut refused = Vec::new();
            let mut found = Found { object, target: model.version(), findings: &mut refused };
            knative::check(&mut found, webhook, model, crds.has_group(&object.identity.group));
            for finding in refused {
                // What the API server says of a field, it says before it asks the webhook.
                let is_known = |known: &Finding| field(known) == field(&finding);
                if !findings[start..].iter().any(is_known) {
                    findings.push(finding);
                }
            }
        }
        Part { findings, unchecked, rules: crds.take_unchecked() }
    }

    /// Everything that is to be said, in the order of file, line, code and field, with what `allowances` cover marked.
    ///
    /// # Errors
    /// In words, that a table in the binary is none; a test keeps that from happening.
    pub fn run(&self, allowances: &[Allowance]) -> Result<Vec<Finding>, String> {
        let model = Model::of(self.target);
        let removed = RemovedApis::embedded()?;
        let crds = custom::Definitions::of(self.objects);
        let webhook = knative::Webhook::of(self.objects);
        let webhooks = webhooks::Webhooks::of(self.objects);
        let due: Vec<&Placed> = self.due().collect();
        let state = || (Model::of(self.target), custom::Definitions::of(self.objects));
        let parts = parallel::over(&due, 200, state, |(model, crds), objects| {
            self.part(objects, model, crds, &removed, &webhook, &webhooks)
        });
        let mut findings = Vec::new();
        let mut unchecked = BTreeMap::new();
        for part in parts {
            findings.extend(part.findings);
            crds.add_unchecked(part.rules);
            for (kind, count) in part.unchecked {
                *unchecked.entry(kind).or_insert(0) += count;
            }
        }
        crds.say_unchecked(&mut findings);
        duplicates(self.objects, &mut findings);
        references::check(self, &model, &mut findings);
        for (kind, count) in unchecked {
            let objects = crate::shown::objects(count);
            findings.push(Finding {
                code: "not-checked",
                place: None,
                what: format!("{objects} of kind {kind}: no CRD among the objects says what they may hold"),
                allowed: None,
            });
        }
        Ok(allow::settle(findings, allowances))
    }
}

/// What was found of some of the objects, each by itself.
struct Part {
    findings: Vec<Finding>,
    /// Objects that no CRD is there for, by kind.
    unchecked: BTreeMap<String, usize>,
    /// Rules that were not evaluated.
    rules: custom::Unchecked,
}

/// The field that a finding is about.
fn field(finding: &Finding) -> Option<&str> {
    finding.place.as_ref().map(|place| place.field.as_str())
}

/// The checks of a kind, beyond its fields.
fn kinds(found: &mut Found<'_>, type_name: &str) {
    let (group, kind) = (type_name.split('.').next().unwrap_or_default(), found.object.identity.kind.as_str());
    if matches!(group, "admissionregistration" | "resource") {
        custom::expressions(found);
    }
    match (group, kind) {
        ("apps", "ControllerRevision") => workloads::revision(found),
        ("apps" | "batch", _) | ("core", "Pod" | "PodTemplate" | "ReplicationController") => workloads::check(found),
        ("autoscaling", _) => autoscaling::check(found),
        ("policy", "PodDisruptionBudget") => workloads::budget(found),
        ("core", "Service") | ("networking", "Ingress" | "NetworkPolicy") => network::check(found),
        ("networking", "IngressClass") => network::ingress_class(found),
        ("networking", "ServiceCIDR") => network::service_cidr(found),
        ("admissionregistration", "ValidatingAdmissionPolicy") => policies::check(found, false, false),
        ("admissionregistration", "ValidatingAdmissionPolicyBinding") => policies::check(found, true, false),
        ("admissionregistration", "MutatingAdmissionPolicy") => policies::check(found, false, true),
        ("admissionregistration", "MutatingAdmissionPolicyBinding") => policies::check(found, true, true),
        ("admissionregistration" | "apiregistration", _) => admission::check(found),
        ("apiextensions", _) => custom::definition(found),
        ("rbac", _) => access::check(found),
        ("core", "ConfigMap" | "Secret") | ("scheduling", "PriorityClass") => config::check(found),
        ("core", "PersistentVolumeClaim") => {
            let object = found.object;
            claims::spec(found, &At::root(&object.value), false);
        }
        ("core", "PersistentVolume") => claims::volume(found),
        ("core", "LimitRange") => limits::range(found),
        ("core", "ResourceQuota") => limits::quota(found),
        ("core", "Endpoints") => endpoints::endpoints(found),
        ("discovery", _) => endpoints::slice(found),
        ("core", "Event") => events::event(found, false),
        ("events", "Event") => events::event(found, true),
        ("coordination", "Lease") => events::lease(found),
        ("core", "Node") => nodes::node(found),
        ("core", "Namespace") => nodes::namespace(found),
        ("node", _) => nodes::runtime_class(found),
        ("storage", _) => storage::check(found),
        ("resource", _) => devices::check(found),
        ("flowcontrol", "FlowSchema") => flow::schema(found),
        ("flowcontrol", "PriorityLevelConfiguration") => flow::level(found),
        ("certificates", "CertificateSigningRequest") => certificates::request(found),
        _ => {}
    }
}

/// Whether an object is of a group that Kubernetes itself has or had. Others may end in k8s.io as well, and come with CRDs.
fn is_own(object: &Placed, model: &Model, removed: &RemovedApis) -> bool {
    let group = &object.identity.group;
    is_kubernetes_group(group)
        && (!group.contains('.') || model.has_group(group) || removed.gone(&object.head, model.version()).is_some())
}

/// An API of Kubernetes' own that the target does not serve.
fn api_unknown(found: &mut Found<'_>, model: &Model, removed: &RemovedApis) {
    let (head, target) = (&found.object.head, model.version());
    let (api, kind) = (head.api_version.clone(), head.kind.clone());
    if let Some(gone) = removed.gone(head, target) {
        let instead = gone.to.as_ref().map_or("nothing took its place".to_owned(), |to| format!("use {to}"));
        found.at(
            "api-removed",
            "/apiVersion",
            format!("Kubernetes serves {kind} in {api} no longer since {}: {instead}", gone.removed_in),
        );
        return;
    }
    let apis = model.apis(&kind);
    let instead =
        if apis.is_empty() { "it has no such kind".to_owned() } else { format!("there it is in {}", apis.join(", ")) };
    found.at("api-unknown", "/apiVersion", format!("Kubernetes {target} has no {kind} in {api}; {instead}"));
}

/// What no API server can serve, whatever CRDs it has: names that no CRD may have.
fn served_by_none(object: &Placed) -> Option<(&'static str, String)> {
    let (api, kind) = (&object.head.api_version, &object.identity.kind);
    let (group, version) = api.split_once('/').unwrap_or(("", api));
    if !names::is_subdomain(group) || !names::is_label_1035(version) {
        return Some(("/apiVersion", format!("`{api}` is not a group and a version, such as example.com/v1")));
    }
    let good = names::is_label_1035(&kind.to_ascii_lowercase());
    (!good).then(|| ("/kind", format!("`{kind}` is no name of a kind: letters and digits")))
}

/// One object twice.
fn duplicates(objects: &[Placed], findings: &mut Vec<Finding>) {
    let mut seen: BTreeMap<_, &Placed> = BTreeMap::new();
    for object in objects.iter().filter(|object| !object.identity.name.is_empty()) {
        if let Some(first) = seen.insert(&object.identity, object) {
            let what = format!("it is there twice, first in {}, line {}: the later one wins", first.file, first.line);
            findings.push(Finding { code: "object-twice", place: Some(Place::of(object, "")), what, allowed: None });
        }
    }
}

/// A text below an object, empty where there is none.
fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
