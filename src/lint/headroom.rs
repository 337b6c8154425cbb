//! What is paid for and not asked for, and autoscalers whose threshold lies above what a pod can use (K03, sizing).

use std::collections::BTreeMap;

use crate::value::Value;

use super::set::{Object, Set, Template};
use super::value::{items, number};
use super::{Check, Found};
use crate::fargate::pod::Workload;
use crate::fargate::quantity::{Cpu, Memory, Quantity};
use crate::fargate::size::{Requests, Size, quantity};

pub(super) const CHECKS: &[Check] = &[
    Check::of("hpa-never-triggers", hpa_never_triggers),
    Check::of("request-below-size", request_below_size),
    Check::of("limit-above-size", limit_above_size),
    Check::of("capacity-asked-for", capacity_asked_for),
];

/// How far above its target, in percent, a use has to be before an HPA acts.
/// Source: <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details>
const TOLERANCE: i128 = 10;

fn hpa_never_triggers(set: &Set<'_>, found: &mut Found) {
    if set.all("autoscaling", "HorizontalPodAutoscaler").next().is_none() {
        return;
    }
    let mut workloads: BTreeMap<[&str; 3], &Template<'_>> = BTreeMap::new();
    for pod in set.pods() {
        let workload = pod.object;
        workloads.entry([workload.namespace(), workload.kind(), workload.name()]).or_insert(pod);
    }
    for hpa in set.all("autoscaling", "HorizontalPodAutoscaler") {
        let target = &hpa.value["spec"]["scaleTargetRef"];
        let (Some(kind), Some(name)) = (target["kind"].as_str(), target["name"].as_str()) else { continue };
        let Some(pod) = workloads.get(&[hpa.namespace(), kind, name]) else { continue };
        for (i, metric) in items(&hpa.value["spec"]["metrics"]).enumerate() {
            let resource = &metric["resource"];
            let percent = number(&resource["target"]["averageUtilization"]);
            if metric["type"] == "Resource"
                && let (Some(percent), Some(name)) = (percent, resource["name"].as_str())
            {
                let at = format!("/spec/metrics/{i}/resource/target/averageUtilization");
                judge(hpa, pod, name, percent, at, found);
            }
        }
        if let Some(percent) = number(&hpa.value["spec"]["targetCPUUtilizationPercentage"]) {
            judge(hpa, pod, "cpu", percent, "/spec/targetCPUUtilizationPercentage".to_owned(), found);
        }
    }
}

/// Tells when all that a pod can use is not enough for the HPA to act.
fn judge(hpa: &Object<'_>, pod: &Template<'_>, resource: &str, percent: i64, at: String, found: &mut Found) {
    let Ok(requests) = Requests::of(&pod.pod) else { return };
    let Ok(size) = Size::of(&requests) else { return };
    let (asked, has) = match resource {
        "cpu" => (requests.cpu.milli(), size.milli),
        "memory" => (requests.memory.units(), size.usable()),
        _ => return,
    };
    // What the containers may use together: the limit of each, and what the size has where one has none.
    let limit = |container: &Value| {
        let amount = quantity(container["resources"]["limits"].get(resource), resource).ok()?;
        Some(if resource == "cpu" { amount.milli() } else { amount.units() }).filter(|amount| *amount > 0)
    };
    let limits: Option<Vec<i128>> = pod.pod.containers(false).map(|(_, container)| limit(container)).collect();
    let most = limits.map_or(has, |limits| limits.iter().sum::<i128>().min(has));
    if asked == 0 || most * 100 * 100 > asked * i128::from(percent) * (100 + TOLERANCE) {
        return;
    }
    let share = most * 100 / asked;
    found.at(
        hpa,
        at,
        format!(
            "the pods of {} can use {share} % of the {resource} that they ask for, and no pod is added before {} %",
            pod.object.name(),
            i128::from(percent) * (100 + TOLERANCE) / 100
        ),
    );
}

fn request_below_size(set: &Set<'_>, found: &mut Found) {
    for pod in
        set.pods().filter(|pod| !matches!(pod.pod.workload, Workload::Knative | Workload::Job | Workload::Template))
    {
        let Ok(requests) = Requests::of(&pod.pod) else { continue };
        let Ok(size) = Size::of(&requests) else { continue };
        if requests.cpu.milli() == 0 && requests.memory.units() == 0 {
            continue;
        }
        let far_below = |asked: i128, has: i128| asked * 2 < has;
        if far_below(requests.cpu.milli(), size.milli) && far_below(requests.memory.units(), size.usable()) {
            let has = (Cpu(Quantity::from_milli(size.milli)), Memory(Quantity::from_units(size.usable())));
            let what = format!(
                "the pod asks for {} CPU and {} of memory, and {size} is paid for, of which {} and {} are its own",
                Cpu(requests.cpu),
                Memory(requests.memory),
                has.0,
                has.1
            );
            found.at(pod.object, pod.spec_field("/containers"), what);
        }
    }
}

fn limit_above_size(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods().filter(|pod| !matches!(pod.pod.workload, Workload::Template)) {
        let Ok(requests) = Requests::of(&pod.pod) else { continue };
        let Ok(size) = Size::of(&requests) else { continue };
        for container in &pod.containers {
            for (resource, has) in
                [("cpu", Quantity::from_milli(size.milli)), ("memory", Quantity::from_units(size.usable()))]
            {
                let limit = &container.value["resources"]["limits"][resource];
                let Ok(limit) = quantity(Some(limit), resource) else { continue };
                if limit > has {
                    let field = container.field(&format!("/resources/limits/{resource}"));
                    let shown = |amount| {
                        if resource == "cpu" { Cpu(amount).to_string() } else { Memory(amount).to_string() }
                    };
                    let what = format!(
                        "container `{}` may use {} of {resource}, and {size} has {} for the pod",
                        container.name,
                        shown(limit),
                        shown(has)
                    );
                    found.at(pod.object, field, what);
                }
            }
        }
    }
}

/// The annotation in which EKS says what size a pod got.
const CAPACITY: &str = "CapacityProvisioned";

fn capacity_asked_for(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods() {
        if let Some(size) = pod.metadata["annotations"][CAPACITY].as_str() {
            let field = format!("{}/metadata/annotations/{CAPACITY}", pod.at);
            found.at(pod.object, field, format!("the annotation asks for `{size}`, and nobody reads it"));
        }
    }
}
