//! Annotations that the AWS Load Balancer Controller does not know, cannot read, or reads in vain.

use crate::value::Value;

use super::load_balancer::{Alb, field};
use super::set::{Object, Set};
use super::value::{entries, items};
use super::{Check, Found, together};
use crate::alb::annotations::{self, Annotation, Fault, PREFIX, known};
use crate::alb::is_range;
use crate::pointer;

pub(super) const CHECKS: &[Check] = &[
    Check::of_albs("alb-annotation-unknown", unknown),
    Check::of_albs("alb-annotation-not-text", not_text),
    Check::of_albs("alb-annotation-refused", refused),
    Check::of_albs("alb-annotation-unused", unused),
];

/// The annotations of an object that start with the controller's prefix, without it.
pub(super) fn own<'s>(object: &Object<'s>) -> impl Iterator<Item = (&'s str, &'s Value)> {
    entries(&object.value["metadata"]["annotations"])
        .filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, value)))
}

/// Those of them that are known and of text.
pub(super) fn readable<'s>(object: &Object<'s>) -> impl Iterator<Item = (&'s str, &'s str, &'static Annotation)> {
    own(object).filter_map(|(name, value)| Some((name, value.as_str()?, known().find(name)?)))
}

/// The Ingresses that become a load balancer, and the Services that say something about one.
pub(super) fn speakers<'a, 's>(set: &'a Set<'s>, albs: &'a [Alb<'s>]) -> impl Iterator<Item = &'s Object<'s>> + 'a {
    let services = set.all("", "Service").filter(|service| own(service).next().is_some());
    albs.iter().map(|alb| alb.object).chain(services)
}

fn at(key: &str) -> String {
    pointer::below("/metadata/annotations", key)
}

fn unknown(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for object in speakers(set, albs) {
        for (key, _) in entries(&object.value["metadata"]["annotations"]) {
            let what = match key.strip_prefix(PREFIX) {
                Some(name) if known().find(name).is_some() => continue,
                Some(name) => {
                    let nearest = known().nearest(name);
                    let near = nearest.map(|near| format!("; {near} is near it")).unwrap_or_default();
                    format!("the controller reads no annotation {name}{near}")
                }
                None => match (misspelt(key), together::of_others(key).filter(|_| object.kind() == "Ingress")) {
                    (Some(meant), _) => format!("nothing reads {key}; {meant} is near it"),
                    (None, Some(what)) => what,
                    (None, None) => continue,
                },
            };
            found.at(object, at(key), what);
        }
    }
}

/// What a key was meant to be that is one of the controller's but for its prefix.
fn misspelt(key: &str) -> Option<String> {
    let domain = PREFIX.trim_end_matches('/');
    // The slash is missing, or something else stands in its place.
    if let Some(rest) = key.strip_prefix(domain) {
        let name = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        return known().find(name).map(|_| format!("{PREFIX}{name}"));
    }
    let (prefix, name) = key.split_once('/')?;
    known().find(name)?;
    let others = ["alb.", "aws.", "elb.", "elbv2.", "ingress.k8s.aws", "aws-alb", "aws-load-balancer"];
    let is_near = strsim::damerau_levenshtein(prefix, domain) <= 4;
    (is_near || others.iter().any(|other| prefix.starts_with(other))).then(|| format!("{PREFIX}{name}"))
}

fn not_text(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for object in speakers(set, albs) {
        for (name, value) in own(object).filter(|(_, value)| !value.is_string() && !value.is_null()) {
            let what = format!("{name} is {value}, which is no text: it has to stand in quotes");
            found.at(object, field(name), what);
        }
    }
}

fn refused(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for object in speakers(set, albs) {
        for (name, text, annotation) in readable(object) {
            if !annotation.service && object.kind() == "Service" {
                continue; // told as unused
            }
            let fault = match annotation.fault(name, text) {
                Some(Fault::Controller(why)) => Some(why),
                _ => beyond_the_parser(name, text),
            };
            if let Some(why) = fault {
                found.at(object, field(name), format!("the controller refuses {name}: {why}"));
            }
        }
    }
    together::refused(set, albs, found);
}

/// What the controller looks at after it has read a value.
fn beyond_the_parser(name: &str, text: &str) -> Option<String> {
    match name {
        "group.name" => {
            let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            let good =
                text.starts_with(edge) && text.ends_with(edge) && text.chars().all(|c| edge(c) || c == '-' || c == '.');
            (!good).then(|| {
                format!(
                    "`{text}` is no name of a group (lower-case letters, digits, dashes and dots), and the Ingress is then passed \
                     over in silence"
                )
            })
        }
        "inbound-cidrs" => {
            let bad = annotations::list(text)
                .into_iter()
                .find(|cidr| is_range(cidr).is_err_and(|why| why.starts_with("is not")))?;
            Some(format!("`{bad}` is no range of IP addresses, such as 10.0.0.0/8"))
        }
        "subnets" => {
            let subnets = annotations::list(text);
            match subnets.as_slice() {
                [] => Some("it names no subnet".to_owned()),
                [one] => Some(format!("{one} is one subnet, and an ALB needs two or more")),
                _ => None,
            }
        }
        "customer-owned-ipv4-pool" => text.is_empty().then(|| "it is empty".to_owned()),
        _ => None,
    }
}

