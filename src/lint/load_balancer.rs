//! Ingresses that become an Application Load Balancer, and what they say, wherever they say it: the annotation of the
//! Service beats that of the Ingress, and the class' parameters beat both.

use std::collections::BTreeMap;

use crate::value::Value;

use super::gateway::Gateway;
use super::set::{Object, Set};
use super::value::{entries, items};
use crate::alb::annotations::PREFIX;
use crate::pointer;

/// The annotation that named the class before `spec.ingressClassName` did.
pub(super) const CLASS: &str = "kubernetes.io/ingress.class";

/// An Ingress that the AWS Load Balancer Controller makes an ALB from.
pub(super) struct Alb<'s> {
    /// The Ingress.
    pub object: &'s Object<'s>,
    /// Everything it sends requests to.
    pub backends: Vec<Backend<'s>>,
    /// The spec of its class' `IngressClassParams`, or null.
    pub params: &'s Value,
    /// The Ingresses that share its load balancer, itself first.
    pub group: Vec<&'s Object<'s>>,
}

/// One path of an Ingress and the Service behind it.
pub(super) struct Backend<'s> {
    /// JSON pointer to the path, or to the default backend.
    pub at: String,
    /// Name of the Service.
    pub service: &'s str,
    /// Number or name of the Service's port.
    pub port: &'s Value,
    /// The rule's host.
    pub host: Option<&'s str>,
    /// The path as written; `None` for a default backend.
    pub path: Option<&'s str>,
    /// Its type.
    pub path_type: &'s str,
    /// Whether it is of a version before networking.k8s.io/v1.
    pub legacy: bool,
}

static NOTHING: Value = Value::Null;

/// The Ingresses of a set, in either of the groups that had them.
pub(super) fn ingresses<'s>(set: &Set<'s>) -> impl Iterator<Item = &'s Object<'s>> {
    set.all("networking.k8s.io", "Ingress").chain(set.all("extensions", "Ingress"))
}

/// The Ingresses that become an ALB.
pub(super) fn of<'s>(set: &Set<'s>) -> Vec<Alb<'s>> {
    let all: Vec<_> = ingresses(set).filter(|ingress| is_alb(set, ingress)).collect();
    let mut groups: BTreeMap<&str, Vec<&Object<'_>>> = BTreeMap::new();
    for &object in &all {
        if let Some(group) = annotation(object, "group.name") {
            groups.entry(group).or_default().push(object);
        }
    }
    all.iter()
        .map(|&object| {
            let own = annotation(object, "group.name").and_then(|group| groups.get(group));
            let others = own.into_iter().flatten().filter(|other| !std::ptr::eq(**other, object)).copied();
            Alb {
                object,
                backends: backends(object),
                params: params(set, object),
                group: std::iter::once(object).chain(others).collect(),
            }
        })
        .collect()
}

fn annotation<'s>(object: &Object<'s>, name: &str) -> Option<&'s str> {
    object.annotation(&format!("{PREFIX}{name}"))
}

/// JSON pointer to an annotation of the controller.
pub(super) fn field(name: &str) -> String {
    pointer::below("/metadata/annotations", &format!("{PREFIX}{name}"))
}

fn class<'s>(set: &Set<'s>, ingress: &Object<'_>) -> Option<&'s Object<'s>> {
    let name = ingress.value["spec"]["ingressClassName"].as_str()?;
    set.all("networking.k8s.io", "IngressClass").filter(|class| class.name() == name).last()
}

fn is_alb(set: &Set<'_>, ingress: &Object<'_>) -> bool {
    let asks = entries(&ingress.value["metadata"]["annotations"]).any(|(key, _)| key.starts_with(PREFIX));
    if let Some(class) = class(set, ingress) {
        return class.value["spec"]["controller"] == "ingress.k8s.aws/alb";
    }
    match ingress.value["spec"]["ingressClassName"].as_str().or_else(|| ingress.annotation(CLASS)) {
        Some(class) => class == "alb" || asks,
        None => asks,
    }
}

fn params<'s>(set: &Set<'s>, ingress: &Object<'_>) -> &'s Value {
    let name = class(set, ingress).and_then(|class| class.value["spec"]["parameters"]["name"].as_str());
    let params = |name: &str| set.all("elbv2.k8s.aws", "IngressClassParams").filter(|p| p.name() == name).last();
    name.and_then(params).map_or(&NOTHING, |params| &params.value["spec"])
}

