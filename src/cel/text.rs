//! Texts: the functions of cel-go's extension for strings.

use super::evaluate::Halt;
use super::value::Value;

/// The beginning of a long text.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

pub(super) fn index_of(text: &str, part: &str, from: i64, last: bool) -> Result<i64, Halt> {
    let signs: Vec<char> = text.chars().collect();
    let part: Vec<char> = part.chars().collect();
    let start = usize::try_from(from).ok().filter(|start| *start <= signs.len());
    let Some(start) = start else {
        // Looking for nothing finds the end.
        return if part.is_empty() && from >= 0 && !last {
            Ok(from)
        } else {
            Err(Halt::failed(format!("index out of range: {from}")))
        };
    };
    if part.is_empty() {
        return Ok(from);
    }
    let fits = |at: &usize| signs[*at..].starts_with(&part);
    let found = if last {
        let end = signs.len().saturating_sub(part.len()).min(start);
        (0..=end).rev().find(fits)
    } else {
        (start..signs.len()).find(fits)
    };
    Ok(found.and_then(|at| i64::try_from(at).ok()).unwrap_or(-1))
}

pub(super) fn substring(text: &str, from: i64, to: Option<i64>) -> Result<String, Halt> {
    let signs: Vec<char> = text.chars().collect();
    let to = to.unwrap_or(i64::try_from(signs.len()).unwrap_or(i64::MAX));
    let out = || Halt::failed(format!("index out of range: {from}, {to}"));
    if from > to {
        return Err(Halt::failed(format!("invalid substring range. start: {from}, end: {to}")));
    }
    let (from, to) = (usize::try_from(from).map_err(|_| out())?, usize::try_from(to).map_err(|_| out())?);
    Ok(signs.get(from..to).ok_or_else(out)?.iter().collect())
}

/// Parts of a text, at most `limit` of them where that is not below zero.
pub(super) fn split(text: &str, separator: &str, limit: i64) -> Vec<String> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if limit == 0 {
        return Vec::new();
    }
    if separator.is_empty() {
        let signs: Vec<String> = text.chars().map(String::from).collect();
        if signs.len() <= limit {
            return signs;
        }
        let (first, rest) = signs.split_at(limit - 1);
        return first.iter().cloned().chain([rest.concat()]).collect();
    }
    text.splitn(limit, separator).map(str::to_owned).collect()
}

/// `strings.quote`.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for sign in text.chars() {
        match sign {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// A number as Go's `%v` writes it.
pub(super) fn number(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-4..1e21).contains(&magnitude) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{number}")
}

/// `format()`: `%s`, `%d`, `%f`, `%e`, `%b`, `%x`, `%X`, `%o`.
pub(super) fn format(pattern: &str, args: &[Value]) -> Result<String, Halt> {
    let mut out = String::new();
    let mut rest = pattern;
    let mut args = args.iter();
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let mut precision = None;
        if let Some(after) = rest.strip_prefix('.') {
            let length = after.bytes().take_while(u8::is_ascii_digit).count();
            precision = Some(after[..length].parse::<usize>().unwrap_or(6).min(400));
            rest = &after[length..];
        }
        let verb = rest.chars().next().ok_or_else(|| Halt::failed("unexpected end of string"))?;
        rest = &rest[verb.len_utf8()..];
        let arg = args.next().ok_or_else(|| Halt::failed("index out of range for the arguments of format"))?;
        out.push_str(&clause(verb, precision, arg)?);
    }
    out.push_str(rest);
    Ok(out)
}

fn clause(verb: char, precision: Option<usize>, arg: &Value) -> Result<String, Halt> {
    let wrong = || Halt::failed(format!("error during formatting: `%{verb}` does not go with {}", arg.type_name()));
    Ok(match (verb, arg) {
        ('s', arg) => show(arg)?,
        ('d', Value::Int(number)) => number.to_string(),
        ('d', Value::Uint(number)) => number.to_string(),
        ('d' | 'f' | 'e', Value::Double(value)) if !value.is_finite() => show(arg)?.trim_matches('"').to_owned(),
        ('f', arg) => {
            let precision = precision.unwrap_or(6);
            format!("{:.precision$}", float(arg).ok_or_else(wrong)?)
        }
        ('e', arg) => {
            let precision = precision.unwrap_or(6);
            let text = format!("{:.precision$e}", float(arg).ok_or_else(wrong)?);
            let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
            let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
            format!("{digits}e{sign}{exponent:0>2}")
        }
        ('b', Value::Bool(is)) => u8::from(*is).to_string(),
        ('b' | 'o' | 'x' | 'X', Value::Int(number)) => {
            let sign = if *number < 0 { "-" } else { "" };
            format!("{sign}{}", radix(verb, number.unsigned_abs()))
        }
        ('b' | 'o' | 'x' | 'X', Value::Uint(number)) => radix(verb, *number),
        ('x' | 'X', Value::Text(text)) => hexadecimal(verb, text.as_bytes()),
        ('x' | 'X', Value::Bytes(bytes)) => hexadecimal(verb, bytes),
        _ => return Err(wrong()),
    })
}

fn float(arg: &Value) -> Option<f64> {
    #[allow(clippy::cast_precision_loss)] // as Go does
    match arg {
        Value::Double(number) => Some(*number),
        Value::Int(number) => Some(*number as f64),
        Value::Uint(number) => Some(*number as f64),
        _ => None,
    }
}

fn radix(verb: char, number: u64) -> String {
    match verb {
        'b' => format!("{number:b}"),
        'o' => format!("{number:o}"),
        'x' => format!("{number:x}"),
        _ => format!("{number:X}"),
    }
}

fn hexadecimal(verb: char, bytes: &[u8]) -> String {
    bytes.iter().map(|byte| if verb == 'x' { format!("{byte:02x}") } else { format!("{byte:02X}") }).collect()
}

/// A value as `%s` writes it.
fn show(value: &Value) -> Result<String, Halt> {
    Ok(match value {
        Value::Null => "null".to_owned(),
        Value::List(items) => {
            let items: Result<Vec<_>, _> = items.iter().map(show).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Map(map) => {
            let entries: Result<Vec<_>, Halt> =
                map.iter().map(|(key, value)| Ok(format!("{}: {}", show(&key.value())?, show(value)?))).collect();
            format!("{{{}}}", entries?.join(", "))
        }
        Value::Double(number) if number.is_infinite() => {
            if *number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        }
        Value::Double(value) => number(*value),
        Value::Type(name) => name.to_string(),
        other => other.to_text().ok_or_else(|| {
            Halt::failed(format!("error during formatting: string clause cannot write {}", other.type_name()))
        })?,
    })
}
