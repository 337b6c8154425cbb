//! What chooses by labels: pods, nodes, namespaces, objects.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go>

use super::at::At;
use super::{Found, meta};
use crate::kubernetes::names;

/// A label selector: its labels, and that In and `NotIn` have values and the others have none.
pub(super) fn labels(found: &mut Found<'_>, selector: &At<'_>) {
    meta::labels(found, selector, "matchLabels");
    for requirement in selector.list("matchExpressions") {
        let values = requirement.list("values");
        match requirement.text("operator") {
            "In" | "NotIn" if values.is_empty() => {
                found.at("missing-field", &requirement.field("values"), "In and NotIn need values");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                found.at("conflict", &requirement.field("values"), "Exists and DoesNotExist have no values");
            }
            _ => {}
        }
        for value in values {
            label_value(found, &value);
        }
    }
}

/// A label selector below `parent`, where there is one.
pub(super) fn labels_of(found: &mut Found<'_>, parent: &At<'_>, key: &str) {
    if let Some(selector) = parent.get(key) {
        labels(found, &selector);
    }
}

/// A text that is the value of a label.
pub(super) fn label_value(found: &mut Found<'_>, at: &At<'_>) {
    found.formed(at, "label-value");
}

/// Whether a label selector is sound enough to be held against labels.
pub(super) fn is_sound(selector: &At<'_>) -> bool {
    selector.list("matchExpressions").iter().all(|requirement| {
        let values = requirement.len("values");
        match requirement.text("operator") {
            "In" | "NotIn" => values > 0,
            "Exists" | "DoesNotExist" => values == 0,
            _ => false,
        }
    })
}

/// What a selector wants and these labels have not.
pub(super) fn misses(selector: &At<'_>, labels: &[(&str, At<'_>)]) -> Vec<String> {
    let label = |key: &str| labels.iter().find(|(k, _)| *k == key).map(|(_, at)| at.own());
    let mut misses = Vec::new();
    for (key, wanted) in selector.map("matchLabels") {
        if label(key) != Some(wanted.own()) {
            misses.push(format!("{key}={}", wanted.own()));
        }
    }
    for requirement in selector.list("matchExpressions") {
        let is = label(requirement.text("key"));
        let listed = is.is_some_and(|is| requirement.texts("values").contains(&is));
        let holds = match requirement.text("operator") {
            "In" => listed,
            "NotIn" => !listed,
            "Exists" => is.is_some(),
            "DoesNotExist" => is.is_none(),
            _ => true,
        };
        if !holds {
            misses.push(format!("{} {}", requirement.text("key"), requirement.text("operator")));
        }
    }
    misses
}

/// Terms that choose nodes, of which one has to be met.
pub(super) fn nodes(found: &mut Found<'_>, selector: &At<'_>) {
    for term in selector.list("nodeSelectorTerms") {
        node_term(found, &term, true);
    }
}

/// One term that chooses nodes. The values of a preferred one may be no label's: then nothing has them.
pub(super) fn node_term(found: &mut Found<'_>, term: &At<'_>, required: bool) {
    for requirement in term.list("matchExpressions") {
        let values = requirement.list("values");
        let at = requirement.field("values");
        match requirement.text("operator") {
            "In" | "NotIn" if values.is_empty() => found.at("missing-field", &at, "In and NotIn need values"),
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                found.at("conflict", &at, "Exists and DoesNotExist have no values");
            }
            "Gt" | "Lt" if values.len() != 1 => found.at("bad-value", &at, "Gt and Lt have one value"),
            _ => {}
        }
        for value in values.iter().filter(|_| required) {
            label_value(found, value);
        }
    }
    for requirement in term.list("matchFields") {
        let values = requirement.list("values");
        match requirement.text("operator") {
            "In" | "NotIn" if values.len() != 1 => {
                found.missing(&requirement, "values", "a field of a node has one value");
            }
            "In" | "NotIn" => {}
            other => {
                found.at("bad-value", &requirement.field("operator"), format!("`{other}` is neither In nor NotIn"));
            }
        }
        if requirement.text("key") == "metadata.name" {
            for value in values.iter().filter(|value| !names::is_subdomain(value.own())) {
                found.bad(value, format!("`{}` is no name of a node", value.own()));
            }
        } else {
            found.at("bad-value", &requirement.field("key"), "a node is chosen by the field metadata.name only");
        }
    }
}

/// `matchLabelKeys` and `mismatchLabelKeys` beside a label selector. `of_pod`: the labels of the pod itself, whose values the
/// API server writes into the selector; a template has none.
pub(super) fn label_keys(found: &mut Found<'_>, term: &At<'_>, of_pod: Option<&[(&str, At<'_>)]>) {
    let selector = term.get("labelSelector");
    let (same, other) = (term.list("matchLabelKeys"), term.texts("mismatchLabelKeys"));
    for key in ["matchLabelKeys", "mismatchLabelKeys"] {
        let keys = term.list(key);
        if keys.is_empty() {
            continue;
        }
        if selector.is_none() {
            found.at("conflict", &term.field(key), "it adds to a labelSelector, and there is none");
            continue;
        }
        for at in &keys {
            found.formed(at, "qualified");
        }
    }
    if let Some(selector) = &selector {
        let mut named: Vec<&str> = selector.map("matchLabels").iter().map(|(key, _)| *key).collect();
        for requirement in selector.list("matchExpressions") {
            let key = requirement.text("key");
            if named.contains(&key)
                && let Some(at) = same.iter().find(|at| at.own() == key)
            {
                found.conflict(at, format!("`{key}` stands in the labelSelector as well"));
            }
            named.push(key);
        }
        // A pod's own values have become requirements of the selector by now.
        for at in &same {
            let has = of_pod.is_some_and(|labels| labels.iter().any(|(key, _)| *key == at.own()));
            if has && named.contains(&at.own()) {
                found.conflict(at, format!("`{}` stands in the labelSelector as well", at.own()));
            }
        }
    }
    for at in same.iter().filter(|at| other.contains(&at.own())) {
        found.conflict(at, format!("`{}` stands in mismatchLabelKeys as well", at.own()));
    }
}
