//! Promise: `sh out/apply.sh` ends in the same state however often it is run and wherever it is interrupted, ends in bounded
//! time, and loses no error. The cluster is `tests/support/kubectl.rs`; against a real API server nothing is tried here.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::support::cluster::{Cluster, assert_has, of_each_kind};
use crate::support::run::Place;

/// Flags that say which cluster a render is for: the one that the kubectl of these tests leads to.
const PROD: [&str; 4] = ["--cluster-name", "prod", "--region", "eu-west-1"];
const ALB: &str = "k8s-1.eu-west-1.elb.amazonaws.com";

#[test]
fn an_empty_cluster_gets_everything_and_a_second_run_changes_nothing() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    let said = cluster.apply(&["--yes"]).ok().stdout;
    assert_has(&said, &["namespace/knative-serving created", "Done.", ALB]);
    let state = cluster.state();
    assert_eq!(state.len(), 73); // 71 objects, the inventory and the domains
    let again = cluster.apply(&["--yes"]).ok().stdout;
    assert_has(&again, &["71 unchanged"]);
    assert_eq!(cluster.state(), state);
}

#[test]
fn killed_at_a_call_of_any_kind_and_run_again_it_ends_in_the_same_state() {
    let Some(cluster) = Cluster::with(&[&PROD[..], &["--internal-tls", "--with", "upgrade-jobs"]].concat()) else {
        return;
    };
    cluster.apply(&["--yes"]).ok();
    let (state, calls) = (cluster.state(), of_each_kind(&cluster.calls()));
    assert!(calls.len() > 12, "{calls:?}");
    for call in calls {
        cluster.emptied().is("kill", &call.to_string());
        assert_eq!(cluster.apply(&["--yes"]).code, -1, "call {call} was not its last");
        cluster.apply(&["--yes"]).ok();
        assert!(cluster.state() == state, "another state after a kill at call {call}");
    }
}

#[test]
fn deleting_can_be_killed_too() {
    let Some(cluster) = Cluster::with(&[&PROD[..], &["--internal-tls"]].concat()) else { return };
    cluster.apply(&["--yes"]).ok();
    let full = cluster.state();
    let before = cluster.calls().len();
    cluster.apply(&["--yes", "--delete"]).ok();
    let calls = of_each_kind(&cluster.calls()[before..]);
    assert!(calls.len() > 10, "{calls:?}");
    for call in calls {
        cluster.emptied().is("kill", &call.to_string());
        for (object, text) in &full {
            let file = if object == "domains" { object.clone() } else { format!("objects/{object}") };
            cluster.is(&file, text);
        }
        assert_eq!(cluster.apply(&["--yes", "--delete"]).code, -1, "call {call} was not its last");
        cluster.apply(&["--yes", "--delete"]).ok();
        assert_eq!(cluster.state().len(), 1, "after a kill at call {call}: {:?}", cluster.state().keys());
    }
}

#[test]
fn a_webhook_that_starts_is_waited_for_and_the_reason_is_shown() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.apply(&["--yes"]).ok();
    let state = cluster.state();
    cluster.is("webhook-down", "18");
    let said = cluster.apply_waiting("30", &["--yes"]).ok().stdout;
    assert_has(&said, &["not yet: failed calling webhook", "no endpoints available for service \"webhook\""]);
    assert_eq!(cluster.state(), state);
}

#[test]
fn a_slice_without_endpoints_yet_is_waited_for() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.is("empty-slices", "2");
    assert_has(&cluster.apply_waiting("30", &["--yes"]).ok().stdout, &["not yet: no endpoints available", "Done."]);
}

#[test]
fn a_second_pod_that_an_autoscaler_makes_is_waited_for() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.is("slow-scaler", "2");
    let said = cluster.apply_waiting("30", &["--yes"]).ok().stdout;
    assert_has(
        &said,
        &["not yet: timed out waiting for the autoscaler: activator has fewer pods than 2", "activator has 2 pods"],
    );
    let scaled = cluster.position(&["get horizontalpodautoscaler.autoscaling webhook"]);
    let after = cluster.calls().iter().rposition(|c| c.contains("rollout status deployment/webhook")).unwrap();
    assert!(scaled < after, "{scaled} {after}");
    cluster.is("slow-scaler", "1000000");
    assert_has(
        &cluster.apply(&["--yes"]).fails(1),
        &["knative-serving/activator has not made its least number of pods"],
    );
}

