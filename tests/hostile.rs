//! Promise: nothing that a manifest, a rule or a file name says becomes a command, an option, or something that drives a terminal,
//! and no password or content of a Secret is said.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::support::cluster::Cluster;
use crate::support::run::{GLOO, Place, own_mirror};
use proptest::prelude::*;

const RULE: &str = "- {rule: hostile, why: a test, add: t.j2}\n";

fn object(api: &str, kind: &str, namespace: &str, name: &str) -> String {
    let quoted = |text: &str| serde_json::to_string(text).unwrap();
    format!(
        "apiVersion: {}\nkind: {}\nmetadata:\n  name: {}\n  namespace: {}\n",
        quoted(api),
        quoted(kind),
        quoted(name),
        quoted(namespace)
    )
}

#[test]
fn hostile_objects_run_nothing_and_are_no_options() {
    let Some(place) = Place::with_upstream() else { return };
    place.write("rules/r.yaml", RULE);
    place.write("bin/kubectl", "#!/bin/sh\nprintf '%s\\n' \"$@\" >>\"$RECORD\"\nexit 1\n");
    fs::set_permissions(place.path("bin/kubectl"), fs::Permissions::from_mode(0o755)).unwrap();
    let evil = "x\nEND\ntouch owned\ncat <<'END'";
    let stacks: [&[&str]; 2] =
        [&["--rules", "rules"], &["--rules", "rules", "--kubernetes", "1.30", "--knative", "v1.17.0"]];
    for word in [evil, "--all", "$(touch owned)", "`touch owned`", "'; touch owned; '", "a b"] {
        for text in [
            object(&format!("{word}/v1"), "Thing", "a", "a"),
            object("a.example/v1", word, "a", "a"),
            object("v1", "ConfigMap", word, "a"),
            object("v1", "ConfigMap", "a", word),
        ] {
            place.write("rules/t.j2", &text.replace("{{", ""));
            for stack in stacks {
                let ran = place.run(&[stack, &["--out", "out"]].concat());
                let script = place.path("out/apply.sh");
                if ran.code == 0 && script.exists() {
                    for flags in [&["--yes"][..], &["--yes", "--delete"]] {
                        let path = format!("{}:/usr/bin:/bin", place.path("bin").display());
                        let mut run = Command::new("sh");
                        run.arg(&script).args(flags).current_dir(place.path("")).env("PATH", path);
                        run.env("RECORD", place.path("record")).env("KNRENDER_WAIT", "1").output().unwrap();
                    }
                }
                assert!(!place.path("owned").exists(), "{word:?} ran");
                let record = fs::read_to_string(place.path("record")).unwrap_or_default();
                assert!(!record.lines().any(|argument| argument == "--all"), "{word:?} became an option");
                assert_ne!(ran.code, 0, "{word:?} in {text} was taken");
                assert!(!ran.stderr.contains("fault of knrender"), "{}", ran.stderr);
            }
        }
    }
}

/// Words that a shell, kubectl or a here-document might take for more than a word, and some that are good.
fn any_word() -> impl Strategy<Value = String> {
    let hostile = [
        "x\nEND\ntouch owned\ncat <<'END'",
        "x\nEOF\ntouch owned\n",
        "$(touch owned)",
        "`touch owned`",
        "';touch owned;'",
        "\";touch owned;\"",
        "a;touch owned",
        "a&touch owned",
        "a|touch owned",
        "a\ntouch owned\n",
        "${IFS}touch${IFS}owned",
        ">owned",
        "a>owned",
        "--all",
        "-f",
        "--all-namespaces",
        "-",
        "--",
        "*",
        "a b",
        "~",
        "a\\",
        "\u{202e}",
        "é",
        "",
        "#",
        "../a",
        "a\rtouch owned",
        "a\0b",
        "{a,b}",
        "!!",
        "a=b",
        "a/b",
        "a,--all",
        "%s",
    ];
    prop_oneof![
        4 => prop::sample::select(hostile.to_vec()).prop_map(str::to_owned),
        2 => "[a-z][a-z0-9.-]{0,8}[a-z0-9]",
        1 => "[ -~]{1,10}",
        1 => "[a-z]{1,3}(\n|\r\n|\t| )[a-z-]{1,5}",
    ]
}

