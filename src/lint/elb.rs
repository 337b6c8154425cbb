//! What the AWS Load Balancer Controller takes and AWS does not: the controller then says so in its log and in an event, again
//! and again, and the load balancer stays as it was.

use std::collections::BTreeSet;

use crate::value::{Map, Value};

use super::annotations::{readable, speakers};
use super::load_balancer::{Alb, Backend, field};
use super::set::{Object, Set};
use super::value::items;
use super::{Check, Found, together};
use crate::alb::annotations::{self, Fault, known};
use crate::alb::{RULES, TAGS, is_load_balancer_name, json, reserved_tag};
use crate::aws::{Arn, partition_of};

pub(super) const CHECKS: &[Check] = &[
    Check::of_albs("elb-refused", elb_refused),
    Check::of_albs("alb-arn", arns),
    Check::of_albs("alb-tag-reserved", tag_reserved),
    Check::of_albs("alb-nobody-gets-in", nobody_gets_in),
    Check::of_albs("alb-rules-quota", rules_quota),
    Check::of_albs("alb-tls-policy", tls_policy),
];

fn elb_refused(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for object in speakers(set, albs) {
        for (name, text, annotation) in readable(object) {
            if !annotation.service && object.kind() == "Service" {
                continue;
            }
            let by_data = match annotation.fault(name, text) {
                // Told by a lint of its own.
                Some(Fault::Elb(why)) if why.starts_with("idle_timeout.timeout_seconds is") => None,
                Some(Fault::Elb(why)) => Some(why),
                Some(Fault::Controller(_)) => continue,
                None => None,
            };
            if let Some(why) = by_data.or_else(|| by_form(name, text, object)) {
                found.at(object, field(name), format!("Elastic Load Balancing refuses {name}: {why}"));
            }
        }
    }
    for alb in albs {
        health_check_pace(set, alb, found);
        groups_with_the_controllers(alb, found);
        rule_values(alb, found);
    }
    together::elb_refused(set, albs, found);
}

fn by_form(name: &str, text: &str, object: &Object<'_>) -> Option<String> {
    let no = |bad: bool, why: &str| bad.then(|| format!("`{text}` {why}"));
    match name {
        "load-balancer-name" => no(
            !is_load_balancer_name(text),
            "is no name: letters, digits and dashes, no dash at either end, and not starting with `internal-`",
        ),
        "healthcheck-path" | "frontend-nlb-healthcheck-path" => no(
            !text.starts_with('/') || text.len() > 1024,
            "is no path, which begins with a slash and has 1,024 characters at the most",
        ),
        "healthcheck-port" => {
            let number = text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty();
            no(number && !text.parse::<u16>().is_ok_and(|port| port > 0), "is no port: 1 to 65535, or traffic-port")
        }
        "success-codes" => {
            let grpc = object.annotation(&format!("{}backend-protocol-version", annotations::PREFIX)) == Some("GRPC");
            let range = if grpc { 0..=99 } else { 200..=499 };
            // Where the Service says GRPC and the Ingress has the codes, either may be meant.
            let good = are_codes(text, &range) || !grpc && are_codes(text, &(0..=99)) && text.len() <= 2;
            no(!good, &format!("is no list of codes and ranges from {} to {}", range.start(), range.end()))
        }
        "ssl-policy" => {
            let near =
                known().ssl_policies.nearest(text).map(|near| format!("; {near} is near it")).unwrap_or_default();
            no(!known().ssl_policies.has(text), &format!("is no policy that ELB has{near}"))
        }
        "subnets" | "security-groups" => {
            let mut seen = BTreeSet::new();
            let twice = annotations::list(text).into_iter().find(|item| !seen.insert(*item))?;
            Some(format!("it has {twice} twice"))
        }
        "tags" => tags(text),
        // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_PrefixListId.html
        "security-group-prefix-lists" => {
            let is_id = |id: &str| id.strip_prefix("pl-").is_some_and(is_made_of_hex);
            let bad = annotations::list(text).into_iter().find(|id| !is_id(id))?;
            Some(format!("`{bad}` is no id of a prefix list, such as pl-0123456789abcdef0"))
        }
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_IpamPools.html
        "ipam-ipv4-pool-id" => {
            let rest = text.strip_prefix("ipam-pool-").unwrap_or_default();
            let good = !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric());
            no(!good && !text.is_empty(), "is no id of an IPAM pool, such as ipam-pool-0123456789abcdef0")
        }
        _ => None,
    }
}

fn is_made_of_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Codes and ranges of codes, `200,302` or `200-399`.
fn are_codes(text: &str, range: &std::ops::RangeInclusive<u16>) -> bool {
    let code = |text: &str| text.parse::<u16>().ok().filter(|code| range.contains(code));
    !text.is_empty()
        && text.split(',').all(|part| match part.split_once('-') {
            Some((first, last)) => code(first).zip(code(last)).is_some_and(|(first, last)| first <= last),
            None => code(part).is_some(),
        })
}

