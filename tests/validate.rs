//! Promise: `knrender validate` says of any manifests, without a cluster, what an API server would refuse, and tells by its exit
//! code; and what knrender renders, and what upstream published, is valid.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support::run::{Place, upstream};
use serde_json::Value;

const GOOD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: shop\n";

/// An error: replicas in quotes.
const BAD: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: '2'
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      serviceAccountName: web
      containers:
      - name: web
        image: registry.example/web:1
";

fn found(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|f| format!("{} {}", f["code"].as_str().unwrap(), f["field"].as_str().unwrap_or(""))).collect()
}

#[test]
fn what_kubectl_takes_for_no_object_is_told_beside_good_ones() {
    let place = Place::new();
    let list = "apiVersion: v1\nkind: List\nitems:\n- metadata: {name: a}\n";
    for (text, what) in [
        (GOOD.replace("kind", "Kind"), "there is no `kind`, but `Kind`; write `kind`"),
        (GOOD.replace("apiVersion", "apiversion"), "there is no `apiVersion`, but `apiversion`; write `apiVersion`"),
        ("some text\n".to_owned(), "this is a text"),
        ("- a\n".to_owned(), "this is a list"),
        (list.to_owned(), "`/items/0` of this list"),
    ] {
        place.write("a.yaml", &format!("{GOOD}---\n# nothing\n---\n{text}"));
        let ran = place.run(&["validate", "a.yaml", "--format", "json"]);
        let report = ran.json();
        assert_eq!(ran.code, 1, "{text}");
        let finding = &report["findings"][0];
        assert_eq!((&finding["code"], &finding["file"]), (&"no-object".into(), &"a.yaml".into()), "{report}");
        assert!(finding["line"].as_u64() >= Some(8), "{finding}");
        assert!(finding["what"].as_str().unwrap().contains(what), "{finding}");
        // What has the marks of an object is not read; what is meant for others is for `validate` alone to say.
        let linted = place.run(&["lint", "a.yaml"]);
        if what.starts_with("this is") {
            assert!(linted.ok().stdout.contains("1 document passed over"));
        } else {
            assert!(linted.fails(3).contains(what));
        }
    }
    place.write("a.yaml", &format!("{GOOD}---\n# nothing\n---\n"));
    place.write("values.yaml", "image: a\n");
    place.run(&["validate", "a.yaml", "values.yaml"]).ok();
}

#[test]
fn a_directive_hides_nothing_but_its_own_document() {
    let place = Place::new();
    place.write("a.yaml", &format!("{GOOD}---\n%YAML 1.1\n---\n{}", GOOD.replace("settings", "others")));
    let ran = place.run(&["validate", "a.yaml"]);
    assert!(ran.stdout.contains("in 2 objects of 1 file"), "{}", ran.stdout);
    assert!(
        ran.fails(3).contains("a.yaml, line 7: YAML directives (a line that starts with %) are not read by kubectl")
    );
}

#[test]
fn errors_end_with_1_and_notes_and_warnings_with_0_but_for_strict() {
    let place = Place::new();
    place.write("good.yaml", GOOD);
    place.write("bad.yaml", BAD);
    place.write("note.yaml", &BAD.replace("'2'", "2"));
    place.write("twice.yaml", &format!("{GOOD}---\n{GOOD}"));
    let said = place.run(&["validate", "good.yaml"]).ok();
    assert_eq!(said.stdout, "0 errors, 0 warnings, 0 notes in 1 object of 1 file\n");
    assert_eq!(said.stderr, "for Kubernetes 1.36\n");
    assert!(place.run(&["validate", "bad.yaml"]).fails(1).contains("knrender: 1 error"));
    place.run(&["validate", "note.yaml"]).ok();
    place.run(&["validate", "twice.yaml"]).ok();
    assert!(place.run(&["validate", "--strict", "twice.yaml"]).fails(1).contains("1 warning, and --strict"));
}

#[test]
fn what_cannot_be_read_ends_with_3_and_what_cannot_be_asked_with_2() {
    let place = Place::new();
    place.write("broken.yaml", "a: [\n");
    place.run(&["validate", "broken.yaml"]).fails(3);
    place.run(&["validate", "no-such-file.yaml"]).fails(3);
    assert!(place.run(&["validate", "--kubernetes", "newest"]).fails(2).contains("is not a Kubernetes version"));
    assert!(place.run(&["validate", "--explain", "no-such-code"]).fails(2).contains("no-such-code"));
    assert!(place.run(&["validate", "--allow", "no-such-code"]).fails(2).contains("no-such-code"));
}

