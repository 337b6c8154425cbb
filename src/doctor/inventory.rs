//! What `apply.sh` wrote down that it applied: each `ConfigMap` named `knrender-inventory.NAME` beside Knative, as docs/prune.md
//! describes it.

use std::collections::BTreeSet;

use super::kubectl::{Kubectl, listing};
use super::{Finding, Report, Word};
use crate::manifest::object::{Head, Identity};
use crate::value::Value;

const PREFIX: &str = "knrender-inventory.";

/// Groups that kinds moved between: an object is the same in each of them.
const MOVED: [&str; 4] = ["apps", "extensions", "networking.k8s.io", "policy"];

/// An object that was applied.
#[derive(Debug)]
struct Line {
    /// Kind and group in small letters, as kubectl takes them.
    kind: String,
    /// `None`: it has none.
    namespace: Option<String>,
    name: String,
    /// `None`: an apply that did not end may have brought it.
    uid: Option<String>,
}

impl Line {
    /// `None` for what no `apply.sh` writes.
    fn of(text: &str) -> Option<Line> {
        let fits = |word: &str, others: &str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && word.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
        };
        let [kind, namespace, name, uid] = text.split_whitespace().collect::<Vec<_>>()[..] else { return None };
        let some = |word: &str| (word != "-").then(|| word.to_owned());
        (fits(kind, ".-") && (namespace == "-" || fits(namespace, ".-")) && fits(name, ".-_:")).then(|| Line {
            kind: kind.to_owned(),
            namespace: some(namespace),
            name: name.to_owned(),
            uid: some(uid),
        })
    }

    fn is(&self, identity: &Identity) -> bool {
        let (kind, group) = self.kind.split_once('.').unwrap_or((&self.kind, ""));
        let is_moved = |group: &str| MOVED.contains(&group);
        identity.kind.eq_ignore_ascii_case(kind)
            && (identity.group == group || is_moved(group) && is_moved(&identity.group))
            && identity.name == self.name
            && identity.namespace.as_deref().unwrap_or("-") == self.namespace.as_deref().unwrap_or("-")
    }
}

/// The inventories of a cluster.
#[derive(Debug, Default)]
pub(super) struct Inventories {
    /// That of the folder that is looked at.
    own: Vec<Line>,
    /// Those of other renders for the same cluster.
    others: Vec<Line>,
}

impl Inventories {
    /// Adds what is an inventory among some objects. `name` is the one that the folder's `apply.sh` keeps.
    pub(super) fn add(&mut self, live: &[Value], name: &str) {
        for object in live {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
            let is_ours = text("/metadata/labels/app.kubernetes.io~1managed-by") == Some("knrender");
            let inventory = text("/metadata/name").and_then(|name| name.strip_prefix(PREFIX)).filter(|_| is_ours);
            let Some(inventory) = inventory else { continue };
            let lines = text("/data/objects").unwrap_or_default().lines().filter_map(Line::of);
            if inventory == name { self.own.extend(lines) } else { self.others.extend(lines) }
        }
    }

    /// Whether another render for the same cluster brought an object.
    pub(super) fn is_of_another(&self, identity: &Identity) -> bool {
        self.others.iter().any(|line| line.is(identity)) && !self.own.iter().any(|line| line.is(identity))
    }
}

/// Tells what an earlier render brought, this one does not have, and is still the object that was applied.
pub(super) fn left_over(
    report: &mut Report,
    inventories: &Inventories,
    rendered: &BTreeSet<&Identity>,
    folder: &str,
    kubectl: &mut Kubectl,
) {
    let is_there = |line: &&Line| rendered.iter().any(|identity| line.is(identity));
    let gone: Vec<&Line> = inventories.own.iter().filter(|line| line.uid.is_some() && !is_there(line)).collect();
    let places: BTreeSet<_> = gone.iter().map(|line| (line.kind.as_str(), line.namespace.as_deref())).collect();
    kubectl.ask_ahead(&places.iter().map(|(kind, namespace)| listing(kind, *namespace)).collect::<Vec<_>>());
    for (kind, namespace) in places {
        let Some(live) = report.list(kind, namespace, kubectl) else { continue };
        for line in gone.iter().filter(|line| line.kind == kind && line.namespace.as_deref() == namespace) {
            let is_it = |live: &&Value| live.pointer("/metadata/uid").and_then(Value::as_str) == line.uid.as_deref();
            let Some(head) = live.iter().find(is_it).and_then(|live| Head::of(live).ok()) else { continue };
            let more = match head.kind.as_str() {
                "CustomResourceDefinition" => " --prune-crds",
                "Namespace" => " --prune-namespaces",
                _ => "",
            };
            let object = head.identity().to_string();
            report.findings.retain(|known| (known.word, &known.object) != (Word::LeftOver, &object));
            let what = "apply.sh brought it from an earlier render, and this one does not have it";
            let next =
                format!("`sh {folder}/apply.sh --prune{more}` shows what it deletes, and asks; it may cost money");
            report.findings.push(Finding::new(Word::LeftOver, object, what, Some(next)));
        }
    }
}

/// The name of the inventory that the `apply.sh` of a folder keeps, which is the folder's with no more than small letters, digits and
/// dashes.
pub fn name_of(folder: &str) -> String {
    let mut name = String::new();
    for c in folder.chars().map(|c| c.to_ascii_lowercase()) {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let name: String = name.trim_matches('-').chars().take(63).collect();
    if name.is_empty() { "render".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inventory_has_the_folders_name_as_apply_sh_writes_it() {
        assert_eq!(name_of("out"), "out");
        assert_eq!(name_of("Prod_eu--West 1."), "prod-eu-west-1");
        assert_eq!(name_of("__"), "render");
    }

    #[test]
    fn lines_that_no_apply_sh_writes_are_passed_over() {
        assert!(Line::of("clusterrole.rbac.authorization.k8s.io - knative:view 1-2").is_some());
        for bad in ["", "service a b", "--all - a 1", "service --all a 1", "service a --all 1", "service a $(id) 1"] {
            assert!(Line::of(bad).is_none(), "{bad}");
        }
    }
}
