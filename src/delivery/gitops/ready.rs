//! What has to be ready before the next batch can be applied, and at the end.

use std::collections::BTreeSet;

use crate::value::{Text, Value};

use super::runtime::value;
use crate::manifest::document::Document;
use crate::manifest::object::Identity;

/// What the second batch cannot do without: the CRDs of its kinds, and the Deployments behind the webhooks that refuse
/// everything while they do not answer. The other Deployments may need the second batch to become ready, and are not
/// waited for.
///
/// # Errors
/// In words, which object cannot be read.
pub(super) fn gate<'d>(first: &'d [Document], second: &[Document]) -> Result<Vec<&'d Document>, String> {
    let kinds: BTreeSet<_> = second.iter().map(|d| (d.identity().group, d.identity().kind)).collect();
    let behind = behind_webhooks(first)?;
    let mut gate = Vec::new();
    for document in first {
        let is_needed = match document.head().kind.as_str() {
            "CustomResourceDefinition" => {
                let names = document.block(&["spec", "names"]).map_err(|e| e.to_string())?;
                let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().into();
                let name = document.identity().name;
                name.split_once('.').is_some_and(|(_, group)| kinds.contains(&(group.into(), kind)))
            }
            "Deployment" => behind.contains(&document.identity()),
            _ => false,
        };
        if is_needed {
            gate.push(document);
        }
    }
    Ok(gate)
}

/// Everything that runs.
pub(super) fn workloads<'d>(documents: impl Iterator<Item = &'d Document>) -> Vec<&'d Document> {
    documents.filter(|d| matches!(d.head().kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet")).collect()
}

/// The Deployments whose pods answer for a webhook with `failurePolicy: Fail`, which is the default.
fn behind_webhooks(documents: &[Document]) -> Result<BTreeSet<Identity>, String> {
    let mut services = BTreeSet::new();
    for document in documents.iter().filter(|d| d.head().kind.ends_with("WebhookConfiguration")) {
        for webhook in value(document)?.get("webhooks").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| webhook.pointer(key).and_then(Value::as_str).map(Text::from);
            if text("/failurePolicy").is_none_or(|policy| policy == "Fail") {
                services.insert((text("/clientConfig/service/namespace"), text("/clientConfig/service/name")));
            }
        }
    }
    let mut behind = BTreeSet::new();
    for service in documents.iter().filter(|d| d.head().kind == "Service" && d.head().group().is_empty()) {
        let Identity { namespace, name, .. } = service.identity();
        let selector = value(service)?.pointer("/spec/selector").and_then(Value::as_object);
        let Some(selector) = selector.filter(|_| services.contains(&(namespace.clone(), Some(name)))) else { continue };
        for deployment in documents.iter().filter(|d| d.head().kind == "Deployment") {
            let labels = value(deployment)?.pointer("/spec/template/metadata/labels");
            let carries = |(key, wanted): (&Text, &Value)| labels.and_then(|l| l.get(key)) == Some(wanted);
            if deployment.identity().namespace == namespace && selector.iter().all(carries) {
                behind.insert(deployment.identity());
            }
        }
    }
    Ok(behind)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::manifest::document::{self, Source};

    fn documents(text: &str) -> Vec<Document> {
        let source = Source { component: "a".into(), name: "t.yaml".into(), text: text.into() };
        document::read(&Arc::new(source), true).unwrap().documents
    }

    /// A webhook, its Service and the Deployment behind it, one more Deployment, and a CRD.
    fn first(policy: &str) -> Vec<Document> {
        let deployment = |name: &str| {
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: ns}}\n\
                 spec: {{template: {{metadata: {{labels: {{app: {name}, x: z}}}}}}}}\n---\n"
            )
        };
        documents(&format!(
            "{}{}apiVersion: v1\nkind: Service\nmetadata: {{name: s, namespace: ns}}\nspec: {{selector: {{app: hook}}}}\n---\n\
             apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {{name: v}}\n\
             webhooks:\n- {{name: a, clientConfig: {{service: {{name: s, namespace: ns}}}}{policy}}}\n---\n\
             apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: things.x.example}}\n\
             spec:\n  group: x.example\n  names:\n    kind: Thing\n",
            deployment("hook"),
            deployment("other"),
        ))
    }

    fn gated(first: &[Document], kind: &str) -> Vec<String> {
        let second = documents(&format!("apiVersion: x.example/v1\nkind: {kind}\nmetadata: {{name: a}}\n"));
        gate(first, &second).unwrap().iter().map(|d| d.identity().to_string()).collect()
    }

    #[test]
    fn the_second_batch_waits_for_its_crds_and_for_webhooks_that_refuse() {
        assert_eq!(gated(&first(""), "Thing"), ["Deployment/ns/hook", "CustomResourceDefinition/things.x.example"]);
        assert_eq!(gated(&first(", failurePolicy: Ignore"), "Thing"), ["CustomResourceDefinition/things.x.example"]);
        assert_eq!(gated(&first(", failurePolicy: Fail"), "Other"), ["Deployment/ns/hook"]);
    }
}
