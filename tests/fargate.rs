//! Promise: what is rendered fits Fargate, and `plan` says what it becomes and costs.

#![allow(clippy::unwrap_used, clippy::panic, clippy::format_push_string)]

#[path = "support/run.rs"]
mod run;

use std::io::Write as _;
use std::process::{Command, Stdio};

use knrender::yaml;
use run::Place;
use serde_json::Value;

const FIRST: &str = "out/knative-kourier-fargate-first-batch.yaml";

/// The value at a pointer of one object of a stream.
fn at(stream: &str, kind: &str, name: &str, pointer: &str) -> Value {
    let objects = stream.split("\n---\n").filter_map(|text| yaml::parse(text).ok());
    let mut found = objects.filter(|o| o["kind"] == kind && o["metadata"]["name"] == name);
    found.next().unwrap_or_else(|| panic!("{kind} {name}")).pointer(pointer).cloned().unwrap_or_default()
}

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: web
        resources:
          requests: {cpu: 300m, memory: 60Mi}
";

#[test]
fn the_default_stacks_plan_is_what_the_rule_book_reckons_by_hand() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--out", "out", "--ha=false"]).ok();
    let plan = place.run(&["plan", "--format", "json"]).ok().json();
    // Five of 0.25 vCPU / 0.5 GB and the activator with 0.5 vCPU / 1 GB, at $0.04048 and $0.004445 an hour:
    // 5 * (0.25 * 0.04048 + 0.5 * 0.004445) + 0.5 * 0.04048 + 0.004445 = 0.0863975; times 730 = 63.070175
    assert_eq!(plan["total"]["hour"], "0.0863975");
    assert_eq!(plan["total"]["month"], "63.0701750");
    let sizes: Vec<_> = plan["pods"].as_array().unwrap().iter().map(|p| p["size"]["Ok"].as_str().unwrap()).collect();
    assert_eq!(sizes.iter().filter(|s| **s == "0.25 vCPU / 0.5 GB").count(), 5);
    assert_eq!(sizes.iter().filter(|s| **s == "0.5 vCPU / 1 GB").count(), 1);
    place.run(&["--out", "out"]).ok();
    assert_eq!(place.run(&["plan"]).ok().stdout, place.read("out/about/plan.txt"));
    insta::assert_snapshot!("plan-default", place.read("out/about/plan.txt"));
}

#[test]
fn two_of_each_on_the_traffic_path_by_hpa_or_by_number() {
    let Some(place) = Place::with_upstream() else { return };
    let replicas = |flags: &[&str]| {
        place.run(&[&["--out", "out"], flags].concat()).ok();
        let stream = place.read(FIRST);
        let hpas = stream.matches("kind: HorizontalPodAutoscaler\n").count();
        let gateway = at(&stream, "Deployment", "3scale-kourier-gateway", "/spec/replicas");
        let activator = at(&stream, "Deployment", "activator", "/spec/replicas");
        let minimum = if hpas > 0 {
            at(&stream, "HorizontalPodAutoscaler", "3scale-kourier-gateway", "/spec/minReplicas")
        } else {
            Value::Null
        };
        (hpas, gateway, activator, minimum)
    };
    let null = Value::Null;
    assert_eq!(replicas(&[]), (3, null.clone(), null.clone(), 2.into()));
    assert_eq!(replicas(&["--ha=false"]), (3, null.clone(), null.clone(), 1.into()));
    assert_eq!(replicas(&["--hpa", "fixed"]), (0, 2.into(), 2.into(), null.clone()));
    assert_eq!(replicas(&["--hpa", "fixed", "--ha=false"]), (0, null.clone(), null.clone(), null));
}

#[test]
fn one_cold_start_budget_moves_the_whole_chain() {
    let Some(place) = Place::with_upstream() else { return };
    for (flags, seconds) in [(vec![], 600), (vec!["--cold-start", "290"], 600), (vec!["--cold-start", "500"], 840)] {
        place.run(&[&["--out", "out"], &flags[..]].concat()).ok();
        let stream = place.read(FIRST);
        let data = |name: &str, key: &str| at(&stream, "ConfigMap", name, &format!("/data/{key}"));
        for key in
            ["revision-timeout-seconds", "max-revision-timeout-seconds", "revision-response-start-timeout-seconds"]
        {
            assert_eq!(data("config-defaults", key), seconds.to_string());
        }
        assert_eq!(data("config-deployment", "progress-deadline"), format!("{seconds}s"));
        let pod = "/spec/template/spec/terminationGracePeriodSeconds";
        assert_eq!(at(&stream, "Deployment", "activator", pod), seconds);
        let idle = seconds + 10;
        assert!(stream.contains(&format!("load-balancer-attributes: idle_timeout.timeout_seconds={idle}\n")));
        // What drains lives as long as the longest request, and a little longer.
        assert_eq!(at(&stream, "Deployment", "3scale-kourier-gateway", pod), seconds + 30);
        let drain = "/spec/template/spec/containers/0/env/0/value";
        assert_eq!(at(&stream, "Deployment", "3scale-kourier-gateway", drain), (seconds + 15).to_string());
        let delay = seconds + 15;
        assert!(stream.contains(&format!("deregistration_delay.timeout_seconds={delay}\n")));
    }
    assert!(place.run(&["--cold-start", "3700"]).fails(2).contains("a cold start may take 3660"));
}

