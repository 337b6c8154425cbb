//! What the annotations of an Ingress say together, and together with its rules: each of them may be well formed, and the
//! controller, or AWS, takes not both.
//!
//! Source, where no other is given: the controller's <https://github.com/kubernetes-sigs/aws-load-balancer-controller/tree/v3.5.0/pkg/ingress>

use crate::alb::annotations;
use crate::alb::json;
use crate::value::Value;

use super::Found;
use super::elb::is_action;
use super::load_balancer::{Alb, Backend, field};
use super::set::{Object, Set};
use super::value::items;

fn read(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn has_tls(alb: &Alb<'_>) -> bool {
    alb.listeners().is_some_and(|all| all.iter().any(|(_, tls)| *tls))
}

/// Whether a scheme is that of a load balancer within the VPC, which is the controller's default. In a group, another Ingress
/// that is not in sight may say otherwise.
fn is_internal(alb: &Alb<'_>, given: Option<&str>) -> bool {
    given == Some("internal")
        || given.is_none() && alb.annotation("group.name").is_none() && alb.params["group"].is_null()
}

fn ip_address_type<'s>(alb: &Alb<'s>) -> &'s str {
    alb.params["ipAddressType"].as_str().or_else(|| alb.of_group("ip-address-type")).unwrap_or("ipv4")
}

/// What the controller stops at.
pub(super) fn refused(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        authentication(set, alb, found);
        frontend_nlb(alb, found);
        for backend in &alb.backends {
            regexes(alb, backend, found);
            if is_action(backend) {
                continue;
            }
            let of = |name: &str| alb.of_backend(set, backend, name);
            let port = backend.port.as_str().map_or_else(|| backend.port.to_string(), str::to_owned);
            let control = format!("target-control-port.{}.{port}", backend.service);
            let by_instance = alb.params["targetType"].as_str().or_else(|| of("target-type")) == Some("instance");
            if by_instance && of(&control).is_some() {
                let what = format!("the controller refuses {control} for targets of type instance");
                found.at(alb.object, field(&control), what);
            }
            let service = alb.service(set, backend);
            if service.is_some_and(|s| items(&s.value["spec"]["ipFamilies"]).any(|family| family == "IPv6"))
                && ip_address_type(alb) == "ipv4"
            {
                let what = format!(
                    "the controller refuses the Service {}, which has IPv6, behind an ALB of IPv4 alone: ip-address-type has \
                     to be dualstack",
                    backend.service
                );
                found.at(alb.object, field("ip-address-type"), what);
            }
        }
    }
}

/// `model_build_actions.go`: what authenticates needs to know by whom; without HTTPS nothing is authenticated.
fn authentication(set: &Set<'_>, alb: &Alb<'_>, found: &mut Found) {
    if !has_tls(alb) {
        return;
    }
    for backend in &alb.backends {
        let of = |name: &str| {
            if is_action(backend) { alb.annotation(name) } else { alb.of_backend(set, backend, name) }
        };
        let Some(kind) = of("auth-type").filter(|kind| ["oidc", "cognito"].contains(kind)) else { continue };
        let provider = format!("auth-idp-{kind}");
        if of(&provider).is_none() {
            let what =
                format!("the controller refuses auth-type: {kind} without {provider}, which says who authenticates");
            found.at(alb.object, field("auth-type"), what);
            return;
        }
        if alb.annotation("jwt-validation").is_some() {
            let what = "the controller refuses jwt-validation beside auth-type: one of them looks at who calls";
            found.at(alb.object, field("jwt-validation"), what);
            return;
        }
        let name = read(of(&provider).filter(|_| kind == "oidc"));
        let name = json::get(&name, "secretName").as_str().unwrap_or_default();
        let Some(secret) = set.find("", "Secret", alb.object.namespace(), name) else { continue };
        let there = |key: &str| ["data", "stringData"].iter().any(|part| !secret.value[*part][key].is_null());
        let missing = [("clientID", there("clientID") || there("clientId")), ("clientSecret", there("clientSecret"))];
        if let Some((key, _)) = missing.iter().find(|(_, there)| !there) {
            let what = format!("the controller refuses {provider}: the Secret {name} has no {key}");
            found.at(alb.object, field(&provider), what);
            return;
        }
    }
}

