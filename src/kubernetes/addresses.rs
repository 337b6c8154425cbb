//! IP addresses and blocks of them, as the API server reads them: loosely up to Kubernetes 1.35 in fields that are older than
//! that, and strictly since.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apimachinery/pkg/util/validation/ip.go>

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address, also with leading zeros in its parts.
pub fn loose_ip(text: &str) -> Option<IpAddr> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(ip);
    }
    let (before, four) = text.rfind(':').map_or(("", text), |colon| text.split_at(colon + 1));
    let parts: Vec<&str> = four.split('.').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if parts.len() != 4 || !parts.iter().all(digits) {
        return None;
    }
    let stripped: Vec<&str> = parts
        .iter()
        .map(|part| match part.trim_start_matches('0') {
            "" => "0",
            part => part,
        })
        .collect();
    format!("{before}{}", stripped.join(".")).parse().ok()
}

/// What is wrong with an address in a field that has always been there.
pub fn wrong_ip(text: &str, strict: bool) -> Option<String> {
    let Some(ip) = loose_ip(text) else { return Some(format!("`{text}` is not an IP address")) };
    if strict && text.parse::<IpAddr>().is_err() {
        return Some(format!("`{text}` has leading zeros"));
    }
    (strict && is_mapped(ip)).then(|| format!("`{text}` is an IPv4 address written as IPv6"))
}

/// What is wrong with an address where only the one way to write it will do.
pub fn not_canonical_ip(text: &str) -> Option<String> {
    wrong_ip(text, true).or_else(|| {
        let canonical = loose_ip(text)?.to_string();
        (text != canonical).then(|| format!("`{text}` has to be written as {canonical}"))
    })
}

/// A block, also with leading zeros: its first address and how many bits of it count.
pub fn loose_cidr(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/')?;
    let address = loose_ip(address)?;
    if bits.is_empty() || !bits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let bits = bits.trim_start_matches('0');
    let bits: u8 = if bits.is_empty() { 0 } else { bits.parse().ok()? };
    (bits <= width(address)).then_some((address, bits))
}

/// What is wrong with a block in a field that has always been there.
pub fn wrong_cidr(text: &str, strict: bool) -> Option<String> {
    let Some((address, bits)) = loose_cidr(text) else { return Some(format!("`{text}` is not a CIDR block")) };
    if !strict {
        return None;
    }
    let (written, written_bits) = text.split_once('/').unwrap_or_default();
    if written.parse::<IpAddr>().is_err() || (written_bits.len() > 1 && written_bits.starts_with('0')) {
        return Some(format!("`{text}` has leading zeros"));
    }
    if is_mapped(address) {
        return Some(format!("`{text}` is an IPv4 block written as IPv6"));
    }
    let first = first_of(address, bits);
    (first != address).then(|| format!("`{text}` has bits beyond its length: {first}/{bits} is the block"))
}

/// What is wrong with a block where only the one way to write it will do.
pub fn not_canonical_cidr(text: &str) -> Option<String> {
    wrong_cidr(text, true).or_else(|| {
        let (address, bits) = loose_cidr(text)?;
        let canonical = format!("{address}/{bits}");
        (text != canonical).then(|| format!("`{text}` has to be written as {canonical}"))
    })
}

/// Whether one block is in another and smaller.
pub fn is_strictly_within(inner: (IpAddr, u8), outer: (IpAddr, u8)) -> bool {
    let (inner_ip, outer_ip) = (unmapped(inner.0), unmapped(outer.0));
    inner_ip.is_ipv4() == outer_ip.is_ipv4()
        && outer.1 < inner.1
        && first_of(first_of(inner_ip, inner.1), outer.1) == first_of(outer_ip, outer.1)
}

/// Why an address cannot be that of an endpoint.
pub fn not_for_endpoints(ip: IpAddr) -> Option<&'static str> {
    let ip = unmapped(ip);
    let (link_local, multicast) = match ip {
        IpAddr::V4(ip) => (ip.is_link_local(), ip.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(ip) => (ip.segments()[0] & 0xffc0 == 0xfe80, ip.segments()[0] & 0xff0f == 0xff02),
    };
    match () {
        () if ip.is_unspecified() => Some("the unspecified address is no endpoint's"),
        () if ip.is_loopback() => Some("an address of the loopback range is no endpoint's"),
        () if link_local => Some("an address of the link-local range is no endpoint's"),
        () if multicast => Some("an address of the link-local multicast range is no endpoint's"),
        () => None,
    }
}

/// The address without the IPv6 around an IPv4 one, which is the same to Go.
pub fn unmapped(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(ip, IpAddr::V4),
        IpAddr::V4(_) => ip,
    }
}

fn is_mapped(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(six) if six.to_ipv4_mapped().is_some())
}

fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn first_of(ip: IpAddr, bits: u8) -> IpAddr {
    match ip {
        IpAddr::V4(four) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from(u32::from(four) & mask))
        }
        IpAddr::V6(six) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from(u128::from(six) & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_zeros_pass_where_reading_is_loose_only() {
        assert_eq!(loose_ip("010.0.0.01"), "10.0.0.1".parse().ok());
        assert_eq!(wrong_ip("010.0.0.1", false), None);
        assert!(wrong_ip("010.0.0.1", true).is_some());
        assert_eq!(wrong_cidr("010.0.0.0/08", false), None);
        assert!(wrong_cidr("010.0.0.0/8", true).is_some());
        assert!(wrong_cidr("10.0.0.0/08", true).is_some());
        assert!(wrong_cidr("10.0.0.1/8", true).is_some());
        assert_eq!(wrong_cidr("10.0.0.1/8", false), None);
        for odd in ["", "10.0.0", "10.0.0.256", "10.0.0.0.0", "a.b.c.d", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0"] {
            assert!(wrong_cidr(odd, false).is_some(), "{odd}");
        }
    }

    #[test]
    fn one_block_lies_strictly_within_another_or_not() {
        let within =
            |inner: &str, outer: &str| is_strictly_within(loose_cidr(inner).unwrap(), loose_cidr(outer).unwrap());
        assert!(within("10.1.0.0/16", "10.0.0.0/8"));
        assert!(!within("10.0.0.0/8", "10.0.0.0/8"));
        assert!(!within("11.0.0.0/16", "10.0.0.0/8"));
        assert!(!within("2001:db8::/64", "10.0.0.0/8"));
        assert!(within("2001:db8::/64", "::/0"));
    }

    #[test]
    fn some_addresses_are_no_endpoints() {
        for odd in ["0.0.0.0", "::", "127.0.0.1", "::1", "169.254.1.1", "fe80::1", "224.0.0.1", "ff02::1"] {
            assert!(not_for_endpoints(odd.parse().unwrap()).is_some(), "{odd}");
        }
        assert_eq!(not_for_endpoints("10.0.0.1".parse().unwrap()), None);
        assert_eq!(not_canonical_ip("2001:DB8::1"), Some("`2001:DB8::1` has to be written as 2001:db8::1".to_owned()));
    }
}
