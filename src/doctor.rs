//! The cluster beside the render: what is missing, differs, is left over or unhealthy. Read-only, by kubectl alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use self::compare::{Difference, Owned, compare};
use self::inventory::Inventories;
use self::kubectl::{Kubectl, Refusal, listing};
use self::place::Place;
use crate::kubernetes::Version;
use crate::manifest::collection::Placed;
use crate::manifest::object::{Head, Identity};
use crate::manifest::secret::REPEATED;
use crate::value::{Text, Value};

mod bundle;
pub mod cause;
mod certificate;
pub mod compare;
mod dry_run;
mod health;
pub mod inventory;
pub mod kubectl;
mod logs;
mod moment;
pub mod place;
mod text;

/// What is wrong with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Word {
    /// It is rendered, and not in the cluster.
    #[serde(rename = "missing")]
    Missing,
    /// It is not as it was rendered.
    #[serde(rename = "differs")]
    Differs,
    /// It does not do what it is there for.
    #[serde(rename = "unhealthy")]
    Unhealthy,
    /// It is in the cluster by kubectl, and not in the render.
    #[serde(rename = "left over")]
    LeftOver,
}

impl Word {
    /// All words, the most urgent first.
    pub const ALL: [Word; 4] = [Word::Missing, Word::Differs, Word::Unhealthy, Word::LeftOver];

    /// The word.
    pub fn name(self) -> &'static str {
        match self {
            Word::Missing => "missing",
            Word::Differs => "differs",
            Word::Unhealthy => "unhealthy",
            Word::LeftOver => "left over",
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
    /// The cause, by its name in the book of causes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What to do.
    pub next: Option<String>,
    /// Where that is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub see: Option<String>,
    /// The fields that differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Difference>,
}

impl Finding {
    #[allow(clippy::needless_pass_by_value)] // texts and identities alike
    fn new(word: Word, object: impl ToString, what: impl Into<String>, next: Option<String>) -> Finding {
        Finding {
            word,
            object: object.to_string(),
            what: what.into(),
            cause: None,
            next,
            see: None,
            fields: Vec::new(),
        }
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

/// The last lines that something wrote.
#[derive(Clone, Debug, Serialize)]
pub struct Log {
    /// Who wrote them.
    pub of: String,
    /// The lines.
    pub lines: Vec<String>,
}

/// The cluster beside the render.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// kubectl's context.
    pub context: String,
    /// What kubectl's configuration calls the cluster.
    pub cluster: String,
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
    /// Logs, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<Log>,
    /// The requests that were made.
    pub requests: Vec<String>,
    /// The live objects, for a support ticket.
    #[serde(skip)]
    live: Vec<Value>,
    /// Whose logs tell more.
    #[serde(skip)]
    talkers: BTreeSet<logs::Talker>,
}

/// What the render says about itself.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Whether it has a provenance, so that the rest of this is known.
    pub known: bool,
    /// Whether `apply.sh` sets the domain.
    pub sets_domain: bool,
    /// The Kubernetes that it was rendered for.
    pub kubernetes: Option<Version>,
    /// The EKS cluster that it is for.
    pub cluster: Option<String>,
    /// The region of that.
    pub region: Option<String>,
    /// The version of the AWS Load Balancer Controller that it was rendered for.
    pub controller: Option<String>,
    /// The folder that it is in, as people named it.
    pub folder: String,
    /// The name of the inventory that its `apply.sh` keeps.
    pub inventory: String,
}

/// What is looked at.
#[derive(Debug)]
pub struct Subject<'s> {
    /// The server's version, as it says it.
    pub server: &'s str,
    /// Where the context leads to.
    pub place: &'s Place,
    /// The rendered objects.
    pub objects: &'s [Placed],
    /// What the render says about itself.
    pub facts: &'s Facts,
    /// Whether logs are wanted.
    pub logs: bool,
}

