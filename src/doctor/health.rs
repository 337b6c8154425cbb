//! Whether what is there does what it is there for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::kubectl::{Kubectl, Refusal};
use super::{Finding, Report, Unread, Word, cause};
use crate::fargate::pod::Pod;
use crate::fargate::size::{Requests, Size};
use crate::manifest::collection::Placed;

/// How much of what the cluster says is shown.
const SHOWN: usize = 300;

/// What one object that was rendered says of itself.
pub(super) fn of(report: &mut Report, object: &Placed, live: &Value, kubectl: &mut Kubectl) {
    let id = &object.identity;
    let number = |pointer: &str| live.pointer(pointer).and_then(Value::as_u64);
    match (id.group.as_str(), id.kind.as_str()) {
        ("apps", "Deployment") => match condition(live, "Available") {
            Some(("True", _)) => {}
            Some((_, why)) => unhealthy(report, id, &format!("it is not available: {why}"), None),
            None => {
                let next = "kube-controller-manager has not looked at it yet; look again in a minute";
                unhealthy(report, id, "nothing says that it is available", Some(next));
            }
        },
        ("autoscaling", "HorizontalPodAutoscaler") => {
            if let Some(("False", why)) = condition(live, "ScalingActive") {
                unhealthy(report, id, &format!("it does not scale: {why}"), None);
            }
        }
        ("policy", "PodDisruptionBudget") => {
            let expected = number("/status/expectedPods").unwrap_or_default();
            if expected > 0 && number("/status/disruptionsAllowed").unwrap_or_default() == 0 {
                let (has, needs) =
                    (number("/status/currentHealthy").unwrap_or(0), number("/status/desiredHealthy").unwrap_or(0));
                if has < needs {
                    let what = format!(
                        "it blocks every eviction now: {has} of {expected} pods are healthy, {needs} have to be"
                    );
                    unhealthy(report, id, &what, None);
                } else {
                    report.notes.push(format!(
                        "{id} allows no eviction with {expected} pods, of which {needs} have to be healthy: a node or a Fargate patch waits"
                    ));
                }
            }
        }
        ("networking.k8s.io", "Ingress") => {
            let addresses = live.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
            if addresses.is_none_or(Vec::is_empty) {
                ingress(report, object, kubectl);
            }
        }
        _ => {}
    }
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
            return unhealthy(report, id, "it has no address", None);
        }
    };
    if said.is_empty() {
        let next = "see the controller's log: kubectl logs --namespace kube-system --selector app.kubernetes.io/name=aws-load-balancer-controller --tail 30";
        return unhealthy(report, id, "it has no address, and no controller has said a word about it", Some(next));
    }
    unhealthy(report, id, &format!("it has no address; its events: {}", said.join(" / ")), None);
}

/// Pods of the render's namespaces that do not run, and those that Fargate gave another size than was planned.
pub(super) fn pods(report: &mut Report, objects: &[&Placed], own: &BTreeSet<&str>, kubectl: &mut Kubectl) {
    let of_pods =
        objects.iter().filter(|o| Pod::of(&o.value).is_some()).filter_map(|o| o.identity.namespace.as_deref());
    for namespace in own.iter().copied().chain(of_pods).collect::<BTreeSet<_>>() {
        let pods = match kubectl.list("pods", Some(namespace)) {
            Ok(pods) => pods,
            Err(refusal) => {
                report.unread.push(Unread { what: format!("pods in {namespace}"), why: refusal.words() });
                continue;
            }
        };
        let waits = |pod: &&Value| {
            !matches!(pod.pointer("/status/phase").and_then(Value::as_str), Some("Running" | "Succeeded"))
        };
        let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if pods.iter().any(|pod| waits(&pod)) {
            match kubectl.json(&["get", "events", "--namespace", namespace]) {
                Ok(answer) => {
                    for (name, words) in events(&answer) {
                        said.entry(name).or_default().push(words);
                    }
                }
                Err(refusal) => {
                    report.unread.push(Unread { what: format!("events in {namespace}"), why: refusal.words() });
                }
            }
        }
        for pod in &pods {
            let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            let id = format!("Pod/{namespace}/{name}");
            if waits(&pod) {
                let words = said.get(name).map(|words| words.join(" / ")).unwrap_or_default();
                waiting(report, &id, pod, &words);
            } else if let Some(why) = crash(pod) {
                unhealthy(report, &id, &why, None);
            }
            size(report, &id, pod);
        }
    }
}

