//! Promise: a `knrender.yaml` from `knrender init` has every key, renders without a flag, and never replaces another by chance.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::run::Place;
use knrender::config::time::Seconds;
use knrender::config::{Config, KEYS, Scaling};

const ARN: &str = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";

/// Lines that count.
fn set(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect()
}

#[test]
fn it_renders_without_a_flag() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["init", "--cluster-name", "prod", "--region", "eu-west-1"]).ok();
    place.run(&[]).ok();
    assert!(place.read("out/alb-controller/values.yaml").contains("prod"));
}

#[test]
fn without_a_word_everything_but_the_folder_is_a_comment() {
    let place = Place::new();
    let said = place.run(&["init"]).ok().stderr;
    assert_eq!(said, "knrender.yaml is written, with out; every other key is in it as a comment.\nnext: knrender\n");
    let text = place.read("knrender.yaml");
    assert_eq!(set(&text), ["out: out"]);
    for key in KEYS {
        let key = key.replace('_', "-");
        assert_eq!(
            text.lines().filter(|l| l.trim_start_matches('#').starts_with(&format!("{key}:"))).count(),
            1,
            "{key}"
        );
    }
    insta::assert_snapshot!("init", text);
}

#[test]
fn what_flags_say_is_what_the_file_says() {
    let place = Place::new();
    let flags = [
        "--cluster-name",
        "no",
        "--region",
        "eu-west-1",
        "--vpc-id",
        "vpc-0123456789abcdef0",
        "--subnets",
        "subnet-01234567,subnet-89abcdef",
        "--account-id",
        "012345678901",
        "--domain",
        "apps.example.com",
        "--certificate-arn",
        ARN,
        "--scheme",
        "internal",
        "--alb-group",
        "1e3",
        "--app-namespace",
        "default",
        "--app-namespace",
        "team-*",
        "--logging",
        "--layout",
        "flux",
        "--gitops-repo",
        "https://git.example/a",
        "--ha=false",
        "--hpa",
        "fixed",
        "--cold-start",
        "120",
        "--kubernetes",
        "1.35",
        "--knative",
        "1.22",
        "--with",
        "upgrade-jobs",
        "--rules",
        "rules",
        "--offline",
        "--mirror",
        "mirror",
        "--out",
        "deploy",
    ];
    place.run(&[&["init", "--config", "prod/knrender.yaml"], &flags[..]].concat()).ok();
    let config = Config::read(Some(&place.path("prod/knrender.yaml"))).unwrap();
    let ask = &config.ask;
    assert_eq!(ask.cluster_name.as_deref(), Some("no"));
    assert_eq!(ask.account_id.as_deref(), Some("012345678901"));
    assert_eq!(ask.alb_group.as_deref(), Some("1e3"));
    assert_eq!(ask.subnets, ["subnet-01234567", "subnet-89abcdef"]);
    assert_eq!(ask.app_namespaces, ["default", "team-*"]);
    assert_eq!(
        (ask.ha, ask.hpa, ask.cold_start, ask.logging),
        (Some(false), Some(Scaling::Fixed), Some(Seconds(120)), Some(true))
    );
    assert_eq!(ask.kubernetes.unwrap().to_string(), "1.35");
    assert_eq!(ask.rules, [place.path("prod/../rules")]);
    assert_eq!(config.out, Some(place.path("prod/../deploy")));
    assert_eq!(config.supply.offline, Some(true));
}

#[test]
fn a_file_that_is_there_stays_unless_forced() {
    let place = Place::new();
    place.write("knrender.yaml", "domain: mine.example\n");
    assert!(place.run(&["init"]).fails(2).contains("knrender.yaml is there already; --force replaces it"));
    assert_eq!(place.read("knrender.yaml"), "domain: mine.example\n");
    place.run(&["init", "--force", "--quiet"]).ok();
    assert_eq!(set(&place.read("knrender.yaml")), ["out: out"]);
    assert_eq!(place.tree("").len(), 1);
}

#[test]
fn what_cannot_be_rendered_is_not_written() {
    let place = Place::new();
    assert!(place.run(&["init", "--region", "europe"]).fails(2).contains("--region `europe`"));
    assert!(place.run(&["init", "--rule-set", "seed"]).fails(2).contains("--gloo"));
    assert!(place.tree("").is_empty());
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_said() {
    let place = Place::new();
    place.write("file", "");
    assert!(
        place
            .run(&["init", "--config", "file/knrender.yaml"])
            .fails(4)
            .contains("file/knrender.yaml: cannot be written")
    );
}
