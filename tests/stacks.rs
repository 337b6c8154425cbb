//! Promise: both stacks are rendered from pinned upstream, the same bytes every time.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;

use crate::support::run::{Place, shared, upstream};
use knrender::manifest::document::{self, Source};
use knrender::manifest::split;
use knrender::value::Value;
use knrender::yaml;

const FIRST: &str = "out/knative-kourier-fargate-first-batch.yaml";

/// The documents of a stream with content, as text.
fn texts(stream: &str) -> Vec<&str> {
    let chunks = split::split(stream);
    chunks.iter().map(|c| &stream[c.start..c.end]).filter(|t| split::has_content(t)).collect()
}

/// Objects by API version and identity.
fn objects(stream: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for text in texts(stream) {
        let value = yaml::parse(text).unwrap();
        let of = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = ["/apiVersion", "/kind", "/metadata/namespace", "/metadata/name"].map(of).join(" ");
        assert!(found.insert(key.clone(), value).is_none(), "{key} twice");
    }
    found
}

#[test]
fn the_seed_stack_is_what_the_ancestor_made_by_hand() {
    let (Some(place), Some(golden)) = (Place::with_upstream(), shared("golden")) else { return };
    place.run(&["--gloo", "v1.3.9", "--rule-set", "seed", "--out", "out"]).ok();
    let batch = |folder: &std::path::Path, n: &str| {
        fs::read_to_string(folder.join(format!("knative-gloo-fargate-{n}-batch.yaml"))).unwrap()
    };
    let mut ours = objects(&batch(&place.path("out"), "first"));
    assert_eq!(ours.len(), 69);
    for (key, value) in objects(&batch(&place.path("out"), "second")) {
        assert!(ours.insert(key, value).is_none());
    }
    let mut theirs = objects(&batch(&golden, "first"));
    theirs.extend(objects(&batch(&golden, "second")));
    assert_eq!(theirs.len(), 73);
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (key, value) in &theirs {
        assert_eq!(ours[key], *value, "{key}");
    }
}

#[test]
fn the_default_stack_is_one_batch_of_71_objects() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--out", "out"]).ok();
    assert_eq!(texts(&place.read(FIRST)).len(), 71);
    let names: Vec<_> = place.tree("out").into_keys().collect();
    assert_eq!(
        names,
        [
            "about/digests.txt",
            "about/files.txt",
            "about/images.txt",
            "about/plan.txt",
            "about/provenance.json",
            "apply.sh",
            "apps/always-on.yaml",
            "apps/hello.yaml",
            "knative-kourier-fargate-first-batch.yaml"
        ]
    );
}