fn waiting(report: &mut Report, id: &str, pod: &Value, events: &str) {
    let phase = pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or("of unknown phase");
    let scheduler = pod.pointer("/spec/schedulerName").and_then(Value::as_str).unwrap_or_default();
    let node = pod.pointer("/spec/nodeName").is_some();
    if phase == "Pending" && !node && scheduler == "default-scheduler" {
        let namespace = id.split('/').nth(1).unwrap_or_default();
        let next = format!("make a Fargate profile for namespace {namespace}, then delete the pod, which is made anew");
        let what = "it is Pending: no Fargate profile selected it when it was made (schedulerName is default-scheduler, not fargate-scheduler)";
        return unhealthy(report, id, what, Some(&next));
    }
    let why = [crash(pod).unwrap_or_default(), events.to_owned()];
    let why = why.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(" / ");
    let why = if why.is_empty() { "nothing says why yet".to_owned() } else { why };
    unhealthy(report, id, &format!("it is {phase}: {why}"), None);
}

/// Why a container of a pod waits, if one does.
fn crash(pod: &Value) -> Option<String> {
    let list = |key: &str| pod.pointer(&format!("/status/{key}")).and_then(Value::as_array).into_iter().flatten();
    list("initContainerStatuses").chain(list("containerStatuses")).find_map(|status| {
        let waiting = status.pointer("/state/waiting")?;
        let reason = waiting.get("reason")?.as_str()?;
        let name = status.get("name").and_then(Value::as_str).unwrap_or_default();
        let message = waiting.get("message").and_then(Value::as_str).unwrap_or_default();
        Some(format!("container {name} waits: {reason} {message}").trim_end().to_owned())
    })
}

/// The size that Fargate gave, beside the one that `plan` reckons for the same requests.
fn size(report: &mut Report, id: &str, pod: &Value) {
    let Some(given) = pod.pointer("/metadata/annotations/CapacityProvisioned").and_then(Value::as_str) else { return };
    // An item of a list has neither kind nor version.
    let mut whole = pod.clone();
    whole["apiVersion"] = "v1".into();
    whole["kind"] = "Pod".into();
    let Some(expected) = Pod::of(&whole).and_then(|p| Requests::of(&p).ok()).and_then(|r| Size::of(&r).ok()) else {
        return;
    };
    let plain = |text: &str| text.replace([' ', '/'], "");
    if plain(given) != plain(&expected.to_string()) {
        report.notes.push(format!("{id}: Fargate gave {given}, and `knrender plan` expects {expected}"));
    }
}

/// Knative Services that are not ready.
pub(super) fn services(report: &mut Report, kubectl: &mut Kubectl) {
    let services = match kubectl.list("service.v1.serving.knative.dev", Some("*")) {
        Ok(services) => services,
        Err(Refusal::NotServed) => return,
        Err(refusal) => {
            report.unread.push(Unread { what: "Knative Services".to_owned(), why: refusal.words() });
            return;
        }
    };
    for service in &services {
        let text = |key: &str| service.pointer(key).and_then(Value::as_str).unwrap_or_default();
        let id = format!("Service.serving.knative.dev/{}/{}", text("/metadata/namespace"), text("/metadata/name"));
        match condition(service, "Ready") {
            Some(("True", _)) => {}
            Some((_, why)) => unhealthy(report, &id, &format!("it is not ready: {why}"), None),
            None => unhealthy(report, &id, "it is not ready: Knative's controller has not looked at it", None),
        }
    }
}

/// A finding, with the cause and what to do where the book knows it.
fn unhealthy(report: &mut Report, object: impl ToString, what: &str, next: Option<&str>) {
    let what: String = if what.chars().count() > SHOWN {
        what.chars().take(SHOWN).chain("...".chars()).collect()
    } else {
        what.into()
    };
    let known = if next.is_none() { cause::of(&what) } else { None };
    let next = next.map(str::to_owned).or_else(|| known.map(|known| format!("{}: {}", known.cause, known.next)));
    report.findings.push(Finding::new(Word::Unhealthy, object, what, next));
}

/// Status, and reason with message, of a condition.
fn condition<'v>(object: &'v Value, of: &str) -> Option<(&'v str, String)> {
    let list = object.pointer("/status/conditions")?.as_array()?;
    let found = list.iter().find(|c| c.get("type").and_then(Value::as_str) == Some(of))?;
    let text = |key: &str| found.get(key).and_then(Value::as_str).unwrap_or_default();
    let why = [text("reason"), text("message")].iter().filter(|t| !t.is_empty()).copied().collect::<Vec<_>>();
    Some((text("status"), if why.is_empty() { "no reason is given".to_owned() } else { why.join(": ") }))
}

/// Warnings among events, by the name of their object; each once, the last three of each object.
fn events(answer: &Value) -> Vec<(String, String)> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in answer.get("items").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| event.pointer(key).and_then(Value::as_str).unwrap_or_default();
        if text("/type") != "Warning" {
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
