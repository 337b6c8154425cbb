//! Small documents, exact results.

use crate::value::{Value, json};

use super::{edit, keep_order};
use crate::yaml;

mod blocks;
mod random;
mod upstream;

/// The text after `change`, which has to be possible in place.
#[track_caller]
fn edited(source: &str, change: impl FnOnce(&mut Value)) -> String {
    let old = yaml::parse(source).expect("the source is YAML");
    let mut new = old.clone();
    change(&mut new);
    let edited = edit(source, &old, &new);
    assert_eq!(yaml::parse(&edited.text).expect("the result is YAML"), new, "{}", edited.text);
    assert!(edited.preserved, "not done in place:\n{}", edited.text);
    edited.text
}

#[track_caller]
fn check(source: &str, change: impl FnOnce(&mut Value), expected: &str) {
    pretty(&edited(source, change), expected);
}

#[track_caller]
fn pretty(found: &str, expected: &str) {
    assert!(found == expected, "expected:\n{expected}\nfound:\n{found}\n{found:?}");
}

fn set(pointer: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |root| {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        match root.pointer_mut(parent).expect("the parent is there") {
            Value::Object(entries) => {
                entries.insert(key.replace("~1", "/"), value);
            }
            Value::Array(items) => items[key.parse::<usize>().expect("an index")] = value,
            _ => panic!("{pointer} has no parent that can hold it"),
        }
    }
}

fn remove(pointer: &'static str) -> impl FnOnce(&mut Value) {
    move |root| {
        let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
        match root.pointer_mut(parent).expect("the parent is there") {
            Value::Object(entries) => {
                entries.shift_remove(&key.replace("~1", "/")).expect("the key is there");
            }
            Value::Array(items) => {
                items.remove(key.parse().expect("an index"));
            }
            _ => panic!("{pointer} has no parent that can hold it"),
        }
    }
}

fn insert(pointer: &'static str, at: usize, value: Value) -> impl FnOnce(&mut Value) {
    move |root| root.pointer_mut(pointer).and_then(Value::as_array_mut).expect("a list").insert(at, value)
}

const SERVICE: &str = "\
# Copyright
#
# License

apiVersion: v1
kind: Service # a comment
metadata:
  name: web
  # the labels
  labels:
    app: web
    # the version
    version: \"1.0\" # quoted

  annotations: {}
spec:
  # how it is reached
  type: LoadBalancer

  ports:
    # plain
    - name: http
      port: 80
    # with TLS
    - name: https
      # the port
      port: 443
      targetPort: 8443
  selector:
    app: 'web' # single
# the end
";

#[test]
fn nothing_changes_without_a_difference() {
    check(SERVICE, |_| {}, SERVICE);
    let broken = "a: [1";
    assert_eq!(edit(broken, &json!(1), &json!(1)).text, broken);
}

#[test]
fn scalars_change_in_place() {
    let replaced = |from: &str, to: &str| SERVICE.replacen(from, to, 1);
    check(SERVICE, set("/spec/type", json!("ClusterIP")), &replaced("LoadBalancer", "ClusterIP"));
    check(SERVICE, set("/kind", json!("yes")), &replaced("Service # a", "\"yes\" # a"));
    check(SERVICE, set("/metadata/labels/version", json!("2.0")), &replaced("\"1.0\" #", "\"2.0\" #"));
    check(SERVICE, set("/spec/selector/app", json!("it's")), &replaced("'web' #", "'it''s' #"));
    check(SERVICE, set("/spec/ports/1/port", json!(8443)), &replaced("port: 443", "port: 8443"));
    check(SERVICE, set("/spec/ports/0/port", json!(null)), &replaced("port: 80", "port: null"));
    check("a: # c\nb: 1\n", set("/a", json!("x")), "a: x # c\nb: 1\n");
    check("- a\n- b # c\n", set("/1", json!(true)), "- a\n- true # c\n");
    check("-\n- b\n", set("/0", json!(1)), "- 1\n- b\n");
    check("a: one\n  two\n  three # c\nb: 1\n", set("/a", json!("four")), "a: four # c\nb: 1\n");
    check("a: x # c\nb: 1\n", set("/a", json!("p\nq")), "a: |- # c\n  p\n  q\nb: 1\n");
    check("a: {{p}}\n".replace("{{p}}", "\"{{p}}\"").as_str(), set("/a", json!("{{q}}")), "a: \"{{q}}\"\n");
}

