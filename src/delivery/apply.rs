//! `apply.sh`: the batches in order, with the waits in between. The script is `templates/apply/`, its parts one after the
//! other; the first is a template, and holds the lists of what is in this render.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::value::{Value, json};

use super::{Delivery, Files, apps, rendered};
use crate::embedded;
use crate::manifest::document::Document;
use crate::manifest::object::Identity;
use crate::rewrite::rule::RuleSet;
use crate::stack::{Supported, called_in_cluster};

/// The label by which `kubectl apply --selector` finds the Jobs for after an upgrade.
pub(super) const JOB_LABEL: &str = "app";
/// The label and the value of the Job that brings stored objects to the newest version.
/// Source: <https://github.com/knative/serving/blob/knative-v1.23.0/config/post-install/storage-version-migration.yaml>
const MIGRATION: (&str, &str) = ("app.kubernetes.io/component", "storage-version-migration-job");

/// The Deployment that readiness gates are for, whose pods have its name as their label `app`.
const GATED: &str = "kourier-system/3scale-kourier-gateway";

/// The script.
///
/// # Errors
/// In words: which part of the script in the binary is at fault.
pub fn files(delivery: &Delivery<'_>) -> Result<Files, String> {
    let context = context(delivery)?;
    let has = |key: &str| has(&context, key);
    let words: Vec<&str> = [
        ("second", has("second")),
        ("jobs", has("later")),
        ("migration", has("migration")),
        ("no-migration", !has("migration")),
        ("gates", has("gated")),
        ("cert-manager", delivery.stack.cert_manager.is_some()),
        ("server-side", delivery.server_side),
        ("cluster", has("cluster_name") || has("region")),
        ("https", has("certificate_arn")),
        ("http", !has("certificate_arn")),
    ]
    .into_iter()
    .filter_map(|(word, is_so)| is_so.then_some(word))
    .collect();
    let mut script = String::new();
    for (path, text) in embedded::below("templates/apply") {
        if path.strip_suffix(".j2").is_some() {
            script.push_str(&rendered(path, &context)?);
        } else {
            script.push_str(&needed(text, &words));
        }
    }
    Ok(Files::from([("apply.sh".to_owned(), script.into_bytes())]))
}

/// What it looks at before it changes anything, for the scripts beside it that install something.
pub(super) fn which_cluster(context: &Value) -> String {
    let is_said = has(context, "cluster_name") || has(context, "region");
    let text = embedded::text("templates/apply/4-context.sh").unwrap_or_default();
    needed(text, if is_said { &["cluster"] } else { &[] })
}

fn has(context: &Value, key: &str) -> bool {
    context.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
}

/// What of a part this render needs: what stands between `#if WORD` and `#end` is for renders of which the word is true.
/// Marks that are comments, and not minijinja's, since so the parts are shell, for shellcheck and editors too, in which
/// the `{{` of kubectl's own templates stands as it is.
fn needed(text: &str, words: &[&str]) -> String {
    let mut needed = true;
    let mut lines = String::new();
    for line in text.split_inclusive('\n') {
        match line.trim().split_once(' ') {
            Some(("#if", word)) => needed = words.contains(&word),
            None if line.trim() == "#end" => needed = true,
            _ if needed => lines.push_str(line),
            _ => {}
        }
    }
    lines
}

fn context(delivery: &Delivery<'_>) -> Result<Value, String> {
    let stack = delivery.stack;
    let fact = |name: &str| stack.facts.text(name).ok();
    let ingresses: Vec<&Document> = delivery.batches.all().filter(|d| d.head().kind == "Ingress").collect();
    let controller_is_here = !delivery.batches.controller.is_empty();
    let label = called_in_cluster(stack.rule_set);
    let install = match (stack.rule_set, stack.missing_for_controller.is_empty()) {
        (RuleSet::Fargate, true) => String::new(),
        _ => format!("render again with {}, which brings what installs it", stack.missing_for_controller.join(", ")),
    };
    let namespace = apps::namespace(&stack.apps).unwrap_or("NAMESPACE");
    let one_label = fact("certificate-arn").is_some();
    let jobs = upgrade_jobs(delivery);
    let app = |job: &Document| label_of(job, JOB_LABEL).to_owned();
    let labels = jobs.iter().copied().map(app).collect::<Vec<_>>().join(",");
    let migration = jobs.iter().copied().find(|job| label_of(job, MIGRATION.0) == MIGRATION.1);
    let selector = |how: &str| if labels.is_empty() { String::new() } else { format!("{JOB_LABEL} {how} ({labels})") };
    let mut context = json!({
        "title": delivery.title(),
        "controller_file": if controller_is_here { "alb-controller.yaml" } else { "" },
        "first": delivery.first(),
        "second": delivery.second().unwrap_or_default(),
        "domain_namespace": delivery.batches.all()
            .map(Document::identity)
            .find(|i| i.kind == "ConfigMap" && i.name == "config-domain")
            .and_then(|i| i.namespace)
            .unwrap_or_default(),
        "example": if one_label { format!("hello-{namespace}") } else { format!("hello.{namespace}") },
        "controller": if ingresses.is_empty() || controller_is_here { "" } else { label },
        "install": install,
        "scales": if delivery.batches.all().any(|d| d.head().kind == "HorizontalPodAutoscaler") { "yes" } else { "" },
        "later": selector("in"),
        "not_later": selector("notin"),
        "migration": migration.map(|job| place(&job.identity())).unwrap_or_default().replace(' ', "/"),
        "migration_only": migration.map(|job| format!("{JOB_LABEL}={}", app(job))).unwrap_or_default(),
        "ingress_kind": ingresses.first().map(|d| kind(&d.identity())).unwrap_or_default(),
        "grace": if stack.rule_set == RuleSet::Fargate { fact("gateway-grace").unwrap_or_default() } else { String::new() },
        "gated": if stack.facts.holds("alb-readiness-gates", &json!(true)).unwrap_or(false) { GATED } else { "" },
        "wait": 2 * fact("timeout").and_then(|t| t.parse::<u32>().ok()).unwrap_or(600),
        "supported": stack.supported.iter().map(supported).collect::<Vec<_>>(),
        "objects": objects(delivery.batches.all().map(Document::identity)),
        "upgrade_jobs": jobs.iter().map(|job| place(&job.identity())).collect::<Vec<_>>(),
        "webhooks": webhooks(delivery)?,
        "classes": classes(&ingresses)?,
    });
    if let (Value::Object(all), Value::Object(facts)) = (&mut context, stack.facts.context()) {
        for name in ["cluster_name", "region", "knative", "domain", "certificate_arn"] {
            all.insert(name.to_owned(), facts.get(name).cloned().unwrap_or_default());
        }
    }
    Ok(context)
}

