//! Which releases of Knative and Kourier the two sides are, by the labels of their Deployments, and what Kubernetes they take.

use std::collections::BTreeMap;

use semver::Version;

use super::{Meaning, Severity, Topic};
use crate::manifest::collection::Placed;
use crate::upstream::catalog::Catalog;
use crate::value::Value;

/// What the step from one release to the other means.
pub(super) fn of(before: &[Placed], after: &[Placed]) -> Result<Vec<Meaning>, String> {
    let catalog = Catalog::embedded();
    let (old, new) = (releases(before), releases(after));
    let mut found = Vec::new();
    let mut say = |severity, topic, what: String, todo: &str| {
        found.push(Meaning { severity, topic, object: String::new(), what, todo: todo.to_owned() });
    };
    for (component, is) in &new {
        let Some(was) = old.get(component).filter(|was| *was != is) else { continue };
        say(Severity::Note, Topic::Release, format!("{component} {was} -> {is}"), "");
        let known = catalog.component(component)?;
        let least = |version| known.kubernetes(version).and_then(|range| range.min);
        if let (Some(b), Some(a)) = (least(was), least(is))
            && a > b
        {
            let what = format!("{component} {is} ends itself on a Kubernetes older than {a}; {was} took {b}");
            say(
                Severity::Warning,
                Topic::Kubernetes,
                what,
                "Upgrade the cluster first: `knrender upgrade` says the steps",
            );
        }
        if component == "knative-serving" {
            let (b, a) = ((was.major, was.minor), (is.major, is.minor));
            if b.0 == a.0 && a.1 > b.1 + 1 {
                let what = format!(
                    "Knative goes up one minor version at a time, and {was} -> {is} leaves out {}",
                    a.1 - b.1 - 1
                );
                say(Severity::Error, Topic::Release, what, "`knrender upgrade` says the steps");
            } else if a < b {
                let what = format!("{was} -> {is} goes back, which Knative does not document");
                say(Severity::Warning, Topic::Release, what, "");
            }
        }
    }
    Ok(found)
}

/// Components of the catalog, each with the version that its Deployments are labelled with.
fn releases(objects: &[Placed]) -> BTreeMap<String, Version> {
    let mut found = BTreeMap::new();
    for placed in objects.iter().filter(|placed| placed.identity.kind == "Deployment") {
        let label = |key: &str| placed.head.metadata.get("labels").and_then(|l| l.get(key)).and_then(Value::as_str);
        let version =
            label("app.kubernetes.io/version").map(|v| v.trim_start_matches('v')).and_then(|v| Version::parse(v).ok());
        let component = match (label("app.kubernetes.io/component"), label("app.kubernetes.io/name")) {
            (Some("net-kourier"), _) => "net-kourier",
            (_, Some("knative-serving")) if placed.identity.namespace.as_deref() == Some("knative-serving") => {
                "knative-serving"
            }
            _ => continue,
        };
        if let Some(version) = version {
            found.insert(component.to_owned(), version);
        }
    }
    found
}