#[test]
fn a_webhook_that_never_answers_ends_the_run_in_bounded_time() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.apply(&["--yes"]).ok();
    cluster.is("webhook-down", "1000000");
    let said = cluster.apply(&["--yes"]).fails(1);
    assert!(cluster.slept() < 20, "{}", cluster.slept());
    assert_has(&said, &["no endpoints available for service \"webhook\"", "not within 3 seconds"]);
}

#[test]
fn a_server_that_restarts_in_the_middle_is_waited_for() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    for call in ["* get --raw*", "!* apply *", "* wait *crd*", "* rollout *", "* get ingress.*", "* patch *"] {
        let refused =
            "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?";
        cluster.emptied().is("refuse", &format!("2|{call}|{refused}\n"));
        let said = cluster.apply_waiting("30", &["--yes"]).ok().stdout;
        assert_eq!(cluster.state().len(), 73, "{call}");
        assert!(said.contains("was refused") || call.contains("raw"), "{call}: {said}");
    }
}

#[test]
fn an_error_that_waiting_does_not_cure_ends_the_run_at_once_and_is_shown() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    for message in [
        "Error from server (Forbidden): error when creating \"f\": deployments.apps is forbidden: User \"u\" cannot create",
        "The Deployment \"activator\" is invalid: spec.selector: Invalid value: field is immutable",
        "Error from server (BadRequest): admission webhook \"config.webhook\" denied the request: timed out waiting is no word",
        "Unable to connect to the server: x509: certificate signed by unknown authority",
        "Error from server (InternalError): failed calling webhook \"a\": connection refused\\nError from server (Forbidden): no",
    ] {
        cluster.emptied().is("refuse", &format!("1000|!* apply *|{message}\n"));
        let said = cluster.apply_waiting("60", &["--yes"]).fails(1);
        assert!(cluster.slept() < 20, "{message}");
        assert_has(&said, &[message.rsplit("\\n").next().unwrap(), "waiting does not help"]);
    }
}

#[test]
fn before_anything_is_changed_an_error_ends_with_3_and_a_server_that_never_answers_after_a_minute_at_most() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    for call in ["* get --raw*", "* get deployments *", "* get ingressclass *"] {
        cluster
            .emptied()
            .is("refuse", &format!("1|{call}|error: You must be logged in to the server (Unauthorized)\n"));
        assert_has(&cluster.apply_waiting("60", &["--yes"]).fails(3), &["Unauthorized", "Nothing was changed."]);
    }
    cluster.emptied().is("refuse", "1|* apply *|error: no\n");
    assert_has(&cluster.apply(&["--dry-run"]).fails(3), &["error: no", "Nothing was changed."]);
    let silent = "Unable to connect to the server: dial tcp 10.0.0.1:443: i/o timeout";
    cluster.emptied().is("refuse", &format!("1000|* get --raw*|{silent}\n"));
    assert_has(&cluster.apply_waiting("1200", &["--yes"]).fails(3), &[silent, "does not answer. Nothing was changed."]);
    assert!(cluster.slept() < 90, "{}", cluster.slept());
}

#[test]
fn a_kind_that_the_server_does_not_know_yet_is_waited_for_in_the_second_batch_alone() {
    let Some(cluster) = Cluster::with(&[&PROD[..], &["--internal-tls"]].concat()) else { return };
    let unknown = "error: resource mapping not found for name: \"a\" from \"f\": no matches for kind \"Certificate\"\\nensure CRDs are installed first";
    cluster.is("refuse", &format!("2|*apply*second-batch*|{unknown}\n"));
    assert_has(&cluster.apply_waiting("30", &["--yes"]).ok().stdout, &["not yet: ", "Done."]);
    cluster.emptied().is("refuse", &format!("1|!*apply*first-batch*|{unknown}\n"));
    assert_has(&cluster.apply_waiting("30", &["--yes"]).fails(1), &["no matches for kind", "waiting does not help"]);
}

#[test]
fn where_no_controller_runs_the_wait_ends_early_and_says_so() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.is("idle", "").is("controller", "").is("controller-webhook", "");
    let said = cluster.apply(&["--yes"]).fails(1);
    assert!(cluster.slept() < 30, "{}", cluster.slept());
    assert_has(
        &said,
        &["nobody looks at Deployment knative-serving/activator", "no kube-controller-manager runs here"],
    );
    assert_eq!(cluster.state().len(), 73);
}

