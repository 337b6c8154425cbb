//! TLS that ends at the ALB, and what Knative has to know of it (G3, G4).

use super::elb::is_action;
use super::load_balancer::{Alb, field};
use super::set::{KNATIVE, Object, Set};
use super::value::{entries, items};
use super::{Check, Found};
use crate::alb::json;
use crate::pointer;
use crate::value::Value;

pub(super) const CHECKS: &[Check] = &[
    Check::of_albs("https-without-certificate", https_without_certificate),
    Check::of_albs("certificate-unused", certificate_unused),
    Check::of_albs("ssl-redirect-port", ssl_redirect_port),
    Check::of_albs("http-not-redirected", http_not_redirected),
    Check::of_albs("alb-open-to-everybody", open_to_everybody),
    Check::of_albs("external-scheme-http", external_scheme_http),
    Check::of_albs("external-scheme-https", external_scheme_https),
    Check::of_albs("https-redirect-loop", https_redirect_loop),
    Check::of_albs("external-domain-tls", external_domain_tls),
    Check::of_albs("domain-template-labels", domain_template_labels),
    Check::of("elb-domain", elb_domain),
    Check::of("domain-not-set", domain_not_set),
];

fn https_without_certificate(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        let tls = alb.annotation("listen-ports").is_some() && speaks(alb, true);
        if tls && !alb.has_certificate() && !alb.names_a_host() {
            found.at(alb.object, field("listen-ports"), "the ALB is to listen for HTTPS, and has no certificate");
        }
    }
}

/// Whether the load balancer listens with TLS, or without.
fn speaks(alb: &Alb<'_>, tls: bool) -> bool {
    alb.listeners().is_some_and(|listeners| listeners.iter().any(|(_, is_tls)| *is_tls == tls))
}

fn certificate_unused(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs.iter().filter(|alb| alb.annotation("certificate-arn").is_some()) {
        if alb.listeners().is_some_and(|listeners| listeners.iter().all(|(_, tls)| !tls)) {
            found.at(
                alb.object,
                field("certificate-arn"),
                "there is a certificate, and the ALB does not listen for HTTPS",
            );
        }
    }
}

fn ssl_redirect_port(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs.iter().filter(|alb| alb.annotation("ssl-redirect").is_some()) {
        if let (Some(port), Some(listeners)) = (alb.redirect(), alb.listeners())
            && !listeners.iter().any(|(listener, tls)| *tls && port.parse() == Ok(*listener))
        {
            let what = format!("HTTP is redirected to port {port}, where the ALB does not listen for HTTPS");
            found.at(alb.object, field("ssl-redirect"), what);
        }
    }
}

fn http_not_redirected(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs.iter().filter(|alb| alb.annotation("listen-ports").is_some()) {
        if speaks(alb, true) && speaks(alb, false) && alb.redirect().is_none() && !redirects_by_action(alb) {
            found.at(alb.object, field("listen-ports"), "what comes in over plain HTTP is served, not redirected");
        }
    }
}

/// Whether an action sends every request on to HTTPS, as it was done before there was `ssl-redirect`: what comes after it is left
/// out at listeners for HTTP, and itself at those for HTTPS.
fn redirects_by_action(alb: &Alb<'_>) -> bool {
    alb.backends.iter().filter(|backend| is_action(backend) && backend.host.is_none()).any(|backend| {
        let every = matches!((backend.path, backend.path_type), (None | Some("" | "/*"), _) | (Some("/"), "Prefix"));
        let action = alb.annotation(&format!("actions.{}", backend.service));
        let action: Value = action.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        every && json::get(json::get(&action, "redirectConfig"), "protocol") == "HTTPS"
    })
}

/// What keeps callers out, or looks at them first.
const GUARDS: [&str; 5] =
    ["inbound-cidrs", "security-groups", "security-group-prefix-lists", "wafv2-acl-arn", "auth-type"];

