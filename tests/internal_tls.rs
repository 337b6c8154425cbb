//! Promise: `--internal-tls` brings what it needs, in order: cert-manager as Fargate takes it, the issuer that the rendered
//! configuration names, and a script that installs both before Knative and touches nothing that is somebody else's.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};

use crate::support::run::Place;
use knrender::value::Value;
use knrender::yaml;

const FIRST: &str = "out/knative-kourier-fargate-first-batch.yaml";
const CLUSTER: [&str; 4] = ["--cluster-name", "prod", "--region", "eu-west-1"];

/// A render with internal TLS; `None` where the upstream files are missing.
fn rendered(flags: &[&str]) -> Option<Place> {
    let place = Place::with_upstream()?;
    place.run(&[&["--internal-tls", "--out", "out"], flags].concat()).ok();
    Some(place)
}

/// The documents of a stream that have a kind and a name.
fn named(stream: &str, kind: &str, name: &str) -> Value {
    let documents = stream.split("\n---\n").map(|text| yaml::parse(text).unwrap());
    let is = |d: &Value| d["kind"] == kind && d["metadata"]["name"] == name;
    documents.into_iter().find(is).unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn the_files_come_with_the_option_and_go_with_it() {
    let Some(place) = rendered(&[]) else { return };
    let files: Vec<String> = place.tree("out/internal-tls").into_keys().collect();
    assert_eq!(files, ["install.sh", "issuers.yaml", "values.yaml"]);
    place.run(&["--out", "out"]).ok();
    assert!(!place.path("out/internal-tls").exists());
    assert!(!place.read(FIRST).contains("systemInternalIssuerRef: \"") && !place.read(FIRST).contains("knrender.dev/"));
}

#[test]
fn the_rendered_configuration_names_the_issuer_that_is_made() {
    for knative in ["1.21", "1.22", "1.23"] {
        let Some(place) = rendered(&["--knative", knative]) else { return };
        let config = named(&place.read(FIRST), "ConfigMap", "config-certmanager");
        // As Knative reads it: YAML in a string.
        let issuer = yaml::parse(config["data"]["systemInternalIssuerRef"].as_str().unwrap()).unwrap();
        let made =
            named(&place.read("out/internal-tls/issuers.yaml"), "ClusterIssuer", issuer["name"].as_str().unwrap());
        assert_eq!((issuer["kind"].as_str(), made["kind"].as_str()), (Some("ClusterIssuer"), Some("ClusterIssuer")));
        let network = named(&place.read(FIRST), "ConfigMap", "config-network");
        assert_eq!(network["data"]["system-internal-tls"], "Enabled");
    }
}

#[test]
fn what_reads_the_setting_at_its_start_starts_anew() {
    let Some(place) = rendered(&[]) else { return };
    let batch = place.read(FIRST);
    for (name, restarts) in [("activator", true), ("controller", true), ("autoscaler", false), ("webhook", false)] {
        let annotations = &named(&batch, "Deployment", name)["spec"]["template"]["metadata"]["annotations"];
        assert_eq!(annotations.get("knrender.dev/system-internal-tls").is_some(), restarts, "{name}");
    }
}

#[test]
fn the_issuers_are_a_chain_whose_root_outlives_its_certificates() {
    let Some(place) = rendered(&[]) else { return };
    let issuers = place.read("out/internal-tls/issuers.yaml");
    let root = &named(&issuers, "Certificate", "knative-selfsigned-ca");
    let signer = named(&issuers, "ClusterIssuer", root["spec"]["issuerRef"]["name"].as_str().unwrap());
    assert!(signer["spec"]["selfSigned"].is_object(), "{signer}");
    let issuer = named(&issuers, "ClusterIssuer", "knative-selfsigned-issuer");
    assert_eq!(issuer["spec"]["ca"]["secretName"], root["spec"]["secretName"]);
    // A ClusterIssuer reads its Secret in the namespace that the script installs into.
    assert_eq!(root["metadata"]["namespace"], "cert-manager");
    assert!(place.read("out/internal-tls/install.sh").contains("--namespace cert-manager \\\n    --create-namespace"));
    // cert-manager renews no certificate because its CA is new, so that the CA's key must stay, and its end be far.
    assert_eq!((&root["spec"]["isCA"], &root["spec"]["duration"]), (&true.into(), &"87600h".into()));
    assert_eq!(root["spec"]["privateKey"]["rotationPolicy"], "Never");
}

#[test]
fn no_pod_of_cert_managers_listens_where_the_kubelet_does() {
    let Some(place) = rendered(&[]) else { return };
    let values = yaml::parse(&place.read("out/internal-tls/values.yaml")).unwrap();
    assert_eq!(values["webhook"]["securePort"], 10260);
    assert_eq!(values["crds"]["enabled"], true);
    for part in ["", "/webhook", "/cainjector"] {
        assert_eq!(values.pointer(&format!("{part}/resources/requests/memory")).unwrap(), "200Mi", "{part}");
    }
    assert_eq!(values["webhook"]["replicaCount"], 2);
    place.run(&["--internal-tls", "--out", "out", "--ha=false"]).ok();
    assert!(yaml::parse(&place.read("out/internal-tls/values.yaml")).unwrap()["webhook"].get("replicaCount").is_none());
}

#[test]
fn its_pods_have_a_profile_and_a_price() {
    let Some(place) = rendered(&CLUSTER) else { return };
    assert!(place.read("out/cluster/eksctl.yaml").contains("  - namespace: \"cert-manager\"\n"));
    let line = |text: String| text.lines().find(|line| line.contains("cert-manager")).map(str::to_owned);
    let of_the_render = line(place.read("out/about/plan.txt")).unwrap();
    assert!(of_the_render.contains('4'), "{of_the_render}");
    assert_eq!(line(place.run(&["plan", "out"]).ok().stdout), Some(of_the_render));
    place.run(&[&CLUSTER[..], &["--out", "out"]].concat()).ok();
    assert_eq!(line(place.read("out/about/plan.txt")), None);
}

#[test]
fn the_summary_installs_it_before_knative_and_says_what_is_not_known() {
    for layout in [&[][..], &["--layout", "argocd"], &["--layout", "flux"]] {
        let Some(place) = Place::with_upstream() else { return };
        let said = place.run(&[&CLUSTER[..], &["--internal-tls", "--out", "out"], layout].concat()).ok().stderr;
        let install = said.find("sh out/internal-tls/install.sh").unwrap_or_else(|| panic!("{said}"));
        let then = if layout.is_empty() { "sh out/apply.sh" } else { "kubectl apply -" };
        assert!(install < said.find(then).unwrap(), "{said}");
        assert!(said.contains("experimental in Knative"), "{said}");
        if !layout.is_empty() {
            assert!(place.read("out/gitops/README.md").contains("`sh ../internal-tls/install.sh`"));
        }
    }
}

#[test]
fn what_it_cannot_be_had_with_is_refused() {
    let Some(place) = Place::with_upstream() else { return };
    for (flags, why) in [
        (&["--gloo", "v1.8.0"][..], "works with Kourier alone"),
        (&["--gloo", "v1.3.9", "--rule-set", "seed"], "--rule-set seed has no internal TLS"),
        (&["--knative", "1.14.1", "--kourier", "1.14.1"], "needs Knative 1.15 or newer"),
    ] {
        let error = place.run(&[&["--internal-tls", "--out", "out"], flags].concat()).fails(2);
        assert!(error.contains(why), "{flags:?}: {error}");
    }
}

// ---- install.sh ----

/// A kubectl that knows the cluster, and answers as a cluster without cert-manager does.
const KUBECTL: &str = "\
case $* in
*current-context*) echo mine ;;
*view*server*) echo https://ABC.gr7.eu-west-1.eks.amazonaws.com ;;
*view*) echo arn:aws:eks:eu-west-1:123456789012:cluster/prod ;;
*knrender.dev/installs*) echo \"${OURS-}\" ;;
*'get deployments'*) echo \"${RUNNING-}\" ;;
*--dry-run=server*) [ -z \"${REFUSES-}\" ] || { echo 'no endpoints available for service \"cert-manager-webhook\"' >&2; exit 1; } ;;
*wait*) exit \"${NEVER_READY:-0}\" ;;
esac";

