//! Pods of the render's namespaces: why they do not run or are not ready, and the size that Fargate gave them.

use std::collections::{BTreeMap, BTreeSet};

use crate::value::Value;

use super::super::cause::{self, Of};
use super::super::kubectl::{Kubectl, Refusal};
use super::super::logs::Talker;
use super::super::{Report, Unread};
use super::{condition, events, found, unhealthy, why};
use crate::fargate::pod::Pod;
use crate::fargate::size::{Requests, Size};
use crate::manifest::collection::Placed;

/// How the load balancer controller calls the conditions that say whether a pod is a healthy target.
/// Source: <https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/pod_readiness_gate/>
const TARGET: &str = "target-health.elbv2.k8s.aws/";

/// The namespaces that are looked into.
pub(super) fn namespaces<'o>(objects: &[&'o Placed], own: &BTreeSet<&'o str>) -> BTreeSet<&'o str> {
    let of_pods =
        objects.iter().filter(|o| Pod::of(&o.value).is_some()).filter_map(|o| o.identity.namespace.as_deref());
    own.iter().copied().chain(of_pods).collect()
}

pub(super) fn look(report: &mut Report, objects: &[&Placed], own: &BTreeSet<&str>, kubectl: &mut Kubectl) {
    for namespace in namespaces(objects, own) {
        let pods = match kubectl.list("pods", Some(namespace)) {
            Ok(pods) => pods,
            Err(refusal) => {
                report.unread.push(Unread { what: format!("pods in {namespace}"), why: refusal.words() });
                continue;
            }
        };
        let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if pods.iter().any(|pod| !is_well(pod)) {
            match kubectl.json(&["get", "events", "--namespace", namespace]) {
                Ok(answer) => {
                    for (name, words) in events(&answer) {
                        said.entry(name).or_default().push(words);
                    }
                }
                Err(Refusal::NotServed) => {}
                Err(refusal) => {
                    report.unread.push(Unread { what: format!("events in {namespace}"), why: refusal.words() });
                }
            }
        }
        for pod in pods {
            let name = pod.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let words = said.get(&name).map(|words| words.join(" / ")).unwrap_or_default();
            one(report, namespace, &name, &pod, &words);
            report.live.push(pod);
        }
    }
    targets(report, objects, kubectl);
}

fn phase(pod: &Value) -> &str {
    pod.pointer("/status/phase").and_then(Value::as_str).unwrap_or("of unknown phase")
}

fn is_well(pod: &Value) -> bool {
    match phase(pod) {
        "Succeeded" => true,
        "Running" => !matches!(condition(pod, "Ready"), Some(("False", _))) && waiting(pod).is_none(),
        _ => false,
    }
}

fn one(report: &mut Report, namespace: &str, name: &str, pod: &Value, events: &str) {
    let id = format!("Pod/{namespace}/{name}");
    // One that goes away is neither ready nor a fault.
    let goes = pod.pointer("/metadata/deletionTimestamp").is_some();
    if !goes && !is_well(pod) {
        unwell(report, &id, pod, events);
    }
    restarts(report, &id, pod);
    size(report, &id, pod);
    if !goes {
        talkers(report, namespace, name, pod);
    }
}

fn unwell(report: &mut Report, id: &str, pod: &Value, events: &str) {
    let phase = phase(pod);
    let scheduler = pod.pointer("/spec/schedulerName").and_then(Value::as_str).unwrap_or_default();
    let has_node = pod.pointer("/spec/nodeName").is_some();
    if phase == "Pending"
        && !has_node
        && let Some(known) = cause::of_scheduler(scheduler)
    {
        let what =
            format!("it is Pending: nothing brings it a node (its scheduler is {scheduler}, not fargate-scheduler)");
        return found(report, id, &what, Some(known));
    }
    let gates = gates(pod);
    let why = [waiting(pod).unwrap_or_default(), gates, events.to_owned()];
    let why = why.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>().join(" / ");
    let what = match (phase, condition(pod, "Ready")) {
        ("Running", Some(("False", not_ready))) if why.is_empty() => format!("it runs and is not ready: {not_ready}"),
        ("Running", _) => format!("it runs and is not ready: {why}"),
        _ if why.is_empty() => format!("it is {phase}: nothing says why yet"),
        _ => format!("it is {phase}: {why}"),
    };
    unhealthy(report, id, Of::Pod, &what);
}

/// Why a container of a pod waits, if one does.
fn waiting(pod: &Value) -> Option<String> {
    let (name, waiting) = statuses(pod).find_map(|status| Some((status, status.pointer("/state/waiting")?)))?;
    let name = name.get("name").and_then(Value::as_str).unwrap_or_default();
    // Of a container that crashed, the end says more than the wait.
    let ended = statuses(pod).find_map(|status| status.pointer("/lastState/terminated")).map(ended);
    let ended = ended.map_or(String::new(), |ended| format!("; it ended before: {ended}"));
    Some(format!("container {name} waits: {}{ended}", why(waiting)))
}