fn open_to_everybody(_: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    for alb in albs {
        let scheme = alb.params["scheme"].as_str().or_else(|| alb.of_group("scheme"));
        let guarded =
            GUARDS.iter().any(|name| alb.of_group(name).is_some_and(|text| !matches!(text.trim(), "" | "none")))
                || !alb.params["inboundCIDRs"].is_null();
        let plain = alb.listeners().is_some_and(|ports| ports.iter().all(|(_, tls)| !tls)) && !alb.names_a_host();
        if scheme == Some("internet-facing") && plain && !guarded {
            found.at(alb.object, field("scheme"), "the ALB is open to the whole internet, by plain HTTP alone");
        }
    }
}

/// The load balancers before a gateway of Knative.
fn before_knative<'a, 's>(set: &'a Set<'s>, albs: &'a [Alb<'s>]) -> Vec<&'a Alb<'s>> {
    albs.iter().filter(|alb| alb.gateways(set).next().is_some()).collect()
}

const SCHEME: &[&str] = &["default-external-scheme", "defaultExternalScheme"];

fn external_scheme_http(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    let Some(config) = set.config("config-network") else { return };
    let given = config.get(SCHEME);
    let https = given.as_ref().is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("https"));
    if !https && before_knative(set, albs).iter().any(|alb| speaks(alb, true)) {
        let at = given.map_or_else(|| "/data".to_owned(), |(_, at)| at);
        found.at(config.object, at, "the ALB serves HTTPS, and Knative gives its Services URLs that start with http:");
    }
}

fn external_scheme_https(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    let Some(config) = set.config("config-network") else { return };
    let Some((scheme, at)) = config.get(SCHEME) else { return };
    let albs = before_knative(set, albs);
    if scheme.eq_ignore_ascii_case("https") && !albs.is_empty() && !albs.iter().any(|alb| speaks(alb, true)) {
        found.at(
            config.object,
            at,
            "Knative gives its Services URLs that start with https:, and the ALB serves HTTP alone",
        );
    }
}

const REDIRECT: &[&str] = &["http-protocol", "httpProtocol"];
const REDIRECT_ANNOTATIONS: [&str; 3] = [
    "networking.knative.dev/http-protocol",
    "networking.knative.dev/httpProtocol",
    "networking.knative.dev/httpOption",
];
const EXTERNAL_TLS: &[&str] = &["external-domain-tls", "auto-tls", "autoTLS"];

/// Whether Kourier is told to leave redirects alone.
fn redirect_is_off(set: &Set<'_>) -> bool {
    set.templates().filter(|pod| pod.object.name() == "net-kourier-controller").flat_map(|pod| &pod.containers).any(
        |c| {
            items(&c.value["env"])
                .any(|e| e["name"] == "KOURIER_HTTPOPTION_DISABLED" && (e["value"] == "true" || e["value"] == true))
        },
    )
}

/// Whether TLS ends at Knative's gateway instead of at an ALB.
fn gateway_ends_tls(set: &Set<'_>, albs: &[Alb<'_>]) -> bool {
    let own_tls = set
        .config("config-network")
        .and_then(|config| config.get(EXTERNAL_TLS))
        .is_some_and(|(value, _)| value.eq_ignore_ascii_case("enabled"));
    own_tls && before_knative(set, albs).is_empty()
}

fn https_redirect_loop(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    if redirect_is_off(set) || gateway_ends_tls(set, albs) {
        return;
    }
    if let Some(config) = set.config("config-network")
        && let Some((value, at)) = config.get(REDIRECT)
        && value.eq_ignore_ascii_case("redirected")
    {
        found.at(config.object, at, "Knative redirects to HTTPS what the ALB has already taken out of HTTPS");
    }
    let routed = ["Service", "Route"].into_iter().flat_map(|kind| set.all(KNATIVE, kind));
    for (object, key) in routed.flat_map(|object| REDIRECT_ANNOTATIONS.map(|key| (object, key))) {
        if object.annotation(key).is_some_and(|value| value.eq_ignore_ascii_case("redirected")) {
            let what = "the Service redirects to HTTPS what the ALB has already taken out of HTTPS";
            found.at(object, pointer::below("/metadata/annotations", key), what);
        }
    }
}

