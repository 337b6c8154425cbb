//! Promise: a lint and its admission policy say the same of every example, and the policies are what the API server takes.

#![allow(clippy::unwrap_used, clippy::panic)]

use crate::support;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::support::run::Place;
use knrender::cel::types::Type;
use knrender::cel::value::Value as Cel;
use knrender::findings::page::{Book, Pages, Severity};
use knrender::manifest::collection::Collection;
use knrender::policy::{Engine, Policies, Policy, Wanted, Words, here};
use knrender::schema::admission;
use knrender::value::Value;

/// The minor version of the oldest Kubernetes that has `ValidatingAdmissionPolicy` of v1.
const OLDEST: u16 = 30;

/// As the API server has it: without nulls.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            map.iter().filter(|(_, v)| !v.is_null()).map(|(key, v)| (key.clone(), without_nulls(v))).collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// What `ValidatingAdmissionPolicy` says of an object, as the API server evaluates it: `None` where it is not judged, and
/// otherwise whether it holds. `old`: what is there already.
fn verdict(policy: &Value, object: &Value, old: &Value, params: &Value) -> Option<bool> {
    let spec = &policy["spec"];
    let with_params = !spec["paramKind"].is_null();
    let mut budget = BUDGET;
    let mut types = BTreeMap::new();
    let mut values = BTreeMap::new();
    let mut evaluate = |expression: &Value, types: &BTreeMap<String, Type>, values: &BTreeMap<String, Cel>| {
        let mut environment = admission::environment(OLDEST - 1, with_params, false);
        environment.variables.insert("variables".into(), Type::object("kubernetes.variables", types.clone()));
        let expression = expression.as_str().unwrap();
        let program = environment.compile(expression).unwrap_or_else(|e| panic!("{expression}: {e}"));
        let entries = values.iter().map(|(key, value)| (knrender::cel::value::Key::text(key), value.clone()));
        let variables = BTreeMap::from([
            ("object", Cel::json(object)),
            ("oldObject", Cel::json(old)),
            ("params", Cel::json(params)),
            ("variables", Cel::map(entries.collect())),
        ]);
        let value = program.evaluate(&variables, &mut budget).unwrap_or_else(|e| panic!("{expression}: {e:?}"));
        (program.result().clone(), value)
    };
    let list = |key: &str| spec[key].as_array().cloned().unwrap_or_default();
    for condition in list("matchConditions") {
        if !matches!(evaluate(&condition["expression"], &types, &values).1, Cel::Bool(true)) {
            return None;
        }
    }
    for variable in list("variables") {
        let (of, value) = evaluate(&variable["expression"], &types, &values);
        let name = variable["name"].as_str().unwrap().to_owned();
        types.insert(name.clone(), of);
        values.insert(name, value);
    }
    let validation = &list("validations")[0];
    let holds = matches!(evaluate(&validation["expression"], &types, &values).1, Cel::Bool(true));
    if !holds {
        let message = evaluate(&validation["messageExpression"], &types, &values).1;
        assert!(matches!(message, Cel::Text(_)), "{message:?}");
    }
    Some(holds)
}

/// What one evaluation may cost on a server.
/// Source: k8s.io/apiserver/pkg/apis/cel/config.go, `PerCallLimit`
const BUDGET: u64 = 1_000_000;

/// What a policy finds in an object; `None` where it fails, which lets the object pass.
fn found(policies: &Policies, policy: &Policy, object: &Value) -> Option<usize> {
    let mut types = BTreeMap::new();
    let mut values = BTreeMap::new();
    for (name, expression) in policies.variables(policy) {
        let mut environment = admission::environment(OLDEST - 1, false, false);
        environment.variables.insert("variables".into(), Type::object("kubernetes.variables", types.clone()));
        let program = environment.compile(&here(expression)).unwrap_or_else(|e| panic!("{} {name}: {e}", policy.code));
        let entries =
            values.iter().map(|(key, value): (&String, &Cel)| (knrender::cel::value::Key::text(key), value.clone()));
        let variables = BTreeMap::from([("object", Cel::json(object)), ("variables", Cel::map(entries.collect()))]);
        let value = program.evaluate(&variables, &mut 1_000_000).ok()?;
        types.insert(name.to_owned(), program.result().clone());
        values.insert(name.to_owned(), value);
    }
    match &values["found"] {
        Cel::List(items) => Some(items.len()),
        other => panic!("{}: {other:?}", policy.code),
    }
}