#[test]
fn a_second_batch_that_waits_for_a_webhook_is_not_waited_for_where_nobody_starts_it() {
    let Some(cluster) = Cluster::with(&[&PROD[..], &["--internal-tls"]].concat()) else { return };
    let refused = "Error from server (InternalError): failed calling webhook \"a\": no endpoints available for service \"webhook\"";
    cluster.is("idle", "").is("controller", "").is("controller-webhook", "");
    cluster.is("refuse", &format!("1000|*apply*second-batch*|{refused}\n"));
    let said = cluster.apply(&["--yes"]).fails(1);
    assert_has(&said, &["no kube-controller-manager runs here", "What needs no pod is applied"]);
}

#[test]
fn where_pods_never_become_ready_the_waits_end_with_what_is_stuck() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.is("idle", "").is("stuck", "").is("controller", "").is("controller-webhook", "");
    let ran = cluster.apply(&["--yes"]);
    let folder = fs::canonicalize(cluster.place.path("out")).unwrap();
    assert_has(
        &ran.stdout,
        &[
            "Namespace knative-serving\n  deployment.apps/activator   0/1",
            &format!("Why, and what to do: knrender doctor --out '{}' --context 'prod'", folder.display()),
        ],
    );
    assert_has(&ran.stderr, &["Waiting for deployment \"activator\" rollout to finish: 0 of 1"]);
    assert_has(&ran.fails(1), &["Deployment knative-serving/activator is not available: not within 3 seconds"]);
    assert_eq!(cluster.state().len(), 73);
}

#[test]
fn why_it_is_stuck_is_told_by_doctor_where_it_is_installed() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    for name in ["knrender", "kubectl-knrender"] {
        cluster.is("idle", "").is("stuck", "");
        let program = format!("bin/{name}");
        cluster.place.write(&program, "#!/bin/sh\necho \"the cause, by $*\"\nexit 1\n");
        fs::set_permissions(cluster.place.path(&program), fs::Permissions::from_mode(0o755)).unwrap();
        let ran = cluster.apply(&["--yes", "--without-controller"]);
        assert_has(&ran.stdout, &[&format!("Why, and what to do: {name} doctor"), "the cause, by doctor --out "]);
        assert_has(&ran.fails(1), &["not within 3 seconds"]);
        fs::remove_file(cluster.place.path(&program)).unwrap();
    }
}

/// What the server says to who may not do something.
fn forbidden(verb: &str, resource: &str) -> String {
    format!(
        "Error from server (Forbidden): {resource}.apps \"activator\" is forbidden: User \"u\" cannot {verb} resource \
         \"{resource}\" in API group \"apps\" in the namespace \"knative-serving\""
    )
}

#[test]
fn rights_that_are_missing_are_said_before_anything_is_changed_each_once() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    let denied = forbidden("create", "deployments");
    let missing_namespace = "Error from server (NotFound): error when creating \"f\": namespaces \"a\" not found";
    let refused = [denied.as_str(), missing_namespace, &denied.replace("activator", "webhook")].join("\\n");
    cluster.is("refuse", &format!("1|* apply *--dry-run=server*|{refused}\n"));
    let said = cluster.apply(&["--yes"]).fails(3);
    let once = "you cannot create resource \"deployments\" in API group \"apps\" in the namespace \"knative-serving\"\n\
                apply.sh: the server refuses this. Nothing was changed.";
    assert!(said.starts_with(once), "{said}");
    assert_eq!(cluster.changes(), Vec::<String>::new());
    // What only a dry run brings about is no refusal.
    let no_dry_run = "Error from server (BadRequest): admission webhook \"a\" does not support dry run";
    cluster.is("refuse", &format!("1|* apply *--dry-run=server*|{missing_namespace}\\n{no_dry_run}\n"));
    cluster.apply(&["--yes"]).ok();
    let changes = cluster.changes();
    let refused = forbidden("delete", "deployments");
    cluster.is("refuse", &format!("1|* delete deployment.apps *--dry-run=server*|{refused}\n"));
    let said = cluster.apply(&["--yes", "--delete"]).fails(3);
    assert_has(&said, &["you cannot delete resource \"deployments\"", "these deletions. Nothing was changed."]);
    assert_eq!(cluster.changes(), changes);
}

