//! Documents that are not quite YAML and that kubectl reads all the same: JSON objects one after the other, tabs inside of braces,
//! a key that is there twice.

use crate::value::Value;

use crate::yaml::{self, Twice, YamlError};

/// What kubectl reads.
#[derive(Debug, Default)]
pub(super) struct Lenient {
    /// The values, each with the line of the text on which it starts, counted from 0.
    pub(super) values: Vec<(usize, Value)>,
    /// Keys that are there twice.
    pub(super) twice: Vec<Twice>,
}

/// Reads a document that is not YAML because of `error`; `None` where kubectl does not read it either.
pub(super) fn read(text: &str, error: &YamlError) -> Option<Lenient> {
    if text.trim_start().starts_with('{')
        && let Some(values) = json(text)
    {
        return Some(Lenient { values, twice: Vec::new() });
    }
    let spaced = if error.message.contains("tab") { without_tabs(text) } else { text.to_owned() };
    let (value, twice) = yaml::parse_last(&spaced).ok()?;
    Some(Lenient { values: vec![(0, value)], twice })
}

/// JSON values, one after the other.
fn json(text: &str) -> Option<Vec<(usize, Value)>> {
    let mut values = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    loop {
        let rest = text.get(stream.byte_offset()..)?;
        let start = text.len() - rest.trim_start().len();
        match stream.next() {
            None => return Some(values),
            Some(value) => {
                let lines = memchr::memchr_iter(b'\n', &text.as_bytes()[..start.min(text.len())]).count();
                values.push((lines, value.ok()?));
            }
        }
    }
}

/// The text with spaces for the tabs that indent lines inside of braces and brackets, where they mean nothing.
fn without_tabs(text: &str) -> String {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut all = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let content = line.trim_start_matches([' ', '\t']);
        let blanks = &line[..line.len() - content.len()];
        if depth > 0 && quote.is_none() {
            all.extend(std::iter::repeat_n(' ', blanks.len()));
        } else {
            all.push_str(blanks);
        }
        all.push_str(content);
        let mut before = ' ';
        let mut escaped = false;
        for c in content.chars() {
            match (quote, c) {
                (Some('"'), '\\') if !escaped => {
                    escaped = true;
                    before = c;
                    continue;
                }
                (Some(open), c) if c == open && !escaped => quote = None,
                (Some(_), _) => {}
                (None, '#') if before.is_whitespace() => break,
                (None, '"' | '\'') if before.is_whitespace() || matches!(before, '{' | '[' | ',' | ':') => {
                    quote = Some(c);
                }
                (None, '{' | '[') => depth += 1,
                (None, '}' | ']') => depth = depth.saturating_sub(1),
                (None, _) => {}
            }
            escaped = false;
            before = c;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(text: &str) -> Option<Lenient> {
        match yaml::parse(text) {
            Ok(value) => Some(Lenient { values: vec![(0, value)], twice: Vec::new() }),
            Err(error) => read(text, &error),
        }
    }

    #[test]
    fn json_objects_follow_each_other_in_one_document() {
        let read = read_of("{\"a\": 1}\n\n{\"b\": 2}\n").unwrap();
        assert_eq!(read.values, [(0, crate::value::json!({"a": 1})), (2, crate::value::json!({"b": 2}))]);
    }

    #[test]
    fn tabs_inside_of_braces_are_blanks() {
        assert_eq!(read_of("{\n\t\"a\": [\n\t\t1]}\n").unwrap().values, [(0, crate::value::json!({"a": [1]}))]);
        let read = read_of("a: {\n\tb: \"x\\ty\",\n\tc: 2\n}\n").unwrap();
        assert_eq!(read.values, [(0, crate::value::json!({"a": {"b": "x\ty", "c": 2}}))]);
        assert!(read_of("a:\n\tb: 1\n").is_none());
    }

    #[test]
    fn the_last_of_two_keys_counts_and_both_lines_are_told() {
        let read = read_of("a: 1\nb: {x: 1}\na: 2\n").unwrap();
        assert_eq!(read.values, [(0, crate::value::json!({"a": 2, "b": {"x": 1}}))]);
        assert_eq!(read.twice, [Twice { key: "a".to_owned(), first: 1, again: 3 }]);
    }
}