#[test]
fn a_lint_and_its_policy_say_the_same_of_every_example() {
    let (policies, lints) = (Policies::embedded().unwrap(), Pages::embedded(Book::Lint).unwrap());
    let mut wrong = Vec::new();
    for policy in policies.all() {
        let home = if lints.of(&policy.code).is_some() { "data/lints/examples" } else { "tests/fixtures/policies" };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(home).join(&policy.code);
        let mut count = 0;
        for entry in walkdir::WalkDir::new(&folder).sort_by_file_name().into_iter().map(Result::unwrap) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !entry.file_type().is_file() || policy.beyond.contains_key(&name) {
                continue;
            }
            count += 1;
            let mut collection = Collection::default();
            collection.add(&name, &std::fs::read_to_string(entry.path()).unwrap());
            let refused = collection.objects.iter().any(|object| {
                policies.is_about(policy, &object.identity.group, &object.identity.kind)
                    && found(&policies, policy, &without_nulls(&object.value)).is_some_and(|found| found > 0)
            });
            if refused != name.starts_with("fail-") {
                wrong.push(format!("{}/{name}", policy.code));
            }
        }
        assert!(count > 0, "{} has no examples", policy.code);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn errors_are_denied_warnings_warned_about_and_notes_recorded() {
    let policies = Policies::embedded().unwrap();
    let words = Words::embedded().unwrap();
    for policy in policies.all() {
        let page = words.of(&policy.code).unwrap();
        let objects = policies.objects(policy, page, &Wanted::default(), Engine::Vap);
        assert_eq!(admission::problems("ValidatingAdmissionPolicy", &objects[0], OLDEST), [], "{}", policy.code);
        let wanted = match page.severity {
            Severity::Error => "Deny",
            Severity::Warning => "Warn",
            Severity::Note => "Audit",
        };
        assert_eq!(objects[1]["spec"]["validationActions"][0], wanted, "{}", policy.code);
        let audit = Wanted { audit_only: true, ..Wanted::default() };
        let audit = policies.objects(policy, page, &audit, Engine::Vap);
        assert_eq!(audit[1]["spec"]["validationActions"][0], "Audit", "{}", policy.code);
    }
}

#[test]
fn the_folder_holds_what_kubectl_applies_at_once_and_validate_takes_it() {
    let place = Place::new();
    place.run(&["policy", "--out", "policies"]).ok();
    let report = place.run(&["validate", "policies", "--format", "json"]).json();
    assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{report}");
    let all = place.run(&["policy", "--engine", "kyverno", "--audit-only"]).stdout;
    assert!(all.contains("kind: ClusterPolicy") && !all.contains("Enforce"));
    let list = place.run(&["policy", "--list"]).stdout;
    assert!(list.contains("privileged") && list.contains("lints have a policy"), "{list}");
}

/// What the policies find in manifests: policy and object.
fn judged(policies: &Policies, text: &str) -> Vec<String> {
    let mut collection = Collection::default();
    collection.add("manifests.yaml", text);
    assert_eq!(collection.broken, []);
    let mut all = Vec::new();
    for object in &collection.objects {
        for policy in
            policies.all().iter().filter(|p| policies.is_about(p, &object.identity.group, &object.identity.kind))
        {
            if found(policies, policy, &without_nulls(&object.value)).is_some_and(|found| found > 0) {
                all.push(format!("{} {}", policy.code, object.identity));
            }
        }
    }
    all
}

/// Renders a stack with its policies; nothing where upstream is missing.
fn render(place: &Place, flags: &[&str]) -> BTreeMap<String, String> {
    place.run(&[flags, &["--with", "policies", "--out", "out", "--quiet"]].concat()).ok();
    place.tree("out")
}

const STACKS: [&[&str]; 2] = [&[], &["--gloo", "v1.8.0"]];

#[test]
fn a_whole_render_passes_its_own_policies() {
    let Some(place) = Place::with_upstream() else { return };
    let policies = Policies::embedded().unwrap();
    for flags in STACKS {
        for (path, text) in render(&place, flags) {
            if path.ends_with("batch.yaml") || path.starts_with("apps/") {
                let found = judged(&policies, &text);
                assert_eq!(found, Vec::<String>::new(), "{flags:?} {path}");
            }
        }
    }
}

#[test]
fn policies_stand_in_the_first_batch_before_what_they_judge_with_reason_and_source() {
    let Some(place) = Place::with_upstream() else { return };
    for flags in STACKS {
        let files = render(&place, flags);
        let first = files.iter().find(|(path, _)| path.ends_with("first-batch.yaml")).unwrap().1;
        let kinds: Vec<&str> = first.lines().filter_map(|line| line.strip_prefix("kind: ")).collect();
        let at = |kind: &str| kinds.iter().position(|k| *k == kind).unwrap();
        let last = kinds.iter().rposition(|k| k.starts_with("ValidatingAdmissionPolicy")).unwrap();
        assert!(at("ValidatingAdmissionPolicy") > at("ConfigMap"));
        for judged in ["Deployment", "Service", "HorizontalPodAutoscaler", "Ingress"] {
            assert!(last < at(judged), "{judged} {flags:?}");
        }
        let second = files.iter().find(|(path, _)| path.ends_with("second-batch.yaml"));
        assert!(second.is_none_or(|(_, text)| !text.contains("AdmissionPolicy")));
        // In which order it deletes is a promise of apply.sh.
        assert!(
            files["apply.sh"].contains("\nvalidatingadmissionpolicybinding.admissionregistration.k8s.io - knrender-")
        );
        let provenance: Value = serde_json::from_str(&files["about/provenance.json"]).unwrap();
        let mut entry = provenance["ledger"].as_array().unwrap().iter();
        let entry = entry.rfind(|entry| entry["object"] == "ValidatingAdmissionPolicy/knrender-privileged").unwrap();
        assert!(entry["why"].as_str().unwrap().contains("privileged containers are refused"), "{entry}");
        assert!(entry["see"][0].as_str().unwrap().starts_with("https://docs.aws.amazon.com/"), "{entry}");
        let told = place.run(&["explain", "--out", "out", "ValidatingAdmissionPolicy/knrender-privileged"]).ok().stdout;
        assert!(told.contains("by policies (data/lints/policies.yaml, line "), "{told}");
        let report = place.run(&["report", "out"]).ok().stdout;
        assert!(report.contains("knrender-privileged"));
    }
}

#[test]
fn a_cluster_of_before_1_30_gets_no_policies_and_is_told_what_to_do() {
    let place = Place::new();
    let said = place.run(&["policy", "--kubernetes", "1.29"]).fails(2);
    assert!(
        said.contains("Kubernetes 1.29 has no ValidatingAdmissionPolicy of v1") && said.contains("--engine kyverno"),
        "{said}"
    );
    place.run(&["policy", "--kubernetes", "1.29", "--engine", "kyverno", "--out", "kyverno"]).ok();
    place.write("knrender.yaml", "kubernetes: '1.29'\n");
    place.run(&["policy"]).fails(2);
    let said =
        place.run(&["--with", "policies", "--knative", "1.21", "--kubernetes", "1.29", "--allow-unsupported"]).fails(2);
    assert!(said.contains("--with policies: Kubernetes 1.29 has no"), "{said}");
}

/// A file of the policies that a `knrender.yaml` gives, as objects.
fn written(config: &str, file: &str) -> Vec<Value> {
    let place = Place::new();
    place.write("knrender.yaml", config);
    place.run(&["policy", "--out", "policies"]).ok();
    let mut collection = Collection::default();
    collection.add(file, &place.read(&format!("policies/{file}")));
    collection.objects.into_iter().map(|object| object.value).collect()
}

fn pod(kind: &str, namespace: &str, name: &str, labels: &Value) -> Value {
    without_nulls(&with_nulls(kind, namespace, name, labels))
}

fn with_nulls(kind: &str, namespace: &str, name: &str, labels: &Value) -> Value {
    let template = knrender::value::json!({"metadata": {"labels": labels}, "spec": {"hostNetwork": true, "containers": [{"name": "a"}]}});
    let api = if kind == "Pod" {
        "v1"
    } else if kind == "Service" {
        "serving.knative.dev/v1"
    } else {
        "apps/v1"
    };
    let metadata = knrender::value::json!({"name": name, "namespace": namespace, "labels": labels});
    if kind == "Pod" {
        return knrender::value::json!({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": template["spec"]});
    }
    knrender::value::json!({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": {"template": template}})
}

#[test]
fn every_lint_has_a_policy_or_a_reason_of_its_own_why_it_has_none() {
    let (policies, pages) = (Policies::embedded().unwrap(), Pages::embedded(Book::Lint).unwrap());
    let codes = policies.all().iter().map(|policy| policy.code.as_str());
    let (covered, checks): (BTreeSet<&str>, BTreeSet<&str>) = codes.partition(|code| pages.of(code).is_some());
    assert!(checks.iter().all(|code| Pages::embedded(Book::Validate).unwrap().of(code).is_some()), "{checks:?}");
    let beyond: BTreeSet<&str> = policies.beyond().keys().map(String::as_str).collect();
    let all: BTreeSet<&str> = pages.all().iter().map(|page| page.code.as_str()).collect();
    assert_eq!(covered.intersection(&beyond).count(), 0);
    assert_eq!(covered.union(&beyond).copied().collect::<BTreeSet<_>>(), all);
    let place = Place::new();
    let list = place.run(&["policy", "--list", "--format", "json"]).ok().json();
    support::shape::hold(&list, "policy");
    assert_eq!(list["lints"].as_array().unwrap().len(), all.len());
    assert_eq!(list["covered"]["all"]["policies"], covered.len());
    let text = place.run(&["policy", "--list"]).ok().stdout;
    assert!(text.lines().last().unwrap().contains(" errors, "), "{text}");
}

#[test]
fn an_object_is_judged_when_somebody_writes_it_and_not_when_it_is_scaled_finished_or_made_by_a_controller() {
    let policy = &written("", "host-network.yaml")[0];
    let judge = |object: &Value, old: &Value| verdict(policy, object, old, &Value::Null);
    let deployment = pod("Deployment", "shop", "web", &Value::Null);
    assert_eq!(judge(&deployment, &Value::Null), Some(false));
    let mut scaled = deployment.clone();
    scaled["spec"]["replicas"] = 3.into();
    scaled["metadata"]["finalizers"] = Value::Null;
    assert_eq!(judge(&scaled, &deployment), None);
    let mut changed = deployment.clone();
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "b".into();
    assert_eq!(judge(&changed, &deployment), Some(false));
    let single = pod("Pod", "shop", "web", &Value::Null);
    let mut told = single.clone();
    told["metadata"]["annotations"] = knrender::value::json!({"CapacityProvisioned": "0.25vCPU 0.5GB"});
    assert_eq!(judge(&told, &single), None);
    let mut made = single.clone();
    made["metadata"]["ownerReferences"] =
        knrender::value::json!([{"kind": "ReplicaSet", "name": "web-1", "controller": true}]);
    assert_eq!(judge(&made, &Value::Null), None);
    made["metadata"]["ownerReferences"][0]["kind"] = "TaskRun".into();
    assert_eq!(judge(&made, &Value::Null), Some(false));
}

const PROFILES: &str = "fargate-profiles:\n- name: apps\n  selectors:\n  - namespace: shop\n  - namespace: team-?\n    \
                        labels: {tier: fargate*}\n  - namespace: kube-system\n  - namespace: one\n    labels: {serving.knative.dev/service: hello}\n";

#[test]
fn where_profiles_are_known_policies_judge_what_they_take() {
    let policy = &written(PROFILES, "host-network.yaml")[0];
    let judged = |kind: &str, namespace: &str, name: &str, labels: Value| {
        verdict(policy, &pod(kind, namespace, name, &labels), &Value::Null, &Value::Null).is_some()
    };
    let label = |value: &str| knrender::value::json!({"tier": value});
    for kind in ["Pod", "Deployment"] {
        assert!(judged(kind, "shop", "a", Value::Null));
        assert!(judged(kind, "team-a", "a", label("fargate-1")));
        assert!(!judged(kind, "team-a", "a", label("nodes")));
        assert!(!judged(kind, "team-ab", "a", label("fargate")));
        assert!(!judged(kind, "other", "a", label("fargate")));
    }
    assert!(judged("Service", "one", "hello", Value::Null));
    assert!(!judged("Service", "one", "other", Value::Null));
    let exact = "fargate-profiles: [{name: a, selectors: [{namespace: shop}, {namespace: default}]}]";
    let policy = &written(exact, "host-network.yaml")[0];
    let selector = &policy["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"][0];
    assert_eq!(
        (&selector["operator"], &selector["values"]),
        (&"In".into(), &knrender::value::json!(["default", "shop"]))
    );
    let volume = &written(exact, "persistent-volume-type.yaml")[0];
    assert!(volume["spec"]["matchConstraints"]["namespaceSelector"].is_null());
    let of = |claim: Value| {
        let volume_of = knrender::value::json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "a"},
            "spec": {"csi": {"driver": "ebs.csi.aws.com"}, "claimRef": claim}});
        verdict(volume, &without_nulls(&volume_of), &Value::Null, &Value::Null)
    };
    assert_eq!(of(knrender::value::json!({"namespace": "shop", "name": "a"})), Some(false));
    assert_eq!(of(knrender::value::json!({"namespace": "nodes", "name": "a"})), None);
    assert_eq!(of(Value::Null), None);
}

#[test]
fn an_allowance_is_an_exception_in_the_same_words_and_for_nothing_else() {
    let config = "allow:\n- lint: host-network\n  object: deployment/shop/agent\n  reason: 'of another team: until May'\n\
                  - lint: host-network\n  object: service.serving.knative.dev/hello\n  reason: a test\n";
    let objects = written(config, "host-network.yaml");
    let map = &written(config, "exceptions.yaml")[0];
    assert_eq!(map["kind"], "ConfigMap");
    let allow = map["data"]["allow"].as_str().unwrap();
    assert!(allow.contains("- lint: host-network\n  object: Deployment/shop/agent\n  reason: "), "{allow}");
    assert_eq!(objects[1]["spec"]["paramRef"]["name"], map["metadata"]["name"]);
    assert_eq!(objects[1]["spec"]["paramRef"]["parameterNotFoundAction"], "Allow");
    let holds = |kind: &str, namespace: &str, name: &str| {
        verdict(&objects[0], &pod(kind, namespace, name, &Value::Null), &Value::Null, map).unwrap()
    };
    assert!(holds("Deployment", "shop", "agent") && holds("Service", "any", "hello"));
    assert!(
        !holds("Deployment", "shop", "agent2")
            && !holds("Deployment", "other", "agent")
            && !holds("Pod", "shop", "agent")
    );
    // Others know nothing of it, and need no parameters.
    let other = written(config, "host-port.yaml");
    assert!(other[0]["spec"]["paramKind"].is_null() && other[1]["spec"]["paramRef"].is_null());
    assert_eq!(admission::problems("ValidatingAdmissionPolicy", &objects[0], OLDEST), []);
    let place = Place::new();
    place.write("knrender.yaml", config);
    let kyverno = place.run(&["policy", "--engine", "kyverno"]).ok().stdout;
    assert!(kyverno.contains("knrender.dev/allow: |") && kyverno.contains("                - agent\n"), "{kyverno}");
    place.run(&["policy", "--out", "p"]).ok();
    let report = place.run(&["validate", "p", "--format", "json"]).json();
    assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{report}");
}

#[test]
fn exceptions_that_can_match_nothing_are_told() {
    let place = Place::new();
    let allow = |lint: &str, object: &str| format!("- lint: {lint}\n  object: {object}\n  reason: a test\n");
    let config = [
        allow("privileged", "Ingress/shop/web"),
        allow("privileged", "Deployment/kube-system/agent"),
        allow("privileged", "Deployment/nodes/agent"),
        allow("privileged", "Deployment/shop/agent"),
        "- lint: topology-spread\n  reason: a test\n".to_owned(),
    ];
    place.write("knrender.yaml", &format!("allow:\n{}{PROFILES}", config.concat()));
    place.write(
        "app.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: nodes}\n\
                             spec: {template: {spec: {containers: [{name: a, image: 'a:1.2.3'}]}}}\n",
    );
    let said = place.run(&["policy", "app.yaml", "--out", "p"]).ok().stderr;
    for wanted in [
        "knrender.yaml, line 2 allows privileged for Ingress/shop/web, and the policy is about Pod, ",
        "for Deployment/kube-system/agent, and policies do not judge in that namespace",
        "for Deployment/nodes/agent, and no Fargate profile takes that namespace",
        "allows topology-spread everywhere: no policy is written for it",
        "allows privileged for Deployment/shop/agent, and there is no such finding",
        "no Fargate profile takes Deployment/nodes/a: its pods would wait for nodes",
    ] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    assert!(!place.path("p/topology-spread.yaml").exists());
}

#[test]
fn profiles_that_contradict_each_other_or_take_nothing_are_refused() {
    let place = Place::new();
    let profile =
        |name: &str, namespace: &str| format!("- {{name: {name}, selectors: [{{namespace: {namespace}}}]}}\n");
    for (config, wanted) in [
        (
            format!("{}{}", profile("a", "shop"), profile("b", "shop")),
            "the Fargate profiles a and b have one selector, shop",
        ),
        (profile("a", "kube-system"), "no Fargate profile takes a namespace other than"),
        (profile("a", "''"), "a selector of the Fargate profile a has no namespace"),
        ("- {name: a, selectors: []}\n".to_owned(), "`fargate-profiles`: a has no selectors; EKS wants one to five"),
        (profile("a", "shop") + "app-namespaces: [shop, games]\n", "no Fargate profile takes games"),
    ] {
        place.write("knrender.yaml", &format!("fargate-profiles:\n{config}"));
        let said = place.run(&["policy"]).fails(2);
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn no_policy_comes_near_what_a_server_lets_an_evaluation_cost() {
    let place = Place::new();
    place.run(&["policy", "--out", "p"]).ok();
    let port = |n: u32| knrender::value::json!({"containerPort": 10_000 + n, "name": format!("port-{n}")});
    let variable = |n: u32| knrender::value::json!({"name": format!("VARIABLE_{n}"), "value": "a value of some length, as they are"});
    let container = |n: u32| {
        knrender::value::json!({
            "name": format!("container-{n}"), "image": format!("registry.example.com/team/image-{n}:1.2.3"),
            "args": (0..20).map(|n| format!("--flag-number-{n}=value-{n}")).collect::<Vec<_>>(),
            "ports": (0..10).map(port).collect::<Vec<_>>(), "env": (0..30).map(variable).collect::<Vec<_>>(),
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
        })
    };
    let volume = |n: u32| knrender::value::json!({"name": format!("volume-{n}"), "emptyDir": {}});
    let mut object = pod("Deployment", "shop", "web", &Value::Null);
    object["spec"]["template"]["spec"] = knrender::value::json!({
        "containers": (0..15).map(container).collect::<Vec<_>>(), "initContainers": (15..20).map(container).collect::<Vec<_>>(),
        "volumes": (0..30).map(volume).collect::<Vec<_>>(), "nodeSelector": {"a": "b", "c": "d"},
    });
    let policies = Policies::embedded().unwrap();
    for policy in policies.all().iter().filter(|policy| policies.is_about(policy, "apps", "Deployment")) {
        let mut types = BTreeMap::new();
        let mut values: BTreeMap<String, Cel> = BTreeMap::new();
        let mut cost = 0;
        for (name, expression) in policies.variables(policy) {
            let mut environment = admission::environment(OLDEST - 1, false, false);
            environment.variables.insert("variables".into(), Type::object("kubernetes.variables", types.clone()));
            let program = environment.compile(&here(expression)).unwrap();
            let entries = values.iter().map(|(key, value)| (knrender::cel::value::Key::text(key), value.clone()));
            let variables =
                BTreeMap::from([("object", Cel::json(&object)), ("variables", Cel::map(entries.collect()))]);
            let mut budget = BUDGET;
            let value = program.evaluate(&variables, &mut budget).unwrap();
            cost += BUDGET - budget;
            types.insert(name.to_owned(), program.result().clone());
            values.insert(name.to_owned(), value);
        }
        assert!(cost < BUDGET / 10, "{} costs {cost}", policy.code);
    }
}

#[test]
fn what_the_policy_says_knative_refuses_validate_refuses_too() {
    let place = Place::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/policies/knative-refused");
    for entry in walkdir::WalkDir::new(&folder).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file()) {
        let path = entry.path().display().to_string();
        let report = place.run(&["validate", &path, "--format", "json"]).json();
        let refused = report["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == "knative-refused");
        assert_eq!(refused, entry.file_name().to_string_lossy().starts_with("fail-"), "{path}: {report}");
    }
}

#[test]
fn with_gitops_policies_are_applied_before_what_runs() {
    let Some(place) = Place::with_upstream() else { return };
    for layout in ["argocd", "flux"] {
        let files = render(&place, &["--layout", layout]);
        let folder =
            files.iter().find(|(path, _)| path.starts_with("gitops/10-first/") && path.ends_with("batch.yaml"));
        assert!(folder.unwrap().1.contains("name: knrender-privileged"));
        // Later waves of Argo CD name their kinds.
        let kustomization = &files["gitops/10-first/kustomization.yaml"];
        assert!(!kustomization.contains("ValidatingAdmissionPolicy"), "{kustomization}");
        assert_eq!(kustomization.contains("Deployment"), layout == "argocd", "{kustomization}");
    }
}