/// `model_build_listener_rules.go`: a rule compares a host, and a path, with plain values or with regular expressions.
fn regexes(alb: &Alb<'_>, backend: &Backend<'_>, found: &mut Found) {
    let name = format!("conditions.{}", backend.service);
    let conditions = read(alb.annotation(&name));
    let given = |field: &str, config: &str, key: &str| {
        items(&conditions)
            .filter(|c| json::get(c, "field") == field)
            .any(|c| items(json::get(json::get(c, config), key)).next().is_some())
    };
    let regex_path = backend.path_type == "ImplementationSpecific"
        && alb.annotation("use-regex-path-match").and_then(annotations::boolean) == Some(true);
    let path = backend.path.is_some_and(|path| !path.is_empty());
    for (what, config, plain, regex) in [
        ("host-header", "hostHeaderConfig", backend.host.is_some(), false),
        ("path-pattern", "pathPatternConfig", path && !regex_path, path && regex_path),
    ] {
        let plain = plain || given(what, config, "values");
        let regex = regex || given(what, config, "regexValues");
        if plain && regex {
            let what = format!(
                "the controller refuses {name}: with the rule itself, {what} is compared both with values and with regular \
                 expressions"
            );
            found.at(alb.object, field(&name), what);
        }
    }
}

/// `model_build_frontend_nlb.go`.
fn frontend_nlb(alb: &Alb<'_>, found: &mut Found) {
    if alb.of_group("enable-frontend-nlb").and_then(annotations::boolean) != Some(true) {
        return;
    }
    let mut refuse = |name: &str, why: String| {
        found.at(alb.object, field(name), format!("the controller refuses {name}: {why}"));
    };
    for (key, value) in
        annotations::map(alb.annotation("frontend-nlb-listener-port-mapping").unwrap_or_default()).unwrap_or_default()
    {
        if let Some(bad) = [&key, &value].into_iter().find(|port| port.parse::<i32>().is_err()) {
            refuse("frontend-nlb-listener-port-mapping", format!("`{bad}` is no port"));
        }
    }
    if let Some(port) = alb.annotation("frontend-nlb-healthcheck-port")
        && port != "traffic-port"
        && port.parse::<i64>().is_err()
    {
        refuse("frontend-nlb-healthcheck-port", format!("`{port}` is neither a number nor traffic-port"));
    }
    let attributes =
        annotations::map(alb.annotation("frontend-nlb-attributes").unwrap_or_default()).unwrap_or_default();
    let policies = ["availability_zone_affinity", "partial_availability_zone_affinity", "any_availability_zone"];
    if let Some((_, policy)) = attributes.iter().find(|(key, _)| key == "dns_record.client_routing_policy")
        && !policies.contains(&policy.as_str())
    {
        let why = format!("dns_record.client_routing_policy is `{policy}`, which is none of {}", policies.join(", "));
        refuse("frontend-nlb-attributes", why);
    }
    let addresses = annotations::list(alb.of_group("frontend-nlb-eip-allocations").unwrap_or_default());
    if addresses.is_empty() || alb.annotation("frontend-nlb-eip-allocations").is_none() {
        return;
    }
    if is_internal(alb, alb.of_group("frontend-nlb-scheme")) {
        refuse("frontend-nlb-eip-allocations", "the NLB is internal, and has no public addresses".to_owned());
    } else if let Some(subnets) = alb.of_group("frontend-nlb-subnets").map(annotations::list)
        && subnets.len() != addresses.len()
    {
        let why = format!("{} addresses for {} subnets; one for each", addresses.len(), subnets.len());
        refuse("frontend-nlb-eip-allocations", why);
    }
}

/// What the controller passes on and AWS refuses.
pub(super) fn elb_refused(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html#ip-address-type
        if is_internal(alb, alb.params["scheme"].as_str().or_else(|| alb.of_group("scheme"))) {
            if alb.annotation("ip-address-type") == Some("dualstack-without-public-ipv4") {
                let what = "Elastic Load Balancing refuses ip-address-type: dualstack-without-public-ipv4 for an internal load \
                            balancer, which has no public addresses";
                found.at(alb.object, field("ip-address-type"), what);
            }
            // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/ip-address-pools.html
            if alb.annotation("ipam-ipv4-pool-id").is_some_and(|id| !id.is_empty()) {
                let what = "Elastic Load Balancing refuses ipam-ipv4-pool-id for an internal load balancer: the pool has public \
                            addresses";
                found.at(alb.object, field("ipam-ipv4-pool-id"), what);
            }
        }
        versions(set, alb, found);
        paths(alb, found);
    }
}

