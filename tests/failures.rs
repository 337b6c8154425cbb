//! Promise: what cannot be rendered is a clear error with its exit code, and nothing is half written.

#![allow(clippy::unwrap_used, clippy::panic, clippy::format_push_string)]

use std::fs;

use crate::support::run::{GLOO, Place, own_mirror};
use crate::support::{Reply, Server};

const SEED: [&str; 7] = ["--gloo", "v1.0.0", "--rule-set", "seed", "--out", "out", "--offline"];
const FIRST: &str = "out/knative-gloo-fargate-first-batch.yaml";

/// A place whose mirror has this as Gloo 1.0.0.
fn with_gloo(text: &str) -> Place {
    let place = Place::new().env("KNRENDER_MIRROR", "mirror");
    own_mirror(&place, text);
    place
}

/// What is said about a manifest that cannot be rendered; neither `out/` nor a lock may be left behind.
#[track_caller]
fn refused(text: &str) -> String {
    let place = with_gloo(text);
    let error = place.run(&SEED).fails(3);
    assert!(!place.path("out").exists(), "out/ was written");
    assert!(!place.path("knrender.lock").exists(), "the lock was written");
    error
}

#[test]
fn our_own_small_manifest_renders() {
    let place = with_gloo(GLOO);
    let ran = place.run(&SEED).ok();
    assert!(ran.stderr.contains("locked gloo v1.0.0 gloo-knative (sha256 "), "{}", ran.stderr);
    assert!(ran.stderr.contains("not verified against the publisher), commit knrender.lock"), "{}", ran.stderr);
    assert!(place.read(FIRST).contains("  type: NodePort             # classic\n"));
    assert!(!place.run(&SEED).ok().stderr.contains("locked"));
}

#[test]
fn html_empty_and_binary_files_are_no_manifests() {
    for (text, complaint) in [
        ("<!DOCTYPE html><html></html>", "HTML"),
        ("", "empty"),
        ("a\u{0}b", "NUL"),
        ("# nothing\n", "there is no Kubernetes object in it"),
        ("a: 1\n", "it has no `apiVersion`"),
        ("- a\n", "it is not a mapping"),
    ] {
        let error = refused(text);
        assert!(error.contains(complaint) && error.contains("gloo-knative.yaml"), "{text:?}: {error}");
    }
}

#[test]
fn broken_yaml_is_named_with_its_line() {
    let tab = format!("{GLOO}---\napiVersion: v1\nkind: Secret\nmetadata:\n\tname: a\n");
    assert!(refused(&tab).contains("gloo 1.0.0 gloo-knative.yaml, line 21: "), "{}", refused(&tab));
    let twice = format!("{GLOO}---\napiVersion: v1\nkind: Secret\nkind: ConfigMap\nmetadata: {{name: a}}\n");
    let error = refused(&twice);
    assert!(error.contains("line 20: ") && error.contains("kind"), "{error}");
    let cut = &GLOO[..GLOO.len() - 12];
    refused(&format!("{cut}\n  - [\n"));
}

#[test]
fn an_alias_bomb_and_deep_nesting_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..9 {
        let before = format!("*a{}", i - 1);
        bomb += &format!("a{i}: &a{i} [{}]\n", vec![before; 10].join(", "));
    }
    let error = refused(&format!("apiVersion: v1\nkind: A\nmetadata: {{name: a}}\n{bomb}"));
    assert!(error.contains("alias"), "{error}");
    let deep = format!("apiVersion: v1\nkind: A\nmetadata: {{name: a}}\nx: {}{}\n", "[".repeat(5000), "]".repeat(5000));
    assert!(refused(&deep).contains("nest"), "{}", refused(&deep));
    let block: String = (0..5000).map(|i| format!("{}k:\n", " ".repeat(i))).collect();
    assert!(
        refused(&format!("apiVersion: v1\nkind: A\nmetadata: {{name: a}}\nx:\n {}", block.replace('\n', "\n ")))
            .contains("nest")
    );
}

#[test]
fn an_object_that_is_there_twice_must_be_the_same() {
    let same = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\n";
    let place = with_gloo(&format!(
        "{GLOO}---\n{same}---\n# again\nkind: Secret\napiVersion: v1\nmetadata: {{namespace: b, name: a}}\n"
    ));
    place.run(&SEED).ok();
    assert_eq!(place.read(FIRST).matches("kind: Secret").count(), 1);
    let explained = place.run(&["explain", "Secret/b/a"]).ok().stdout;
    assert!(explained.contains("left out by duplicate"), "{explained}");
    let error = refused(&format!("{GLOO}---\n{same}---\n{same}type: Opaque\n"));
    assert!(error.contains("Secret/b/a is defined twice, and the two differ"), "{error}");
    assert!(error.contains("line 18") && error.contains("line 22"), "{error}");
}