#[test]
fn no_line_of_the_script_is_longer_than_120_columns() {
    let Some(cluster) = Cluster::with(&[&PROD[..], &["--internal-tls", "--with", "upgrade-jobs"]].concat()) else {
        return;
    };
    let script = cluster.place.read("out/apply.sh");
    let code = script.split_once("\n# ---- The story").unwrap().1;
    assert_eq!(code.lines().find(|line| line.len() > 120), None);
}

#[test]
fn without_cert_manager_internal_tls_stops_before_anything_is_changed() {
    let Some(cluster) = Cluster::with(&[&PROD[..], &["--internal-tls"]].concat()) else { return };
    cluster.is("cert-manager", "");
    let said = cluster.apply(&["--yes"]).fails(3);
    assert_has(&said, &["cert-manager is missing", "first: sh out/internal-tls/install.sh", "Nothing was changed."]);
    assert_eq!(cluster.changes(), Vec::<String>::new());
    // A rehearsal goes on, and a render without does not ask.
    assert_has(&cluster.apply(&["--dry-run"]).ok().stdout, &["note: cert-manager is missing"]);
    cluster.place.run(&[&PROD[..], &["--out", "out"]].concat()).ok();
    cluster.apply(&["--yes"]).ok();
}

#[test]
fn without_a_load_balancer_controller_the_rest_is_applied_and_its_lack_is_the_last_word() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.is("controller", "").is("controller-webhook", "");
    let ran = cluster.apply(&["--yes"]);
    assert_has(&ran.stdout, &["note: the load balancer controller is missing", "sh out/alb-controller/install.sh"]);
    assert!(!ran.stdout.contains("Wait for the ALB"), "{}", ran.stdout);
    assert_has(&ran.fails(1), &["everything is applied", "no IngressClass alb", "--without-controller"]);
    assert_eq!(cluster.state().len(), 73);
    let said = cluster.apply(&["--yes", "--without-controller"]).ok().stdout;
    assert_has(&said, &["71 unchanged", "Done."]);
}

#[test]
fn a_controller_webhook_without_endpoints_is_waited_for_and_then_named() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.is("controller", "");
    let said = cluster.apply(&["--yes"]).fails(1);
    assert_has(&said, &["kube-system/aws-load-balancer-webhook-service has no ready pod", "not within 3 seconds"]);
    assert_eq!(cluster.changes(), Vec::<String>::new());
}

#[test]
fn the_context_of_another_cluster_is_refused_unless_it_is_named() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    for (name, server) in [
        ("arn:aws:eks:eu-west-1:123456789012:cluster/test", "https://A.gr7.eu-west-1.eks.amazonaws.com"),
        ("arn:aws:eks:us-east-1:123456789012:cluster/prod", "https://A.gr7.us-east-1.eks.amazonaws.com"),
        ("test.eu-west-1.eksctl.io", "https://A.gr7.eu-west-1.eks.amazonaws.com"),
        ("mine", "https://A.gr7.us-east-1.eks.amazonaws.com"),
    ] {
        cluster.emptied().is("cluster", name).is("server", server);
        let ran = cluster.apply(&["--yes"]);
        assert_has(&ran.stdout, &["WRONG?", name]);
        assert_has(&ran.fails(3), &["nothing was changed", "--context"]);
        assert_eq!(cluster.changes(), Vec::<String>::new());
        cluster.apply(&["--yes", "--context", "prod"]).ok();
    }
    cluster.emptied().is("cluster", "prod.eu-west-1.eksctl.io");
    assert!(!cluster.apply(&["--yes"]).ok().stdout.contains("WRONG?"));
}

#[test]
fn a_kubernetes_that_knative_does_not_run_on_is_refused_and_one_that_is_newer_is_noted() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.is("version", "v1.33.1-eks-1");
    assert_has(&cluster.apply(&["--yes"]).fails(3), &["Kubernetes 1.33; knative-serving 1.23.0 ends itself"]);
    assert_eq!(cluster.changes(), Vec::<String>::new());
    let Some(cluster) = Cluster::with(&["--gloo", "v1.3.9", "--rule-set", "seed"]) else { return };
    let said = cluster.apply(&["--yes", "--without-controller"]).ok().stdout;
    assert_has(&said, &["knative-serving 0.10.0, which Gloo bundles supports no newer one than 1.21"]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let Some(cluster) = Cluster::with(&[&PROD[..], &["--internal-tls"]].concat()) else { return };
    let said = cluster.apply(&["--dry-run"]).ok().stdout;
    assert_has(&said, &["created (client dry run)", "it cannot be tried before its CRDs are there"]);
    assert_eq!(cluster.changes(), Vec::<String>::new());
    assert_eq!(cluster.state().len(), 1);
    cluster.apply(&["--yes"]).ok();
    let (state, changes) = (cluster.state(), cluster.changes());
    assert_has(&cluster.apply(&["--dry-run"]).ok().stdout, &["71 unchanged", "Would set config-domain"]);
    cluster.apply(&["--dry-run", "--delete"]).ok();
    assert_eq!((cluster.state(), cluster.changes()), (state, changes));
}