fn backends<'s>(ingress: &Object<'s>) -> Vec<Backend<'s>> {
    let spec = &ingress.value["spec"];
    let mut found = Vec::new();
    for (key, path_type) in [("defaultBackend", "Prefix"), ("backend", "Prefix")] {
        if let Some((service, port)) = service(&spec[key]) {
            let legacy = !spec[key]["serviceName"].is_null();
            found.push(Backend {
                at: format!("/spec/{key}"),
                service,
                port,
                host: None,
                path: None,
                path_type,
                legacy,
            });
        }
    }
    for (r, rule) in items(&spec["rules"]).enumerate() {
        for (p, path) in items(&rule["http"]["paths"]).enumerate() {
            let Some((service, port)) = service(&path["backend"]) else { continue };
            found.push(Backend {
                at: format!("/spec/rules/{r}/http/paths/{p}"),
                service,
                port,
                host: rule["host"].as_str().filter(|host| !host.is_empty()),
                path: Some(path["path"].as_str().unwrap_or_default()),
                path_type: path["pathType"].as_str().unwrap_or("ImplementationSpecific"),
                legacy: !path["backend"]["serviceName"].is_null(),
            });
        }
    }
    found
}

/// Name and port of a backend's Service, in the form of networking.k8s.io/v1 or of the versions before it.
fn service(backend: &Value) -> Option<(&str, &Value)> {
    if let Some(name) = backend["serviceName"].as_str() {
        return Some((name, &backend["servicePort"]));
    }
    let port = &backend["service"]["port"];
    let port = if port["number"].is_null() { &port["name"] } else { &port["number"] };
    Some((backend["service"]["name"].as_str()?, port))
}

impl<'s> Alb<'s> {
    /// An annotation of this Ingress.
    pub(super) fn annotation(&self, name: &str) -> Option<&'s str> {
        annotation(self.object, name)
    }

    /// An annotation that may stand on any Ingress of the group.
    pub(super) fn of_group(&self, name: &str) -> Option<&'s str> {
        self.group.iter().find_map(|object| annotation(object, name))
    }

    /// An annotation that may stand on the Service too.
    pub(super) fn of_backend(&self, set: &Set<'s>, backend: &Backend<'_>, name: &str) -> Option<&'s str> {
        self.service(set, backend).and_then(|service| annotation(service, name)).or_else(|| self.annotation(name))
    }

    /// The Service of a backend, where the set has it.
    pub(super) fn service(&self, set: &Set<'s>, backend: &Backend<'_>) -> Option<&'s Object<'s>> {
        set.find("", "Service", self.object.namespace(), backend.service)
    }

    /// The backends that are Knative's way in, with the gateway that they are.
    pub(super) fn gateways<'a>(&'a self, set: &'a Set<'s>) -> impl Iterator<Item = (Gateway, &'a Backend<'s>)> {
        self.backends.iter().filter_map(|backend| {
            let gateway = Gateway::behind(self.object.namespace(), backend.service, self.service(set, backend))?;
            Some((gateway, backend))
        })
    }

    /// One of the load balancer's attributes.
    pub(super) fn attribute(&self, name: &str) -> Option<&'s str> {
        let annotated = self.of_group("load-balancer-attributes").and_then(|text| attribute(text, name));
        let param = items(&self.params["loadBalancerAttributes"]).find(|a| a["key"] == name);
        param.and_then(|a| a["value"].as_str()).or(annotated)
    }

    /// The ports that the load balancer listens on, each with whether it speaks TLS; the controller's default where the
    /// Ingress says nothing. `None` where the annotation cannot be read.
    pub(super) fn listeners(&self) -> Option<Vec<(i64, bool)>> {
        let Some(text) = self.of_group("listen-ports") else {
            return Some(if self.has_certificate() { vec![(443, true)] } else { vec![(80, false)] });
        };
        let mut listeners = Vec::new();
        for text in self.group.iter().filter_map(|object| annotation(object, "listen-ports")).chain([text]) {
            let ports: Value = serde_json::from_str(text).ok()?;
            for (protocol, port) in ports.as_array()?.iter().flat_map(entries) {
                listeners.push((port.as_i64()?, protocol.eq_ignore_ascii_case("HTTPS")));
            }
        }
        Some(listeners)
    }

    /// Whether a certificate is named.
    pub(super) fn has_certificate(&self) -> bool {
        self.of_group("certificate-arn").is_some_and(|arn| !arn.trim().is_empty())
            || items(&self.params["certificateArn"]).next().is_some()
    }

    /// Whether the controller can look for a certificate by host.
    pub(super) fn names_a_host(&self) -> bool {
        self.group.iter().any(|object| {
            let spec = &object.value["spec"];
            items(&spec["tls"]).any(|tls| items(&tls["hosts"]).next().is_some())
                || items(&spec["rules"]).any(|rule| rule["host"].as_str().is_some_and(|host| !host.is_empty()))
        })
    }

    /// The port that plain HTTP is sent on to.
    pub(super) fn redirect(&self) -> Option<String> {
        let param = self.params["sslRedirectPort"].as_str().map(str::to_owned);
        param.or_else(|| self.of_group("ssl-redirect").map(|port| port.trim().to_owned()))
    }
}

/// One entry of `k1=v1,k2=v2`.
pub(super) fn attribute<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.split(',').filter_map(|entry| entry.split_once('=')).find(|(key, _)| key.trim() == name).map(|(_, v)| v.trim())
}
