//! Whether what is there does what it is there for.

use std::collections::{BTreeMap, BTreeSet};

use crate::value::Value;

use super::cause::{self, Cause, Of};
use super::kubectl::{Kubectl, Refusal, listing};
use super::logs::Talker;
use super::{Finding, Report, Subject, Unread, Word};
use crate::manifest::collection::Placed;

mod controller;
mod older;
mod pods;
mod webhooks;

/// How much of what the cluster says is shown.
const SHOWN: usize = 300;
/// Knative Services, as kubectl lists them.
const SERVICES: (&str, Option<&str>) = ("service.v1.serving.knative.dev", Some("*"));

/// What is asked for beside the rendered kinds, whatever comes of it.
pub(super) fn requests(objects: &[&Placed], own: &BTreeSet<&str>) -> Vec<Vec<String>> {
    let pods = pods::namespaces(objects, own).into_iter().map(|namespace| listing("pods", Some(namespace)));
    let mut all: Vec<Vec<String>> = pods.collect();
    all.push(listing(SERVICES.0, SERVICES.1));
    all.extend(webhooks::requests(objects));
    all.extend(controller::requests());
    all.extend(older::requests());
    all
}

/// What shows only when all is looked at.
pub(super) fn all(
    report: &mut Report,
    objects: &[&Placed],
    own: &BTreeSet<&str>,
    subject: &Subject<'_>,
    kubectl: &mut Kubectl,
) {
    let waits_for_alb = report.findings.iter().any(|f| f.word == Word::Unhealthy && f.object.starts_with("Ingress/"));
    webhooks::look(report, objects, kubectl);
    controller::look(report, objects, subject, waits_for_alb, kubectl);
    pods::look(report, objects, own, kubectl);
    services(report, kubectl);
    older::look(report, subject.server, kubectl);
}