fn tags(text: &str) -> Option<String> {
    let pairs = annotations::map(text)?;
    let keys: BTreeSet<_> = pairs.iter().map(|(key, _)| key).collect();
    if keys.len() > TAGS {
        return Some(format!("{} tags and the controller's three; AWS lets a resource have 50", keys.len()));
    }
    let is = |text: &str, most: usize| {
        text.chars().count() <= most && text.chars().all(|c| c.is_alphanumeric() || " _.:/=+-@".contains(c))
    };
    let bad = pairs.iter().find(|(key, value)| key.starts_with("aws:") || !is(key, 128) || !is(value, 256));
    bad.map(|(key, value)| {
        format!(
            "`{key}={value}` is no tag: letters, digits, spaces and _ . : / = + - @, 128 and 256 at the most, and not starting with \
             `aws:`"
        )
    })
}

/// A health check has to be over before the next begins.
fn health_check_pace(set: &Set<'_>, alb: &Alb<'_>, found: &mut Found) {
    for backend in alb.backends.iter().filter(|b| b.port != "use-annotation") {
        let of = |name: &str| alb.of_backend(set, backend, name);
        let (interval, timeout) = ("healthcheck-interval-seconds", "healthcheck-timeout-seconds");
        let number = |name: &str, default: i64| of(name).map_or(Some(default), annotations::integer);
        let (Some(pause), Some(wait)) = (number(interval, 15), number(timeout, 5)) else { continue };
        if wait >= pause && (of(interval).is_some() || of(timeout).is_some()) {
            let name = if of(timeout).is_some() { timeout } else { interval };
            let what = format!(
                "Elastic Load Balancing refuses a health check that waits {wait} s and is made every {pause} s"
            );
            found.at(alb.object, field(name), what);
            return;
        }
    }
}

fn groups_with_the_controllers(alb: &Alb<'_>, found: &mut Found) {
    let name = "security-groups";
    if let Some(text) = alb.annotation(name)
        && annotations::list(text).len() == 5
        && alb.of_group("manage-backend-security-group-rules").and_then(annotations::boolean) == Some(true)
    {
        let what = "Elastic Load Balancing refuses six security groups: these five and the controller's own, which \
                    manage-backend-security-group-rules adds";
        found.at(alb.object, field(name), what);
    }
}

/// A rule compares five values at the most; a path of type Prefix becomes two, `/a` and `/a/*`.
fn rule_values(alb: &Alb<'_>, found: &mut Found) {
    for backend in &alb.backends {
        let path = match (backend.path, backend.path_type) {
            (None | Some(""), _) => 0,
            (Some("/"), _) => 1,
            (Some(_), "Prefix") => 2,
            (Some(_), _) => 1,
        };
        let conditions = alb.annotation(&format!("conditions.{}", backend.service));
        let conditions: Value = conditions.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let more = items(&conditions).flat_map(|condition| {
            let configs = condition.as_object().into_iter().flat_map(Map::values);
            configs.flat_map(|c| ["values", "regexValues"].map(|name| items(json::get(c, name)).count()))
        });
        let total = usize::from(backend.host.is_some()) + path + more.sum::<usize>();
        if total > 5 {
            let what = format!(
                "Elastic Load Balancing refuses a rule of {total} values (host, paths, conditions); five at the most"
            );
            found.at(alb.object, backend.at.clone(), what);
        }
    }
}

/// The region that the set is for: the cluster's, or what the controller is told.
fn region<'s>(set: &Set<'s>) -> Option<&'s str> {
    let cluster = set.all("eksctl.io", "ClusterConfig").find_map(|c| c.value["metadata"]["region"].as_str());
    let told = || {
        set.templates().flat_map(|pod| &pod.containers).find_map(|container| {
            items(&container.value["args"]).find_map(|arg| arg.as_str()?.strip_prefix("--aws-region="))
        })
    };
    cluster.or(set.region()).or_else(told)
}

fn arns(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    let known = region(set);
    for alb in albs {
        let named = ["wafv2-acl-arn", "certificate-arn"].map(|name| (name, alb.annotation(name).unwrap_or_default()));
        // What else says where the load balancer is.
        let other = |not: &str| {
            let others = named.iter().filter(|(name, _)| *name != not).flat_map(|(_, text)| annotations::list(text));
            let others = others.filter_map(Arn::parse).filter(|arn| !arn.resource.starts_with("global/"));
            others.map(|arn| arn.region).find(|region| !region.is_empty())
        };
        for (name, text) in named {
            for arn in annotations::list(text).into_iter().filter(|arn| *arn != "none") {
                if let Some(why) = arn_fault(name, arn, known.or_else(|| other(name))) {
                    found.at(alb.object, field(name), why);
                }
            }
        }
        let certificates = annotations::list(named[1].1).into_iter().filter_map(Arn::parse).map(|arn| arn.region);
        let certificates: BTreeSet<_> = certificates.filter(|region| !region.is_empty()).collect();
        if known.is_none() && certificates.len() > 1 {
            let what = "the certificates are of several regions, and an ALB takes those of its own alone";
            found.at(alb.object, field("certificate-arn"), what);
        }
    }
}

