//! Each object once: what stands in two sources with equal content is kept once, and two that differ are an error.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;
use std::sync::Arc;

use crate::ledger::{Deed, Entry, Ledger, Reason};
use crate::manifest::ManifestError;
use crate::manifest::document::Document;

/// Among which documents an object must be one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those of one component: rules may still leave one component's copy out.
    Component,
    /// All of them.
    Render,
}

/// Drops documents that say the same as an earlier one. Two that differ are an error.
pub(super) fn drop(
    documents: Vec<Document>,
    scope: Scope,
    ledger: &mut Ledger,
) -> Result<Vec<Document>, ManifestError> {
    let mut kept: Vec<Document> = Vec::with_capacity(documents.len());
    let mut seen = BTreeMap::new();
    for document in documents {
        let identity = document.identity();
        let component = if scope == Scope::Component { document.component().to_owned() } else { String::new() };
        if identity.name.is_empty() {
            kept.push(document);
            continue;
        }
        match seen.entry((component, identity)) {
            Place::Vacant(place) => {
                place.insert(kept.len());
                kept.push(document);
            }
            Place::Occupied(place) => {
                let first: &Document = &kept[*place.get()];
                if first.value()? != document.value()? {
                    let object = place.key().1.to_string();
                    return Err(ManifestError::Conflict { object, first: first.at(), second: document.at() });
                }
                ledger.entries.push(Entry {
                    object: place.key().1.to_string(),
                    at: document.at(),
                    deed: Deed::LeftOut,
                    reason: Arc::new(Reason {
                        rule: "duplicate".into(),
                        at: "built in".into(),
                        why: format!("The same object, with equal content, stands in {}.", first.at()),
                        see: Vec::new(),
                    }),
                });
            }
        }
    }
    Ok(kept)
}
