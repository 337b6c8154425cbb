//! Promise: `knrender app` writes a Service that passes every check of knrender, with no upstream, no network and no file of
//! its own, and says what becomes of it.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::run::Place;
use knrender::yaml;

/// Calls with every flag among them.
const CALLS: [&[&str]; 4] = [
    &["app", "hello", "--image", "ghcr.io/org/hello:1.2.3"],
    &[
        "app",
        "always-on",
        "--image",
        "ghcr.io/org/hello:1.2.3",
        "--min-scale",
        "1",
        "--max-scale",
        "4",
        "--timeout",
        "60",
    ],
    &["app", "big", "--image", "ghcr.io/org/big:1.2.3", "--cpu", "1", "--memory", "1Gi", "--min-scale", "2"],
    &[
        "app",
        "all",
        "--image",
        "ghcr.io/org/all:1.2.3",
        "--namespace",
        "shop",
        "--port",
        "h2c:50051",
        "--env",
        "DEBUG=yes",
        "--env",
        "SINCE=2026-01-01",
        "--env-from",
        "configmap:all",
        "--env-from",
        "secret:all",
        "--command",
        "/bin/all",
        "--arg",
        "--verbose",
        "--arg",
        "no",
        "--service-account",
        "all",
        "--visibility",
        "cluster-local",
        "--max-scale",
        "10",
        "--concurrency",
        "20",
        "--target",
        "10",
        "--timeout",
        "300",
        "--retention",
        "15m",
        "--cpu",
        "475m",
        "--memory",
        "768Mi",
    ],
];

#[test]
fn services_and_summaries_are_held() {
    let place = Place::new();
    for call in CALLS {
        let ran = place.run(call).ok();
        insta::assert_snapshot!(format!("app-{}", call[1]), format!("{}\n{}", ran.stderr, ran.stdout));
    }
}

#[test]
fn lint_validate_and_plan_agree_with_it() {
    let place = Place::new();
    for call in CALLS {
        let json = place.run(&[call, &["--format", "json"]].concat()).ok().json();
        let text = place.run(call).ok().stdout;
        assert_eq!(serde_json::Value::from(yaml::parse(&text).unwrap()), json["object"]);
        place.run_with_input(&["lint", "--strict", "-"], &text).ok();
        place.run_with_input(&["validate", "--strict", "-"], &text).ok();
        let plan = place.run_with_input(&["plan", "--format", "json", "-"], &text).ok().json();
        assert_eq!(plan["pods"][0]["size"]["Ok"], json["summary"]["size"], "{call:?}");
        assert_eq!(plan["pods"][0]["each"], json["summary"]["pod"], "{call:?}");
        assert_eq!(plan["total"], json["summary"]["least"], "{call:?}");
    }
}

#[test]
fn a_text_that_looks_like_something_else_stays_a_text() {
    let place = Place::new();
    for value in
        ["yes", "no", "012", "1e3", "2026-01-01", "12:30:00", "~", "null", "", " a ", "a: b", "#", "a\nb", "\u{feff}"]
    {
        let text = place.run(&["app", "a", "--image", "x/a:1.0.0", "--env", &format!("A={value}")]).ok().stdout;
        let env = &yaml::parse(&text).unwrap()["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"];
        assert_eq!(env, value);
    }
}

