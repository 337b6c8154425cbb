//! Any document, any change: the result reads as the new value, and lines that have no part in it stay.

use proptest::prelude::*;

use super::super::{edit, keep_order};
use crate::value::{Map, Value, json};
use crate::yaml::{self, Style};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "[a-z]{1,6}",
        1 => "[ -~]{0,12}",
        1 => "([a-z #:]{0,8}\n){1,4}[a-z]{0,3}\n{0,2}",
        1 => prop::sample::select(vec!["", "yes", "y", "~", "012", "1e3", "- a", "a: b", "a #b", "#", "\n", " x\ny", "\tx\n", "{{.A}}", "*", "é\u{85}", "0x1F", "null", "a\r\nb"])
            .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!({})),
        1 => Just(json!([])),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text(), inner), 0..5).prop_map(|entries| Value::Object(Map::from_iter(entries))),
        ]
    })
}

fn document() -> impl Strategy<Value = Value> {
    prop_oneof![
        5 => prop::collection::vec((text(), value()), 1..6).prop_map(|entries| Value::Object(Map::from_iter(entries))),
        1 => prop::collection::vec(value(), 1..6).prop_map(Value::from),
    ]
}

/// One change somewhere below `root`; each number of `path` picks a child.
fn mutate(root: &mut Value, path: &[usize], action: u8, key: &str, with: Value) {
    let mut at = root;
    for pick in path {
        let len = at.as_array().map(Vec::len).or_else(|| at.as_object().map(Map::len)).unwrap_or(0);
        if len == 0 {
            break;
        }
        let next = pick % len;
        let is_last_collection = match &at {
            Value::Array(items) => !items[next].is_array() && !items[next].is_object(),
            Value::Object(entries) => entries.values().nth(next).is_some_and(|v| !v.is_array() && !v.is_object()),
            _ => true,
        };
        if is_last_collection {
            break;
        }
        at = match at {
            Value::Array(items) => &mut items[next],
            Value::Object(entries) => entries.values_mut().nth(next).expect("in range"),
            _ => return,
        };
    }
    let pick = path.first().copied().unwrap_or(0);
    match at {
        Value::Array(items) => match (action % 4, items.len()) {
            (0, len @ 1..) => drop(items.remove(pick % len)),
            (1, len @ 1..) => items[pick % len] = with,
            (2, _) => items.push(with),
            (_, len) => items.insert(pick % (len + 1), with),
        },
        Value::Object(entries) => match action % 3 {
            0 if !entries.is_empty() => {
                let place = pick % entries.len();
                let key = entries.keys().nth(place).expect("in range").clone();
                entries.shift_remove(&key);
                // As json-patch does: the last one takes its place.
                if place < entries.len() {
                    let last = entries.keys().next_back().expect("one is left").clone();
                    let value = entries.shift_remove(&last).expect("it is there");
                    entries.shift_insert(place, last, value);
                }
            }
            1 if !entries.is_empty() => {
                let at = pick % entries.len();
                *entries.values_mut().nth(at).expect("in range") = with;
            }
            _ => {
                entries.insert(key.to_owned(), with);
            }
        },
        other => *other = with,
    }
}

/// The text with a comment and a blank line above some lines where that is harmless: before a key or dash.
fn commented(text: &str, value: &Value, every: usize) -> String {
    let mut out = String::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let candidate = format!("{out}\n{:indent$}# note {number}\n{line}", "");
        out = if number % every == 1 { candidate } else { format!("{out}{line}") };
    }
    if yaml::parse(&out).as_ref() == Ok(value) { out } else { text.to_owned() }
}

