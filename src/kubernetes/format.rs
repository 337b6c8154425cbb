//! The `format` of a string in a CRD's schema. Formats that are not here are not checked, by the API server either.
//! Source: <https://github.com/kubernetes/kube-openapi/blob/master/pkg/validation/strfmt/default.go>

use std::net::{IpAddr, Ipv6Addr};

use super::names;
use crate::cel::{time, uri};
use crate::regexp;

/// Whether a text has the form that `format` names; true where the format is not known.
pub(crate) fn has_format(format: &str, text: &str) -> bool {
    let like = |pattern: &str| regexp::read(pattern).matches(text);
    // Names of formats are the same with and without dashes.
    match format.replace('-', "").as_str() {
        "bsonobjectid" => like("^[0-9a-fA-F]{24}$"),
        "byte" => is_base64(text),
        "cidr" => is_cidr(text),
        "creditcard" => is_card(text),
        "date" => time::date(text).is_some(),
        "datetime" => is_datetime(text),
        "duration" => time::is_loose_duration(text),
        "email" => is_email(text),
        "hexcolor" => like("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
        "hostname" => is_hostname(text),
        "ipv4" => text.contains('.') && address(text).is_some(),
        "ipv6" => text.parse::<Ipv6Addr>().is_ok(),
        "isbn" => is_isbn10(text) || is_isbn13(text),
        "isbn10" => is_isbn10(text),
        "isbn13" => is_isbn13(text),
        "k8slongname" => names::is_subdomain(text),
        "k8sshortname" => names::is_label(text),
        "mac" => is_mac(text),
        "rgbcolor" => like(
            r"^rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)$",
        ),
        "ssn" => text.len() == 11 && like(r"^\d{3}[- ]?\d{2}[- ]?\d{4}$"),
        "uri" => uri(text),
        "uuid" => like("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"),
        "uuid3" => like("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?3[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}$"),
        "uuid4" => like("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?4[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"),
        "uuid5" => like("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?5[0-9a-f]{3}-?[89ab][0-9a-f]{3}-?[0-9a-f]{12}$"),
        _ => true,
    }
}

/// Whether the API server knows a format; it forgets the others.
pub(crate) fn is_known(format: &str) -> bool {
    const KNOWN: [&str; 26] = [
        "bsonobjectid",
        "byte",
        "cidr",
        "creditcard",
        "date",
        "datetime",
        "duration",
        "email",
        "hexcolor",
        "hostname",
        "ipv4",
        "ipv6",
        "isbn",
        "isbn10",
        "isbn13",
        "k8slongname",
        "k8sshortname",
        "mac",
        "password",
        "rgbcolor",
        "ssn",
        "uri",
        "uuid",
        "uuid3",
        "uuid4",
        "uuid5",
    ];
    KNOWN.contains(&format.replace('-', "").as_str())
}

/// An address, in which numbers may start with zeroes.
fn address(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.parse().ok();
    }
    let parts: Vec<u8> = text
        .split('.')
        .map(|part| part.bytes().all(|b| b.is_ascii_digit()).then(|| part.parse().ok()).flatten())
        .collect::<Option<_>>()?;
    <[u8; 4]>::try_from(parts).ok().map(IpAddr::from)
}

fn is_cidr(text: &str) -> bool {
    let Some((before, bits)) = text.split_once('/') else { return false };
    let most = if before.contains(':') { 128 } else { 32 };
    let plain = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
    plain && address(before).is_some() && bits.parse::<u8>().is_ok_and(|bits| bits <= most)
}

fn is_mac(text: &str) -> bool {
    let hex = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit());
    let of = |separator: char, length: usize, counts: [usize; 3]| {
        let parts: Vec<&str> = text.split(separator).collect();
        counts.contains(&parts.len()) && parts.iter().all(|part| hex(part, length))
    };
    of(':', 2, [6, 8, 20]) || of('-', 2, [6, 8, 20]) || of('.', 4, [3, 4, 10])
}

fn is_datetime(text: &str) -> bool {
    let spaced = text.len() > 10 && text.as_bytes()[10] == b' ';
    let offset = regexp::read(r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})$");
    !spaced && offset.matches(text) && {
        // The time of day alone decides; the offset may be written without its colon.
        let end = text[19..].find(['Z', 'z', '+', '-']).map_or(text.len(), |at| at + 19);
        crate::time::rfc3339(&format!("{}Z", &text[..end])).is_some()
    }
}

