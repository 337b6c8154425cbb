//! Services, Ingresses, network policies.
//! Sources: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>,
//! <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/networking/validation/validation.go>

use std::collections::{BTreeMap, BTreeSet};

use super::at::At;
use super::{Found, endpoints, meta, rules, selectors};
use crate::kubernetes::{addresses, names};

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
    let headless = spec.text("clusterIP") == "None" && spec.len("clusterIPs") < 2;
    let ports = spec.list("ports");
    if ports.is_empty() && !headless && kind != "ExternalName" {
        found.at("missing-field", &spec.field("ports"), "a Service has a port or more");
    }
    let (mut named, mut used, mut opened) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut of_port = BTreeMap::new();
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
            } else if let Some(other) = of_port.insert(number, port.int("port"))
                && other != port.int("port")
            {
                // Two protocols share a port of the node only where they share the Service's port, too.
                found.at("duplicate-entry", &port.field("nodePort"), format!("{number} is another port's already"));
            }
        }
        if port.int("nodePort").is_some_and(|n| n != 0) && kind == "ClusterIP" {
            found.at("conflict", &port.field("nodePort"), "a Service of type ClusterIP has none");
        }
    }
    check_addresses(found, spec, kind, headless);
    meta::labels(found, spec, "selector");
    let external = matches!(kind, "NodePort" | "LoadBalancer") || !spec.list("externalIPs").is_empty();
    if !spec.text("externalTrafficPolicy").is_empty() && !external {
        found.at("conflict", &spec.field("externalTrafficPolicy"), format!("a Service of type {kind} has none"));
    }
    // Without session affinity, what configures it is dropped.
    if spec.text("sessionAffinity") == "ClientIP"
        && let Some(client) = spec.down(&["sessionAffinityConfig", "clientIP"])
        && client.int("timeoutSeconds").is_some_and(|seconds| !(1..=86_400).contains(&seconds))
    {
        found.at("bad-value", &client.field("timeoutSeconds"), "it is not from 1 to 86400");
    }
    if let Some(class) = spec.get("loadBalancerClass").filter(|_| kind == "LoadBalancer") {
        found.formed(&class, "qualified");
    }
    let known: &[&str] =
        if found.since(34) { &["PreferClose", "PreferSameNode", "PreferSameZone"] } else { &["PreferClose"] };
    found.one_of(spec, "trafficDistribution", known);
    annotated(found, kind, spec.len("loadBalancerSourceRanges") > 0);
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
    if let Some(port) = spec.get("healthCheckNodePort")
        && spec.int("healthCheckNodePort").is_some_and(|n| !(0..=65535).contains(&n))
    {
        found.bad(&port, "it is not from 1 to 65535");
    } else if spec.int("healthCheckNodePort").is_some_and(|n| n != 0)
        && !(kind == "LoadBalancer" && spec.text("externalTrafficPolicy") == "Local")
    {
        let what = "only a Service of type LoadBalancer with externalTrafficPolicy Local has it";
        found.at("conflict", &spec.field("healthCheckNodePort"), what);
    }
}

fn check_addresses(found: &mut Found<'_>, spec: &At<'_>, kind: &str, headless: bool) {
    let strict = found.since(36);
    if kind == "ExternalName" {
        let name = spec.text("externalName");
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.is_empty() {
            found.missing(spec, "externalName", "type ExternalName needs it");
        } else if !names::is_subdomain(name) {
            found.at("bad-value", &spec.field("externalName"), format!("`{name}` is not a DNS name"));
        }
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            // A policy that is empty is one, too.
            if !spec.text(key).is_empty() || spec.len(key) > 0 || key == "ipFamilyPolicy" && spec.has(key) {
                found.at("conflict", &spec.field(key), "a Service of type ExternalName has none");
            }
        }
    } else {
        families(found, spec, strict);
    }
    if headless && matches!(kind, "NodePort" | "LoadBalancer") {
        found.at("conflict", &spec.field("clusterIP"), format!("None does not go with type {kind}"));
    }
    for at in spec.list("externalIPs") {
        if let Some(what) = addresses::wrong_ip(at.own(), strict) {
            found.bad(&at, what);
        } else {
            endpoints::can_be_reached(found, &at);
        }
    }
    for at in spec.list("loadBalancerSourceRanges") {
        if let Some(what) = addresses::wrong_cidr(at.own().trim(), strict) {
            found.bad(&at, what);
        }
    }
}