/// An object with such words wherever one may reach a script.
fn any_object() -> impl Strategy<Value = String> {
    (0..7_usize, any_word(), any_word()).prop_map(|(place, word, other)| {
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let (hostile, also) = (quoted(&word), quoted(&other));
        match place {
            0 => object(&format!("{word}/v1"), "Thing", "gloo-system", "a"),
            1 => object("a.example/v1", &word, "gloo-system", "a"),
            2 => object("v1", "ConfigMap", "gloo-system", &word),
            3 => object("v1", "ConfigMap", &word, &other),
            4 => format!(
                "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {{name: a}}\n\
                 webhooks:\n- name: a.example.com\n  clientConfig: {{service: {{name: {hostile}, namespace: {also}}}}}\n"
            ),
            5 => format!(
                "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: a, namespace: gloo-system}}\n\
                 spec: {{ingressClassName: {hostile}}}\n"
            ),
            _ => format!(
                "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: {also}, namespace: gloo-system, labels: {{app: {hostile}}}}}\n"
            ),
        }
    })
}

/// The options that our scripts give to kubectl, but for `--all` and `-`, which they give with `--all-namespaces` and `-f` only.
fn own_options() -> BTreeSet<String> {
    let mut options = BTreeSet::new();
    for file in fs::read_dir("templates/apply").unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let words = text.split(|c: char| !(c.is_ascii_lowercase() || c == '-'));
        options.extend(
            words.filter(|word| word.starts_with('-') && word.contains(char::is_alphabetic)).map(str::to_owned),
        );
    }
    options.remove("--all");
    assert!(options.contains("--namespace"), "{options:?}");
    options
}

/// Runs both scripts of a render with a kubectl that writes down each of its words, and returns the words.
fn words_of_both_scripts(place: Place, flags: &[&str]) -> Vec<String> {
    let cluster = Cluster::of(place, "out", flags);
    let place = &cluster.place;
    fs::rename(place.path("bin/kubectl"), place.path("bin/cluster")).unwrap();
    place.write("bin/kubectl", "#!/bin/sh\nprintf '%s\\0' \"$@\" >>\"$FAKE/words\"\nexec \"${0%/*}/cluster\" \"$@\"\n");
    fs::set_permissions(place.path("bin/kubectl"), fs::Permissions::from_mode(0o755)).unwrap();
    for arguments in [&["--yes"][..], &["--delete", "--yes"]] {
        cluster.apply(arguments);
    }
    let words = fs::read_to_string(place.path("fake/words")).unwrap();
    let owned = walkdir::WalkDir::new(place.path("")).into_iter().map(Result::unwrap).any(|e| e.file_name() == "owned");
    assert!(!owned, "a word of an object ran");
    words.split_terminator('\0').map(str::to_owned).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nobody validates what the rule set `seed` renders for old clusters.
    #[test]
    fn what_is_not_refused_runs_as_nothing_but_our_own_calls(
        objects in prop::collection::vec(any_object(), 1..3),
        kubernetes in prop::sample::select(vec!["1.16", "1.21", "1.30"]),
    ) {
        let place = Place::new().env("KNRENDER_MIRROR", "mirror");
        own_mirror(&place, &format!("{GLOO}---\n{}", objects.join("---\n")));
        let flags = ["--gloo", "v1.0.0", "--rule-set", "seed", "--kubernetes", kubernetes, "--offline"];
        let ran = place.run(&[&flags[..], &["--out", "out"]].concat());
        if ran.code != 0 {
            prop_assert!(ran.stderr.contains("knrender: ") && !ran.stderr.contains("fault of knrender"), "{}", ran.stderr);
            return Ok(());
        }
        let options = own_options();
        let words = words_of_both_scripts(place, &flags);
        for (i, word) in words.iter().enumerate().filter(|(_, word)| word.starts_with('-')) {
            let is_pair = word == "--all" && words.get(i + 1).is_some_and(|next| next == "--all-namespaces")
                || word == "-" && i > 0 && words[i - 1] == "-f";
            let option = word.split('=').next().unwrap_or_default();
            prop_assert!(is_pair || options.contains(option), "{:?} in {:?}", word, objects);
        }
    }
}

