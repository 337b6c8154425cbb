//! Ingresses that become no load balancer at all, or one that leads nowhere (G1, G7).

use crate::value::Value;

use super::elb::is_action;
use super::gateway::Gateway;
use super::load_balancer::{Alb, Backend, CLASS, field};
use super::set::{Object, Set};
use super::value::{entries, items};
use super::{Check, Found, together};
use crate::alb::annotations::PREFIX;
use crate::alb::json;
use crate::pointer;

pub(super) const CHECKS: &[Check] = &[
    Check::of_albs("ingress-class-missing", class_missing),
    Check::of_albs("ingress-class-unknown", class_unknown),
    Check::of_albs("ingress-refused", ingress_refused),
    Check::of_albs("ingress-backend-missing", backend_missing),
    Check::of_albs("ingress-backend-port", backend_port),
    Check::of_albs("gateway-backend-protocol", gateway_backend_protocol),
    Check::of_albs("ingress-rule-empty", together::rule_empty),
    Check::of_albs("alb-redirect-odd", together::redirect_odd),
];

fn class_of<'s>(ingress: &Object<'s>) -> Option<&'s str> {
    ingress.annotation(CLASS).or_else(|| ingress.value["spec"]["ingressClassName"].as_str())
}

fn class_missing(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    let default = set
        .all("networking.k8s.io", "IngressClass")
        .any(|class| class.annotation("ingressclass.kubernetes.io/is-default-class") == Some("true"));
    for alb in albs.iter().filter(|alb| !default && class_of(alb.object).is_none()) {
        let what = "the Ingress has no class, so that no controller takes it and no ALB is made";
        found.at(alb.object, "/spec", what);
    }
}

fn class_unknown(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    let known: Vec<_> = set.all("networking.k8s.io", "IngressClass").map(Object::name).collect();
    for alb in albs {
        let by_annotation = alb.object.annotation(CLASS);
        let (class, at) = match (by_annotation, alb.object.value["spec"]["ingressClassName"].as_str()) {
            (Some(class), _) => (class, pointer::below("/metadata/annotations", CLASS)),
            (None, Some(class)) => (class, "/spec/ingressClassName".to_owned()),
            (None, None) => continue,
        };
        if class == "alb" || by_annotation.is_none() && known.contains(&class) {
            continue;
        }
        let what = if by_annotation.is_some() {
            format!("the class `{class}` in this annotation is not the ALB's, `alb`, so that no ALB is made")
        } else {
            format!("there is no class `{class}` in sight, and the one that comes with the controller is `alb`")
        };
        found.at(alb.object, at, what);
    }
}

/// What the API server refuses.
fn ingress_refused(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        let spec = &alb.object.value["spec"];
        for (r, rule) in items(&spec["rules"]).enumerate() {
            if let Some(why) = rule["host"].as_str().filter(|host| !host.is_empty()).and_then(host_fault) {
                found.at(alb.object, format!("/spec/rules/{r}/host"), why);
            }
        }
        for backend in &alb.backends {
            let may_be_empty = backend.path_type == "ImplementationSpecific";
            if let Some(path) = backend.path.filter(|path| !(path.starts_with('/') || path.is_empty() && may_be_empty))
            {
                let what = format!("the path `{path}` does not begin with a slash");
                found.at(alb.object, format!("{}/path", backend.at), what);
            }
            if backend.port.is_null() {
                let at = backend_field(backend);
                found.at(alb.object, at, format!("the backend {} has no port", backend.service));
            }
        }
    }
}

fn backend_field(backend: &Backend<'_>) -> String {
    if backend.path.is_some() { format!("{}/backend", backend.at) } else { backend.at.clone() }
}

fn host_fault(host: &str) -> Option<String> {
    let plain = host.strip_prefix("*.").unwrap_or(host);
    let is_name = plain.len() <= 253
        && plain.split('.').all(|label| {
            let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
            let bytes = label.as_bytes();
            bytes.len() <= 63
                && edge(bytes.first())
                && edge(bytes.last())
                && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
        });
    let is_address = plain.parse::<std::net::IpAddr>().is_ok();
    (!is_name || is_address).then(|| format!("`{host}` is no name of a host, with at most a `*.` before it"))
}