fn unused(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for service in set.all("", "Service") {
        for (name, _, _) in readable(service).filter(|(.., annotation)| !annotation.service) {
            found.at(service, field(name), format!("the controller reads {name} on Ingresses alone, not on a Service"));
        }
    }
    for alb in albs {
        let listeners = alb.listeners();
        for (name, text, annotation) in readable(alb.object) {
            let https = listeners.as_ref().is_none_or(|all| all.iter().any(|(_, tls)| *tls));
            let why = if annotation.tls && !https {
                Some(format!("{name} is about HTTPS, and the ALB does not listen for it"))
            } else {
                in_vain(set, alb, name, text, listeners.as_deref())
            };
            let why = why.or_else(|| together::in_vain(alb, name, text, listeners.as_deref()));
            let why = why.or_else(|| {
                let passed_over = annotation.passed_over(text)?;
                Some(format!("the controller does not know {passed_over} in {name}, and passes over it"))
            });
            if let Some(why) = why {
                found.at(alb.object, field(name), why);
            }
        }
    }
}

/// Why an annotation of an Ingress changes nothing.
fn in_vain(set: &Set<'_>, alb: &Alb<'_>, name: &str, text: &str, listeners: Option<&[(i64, bool)]>) -> Option<String> {
    let has = |name: &str| alb.of_group(name).is_some_and(|text| !text.trim().is_empty());
    let (kind, rest) = name.split_once('.').unwrap_or((name, ""));
    match kind {
        "actions" => {
            let used = alb.backends.iter().any(|b| b.service == rest && b.port == "use-annotation");
            (!used).then(|| {
                format!("no backend is the Service {rest} with the port use-annotation, so that {name} does nothing")
            })
        }
        "conditions" | "transforms" => {
            let used = alb.backends.iter().any(|b| b.service == rest);
            (!used).then(|| format!("no backend is called {rest}, so that {name} does nothing"))
        }
        "listener-attributes" => {
            let named = |(port, tls): &(i64, bool)| rest == format!("HTTP{}-{port}", if *tls { "S" } else { "" });
            let missing = !listeners?.iter().any(named);
            missing.then(|| format!("there is no listener {rest}, so that {name} does nothing"))
        }
        "target-control-port" => {
            let port = |b: &Value| b.as_str().map_or_else(|| b.to_string(), str::to_owned);
            let used = alb.backends.iter().any(|b| format!("{}.{}", b.service, port(b.port)) == rest);
            (!used).then(|| format!("no backend is {rest} (SERVICE.PORT), so that {name} does nothing"))
        }
        "group" if rest == "order" => (alb.annotation("group.name").is_none() && alb.params["group"].is_null())
            .then(|| "group.order is a place in a group, and the Ingress is in none".to_owned()),
        "inbound-cidrs" | "security-group-prefix-lists" => {
            has("security-groups").then(|| format!("{name} is passed over where security-groups is given"))
        }
        "manage-backend-security-group-rules" => (!has("security-groups"))
            .then(|| format!("{name} is about security groups of your own, and security-groups is not given")),
        "wafv2-acl-arn" => {
            has("wafv2-acl-name").then(|| "wafv2-acl-arn is passed over beside wafv2-acl-name".to_owned())
        }
        "target-node-labels" => (alb.annotation("target-type") == Some("ip"))
            .then(|| "target-node-labels chooses nodes, and targets of type ip are pods".to_owned()),
        "use-regex-path-match" => {
            let on = annotations::boolean(text) == Some(true);
            let is_free = |b: &&super::load_balancer::Backend<'_>| b.path_type == "ImplementationSpecific";
            (on && alb.backends.iter().find(is_free).is_none()).then(|| {
                "use-regex-path-match is about paths of type ImplementationSpecific, and there is none".to_owned()
            })
        }
        _ if kind.starts_with("frontend-nlb-") => {
            let on = alb.of_group("enable-frontend-nlb").and_then(annotations::boolean) == Some(true);
            (!on).then(|| format!("{name} does nothing without enable-frontend-nlb: 'true'"))
        }
        _ if kind.starts_with("auth-") && kind != "auth-type" => {
            let types = alb.backends.iter().filter_map(|b| alb.of_backend(set, b, "auth-type"));
            let on = types.chain(alb.annotation("auth-type")).any(|kind| kind != "none");
            (!on).then(|| format!("{name} does nothing without auth-type"))
        }
        _ => None,
    }
}

/// Whether a rule of an Ingress takes every request on every host.
pub(super) fn catches_all(object: &Object<'_>) -> bool {
    let spec = &object.value["spec"];
    !spec["defaultBackend"].is_null()
        || items(&spec["rules"]).filter(|rule| rule["host"].as_str().is_none_or(str::is_empty)).any(|rule| {
            items(&rule["http"]["paths"]).any(|path| match path["path"].as_str() {
                None | Some("") => true,
                Some("/") => path["pathType"] == "Prefix",
                Some("/*") => true,
                Some(_) => false,
            })
        })
}
