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
