//! One HTML page about a set of objects, for a pull request or a wiki: no script, no network, light and dark, printable.

use std::collections::BTreeMap;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use crate::bill::Bill;
use crate::embedded;
use crate::findings::Finding;
use crate::findings::page::Pages;
use crate::ledger::{Deed, FieldChange};
use crate::manifest::collection::Collection;
use crate::report::Provenance;
use crate::value::Value;

pub mod way;

/// What a page tells.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// Facts about the stack: name and value.
    pub facts: Vec<(String, String)>,
    /// The way of a request.
    pub way: Vec<way::Step>,
    /// Objects by component, or by file where it is no render.
    pub components: Vec<Component>,
    /// Rows of pods: object, asks for, gets, runs, unused, a month.
    pub pods: Vec<[String; 6]>,
    /// Rows of the bill: what, price of a month, why.
    pub bill: Vec<[String; 3]>,
    /// What all of it costs a month, and what about the prices.
    pub total: String,
    /// What the reader should know about prices.
    pub price_notes: Vec<String>,
    /// What lint found.
    pub findings: Vec<Found>,
    /// What was simulated.
    pub simulation: Option<Simulation>,
}

/// Objects of one component.
#[derive(Clone, Debug, Serialize)]
pub struct Component {
    /// Its name and version.
    pub name: String,
    /// Those that something was done to.
    pub touched: Vec<Object>,
    /// Those that are as they came.
    pub kept: Vec<String>,
}

/// An object and what was done to it.
#[derive(Clone, Debug, Serialize)]
pub struct Object {
    /// The object.
    pub name: String,
    /// What was done, in order.
    pub deeds: Vec<Done>,
}

/// Something that was done to an object.
#[derive(Clone, Debug, Serialize)]
pub struct Done {
    /// Changed, added, left out.
    pub what: String,
    /// The rule.
    pub rule: String,
    /// Why.
    pub why: String,
    /// Sources.
    pub see: Vec<String>,
    /// Field, before, after.
    pub fields: Vec<[String; 3]>,
}

/// A finding.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// Error, warning, note.
    pub severity: String,
    /// The lint.
    pub code: String,
    /// Where.
    pub place: String,
    /// What.
    pub what: String,
    /// What to do.
    pub fix: String,
    /// Why it was allowed, where it was.
    pub allowed: Option<String>,
}

/// A simulation.
#[derive(Clone, Debug, Serialize)]
pub struct Simulation {
    /// What `simulate` says, in words.
    pub text: String,
    /// Its curves.
    pub curves: String,
    /// Price against latency, where settings were tried.
    pub frontier: Option<String>,
}

/// The longest value of a field that is shown whole.
const SHOWN: usize = 160;

impl Page {
    /// The facts, objects and changes of a set; simulations are added by who makes them.
    pub fn of(
        collection: &Collection,
        provenance: Option<&Provenance>,
        bill: &Bill,
        findings: &[Finding],
        pages: &Pages,
    ) -> Page {
        let mut page = Page {
            title: provenance.map_or_else(|| "Kubernetes objects".to_owned(), title),
            facts: provenance.map(facts).unwrap_or_default(),
            way: way::of(&collection.objects),
            components: provenance.map_or_else(|| by_file(collection), components),
            pods: bill.plan.pods.iter().map(crate::fargate::plan::Row::cells).collect(),
            bill: bill
                .bill
                .rows
                .iter()
                .map(|row| [row.name.clone(), row.price.month.to_string(), row.because.clone()])
                .collect(),
            total: bill.bill.total.month.to_string(),
            price_notes: bill.plan.notes.clone(),
            findings: Vec::new(),
            simulation: None,
        };
        page.price_notes
            .push(format!("Prices of {}, {}. {}", bill.plan.region, bill.plan.prices_of, bill.plan.confidence));
        if !bill.not_included.is_empty() {
            page.price_notes.push(format!("Not included: {}.", bill.not_included.join(", ")));
        }
        page.findings = findings.iter().filter_map(|finding| found(finding, pages)).collect();
        page
    }

    /// As HTML.
    ///
    /// # Errors
    /// In words, what is wrong with the template; a test keeps that from happening.
    pub fn to_html(&self) -> Result<String, String> {
        const NAME: &str = "templates/report/report.html.j2";
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
        environment.set_syntax(syntax.map_err(|e| e.to_string())?);
        let text = embedded::text(NAME).unwrap_or_default();
        let context = crate::value::json!({"page": self, "knrender": env!("CARGO_PKG_VERSION")});
        environment.render_named_str(NAME, text, Serde(&context)).map_err(|e| format!("{NAME}: {e}"))
    }
}

fn title(provenance: &Provenance) -> String {
    let of = |key: &str| provenance.stack[key].as_str();
    let knative = of("knative").map_or_else(|| "Knative".to_owned(), |version| format!("Knative {version}"));
    let gateway = match (of("gloo"), of("ingress")) {
        (Some(version), _) => format!(" with Gloo {version}"),
        (None, Some("kourier")) => " with Kourier".to_owned(),
        _ => String::new(),
    };
    format!("{knative}{gateway} on EKS Fargate")
}

