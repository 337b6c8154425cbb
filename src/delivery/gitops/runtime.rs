//! What a cluster writes into the objects of a render once they are there. An engine that takes the render for the whole
//! truth would report it as drift, or undo it.
//!
//! All of it is computed from the objects; no name is listed.

use std::collections::BTreeSet;

use crate::value::{Text, Value};

use crate::manifest::document::Document;
use crate::manifest::object::Identity;

/// Fields of one object that something in the cluster fills in.
#[derive(Clone, Debug, Default)]
pub(super) struct Filled {
    /// Who fills them in, and why that is right.
    pub why: &'static str,
    /// The fields, as JSON pointers.
    pub pointers: Vec<String>,
    /// The fields, as jq paths, where they are in a list.
    pub paths: Vec<String>,
    /// Those of them that the render has a value for, as JSON pointers.
    pub written: Vec<String>,
}

const REPLICAS: &str = "/spec/replicas";

/// The objects with such fields, in order.
///
/// # Errors
/// In words, which object cannot be read.
pub(super) fn filled<'d>(
    documents: impl Iterator<Item = &'d Document> + Clone,
) -> Result<Vec<(Identity, Filled)>, String> {
    let scaled = scaled(documents.clone())?;
    let mut found = Vec::new();
    for document in documents {
        let identity = document.identity();
        let filled = match identity.kind.as_str() {
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => webhooks(value(document)?),
            "ClusterRole" if value(document)?.get("aggregationRule").is_some_and(Value::is_object) => {
                pointer(document, "/rules", "Kubernetes collects the rules of an aggregated ClusterRole.")?
            }
            "Secret" if ["data", "stringData"].iter().all(|k| value(document).is_ok_and(|v| is_empty(v.get(k)))) => {
                pointer(document, "/data", "Empty on purpose: whoever owns it makes its content in the cluster.")?
            }
            "CustomResourceDefinition" => conversion(document)?,
            "Deployment" | "StatefulSet" if scaled.contains(&target(&identity)) => {
                pointer(document, REPLICAS, "A HorizontalPodAutoscaler of this render sets the number of pods.")?
            }
            _ => Filled::default(),
        };
        // What nothing here has a value for is no difference where the cluster has one.
        let is_idle = filled.pointers == [REPLICAS] && filled.written.is_empty();
        if !filled.why.is_empty() && !is_idle {
            found.push((identity, filled));
        }
    }
    Ok(found)
}

/// The object of a document.
pub(super) fn value(document: &Document) -> Result<&Value, String> {
    document.value().map_err(|e| e.to_string())
}

fn is_empty(value: Option<&Value>) -> bool {
    value.is_none_or(|v| v.is_null() || v.as_object().is_some_and(crate::value::Map::is_empty))
}

fn pointer(document: &Document, pointer: &str, why: &'static str) -> Result<Filled, String> {
    let written = value(document)?.pointer(pointer).is_some_and(|v| !v.is_null());
    let pointers = vec![pointer.to_owned()];
    Ok(Filled { why, written: if written { pointers.clone() } else { Vec::new() }, pointers, paths: Vec::new() })
}

/// A webhook that is called through a Service and has no `caBundle` gets one in the cluster. Unless cert-manager brings it,
/// the webhook's own server does, and Knative's also writes what it wants to be called for.
/// Sources: <https://github.com/knative/pkg/tree/main/webhook>, `reconcileMutatingWebhook` and `reconcileValidatingWebhook`; what
/// comes of it: <https://github.com/knative/serving/issues/13449>, <https://github.com/fluxcd/kustomize-controller/issues/792>.
fn webhooks(value: &Value) -> Filled {
    let all = value.get("webhooks").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let waits =
        |w: &&Value| w.pointer("/clientConfig/service").is_some() && w.pointer("/clientConfig/caBundle").is_none();
    if !all.iter().any(|w| waits(&w)) {
        return Filled::default();
    }
    let mut filled = Filled {
        why: "The webhook's own server writes its CA, and what it is called for.",
        paths: vec![".webhooks[]?.clientConfig.caBundle".to_owned()],
        ..Filled::default()
    };
    if value.pointer("/metadata/annotations/cert-manager.io~1inject-ca-from").is_some() {
        filled.why = "cert-manager writes the CA.";
        return filled;
    }
    let more = ["clientConfig.service.path", "rules", "namespaceSelector", "reinvocationPolicy"];
    filled.paths.extend(more.iter().map(|field| format!(".webhooks[]?.{field}")));
    let rules = all.iter().enumerate().filter(|(_, w)| waits(w) && w.get("rules").is_some_and(Value::is_array));
    filled.written = rules.map(|(i, _)| format!("/webhooks/{i}/rules")).collect();
    filled
}

