//! Knative's way in, behind an ALB (G1, G2, G6).

use super::load_balancer::{Alb, Backend, attribute, field};
use super::network;
use super::set::{Object, Set};
use super::value::number;
use super::{Check, Found};

pub(super) const CHECKS: &[Check] = &[
    Check::of_albs("gateway-load-balancer", gateway_load_balancer),
    Check::of_albs("gateway-elsewhere", gateway_elsewhere),
    Check::of_albs("gateway-host-rule", gateway_host_rule),
    Check::of_albs("gateway-path", gateway_path),
    Check::of_albs("deregistration-delay", deregistration_delay),
];

/// A gateway of Knative that an ALB can stand before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gateway {
    Kourier,
    Gloo,
    Contour,
}

/// What is known of each gateway: its namespace, Service and Deployment.
const KNOWN: [(Gateway, &str, &str, &str); 3] = [
    (Gateway::Kourier, "kourier-system", "kourier", "3scale-kourier-gateway"),
    (Gateway::Gloo, "gloo-system", "knative-external-proxy", "knative-external-proxy"),
    (Gateway::Contour, "contour-external", "envoy", "envoy"),
];

impl Gateway {
    /// The gateway that a Service is the way into.
    pub(super) fn behind(namespace: &str, service: &str, object: Option<&Object<'_>>) -> Option<Gateway> {
        let known = KNOWN.iter().find(|(_, ns, name, _)| *ns == namespace && *name == service);
        // The Knative Operator puts Kourier wherever it is told to.
        let by_selector = || {
            let app = &object?.value["spec"]["selector"]["app"];
            (app == "3scale-kourier-gateway" && service == "kourier").then_some(Gateway::Kourier)
        };
        known.map(|(gateway, ..)| *gateway).or_else(by_selector)
    }

    /// All of them.
    pub(super) const ALL: [Gateway; 3] = [Gateway::Kourier, Gateway::Gloo, Gateway::Contour];

    /// Whether a Deployment is one of the gateways.
    pub(super) fn is_deployment(object: &Object<'_>) -> bool {
        Gateway::ALL.into_iter().any(|gateway| gateway.is_run_by(object))
    }

    /// Whether it is what a Deployment runs.
    pub(super) fn is_run_by(self, object: &Object<'_>) -> bool {
        let usual = |(gateway, ns, _, name): &(Gateway, &str, &str, &str)| {
            *gateway == self && *ns == object.namespace() && *name == object.name()
        };
        KNOWN.iter().any(usual)
    }

    /// Its Deployment, where the set has it.
    fn deployment<'s>(self, set: &Set<'s>, namespace: &str) -> Option<&'s Object<'s>> {
        let (.., name) = KNOWN.iter().find(|(gateway, ..)| *gateway == self)?;
        set.find("apps", "Deployment", namespace, name)
    }

    /// How people know it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Gateway::Kourier => "Kourier",
            Gateway::Gloo => "Gloo",
            Gateway::Contour => "Contour",
        }
    }
}

/// The Services of gateways.
pub(super) fn gateway_of(service: &Object<'_>) -> Option<Gateway> {
    Gateway::behind(service.namespace(), service.name(), Some(service))
}

fn gateway_load_balancer(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for service in set.all("", "Service") {
        if let Some(gateway) = gateway_of(service)
            && let Some((field, what)) = network::needs_nodes(set, albs, service)
        {
            found.at(service, field, format!("{}'s Service {what}", gateway.name()));
        }
    }
}

fn gateway_elsewhere(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        let namespace = alb.object.namespace();
        for backend in alb.backends.iter().filter(|backend| alb.service(set, backend).is_none()) {
            // Other Services of that name may be others indeed, unless they stand beside the Ingress.
            let is_meant = |s: &&Object<'_>| gateway_of(s).is_some() || s.file() == alb.object.file();
            let elsewhere = set.all("", "Service").filter(|s| s.name() == backend.service).find(is_meant);
            let known = KNOWN.iter().find(|(_, _, name, _)| *name == backend.service && *name != "envoy");
            let there = match (elsewhere, known) {
                (Some(service), _) => service.namespace(),
                (None, Some((_, usual, ..))) if namespace == "default" => usual,
                _ => continue,
            };
            let what = format!("the Ingress is in {namespace}, and its Service {} in {there}", backend.service);
            found.at(alb.object, backend.at.clone(), what);
        }
    }
}

fn gateway_host_rule(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        let caught = alb.gateways(set).any(|(_, backend)| backend.host.is_none());
        let first = alb.gateways(set).find_map(|(gateway, backend)| Some((gateway, backend, backend.host?)));
        if let Some((gateway, backend, host)) = first.filter(|_| !caught) {
            let what = format!("only requests for {host} reach {}; to all others the ALB answers 404", gateway.name());
            let rule = backend.at.split("/http/").next().unwrap_or_default();
            found.at(alb.object, format!("{rule}/host"), what);
        }
    }
}

/// Whether every path below a host goes to this backend.
fn takes_every_path(backend: &Backend<'_>) -> bool {
    match backend.path {
        None | Some("") => true,
        Some("/") => backend.path_type == "Prefix",
        Some(path) => path == "/*" && backend.path_type == "ImplementationSpecific",
    }
}

fn gateway_path(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        if alb.gateways(set).any(|(_, backend)| takes_every_path(backend)) {
            continue;
        }
        // What the controller refuses as a whole is told by `ingress-path-star`.
        let narrow = alb.gateways(set).find(|(_, b)| !network::is_refused_path(b));
        if let Some((gateway, backend)) = narrow {
            let path = backend.path.unwrap_or_default();
            let what = format!("only {path} ({}) reaches {}", backend.path_type, gateway.name());
            found.at(alb.object, format!("{}/path", backend.at), what);
        }
    }
}

/// How long a pod may take to end where its manifest does not say, in seconds.
pub(super) const DEFAULT_GRACE: i64 = 30;

/// How long an ALB waits for a target that goes, where the Ingress does not say, in seconds.
pub(super) const DEFAULT_DELAY: i64 = 300;

fn deregistration_delay(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        if let Some((gateway, backend)) = alb.gateways(set).next() {
            let name = "target-group-attributes";
            let given = delay(set, alb, backend);
            let deployment = gateway.deployment(set, alb.object.namespace());
            let grace =
                deployment.and_then(|d| number(&d.value["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]));
            let (delay, grace) = (given.unwrap_or(DEFAULT_DELAY), grace.unwrap_or(DEFAULT_GRACE));
            if delay > grace {
                let default = if given.is_none() { ", the default" } else { "" };
                let what = format!(
                    "the ALB keeps a target that goes for {delay} s{default}; the pod of {} is gone after {grace}",
                    gateway.name()
                );
                found.at(alb.object, field(name), what);
            }
        }
    }
}

/// How long an Ingress asks for a target that goes to be kept.
pub(super) fn delay<'s>(set: &Set<'s>, alb: &Alb<'s>, backend: &Backend<'_>) -> Option<i64> {
    let text = alb.of_backend(set, backend, "target-group-attributes")?;
    attribute(text, "deregistration_delay.timeout_seconds")?.parse().ok()
}
