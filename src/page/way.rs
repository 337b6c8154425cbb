//! The way of a request through a set of objects, with every time-out on it.

use serde::Serialize;

use crate::manifest::collection::Placed;
use crate::value::Value;

/// A step of the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What it is.
    pub name: String,
    /// The object that says so, or what it stands for.
    pub what: String,
    /// What is set there: name and value.
    pub settings: Vec<(String, String)>,
}

/// The steps that the objects speak of, from the name to the app.
pub fn of(objects: &[Placed]) -> Vec<Step> {
    let find = |kind: &str, names: &[&str]| {
        objects.iter().find(|o| o.identity.kind == kind && names.contains(&o.identity.name.as_str()))
    };
    let config = |name: &str| find("ConfigMap", &[name]).map_or(&Value::Null, |o| &o.value["data"]);
    let (defaults, autoscaler) = (config("config-defaults"), config("config-autoscaler"));
    let mut steps = Vec::new();
    if let Value::Object(domains) = config("config-domain") {
        let domains: Vec<_> =
            domains.keys().filter(|key| *key != "_example").map(|domain| format!("*.{domain}")).collect();
        if !domains.is_empty() {
            steps.push(step("DNS", &domains.join(", "), vec![pair("points at", "the name of the load balancer")]));
        }
    }
    let ingress = objects.iter().find(|o| {
        o.identity.kind == "Ingress"
            && o.value["metadata"]["annotations"]
                .as_object()
                .is_some_and(|a| a.keys().any(|key| key.starts_with("alb.ingress.kubernetes.io/")))
    });
    if let Some(ingress) = ingress {
        steps.extend(load_balancer(ingress));
    }
    let gateways = ["3scale-kourier-gateway", "knative-external-proxy", "gateway-proxy"];
    if let Some(gateway) = find("Deployment", &gateways) {
        let pod = &gateway.value["spec"]["template"]["spec"];
        let mut settings = grace(pod);
        if let Some(drain) = environment(pod, "DRAIN_TIME_SECONDS") {
            settings.push(pair("drains for", &format!("{drain} s")));
        }
        steps.push(step("Gateway", &gateway.identity.to_string(), settings));
    }
    if let Some(activator) = find("Deployment", &["activator"]) {
        let mut settings = keys(
            defaults,
            &[
                ("revision-timeout-seconds", "a request may take, a cold start included", " s"),
                ("revision-response-start-timeout-seconds", "until the first byte", " s"),
                ("revision-idle-timeout-seconds", "between bytes", " s"),
                ("max-revision-timeout-seconds", "a Service may ask for", " s"),
            ],
        );
        settings.extend(grace(&activator.value["spec"]["template"]["spec"]));
        settings.push(pair("in the path", "while a Service has no pod, or too little room for a burst"));
        steps.push(step("Activator", &activator.identity.to_string(), settings));
    }
    if find("Deployment", &["autoscaler"]).is_some() {
        let settings = keys(
            autoscaler,
            &[
                ("stable-window", "looks back", ""),
                ("scale-to-zero-grace-period", "grace before zero", ""),
                ("scale-to-zero-pod-retention-period", "keeps the last pod for", ""),
            ],
        );
        let deadline = keys(config("config-deployment"), &[("progress-deadline", "a revision gets ready within", "")]);
        steps.push(step(
            "Autoscaler (beside the path)",
            "Deployment/knative-serving/autoscaler",
            [settings, deadline].concat(),
        ));
        let queue = vec![
            pair("readiness probe", "every 10 s"),
            pair("waiting requests", "ten for each that the app takes at a time, where that is limited"),
            pair("drains for", "30 s"),
        ];
        steps.push(step("queue-proxy", "in every pod of a Service", queue));
    }
    for service in objects.iter().filter(|o| o.identity.group == "serving.knative.dev" && o.identity.kind == "Service")
    {
        let spec = &service.value["spec"]["template"]["spec"];
        let settings = keys(
            spec,
            &[
                ("timeoutSeconds", "a request may take", " s"),
                ("responseStartTimeoutSeconds", "until the first byte", " s"),
                ("containerConcurrency", "requests at a time", ""),
            ],
        );
        steps.push(step("App", &service.identity.to_string(), settings));
    }
    steps
}