#[test]
fn nothing_is_done_without_a_terminal_or_a_yes_and_a_wrong_option_is_named() {
    let Some(cluster) = Cluster::with(&[]) else { return };
    assert_has(&cluster.apply(&[]).fails(2), &["no terminal", "--yes"]);
    assert_has(&cluster.apply(&["--force"]).fails(2), &["`--force` is not an option"]);
    assert_has(&cluster.apply(&["--context"]).fails(2), &["--context takes a name"]);
    assert_has(&cluster.apply_waiting("soon", &["--yes"]).fails(2), &["`soon`, which is not a number"]);
    insta::assert_snapshot!("help", cluster.apply_waiting("1200", &["--help"]).ok().stdout);
    assert_eq!(cluster.calls(), Vec::<String>::new());
}

#[test]
fn a_render_that_is_half_swapped_is_not_applied() {
    let Some(cluster) = Cluster::with(&[&PROD[..], &["--account-id", "123456789012"]].concat()) else { return };
    cluster.place.write("out/.knrender-stage/journal", "");
    // As every command that reads the folder.
    let lint = cluster.place.run(&["lint", "out"]).fails(3);
    assert_has(&lint, &["partly the old render and partly the new one"]);
    cluster.place.write("bin/helm", "");
    fs::set_permissions(cluster.place.path("bin/helm"), fs::Permissions::from_mode(0o755)).unwrap();
    for (script, arguments) in [
        ("out/apply.sh", &["--yes"][..]),
        ("out/apply.sh", &["--dry-run"]),
        ("out/apply.sh", &["--yes", "--delete"]),
        ("out/alb-controller/install.sh", &["--yes"]),
    ] {
        let output = cluster.command("", script, arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{script} {arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_has(
            &said,
            &["partly the old render and partly the new one", "knrender --out DIR", "Nothing was changed."],
        );
    }
    assert_eq!(cluster.calls(), Vec::<String>::new());
    cluster.place.run(&[&PROD[..], &["--account-id", "123456789012", "--out", "out"]].concat()).ok();
    cluster.apply(&["--yes"]).ok();
}

#[test]
fn it_can_be_called_from_any_folder_and_lie_in_one_with_spaces() {
    let Some(place) = Place::with_upstream() else { return };
    let cluster = Cluster::of(place, "a render/of $mine", &PROD);
    cluster.apply(&["--yes"]).ok();
    let state = cluster.state();
    for (folder, script) in [
        ("a render/of $mine", "apply.sh"),
        ("a render", "of $mine/apply.sh"),
        ("fake", "../a render/of $mine/apply.sh"),
    ] {
        cluster.emptied();
        let output = cluster.command(folder, script, &["--yes"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(cluster.state(), state);
    }
    let mode = fs::metadata(cluster.place.path("a render/of $mine/apply.sh")).unwrap().permissions().mode();
    assert_eq!(mode & 0o100, 0o100);
}

#[test]
fn without_a_domain_knative_gets_the_name_of_the_alb_and_another_choice_stays() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    let said = cluster.apply(&["--yes"]).ok().stdout;
    assert_has(&said, &[&format!("curl -H 'Host: hello.default.{ALB}' http://{ALB}")]);
    assert_eq!(cluster.state()["domains"], format!("{ALB}\n"));
    // Another ALB after the first was deleted.
    cluster.is("address", "k8s-2.eu-west-1.elb.amazonaws.com");
    cluster.apply(&["--yes"]).ok();
    assert_eq!(cluster.state()["domains"], "k8s-2.eu-west-1.elb.amazonaws.com\n");
    cluster.is("domains", "apps.example.org\n");
    let before = cluster.changes().iter().filter(|c| c.contains(" patch ")).count();
    let said = cluster.apply(&["--yes"]).ok().stdout;
    assert_has(&said, &["config-domain names apps.example.org", "hello.default.apps.example.org"]);
    assert_eq!(cluster.changes().iter().filter(|c| c.contains(" patch ")).count(), before);
}

#[test]
fn what_kubectl_says_beside_its_answer_is_not_taken_for_one() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    let log = "E1125 14:36:22.986031   21591 memcache.go:287] \"Unhandled Error\" err=\"couldn't get resource list for \
               custom.metrics.k8s.io/v1beta1: the server is currently unable to handle the request\"";
    let warning = "Warning: extensions/v1beta1 Ingress is deprecated in v1.14+, unavailable in v1.22+";
    cluster.is("noise", &format!("{log}\n{warning}\n"));
    let said = cluster.apply(&["--yes"]).ok().stdout;
    assert_has(&said, &[&format!("curl -H 'Host: hello.default.{ALB}' http://{ALB}"), warning]);
    assert!(!said.contains("memcache"), "{said}");
    assert_eq!(cluster.state()["domains"], format!("{ALB}\n"));
    cluster.apply(&["--yes", "--delete"]).ok();
    assert_eq!(cluster.state().len(), 1, "{:?}", cluster.state().keys());
    cluster.is("controller", "").is("controller-webhook", "");
    assert_has(&cluster.apply(&["--yes"]).fails(1), &["no Deployment with the label", "no IngressClass alb"]);
}

#[test]
fn with_a_domain_the_record_to_make_is_named() {
    let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";
    let flags = [&PROD[..], &["--domain", "apps.example.com", "--certificate-arn", arn]].concat();
    let Some(cluster) = Cluster::with(&flags) else { return };
    let said = cluster.apply(&["--yes"]).ok().stdout;
    let call = format!("curl --connect-to ::{ALB}: https://hello-default.apps.example.com");
    assert_has(&said, &[&format!("*.apps.example.com, an alias (or CNAME) of {ALB}"), &call]);
    assert_eq!(cluster.state()["domains"], "");
}

#[test]
fn deleting_goes_policies_webhooks_ingress_custom_resources_the_rest_namespaces() {
    let flags = [&PROD[..], &["--internal-tls", "--with", "policies"]].concat();
    let Some(cluster) = Cluster::with(&flags) else { return };
    cluster.apply(&["--yes"]).ok();
    cluster.is("objects/services.serving.knative.dev~shop~cart", "kind: Service\n");
    let said = cluster.apply(&["--yes", "--delete"]).ok().stdout;
    assert_has(&said, &["These services.serving.knative.dev go too:\n  cart"]);
    let order = [
        cluster.position(&["delete validatingadmissionpolicybinding.admissionregistration.k8s.io"]),
        cluster.position(&["delete validatingadmissionpolicy.admissionregistration.k8s.io"]),
        cluster.position(&["delete validatingwebhookconfiguration.admissionregistration.k8s.io"]),
        cluster.position(&["delete ingress.networking.k8s.io"]),
        cluster.position(&["get ingress.networking.k8s.io", "kourier-alb --ignore-not-found -o name"]),
        cluster.position(&["delete services.serving.knative.dev", "--all --all-namespaces"]),
        cluster.position(&["delete deployment.apps"]),
        cluster.position(&["delete customresourcedefinition.apiextensions.k8s.io"]),
        cluster.position(&["delete namespace "]),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(cluster.state().len(), 1, "{:?}", cluster.state().keys());
    let namespaces: Vec<_> = cluster.calls().into_iter().filter(|c| c.contains("delete namespace ")).collect();
    assert!(namespaces.iter().all(|c| c.ends_with("knative-serving kourier-system")), "{namespaces:?}");
    cluster.apply(&["--yes", "--delete"]).ok();
}

#[test]
fn an_alb_with_deletion_protection_is_told_before_anything_is_deleted() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.place.write("knrender.yaml", "alb: {deletion-protection: true}\n");
    cluster.place.run(&[&PROD[..], &["--out", "out"]].concat()).ok();
    cluster.apply(&["--yes"]).ok();
    let changes = cluster.changes();
    let said = cluster.apply(&["--yes", "--delete"]).fails(3);
    assert_has(&said, &["has deletion protection", "alb: {deletion-protection: false}", "Nothing was changed"]);
    assert_eq!(cluster.changes(), changes);
}

#[test]
fn gateway_pods_without_readiness_gates_are_replaced_once() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.place.write("knrender.yaml", "alb: {readiness-gates: true}\n");
    cluster.place.run(&[&PROD[..], &["--out", "out"]].concat()).ok();
    cluster.is("ungated", "3scale-kourier-gateway-1\n");
    let restarts = |cluster: &Cluster| cluster.calls().iter().filter(|c| c.contains("rollout restart")).count();
    assert_has(&cluster.apply(&["--yes"]).ok().stdout, &["Restart the gateway"]);
    cluster.apply(&["--yes"]).ok();
    assert_eq!(restarts(&cluster), 1);
}

#[test]
fn an_ingress_that_stays_is_explained_and_nothing_behind_it_is_deleted() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    cluster.apply(&["--yes"]).ok();
    cluster.is("stays", "ingress\n");
    let ran = cluster.apply(&["--yes", "--delete"]);
    assert_has(&ran.stdout, &["Where the controller is gone, that never happens: install it again"]);
    // A finalizer that is taken off leaves an ALB behind.
    assert!(!ran.stdout.contains("\"finalizers\":null"));
    assert_has(&ran.fails(1), &["ingress.networking.k8s.io is still there: not within 3 seconds"]);
    assert!(!cluster.changes().iter().any(|c| c.contains("delete deployment.apps")));
}