#[test]
fn an_object_without_a_name_is_refused() {
    let error = refused(&format!("{GLOO}---\napiVersion: batch/v1\nkind: Job\nmetadata: {{generateName: a-}}\n"));
    assert!(error.contains("has no metadata.name"), "{error}");
}

#[test]
fn ten_thousand_documents_render() {
    let many: String = (0..10_000)
        .map(|i| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c{i}\n  namespace: x\n"))
        .collect();
    let place = with_gloo(&format!("{GLOO}{many}"));
    assert!(place.run(&SEED).ok().stderr.contains("10003 objects"));
}

#[test]
fn a_version_with_other_bytes_than_the_lock_says_is_refused() {
    let place = with_gloo(GLOO);
    place.run(&SEED).ok();
    let before = (place.tree("out"), place.read("knrender.lock"));
    own_mirror(&place, &GLOO.replace("classic", "changed"));
    let error = place.run(&SEED).fails(3);
    for part in ["gloo 1.0.0 gloo-knative.yaml", "knrender.lock", "mirror/github.com", "sha256"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(error.matches(|c: char| c.is_ascii_hexdigit()).count() > 128, "two digests: {error}");
    assert_eq!((place.tree("out"), place.read("knrender.lock")), before);
}

#[test]
fn locked_refuses_to_add() {
    let place = with_gloo(GLOO);
    let error = place.run(&[&SEED[..], &["--locked"]].concat()).fails(2);
    assert!(error.contains("is neither in the catalog nor in") && error.contains("knrender upstream lock"), "{error}");
    place.run(&["upstream", "lock", "--gloo", "v1.0.0", "--rule-set", "seed"]).ok();
    place.run(&[&SEED[..], &["--locked"]].concat()).ok();
}

#[test]
fn without_network_and_mirror_one_error_says_what_to_do() {
    let error = Place::new().run(&["--offline", "--out", "out"]).fails(3);
    for part in [
        "https://github.com/knative/serving/releases/download/knative-v1.23.0/serving-core.yaml",
        "--mirror",
        "knrender upstream mirror",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

#[test]
fn a_mirror_that_is_not_there_is_an_error_by_flag_and_a_warning_by_environment() {
    let place = Place::new().env("KNRENDER_MIRROR", "nowhere");
    let error = place.run(&["--offline"]).fails(3);
    assert!(error.contains("warning: KNRENDER_MIRROR names nowhere, and there is no such folder"), "{error}");
    let error = place.run(&["--offline", "--mirror", "nowhere"]).fails(2);
    assert!(error.contains("--mirror nowhere: there is no such folder"), "{error}");
}

#[test]
fn a_mirror_may_be_a_url_and_a_redirect_away_from_it_to_http_is_refused() {
    let place = Place::new();
    let server = Server::new(|seen| match seen.target.as_str() {
        t if t.starts_with("/good/") => Reply::ok(GLOO),
        t if t.starts_with("/away/") => Reply::redirect("http://example.invalid/x"),
        _ => Reply::status("404 Not Found", &[], "no"),
    });
    let run = |path: &str| {
        place.run(&["--gloo", "v1.0.0", "--rule-set", "seed", "--out", "out", "--mirror", &server.url(path)])
    };
    run("/good").ok();
    assert!(place.read("knrender.lock").contains("verified: false"));
    fs::remove_file(place.path("knrender.lock")).unwrap();
    fs::remove_dir_all(place.path("../cache")).unwrap();
    let ran = run("/away");
    assert!(ran.code == 3 && ran.stderr.contains("example.invalid"), "{}", ran.stderr);
    let error =
        place.run(&["--offline", "--gloo", "v1.0.0", "--out", "out", "--mirror", &server.url("/good")]).fails(3);
    assert!(error.contains("--offline") || error.contains("offline"), "{error}");
}

#[test]
fn a_mirror_with_a_link_that_leads_outside_is_refused() {
    let place = with_gloo(GLOO);
    let file = place.path("mirror/github.com/solo-io/gloo/releases/download/v1.0.0/gloo-knative.yaml");
    place.write("secret.yaml", GLOO);
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(place.path("secret.yaml"), &file).unwrap();
    let error = place.run(&SEED).fails(3);
    assert!(error.contains("gloo-knative.yaml"), "{error}");
}

#[test]
fn a_rule_that_matches_nothing_fails_the_render_and_leaves_the_old_one() {
    let place = with_gloo(GLOO);
    place.run(&SEED).ok();
    let before = place.tree("out");
    place.write(
        "rules/mine.yaml",
        "- rule: gone\n  why: It is not wanted.\n  match: {kind: Service, name: knative-proxy}\n  drop: true\n",
    );
    let error = place.run(&[&SEED[..], &["--rules", "rules"]].concat()).fails(2);
    assert!(error.contains("rule `gone` (rules/mine.yaml, line 1) expects 1 object and matched 0"), "{error}");
    assert!(error.contains("Service/gloo-system/knative-external-proxy"), "{error}");
    assert_eq!(place.tree("out"), before);
}

#[test]
fn a_users_rules_come_after_the_built_in_ones() {
    let place = with_gloo(GLOO);
    place.write(
        "rules/mine.yaml",
        "- rule: team-label\n  why: Ours.\n  match: {namespace: gloo-system}\n  expect: some\n  merge: {metadata: {labels: {team: web}}}\n\
         - rule: quota\n  why: Ours.\n  add: quota.yaml.j2\n",
    );
    place.write(
        "rules/quota.yaml.j2",
        "apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: q\n  namespace: gloo-system\n",
    );
    place.run(&[&SEED[..], &["--rules", "rules"]].concat()).ok();
    let explained = place.run(&["explain", "ingress/gloo-system/knative-external-proxy"]).ok().stdout;
    assert!(explained.contains("/metadata/labels/team: \"web\" (new)"), "{explained}");
    assert!(place.read(FIRST).contains("kind: ResourceQuota\n"));
}

#[test]
fn a_mistake_in_a_rule_file_is_named_with_line_and_column() {
    let place = with_gloo(GLOO);
    place.write("rules/mine.yaml", "- rule: a\n  why: b\n  match: {kind: Service}\n  dorp: true\n");
    let error = place.run(&[&SEED[..], &["--rules", "rules"]].concat()).fails(2);
    assert!(error.contains("rules/mine.yaml, line 4: column 3: unknown key `dorp`"), "{error}");
}

#[test]
fn a_foreign_manifest_in_out_is_an_error_that_names_it() {
    let place = with_gloo(GLOO);
    place.write("out/mine.yaml", "a: 1\n");
    let error = place.run(&SEED).fails(4);
    assert!(error.contains("mine.yaml"), "{error}");
    assert_eq!(place.tree("out").len(), 1);
}

#[test]
fn an_unwritable_out_is_an_error() {
    let place = with_gloo(GLOO);
    place.write("out", "a file");
    assert!(place.run(&SEED).fails(4).contains("out"));
}

#[test]
fn two_renders_at_once_leave_one_whole_render() {
    let place = with_gloo(GLOO);
    place.run(&SEED).ok();
    let whole = place.tree("out");
    let codes: Vec<i32> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| place.run(&SEED))).collect();
        runs.into_iter()
            .map(|run| run.join().unwrap())
            .map(|ran| {
                assert!(ran.code == 0 || ran.stderr.contains("another knrender is writing"), "{}", ran.stderr);
                ran.code
            })
            .collect()
    });
    assert!(codes.iter().all(|code| [0, 4].contains(code)) && codes.contains(&0), "{codes:?}");
    assert_eq!(place.tree("out"), whole);
}

