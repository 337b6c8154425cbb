//! `knrender doctor`: a render of ours beside a cluster whose answers were recorded from a Kubernetes 1.36.2 API server and
//! cut small (`tests/fixtures/doctor/`); each test changes what one answer says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use crate::support;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::run::{Place, Ran};

const NAMESPACE: &str = "knative-serving";

/// What the cluster answers.
struct Cluster {
    place: Place,
    answers: BTreeMap<String, Value>,
}

impl Cluster {
    /// One in which all is as rendered.
    fn new() -> Cluster {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/doctor");
        let text = fs::read_to_string(fixtures.join("answers.json")).unwrap();
        let place = Place::new();
        for file in ["out/batch.yaml", "out/about/provenance.json"] {
            place.write(file, &fs::read_to_string(fixtures.join(file)).unwrap());
        }
        fs::create_dir_all(place.path("bin")).unwrap();
        fs::create_dir_all(place.path("fake")).unwrap();
        let kubectl = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/answers.sh");
        fs::copy(kubectl, place.path("bin/kubectl")).unwrap();
        fs::set_permissions(place.path("bin/kubectl"), fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", place.path("bin").display());
        let fake = place.path("fake").display().to_string();
        Cluster { place: place.env("PATH", &path).env("FAKE", &fake), answers: serde_json::from_str(&text).unwrap() }
    }

    /// The answer to the request that begins like this.
    fn answer(&mut self, request: &str) -> &mut Value {
        let found = self.answers.iter_mut().find(|(key, _)| key.starts_with(request));
        found.unwrap_or_else(|| panic!("{request} was not recorded")).1
    }

    /// An object of a list.
    fn object(&mut self, request: &str, name: &str) -> &mut Value {
        let items = self.answer(request)["items"].as_array_mut().unwrap();
        items.iter_mut().find(|item| item["metadata"]["name"] == name).unwrap()
    }

    /// Without an object.
    fn without(mut self, request: &str, name: &str) -> Cluster {
        self.answer(request)["items"].as_array_mut().unwrap().retain(|item| item["metadata"]["name"] != name);
        self
    }

    /// With another value in an object of a list.
    fn with(mut self, request: &str, name: &str, pointer: &str, value: Value) -> Cluster {
        let object = self.object(request, name);
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[key.replace("~1", "/")] = value;
        self
    }

    /// A request fails with these words.
    fn failing(mut self, request: &str, words: &str) -> Cluster {
        *self.answer(request) = json!({"error": words});
        self
    }

    /// Events of a namespace.
    fn saying(mut self, request: &str, events: &[(&str, &str, &str)]) -> Cluster {
        let items: Vec<Value> = events
            .iter()
            .map(|(name, reason, message)| {
                json!({"type": "Warning", "reason": reason, "message": message, "involvedObject": {"name": name}})
            })
            .collect();
        self.answers.insert(request.to_owned(), json!({"items": items}));
        self
    }

    fn doctor(&self, arguments: &[&str]) -> Ran {
        for (request, answer) in &self.answers {
            let file = format!("fake/{}", request.replace(' ', "_").replace('/', "~"));
            match answer {
                Value::Object(map) if map.contains_key("error") => {
                    self.place.write(&format!("{file}.err"), map["error"].as_str().unwrap());
                }
                Value::String(text) => self.place.write(&format!("{file}.out"), text),
                other => self.place.write(&format!("{file}.out"), &other.to_string()),
            }
        }
        self.place.run(&[&["doctor"], arguments].concat())
    }

    /// Word, object and words of each finding.
    fn findings(&self) -> Vec<(String, String, String)> {
        let report = self.doctor(&["--format", "json"]).json();
        let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
        let findings = report["findings"].as_array().unwrap();
        findings.iter().map(|f| (text(f, "word"), text(f, "object"), text(f, "what"))).collect()
    }

    /// The only finding.
    #[track_caller]
    fn only(&self) -> Value {
        let ran = self.doctor(&["--format", "json"]);
        assert_eq!(ran.code, 1, "{}{}", ran.stdout, ran.stderr);
        let report = ran.json();
        assert_eq!(report["findings"].as_array().unwrap().len(), 1, "{report:#}");
        report["findings"][0].clone()
    }

    fn requests(&self) -> Vec<String> {
        self.place.read("fake/log").lines().map(str::to_owned).collect()
    }
}

#[track_caller]
fn assert_is(finding: &Value, word: &str, object: &str, parts: &[&str]) {
    assert_eq!((finding["word"].as_str(), finding["object"].as_str()), (Some(word), Some(object)), "{finding:#}");
    let text = finding.to_string();
    for part in parts {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

const PODS: &str = "get pods";
const POD: &str = "webhook-7cb4c98d9b-h6bms";
const DEPLOYMENTS: &str = "get deployment.v1.apps";
const CONTROLLERS: &str = "get deployments.v1.apps";
const CONTROLLER: &str = "aws-load-balancer-controller";

#[test]
fn right_after_an_apply_nothing_differs_and_a_cluster_in_which_all_runs_ends_with_0() {
    let cluster = Cluster::new();
    let ran = cluster.doctor(&[]).ok();
    assert!(ran.stdout.ends_with("\nall is as rendered\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("its certificate is of 2026-11-28 and valid until 2026-12-05"), "{}", ran.stdout);
    assert!(cluster.requests().iter().all(|request| !request.contains("apply")), "no dry run where nothing differs");
}

#[test]
fn the_requests_that_are_listed_are_those_that_are_made_and_all_only_read() {
    let cluster = Cluster::new();
    let report = cluster.doctor(&["--format", "json"]).ok().json();
    let mut said: Vec<String> =
        report["requests"].as_array().unwrap().iter().map(|r| r.as_str().unwrap().to_owned()).collect();
    let mut made: Vec<String> = cluster.requests().iter().map(|request| format!("kubectl {request}")).collect();
    said.sort();
    made.sort();
    assert_eq!(said, made);
    for request in made {
        let verbs = [" get ", " version ", " config view ", " config current-context"];
        assert!(verbs.iter().any(|verb| request.contains(verb)), "{request}");
    }
}

#[test]
fn a_rendered_object_that_is_not_there_is_missing() {
    let finding = Cluster::new().without("get service --", "webhook").only();
    assert_is(&finding, "missing", "Service/knative-serving/webhook", &["apply out/batch.yaml"]);
}

#[test]
fn a_field_that_is_not_as_rendered_differs_by_the_servers_own_account() {
    let image = "/spec/template/spec/containers/0/image";
    let mut cluster = Cluster::new();
    *cluster.object(DEPLOYMENTS, "webhook").pointer_mut(image).unwrap() = "example.com/other:1".into();
    let finding = cluster.only();
    assert_is(&finding, "differs", "Deployment/knative-serving/webhook", &["1 field is not as rendered"]);
    assert_eq!(finding["fields"][0]["field"], "spec.template.spec.containers[webhook].image");
    assert_eq!(finding["fields"][0]["live"], "\"example.com/other:1\"");
    let requests = cluster.requests();
    assert!(requests.iter().any(|r| r.contains("apply --dry-run=server -o json -f -")), "{requests:?}");
    assert!(requests.iter().all(|r| !r.contains("apply") || r.contains("--dry-run=server")), "{requests:?}");
}

#[test]
fn what_the_server_writes_otherwise_than_it_was_rendered_is_no_difference() {
    // By its fields it differs; by the server's account an apply would change nothing.
    let mut cluster = Cluster::new();
    let image = "/spec/template/spec/containers/0/image";
    let deployment = cluster.object(DEPLOYMENTS, "webhook");
    *deployment.pointer_mut(image).unwrap() = "example.com/other:1".into();
    let mut would = deployment.clone();
    would["apiVersion"] = "apps/v1".into();
    would["kind"] = "Deployment".into();
    *cluster.answer("apply") = would;
    assert_eq!(cluster.findings(), []);
}

#[test]
fn where_a_dry_run_is_forbidden_the_fields_are_said_with_a_note() {
    let mut cluster = Cluster::new().failing("apply", "Error from server (Forbidden): deployments.apps is forbidden");
    let image = "/spec/template/spec/containers/0/image";
    *cluster.object(DEPLOYMENTS, "webhook").pointer_mut(image).unwrap() = "example.com/other:1".into();
    let report = cluster.doctor(&["--format", "json"]).json();
    assert_eq!(report["findings"][0]["word"], "differs");
    assert!(report["notes"].to_string().contains("was not held against a server-side dry run"), "{report:#}");
}

#[test]
fn what_an_apply_would_be_refused_for_is_said() {
    let words = "The Service \"webhook\" is invalid: spec.ports[1].name: Duplicate value: \"https-webhook\"";
    let mut cluster = Cluster::new().failing("apply", words);
    cluster.object("get service --", "webhook")["spec"]["ports"][0]["port"] = 444.into();
    let finding = cluster.only();
    assert_is(&finding, "differs", "Service/knative-serving/webhook", &["an apply is refused", "Duplicate value"]);
}

#[test]
fn a_setting_that_somebody_added_differs_and_no_apply_takes_it_away() {
    let mut cluster = Cluster::new();
    let settings = cluster.object("get configmap", "config-autoscaler");
    settings["data"]["max-scale"] = "3".into();
    let would = settings.clone();
    *cluster.answer("apply") = would;
    let finding = cluster.only();
    assert_is(
        &finding,
        "differs",
        "ConfigMap/knative-serving/config-autoscaler",
        &["data.max-scale", "take it away by hand"],
    );
}

#[test]
fn a_field_that_an_earlier_apply_brought_differs() {
    let mut cluster = Cluster::new();
    let label = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
    let deployment = cluster.object(DEPLOYMENTS, "webhook");
    let last =
        deployment.pointer(label).unwrap().as_str().unwrap().replacen("\"spec\":{", "\"spec\":{\"paused\":true,", 1);
    *deployment.pointer_mut(label).unwrap() = last.into();
    deployment["spec"]["paused"] = true.into();
    let mut would = deployment.clone();
    would["spec"].as_object_mut().unwrap().remove("paused");
    *cluster.answer("apply") = would;
    let finding = cluster.only();
    assert_is(&finding, "differs", "Deployment/knative-serving/webhook", &["spec.paused", "apply out/batch.yaml"]);
}

#[test]
fn what_kubectl_applied_and_the_render_does_not_have_is_left_over() {
    let mut cluster = Cluster::new();
    let mut other = cluster.object("get configmap", "config-autoscaler").clone();
    other["metadata"]["name"] = "config-old".into();
    cluster.answer("get configmap")["items"].as_array_mut().unwrap().push(other);
    assert_is(&cluster.only(), "left over", "ConfigMap/knative-serving/config-old", &["an earlier render"]);
}

/// The `ConfigMap` in which an `apply.sh` wrote down what it applied.
fn inventory(name: &str, lines: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"objects": lines}, "metadata": {"namespace": NAMESPACE,
        "name": format!("knrender-inventory.{name}"), "labels": {"app.kubernetes.io/managed-by": "knrender"}}})
}

#[test]
fn what_an_earlier_render_brought_is_left_over_wherever_it_is_and_only_while_it_is_the_same_object() {
    let lines = "clusterrole.rbac.authorization.k8s.io - old-role 1-2-3\n\
        clusterrole.rbac.authorization.k8s.io - made-anew 1-2-4\n\
        clusterrole.rbac.authorization.k8s.io - half-applied -\n";
    let mut cluster = Cluster::new();
    cluster.answer("get configmap")["items"].as_array_mut().unwrap().push(inventory("out", lines));
    let role = |name: &str, uid: &str| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name, "uid": uid}});
    let roles = json!({"items": [role("old-role", "1-2-3"), role("made-anew", "9-9"), role("half-applied", "7-7")]});
    cluster.answers.insert("get clusterrole.rbac.authorization.k8s.io --show-managed-fields".to_owned(), roles);
    let finding = cluster.only();
    assert_is(&finding, "left over", "ClusterRole/old-role", &["an earlier render", "sh out/apply.sh --prune"]);
}