/// The addresses of a Service within the cluster, and their families.
fn families(found: &mut Found<'_>, spec: &At<'_>, strict: bool) {
    let families = spec.list("ipFamilies");
    for family in &families {
        if !matches!(family.own(), "IPv4" | "IPv6") {
            found.bad(family, format!("`{}` is neither IPv4 nor IPv6", family.own()));
        }
    }
    found.distinct(&families, |family| family.own());
    let (first, all) = (spec.text("clusterIP"), spec.list("clusterIPs"));
    match all.first() {
        Some(ip) if first.is_empty() => found.conflict(ip, "there is no clusterIP, which is the first of them"),
        Some(ip) if ip.own() != first => found.conflict(ip, format!("the first of them is clusterIP, {first}")),
        _ => {}
    }
    let own = spec.get("clusterIP").filter(|_| all.is_empty() && !first.is_empty());
    let ips: Vec<At<'_>> = own.into_iter().chain(all).collect();
    if ips.len() > 2 {
        found.at("bad-value", &spec.field("clusterIPs"), "there are two at the most");
    }
    let mut kinds = Vec::new();
    for (i, ip) in ips.iter().enumerate() {
        if i == 0 && ip.own() == "None" {
            if ips.len() > 1 {
                found.conflict(ip, "None stands alone");
            }
            continue;
        }
        if let Some(what) = addresses::wrong_ip(ip.own(), strict) {
            found.bad(ip, what);
            continue;
        }
        let six = ip.own().contains(':');
        if let Some(family) = families.get(i)
            && (family.own() == "IPv6") != six
            && matches!(family.own(), "IPv4" | "IPv6")
        {
            found.conflict(ip, format!("ipFamilies says that it is {}", family.own()));
        }
        if kinds.contains(&six) {
            found.conflict(ip, "there is one for each IP family");
        }
        kinds.push(six);
    }
    // A headless Service without a selector may have both families without asking for them.
    let any = first == "None" && spec.len("selector") == 0;
    let single = spec.text("ipFamilyPolicy") == "SingleStack" || (!spec.has("ipFamilyPolicy") && !any);
    if single && (ips.len() == 2 || families.len() == 2) {
        let what = "several addresses or families need PreferDualStack or RequireDualStack";
        found.at("conflict", &spec.field("ipFamilyPolicy"), what);
    }
}

/// What annotations of a Service say besides its fields.
fn annotated(found: &mut Found<'_>, kind: &str, has_ranges: bool) {
    const RANGES: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
    const HINTS: [&str; 2] = ["service.kubernetes.io/topology-mode", "service.kubernetes.io/topology-aware-hints"];
    let object = found.object;
    let Some(annotations) = At::root(&object.value).down(&["metadata", "annotations"]) else { return };
    if let (Some(mode), Some(hints)) = (annotations.get(HINTS[0]), annotations.get(HINTS[1]))
        && mode.value != hints.value
    {
        found.conflict(&mode, format!("{} says something else", HINTS[1]));
    }
    let Some(ranges) = annotations.get(RANGES).filter(|_| !has_ranges) else { return };
    if kind != "LoadBalancer" {
        found.conflict(&ranges, format!("only a Service of type LoadBalancer has it, and this is a {kind}"));
    }
    let strict = found.since(36);
    for range in ranges.own().split(',').map(str::trim).filter(|_| !ranges.own().trim().is_empty()) {
        if let Some(what) = addresses::wrong_cidr(range, strict) {
            found.bad(&ranges, what);
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
        // Kubernetes takes both where they agree.
        if annotation.own() != spec.text("ingressClassName") {
            found.conflict(&annotation, "it does not go with ingressClassName");
        }
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
        let good = if found.since(36) { names::is_label(name) } else { names::is_label_1035(name) };
        if !name.is_empty() && !good {
            found.at("bad-name", &service.field("name"), format!("`{name}` is no name of a Service"));
        }
        if !service.has("port") {
            found.at("missing-field", &service.field("port"), "a backend needs the number or the name of a port");
        }
    }
}

fn policy(found: &mut Found<'_>, spec: &At<'_>) {
    if let Some(selector) = spec.get("podSelector") {
        selectors::labels(found, &selector);
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
                if let Some(block) = peer.get("ipBlock") {
                    check_block(found, &block);
                }
                for selector in ["podSelector", "namespaceSelector"].iter().filter_map(|key| peer.get(key)) {
                    selectors::labels(found, &selector);
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

/// A block of addresses, and what is left out of it.
fn check_block(found: &mut Found<'_>, block: &At<'_>) {
    let strict = found.since(36);
    let cidr = block.text("cidr");
    if cidr.is_empty() {
        return;
    }
    if let Some(what) = addresses::wrong_cidr(cidr, strict) {
        found.at("bad-value", &block.field("cidr"), what);
    }
    let Some(whole) = addresses::loose_cidr(cidr) else { return };
    for except in block.list("except") {
        if let Some(what) = addresses::wrong_cidr(except.own(), strict) {
            found.bad(&except, what);
        } else if addresses::loose_cidr(except.own()).is_some_and(|part| !addresses::is_strictly_within(part, whole)) {
            found.conflict(&except, format!("it is no part of {cidr}"));
        }
    }
}

/// An `IngressClass`.
pub(super) fn ingress_class(found: &mut Found<'_>) {
    let object = found.object;
    let Some(parameters) = At::root(&object.value).down(&["spec", "parameters"]) else { return };
    if parameters.text("scope") == "Namespace" {
        match parameters.get("namespace") {
            Some(namespace) => found.formed(&namespace, "label"),
            None => found.missing(&parameters, "namespace", "scope Namespace needs it"),
        }
    } else if parameters.has("namespace") {
        found.at("conflict", &parameters.field("namespace"), "it is for scope Namespace");
    }
}

/// A `ServiceCIDR`.
pub(super) fn service_cidr(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    let blocks = root.get("spec").map(|spec| spec.list("cidrs")).unwrap_or_default();
    if blocks.is_empty() || blocks.len() > 2 {
        found.at("bad-value", "/spec/cidrs", "there are one or two");
        return;
    }
    let mut kinds = Vec::new();
    for block in &blocks {
        if let Some(what) = addresses::not_canonical_cidr(block.own()) {
            found.bad(block, what);
        } else {
            kinds.push(block.own().contains(':'));
        }
    }
    if kinds.len() == 2 && kinds[0] == kinds[1] {
        found.at("conflict", "/spec/cidrs", "there is one for each IP family");
    }
}
