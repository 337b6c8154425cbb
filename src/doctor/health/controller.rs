//! The AWS Load Balancer Controller, and what else of kube-system a render counts on: `CoreDNS` and metrics-server.

use crate::value::Value;

use super::super::kubectl::{Kubectl, listing};
use super::super::logs::Talker;
use super::super::{Report, Subject};
use super::{advise, deployment};
use crate::manifest::collection::Placed;

/// Where it all runs.
const NAMESPACE: &str = "kube-system";
const DEPLOYMENTS: &str = "deployments.v1.apps";
const SERVICE_ACCOUNTS: &str = "serviceaccounts";
const NAME: &str = "aws-load-balancer-controller";
/// What the controller's chart calls its webhooks.
const WEBHOOK: [&str; 6] = [
    "get",
    "validatingwebhookconfigurations,mutatingwebhookconfigurations",
    "--selector",
    "app.kubernetes.io/name=aws-load-balancer-controller",
    "-o",
    "json",
];

pub(super) fn requests() -> Vec<Vec<String>> {
    vec![
        listing(DEPLOYMENTS, Some(NAMESPACE)),
        listing(SERVICE_ACCOUNTS, Some(NAMESPACE)),
        WEBHOOK.iter().map(|word| (*word).to_owned()).collect(),
    ]
}