#[test]
fn what_another_render_brought_is_not_left_over() {
    let mut cluster = Cluster::new();
    let mut other = cluster.object("get configmap", "config-autoscaler").clone();
    other["metadata"]["name"] = "config-other".into();
    let items = cluster.answer("get configmap")["items"].as_array_mut().unwrap();
    items.push(other);
    items.push(inventory("monitoring", "configmap knative-serving config-other 1-2-3\n"));
    assert_eq!(cluster.findings(), []);
}

#[test]
fn what_controllers_and_apply_sh_set_is_no_difference() {
    let mut cluster = Cluster::new();
    cluster.object(DEPLOYMENTS, "webhook")["spec"]["replicas"] = 5.into();
    cluster.object("get configmap", "config-domain")["data"] = json!({"k8s-a.elb.amazonaws.com": ""});
    assert_eq!(cluster.findings(), []);
}

fn pending(cluster: &mut Cluster, scheduler: &str) {
    let pod = cluster.object(PODS, POD);
    pod["status"] = json!({"phase": "Pending"});
    pod["spec"].as_object_mut().unwrap().remove("nodeName");
    pod["spec"]["schedulerName"] = scheduler.into();
}

#[test]
fn a_pod_that_no_profile_selected_is_known_by_its_scheduler() {
    let mut cluster = Cluster::new();
    pending(&mut cluster, "default-scheduler");
    let finding = cluster.only();
    let next = "make a Fargate profile for namespace knative-serving";
    assert_is(&finding, "unhealthy", &format!("Pod/{NAMESPACE}/{POD}"), &[next, "https://docs.aws.amazon.com/"]);
    assert_eq!(finding["cause"], "no-fargate-profile");
}

