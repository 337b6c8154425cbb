//! Nasty values, written and read back: by [`parse`], and by both of `PyYAML`'s readers.

#![allow(clippy::print_stdout, reason = "a test that cannot run says so")]

use std::fmt::Write as _;
use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::super::{Style, emit, parse};
use crate::value::{Map, Value, json};

/// Strings that some reader takes for something else, or that are hard to write.
#[allow(clippy::too_many_lines, reason = "a table")]
fn nasty() -> Vec<String> {
    let mut texts: Vec<String> = [
        "yes no on off y n Yes NO On oFF Y N true True TRUE false null Null NULL ~ nil none = << .inf -.inf +.inf .Inf .nan .NaN",
        "1 -1 +1 0 00 012 0o7 0O7 0x1F 0X1f -0x1F 0b101 1e3 1E+3 1e-3 1_000 _1 1_ 0_8 08 1.5 .5 5. +.5 -.5 1.0e3 1__0 0x_1 ._1",
        "12:30:45 1:2 -1:30 190:20:30.15 2001-01-01 2001-01-01T00:00:00Z 1.2.3 1,000 12e03 0b2 0o8 0xG 1e400 18446744073709551616",
        "- -- --- -a -- ... .. . ? ?a : :a a: a:b ::: , [ ] { } [] {} # #a a#b & &a * *a ! !!str !a | |- > >- ' '' \" \"\" % %YAML @ @a ` `a",
        "{{.PodName}}.{{.PodNamespace}} ${A} http://a:80/b#c a@b:c /a/b?c=d&e=f --a=b * 50% 10m 1Gi é 日本 😀 \\ \\n a\\b a'b a\"b <a> a|b",
    ]
    .iter()
    .flat_map(|line| line.split(' '))
    .map(str::to_owned)
    .collect();
    texts.extend(
        [
            "",
            " ",
            "  ",
            " a",
            "a ",
            "a: b",
            "a :b",
            "a #b",
            "a # b",
            "- a",
            "? a",
            ": a",
            "[a",
            "a]",
            "{a: b}",
            "a, b",
            "'a' b",
            "\"a\" b",
            "%a b",
            "!!int 1",
            "\t",
            "\ta",
            "a\t",
            "a\tb",
            "\0",
            "a\0b",
            "\u{1}",
            "\u{7f}",
            "\u{85}",
            "a\u{85}b",
            "\u{a0}",
            "\u{ad}",
            "\u{2028}",
            "a\u{2028}b",
            "\u{2029}",
            "\u{feff}",
            "\u{feff}a",
            "a\u{feff}",
            "\u{fffe}",
            "\u{ffff}",
            "\u{e000}",
            "\u{9f}",
            "\r",
            "a\r",
            "\ra",
            "a\rb",
            "a\r\nb",
            "\r\n",
            "\n",
            "\n\n",
            "\n\n\n",
            "\na",
            "\n\na\n",
            "a\n",
            "a\n\n",
            "a\n\n\n",
            "a\nb",
            "a\nb\n",
            "a\n\nb\n\n",
            " a\nb",
            "  a\n b\n",
            "\ta\nb",
            "a\n\tb\n",
            "a\n b\n",
            "a\n  \nb\n",
            "a\n  ",
            "a\n \n",
            "a\n\t",
            "a\n\t\n",
            "\n a\n",
            "\n\ta\n",
            " \n",
            " \na\n",
            "\t\na\n",
            "a \nb \n",
            "# a\nb\n",
            "a\n# b\n",
            "- a\n- b\n",
            "a: 1\nb: 2\n",
            "---\na\n",
            "a\n---\nb\n",
            "...\na\n",
            "a\n...\n",
            "%YAML 1.1\n---\n",
            "a\u{85}\nb",
            "a\nb\u{2028}",
            "a\n\u{feff}b",
            "a\n\0b",
            "a\rb\nc",
            "a: |\n  b\n",
            "{{ a }}\n{{ b }}\n",
            "'\n'",
            "\"\n",
            "\\\n\\n",
            "é\nü\n",
            "😀\n",
            "no\n",
            "1\n",
            "a\n\u{a0}\nb",
        ]
        .map(str::to_owned),
    );
    texts.push("word ".repeat(300));
    texts.push("x".repeat(1025));
    texts.push("x: ".repeat(500));
    texts.push(format!("{}\nb\n", "long ".repeat(100)));
    texts
}

