//! Texts on which readers of YAML differ, each with what kubectl reads: `tests/fixtures/yaml-traps.jsonl`, which `.ci/traps.py`
//! holds against readers that are not ours.

use crate::value::{Text, Value};

use super::super::{Style, emit, parse};

const TRAPS: &str = include_str!("../../../../tests/fixtures/yaml-traps.jsonl");

/// Whether two values are one to the API server, for which 1.0 is 1.
fn is_same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| is_same(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            let same = |(key, value): (&Text, &Value)| theirs.get(key).is_some_and(|their| is_same(value, their));
            ours.len() == theirs.len() && ours.iter().all(same)
        }
        // Within what serde_json's own reading of the expected number may be off.
        (Value::Number(ours), Value::Number(theirs)) => match (ours.as_f64(), theirs.as_f64()) {
            (Some(ours), Some(theirs)) => (ours - theirs).abs() <= theirs.abs() * 2.0 * f64::EPSILON,
            _ => false,
        },
        _ => ours == theirs,
    }
}

/// A text is read as kubectl reads it or not at all, and not at all where kubectl does not read it. A row says `stricter` where we
/// refuse what kubectl reads, and `looser` for the other way round.
#[test]
fn what_kubectl_reads_is_read_the_same() {
    for row in TRAPS.lines() {
        let row: Value = serde_json::from_str(row).expect("a row");
        let text = row["text"].as_str().expect("a text");
        let (stricter, looser) = (row["stricter"] == true, row["looser"] == true);
        match (parse(text), row.get("reads")) {
            (Ok(value), Some(expected)) => assert!(!stricter && is_same(&value, expected), "{text:?}: {value}"),
            (Ok(value), None) => assert!(looser, "{text:?}: {value}"),
            (Err(error), Some(_)) => assert!(stricter, "{text:?}: {error}"),
            (Err(_), None) => assert!(!looser, "{text:?}"),
        }
    }
}

#[test]
fn what_was_read_is_written_and_read_back() {
    for row in TRAPS.lines() {
        let row: Value = serde_json::from_str(row).expect("a row");
        if let Ok(value) = parse(row["text"].as_str().expect("a text")) {
            let written = emit(&value, Style::default());
            assert_eq!(parse(&written), Ok(value), "{written}");
        }
    }
}

#[test]
fn what_kubectl_refuses_is_told_in_words() {
    for (text, why) in [
        ("a: \"\\/\"", "line 1, column 5: kubectl does not know the escape `\\/`; write a slash"),
        (
            "a: [b?c]",
            "line 1, column 5: kubectl ends a word at a question mark in braces or brackets; put it in quotes",
        ),
        (
            "%YAML 1.1\n---\na: 1",
            "line 1, column 1: YAML directives (a line that starts with %) are not read by kubectl",
        ),
        ("a: b\n\t# c\n", "line 2, column 1: a tab where only spaces may stand: YAML is indented with spaces"),
        ("- a\n-\tb\n", "line 2, column 2: a tab where only spaces may stand: YAML is indented with spaces"),
        ("a: !!int x", "line 1, column 10: cannot read !!str `x` as !!int"),
    ] {
        assert_eq!(parse(text).expect_err("not for kubectl").to_string(), why, "{text:?}");
    }
}