fn is_email(text: &str) -> bool {
    let text = text.trim();
    // A name may stand before the address: `A B <a@b>`.
    let address = match text.strip_suffix('>') {
        Some(named) => named.rsplit_once('<').map_or("", |(_, address)| address),
        None => text,
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let atom = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let dotted = |text: &str| text.split('.').all(|part| !part.is_empty() && part.chars().all(atom));
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    (quoted || dotted(local)) && (dotted(domain) || (domain.starts_with('[') && domain.ends_with(']')))
}

fn is_hostname(text: &str) -> bool {
    let sign = |c: char| c.is_alphanumeric() || !c.is_ascii();
    let part = |part: &str| {
        !part.is_empty()
            && part.len() <= 63
            && part.starts_with(sign)
            && part.ends_with(sign)
            && part.chars().all(|c| sign(c) || c == '-')
    };
    let mut parts: Vec<&str> = text.split('.').collect();
    if parts.len() == 1 {
        // The pattern of the API server knows one dash at the most here, behind the first sign.
        let rest = text.strip_prefix(sign).unwrap_or_default();
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        return text.starts_with(sign) && text.len() <= 63 && rest.chars().all(sign);
    }
    let top = parts.pop().unwrap_or_default();
    let top_good = (2..=63).contains(&top.chars().count()) && top.chars().all(char::is_alphabetic);
    text.len() <= 255 && top_good && parts.into_iter().all(part)
}

fn is_isbn10(text: &str) -> bool {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .map(|c| if c == 'X' { 10 } else { c.to_digit(10).unwrap_or(99) })
        .collect();
    let sum: u32 = digits.iter().zip(1..).map(|(digit, weight)| digit * weight).sum();
    digits.len() == 10 && digits[..9].iter().all(|d| *d < 10) && digits[9] <= 10 && sum.is_multiple_of(11)
}

fn is_isbn13(text: &str) -> bool {
    let digits: Option<Vec<u32>> = text.chars().filter(|c| !matches!(c, '-' | ' ')).map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| digits.len() == 13) else { return false };
    let sum: u32 = digits.iter().zip([1, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    sum.is_multiple_of(10)
}

fn is_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let pattern = r"^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$";
    let luhn = digits.bytes().rev().zip([1_u32, 2].into_iter().cycle()).map(|(byte, weight)| {
        let product = u32::from(byte - b'0') * weight;
        if product > 9 { product - 9 } else { product }
    });
    regexp::read(pattern).matches(&digits) && luhn.sum::<u32>().is_multiple_of(10)
}

/// Base64 as CRDs have it: an empty text is none.
fn is_base64(text: &str) -> bool {
    !text.is_empty() && base64(text).is_some()
}

/// The bytes of base64 with its padding.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let body = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - body.len() > 2 {
        return None;
    }
    let mut out = Vec::with_capacity(body.len() * 3 / 4);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in body.bytes() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_of_their_formats_or_not() {
        for (format, good, bad) in [
            ("date-time", "2024-02-29T01:02:03.5+01:00", "2023-02-29T01:02:03Z"),
            ("date", "2024-02-29", "2023-02-29"),
            ("duration", "1h30m", "90"),
            ("duration", "2 days", ""),
            ("email", "a.b@c.org", "."),
            ("byte", "YWI=", "YWI"),
            ("ipv4", "010.0.0.1", "::1"),
            ("cidr", "10.0.0.0/8", "10.0.0.0/33"),
            ("mac", "01-23-45-67-89-ab", "01-23"),
            ("hostname", "a-b.example", "-a"),
            ("hostname", "a-bc", "a-b-c"),
            ("uri", "https://a.b/c?d=e", "a b"),
            ("isbn", "0321751043", "0321751044"),
            ("creditcard", "4111-1111-1111-1111", "4111-1111-1111-1112"),
            ("ssn", "111-22-3333", "111-22-333"),
            ("rgbcolor", "rgb(1, 2,255)", "rgb(1,2,256)"),
            ("k8s-short-name", "a-b", "A"),
            ("something", "", "\u{0}"),
        ] {
            assert!(has_format(format, good), "{format} {good}");
            assert!(format == "something" || !has_format(format, bad), "{format} {bad}");
        }
    }

    #[test]
    fn base64_is_read() {
        assert_eq!(base64("YWJj"), Some(b"abc".to_vec()));
        assert_eq!(base64("YQ=="), Some(b"a".to_vec()));
        assert_eq!(base64("YQ="), None);
    }
}