pub(super) fn look(
    report: &mut Report,
    objects: &[&Placed],
    subject: &Subject<'_>,
    waits_for_alb: bool,
    kubectl: &mut Kubectl,
) {
    let has = |kind: &str| objects.iter().any(|o| o.identity.kind == kind);
    let deployments = match kubectl.list(DEPLOYMENTS, Some(NAMESPACE)) {
        Ok(deployments) => deployments,
        Err(refusal) => {
            report.notes.push(format!("the Deployments of {NAMESPACE} are not read: {}", refusal.words()));
            return;
        }
    };
    let text = |value: &Value, key: &str| value.pointer(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    for name in ["coredns", "metrics-server"] {
        if let Some(its) = deployments.iter().find(|d| text(d, "/metadata/name") == name) {
            deployment(report, &format!("Deployment/{NAMESPACE}/{name}"), its);
        }
    }
    // An older controller is part of the render.
    if !has("Ingress") || objects.iter().any(|o| o.identity.name.contains("ingress-controller")) {
        return;
    }
    let label = "/metadata/labels/app.kubernetes.io~1name";
    let Some(its) = deployments.iter().find(|d| text(d, label) == NAME) else {
        if waits_for_alb {
            let what = "it is not in the cluster, so that nobody makes the ALB";
            let next = "run alb-controller/install.sh of the render (--cluster-name and --region bring it)";
            advise(report, format!("Deployment/{NAMESPACE}/{NAME}"), what, next);
        } else {
            report
                .notes
                .push(format!("the load balancer controller is not in {NAMESPACE}; somebody else made the ALB"));
        }
        return;
    };
    let id = format!("Deployment/{NAMESPACE}/{}", text(its, "/metadata/name"));
    deployment(report, &id, its);
    version(report, &id, its, subject);
    arguments(report, &id, its, subject);
    role(report, its, kubectl);
    webhook(report, kubectl);
    if waits_for_alb {
        let label = format!("app.kubernetes.io/name={NAME}");
        report.talkers.insert(Talker::Label { namespace: NAMESPACE.to_owned(), label });
    }
}

fn containers(deployment: &Value) -> impl Iterator<Item = &Value> {
    deployment.pointer("/spec/template/spec/containers").and_then(Value::as_array).into_iter().flatten()
}

fn version(report: &mut Report, id: &str, deployment: &Value, subject: &Subject<'_>) {
    let mut images = containers(deployment).filter_map(|c| c.get("image").and_then(Value::as_str));
    let tag = |image: &str| image.split('@').next().and_then(|i| i.rsplit_once(':')).map(|(_, tag)| tag.to_owned());
    let Some(runs) = images.find_map(tag) else { return };
    let runs = runs.trim_start_matches('v');
    match subject.facts.controller.as_deref() {
        Some(wanted) if wanted != runs => {
            report.notes.push(format!("{id} is of version {runs}, and the render was made for {wanted}"));
        }
        _ => report.notes.push(format!("{id} is of version {runs}")),
    }
}

/// Cluster, region and VPC, which there is no instance metadata on Fargate to read from.
fn arguments(report: &mut Report, id: &str, deployment: &Value, subject: &Subject<'_>) {
    let all: Vec<&str> = containers(deployment)
        .filter_map(|c| c.get("args").and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let of = |name: &str| all.iter().find_map(|arg| arg.trim_start_matches('-').strip_prefix(name)?.strip_prefix('='));
    let facts = subject.facts;
    let wanted =
        [("cluster-name", facts.cluster.as_deref()), ("aws-region", facts.region.as_deref()), ("aws-vpc-id", None)];
    for (name, wanted) in wanted {
        match (of(name), wanted) {
            (Some(its), Some(wanted)) if its != wanted => {
                let what = format!("it is told --{name}={its}, and the render is for {wanted}");
                advise(report, id, &what, "install it with the values in alb-controller/ of the render");
            }
            (None, _) if name != "cluster-name" => report
                .notes
                .push(format!("{id} is not told --{name}; on Fargate there is no instance metadata to read it from")),
            _ => {}
        }
    }
}

fn role(report: &mut Report, deployment: &Value, kubectl: &mut Kubectl) {
    let Ok(accounts) = kubectl.list(SERVICE_ACCOUNTS, Some(NAMESPACE)) else {
        report
            .notes
            .push("the controller's service account is not read: whether it has a role is not known".to_owned());
        return;
    };
    let name =
        deployment.pointer("/spec/template/spec/serviceAccountName").and_then(Value::as_str).unwrap_or("default");
    let account = accounts.iter().find(|a| a.pointer("/metadata/name").and_then(Value::as_str) == Some(name));
    let id = format!("ServiceAccount/{NAMESPACE}/{name}");
    let role = account.and_then(|a| a.pointer("/metadata/annotations/eks.amazonaws.com~1role-arn"));
    match (account, role.and_then(Value::as_str)) {
        (None, _) => advise(report, &id, "the load balancer controller's service account is not there", MAKE),
        (Some(_), None) => {
            let what = "it has no annotation eks.amazonaws.com/role-arn, so that the load balancer controller has no rights in AWS";
            advise(report, &id, what, MAKE);
        }
        (Some(_), Some(role)) => report.notes.push(format!("{id} takes the role {role}")),
    }
}

const MAKE: &str = "cluster/ of the render has the role and the service account; restart the controller afterwards";

/// The controller's webhook judges Services and target groups, and gives pods their readiness gates.
fn webhook(report: &mut Report, kubectl: &mut Kubectl) {
    let Ok(answer) = kubectl.json_with_input(&WEBHOOK, None) else { return };
    let configurations = super::super::kubectl::items(answer);
    if configurations.is_empty() {
        report.notes.push("the load balancer controller's webhook is not in the cluster".to_owned());
    }
    for configuration in &configurations {
        let text = |key: &str| configuration.pointer(key).and_then(Value::as_str).unwrap_or_default();
        let webhooks = configuration.get("webhooks").and_then(Value::as_array).into_iter().flatten();
        let lacks = |w: &&Value| {
            w.pointer("/clientConfig/service").is_some()
                && w.pointer("/clientConfig/caBundle").and_then(Value::as_str).is_none_or(str::is_empty)
        };
        if webhooks.filter(lacks).count() > 0 {
            let id = format!("{}/{}", text("/kind"), text("/metadata/name"));
            let what = "it has no caBundle, so that the server cannot call the load balancer controller's webhook";
            advise(report, &id, what, "install the controller again: its chart makes the certificate");
        }
    }
}
