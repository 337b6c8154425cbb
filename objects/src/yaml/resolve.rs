//! What a scalar is: the rules of go-yaml v2, with which kubectl and the API server read (`resolve.go`), to the letter.
//! `yes` is true and `yEs` is text; `0o17`, `017` and `1_5` are 15; `12:30` and a date are text.

use std::borrow::Cow;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::value::{Number, Pool, Value};

/// The prefix of the tags that YAML itself defines.
const CORE: &str = "tag:yaml.org,2002:";

/// A scalar as it is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Scalar<'t> {
    /// Nothing.
    Null,
    /// `yes`, `off`, ...
    Bool(bool),
    /// A whole number that fits 64 bits.
    Int(i64),
    /// A whole number that fits 64 bits without a sign only.
    Unsigned(u64),
    /// Any other number, infinite ones too.
    Float(f64),
    /// Text.
    Text(Cow<'t, str>),
}

impl<'t> Scalar<'t> {
    /// The value in JSON; `None` for a number that JSON does not have.
    pub(super) fn into_value(self, pool: &mut Pool) -> Option<Value> {
        Some(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => value.into(),
            Self::Int(value) => value.into(),
            Self::Unsigned(value) => value.into(),
            Self::Float(value) => Value::Number(Number::from_f64(value)?),
            Self::Text(text) => Value::String(pool.text(&text)),
        })
    }

    /// The key in JSON that sigs.k8s.io/yaml makes of it; `None` where it makes none.
    pub(super) fn into_key(self) -> Option<Cow<'t, str>> {
        match self {
            Self::Null | Self::Unsigned(_) => None,
            Self::Bool(value) => Some(value.to_string().into()),
            Self::Int(value) => Some(value.to_string().into()),
            Self::Float(value) => Some(float_key(value).into()),
            Self::Text(text) => Some(text),
        }
    }
}

/// The key that a plain scalar becomes: `true` of `y`, `15` of `0o17`, mostly itself; `None` where it becomes none.
pub fn plain_key(text: &str) -> Option<Cow<'_, str>> {
    plain(text).into_key()
}

/// A plain scalar without a tag.
pub(super) fn plain(text: &str) -> Scalar<'_> {
    match text.as_bytes().first() {
        None => return Scalar::Null,
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' | b'.' | b'+' | b'-') => {
            if let Some(word) = word(text) {
                return word;
            }
        }
        Some(b'0'..=b'9') => {}
        Some(_) => return Scalar::Text(text.into()),
    }
    let number = match text.as_bytes()[0] {
        b'.' => dotted(text).map(Scalar::Float),
        b'+' | b'-' | b'0'..=b'9' if text.contains('_') => number(&text.replace('_', "")),
        b'+' | b'-' | b'0'..=b'9' => number(text),
        _ => None,
    };
    number.unwrap_or_else(|| Scalar::Text(text.into()))
}

/// A scalar with a tag, in quotes or not; the error is in go-yaml's words.
pub(super) fn tagged<'t>(tag: &str, text: &'t str) -> Result<Scalar<'t>, String> {
    let as_text = || Ok(Scalar::Text(text.into()));
    let Some(tag) = tag.strip_prefix(CORE) else { return as_text() };
    let (found, name) = match plain(text) {
        _ if tag == "str" => return as_text(),
        Scalar::Null => (Scalar::Null, "null"),
        Scalar::Bool(value) => (Scalar::Bool(value), "bool"),
        Scalar::Float(value) => (Scalar::Float(value), "float"),
        Scalar::Text(text) if is_date(&text) => (Scalar::Text(text), "timestamp"),
        Scalar::Text(text) => (Scalar::Text(text), "str"),
        #[allow(clippy::cast_precision_loss, reason = "as in Go")]
        Scalar::Int(value) if tag == "float" => (Scalar::Float(value as f64), "float"),
        number => (number, "int"),
    };
    match tag {
        "binary" => binary(text).map(|text| Scalar::Text(text.into())),
        "bool" | "int" | "float" | "null" | "timestamp" if tag == name => Ok(found),
        "bool" | "int" | "float" | "null" | "timestamp" => Err(format!("cannot read !!{name} `{text}` as !!{tag}")),
        _ => as_text(),
    }
}

fn word(text: &str) -> Option<Scalar<'static>> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => Scalar::Bool(true),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => Scalar::Bool(false),
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

/// A number that starts with a digit or a sign, without underscores.
fn number(text: &str) -> Option<Scalar<'static>> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'+' => ("", &text[1..]),
        b'-' => ("-", &text[1..]),
        _ => ("", text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    // A second sign, which Rust would take, is none.
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        if let Ok(value) = i64::from_str_radix(&format!("{sign}{digits}"), radix) {
            return Some(Scalar::Int(value));
        }
        // ParseUint takes no sign.
        if text.starts_with(|c: char| c.is_ascii_digit())
            && let Ok(value) = u64::from_str_radix(digits, radix)
        {
            return Some(Scalar::Unsigned(value));
        }
    }
    is_float(text).then(|| finite(text)).flatten().map(Scalar::Float)
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let some_digits = |text: &str| !text.is_empty() && all_digits(text);
    let is_mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => some_digits(fraction),
        Some((whole, fraction)) => some_digits(whole) && all_digits(fraction),
        None => some_digits(mantissa),
    };
    is_mantissa && exponent.is_none_or(|text| some_digits(text.strip_prefix(['-', '+']).unwrap_or(text)))
}

/// A number that starts with a dot, by Go's `ParseFloat`: single underscores between digits count for nothing.
fn dotted(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let between = bytes
        .iter()
        .enumerate()
        .all(|(at, byte)| *byte != b'_' || is_digit(at.checked_sub(1)) && is_digit(Some(at + 1)));
    let text = text.replace('_', "");
    (between && is_float(&text)).then(|| finite(&text)).flatten()
}

/// The number; `None` where it is too large, which Go calls an error.
fn finite(text: &str) -> Option<f64> {
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Whether go-yaml might take the text for a date: it is text all the same, but may have the tag of one.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>| part.is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let year = text.split('-').next().is_some_and(|year| year.len() == 4);
    year && digits(parts.next())
        && digits(parts.next())
        && parts.next().is_some_and(|p| p.starts_with(|c: char| c.is_ascii_digit()))
}

/// Base64 of text, with line breaks in it or not.
fn binary(text: &str) -> Result<String, String> {
    let digits = text.replace(['\n', '\r'], "");
    let bytes = BASE64_STANDARD.decode(digits).map_err(|_| "!!binary is not base64".to_owned())?;
    String::from_utf8(bytes).map_err(|_| "!!binary is not base64 of text".to_owned())
}

/// Go's `strconv.FormatFloat(key, 'g', -1, 32)`, and go-yaml's words for what is no number.
fn float_key(key: f64) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "this is what the API server does")]
    let key = key as f32;
    if key.is_nan() {
        return ".nan".to_owned();
    }
    if key.is_infinite() {
        return if key > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{key:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return key.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