fn arn_fault(name: &str, text: &str, region: Option<&str>) -> Option<String> {
    let Some(arn) = Arn::parse(text) else { return Some(format!("{name}: `{text}` is no ARN")) };
    let (service, what) = if name == "certificate-arn" {
        (["acm", "iam"].contains(&arn.service), "a certificate of ACM or IAM")
    } else {
        (arn.service == "wafv2", "a web ACL of WAF")
    };
    if !service {
        return Some(format!("{name}: {text} is not {what}"));
    }
    let kind = if arn.service == "acm" { "certificate/" } else { "server-certificate/" };
    if name == "certificate-arn" && arn.resource.strip_prefix(kind).is_none_or(str::is_empty) {
        return Some(format!("{name}: {text} is no {what}: what it names is not a {}", kind.trim_end_matches('/')));
    }
    if let Some(c) = arn.resource.chars().find(|c| !c.is_ascii_alphanumeric() && !"/-_+=.@".contains(*c)) {
        return Some(format!("{name}: `{text}` is no ARN: {c:?} is in it; commas separate several"));
    }
    if name == "wafv2-acl-arn" && !arn.resource.starts_with("regional/webacl/") {
        return Some(format!("{name}: {text} is not regional; an ALB takes no web ACL that is made for CloudFront"));
    }
    if !arn.region.is_empty() && arn.partition != partition_of(arn.region) {
        return Some(format!("{name}: {} is not in {}", arn.region, arn.partition));
    }
    if arn.resource.ends_with("/00000000-0000-0000-0000-000000000000") {
        return Some(format!(
            "{name}: the id in {text} stands in place of one; name one that exists, of the ALB's own region"
        ));
    }
    let region = region.filter(|region| !arn.region.is_empty() && arn.region != *region)?;
    Some(format!("{name} is of {}, and the ALB in {region}: it takes only what is of its own region", arn.region))
}

fn tag_reserved(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for object in speakers(set, albs) {
        for (name, text, _) in readable(object).filter(|(name, ..)| *name == "tags") {
            let pairs = annotations::map(text).unwrap_or_default();
            if let Some((key, _)) = pairs.iter().find(|(key, _)| reserved_tag(key).is_some()) {
                let what = format!("the controller keeps the tag {key} for itself, and finds its load balancers by it");
                found.at(object, field(name), what);
            }
        }
    }
}

fn nobody_gets_in(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        let Some(text) = alb.annotation("inbound-cidrs") else { continue };
        let cidrs = annotations::list(text);
        let two = alb.params["ipAddressType"].as_str().or_else(|| alb.of_group("ip-address-type"));
        let is_v4 = matches!(two, None | Some("ipv4"));
        if is_v4 && !cidrs.is_empty() && cidrs.iter().all(|cidr| cidr.contains(':')) {
            let what = "all ranges are of IPv6, and the ALB has IPv4 addresses alone: the controller leaves them out, and nobody gets in";
            found.at(alb.object, field("inbound-cidrs"), what);
        } else if let Some(beyond) =
            cidrs.iter().find(|cidr| crate::alb::is_range(cidr).is_err_and(|why| why.starts_with("has bits")))
        {
            let what = format!(
                "{beyond} has bits beyond its prefix; AWS stores it without, and the controller sees a difference for ever"
            );
            found.at(alb.object, field("inbound-cidrs"), what);
        }
    }
}

/// Rules that an ALB may have, where the quota was not raised.
const LISTENER_RULES: usize = 100;

fn rules_quota(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        let listeners = alb.listeners().map_or(1, |listeners| listeners.len());
        let cidrs = alb.annotation("inbound-cidrs").map_or(0, |text| annotations::list(text).len());
        if cidrs * listeners > RULES {
            let what = format!(
                "{cidrs} ranges for {listeners} listeners are {} rules, and a security group has {RULES} where the \
                 quota was not raised",
                cidrs * listeners
            );
            found.at(alb.object, field("inbound-cidrs"), what);
        }
        if alb.backends.len() > LISTENER_RULES {
            let what = format!(
                "{} paths are as many rules, and an ALB has {LISTENER_RULES} where the quota was not raised",
                alb.backends.len()
            );
            found.at(alb.object, "/spec/rules", what);
        }
    }
}

fn tls_policy(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    let policies = &known().ssl_policies;
    for alb in albs {
        if !alb.listeners().is_some_and(|listeners| listeners.iter().any(|(_, tls)| *tls)) {
            continue;
        }
        let given = alb.params["sslPolicy"].as_str().or_else(|| alb.of_group("ssl-policy"));
        let policy = given.unwrap_or(&policies.default);
        if policies.is_old(policy) {
            let default = if given.is_none() { ", the controller's default" } else { "" };
            found.at(
                alb.object,
                field("ssl-policy"),
                format!("the ALB still speaks TLS 1.0 or 1.1 ({policy}{default})"),
            );
        }
    }
}

/// Whether a backend is an action of the load balancer's own.
pub(super) fn is_action(backend: &Backend<'_>) -> bool {
    backend.port == "use-annotation"
}
