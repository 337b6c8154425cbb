//! Reads a little of a document without parsing all of it: only the lines that matter are looked at. Where a text is
//! anything but an ordinary block mapping, the answer is `None`, and the document has to be parsed. For bytes that were
//! parsed in full once, the answers are the same; a test holds this for every manifest of the catalog.

use std::borrow::Cow;

use crate::value::{Map, Value};

use super::object::Head;
use crate::yaml;

/// The head of a document whose top level is an ordinary block mapping, read from the lines of `apiVersion`, `kind` and
/// `metadata` alone. `None` where the text is anything else: then it has to be parsed.
pub(super) fn head(text: &str) -> Option<Head> {
    Head::of(&value_of(&slice_of(text, &["apiVersion", "kind", "metadata"])?)?).ok()
}

/// What stands below a path of mapping keys, read from its own lines. `None` where the text is anything but an ordinary
/// block mapping on the way there.
pub(super) fn block(text: &str, path: &[&str]) -> Option<Value> {
    let mut text = Cow::Borrowed(text);
    for (depth, key) in path.iter().enumerate() {
        let slice = slice_of(&text, &[key])?;
        let (first, below) = slice.split_once('\n')?;
        if depth + 1 == path.len() {
            return value_of(&slice)?.get(key).cloned();
        }
        // What is below has to start on the next line; an anchor or a flow mapping would stand on this one.
        if !first.trim_end().ends_with(':') {
            return None;
        }
        let indent = below.lines().find(|l| !l.trim_start().starts_with('#') && !l.trim().is_empty())?;
        let indent = &indent[..indent.len() - indent.trim_start_matches(' ').len()];
        let dedented: String =
            below.split_inclusive('\n').map(|line| line.strip_prefix(indent).unwrap_or(line.trim_start())).collect();
        text = Cow::Owned(dedented);
    }
    None
}

/// The lines of some top-level keys of a block mapping, joined. `None` if the top level holds anything but plain keys,
/// their indented or list content, comments and blank lines, as far as it is looked at: to the end of the last wanted key.
fn slice_of(text: &str, wanted: &[&str]) -> Option<String> {
    let mut slice = String::new();
    let mut missing = wanted.len();
    let mut keep = false;
    let mut at = 0;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text.as_bytes()[at..]).map_or(text.len(), |n| at + n + 1);
        let line = &text[at..end];
        at = end;
        match line.as_bytes()[0] {
            b' ' | b'\t' | b'\n' | b'\r' | b'#' => {}
            b'-' if matches!(line.as_bytes().get(1), Some(b' ' | b'\n' | b'\r')) => {}
            b'a'..=b'z' | b'A'..=b'Z' => {
                if missing == 0 {
                    break;
                }
                let (key, rest) = line.split_once(':')?;
                let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
                if !plain || !rest.starts_with([' ', '\n', '\r']) {
                    return None;
                }
                keep = wanted.contains(&key);
                missing -= usize::from(keep);
            }
            _ => return None,
        }
        if keep {
            slice.push_str(line);
        }
    }
    Some(slice)
}

fn value_of(text: &str) -> Option<Value> {
    let mut lines =
        text.lines().map(str::trim_end).filter(|line| !line.trim_start().starts_with('#') && !line.is_empty());
    plain_mapping(&mut lines.by_ref().peekable(), 0).or_else(|| yaml::parse(text).ok())
}

/// A mapping in the plainest form, which most metadata is in: `key: word`, `key: "text"` and nested mappings. `None` for
/// everything that takes a YAML parser to be understood.
fn plain_mapping<'t>(lines: &mut std::iter::Peekable<impl Iterator<Item = &'t str>>, indent: usize) -> Option<Value> {
    let mut map = Map::new();
    while let Some(line) = lines.peek() {
        let depth = line.len() - line.trim_start_matches(' ').len();
        if depth < indent {
            break;
        }
        let (key, value) = line[depth..].split_once(':')?;
        if depth > indent || !is_word(key) || map.contains_key(key) {
            return None;
        }
        lines.next();
        let value = match value.strip_prefix(' ') {
            Some(text) => Value::from(plain_scalar(text.trim_start_matches(' '))?),
            None if !value.is_empty() => return None,
            None => {
                let next = lines.peek()?;
                let below = next.len() - next.trim_start_matches(' ').len();
                if below <= indent {
                    return None;
                }
                plain_mapping(lines, below)?
            }
        };
        map.insert(key.to_owned(), value);
    }
    Some(Value::Object(map))
}

/// A scalar that every reader takes for the same text.
fn plain_scalar(text: &str) -> Option<&str> {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            return inner.strip_suffix(quote).filter(|t| !t.contains(['"', '\'', '\\']));
        }
    }
    is_word(text).then_some(text)
}

/// A word that no YAML reader takes for a boolean, a null or a number.
fn is_word(text: &str) -> bool {
    const SPECIAL: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'-' | b'_'))
        && !SPECIAL.iter().any(|special| special.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_head_is_the_same_read_quickly_or_from_the_whole_object() {
        for text in [
            "# a comment\napiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  # why\n  namespace: shop\nspec: 1\n",
            "apiVersion: v1\nkind: List\nrules:\n- a\n-\n  b\nmetadata: {name: x, labels: {a: 'b'}}\n",
            "kind: Role\r\napiVersion: rbac.authorization.k8s.io/v1\r\nmetadata:\r\n  name: r\r\n",
            "apiVersion: v1\nkind: A\nmetadata:\n  name: a # b\n  labels:\n    a/b: \"1.0\"\n    c:   'd e'\n  x:\n",
        ] {
            let whole = Head::of(&yaml::parse(text).unwrap()).unwrap();
            assert_eq!(head(text), Some(whole), "{text}");
        }
    }

    #[test]
    fn an_unusual_top_level_is_left_to_the_parser() {
        for text in [
            "{apiVersion: v1, kind: Service, metadata: {name: a}}\n",
            "\"apiVersion\": v1\nkind: Service\nmetadata: {name: a}\n",
            "apiVersion: v1\nkind: A\nmetadata: {name: \"a\nb\"}\n",
            "x: &n\n  name: a\napiVersion: v1\nkind: A\nmetadata: *n\n",
        ] {
            assert_eq!(head(text), None, "{text}");
        }
    }

    #[test]
    fn a_block_is_read_from_its_own_lines() {
        let text = "apiVersion: v1\nspec:\n  # c\n  group: g\n  names:\n    kind: K\n  text: |\n    names: x\n  list:\n  - names: y\n";
        assert_eq!(block(text, &["spec", "names"]).unwrap(), crate::value::json!({"kind": "K"}));
        assert_eq!(block("spec: {names: {kind: K}}\n", &["spec", "names"]), None);
    }

    proptest! {
        #[test]
        fn what_is_read_plainly_is_what_the_parser_reads(
            lines in prop::collection::vec((0usize..4, "[a-zA-Z0-9./_-]{1,4}", "[a-zA-Z0-9./_'\" #:{}&*!|>~=-]{0,6}"), 1..6),
        ) {
            let text: String =
                lines.iter().map(|(depth, key, value)| format!("{}{key}:{}{value}\n", "  ".repeat(*depth), if value.is_empty() { "" } else { " " })).collect();
            let mut plain = text.lines().map(str::trim_end).filter(|l| !l.trim_start().starts_with('#')).peekable();
            if let Some(value) = plain_mapping(&mut plain, 0) {
                prop_assert_eq!(Ok(value), yaml::parse(&text).map_err(|e| e.to_string()), "{}", text);
            }
        }
    }
}
