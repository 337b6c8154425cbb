//! Promise: nothing that a manifest, a rule or a file name says becomes a command, an option, or something that drives a terminal,
//! and no password or content of a Secret is said.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support {
    pub mod run;
}

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use support::run::Place;

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
