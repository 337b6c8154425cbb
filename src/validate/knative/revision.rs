//! Revisions and their templates: what of a pod's spec Knative takes, by its feature flags, and the pod that comes of it.
//! Sources: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/serving/v1/revision_validation.go>,
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/serving/k8s_validation.go>,
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/serving/fieldmask.go>,
//! <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/webhook/podspec_dryrun.go>

use crate::value::{Map, Value, json};

use super::super::at::At;
use super::super::model::Model;
use super::super::pods::{self, Pod};
use super::super::{Found, shape};
use super::{CODE, Webhook, annotations, containers, is_prefix, is_set, names, volumes};
use crate::findings::Finding;

/// What a revision's spec has beside a pod's.
const OWN: [&str; 4] = ["containerConcurrency", "idleTimeoutSeconds", "responseStartTimeoutSeconds", "timeoutSeconds"];

/// What Knative takes of a pod's spec at any time.
const TAKEN: [&str; 6] = [
    "automountServiceAccountToken",
    "containers",
    "enableServiceLinks",
    "imagePullSecrets",
    "serviceAccountName",
    "volumes",
];

/// What it takes with a feature flag.
const GATED: [(&str, &str); 16] = [
    ("affinity", "kubernetes.podspec-affinity"),
    ("topologySpreadConstraints", "kubernetes.podspec-topologyspreadconstraints"),
    ("hostAliases", "kubernetes.podspec-hostaliases"),
    ("nodeSelector", "kubernetes.podspec-nodeselector"),
    ("runtimeClassName", "kubernetes.podspec-runtimeclassname"),
    ("tolerations", "kubernetes.podspec-tolerations"),
    ("securityContext", "kubernetes.podspec-securitycontext"),
    ("shareProcessNamespace", "kubernetes.podspec-shareprocessnamespace"),
    ("priorityClassName", "kubernetes.podspec-priorityclassname"),
    ("schedulerName", "kubernetes.podspec-schedulername"),
    ("initContainers", "kubernetes.podspec-init-containers"),
    ("dnsPolicy", "kubernetes.podspec-dnspolicy"),
    ("dnsConfig", "kubernetes.podspec-dnsconfig"),
    ("hostIPC", "kubernetes.podspec-hostipc"),
    ("hostPID", "kubernetes.podspec-hostpid"),
    ("hostNetwork", "kubernetes.podspec-hostnetwork"),
];

/// Fields that are there as soon as they are written, whatever they hold.
const POINTERS: [&str; 8] = [
    "activeDeadlineSeconds",
    "hostUsers",
    "preemptionPolicy",
    "priority",
    "runtimeClassName",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "terminationGracePeriodSeconds",
];

/// The template of a Service or a Configuration.
pub(super) fn template(
    found: &mut Found<'_>,
    webhook: &Webhook<'_>,
    model: &Model,
    has_crd: bool,
    template: Option<&At<'_>>,
) {
    let nothing = At { value: &Value::Null, path: "/spec/template".to_owned() };
    let template = template.unwrap_or(&nothing);
    annotations::of_template(found, webhook, template);
    if let Some(metadata) = template.get("metadata") {
        keep(found, &["wrong-type"], |found| {
            shape::part(model, "meta.v1.ObjectMeta", metadata.value, &metadata.path, found);
        });
        name(found, &metadata);
    }
    spec(found, webhook, model, has_crd, template.get("spec").as_ref());
}

/// The name that the next revision gets.
fn name(found: &mut Found<'_>, metadata: &At<'_>) {
    let generated = metadata.text("generateName");
    if !is_prefix(generated) {
        found.at(CODE, &metadata.field("generateName"), format!("`{generated}` is no start of a DNS label"));
    }
    let name = metadata.text("name");
    let parent = &found.object.identity.name;
    if name.is_empty() {
        return;
    }
    if !names::is_label_1035(name) {
        let what = format!("`{name}` is no DNS label that starts with a letter, 63 characters at the most");
        found.at(CODE, &metadata.field("name"), what);
    } else if parent.is_empty() {
        found.at(CODE, &metadata.field("name"), "with a generated name of its parent, a revision's is generated too");
    } else if !name.starts_with(&format!("{parent}-")) {
        found.at(CODE, &metadata.field("name"), format!("`{name}` has to start with `{parent}-`"));
    }
}

/// The spec of a revision, also in a template.
pub(super) fn spec(found: &mut Found<'_>, webhook: &Webhook<'_>, model: &Model, has_crd: bool, spec: Option<&At<'_>>) {
    let at = if found.object.identity.kind == "Revision" { "/spec" } else { "/spec/template/spec" };
    let nothing = At { value: &Value::Null, path: at.to_owned() };
    let spec = spec.unwrap_or(&nothing);
    fields(found, webhook, spec);
    volumes::check(found, webhook, spec);
    containers::check(found, webhook, spec);
    let account = spec.text("serviceAccountName");
    if !account.is_empty() && !names::is_subdomain(account) {
        found.at(CODE, &spec.field("serviceAccountName"), format!("`{account}` is no DNS subdomain"));
    }
    let most = webhook.number("max-revision-timeout-seconds", 600);
    if let Some(seconds) = spec.int("timeoutSeconds").filter(|seconds| !(0..=most).contains(seconds)) {
        let what =
            format!("{seconds} is not from 0 to {most}, which is max-revision-timeout-seconds of config-defaults");
        found.at(CODE, &spec.field("timeoutSeconds"), what);
    }
    if let Some(concurrency_) = spec.int("containerConcurrency") {
        concurrency(found, webhook, spec, concurrency_);
    }
    dry_run(found, webhook, model, has_crd, spec);
}