fn label_of<'d>(document: &'d Document, label: &str) -> &'d str {
    document.head().metadata.get("labels").and_then(|l| l.get(label)).and_then(Value::as_str).unwrap_or_default()
}

/// Knative's own Jobs, which `--with upgrade-jobs` brings.
fn upgrade_jobs<'d>(delivery: &Delivery<'d>) -> Vec<&'d Document> {
    delivery
        .batches
        .all()
        .filter(|d| d.head().kind == "Job" && d.component() == "knative-serving" && !label_of(d, JOB_LABEL).is_empty())
        .collect()
}

/// A kind as `kubectl get` takes it.
fn kind(identity: &Identity) -> String {
    let group = if identity.group.is_empty() { String::new() } else { format!(".{}", identity.group) };
    format!("{}{group}", identity.kind.to_lowercase())
}

/// Namespace, or `-`, and name.
fn place(identity: &Identity) -> String {
    format!("{} {}", identity.namespace.as_deref().unwrap_or("-"), identity.name)
}

/// `MIN MAX must|may PART`, the versions without their major number, `-` where none is stated. Knative's binaries end
/// themselves on a Kubernetes older than their minimum (knative.dev/pkg/version).
fn supported(supported: &Supported) -> String {
    let minor = |version: Option<crate::kubernetes::Version>| version.map_or("-".to_owned(), |v| v.minor.to_string());
    let must = if supported.component == "knative-serving" { "must" } else { "may" };
    format!("{} {} {must} {}", minor(supported.range.min), minor(supported.range.max), supported.part)
}

/// How long a line of names gets.
const WIDTH: usize = 120;

/// Lines of kind, namespace and the names in it; all of one place stand together, where its first object does, so that what goes
/// before another when all is deleted does not hang on how long a line gets.
fn objects(identities: impl Iterator<Item = Identity>) -> Vec<String> {
    let mut lines: Vec<(String, String)> = Vec::new();
    for identity in identities {
        let place = format!("{} {}", kind(&identity), identity.namespace.as_deref().unwrap_or("-"));
        let name = identity.name.to_string();
        match lines.iter().rposition(|(other, _)| *other == place) {
            Some(at) if place.len() + lines[at].1.len() + name.len() + 2 <= WIDTH => {
                let _ = write!(lines[at].1, " {name}");
            }
            Some(at) => lines.insert(at + 1, (place, name)),
            None => lines.push((place, name)),
        }
    }
    lines.into_iter().map(|(place, names)| format!("{place} {names}")).collect()
}

/// Namespace and name of each Service that a webhook of the render is behind.
fn webhooks(delivery: &Delivery<'_>) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    for document in delivery.batches.all().filter(|d| d.head().kind.ends_with("WebhookConfiguration")) {
        let value = document.value().map_err(|e| e.to_string())?;
        for webhook in value.get("webhooks").and_then(Value::as_array).into_iter().flatten() {
            let of = |key: &str| webhook.pointer(&format!("/clientConfig/service/{key}")).and_then(Value::as_str);
            if let (Some(namespace), Some(name)) = (of("namespace"), of("name")) {
                found.insert(format!("{namespace} {name}"));
            }
        }
    }
    Ok(found)
}

/// The classes that the render's Ingresses name by `ingressClassName`.
fn classes(ingresses: &[&Document]) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    for ingress in ingresses {
        let value = ingress.value().map_err(|e| e.to_string())?;
        found.extend(value.pointer("/spec/ingressClassName").and_then(Value::as_str).map(str::to_owned));
    }
    Ok(found)
}
