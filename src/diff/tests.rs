use crate::value::json;

use super::*;
use crate::manifest::collection::Collection;

fn side(name: &str, text: &str) -> Side {
    let mut collection = Collection::default();
    collection.add(name, text);
    assert!(collection.broken.is_empty(), "{:?}", collection.broken);
    Side { name: name.to_owned(), objects: collection.objects, provenance: None }
}

fn diff(before: &str, after: &str) -> Diff {
    Diff::of(&side("a", before), &side("b", after)).unwrap()
}

fn said(diff: &Diff) -> Vec<String> {
    diff.meaning.iter().map(|m| format!("{} {} {}", m.severity.name(), m.topic.name(), m.what)).collect()
}

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: shop, labels: {app.kubernetes.io/version: 1.21.3}}\n\
    spec:\n  selector: {matchLabels: {app: a}}\n  template:\n    metadata: {labels: {app: a}}\n    spec:\n      containers:\n      \
    - {name: x, image: i:1, env: [{name: A, value: '1'}, {name: B, value: '2'}]}\n";

#[test]
fn the_same_objects_in_another_form_are_the_same() {
    let diff = diff(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n",
        "{apiVersion: v1, kind: Secret, metadata: {name: a}}",
    );
    assert!(diff.same && diff.to_text().contains("the same objects"));
}

#[test]
fn what_stands_in_a_secret_is_told_by_digests_alone() {
    let secret = |metadata: &str, password: &str| {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {metadata}\nstringData: {password}\n")
    };
    let applied = "kubectl.kubernetes.io/last-applied-configuration";
    for (before, after) in [
        (secret("{name: a}", "{p: hunter2}"), secret("{name: a}", "{p: hunter3}")),
        (secret("{name: a}", "{p: hunter2}"), secret("{name: a}", "{}")),
        (secret("{name: a}", "{p: b}"), secret(&format!("{{name: a, annotations: {{{applied}: hunter}}}}"), "{p: b}")),
        (
            secret(&format!("{{name: a, annotations: {{{applied}: hunter}}}}"), "{p: b}"),
            secret(&format!("{{name: a, annotations: {{{applied}: hunter2}}}}"), "{p: b}"),
        ),
    ] {
        let diff = diff(&before, &after);
        let said = format!("{}{}{}", diff.to_text(), diff.to_markdown(), serde_json::to_string(&diff).unwrap());
        assert!(!diff.same && said.contains("sha256:") && !said.contains("hunter"), "{said}");
    }
}

#[test]
fn items_are_known_by_their_name_so_that_one_in_front_moves_nothing() {
    let after = DEPLOYMENT.replace("env: [", "env: [{name: C, value: '3'}, ");
    let diff = diff(DEPLOYMENT, &after);
    let paths: Vec<_> = diff.changed[0].fields.iter().map(|f| f.path.as_str()).collect();
    assert_eq!(paths, ["spec.template.spec.containers[x].env[C]"]);
    assert_eq!(said(&diff), ["note environment containers[x].env[C]: (nothing) -> {\"name\":\"C\",\"value\":\"3\"}"]);
}

#[test]
fn labels_with_a_version_are_folded_and_still_a_difference() {
    let diff = diff(DEPLOYMENT, &DEPLOYMENT.replace("1.21.3", "1.22.1"));
    assert!(!diff.same && diff.changed.is_empty() && diff.folded.len() == 1);
}

#[test]
fn a_field_that_may_not_change_is_an_error_with_what_to_do() {
    let diff = diff(DEPLOYMENT, &DEPLOYMENT.replace("app: a", "app: b"));
    assert!(diff.is_refused());
    assert!(
        said(&diff)[0].starts_with("error immutable `kubectl apply` is refused: spec.selector.matchLabels.app may not"),
        "{diff:?}"
    );
    assert!(diff.meaning[0].todo.contains("kubectl delete deployment a -n shop"), "{diff:?}");
}

#[test]
fn rights_that_grow_are_named_verb_by_verb() {
    let role = |verbs: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: a}}\nrules:\n- {{apiGroups: [''], resources: [secrets], verbs: [{verbs}]}}\n"
        )
    };
    assert_eq!(said(&diff(&role("get"), &role("get, create"))), ["warning rbac allows more: create secrets"]);
    assert_eq!(said(&diff(&role("'*'"), &role("get"))), ["note rbac allows no longer: * secrets"]);
}

#[test]
fn a_key_is_shown_with_upstreams_default_before_and_after_and_a_default_that_moves_is_told() {
    let map = |set: &str, default: u32| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: config-autoscaler, namespace: shop}}\ndata:\n  {set}\n  _example: |\n    max: \"{default}\"\n    other: \"{default}\"\n"
        )
    };
    let found = said(&diff(&map("max: '5'", 1), &map("max: '6'", 2)));
    assert_eq!(
        found,
        [
            "warning default other, which is not set: upstream's default moves from 1 to 2",
            "note configuration max: 5 -> 6 (upstream's default: 1 before, 2 now)"
        ]
    );
}

#[test]
fn versions_of_a_crd_that_go_are_told() {
    let crd = |versions: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: a.x.example}}\nspec:\n  versions: [{versions}]\n"
        )
    };
    let found = said(&diff(
        &crd("{name: v1, served: true, storage: false}, {name: v0, served: true, storage: true}"),
        &crd("{name: v1, served: true, storage: true}"),
    ));
    assert!(found.iter().any(|f| f.contains("version v0 is gone")), "{found:?}");
    assert!(found.iter().any(|f| f.contains("stored in version v1 from now on")), "{found:?}");
}

#[test]
fn one_object_twice_on_a_side_is_an_error_that_names_both_places() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: x\n";
    let error = Diff::of(&side("a", text), &side("b", "")).unwrap_err().to_string();
    assert!(error.contains("two different Secret/a: in a, line 1 and in a, line 5"), "{error}");
}

#[test]
fn an_order_that_changed_is_one_field() {
    let fields = fields::differences(&json!({"args": ["a", "b"]}), &json!({"args": ["b", "a"]}));
    assert_eq!(fields.len(), 1);
}