/// Looks at the cluster. `kubectl` has its context.
pub fn examine(mut kubectl: Kubectl, subject: &Subject<'_>) -> Report {
    let context = kubectl.context.clone().unwrap_or_default();
    let objects: Vec<&Placed> = subject.objects.iter().filter(|o| !o.identity.name.is_empty()).collect();
    let mut report = Report {
        context,
        cluster: subject.place.called.clone(),
        server: subject.server.to_owned(),
        objects: objects.len(),
        ..Report::default()
    };
    report.where_it_is(subject);
    report.support(subject);
    let own: BTreeSet<&str> =
        objects.iter().filter(|o| o.identity.kind == "Namespace").map(|o| o.identity.name.as_str()).collect();
    let mut kinds: BTreeMap<(String, Option<&str>), Vec<&Placed>> = BTreeMap::new();
    for object in &objects {
        kinds.entry((resource(&object.head), object.identity.namespace.as_deref())).or_default().push(object);
    }
    let lists = kinds.keys().map(|(kind, namespace)| listing(kind, *namespace));
    let ahead: Vec<Vec<String>> = lists.chain(health::requests(&objects, &own)).collect();
    kubectl.ask_ahead(&ahead);
    report.beside(&kinds, &own, subject, &mut kubectl);
    health::all(&mut report, &objects, &own, subject, &mut kubectl);
    report.findings.sort_by(|a, b| (a.word, &a.object).cmp(&(b.word, &b.object)));
    if subject.logs {
        let talkers = std::mem::take(&mut report.talkers);
        logs::read(&mut report, &talkers, &mut kubectl);
    }
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
    fn where_it_is(&mut self, subject: &Subject<'_>) {
        let facts = subject.facts;
        if !facts.known {
            self.notes.push(
                "the folder has no about/provenance.json: which cluster it is for, and what apply.sh sets, is not known"
                    .to_owned(),
            );
        }
        if let Some(other) = subject.place.other_than(facts.cluster.as_deref(), facts.region.as_deref()) {
            self.notes.push(format!("the context is another cluster's: {other}"));
        } else if let Some(cluster) = &facts.cluster
            && !subject.place.is_known()
        {
            self.notes
                .push(format!("whether this is cluster {cluster} is not known: the context's names do not say it"));
        }
    }

    fn support(&mut self, subject: &Subject<'_>) {
        let Some(version) = minor(subject.server) else { return };
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
        if let Some(wanted) = subject.facts.kubernetes.filter(|wanted| *wanted != version) {
            self.notes.push(format!("the render is for Kubernetes {wanted}, and the server is of {version}"));
        }
    }

    /// The objects of a kind, of which there are none where the server does not serve it; `None`, with a word about it, where they
    /// cannot be read.
    fn list(&mut self, kind: &str, namespace: Option<&str>, kubectl: &mut Kubectl) -> Option<Vec<Value>> {
        match kubectl.list(kind, namespace) {
            Ok(live) => Some(live),
            Err(Refusal::NotServed) => Some(Vec::new()),
            Err(refusal) => {
                let place = namespace.map_or(String::new(), |n| format!(" in {n}"));
                self.unread.push(Unread { what: format!("{kind}{place}"), why: refusal.words() });
                None
            }
        }
    }

    /// Every rendered object beside the live one.
    fn beside(
        &mut self,
        kinds: &BTreeMap<(String, Option<&str>), Vec<&Placed>>,
        own: &BTreeSet<&str>,
        subject: &Subject<'_>,
        kubectl: &mut Kubectl,
    ) {
        let rendered: BTreeSet<&Identity> = subject.objects.iter().map(|o| &o.identity).collect();
        let scaled = scaled(subject.objects);
        let mut pairs: Vec<(&Placed, Value, Owned)> = Vec::new();
        let mut inventories = Inventories::default();
        let mut all: Vec<Value> = Vec::new();
        for ((kind, namespace), objects) in kinds {
            let Some(live) = self.list(kind, *namespace, kubectl) else { continue };
            for object in objects {
                let id = &object.identity;
                let is_it = |live: &&Value| live.pointer("/metadata/name").and_then(Value::as_str) == Some(&id.name);
                let Some(live) = live.iter().find(is_it) else {
                    self.missing(object);
                    continue;
                };
                let owned = Owned {
                    replicas: scaled.contains(&(id.namespace.clone(), id.kind.clone(), id.name.clone())),
                    data: subject.facts.sets_domain && id.kind == "ConfigMap" && id.name == "config-domain",
                };
                pairs.push((object, live.clone(), owned));
            }
            if namespace.is_some_and(|n| own.contains(n)) {
                inventories.add(&live, &subject.facts.inventory);
                all.extend(live);
            }
        }
        self.left_over(&all, &rendered, &inventories);
        inventory::left_over(self, &inventories, &rendered, &subject.facts.folder, kubectl);
        self.differing(&pairs, kubectl);
        for (object, live, _) in pairs {
            if live.pointer("/metadata/deletionTimestamp").is_some() {
                let what = "it is being deleted, and something holds it up: see metadata.finalizers";
                self.findings.push(Finding::new(Word::Unhealthy, &object.identity, what, None));
            }
            health::of(self, object, &live, kubectl);
            self.live.push(live);
        }
    }

    fn missing(&mut self, object: &Placed) {
        let what = "it is rendered, and is not in the cluster";
        let next = format!("apply {}", object.file);
        self.findings.push(Finding::new(Word::Missing, &object.identity, what, Some(next)));
    }

    /// What differs by its fields is held against what the server would make of it, which knows its own defaults.
    fn differing(&mut self, pairs: &[(&Placed, Value, Owned)], kubectl: &mut Kubectl) {
        let mut suspects = Vec::new();
        for (object, live, owned) in pairs {
            let fields = compare(&object.value, live, *owned);
            if !fields.is_empty() || dry_run::has_more(&object.value, live) {
                let (refused, is_beyond) = (None, false);
                suspects.push(dry_run::Suspect { object, live, owned: *owned, fields, refused, is_beyond });
            }
        }
        if suspects.is_empty() {
            return;
        }
        let refused = dry_run::confirm(&mut suspects, kubectl);
        if let Some(why) = refused {
            self.notes.push(format!(
                "what differs was not held against a server-side dry run ({why}); what the server or another manager writes in \
                 another way may be among it"
            ));
        }
        for suspect in suspects.into_iter().filter(|suspect| !suspect.fields.is_empty()) {
            let who = changed_by(suspect.live).map_or(String::new(), |who| format!("; changed last by {who}"));
            let count = match suspect.fields.len() {
                1 => "1 field is".to_owned(),
                count => format!("{count} fields are"),
            };
            let file = &suspect.object.file;
            let (refused, next) = match (&suspect.refused, suspect.is_beyond) {
                (Some(why), _) => (
                    format!("; an apply is refused: {why}"),
                    format!("mend what the message names, or delete the object and apply {file}"),
                ),
                (None, true) => (
                    String::new(),
                    "take it away by hand, or render it: an apply leaves what it did not bring".to_owned(),
                ),
                (None, false) => (String::new(), format!("apply {file}, or render what the cluster has")),
            };
            let what = format!("{count} not as rendered{who}{refused}");
            let mut finding = Finding::new(Word::Differs, &suspect.object.identity, what, Some(next));
            finding.fields = suspect.fields;
            self.findings.push(finding);
        }
    }

    /// What kubectl applied in a namespace of the render, and the render does not have.
    fn left_over(&mut self, live: &[Value], rendered: &BTreeSet<&Identity>, inventories: &Inventories) {
        for value in live {
            let Ok(head) = Head::of(value) else { continue };
            let applied = head.annotation(REPEATED).is_some()
                || managers(value).any(|(manager, operation, _)| manager == "kubectl" && operation == "Apply");
            let identity = head.identity();
            if !applied || rendered.contains(&identity) || inventories.is_of_another(&identity) {
                continue;
            }
            let what = "kubectl applied it, and this render does not have it";
            let next = "if an earlier render brought it, delete it; it may cost money".to_owned();
            self.findings.push(Finding::new(Word::LeftOver, identity, what, Some(next)));
        }
    }

    /// How many findings have a word.
    pub fn count(&self, word: Word) -> usize {
        self.findings.iter().filter(|finding| finding.word == word).count()
    }

    /// All of it in a line.
    pub fn sum(&self) -> String {
        if self.findings.is_empty() {
            return if self.unread.is_empty() { "all is as rendered" } else { "what could be read is as rendered" }
                .to_owned();
        }
        let counts = Word::ALL.iter().map(|w| (self.count(*w), w.name())).filter(|(count, _)| *count > 0);
        counts.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
    }
}

/// Kubernetes' minor version, of what a server says of itself.
fn minor(server: &str) -> Option<Version> {
    let short: Vec<&str> = server.trim_start_matches('v').split(['.', '-', '+']).take(2).collect();
    short.join(".").parse().ok()
}

/// What `HorizontalPodAutoscaler`s of the render scale: namespace, kind, name.
fn scaled(objects: &[Placed]) -> BTreeSet<(Option<Text>, Text, Text)> {
    let autoscalers = objects.iter().filter(|o| o.identity.kind == "HorizontalPodAutoscaler");
    let target = |o: &Placed| {
        let text = |key: &str| o.value.pointer(&format!("/spec/scaleTargetRef/{key}"))?.as_str().map(Text::from);
        Some((o.identity.namespace.clone(), text("kind")?, text("name")?))
    };
    autoscalers.filter_map(target).collect()
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
