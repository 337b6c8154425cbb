//! How long a value is as Go writes it.

use super::Value;

/// The bytes of a value as Go's `encoding/json` writes it, without blanks.
pub fn go_json_len(value: &Value) -> usize {
    len(value, go_json_len_of_text)
}

/// No fewer than that, found without a look at the texts.
pub fn go_json_most(value: &Value) -> usize {
    len(value, |text| 2 + 6 * text.len())
}

fn len(value: &Value, of_text: fn(&str) -> usize) -> usize {
    let list = |count: usize| 2 + count.saturating_sub(1);
    match value {
        Value::Null | Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(number) => number.to_string().len(),
        Value::String(string) => of_text(string),
        Value::Array(items) => items.iter().map(|item| len(item, of_text)).sum::<usize>() + list(items.len()),
        Value::Object(map) => {
            map.iter().map(|(k, v)| of_text(k) + 1 + len(v, of_text)).sum::<usize>() + list(map.len())
        }
    }
}

/// The bytes of a text as Go's `encoding/json` writes it, in quotes.
pub fn go_json_len_of_text(text: &str) -> usize {
    let more = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 8 | 12 => 1,
        b'<' | b'>' | b'&' | 0..=0x1f => 5,
        _ => 0,
    };
    // Line and paragraph separators are three bytes of UTF-8 and become six.
    let breaks = if text.is_ascii() { 0 } else { 3 * text.matches(['\u{2028}', '\u{2029}']).count() };
    2 + text.len() + text.bytes().map(more).sum::<usize>() + breaks
}