#[test]
fn an_item_is_renamed_in_place() {
    let replaced = |from: &str, to: &str| SERVICE.replacen(from, to, 1);
    check(SERVICE, set("/spec/ports/1/name", json!("tls")), &replaced("name: https", "name: tls"));
    let env = "env:\n  # why\n  - name: 'A' # a\n    value: 'x'\n  - name: B\n    value: \"1\"\n";
    check(env, set("/env/0/name", json!("C")), &env.replace("'A'", "'C'"));
    check("- name: a # c\n", set("/0/name", json!("b")), "- name: b # c\n");
    // Nothing but the place is the same.
    let other = json!({"name": "C", "value": "2"});
    check(
        env,
        set("/env/1", other),
        "env:\n  # why\n  - name: 'A' # a\n    value: 'x'\n  - name: C\n    value: \"2\"\n",
    );
}

#[test]
fn what_is_written_anew_with_what_changes_is_said() {
    let is_preserved = |source: &str, change: fn(&mut Value)| {
        let old = crate::yaml::parse(source).expect("YAML");
        let mut new = old.clone();
        change(&mut new);
        edit(source, &old, &new).preserved
    };
    assert!(is_preserved("a: {b: 1, c: 2}\nd: 1\n", |v| v["a"]["e"] = json!(1)));
    assert!(!is_preserved("a: {b: 1, # why\n  c: 2}\nd: 1\n", |v| v["a"]["e"] = json!(1)));
    let first_of_inner = |v: &mut Value| v[0].as_array_mut().expect("a list").insert(0, json!(0));
    assert!(!is_preserved("- - 1 # one\n  - 2\n", first_of_inner));
}

#[test]
fn entries_go_with_their_comments() {
    check(
        SERVICE,
        remove("/metadata/labels/version"),
        &SERVICE.replacen("    # the version\n    version: \"1.0\" # quoted\n", "", 1),
    );
    check(
        SERVICE,
        remove("/metadata/labels"),
        &SERVICE.replacen(
            "  # the labels\n  labels:\n    app: web\n    # the version\n    version: \"1.0\" # quoted\n",
            "",
            1,
        ),
    );
    check(SERVICE, remove("/metadata/annotations"), &SERVICE.replacen("  annotations: {}\n", "", 1));
    check(SERVICE, remove("/spec/selector"), &SERVICE.replacen("  selector:\n    app: 'web' # single\n", "", 1));
    check(SERVICE, remove("/apiVersion"), &SERVICE.replacen("apiVersion: v1\n", "", 1));
    check(SERVICE, remove("/spec/ports/1/targetPort"), &SERVICE.replacen("      targetPort: 8443\n", "", 1));
    // The first entry of an item stands behind the dash.
    check(SERVICE, remove("/spec/ports/0/name"), &SERVICE.replacen("- name: http\n      port", "- port", 1));
    check(
        SERVICE,
        remove("/spec/ports/1/name"),
        &SERVICE.replacen("- name: https\n      # the port\n", "- # the port\n", 1),
    );
    // A comment below that is deeper belongs to what is above it.
    check("a:\n  x: 1\n  # y: 2\nb: 1\n", remove("/a"), "b: 1\n");
    check("a:\n  x: 1\n  # y: 2\nb: 1\n", remove("/b"), "a:\n  x: 1\n  # y: 2\n");
    // One of two blank lines goes.
    check("a: 1\n\n# of b\nb: 2\n\nc: 3\n", remove("/b"), "a: 1\n\nc: 3\n");
    check("a: 1\n\nb: 2\n", remove("/b"), "a: 1\n");
    check("- a: 1\n  b: 2\n  c: 3\n- d: 4\n", |v| v[0] = json!({"c": 3}), "- c: 3\n- d: 4\n");
}

