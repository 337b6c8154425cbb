//! Promise: `apply.sh --prune` deletes what an earlier render brought and this one does not have, shows it before, and nothing
//! else: no CRD and no Namespace without a word of its own, nothing that somebody else made, took over or still has.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::cluster::{Cluster, assert_has, of_each_kind};

const PROD: [&str; 4] = ["--cluster-name", "prod", "--region", "eu-west-1"];
const INVENTORY: &str = "configmap~knative-serving~knrender-inventory.out";

/// Objects that a rule of one's own brings, of all kinds that go in an order.
const EXTRA: &str = "\
apiVersion: v1
kind: Namespace
metadata:
  name: extra
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: extra
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: operator
  namespace: knative-serving
spec:
  selector: {matchLabels: {app: operator}}
  template: {metadata: {labels: {app: operator}}, spec: {containers: [{name: a, image: a:1}]}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: widgets.example.com
spec:
  group: example.com
  names: {kind: Widget, plural: widgets, singular: widget, listKind: WidgetList}
  scope: Namespaced
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
---
apiVersion: example.com/v1
kind: Widget
metadata:
  name: ours
  namespace: knative-serving
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata:
  name: extra.example.com
webhooks:
- name: extra.example.com
  clientConfig: {service: {name: webhook, namespace: knative-serving}}
  admissionReviewVersions: [v1]
  sideEffects: None
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: extra
  namespace: kourier-system
  annotations:
    alb.ingress.kubernetes.io/scheme: internal
spec:
  ingressClassName: alb
  defaultBackend: {service: {name: kourier, port: {number: 80}}}
";

/// What of that goes without a further word.
const GONE: [&str; 5] = [
    "configmap~extra~settings",
    "deployment~knative-serving~operator",
    "widgets.example.com~knative-serving~ours",
    "validatingwebhookconfiguration~~extra.example.com",
    "ingress~kourier-system~extra",
];
const CRD: &str = "customresourcedefinition~~widgets.example.com";
const NAMESPACE: &str = "namespace~~extra";

/// A cluster with the first render in it, and `out/` with the next one, which lacks what the first one added. `None` where
/// there are no upstream files.
fn left_over() -> Option<Cluster> {
    let cluster = Cluster::with(&PROD)?;
    cluster.place.write("rules/extra.yaml", "- {rule: extra, why: ours, add: extra.yaml.j2}\n");
    cluster.place.write("rules/extra.yaml.j2", EXTRA);
    render(&cluster, &["--rules", "rules"]);
    cluster.apply(&["--yes"]).ok();
    for object in GONE.into_iter().chain([CRD, NAMESPACE]) {
        assert!(cluster.state().contains_key(object), "{object} is not in {:?}", cluster.state().keys());
    }
    render(&cluster, &[]);
    Some(cluster)
}

fn render(cluster: &Cluster, more: &[&str]) {
    cluster.place.run(&[&PROD[..], &["--out", "out"], more].concat()).ok();
}

/// Which of these are in the cluster.
fn there<'o>(cluster: &Cluster, objects: &[&'o str]) -> Vec<&'o str> {
    let state = cluster.state();
    objects.iter().copied().filter(|object| state.contains_key(*object)).collect()
}

#[test]
fn without_prune_what_is_left_is_named_and_stays() {
    let Some(cluster) = left_over() else { return };
    let said = cluster.apply(&["--yes"]).ok().stdout;
    assert_has(&said, &["An earlier render brought these", "`sh apply.sh --prune` shows and deletes them"]);
    assert_eq!(there(&cluster, &GONE), GONE);
    // A run without --prune forgets nothing.
    cluster.apply(&["--yes"]).ok();
    cluster.apply(&["--yes", "--prune"]).ok();
    assert_eq!(there(&cluster, &GONE), [""; 0]);
}

