//! Promise: every report for programs, and every file that knrender writes for them, is as its published schema says.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use crate::support::run::Place;
use crate::support::shape;
use clap::CommandFactory as _;
use knrender::cli::Cli;
use serde_json::Value;

/// How the reports of a command are held to a schema.
enum Held {
    /// By these runs, one after the other.
    Here(&'static [&'static str]),
    /// By a file of tests that has the cluster or the releases which the command needs.
    In(&'static str),
}
use Held::{Here, In};

/// Every command with reports for programs, and the schema of them.
const REPORTS: &[(&str, &str, Held)] = &[
    ("", "render", Here(&["--gloo v1.3.9 --out out --format json", "--gloo v1.3.9 --out out --check --format json"])),
    (
        "render",
        "render",
        Here(&[
            "render --gloo v1.3.9 --out other --format json",
            "render --gloo v1.3.9 --scale large --out out --check --format json",
        ]),
    ),
    ("explain", "explain", Here(&["explain --format json", "explain Namespace/gloo-system --format json"])),
    ("plan", "plan", Here(&["plan app.yaml --format json", "plan out --format json"])),
    ("diff", "diff", Here(&["diff app.yaml other --format json", "diff app.yaml app.yaml --format json"])),
    ("lint", "lint", Here(&["lint out app.yaml --format json", "lint app.yaml --summary --format json"])),
    (
        "validate",
        "validate",
        Here(&["validate out app.yaml --format json", "validate app.yaml --summary --format json"]),
    ),
    ("images", "images", Here(&["images out app.yaml --format json"])),
    ("simulate", "simulate", Here(&["simulate --traffic rate:1:60 --cold-start 30 --format json"])),
    ("policy", "policy", Here(&["policy --list --format json"])),
    (
        "app",
        "app",
        Here(&[
            "app web --image ghcr.io/org/web:1.0 --format json",
            "app web --image ghcr.io/org/web:1.0 --max-scale 3 --cpu 300m --service-account web \
             --role-arn arn:aws:iam::123456789012:role/web --format json",
        ]),
    ),
    ("cache", "cache", Here(&["cache --format json", "cache --clear --format json"])),
    ("upstream list", "upstream-list", Here(&["upstream list --format json"])),
    ("upstream outdated", "outdated", Here(&["upstream outdated --offline --format json"])),
    ("upgrade", "upgrade", In("upgrade")),
    ("doctor", "doctor", In("doctor")),
];

