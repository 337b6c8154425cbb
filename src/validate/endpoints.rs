//! Where a Service leads.
//! Sources: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/core/validation/validation.go>,
//! <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/discovery/validation/validation.go>

use super::Found;
use super::at::At;
use crate::kubernetes::addresses;
use crate::kubernetes::names;

/// An address that something answers at.
fn address(found: &mut Found<'_>, at: &At<'_>) {
    let strict = found.since(36);
    if let Some(what) = addresses::wrong_ip(at.own(), strict) {
        found.bad(at, what);
    } else {
        can_be_reached(found, at);
    }
}

/// An address that is not one of the node's own.
pub(super) fn can_be_reached(found: &mut Found<'_>, at: &At<'_>) {
    if let Some(what) = addresses::loose_ip(at.own()).and_then(addresses::not_for_endpoints) {
        found.bad(at, what);
    }
}

/// `Endpoints`.
pub(super) fn endpoints(found: &mut Found<'_>) {
    let object = found.object;
    let nothing = crate::value::Value::from("");
    for subset in At::root(&object.value).list("subsets") {
        if subset.len("addresses") == 0 && subset.len("notReadyAddresses") == 0 {
            found.at("missing-field", &subset.path, "a subset has addresses or notReadyAddresses");
        }
        for one in ["addresses", "notReadyAddresses"].iter().flat_map(|key| subset.list(key)) {
            if one.has("ip") {
                let ip = one.get("ip").unwrap_or_else(|| At { value: &nothing, path: one.field("ip") });
                address(found, &ip);
            }
            found.form(&one, "hostname", "label");
            if let Some(node) = one.get("nodeName") {
                found.formed(&node, "subdomain");
            }
        }
        let ports = subset.list("ports");
        for port in &ports {
            if port.text("name").is_empty() && ports.len() > 1 {
                found.missing(port, "name", "each port of several needs a name");
            }
            found.form(port, "name", "label");
        }
    }
}

/// `EndpointSlice`.
pub(super) fn slice(found: &mut Found<'_>) {
    let object = found.object;
    let root = At::root(&object.value);
    found.one_of(&root, "addressType", &["FQDN", "IPv4", "IPv6"]);
    let ports = root.list("ports");
    if ports.len() > 20_000 {
        found.at_most(&root, "ports", 20_000);
    } else {
        found.distinct(&ports, |port| port.text("name"));
        for port in &ports {
            found.form(port, "name", "label");
        }
    }
    found.at_most(&root, "endpoints", 1000);
    for endpoint in root.list("endpoints") {
        if endpoint.has("addresses") && endpoint.len("addresses") == 0 {
            found.missing(&endpoint, "addresses", "one address at least is needed");
        }
        found.at_most(&endpoint, "addresses", 100);
        for at in endpoint.list("addresses") {
            of_type(found, &at, root.text("addressType"));
        }
        if let Some(node) = endpoint.get("nodeName") {
            found.formed(&node, "subdomain");
        }
        if let Some(name) = endpoint.get("hostname") {
            found.formed(&name, "label");
        }
        let Some(hints) = endpoint.get("hints") else { continue };
        for (key, form) in [("forZones", "label-value"), ("forNodes", "subdomain")] {
            found.at_most(&hints, key, 8);
            let named = hints.list(key);
            found.distinct(&named, |one| one.text("name"));
            for one in &named {
                if key == "forNodes" && one.text("name").is_empty() {
                    found.missing(one, "name", "it names a node");
                }
                found.form(one, "name", form);
            }
        }
    }
}

fn of_type(found: &mut Found<'_>, at: &At<'_>, kind: &str) {
    let text = at.own();
    match kind {
        "IPv4" => {
            address(found, at);
            if addresses::loose_ip(text).is_some_and(|ip| !addresses::unmapped(ip).is_ipv4()) {
                found.bad(at, "it is not an IPv4 address");
            }
        }
        "IPv6" => {
            if let Some(what) = addresses::not_canonical_ip(text) {
                found.bad(at, what);
            } else if !text.contains(':') {
                found.bad(at, "it is not an IPv6 address");
            } else {
                can_be_reached(found, at);
            }
        }
        "FQDN" => {
            let name = text.strip_suffix('.').unwrap_or(text);
            if name.len() > 253 || !name.contains('.') || !name.split('.').all(names::is_label) {
                found.bad(at, "it is not a domain of two parts or more");
            }
        }
        _ => {}
    }
}
