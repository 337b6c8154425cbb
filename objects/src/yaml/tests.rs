//! What is written is read back, here and by the readers that others use; what is read is what Kubernetes reads.

use std::fmt::Write as _;

use serde::Deserialize;

use super::{Style, YamlError, detect_style, emit, parse, parse_as, quoted};
use crate::value::{Value, json};

mod oracle;
mod traps;

#[track_caller]
fn reads(text: &str, expected: Value) {
    assert_eq!(parse(text), Ok(expected), "{text:?}");
}

#[track_caller]
fn fails(text: &str, expected: &str) {
    match parse(text) {
        Ok(value) => panic!("{text:?} was read as {value}"),
        Err(error) => assert_eq!(error.to_string(), expected, "{text:?}"),
    }
}

#[test]
fn scalars_are_read_as_in_yaml_1_1() {
    reads("[yes, No, on, OFF, y, n, true, False]", json!([true, false, true, false, true, false, true, false]));
    reads(
        "[0420, 0o17, 0x1F, 0b11, 1_000, +1, -1, 18446744073709551615]",
        json!([272, 15, 31, 3, 1000, 1, -1, u64::MAX]),
    );
    reads("[1.5, .5, 1e3, -1.25e-3]", json!([1.5, 0.5, 1000.0, -0.00125]));
    reads("[null, ~, Null, '', \"\"]", json!([null, null, null, "", ""]));
    reads(
        "[12:30:45, 2001-01-01, '1', \"yes\", =, 10m, 1.2.3]",
        json!(["12:30:45", "2001-01-01", "1", "yes", "=", "10m", "1.2.3"]),
    );
    reads("a: !!str 1\nb: !!binary aGk=\nc: !own x\n", json!({"a": "1", "b": "hi", "c": "x"}));
    fails("a: .nan", "line 1, column 4: `.nan` is a number that JSON, and so Kubernetes, cannot hold");
    reads("[1e400, 0_8, 1_]", json!(["1e400", 8.0, 1]));
    reads("[yEs, nO, oN, tRUE, nULL]", json!(["yEs", "nO", "oN", "tRUE", "nULL"]));
}

#[test]
fn keys_become_strings() {
    reads("{true: 1, on : 2}".replace(", on : 2", "").as_str(), json!({"true": 1}));
    reads(
        "1: a\n0x10: b\n1.5: c\nno: d\n\"yes\": e\n2001-01-01: f\n",
        json!({"1": "a", "16": "b", "1.5": "c", "false": "d", "yes": "e", "2001-01-01": "f"}),
    );
    fails("1: a\n\"1\": b", "line 2, column 1: the key `1` is given twice in the same mapping");
    fails(
        "~: 1",
        "line 1, column 1: expected a mapping key that is a string, a number or a boolean, found nothing (null)",
    );
    fails(
        "? [a]\n: b",
        "line 1, column 3: expected a mapping key that is a string, a number or a boolean, found a list",
    );
}

#[test]
fn a_text_is_one_document() {
    for empty in ["", "\n\n", "# only\n# comments", "---\n", "--- # c\n", "null\n", "\u{feff}"] {
        reads(empty, Value::Null);
    }
    reads("---\na: 1\n...\n", json!({"a": 1}));
    reads("\u{feff}a: 1\r\nb: 2\r\n", json!({"a": 1, "b": 2}));
    fails("a: 1\n---\nb: 2\n", "line 3, column 1: a second document starts here; one is expected");
    fails("a: 1\n...\nb: 2", "line 3, column 1: a second document starts here; one is expected");
}

#[test]
fn the_last_line_ends_as_for_kubectl() {
    reads("a: |\n  x", json!({"a": "x\n"}));
    reads("a: |\n  x\n", json!({"a": "x\n"}));
    reads("a: |\n  x\n  ", json!({"a": "x\n"}));
    reads("a: |+ # c\n\n  x", json!({"a": "\nx\n"}));
    reads("a: |+\n  x\n  ", json!({"a": "x\n\n"}));
    reads("a: |-\n  x", json!({"a": "x"}));
    reads("a: >2\n   x\n   y", json!({"a": " x\n y\n"}));
}

