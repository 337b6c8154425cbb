//! Lints as admission policies: what can be judged from one object, refused, warned about or recorded by the cluster itself.
//!
//! A lint and its policy stand side by side as data: `data/lints/lints.yaml` says what is said, `data/lints/policies.yaml` has
//! the expression. One test holds them together.
//! Source: <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/>

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::findings::page::{Page, Severity};
use crate::{embedded, yaml};

/// Who judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    /// `ValidatingAdmissionPolicy`, which the API server has itself
    Vap,
    /// Kyverno
    Kyverno,
}

/// Namespaces that are nobody's workloads.
const SYSTEM: [&str; 3] = ["kube-node-lease", "kube-public", "kube-system"];

/// All policies.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policies {
    pods: Vec<Variable>,
    kinds: BTreeMap<String, Kind>,
    #[serde(rename = "policies")]
    each: Vec<Policy>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    rules: Vec<Resources>,
    #[serde(default)]
    pods: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resources {
    groups: Vec<String>,
    resources: Vec<String>,
}

/// A named expression.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What it is.
    pub expression: String,
}

/// One lint as a policy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The lint's code.
    pub code: String,
    on: String,
    /// CEL: a list of texts, one for each thing that is wrong.
    pub found: String,
    /// Examples of the lint that a single object does not show.
    #[serde(default)]
    pub beyond: Vec<String>,
}

/// Singular kinds of the resources that policies are about.
const KINDS: [(&str, &str); 14] = [
    ("configurations", "Configuration"),
    ("cronjobs", "CronJob"),
    ("daemonsets", "DaemonSet"),
    ("deployments", "Deployment"),
    ("jobs", "Job"),
    ("networkpolicies", "NetworkPolicy"),
    ("persistentvolumes", "PersistentVolume"),
    ("pods", "Pod"),
    ("replicasets", "ReplicaSet"),
    ("securitygrouppolicies", "SecurityGroupPolicy"),
    ("services", "Service"),
    ("statefulsets", "StatefulSet"),
    ("ingresses", "Ingress"),
    ("persistentvolumeclaims", "PersistentVolumeClaim"),
];

impl Policies {
    /// The policies in the binary.
    ///
    /// # Errors
    /// In words, that the data is broken; a test keeps that from happening.
    pub fn embedded() -> Result<Policies, String> {
        yaml::parse_own(embedded::text("data/lints/policies.yaml").unwrap_or_default()).map_err(|e| e.to_string())
    }

    /// The policies, in the order of the file.
    pub fn all(&self) -> &[Policy] {
        &self.each
    }

    /// The variables that a policy's expression may name, in their order.
    pub fn variables(&self, policy: &Policy) -> &[Variable] {
        if self.kinds.get(&policy.on).is_some_and(|kind| kind.pods) { &self.pods } else { &[] }
    }

    /// Whether a policy is about objects of this group and kind.
    pub fn is_about(&self, policy: &Policy, group: &str, kind: &str) -> bool {
        let resource = KINDS.iter().find(|(_, of)| *of == kind).map_or("", |(resource, _)| resource);
        self.rules(policy)
            .iter()
            .any(|rule| rule.groups.iter().any(|of| of == group) && rule.resources.iter().any(|of| of == resource))
    }

    fn rules(&self, policy: &Policy) -> &[Resources] {
        self.kinds.get(&policy.on).map_or(&[], |kind| &kind.rules)
    }

    /// The objects of a policy: itself, and what binds it.
    pub fn objects(&self, policy: &Policy, page: &Page, engine: Engine, audit_only: bool) -> Vec<Value> {
        match engine {
            Engine::Vap => self.vap(policy, page, audit_only),
            Engine::Kyverno => vec![self.kyverno(policy, page, audit_only)],
        }
    }