#[test]
fn domain_region_and_time_outs_come_from_knrender_yaml_and_flags_win() {
    let place = Place::new();
    place.write("knrender.yaml", "domain: apps.example.com\ncold-start: 500\nscale-to-zero-retention: 20m\n");
    let app = ["app", "hello", "--image", "x/hello:1.0.0"];
    let said = place.run(&[&app[..], &["--timeout", "840"]].concat()).ok().stderr;
    for part in ["http://hello.default.apps.example.com", "about 20m after", "up to 500 s", "840 s"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let said = place.run(&[&app[..], &["--domain", "b.example"]].concat()).ok().stderr;
    assert!(said.contains("http://hello.default.b.example"), "{said}");
    assert!(place.run(&[&app[..], &["--timeout", "841"]].concat()).fails(2).contains("1 to 840"));
    assert_eq!(place.run(&[&app[..], &["--quiet"]].concat()).ok().stderr, "");
}

#[test]
fn a_time_that_is_longer_than_go_can_hold_is_refused_by_its_name() {
    let place = Place::new();
    for option in ["--scale-to-zero-retention", "--cold-start"] {
        let why = place.run(&["render", option, "9999999h"]).fails(2);
        assert!(why.contains(option) && why.contains("9999999h"), "{why}");
    }
    assert!(place.run(&["app", "a", "--image", "x/a:1", "--retention", "9999999h"]).fails(2).contains("--retention"));
    place.write("knrender.yaml", "cold-start: 90\nscale-to-zero-retention: 9999999h\n");
    let why = place.run(&["render"]).fails(2);
    assert!(why.contains("line 2") && why.contains("`scale-to-zero-retention`"), "{why}");
}

#[test]
fn what_lint_warns_of_is_warned_of_and_what_it_refuses_is_refused() {
    let place = Place::new();
    let floating = place.run(&["app", "a", "--image", "x/a:latest", "--quiet"]).ok();
    assert!(
        floating.stderr.starts_with("warning: ") && floating.stderr.contains("better the digest"),
        "{}",
        floating.stderr
    );
    let refused = place.run(&["app", "a", "--image", "arm64v8/a:1.0.0"]).fails(2);
    assert!(refused.contains("would not run") && refused.contains("not-x86-linux"), "{refused}");
    place.write("knrender.yaml", "fargate-profiles: [{name: a, selectors: [{namespace: shop}]}]\n");
    assert!(place.run(&["app", "a", "--image", "x/a:1.0.0"]).fails(2).contains("namespace-without-profile"));
    place.run(&["app", "a", "--image", "x/a:1.0.0", "--namespace", "shop"]).ok();
}

#[test]
fn it_is_what_the_crd_of_the_render_takes() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--out", "out"]).ok();
    for call in CALLS {
        place.write(&format!("apps/{}.yaml", call[1]), &place.run(call).ok().stdout);
    }
    let ran = place
        .run(&["validate", "--strict", "--format", "json", "out/knative-kourier-fargate-first-batch.yaml", "apps"])
        .ok();
    assert!(!ran.json()["findings"].as_array().unwrap().iter().any(|f| f["code"] == "not-checked"), "{}", ran.stdout);
}

#[test]
fn the_demos_of_a_render_are_what_app_would_write() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--out", "out"]).ok();
    for (name, flags) in [("hello", &[][..]), ("always-on", &["--min-scale", "1"])] {
        let demo = place.read(&format!("out/apps/{name}.yaml"));
        let service: String = demo.lines().filter(|l| !l.starts_with('#')).map(|l| format!("{l}\n")).collect();
        let object = yaml::parse(&service).unwrap();
        let container = &object["spec"]["template"]["spec"]["containers"][0];
        let env = format!("PODINFO_UI_MESSAGE={}", container["env"][0]["value"].as_str().unwrap());
        let image = container["image"].as_str().unwrap();
        let call = [&["app", name, "--image", image, "--port", "9898", "--env", &env, "--run-as-user", "1000"], flags]
            .concat();
        assert_eq!(place.run(&call).ok().stdout, service);
    }
    let plan = place.run(&["plan"]).ok();
    assert!(!plan.stdout.contains("always-on") && plan.stderr.contains("`knrender plan out/apps`"), "{}", plan.stderr);
    assert!(place.run(&["plan", "out/apps"]).ok().stdout.contains("always-on"));
    place.run(&["lint", "--strict", "out/apps"]).ok();
    place.run(&["--out", "shop", "--app-namespace", "shop", "--app-namespace", "team-*"]).ok();
    assert!(place.read("shop/apps/hello.yaml").contains("namespace: shop\n"));
    place.run(&["--out", "teams", "--app-namespace", "team-*"]).ok();
    assert!(!place.path("teams/apps").exists());
}

#[test]
fn a_namespace_that_no_profile_of_the_stack_takes_is_told() {
    let place = Place::new();
    place.write("knrender.yaml", "cluster-name: prod\nregion: eu-west-1\napp-namespaces: [team-*]\n");
    let app = ["app", "hello", "--image", "ghcr.io/org/hello:1.2.3", "--namespace"];
    let said = place.run(&[&app[..], &["payments"]].concat()).ok().stderr;
    assert!(said.contains("warning: No Fargate profile of this stack takes pods of payments"), "{said}");
    assert!(!place.run(&[&app[..], &["team-a"]].concat()).ok().stderr.contains("No Fargate profile"));
}

