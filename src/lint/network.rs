//! Services, Ingresses and what is around them (F23, F24, F25, G1, G7).

use super::gateway::gateway_of;
use super::load_balancer::{Alb, Backend, CLASS, field, ingresses};
use super::set::{Object, Set};
use super::value::{entries, items};
use super::{Check, Found};
use crate::pointer;

pub(super) const CHECKS: &[Check] = &[
    Check::of("network-policy", network_policy),
    Check::of("security-group-policy", security_group_policy),
    Check::of_albs("load-balancer-needs-nodes", load_balancer_needs_nodes),
    Check::of("load-balancer-leftover", load_balancer_leftover),
    Check::of("load-balancer-annotation", load_balancer_annotation),
    Check::of_albs("ingress-target-type", ingress_target_type),
    Check::of("ingress-class-twice", ingress_class_twice),
    Check::of_albs("ingress-path-star", ingress_path_star),
];

/// Policies that some CNI enforces on its nodes: group (or its end) and kind.
const POLICIES: [(&str, &str); 10] = [
    ("networking.k8s.io", "NetworkPolicy"),
    ("extensions", "NetworkPolicy"),
    ("projectcalico.org", "NetworkPolicy"),
    ("projectcalico.org", "GlobalNetworkPolicy"),
    ("cilium.io", "CiliumNetworkPolicy"),
    ("cilium.io", "CiliumClusterwideNetworkPolicy"),
    ("policy.networking.k8s.io", "AdminNetworkPolicy"),
    ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"),
    ("networking.k8s.aws", "ApplicationNetworkPolicy"),
    ("networking.k8s.aws", "ClusterNetworkPolicy"),
];

fn network_policy(set: &Set<'_>, found: &mut Found) {
    let is_policy = |object: &&Object<'_>| {
        let id = object.identity();
        POLICIES.iter().any(|(group, kind)| id.kind == *kind && id.group.ends_with(group))
    };
    for policy in set.objects().filter(is_policy) {
        found.at(policy, "/kind", "Fargate pods are outside of every network policy");
    }
}

fn security_group_policy(set: &Set<'_>, found: &mut Found) {
    for policy in set.all("vpcresources.k8s.aws", "SecurityGroupPolicy") {
        let groups: Vec<_> =
            items(&policy.value["spec"]["securityGroups"]["groupIds"]).filter_map(|id| id.as_str()).collect();
        let groups = if groups.is_empty() { "no group".to_owned() } else { groups.join(", ") };
        let what = format!("the pods it selects get {groups} in place of the cluster security group");
        found.at(policy, "/spec/securityGroups/groupIds", what);
    }
}

const SERVICE: &str = "service.beta.kubernetes.io/aws-load-balancer-";

/// Whether a Service of type `LoadBalancer` has its pods, not nodes, for targets.
fn has_ip_targets(set: &Set<'_>, service: &Object<'_>) -> bool {
    let annotation = |name: &str| service.annotation(&format!("{SERVICE}{name}")).unwrap_or_default();
    // `nlb` is the controller inside Kubernetes, which knows no IP targets; the class hands the Service to the other one.
    if annotation("type") == "nlb" && service.value["spec"]["loadBalancerClass"].is_null() {
        return false;
    }
    match annotation("nlb-target-type") {
        "" => annotation("type") == "nlb-ip" || controller_defaults_to_ip(set),
        target => target == "ip",
    }
}

/// Whether a controller in the set makes IP targets unless it is told otherwise.
fn controller_defaults_to_ip(set: &Set<'_>) -> bool {
    set.templates()
        .flat_map(|pod| &pod.containers)
        .any(|container| items(&container.value["args"]).any(|arg| arg == "--default-target-type=ip"))
}