#[test]
fn why_a_pod_waits_is_said_in_plain_words() {
    for (reason, message, cause) in [
        ("Failed", "Failed to pull image \"a\": 429 Too Many Requests - toomanyrequests", "too-many-pulls"),
        ("Failed", "Failed to pull image \"a\": pull access denied, 401 Unauthorized", "registry-login"),
        (
            "FailedScheduling",
            "Pod not supported on Fargate: invalid SecurityContext fields: Privileged",
            "not-for-fargate",
        ),
        ("FailedCreatePodSandBox", "InsufficientFreeAddressesInSubnet", "addresses-used-up"),
        ("FailedScheduling", "Pod provisioning timed out (will retry)", "provisioning"),
    ] {
        let events = [(POD, "LoggingDisabled", "aws-logging configmap was not found"), (POD, reason, message)];
        let mut cluster = Cluster::new().saying("get events --namespace knative-serving", &events);
        pending(&mut cluster, "fargate-scheduler");
        let finding = cluster.only();
        assert_eq!(finding["cause"], cause, "{finding:#}");
        assert!(
            !finding.to_string().contains("LoggingDisabled"),
            "what Fargate says of every pod is no reason: {finding:#}"
        );
    }
}

#[test]
fn a_pod_that_runs_and_is_no_healthy_target_is_unhealthy() {
    let conditions = json!([
        {"type": "Ready", "status": "False", "reason": "ReadinessGatesNotReady"},
        {"type": "target-health.elbv2.k8s.aws/k8s-a", "status": "False", "reason": "Target.FailedHealthChecks",
         "message": "Health checks failed"}
    ]);
    let finding = Cluster::new().with(PODS, POD, "/status/conditions", conditions).only();
    assert_eq!(finding["cause"], "target-not-healthy", "{finding:#}");
}

