//! Promise: what is rendered fits Fargate, and `plan` says what it becomes and costs.

#![allow(clippy::unwrap_used, clippy::panic, clippy::format_push_string)]

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::support::run::Place;
use knrender::value::Value;
use knrender::yaml;

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
    assert!(
        ran.stdout
            .contains("Deployment/web: 50m less CPU than it asks for fits 0.25 vCPU / 0.5 GB, $27.03 a month less\n")
    );
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
    let text = place.run(&["plan", "a.yaml", "--prices", "prices.yaml", "--region", "eu-west-1"]).ok().stdout;
    assert!(
        text.contains(
            "Pods, all the time: $1.5000000 an hour, $1095.00 a month of 730 hours (eu-west-1, prices of 2026-01-01)"
        ),
        "{text}"
    );
    let other = place.run(&["plan", "a.yaml", "--prices", "prices.yaml", "--region", "us-east-1"]).fails(2);
    assert!(other.contains("the price list of 2026-01-01 has no us-east-1; it has eu-west-1."), "{other}");
    place.write("prices.yaml", "date: 1\n");
    assert!(place.run(&["plan", "a.yaml", "--prices", "prices.yaml"]).fails(2).contains("prices.yaml"));
}

const INGRESS: &str = "\
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  annotations: {alb.ingress.kubernetes.io/scheme: internet-facing}
spec: {ingressClassName: alb}
---
apiVersion: eksctl.io/v1alpha5
kind: ClusterConfig
metadata: {name: prod, region: us-east-1}
iam: {serviceAccounts: [{metadata: {name: aws-load-balancer-controller, namespace: kube-system}}]}
";

#[test]
fn a_bill_has_everything_that_a_cluster_brings_and_can_be_checked_by_hand() {
    let place = Place::new();
    place.write("a.yaml", &format!("{DEPLOYMENT}{INGRESS}"));
    let plan = place.run(&["plan", "a.yaml", "--format", "json"]).ok().json();
    let rows = plan["bill"]["rows"].as_array().unwrap();
    let month = |name: &str| {
        let row = rows.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}"));
        row["month"].as_str().unwrap().to_owned()
    };
    // 2 * 0.0123425 * 730; 0.10 * 730; 0.0225 * 730; 0.045 * 730; 3 * 0.005 * 730; 3 * 0.024685 * 730
    for (name, dollars) in [
        ("CoreDNS", "18.0200500"),
        ("metrics-server", "18.0200500"),
        ("aws-load-balancer-controller", "18.0200500"),
        ("control plane", "73.0000000"),
        ("ALB", "16.4250000"),
        ("NAT", "32.8500000"),
        ("public IPv4", "10.9500000"),
        ("pods", "54.0601500"),
    ] {
        assert_eq!(month(name), dollars, "{name}");
    }
    assert_eq!(plan["bill"]["total"]["month"], "241.3453000");
    assert!(rows.iter().all(|row| !row["because"].as_str().unwrap().is_empty()));
    let text = place.run(&["plan", "a.yaml", "--traffic", "100rps,100KB", "--extended-support"]).ok().stdout;
    // 100 KB * 100 a second are 36 GB an hour, so 36 LCUs: 36 * 0.008 * 730
    assert!(text.contains("36.000 at 100.000 requests a second  ") && text.contains("$210.24\n"), "{text}");
    assert!(text.contains("$438.00\n"), "{text}");
}

#[test]
fn a_bill_above_the_limit_is_a_finding() {
    let place = Place::new();
    place.write("a.yaml", DEPLOYMENT);
    place.run(&["plan", "a.yaml", "--max-month", "54.07"]).ok();
    let said = place.run(&["plan", "a.yaml", "--max-month", "54"]).fails(1);
    assert!(said.contains("$54.06 a month is above the $54 of --max-month"), "{said}");
    assert!(place.run(&["plan", "a.yaml", "--max-month", "much"]).fails(2).contains("write dollars"));
}