#[test]
fn what_becomes_empty_is_written_so() {
    check("a:\n  # of b\n  b: 1\nc: 2\n", remove("/a/b"), "a: {}\nc: 2\n");
    check("a: # c\n- b\nc: 2\n", remove("/a/0"), "a: [] # c\nc: 2\n");
    check("a:\n  - b: 1\n    c: 2\n", |v| v["a"][0] = json!({}), "a:\n  - {}\n");
    check("a:\n  - b: 1\n", set("/a", json!(null)), "a: null\n");
}

#[test]
fn entries_come_after_their_siblings() {
    check(
        SERVICE,
        set("/metadata/labels/new", json!("on")),
        &SERVICE.replacen("# quoted\n", "# quoted\n    new: \"on\"\n", 1),
    );
    check(
        SERVICE,
        set("/metadata/annotations/a~1b", json!("c")),
        &SERVICE.replacen("annotations: {}\n", "annotations:\n    a/b: c\n", 1),
    );
    check(
        SERVICE,
        set("/spec/ports/0/protocol", json!("TCP")),
        &SERVICE.replacen("port: 80\n", "port: 80\n      protocol: TCP\n", 1),
    );
    check(
        SERVICE,
        set("/extra", json!({"l": [1, {"a": "x\ny\n"}]})),
        &SERVICE.replacen("# the end", "extra:\n  l:\n    - 1\n    - a: |\n        x\n        y\n# the end", 1),
    );
    check("a:\n- b\n", set("/c", json!([1])), "a:\n- b\nc:\n- 1\n");
    check("a:\n    b: 1\n", set("/a/c", json!({"d": 1})), "a:\n    b: 1\n    c:\n      d: 1\n");
    check("a:\n  b: |\n    text\n\n\nc: 1\n", set("/a/d", json!(1)), "a:\n  b: |\n    text\n  d: 1\n\n\nc: 1\n");
    check("a:\n  b: |+\n    text\n\n\nc: 1\n", set("/a/d", json!(1)), "a:\n  b: |+\n    text\n\n\n  d: 1\nc: 1\n");
    // One goes, one comes.
    check("a:\n  b: 1\n  c: 2 # d\nd: 1\n", |v| v["a"] = json!({"b": 1, "e": 3}), "a:\n  b: 1\n  e: 3\nd: 1\n");
    check("a:\n  b: 1\nd: 1\n", |v| v["a"] = json!({"e": 3}), "a:\n  e: 3\nd: 1\n");
}

const LISTS: &str = "\
wide:
  # of a
  - a # the a
  # of b
  - b

  - c
compact:
- name: x
  value: 1 # one
# of y
- name: y
  value: 2
