//! Where a pod asks to run (F09, F13, F14).

use serde_json::Value;

use super::set::{COMPUTE_TYPE, Set, Template, entries, items};
use super::{Check, Found, images};
use crate::pointer;

pub(super) const CHECKS: &[Check] = &[
    Check { code: "not-x86-linux", run: not_x86_linux },
    Check { code: "node-selector", run: node_selector },
    Check { code: "pod-affinity-required", run: pod_affinity_required },
    Check { code: "topology-spread", run: topology_spread },
];

/// What a Fargate node says about itself under a label.
enum Label {
    Is(&'static str),
    /// It is there, with a value that is not known before.
    There,
    Missing,
}

fn label(key: &str) -> Label {
    match key {
        "kubernetes.io/os" | "beta.kubernetes.io/os" => Label::Is("linux"),
        "kubernetes.io/arch" | "beta.kubernetes.io/arch" => Label::Is("amd64"),
        COMPUTE_TYPE => Label::Is("fargate"),
        "topology.kubernetes.io/zone"
        | "topology.kubernetes.io/region"
        | "failure-domain.beta.kubernetes.io/zone"
        | "failure-domain.beta.kubernetes.io/region" => Label::There,
        _ => Label::Missing,
    }
}

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
            let field = pod.spec_field(&format!("/nodeSelector/{}", pointer::escape(key)));
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

/// The terms of required node affinity, of which one has to hold.
fn node_affinity(spec: &Value) -> &Value {
    &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
}

/// The first expression of a term that no Fargate node fits.
fn failing_expression(term: &Value) -> Option<(usize, &str, String)> {
    items(&term["matchExpressions"]).enumerate().find_map(|(i, expression)| {
        let key = expression["key"].as_str()?;
        let operator = expression["operator"].as_str()?;
        let values: Vec<&str> = items(&expression["values"]).filter_map(Value::as_str).collect();
        let fits = match (operator, label(key)) {
            ("In", Label::Is(known)) => values.contains(&known),
            ("NotIn", Label::Is(known)) => !values.contains(&known),
            ("In" | "NotIn" | "Exists", Label::There) | ("Exists", Label::Is(_)) => true,
            ("NotIn" | "DoesNotExist", Label::Missing) => true,
            ("In" | "Exists" | "Gt" | "Lt", Label::Missing) => false,
            ("DoesNotExist" | "Gt" | "Lt", _) => false,
            // Not an operator: the API server says so.
            _ => true,
        };
        let asked = format!("{key} {operator} {}", values.join(", "));
        (!fits).then(|| (i, key, asked.trim_end().to_owned()))
    })
}

/// Whether a pod says by affinity that it must not run on Fargate, as the `DaemonSet`s that EKS itself installs do.
pub(super) fn shuns_fargate(spec: &Value) -> bool {
    let terms = node_affinity(spec);
    let shuns = |term: &Value| failing_expression(term).is_some_and(|(_, key, _)| key == COMPUTE_TYPE);
    items(terms).next().is_some() && items(terms).all(shuns)
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_affinity_term_that_a_fargate_node_fits_is_enough() {
        let term = |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        for fits in [
            term("kubernetes.io/arch", "In", &["arm64", "amd64"]),
            term("node-role.kubernetes.io/control-plane", "DoesNotExist", &[]),
            term("karpenter.sh/nodepool", "NotIn", &["spot"]),
            term("topology.kubernetes.io/zone", "In", &["eu-west-1a"]),
            term(COMPUTE_TYPE, "In", &["fargate"]),
        ] {
            assert_eq!(failing_expression(&fits), None, "{fits}");
        }
        for fails in [
            term("kubernetes.io/arch", "In", &["arm64"]),
            term("karpenter.sh/nodepool", "Exists", &[]),
            term("node.kubernetes.io/instance-type", "In", &["m5.large"]),
            term(COMPUTE_TYPE, "NotIn", &["fargate"]),
        ] {
            assert!(failing_expression(&fails).is_some(), "{fails}");
        }
    }
}