/// Each entry of the root on a line, the rest in flow; as blocks when that cannot be.
fn in_flow(value: &Value) -> String {
    let lines = value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| [&yaml::quoted(key), ": ", &value.to_string(), " # note\n"].concat());
    let text: String = lines.collect();
    if yaml::parse(&text).as_ref() == Ok(value) { text } else { yaml::emit(value, Style::default()) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_result_reads_as_the_new_value(
        old in document(),
        compact_lists in any::<bool>(),
        every in 2_usize..9,
        changes in prop::collection::vec((prop::collection::vec(0_usize..8, 0..5), any::<u8>(), text(), value()), 1..4),
        flow in prop::bool::weighted(0.2),
        crlf in prop::bool::weighted(0.1),
        cut in prop::bool::weighted(0.1),
    ) {
        let mut source = commented(&yaml::emit(&old, Style { compact_lists }), &old, every);
        if flow {
            source = in_flow(&old);
        }
        if crlf {
            source = source.replace('\n', "\r\n");
        }
        if cut {
            source.truncate(source.trim_end().len());
        }
        let old = yaml::parse(&source).expect("the source is YAML");
        let mut new = old.clone();
        for (path, action, key, with) in changes {
            mutate(&mut new, &path, action, &key, with);
        }
        let edited = edit(&source, &old, &new);
        let read = yaml::parse(&edited.text);
        prop_assert_eq!(read.as_ref(), Ok(&new), "{}\n---\n{}", source, edited.text);
        if old == new {
            prop_assert_eq!(&edited.text, &source);
        }
        // A second edit finds nothing to do, and the way back is possible as well.
        prop_assert_eq!(&edit(&edited.text, &new, &new).text, &edited.text);
        let back = edit(&edited.text, &new, &old);
        prop_assert_eq!(yaml::parse(&back.text), Ok(old.clone()));
        prop_assert_eq!(keep_order(&old, new.clone()), new);
    }

    #[test]
    fn one_changed_scalar_changes_its_lines_only(old in document(), compact_lists in any::<bool>(), every in 2_usize..9, pick in any::<prop::sample::Index>(), with in "[a-z]{6,9}") {
        let source = commented(&yaml::emit(&old, Style { compact_lists }), &old, every);
        let mut pointers = Vec::new();
        leaves(&old, String::new(), &mut pointers);
        if pointers.is_empty() {
            return Ok(());
        }
        let pointer = &pointers[pick.index(pointers.len())];
        let mut new = old.clone();
        let leaf = new.pointer_mut(pointer).expect("there");
        let height = leaf.as_str().map_or(1, |text| text.split('\n').count());
        *leaf = with.into();
        let edited = edit(&source, &old, &new);
        prop_assert_eq!(yaml::parse(&edited.text), Ok(new));
        if edited.preserved {
            let changed = changed_lines(&source, &edited.text);
            prop_assert!(changed <= height + 2, "{} lines\n{}\n---\n{}", changed, source, edited.text);
        }
    }

    #[test]
    fn no_text_makes_it_panic(source in "([a-c:\\-#|>&*!?{}\\[\\]\"', \t\r\n0-9+]|<<|é){0,60}", with in value()) {
        let old = yaml::parse(&source).unwrap_or(Value::Null);
        let mut new = old.clone();
        mutate(&mut new, &[0, 0], 1, "k", with.clone());
        let first = edit(&source, &old, &new);
        if old != new {
            prop_assert_eq!(yaml::parse(&first.text), Ok(new), "{:?}", source);
        }
        // Values that have nothing to do with the text, as well.
        let second = edit(&source, &with, &old);
        prop_assert!(with == old || yaml::parse(&second.text) == Ok(old));
    }
}

fn leaves(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| leaves(item, format!("{at}/{i}"), out)),
        Value::Object(entries) => {
            for (key, value) in entries {
                leaves(value, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        _ => out.push(at),
    }
}

/// How many lines of the old text are gone, plus those of the new one that were not there.
pub(super) fn changed_lines(old: &str, new: &str) -> usize {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let steps = super::super::align::align(old.len(), new.len(), |i, j| old[i] == new[j]);
    let both = steps.iter().filter(|step| matches!(step, super::super::align::Step::Both(..))).count();
    (old.len() - both).max(new.len() - both)
}
