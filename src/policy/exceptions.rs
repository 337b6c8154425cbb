//! What policies let pass: the allowances of `knrender.yaml`, as a `ConfigMap` that holds them in the same words.
//!
//! A `ConfigMap`, not a kind of our own: there is no CRD to be established before the first policy means anything, `kubectl
//! apply -f DIR` takes all of it at once, and who may write to kube-system may make exceptions.

use crate::value::{Value, json};

use super::{Policies, SYSTEM, Scope, labels};
use crate::findings::allow::Allowance;
use crate::yaml::{self, Style};

pub(super) const CONFIG_MAP: &str = "knrender-exceptions";
pub(super) const NAMESPACE: &str = "kube-system";
pub(super) const KEY: &str = "allow";

/// Allowances that policies know.
#[derive(Clone, Debug, Default)]
pub struct Exceptions {
    single: Vec<Exception>,
    /// Lints that are allowed everywhere.
    everywhere: Vec<String>,
    told: Vec<String>,
}

/// One object that a lint's policy lets pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exception {
    lint: String,
    /// Kind, with its group where that is not one of Kubernetes' own.
    kind: String,
    namespace: Option<String>,
    name: String,
    pub(super) reason: String,
}

impl Exceptions {
    /// The allowances that are about lints with a policy, and what to tell about those that can match nothing.
    pub fn from(policies: &Policies, allowances: &[Allowance], scope: &Scope) -> Exceptions {
        let mut exceptions = Exceptions::default();
        for allowance in allowances {
            let Some(policy) = policies.of(&allowance.lint) else { continue };
            let (by, code) = (allowance.by(), &allowance.lint);
            let Some(object) = &allowance.object else {
                exceptions.told.push(format!("{by} allows {code} everywhere: no policy is written for it"));
                exceptions.everywhere.push(code.clone());
                continue;
            };
            let mut tell = |why: String| exceptions.told.push(format!("{by} allows {code} for {object}, {why}"));
            let mut parts = object.split('/');
            let (kind, place): (&str, Vec<&str>) = (parts.next().unwrap_or_default(), parts.collect());
            let (namespace, name) = match place[..] {
                [name] => (None, name),
                [namespace, name] => (Some(namespace), name),
                _ => {
                    tell("which is not written as Kind[.group]/[NAMESPACE/]NAME".to_owned());
                    continue;
                }
            };
            let kinds = policies.kinds(policy);
            let is_it = |known: &&String| {
                known.eq_ignore_ascii_case(kind)
                    || known.split('.').next().is_some_and(|k| k.eq_ignore_ascii_case(kind))
            };
            let Some(kind) = kinds.iter().find(is_it) else {
                tell(format!("and the policy is about {} alone", kinds.join(", ")));
                continue;
            };
            match namespace {
                Some(namespace) if SYSTEM.contains(&namespace) => {
                    tell("and policies do not judge in that namespace".to_owned());
                    continue;
                }
                Some(namespace) if !scope.takes(namespace) => {
                    tell("and no Fargate profile takes that namespace: the policies do not judge there".to_owned());
                    continue;
                }
                _ => {}
            }
            let exception = Exception {
                lint: code.clone(),
                kind: kind.clone(),
                namespace: namespace.map(str::to_owned),
                name: name.to_owned(),
                reason: allowance.reason.clone(),
            };
            if !exceptions.single.iter().any(|e| e.lint == exception.lint && e.object() == exception.object()) {
                exceptions.single.push(exception);
            }
        }
        exceptions
    }

    /// What the user should know.
    pub fn told(&self) -> &[String] {
        &self.told
    }

    pub(super) fn has(&self, code: &str) -> bool {
        self.single.iter().any(|exception| exception.lint == code)
    }

    pub(super) fn everywhere(&self, code: &str) -> bool {
        self.everywhere.iter().any(|lint| lint == code)
    }

    pub(super) fn of(&self, code: &str) -> Vec<&Exception> {
        self.single.iter().filter(|exception| exception.lint == code).collect()
    }

    /// What holds them in the cluster; nothing where there are none.
    pub fn object(&self) -> Option<Value> {
        if self.single.is_empty() {
            return None;
        }
        let all = self.single.iter().map(|e| json!({"lint": e.lint, "object": e.object(), "reason": e.reason}));
        Some(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": CONFIG_MAP, "namespace": NAMESPACE, "labels": labels()},
            "data": {KEY: yaml::emit(&all.collect(), Style::default())},
        }))
    }
}

impl Exception {
    /// `Kind[.group]/[NAMESPACE/]NAME`.
    pub(super) fn object(&self) -> String {
        let namespace = self.namespace.as_ref().map(|n| format!("{n}/")).unwrap_or_default();
        format!("{}/{namespace}{}", self.kind, self.name)
    }

    /// As Kyverno excludes it.
    pub(super) fn kyverno(&self) -> Value {
        let kind = match self.kind.split_once('.') {
            Some((kind, group)) => format!("{group}/*/{kind}"),
            None => self.kind.clone(),
        };
        let mut resources = json!({"kinds": [kind], "names": [self.name]});
        if let Some(namespace) = &self.namespace {
            resources["namespaces"] = json!([namespace]);
        }
        json!({"resources": resources})
    }
}