fn facts(provenance: &Provenance) -> Vec<(String, String)> {
    let names = [
        ("cluster_name", "cluster"),
        ("region", "region"),
        ("kubernetes", "Kubernetes"),
        ("domain", "domain"),
        ("scheme", "load balancer"),
        ("controller", "AWS Load Balancer Controller"),
        ("rule_set", "rule set"),
        ("cold_start", "a pod starts within, in seconds"),
        ("timeout", "a request may take, in seconds"),
    ];
    let known =
        names.iter().filter_map(|(key, name)| Some(((*name).to_owned(), provenance.stack[*key].as_str()?.to_owned())));
    let mut facts: Vec<_> = known.collect();
    facts.push(("objects".to_owned(), provenance.objects.len().to_string()));
    facts.push(("rendered by".to_owned(), format!("knrender {}", provenance.knrender)));
    facts
}

/// The component of an upstream file or a template: `knative-serving 1.23.0`.
fn component(from: &str) -> String {
    let mut words = from.split([' ', ',']);
    match (words.next(), words.next()) {
        (Some(name), Some(version)) if version.starts_with(|c: char| c.is_ascii_digit() || c == 'v') => {
            format!("{name} {version}")
        }
        _ => "added by knrender".to_owned(),
    }
}

fn components(provenance: &Provenance) -> Vec<Component> {
    let mut order: Vec<String> = Vec::new();
    let mut found: BTreeMap<String, Component> = BTreeMap::new();
    let mut of = |from: &str| {
        let name = component(from);
        if !order.contains(&name) {
            order.push(name.clone());
        }
        name
    };
    let places: Vec<_> = provenance.objects.iter().map(|o| (of(&o.from), o.object.clone())).collect();
    let lost: Vec<_> = provenance
        .ledger
        .iter()
        .filter(|entry| !provenance.objects.iter().any(|o| o.object == entry.object))
        .map(|entry| (of(&entry.at), entry.object.clone()))
        .collect();
    let mut seen = std::collections::BTreeSet::new();
    for (name, object) in places.into_iter().chain(lost) {
        if !seen.insert(object.clone()) {
            continue;
        }
        let component =
            found.entry(name.clone()).or_insert_with(|| Component { name, touched: Vec::new(), kept: Vec::new() });
        let deeds: Vec<_> = provenance.ledger.iter().filter(|entry| entry.object == object).map(done).collect();
        if deeds.is_empty() {
            component.kept.push(object);
        } else {
            component.touched.push(Object { name: object, deeds });
        }
    }
    order.iter().filter_map(|name| found.remove(name)).collect()
}

fn by_file(collection: &Collection) -> Vec<Component> {
    let mut files: Vec<Component> = Vec::new();
    for object in &collection.objects {
        let name = object.identity.to_string();
        match files.iter_mut().find(|file| file.name == object.file) {
            Some(file) => file.kept.push(name),
            None => files.push(Component { name: object.file.to_string(), touched: Vec::new(), kept: vec![name] }),
        }
    }
    files
}

fn done(entry: &crate::ledger::Entry) -> Done {
    let fields = match &entry.deed {
        Deed::Changed { fields } => fields.iter().map(field).collect(),
        Deed::Added | Deed::LeftOut => Vec::new(),
    };
    Done {
        what: entry.deed.heading().to_owned(),
        rule: entry.reason.rule.clone(),
        why: entry.reason.why.clone(),
        see: entry.reason.see.clone(),
        fields,
    }
}

fn field(change: &FieldChange) -> [String; 3] {
    let path = match &change.within {
        Some(within) => format!("{} within {}", within, change.path),
        None => change.path.clone(),
    };
    let shown = |value: &Option<Value>| match value {
        None => String::new(),
        Some(value) => {
            let text = value.as_str().map_or_else(
                || value.to_string(),
                |text| if text.is_empty() { "\"\"".to_owned() } else { text.to_owned() },
            );
            if text.chars().count() > SHOWN { text.chars().take(SHOWN).chain(['…']).collect() } else { text }
        }
    };
    [path, shown(&change.before), shown(&change.after)]
}

fn found(finding: &Finding, pages: &Pages) -> Option<Found> {
    let page = pages.of(finding.code)?;
    let place = finding.place.as_ref().map_or_else(String::new, |place| {
        let object = place.object.as_deref().unwrap_or(&place.file);
        if place.field.is_empty() { object.to_owned() } else { format!("{object} {}", place.field) }
    });
    Some(Found {
        severity: format!("{:?}", page.severity).to_lowercase(),
        code: finding.code.to_owned(),
        place,
        what: finding.what.clone(),
        fix: page.fix.clone(),
        allowed: finding.allowed.as_ref().map(|_| "accepted".to_owned()),
    })
}