#[test]
fn a_password_in_an_address_is_never_said() {
    let place = Place::new();
    for address in ["http://user:hunter2@host.example", "ftp://hunter2@host.example/x", "https://user:hun/hunter2@h"] {
        for arguments in [
            &["--out", "out", "--mirror", address][..],
            &["--out", "out", "--layout", "argocd", "--gitops-repo", address],
        ] {
            let ran = place.run(arguments);
            assert_ne!(ran.code, 0);
            assert!(!(ran.stderr + &ran.stdout).contains("hunter2"), "{arguments:?}");
        }
        place.write("knrender.yaml", &format!("mirror: {address}\noffline: true\n"));
        let ran = place.run(&["--out", "out"]);
        assert!(!(ran.stderr + &ran.stdout).contains("hunter2"), "{address}");
        fs::remove_file(place.path("knrender.yaml")).unwrap();
    }
}

#[test]
fn nothing_drives_the_terminal() {
    let place = Place::new();
    let evil = "e\u{1b}[31m\u{9b}2J\u{202e}\u{7}x\ny";
    place.write(&format!("in/{evil}.yaml"), &object("v1", "Service", evil, evil));
    place.write("in/b.yaml", &object("v1", &format!("K{evil}"), "a", "a"));
    for arguments in [
        &["lint", "in"][..],
        &["lint", "in", "--format", "json"],
        &["lint", "in", "--format", "sarif"],
        &["validate", "in"],
        &["validate", "in", "--format", "json"],
        &["plan", "in"],
        &["explain", evil],
        &["lint", evil],
        &[evil],
        &["--out", "out", "--domain", evil],
    ] {
        let ran = place.run(arguments);
        let said = ran.stdout + &ran.stderr;
        for hostile in ['\u{1b}', '\u{9b}', '\u{202e}', '\u{7}'] {
            assert!(!said.contains(hostile), "{arguments:?}: {said:?}");
        }
    }
}

#[test]
fn a_secret_is_told_by_its_digest() {
    let Some(place) = Place::with_upstream() else { return };
    place.write(
        "rules/r.yaml",
        "- rule: password\n  why: a test\n  match: {kind: Secret, name: webhook-certs}\n  merge: {stringData: {p: hunter2}}\n",
    );
    let arguments = ["--rules", "rules", "--out", "out"];
    let said = place.run(&arguments).ok();
    assert!(!(said.stderr + &said.stdout).contains("hunter2"));
    assert!(place.read("out/knative-kourier-fargate-first-batch.yaml").contains("hunter2"));
    let provenance = place.read("out/about/provenance.json");
    assert!(!provenance.contains("hunter2") && provenance.contains("sha256:"));
    assert!(!place.run(&["explain", "Secret/webhook-certs"]).ok().stdout.contains("hunter2"));
    let rule = place.read("rules/r.yaml").replace("hunter2", "hunter3");
    place.write("rules/r.yaml", &rule);
    let check = place.run(&[&arguments[..], &["--check"]].concat());
    assert_eq!(check.code, 1);
    assert!(check.stdout.contains("sha256:") && !check.stdout.contains("hunter"), "{}", check.stdout);
}

#[test]
fn a_half_written_folder_is_not_read() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--out", "out"]).ok();
    fs::create_dir(place.path("out/.knrender-stage")).unwrap();
    for command in ["lint", "validate", "plan", "explain"] {
        assert!(place.run(&[command]).fails(3).contains("was killed while it wrote"), "{command}");
    }
    place.run(&["--out", "out"]).ok();
    place.run(&["explain"]).ok();
}