/// Why a Service cannot work without nodes, with the field that says so.
pub(super) fn needs_nodes(
    set: &Set<'_>,
    albs: &[Alb<'_>],
    service: &Object<'_>,
) -> Option<(&'static str, &'static str)> {
    let spec = &service.value["spec"];
    match spec["type"].as_str() {
        Some("LoadBalancer") => {
            // Other controllers have other ways to the pods.
            let foreign = spec["loadBalancerClass"].as_str().is_some_and(|c| !c.starts_with("service.k8s.aws/"));
            let fine = foreign || has_ip_targets(set, service);
            (!fine).then_some(("/spec/type", "is of type LoadBalancer, whose targets are nodes"))
        }
        Some("NodePort") => {
            let behind_ip_targets = albs.iter().any(|alb| {
                alb.object.namespace() == service.namespace()
                    && alb.backends.iter().any(|b| b.service == service.name() && target_type(set, alb, b) == "ip")
            });
            (!behind_ip_targets).then_some(("/spec/type", "is of type NodePort, and no node listens on that port"))
        }
        _ => None,
    }
}

fn load_balancer_needs_nodes(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for service in set.all("", "Service").filter(|service| gateway_of(service).is_none()) {
        if let Some((field, what)) = needs_nodes(set, albs, service) {
            found.at(service, field, format!("the Service {what}"));
        }
    }
}

fn is_cluster_ip(service: &Object<'_>) -> bool {
    matches!(service.value["spec"]["type"].as_str(), None | Some("ClusterIP"))
}

/// Fields that the API server refuses on a Service of type `ClusterIP`.
const LEFTOVERS: [&str; 5] = [
    "allocateLoadBalancerNodePorts",
    "externalTrafficPolicy",
    "healthCheckNodePort",
    "loadBalancerClass",
    "loadBalancerSourceRanges",
];

fn load_balancer_leftover(set: &Set<'_>, found: &mut Found) {
    for service in set.all("", "Service").filter(|service| is_cluster_ip(service)) {
        let spec = &service.value["spec"];
        // With external IPs, a Service is reached from outside whatever its type.
        let external = items(&spec["externalIPs"]).next().is_some();
        let mut left: Vec<String> = LEFTOVERS
            .iter()
            .filter(|key| !spec[**key].is_null() && spec[**key] != 0 && !(external && **key == "externalTrafficPolicy"))
            .map(|key| (*key).to_owned())
            .collect();
        for (i, port) in items(&spec["ports"]).enumerate() {
            if !port["nodePort"].is_null() && port["nodePort"] != 0 {
                left.push(format!("ports/{i}/nodePort"));
            }
        }
        if let Some(first) = left.first() {
            let what = format!("a ClusterIP Service may not carry {}", left.join(", "));
            found.at(service, format!("/spec/{first}"), what);
        }
    }
}

fn load_balancer_annotation(set: &Set<'_>, found: &mut Found) {
    for service in set.all("", "Service").filter(|service| is_cluster_ip(service)) {
        let left: Vec<_> = entries(&service.value["metadata"]["annotations"])
            .map(|(key, _)| key)
            .filter(|key| key.starts_with(SERVICE))
            .collect();
        if let Some(first) = left.first() {
            let field = pointer::below("/metadata/annotations", first);
            found.at(service, field, format!("nothing reads {} of a ClusterIP Service", left.join(", ")));
        }
    }
}

/// What the targets of a backend are: `ip` or `instance`.
fn target_type<'s>(set: &Set<'s>, alb: &Alb<'s>, backend: &Backend<'_>) -> &'s str {
    let said = alb.params["targetType"].as_str().or_else(|| alb.of_backend(set, backend, "target-type"));
    said.unwrap_or_else(|| if controller_defaults_to_ip(set) { "ip" } else { "instance" })
}

fn ingress_target_type(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        // An action of the load balancer itself, such as a redirect, has no targets.
        let mut with_targets = alb.backends.iter().filter(|backend| backend.port != "use-annotation");
        if let Some(backend) = with_targets.find(|backend| target_type(set, alb, backend) != "ip") {
            let said = alb.of_backend(set, backend, "target-type").is_some();
            let default = if said { "" } else { ", the default" };
            let what = format!("the targets behind {} are instances{default}, and Fargate has none", backend.service);
            found.at(alb.object, field("target-type"), what);
        }
    }
}

fn ingress_class_twice(set: &Set<'_>, found: &mut Found) {
    for ingress in ingresses(set) {
        let by_field = !ingress.value["spec"]["ingressClassName"].is_null();
        if by_field && ingress.annotation(CLASS).is_some() {
            let field = pointer::below("/metadata/annotations", CLASS);
            found.at(ingress, field, "the class is given twice, in spec.ingressClassName and in the annotation");
        }
    }
}

/// Whether the controller refuses the path, and with it the whole Ingress.
pub(super) fn is_refused_path(backend: &Backend<'_>) -> bool {
    backend.path.is_some_and(|path| path.contains(['*', '?'])) && ["Prefix", "Exact"].contains(&backend.path_type)
}

fn ingress_path_star(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        for backend in alb.backends.iter().filter(|backend| is_refused_path(backend)) {
            let path = backend.path.unwrap_or_default();
            let what = format!("the path {path} has a wildcard and is of type {}", backend.path_type);
            found.at(alb.object, format!("{}/path", backend.at), what);
        }
    }
}
