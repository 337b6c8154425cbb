//! A gateway that has to go lets the requests through it end (G6): it drains, is killed, and is forgotten by the ALB no sooner
//! than the longest request may take.

use crate::value::Value;

use super::gateway::{self, Gateway};
use super::load_balancer::{Alb, field};
use super::set::{Container, Object, Set, Template};
use super::timeouts::longest_request;
use super::value::{items, number};
use super::{Check, Found};
use crate::alb::DEREGISTRATION_MAX;

pub(super) const CHECKS: &[Check] = &[Check::of_albs("gateway-grace", gateway_grace)];

fn gateway_grace(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    let longest = longest_request(set);
    for pod in set.pods() {
        if let Some(gateway) = Gateway::of_deployment(pod.object) {
            killed(gateway, pod, &longest, found);
            stops_serving(gateway, pod, &longest, found);
        }
    }
    for alb in albs {
        let Some((gateway, backend)) = alb.gateways(set).next() else { continue };
        let given = gateway::delay(set, alb, backend);
        let delay = given.unwrap_or(gateway::DEFAULT_DELAY);
        if delay < longest.0.min(i64::from(DEREGISTRATION_MAX)) {
            let (seconds, by) = &longest;
            let default = if given.is_none() { ", the default" } else { "" };
            let what = format!(
                "the ALB cuts what goes through a pod of {} {delay} s{default} after the pod is told to go; a request may take \
                 {seconds} ({by})",
                gateway.name()
            );
            found.at(alb.object, field("target-group-attributes"), what);
        }
    }
}

fn killed(gateway: Gateway, pod: &Template<'_>, (longest, by): &(i64, String), found: &mut Found) {
    let given = number(&pod.spec["terminationGracePeriodSeconds"]);
    let grace = given.unwrap_or(gateway::DEFAULT_GRACE);
    let default = if given.is_none() { ", the default" } else { "" };
    if grace < *longest {
        let what = format!(
            "{} is killed {grace} s{default} after it is told to go; a request through it may take {longest} ({by})",
            gateway.name()
        );
        found.at(pod.object, pod.spec_field("/terminationGracePeriodSeconds"), what);
    }
}

fn stops_serving(gateway: Gateway, pod: &Template<'_>, (longest, by): &(i64, String), found: &mut Found) {
    // Contour's has a shutdown manager beside it, which waits for open connections.
    let Some(container) = proxy(gateway, pod).filter(|_| gateway != Gateway::Contour) else { return };
    let Some(drain) = drain(container) else { return };
    let at = container.field(drain.at.as_deref().unwrap_or("/lifecycle/preStop"));
    let seconds = drain.seconds;
    if seconds < *longest {
        let what = match seconds {
            0 => format!("{} ends at once when it is told to go; a request through it may take", gateway.name()),
            _ => format!("{} drains for {seconds} s and ends; a request through it may take", gateway.name()),
        };
        found.at(pod.object, at, format!("{what} {longest} ({by})"));
    } else if let Some(grace) = number(&pod.spec["terminationGracePeriodSeconds"]).filter(|grace| *grace <= seconds) {
        let what = format!("{} drains for {seconds} s, and is killed after {grace}", gateway.name());
        found.at(pod.object, at, what);
    }
}

/// The container that is the gateway itself.
fn proxy<'a, 's>(gateway: Gateway, pod: &'a Template<'s>) -> Option<&'a Container<'s>> {
    let named = match gateway {
        Gateway::Kourier => "kourier-gateway",
        Gateway::Gloo => "knative-external-proxy",
        Gateway::Contour => "envoy",
    };
    let only = match pod.containers.as_slice() {
        [only] => Some(only),
        _ => None,
    };
    pod.containers.iter().find(|container| container.name == named).or(only)
}

/// How long a container goes on after it is told to go, and where that is said, below the container.
struct Drain {
    seconds: i64,
    at: Option<String>,
}

/// By its hook before the end; `None` where that is anything else than a sleep.
fn drain(container: &Container<'_>) -> Option<Drain> {
    let hook = &container.value["lifecycle"]["preStop"];
    if hook.is_null() {
        return Some(Drain { seconds: 0, at: None });
    }
    if let Some(seconds) = number(&hook["sleep"]["seconds"]) {
        return Some(Drain { seconds, at: Some("/lifecycle/preStop/sleep/seconds".to_owned()) });
    }
    let words: Vec<&str> =
        items(&hook["exec"]["command"]).filter_map(Value::as_str).flat_map(str::split_whitespace).collect();
    let after = words.iter().position(|word| *word == "sleep" || word.ends_with("/sleep"))? + 1;
    let amount = words.get(after)?.trim_matches(['"', '\'', ';']);
    match amount.strip_prefix('$') {
        Some(name) => {
            let name = name.trim_start_matches('{').trim_end_matches('}');
            let (i, variable) = items(&container.value["env"]).enumerate().find(|(_, env)| env["name"] == name)?;
            Some(Drain { seconds: seconds(variable["value"].as_str()?)?, at: Some(format!("/env/{i}/value")) })
        }
        None => Some(Drain { seconds: seconds(amount)?, at: None }),
    }
}

/// What `sleep` takes: a number, with or without a unit.
fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let (number, unit) = match text.as_bytes().last()? {
        b's' => (&text[..text.len() - 1], 1),
        b'm' => (&text[..text.len() - 1], 60),
        b'h' => (&text[..text.len() - 1], 3600),
        _ => (text, 1),
    };
    number.parse::<i64>().ok()?.checked_mul(unit)
}

impl Gateway {
    /// The gateway that a Deployment runs.
    fn of_deployment(object: &Object<'_>) -> Option<Gateway> {
        let known = || Gateway::ALL.into_iter().find(|gateway| gateway.is_run_by(object));
        object.is("apps", "Deployment").then(known).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_sleep_is_a_number_with_or_without_a_unit() {
        assert_eq!((seconds("15"), seconds("15s"), seconds("10m")), (Some(15), Some(15), Some(600)));
        assert_eq!((seconds("infinity"), seconds(""), seconds("m")), (None, None, None));
    }
}