flow: [\"a\", \"b\"]
";

#[test]
fn list_items_come_and_go() {
    check(LISTS, insert("/wide", 0, json!("no")), &LISTS.replacen("  # of a\n", "  - \"no\"\n  # of a\n", 1));
    check(LISTS, insert("/wide", 1, json!("n")), &LISTS.replacen("the a\n", "the a\n  - \"n\"\n", 1));
    check(LISTS, insert("/wide", 3, json!("d")), &LISTS.replacen("  - c\n", "  - c\n  - d\n", 1));
    check(LISTS, remove("/wide/0"), &LISTS.replacen("  # of a\n  - a # the a\n", "", 1));
    check(LISTS, remove("/wide/1"), &LISTS.replacen("  # of b\n  - b\n", "", 1));
    check(LISTS, set("/wide/1", json!("z")), &LISTS.replacen("- b\n", "- z\n", 1));
    check(
        LISTS,
        insert("/compact", 0, json!({"name": "w", "value": {"k": [1]}})),
        &LISTS.replacen("- name: x", "- name: w\n  value:\n    k:\n    - 1\n- name: x", 1),
    );
    check(LISTS, set("/compact/1/value", json!(3)), &LISTS.replacen("value: 2", "value: 3", 1));
    check(
        LISTS,
        |v| {
            v["compact"][0]["value"] = json!(5);
            v["compact"].as_array_mut().expect("list").insert(0, json!({"name": "w"}));
        },
        &LISTS.replacen("- name: x\n  value: 1", "- name: w\n- name: x\n  value: 5", 1),
    );
    check(LISTS, set("/compact/0", json!("text")), &LISTS.replacen("- name: x\n  value: 1 # one\n", "- text\n", 1));
    check(
        LISTS,
        set("/wide/0", json!({"p": 1, "q": [2]})),
        &LISTS.replacen("- a # the a\n", "- p: 1 # the a\n    q:\n    - 2\n", 1),
    );
    check(
        "a:\n  - - x\n    - y # c\n  - - z\n",
        insert("/a/0", 2, json!("w")),
        "a:\n  - - x\n    - y # c\n    - w\n  - - z\n",
    );
    check("a:\n  - - x\n    - u\n  - - z\n", remove("/a/0/0"), "a:\n  - - u\n  - - z\n");
    check("- a\n- b\n", insert("", 0, json!("c")), "- c\n- a\n- b\n");
    check("a: []\nb: 1\n", insert("/a", 0, json!({"x": 1, "u": 2})), "a:\n  - x: 1\n    u: 2\nb: 1\n");
}

#[test]
fn flow_collections_are_written_anew_alone() {
    check(LISTS, set("/flow/0", json!("c")), &LISTS.replacen("[\"a\", \"b\"]", "[\"c\", \"b\"]", 1));
    check("a: {x: 1, u: [on, b]} # c\nb: 1\n", set("/a/u/1", json!("off")), "a: {x: 1, u: [on, \"off\"]} # c\nb: 1\n");
    check("a: [x] # c\n", set("/a", json!("u")), "a: u # c\n");
    check("a: [x] # c\nb: 1\n", set("/a", json!({"k": ["v"]})), "a: {k: [v]} # c\nb: 1\n");
    check("- {a: 1}\n- {b: 2}\n", set("/1/c", json!("a, b")), "- {a: 1}\n- {b: 2, c: \"a, b\"}\n");
}

#[test]
fn inside_flow_collections_the_rest_stays() {
    let source = "a: { b: { c: 'x',  d: 9901 }, e: [ \"p\", q ] } # f\n";
    check(source, set("/a/b/d", json!(9902)), &source.replace("9901", "9902"));
    check(source, set("/a/b/c", json!("it's")), &source.replace("'x'", "'it''s'"));
    check(source, set("/a/e/1", json!("on")), &source.replace("q ]", "\"on\" ]"));
    check(source, set("/a/e/0", json!("u\nv")), &source.replace("\"p\"", "\"u\\nv\""));
    check(source, remove("/a/e/0"), &source.replace("[ \"p\", q ]", "[\"q\"]"));
    check(
        source,
        set("/a/b/g", json!({"h": []})),
        &source.replace("{ c: 'x',  d: 9901 }", "{c: x, d: 9901, g: {h: []}}"),
    );
    check("a: [\n  x, # one\n  u # two\n]\n", set("/a/1", json!("w")), "a: [\n  x, # one\n  w # two\n]\n");
}

#[test]
fn subtrees_are_replaced() {
    check(
        "a: 1 # c\nb: 2\n",
        set("/a", json!({"x": [1, 2], "u": {}})),
        "a: # c\n  x:\n    - 1\n    - 2\n  u: {}\nb: 2\n",
    );
    check("a: # c\n  b: 1\n  # d\n  e: 2\nf: 3\n", set("/a", json!("x")), "a: x # c\nf: 3\n");
    check("a:\n- b\nc: 1\n", set("/a", json!({"d": 1})), "a:\n  d: 1\nc: 1\n");
    check("a: |\n  text\nc: 1\n", set("/a", json!({"d": 1})), "a:\n  d: 1\nc: 1\n");
    check("a: |\n  text\nc: 1\n", set("/a", json!(7)), "a: 7\nc: 1\n");
    check("- a: |\n    text\n- c\n", set("/0/a", json!([])), "- a: []\n- c\n");
}

#[test]
fn line_breaks_and_marks_stay() {
    check("a: 1\r\nb:\r\n  - x\r\n", set("/b/0", json!("u")), "a: 1\r\nb:\r\n  - u\r\n");
    check(
        "a: 1\r\nb:\r\n  - x\r\n",
        set("/c", json!({"d": "p\nq\n"})),
        "a: 1\r\nb:\r\n  - x\r\nc:\r\n  d: |\r\n    p\r\n    q\r\n",
    );
    check("a: |\r\n  one\r\n  two\r\n", set("/a", json!("one\nthree\n")), "a: |\r\n  one\r\n  three\r\n");
    check("a: 1\nb: 2", set("/b", json!(3)), "a: 1\nb: 3");
    check("a: 1\nb: 2", set("/c", json!(3)), "a: 1\nb: 2\nc: 3");
    check("a: 1\nb: 2", remove("/b"), "a: 1");
    check("b: |\n  x", set("/b", json!("x\ny")), "b: |-\n  x\n  y");
    check("b: 1", set("/b", json!("x\ny\n")), "b: |\n  x\n  y\n");
    check("a: 1\nb: |\n  x", set("/a", json!(2)), "a: 2\nb: |\n  x");
    check("\u{feff}a: 1\n", set("/a", json!(2)), "\u{feff}a: 2\n");
    check("a: ö # ü\nb: ä\n", set("/a", json!("é")), "a: é # ü\nb: ä\n");
    check("---\na: 1\n", set("/a", json!(2)), "---\na: 2\n");
}

const ENVOY: &str = "\
# The proxy.
admin:
  address: { socket_address: { address: 127.0.0.1, port_value: 9901 } }

node:
  id: \"{{.PodName}}.{{.PodNamespace}}\" # set by the controller
  cluster: 'x-{{.Cluster}}'

static_resources:

  # All clusters.
  clusters:
  - name: xds

    load_assignment:
      endpoints:
      - address: controller
        port: 18000 # gRPC
    connect_timeout: 5.000s # the end";

#[test]
fn embedded_texts_keep_comments_and_templates() {
    check(
        ENVOY,
        set("/static_resources/clusters/0/load_assignment/endpoints/0/port", json!(9977)),
        &ENVOY.replace("18000", "9977"),
    );
    check(ENVOY, set("/static_resources/clusters/0/connect_timeout", json!("1s")), &ENVOY.replace("5.000s", "1s"));
    check(
        ENVOY,
        remove("/admin"),
        &ENVOY[ENVOY.find("node:").expect("node")..].replacen("node:", "# The proxy.\n\nnode:", 1),
    );
    check(
        ENVOY,
        set("/node/id", json!("{{.PodName}}")),
        &ENVOY.replace("{{.PodName}}.{{.PodNamespace}}", "{{.PodName}}"),
    );
    check(
        ENVOY,
        set("/node/locality", json!({"zone": "a"})),
        &ENVOY.replace("'x-{{.Cluster}}'\n", "'x-{{.Cluster}}'\n  locality:\n    zone: a\n"),
    );
    check(ENVOY, insert("/static_resources/clusters", 1, json!({"name": "u"})), &format!("{ENVOY}\n  - name: u"));
}

#[test]
fn anchors_tags_and_merges_are_left_alone_or_written_anew() {
    let source = "# head\nx: &x {a: 1}\nv:\n  <<: *x\n  b: 2\nz: !!str 5\nw: 1\n";
    check(source, set("/w", json!(2)), &source.replace("w: 1", "w: 2"));
    let old = yaml::parse(source).expect("YAML");
    for pointer in ["/x/a", "/v/b", "/z"] {
        let mut new = old.clone();
        set(pointer, json!("changed"))(&mut new);
        let edited = edit(source, &old, &new);
        assert!(!edited.preserved, "{pointer}");
        assert!(edited.text.starts_with("# head\nx:\n"), "{}", edited.text);
        assert_eq!(yaml::parse(&edited.text).expect("YAML"), new);
    }
}

#[test]
fn a_document_written_anew_keeps_its_head_and_its_blocks() {
    let source = "# head\n\n# more\na: &a |\n  # text\n  x: 1\n\nb: *a\nc:\n- 1\n";
    let old = yaml::parse(source).expect("YAML");
    let mut new = old.clone();
    new["b"] = json!(2);
    let edited = edit(source, &old, &new);
    assert!(!edited.preserved);
    pretty(&edited.text, "# head\n\n# more\na: |\n  # text\n  x: 1\nb: 2\nc:\n- 1\n");
}

#[test]
fn other_roots_are_written_anew() {
    for (source, new) in [
        ("", json!({"a": 1})),
        ("# c\n", json!([1])),
        ("text\n", json!("other")),
        ("{}\n", json!({"a": 1})),
        ("a: 1\n", json!([1])),
        ("a: 1\n", json!({})),
    ] {
        let old = yaml::parse(source).expect("YAML");
        let edited = edit(source, &old, &new);
        assert_eq!(yaml::parse(&edited.text).expect("YAML"), new, "{source:?}");
    }
}

#[test]
fn order_is_that_of_the_old_value() {
    let old = json!({"a": {"x": 1, "y": 2}, "b": [{"name": "p", "k": 1, "l": 2}, {"name": "q", "k": 3}], "c": 3});
    let new = json!({"n": 0, "c": 3, "b": [{"name": "new"}, {"l": 2, "k": 9, "name": "p"}, {"k": 3, "name": "q"}], "a": {"y": 2, "x": 1}});
    assert_eq!(
        keep_order(&old, new).to_string(),
        r#"{"a":{"x":1,"y":2},"b":[{"name":"new"},{"name":"p","k":9,"l":2},{"name":"q","k":3}],"c":3,"n":0}"#
    );
}

#[test]
fn keys_are_known_as_they_are_read() {
    check(
        "on: 1\n0x10: 2\n\"a\\tb\": 3\nno # c: 4\n".replace(" # c", "").as_str(),
        |v| {
            v["true"] = json!(5);
            v["16"] = json!(6);
            v["a\tb"] = json!(7);
        },
        "on: 5\n0x10: 6\n\"a\\tb\": 7\nno: 4\n",
    );
}

#[test]
fn scrambled_keys_are_no_change() {
    let source = "a: 1\nb: 2\nc: 3\nd: 4\n";
    let old = yaml::parse(source).expect("YAML");
    let new = json!({"d": 4, "b": 2, "c": 5});
    pretty(&edit(source, &old, &new).text, "b: 2\nc: 5\nd: 4\n");
}

#[test]
fn deep_documents_fit_the_stack() {
    let block = |leaf: &str| (0..255).map(|i| " ".repeat(i) + "a:\n").collect::<String>() + &" ".repeat(255) + leaf;
    let old = yaml::parse(&block("b: 1\n")).expect("deep, not too deep");
    let new = yaml::parse(&block("b: 2\n")).expect("deep, not too deep");
    pretty(&edit(&block("b: 1\n"), &old, &new).text, &block("b: 2\n"));
    assert_eq!(yaml::parse(&edit("x: 1\n", &json!({"x": 1}), &new).text), Ok(new));
    let flow = format!("{}1{}", "[".repeat(256), "]".repeat(256));
    let deep = yaml::parse(&flow).expect("deep, not too deep");
    assert_eq!(yaml::parse(&edit("x: 1\n", &json!({"x": 1}), &deep).text), Ok(deep));
}