/// Target groups of HTTP/2 and gRPC are for listeners of HTTPS.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html#target-group-protocol-version>
fn versions(set: &Set<'_>, alb: &Alb<'_>, found: &mut Found) {
    let plain = alb.listeners().and_then(|all| all.into_iter().find(|(_, tls)| !tls));
    let Some((port, _)) = plain.filter(|_| alb.redirect().is_none()) else { return };
    for backend in alb.backends.iter().filter(|backend| !is_action(backend)) {
        if let Some(version @ "GRPC") = alb.of_backend(set, backend, "backend-protocol-version") {
            let what = format!(
                "Elastic Load Balancing refuses a target group of {version} ({}) at the listener HTTP:{port}: it is for HTTPS \
                 alone",
                backend.service
            );
            found.at(alb.object, field("backend-protocol-version"), what);
            return;
        }
    }
}

/// Paths and hosts that a rule compares.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html>
fn paths(alb: &Alb<'_>, found: &mut Found) {
    let by_regex = alb.annotation("use-regex-path-match").and_then(annotations::boolean) == Some(true);
    for backend in &alb.backends {
        let free = backend.path_type == "ImplementationSpecific";
        let path = backend.path.filter(|_| !(free && by_regex)).unwrap_or_default();
        if let Some(c) = path.chars().find(|c| "()[]{}|^\\<> `".contains(*c)) {
            let hint = if free { "; a regular expression needs use-regex-path-match: 'true'" } else { "" };
            let what = format!("Elastic Load Balancing refuses the path `{path}`, which has a `{c}` in it{hint}");
            found.at(alb.object, format!("{}/path", backend.at), what);
        }
        if backend.host.is_some_and(|host| host.len() > 128) {
            let what = "Elastic Load Balancing refuses a host of more than 128 characters";
            found.at(alb.object, backend.at.clone(), what);
        }
    }
}

/// Why an annotation changes nothing, beside what `annotations` knows.
pub(super) fn in_vain(alb: &Alb<'_>, name: &str, text: &str, listeners: Option<&[(i64, bool)]>) -> Option<String> {
    let listens = |port: i64, tls: Option<bool>| {
        listeners.is_none_or(|all| all.iter().any(|(p, t)| *p == port && tls.is_none_or(|tls| tls == *t)))
    };
    match name {
        "mutual-authentication" => {
            let entries = read(Some(text));
            let ports = items(&entries).filter_map(|entry| json::get(entry, "port").as_i64());
            let port = ports.into_iter().find(|port| !listens(*port, Some(true)))?;
            Some(format!("mutual-authentication is for port {port}, where the ALB does not listen for HTTPS"))
        }
        "frontend-nlb-listener-port-mapping" => {
            let ports = annotations::map(text)?.into_iter().filter_map(|(_, port)| port.parse().ok());
            let port = ports.into_iter().find(|port| !listens(*port, None))?;
            Some(format!(
                "the NLB leads to port {port}, where the ALB does not listen: the controller makes no listener for it"
            ))
        }
        // https://aws.amazon.com/waf/faqs/ and the controller's pkg/deploy/wafregional
        "waf-acl-id" | "web-acl-id" if !matches!(text, "" | "none") => {
            let beside = ["wafv2-acl-arn", "wafv2-acl-name"]
                .into_iter()
                .find(|name| alb.of_group(name).is_some_and(|text| !matches!(text, "" | "none")));
            Some(match beside {
                Some(other) => {
                    format!("{name} is a web ACL of AWS WAF Classic, which an ALB has not beside one of WAF ({other})")
                }
                None => format!(
                    "{name} is a web ACL of AWS WAF Classic, whose support ended in September 2025; wafv2-acl-arn names one of WAF"
                ),
            })
        }
        "ssl-redirect" => (listeners?.iter().all(|(_, tls)| *tls) && alb.annotation("listen-ports").is_some())
            .then(|| "ssl-redirect sends plain HTTP on, and the ALB does not listen for it".to_owned()),
        _ if name.starts_with("conditions.") => {
            let conditions = read(Some(text));
            let unknown = items(&conditions).map(|c| json::get(c, "field").as_str().unwrap_or_default());
            let field = unknown.into_iter().find(|field| !json::is_condition(field))?;
            Some(format!(
                "{name}: the controller knows no condition `{field}`, and passes over it: the rule takes more than it seems to"
            ))
        }
        _ => None,
    }
}