#[test]
fn it_is_shown_first_and_then_goes_in_order_when_all_else_is_ready() {
    let Some(cluster) = left_over() else { return };
    cluster.place.write("fake/log", "");
    let said = cluster.apply(&["--dry-run", "--prune"]).ok().stdout;
    let shown = [
        "  configmap extra/settings",
        "  deployment.apps knative-serving/operator",
        "  widget.example.com knative-serving/ours",
        "  validatingwebhookconfiguration.admissionregistration.k8s.io extra.example.com",
        "  ingress.networking.k8s.io kourier-system/extra",
        "With an Ingress go its ALB",
        "customresourcedefinition.apiextensions.k8s.io widgets.example.com: --prune-crds deletes it",
        "namespace extra: --prune-namespaces deletes it",
    ];
    assert_has(&said, &shown);
    assert_eq!(cluster.changes(), Vec::<String>::new());
    let said = cluster.apply(&["--yes", "--prune"]).ok().stdout;
    assert_has(&said, &shown);
    let order = [
        cluster.position(&["rollout status"]),
        cluster.position(&["delete validatingwebhookconfiguration", "extra.example.com"]),
        cluster.position(&["delete ingress.networking.k8s.io", "extra"]),
        cluster.position(&["get ingress.networking.k8s.io", "extra --ignore-not-found -o name"]),
        cluster.position(&["delete widget.example.com", "ours"]),
        cluster.position(&["delete deployment.apps", "operator"]),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(there(&cluster, &GONE), [""; 0]);
    assert_eq!(there(&cluster, &[CRD, NAMESPACE]), [CRD, NAMESPACE]);
    // Nothing of this render went, and there is nothing more to do.
    let said = cluster.apply(&["--yes", "--prune"]).ok().stdout;
    assert_has(&said, &["71 unchanged", "widgets.example.com: --prune-crds"]);
    assert!(!said.contains("An earlier render brought these"), "{said}");
    assert_eq!(cluster.state().len(), 75); // 71 objects, the inventory, the domains, the CRD and the Namespace
}

#[test]
fn a_crd_and_a_namespace_go_with_a_word_of_their_own_and_never_with_what_others_have_in_them() {
    let Some(cluster) = left_over() else { return };
    cluster.is("objects/widgets.example.com~shop~theirs", "apiVersion: example.com/v1\nkind: Widget\n");
    cluster.is("objects/secret~extra~theirs", "apiVersion: v1\nkind: Secret\n");
    let said = cluster.apply(&["--yes", "--prune", "--prune-crds", "--prune-namespaces"]).ok().stdout;
    assert_has(
        &said,
        &[
            "widgets.example.com: it holds what this did not bring: widget.example.com shop/theirs",
            "namespace extra: it holds what this did not bring: secret extra/theirs",
        ],
    );
    assert_eq!(there(&cluster, &[CRD, NAMESPACE]), [CRD, NAMESPACE]);
    for theirs in ["widgets.example.com~shop~theirs", "secret~extra~theirs"] {
        std::fs::remove_file(cluster.place.path(&format!("fake/objects/{theirs}"))).unwrap();
    }
    cluster.apply(&["--yes", "--prune-crds"]).ok();
    assert_eq!(there(&cluster, &[CRD, NAMESPACE]), [NAMESPACE]);
    cluster.apply(&["--yes", "--prune-namespaces"]).ok();
    assert_eq!(there(&cluster, &[CRD, NAMESPACE]), [""; 0]);
    assert_eq!(cluster.state().len(), 73);
}

#[test]
fn what_somebody_else_made_anew_or_took_over_stays_and_is_no_longer_ours() {
    let Some(cluster) = left_over() else { return };
    cluster.is("uids/deployment~knative-serving~operator", "0000-another");
    cluster.is("marks/ingress~kourier-system~extra", "a=b argocd.argoproj.io/tracking-id=x");
    cluster.is("marks/configmap~extra~settings", "owner=Certificate/x");
    let said = cluster.apply(&["--yes", "--prune"]).ok().stdout;
    assert_has(
        &said,
        &[
            "deployment.apps knative-serving/operator: somebody made it anew",
            "ingress.networking.k8s.io kourier-system/extra: somebody else looks after it now (argocd.argoproj.io/tracking-id=x)",
            "configmap extra/settings: somebody else looks after it now (owner=Certificate/x)",
        ],
    );
    let stay = ["configmap~extra~settings", "deployment~knative-serving~operator", "ingress~kourier-system~extra"];
    assert_eq!(there(&cluster, &GONE), stay);
    let said = cluster.apply(&["--yes", "--prune"]).ok().stdout;
    assert!(!said.contains("knative-serving/operator"), "{said}");
    assert!(!cluster.state()[INVENTORY].contains("operator"), "{}", cluster.state()[INVENTORY]);
}

#[test]
fn without_an_inventory_nothing_is_pruned_and_that_is_said() {
    let Some(cluster) = left_over() else { return };
    std::fs::remove_file(cluster.place.path(&format!("fake/objects/{INVENTORY}"))).unwrap();
    let said = cluster.apply(&["--yes", "--prune"]).ok().stdout;
    assert_has(&said, &["there is no inventory `out` in this cluster", "nothing is pruned", "knrender doctor"]);
    assert_eq!(there(&cluster, &GONE), GONE);
    assert_has(&cluster.state()[INVENTORY], &["deployment.apps knative-serving activator "]);
}

#[test]
fn what_another_render_brought_too_stays() {
    let Some(cluster) = left_over() else { return };
    let flags = [&PROD[..], &["--rules", "rules", "--out", "Two Renders"]].concat();
    cluster.place.run(&flags).ok();
    let output = cluster.command("Two Renders", "apply.sh", &["--yes"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = cluster.apply(&["--yes", "--prune"]).ok().stdout;
    assert_has(&said, &["knative-serving/operator: the render with the inventory `two-renders` brought it too"]);
    assert_eq!(there(&cluster, &GONE), GONE);
    // One that follows the other from another folder says so.
    let output =
        cluster.command("out", "apply.sh", &["--yes", "--prune", "--inventory", "two-renders"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_has(&said, &["knative-serving/operator: the render with the inventory `out` brought it too"]);
}

#[test]
fn renders_that_follow_one_another_from_different_folders_share_an_inventory() {
    let Some(cluster) = left_over() else { return };
    cluster.place.run(&[&PROD[..], &["--out", "next"]].concat()).ok();
    let output = cluster.command("next", "apply.sh", &["--yes", "--prune", "--inventory=out"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(there(&cluster, &GONE), [""; 0]);
    let said = cluster.command("next", "apply.sh", &["--yes", "--inventory", "--all"]).output().unwrap();
    assert_eq!(said.status.code(), Some(2));
}

#[test]
fn killed_at_a_call_of_any_kind_and_run_again_it_ends_in_the_same_state() {
    let Some(cluster) = left_over() else { return };
    let full = cluster.state();
    let before = cluster.calls().len();
    cluster.apply(&["--yes", "--prune"]).ok();
    let (state, calls) = (cluster.state(), cluster.calls().split_off(before));
    // What comes before the first deletion is held by the tests of a run without --prune.
    let first = calls
        .iter()
        .position(|call| call.contains(" delete validatingwebhook") && !call.contains("--dry-run"))
        .unwrap();
    let calls = &calls[first..];
    let mut killed = of_each_kind(calls);
    killed.extend((1..=calls.len()).filter(|call| calls[call - 1].contains(" delete ")));
    assert!(killed.len() > 7, "{killed:?}");
    for call in killed.into_iter().map(|call| first + call) {
        cluster.emptied().is("kill", &call.to_string());
        for (object, text) in &full {
            let file = if object == "domains" { object.clone() } else { format!("objects/{object}") };
            cluster.is(&file, text);
        }
        assert_eq!(cluster.apply(&["--yes", "--prune"]).code, -1, "call {call} was not its last");
        cluster.apply(&["--yes", "--prune"]).ok();
        assert!(cluster.state() == state, "another state after a kill at call {call}");
    }
}

#[test]
fn an_apply_that_did_not_end_is_remembered_and_what_it_may_not_have_made_stays() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.apply(&["--yes"]).ok();
    cluster.place.write("rules/extra.yaml", "- {rule: extra, why: ours, add: extra.yaml.j2}\n");
    cluster.place.write("rules/extra.yaml.j2", EXTRA);
    render(&cluster, &["--rules", "rules"]);
    cluster.is("refuse", "1|!*apply -f *first-batch*|error: no\n");
    cluster.apply(&["--yes"]).fails(1);
    assert_has(&cluster.state()[INVENTORY], &["deployment.apps knative-serving operator -\n"]);
    cluster.is("objects/deployment~knative-serving~operator", "kind: Deployment\n");
    render(&cluster, &[]);
    let said = cluster.apply(&["--yes", "--prune"]).ok().stdout;
    assert_has(&said, &["deployment.apps knative-serving/operator: a run that was to apply it did not end"]);
    assert_eq!(there(&cluster, &GONE), ["deployment~knative-serving~operator"]);
}

#[test]
fn a_finalizer_that_holds_an_object_ends_the_run_in_bounded_time_and_the_next_one_goes_on() {
    let Some(cluster) = left_over() else { return };
    cluster.is("stays", "ingress\n");
    let ran = cluster.apply(&["--yes", "--prune"]);
    assert_has(
        &ran.stdout,
        &["waits for its finalizers", "Taking the finalizer off by hand would leave an ALB behind"],
    );
    assert_has(&ran.fails(1), &["ingress.networking.k8s.io is still there: not within 3 seconds"]);
    // The controllers that have to let go still run.
    assert_eq!(there(&cluster, &GONE[..3]), GONE[..3]);
    std::fs::remove_file(cluster.place.path("fake/stays")).unwrap();
    cluster.apply(&["--yes", "--prune"]).ok();
    assert_eq!(there(&cluster, &GONE), [""; 0]);
}

#[test]
fn an_alb_with_deletion_protection_is_told_before_anything_is_changed() {
    let Some(cluster) = left_over() else { return };
    let object = "objects/ingress~kourier-system~extra";
    let text = cluster.place.read(&format!("fake/{object}"));
    let with = "alb.ingress.kubernetes.io/load-balancer-attributes: deletion_protection.enabled=true";
    cluster.is(object, &text.replace("alb.ingress.kubernetes.io/scheme: internal", with));
    cluster.place.write("fake/log", "");
    assert_has(&cluster.apply(&["--yes", "--prune"]).fails(3), &["has deletion protection", "Nothing was changed."]);
    assert_eq!(cluster.changes(), Vec::<String>::new());
}

#[test]
fn who_may_not_read_or_write_the_inventory_is_told_and_who_may_not_delete_keeps_it() {
    let Some(cluster) = left_over() else { return };
    let forbidden = "Error from server (Forbidden): configmaps is forbidden: User \"u\" cannot do this";
    cluster.is("refuse", &format!("9|* get configmaps *|{forbidden}\n"));
    assert_has(&cluster.apply(&["--yes"]).ok().stdout, &["no inventory is kept", "Done."]);
    assert_has(
        &cluster.apply(&["--yes", "--prune"]).fails(3),
        &["you may not list the ConfigMaps", "Nothing was changed."],
    );
    cluster.is("refuse", &format!("9|*--field-manager=knrender*|{forbidden}\n"));
    assert_has(&cluster.apply(&["--yes", "--prune"]).ok().stdout, &["the inventory is not written"]);
    let Some(cluster) = left_over() else { return };
    cluster.is("refuse", "1|!* delete deployment.apps --ignore-not-found *|Error from server (Forbidden): deployments.apps is forbidden\n");
    assert_has(
        &cluster.apply(&["--yes", "--prune"]).fails(1),
        &["deployments.apps is forbidden", "waiting does not help"],
    );
    cluster.apply(&["--yes", "--prune"]).ok();
    assert_eq!(there(&cluster, &GONE), [""; 0]);
}

#[test]
fn lines_that_no_apply_wrote_are_passed_over() {
    let Some(cluster) = left_over() else { return };
    let inventory = cluster.state()[INVENTORY].clone();
    let planted =
        "    configmap kube-system --all configmap-kube-system---all\n    pods,secrets - a b\n    $(x) - a b\n";
    cluster.is(&format!("objects/{INVENTORY}"), &(inventory + planted));
    let said = cluster.apply(&["--yes", "--prune"]).ok().stdout;
    for part in [" --all", "pods,secrets", "$(x)"] {
        assert!(!said.contains(part), "{said}");
        assert!(!cluster.changes().iter().any(|c| c.contains(part)), "{:?}", cluster.changes());
    }
}

#[test]
fn deleting_everything_takes_the_inventory_along_and_with_prune_what_is_left_of_earlier_renders() {
    let Some(cluster) = left_over() else { return };
    let said = cluster.apply(&["--yes", "--delete"]).ok().stdout;
    assert_has(&said, &["An earlier render brought these, and this one does not have them", "they stay"]);
    assert!(!cluster.state().contains_key(INVENTORY));
    assert_eq!(there(&cluster, &GONE[..1]), GONE[..1]);
    let Some(cluster) = left_over() else { return };
    cluster.apply(&["--yes", "--delete", "--prune-crds", "--prune-namespaces"]).ok();
    assert_eq!(cluster.state().len(), 1, "{:?}", cluster.state().keys());
}

#[test]
fn a_kind_that_moved_to_another_api_group_is_not_left_over() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.apply(&["--yes"]).ok();
    let inventory = cluster.state()[INVENTORY].replace("ingress.networking.k8s.io", "ingress.extensions");
    cluster.is(&format!("objects/{INVENTORY}"), &inventory);
    cluster.apply(&["--yes", "--prune"]).ok();
    assert!(!cluster.changes().iter().any(|c| c.contains(" delete ")), "{:?}", cluster.changes());
    assert_has(&cluster.state()[INVENTORY], &["ingress.networking.k8s.io kourier-system kourier-alb "]);
}

#[test]
fn who_may_not_look_at_what_is_left_can_apply_and_not_prune() {
    let Some(cluster) = left_over() else { return };
    let forbidden = "Error from server (Forbidden): ingresses.networking.k8s.io \"extra\" is forbidden";
    cluster.is("refuse", &format!("9|* get ingress.networking.k8s.io extra *|{forbidden}\n"));
    let said = cluster.apply(&["--yes"]).ok().stdout;
    assert_has(&said, &[&format!("what earlier renders left cannot be looked at: {forbidden}"), "Done."]);
    let said = cluster.apply(&["--yes", "--prune"]).fails(3);
    assert_has(&said, &[forbidden, "look at what earlier renders left: failed", "Nothing was changed."]);
    assert!(!said.contains("operator"), "{said}");
    assert_eq!(there(&cluster, &GONE), GONE);
}

#[test]
fn deletions_that_the_server_would_refuse_are_said_before_anything_is_changed() {
    let Some(cluster) = left_over() else { return };
    let no = "Error from server (Forbidden): deployments.apps \"operator\" is forbidden: User \"u\" cannot delete resource \
              \"deployments\" in API group \"apps\" in the namespace \"knative-serving\"";
    let refused = format!("9|* delete deployment.apps *--dry-run=server*|{no}\n");
    cluster.is("refuse", &refused).is("log", "");
    let right =
        "you cannot delete resource \"deployments\" in API group \"apps\" in the namespace \"knative-serving\"\n";
    let ran = cluster.apply(&["--yes", "--prune"]);
    assert_has(&ran.stdout, &["Without --prune the rest can be applied."]);
    assert_has(&ran.fails(3), &[right, "the server refuses these deletions. Nothing was changed."]);
    assert_eq!(cluster.changes(), Vec::<String>::new());
    assert_eq!(there(&cluster, &GONE), GONE);
    // Who only looks is told, and sees the rest.
    cluster.is("refuse", &refused);
    let ran = cluster.apply(&["--dry-run", "--prune"]);
    assert_has(&ran.stderr, &[right]);
    assert_has(&ran.ok().stdout, &["Would wait, 3 seconds at the most, for"]);
    // Without --prune nobody asks.
    cluster.is("refuse", &refused).is("log", "");
    cluster.apply(&["--yes"]).ok();
    assert!(!cluster.calls().iter().any(|call| call.contains(" delete ")), "{:?}", cluster.calls());
}