#[test]
fn merges_and_aliases_expand() {
    reads("x: &x {a: 1, b: 2}\nz: {<<: *x, b: 3}", json!({"x": {"a": 1, "b": 2}, "z": {"b": 3, "a": 1}}));
    reads("z: {<<: [{a: 1}, {a: 2, b: 2}]}", json!({"z": {"a": 1, "b": 2}}));
    reads("x: &x {a: 1, b: 2}\nz: {b: 3, <<: *x}", json!({"x": {"a": 1, "b": 2}, "z": {"b": 2, "a": 1}}));
    fails("<<: 1", "line 1, column 5: a merge (`<<`) takes a mapping or a list of mappings");
    fails("<<:", "line 1, column 3: a merge (`<<`) takes a mapping or a list of mappings");
    fails("a: *x", "line 1, column 4: an alias refers to an anchor that is not defined before it");
    fails("a: &a [1, *a]", "line 1, column 11: an alias refers to the collection it is in");
}

#[test]
fn mistakes_have_a_place_and_words() {
    fails("a: 1\nb:\n  c: 1\n  c: 2\n", "line 4, column 3: the key `c` is given twice in the same mapping");
    for tab in ["a:\n\tb: 1", "a: 1\n\tb: 2", "a:\n  b: 1\n \tc: 1"] {
        let error = parse(tab).expect_err("tabs do not indent");
        assert_eq!(error.message, "a tab where only spaces may stand: YAML is indented with spaces", "{tab:?}");
        assert!(
            tab.lines().nth(error.line - 1).is_some_and(|line| line[error.column - 1..].starts_with('\t')),
            "{tab:?}: {error}"
        );
    }
    reads("a: 1\t# c\nb: \"x\ty\"\n", json!({"a": 1, "b": "x\ty"}));
    fails("a: b: c", "line 1, column 5: mapping values are not allowed in this context");
    fails("a: [1, 2", "line 1, column 4: unclosed bracket '['");
    fails("a: \"x", "line 1, column 4: unclosed quote");
    for bad in ["a: 1\0", "a: @x", "- a\nb: c", "%YAML 3\n---\n", "a: 'x\n", "\u{1}", "}", "a: \"\\q\""] {
        let message = parse(bad).expect_err("not YAML").to_string();
        assert!(!message.contains(['\n', '\0']), "{message}");
    }
}

#[test]
fn bombs_and_bottomless_texts_are_errors() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut deep = format!("a0: &a0 {}x{}\n", "[".repeat(100), "]".repeat(100));
    for i in 1..12 {
        writeln!(bomb, "a{i}: &a{i} [{}]", vec![format!("*a{}", i - 1); 10].join(", ")).expect("a string takes it");
        writeln!(deep, "a{i}: &a{i} {}*a{}{}", "[".repeat(100), i - 1, "]".repeat(100)).expect("a string takes it");
    }
    fails(&bomb, "line 5, column 45: aliases expand to more than 100000 nodes");
    assert_eq!(parse(&deep).expect_err("too deep").message, "nested more than 256 levels deep");
    for depth in [257, 5_000, 100_000] {
        let block: String = (0..depth.min(5_000)).map(|i| " ".repeat(i) + "a:\n").collect();
        for text in [
            "[".repeat(depth),
            format!("{}{}", "{a: ".repeat(depth), "}".repeat(depth)),
            "- ".repeat(depth) + "x",
            block,
        ] {
            assert_eq!(parse(&text).expect_err("too deep").message, "nested more than 256 levels deep");
        }
    }
    for depth in [40, 41, 256] {
        assert!(parse(&format!("{}{}", "[".repeat(depth), "]".repeat(depth))).is_ok());
        assert!(parse(&(0..depth).map(|i| " ".repeat(i) + "a:\n").collect::<String>()).is_ok());
    }
}