/// How many requests a pod takes at a time.
pub(super) fn concurrency(found: &mut Found<'_>, webhook: &Webhook<'_>, spec: &At<'_>, number: i64) {
    let least = i64::from(!webhook.boolean("allow-container-concurrency-zero", true));
    let most = webhook.number("container-concurrency-max-limit", 1000);
    if !(least..=most).contains(&number) {
        let what = format!("{number} is not from {least} to {most}, as config-defaults has it");
        found.at(CODE, &spec.field("containerConcurrency"), what);
    }
}

fn fields(found: &mut Found<'_>, webhook: &Webhook<'_>, spec: &At<'_>) {
    for (key, value) in spec.value.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        let is_there = is_set(spec, key) || POINTERS.contains(&key.as_str());
        if !is_there || OWN.contains(&key.as_str()) {
            continue;
        }
        let field = spec.field(key);
        if let Some((_, feature)) = GATED.iter().find(|(gated, _)| gated == key) {
            let secured = key == "securityContext" && webhook.feature("secure-pod-defaults") != super::Flag::Disabled;
            if webhook.is_off(feature) && !secured {
                found.at(CODE, &field, format!("Knative takes `{key}` only with the feature {feature}"));
            }
        } else if !TAKEN.contains(&key.as_str()) {
            found.at(CODE, &field, format!("Knative does not take `{key}` here"));
        } else if key == "automountServiceAccountToken" && *value == Value::Bool(true) {
            found.at(CODE, &field, "Knative takes false only: true is the default");
        }
    }
    if let Some(context) = spec.get("securityContext") {
        containers::pod_context(found, webhook, &context);
    }
}

/// Runs a check and keeps what it finds under these codes.
fn keep(found: &mut Found<'_>, codes: &[&str], check: impl FnOnce(&mut Found<'_>)) {
    let mut all: Vec<Finding> = Vec::new();
    check(&mut Found { object: found.object, target: found.target, findings: &mut all });
    found.findings.extend(all.into_iter().filter(|finding| codes.contains(&finding.code)));
}

/// The pod that Knative makes of a spec, which its webhook asks the API server about.
fn dry_run(found: &mut Found<'_>, webhook: &Webhook<'_>, model: &Model, has_crd: bool, spec: &At<'_>) {
    let Some(map) = spec.value.as_object() else { return };
    let pod = pod_of(webhook, map);
    let at = At { value: &pod, path: spec.path.clone() };
    let object = found.object;
    let mut written = map.clone();
    written.retain(|key, _| !OWN.contains(&key.as_str()));
    let written = Value::Object(written);
    keep(found, &["wrong-type"], |found| shape::part(model, "core.v1.PodSpec", &written, &at.path, found));
    if object.identity.kind == "Revision"
        || object.head.label("serving.knative.dev/service").is_some_and(|l| !l.is_empty())
    {
        return;
    }
    let mut all: Vec<Finding> = Vec::new();
    let mut inner = Found { object, target: found.target, findings: &mut all };
    shape::part(model, "core.v1.PodSpec", &pod, &at.path, &mut inner);
    pods::check(&mut inner, &Pod::itself(&at, None));
    found.findings.extend(all.into_iter().filter(|finding| !(has_crd && finding.code == "unknown-field")));
}

fn pod_of(webhook: &Webhook<'_>, spec: &Map) -> Value {
    let mut pod = spec.clone();
    let timeout = spec.get("timeoutSeconds").and_then(Value::as_i64).filter(|seconds| *seconds > 0);
    for key in OWN {
        pod.shift_remove(key);
    }
    let timeout = timeout.unwrap_or_else(|| webhook.number("revision-timeout-seconds", 300));
    pod.insert("terminationGracePeriodSeconds".to_owned(), json!(timeout));
    for (list, default) in [("containers", "user-container"), ("initContainers", "init-container")] {
        let Some(items) = pod.get_mut(list).and_then(Value::as_array_mut) else { continue };
        let single = items.len() == 1;
        for (i, container) in items.iter_mut().enumerate() {
            let Some(container) = container.as_object_mut() else { continue };
            if container.get("name").is_none_or(|name| name.is_null() || name == "") {
                let name = if i == 0 { default.to_owned() } else { format!("{default}-{i}") };
                container.insert("name".to_owned(), json!(name));
            }
            if list == "containers" {
                serve(container, single);
            }
        }
    }
    Value::Object(pod)
}

/// What Knative makes of a container: the queue proxy asks whether it is ready, and its port is known.
fn serve(container: &mut Map, single: bool) {
    let serves = single || container.get("ports").and_then(Value::as_array).is_some_and(|ports| !ports.is_empty());
    let readiness = container.get("readinessProbe");
    let has = |key: &str| readiness.and_then(|probe| probe.get(key)).is_some_and(|handler| !handler.is_null());
    let by_proxy = ["httpGet", "tcpSocket", "grpc"].into_iter().any(has) || serves && !has("exec");
    if by_proxy && readiness.is_none_or(Value::is_object) {
        container.shift_remove("readinessProbe");
    }
    if !serves {
        return;
    }
    container.shift_remove("ports");
    for handler in ["httpGet", "tcpSocket"] {
        let port = container.get_mut("livenessProbe").and_then(|probe| probe.get_mut(handler));
        if let Some(handler) = port.and_then(Value::as_object_mut) {
            handler.insert("port".to_owned(), json!(8080));
        }
    }
}
