//! Where pods may run: affinities, spreading, tolerations, gates.

use super::super::at::At;
use super::super::{Found, selectors};
use super::Pod;
use crate::kubernetes::names;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

pub(super) fn check(found: &mut Found<'_>, pod: &Pod<'_, '_>) {
    let spec = pod.spec;
    let labels = pod.metadata.filter(|_| pod.single).map(|metadata| metadata.map("labels"));
    if let Some(affinity) = spec.get("affinity") {
        if let Some(node) = affinity.get("nodeAffinity") {
            if let Some(required) = node.get(REQUIRED) {
                selectors::nodes(found, &required);
            }
            for preference in node.list(PREFERRED).iter().filter_map(|term| term.get("preference")) {
                selectors::node_term(found, &preference, false);
            }
        }
        for kind in ["podAffinity", "podAntiAffinity"] {
            let Some(kind) = affinity.get(kind) else { continue };
            let preferred = kind.list(PREFERRED);
            for term in kind.list(REQUIRED).into_iter().chain(preferred.iter().filter_map(|t| t.get("podAffinityTerm")))
            {
                selectors::labels_of(found, &term, "labelSelector");
                selectors::labels_of(found, &term, "namespaceSelector");
                for namespace in term.list("namespaces") {
                    found.formed(&namespace, "label");
                }
                selectors::label_keys(found, &term, labels.as_deref());
            }
        }
    }
    spreading(found, spec, labels.as_deref());
    tolerations(found, spec);
    let gates = spec.list("schedulingGates");
    found.distinct(&gates, |gate| gate.text("name"));
}

fn spreading(found: &mut Found<'_>, spec: &At<'_>, labels: Option<&[(&str, At<'_>)]>) {
    for constraint in spec.list("topologySpreadConstraints") {
        if let Some(domains) = constraint.get("minDomains")
            && constraint.text("whenUnsatisfiable") != "DoNotSchedule"
        {
            found.conflict(&domains, "it is for whenUnsatisfiable DoNotSchedule");
        }
        selectors::labels_of(found, &constraint, "labelSelector");
        if found.since(34) {
            selectors::label_keys(found, &constraint, labels);
            continue;
        }
        let selector = constraint.get("labelSelector");
        for key in constraint.list("matchLabelKeys") {
            found.formed(&key, "qualified");
            let Some(selector) = &selector else {
                found.conflict(&key, "it adds to a labelSelector, and there is none");
                continue;
            };
            let named = selector.map("matchLabels").iter().any(|(name, _)| *name == key.own())
                || selector.list("matchExpressions").iter().any(|r| r.text("key") == key.own());
            if named {
                found.conflict(&key, format!("`{}` stands in the labelSelector as well", key.own()));
            }
        }
    }
}

/// Tolerations, of a pod or of a class.
pub(in super::super) fn tolerations(found: &mut Found<'_>, parent: &At<'_>) {
    for toleration in parent.list("tolerations") {
        let (key, operator, value) = (toleration.text("key"), toleration.text("operator"), toleration.text("value"));
        if key.is_empty() && operator != "Exists" {
            found.at("conflict", &toleration.field("operator"), "it has to be Exists where there is no key");
        }
        if toleration.has("tolerationSeconds") && toleration.text("effect") != "NoExecute" {
            let what = "it has to be NoExecute where there are tolerationSeconds";
            found.at("conflict", &toleration.field("effect"), what);
        }
        if !key.is_empty() && !names::is_qualified(key) {
            found.at("bad-label", &toleration.field("key"), format!("`{key}` is not a qualified name"));
        }
        match operator {
            "" | "Equal" => found.form(&toleration, "value", "label-value"),
            "Exists" if !value.is_empty() => {
                found.at("conflict", &toleration.field("value"), "there is no value where the operator is Exists");
            }
            "Gt" | "Lt" if found.since(37) && !is_integer(value) => {
                found.at("bad-value", &toleration.field("value"), "Gt and Lt compare with a whole number");
            }
            _ => {}
        }
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && (digits == "0" || !digits.starts_with('0')) && text.parse::<i64>().is_ok()
}