#[test]
fn a_finding_names_the_file_the_line_the_object_and_the_field() {
    let place = Place::new();
    place.write("in/bad.yaml", &format!("{GOOD}---\n{BAD}"));
    let text = place.run(&["validate", "in"]).stdout;
    for part in ["[wrong-type, Fields]", "in/bad.yaml:13:3\n", "Deployment/shop/web /spec/replicas\n", "fix: "] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn standard_input_json_and_sarif_say_the_same() {
    let place = Place::new();
    let report = place.run_with_input(&["validate", "-", "--format", "json"], BAD).json();
    assert_eq!(
        found(&report),
        ["wrong-type /spec/replicas", "reference-outside /spec/template/spec/serviceAccountName"]
    );
    let sarif = place.run_with_input(&["validate", "-", "--format", "sarif"], BAD).json();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.iter().map(|r| &r["ruleId"]).collect::<Vec<_>>(), ["wrong-type", "reference-outside"]);
}

#[test]
fn an_allowed_finding_fails_nothing_and_an_allowance_that_is_not_needed_is_said() {
    let place = Place::new();
    place.write("bad.yaml", BAD);
    place.run(&["validate", "--allow", "wrong-type=Deployment/shop/web", "bad.yaml"]).ok();
    place.write("good.yaml", GOOD);
    let said = place.run(&["validate", "--allow", "wrong-type", "good.yaml"]).ok().stdout;
    assert!(said.contains("allowance-unused"), "{said}");
}

#[test]
fn every_code_is_listed_and_explained() {
    let place = Place::new();
    let listed = place.run(&["validate", "--list"]).ok().stdout;
    let (codes, kinds) = listed.split_once("\n\n").unwrap();
    assert!(codes.lines().count() > 15);
    assert!(kinds.contains("LimitRange") && kinds.contains("; not "), "{kinds}");
    for line in codes.lines() {
        let code = line.split_whitespace().next().unwrap();
        let page = place.run(&["validate", "--explain", code]).ok().stdout;
        assert!(page.starts_with(&format!("{code}: ")) && page.contains("fix "), "{page}");
    }
}

#[test]
fn a_key_that_is_there_twice_is_told_with_both_lines_and_the_last_counts() {
    let place = Place::new();
    let twice = format!("{GOOD}data:\n  a: b\n  a: 1\n");
    let said = place.run_with_input(&["validate", "-"], &twice);
    assert!(said.stdout.contains("`a` stands in lines 7 and 8"), "{}", said.stdout);
    assert!(said.stdout.contains("/data/a") && said.stdout.contains("wrong-type"), "{}", said.stdout);
}

#[test]
fn json_objects_one_after_the_other_are_read() {
    let place = Place::new();
    let json = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "NAME"}}"#;
    let said = place.run_with_input(&["validate", "-"], &format!("{json}\n{json}\n"));
    assert_eq!(said.stdout.matches("is not a DNS subdomain").count(), 2, "{}", said.stdout);
}

#[test]
fn what_client_side_apply_cannot_take_is_told_with_the_way_that_can() {
    let place = Place::new();
    let large = format!("{GOOD}data: {{a: {}}}\n", "x".repeat(300_000));
    let said = place.run_with_input(&["validate", "-"], &large).ok().stdout;
    assert!(said.contains("last-applied-too-large") && said.contains("--server-side"), "{said}");
}

#[test]
fn a_version_that_the_target_does_not_have_is_refused_and_the_old_one_is_named() {
    let place = Place::new();
    let old = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\nspec: {minAvailable: 1}\n";
    let said = place.run_with_input(&["validate", "-"], old).stdout;
    assert!(said.contains("[api-removed, API]") && said.contains("policy/v1"), "{said}");
    let said = place.run_with_input(&["validate", "-", "--kubernetes", "1.20"], GOOD).ok().stderr;
    assert!(said.contains("1.20 is held against the nearest"), "{said}");
}