#[test]
fn knative_goes_up_one_minor_version_at_a_time() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    for (running, next) in [("1.21.2", "1.22"), ("1.9.0", "1.10"), ("0.26.0", "1.0"), ("0.25.1", "0.26")] {
        cluster.is("running", &format!("knative-serving {running} \n"));
        let said = cluster.apply(&["--yes"]).fails(3);
        assert_has(
            &said,
            &[&format!("Knative {running} runs here"), &format!("knrender --knative {next} --out between/")],
        );
    }
    cluster.is("running", "knative-serving  v0.10.0\n");
    assert_has(&cluster.apply(&["--yes"]).fails(3), &["Knative 0.10.0 runs here"]);
    // Another project's Deployment in the same namespace says nothing about Knative.
    cluster.is("running", "contour 1.30.0 \n").is("refuse", "1|*apply -f *-batch*|error: far enough\n");
    assert_has(&cluster.apply(&["--yes"]).fails(3), &["far enough"]);
    cluster.is("running", "knative-serving 1.25.0 \n");
    assert_has(&cluster.apply(&["--yes"]).fails(3), &["no one goes back so far"]);
    assert_eq!(cluster.state().len(), 1);
    cluster.is("running", "knative-serving 1.22.1 \nknative-serving 1.23.0 \n");
    assert_has(&cluster.apply(&["--yes"]).ok().stdout, &["Knative 1.22.1 runs here: this brings it to 1.23.0"]);
}