#[test]
fn what_is_large_is_read_in_time_and_what_grows_is_refused() {
    let long = "x".repeat(1_000_000);
    for (first, again) in [(format!("&a {long}"), "*a"), (format!("&a {{{}: 1}}", &long[..1000]), "*a")] {
        let text = format!("a: {first}\nb: [{}]\n", vec![again; 20_000].join(", "));
        assert!(parse(&text).expect_err("a bomb").message.starts_with("aliases expand to more than"));
    }
    let mut nested = long.clone();
    for i in 0..200 {
        nested = format!("&n{i} [{nested}]");
    }
    assert_eq!(parse(&format!("a: {nested}\nb: *n0\n")).expect_err("a bomb").message, "too many anchors and aliases");
    let started = std::time::Instant::now();
    let maps: String = (0..20_000).fold(String::new(), |text, i| text + &format!("k{i}: {{a: 1}}\n"));
    let (_, twice) = super::parse_last(&format!("{maps}k0: 1\n")).expect("keys may be there twice");
    assert_eq!(twice, [super::Twice { key: "k0".to_owned(), first: 1, again: 20_001 }]);
    assert!(started.elapsed().as_secs() < 30, "in time that grows with the text, even on a busy machine");
}

#[test]
fn large_documents_are_read() {
    let mut text = String::new();
    for i in 0..60_000 {
        writeln!(text, "key{i}: {{description: some text that fills the line, number: {i}}} # and a comment to skip")
            .expect("a string takes it");
    }
    assert!(text.len() > 5_000_000);
    assert_eq!(parse(&text).map(|value| value.as_object().map(crate::value::Map::len)), Ok(Some(60_000)));
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
struct Config {
    name: String,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
struct Rule {
    size: u8,
    #[serde(default)]
    patch: Value,
}

#[test]
fn configuration_is_typed() {
    let rule = Rule { size: 1, patch: json!({"on": [true, "y"]}) };
    let text = "name: yes\nrules:\n  - size: 1\n    patch: {\"on\": [yes, 'y']}\n";
    assert_eq!(parse_as(text), Ok(Config { name: "yes".to_owned(), rules: vec![rule] }));
    let error = |text: &str| parse_as::<Config>(text).expect_err("not a configuration").to_string();
    assert_eq!(
        error("name: a\nrules:\n  - size: 1\n    patches: 2\n"),
        "line 4, column 5: unknown key `patches`; did you mean `patch`? Known are size, patch"
    );
    assert_eq!(error("nam: a\n"), "line 1, column 1: unknown key `nam`; did you mean `name`? Known are name, rules");
    assert_eq!(error("rules: []\n"), "line 1, column 1: the key `name` is missing");
    assert_eq!(error("name: [1]\n"), "line 1, column 7: expected a string");
    assert_eq!(error("name: a\nrules: {}\n"), "line 2, column 8: expected a list");
    assert_eq!(error("name: a\nname: b\n"), "line 2, column 1: the key `name` is given twice in the same mapping");
    assert_eq!(error("- a\n"), "line 1, column 1: expected a mapping");
    assert_eq!(
        error(&format!("name: a\nrules: {}", "[".repeat(5000))),
        "line 2, column 48: nested more than 40 levels deep"
    );
    assert!(error("").contains("ends too early"));
    assert!(error("name: a\nrules: [{size: 300}]").starts_with("line 2, column 16: "));
}

#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Shape {
    Flat,
    Of(String),
}

#[derive(Deserialize, Debug, PartialEq)]
struct Typed {
    version: super::Placed<String>,
    #[serde(default)]
    shape: Option<Shape>,
    #[serde(default)]
    share: f64,
    #[serde(default)]
    days: Option<u32>,
    #[serde(default)]
    ha: bool,
}

#[test]
fn a_type_reads_what_it_asks_for() {
    let read =
        parse_as::<Typed>("x: &x {ha: yes, share: 1}\n\nversion: 1.10\nshape: {of: 2}\ndays: ~\n<<: *x\n").unwrap();
    assert_eq!(
        (read.version.value.as_str(), read.version.line, read.version.column),
        ("1.10", 3, 10),
        "its zero is kept"
    );
    assert_eq!((read.shape, read.days, read.ha), (Some(Shape::Of("2".to_owned())), None, true));
    assert!((read.share - 1.0).abs() < f64::EPSILON);
    assert_eq!(parse_as::<Typed>("version: a\nshape: flat\n").unwrap().shape, Some(Shape::Flat));
    assert_eq!(parse_as::<Option<Typed>>("# nothing\n"), Ok(None));
    assert_eq!(parse_as::<Vec<Typed>>("# nothing\n"), Ok(Vec::new()));
    for (text, error) in [
        ("version:\n", "line 1, column 8: expected a string, found nothing (null)"),
        ("version: a\nha: maybe\n", "line 2, column 5: expected true or false, found `maybe`"),
        (
            "version: a\ndays: 1.5\n",
            "line 2, column 7: expected a whole number that is not negative, and not too large, found `1.5`",
        ),
        (
            "version: a\ndays: -1\n",
            "line 2, column 7: expected a whole number that is not negative, and not too large, found `-1`",
        ),
        ("version: a\nshape: round\n", "line 2, column 8: `round` is none of flat, of"),
        ("version: a\nshape: []\n", "line 2, column 8: expected a word"),
    ] {
        assert_eq!(parse_as::<Typed>(text).unwrap_err().to_string(), error);
    }
}

#[test]
fn list_style_is_found() {
    for (text, compact_lists) in [
        ("", false),
        ("a: 1\n", false),
        ("a:\n- b\n", true),
        ("a:\n  - b\n", false),
        ("a:\n- b\nc:\n  - d\n  - e:\n    - f\n", true),
        ("- a\n- b:\n    - c\n", false),
        ("a: [b]\nc: |\n  x:\n  - y\n", false),
        ("a: # c\n\n# d\n- # e\n  b: 1\nc:\n-\n", true),
        ("a:\n- b\nc: [", true),
    ] {
        assert_eq!(detect_style(text), Style { compact_lists }, "{text:?}");
    }
}

#[test]
fn values_are_written_as_blocks() {
    let value = json!({
        "text": "plain", "words": ["yes", "on", 1, 1.5, null, true, "1"], "block": "a: 1\n\n  b: 2\n",
        "nested": {"list": [[1, [2]], {"k": "v", "l": ["x"]}, [], {}]}, "empty": {}, "strip": "a\nb", "keep": "a\n\n", "null": null
    });
    let wide = "\
text: plain
words:
  - \"yes\"
  - \"on\"
  - 1
  - 1.5
  - null
  - true
  - \"1\"
block: |
  a: 1

    b: 2
nested:
  list:
    - - 1
      - - 2
    - k: v
      l:
        - x
    - []
    - {}
empty: {}
strip: |-
  a
  b
keep: |+
  a

\"null\": null
";
    assert_eq!(emit(&value, Style::default()), wide);
    let compact = emit(&value, Style { compact_lists: true });
    assert!(compact.contains("\nwords:\n- \"yes\"\n"), "{compact}");
    assert!(compact.contains("  list:\n  - - 1\n    - - 2\n  - k: v\n    l:\n    - x\n"), "{compact}");
    assert_eq!(parse(&compact), Ok(value));
    assert_eq!(emit(&json!({}), Style::default()), "{}\n");
    assert_eq!(emit(&json!("x"), Style::default()), "x\n");
}

#[test]
fn double_quotes_hold_anything() {
    let text: String = (0..0x3000_u32)
        .chain([0xd7ff, 0xe000, 0xfeff, 0xfffe, 0x1_f600, 0x10_ffff])
        .filter_map(char::from_u32)
        .collect();
    assert_eq!(parse(&quoted(&text)), Ok(Value::from(text)));
}

#[test]
fn errors_display_in_one_line() {
    let error = YamlError { line: 3, column: 7, message: "words".to_owned() };
    assert_eq!(error.to_string(), "line 3, column 7: words");
}