#[test]
fn a_dangling_reference_is_an_error_in_a_render_and_a_note_elsewhere() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--out", "out", "--quiet"]).ok();
    place.run(&["validate", "out"]).ok();
    let batch = "out/knative-kourier-fargate-first-batch.yaml";
    let whole = place.read(batch);
    let cut = "kind: ServiceAccount\nmetadata:\n  name: controller\n";
    assert!(whole.contains(cut));
    place.write(batch, &whole.replace(cut, "kind: ServiceAccount\nmetadata:\n  name: other\n"));
    let report = place.run(&["validate", "out", "--format", "json"]).json();
    assert!(
        found(&report).iter().any(|f| f == "reference-dangling /spec/template/spec/serviceAccountName"),
        "{report}"
    );
    let elsewhere = place.run(&["validate", batch]).ok().stdout;
    assert!(elsewhere.contains("reference-outside") && !elsewhere.contains("reference-dangling"), "{elsewhere}");
}

#[test]
fn every_published_manifest_of_the_catalog_is_valid_for_the_versions_that_it_supports() {
    let (Some(place), Some(mirror)) = (Place::with_upstream(), upstream()) else { return };
    let mut files = 0;
    for folder in ["knative/serving", "knative-extensions/net-kourier"] {
        let releases = walkdir::WalkDir::new(mirror.join("github.com").join(folder)).sort_by_file_name();
        for file in releases.into_iter().map(Result::unwrap).filter(|entry| entry.file_type().is_file()) {
            for minor in ["1.34", "1.35", "1.36"] {
                let (path, mut args) = (file.path().to_str().unwrap(), vec!["--kubernetes", minor]);
                if path.ends_with("serving-post-install-jobs.yaml") {
                    // Its two Jobs are for `kubectl create`, which makes their names; a render gives them names.
                    let jobs = ["--allow", "missing-field=Job/knative-serving/(no name)"];
                    args.extend(jobs);
                }
                let ran = place.run(&[&["validate", path], args.as_slice()].concat());
                assert_eq!(ran.code, 0, "{path} for {minor}: {}{}", ran.stdout, ran.stderr);
            }
            files += 1;
        }
    }
    assert!(files >= 15, "{files}");
}

#[test]
fn what_knrender_renders_is_valid_whole() {
    let Some(place) = Place::with_upstream() else { return };
    let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";
    for (name, flags) in [
        ("default", vec![]),
        ("older", vec!["--knative", "1.21.3"]),
        (
            "everything",
            vec![
                "--domain",
                "apps.example.com",
                "--certificate-arn",
                arn,
                "--with",
                "upgrade-jobs",
                "--with",
                "autoscaler-hpa",
                "--internal-tls",
            ],
        ),
        ("gloo-1.8.0", vec!["--gloo", "v1.8.0"]),
        ("gloo-1.3.9", vec!["--gloo", "v1.3.9"]),
        ("seed", vec!["--gloo", "v1.3.9", "--rule-set", "seed", "--kubernetes", "1.36"]),
    ] {
        let flags: Vec<&str> = flags.into_iter().chain(["--out", name, "--quiet"]).collect();
        place.run(&flags).ok();
        let ran = place.run(&["validate", name, "--kubernetes", "1.36"]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.stdout);
    }
}

#[test]
fn the_file_of_eksctl_is_not_held_against_kubernetes() {
    let Some(place) = Place::with_upstream() else { return };
    // EKS takes a name that no object of Kubernetes may have.
    place.run(&["--out", "out", "--cluster-name", "Prod_1", "--region", "eu-west-1", "--quiet"]).ok();
    let ran = place.run(&["validate", "out", "--strict"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(!ran.stdout.contains("ClusterConfig"), "{}", ran.stdout);
}

#[test]
fn a_schedule_with_a_time_zone_is_told_that_alone() {
    let place = Place::new();
    let job = |schedule: &str| {
        format!(
            "apiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: a}}\nspec:\n  schedule: \"{schedule}\"\n  jobTemplate:\n    spec:\n      \
             template: {{spec: {{restartPolicy: Never, containers: [{{name: a, image: b}}]}}}}\n"
        )
    };
    for (schedule, count) in [("TZ=UTC 0 0 * * *", 1), ("CRON_TZ=Europe/Berlin @daily", 1), ("TZ=UTC 0 0 * *", 2)] {
        place.write("a.yaml", &job(schedule));
        let ran = place.run(&["validate", "a.yaml", "--format", "json"]);
        let said: Vec<_> = found(&ran.json()).into_iter().filter(|found| found.contains("/spec/schedule")).collect();
        assert_eq!((said.len(), ran.stdout.contains("timeZone")), (count, true), "{schedule}: {}", ran.stdout);
    }
}
