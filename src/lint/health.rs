//! Health checks that can never pass (section 3 of the rule book). An ALB asks by IP, with no Host that a gateway knows.

use crate::value::Value;

use super::gateway::Gateway;
use super::load_balancer::{Alb, Backend, field};
use super::set::{Object, Set};
use super::value::{items, number};
use super::{Check, Found};
use crate::yaml;

pub(super) const CHECKS: &[Check] = &[
    Check::of_albs("health-check-fails", health_check_fails),
    Check::of_albs("health-check-port-name", health_check_port_name),
];

/// What a gateway answers on some port and path to a Host it does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Ready,
    NotFound,
    Nothing,
    Unknown,
}

/// A health check as the Ingress asks for it.
struct Probe<'s> {
    port: i64,
    path: &'s str,
    codes: &'s str,
    tls: bool,
}

fn health_check_fails(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        let Some((gateway, backend)) = alb.gateways(set).next() else { continue };
        let Some(probe) = probe(set, alb, backend, gateway) else { continue };
        let answer = answer(set, gateway, &probe, alb.object.namespace());
        let said = match answer {
            Answer::Unknown => continue,
            Answer::Ready if accepts(probe.codes, 200) => continue,
            Answer::NotFound if accepts(probe.codes, 404) => continue,
            Answer::Ready => "200",
            Answer::NotFound => "404",
            Answer::Nothing => "nothing",
        };
        let what = format!(
            "the ALB asks {} for {} on port {}, expects {}, and is told {said}",
            gateway.name(),
            probe.path,
            probe.port,
            probe.codes
        );
        let name = if answer == Answer::Ready { "success-codes" } else { "healthcheck-port" };
        let path_is_wrong = answer == Answer::NotFound && gateway.ready_port() == probe.port;
        found.at(alb.object, field(if path_is_wrong { "healthcheck-path" } else { name }), what);
    }
}

impl Gateway {
    /// The port that answers any Host.
    fn ready_port(self) -> i64 {
        match self {
            Gateway::Kourier => 9000,
            Gateway::Gloo => 8081,
            Gateway::Contour => 8002,
        }
    }
}

fn probe<'s>(set: &Set<'s>, alb: &Alb<'s>, backend: &Backend<'_>, gateway: Gateway) -> Option<Probe<'s>> {
    let said = |name: &str| alb.of_backend(set, backend, name);
    let port = match said("healthcheck-port").map_or("traffic-port", str::trim) {
        "traffic-port" => traffic_port(alb.service(set, backend), backend.port, gateway),
        text => match text.parse() {
            Ok(number) => number,
            Err(_) => number(&named_port(alb.service(set, backend)?, text)?["targetPort"])?,
        },
    };
    Some(Probe {
        port,
        path: said("healthcheck-path").unwrap_or("/"),
        codes: said("success-codes").unwrap_or("200"),
        tls: said("healthcheck-protocol")
            .or_else(|| said("backend-protocol"))
            .is_some_and(|protocol| protocol.eq_ignore_ascii_case("HTTPS")),
    })
}

/// The port of the pods that requests go to.
fn traffic_port(service: Option<&Object<'_>>, port: &Value, gateway: Gateway) -> i64 {
    let usual = if gateway == Gateway::Gloo && service.is_none() { 80 } else { 8080 };
    let Some(service) = service else { return usual };
    let entry = items(&service.value["spec"]["ports"]).find(|p| p["port"] == *port || p["name"] == *port);
    entry.and_then(|p| number(&p["targetPort"]).or_else(|| number(&p["port"]))).unwrap_or(usual)
}

/// A port of a Service by its name.
fn named_port<'s>(service: &Object<'s>, name: &str) -> Option<&'s Value> {
    items(&service.value["spec"]["ports"]).find(|port| port["name"] == name)
}

fn answer(set: &Set<'_>, gateway: Gateway, probe: &Probe<'_>, namespace: &str) -> Answer {
    let (plain, tls): (&[i64], &[i64]) = match gateway {
        Gateway::Kourier => (&[8080, 8081, 8090], &[8443, 8444, 9443]),
        Gateway::Gloo => (&[80, 8080], &[443, 8443]),
        Gateway::Contour => (&[8080], &[8443]),
    };
    let ready = match gateway {
        Gateway::Kourier => probe.port == 9000 && is_kouriers_own(probe.path),
        Gateway::Contour => probe.port == 8002 && (probe.path == "/ready" || probe.path.starts_with("/stats")),
        Gateway::Gloo => return gloo_answer(set, probe, namespace, plain, tls),
    };
    match (ready, probe.tls) {
        (true, false) => Answer::Ready,
        _ if plain.contains(&probe.port) && !probe.tls || tls.contains(&probe.port) && probe.tls => Answer::NotFound,
        (false, false) if probe.port == gateway.ready_port() => Answer::NotFound,
        _ => Answer::Nothing,
    }
}

