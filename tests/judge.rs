//! Promise: `knrender lint` and `knrender validate` are asked in the same ways: what counts, what is built first, and how much is
//! said.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::process::Command;

use crate::support::run::Place;
use serde_json::Value;

/// An error for both judges: a host network, and a name with a capital letter.
fn bad(name: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}}}\nspec:\n  hostNetwork: true\n  containers: [{{name: a, image: 'b.example/c:1.0.0'}}]\n"
    )
}

const JUDGES: [(&str, &str); 2] = [("lint", "host-network"), ("validate", "bad-name")];

/// A working folder in which `git`, `kubectl` and `helm` are found where they are.
fn place() -> Place {
    Place::new().env("PATH", &std::env::var("PATH").unwrap())
}

fn git(place: &Place, args: &[&str]) {
    let ran = Command::new("git").args(args).current_dir(place.path("")).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

fn commit(place: &Place) {
    git(place, &["add", "."]);
    git(place, &["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "a"]);
}

/// The findings of a report that count, as `code object`.
fn counting(report: &Value) -> Vec<String> {
    let counts = report["findings"].as_array().unwrap().iter().filter(|f| f["allowed"].is_null());
    counts
        .filter(|f| f["severity"] == "error")
        .map(|f| format!("{} {}", f["code"].as_str().unwrap(), f["object"].as_str().unwrap_or_default()))
        .collect()
}

#[test]
fn what_a_baseline_has_does_not_count_wherever_it_moved() {
    for (judge, code) in JUDGES {
        let place = place();
        place.write("in/a.yaml", &bad("A"));
        place.run(&[judge, "in", "--write-baseline", "known.json"]).ok();
        place.write("in/a.yaml", &format!("# moved\n\n---\n{}", bad("A")));
        place.run(&[judge, "in", "--baseline", "known.json"]).ok();
        place.write("in/b.yaml", &bad("B"));
        let report = place.run(&[judge, "in", "--baseline", "known.json", "--format", "json"]);
        assert_eq!((report.code, counting(&report.json())), (1, vec![format!("{code} Pod/B")]));
    }
}

#[test]
fn a_report_in_json_is_a_baseline_and_what_is_mended_is_told() {
    for (judge, _) in JUDGES {
        let place = place();
        place.write("in/a.yaml", &bad("A"));
        let report = place.run(&[judge, "in", "--format", "json"]);
        place.write("known.json", &report.stdout);
        place.write("in/a.yaml", &bad("a").replace("hostNetwork: true", "enableServiceLinks: false"));
        let ran = place.run(&[judge, "in", "--baseline", "known.json", "--format", "json"]).ok();
        assert!(ran.stderr.contains("known.json has ") && ran.stderr.contains("--write-baseline"), "{}", ran.stderr);
        let gone = &ran.json()["summary"]["gone"];
        assert!(gone.as_array().unwrap().iter().any(|known| known["object"] == "Pod/A"), "{gone}");
    }
}

#[test]
fn a_baseline_that_is_none_is_refused() {
    let place = place();
    place.write("a.yaml", &bad("A"));
    place.write("broken.json", "{\"findings\": 1}");
    for (judge, _) in JUDGES {
        assert!(place.run(&[judge, "a.yaml", "--baseline", "none.json"]).fails(2).contains("--baseline none.json: "));
        assert!(place.run(&[judge, "a.yaml", "--baseline", "broken.json"]).fails(2).contains("--format json"));
        place.run(&[judge, "a.yaml", "--write-baseline", "no/such/folder.json"]).fails(4);
    }
}

#[test]
fn a_baseline_is_not_written_over_what_is_none() {
    for (judge, _) in JUDGES {
        let place = place();
        place.write("in/a.yaml", &bad("A"));
        let ran = place.run(&[judge, "in", "--write-baseline", "in/a.yaml"]);
        assert!(ran.code == 2 && ran.stderr.contains("is no baseline"), "{}", ran.stderr);
        assert_eq!(fs::read_to_string(place.path("in/a.yaml")).unwrap(), bad("A"));
        for _ in 0..2 {
            place.run(&[judge, "in", "--write-baseline", "known.json"]).ok();
        }
    }
}

#[test]
fn what_cannot_be_opened_is_told_in_every_format_and_the_rest_is_judged() {
    for (judge, code) in JUDGES {
        let place = place();
        place.write("in/a.yaml", &bad("A"));
        std::os::unix::fs::symlink("nowhere", place.path("in/b.yaml")).unwrap();
        place.write("in/c.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n\tname: d\n");
        let report = place.run(&[judge, "in", "gone.yaml", "--format", "json"]);
        assert_eq!((report.code, counting(&report.json())), (3, vec![format!("{code} Pod/A")]));
        let unread = report.json()["unread"].as_array().unwrap().len();
        assert_eq!(unread, 3);
        for (format, marks) in [
            ("text", ["in/b.yaml: No such file", "in/c.yaml, line 4: ", "gone.yaml: No such file"]),
            ("sarif", ["in/b.yaml", "in/c.yaml", "gone.yaml"]),
            ("github", ["::error file=in/b.yaml,line=1,", "::error file=in/c.yaml,line=4,", "::error file=gone.yaml,"]),
            ("junit", ["<testcase classname=\"in/b.yaml\"", "errors=\"3\"", "<error type=\"not read\""]),
        ] {
            let ran = place.run(&[judge, "in", "gone.yaml", "--format", format]);
            let said = format!("{}{}", ran.stdout, if format == "text" { &ran.stderr } else { "" });
            assert_eq!(ran.code, 3);
            assert!(marks.iter().all(|mark| said.contains(mark)), "{format}: {said}");
        }
    }
}

#[test]
fn an_annotation_names_files_and_not_standard_input() {
    let place = place();
    let ran = place.run_with_input(&["validate", "-", "--format", "github"], &bad("A"));
    assert!(ran.stdout.contains("::standard input, line 3: ") && !ran.stdout.contains("file="), "{}", ran.stdout);
}

#[test]
fn a_code_of_the_other_judge_is_told_as_such() {
    let place = place();
    let other = place.run(&["lint", "--explain", "wrong-type"]);
    assert!(other.stderr.contains("`knrender validate --explain wrong-type`"), "{}", other.stderr);
    let none = place.run(&["validate", "--explain", "foo"]);
    assert!(none.stderr.contains("there is no check `foo`"), "{}", none.stderr);
}

#[test]
fn only_files_that_changed_since_a_revision_count_and_all_are_read() {
    for (judge, code) in JUDGES {
        let place = place();
        git(&place, &["init", "--quiet"]);
        place.write("in/old.yaml", &bad("Old"));
        place.write("in/edited.yaml", &bad("ok").replace("hostNetwork: true", "enableServiceLinks: false"));
        commit(&place);
        place.run(&[judge, "in"]).fails(1);
        place.run(&[judge, "in", "--changed-since", "HEAD"]).ok();
        place.write("in/edited.yaml", &bad("Edited"));
        place.write("in/new.yaml", &bad("New"));
        let report = place.run(&[judge, "in", "--changed-since", "HEAD", "--format", "json"]);
        assert_eq!(report.code, 1);
        assert_eq!(counting(&report.json()), [format!("{code} Pod/Edited"), format!("{code} Pod/New")]);
        assert_eq!(report.json()["summary"]["objects"], 3);
        commit(&place);
        let report = place.run(&[judge, "in", "--changed-since", "HEAD~1", "--format", "json"]).json();
        assert_eq!(counting(&report).len(), 2);
    }
}

#[test]
fn a_revision_that_git_cannot_tell_is_refused() {
    let place = place();
    place.write("a.yaml", &bad("a"));
    let said = place.run(&["validate", "a.yaml", "--changed-since", "main"]).fails(2);
    assert!(said.contains("a.yaml is in no git repository"), "{said}");
    git(&place, &["init", "--quiet"]);
    commit(&place);
    let said = place.run(&["validate", "a.yaml", "--changed-since", "no-such"]).fails(2);
    assert!(said.contains("--changed-since no-such: git knows no such revision"), "{said}");
    assert!(place.run(&["lint", "a.yaml", "--changed-since=--all"]).fails(2).contains("no git revision"));
    assert!(place.run(&["lint", "-", "--changed-since=HEAD"]).fails(2).contains("standard input"));
}

#[test]
fn a_summary_counts_codes_and_kinds_and_says_what_was_not_judged() {
    let place = place();
    place.write("a.yaml", &bad("A"));
    place.write("b.yaml", &bad("B"));
    place.write("c.yaml", "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: c}\n");
    place.write("values.yaml", "values: 1\n");
    let said = place.run(&["validate", ".", "--summary"]);
    assert_eq!(said.code, 1);
    for part in [
        "      2  error    bad-name ",
        "\nBy kind\n  Pod  2 errors",
        "1 object of kind Issuer of cert-manager.io/v1: no CRD",
        "1 document without apiVersion and kind",
        "\n2 errors, 0 warnings, 1 note in 3 objects of 3 files",
    ] {
        assert!(said.stdout.contains(part), "{part}: {}", said.stdout);
    }
    let json = place.run(&["validate", ".", "--summary", "--format", "json"]).json();
    assert_eq!(json["summary"]["kinds"][0]["errors"], 2);
    assert!(json.get("findings").is_none());
    assert!(place.run(&["lint", ".", "--summary", "--format", "sarif"]).fails(2).contains("--summary"));
}

#[test]
fn what_kustomize_builds_is_not_judged_file_by_file() {
    let place = place();
    place.write("all/base/kustomization.yaml", "resources: [a.yaml]\n");
    place.write("all/base/a.yaml", &bad("A"));
    place.write("all/prod/kustomization.yaml", "resources: [../base]\n");
    place.write("all/prod/patch.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: A}\n");
    place.write("all/plain.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    for (judge, _) in JUDGES {
        let ran = place.run(&[judge, "all"]);
        assert_eq!(ran.code, 3);
        let build = format!("`kubectl kustomize all/prod | knrender {judge} -`");
        assert!(ran.stderr.contains(&build) && !ran.stderr.contains("all/base"), "{}", ran.stderr);
        assert!(ran.stdout.contains("in 1 object of 1 file"), "{}", ran.stdout);
    }
}

#[test]
fn parts_of_what_is_built_are_named_with_the_command_that_builds_it() {
    let place = place();
    place.write("over/kustomization.yaml", "resources: []\n");
    place.write("over/json.yaml", "- {op: replace, path: /spec/replicas, value: 3}\n");
    place.write("over/merge.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: 3}\n");
    place.write("chart/Chart.yaml", "name: chart\n");
    place.write("chart/templates/a.yaml", "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}\n");
    for (file, says) in [
        ("over/kustomization.yaml", "there is no Kubernetes object"),
        ("over/json.yaml", "this is a patch (JSON 6902) and no object; build it first: `kubectl kustomize over |"),
        ("over/merge.yaml", "`kubectl kustomize over | knrender validate -`"),
        ("chart/templates/a.yaml", "this is a template of Helm and no object; build it first: `helm template chart |"),
        (
            "chart",
            "Helm builds this folder, so it is not judged file by file: `helm template chart | knrender validate -`",
        ),
    ] {
        let said = place.run(&["validate", file]).fails(3);
        assert!(said.contains(says), "{file}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn kustomizations_and_charts_are_built_on_request() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let object = bad("A");
    for tool in ["kubectl", "helm"] {
        let script = format!(
            "#!/bin/sh\n[ \"$2\" = broken ] && {{ echo 'error: no such thing' >&2; exit 1; }}\ncat <<'EOF'\n{object}EOF\n"
        );
        place.write(&format!("bin/{tool}"), &script);
        fs::set_permissions(place.path(&format!("bin/{tool}")), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let bin = place.path("bin").display().to_string();
    let place = place.env("PATH", &format!("{bin}:{}", std::env::var("PATH").unwrap()));
    let report = place.run(&["validate", "--kustomize", "over", "--format", "json"]);
    assert_eq!(report.code, 1);
    let finding = &report.json()["findings"][0];
    assert_eq!((&finding["file"], &finding["line"]), (&"kubectl kustomize over".into(), &3.into()));
    let report = place.run(&["lint", "--helm", "chart"]);
    assert!(report.stdout.contains("helm template chart:5:3"), "{}", report.stdout);
    let said = place.run(&["lint", "--helm", "broken"]).fails(3);
    assert!(said.contains("--helm: `helm template broken` failed: no such thing"), "{said}");
    let alone = Place::new().env("PATH", "/nonexistent");
    assert!(alone.run(&["lint", "--kustomize", "over"]).fails(3).contains("does not run"));
}

#[test]
fn what_is_secret_is_not_shown_and_what_is_long_is_cut() {
    let place = place();
    place.write("a.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata:\n  key: hunter2!\n");
    let said = place.run(&["validate", "a.yaml"]);
    assert!(
        said.code == 1 && said.stdout.contains("a.yaml:5:3") && !said.stdout.contains("hunter2"),
        "{}",
        said.stdout
    );
    let long = format!(
        "{{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"data\": {{\"a\": \"{}\"}}, \"metadata\": {{\"name\": \"A\"}}}}",
        "x".repeat(5000)
    );
    place.write("b.json", &long);
    let said = place.run(&["validate", "b.json"]);
    assert!(said.stdout.lines().all(|line| line.chars().count() < 140), "{}", said.stdout);
    assert!(said.stdout.contains("\"name\": \"A\""), "{}", said.stdout);
}

#[test]
fn no_format_says_what_stands_in_a_secret() {
    let head = "apiVersion: v1\nkind: Secret\nmetadata: {name: A}\n";
    let list = "apiVersion: v1\nkind: List\nitems:\n- kind: Secret\n  apiVersion: v1\n  metadata: {name: B}\n";
    let inputs = [
        ("a.yaml", format!("{head}stringData:\n  password: 19450508\n")),
        ("b.yaml", format!("{head}data: {{password: 19450508, other: true}}\n")),
        ("c.yaml", format!("{list}  stringData:\n    password: 19450508\n")),
        ("d.yaml", format!("{head}data:\n  password: MTk0NTA1MDg=\n  password: MTk0NTA1MDg=\n")),
        ("e.yaml", "{apiVersion: v1, kind: Secret, metadata: {name: A}, stringData: {password: '19450508'}}\n".into()),
        (
            "f.json",
            r#"{"stringData":{"p":"19450508"},"kind":"Secret","apiVersion":"v1","metadata":{"name":"A"}}"#.into(),
        ),
        (
            "g.yaml",
            format!("{head}type: kubernetes.io/dockerconfigjson\nstringData: {{.dockerconfigjson: '19450508'}}\n"),
        ),
        (
            "h.yaml",
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  annotations:\n    \
             kubectl.kubernetes.io/last-applied-configuration: 19450508\n"
                .into(),
        ),
    ];
    for (name, text) in inputs {
        let place = place();
        place.write(name, &text);
        for format in ["text", "json", "sarif", "github", "junit"] {
            let ran = place.run(&["validate", name, "--format", format]);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            let count = ran.stdout.matches(name).count();
            assert!(
                count > 0 && !said.contains("19450508") && !said.contains("MTk0NTA1MDg"),
                "{name} {format}: {said}"
            );
        }
        place.run(&["validate", name, "--write-baseline", "known.json"]);
        let known = fs::read_to_string(place.path("known.json")).unwrap();
        assert!(!known.contains("19450508"), "{known}");
    }
    let place = place();
    place.write("a.yaml", &format!("{head}stringData: {{password: 19450508}}\n"));
    let said = place.run(&["validate", "a.yaml"]).stdout;
    assert!(said.contains("it is a number and has to be a string") && said.contains("| metadata: {name: A}"), "{said}");
}

const CRD: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.sea.example.com}
spec:
  group: sea.example.com
  scope: Namespaced
  names: {kind: Boat, plural: boats, singular: boat, listKind: BoatList}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, required: [sails], properties: {sails: {type: integer}}}
";
const BOAT: &str = "apiVersion: sea.example.com/v1\nkind: Boat\nmetadata: {name: a}\nspec: {sails: two}\n";

#[test]
fn crds_from_elsewhere_judge_what_is_among_the_inputs_and_are_not_judged_themselves() {
    let place = place();
    place.write("boat.yaml", BOAT);
    place.write("crds/boats.yaml", CRD);
    let said = place.run(&["validate", "boat.yaml"]).ok().stdout;
    assert!(said.contains("[not-checked, Set]") && said.contains("--crds"), "{said}");
    for crds in ["crds", "crds/boats.yaml"] {
        let report = place.run(&["validate", "boat.yaml", "--crds", crds, "--format", "json"]).json();
        assert_eq!(counting(&report), ["wrong-type Boat.sea.example.com/a"]);
        assert_eq!(report["summary"]["objects"], 1);
    }
    place.write("knrender.yaml", "crds: [crds]\n");
    place.run(&["validate", "boat.yaml"]).fails(1);
    // The set's own CRD is the one that will be there.
    place.write("own.yaml", &CRD.replace("type: integer", "type: string"));
    place.run(&["validate", "boat.yaml", "own.yaml"]).ok();
}

#[test]
fn crds_that_are_none_or_two_are_refused() {
    let place = place();
    place.write("boat.yaml", BOAT);
    place.write("a.yaml", CRD);
    place.write("b.yaml", &CRD.replace("type: integer", "type: string"));
    place.write("catalog/boat_v1.json", "{\"$schema\": \"x\", \"properties\": {}}");
    for (crds, says) in [
        (vec!["--crds", "none"], "--crds none: there is no such file or folder"),
        (vec!["--crds", "boat.yaml"], "--crds boat.yaml: there is no CustomResourceDefinition in it"),
        (vec!["--crds", "catalog"], "these are JSON Schemas"),
        (
            vec!["--crds", "a.yaml", "--crds", "b.yaml"],
            "is defined twice, and the two differ: a.yaml, line 1 and b.yaml, line 1",
        ),
    ] {
        let said = place.run(&[vec!["validate", "boat.yaml"], crds].concat()).fails(3);
        assert!(said.contains(says), "{said}");
    }
    place.run(&["validate", "boat.yaml", "--crds", "a.yaml", "--crds", "a.yaml"]).fails(1);
    place.run(&["validate", "boat.yaml", "--crds", "-"]).fails(2);
}

#[test]
fn what_a_webhook_fills_in_is_a_note() {
    let place = place();
    let missing = BOAT.replace("{sails: two}", "{}");
    let tekton = |text: &str| text.replace("sea.example.com", "tekton.dev");
    let said = place.run_with_input(&["validate", "-"], &format!("{CRD}---\n{missing}"));
    assert!(said.code == 1 && said.stdout.contains("missing-field"), "{}", said.stdout);
    let said = place.run_with_input(&["validate", "-"], &tekton(&format!("{CRD}---\n{missing}"))).ok().stdout;
    assert!(said.contains("webhook-fills") && said.contains("unless Tekton's webhook fills it in"), "{said}");
    let webhook = "---\napiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {name: w}\nwebhooks:\n- name: a.b.example\n  admissionReviewVersions: [v1]\n  sideEffects: None\n  clientConfig: {url: 'https://w.example'}\n  rules:\n  - {operations: [CREATE], apiGroups: [sea.example.com], apiVersions: [v1], resources: [boats]}\n";
    let said = place.run_with_input(&["validate", "-"], &format!("{CRD}---\n{missing}{webhook}")).ok().stdout;
    assert!(said.contains("unless a webhook among these objects fills it in"), "{said}");
    // A value of the wrong type is wrong whoever fills in what.
    place.run_with_input(&["validate", "-"], &tekton(&format!("{CRD}---\n{BOAT}"))).fails(1);
}
