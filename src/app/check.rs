//! What a Service may be: the form of every flag, and what Knative, Fargate and the stack refuse.

use super::{App, AppError, Terms};
use crate::aws::Arn;
use crate::config::time::Seconds;
use crate::fargate::COLD_START;
use crate::fargate::quantity::Quantity;
use crate::images::reference::is_reference;
use crate::kubernetes::names;

/// The most requests at a time that Knative lets a pod be limited to (`container-concurrency-max-limit`).
const CONCURRENCY_MAX: u32 = 1000;
/// The longest retention that Knative takes, in seconds (`WindowMax`).
/// Source: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/autoscaling/annotation_validation.go>
const RETENTION_MAX: f64 = 3600.0;
/// Variables that Knative sets, and refuses to be given.
/// Source: <https://github.com/knative/serving/blob/knative-v1.23.0/pkg/apis/serving/k8s_validation.go>
const RESERVED_ENV: [&str; 4] = ["PORT", "K_SERVICE", "K_CONFIGURATION", "K_REVISION"];
/// Ports of queue-proxy (K10), and the one that the kubelet of a Fargate pod listens on (F12).
const RESERVED_PORTS: [u16; 7] = [8008, 8012, 8013, 8022, 9090, 9091, 10250];
/// Holds an app to its terms.
pub(super) fn all(app: &App, terms: &Terms) -> Result<(), AppError> {
    names(app, terms)?;
    container(app)?;
    scale(app, terms)?;
    times(app, terms)
}

fn unless(is_good: bool, why: impl FnOnce() -> String) -> Result<(), AppError> {
    if is_good { Ok(()) } else { Err(AppError(why())) }
}

fn names(app: &App, terms: &Terms) -> Result<(), AppError> {
    let (name, namespace) = (&app.name, app.namespace());
    unless(names::is_label_1035(name), || {
        format!(
            "`{name}` is no name for a Service: lower-case letters, digits and dashes, 63 at the most, a letter first and no \
             dash last"
        )
    })?;
    unless(names::is_label(namespace), || {
        format!("--namespace `{namespace}` is not a namespace: lower-case letters, digits and dashes, 63 at the most")
    })?;
    if terms.https {
        let label = format!("{name}-{namespace}");
        unless(label.len() <= 63, || {
            format!(
                "`{label}` would be one label of the Service's host name, so that the certificate's wildcard covers it, and has \
                 {} characters; a label has 63 at the most. Take a shorter name",
                label.len()
            )
        })?;
    }
    if let Some(account) = &app.service_account {
        unless(names::is_domain(account), || {
            format!("--service-account `{account}` is not the name of a service account")
        })?;
    }
    if let Some(arn) = &app.role_arn {
        unless(Arn::of_role(arn).is_some(), || {
            format!("--role-arn `{arn}` is not the ARN of an IAM role, such as arn:aws:iam::123456789012:role/{name}")
        })?;
        unless(app.service_account.is_some(), || "--role-arn is the role of --service-account; name that".to_owned())?;
    }
    for secret in &app.pull_secret {
        unless(names::is_domain(secret), || format!("--pull-secret `{secret}` is not the name of a Secret"))?;
    }
    Ok(())
}

fn container(app: &App) -> Result<(), AppError> {
    let image = &app.image;
    unless(is_reference(image), || {
        format!(
            "--image `{image}` is not an image reference, such as ghcr.io/org/app:1.2.3 or ghcr.io/org/app@sha256:..."
        )
    })?;
    if let Some(text) = &app.port {
        let Some((_, number)) = port(text) else {
            return Err(AppError(format!("--port `{text}` is not a port: 1 to 65535, with h2c: in front for HTTP/2")));
        };
        unless(!RESERVED_PORTS.contains(&number), || {
            let who = if number == 10250 { "the kubelet of its Fargate node" } else { "Knative's queue-proxy" };
            format!("--port {number}: {who} listens on it, on the same address as the pod; take another, such as 8080")
        })?;
    }
    let mut seen = Vec::new();
    for text in &app.env {
        let key = text.split_once('=').map_or("", |(key, _)| key);
        unless(is_env_name(key), || {
            format!("--env `{text}` is not KEY=VALUE; a key has letters, digits, `_`, `-` and `.`, and no digit first")
        })?;
        unless(!RESERVED_ENV.contains(&key), || match key {
            "PORT" => "--env PORT: Knative sets it; say with --port what the app listens on".to_owned(),
            _ => format!("--env {key}: Knative sets it, and refuses a Service that does"),
        })?;
        unless(!seen.contains(&key), || format!("--env {key} is given twice"))?;
        seen.push(key);
    }
    for text in &app.env_from {
        unless(source(text).is_some(), || format!("--env-from `{text}` is neither configmap:NAME nor secret:NAME"))?;
    }
    for (flag, quantity) in [("--cpu", &app.cpu), ("--memory", &app.memory)] {
        if let Some(text) = quantity {
            let form = if flag == "--cpu" { "500m or 1" } else { "512Mi or 2Gi" };
            unless(Quantity::parse(text).is_ok_and(|q| q > Quantity::ZERO), || {
                format!("{flag} `{text}` is not an amount such as {form}")
            })?;
        }
    }
    let least = 1 << 20;
    if let Some(text) = app.memory.as_ref().filter(|m| Quantity::parse(m).is_ok_and(|q| q.units() < least)) {
        return Err(AppError(format!("--memory {text} is less than a MiB; write megabytes as {text}Mi")));
    }
    Ok(())
}

