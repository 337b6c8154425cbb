//! Policies for Kyverno, with the annotations that its own collection has.
//! Source: <https://github.com/kyverno/policies>

use crate::value::{Value, json};

use super::{Policies, Policy, Wanted, labels, name_of, validation};
use crate::findings::page::{Page, Severity};

impl Policies {
    pub(super) fn kyverno(&self, policy: &Policy, page: &Page, wanted: &Wanted) -> Value {
        let kinds: Vec<String> = self
            .rules(policy)
            .iter()
            .flat_map(|rule| rule.resources.values().map(move |kind| format!("{}/{kind}", rule.api)))
            .collect();
        let subjects: Vec<&str> =
            self.rules(policy).iter().flat_map(|rule| rule.resources.values().map(String::as_str)).collect();
        let deny = page.severity == Severity::Error && !wanted.audit_only;
        let severity = match page.severity {
            Severity::Error => "high",
            Severity::Warning => "medium",
            Severity::Note => "low",
        };
        let mut annotations = json!({
            "policies.kyverno.io/title": page.title, "policies.kyverno.io/category": "EKS Fargate",
            "policies.kyverno.io/severity": severity, "policies.kyverno.io/minversion": "1.13.0",
            "policies.kyverno.io/subject": subjects.join(", "),
            "policies.kyverno.io/description": format!("{} {}", page.why, page.fix),
            // All kinds are named; Kyverno must not add rules for them.
            "pod-policies.kyverno.io/autogen-controllers": "none",
        });
        let mut resources = json!({"kinds": kinds, "operations": ["CREATE", "UPDATE"]});
        let mut excluded = Vec::new();
        if self.namespace(policy).is_none() {
            if let Some(namespaces) = wanted.scope.namespaces() {
                resources["namespaces"] = namespaces.into();
            }
            excluded.push(json!({"resources": {"namespaces": super::SYSTEM}}));
        }
        let allowed = wanted.exceptions.of(&policy.code);
        excluded.extend(allowed.iter().map(|exception| exception.kyverno()));
        if !allowed.is_empty() {
            let reasons: Vec<String> = allowed.iter().map(|e| format!("{}: {}", e.object(), e.reason)).collect();
            annotations["knrender.dev/allow"] = reasons.join("\n").into();
        }
        let mut rule = json!({
            "name": policy.code,
            "match": {"any": [{"resources": resources}]},
        });
        if !excluded.is_empty() {
            rule["exclude"] = json!({"any": excluded});
        }
        rule["celPreconditions"] = self.named_conditions(policy, &wanted.scope).into();
        rule["validate"] = json!({
            "failureAction": if deny { "Enforce" } else { "Audit" },
            "cel": {
                "variables": self.named_variables(policy),
                "expressions": [validation(page, "size(variables.found) == 0")],
            },
        });
        json!({
            "apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy",
            "metadata": {"name": name_of(policy), "annotations": annotations, "labels": labels()},
            "spec": {"background": true, "rules": [rule]},
        })
    }
}
