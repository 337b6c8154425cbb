//! What a user's rules leave out and others in the render need: Namespaces with objects in them, and CRDs.

use std::collections::{BTreeMap, BTreeSet};

use crate::embedded;
use crate::ledger::{Deed, Entry, Ledger};
use crate::manifest::document::Document;
use crate::shown::objects;

/// More CRDs than this are counted, not listed.
const LISTED: usize = 3;

/// A warning for each rule that leaves such objects out. They may be in the cluster already, so that it is no error.
pub(super) fn warnings(documents: &[Document], ledger: &Ledger) -> Vec<String> {
    let there: BTreeSet<String> = documents.iter().map(|document| document.identity().to_string()).collect();
    let is_gone = |entry: &&Entry| entry.deed == Deed::LeftOut && !there.contains(&entry.object) && !is_built_in(entry);
    let mut namespaces = Vec::new();
    let mut crds: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for entry in ledger.entries.iter().filter(is_gone) {
        let Some((kind, name)) = entry.object.split_once('/') else { continue };
        let (rule, at) = (entry.reason.rule.as_str(), entry.reason.at.as_str());
        match kind.split('.').next() {
            Some("Namespace") => {
                let inside =
                    documents.iter().filter(|document| document.identity().namespace.as_deref() == Some(name)).count();
                if inside > 0 {
                    namespaces.push(format!(
                        "Rule `{rule}` ({at}) leaves out {}, and {} of this render would be in it: a cluster refuses them until \
                         something else has made it.",
                        entry.object,
                        objects(inside)
                    ));
                }
            }
            Some("CustomResourceDefinition") => crds.entry((rule, at)).or_default().push(name),
            _ => {}
        }
    }
    let of_crds = crds.into_iter().map(|((rule, at), names)| {
        let what = match names.len() {
            1 => format!("the CRD {}", names[0]),
            count if count <= LISTED => format!("the CRDs {}", names.join(", ")),
            count => format!("{count} CRDs ({}, ...)", names[..LISTED].join(", ")),
        };
        format!("Rule `{rule}` ({at}) leaves out {what}: what needs it runs only where something else has brought it.")
    });
    namespaces.into_iter().chain(of_crds).collect()
}

/// Whether one of knrender's own rules did it: what those leave out, nothing needs.
fn is_built_in(entry: &Entry) -> bool {
    let file = entry.reason.at.split(", line").next().unwrap_or_default();
    file == "built in" || embedded::text(file).is_some()
}