fn load_balancer(ingress: &Placed) -> Vec<Step> {
    let annotation = |key: &str| ingress.head.annotation(&format!("alb.ingress.kubernetes.io/{key}"));
    let some = |pairs: &[(&str, &str, &str)]| {
        let found =
            pairs.iter().filter_map(|(key, name, unit)| Some(pair(name, &format!("{}{unit}", annotation(key)?))));
        found.collect::<Vec<_>>()
    };
    let attributes = |of: &str| {
        let pairs = annotation(of).unwrap_or_default().split(',').filter_map(|a| a.trim().split_once('='));
        pairs.map(|(key, value)| attribute(key, value)).collect::<Vec<_>>()
    };
    let mut balancer = some(&[("scheme", "scheme", ""), ("load-balancer-name", "name", "")]);
    balancer.extend(attributes("load-balancer-attributes"));
    if !balancer.iter().any(|(key, _)| key == IDLE) {
        balancer.push(pair(IDLE, "60 s (AWS's default)"));
    }
    let listener = some(&[
        ("listen-ports", "ports", ""),
        ("certificate-arn", "certificate", ""),
        ("ssl-policy", "TLS", ""),
        ("ssl-redirect", "redirects to", ""),
    ]);
    let mut group = some(&[
        ("target-type", "targets", ""),
        ("healthcheck-protocol", "health check", ""),
        ("healthcheck-port", "health check's port", ""),
        ("healthcheck-path", "health check's path", ""),
        ("success-codes", "healthy with", ""),
        ("healthcheck-interval-seconds", "asks every", " s"),
        ("healthcheck-timeout-seconds", "waits for an answer", " s"),
        ("healthy-threshold-count", "healthy after", " answers"),
        ("unhealthy-threshold-count", "unhealthy after", " failures"),
    ]);
    group.extend(attributes("target-group-attributes"));
    let name = ingress.identity.to_string();
    vec![
        step("Application Load Balancer", &name, balancer),
        step("Listener", &name, listener),
        step("Target group and its health check", &name, group),
    ]
}

/// How the idle time-out is called.
const IDLE: &str = "idle time-out";

/// An attribute under the name that people know it by.
fn attribute(key: &str, value: &str) -> (String, String) {
    match key {
        "idle_timeout.timeout_seconds" => pair(IDLE, &format!("{value} s")),
        "deregistration_delay.timeout_seconds" => pair("deregistration delay", &format!("{value} s")),
        _ => pair(key, value),
    }
}

fn step(name: &str, what: &str, settings: Vec<(String, String)>) -> Step {
    Step { name: name.to_owned(), what: what.to_owned(), settings }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// What stands under some keys, under the names that people know it by.
fn keys(map: &Value, keys: &[(&str, &str, &str)]) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    keys.iter()
        .filter_map(|(key, name, unit)| Some(((*name).to_owned(), format!("{}{unit}", text(&map[*key])?))))
        .collect()
}

fn grace(pod: &Value) -> Vec<(String, String)> {
    let seconds = pod["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
    vec![pair("may take to stop", &format!("{seconds} s"))]
}

/// A variable of any container of a pod.
fn environment(pod: &Value, name: &str) -> Option<String> {
    let containers = pod["containers"].as_array()?;
    let mut variables = containers.iter().filter_map(|c| c["env"].as_array()).flatten();
    variables.find(|v| v["name"] == name)?["value"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::collection::Collection;

    #[test]
    fn the_way_has_what_the_objects_say() {
        let mut set = Collection::default();
        set.add(
            "a.yaml",
            "\
apiVersion: v1
kind: ConfigMap
metadata: {name: config-domain}
data: {_example: '', apps.example.com: ''}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: alb
  annotations:
    alb.ingress.kubernetes.io/target-type: ip
    alb.ingress.kubernetes.io/healthcheck-path: /ready
    alb.ingress.kubernetes.io/target-group-attributes: deregistration_delay.timeout_seconds=15
",
        );
        let steps = of(&set.objects);
        let names: Vec<_> = steps.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["DNS", "Application Load Balancer", "Listener", "Target group and its health check"]);
        assert_eq!(steps[0].what, "*.apps.example.com");
        assert!(steps[1].settings.iter().any(|(_, value)| value == "60 s (AWS's default)"));
        assert!(steps[3].settings.contains(&pair("deregistration delay", "15 s")));
    }
}