/// Whether Kourier's own listener has a route for a path.
fn is_kouriers_own(path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    matches!(
        path,
        "/" | "/certs" | "/stats" | "/stats/prometheus" | "/server_info" | "/clusters" | "/listeners" | "/ready"
    )
}

/// Gloo answers what its bootstrap says; before the first Knative Service it listens nowhere else.
fn gloo_answer(set: &Set<'_>, probe: &Probe<'_>, namespace: &str, plain: &[i64], tls: &[i64]) -> Answer {
    let bootstrap = set
        .find("", "ConfigMap", namespace, "knative-external-proxy-config")
        .and_then(|config| config.value["data"]["envoy.yaml"].as_str())
        .and_then(|text| yaml::parse(text).ok());
    let listener = bootstrap.as_ref().and_then(|envoy| {
        items(&envoy["static_resources"]["listeners"]).find(|listener| {
            let address = &listener["address"]["socket_address"];
            let open = address["address"].as_str().is_some_and(|a| !a.starts_with("127.") && a != "::1");
            open && number(&address["port_value"]) == Some(probe.port)
        })
    });
    match listener {
        Some(_) if probe.tls => Answer::Nothing,
        Some(listener) if routes(listener).any(|route| route_takes(route, probe.path)) => Answer::Ready,
        Some(_) => Answer::NotFound,
        None if plain.contains(&probe.port) && !probe.tls || tls.contains(&probe.port) && probe.tls => Answer::NotFound,
        None if bootstrap.is_none() => Answer::Unknown,
        None => Answer::Nothing,
    }
}

/// The routes of a static listener, whether its filter is in the form of Envoy's v2 or v3 API.
fn routes(listener: &Value) -> impl Iterator<Item = &Value> {
    items(&listener["filter_chains"])
        .flat_map(|chain| items(&chain["filters"]))
        .flat_map(|filter| [&filter["typed_config"], &filter["config"]])
        .flat_map(|config| items(&config["route_config"]["virtual_hosts"]))
        .flat_map(|host| items(&host["routes"]))
}

fn route_takes(route: &Value, path: &str) -> bool {
    let wanted = &route["match"];
    match (wanted["path"].as_str(), wanted["prefix"].as_str()) {
        (Some(exact), _) => path == exact,
        (None, Some(prefix)) => path.starts_with(prefix),
        // A regular expression: who wrote it knows.
        (None, None) => !wanted["safe_regex"].is_null() || !wanted["regex"].is_null(),
    }
}

/// Whether `success-codes`, such as `200`, `200,302` or `200-399`, holds a code.
fn accepts(codes: &str, code: u16) -> bool {
    codes.split(',').any(|part| match part.trim().split_once('-') {
        Some((first, last)) => match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
            (Ok(first), Ok(last)) => (first..=last).contains(&code),
            _ => false,
        },
        None => part.trim().parse() == Ok(code),
    })
}

fn health_check_port_name(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        for backend in &alb.backends {
            let Some(name) = alb.of_backend(set, backend, "healthcheck-port").map(str::trim) else { continue };
            if name == "traffic-port" || name.bytes().all(|b| b.is_ascii_digit()) {
                continue;
            }
            let Some(service) = alb.service(set, backend) else { continue };
            let port = named_port(service, name).map(|port| &port["targetPort"]);
            let why = match port {
                None => format!("the Service {} has no port of that name", service.name()),
                Some(Value::String(target)) if target.parse::<u16>().is_err() => {
                    format!("its targetPort, {target}, is a name as well")
                }
                Some(_) => continue,
            };
            found.at(
                alb.object,
                field("healthcheck-port"),
                format!("the health check's port is the name {name}, and {why}"),
            );
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_codes_are_a_list_of_codes_and_ranges() {
        assert!(
            accepts("200", 200) && accepts("200,404", 404) && accepts("200-499", 404) && accepts(" 200 , 404 ", 404)
        );
        assert!(!accepts("200", 404) && !accepts("200-399", 404) && !accepts("ok", 200));
    }
}