#[test]
fn a_region_that_is_none_or_has_no_price_is_refused_with_the_way_out() {
    let place = Place::new();
    place.write("a.yaml", DEPLOYMENT);
    let said = place.run(&["plan", "a.yaml", "--region", "eu-wst-1"]).fails(2);
    assert!(said.contains("eu-wst-1 is no AWS region; did you mean eu-west-1?"), "{said}");
    let said = place.run(&["plan", "a.yaml", "--region", "ap-south-2"]).fails(2);
    assert!(said.contains("knrender prices --region ap-south-2"), "{said}");
}

#[test]
fn a_bill_is_compared_with_a_folder_and_with_a_git_revision() {
    let place = Place::new();
    place.write("m/a.yaml", DEPLOYMENT);
    let git = |args: &[&str]| {
        let ran = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"])
            .args(args)
            .current_dir(place.path(""))
            .output()
            .unwrap();
        assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    };
    git(&["init", "-q"]);
    git(&["add", "m"]);
    git(&["commit", "-qm", "a"]);
    place.write("before/a.yaml", DEPLOYMENT);
    place.write("m/a.yaml", &DEPLOYMENT.replace("replicas: 3", "replicas: 4"));
    for with in ["HEAD", "before"] {
        let text = place.run(&["plan", "m", "--compare", with]).ok().stdout;
        assert!(text.contains("+$18.02  3 of 0.5 vCPU / 1 GB -> 4 of 0.5 vCPU / 1 GB"), "{text}");
        assert!(text.contains("all of it: $54.06 a month before, $72.08 now (+$18.02)"), "{text}");
    }
    let table = place.run(&["plan", "m", "--compare", "HEAD", "--format", "markdown"]).ok().stdout;
    assert!(table.contains("**+$18.02 a month** compared with `HEAD`"), "{table}");
    assert!(place.run(&["plan", "m", "--compare", "none"]).fails(2).contains("neither a folder nor a git revision"));
    assert!(place.run(&["plan", "m/a.yaml", "--compare", "--exec=x"]).code == 2);
}