#[test]
fn a_cold_start_that_moves_nothing_and_one_that_no_alb_outlives_are_told() {
    let Some(place) = Place::with_upstream() else { return };
    let said = |seconds: &str| {
        let stderr = place.run(&["--cold-start", seconds, "--out", "out"]).ok().stderr;
        stderr.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(said("120").contains("never less; they move with a cold start of more than 300"), "{}", said("120"));
    assert!(!said("301").contains("never less"));
    assert!(said("3600").contains("for 3600 seconds at the most"), "{}", said("3600"));
    assert!(place.read(FIRST).contains("deregistration_delay.timeout_seconds=3600\n"));
}

#[test]
fn gloo_serves_until_its_requests_have_ended() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--gloo", "v1.8.0", "--out", "out"]).ok();
    let stream = place.read("out/knative-gloo-fargate-first-batch.yaml");
    let pod = |field: &str| at(&stream, "Deployment", "knative-external-proxy", &format!("/spec/template/spec{field}"));
    assert_eq!(pod("/terminationGracePeriodSeconds"), 630);
    assert_eq!(pod("/containers/0/lifecycle/preStop/exec/command/2"), "sleep 615");
    place.run(&["lint", "out", "--strict"]).ok();
}

#[test]
fn options_of_the_rule_book_do_what_they_say() {
    let Some(place) = Place::with_upstream() else { return };
    place.write(
        "knrender.yaml",
        "out: out\nscale-to-zero-retention: 15m\nqueue-proxy-cpu: 50m\nqueue-proxy-memory: 64Mi\nimages:\n  \
         docker.io/envoyproxy/envoy:v1.37-latest: docker.io/envoyproxy/envoy@sha256:0123\n",
    );
    place.run(&[]).ok();
    let stream = place.read(FIRST);
    let data = |name: &str, key: &str| at(&stream, "ConfigMap", name, &format!("/data/{key}"));
    assert_eq!(data("config-autoscaler", "scale-to-zero-pod-retention-period"), "15m");
    assert_eq!(data("config-deployment", "queue-sidecar-cpu-request"), "50m");
    assert_eq!(data("config-deployment", "queue-sidecar-memory-request"), "64Mi");
    assert!(stream.contains("image: docker.io/envoyproxy/envoy@sha256:0123\n"));
    assert!(place.read("out/about/images.txt").contains("envoy@sha256:0123\n"));
    place.write("knrender.yaml", "images: {none:1: b}\n");
    assert!(place.run(&[]).fails(2).contains("names none:1, which stands nowhere"));
}

#[test]
fn a_plan_reads_files_folders_and_standard_input() {
    let place = Place::new();
    place.write("m/a.yaml", DEPLOYMENT);
    place.write("m/deep/b.yml", &format!("x: 1\n---\n{}", DEPLOYMENT.replace("web", "api")));
    place.write("m/.hidden/c.yaml", DEPLOYMENT);
    let ran = place.run(&["plan", "m"]).ok();
    assert_eq!(ran.stdout.matches("Deployment/").count(), 4, "{}", ran.stdout);
    assert!(ran.stderr.contains("1 document is no Kubernetes object"), "{}", ran.stderr);
    assert!(ran.stdout.contains("Deployment/web: 50m less CPU fits 0.25 vCPU / 0.5 GB, $27.03 a month less\n"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_knrender"))
        .args(["plan", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(DEPLOYMENT.as_bytes()).unwrap();
    assert!(String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().contains("Deployment/web"));
    assert!(place.run(&["plan"]).fails(3).contains("out"));
}

#[test]
fn a_broken_file_does_not_hide_the_others() {
    let place = Place::new();
    place.write("m/a.yaml", DEPLOYMENT);
    place.write("m/b.yaml", "a: [\n");
    let ran = place.run(&["plan", "m"]);
    assert!(ran.stdout.contains("Deployment/web"));
    assert!(ran.fails(3).contains("m/b.yaml, line "));
}

#[test]
fn prices_can_be_replaced() {
    let place = Place::new();
    place.write("a.yaml", DEPLOYMENT);
    place.write(
        "prices.yaml",
        "date: 2026-01-01\nsee: []\nconfidence: Ours.\nnot-included: [all else]\nregions:\n  eu-west-1: {vcpu-hour: '1', gb-hour: '0', storage-gb-hour: '0'}\n",
    );
    let text = place.run(&["plan", "a.yaml", "--prices", "prices.yaml"]).ok().stdout;
    assert!(
        text.contains("$1.5000000 an hour, $1095.00 a month of 730 hours (eu-west-1, prices of 2026-01-01)"),
        "{text}"
    );
    let other = place.run(&["plan", "a.yaml", "--region", "eu-west-1"]).ok().stdout;
    assert!(other.contains("The price list has no eu-west-1; these are the prices of us-east-1."), "{other}");
    place.write("prices.yaml", "date: 1\n");
    assert!(place.run(&["plan", "a.yaml", "--prices", "prices.yaml"]).fails(2).contains("prices.yaml"));
}