#[test]
fn a_document_that_no_rule_touches_comes_out_byte_for_byte() {
    let (Some(place), Some(upstream)) = (Place::with_upstream(), upstream()) else { return };
    place.run(&["--out", "out"]).ok();
    let core = "github.com/knative/serving/releases/download/knative-v1.23.0/serving-core.yaml";
    let kourier = "github.com/knative-extensions/net-kourier/releases/download/knative-v1.23.0/kourier.yaml";
    let sources = [core, kourier].map(|f| fs::read_to_string(upstream.join(f)).unwrap());
    let published: Vec<&str> = sources.iter().flat_map(|s| texts(s)).collect();
    let rendered = place.read(FIRST);
    let changed: Vec<_> = texts(&rendered)
        .into_iter()
        .filter(|text| !published.contains(text))
        .map(|text| yaml::parse(text).unwrap()["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        changed,
        [
            "config-autoscaler",
            "config-defaults",
            "config-deployment",
            "config-network",
            "activator",
            "activator-pdb",
            "activator",
            "autoscaler",
            "controller",
            "webhook",
            "webhook-pdb",
            "webhook",
            "net-kourier-controller",
            "3scale-kourier-gateway",
            "kourier",
            "3scale-kourier-gateway",
            "3scale-kourier-gateway-pdb",
            "kourier-alb"
        ]
    );
}

#[test]
fn in_a_document_that_a_rule_touches_every_other_line_stays() {
    let (Some(place), Some(upstream)) = (Place::with_upstream(), upstream()) else { return };
    place.run(&["--out", "out", "--domain", "apps.example.com"]).ok();
    let core = "github.com/knative/serving/releases/download/knative-v1.23.0/serving-core.yaml";
    let source = fs::read_to_string(upstream.join(core)).unwrap();
    let rendered = place.read(FIRST);
    for (name, added) in [
        ("config-network", "  ingress-class: kourier.ingress.networking.knative.dev"),
        ("config-domain", "  apps.example.com: \"\""),
    ] {
        let of = |stream| -> Vec<&str> {
            let is = |t: &&&str| t.contains("kind: ConfigMap\n") && t.contains(&format!("\n  name: {name}\n"));
            let text = texts(stream).iter().find(is).copied().unwrap_or_else(|| panic!("{name}"));
            text.lines().collect()
        };
        let (before, after) = (of(&source), of(&rendered));
        let rest: Vec<_> = after.iter().filter(|line| **line != added).copied().collect();
        assert_eq!((rest, after.len()), (before.clone(), before.len() + 1), "{name}");
    }
}

#[test]
fn examples_in_config_maps_never_change() {
    let Some(place) = Place::with_upstream() else { return };
    let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";
    place.run(&["--out", "out", "--domain", "apps.example.com", "--certificate-arn", arn, "--internal-tls"]).ok();
    let mut checked = 0;
    for (key, object) in objects(&place.read(FIRST)) {
        let Some(example) = object.pointer("/data/_example").and_then(Value::as_str) else { continue };
        let sum = object.pointer("/metadata/annotations/knative.dev~1example-checksum").and_then(Value::as_str);
        if let Some(sum) = sum {
            assert_eq!(checksum(example), sum, "{key}");
            checked += 1;
        }
    }
    assert_eq!(checked, 12);
}

/// K01: CRC-32 (IEEE) of the example, trimmed, each run of line breaks written as `\n`.
fn checksum(example: &str) -> String {
    let parts: Vec<_> = example.trim().lines().filter(|line| !line.is_empty()).collect();
    let mut crc = u32::MAX;
    for byte in parts.join("\\n").bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    format!("{:08x}", !crc)
}

#[test]
fn two_renders_are_identical_from_any_folder_warm_or_cold() {
    let Some(first) = Place::with_upstream() else { return };
    let Some(second) = Place::with_upstream() else { return };
    let second = second.env("LC_ALL", "tr_TR.UTF-8").env("TZ", "Asia/Kathmandu").env("LANG", "ja_JP");
    for arguments in [vec!["--gloo", "v1.3.9", "--domain", "a.example"], vec![]] {
        let with = |out: &str| arguments.iter().copied().chain(["--out", out]).map(str::to_owned).collect::<Vec<_>>();
        let run = |place: &Place, folder: &str, out: &str| {
            let arguments = with(out);
            place.run_in(folder, &arguments.iter().map(String::as_str).collect::<Vec<_>>()).ok();
        };
        run(&first, "", "cold");
        run(&first, "", "warm");
        fs::create_dir_all(second.path("deep/er")).unwrap();
        run(&second, "deep/er", "../elsewhere");
        assert_eq!(first.tree("cold"), first.tree("warm"));
        assert_eq!(first.tree("cold"), second.tree("deep/elsewhere"));
        for place in [&first, &second] {
            for out in ["cold", "warm", "deep/elsewhere"] {
                let _ = fs::remove_dir_all(place.path(out));
            }
        }
    }
}

#[test]
fn without_out_the_manifests_go_to_standard_output() {
    let Some(place) = Place::with_upstream() else { return };
    let ran = place.run(&[]).ok();
    place.run(&["--out", "out"]).ok();
    assert_eq!(ran.stdout, place.read(FIRST));
    assert_eq!(ran.stderr, "");
    assert!(place.run(&["--format", "json"]).fails(2).contains("--format json needs --out"));
}

#[test]
fn every_knative_in_the_catalog_renders() {
    let Some(place) = Place::with_upstream() else { return };
    for version in ["1.21", "v1.22.1", "1.23.0"] {
        place.run(&["--knative", version, "--with", "autoscaler-hpa", "--with", "upgrade-jobs", "--out", "out"]).ok();
        let jobs: Vec<_> = objects(&place.read(FIRST)).into_keys().filter(|k| k.starts_with("batch/v1 Job ")).collect();
        assert_eq!(jobs.len(), 2);
        assert!(jobs.iter().all(|j| j.contains("-serving-1.2")), "{jobs:?}");
    }
}

#[test]
fn gloo_on_fargate_gets_a_current_knative_and_a_health_check_that_can_pass() {
    let Some(place) = Place::with_upstream() else { return };
    for version in ["v1.3.9", "v1.8.0"] {
        place.run(&["--gloo", version, "--out", "out"]).ok();
        let all = objects(&place.read("out/knative-gloo-fargate-first-batch.yaml"));
        let second = objects(&place.read("out/knative-gloo-fargate-second-batch.yaml"));
        assert_eq!(second.keys().collect::<Vec<_>>(), ["gloo.solo.io/v1 Settings gloo-system default"]);
        assert!(all.values().all(|o| o.pointer("/metadata/labels/serving.knative.dev~1release").is_none()));
        let class = &all["v1 ConfigMap knative-serving config-network"]["data"]["ingress-class"];
        assert_eq!(class, "gloo.ingress.networking.knative.dev");
        let ingress = &all["networking.k8s.io/v1 Ingress gloo-system knative-external-proxy"];
        let annotations = &ingress["metadata"]["annotations"];
        assert_eq!(annotations["alb.ingress.kubernetes.io/healthcheck-port"], "8081");
        let config = &all["v1 ConfigMap gloo-system knative-external-proxy-config"]["data"]["envoy.yaml"];
        let config = config.as_str().unwrap();
        assert!(config.contains("id: \"{{.PodName}}.{{.PodNamespace}}\"\n") && config.contains("# role's value is"));
        let envoy = yaml::parse(config).unwrap();
        let listener = &envoy["static_resources"]["listeners"][0];
        assert_eq!(listener["address"]["socket_address"]["port_value"], 8081);
        let v3 = envoy.pointer("/dynamic_resources/lds_config/resource_api_version").is_some();
        assert_eq!(listener["filter_chains"][0]["filters"][0].get("typed_config").is_some(), v3, "{version}");
        let env = &all["apps/v1 Deployment gloo-system ingress"]["spec"]["template"]["spec"]["containers"][0]["env"];
        let knative = env.as_array().unwrap().iter().find(|e| e["name"] == "KNATIVE_VERSION").unwrap();
        assert_eq!(knative["value"], "1.23.0");
    }
}

#[test]
fn https_is_set_everywhere_at_once() {
    let Some(place) = Place::with_upstream() else { return };
    let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";
    place.run(&["--out", "out", "--domain", "apps.example.com", "--certificate-arn", arn, "--scheme", "internal"]).ok();
    let all = objects(&place.read(FIRST));
    let annotations = &all["networking.k8s.io/v1 Ingress kourier-system kourier-alb"]["metadata"]["annotations"];
    for (key, value) in [
        ("listen-ports", "[{\"HTTP\": 80}, {\"HTTPS\": 443}]"),
        ("certificate-arn", arn),
        ("ssl-redirect", "443"),
        ("scheme", "internal"),
    ] {
        assert_eq!(annotations[format!("alb.ingress.kubernetes.io/{key}")], value);
    }
    let network = &all["v1 ConfigMap knative-serving config-network"]["data"];
    assert_eq!(network["default-external-scheme"], "https");
    assert_eq!(network["http-protocol"], "Enabled");
    assert_eq!(network["domain-template"], "{{.Name}}-{{.Namespace}}.{{.Domain}}");
    assert_eq!(all["v1 ConfigMap knative-serving config-domain"]["data"]["apps.example.com"], "");
}

#[test]
fn internal_tls_keeps_the_certificate_in_a_second_batch() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--out", "out", "--internal-tls"]).ok();
    let second = objects(&place.read("out/knative-kourier-fargate-second-batch.yaml"));
    assert_eq!(second.len(), 1);
    place.run(&["--out", "out"]).ok();
    assert!(!place.path("out/knative-kourier-fargate-second-batch.yaml").exists());
}

