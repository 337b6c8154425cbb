//! Webhooks and aggregated APIs.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/admissionregistration/validation/validation.go>

use super::at::At;
use super::{Found, pods};

pub(super) fn check(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    if object.identity.kind == "APIService" {
        let Some(spec) = root.get("spec") else { return };
        let wanted = format!("{}.{}", spec.text("version"), spec.text("group"));
        if object.identity.name != wanted && spec.has("version") && !spec.text("group").is_empty() {
            found.at("bad-name", "/metadata/name", format!("it has to be version and group: {wanted}"));
        }
        let bundle = !spec.text("caBundle").is_empty();
        if spec.is_true("insecureSkipTLSVerify") && bundle {
            found.at("conflict", &spec.field("insecureSkipTLSVerify"), "it does not go with a caBundle");
        }
        if !spec.has("service") {
            for (key, given) in [("insecureSkipTLSVerify", spec.is_true("insecureSkipTLSVerify")), ("caBundle", bundle)]
            {
                if given {
                    found.at("conflict", &spec.field(key), "it is for an API that a service serves");
                }
            }
        }
        return;
    }
    for webhook in root.list("webhooks") {
        let versions = webhook.list("admissionReviewVersions");
        let known = versions.iter().any(|v| matches!(v.value.as_str(), Some("v1" | "v1beta1")));
        if !versions.is_empty() && !known {
            found.at(
                "bad-value",
                &webhook.field("admissionReviewVersions"),
                "none of them is v1 or v1beta1, which Kubernetes sends",
            );
        }
        for (i, version) in versions.iter().enumerate().filter(|(_, version)| version.value.is_string()) {
            if versions[..i].iter().any(|other| other.value == version.value) {
                found.at("duplicate-entry", &version.path, "the version is there twice");
            }
        }
        for selector in ["namespaceSelector", "objectSelector"].iter().filter_map(|key| webhook.get(key)) {
            pods::selector_requirements(found, &selector);
        }
        for rule in webhook.list("rules") {
            let operations = rule.list("operations");
            for operation in &operations {
                match operation.value.as_str() {
                    Some("*") if operations.len() > 1 => {
                        found.at("conflict", &operation.path, "`*` stands alone");
                    }
                    Some("*" | "CONNECT" | "CREATE" | "DELETE" | "UPDATE") => {}
                    None if !operation.value.is_null() => {}
                    None => found.at("bad-value", &operation.path, "it is no operation"),
                    Some(other) => found.at("bad-value", &operation.path, format!("`{other}` is no operation")),
                }
            }
            for key in ["apiGroups", "apiVersions"] {
                let list = rule.list(key);
                if list.len() > 1 && list.iter().any(|at| at.value.as_str() == Some("*")) {
                    found.at("conflict", &rule.field(key), "`*` stands alone");
                }
            }
            let resources = rule.list("resources");
            if resources.len() > 1 && resources.iter().any(|at| at.value == "*/*") {
                found.at("conflict", &rule.field("resources"), "`*/*` stands alone");
            }
            for key in ["apiGroups", "apiVersions", "operations", "resources"] {
                if !rule.has(key) {
                    found.at("missing-field", &rule.field(key), "a rule needs it");
                }
            }
        }
    }
}