/// Runs install.sh with a kubectl and a helm that write down how they were called.
fn install(place: &Place, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    for (name, script) in [("kubectl", KUBECTL), ("helm", "exit \"${HELM_FAILS:-0}\"")] {
        place.write(&format!("bin/{name}"), &format!("#!/bin/sh\necho \"{name} $*\" >>\"$CALLS\"\n{script}\n"));
        fs::set_permissions(place.path(&format!("bin/{name}")), fs::Permissions::from_mode(0o755)).unwrap();
    }
    place.write("calls", "");
    Command::new("sh")
        .arg(place.path("out/internal-tls/install.sh"))
        .args(arguments)
        .env("PATH", format!("{}:/usr/bin:/bin", place.path("bin").display()))
        .env("CALLS", place.path("calls"))
        .env("KNRENDER_WAIT", "0")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The calls that change something, or wait.
fn deeds(place: &Place) -> Vec<String> {
    let is_deed = |call: &&str| ["helm", " apply ", " wait "].iter().any(|word| call.contains(word));
    place.read("calls").lines().filter(is_deed).map(str::to_owned).collect()
}

#[test]
fn cert_manager_comes_first_then_the_webhooks_word_then_the_issuers() {
    let Some(place) = rendered(&CLUSTER) else { return };
    for ours in ["", "deployment.apps/cert-manager"] {
        let running = if ours.is_empty() { "" } else { "cert-manager v1.20.0" };
        // Again, with what it made the first time.
        let output = install(&place, &["--yes"], &[("OURS", ours), ("RUNNING", running)]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let calls = deeds(&place);
        let starts = [
            "helm upgrade --install cert-manager oci://quay.io/jetstack/charts/cert-manager --version v1.21.1 --kube-context mine \
             --namespace cert-manager --create-namespace --values ",
            "kubectl --context mine apply --dry-run=server --filename ",
            "kubectl --context mine apply --filename ",
            "kubectl --context mine wait clusterissuer/knative-selfsigned-issuer --for=condition=Ready --timeout=0s",
        ];
        assert_eq!(calls.len(), starts.len(), "{calls:#?}");
        for (call, start) in calls.iter().zip(starts) {
            assert!(call.starts_with(start), "{call}");
        }
        assert!(calls[0].ends_with("/out/internal-tls/values.yaml --wait --timeout 0s"), "{}", calls[0]);
        assert!(calls[2].ends_with("/out/internal-tls/issuers.yaml"), "{}", calls[2]);
    }
}

#[test]
fn a_cert_manager_of_somebody_elses_stays_as_it_is() {
    let Some(place) = rendered(&CLUSTER) else { return };
    let theirs = [("RUNNING", "cert-manager v1.19.0")];
    let output = install(&place, &["--yes"], &theirs);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{error}");
    assert!(error.contains("was not installed by this script") && error.contains("--issuers-only uses it"), "{error}");
    assert_eq!(deeds(&place), Vec::<String>::new());
    assert!(install(&place, &["--yes", "--issuers-only"], &theirs).status.success());
    let calls = deeds(&place);
    assert!(calls.len() == 3 && calls.iter().all(|call| !call.starts_with("helm")), "{calls:#?}");
}

#[test]
fn the_installation_stops_with_what_to_do_next() {
    let Some(place) = rendered(&CLUSTER) else { return };
    for (arguments, environment, code, said, changes) in [
        (&[][..], &[][..], 2, "there is no terminal to ask at; --yes asks nothing", 0),
        (&["--yse"], &[], 2, "`--yse` is not an option; --help lists them", 0),
        (&["--yes"], &[("KNRENDER_WAIT", "5m")], 2, "KNRENDER_WAIT is `5m`", 0),
        (&["--yes", "--issuers-only"], &[], 3, "there is no cert-manager in this cluster", 0),
        (&["--yes", "--issuers-only"], &[("RUNNING", "tls v1.21.1")], 3, "cert-manager runs in namespace tls", 0),
        (&["--yes"], &[("HELM_FAILS", "1")], 1, "cert-manager did not become available", 1),
        (&["--yes"], &[("REFUSES", "1")], 1, "no endpoints available for service \"cert-manager-webhook\"", 2),
        (&["--yes"], &[("NEVER_READY", "1")], 1, "the issuer did not become ready", 4),
    ] {
        let output = install(&place, arguments, environment);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(said), "{said}: {error}");
        assert_eq!(deeds(&place).len(), changes, "{said}");
    }
}

#[test]
fn another_clusters_context_is_refused_by_its_name() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--internal-tls", "--cluster-name", "test", "--region", "eu-west-1", "--out", "out"]).ok();
    let output = install(&place, &["--yes"], &[]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("the current context is another cluster's"));
    assert_eq!(deeds(&place), Vec::<String>::new());
}

#[test]
fn help_says_how_to_install_and_how_to_remove() {
    let Some(place) = rendered(&[]) else { return };
    let output = install(&place, &["--help"], &[]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    for part in
        ["--issuers-only", "KNRENDER_WAIT", "apply.sh --delete leaves cert-manager", "helm uninstall", "exit codes:"]
    {
        assert!(said.contains(part), "no {part:?} in: {said}");
    }
    assert_eq!(place.read("calls"), "");
}