#[test]
fn where_nothing_can_be_read_nothing_is_said_of_it() {
    let place = Place::new();
    for command in ["plan", "images", "report"] {
        let ran = place.run(&[command, "gone.yaml"]);
        let why = "gone.yaml: No such file or directory";
        assert!(
            ran.code == 3 && ran.stdout.is_empty() && ran.stderr.contains(why),
            "{command}: {}{}",
            ran.stdout,
            ran.stderr
        );
    }
}

#[test]
fn flags_that_do_not_go_together_are_refused() {
    let place = Place::new();
    for (flags, complaint) in [
        (vec!["--rule-set", "seed"], "--gloo v1.3.9"),
        (vec!["--gloo", "v1.15.0"], "Helm chart"),
        (vec!["--gloo", "v1.3.9", "--kourier", "v1.23.0"], "cannot be used with"),
        (vec!["--knative", "v1.20.0"], "--kourier"),
        (vec!["--knative", "newest"], "is not a version"),
        (vec!["--domain", "https://a.example"], "is not a domain name"),
        (vec!["--vpc-id", "vpc-1"], "is not a VPC id"),
        (vec!["--with", "everything"], "autoscaler-hpa"),
    ] {
        let error = place.run(&flags).fails(2);
        assert!(error.contains(complaint), "{flags:?}: {error}");
    }
}