#[test]
fn a_price_list_is_made_from_aws_own_files_and_used() {
    let place = Place::new();
    let offer = |products: &[(&str, &str, &str)]| {
        let attributes: Vec<_> = products
            .iter()
            .map(|(usage, operation, _)| {
                format!(r#""{usage}":{{"attributes":{{"usagetype":"EUC1-{usage}","operation":"{operation}"}}}}"#)
            })
            .collect();
        let terms: Vec<_> = products
            .iter()
            .map(|(usage, _, price)| {
                format!(r#""{usage}":{{"t":{{"priceDimensions":{{"d":{{"pricePerUnit":{{"USD":"{price}"}}}}}}}}}}"#)
            })
            .collect();
        format!(
            r#"{{"publicationDate":"2026-11-20T01:02:03Z","products":{{{}}},"terms":{{"OnDemand":{{{}}}}}}}"#,
            attributes.join(","),
            terms.join(",")
        )
    };
    let write = |name: &str, text: &str| {
        place.write(&format!("list/offers/v1.0/aws/{name}/current/eu-central-1/index.json"), text);
    };
    write("AmazonEKS", &offer(&[("Fargate-vCPU-Hours:perCPU", "", "0.0400000000"), ("Fargate-GB-Hours", "", "0.004")]));
    write("AWSELB", &offer(&[("LoadBalancerUsage", "LoadBalancing:Application", "0.027")]));
    write("AmazonVPC", &offer(&[]));
    let args = ["prices", "--region", "eu-central-1", "--from", "list"];
    assert!(place.run(&args).fails(3).contains("AmazonEC2/current/eu-central-1/index.json"));
    let list = place.run(&[&args[..], &["--without", "AmazonEC2"]].concat()).ok().stdout;
    assert!(list.contains("date: \"2026-11-20\"\n") || list.contains("date: '2026-11-20'\n"), "{list}");
    place.write("prices.yaml", &list);
    place.write("a.yaml", DEPLOYMENT);
    let text = place.run(&["plan", "a.yaml", "--prices", "prices.yaml", "--region", "eu-central-1"]).ok().stdout;
    // 3 * (0.5 * 0.04 + 1 * 0.004)
    assert!(text.contains("$0.0720000 an hour"), "{text}");
    write("AmazonEKS", &offer(&[]));
    let said = place.run(&[&args[..], &["--without", "AmazonEC2"]].concat()).fails(3);
    assert!(said.contains("no Fargate-vCPU-Hours:perCPU for eu-central-1"), "{said}");
}

#[test]
fn pods_ask_for_all_of_their_size_and_hpas_count_as_before() {
    let Some(place) = Place::with_upstream() else { return };
    let ran = place.run(&["--out", "out"]).ok();
    let stream = place.read(FIRST);
    let resources = |name: &str| at(&stream, "Deployment", name, "/spec/template/spec/containers/0/resources");
    for (name, cpu, memory) in
        [("activator", "500m", "768Mi"), ("controller", "250m", "256Mi"), ("3scale-kourier-gateway", "250m", "256Mi")]
    {
        for what in ["requests", "limits"] {
            assert_eq!(resources(name)[what], knrender::value::json!({"cpu": cpu, "memory": memory}), "{name} {what}");
        }
    }
    // 300m of 500m, 100m of 250m, 200m of 250m
    for (name, percent) in [("activator", 60), ("webhook", 40), ("3scale-kourier-gateway", 80)] {
        let at = at(&stream, "HorizontalPodAutoscaler", name, "/spec/metrics/0/resource/target/averageUtilization");
        assert_eq!(at, percent, "{name}");
    }
    assert!(ran.stderr.contains("Sizes, for --scale small"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("256Mi is less memory than the 1000Mi that upstream lets autoscaler, controller use"),
        "{}",
        ran.stderr
    );
}

#[test]
fn components_get_the_size_that_is_wanted_or_an_error_that_says_what_there_is() {
    let Some(place) = Place::with_upstream() else { return };
    place.write(
        "knrender.yaml",
        "out: out\nscale: medium\nsizes:\n  activator: 1 vCPU / 2 GB\n  gateway: {min: 3, max: 5}\n  webhook: {cpu: 250m, memory: 60Mi}\n",
    );
    place.run(&[]).ok();
    let stream = place.read(FIRST);
    let cpu = |name: &str| at(&stream, "Deployment", name, "/spec/template/spec/containers/0/resources/requests/cpu");
    let memory =
        |name: &str| at(&stream, "Deployment", name, "/spec/template/spec/containers/0/resources/limits/memory");
    assert_eq!((cpu("activator"), memory("activator")), ("1".into(), "1792Mi".into()));
    assert_eq!((cpu("3scale-kourier-gateway"), memory("3scale-kourier-gateway")), ("500m".into(), "768Mi".into()));
    assert_eq!((cpu("webhook"), memory("webhook")), ("250m".into(), "256Mi".into()));
    let bound =
        |field: &str| at(&stream, "HorizontalPodAutoscaler", "3scale-kourier-gateway", &format!("/spec/{field}"));
    assert_eq!((bound("minReplicas"), bound("maxReplicas")), (3.into(), 5.into()));
    place.run(&["lint", "--strict"]).ok();
    for (sizes, says) in [
        (
            "{activater: 1 vCPU / 2 GB}",
            "names activater, which this render does not have; it has 3scale-kourier-gateway, activator",
        ),
        ("{activator: 1 vCPU / 1 GB}", "with this CPU there are 1 vCPU / 2 GB"),
        ("{activator: 0.25 vCPU / 0.5 GB}", "asks for 300m CPU"),
        ("{controller: {max: 3}}", "no HPA scales it"),
    ] {
        place.write("knrender.yaml", &format!("out: out\nsizes: {sizes}\n"));
        let said = place.run(&[]).fails(2);
        assert!(said.contains(says), "{sizes}: {said}");
    }
}
