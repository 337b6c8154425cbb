//! Requests for certificates.
//! Source: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/apis/certificates/validation/validation.go>

use super::Found;
use super::at::At;
use crate::kubernetes::names;

/// What a certificate may be used for.
const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

/// A `CertificateSigningRequest`.
pub(super) fn request(found: &mut Found<'_>) {
    let object = found.object;
    let Some(spec) = At::root(&object.value).get("spec") else { return };
    if let Some(request) = spec.get("request")
        && request.value.is_string()
        && let Some(what) = wrong_request(request.own())
    {
        found.bad(&request, what);
    }
    let usages = spec.list("usages");
    if usages.is_empty() {
        found.missing(&spec, "usages", "what the certificate is for has to be said");
    }
    for usage in usages.iter().filter(|usage| !USAGES.contains(&usage.own())) {
        found.bad(usage, format!("`{}` is none of {}", usage.own(), USAGES.join(", ")));
    }
    found.distinct(&usages, |usage| usage.own());
    let signer = spec.text("signerName");
    if signer == "kubernetes.io/legacy-unknown" {
        found.at("bad-value", &spec.field("signerName"), "the API of today does not take this signer");
    } else if !signer.is_empty() && !is_signer(signer) {
        found.at("bad-value", &spec.field("signerName"), format!("`{signer}` is no domain, a slash and a name"));
    } else if spec.has("signerName") && signer.is_empty() {
        found.missing(&spec, "signerName", "`signerName` is empty");
    }
    if spec.int("expirationSeconds").is_some_and(|seconds| seconds < 600) {
        found.at("bad-value", &spec.field("expirationSeconds"), "it is less than 600, ten minutes");
    }
}

/// Whether a text is the name of one who signs: a domain of two parts or more, a slash and a path with dots.
pub(super) fn is_signer(name: &str) -> bool {
    let Some((domain, path)) = name.split_once('/') else { return false };
    name.len() <= 571
        && domain.len() <= 253
        && domain.contains('.')
        && domain.split('.').all(names::is_label)
        && path.split('.').all(names::is_subdomain)
}

/// What is wrong with a request: it is base64 of PEM of PKCS #10. The signature is not looked at.
fn wrong_request(text: &str) -> Option<&'static str> {
    let Some(pem) = decode(text).and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return Some("it is no PEM block of type CERTIFICATE REQUEST");
    };
    // What is cut short, as in examples, is not judged.
    if pem.contains("-----BEGIN") && !pem.contains("-----END") {
        return None;
    }
    let block = pem
        .split_once("-----BEGIN CERTIFICATE REQUEST-----")
        .and_then(|(_, rest)| rest.split_once("-----END CERTIFICATE REQUEST-----"));
    // The first block decides.
    let first = pem.split_once("-----BEGIN ").is_some_and(|(_, rest)| rest.starts_with("CERTIFICATE REQUEST-----"));
    let Some((body, _)) = block.filter(|_| first) else {
        return Some("it is no PEM block of type CERTIFICATE REQUEST");
    };
    // Headers, each `Key: value`, stand before an empty line.
    let body: String = body.lines().filter(|line| !line.contains(':')).collect();
    let whole = decode(&body).is_some_and(|der| is_request(&der));
    (!whole).then_some("the PEM block is no certificate request (PKCS #10)")
}

/// Whether bytes look like a request in DER: three parts, of which the first has a number, a name and a key.
fn is_request(der: &[u8]) -> bool {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    const BITS: u8 = 0x03;
    let Some((SEQUENCE, whole, [])) = element(der) else { return false };
    let Some((SEQUENCE, info, rest)) = element(whole) else { return false };
    let Some((SEQUENCE, _, rest)) = element(rest) else { return false };
    let Some((BITS, _, [])) = element(rest) else { return false };
    let Some((INTEGER, _, rest)) = element(info) else { return false };
    let Some((SEQUENCE, _, rest)) = element(rest) else { return false };
    matches!(element(rest), Some((SEQUENCE, _, _)))
}

/// The first element in DER: its tag, its content, and what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (digits, rest) =
            rest.split_at_checked(usize::from(first & 0x7f)).filter(|(digits, _)| digits.len() <= 4)?;
        (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The bytes that a text in base64 stands for.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| match b {
        b'A'..=b'Z' => Some(b - b'A'),
        b'a'..=b'z' => Some(b - b'a' + 26),
        b'0'..=b'9' => Some(b - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let body = digits.split(|b| *b == b'=').next().unwrap_or_default();
    let mut bytes = Vec::with_capacity(body.len() / 4 * 3);
    for chunk in body.chunks(4) {
        let mut bits = 0_u32;
        for b in chunk {
            bits = bits << 6 | u32::from(digit(*b)?);
        }
        let count = chunk.len() - 1;
        let shifted = bits << (6 * (4 - chunk.len()));
        bytes.extend_from_slice(shifted.to_be_bytes().get(1..=count)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_decoded() {
        assert_eq!(decode("aGVsbG8gd29ybGQ=").as_deref(), Some(&b"hello world"[..]));
        assert_eq!(decode("aGk="), Some(b"hi".to_vec()));
        assert_eq!(decode(""), Some(Vec::new()));
        assert_eq!(decode("!"), None);
    }

    #[test]
    fn a_signer_has_a_domain_and_a_name() {
        for good in ["kubernetes.io/kube-apiserver-client", "example.com/a.b"] {
            assert!(is_signer(good), "{good}");
        }
        for odd in ["kubernetes.io", "io/x", "example.com/", "a_b.com/x", "example.com/a/b"] {
            assert!(!is_signer(odd), "{odd}");
        }
    }
}