#[test]
fn another_size_than_planned_is_a_note() {
    let cluster = Cluster::new().with(PODS, POD, "/metadata/annotations/CapacityProvisioned", "2vCPU 4GB".into());
    let notes = cluster.doctor(&["--format", "json"]).ok().json()["notes"].to_string();
    assert!(notes.contains("Fargate gave 2vCPU 4GB, and `knrender plan` expects 1 vCPU / 2 GB"), "{notes}");
}

#[test]
fn an_ingress_without_an_address_is_unhealthy_with_the_controllers_events() {
    let request =
        "get events --namespace knative-serving --field-selector involvedObject.kind=Ingress,involvedObject.name=alb";
    let said = [("alb", "FailedBuildModel", "couldn't auto-discover subnets: unable to resolve at least one subnet")];
    let finding =
        Cluster::new().with("get ingress", "alb", "/status", json!({"loadBalancer": {}})).saying(request, &said).only();
    assert_is(
        &finding,
        "unhealthy",
        "Ingress/knative-serving/alb",
        &["couldn't auto-discover subnets", "kubernetes.io/role/elb=1"],
    );
}

#[test]
fn without_a_controller_an_ingress_without_an_address_says_who_is_missing() {
    let cluster = Cluster::new().without(CONTROLLERS, CONTROLLER).with(
        "get ingress",
        "alb",
        "/status",
        json!({"loadBalancer": {}}),
    );
    let objects: Vec<String> = cluster.findings().into_iter().map(|(_, object, _)| object).collect();
    assert_eq!(objects, ["Deployment/kube-system/aws-load-balancer-controller", "Ingress/knative-serving/alb"]);
}