#[test]
fn a_mistake_in_the_configuration_is_named_with_line_and_column() {
    let place = with_gloo(GLOO);
    place.write("knrender.yaml", "gloo: v1.0.0\nrule_set: seed\n");
    let error = place.run(&["--offline"]).fails(2);
    assert!(error.contains("knrender.yaml, line 2, column 1: unknown key `rule_set`"), "{error}");
    place.write("knrender.yaml", "gloo: v1.0.0\nrule-set: sede\n");
    let error = place.run(&["--offline"]).fails(2);
    assert!(error.contains("knrender.yaml, line 2, column 11"), "{error}");
    assert!(place.run(&["--config", "none.yaml"]).fails(2).contains("none.yaml"));
}

#[test]
fn the_configuration_does_what_flags_do() {
    let place = with_gloo(GLOO);
    place.run(&SEED).ok();
    place
        .write("team/knrender.yaml", "gloo: v1.0.0\nrule-set: seed\nout: rendered\noffline: true\nmirror: ../mirror\n");
    place.run(&["--config", "team/knrender.yaml"]).ok();
    assert_eq!(place.tree("team/rendered"), place.tree("out"));
    assert!(place.path("team/knrender.lock").exists());
}

#[test]
fn explain_says_what_it_does_not_know() {
    let place = with_gloo(GLOO);
    assert!(place.run(&["explain"]).fails(3).contains("out/about/provenance.json"));
    place.run(&SEED).ok();
    let error = place.run(&["explain", "Service/proxy"]).fails(2);
    assert!(error.contains("Near: Service/gloo-system/knative-external-proxy"), "{error}");
    place.write("out/about/provenance.json", "{");
    assert!(place.run(&["explain"]).fails(3).contains("render again"));
}

#[test]
fn what_is_mistyped_is_told_what_was_probably_meant() {
    let place = with_gloo(GLOO);
    place.write("knrender.yaml", "domian: apps.example.com\n");
    let error = place.run(&SEED).fails(2);
    assert!(error.contains("line 1, column 1: unknown key `domian`; did you mean `domain`?"), "{error}");
    place.write("knrender.yaml", "");
    let error = place.run(&["lint", "--explain", "daemonset"]).fails(2);
    assert!(error.contains("there is no lint `daemonset`; near: daemon-set"), "{error}");
    let error = place.run(&["help", "frist-render"]).fails(2);
    assert!(error.contains("'first-render'"), "{error}");
    place.run(&SEED).ok();
    let error = place.run(&["explain", "Servce/gloo-system/knative-external-prxy"]).fails(2);
    assert!(error.contains("Near: Service/gloo-system/knative-external-proxy"), "{error}");
    let error = place.run(&["--gloo", "2.0", "--rule-set", "seed"]).fails(2);
    assert!(error.contains("gloo 2.0 cannot be rendered") && error.contains("--gloo-manifest"), "{error}");
    let error = place.run(&["--gloo", "1.14"]).fails(2);
    assert!(
        error.contains("gloo 1.14 is not in the catalog. Name the patch of a release as well, such as 1.14.0"),
        "{error}"
    );
}

#[test]
fn a_folder_with_a_blank_stands_in_quotes_wherever_it_is_to_be_pasted() {
    let place = with_gloo(GLOO);
    let flags = ["--gloo", "v1.0.0", "--rule-set", "seed", "--offline", "--out", "my out"];
    let said = place.run(&flags).ok().stderr;
    assert!(said.contains("knrender explain --out 'my out' OBJECT"), "{said}");
    let (_, next) = said.split_once("\nNext\n").unwrap();
    assert!(next.contains("sh 'my out'/apply.sh") && !next.contains(" my out/"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_has_no_end_is_given_up() {
    let place = Place::new();
    assert!(
        place.run(&["validate", "/dev/zero"]).fails(3).contains("/dev/zero: more than 256 MiB without a line `---`")
    );
}
