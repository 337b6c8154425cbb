//! Texts as Go reads them beside durations: numbers, truth values, references to images.
//! Sources: <https://github.com/golang/go/blob/go1.25.0/src/strconv/atof.go>,
//! <https://github.com/google/go-containerregistry/blob/v0.20.6/pkg/name/ref.go>

pub(super) use crate::go::{HOUR, SECOND, duration};

/// `strconv.ParseBool`.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// `strconv.ParseInt` in base 10, of so many bits.
pub(super) fn integer(text: &str, bits: u32) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: i64 = text.parse().ok()?;
    let most = i64::MAX >> (64 - bits);
    (-most - 1..=most).contains(&number).then_some(number)
}

/// `strconv.ParseUint` in base 10, of so many bits.
pub(super) fn unsigned(text: &str, bits: u32) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number: &u64| *number <= u64::MAX >> (64 - bits))
}

/// `strconv.ParseFloat`. A number that is out of range is none.
pub(super) fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let lower = unsigned.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        return hexadecimal(hex).map(|number| if text.starts_with('-') { -number } else { number });
    }
    match lower.as_str() {
        "inf" | "infinity" => return Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }),
        "nan" => return (unsigned.len() == text.len()).then_some(f64::NAN),
        _ => {}
    }
    if !lower.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-')) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A hexadecimal number without its sign and its `0x`: it has an exponent of two.
fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut number = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        number = number * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let exponent = i32::try_from(integer(exponent, 32)?).ok()?;
    let shift = exponent.checked_sub(i32::try_from(fraction.len()).ok()?.checked_mul(4)?)?;
    Some(number * 2.0_f64.powi(shift)).filter(|number| number.is_finite())
}

/// Whether a number is in a range. One that is none is outside of no range for Go.
pub(super) fn within(number: f64, least: f64, most: f64) -> bool {
    number.is_nan() || (least..=most).contains(&number)
}

/// Whether a text is a reference to an image, as Knative reads one.
pub(super) fn is_image(text: &str) -> bool {
    is_tagged(text) || is_digested(text)
}

fn is_tagged(text: &str) -> bool {
    let (base, tag) = match text.rsplit_once(':') {
        Some((base, tag)) if !tag.contains('/') => (base, tag),
        _ => (text, ""),
    };
    let tag_fits = tag.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')) && tag.len() <= 128;
    tag_fits && is_repository(base)
}

fn is_digested(text: &str) -> bool {
    let Some((base, digest)) = text.split_once('@') else { return false };
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    let is_digest = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_digest && (is_tagged(base) || is_repository(base))
}

fn is_repository(text: &str) -> bool {
    let (registry, repository) = match text.split_once('/') {
        Some((first, rest)) if first.contains(['.', ':']) => (first, rest),
        _ => ("", text),
    };
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '.' | '/');
    (2..=255).contains(&repository.chars().count()) && repository.chars().all(fits) && is_registry(registry)
}

/// Whether a text is the host of an address, with or without a port.
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (text, ""),
    };
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let good = |c: char| c.is_alphanumeric() || "-._~!$&'()*+,;=".contains(c);
    port.bytes().all(|b| b.is_ascii_digit())
        && bare.map_or_else(|| host.chars().all(good), |h| h.chars().all(|c| c.is_ascii_hexdigit() || c == ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        assert_eq!(
            [float("1.5"), float("0x1p4"), float(" 1"), float("0x10"), float("1e400"), float("")],
            [Some(1.5), Some(16.0), None, None, None, None]
        );
        assert!(float("NaN").is_some_and(f64::is_nan) && float("-inf") == Some(f64::NEG_INFINITY));
        assert_eq!(
            [integer("+7", 32), integer("2147483648", 32), integer("1_0", 64), integer("-", 64)],
            [Some(7), None, None, None]
        );
        assert_eq!([unsigned("+1", 32), unsigned("4294967296", 32), unsigned("3", 32)], [None, None, Some(3)]);
        assert_eq!([boolean("T"), boolean("yes"), boolean("true ")], [Some(true), None, None]);
    }

    #[test]
    fn images_are_read_as_knative_reads_them() {
        let digest = "a".repeat(64);
        for good in ["busybox", "ghcr.io/a/b:1.2", "localhost:5000/ab", &format!("ghcr.io/a/b:1@sha256:{digest}")] {
            assert!(is_image(good), "{good}");
        }
        for bad in ["", "a", "ghcr.io/Example/x", "busybox ", "reg.example.com/a:b:c", "x@sha256:12", "ghcr.io/a b"] {
            assert!(!is_image(bad), "{bad}");
        }
    }
}
