//! Roles and their bindings.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/rbac/validation/validation.go>

use super::at::At;
use super::{Found, selectors};
use crate::kubernetes::names;

pub(super) fn check(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    match object.identity.kind.as_str() {
        "Role" | "ClusterRole" => {
            for rule in root.list("rules") {
                check_rule(found, &rule, object.identity.kind == "Role");
            }
            let Some(aggregation) = root.get("aggregationRule") else { return };
            let selectors = aggregation.list("clusterRoleSelectors");
            if selectors.is_empty() {
                let at = aggregation.field("clusterRoleSelectors");
                found.at("missing-field", &at, "an aggregationRule has a selector or more");
            }
            for selector in selectors {
                selectors::labels(found, &selector);
            }
        }
        kind => binding(found, &root, kind == "ClusterRoleBinding"),
    }
}

fn check_rule(found: &mut Found<'_>, rule: &At<'_>, namespaced: bool) {
    let urls = !rule.list("nonResourceURLs").is_empty();
    let (groups, resources) = (rule.list("apiGroups"), rule.list("resources"));
    if urls && namespaced {
        found.at("conflict", &rule.field("nonResourceURLs"), "a Role is about resources of its namespace only");
    } else if urls && (!groups.is_empty() || !resources.is_empty() || !rule.list("resourceNames").is_empty()) {
        found.at("conflict", &rule.field("nonResourceURLs"), "a rule is about resources or about URLs");
    } else if !urls {
        for (key, list) in [("apiGroups", groups), ("resources", resources)] {
            if list.is_empty() {
                found.at("missing-field", &rule.field(key), "a rule about resources needs it");
            }
        }
    }
}

fn binding(found: &mut Found<'_>, root: &At<'_>, cluster: bool) {
    if let Some(role) = root.get("roleRef") {
        let kind = role.text("kind");
        if !(kind == "ClusterRole" || (kind == "Role" && !cluster)) {
            let takes = if cluster { "ClusterRole" } else { "Role or ClusterRole" };
            found.at("bad-value", &role.field("kind"), format!("`{kind}` is not {takes}"));
        }
    } else {
        found.at("missing-field", "/roleRef", "a binding names a role");
    }
    for subject in root.list("subjects") {
        let group = subject.text("apiGroup");
        match subject.text("kind") {
            "ServiceAccount" => {
                // A RoleBinding's own namespace is the default.
                if subject.text("namespace").is_empty() && cluster {
                    found.at("missing-field", &subject.field("namespace"), "a ServiceAccount stands in a namespace");
                }
                if !group.is_empty() {
                    found.at("bad-value", &subject.field("apiGroup"), "a ServiceAccount has none");
                }
                let name = subject.text("name");
                if !name.is_empty() && !names::is_subdomain(name) {
                    found.at("bad-name", &subject.field("name"), format!("`{name}` is no name of a ServiceAccount"));
                }
            }
            "User" | "Group" if !matches!(group, "" | "rbac.authorization.k8s.io") => {
                found.at("bad-value", &subject.field("apiGroup"), "a user and a group have rbac.authorization.k8s.io");
            }
            _ => {}
        }
    }
}