#[test]
fn a_controller_of_another_version_or_cluster_or_without_a_role_is_said() {
    let container = "/spec/template/spec/containers/0";
    let other = Cluster::new().with(CONTROLLERS, CONTROLLER, &format!("{container}/image"), "x:v2.7.0".into());
    let notes = other.doctor(&["--format", "json"]).ok().json()["notes"].to_string();
    assert!(notes.contains("is of version 2.7.0, and the render was made for 3.5.0"), "{notes}");
    let args = json!(["--cluster-name=test", "--aws-region=eu-west-1", "--aws-vpc-id=vpc-1"]);
    let finding = Cluster::new().with(CONTROLLERS, CONTROLLER, &format!("{container}/args"), args).only();
    assert!(finding["what"].as_str().unwrap().contains("--cluster-name=test"), "{finding:#}");
    let finding = Cluster::new().with("get serviceaccounts", CONTROLLER, "/metadata/annotations", json!({})).only();
    assert_is(
        &finding,
        "unhealthy",
        "ServiceAccount/kube-system/aws-load-balancer-controller",
        &["eks.amazonaws.com/role-arn"],
    );
}

#[test]
fn a_webhook_that_nobody_answers_for_or_that_the_server_cannot_trust_is_unhealthy() {
    let slices = "get endpointslices";
    let mut cluster = Cluster::new();
    cluster.answer(slices)["items"][0]["endpoints"] = Value::Null;
    assert_is(&cluster.only(), "unhealthy", "Service/knative-serving/webhook", &["no pod answers for it"]);
    let configuration = "config.webhook.serving.knative.dev";
    let list = "get validatingwebhookconfiguration.v1";
    let of = |value: Value| {
        let mut cluster = Cluster::new();
        cluster.object(list, configuration)["webhooks"][0]["clientConfig"]["caBundle"] = value;
        cluster.only()["what"].as_str().unwrap().to_owned()
    };
    assert!(of(Value::Null).starts_with("it has no caBundle"));
    assert!(of("b3RoZXI=".into()).starts_with("its caBundle is not that of the webhook's certificate"));
}

#[test]
fn a_certificate_that_was_not_made_anew_in_time_is_unhealthy_by_the_clusters_own_clock() {
    let at = |time: &str| {
        let mut cluster = Cluster::new();
        cluster.answer("get leases")["items"][0]["spec"]["renewTime"] = time.into();
        cluster.only()["what"].as_str().unwrap().to_owned()
    };
    assert!(
        at("2026-12-05T02:00:00.000000Z").starts_with("its certificate ends in "),
        "{}",
        at("2026-12-05T02:00:00.000000Z")
    );
    assert!(at("2027-01-01T00:00:00.000000Z").starts_with("its certificate ended on 2026-12-05"));
}

#[test]
fn a_budget_that_blocks_every_eviction_and_an_autoscaler_without_metrics_are_unhealthy() {
    let blocked = json!({"expectedPods": 2, "currentHealthy": 2, "desiredHealthy": 2, "disruptionsAllowed": 0});
    let finding = Cluster::new().with("get poddisruptionbudget", "webhook-pdb", "/status", blocked).only();
    assert_is(&finding, "unhealthy", "PodDisruptionBudget/knative-serving/webhook-pdb", &["blocks every eviction now"]);
    let conditions = json!([{"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric",
        "message": "failed to get cpu utilization: unable to get metrics for resource cpu"}]);
    let status = json!({"conditions": conditions});
    let finding = Cluster::new().with("get horizontalpodautoscaler", "webhook", "/status", status).only();
    assert_eq!(finding["cause"], "no-metrics", "{finding:#}");
}

#[test]
fn a_deployment_whose_pods_are_refused_says_why() {
    let conditions = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
        "message": "pods \"webhook-\" is forbidden: exceeded quota: small"}]);
    let finding = Cluster::new().with(DEPLOYMENTS, "webhook", "/status", json!({"conditions": conditions})).only();
    assert_is(&finding, "unhealthy", "Deployment/knative-serving/webhook", &["exceeded quota"]);
    assert_eq!(finding["cause"], "quota");
}

#[test]
fn a_knative_service_that_is_not_ready_says_why() {
    let mut cluster = Cluster::new();
    let message =
        "Unable to fetch image \"1.dkr.ecr.eu-west-1.amazonaws.com/a:1\": unexpected status code 401 Unauthorized";
    let conditions = json!([{"type": "Ready", "status": "False", "reason": "RevisionFailed", "message": message}]);
    *cluster.answer("get service.v1.serving.knative.dev") = json!({"items": [
        {"metadata": {"name": "hello", "namespace": "default"}, "status": {"conditions": conditions}}]});
    let finding = cluster.only();
    assert_is(
        &finding,
        "unhealthy",
        "Service.serving.knative.dev/default/hello",
        &["the digest behind the image's tag"],
    );
}

