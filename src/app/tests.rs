#![allow(clippy::needless_pass_by_value, clippy::unnecessary_wraps)] // short to call

use super::summary::Summary;
use super::*;
use crate::config::Ask;
use crate::fargate::cost::Prices;
use crate::rewrite::rule::RuleSet;
use crate::upstream::catalog::Catalog;

fn terms(ask: Ask) -> Terms {
    Terms::of(&Stack::resolve(&ask, &Catalog::embedded()).unwrap())
}

fn app() -> App {
    App { name: "hello".into(), image: "ghcr.io/org/hello:1.2.3".into(), ..App::default() }
}

fn error(app: &App) -> String {
    app.object(&terms(Ask::default())).unwrap_err().to_string()
}

fn summary(app: &App, ask: Ask) -> Summary {
    Summary::of(app, &terms(ask), &Prices::embedded().unwrap()).unwrap()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn without_a_word_about_resources_it_fills_the_smallest_size_to_the_last_unit() {
    let summary = summary(&app(), Ask::default());
    assert_eq!(summary.size, "0.25 vCPU / 0.5 GB");
    assert_eq!((summary.app.cpu.as_str(), summary.app.memory.as_str()), ("225m", "256Mi"));
    assert_eq!(summary.saving, None);
}

#[test]
fn what_is_asked_for_stays_and_the_rest_of_the_size_comes_with_it() {
    let of = |cpu: Option<&str>, memory: Option<&str>| {
        let app = App { cpu: cpu.map(str::to_owned), memory: memory.map(str::to_owned), ..app() };
        let summary = summary(&app, Ask::default());
        (summary.size, summary.app.cpu, summary.app.memory)
    };
    let is = |size: &str, cpu: &str, memory: &str| (size.to_owned(), cpu.to_owned(), memory.to_owned());
    assert_eq!(of(Some("100m"), None), is("0.25 vCPU / 0.5 GB", "100m", "256Mi"));
    assert_eq!(of(None, Some("512Mi")), is("0.25 vCPU / 1 GB", "225m", "512Mi"));
    assert_eq!(of(Some("975m"), None), is("1 vCPU / 2 GB", "975m", "1792Mi"));
}

#[test]
fn just_over_a_size_it_is_said_what_less_would_save() {
    let over = summary(&App { cpu: some("1"), ..app() }, Ask::default());
    assert_eq!(over.size, "2 vCPU / 4 GB");
    let saving = over.saving.unwrap();
    assert_eq!((saving.change.as_str(), saving.fits.as_str()), ("25m less CPU", "1 vCPU / 2 GB"));
}

#[test]
fn queue_proxys_share_is_the_stacks() {
    let ask = Ask { queue_proxy_cpu: some("50m"), queue_proxy_memory: some("64Mi"), ..Ask::default() };
    let app = app();
    let summary = summary(&app, ask.clone());
    assert_eq!((summary.app.cpu.as_str(), summary.app.memory.as_str()), ("200m", "192Mi"));
    assert_eq!(summary.queue_proxy, "50m and 64Mi");
    let annotations = &app.object(&terms(ask)).unwrap()["spec"]["template"]["metadata"]["annotations"];
    assert_eq!(annotations["queue.sidecar.serving.knative.dev/cpu-resource-request"], "50m");
}

#[test]
fn the_url_is_what_the_stacks_domain_template_makes() {
    let url = |ask: Ask| summary(&app(), ask).url;
    let domain = Ask { domain: some("apps.example.com"), ..Ask::default() };
    let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/1111-2222";
    assert_eq!(url(domain.clone()), "http://hello.default.apps.example.com");
    assert_eq!(url(Ask { certificate_arn: some(arn), ..domain }), "https://hello-default.apps.example.com");
    assert!(url(Ask::default()).contains("kubectl get ksvc hello -n default"));
}

#[test]
fn annotations_and_labels_are_spelled_as_the_stacks_knative_reads_them() {
    let app = App { min_scale: Some(1), visibility: Some(Visibility::ClusterLocal), ..app() };
    let seed = Ask { gloo: some("v1.3.9"), rule_set: Some(RuleSet::Seed), ..Ask::default() };
    for (ask, min, label) in [
        (Ask::default(), "min-scale", "networking.knative.dev/visibility"),
        (
            Ask { knative: some("v1.0.0"), kourier: some("v1.0.0"), ..Ask::default() },
            "minScale",
            "networking.knative.dev/visibility",
        ),
        (seed.clone(), "minScale", "serving.knative.dev/visibility"),
    ] {
        let object = app.object(&terms(ask)).unwrap();
        assert_eq!(object["metadata"]["labels"][label], "cluster-local");
        let annotations = &object["spec"]["template"]["metadata"]["annotations"];
        assert_eq!(annotations[format!("autoscaling.knative.dev/{min}")], "1");
    }
    let retention = App { retention: "10m".parse().ok(), ..super::tests::app() };
    assert!(retention.object(&terms(seed)).unwrap_err().to_string().contains("Knative 0.10"));
}

#[test]
fn what_could_not_run_is_refused_with_the_flag_to_change() {
    let long = "a".repeat(64);
    let env = |text: &str| App { env: vec![text.to_owned()], ..app() };
    let port = |text: &str| App { port: some(text), ..app() };
    for (bad, says) in [
        (App { name: "Hello".into(), ..app() }, "no name for a Service"),
        (App { name: "1st".into(), ..app() }, "a letter first"),
        (App { name: long, ..app() }, "63 at the most"),
        (App { namespace: some("a.b"), ..app() }, "--namespace"),
        (App { image: "ghcr.io/Org/hello".into(), ..app() }, "not an image reference"),
        (App { image: "hello:".into(), ..app() }, "not an image reference"),
        (App { image: "hello@sha256:12".into(), ..app() }, "not an image reference"),
        (port("0"), "not a port"),
        (port("tcp:80"), "not a port"),
        (port("+80"), "not a port"),
        (port("8012"), "queue-proxy"),
        (port("h2c:9091"), "queue-proxy"),
        (port("10250"), "kubelet"),
        (env("A"), "not KEY=VALUE"),
        (env("1A=b"), "not KEY=VALUE"),
        (env("PORT=80"), "--port"),
        (env("K_SERVICE=a"), "Knative sets it"),
        (App { env: vec!["A=1".into(), "A=2".into()], ..app() }, "given twice"),
        (App { env_from: vec!["vault:a".into()], ..app() }, "configmap:NAME"),
        (App { service_account: some("A"), ..app() }, "--service-account"),
        (App { min_scale: Some(3), max_scale: Some(2), ..app() }, "more than --max-scale 2"),
        (App { max_scale: Some(0), ..app() }, "leave it out"),
        (App { concurrency: Some(1001), ..app() }, "1 to 1000"),
        (App { concurrency: Some(1), target: Some(2), ..app() }, "never reached"),
        (App { target: Some(0), ..app() }, "1 or more"),
        (App { retention: "2h".parse().ok(), ..app() }, "1h at the most"),
        (App { retention: "5m".parse().ok(), min_scale: Some(1), ..app() }, "always stays"),
        (App { timeout: Some(Seconds(601)), ..app() }, "1 to 600 seconds"),
        (App { timeout: Some(Seconds(30)), ..app() }, "--min-scale 1"),
        (App { cpu: some("a lot"), ..app() }, "500m or 1"),
        (App { cpu: some("0"), ..app() }, "500m or 1"),
        (App { cpu: some("16"), ..app() }, "no Fargate size"),
        (App { memory: some("120Gi"), ..app() }, "no Fargate size"),
        (App { memory: some("512"), ..app() }, "512Mi"),
    ] {
        let said = error(&bad);
        assert!(said.contains(says), "{bad:?}: {said}");
    }
}

#[test]
fn what_can_run_is_not_refused() {
    let digest = format!("registry.example:5000/team/app:1.2@sha256:{}", "0a".repeat(32));
    for good in [
        App { image: digest, ..app() },
        App { image: "nginx".into(), ..app() },
        App { image: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:1.0_rc-2".into(), ..app() },
        App { timeout: Some(Seconds(30)), min_scale: Some(1), ..app() },
        App { timeout: Some(Seconds(90)), ..app() },
        App { retention: "1h".parse().ok(), port: some("h2c:50051"), ..app() },
        App { env: vec!["A=b=c".into(), "app.name=".into()], env_from: vec!["secret:a.b".into()], ..app() },
        App { cpu: some("15975m"), memory: some("119Gi"), ..app() },
    ] {
        good.object(&terms(Ask::default())).unwrap_or_else(|e| panic!("{good:?}: {e}"));
    }
}

#[test]
fn a_host_name_of_one_label_has_to_fit_one() {
    let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/1111-2222";
    let https = Ask { domain: some("a.example"), certificate_arn: some(arn), ..Ask::default() };
    let long = App { name: "a".repeat(56), ..app() };
    assert!(long.object(&terms(Ask::default())).is_ok());
    assert!(long.object(&terms(https)).unwrap_err().to_string().contains("has 64 characters"));
}

#[test]
fn a_container_that_is_not_root_has_all_that_knative_warns_of_and_an_old_knative_only_what_it_lets_pass() {
    let app = App { run_as_user: Some(1000), ..app() };
    let context = |knative: Option<&str>| {
        let terms = Terms { knative: knative.map(|v| v.parse().unwrap()), ..terms(Ask::default()) };
        app.object(&terms).unwrap().pointer("/spec/template/spec/containers/0/securityContext").cloned().unwrap()
    };
    let now = context(Some("1.23.0"));
    for field in ["allowPrivilegeEscalation", "capabilities", "runAsNonRoot", "seccompProfile", "runAsUser"] {
        assert!(now.get(field).is_some(), "{field}");
    }
    assert_eq!(context(None), crate::value::json!({"runAsUser": 1000}));
}