#[test]
fn the_controllers_arguments_come_with_their_flags() {
    let Some(place) = Place::with_upstream() else { return };
    let flags =
        ["--cluster-name", "prod", "--region", "eu-west-1", "--vpc-id", "vpc-0123456789abcdef0", "--out", "out"];
    place.run(&flags).ok();
    insta::assert_snapshot!("controller-values", place.read("out/alb-controller/values.yaml"));
    insta::assert_snapshot!("controller-args", place.read("out/alb-controller/args.txt"));
    let chart = "raw.githubusercontent.com/kubernetes-sigs/aws-load-balancer-controller/v3.5.0/helm/aws-load-balancer-controller/values.yaml";
    let chart = yaml::parse(&fs::read_to_string(upstream().unwrap().join(chart)).unwrap()).unwrap();
    let ours = yaml::parse(&place.read("out/alb-controller/values.yaml")).unwrap();
    for key in ours.as_object().unwrap().keys() {
        assert!(chart.get(key).is_some(), "the chart has no value {key}");
    }
    place.run(&[&flags[..], &["--gloo", "v1.3.9", "--rule-set", "seed"]].concat()).ok();
    let all = objects(&place.read("out/alb-controller.yaml"));
    assert_eq!(all.len(), 4);
    let deployment = &all["apps/v1 Deployment kube-system alb-ingress-controller"];
    assert_eq!(
        deployment["spec"]["template"]["spec"]["containers"][0]["args"],
        knrender::value::json!([
            "--ingress-class=alb",
            "--cluster-name=prod",
            "--aws-vpc-id=vpc-0123456789abcdef0",
            "--aws-region=eu-west-1"
        ])
    );
    assert!(!place.path("out/alb-controller/values.yaml").exists());
}

