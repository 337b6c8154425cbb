//! Policies as `ValidatingAdmissionPolicy`: the API server judges, and nothing runs for it.

use crate::value::{Value, json};

use super::exceptions::{CONFIG_MAP, KEY, NAMESPACE};
use super::{Policies, Policy, Wanted, labels, name_of, validation};
use crate::findings::page::{Page, Severity};

impl Policies {
    pub(super) fn vap(&self, policy: &Policy, page: &Page, wanted: &Wanted) -> Vec<Value> {
        let name = name_of(policy);
        let excepted = wanted.exceptions.has(&policy.code);
        let rules = self.rules(policy).iter().map(|rule| {
            json!({
                "apiGroups": [rule.group()], "apiVersions": [rule.version()], "operations": ["CREATE", "UPDATE"],
                "resources": rule.resources.keys().collect::<Vec<_>>(),
            })
        });
        let mut constraints = json!({"matchPolicy": "Equivalent", "resourceRules": rules.collect::<Vec<_>>()});
        if self.namespace(policy).is_none() {
            constraints["namespaceSelector"] = wanted.scope.selector();
        }
        let action = match page.severity {
            _ if wanted.audit_only => "Audit",
            Severity::Error => "Deny",
            Severity::Warning => "Warn",
            Severity::Note => "Audit",
        };
        let mut variables = self.named_variables(policy);
        let mut holds = "size(variables.found) == 0";
        let mut spec = json!({
            // Where it cannot judge, it lets the object pass: Fargate has the last word anyway.
            "failurePolicy": "Ignore",
            "matchConstraints": constraints,
            "matchConditions": self.named_conditions(policy, &wanted.scope),
        });
        let mut binding = json!({"policyName": name, "validationActions": [action]});
        if excepted {
            spec["paramKind"] = json!({"apiVersion": "v1", "kind": "ConfigMap"});
            binding["paramRef"] =
                json!({"name": CONFIG_MAP, "namespace": NAMESPACE, "parameterNotFoundAction": "Allow"});
            variables.push(json!({"name": "allowed", "expression": allowed(&policy.code)}));
            holds = "variables.allowed || size(variables.found) == 0";
        }
        spec["variables"] = variables.into();
        spec["validations"] = json!([validation(page, holds)]);
        let annotations = json!({"knrender.dev/rule": page.rule, "knrender.dev/title": page.title});
        vec![
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
                "metadata": {"name": name, "annotations": annotations, "labels": labels()},
                "spec": spec,
            }),
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": {"name": name, "labels": labels()},
                "spec": binding,
            }),
        ]
    }
}

/// Whether the exceptions have one for the object: by its kind and name, with its namespace or without.
fn allowed(code: &str) -> String {
    format!(
        "params.?data.?{KEY}.orValue('').split('- lint: ').exists(a, a.startsWith('{code}\\n') &&\n  \
         ['', object.metadata.?namespace.orValue('') + '/'].exists(n, a.contains('\\n  object: ' + object.kind +\n    \
         (object.apiVersion.contains('.') && !object.apiVersion.contains('.k8s.io/') ? '.' + object.apiVersion.split('/')[0] : '') +\n    \
         '/' + n + object.metadata.?name.orValue('') + '\\n')))"
    )
}
