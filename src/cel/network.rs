//! Addresses, networks and URLs.

use std::net::IpAddr;

/// A network: an address and how many bits of it count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    /// The address, as it was written.
    pub address: IpAddr,
    /// How many bits count.
    pub bits: u8,
}

/// An address; those of IPv4 within IPv6 and those with a zone are none.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    let mapped = matches!(address, IpAddr::V6(six) if six.to_ipv4_mapped().is_some());
    (!mapped).then_some(address)
}

pub(super) fn cidr(text: &str) -> Option<Cidr> {
    let (before, after) = text.split_once('/')?;
    let address = address(before)?;
    let plain = after == "0" || (!after.starts_with('0') && after.bytes().all(|b| b.is_ascii_digit()));
    let bits: u8 = after.parse().ok().filter(|bits| plain && *bits <= width(address))?;
    Some(Cidr { address, bits })
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => u128::from(u32::from(four)) << 96,
        IpAddr::V6(six) => u128::from(six),
    }
}

impl Cidr {
    fn mask(self) -> u128 {
        u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0)
    }

    pub(super) fn contains(self, address: IpAddr) -> bool {
        self.address.is_ipv4() == address.is_ipv4() && (number(self.address) ^ number(address)) & self.mask() == 0
    }

    pub(super) fn contains_all(self, other: Cidr) -> bool {
        self.bits <= other.bits && self.contains(other.address)
    }

    pub(super) fn masked(self) -> Cidr {
        let masked = number(self.address) & self.mask();
        let address = match self.address {
            IpAddr::V4(_) => IpAddr::from(u32::try_from(masked >> 96).unwrap_or_default().to_be_bytes()),
            IpAddr::V6(_) => IpAddr::from(masked.to_be_bytes()),
        };
        Cidr { address, bits: self.bits }
    }
}

pub(super) fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.is_link_local(),
        IpAddr::V6(six) => six.segments()[0] & 0xffc0 == 0xfe80,
    }
}

pub(super) fn is_link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => four.octets()[..3] == [224, 0, 0],
        IpAddr::V6(six) => six.segments()[0] & 0xff0f == 0xff02,
    }
}

pub(super) fn is_global(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(four) if four.is_broadcast());
    !(broadcast
        || address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || is_link_local(address))
}

/// A URL, as Go reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// The scheme, in small letters.
    pub scheme: String,
    /// Host and port.
    pub host: String,
    /// The path, escaped.
    pub path: String,
    /// What stands after the question mark.
    pub query: String,
}

/// Reads a URL that is absolute, or a path.
pub(super) fn url(text: &str) -> Option<Url> {
    if text.is_empty() || text.bytes().any(|b| b < b' ' || b == 0x7f) {
        return None;
    }
    let body = text.split('#').next().unwrap_or_default();
    let end = body.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))).unwrap_or(body.len());
    let (scheme, rest) = match body[end..].strip_prefix(':') {
        Some(rest) if body.starts_with(|c: char| c.is_ascii_alphabetic()) => (body[..end].to_ascii_lowercase(), rest),
        Some(_) => return None,
        None => (String::new(), body),
    };
    if scheme.is_empty() && !rest.starts_with('/') {
        return None;
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let absolute = !scheme.is_empty() || rest.starts_with("///");
    let (host, path) = match rest.strip_prefix("//").filter(|_| absolute || !scheme.is_empty()) {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            (host.to_owned(), path)
        }
        None => (String::new(), rest),
    };
    let port = port(&host)?;
    let good_port = port.bytes().all(|b| b.is_ascii_digit());
    let good_host = !host.contains([' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}']);
    (good_port && good_host && escapes(path) && escapes(&host)).then(|| Url {
        scheme,
        host,
        path: escaped(path),
        query: query.to_owned(),
    })
}

/// Whether each per cent sign starts an escape.
fn escapes(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    (0..bytes.len()).all(|at| bytes[at] != b'%' || (digit(at + 1) && digit(at + 2)))
}

fn escaped(path: &str) -> String {
    let mut out = String::new();
    for sign in path.chars() {
        if sign.is_ascii_alphanumeric() || "-_.~$&+,/:;=@!'()*[]%".contains(sign) {
            out.push(sign);
        } else {
            for byte in sign.encode_utf8(&mut [0; 4]).bytes() {
                out.extend([format!("%{byte:02X}")]);
            }
        }
    }
    out
}

/// The port of a host; nothing where the host is none.
fn port(host: &str) -> Option<&str> {
    if host.starts_with('[') {
        let after = &host[host.find(']')? + 1..];
        return if after.is_empty() { Some("") } else { after.strip_prefix(':') };
    }
    let colons = host.matches(':').count();
    (colons < 2).then(|| host.split_once(':').map_or("", |(_, port)| port))
}

impl Url {
    pub(super) fn port(&self) -> &str {
        port(&self.host).unwrap_or_default()
    }

    pub(super) fn hostname(&self) -> &str {
        let host = self.host.strip_suffix(self.port()).unwrap_or(&self.host);
        let host =
            host.strip_suffix(':').filter(|_| self.host.len() != host.len() || host.ends_with(':')).unwrap_or(host);
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// Names and values of the query, in the order of the text.
    pub(super) fn queries(&self) -> Vec<(String, String)> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';'));
        pairs
            .filter_map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((unescaped(key)?, unescaped(value)?))
            })
            .collect()
    }
}

fn unescaped(text: &str) -> Option<String> {
    if !escapes(text) {
        return None;
    }
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let pair = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}