const APP: &str = "\
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: web}
spec:
  template:
    spec:
      containers: [{image: \"ghcr.io/org/web:1.0\", resources: {requests: {cpu: 300m, memory: 1Gi}}}]
";

/// A render whose bytes had to be locked, and an app beside it; `None` where upstream's files are missing.
fn place() -> Option<Place> {
    let place = Place::with_upstream()?;
    place.write("app.yaml", APP);
    place.run(&["--gloo", "v1.3.9", "--out", "out"]).ok();
    Some(place)
}

/// The paths of all commands that take `--format json`, or a `--json` of their own.
fn with_json(command: &clap::Command, path: &str, found: &mut Vec<String>) {
    let is_json = |argument: &clap::Arg| {
        argument.get_long() == Some("json")
            || argument.get_possible_values().iter().any(|value| value.get_name() == "json")
    };
    if command.get_arguments().any(is_json) {
        found.push(path.trim().to_owned());
    }
    for sub in command.get_subcommands() {
        with_json(sub, &format!("{path} {}", sub.get_name()), found);
    }
}

#[test]
fn every_command_with_a_report_for_programs_has_a_schema_that_a_run_is_held_to() {
    let mut found = Vec::new();
    with_json(&Cli::command(), "", &mut found);
    let mut held: Vec<&str> = REPORTS.iter().map(|(command, ..)| *command).collect();
    found.sort();
    held.sort_unstable();
    assert_eq!(found, held, "a command without a row in REPORTS, or a row without a command");
    let Some(place) = place() else { return };
    for (command, schema, held) in REPORTS {
        match held {
            Here(runs) => {
                for run in *runs {
                    let words: Vec<&str> = run.split_whitespace().collect();
                    let ran = place.run(&words);
                    assert!(ran.code <= 1, "{run}: {}", ran.stderr);
                    shape::hold(&ran.json(), schema);
                }
            }
            In(file) => {
                let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/{file}.rs"));
                let tests = fs::read_to_string(tests).unwrap();
                assert!(
                    tests.lines().any(|line| line.contains("shape::hold(") && line.contains(&format!("\"{schema}\")"))),
                    "no test of tests/{file}.rs holds a report of `{command}` to its schema"
                );
            }
        }
    }
}

#[test]
fn files_for_programs_are_as_their_schemas_say() {
    let Some(place) = place() else { return };
    shape::hold(&serde_json::from_str(&place.read("out/about/provenance.json")).unwrap(), "provenance");
    let lock: Value = knrender::yaml::parse_as(&place.read("knrender.lock")).unwrap();
    assert_eq!(lock["assets"][0]["component"], "gloo");
    shape::hold(&lock, "lock");
}

#[test]
fn pages_of_codes_are_as_their_schema_says() {
    let place = Place::new();
    for judge in ["lint", "validate"] {
        let all = place.run(&[judge, "--list", "--format", "json"]).ok().json();
        shape::hold(&all, "codes");
        let code = all[0]["code"].as_str().unwrap();
        shape::hold(&place.run(&[judge, "--explain", code, "--format", "json"]).ok().json(), "codes");
    }
}

#[test]
fn a_schema_is_complete_in_itself() {
    for name in knrender::options::schema::names() {
        let text = Place::new().run(&["schema", name]).ok().stdout;
        for reference in text.split("\"$ref\": \"").skip(1) {
            assert!(reference.starts_with("#/"), "{name}: {reference:.40}");
        }
    }
}

#[test]
fn the_schema_of_a_command_of_two_words_is_asked_for_as_the_command_is() {
    let place = Place::new();
    let text = place.run(&["schema", "upstream", "list"]).ok().stdout;
    assert_eq!(text, place.run(&["schema", "upstream-list"]).ok().stdout);
    assert!(place.run(&["schema", "confg"]).fails(2).contains("Did you mean `config`?"));
}

/// What every stack of the table has, where the row itself does not say it.
const AROUND: &str = "cluster-name: c\nregion: eu-west-1\nlogging: true\nvpc-id: vpc-0123456789abcdef0\nlayout: flux\nalb-group: g\n\
                      subnets: [subnet-0123456789abcdef0, subnet-0123456789abcdef1, subnet-0123456789abcdef2]\n\
                      gitops-repo: https://a.example/b\n";

const TAKEN: &[&str] = &[
    "cold-start: 90",
    "cold-start: 90s",
    "cold-start: 2m",
    "cold-start: 1m30s",
    "cold-start: '5m'",
    "cold-start: 3600",
    "scale-to-zero-retention: 600",
    "scale-to-zero-retention: 0.5",
    "scale-to-zero-retention: 10m",
    "kubernetes: 1.36",
    "kubernetes: '1.36'",
    "kubernetes: v1.36.1",
    "knative: 1.23",
    "knative: v1.23.0",
    "knative: 1.23.0",
    "kourier: 1.23",
    "gloo: 1.14.0",
    "controller: 3.5",
    "controller: 3.5.0",
    "account-id: 123456789012",
    "account-id: '012345678901'",
    "zones: 1",
    "zones: 3",
    "log-retention-days: 3653",
    "domain: apps.example.com",
    "cluster-name: My_cluster-1",
    "cluster-name: 12",
    "region: us-gov-east-1",
    "alb-group: shared.group-1",
    "queue-proxy-cpu: 1",
    "queue-proxy-cpu: 0.5",
    "queue-proxy-cpu: 50m",
    "queue-proxy-memory: 64Mi",
    "queue-proxy-memory: 1e8",
    "queue-proxy-memory: 67108864",
    "sizes: {activator: 1 vCPU / 2 GB, webhook: {size: 0.5 vCPU / 1 GB}}",
    "sizes: {controller: {cpu: 0.2, memory: 300Mi}, gateway: {min: 2, max: 20}}",
    "alb: {group-order: -5, security-groups: [sg-0123456789abcdef0], tags: {team: platform, stage: 1}}",
    "alb: {access-logs: {enabled: false}}",
    "fargate-profiles: [{name: apps, selectors: [{namespace: a, labels: {b: c}}]}]",
    "allow: [{lint: image-tag-minor, reason: so}]",
    "clusters: [{name: prod, region: us-east-1}]",
    "registries: [ghcr.io, localhost:5000/a]",
    "gitops-revision: 1.36",
    "gitops-repo: ssh://git@a.example/b",
    "certificate-arn: arn:aws:acm:eu-west-1:123456789012:certificate/1111-2222",
    "images: {a:1: b@sha256:c}",
    "hpa: fixed",
];

const REFUSED: &[&str] = &[
    "cold-start: -5",
    "cold-start: 5d",
    "cold-start: 100000",
    "cold-start: true",
    "scale-to-zero-retention: -5s",
    "scale-to-zero-retention: -1",
    "scale-to-zero-retention: long",
    "kubernetes: newest",
    "kubernetes: '1'",
    "kubernetes: 1",
    "zones: 0",
    "zones: 4",
    "log-retention-days: 61",
    "log-retention-days: 0",
    "account-id: '12'",
    "account-id: 12",
    "account-id: 1234567890123",
    "domain: https://example.com",
    "domain: example",
    "domain: Apps.example.com",
    "cluster-name: a b",
    "cluster-name: -a",
    "region: europe",
    "region: eu-west-1a",
    "vpc-id: vpc-XYZ",
    "subnets: [subnet-1, subnet-2]",
    "subnets: [subnet-01234567, subnet-01234567]",
    "certificate-arn: arn:aws:acm:eu-west-1:1234:certificate/x",
    "alb-group: Shared",
    "queue-proxy-cpu: -1",
    "queue-proxy-cpu: -50m",
    "queue-proxy-memory: much",
    "queue-proxy-memory: 64MiB",
    "sizes: {gateway: {min: 0}}",
    "sizes: {gateway: {least: 1}}",
    "sizes: {gateway: [1]}",
    "alb: {group-order: 1001}",
    "alb: {ip-address-type: ipv6}",
    "alb: {nothing: x}",
    "alb: {access-logs: {bukket: x}}",
    "fargate-profiles: [{name: apps, selectors: []}]",
    "fargate-profiles: [{name: apps, selectors: [{labels: {}}]}]",
    "allow: [{lint: image-tag-minor}]",
    "clusters: [{region: us-east-1}]",
    "registries: ['*.example.com']",
    "gitops-repo: git@a.example:b",
    "out: ''",
    "rules: ['']",
    "hpa: some",
    "with: [everything]",
    "nothing: x",
];

#[test]
fn the_schema_of_the_configuration_takes_what_the_program_takes() {
    let catalog = knrender::upstream::catalog::Catalog::embedded();
    let read = |row: &str| -> Result<(), String> {
        let place = Place::new();
        let key = row.split(':').next().unwrap();
        let around: String =
            AROUND.lines().filter(|line| !line.starts_with(&format!("{key}:"))).map(|l| format!("{l}\n")).collect();
        place.write("knrender.yaml", &format!("{around}{row}\n"));
        let config = knrender::config::Config::read(Some(&place.path("knrender.yaml"))).map_err(|e| e.to_string())?;
        knrender::stack::Stack::resolve(&config.ask, &catalog).map(drop).map_err(|e| e.to_string())
    };
    let schema = |row: &str| {
        let value = knrender::yaml::parse(row).unwrap();
        shape::of(&serde_json::from_str(&value.to_string()).unwrap(), "config")
    };
    let mut wrong = Vec::new();
    for row in TAKEN {
        wrong.extend(read(row).err().map(|why| format!("{row}: the program: {why}")));
        wrong.extend(schema(row).err().map(|why| format!("{row}: the schema: {why}")));
    }
    for row in REFUSED {
        wrong.extend(read(row).ok().map(|()| format!("{row}: the program takes it")));
        wrong.extend(schema(row).ok().map(|()| format!("{row}: the schema takes it")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for days in 0..4000 {
        let row = format!("log-retention-days: {days}");
        assert_eq!(schema(&row).is_ok(), knrender::stack::values::LOG_RETENTION.contains(&days), "{row}");
    }
}