#[test]
fn upgrade_jobs_come_after_the_new_core() {
    let Some(cluster) = Cluster::with(&[&PROD[..], &["--with", "upgrade-jobs"]].concat()) else { return };
    cluster.apply(&["--yes"]).ok();
    let core = cluster.position(&["apply", "--selector app notin ("]);
    let ready = cluster.position(&["rollout", "deployment/webhook"]);
    let jobs = cluster.position(&["apply --force", "--selector app in ("]);
    assert!(core < ready && ready < jobs, "{core} {ready} {jobs}");
    cluster.is("job", "Failed");
    let said = cluster.apply(&["--yes"]).fails(1);
    assert_has(&said, &["a log", "failed. Running this again runs it anew"]);
    cluster.position(&["delete job storage-version-migration-serving-1.23.0"]);
}

#[test]
fn where_a_stored_version_goes_its_objects_are_moved_before_the_new_core() {
    let gone = "The CustomResourceDefinition \"domainmappings.serving.knative.dev\" is invalid: status.storedVersions[0]: \
                Invalid value: \"v1alpha1\": missing from spec.versions";
    let refuse = format!("1|*apply*--dry-run=server*|{gone}\n");
    let before = |with: &[&str]| {
        let cluster = Cluster::with(&[&PROD[..], with].concat())?;
        cluster.apply(&["--yes"]).ok();
        cluster.place.write("fake/log", "");
        cluster.is("running", "knative-serving 1.22.1 \n").is("refuse", &refuse);
        Some(cluster)
    };
    let Some(cluster) = before(&["--with", "upgrade-jobs"]) else { return };
    cluster.apply(&["--yes"]).ok();
    let moved = cluster.position(&["apply --force", "--selector app=storage-version-migration-serving"]);
    let deleted = cluster.position(&["delete job storage-version-migration-serving-1.23.0"]);
    let core = cluster.calls().iter().position(|c| c.contains("notin") && !c.contains("--dry-run")).unwrap();
    let again = cluster.position(&["apply --force", "--selector app in ("]);
    assert!(moved < deleted && deleted < core && core < again, "{moved} {deleted} {core} {again}");
    let Some(cluster) = before(&[]) else { return };
    assert_has(&cluster.apply(&["--yes"]).fails(3), &["status.storedVersions[0]", "--with upgrade-jobs"]);
    assert_eq!(cluster.changes(), Vec::<String>::new());
}

