//! What a Fargate node says about itself, and what pods ask of it (F09).

use crate::value::Value;

use super::set::COMPUTE_TYPE;
use super::value::items;

/// What a Fargate node says about itself under a label.
pub(super) enum Label {
    Is(&'static str),
    /// It is there, with a value that is not known before.
    There,
    Missing,
}

/// What a Fargate node has under a label.
pub(super) fn label(key: &str) -> Label {
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

/// The terms of required node affinity, of which one has to hold.
pub(super) fn node_affinity(spec: &Value) -> &Value {
    &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
}

/// The first expression of a term that no Fargate node fits.
pub(super) fn failing_expression(term: &Value) -> Option<(usize, &str, String)> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::json;

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