    fn vap(&self, policy: &Policy, page: &Page, audit_only: bool) -> Vec<Value> {
        let name = format!("knrender-{}", policy.code);
        let rules = self.rules(policy).iter().map(|rule| {
            json!({"apiGroups": rule.groups, "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": rule.resources})
        });
        let system = json!({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": SYSTEM});
        let action = match page.severity {
            _ if audit_only => "Audit",
            Severity::Error => "Deny",
            Severity::Warning => "Warn",
            Severity::Note => "Audit",
        };
        let annotations = json!({"knrender.dev/rule": page.rule, "knrender.dev/title": page.title});
        vec![
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
                "metadata": {"name": name, "annotations": annotations, "labels": labels()},
                "spec": {
                    "failurePolicy": "Ignore",
                    "matchConstraints": {
                        "matchPolicy": "Equivalent", "namespaceSelector": {"matchExpressions": [system]},
                        "resourceRules": rules.collect::<Vec<_>>(),
                    },
                    "variables": self.with_found(policy),
                    "validations": [validation(page)],
                },
            }),
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
                "metadata": {"name": name, "labels": labels()},
                "spec": {"policyName": name, "validationActions": [action]},
            }),
        ]
    }

    fn kyverno(&self, policy: &Policy, page: &Page, audit_only: bool) -> Value {
        let kinds = self.rules(policy).iter().flat_map(|rule| {
            rule.groups.iter().flat_map(move |group| {
                rule.resources.iter().filter_map(move |resource| {
                    let kind = KINDS.iter().find(|(of, _)| of == resource)?.1;
                    Some(if group.is_empty() { format!("v1/{kind}") } else { format!("{group}/*/{kind}") })
                })
            })
        });
        let deny = page.severity == Severity::Error && !audit_only;
        let severity = match page.severity {
            Severity::Error => "high",
            Severity::Warning => "medium",
            Severity::Note => "low",
        };
        let annotations = json!({
            "policies.kyverno.io/title": page.title, "policies.kyverno.io/category": "EKS Fargate",
            "policies.kyverno.io/severity": severity, "policies.kyverno.io/minversion": "1.12.0",
            "policies.kyverno.io/subject": policy.on,
            "policies.kyverno.io/description": format!("{} {}", page.why, page.fix),
        });
        json!({
            "apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy",
            "metadata": {"name": format!("knrender-{}", policy.code), "annotations": annotations, "labels": labels()},
            "spec": {
                "background": true,
                "rules": [{
                    "name": policy.code,
                    "match": {"any": [{"resources": {"kinds": kinds.collect::<Vec<_>>(), "operations": ["CREATE", "UPDATE"]}}]},
                    "exclude": {"any": [{"resources": {"namespaces": SYSTEM}}]},
                    "validate": {
                        "failureAction": if deny { "Enforce" } else { "Audit" },
                        "cel": {"variables": self.with_found(policy), "expressions": [validation(page)]},
                    },
                }],
            },
        })
    }

    fn with_found(&self, policy: &Policy) -> Vec<Value> {
        let variables = self.variables(policy).iter().map(|v| (v.name.as_str(), v.expression.as_str()));
        let found = [("found", policy.found.as_str())];
        variables.chain(found).map(|(name, expression)| json!({"name": name, "expression": expression})).collect()
    }
}

/// Labels of all that is written here.
fn labels() -> Value {
    json!({"app.kubernetes.io/managed-by": "knrender", "app.kubernetes.io/part-of": "knrender-policies"})
}

/// What has to hold, and what is said where it does not.
fn validation(page: &Page) -> Value {
    let see = page.see.first().map(|see| format!(" See {see}")).unwrap_or_default();
    let rest = text(&format!(". {} [knrender {}, {}]{see}", page.fix, page.code, page.rule));
    json!({
        "expression": "size(variables.found) == 0",
        "message": page.title,
        "messageExpression": format!("variables.found.join('; ') + {rest}"),
    })
}

/// A text as CEL writes it.
fn text(plain: &str) -> String {
    format!("'{}'", plain.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', " "))
}