/// What one object that was rendered says of itself.
pub(super) fn of(report: &mut Report, object: &Placed, live: &Value, kubectl: &mut Kubectl) {
    let id = &object.identity;
    match (id.group.as_str(), id.kind.as_str()) {
        ("apps", "Deployment") => deployment(report, &id.to_string(), live),
        ("autoscaling", "HorizontalPodAutoscaler") => {
            for of in ["AbleToScale", "ScalingActive"] {
                if let Some(("False", why)) = condition(live, of) {
                    unhealthy(report, id, Of::Hpa, &format!("it does not scale: {why}"));
                }
            }
        }
        ("policy", "PodDisruptionBudget") => budget(report, object, live),
        ("networking.k8s.io", "Ingress") => {
            let addresses = live.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
            if addresses.is_none_or(Vec::is_empty) {
                ingress(report, object, kubectl);
            }
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => {
            if let Some((status @ ("False" | "Unknown"), why)) = condition(live, "Established") {
                unhealthy(report, id, Of::Deployment, &format!("it is not served (Established {status}): {why}"));
            }
            older::stored(report, object, live);
        }
        _ => {}
    }
}

fn deployment(report: &mut Report, id: &str, live: &Value) {
    if let Some(("True", why)) = condition(live, "ReplicaFailure") {
        unhealthy(report, id, Of::Deployment, &format!("its pods are refused: {why}"));
        return;
    }
    let number = |key: &str| live.pointer(&format!("/status/{key}")).and_then(Value::as_u64).unwrap_or_default();
    let pods = format!("{} of {} pods are ready", number("readyReplicas"), number("replicas"));
    match condition(live, "Available") {
        Some(("True", _)) => {}
        Some((_, why)) => unhealthy(report, id, Of::Deployment, &format!("it is not available, {pods}: {why}")),
        None => {
            let next = "kube-controller-manager has not looked at it yet; look again in a minute";
            advise(report, id, "nothing says that it is available", next);
        }
    }
}

fn budget(report: &mut Report, object: &Placed, live: &Value) {
    let id = &object.identity;
    let number = |key: &str| live.pointer(&format!("/status/{key}")).and_then(Value::as_u64).unwrap_or_default();
    let (expected, allowed) = (number("expectedPods"), number("disruptionsAllowed"));
    let (has, needs) = (number("currentHealthy"), number("desiredHealthy"));
    if expected == 0 || allowed > 0 || needs == 0 {
        return;
    }
    let what = format!("it blocks every eviction now: {has} of {expected} pods are healthy, and {needs} have to be");
    let next = if has < needs {
        "see why its pods are not healthy; Fargate cannot patch their nodes until then"
    } else {
        "allow one pod to go (maxUnavailable: 1), or run one more: Fargate cannot patch their nodes otherwise"
    };
    advise(report, id, &what, next);
}

fn ingress(report: &mut Report, object: &Placed, kubectl: &mut Kubectl) {
    let id = &object.identity;
    let selector = format!("involvedObject.kind=Ingress,involvedObject.name={}", id.name);
    let namespace = id.namespace.as_deref().unwrap_or("default");
    let answer = kubectl.json(&["get", "events", "--namespace", namespace, "--field-selector", &selector]);
    let said = match answer {
        Ok(answer) => events(&answer).into_iter().map(|(_, said)| said).collect::<Vec<_>>(),
        Err(refusal) => {
            report.unread.push(Unread { what: format!("events of {id}"), why: refusal.words() });
            return unhealthy(report, id, Of::Ingress, "it has no address");
        }
    };
    if said.is_empty() {
        let known = cause::named("no-controller");
        return found(report, id, "it has no address, and nobody has said a word about it", known);
    }
    unhealthy(report, id, Of::Ingress, &format!("it has no address; its events: {}", said.join(" / ")));
}

/// Knative Services that are not ready.
fn services(report: &mut Report, kubectl: &mut Kubectl) {
    let services = match kubectl.list(SERVICES.0, SERVICES.1) {
        Ok(services) => services,
        Err(Refusal::NotServed) => return,
        Err(refusal) => {
            report.unread.push(Unread { what: "Knative Services".to_owned(), why: refusal.words() });
            return;
        }
    };
    let mut all_ready = true;
    for service in &services {
        let text = |key: &str| service.pointer(key).and_then(Value::as_str).unwrap_or_default();
        let id = format!("Service.serving.knative.dev/{}/{}", text("/metadata/namespace"), text("/metadata/name"));
        match condition(service, "Ready") {
            Some(("True", _)) => continue,
            Some((_, why)) => unhealthy(report, &id, Of::Service, &format!("it is not ready: {why}")),
            None => {
                advise(
                    report,
                    &id,
                    "it is not ready",
                    "Knative's controller has not looked at it: see its log (--logs)",
                );
            }
        }
        all_ready = false;
    }
    if !all_ready {
        let label = "app=controller".to_owned();
        report.talkers.insert(Talker::Label { namespace: "knative-serving".to_owned(), label });
    }
}

/// A finding, with the cause and what to do where the book knows it.
fn unhealthy(report: &mut Report, object: impl ToString, of: Of, what: &str) {
    let known = cause::of(of, what);
    found(report, object, what, known);
}

/// A finding of a cause, with what to do.
fn found(report: &mut Report, object: impl ToString, what: &str, known: Option<Cause>) {
    let mut finding = Finding::new(Word::Unhealthy, object, short(what), None);
    if let Some(known) = known {
        // `Kind/namespace/name`
        let namespace = finding.object.split('/').nth(1).unwrap_or_default();
        finding.next = Some(known.advice(namespace));
        finding.cause = Some(known.name);
        finding.see = Some(known.see);
    }
    report.findings.push(finding);
}

/// A finding with what to do.
fn advise(report: &mut Report, object: impl ToString, what: &str, next: &str) {
    report.findings.push(Finding::new(Word::Unhealthy, object, short(what), Some(next.to_owned())));
}

fn short(what: &str) -> String {
    if what.chars().count() > SHOWN { what.chars().take(SHOWN).chain("...".chars()).collect() } else { what.to_owned() }
}

/// Status, and reason with message, of a condition.
fn condition<'v>(object: &'v Value, of: &str) -> Option<(&'v str, String)> {
    let list = object.pointer("/status/conditions")?.as_array()?;
    let found = list.iter().find(|c| c.get("type").and_then(Value::as_str) == Some(of))?;
    Some((found.get("status").and_then(Value::as_str).unwrap_or_default(), why(found)))
}

/// Reason and message of a condition, or of the state of a container.
fn why(condition: &Value) -> String {
    let text = |key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default();
    let why = [text("reason"), text("message")].iter().filter(|t| !t.is_empty()).copied().collect::<Vec<_>>();
    if why.is_empty() { "no reason is given".to_owned() } else { why.join(": ") }
}

/// What Fargate says of every pod where logging is not set up, and which is no fault.
const NO_FAULT: &str = "LoggingDisabled";

/// Warnings among events, by the name of their object; each once, the last three of each object.
fn events(answer: &Value) -> Vec<(String, String)> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut events: Vec<&Value> = answer.get("items").and_then(Value::as_array).into_iter().flatten().collect();
    let when = |event: &Value| {
        let text = |key: &str| event.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        [text("lastTimestamp"), text("eventTime"), text("firstTimestamp")].into_iter().max().unwrap_or_default()
    };
    events.sort_by_key(|event| when(event));
    for event in events {
        let text = |key: &str| event.pointer(key).and_then(Value::as_str).unwrap_or_default();
        if text("/type") != "Warning" || text("/reason") == NO_FAULT {
            continue;
        }
        let said = format!("{}: {}", text("/reason"), text("/message"));
        let list = found.entry(text("/involvedObject/name").to_owned()).or_default();
        list.retain(|other| *other != said);
        list.push(said);
    }
    let last = |list: Vec<String>| list.into_iter().rev().take(3).collect::<Vec<_>>().into_iter().rev();
    found.into_iter().flat_map(|(name, list)| last(list).map(move |said| (name.clone(), said))).collect()
}
