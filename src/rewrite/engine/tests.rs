use std::sync::Arc;

use crate::value::json;

use super::*;
use crate::manifest::document::Bytes;
use crate::rewrite::facts::Fact;
use crate::rewrite::rule;

const STREAM: &str = "\
apiVersion: v1
kind: Service
metadata:
  name: web
  namespace: shop
  labels:
    app: web
spec:
  type: LoadBalancer
---
apiVersion: v1
kind: Service
metadata:
  name: web-internal
  namespace: shop
spec:
  type: ClusterIP
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: shop
data:
  conf.yaml: |
    # what it listens on
    id: \"{{.PodName}}\"   # filled in at start
    ports:
    - name: http
      port: 80
";

fn facts() -> Facts {
    Facts([("domain", Fact::Text("a.example".into())), ("gloo", Fact::Absent)].into())
}

fn run(rules: &str) -> Result<(Vec<Document>, Ledger), String> {
    let source = Source { component: "shop".into(), name: "shop.yaml".into(), text: STREAM.into() };
    let documents = document::read(&Arc::new(source), true).unwrap().documents;
    let template = |_: &str| {
        Ok("# ours\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ domain }}\n  namespace: shop\n".to_owned())
    };
    let rules = rule::parse("rules.yaml", rules, None, &template).map_err(|e| e.to_string())?;
    let mut ledger = Ledger::default();
    let documents = apply(&rules.iter().collect::<Vec<_>>(), &facts(), &Sizing::default(), documents, &mut ledger)
        .map_err(|e| e.to_string())?;
    Ok((documents, ledger))
}

fn names(documents: &[Document]) -> Vec<String> {
    documents.iter().map(|d| d.identity().to_string()).collect()
}