fn statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .filter_map(|key| pod.pointer(&format!("/status/{key}")).and_then(Value::as_array))
        .flatten()
}

/// How a container ended.
fn ended(terminated: &Value) -> String {
    let code = terminated.get("exitCode").and_then(Value::as_i64).unwrap_or_default();
    format!("{} (exit code {code})", why(terminated))
}

/// What the load balancer says of the pod as a target.
fn gates(pod: &Value) -> String {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let is_gate = |c: &&Value| c.get("type").and_then(Value::as_str).is_some_and(|of| of.starts_with(TARGET));
    let fails = |c: &&Value| c.get("status").and_then(Value::as_str) == Some("False");
    let said: Vec<String> =
        conditions.filter(is_gate).filter(fails).map(|c| format!("the load balancer says: {}", why(c))).collect();
    said.join(" / ")
}

/// Containers that run and had ended before by running out of memory.
fn restarts(report: &mut Report, id: &str, pod: &Value) {
    for status in statuses(pod) {
        let Some(terminated) = status.pointer("/lastState/terminated") else { continue };
        if status.pointer("/state/running").is_none() {
            continue;
        }
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let count = status.get("restartCount").and_then(Value::as_u64).unwrap_or_default();
        let (name, when) = (text(status, "name"), text(terminated, "finishedAt"));
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        let mut note = format!("{id}: container {name} was restarted {times}, last at {when}: {}", ended(terminated));
        if let Some(known) = cause::of(Of::Pod, &why(terminated)) {
            note = format!("{note}; {}: {}", known.cause, known.next);
        }
        report.notes.push(note);
    }
}

/// The size that Fargate gave, beside the one that `plan` reckons for the same requests.
fn size(report: &mut Report, id: &str, pod: &Value) {
    let Some(given) = pod.pointer("/metadata/annotations/CapacityProvisioned").and_then(Value::as_str) else { return };
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

/// Containers that have something to tell: those that ran and are not well.
fn talkers(report: &mut Report, namespace: &str, pod: &str, value: &Value) {
    for status in statuses(value) {
        let has = |key: &str| status.pointer(key).is_some();
        let ready = status.get("ready").and_then(Value::as_bool).unwrap_or_default();
        let done = status.pointer("/state/terminated/exitCode").and_then(Value::as_i64) == Some(0);
        let talks = has("/state/running") || has("/state/terminated");
        let container = status.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut add = |previous| {
            report.talkers.insert(Talker::Container {
                namespace: namespace.to_owned(),
                pod: pod.to_owned(),
                container: container.clone(),
                previous,
            });
        };
        if talks && !ready && !done {
            add(false);
        }
        if has("/lastState/terminated") && !ready {
            add(true);
        }
    }
}

/// Target groups of the gateway's namespaces, where the cluster shows that a controller has not taken them up.
fn targets(report: &mut Report, objects: &[&Placed], kubectl: &mut Kubectl) {
    let spaces: BTreeSet<&str> = objects
        .iter()
        .filter(|o| o.identity.kind == "Ingress")
        .filter_map(|o| o.identity.namespace.as_deref())
        .collect();
    for namespace in spaces {
        let Ok(bindings) = kubectl.list("targetgroupbindings.elbv2.k8s.aws", Some(namespace)) else { continue };
        for binding in &bindings {
            let text = |key: &str| binding.pointer(key).and_then(Value::as_str).unwrap_or_default();
            let id = format!("TargetGroupBinding.elbv2.k8s.aws/{namespace}/{}", text("/metadata/name"));
            let number = |key: &str| binding.pointer(key).and_then(Value::as_i64);
            if text("/spec/targetType") == "instance" {
                let next = "an ALB reaches Fargate's pods by IP alone: alb.ingress.kubernetes.io/target-type: ip";
                super::advise(report, &id, "its targets are instances, of which Fargate has none", next);
            } else if number("/status/observedGeneration") != number("/metadata/generation") {
                let next = "see the controller's log (--logs): it registers pods as targets";
                super::advise(report, &id, "the load balancer controller has not looked at its newest form", next);
            }
            let conditions = binding.pointer("/status/conditions").and_then(Value::as_array).into_iter().flatten();
            for condition in conditions.filter(|c| c.get("status").and_then(Value::as_str) == Some("False")) {
                let of = condition.get("type").and_then(Value::as_str).unwrap_or_default();
                unhealthy(report, &id, Of::Ingress, &format!("{of} is False: {}", why(condition)));
            }
            report.live.push(binding.clone());
        }
    }
}