fn positions(text: &str) -> Vec<Value> {
    let entry = |key: &str, value: Value| Value::Object(Map::from_iter([(key.to_owned(), value)]));
    vec![
        json!({"k": text, "l": 1}),
        json!([text, "end"]),
        entry(text, json!("value")),
        entry(text, json!({"a": [text]})),
        json!({"a": {"b": {"c": text}, "d": text}, "e": [{"f": text, "g": [text, {"h": text}]}]}),
        json!([[text, [text]], [[[text]]], text]),
        json!([entry(text, json!(text)), {"a": entry(text, json!([]))}]),
        json!(text),
    ]
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(nasty()),
        2 => "[a-z]{1,8}",
        2 => "[ -~]{0,16}",
        2 => "[-0-9_.:xobeE+~ynYN]{1,6}",
        2 => "([ \t]{0,3}[a#:'\"-]{0,4} {0,1}\n){0,4}[ \ta]{0,3}",
        1 => any::<String>(),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        6 => any_text().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_filter_map("finite", |f| crate::value::Number::from_f64(f).map(Value::Number)),
        1 => prop_oneof![Just(json!(null)), Just(json!(true)), Just(json!(false)), Just(json!([])), Just(json!({}))],
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any_text(), inner), 0..6).prop_map(|entries| Value::Object(Map::from_iter(entries))),
        ]
    })
}

#[test]
fn nasty_strings_are_read_back() {
    for text in nasty() {
        for value in positions(&text) {
            for compact_lists in [true, false] {
                let written = emit(&value, Style { compact_lists });
                assert_eq!(parse(&written).as_ref(), Ok(&value), "{text:?}:\n{written}");
                assert!(written.ends_with('\n'));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_are_read_back(value in any_value(), compact_lists in any::<bool>()) {
        let written = emit(&value, Style { compact_lists });
        prop_assert_eq!(parse(&written), Ok(value), "{}", written);
    }

    #[test]
    fn reading_does_not_panic(text in prop_oneof![any::<String>(), "([a-c:\\-#|>&*!?{}\\[\\]\"', \t\r\n0-9+]|<<|é){0,80}"]) {
        let _ = parse(&text);
        let _ = super::super::detect_style(&text);
    }
}

const READER: &str = r#"
import json, sys, yaml

def same(a, b):
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return a == b
    if type(a) is not type(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a == b

wrong = 0
for line in open(sys.argv[1], encoding="utf-8"):
    value, text = json.loads(line)
    for name in ["SafeLoader"] + (["CSafeLoader"] if hasattr(yaml, "CSafeLoader") else []):
        try:
            read = yaml.load(text, Loader=getattr(yaml, name))
        except Exception as error:
            read = error
        if not same(read, value):
            wrong += 1
            if wrong < 20:
                print(name, repr(value), "read as", repr(read), "from", repr(text))
sys.exit(1 if wrong else 0)
"#;

/// Python with `PyYAML`, unless it is not there; a build that is meant to check everything has it.
fn has_reader() -> bool {
    let found = Command::new("python3").args(["-c", "import yaml"]).output().is_ok_and(|run| run.status.success());
    assert!(found || std::env::var("CI").as_deref() != Ok("true"), "python3 with PyYAML is needed");
    found
}

#[test]
fn other_readers_read_the_same() {
    if !has_reader() {
        println!("skipped: python3 with PyYAML is not here");
        return;
    }
    let mut values: Vec<Value> = nasty().iter().flat_map(|text| positions(text)).collect();
    let mut runner = TestRunner::deterministic();
    let strategy = any_value();
    values.extend((0..1500).filter_map(|_| strategy.new_tree(&mut runner).ok()).map(|tree| tree.current()));
    let mut lines = String::new();
    for value in &values {
        for compact_lists in [true, false] {
            writeln!(lines, "{}", json!([value, emit(value, Style { compact_lists })])).expect("a string takes it");
        }
    }
    let (same, said) = readers_agree(&lines);
    assert!(same, "{said}");
    let (same, _) = readers_agree(&format!("{}\n", json!([{"a": "yes"}, "a: yes\n"])));
    assert!(!same, "the readers have to notice a string that is read as a boolean");
}

/// Whether `PyYAML` reads each line's text as the line's value, and what it says if not.
fn readers_agree(lines: &str) -> (bool, String) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("values.jsonl");
    std::fs::write(&file, lines).expect("room for a file");
    let run = Command::new("python3").args(["-c", READER]).arg(&file).output().expect("python3 was there");
    let said = [run.stdout, run.stderr].concat();
    (run.status.success(), String::from_utf8_lossy(&said).into_owned())
}