#[test]
fn a_patch_changes_its_object_and_is_written_down() {
    let (documents, ledger) = run("\
- rule: to-cluster-ip
  why: w
  see: s
  match: {kind: Service, name: web}
  patch:
  - {op: test, path: /spec/type, value: LoadBalancer}
  - {op: replace, path: /spec/type, value: ClusterIP}
")
    .unwrap();
    assert_eq!(documents[0].value().unwrap()["spec"], json!({"type": "ClusterIP"}));
    let entry = &ledger.entries[0];
    assert_eq!((entry.object.as_str(), entry.at.as_str()), ("Service/shop/web", "shop.yaml, line 1"));
    let Deed::Changed { fields } = &entry.deed else { panic!("{entry:?}") };
    assert_eq!(fields[0].path, "/spec/type");
    assert_eq!(fields[0].before, Some(json!("LoadBalancer")));
}

#[test]
fn a_merge_fills_in_facts_and_a_null_removes() {
    let merge = "- {rule: m, why: w, match: {kind: ConfigMap}, merge: {data: {\"${domain}\": '', conf.yaml: null}}}";
    let (documents, _) = run(merge).unwrap();
    assert_eq!(documents[2].value().unwrap()["data"], json!({"a.example": ""}));
}

#[test]
fn a_rule_that_changes_nothing_leaves_no_mark() {
    let (documents, ledger) =
        run("- {rule: m, why: w, match: {name: web-internal}, merge: {spec: {type: ClusterIP, nodePort: null}}}")
            .unwrap();
    assert_eq!(documents[1].rendered().1, Bytes::Kept);
    assert!(ledger.entries.is_empty());
}

#[test]
fn a_dropped_object_is_gone_and_remembered() {
    let (documents, ledger) = run("- {rule: d, why: w, match: {kind: Service}, expect: 2, drop: true}").unwrap();
    assert_eq!(names(&documents), ["ConfigMap/shop/settings"]);
    assert_eq!(ledger.entries.len(), 2);
    assert_eq!(ledger.entries[1].deed, Deed::LeftOut);
}

#[test]
fn a_template_adds_its_objects() {
    let (documents, ledger) = run("- {rule: a, why: w, add: t.yaml.j2}").unwrap();
    assert_eq!(names(&documents)[3], "Secret/shop/a.example");
    assert_eq!(
        documents[3].rendered().0,
        "# ours\napiVersion: v1\nkind: Secret\nmetadata:\n  name: \"a.example\"\n  namespace: shop\n"
    );
    assert_eq!(ledger.entries[0].at, "template t.yaml.j2, line 1");
}

#[test]
fn an_added_object_that_is_there_already_is_an_error() {
    let twice = "- {rule: a, why: w, add: t.yaml.j2}\n- {rule: b, why: w, add: t.yaml.j2}";
    assert!(run(twice).unwrap_err().starts_with("Secret/shop/a.example is defined twice"));
}

#[test]
fn a_text_inside_an_object_keeps_its_comments_and_braces() {
    let (documents, ledger) = run("\
- rule: w
  why: w
  match: {kind: ConfigMap, has: ['/ports/[name=http]']}
  within: /data/conf.yaml
  patch:
  - {op: replace, path: '/ports/[name=http]/port', value: 8080}
")
    .unwrap();
    let text = documents[2].value().unwrap()["data"]["conf.yaml"].as_str().unwrap();
    assert_eq!(
        text,
        "# what it listens on\nid: \"{{.PodName}}\"   # filled in at start\nports:\n- name: http\n  port: 8080\n"
    );
    assert_eq!(documents[2].rendered().0, STREAM.split("---\n").last().unwrap().replace("port: 80", "port: 8080"));
    let Deed::Changed { fields } = &ledger.entries[0].deed else { panic!() };
    assert_eq!((fields[0].path.as_str(), fields[0].within.as_deref()), ("/data/conf.yaml", Some("/ports/0/port")));
}

#[test]
fn a_rule_whose_condition_does_not_hold_is_passed_over() {
    let (documents, _) = run("- {rule: d, why: w, when: {gloo: true}, match: {kind: Nothing}, drop: true}").unwrap();
    assert_eq!(documents.len(), 3);
}

#[test]
fn an_unknown_condition_is_an_error_with_its_rule() {
    let error = run("- {rule: d, why: w, when: {glo: true}, match: {kind: Service}, drop: true}").unwrap_err();
    assert_eq!(error, "rules.yaml, line 1: rule `d`: `glo` is no fact about a stack; there are: domain, gloo");
}

#[test]
fn a_rule_that_matches_nothing_fails_and_names_what_nearly_matched() {
    let error =
        run("- {rule: d, why: w, match: {kind: Service, namespace: shop, name: webb}, drop: true}").unwrap_err();
    assert_eq!(
        error,
        "rule `d` (rules.yaml, line 1) expects 1 object and matched 0: kind Service, namespace shop, name webb. Near misses:\
         \n  Service/shop/web (shop.yaml, line 1): its name is web\
         \n  Service/shop/web-internal (shop.yaml, line 11): its name is web-internal"
    );
    let error =
        run("- {rule: d, why: w, match: {kind: Service, where: {/spec/type: NodePort}}, drop: true}").unwrap_err();
    assert!(error.contains("Service/shop/web (shop.yaml, line 1): what stands at /spec/type differs"), "{error}");
}

#[test]
fn a_rule_that_matches_too_much_fails() {
    let error = run("- {rule: d, why: w, match: {kind: Service}, drop: true}").unwrap_err();
    assert_eq!(error, "rule `d` (rules.yaml, line 1) expects 1 object and matched 2: kind Service.");
}

#[test]
fn an_operation_that_fails_is_named_with_object_field_and_reason() {
    for (operation, complaint) in [
        (
            "{op: test, path: /spec/type, value: NodePort}",
            "test /spec/type: expected \"NodePort\", and there is \"LoadBalancer\"",
        ),
        ("{op: remove, path: /spec/nothing}", "remove /spec/nothing: "),
        ("{op: add, path: /metadata/annotations/a, value: b}", "`merge` makes it"),
        ("{op: add, path: /spec/a, value: '${gloo}'}", "`${gloo}` has no value in this stack"),
        ("{op: replace, path: '/spec/ports/[name=http]/port', value: 1}", "there is no list at `/spec/ports`"),
    ] {
        let error = run(&format!("- {{rule: p, why: w, match: {{name: web}}, patch: [{operation}]}}")).unwrap_err();
        assert!(
            error.starts_with(
                "rule `p` (rules.yaml, line 1) cannot be applied to Service/shop/web (shop.yaml, line 1): "
            )
        );
        assert!(error.contains(complaint), "{error}");
    }
}

#[test]
fn labels_and_stars_select() {
    let (documents, _) = run("- {rule: d, why: w, match: {labels: {app: '*'}}, drop: true}").unwrap();
    assert_eq!(documents.len(), 2);
    let (documents, _) = run("- {rule: d, why: w, match: {name: 'w*n*l'}, drop: true}").unwrap();
    assert_eq!(documents.len(), 2);
    assert!(glob("*.knative.dev", "a.knative.dev") && !glob("*.knative.dev", "knative.dev.x"));
    assert!(glob("a*b*c", "abbc") && !glob("a*b*c", "acb") && glob("*", "") && !glob("", "a"));
}