#[test]
fn every_published_manifest_of_the_catalog_is_read_the_same_quickly_and_in_full() {
    let Some(upstream) = upstream() else { return };
    let catalog = knrender::upstream::catalog::Catalog::embedded();
    let parts = ["autoscaler-hpa".to_owned(), "upgrade-jobs".to_owned()];
    let mut read = 0;
    for component in catalog.components().unwrap() {
        for version in &component.versions {
            for asset in component.assets(&version.version, &parts).into_iter().filter(|a| !a.reference) {
                let path = asset.urls[0].strip_prefix("https://").unwrap();
                let text = fs::read_to_string(upstream.join(path)).unwrap();
                let (digest, size) = asset.known.unwrap();
                assert_eq!(
                    (knrender::digest::Sha256Hex::of(text.as_bytes()), text.len() as u64),
                    (digest, size),
                    "{path}"
                );
                let source = std::sync::Arc::new(Source { component: String::new(), name: path.into(), text });
                let quick = document::read(&source, true).unwrap();
                let full = document::read(&source, false).unwrap();
                assert_eq!(quick.documents.len(), full.documents.len());
                for (quick, full) in quick.documents.iter().zip(&full.documents) {
                    assert_eq!(quick.head(), full.head(), "{path}");
                    for block in [["spec", "names"], ["metadata", "labels"]] {
                        assert_eq!(quick.block(&block).unwrap(), full.block(&block).unwrap(), "{path}");
                    }
                    read += 1;
                }
            }
        }
    }
    assert!(read > 200, "{read}");
}