/// Annotations of other controllers that the AWS Load Balancer Controller does not read on an Ingress.
pub(super) fn of_others(key: &str) -> Option<String> {
    if let Some(name) = key.strip_prefix("nginx.ingress.kubernetes.io/") {
        let instead = match name {
            "ssl-redirect" | "force-ssl-redirect" => "ssl-redirect: '443'",
            "backend-protocol" => "backend-protocol",
            "whitelist-source-range" | "allowlist-source-range" => "inbound-cidrs",
            "use-regex" => "use-regex-path-match",
            "rewrite-target" => "transforms.SERVICE",
            "permanent-redirect" | "temporal-redirect" => "actions.NAME",
            "affinity" | "session-cookie-name" => "target-group-attributes: stickiness.enabled=true",
            "proxy-read-timeout" | "proxy-send-timeout" => "load-balancer-attributes: idle_timeout.timeout_seconds=N",
            "auth-url" | "auth-signin" => "auth-type",
            _ => return Some(format!("{key} is for ingress-nginx: an ALB does not do what it says")),
        };
        return Some(format!(
            "{key} is for ingress-nginx: an ALB does not do what it says; the controller has {instead}"
        ));
    }
    let name = key.strip_prefix("service.beta.kubernetes.io/")?;
    name.starts_with("aws-load-balancer-")
        .then(|| format!("{key} is read on a Service of type LoadBalancer, not on an Ingress"))
}

/// Rules that say nothing, and redirects that lead elsewhere than it seems.
pub(super) fn rule_empty(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        for (r, rule) in items(&alb.object.value["spec"]["rules"]).enumerate() {
            if items(&rule["http"]["paths"]).next().is_none() {
                let host = rule["host"].as_str().map(|host| format!(" for {host}")).unwrap_or_default();
                let what = format!("the rule{host} has no paths: the controller passes over it");
                found.at(alb.object, format!("/spec/rules/{r}"), what);
            }
        }
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RedirectActionConfig.html>
pub(super) fn redirect_odd(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        for (name, text, _) in actions(alb.object) {
            let action = read(Some(text));
            let config = json::get(&action, "redirectConfig");
            let of = |key: &str| json::get(config, key).as_str().unwrap_or_default();
            let why = if of("query").starts_with('?') {
                Some("its query begins with `?`, which ELB adds by itself: the address has two".to_owned())
            } else if of("host").contains("://") || of("host").contains('/') {
                Some(format!("its host is `{}`, which is an address and no host", of("host")))
            } else if of("path").contains('?') {
                Some("its path has a `?` in it, which becomes a part of the path; query has what follows".to_owned())
            } else {
                ["host", "path", "port", "query"].iter().find_map(|key| {
                    let word = unknown_word(of(key))?;
                    Some(format!("its {key} has `{word}`, which ELB puts nothing in place of"))
                })
            };
            if let Some(why) = why {
                found.at(alb.object, field(name), format!("the redirect of {name} is odd: {why}"));
            }
        }
    }
}

fn actions<'s>(object: &Object<'s>) -> impl Iterator<Item = (&'s str, &'s str, &'static annotations::Annotation)> {
    super::annotations::readable(object).filter(|(name, ..)| name.starts_with("actions."))
}

/// A word in `#{}` that is none of those that ELB replaces.
fn unknown_word(text: &str) -> Option<&str> {
    let words = ["#{protocol}", "#{host}", "#{port}", "#{path}", "#{query}"];
    let starts = text.match_indices("#{").map(|(at, _)| &text[at..]);
    let all = starts.filter_map(|rest| Some(&rest[..=rest.find('}')?]));
    all.into_iter().find(|word| !words.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_five_words_are_replaced_in_a_redirect() {
        assert_eq!(unknown_word("/a/#{path}?#{query}"), None);
        assert_eq!(unknown_word("www.#{domain}"), Some("#{domain}"));
        assert_eq!(unknown_word("#{path"), None);
    }

    #[test]
    fn annotations_of_other_controllers_are_known_by_their_prefix() {
        assert!(of_others("nginx.ingress.kubernetes.io/ssl-redirect").unwrap().contains("ssl-redirect: '443'"));
        assert!(of_others("service.beta.kubernetes.io/aws-load-balancer-scheme").is_some());
        assert_eq!(of_others("alb.ingress.kubernetes.io/scheme"), None);
        assert_eq!(of_others("external-dns.alpha.kubernetes.io/hostname"), None);
    }
}