#[test]
fn apis_that_go_away_and_are_still_used_are_told() {
    let mut cluster = Cluster::new();
    *cluster.answer("get --raw /metrics") =
        "apiserver_requested_deprecated_apis{group=\"a.k8s.io\",removed_release=\"1.38\",\
        resource=\"things\",subresource=\"\",version=\"v1beta1\"} 1\n"
            .into();
    let entry =
        json!({"manager": "old-tool", "operation": "Update", "apiVersion": "autoscaling/v2beta2", "fieldsV1": {}});
    cluster.object("get horizontalpodautoscaler", "webhook")["metadata"]["managedFields"] = json!([entry]);
    let notes = cluster.doctor(&["--format", "json"]).ok().json()["notes"].to_string();
    assert!(notes.contains("things were asked for in a.k8s.io/v1beta1, which Kubernetes 1.38"), "{notes}");
    assert!(
        notes.contains("old-tool wrote HorizontalPodAutoscaler/knative-serving/webhook in autoscaling/v2beta2"),
        "{notes}"
    );
}

#[test]
fn a_kind_that_may_not_be_read_is_said_and_the_rest_is_looked_at() {
    let words = "Error from server (Forbidden): secrets is forbidden: User \"u\" cannot list resource \"secrets\"";
    let cluster = Cluster::new().failing("get secret", words);
    let ran = cluster.doctor(&["--format", "json"]);
    let report = ran.json();
    assert_eq!(ran.code, 3, "what could not be read is not as rendered");
    assert_eq!(report["unread"][0]["what"], "secret in knative-serving");
    let ran = Cluster::new().failing("get secret", words).without("get service --", "webhook").doctor(&[]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout.contains("not read: secret in knative-serving: Error from server (Forbidden)"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("missing: Service/knative-serving/webhook"), "{}", ran.stdout);
}

#[test]
fn metrics_and_kube_system_that_may_not_be_read_are_no_failure() {
    let forbidden = "Error from server (Forbidden): no";
    let cluster =
        Cluster::new().failing("get --raw", forbidden).failing(CONTROLLERS, forbidden).failing("get leases", forbidden);
    let ran = cluster.doctor(&[]).ok();
    assert!(ran.stdout.contains("the server's metrics are not read"), "{}", ran.stdout);
}

#[test]
fn a_server_that_hangs_is_given_up_after_two_requests() {
    let cluster = Cluster::new();
    cluster.place.write("fake/hang", "");
    let started = std::time::Instant::now();
    let ran = cluster.doctor(&["--timeout", "1"]);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(ran.stdout.contains("the server did not answer within 1 s"), "{}", ran.stdout);
    assert!(ran.stdout.contains("it was not asked for, since the server has stopped to answer"), "{}", ran.stdout);
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

#[test]
fn without_kubectl_a_context_or_a_server_it_ends_with_3_and_says_so() {
    let cluster = Cluster::new();
    fs::remove_file(cluster.place.path("bin/kubectl")).unwrap();
    let place = Place::new().env("PATH", &cluster.place.path("bin").display().to_string());
    place.write("out/a.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n");
    assert!(place.run(&["doctor"]).fails(3).contains("kubectl does not run"));
    let none = Cluster::new().failing("config current-context", "error: current-context is not set");
    assert!(none.doctor(&[]).fails(3).contains("--context names one"));
    let down = Cluster::new().failing("version", "The connection to the server a was refused");
    assert!(down.doctor(&[]).fails(3).contains("the cluster of context prod cannot be read: The connection"));
}

#[test]
fn another_cluster_is_looked_at_only_when_it_is_named() {
    let mut cluster = Cluster::new();
    cluster.answer("config view")["clusters"][0]["name"] = "arn:aws:eks:eu-west-1:123456789012:cluster/test".into();
    let said = cluster.doctor(&[]).fails(3);
    assert!(said.contains("it leads to cluster test in eu-west-1, and the render is for cluster prod"), "{said}");
    let ran = cluster.doctor(&["--context", "prod"]).ok();
    assert!(ran.stdout.contains("note: the context is another cluster's"), "{}", ran.stdout);
}

#[test]
fn a_folder_without_provenance_is_looked_at_and_one_without_manifests_is_not() {
    let cluster = Cluster::new();
    fs::remove_dir_all(cluster.place.path("out/about")).unwrap();
    let ran = cluster.doctor(&[]);
    assert!(ran.stdout.contains("the folder has no about/provenance.json"), "{}", ran.stdout);
    fs::remove_file(cluster.place.path("out/batch.yaml")).unwrap();
    assert!(cluster.doctor(&[]).fails(3).contains("there is no manifest in it"));
    assert!(cluster.doctor(&["--out", "nowhere"]).fails(3).contains("nowhere"));
    cluster.place.write("out/batch.yaml", "a: [");
    assert!(cluster.doctor(&[]).fails(3).contains("out/batch.yaml"));
}

#[test]
fn of_a_fleet_one_cluster_is_looked_at() {
    let cluster = Cluster::new();
    cluster.place.write("knrender.yaml", "clusters: [{name: a, region: eu-west-1}, {name: b, region: eu-west-1}]\n");
    let said = cluster.doctor(&[]).fails(2);
    assert!(said.contains("--out out/a, --out out/b"), "{said}");
    cluster.doctor(&["--out", "out"]).ok();
}

#[test]
fn logs_are_read_on_request_alone_and_only_their_tail() {
    let mut cluster = Cluster::new();
    let status = &mut cluster.object(PODS, POD)["status"];
    status["conditions"] = json!([{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]);
    status["containerStatuses"][0]["ready"] = false.into();
    let log = format!("logs {POD} --namespace knative-serving --container webhook --tail 20");
    cluster.answers.insert(log.clone(), "panic: no config".into());
    cluster.doctor(&[]);
    assert!(cluster.requests().iter().all(|request| !request.contains("logs")));
    let ran = cluster.doctor(&["--logs"]);
    assert!(
        ran.stdout.contains("log of Pod/knative-serving/") && ran.stdout.contains("  panic: no config"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_bundle_has_the_report_and_the_live_objects_without_values_of_secrets() {
    let mut cluster = Cluster::new();
    let secret = cluster.object("get secret", "webhook-certs")["data"]["server-key.pem"].as_str().unwrap().to_owned();
    cluster.doctor(&["--bundle", "ticket.json"]).ok();
    let bundle = cluster.place.read("ticket.json");
    let whole: Value = serde_json::from_str(&bundle).unwrap();
    support::shape::hold(&whole, "doctor-bundle");
    assert!(whole["live"].as_array().unwrap().len() > 10 && whole["report"]["findings"].is_array());
    assert!(bundle.contains("server-key.pem") && !bundle.contains(&secret));
}

#[test]
fn the_report_for_programs_is_as_its_schema_says() {
    support::shape::hold(&Cluster::new().doctor(&["--format", "json"]).json(), "doctor");
    let mut cluster = Cluster::new().without("get service --", "webhook").failing("get secret", "(Forbidden) no");
    pending(&mut cluster, "default-scheduler");
    let settings = cluster.object("get configmap", "config-autoscaler");
    settings["data"]["max-scale"] = "3".into();
    let report = cluster.doctor(&["--format", "json", "--logs"]).json();
    let words: Vec<&str> = report["findings"].as_array().unwrap().iter().filter_map(|f| f["word"].as_str()).collect();
    assert_eq!(words, ["missing", "differs", "unhealthy"]);
    support::shape::hold(&report, "doctor");
}

#[test]
fn two_renders_in_one_folder_are_an_error_that_names_both_places() {
    let cluster = Cluster::new();
    let other = cluster.place.read("out/batch.yaml").replace("30s", "60s");
    cluster.place.write("out/other.yaml", &other);
    let said = cluster.doctor(&[]).fails(3);
    assert!(said.contains("out/batch.yaml, line ") && said.contains("out/other.yaml, line "), "{said}");
}

#[test]
fn the_same_of_many_objects_is_said_once() {
    let mut cluster = Cluster::new();
    for list in ["get service --", "get ingress", "get secret", "get poddisruptionbudget", DEPLOYMENTS] {
        cluster.answer(list)["items"] = json!([]);
    }
    let ran = cluster.doctor(&[]);
    assert_eq!(ran.stdout.matches("it is rendered, and is not in the cluster").count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.contains("missing: 5 objects"), "{}", ran.stdout);
}
