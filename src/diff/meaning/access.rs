//! Rights that grow.

use std::collections::{BTreeMap, BTreeSet};

use crate::value::Value;

use super::{Meaning, Severity, Topic};
use crate::manifest::object::Identity;

/// What a change of a role or of a binding means; rights that shrink are a note.
pub(super) fn of(identity: &Identity, was: Option<&Value>, is: Option<&Value>) -> Vec<Meaning> {
    if identity.group != "rbac.authorization.k8s.io" {
        return Vec::new();
    }
    let say = |severity, what: String| vec![Meaning::new(severity, Topic::Rbac, identity, what)];
    let review = "See whether that is what the release notes say, and who is bound to it";
    if identity.kind.ends_with("Binding") {
        let (old, new) = (subjects(was), subjects(is));
        let more: Vec<_> = new.difference(&old).cloned().collect();
        if more.is_empty() {
            return Vec::new();
        }
        let role = is.and_then(|is| is.pointer("/roleRef/name")).and_then(Value::as_str).unwrap_or_default();
        let found = say(Severity::Warning, format!("{} may do what {role} allows", more.join(", ")));
        return found.into_iter().map(|meaning| meaning.todo(review)).collect();
    }
    let (old, new) = (rights(was), rights(is));
    let more: BTreeSet<_> = new.iter().filter(|right| !old.iter().any(|had| had.covers(right))).cloned().collect();
    let less: BTreeSet<_> = old.iter().filter(|right| !new.iter().any(|has| has.covers(right))).cloned().collect();
    let mut found = Vec::new();
    if !more.is_empty() {
        let meaning = say(Severity::Warning, format!("allows more: {}", grouped(&more)));
        found.extend(meaning.into_iter().map(|meaning| meaning.todo(review)));
    }
    if !less.is_empty() {
        found.extend(say(Severity::Note, format!("allows no longer: {}", grouped(&less))));
    }
    found
}

/// One verb on one resource, or on one path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Right {
    on: String,
    name: String,
    verb: String,
}

impl Right {
    fn covers(&self, other: &Right) -> bool {
        let (group, resource) = self.on.split_once('/').unwrap_or((&self.on, ""));
        let (its_group, its_resource) = other.on.split_once('/').unwrap_or((&other.on, ""));
        let one = |mine: &str, its: &str| mine == "*" || mine == its;
        one(group, its_group)
            && one(resource, its_resource)
            && (self.name.is_empty() || self.name == other.name)
            && one(&self.verb, &other.verb)
    }
}

fn rights(role: Option<&Value>) -> BTreeSet<Right> {
    let mut found = BTreeSet::new();
    for rule in role.and_then(|role| role.get("rules")).and_then(Value::as_array).into_iter().flatten() {
        let list = |key: &str| -> Vec<String> {
            let items = rule.get(key).and_then(Value::as_array).into_iter().flatten();
            items.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let mut on: Vec<String> = Vec::new();
        for group in list("apiGroups") {
            on.extend(list("resources").into_iter().map(|resource| format!("{group}/{resource}")));
        }
        on.extend(list("nonResourceURLs").into_iter().map(|path| format!("path/{path}")));
        let mut names = list("resourceNames");
        if names.is_empty() {
            names.push(String::new());
        }
        for (on, name) in on.iter().flat_map(|on| names.iter().map(move |name| (on, name))) {
            let one = |verb| Right { on: on.clone(), name: name.clone(), verb };
            found.extend(list("verbs").into_iter().map(one));
        }
    }
    found
}

/// `create, delete leases.coordination.k8s.io; get secrets`.
fn grouped(rights: &BTreeSet<Right>) -> String {
    let mut by: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for right in rights {
        let (group, resource) = right.on.split_once('/').unwrap_or((&right.on, ""));
        let on = if group.is_empty() || group == "path" { resource.to_owned() } else { format!("{resource}.{group}") };
        let on = if right.name.is_empty() { on } else { format!("{on} {}", right.name) };
        by.entry(on).or_default().push(&right.verb);
    }
    by.into_iter().map(|(on, verbs)| format!("{} {on}", verbs.join(", "))).collect::<Vec<_>>().join("; ")
}

fn subjects(binding: Option<&Value>) -> BTreeSet<String> {
    let list = binding.and_then(|binding| binding.get("subjects")).and_then(Value::as_array).into_iter().flatten();
    list.map(|subject| {
        let of = |key: &str| subject.get(key).and_then(Value::as_str).unwrap_or_default();
        let namespace = if of("namespace").is_empty() { String::new() } else { format!("{}/", of("namespace")) };
        format!("{} {namespace}{}", of("kind"), of("name"))
    })
    .collect()
}