fn backend_missing(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        let namespace = alb.object.namespace();
        // Where no Service of the namespace is in sight, the one that is meant may be elsewhere.
        let in_sight = set.all("", "Service").any(|service| service.namespace() == namespace);
        for backend in &alb.backends {
            if is_action(backend) {
                let name = format!("actions.{}", backend.service);
                if alb.annotation(&name).is_none() {
                    let what =
                        format!("the backend is an action, and there is no annotation {name}: the ALB answers 503");
                    found.at(alb.object, backend_field(backend), what);
                }
            } else if in_sight
                && alb.service(set, backend).is_none()
                && Gateway::behind(namespace, backend.service, None).is_none()
            {
                let what = format!("there is no Service {} in {namespace}: the ALB answers 503", backend.service);
                found.at(alb.object, backend_field(backend), what);
            } else if alb.service(set, backend).is_some_and(|service| service.value["spec"]["type"] == "ExternalName") {
                let what = format!(
                    "the Service {} is a name elsewhere, which has no pods that an ALB could send to",
                    backend.service
                );
                found.at(alb.object, backend_field(backend), what);
            }
        }
        for at in resources(alb.object) {
            let what = "the backend is a resource, and the controller sends to Services alone: it stops here";
            found.at(alb.object, at, what);
        }
        for (name, service, port) in targets(alb.object) {
            let object = set.find("", "Service", namespace, &service);
            match object {
                None if in_sight => {
                    let what = format!("there is no Service {service} in {namespace}, which {name} names");
                    found.at(alb.object, field(&name), what);
                }
                Some(object) if !has_port(object, &port) => {
                    let what =
                        format!("{name} names port {} of Service {service}, which has {}", shown(&port), ports(object));
                    found.at(alb.object, field(&name), what);
                }
                _ => {}
            }
        }
    }
}

/// Backends that are a resource instead of a Service.
fn resources(ingress: &Object<'_>) -> Vec<String> {
    let spec = &ingress.value["spec"];
    let default = (!spec["defaultBackend"]["resource"].is_null()).then(|| "/spec/defaultBackend/resource".to_owned());
    let rules = items(&spec["rules"]).enumerate().flat_map(|(r, rule)| {
        let paths = items(&rule["http"]["paths"]).enumerate();
        let of_resource = paths.filter(|(_, path)| !path["backend"]["resource"].is_null());
        of_resource.map(move |(p, _)| format!("/spec/rules/{r}/http/paths/{p}/backend/resource"))
    });
    default.into_iter().chain(rules).collect()
}

/// The Services that actions forward to: name of the annotation, Service, port.
fn targets(ingress: &Object<'_>) -> Vec<(String, String, Value)> {
    let mut targets = Vec::new();
    for (key, value) in entries(&ingress.value["metadata"]["annotations"]) {
        let Some(name) = key.strip_prefix(PREFIX).filter(|name| name.starts_with("actions.")) else { continue };
        let action: Value = value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        for group in items(json::get(json::get(&action, "forwardConfig"), "targetGroups")) {
            if let Some(service) = json::get(group, "serviceName").as_str() {
                targets.push((name.to_owned(), service.to_owned(), json::get(group, "servicePort").clone()));
            }
        }
    }
    targets
}

fn shown(port: &Value) -> String {
    port.as_str().map_or_else(|| port.to_string(), str::to_owned)
}

fn has_port(service: &Object<'_>, port: &Value) -> bool {
    let text = shown(port);
    items(&service.value["spec"]["ports"]).any(|p| shown(&p["port"]) == text || p["name"] == text.as_str())
}

/// The ports of a Service, in words.
fn ports(service: &Object<'_>) -> String {
    let all: Vec<String> = items(&service.value["spec"]["ports"])
        .map(|port| match port["name"].as_str() {
            Some(name) => format!("{} ({name})", port["port"]),
            None => port["port"].to_string(),
        })
        .collect();
    if all.is_empty() { "none".to_owned() } else { all.join(", ") }
}

fn backend_port(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        for backend in alb.backends.iter().filter(|b| !is_action(b) && !b.port.is_null()) {
            let Some(service) = alb.service(set, backend) else { continue };
            let by_name = backend.port.as_str();
            let found_there = items(&service.value["spec"]["ports"]).any(|port| match by_name {
                Some(name) => port["name"] == name || backend.is_legacy_number(name, port),
                None => port["port"] == *backend.port,
            });
            if !found_there {
                let what = format!(
                    "the Service {} has no port {}: it has {}",
                    backend.service,
                    shown(backend.port),
                    ports(service)
                );
                found.at(alb.object, backend_field(backend), what);
            }
        }
    }
}

impl Backend<'_> {
    /// In the versions before networking.k8s.io/v1 a number may stand in quotes.
    fn is_legacy_number(&self, name: &str, port: &Value) -> bool {
        self.legacy && shown(&port["port"]) == name
    }
}

fn gateway_backend_protocol(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        let mut gateways = alb.gateways(set);
        let Some((gateway, backend)) = gateways.next() else { continue };
        let of = |name: &str| alb.of_backend(set, backend, name);
        match of("backend-protocol-version") {
            Some("HTTP2") => found.at(
                alb.object,
                field("backend-protocol-version"),
                format!(
                    "the ALB speaks HTTP/2 to {}: websockets do not pass, and only listeners for HTTPS may use such a target group",
                    gateway.name()
                ),
            ),
            Some("GRPC") => found.at(
                alb.object,
                field("backend-protocol-version"),
                format!("the ALB speaks gRPC alone to {}: other requests fail", gateway.name()),
            ),
            _ => {}
        }
        let plain = *backend.port == 80 || *backend.port == "http2";
        if of("backend-protocol") == Some("HTTPS") && plain {
            let what = format!("the ALB speaks TLS to a port of {} that does not", gateway.name());
            found.at(alb.object, field("backend-protocol"), what);
        }
    }
}
