//! Where a pod asks to run (F09, F13, F14).

use super::node::{Label, failing_expression, label, node_affinity};
use super::set::{Set, Template};
use super::value::{entries, items};
use super::{Check, Found, images};
use crate::pointer;

pub(super) const CHECKS: &[Check] = &[
    Check::of("not-x86-linux", not_x86_linux),
    Check::of("node-selector", node_selector),
    Check::of("pod-affinity-required", pod_affinity_required),
    Check::of("topology-spread", topology_spread),
];

/// Whether a label is about the kind of machine, which is a rule of its own.
fn is_about_machine(key: &str) -> bool {
    key.ends_with("kubernetes.io/os") || key.ends_with("kubernetes.io/arch")
}

/// What a pod asks of its node that no Fargate node has: label, field, and what is asked, in words.
struct Unmet<'s> {
    key: &'s str,
    field: String,
    asked: String,
}

fn unmet<'s>(pod: &Template<'s>) -> Vec<Unmet<'s>> {
    let mut found = Vec::new();
    for (key, value) in entries(&pod.spec["nodeSelector"]) {
        let met = match label(key) {
            Label::Is(known) => value == known,
            Label::There => true,
            Label::Missing => false,
        };
        if !met {
            let field = pod.spec_field(&pointer::below("/nodeSelector", key));
            found.push(Unmet { key, field, asked: format!("nodeSelector {key}: {}", value.as_str().unwrap_or("?")) });
        }
    }
    let terms = node_affinity(pod.spec);
    let failing: Vec<_> = items(terms).map(failing_expression).collect();
    if !failing.is_empty()
        && failing.iter().all(Option::is_some)
        && let Some(Some((i, key, asked))) = failing.into_iter().next()
    {
        let field = pod.spec_field(&format!("{REQUIRED}/nodeSelectorTerms/0/matchExpressions/{i}"));
        found.push(Unmet { key, field, asked: format!("node affinity {asked}") });
    }
    found
}

const REQUIRED: &str = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution";

fn not_x86_linux(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods() {
        for unmet in unmet(pod).iter().filter(|unmet| is_about_machine(unmet.key)) {
            found.at(pod.object, &*unmet.field, format!("the pod asks for another machine: {}", unmet.asked));
        }
        if let Some(os) = pod.spec["os"]["name"].as_str().filter(|os| *os != "linux") {
            found.at(pod.object, pod.spec_field("/os/name"), format!("the pod asks for {os}"));
        }
        for container in &pod.containers {
            if let Some(image) = container.value["image"].as_str().filter(|image| images::is_for_another_machine(image))
            {
                let what = format!("container `{}` has an image for another machine, {image}", container.name);
                found.at(pod.object, container.field("/image"), what);
            }
        }
    }
}

fn node_selector(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods() {
        for unmet in unmet(pod).iter().filter(|unmet| !is_about_machine(unmet.key)) {
            found.at(pod.object, &*unmet.field, format!("no Fargate node fits {}", unmet.asked));
        }
    }
}

fn pod_affinity_required(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods() {
        for kind in ["podAffinity", "podAntiAffinity"] {
            let key = "requiredDuringSchedulingIgnoredDuringExecution";
            if items(&pod.spec["affinity"][kind][key]).next().is_some() {
                let what = format!("the required {kind} has no effect");
                found.at(pod.object, pod.spec_field(&format!("/affinity/{kind}/{key}")), what);
            }
        }
    }
}

fn topology_spread(set: &Set<'_>, found: &mut Found) {
    for pod in set.pods() {
        let keys: Vec<_> =
            items(&pod.spec["topologySpreadConstraints"]).map(|c| c["topologyKey"].as_str().unwrap_or("?")).collect();
        if !keys.is_empty() {
            let what = format!("the pods are not spread by {}", keys.join(", "));
            found.at(pod.object, pod.spec_field("/topologySpreadConstraints"), what);
        }
    }
}