const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop:1.2.3";

#[test]
fn an_image_in_ecr_by_tag_is_told_who_looks_it_up_and_with_which_right() {
    let place = Place::new();
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = plain(&place.run(&["app", "shop", "--image", ECR]).ok().stderr);
    assert!(said.contains("pod execution role") && said.contains("never becomes ready"), "{said}");
    assert!(said.contains("ecr-tag-unknown"), "{said}");
    place.write("knrender.yaml", "cluster-name: prod\nregion: eu-west-1\naccount-id: '123456789012'\n");
    let said = plain(&place.run(&["app", "shop", "--image", ECR]).ok().stderr);
    assert!(said.contains("with the role of ServiceAccount/knative-serving/controller"), "{said}");
    assert!(!said.contains("ecr-tag"), "{said}");
    let skip = "cluster-name: prod\nregion: eu-west-1\naccount-id: '123456789012'\necr-tags: skip\n";
    place.write("knrender.yaml", skip);
    assert!(plain(&place.run(&["app", "shop", "--image", ECR]).ok().stderr).contains("nobody looks up its tag"));
}

#[test]
fn a_service_account_with_a_role_is_written_before_the_service() {
    let place = Place::new();
    let arn = "arn:aws:iam::123456789012:role/shop";
    let call = ["app", "shop", "--image", "ghcr.io/org/shop:1.2.3", "--service-account", "shop", "--role-arn", arn];
    let ran = place.run(&call).ok();
    let (account, service) = ran.stdout.split_once("---\n").unwrap();
    let (account, service) = (yaml::parse(account).unwrap(), yaml::parse(service).unwrap());
    assert_eq!(account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"], arn);
    assert_eq!((&account["kind"], &account["metadata"]["name"]), (&"ServiceAccount".into(), &"shop".into()));
    assert_eq!(service["spec"]["template"]["spec"]["serviceAccountName"], "shop");
    assert!(
        ran.stderr.contains("system:serviceaccount:default:shop") && ran.stderr.contains("eksctl"),
        "{}",
        ran.stderr
    );
    place.write("shop.yaml", &ran.stdout);
    place.run(&["lint", "shop.yaml"]).ok();
}

#[test]
fn a_role_that_is_none_is_refused_and_one_of_another_account_is_told() {
    let place = Place::new();
    let with = |arn: &str| {
        place.run(&["app", "a", "--image", "ghcr.io/o/a:1.2.3", "--service-account", "a", "--role-arn", arn])
    };
    for arn in [
        "shop",
        "arn:aws:iam::1234:role/a",
        "arn:aws:iam::123456789012:user/a",
        "arn:aws:iam:eu-west-1:123456789012:role/a",
    ] {
        assert!(with(arn).fails(2).contains("--role-arn"), "{arn}");
    }
    place.write("knrender.yaml", "account-id: '123456789012'\n");
    assert!(with("arn:aws:iam::210987654321:role/a").ok().stderr.contains("account 210987654321"));
    let alone =
        place.run(&["app", "a", "--image", "ghcr.io/o/a:1.2.3", "--role-arn", "arn:aws:iam::123456789012:role/a"]);
    assert!(alone.fails(2).contains("--service-account"));
}

#[test]
fn a_pull_secret_is_named_in_the_pod() {
    let place = Place::new();
    let call = ["app", "a", "--image", "shop.azurecr.io/a:1.2.3", "--pull-secret", "azure"];
    let object = yaml::parse(&place.run(&call).ok().stdout).unwrap();
    assert_eq!(object["spec"]["template"]["spec"]["imagePullSecrets"][0]["name"], "azure");
    let bad = place.run(&["app", "a", "--image", "shop.azurecr.io/a:1.2.3", "--pull-secret", "A B"]);
    assert!(bad.fails(2).contains("--pull-secret"));
}

#[test]
fn a_report_for_programs_does_not_keep_the_file_from_being_written() {
    let place = Place::new();
    let app = ["app", "web", "--image", "ghcr.io/org/web:1.0", "--out", "web.yaml"];
    let report = place.run(&[&app[..], &["--format", "json"]].concat()).ok().json();
    assert_eq!(report["object"]["metadata"]["name"], "web");
    assert!(place.read("web.yaml").contains("kind: Service"));
}
