//! When a certificate is valid: as much of X.509 as that takes (RFC 5280, section 4.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::moment::Moment;

/// From when until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    /// Not before.
    pub(super) from: Moment,
    /// Not after.
    pub(super) until: Moment,
}

/// Of the first certificate in what a Secret has: base64 of PEM.
pub(super) fn of_secret(value: &str) -> Option<Validity> {
    let pem = STANDARD.decode(value.trim()).ok()?;
    of_pem(std::str::from_utf8(&pem).ok()?)
}

fn of_pem(pem: &str) -> Option<Validity> {
    let body = pem.split_once("-----BEGIN CERTIFICATE-----")?.1.split_once("-----END CERTIFICATE-----")?.0;
    let body: String = body.split_whitespace().collect();
    of_der(&STANDARD.decode(body).ok()?)
}

const SEQUENCE: u8 = 0x30;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
/// The version, which is left out in version 1.
const VERSION: u8 = 0xa0;

fn of_der(der: &[u8]) -> Option<Validity> {
    let (tag, certificate, _) = element(der)?;
    let (_, mut fields, _) = (tag == SEQUENCE).then(|| element(certificate))??;
    let (tag, _, rest) = element(fields)?;
    if tag == VERSION {
        fields = rest;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        fields = element(fields)?.2;
    }
    let (tag, validity, _) = element(fields)?;
    let (first, from, rest) = (tag == SEQUENCE).then(|| element(validity))??;
    let (second, until, _) = element(rest)?;
    Some(Validity { from: time(first, from)?, until: time(second, until)? })
}

/// Tag and content of the first element, and what is behind it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let count = usize::from(first & 0x7f);
        let (bytes, behind) = (count <= 4).then(|| rest.split_at_checked(count))??;
        length = bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        rest = behind;
    }
    let (content, behind) = rest.split_at_checked(length)?;
    Some((tag, content, behind))
}

/// `YYMMDDHHMMSSZ`, whose years are 1950 to 2049, or with a year of four digits.
fn time(tag: u8, text: &[u8]) -> Option<Moment> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let whole = match tag {
        UTC_TIME => format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" }),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let part = |from: usize, to: usize| whole.get(from..to);
    Moment::parse(&format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    ))
}
