//! Services, Ingresses, network policies.
//! Sources: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>,
//! <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/networking/validation/validation.go>

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::at::At;
use super::{Found, meta, pods, rules};
use crate::kubernetes::names;

pub(super) fn check(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    let Some(spec) = root.get("spec") else {
        if object.identity.kind == "Service" {
            found.at("missing-field", "/spec", "a Service needs a spec with ports");
        } else if object.identity.kind == "Ingress" {
            found.at("missing-field", "/spec", "an Ingress needs rules or a defaultBackend");
        }
        return;
    };
    match object.identity.kind.as_str() {
        "Service" => service(found, &spec),
        "Ingress" => ingress(found, &root, &spec),
        _ => policy(found, &spec),
    }
}

fn service(found: &mut Found<'_>, spec: &At<'_>) {
    let kind = match spec.text("type") {
        "" => "ClusterIP",
        kind => kind,
    };
    let headless = spec.text("clusterIP") == "None";
    let ports = spec.list("ports");
    if ports.is_empty() && !headless && kind != "ExternalName" {
        found.at("missing-field", &spec.field("ports"), "a Service has a port or more");
    }
    let (mut named, mut used, mut opened) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for port in &ports {
        let name = port.text("name");
        if name.is_empty() && ports.len() > 1 {
            found.at("missing-field", &port.field("name"), "each port of several needs a name");
        } else if !name.is_empty() && !names::is_label(name) {
            found.at("bad-name", &port.field("name"), format!("`{name}` is not a DNS label"));
        } else if !name.is_empty() && !named.insert(name) {
            found.at("duplicate-entry", &port.field("name"), format!("a second port is called `{name}`"));
        }
        let protocol = if port.text("protocol").is_empty() { "TCP" } else { port.text("protocol") };
        if let Some(number) = port.int("port")
            && !used.insert((number, protocol))
        {
            found.at("duplicate-entry", &port.field("port"), format!("{protocol} port {number} is there twice"));
        }
        if let Some(target) = port.get("targetPort").filter(|at| *at.value != 0 && at.value != "")
            && let Some(what) = rules::port(target.value)
        {
            found.at("bad-value", &target.path, what);
        }
        if let Some(number) = port.int("nodePort").filter(|n| *n != 0) {
            if !(30000..=32767).contains(&number) {
                found.at("node-port", &port.field("nodePort"), format!("{number} is not from 30000 to 32767"));
            }
            if !opened.insert((number, protocol)) {
                found.at(
                    "duplicate-entry",
                    &port.field("nodePort"),
                    format!("{protocol} port {number} is there twice"),
                );
            }
        }
        if port.int("nodePort").is_some_and(|n| n != 0) && matches!(kind, "ClusterIP" | "ExternalName") {
            found.at("conflict", &port.field("nodePort"), format!("a Service of type {kind} has none"));
        }
    }
    addresses(found, spec, kind, headless);
    meta::labels(found, spec, "selector");
    let external = matches!(kind, "NodePort" | "LoadBalancer") || !spec.list("externalIPs").is_empty();
    if !spec.text("externalTrafficPolicy").is_empty() && !external {
        found.at("conflict", &spec.field("externalTrafficPolicy"), format!("a Service of type {kind} has none"));
    }
    for key in ["allocateLoadBalancerNodePorts", "loadBalancerClass", "loadBalancerSourceRanges"] {
        let empty = spec.get(key).is_some_and(|at| at.value.as_array().is_some_and(Vec::is_empty));
        if spec.has(key) && !empty && kind != "LoadBalancer" {
            found.at(
                "conflict",
                &spec.field(key),
                format!("only a Service of type LoadBalancer has it, and this is a {kind}"),
            );
        }
    }
    if spec.int("healthCheckNodePort").is_some_and(|n| n != 0)
        && !(kind == "LoadBalancer" && spec.text("externalTrafficPolicy") == "Local")
    {
        let what = "only a Service of type LoadBalancer with externalTrafficPolicy Local has it";
        found.at("conflict", &spec.field("healthCheckNodePort"), what);
    }
}

fn addresses(found: &mut Found<'_>, spec: &At<'_>, kind: &str, headless: bool) {
    if kind == "ExternalName" {
        let name = spec.text("externalName").trim_end_matches('.');
        if name.is_empty() {
            found.at("missing-field", &spec.field("externalName"), "type ExternalName needs it");
        } else if !names::is_subdomain(name) {
            found.at("bad-value", &spec.field("externalName"), format!("`{name}` is not a DNS name"));
        }
        if !spec.text("clusterIP").is_empty() {
            found.at("conflict", &spec.field("clusterIP"), "a Service of type ExternalName has none");
        }
    }
    if headless && matches!(kind, "NodePort" | "LoadBalancer") {
        found.at("conflict", &spec.field("clusterIP"), format!("None does not go with type {kind}"));
    }
    let ip = spec.text("clusterIP");
    if !ip.is_empty() && !headless && ip.parse::<IpAddr>().is_err() {
        found.at("bad-value", &spec.field("clusterIP"), format!("`{ip}` is neither None nor an IP address"));
    }
    for at in spec.list("externalIPs") {
        if at.value.as_str().is_some_and(|ip| ip.parse::<IpAddr>().is_err()) {
            found.at("bad-value", &at.path, "it is not an IP address");
        }
    }
    for at in spec.list("loadBalancerSourceRanges") {
        if !at.value.as_str().is_some_and(|range| names::is_cidr(range.trim())) {
            found.at("bad-value", &at.path, "it is not a CIDR block");
        }
    }
}

