//! Ingresses that share a load balancer (`group.name`): what one says holds for all, and what two say differently stops the
//! controller for all.

use std::collections::BTreeMap;

use super::annotations::{catches_all, own};
use super::load_balancer::{Alb, field};
use super::set::{Object, Set};
use super::value::items;
use super::{Check, Found};
use crate::alb::annotations::{self, Sharing, known};

pub(super) const CHECKS: &[Check] =
    &[Check::of_albs("alb-group-conflict", conflict), Check::of_albs("alb-group-catch-all", catch_all)];

fn said<'s>(object: &Object<'s>, name: &str) -> Option<&'s str> {
    own(object).find(|(key, _)| *key == name).and_then(|(_, value)| value.as_str())
}

fn conflict(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs.iter().filter(|alb| alb.group.len() > 1) {
        // Each pair once, at the one that comes later.
        for other in &alb.group[1..] {
            if !is_before(other, alb.object) {
                continue;
            }
            for (name, what) in differences(other, alb.object) {
                let by = other.identity();
                found.at(alb.object, name, format!("{what}; {by}, which shares the ALB, says otherwise"));
            }
        }
    }
}

fn is_before(a: &Object<'_>, b: &Object<'_>) -> bool {
    (a.namespace(), a.name()) < (b.namespace(), b.name())
}

/// What the second says that contradicts the first: the field, and in words.
fn differences(a: &Object<'_>, b: &Object<'_>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for annotation in known().shared(Sharing::One) {
        let name = annotation.name.as_str();
        if let (Some(one), Some(two)) = (said(a, name), said(b, name))
            && one != two
            && !is_same_list(name, one, two)
        {
            found.push((field(name), format!("{name} is {two}")));
        }
    }
    for annotation in known().shared(Sharing::OnePerKey) {
        let start = annotation.name.trim_end_matches('*');
        for (name, value) in own(b).filter(|(name, _)| name.starts_with(start)) {
            let pairs = |text: Option<&str>| annotations::map(text.unwrap_or_default()).unwrap_or_default();
            let theirs: BTreeMap<_, _> = pairs(said(a, name)).into_iter().collect();
            for (key, value) in pairs(value.as_str()) {
                if theirs.get(&key).is_some_and(|other| *other != value) {
                    found.push((field(name), format!("{key} of {name} is {value}")));
                }
            }
        }
    }
    let (ports_a, ports_b) = (ports(a), ports(b));
    for (port, tls) in &ports_b {
        if ports_a.get(port).is_some_and(|other| other != tls) {
            found.push((field("listen-ports"), format!("port {port} is for HTTP{}", if *tls { "S" } else { "" })));
        }
    }
    if ports_b.keys().any(|port| ports_a.contains_key(port)) {
        for annotation in known().shared(Sharing::OnePerPort) {
            let name = annotation.name.as_str();
            if let (Some(one), Some(two)) = (said(a, name), said(b, name))
                && one != two
                && !is_same_list(name, one, two)
            {
                found.push((field(name), format!("{name} is {two}")));
            }
        }
    }
    let default = |o: &Object<'_>| !o.value["spec"]["defaultBackend"].is_null();
    if default(a) && default(b) {
        found.push(("/spec/defaultBackend".to_owned(), "it has a default backend".to_owned()));
    }
    found
}

fn is_same_list(name: &str, one: &str, two: &str) -> bool {
    let sorted = |text| {
        let mut items = annotations::list(text);
        items.sort_unstable();
        items
    };
    // The order of security groups counts.
    name != "security-groups" && sorted(one) == sorted(two)
}

/// The ports that one Ingress asks for, with whether they speak TLS.
fn ports(object: &Object<'_>) -> BTreeMap<i64, bool> {
    let Some(text) = said(object, "listen-ports") else {
        let tls = said(object, "certificate-arn").is_some_and(|arn| !annotations::list(arn).is_empty());
        return BTreeMap::from([if tls { (443, true) } else { (80, false) }]);
    };
    let value: crate::value::Value = serde_json::from_str(text).unwrap_or_default();
    let entries = items(&value).filter_map(|entry| entry.as_object()).flatten();
    entries.filter_map(|(protocol, port)| Some((port.as_i64()?, protocol == "HTTPS"))).collect()
}

fn order(object: &Object<'_>) -> i64 {
    said(object, "group.order").and_then(annotations::integer).unwrap_or(0)
}

fn catch_all(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        if alb.annotation("group.name").is_none() && alb.params["group"].is_null() || !catches_all(alb.object) {
            continue;
        }
        let place = |o: &Object<'_>| (order(o), o.namespace().to_owned(), o.name().to_owned());
        let behind = alb.group[1..].iter().find(|other| place(other) > place(alb.object));
        let given = alb.annotation("group.order");
        let what = match (behind, given) {
            (Some(other), _) => format!(
                "its rule takes every request on every host, and {} is asked after it, in vain",
                other.identity()
            ),
            (None, None) => "its rule takes every request on every host, and without group.order its place in the group is 0, where \
                             all others are"
                .to_owned(),
            (None, Some(_)) => continue,
        };
        found.at(alb.object, field("group.order"), what);
    }
}