fn scale(app: &App, terms: &Terms) -> Result<(), AppError> {
    let (min, max) = (app.min_scale.unwrap_or(0), app.max_scale);
    unless(max != Some(0), || "--max-scale 0: leave it out for as many pods as there is traffic for".to_owned())?;
    unless(max.is_none_or(|max| min <= max), || {
        format!("--min-scale {min} is more than --max-scale {}", max.unwrap_or_default())
    })?;
    unless(app.concurrency.is_none_or(|c| (1..=CONCURRENCY_MAX).contains(&c)), || {
        format!("--concurrency is 1 to {CONCURRENCY_MAX}; leave it out for no limit")
    })?;
    unless(app.target != Some(0), || "--target is 1 or more".to_owned())?;
    if let (Some(limit), Some(target)) = (app.concurrency, app.target) {
        unless(target <= limit, || {
            format!("--target {target} is never reached: no pod takes more than --concurrency {limit}")
        })?;
    }
    let Some(retention) = &app.retention else { return Ok(()) };
    unless(terms.knative.is_some(), || "--retention: Knative 0.10 has no such annotation".to_owned())?;
    unless(retention.seconds() <= RETENTION_MAX, || {
        format!("--retention `{retention}` is longer than Knative takes: 1h at the most")
    })?;
    unless(min == 0, || {
        format!("--retention is about the last pod, which always stays with --min-scale {min}; leave one of them out")
    })
}

fn times(app: &App, terms: &Terms) -> Result<(), AppError> {
    let Some(Seconds(timeout)) = app.timeout else { return Ok(()) };
    unless((1..=terms.timeout).contains(&timeout), || {
        let longest = terms.timeout;
        format!(
            "--timeout {timeout}: this stack lets a request take 1 to {longest} seconds, in the ALB, the activator and Knative's \
             configuration alike. More comes with `cold-start` in knrender.yaml: the chain is that plus 300"
        )
    })?;
    // Whatever the stack hopes for.
    let cold_start = terms.cold_start.max(COLD_START);
    unless(timeout >= cold_start || app.min_scale.unwrap_or(0) > 0, || {
        format!(
            "--timeout {timeout} would end the first request to a Service that is at zero: a pod takes up to {cold_start} \
             seconds to start, and they count. Take {cold_start} or more, or --min-scale 1"
        )
    })
}

/// Protocol and number of `[h2c:]PORT`.
pub(super) fn port(text: &str) -> Option<(Option<&str>, u16)> {
    let (protocol, number) = match text.split_once(':') {
        Some((protocol @ ("h2c" | "http1"), number)) => (Some(protocol), number),
        Some(_) => return None,
        None => (None, text),
    };
    let is_number = number.bytes().all(|b| b.is_ascii_digit());
    number.parse().ok().filter(|n| is_number && *n > 0).map(|n| (protocol, n))
}

/// Kind of reference and name of `configmap:NAME` and `secret:NAME`.
pub(super) fn source(text: &str) -> Option<(&'static str, &str)> {
    let (kind, name) = match text.split_once(':')? {
        ("configmap", name) => ("configMapRef", name),
        ("secret", name) => ("secretRef", name),
        _ => return None,
    };
    names::is_domain(name).then_some((kind, name))
}

fn is_env_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        && !text.starts_with(|c: char| c.is_ascii_digit())
}