fn ingress(found: &mut Found<'_>, root: &At<'_>, spec: &At<'_>) {
    const CLASS: &str = "kubernetes.io/ingress.class";
    if !spec.has("defaultBackend") && spec.list("rules").is_empty() {
        found.at("missing-field", &spec.path, "an Ingress needs rules or a defaultBackend");
    }
    if spec.has("ingressClassName")
        && let Some(annotation) = root.down(&["metadata", "annotations", CLASS])
    {
        found.at("conflict", &annotation.path, "it does not go with ingressClassName");
    }
    if let Some(backend) = spec.get("defaultBackend") {
        check_backend(found, &backend);
    }
    for rule in spec.list("rules") {
        for path in rule.get("http").map(|http| http.list("paths")).unwrap_or_default() {
            check_path(found, &path);
            if let Some(backend) = path.get("backend") {
                check_backend(found, &backend);
            }
        }
    }
}

fn check_path(found: &mut Found<'_>, path: &At<'_>) {
    let (kind, text) = (path.text("pathType"), path.text("path"));
    let at = path.field("path");
    match kind {
        "Exact" | "Prefix" => {
            if !text.starts_with('/') {
                found.at("bad-value", &at, format!("with pathType {kind}, a path starts with a slash"));
            }
            let odd = ["//", "/./", "/../", "%2f", "%2F"].iter().find(|odd| text.contains(**odd));
            let odd_end = ["/..", "/."].iter().find(|odd| text.ends_with(**odd));
            if let Some(odd) = odd.or(odd_end) {
                found.at("bad-value", &at, format!("with pathType {kind}, a path has no `{odd}`"));
            }
        }
        "ImplementationSpecific" if !text.is_empty() && !text.starts_with('/') => {
            found.at("bad-value", &at, "a path starts with a slash");
        }
        _ => {}
    }
}

fn check_backend(found: &mut Found<'_>, backend: &At<'_>) {
    if let Some(resource) = backend.get("resource") {
        let group = resource.text("apiGroup");
        if resource.has("apiGroup") && !names::is_subdomain(group) {
            found.at("bad-value", &resource.field("apiGroup"), format!("`{group}` is not a DNS subdomain"));
        }
        for key in ["kind", "name"] {
            if !names::is_path_segment(resource.text(key)) {
                found.at("bad-value", &resource.field(key), format!("`{}` is no {key}", resource.text(key)));
            }
        }
    }
    if let Some(service) = backend.get("service") {
        let name = service.text("name");
        if !name.is_empty() && !names::is_label_1035(name) {
            found.at("bad-name", &service.field("name"), format!("`{name}` is no name of a Service"));
        }
        if !service.has("port") {
            found.at("missing-field", &service.field("port"), "a backend needs the number or the name of a port");
        }
    }
}

fn policy(found: &mut Found<'_>, spec: &At<'_>) {
    if let Some(selector) = spec.get("podSelector") {
        pods::selector_requirements(found, &selector);
    }
    for kind in spec.list("policyTypes") {
        if !matches!(kind.value.as_str(), Some("Ingress" | "Egress")) {
            found.at("bad-value", &kind.path, "it is neither Ingress nor Egress");
        }
    }
    if spec.list("policyTypes").len() > 2 {
        found.at("bad-value", &spec.field("policyTypes"), "there are two types only");
    }
    for (list, peers) in [("ingress", "from"), ("egress", "to")] {
        for rule in spec.list(list) {
            for peer in rule.list(peers) {
                for selector in ["podSelector", "namespaceSelector"].iter().filter_map(|key| peer.get(key)) {
                    pods::selector_requirements(found, &selector);
                }
                let selectors = peer.has("podSelector") || peer.has("namespaceSelector");
                match (peer.has("ipBlock"), selectors) {
                    (true, true) => found.at("conflict", &peer.path, "an ipBlock stands alone"),
                    (false, false) => found.at("missing-field", &peer.path, "a peer is an ipBlock or a selector"),
                    _ => {}
                }
            }
            for port in rule.list("ports") {
                if let (Some(from), Some(to)) = (port.int("port"), port.int("endPort"))
                    && to < from
                {
                    found.at("conflict", &port.field("endPort"), format!("{to} is less than port, {from}"));
                }
                if port.has("endPort") && port.int("port").is_none() {
                    found.at("conflict", &port.field("endPort"), "it needs a numeric port");
                }
            }
        }
    }
}