#[test]
fn the_seed_stack_goes_controller_first_batch_crds_second_batch() {
    let flags = [&["--gloo", "v1.3.9", "--rule-set", "seed", "--vpc-id", "vpc-0123456789abcdef0"], &PROD[..]].concat();
    let Some(cluster) = Cluster::with(&flags) else { return };
    cluster.is("version", "v1.20.2").is("controller-webhook", "");
    cluster.apply(&["--yes"]).ok();
    let order = [
        cluster.position(&["alb-controller.yaml"]),
        cluster.position(&["apply", "first-batch.yaml"]),
        cluster.position(&["wait --for=condition=Established"]),
        cluster.position(&["apply", "second-batch.yaml"]),
        cluster.position(&["rollout", "kube-system"]),
        cluster.position(&["get ingress.extensions"]),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert_eq!(cluster.state()["domains"], format!("{ALB}\n"));
    assert_eq!(cluster.state().len(), 79);
    cluster.apply(&["--yes", "--delete"]).ok();
    assert_eq!(cluster.state().len(), 1, "{:?}", cluster.state().keys());
}

#[test]
fn objects_too_large_for_client_side_apply_go_server_side() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("knrender.yaml", "keep-descriptions: true\n");
    let cluster = Cluster::of(place, "out", &[&["--gloo", "v1.8.0"], &PROD[..]].concat());
    cluster.apply(&["--yes"]).ok();
    for call in cluster.changes().iter().filter(|c| c.contains(" apply ")) {
        assert_has(call, &["--server-side --force-conflicts"]);
    }
}

#[test]
fn the_lists_in_the_script_are_held() {
    let Some(cluster) = Cluster::with(&[&PROD[..], &["--internal-tls", "--with", "upgrade-jobs"]].concat()) else {
        return;
    };
    let script = cluster.place.read("out/apply.sh");
    insta::assert_snapshot!("lists", script.split("# ---- The story").next().unwrap());
}

#[test]
fn the_contents_at_the_top_are_its_parts_in_order() {
    let Some(cluster) = Cluster::with(&PROD) else { return };
    let script = cluster.place.read("out/apply.sh");
    let top = script.split("set -euf").next().unwrap();
    let named: Vec<_> = top.lines().filter_map(|line| line.strip_prefix("#   ")?.split("  ").next()).collect();
    let parts: Vec<_> = script.lines().filter_map(|line| line.strip_prefix("# ---- ")).collect();
    assert_eq!(named.len(), parts.len(), "{named:?} {parts:?}");
    for (name, part) in named.iter().zip(parts) {
        assert!(part.starts_with(name), "{name} is not {part}");
    }
    assert!(script.ends_with("\nmain \"$@\"\n"));
}

#[test]
fn what_only_another_render_needs_is_not_in_the_script() {
    let Some(cluster) = Cluster::with(&[]) else { return };
    let plain = cluster.place.read("out/apply.sh");
    cluster.place.write("knrender.yaml", "alb: {readiness-gates: true}\n");
    cluster.place.run(&[&PROD[..], &["--internal-tls", "--with", "upgrade-jobs", "--out", "out"]].concat()).ok();
    let all = cluster.place.read("out/apply.sh");
    for part in ["await_job", "check_cert_manager", "new_kinds=yes", "gate_gateway", "its_region"] {
        assert!(!plain.contains(part) && all.contains(part), "{part}");
    }
    for script in [&plain, &all, &cluster.place.read("out/internal-tls/install.sh")] {
        assert!(!script.contains("#if") && !script.contains("#end"), "a mark is left");
    }
}
