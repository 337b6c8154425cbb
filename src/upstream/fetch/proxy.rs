//! Which proxy an https request goes through, as `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in capitals or not.

use std::env;
use std::net::IpAddr;

use ureq::{Proxy, ProxyProtocol};

use crate::kubernetes::addresses::{is_strictly_within, loose_cidr, unmapped};

/// The variable that names the proxy for https. Its value may hold a password.
pub(super) fn variable() -> Option<&'static str> {
    let set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].into_iter().find(set)
}

/// The proxy that the variable of this name gives.
///
/// # Errors
/// In words, why that is none. The value is not told: it may hold a password.
pub(super) fn named(variable: &str) -> Result<Proxy, String> {
    let proxy = env::var(variable).ok().and_then(|value| Proxy::new(&value).ok());
    proxy
        .filter(|proxy| matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https))
        .ok_or_else(|| format!("{variable} is set, and is not the http or https URL of a proxy"))
}

/// Whether `NO_PROXY` spares this host the proxy.
pub(super) fn is_spared(host: &str) -> bool {
    let list = env::var("NO_PROXY").or_else(|_| env::var("no_proxy")).unwrap_or_default();
    is_listed(host, &list)
}

/// Whether a host, as a URL has it, is on a list as `NO_PROXY` has it: `*`, addresses, ranges of addresses, and domains, with
/// a dot before them or not, which stand for all that is below them too.
fn is_listed(host: &str, list: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    let ip = bare.parse().ok().map(unmapped);
    list.split(',').map(|entry| entry.trim().to_ascii_lowercase()).filter(|entry| !entry.is_empty()).any(
        |entry| match (ip, loose_cidr(&entry), entry.parse::<IpAddr>()) {
            _ if entry == "*" => true,
            (Some(ip), _, Ok(listed)) => ip == unmapped(listed),
            (Some(ip), Some(range), _) => {
                unmapped(range.0) == ip || is_strictly_within((ip, if ip.is_ipv4() { 32 } else { 128 }), range)
            }
            (Some(_), None, Err(_)) => false,
            (None, ..) => {
                let domain = entry.strip_prefix('.').unwrap_or(&entry);
                bare.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::is_listed;

    #[test]
    fn no_proxy_lists_hosts_domains_and_addresses() {
        for (host, list) in [
            ("anything.example", "*"),
            ("a.example", "a.example"),
            ("A.example", "b.example, a.EXAMPLE"),
            ("a.example", ".a.example"),
            ("sub.a.example", "a.example"),
            ("sub.a.example", ".a.example"),
            ("10.1.2.3", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("[fd00::1]", "fd00::/8"),
            ("[::1]", "::1"),
        ] {
            assert!(is_listed(host, list), "{host} {list}");
        }
        for (host, list) in [
            ("a.example", ""),
            ("a.example", " , "),
            ("nota.example", "a.example"),
            ("a.example", "sub.a.example"),
            ("11.1.2.3", "10.0.0.0/8"),
            ("10.1.2.3", "3"),
            ("[fd00::1]", "10.0.0.0/8"),
        ] {
            assert!(!is_listed(host, list), "{host} {list}");
        }
    }
}
