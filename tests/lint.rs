//! Promise: `knrender lint` takes manifests from anywhere, says what is wrong in them and where, and tells by its exit code.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::support::run::{Place, upstream};
use knrender::digest::Sha256Hex;
use serde_json::Value;

/// A Deployment with two errors, one warning, and no profile known.
const BAD: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      hostNetwork: true
      containers:
      - name: web
        image: registry.example/web
        securityContext:
          privileged: true
";

const GOOD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: shop\n";

/// A warning and nothing worse.
const WARNING: &str =
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: once}\nspec:\n  template:\n    spec:\n      containers: []\n";

fn codes(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|f| f["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn errors_end_with_1_warnings_with_0_and_with_1_if_strict() {
    let place = Place::new();
    place.write("good.yaml", GOOD);
    place.write("bad.yaml", BAD);
    place.write("warning.yaml", WARNING);
    assert_eq!(place.run(&["lint", "good.yaml"]).ok().stdout, "0 errors, 0 warnings, 0 notes in 1 object of 1 file\n");
    assert_eq!(place.run(&["lint", "bad.yaml"]).fails(1), "knrender: 2 errors\n");
    place.run(&["lint", "warning.yaml"]).ok();
    assert_eq!(place.run(&["lint", "--strict", "warning.yaml"]).fails(1), "knrender: 1 warning, and --strict\n");
}

#[test]
fn budgets_of_the_same_pods_are_told_once_for_each_workload_however_many_there_are() {
    let many = |count: usize, selector: &str| {
        let mut text = String::new();
        for i in 0..count {
            let _ = write!(
                text,
                "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d{i:04}, namespace: shop}}\nspec:\n  \
                 replicas: 2\n  selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    \
                 spec: {{containers: [{{name: a, image: 'b.example/c:1.0.0'}}]}}\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\n\
                 metadata: {{name: b{i:04}, namespace: shop}}\nspec:\n  maxUnavailable: 1\n  selector: {selector}\n"
            );
        }
        text
    };
    let place = Place::new();
    for selector in
        ["{matchLabels: {app: web}}", "{matchExpressions: [{key: app, operator: In, values: [web, api]}]}", "{}"]
    {
        place.write("a.yaml", &many(5, selector));
        let report = place.run(&["lint", "a.yaml", "--format", "json"]).json();
        let said: Vec<_> =
            report["findings"].as_array().unwrap().iter().filter(|f| f["code"] == "budgets-overlap").collect();
        assert_eq!(said.len(), 5, "{selector}");
        assert!(
            said.iter().all(|f| f["what"] == "5 budgets select the same pods: b0000, b0001, b0002 and 2 more"),
            "{said:?}"
        );
    }
    place.write("a.yaml", &many(1000, "{matchLabels: {app: web}}"));
    let start = Instant::now();
    let report = place.run(&["lint", "a.yaml", "--format", "json"]).json();
    assert_eq!(codes(&report).iter().filter(|code| *code == "budgets-overlap").count(), 1000);
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn a_finding_says_what_where_why_and_what_to_do() {
    let place = Place::new();
    place.write("in/bad.yaml", &format!("# a comment\n---\n{BAD}"));
    let text = place.run(&["lint", "in"]).stdout;
    let page = text.split("\n\n").find(|page| page.contains("[privileged, F02]")).unwrap();
    assert_eq!(
        page,
        "error: privileged containers are refused [privileged, F02]\n  \
           in/bad.yaml:20:11\n     \
              |\n  \
           20 |           privileged: true\n     \
              |           ^^^^^^^^^^^^^^^^\n      \
               Deployment/shop/web /spec/template/spec/containers/0/securityContext/privileged\n      \
               container `web` is privileged\n  \
           why: Fargate's scheduler leaves the pod Pending: `invalid SecurityContext fields: Privileged`.\n  \
           fix: Remove `privileged`, and delete the pod that hangs; the scheduler does not try again by itself.\n  \
           see: https://docs.aws.amazon.com/eks/latest/userguide/fargate.html\n  \
           see: https://github.com/kubernetes-sigs/aws-efs-csi-driver/issues/589\n  \
           how sure: high: read in a primary source"
    );
    let json = place.run(&["lint", "in", "--format", "json"]).json();
    let finding = json["findings"].as_array().unwrap().iter().find(|f| f["code"] == "privileged").unwrap();
    for (key, value) in [
        ("rule", "F02"),
        ("severity", "error"),
        ("confidence", "H"),
        ("file", "in/bad.yaml"),
        ("object", "Deployment/shop/web"),
        ("field", "/spec/template/spec/containers/0/securityContext/privileged"),
    ] {
        assert_eq!(finding[key], value, "{key}");
    }
    assert_eq!((&finding["line"], &finding["column"], &finding["endColumn"]), (&20.into(), &11.into(), &27.into()));
    assert_eq!(finding["allowed"], Value::Null);
    assert_eq!(json["summary"]["errors"], 2);
}

#[test]
fn all_inputs_are_one_set() {
    let place = Place::new();
    let example = |path: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/lints/examples").join(path);
        std::fs::read_to_string(path).unwrap()
    };
    let text = example("gateway-elsewhere/fail-other-namespace.yaml");
    let (ingress, service) = text.split_once("---\n").unwrap();
    place.write("a/ingress.yaml", ingress);
    place.write("b/service.yml", service);
    let alone = place.run(&["lint", "a", "--format", "json"]).json();
    assert!(!codes(&alone).contains(&"gateway-elsewhere".to_owned()));
    let together = place.run(&["lint", "a", "b/service.yml", "--format", "json"]).json();
    assert!(codes(&together).contains(&"gateway-elsewhere".to_owned()));
}

#[test]
fn without_a_path_the_render_is_linted() {
    let place = Place::new();
    assert!(place.run(&["lint"]).fails(3).contains("`knrender --out out` renders into it"));
    place.write("out/bad.yaml", BAD);
    place.run(&["lint"]).fails(1);
    place.write("knrender.yaml", "out: elsewhere\n");
    place.write("elsewhere/good.yaml", GOOD);
    place.run(&["lint"]).ok();
}

#[test]
fn standard_input_is_read_where_the_path_is_a_dash() {
    let ran = Place::new().run_with_input(&["lint", "-", "--format", "json"], BAD);
    assert_eq!(ran.code, 1);
    assert!(codes(&ran.json()).contains(&"host-network".to_owned()));
}

#[test]
fn one_broken_file_does_not_hide_the_others() {
    let place = Place::new();
    place.write("in/a.yaml", BAD);
    place.write("in/b.yaml", &format!("{GOOD}---\nkind: [A\n"));
    place.write("in/c.yaml", "values:\n  for: helm\n");
    let ran = place.run(&["lint", "in", "--format", "json"]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.stderr.starts_with("in/b.yaml, line ") && ran.stderr.ends_with("knrender: 1 document could not be read\n")
    );
    let report = ran.json();
    assert!(codes(&report).contains(&"privileged".to_owned()));
    assert_eq!(report["unread"][0]["file"], "in/b.yaml");
    assert_eq!((&report["summary"]["objects"], &report["summary"]["skipped"]), (&2.into(), &1.into()));
    place.run(&["lint", "nothing.yaml"]).fails(3);
}

#[test]
fn a_finding_that_is_allowed_is_kept_with_its_reason() {
    let place = Place::new();
    place.write("bad.yaml", BAD);
    place.write(
        "knrender.yaml",
        "allow:\n- lint: host-network\n  object: deployment/web\n  reason: runs on nodes\n\
         - lint: privileged\n  reason: so does this\n",
    );
    let ran = place.run(&["lint", "bad.yaml", "--format", "json"]).ok();
    let report = ran.json();
    let of = |code: &str| {
        report["findings"].as_array().unwrap().iter().find(|f| f["code"] == code).unwrap()["allowed"].clone()
    };
    assert_eq!(of("host-network"), serde_json::json!({"reason": "runs on nodes", "by": "knrender.yaml, line 2"}));
    assert_eq!((&report["summary"]["errors"], &report["summary"]["allowed"]), (&0.into(), &2.into()));
    assert!(place.run(&["lint", "bad.yaml"]).ok().stdout.ends_with("; 2 allowed\n"));
    let sarif = place.run(&["lint", "bad.yaml", "--format", "sarif"]).ok().json();
    let results = sarif["runs"][0]["results"].as_array().unwrap().clone();
    let suppressed = results.iter().find(|r| r["ruleId"] == "privileged").unwrap();
    assert_eq!(suppressed["suppressions"][0]["justification"], "so does this");
}

#[test]
fn an_allowance_by_flag_may_name_the_object() {
    let place = Place::new();
    place.write("bad.yaml", BAD);
    place.run(&["lint", "bad.yaml", "--allow", "privileged", "--allow", "host-network=Deployment/shop/web"]).ok();
    let ran = place.run(&["lint", "bad.yaml", "--allow", "privileged", "--allow", "host-network=Deployment/shop/api"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("[allowance-unused, allowances]"), "{}", ran.stdout);
    let unused = "--allow allows host-network for Deployment/shop/api, and there is no such finding";
    assert!(ran.stdout.contains(unused), "{}", ran.stdout);
}

#[test]
fn an_allowance_needs_a_lint_that_exists_and_a_reason() {
    let place = Place::new();
    place.write("good.yaml", GOOD);
    let error = place.run(&["lint", "good.yaml", "--allow", "privilege"]).fails(2);
    assert!(error.contains("there is no lint `privilege`; near: privileged, privilege-escalation"), "{error}");
    for (text, why) in [
        ("allow: [{lint: privileged}]\n", "the key `reason` is missing"),
        ("allow:\n- lint: privileged\n  reason: ' '\n", "line 2: the reason is empty"),
        ("allow:\n- lint: nonsense\n  reason: a\n", "line 2: there is no lint `nonsense`"),
        ("allow: [{lint: privileged, reason: a, objekt: b}]\n", "unknown key `objekt`"),
    ] {
        place.write("knrender.yaml", text);
        let error = place.run(&["lint", "good.yaml"]).fails(2);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn profiles_may_stand_in_the_configuration() {
    let place = Place::new();
    place.write("in/bad.yaml", WARNING);
    let codes = || codes(&place.run(&["lint", "in", "--format", "json"]).json());
    assert!(codes().contains(&"fargate-profiles-unknown".to_owned()));
    place.write("knrender.yaml", "fargate-profiles:\n- name: fp\n  selectors:\n  - namespace: def*\n");
    assert_eq!(codes(), ["job-ttl"]);
    place.write("knrender.yaml", "fargate-profiles:\n- name: fp\n  selectors:\n  - namespace: other\n");
    assert!(codes().contains(&"namespace-without-profile".to_owned()));
}

#[test]
fn every_lint_can_be_listed_and_explained() {
    let place = Place::new();
    let list = place.run(&["lint", "--list"]).ok().stdout;
    for line in list.lines() {
        let code = line.split_whitespace().next().unwrap();
        let page = place.run(&["lint", "--explain", code]).ok().stdout;
        assert!(page.starts_with(&format!("{code}: ")) && page.contains("\n  fix         "), "{page}");
    }
    assert!(list.lines().count() > 70);
    assert!(place.run(&["lint", "--explain", "F12"]).fails(2).contains("near: kubelet-port"));
    let page = place.run(&["lint", "--explain", "kubelet-port", "--format", "json"]).ok().json();
    assert_eq!(page["rule"], "F12");
}

#[test]
fn sarif_has_what_code_scanning_asks_for() {
    let place = Place::new();
    place.write("in dir/bad.yaml", BAD);
    let absolute = place.path("in dir/bad.yaml").display().to_string();
    for input in ["in dir", absolute.as_str()] {
        let sarif = place.run(&["lint", input, "--format", "sarif"]).json();
        assert_eq!(sarif["version"], "2.1.0");
        let run = &sarif["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            for location in result["locations"].as_array().unwrap() {
                let physical = &location["physicalLocation"];
                assert_eq!(physical["artifactLocation"]["uri"], "in%20dir/bad.yaml");
                let region = &physical["region"];
                assert!(region["startLine"].as_u64().unwrap() >= 1);
                assert!(region["startColumn"].as_u64().unwrap() < region["endColumn"].as_u64().unwrap());
            }
        }
    }
}

#[test]
fn amounts_that_are_none_are_findings_and_nothing_else() {
    let place = Place::new();
    for amount in ["1e", "-1", "1Ki5", "99999999999999999999999999Ei", "[]", "true", "''"] {
        let resources = format!(
            "        resources: {{requests: {{cpu: {amount}, memory: {amount}, ephemeral-storage: {amount}}}}}\n"
        );
        place.write("in.yaml", &format!("{BAD}{resources}"));
        let ran = place.run(&["lint", "in.yaml", "--format", "json"]);
        assert_eq!((ran.code, ran.stderr.as_str().contains("panicked")), (1, false), "{amount}: {}", ran.stderr);
        let found = codes(&ran.json());
        assert!(found.iter().any(|code| code == "quantity-refused" || code == "too-large"), "{amount}: {found:?}");
    }
}

#[test]
fn five_thousand_deployments_are_linted_in_seconds_even_in_a_debug_build() {
    let place = Place::new();
    let mut text = String::new();
    for i in 0..5000 {
        let _ = write!(text, "---\n{}", BAD.replace("web", &format!("web-{i}")));
        let budget = "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: N, namespace: shop}\nspec:\n  \
                      minAvailable: 1\n  selector: {matchLabels: {app: N}}\n";
        let _ = write!(text, "---\n{}", budget.replace('N', &format!("web-{i}")));
    }
    place.write("in.yaml", &text);
    let started = Instant::now();
    let ran = place.run(&["lint", "in.yaml"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.ends_with("10000 errors, 10000 warnings, 1 note in 10000 objects of 1 file\n"));
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

/// What upstream's own files are found to have: the files, with `V` for each version; the number of findings by code; and a
/// digest over code and object of each finding. Judged one by one against the rule book; a change here is to be judged again.
const UPSTREAM: &[(&str, &[&str], &str, &str)] = &[
    (
        "github.com/knative/serving/releases/download/knative-vV/serving-core.yaml",
        &["1.21.3", "1.22.1", "1.23.0"],
        "budget-blocks-eviction 2, custom-resource-with-definition 2, domain-not-set 1, \
         fargate-profiles-unknown 1, hpa-needs-metrics-server 2, limit-above-size 7, \
         pending-pod-fails-revision 1, request-below-size 3, single-replica 2",
        "9237f59496be",
    ),
    (
        "github.com/knative/serving/releases/download/knative-vV/serving-crds.yaml",
        &["1.21.3", "1.22.1", "1.23.0"],
        "",
        "e3b0c44298fc",
    ),
    (
        "github.com/knative/serving/releases/download/knative-vV/serving-hpa.yaml",
        &["1.21.3", "1.22.1", "1.23.0"],
        "autoscaler-hpa-unused 1, fargate-profiles-unknown 1, limit-above-size 2, request-below-size 1",
        "699a84dfad4b",
    ),
    (
        "github.com/knative/serving/releases/download/knative-vV/serving-post-install-jobs.yaml",
        &["1.21.3", "1.22.1", "1.23.0"],
        "fargate-profiles-unknown 1, generate-name 2, limit-above-size 4",
        "66595d394552",
    ),
    (
        "github.com/knative-extensions/net-kourier/releases/download/knative-vV/kourier.yaml",
        &["1.21.1", "1.22.1", "1.23.0"],
        "budget-blocks-eviction 1, docker-hub-anonymous 1, fargate-profiles-unknown 1, gateway-grace 2, \
         gateway-load-balancer 1, hpa-needs-metrics-server 1, image-tag-minor 1, limit-above-size 4, \
         single-replica 1",
        "932d2db91897",
    ),
    (
        "github.com/solo-io/gloo/releases/download/vV/gloo-knative.yaml",
        &["1.3.9", "1.8.0"],
        "autoscaler-hpa-unused 1, custom-resource-with-definition 4, domain-not-set 1, \
         fargate-profiles-unknown 1, gateway-grace 2, gateway-load-balancer 1, hpa-needs-metrics-server 1, \
         limit-above-size 7, request-below-size 4, single-replica 3",
        "5e23f36e2191",
    ),
    (
        "raw.githubusercontent.com/kubernetes-sigs/aws-alb-ingress-controller/vV/docs/examples/alb-ingress-controller.yaml",
        &["1.1.4"],
        "controller-asks-imds 1, docker-hub-anonymous 1, fargate-profiles-unknown 1",
        "a0b01b12ec73",
    ),
];

#[test]
fn what_is_found_in_upstream_files_is_known_one_by_one() {
    let Some(upstream) = upstream() else { return };
    let place = Place::new();
    for (file, versions, codes, digest) in UPSTREAM {
        for version in *versions {
            let path = upstream.join(file.replace("vV/", &format!("v{version}/"))).display().to_string();
            let report = place.run(&["lint", &path, "--format", "json"]).json();
            assert_eq!(report["unread"], serde_json::json!([]));
            let mut count = BTreeMap::new();
            let mut pairs = Vec::new();
            for finding in report["findings"].as_array().unwrap() {
                let code = finding["code"].as_str().unwrap();
                *count.entry(code).or_insert(0) += 1;
                pairs.push(format!("{code} {}\n", finding["object"].as_str().unwrap_or_default()));
            }
            pairs.sort();
            let count: Vec<_> = count.iter().map(|(code, n)| format!("{code} {n}")).collect();
            let pairs = Sha256Hex::of(pairs.concat().as_bytes()).to_string();
            assert_eq!((count.join(", ").as_str(), &pairs[..12]), (*codes, *digest), "{path}");
        }
    }
}

#[test]
fn a_render_for_fargate_has_no_error_and_no_warning() {
    let Some(place) = Place::with_upstream() else { return };
    let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-2222-3333-4444-555555555555";
    for flags in [
        &["--domain", "apps.example.com", "--certificate-arn", arn][..],
        &["--gloo", "v1.3.9"],
        &["--gloo", "v1.8.0"],
        &["--with", "upgrade-jobs", "--with", "autoscaler-hpa"],
        &["--ha=false"],
        &["--hpa", "fixed"],
        &["--cold-start", "180"],
        &["--internal-tls"],
        &[],
    ] {
        place.run(&[flags, &["--out", "out"]].concat()).ok();
        let ran = place.run(&["lint", "--strict"]);
        assert_eq!(ran.code, 0, "{flags:?}: {}", ran.stdout);
    }
}

#[test]
fn the_ancestors_render_has_a_health_check_that_can_never_pass() {
    let Some(place) = Place::with_upstream() else { return };
    place.run(&["--gloo", "v1.3.9", "--rule-set", "seed", "--out", "out"]).ok();
    let ran = place.run(&["lint", "--format", "json"]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    assert!(codes(&ran.json()).contains(&"health-check-fails".to_owned()));
}

#[test]
fn an_input_without_any_object_is_no_success() {
    let place = Place::new();
    place.write("folder/note.yaml", "just: text\n");
    for command in ["lint", "validate", "plan"] {
        let said = place.run_with_input(&[command, "-"], "").fails(3);
        assert!(said.contains("no Kubernetes object in standard input"), "{said}");
        let said = place.run(&[command, "folder"]).fails(3);
        assert!(said.contains("no Kubernetes object in folder (1 document is no Kubernetes object)"), "{said}");
    }
}

#[test]
fn findings_come_as_annotations_and_as_junit() {
    let place = Place::new();
    place.write(
        "a.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostNetwork: true\n  containers: [{name: a, image: b:1.0.0}]\n",
    );
    let annotations = place.run(&["lint", "a.yaml", "--format", "github"]);
    assert_eq!(annotations.code, 1);
    assert!(
        annotations.stdout.contains(
            "::error file=a.yaml,line=5,col=3,endColumn=19,title=the host's network is refused (host-network)::"
        ),
        "{}",
        annotations.stdout
    );
    let junit = place.run(&["lint", "a.yaml", "--format", "junit"]);
    assert_eq!(junit.code, 1);
    assert!(
        junit.stdout.contains("<testsuite name=\"knrender lint\" tests=\"1\" failures=\"1\" errors=\"0\">"),
        "{}",
        junit.stdout
    );
    assert!(junit.stdout.contains("<failure type=\"error\" message=\"host-network: "), "{}", junit.stdout);
    place.run(&["lint", "--list", "--format", "junit"]).fails(2);
}

#[test]
fn keys_of_the_configuration_that_could_take_nothing_are_refused() {
    let place = Place::new();
    place.write("a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    for (text, said) in [
        ("registries: ['']\n", "`registries`: `` is not a registry"),
        ("registries: ['https://registry.example.com']\n", "without https://"),
        ("registries: ['*.example.com']\n", "wildcards"),
        ("fargate-profiles: [{name: apps}]\n", "apps has no selectors"),
        ("clusters: [{name: prod, fargate-profiles: [{name: apps, selectors: []}]}]\n", "apps has no selectors"),
    ] {
        place.write("knrender.yaml", text);
        let stderr = place.run(&["lint", "a.yaml"]).fails(2);
        assert!(stderr.contains(said), "{text}: {stderr}");
    }
    place.write("knrender.yaml", "registries: [registry.example.com:5000/team/, docker.io]\n");
    place.run(&["lint", "a.yaml"]).ok();
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_nowhere_is_not_passed_over() {
    let place = Place::new();
    place.write("all/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    std::os::unix::fs::symlink("gone.yaml", place.path("all/b.yaml")).unwrap();
    for command in ["lint", "validate", "plan", "images"] {
        assert!(place.run(&[command, "all"]).fails(3).contains("all/b.yaml: No such file"), "{command}");
    }
}
