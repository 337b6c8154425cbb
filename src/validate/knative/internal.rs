//! `DomainMapping`s, and the kinds that Knative makes for itself.
//! Sources: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/serving/v1beta1/domainmapping_validation.go>,
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/autoscaling/v1alpha1/pa_validation.go>,
//! <https://github.com/knative/networking/blob/knative-v1.23/pkg/apis/networking/v1alpha1/ingress_validation.go>,
//! <https://github.com/knative/networking/blob/knative-v1.23/pkg/apis/networking/v1alpha1/certificate_validation.go>

use super::super::Found;
use super::super::at::At;
use super::{CODE, Webhook, is_set, names, revision};

fn missing(found: &mut Found<'_>, at: &At<'_>, keys: &[&str]) {
    for key in keys.iter().filter(|key| !is_set(at, key)) {
        found.at(CODE, &at.field(key), format!("`{key}` is missing"));
    }
}

/// A part that has to be there, or an empty one that everything is missing from.
fn part<'v>(at: &At<'v>, key: &str) -> At<'v> {
    at.get(key).unwrap_or(At { value: &crate::value::Value::Null, path: at.field(key) })
}

pub(super) fn domain_mapping(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    let name = object.identity.name.as_str();
    if object.head.meta("generateName").is_some_and(|name| !name.is_empty()) {
        found.at(CODE, "/metadata/generateName", "a DomainMapping is named as its domain is");
    }
    let labels: Vec<&str> = name.split('.').collect();
    if !name.is_empty() && (labels.len() < 2 || !labels.iter().all(|label| names::is_label(label)) || name.len() > 255)
    {
        found.at(CODE, "/metadata/name", format!("`{name}` is no domain of two labels or more"));
    }
    if name.ends_with(".cluster.local") {
        found.at(CODE, "/metadata/name", format!("`{name}` belongs to the cluster's own domain, cluster.local"));
    }
    let reference = part(&part(&root, "spec"), "ref");
    missing(found, &reference, &["name", "kind", "apiVersion"]);
    if is_set(&reference, "group") {
        found.at(CODE, &reference.field("group"), "Knative does not take `group` here: apiVersion has it");
    }
    let namespace = reference.text("namespace");
    let own = object.identity.namespace.as_deref().unwrap_or_default();
    if !namespace.is_empty() && !own.is_empty() && namespace != own {
        found.at(CODE, &reference.field("namespace"), format!("it is not the DomainMapping's own, which is {own}"));
    }
}

/// A field, whether a text fits it, and the form that it has to have.
type Form = (&'static str, fn(&str) -> bool, &'static str);

pub(super) fn autoscaling(found: &mut Found<'_>, webhook: &Webhook<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    let spec = part(&root, "spec");
    if spec.value.as_object().is_none_or(crate::value::Map::is_empty) {
        found.at(CODE, "/spec", "`spec` is missing");
        return;
    }
    if object.identity.kind == "Metric" {
        return;
    }
    let target = part(&spec, "scaleTargetRef");
    missing(found, &target, &["apiVersion", "kind", "name"]);
    let identifier = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let forms: [Form; 2] =
        [("apiVersion", names::is_qualified, "a qualified name"), ("name", names::is_label, "a DNS label")];
    for (key, fits, form) in forms {
        let text = target.text(key);
        if !text.is_empty() && !fits(text) {
            found.at(CODE, &target.field(key), format!("`{text}` is not {form}"));
        }
    }
    let kind = target.text("kind");
    if !kind.is_empty() && !identifier(kind) {
        found.at(CODE, &target.field("kind"), format!("`{kind}` is no name of a kind"));
    }
    super::unset(found, &target, &["namespace", "fieldPath", "resourceVersion", "uid"]);
    revision::concurrency(found, webhook, &spec, spec.int("containerConcurrency").unwrap_or(0));
    let protocol = spec.text("protocolType");
    if !matches!(protocol, "h2c" | "http1") {
        found.at(CODE, &spec.field("protocolType"), format!("`{protocol}` is none of http1, h2c"));
    }
}

pub(super) fn ingress(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    let spec = part(&root, "spec");
    missing(found, &spec, &["rules"]);
    for rule in spec.list("rules") {
        let http = part(&rule, "http");
        missing(found, &http, &["paths"]);
        for path in http.list("paths") {
            splits(found, &path, object.identity.namespace.as_deref().unwrap_or_default());
        }
    }
    for tls in spec.list("tls") {
        missing(found, &tls, &["secretName", "secretNamespace"]);
    }
    let option = spec.text("httpOption");
    if !matches!(option, "" | "Enabled" | "Redirected") {
        found.at(CODE, &spec.field("httpOption"), format!("`{option}` is none of Enabled, Redirected"));
    }
}

fn splits(found: &mut Found<'_>, path: &At<'_>, own: &str) {
    let splits = path.list("splits");
    missing(found, path, &["splits"]);
    let mut sum: i64 = 0;
    for split in &splits {
        let percent = split.int("percent").unwrap_or(0);
        sum = sum.saturating_add(percent);
        if !(0..=100).contains(&percent) {
            found.at(CODE, &split.field("percent"), format!("{percent} is not from 0 to 100"));
        }
        missing(found, split, &["serviceNamespace", "serviceName", "servicePort"]);
        let namespace = split.text("serviceNamespace");
        if !namespace.is_empty() && namespace != own {
            found.at(CODE, &split.field("serviceNamespace"), "it is not the Ingress's own namespace");
        }
    }
    if !splits.is_empty() && (splits.len() != 1 || sum != 0) && sum != 100 {
        found.at(CODE, &path.field("splits"), format!("the percentages add up to {sum}, and have to be 100"));
    }
}

pub(super) fn certificate(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    let spec = part(&root, "spec");
    missing(found, &spec, &["dnsNames", "secretName"]);
    let dns = spec.texts("dnsNames");
    if dns.iter().any(|name| name.is_empty()) {
        found.at(CODE, &spec.field("dnsNames"), "a name is empty");
    }
    let domain = spec.text("domain");
    let fits = |name: &&str| *name == domain || name.ends_with(&format!(".{domain}"));
    if !domain.is_empty() && !dns.is_empty() && !dns.iter().any(fits) {
        found.at(CODE, &spec.field("domain"), "none of dnsNames is this domain or lies in it");
    }
}
