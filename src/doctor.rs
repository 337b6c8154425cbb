//! The cluster beside the render: what is missing, differs, is left over or unhealthy. Read-only, by kubectl alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use self::compare::{Difference, Owned, compare};
use self::kubectl::{Kubectl, Refusal};
use crate::manifest::collection::Placed;
use crate::manifest::object::{Head, Identity};
use crate::report::wrap;

pub mod cause;
pub mod compare;
mod health;
pub mod kubectl;

/// What is wrong with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Word {
    /// It is rendered, and not in the cluster.
    #[serde(rename = "missing")]
    Missing,
    /// It is not as it was rendered.
    #[serde(rename = "differs")]
    Differs,
    /// It is in the cluster by kubectl, and not in the render.
    #[serde(rename = "left over")]
    LeftOver,
    /// It does not do what it is there for.
    #[serde(rename = "unhealthy")]
    Unhealthy,
}

impl Word {
    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Word::Missing => "missing",
            Word::Differs => "differs",
            Word::LeftOver => "left over",
            Word::Unhealthy => "unhealthy",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// In one word.
    pub word: Word,
    /// The object.
    pub object: String,
    /// In words.
    pub what: String,
    /// What to do.
    pub next: Option<String>,
    /// The fields that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Difference>,
}

impl Finding {
    #[allow(clippy::needless_pass_by_value)] // texts and identities alike
    fn new(word: Word, object: impl ToString, what: impl Into<String>, next: Option<String>) -> Finding {
        Finding { word, object: object.to_string(), what: what.into(), next, fields: Vec::new() }
    }
}

/// What could not be read.
#[derive(Clone, Debug, Serialize)]
pub struct Unread {
    /// What of the cluster.
    pub what: String,
    /// Why.
    pub why: String,
}

/// The cluster beside the render.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// kubectl's context.
    pub context: String,
    /// The server's version.
    pub server: String,
    /// How many rendered objects were looked for.
    pub objects: usize,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What is worth knowing, and not wrong.
    pub notes: Vec<String>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    /// The requests that were made.
    pub requests: Vec<String>,
    /// The live objects, for a support ticket.
    #[serde(skip)]
    live: Vec<Value>,
}

/// What the render says about itself.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Whether `apply.sh` sets the domain.
    pub sets_domain: bool,
    /// The Kubernetes that it was rendered for.
    pub kubernetes: Option<crate::kubernetes::Version>,
}

/// Looks at the cluster. `kubectl` has its context, and `server` is the server's version.
pub fn examine(mut kubectl: Kubectl, server: &str, objects: &[Placed], facts: &Facts) -> Report {
    let mut report =
        Report { context: kubectl.context.clone().unwrap_or_default(), server: server.to_owned(), ..Report::default() };
    let objects: Vec<&Placed> = objects.iter().filter(|o| !o.identity.name.is_empty()).collect();
    report.objects = objects.len();
    report.support(server, facts);
    let mut kinds: BTreeMap<(String, Option<String>), Vec<&Placed>> = BTreeMap::new();
    for object in &objects {
        kinds.entry((resource(&object.head), object.identity.namespace.clone())).or_default().push(object);
    }
    let scaled: BTreeSet<(Option<String>, String, String)> = objects
        .iter()
        .filter(|o| o.identity.kind == "HorizontalPodAutoscaler")
        .filter_map(|o| {
            let text = |key: &str| o.value.pointer(&format!("/spec/scaleTargetRef/{key}"))?.as_str();
            Some((o.identity.namespace.clone(), text("kind")?.to_owned(), text("name")?.to_owned()))
        })
        .collect();
    let own: BTreeSet<&str> =
        objects.iter().filter(|o| o.identity.kind == "Namespace").map(|o| o.identity.name.as_str()).collect();
    let rendered: BTreeSet<&Identity> = objects.iter().map(|o| &o.identity).collect();
    for ((kind, namespace), objects) in kinds {
        let live = match kubectl.list(&kind, namespace.as_deref()) {
            Ok(live) => live,
            Err(Refusal::NotServed) => Vec::new(),
            Err(refusal) => {
                let place = namespace.map_or(String::new(), |n| format!(" in {n}"));
                report.unread.push(Unread { what: format!("{kind}{place}"), why: refusal.words() });
                continue;
            }
        };
        let mut by_name: BTreeMap<&str, &Value> = BTreeMap::new();
        for object in &live {
            by_name.extend(object.pointer("/metadata/name").and_then(Value::as_str).map(|name| (name, object)));
        }
        for object in &objects {
            let Some(live) = by_name.get(object.identity.name.as_str()) else {
                report.missing(object);
                continue;
            };
            let id = &object.identity;
            let owned = Owned {
                replicas: scaled.contains(&(id.namespace.clone(), id.kind.clone(), id.name.clone())),
                data: facts.sets_domain && id.kind == "ConfigMap" && id.name == "config-domain",
            };
            report.beside(object, live, owned);
            health::of(&mut report, object, live, &mut kubectl);
            report.live.push((*live).clone());
        }
        if namespace.as_deref().is_some_and(|n| own.contains(n)) {
            report.left_over(&live, &rendered);
        }
    }
    health::pods(&mut report, &objects, &own, &mut kubectl);
    health::services(&mut report, &mut kubectl);
    report.findings.sort_by(|a, b| (a.word, &a.object).cmp(&(b.word, &b.object)));
    report.requests = kubectl.requests;
    report
}

/// A kind as kubectl takes it, with its version, so that fields are those that were rendered.
fn resource(head: &Head) -> String {
    let kind = head.kind.to_lowercase();
    match head.api_version.rsplit_once('/') {
        Some((group, version)) => format!("{kind}.{version}.{group}"),
        None => kind,
    }
}