/// A CRD whose versions are converted by a webhook without a `caBundle`. Only that block of the CRD is read.
fn conversion(document: &Document) -> Result<Filled, String> {
    let client = document.block(&["spec", "conversion", "webhook", "clientConfig"]).map_err(|e| e.to_string())?;
    if client.get("service").is_none() || client.get("caBundle").is_some() {
        return Ok(Filled::default());
    }
    let pointers = vec!["/spec/conversion/webhook/clientConfig/caBundle".to_owned()];
    Ok(Filled { why: "The conversion webhook's own server writes its CA.", pointers, ..Filled::default() })
}

/// Kind, namespace and name of what the autoscalers scale.
fn scaled<'d>(documents: impl Iterator<Item = &'d Document>) -> Result<BTreeSet<[Text; 3]>, String> {
    let mut scaled = BTreeSet::new();
    for document in documents.filter(|d| d.head().kind == "HorizontalPodAutoscaler") {
        let to = value(document)?.pointer("/spec/scaleTargetRef").cloned().unwrap_or_default();
        let text = |key: &str| to.get(key).and_then(Value::as_str).unwrap_or_default().into();
        scaled.insert([text("kind"), document.identity().namespace.unwrap_or_default(), text("name")]);
    }
    Ok(scaled)
}

fn target(identity: &Identity) -> [Text; 3] {
    [identity.kind.clone(), identity.namespace.clone().unwrap_or_default(), identity.name.clone()]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::manifest::document::{self, Source};

    /// What is filled in, an object in a line: its name, the fields, and those that are written already.
    fn lines(text: &str) -> Vec<String> {
        let source = Source { component: "a".into(), name: "t.yaml".into(), text: text.into() };
        let documents = document::read(&Arc::new(source), true).unwrap().documents;
        let line = |(object, f): (Identity, Filled)| {
            format!("{object}: {} | {}", [f.pointers, f.paths].concat().join(" "), f.written.join(" "))
        };
        filled(documents.iter()).unwrap().into_iter().map(line).collect()
    }

    #[test]
    fn a_webhook_without_a_ca_gets_one_and_its_rules_from_its_own_server() {
        let text = |more: &str, client: &str| {
            format!(
                "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {{name: a{more}}}\n\
                 webhooks:\n- {{name: a, clientConfig: {{service: {{name: w, namespace: ns}}{client}}}, rules: [{{}}]}}\n"
            )
        };
        let own = lines(&text("", ""));
        assert!(own[0].contains(".caBundle") && own[0].contains("[]?.rules"), "{own:?}");
        assert!(own[0].ends_with("| /webhooks/0/rules"), "{own:?}");
        let manager = lines(&text(", annotations: {cert-manager.io/inject-ca-from: n/c}", ""));
        assert_eq!(manager, ["MutatingWebhookConfiguration/a: .webhooks[]?.clientConfig.caBundle | "]);
        assert_eq!(lines(&text("", ", caBundle: YQ==")), [""; 0]);
    }

    #[test]
    fn the_rules_of_an_aggregated_role_are_the_cluster_s() {
        let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: a}\n";
        assert_eq!(lines(&format!("{role}aggregationRule: {{}}\nrules: []\n")), ["ClusterRole/a: /rules | /rules"]);
        assert_eq!(lines(&format!("{role}aggregationRule: {{}}\n")), ["ClusterRole/a: /rules | "]);
        assert_eq!(lines(&format!("{role}rules: []\n")), [""; 0]);
    }

    #[test]
    fn an_empty_secret_is_filled_by_its_owner_and_another_is_not() {
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: ns}\n";
        assert_eq!(lines(&format!("{secret}data: {{}}\n")), ["Secret/ns/a: /data | /data"]);
        assert_eq!(lines(&format!("{secret}stringData: {{a: b}}\n")), [""; 0]);
    }

    #[test]
    fn a_conversion_webhook_without_a_ca_gets_one() {
        let crd = |client: &str| {
            format!(
                "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: a.b.c\nspec:\n  \
                 conversion:\n    strategy: Webhook\n    webhook:\n      clientConfig:\n        service:\n          name: a\n{client}"
            )
        };
        let pointer = "/spec/conversion/webhook/clientConfig/caBundle";
        assert_eq!(lines(&crd("")), [format!("CustomResourceDefinition/a.b.c: {pointer} | ")]);
        assert_eq!(lines(&crd("        caBundle: YQ==\n")), [""; 0]);
    }

    #[test]
    fn an_autoscaler_owns_the_number_that_a_deployment_writes_down() {
        let text = |replicas: &str| {
            format!(
                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a, namespace: ns}}\nspec: {{{replicas}}}\n---\n\
                 apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: h, namespace: ns}}\n\
                 spec: {{scaleTargetRef: {{kind: Deployment, name: a}}}}\n"
            )
        };
        assert_eq!(lines(&text("replicas: 2")), ["Deployment/ns/a: /spec/replicas | /spec/replicas"]);
        assert_eq!(lines(&text("")), [""; 0]);
    }
}
