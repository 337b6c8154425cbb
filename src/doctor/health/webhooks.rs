//! Knative's own webhooks: who answers for them, whether the server trusts them, and how old their certificate is.

use std::collections::BTreeSet;

use crate::value::Value;

use super::super::certificate;
use super::super::kubectl::{Kubectl, listing};
use super::super::moment::{self, Moment};
use super::super::{Report, Unread};
use super::advise;
use crate::manifest::collection::Placed;

/// Where API servers keep their leases.
const LEASES: (&str, Option<&str>) = ("leases.v1.coordination.k8s.io", Some("kube-system"));
/// What tells which pods answer for a Service.
const SLICES: &str = "endpointslices.v1.discovery.k8s.io";
/// Knative makes a new certificate when the old one has less than a day left.
/// Source: <https://github.com/knative/pkg/blob/main/webhook/certificates/certificates.go>
const RENEWED: i64 = 24;

pub(super) fn requests(objects: &[&Placed]) -> Vec<Vec<String>> {
    let slices = services(objects).into_iter().map(|(namespace, _)| namespace).collect::<BTreeSet<_>>();
    let mut all: Vec<_> = slices.into_iter().map(|namespace| listing(SLICES, Some(namespace))).collect();
    if !all.is_empty() {
        all.push(listing(LEASES.0, LEASES.1));
    }
    all
}

/// Namespace and name of the Services behind the webhooks of the render.
fn services<'o>(objects: &[&'o Placed]) -> BTreeSet<(&'o str, &'o str)> {
    let configurations = objects.iter().filter(|o| o.identity.kind.ends_with("WebhookConfiguration"));
    configurations.flat_map(|o| webhooks(&o.value)).filter_map(service).collect()
}

fn webhooks(configuration: &Value) -> impl Iterator<Item = &Value> {
    configuration.get("webhooks").and_then(Value::as_array).into_iter().flatten()
}

fn service(webhook: &Value) -> Option<(&str, &str)> {
    let text = |key: &str| webhook.pointer(&format!("/clientConfig/service/{key}")).and_then(Value::as_str);
    Some((text("namespace")?, text("name")?))
}

pub(super) fn look(report: &mut Report, objects: &[&Placed], kubectl: &mut Kubectl) {
    if services(objects).is_empty() {
        return;
    }
    for (namespace, name) in services(objects) {
        answers(report, namespace, name, kubectl);
    }
    // Where the leases may not be read, the age is said and not judged.
    let now = kubectl.list(LEASES.0, LEASES.1).ok().and_then(|leases| moment::of_leases(&leases));
    let live = report.live.clone();
    let of_kind = |end: &'static str| {
        live.iter().filter(move |o| o.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with(end)))
    };
    let mut authorities: Vec<&str> = Vec::new();
    for secret in of_kind("Secret") {
        certificates(report, secret, now);
        authorities.extend(secret.pointer("/data/ca-cert.pem").and_then(Value::as_str));
    }
    for configuration in of_kind("WebhookConfiguration") {
        let (id, ours) = (name_of(configuration), webhooks(configuration).filter(|w| service(w).is_some()));
        let bundles: BTreeSet<&str> = ours
            .map(|webhook| webhook.pointer("/clientConfig/caBundle").and_then(Value::as_str).unwrap_or_default())
            .collect();
        if bundles.contains("") {
            let what =
                "it has no caBundle, so that the server cannot call the webhook, and refuses what it would judge";
            advise(report, &id, what, "Knative's webhook writes it when it starts: see its pods and its log (--logs)");
        } else if !authorities.is_empty() && !bundles.iter().all(|bundle| authorities.contains(bundle)) {
            let what =
                "its caBundle is not that of the webhook's certificate, so that calls fail with an unknown authority";
            advise(report, &id, what, "restart the webhook, which writes it anew");
        }
    }
}

fn name_of(object: &Value) -> String {
    let text = |key: &str| object.pointer(key).and_then(Value::as_str).unwrap_or_default();
    match text("/metadata/namespace") {
        "" => format!("{}/{}", text("/kind"), text("/metadata/name")),
        namespace => format!("{}/{namespace}/{}", text("/kind"), text("/metadata/name")),
    }
}

/// Whether a pod answers for a Service. Without an `EndpointSlice` nothing is concluded.
fn answers(report: &mut Report, namespace: &str, name: &str, kubectl: &mut Kubectl) {
    let request = listing(SLICES, Some(namespace));
    let slices = match kubectl.list(SLICES, Some(namespace)) {
        Ok(slices) => slices,
        Err(refusal) => {
            report.unread.push(Unread { what: request[1..2].concat(), why: refusal.words() });
            return;
        }
    };
    let label = |slice: &Value| slice.pointer("/metadata/labels/kubernetes.io~1service-name").cloned();
    let ours: Vec<&Value> = slices.iter().filter(|slice| label(slice) == Some(name.into())).collect();
    let endpoints = |slice: &&Value| slice.get("endpoints").and_then(Value::as_array).cloned().unwrap_or_default();
    let ready = |endpoint: &Value| endpoint.pointer("/conditions/ready") != Some(&Value::Bool(false));
    if !ours.is_empty() && !ours.iter().flat_map(endpoints).any(|endpoint| ready(&endpoint)) {
        let what = "no pod answers for it, so that the server refuses what Knative's webhook would judge";
        advise(report, format!("Service/{namespace}/{name}"), what, "see the pods of the webhook");
    }
}

/// How long the certificates in a Secret are valid.
fn certificates(report: &mut Report, secret: &Value, now: Option<Moment>) {
    let id = name_of(secret);
    let value = |key: &str| secret.pointer(&format!("/data/{key}")).and_then(Value::as_str);
    let Some(certificate) = value("server-cert.pem").or_else(|| value("tls.crt")) else {
        if id.ends_with("webhook-certs") {
            let what = "there is no certificate in it";
            advise(report, &id, what, "Knative's webhook writes it when it starts: see its pods and its log (--logs)");
        }
        return;
    };
    let Some(validity) = certificate::of_secret(certificate) else {
        let what = "what is in it cannot be read as a certificate";
        return advise(report, &id, what, "delete its data; Knative's webhook writes it anew");
    };
    let (from, until) = (validity.from, validity.until);
    report.notes.push(format!("{id}: its certificate is of {from} and valid until {until}"));
    let Some(left) = now.map(|now| now.hours_until(until)) else { return };
    let next = "see the webhook's log (--logs), and restart it";
    if left < 0 {
        advise(report, &id, &format!("its certificate ended on {until}: calls of the webhook fail"), next);
    } else if value("server-cert.pem").is_some() && left < RENEWED - 1 {
        let what = format!(
            "its certificate ends in {left} hours; Knative's webhook makes a new one a day before, and has not"
        );
        advise(report, &id, &what, next);
    }
}