impl Report {
    fn support(&mut self, server: &str, facts: &Facts) {
        let short: Vec<&str> = server.trim_start_matches('v').split(['.', '-', '+']).take(2).collect();
        let Ok(version) = short.join(".").parse::<crate::kubernetes::Version>() else { return };
        let calendar = crate::kubernetes::eks::Calendar::embedded();
        if let Ok(calendar) = &calendar {
            if let Some(offered) = calendar.of(version) {
                self.notes.push(format!(
                    "Kubernetes {version}: EKS's standard support until {}, extended support until {}",
                    offered.standard_until, offered.extended_until
                ));
            }
            self.notes.extend(calendar.notice(version));
        }
        if let Some(wanted) = facts.kubernetes.filter(|wanted| *wanted != version) {
            self.notes.push(format!("the render is for Kubernetes {wanted}, and the server is of {version}"));
        }
    }

    fn missing(&mut self, object: &Placed) {
        let what = "it is rendered, and is not in the cluster";
        let next = format!("apply {}", object.file);
        self.findings.push(Finding::new(Word::Missing, &object.identity, what, Some(next)));
    }

    fn beside(&mut self, object: &Placed, live: &Value, owned: Owned) {
        if live.pointer("/metadata/deletionTimestamp").is_some() {
            let what = "it is being deleted, and something holds it up: see metadata.finalizers";
            self.findings.push(Finding::new(Word::Unhealthy, &object.identity, what, None));
        }
        let fields = compare(&object.value, live, owned);
        if fields.is_empty() {
            return;
        }
        let who = changed_by(live).map_or(String::new(), |who| format!("; changed last by {who}"));
        let count = if fields.len() == 1 { "1 field is".to_owned() } else { format!("{} fields are", fields.len()) };
        let mut finding = Finding::new(
            Word::Differs,
            &object.identity,
            format!("{count} not as rendered{who}"),
            Some(format!("apply {}, or render what the cluster has", object.file)),
        );
        finding.fields = fields;
        self.findings.push(finding);
    }

    /// What kubectl applied in a namespace of the render, and the render does not have.
    fn left_over(&mut self, live: &[Value], rendered: &BTreeSet<&Identity>) {
        for value in live {
            let Ok(head) = Head::of(value) else { continue };
            let applied = head.annotation("kubectl.kubernetes.io/last-applied-configuration").is_some()
                || managers(value).any(|(manager, operation, _)| manager == "kubectl" && operation == "Apply");
            if !applied || rendered.contains(&head.identity()) {
                continue;
            }
            let what = "kubectl applied it, and this render does not have it";
            let next = "if an earlier render brought it, delete it; it may cost money".to_owned();
            self.findings.push(Finding::new(Word::LeftOver, head.identity(), what, Some(next)));
        }
    }

    /// How many findings have a word.
    pub fn count(&self, word: Word) -> usize {
        self.findings.iter().filter(|finding| finding.word == word).count()
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let mut text = format!("context {}, server {}, {} rendered objects\n", self.context, self.server, self.objects);
        for finding in &self.findings {
            let line = format!("{}  {}: {}", finding.word.name(), finding.object, finding.what);
            let _ = writeln!(text, "\n{}", wrap(&line, 4));
            for field in &finding.fields {
                let absent = || "(not there)".to_owned();
                let (ours, theirs) = (field.rendered.clone(), field.live.clone());
                let _ = writeln!(text, "    {}", field.field);
                let _ = writeln!(text, "      rendered  {}", ours.unwrap_or_else(absent));
                let _ = writeln!(text, "      cluster   {}", theirs.unwrap_or_else(absent));
            }
            if let Some(next) = &finding.next {
                let _ = writeln!(text, "    next: {}", wrap(next, 6));
            }
        }
        for unread in &self.unread {
            let _ = writeln!(text, "\nnot read  {}: {}", unread.what, wrap(&unread.why, 4));
        }
        for note in &self.notes {
            let _ = writeln!(text, "\nnote  {}", wrap(note, 4));
        }
        let _ = writeln!(text, "\nRequests, all read-only:");
        for request in &self.requests {
            let _ = writeln!(text, "  {request}");
        }
        let _ = writeln!(text, "\n{}", self.sum());
        text
    }

    /// All of it in a line.
    pub fn sum(&self) -> String {
        if self.findings.is_empty() {
            return if self.unread.is_empty() { "all is as rendered" } else { "what could be read is as rendered" }
                .to_owned();
        }
        let words = [Word::Missing, Word::Differs, Word::LeftOver, Word::Unhealthy];
        let counts = words.iter().map(|w| (self.count(*w), w.name())).filter(|(count, _)| *count > 0);
        counts.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
    }

    /// The report and the live objects, for a support ticket: Secrets without their values.
    pub fn bundle(&self) -> Value {
        let live: Vec<Value> = self.live.iter().map(without_secrets).collect();
        json!({"report": self, "live": live})
    }
}

/// An object that anybody may see.
fn without_secrets(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    if object.get("kind").and_then(Value::as_str) == Some("Secret") {
        for key in ["data", "stringData"] {
            for value in object.get_mut(key).and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut())
            {
                *value = compare::digest(value).into();
            }
        }
    }
    object
}

/// Who set fields of an object: manager, operation, time.
fn managers(live: &Value) -> impl Iterator<Item = (&str, &str, &str)> {
    let list = live.pointer("/metadata/managedFields").and_then(Value::as_array).into_iter().flatten();
    list.filter(|entry| entry.get("subresource").is_none()).map(|entry| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        (text("manager"), text("operation"), text("time"))
    })
}

fn changed_by(live: &Value) -> Option<String> {
    let (manager, _, time) = managers(live).max_by_key(|(_, _, time)| *time)?;
    Some(format!("{manager} at {time}"))
}
