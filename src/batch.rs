//! Which object is applied when.
//!
//! `kubectl apply` asks the cluster about the kind of every object before it applies the first one. So an object whose
//! kind a CRD of the same render defines cannot be in the same run as its CRD, on an empty cluster: it goes into the
//! second batch. That is computed from the CRDs, never from a list of names.

use std::collections::BTreeSet;

use crate::value::{Text, Value};

use crate::manifest::ManifestError;
use crate::manifest::document::Document;
use crate::manifest::object::{Identity, is_kubernetes_group};

/// The objects of a render, by the file that they are written to.
#[derive(Debug, Default)]
pub struct Batches {
    /// The classic load balancer controller.
    pub controller: Vec<Document>,
    /// Everything whose kind the cluster knows already.
    pub first: Vec<Document>,
    /// Objects whose CRD is in this render.
    pub second: Vec<Document>,
    /// Objects of a kind that neither Kubernetes nor a CRD of this render defines; they are in the first batch.
    pub undefined: Vec<Identity>,
}

impl Batches {
    /// All objects, in the order in which they are applied.
    pub fn all(&self) -> impl Iterator<Item = &Document> + Clone {
        [&self.controller, &self.first, &self.second].into_iter().flatten()
    }
}

/// The component whose objects have a file of their own.
const CONTROLLER: &str = "aws-alb-ingress-controller";

/// Sorts documents into batches, and inside a batch by class, upstream's order kept inside a class.
pub fn sort(documents: Vec<Document>) -> Result<Batches, ManifestError> {
    let defined = defined_kinds(&documents)?;
    let mut batches = Batches::default();
    for document in documents {
        let identity = document.identity();
        let batch = if document.component() == CONTROLLER {
            &mut batches.controller
        } else if defined.contains(&(identity.group.clone(), identity.kind.clone())) {
            &mut batches.second
        } else {
            if !is_kubernetes_group(&identity.group) {
                batches.undefined.push(identity);
            }
            &mut batches.first
        };
        batch.push(document);
    }
    for batch in [&mut batches.controller, &mut batches.first, &mut batches.second] {
        batch.sort_by_key(|d| Class::of(&d.head().kind));
    }
    Ok(batches)
}

/// What is applied before what, inside a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Namespaces,
    Definitions,
    Rights,
    Configuration,
    Policies,
    Workloads,
    Ingresses,
    Webhooks,
}

impl Class {
    fn of(kind: &str) -> Class {
        match kind {
            "Namespace" => Class::Namespaces,
            "CustomResourceDefinition" => Class::Definitions,
            "ServiceAccount" | "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => Class::Rights,
            "ConfigMap"
            | "Secret"
            | "PriorityClass"
            | "StorageClass"
            | "IngressClass"
            | "RuntimeClass"
            | "ResourceQuota"
            | "LimitRange"
            | "NetworkPolicy"
            | "PersistentVolume"
            | "PersistentVolumeClaim" => Class::Configuration,
            // Before what they judge.
            "ValidatingAdmissionPolicy" | "ValidatingAdmissionPolicyBinding" => Class::Policies,
            "Ingress" => Class::Ingresses,
            // Last, so that no object of this render waits for a webhook that does not answer yet.
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => Class::Webhooks,
            _ => Class::Workloads,
        }
    }
}

/// Whether objects of a kind come before everything that runs: they are there as soon as they are applied.
pub fn is_ground(kind: &str) -> bool {
    Class::of(kind) < Class::Workloads
}

/// Group and kind of everything that the CRDs among `documents` define. A CRD is read only when some object is in the
/// group that its name ends with (a CRD is named `<plural>.<group>`).
fn defined_kinds(documents: &[Document]) -> Result<BTreeSet<(Text, Text)>, ManifestError> {
    let groups: BTreeSet<Text> = documents.iter().map(|d| d.identity().group).filter(|g| !g.is_empty()).collect();
    let mut kinds = BTreeSet::new();
    for document in documents.iter().filter(|d| d.head().kind == "CustomResourceDefinition") {
        let name = document.identity().name;
        let group = name.split_once('.').map_or("", |(_, group)| group);
        if groups.contains(group) {
            let names = document.block(&["spec", "names"])?;
            if let Some(kind) = names.get("kind").and_then(Value::as_str) {
                kinds.insert((group.into(), kind.into()));
            }
        }
    }
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::manifest::document::{self, Source};

    fn documents(component: &str, text: &str) -> Vec<Document> {
        let source = Source { component: component.into(), name: "t.yaml".into(), text: text.into() };
        document::read(&Arc::new(source), true).unwrap().documents
    }

    fn names(batch: &[Document]) -> Vec<String> {
        batch.iter().map(|d| d.identity().to_string()).collect()
    }

    #[test]
    fn objects_of_a_kind_that_is_defined_here_go_second() {
        let batches = sort(documents(
            "a",
            "apiVersion: x.example/v1\nkind: Thing\nmetadata: {name: a}\n---\n\
             apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.x.example}\n\
             spec:\n  group: x.example\n  names:\n    plural: things\n    kind: Thing\n  versions:\n  - a\n---\n\
             apiVersion: x.example/v1\nkind: Other\nmetadata: {name: b}\n",
        ))
        .unwrap();
        assert_eq!(names(&batches.second), ["Thing.x.example/a"]);
        assert_eq!(names(&batches.first), ["CustomResourceDefinition/things.x.example", "Other.x.example/b"]);
    }

    #[test]
    fn a_batch_is_in_the_order_in_which_a_cluster_needs_it() {
        let kinds = [
            "ValidatingWebhookConfiguration",
            "Ingress",
            "Deployment",
            "Service",
            "ValidatingAdmissionPolicy",
            "ConfigMap",
            "ClusterRole",
            "CustomResourceDefinition",
            "Namespace",
        ];
        let text: Vec<_> =
            kinds.iter().map(|k| format!("apiVersion: v1\nkind: {k}\nmetadata: {{name: a}}\n")).collect();
        let batches = sort(documents("a", &text.join("---\n"))).unwrap();
        let order: Vec<_> = batches.first.iter().map(|d| d.head().kind.as_str()).collect();
        assert_eq!(
            order,
            [
                "Namespace",
                "CustomResourceDefinition",
                "ClusterRole",
                "ConfigMap",
                "ValidatingAdmissionPolicy",
                "Deployment",
                "Service",
                "Ingress",
                "ValidatingWebhookConfiguration"
            ]
        );
    }

    #[test]
    fn the_classic_controller_has_a_batch_of_its_own() {
        let batches =
            sort(documents(CONTROLLER, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n")).unwrap();
        assert_eq!(names(&batches.controller), ["Deployment/a"]);
        assert!(batches.first.is_empty());
    }
}