fn external_domain_tls(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    if before_knative(set, albs).is_empty() {
        return;
    }
    if let Some(config) = set.config("config-network")
        && let Some((value, at)) = config.get(EXTERNAL_TLS)
        && value.eq_ignore_ascii_case("enabled")
    {
        found.at(config.object, at, "Knative asks for certificates of its own, and TLS ends at the ALB");
    }
}

/// What Knative makes of name, namespace and domain where nothing else is said.
const DEFAULT_TEMPLATE: &str = "{{.Name}}.{{.Namespace}}.{{.Domain}}";

/// Whether a template puts more than one label before the domain.
fn has_several_labels(template: &str) -> bool {
    let mut words = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((action, after)) = after.split_once("}}") else { break };
        words.push_str(before);
        if action.contains(".Domain") {
            return words.trim_end_matches('.').contains('.');
        }
        // Stands for what the action writes.
        words.push('x');
        rest = after;
    }
    false
}

fn domain_template_labels(set: &Set<'_>, albs: &[Alb<'_>], found: &mut Found) {
    let Some(config) = set.config("config-network") else { return };
    let given = config.get(&["domain-template", "domainTemplate"]);
    let template = given.as_ref().map_or(DEFAULT_TEMPLATE, |(template, _)| template.trim());
    if has_several_labels(template) && before_knative(set, albs).iter().any(|alb| speaks(alb, true)) {
        let at = given.as_ref().map_or_else(|| "/data".to_owned(), |(_, at)| at.clone());
        let default = if given.is_none() { ", the default" } else { "" };
        let what =
            format!("names have several labels before the domain ({template}{default}), and a wildcard covers one");
        found.at(config.object, at, what);
    }
}

/// Whether a name is one that AWS gives to load balancers.
fn is_load_balancer_name(domain: &str) -> bool {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let inside = domain.strip_suffix(".amazonaws.com").or_else(|| domain.strip_suffix(".amazonaws.com.cn"));
    inside.is_some_and(|rest| rest.split('.').any(|label| label == "elb"))
}

fn domains<'s>(config: &Object<'s>) -> impl Iterator<Item = &'s str> {
    entries(&config.value["data"]).map(|(key, _)| key).filter(|key| *key != "_example")
}

fn elb_domain(set: &Set<'_>, found: &mut Found) {
    let Some(config) = set.config("config-domain") else { return };
    for domain in domains(config.object).filter(|domain| is_load_balancer_name(domain)) {
        let what = format!("no name below {domain} resolves");
        found.at(config.object, pointer::below("/data", domain), what);
    }
}

fn domain_not_set(set: &Set<'_>, found: &mut Found) {
    if let Some(config) = set.config("config-domain")
        && domains(config.object).next().is_none()
    {
        found.at(config.object, "/data", "Knative has no domain to name Services below");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_before_the_domain_are_counted_in_the_template() {
        assert!(has_several_labels(DEFAULT_TEMPLATE));
        assert!(has_several_labels("{{.Name}}.{{index .Annotations \"sub\"}}.{{.Domain}}"));
        assert!(!has_several_labels("{{.Name}}-{{.Namespace}}.{{.Domain}}"));
        assert!(!has_several_labels("{{.Name}}.{{"));
    }

    #[test]
    fn names_of_load_balancers_are_known() {
        for name in
            ["a-1.eu-west-1.elb.amazonaws.com", "a.elb.us-east-1.amazonaws.com", "a.elb.cn-north-1.amazonaws.com.cn"]
        {
            assert!(is_load_balancer_name(name), "{name}");
        }
        assert!(!is_load_balancer_name("elb.example.com") && !is_load_balancer_name("apps.amazonaws.com"));
    }
}
